using System.Collections.Immutable;
using Akka.Actor;
using Akka.Remote.Wire;
using Akka.Serialization;
using Akka.Util;

namespace Akka.Cluster;

/// <summary>The membership's messages on the wire.</summary>
internal sealed class ClusterMessageSerializer(ExtendedActorSystem system)
    : SerializerWithStringManifest(system)
{
    public const string Reference =
        """

        akka.actor {
          serializers.akka-cluster = "Akka.Cluster.ClusterMessageSerializer, Akka.Cluster"
          serialization-bindings {
            "Akka.Cluster.IClusterMessage, Akka.Cluster" = akka-cluster
            "Akka.Cluster.UniqueAddress, Akka.Cluster" = akka-cluster
          }
        }
        """;

    public override int Identifier => 5;

    public override string Manifest(object o) => o switch
    {
        InitJoin => "IJ",
        InitJoinAck => "IJA",
        InitJoinNack => "IJN",
        Join => "J",
        Welcome => "W",
        Leave => "L",
        Down => "D",
        Heartbeat => "HB",
        HeartbeatRsp => "HBR",
        GossipEnvelope => "GE",
        GossipStatus => "GS",
        GossipVersions => "GV",
        GossipDelta => "GD",
        ExitingConfirmed => "EC",
        UniqueAddress => "UA",
        _ => throw new ArgumentException($"No manifest for [{o.GetType()}]", nameof(o)),
    };

    public override byte[] ToBinary(object obj)
    {
        var writer = new FieldWriter();
        switch (obj)
        {
            case InitJoinAck ack: writer.Address(1, ack.Address); break;
            case InitJoinNack nack: writer.Address(1, nack.Address); break;
            case Join join:
                writer.UniqueAddress(1, join.Node).Text(2, join.AppVersion.Version);
                foreach (var role in join.Roles.Order(StringComparer.Ordinal)) writer.Text(3, role);
                break;
            case Welcome welcome:
                writer.UniqueAddress(1, welcome.From).Nested(2, GossipCodec.Encode(welcome.Gossip));
                break;
            case Leave leave: writer.Address(1, leave.Address); break;
            case Down down: writer.Address(1, down.Address); break;
            case Heartbeat heartbeat:
                writer.Address(1, heartbeat.From).Signed(2, heartbeat.Sequence);
                break;
            case HeartbeatRsp answer:
                writer.UniqueAddress(1, answer.From).Signed(2, answer.Sequence);
                break;
            case GossipEnvelope envelope:
                writer.UniqueAddress(1, envelope.From).UniqueAddress(2, envelope.To)
                    .Nested(3, GossipCodec.Encode(envelope.Gossip));
                break;
            case GossipStatus status:
                writer.UniqueAddress(1, status.From)
                    .Nested(2, GossipCodec.EncodeClock(status.Version));
                break;
            case GossipVersions versions: return GossipChangeCodec.Encode(versions);
            case GossipDelta delta: return GossipChangeCodec.Encode(delta);
            case ExitingConfirmed confirmed: writer.UniqueAddress(1, confirmed.Node); break;
            case UniqueAddress node: writer.UniqueAddress(1, node); break;
        }

        return writer.ToArray();
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (manifest == "GV")
            return GossipChangeCodec.DecodeVersions(bytes) ?? throw Malformed(manifest);
        if (manifest == "GD")
            return GossipChangeCodec.DecodeDelta(bytes) ?? throw Malformed(manifest);
        var fields = Read(bytes, manifest);
        return manifest switch
        {
            "IJ" => new InitJoin(),
            "IJA" => new InitJoinAck(fields.Address!),
            "IJN" => new InitJoinNack(fields.Address!),
            "J" => new Join(fields.Node!, fields.Roles, AppVersion.Create(fields.Version)),
            "W" => new Welcome(fields.Node!, fields.Gossip!),
            "L" => new Leave(fields.Address!),
            "D" => new Down(fields.Address!),
            "HB" => new Heartbeat(fields.Address!, fields.Number),
            "HBR" => new HeartbeatRsp(fields.Node!, fields.Number),
            "GE" => new GossipEnvelope(fields.Node!, fields.To!, fields.Gossip!),
            "GS" => new GossipStatus(fields.Node!, fields.Clock!),
            "EC" => new ExitingConfirmed(fields.Node!),
            "UA" => fields.Node!,
            _ => throw new SerializationException($"Unknown manifest \"{manifest}\""),
        };
    }

    private sealed class Fields
    {
        public Address? Address;
        public UniqueAddress? Node;
        public UniqueAddress? To;
        public Gossip? Gossip;
        public VectorClock? Clock;
        public string Version = "0.0.0";
        public ImmutableHashSet<string> Roles = [];
        public long Number;
    }

    /// <summary>Reads and proves that what the manifest needs is there.</summary>
    private static Fields Read(byte[] bytes, string manifest)
    {
        var fields = new Fields();
        var hasAddress = manifest is "IJA" or "IJN" or "L" or "D" or "HB";
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1 when hasAddress:
                    if (reader.TryAddress(out var address)) fields.Address = address;
                    break;
                case 1:
                    if (reader.TryUniqueAddress(out var node)) fields.Node = node;
                    break;
                case 2 when manifest == "J": fields.Version = reader.Text; break;
                case 2 when manifest is "HB" or "HBR": fields.Number = reader.Signed; break;
                case 2 when manifest == "W":
                    fields.Gossip =
                    GossipCodec.Decode(reader.Bytes); break;
                case 2 when manifest == "GS":
                    fields.Clock =
                    GossipCodec.DecodeClock(reader.Bytes); break;
                case 2 when manifest == "GE":
                    if (reader.TryUniqueAddress(out var to)) fields.To = to;
                    break;
                case 3 when manifest == "J" && fields.Roles.Count < WireLimits.RoleCountMax:
                    fields.Roles = fields.Roles.Add(reader.Text);
                    break;
                case 3 when manifest == "GE":
                    fields.Gossip =
                    GossipCodec.Decode(reader.Bytes); break;
                default: reader.Unknown(); break;
            }
        }

        var isComplete = manifest == "IJ" || (hasAddress
            ? fields.Address is not null
            : fields.Node is not null
                && (manifest is not ("W" or "GE") || fields.Gossip is not null)
                && (manifest != "GE" || fields.To is not null)
                && (manifest != "GS" || fields.Clock is not null));
        return isComplete && !reader.IsMalformed ? fields : throw Malformed(manifest);
    }

    private static SerializationException Malformed(string manifest)
    {
        WireCounters.MalformedMessages.Increment();
        return new SerializationException($"Malformed cluster message \"{manifest}\"");
    }
}
