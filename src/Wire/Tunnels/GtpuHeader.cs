using System.Buffers.Binary;
using System.Diagnostics;

namespace Fabric.Wire;

/// <summary>A GTP-U header, 3GPP TS 29.281 section 5.1: a view over bytes, never a copy.</summary>
/// <remarks><code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-----+-+-+-+-+-+---------------+-------------------------------+
/// | Ver |T|*|E|S|N| Message type  |    Length (after 8 bytes)     |
/// +-----+-+-+-+-+-+---------------+-------------------------------+
/// |              Tunnel Endpoint Identifier (TEID)                |
/// +-------------------------------+---------------+---------------+
/// |  Sequence number (if E|S|N)   | N-PDU number  | Next ext type |
/// +-------------------------------+---------------+---------------+
/// </code></remarks>
public readonly ref struct GtpuHeader
{
    public const int SizeMin = 8;
    public const byte UserData = 255;

    private const byte FlagsPlain = 0x30; // Version 1, GTP (not GTP prime).

    private readonly ReadOnlySpan<byte> _bytes;

    private GtpuHeader(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public byte Flags => _bytes[Field.Flags];
    public byte MessageType => _bytes[Field.MessageType];
    public uint Teid => BinaryPrimitives.ReadUInt32BigEndian(_bytes[Field.Teid..]);

    /// <summary>
    /// Splits 'packet' into header (with its extensions) and the IP packet inside.
    /// </summary>
    public static bool TryParse(
        ReadOnlySpan<byte> packet, out GtpuHeader header, out ReadOnlySpan<byte> payload,
        out DropReason reason)
    {
        header = default;
        payload = default;
        reason = DropReason.GtpuTruncated;
        if (packet.Length < SizeMin) return false;

        var flags = packet[Field.Flags];
        if ((flags & 0xF0) != FlagsPlain || packet[Field.MessageType] != UserData)
        {
            reason = DropReason.GtpuMessage;
            return false;
        }

        var end = SizeMin + BinaryPrimitives.ReadUInt16BigEndian(packet[Field.Length..]);
        if (end > packet.Length) return false;

        var size = SizeMin;
        if ((flags & 0x07) != 0)
        {
            size += 4;
            if (size > end) return false;
            var hasExtension = (flags & 0x04) != 0;
            while (hasExtension && packet[size - 1] != 0)
            {
                // Each extension says its length in units of four bytes, and ends in the next type.
                if (size >= end) return false;
                var length = packet[size] * 4;
                if (length == 0 || size + length > end) return false;
                size += length;
            }
        }

        header = new GtpuHeader(packet[..size]);
        payload = packet[size..end];
        reason = DropReason.None;
        return true;
    }

    /// <summary>Writes a user data header.</summary>
    /// <param name="length">Bytes of the IP packet that follows.</param>
    public static void Write(Span<byte> headroom, uint teid, int length)
    {
        Debug.Assert(headroom.Length == SizeMin);
        headroom[Field.Flags] = FlagsPlain;
        headroom[Field.MessageType] = UserData;
        BinaryPrimitives.WriteUInt16BigEndian(headroom[Field.Length..], (ushort)length);
        BinaryPrimitives.WriteUInt32BigEndian(headroom[Field.Teid..], teid);
    }

    private static class Field
    {
        public const int Flags = 0;
        public const int MessageType = 1;
        public const int Length = 2;
        public const int Teid = 4;
    }
}
