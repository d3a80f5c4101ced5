#nullable disable
using Akka.Actor;
using Akka.Remote.Wire;
using Akka.Serialization;

namespace Akka.Remote;

/// <summary>A failure that happened in another system; only its text came over.</summary>
public sealed class RemoteFailureException(string typeName, string message)
    : AkkaException($"{typeName}: {message}")
{
    public string TypeName { get; } = typeName;
}

/// <summary>The runtime's own messages between actors of different systems.</summary>
internal sealed class MiscMessageSerializer(ExtendedActorSystem system)
    : SerializerWithStringManifest(system)
{
    public const string Reference =
        """

        akka.actor {
          serializers.akka-misc = "Akka.Remote.MiscMessageSerializer, Akka.Remote"
          serialization-bindings {
            "Akka.Actor.PoisonPill, Akka" = akka-misc
            "Akka.Actor.Kill, Akka" = akka-misc
            "Akka.Actor.Identify, Akka" = akka-misc
            "Akka.Actor.ActorIdentity, Akka" = akka-misc
            "Akka.Actor.Status+Success, Akka" = akka-misc
            "Akka.Actor.Status+Failure, Akka" = akka-misc
            "Akka.Actor.ActorSelectionMessage, Akka" = akka-misc
            "Akka.Actor.IActorRef, Akka" = akka-misc
            "Akka.Actor.Address, Akka" = akka-misc
            "Akka.Remote.RemoteHeartbeat, Akka.Remote" = akka-misc
            "Akka.Remote.RemoteHeartbeatRsp, Akka.Remote" = akka-misc
          }
        }
        """;

    private const int ElementCountMax = 256;

    public override int Identifier => 16;

    public override string Manifest(object o) => o switch
    {
        PoisonPill => "P",
        Kill => "K",
        Identify => "A",
        ActorIdentity => "B",
        Status.Success => "SS",
        Status.Failure => "SF",
        ActorSelectionMessage => "SEL",
        IActorRef => "R",
        Address => "AD",
        RemoteHeartbeat => "HB",
        RemoteHeartbeatRsp => "HR",
        _ => throw new ArgumentException($"No manifest for [{o.GetType()}]", nameof(o)),
    };

    public override byte[] ToBinary(object obj)
    {
        var writer = new FieldWriter();
        switch (obj)
        {
            case Identify identify:
                Payload.Write(writer, 1, identify.MessageId, system);
                break;
            case ActorIdentity identity:
                Payload.Write(writer, 1, identity.MessageId, system);
                writer.Text(2, PathOf(identity.Subject));
                break;
            case Status.Success success:
                Payload.Write(writer, 1, success.Status, system);
                break;
            case Status.Failure failure:
                writer.Text(1, failure.Cause.GetType().FullName).Text(2, failure.Cause.Message);
                break;
            case ActorSelectionMessage selection:
                Payload.Write(writer, 1, selection.Message, system);
                foreach (var element in selection.Elements) writer.Text(2, element);
                break;
            case IActorRef actor:
                writer.Text(1, PathOf(actor));
                break;
            case Address address:
                writer.Address(1, address);
                break;
            case RemoteHeartbeatRsp answer:
                writer.Signed(1, answer.Uid);
                break;
        }

        return writer.ToArray();
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        object payload = null;
        var texts = new List<string>();
        var (first, number) = ("", 0L);
        var isPayloadFirst = manifest is "A" or "B" or "SS" or "SEL";
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1 && isPayloadFirst) payload = Payload.Read(reader.Bytes, system);
            else if (reader.Field == 1 && manifest == "HR") number = reader.Signed;
            else if (reader.Field == 1) first = reader.Text;
            else if (reader.Field == 2 && texts.Count < ElementCountMax) texts.Add(reader.Text);
            else reader.Unknown();
        }

        if (reader.IsMalformed) throw new SerializationException(
            $"Malformed message \"{manifest}\"");
        return manifest switch
        {
            "P" => PoisonPill.Instance,
            "K" => Kill.Instance,
            "A" => new Identify(payload),
            "B" => new ActorIdentity(payload, texts.Count == 0 ? null : RefOf(texts[0])),
            "SS" => new Status.Success(payload),
            "SF" => new Status.Failure(
                new RemoteFailureException(first, texts.Count == 0 ? "" : texts[0])),
            "SEL" => new ActorSelectionMessage(payload, [.. texts]),
            "R" => RefOf(first),
            "AD" => Address.TryParse(first, out var address)
                ? address
                : throw new SerializationException("Malformed address"),
            "HB" => RemoteHeartbeat.Instance,
            "HR" => new RemoteHeartbeatRsp(unchecked((int)number)),
            _ => throw new SerializationException($"Unknown manifest \"{manifest}\""),
        };
    }

    private static string PathOf(IActorRef actor) =>
        actor.IsNobody() ? null : Akka.Serialization.Serialization.SerializedActorPath(actor);

    private IActorRef RefOf(string path) =>
        path.Length == 0 ? ActorRefs.Nobody : system.Provider.ResolveActorRef(path);
}

/// <summary>A message inside a message, with the serializer that it needs.</summary>
internal static class Payload
{
    /// <summary>Null is left out.</summary>
    public static void Write(FieldWriter writer, int field, object payload, ActorSystem system)
    {
        if (payload is null) return;
        writer.Nested(field, Encode(payload, system));
    }

    public static FieldWriter Encode(object payload, ActorSystem system)
    {
        var serializer = system.Serialization.FindSerializerFor(payload);
        var manifest = Akka.Serialization.Serialization.ManifestFor(serializer, payload);
        var bytes = serializer.ToBinary(payload);
        var inner = new FieldWriter(bytes.Length + 32).Signed(1, serializer.Identifier);
        if (!string.IsNullOrEmpty(manifest)) inner.Text(2, manifest);
        return inner.Bytes(3, bytes);
    }

    /// <exception cref="SerializationException">Malformed, or no serializer knows it.</exception>
    public static object Read(ReadOnlySpan<byte> bytes, ActorSystem system)
    {
        var (identifier, manifest) = (0, "");
        byte[] payload = [];
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) identifier = reader.SignedInt32;
            else if (reader.Field == 2) manifest = reader.Text;
            else if (reader.Field == 3) payload = reader.Bytes.ToArray();
            else reader.Unknown();
        }

        if (reader.IsMalformed) throw new SerializationException("Malformed payload");
        return system.Serialization.Deserialize(payload, identifier, manifest);
    }
}
