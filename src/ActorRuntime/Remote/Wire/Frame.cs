using Akka.Actor;
using Akka.Cluster;

namespace Akka.Remote.Wire;

/// <summary>First byte of every frame; the rest are numbered fields.</summary>
internal enum FrameKind : byte
{
    /// <summary>The first frame of a connection: who calls, whom it wants.</summary>
    Hello = 1,

    /// <summary>The answer: who was reached.</summary>
    Welcome = 2,

    /// <summary>The other answer; the connection ends.</summary>
    Refused = 3,

    Message = 4,

    /// <summary>
    /// A message that must arrive: numbered, acknowledged, sent again after a break.
    /// </summary>
    SystemMessage = 5,

    /// <summary>Acknowledges system messages up to a number.</summary>
    Ack = 6,
}

/// <summary>A message with where it goes, as it stands in a frame.</summary>
internal readonly record struct RemoteMessage(
    string Recipient, string Sender, int SerializerId, string Manifest, byte[] Payload,
        long Sequence);

/// <summary>Writes and reads frames.</summary>
internal static class Frame
{
    public const int VersionNow = 1;

    public const string ReasonQuarantined = "quarantined";
    public const string ReasonWrongAddress = "wrong-address";

    public static byte[] Hello(UniqueAddress self, Address wanted) => Of(
        FrameKind.Hello,
        new FieldWriter().UniqueAddress(1, self).Address(2, wanted).Unsigned(3, VersionNow));

    public static byte[] Welcome(UniqueAddress self) =>
        Of(FrameKind.Welcome, new FieldWriter().UniqueAddress(1, self));

    public static byte[] Refused(string reason) =>
        Of(FrameKind.Refused, new FieldWriter().Text(1, reason));

    public static byte[] Ack(long sequence) =>
        Of(FrameKind.Ack, new FieldWriter(16).Signed(1, sequence));

    /// <param name="recipient">Path without address: it is an actor of the receiver.</param>
    /// <param name="sender">Without address if it is the sending system's; null: nobody.</param>
    public static byte[] Message(
        string recipient, string? sender, int serializerId, string manifest, byte[] payload,
        long sequence = 0)
    {
        var writer = new FieldWriter(payload.Length + 160)
            .Text(1, recipient).Text(2, sender).Signed(3, serializerId);
        if (manifest.Length > 0) writer.Text(4, manifest);
        writer.Bytes(5, payload);
        if (sequence > 0) writer.Signed(6, sequence);
        return Of(sequence > 0 ? FrameKind.SystemMessage : FrameKind.Message, writer);
    }

    public static bool TryReadHello(
        ReadOnlySpan<byte> fields, out UniqueAddress caller, out Address wanted)
    {
        UniqueAddress? from = null;
        Address? to = null;
        var reader = new FieldReader(fields);
        while (reader.Next())
        {
            if (reader.Field == 1 && reader.TryUniqueAddress(out var node)) from = node;
            else if (reader.Field == 2 && reader.TryAddress(out var address)) to = address;
            else if (reader.Field > 3) reader.Unknown();
        }

        caller = from!;
        wanted = to!;
        return from is not null && to is not null && !reader.IsMalformed;
    }

    public static bool TryReadWelcome(ReadOnlySpan<byte> fields, out UniqueAddress callee)
    {
        UniqueAddress? found = null;
        var reader = new FieldReader(fields);
        while (reader.Next())
        {
            if (reader.Field == 1 && reader.TryUniqueAddress(out var node)) found = node;
            else reader.Unknown();
        }

        callee = found!;
        return found is not null && !reader.IsMalformed;
    }

    public static string ReadRefused(ReadOnlySpan<byte> fields)
    {
        var reason = "";
        var reader = new FieldReader(fields);
        while (reader.Next())
        {
            if (reader.Field == 1 && reader.Bytes.Length < 256) reason = reader.Text;
        }

        return reason;
    }

    public static long ReadAck(ReadOnlySpan<byte> fields)
    {
        var sequence = 0L;
        var reader = new FieldReader(fields);
        while (reader.Next())
        {
            if (reader.Field == 1) sequence = reader.Signed;
        }

        return sequence;
    }

    public static bool TryReadMessage(ReadOnlySpan<byte> fields, out RemoteMessage message)
    {
        var (recipient, sender, manifest) = ("", "", "");
        var (serializerId, sequence) = (0, 0L);
        byte[]? payload = null;
        var reader = new FieldReader(fields);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1 when reader.Bytes.Length <= WireLimits.PathSizeMax:
                    recipient = reader.Name;
                    break;
                case 2 when reader.Bytes.Length <= WireLimits.PathSizeMax:
                    sender = ReadSender(reader);
                    break;
                case 3: serializerId = reader.SignedInt32; break;
                case 4: manifest = reader.Name; break;
                case 5: payload = reader.Bytes.ToArray(); break;
                case 6: sequence = reader.Signed; break;
                default: reader.Unknown(); break;
            }
        }

        message = new RemoteMessage(
            recipient, sender, serializerId, manifest, payload ?? [], sequence);
        return recipient.Length > 0 && payload is not null && !reader.IsMalformed;
    }

    /// <summary>Who asks once and is gone is not remembered.</summary>
    private static string ReadSender(in FieldReader reader) =>
        reader.Bytes.StartsWith("/temp/"u8) ? reader.Text : reader.Name;

    private static byte[] Of(FrameKind kind, FieldWriter fields)
    {
        var frame = new byte[1 + fields.Size];
        frame[0] = (byte)kind;
        fields.Written.CopyTo(frame.AsSpan(1));
        return frame;
    }
}
