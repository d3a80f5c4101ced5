using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>Domain names on the wire (RFC 1035 3.1).</summary>
internal static class DnsNames
{
    private const int NameLengthMax = 255;

    /// <summary>
    /// Labels with their lengths, ended by an empty one; empty when a label is too long.
    /// </summary>
    public static byte[] Encode(string name)
    {
        var bytes = new List<byte>();
        foreach (var label in name.Trim().Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            var text = Encoding.ASCII.GetBytes(label);
            if (text.Length > 63) return [];
            bytes.Add((byte)text.Length);
            bytes.AddRange(text);
        }

        bytes.Add(0);
        return [.. bytes];
    }

    /// <summary>Reads an uncompressed name; 'size' is what it took.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out string name, out int size)
    {
        var text = new StringBuilder();
        (name, size) = ("", 0);
        while (size < bytes.Length && bytes[size] != 0)
        {
            int length = bytes[size];
            if (length > 63 || size + 1 + length >= bytes.Length || text.Length > NameLengthMax)
                return false;
            if (text.Length > 0) text.Append('.');
            text.Append(Encoding.ASCII.GetString(bytes.Slice(size + 1, length)));
            size += 1 + length;
        }

        if (size >= bytes.Length) return false;
        size++;
        name = text.ToString().ToLowerInvariant();
        return true;
    }
}

/// <summary>
/// DNS (RFC 1035): answers A, AAAA and PTR questions about names of the northbound.
/// </summary>
internal static class DnsAnswer
{
    private const int HeaderSize = 12;
    private const ushort TypeA = 1, TypePtr = 12, TypeAaaa = 28, TypeAny = 255, ClassInternet = 1;
    private const uint TimeToLiveSeconds = 3600;

    /// <summary>The answer's packet, or null: somebody else knows.</summary>
    public static byte[]? Make(
        PuntedPacket packet, ImmutableSortedDictionary<string, string> records)
    {
        var query = packet.UdpData;
        if (query.Length < HeaderSize || (query[2] & 0xf8) != 0)
            return null; // Standard query only.
        if (BinaryPrimitives.ReadUInt16BigEndian(query[4..]) != 1) return null;
        if (!DnsNames.TryRead(query[HeaderSize..], out var name, out var size)) return null;
        var after = HeaderSize + size;
        if (query.Length < after + 4) return null;
        var type = BinaryPrimitives.ReadUInt16BigEndian(query[after..]);
        if (BinaryPrimitives.ReadUInt16BigEndian(query[(after + 2)..]) != ClassInternet)
            return null;
        if (!records.TryGetValue(name, out var text)) return null;

        var answers = AnswersOf(type, text);
        if (answers is null) return null;
        var body = new List<byte>(query[..(after + 4)].ToArray());
        (body[2], body[3]) = ((byte)(0x84 | (query[2] & 1)), 0); // Response, authoritative.
        (body[6], body[7]) = ((byte)(answers.Count >> 8), (byte)answers.Count);
        for (var i = 8; i < HeaderSize; i++) body[i] = 0;
        foreach (var (answerType, data) in answers) AddAnswer(body, answerType, data);

        var key = PacketAnswers.Turned(in packet.KeyRef);
        (key.PortSourceWire, key.PortDestinationWire) =
            (key.PortDestinationWire, key.PortSourceWire);
        return PacketAnswers.Udp(in key, body.ToArray());
    }

    private static List<(ushort Type, byte[] Data)>? AnswersOf(ushort type, string text)
    {
        if (type == TypePtr) return [(TypePtr, DnsNames.Encode(text))];
        if (type is not (TypeA or TypeAaaa or TypeAny)) return null;
        var answers = new List<(ushort, byte[])>();
        foreach (var word in text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            if (!IpPrefix.TryParse(word, out var ip)) continue;
            var answerType = ip.IsIpv6 ? TypeAaaa : TypeA;
            if (type == TypeAny || type == answerType)
                answers.Add((answerType, ip.ToAddress().GetAddressBytes()));
        }

        return answers;
    }

    private static void AddAnswer(List<byte> body, ushort type, byte[] data)
    {
        body.AddRange([0xc0, HeaderSize]); // The question's name.
        body.AddRange([(byte)(type >> 8), (byte)type, 0, (byte)ClassInternet]);
        Span<byte> ttl = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(ttl, TimeToLiveSeconds);
        body.AddRange(ttl);
        body.AddRange([(byte)(data.Length >> 8), (byte)data.Length]);
        body.AddRange(data);
    }
}
