using System.Buffers.Binary;
using System.Diagnostics;

namespace Fabric.Wire;

/// <summary>An ERSPAN header, draft-foschiano-erspan-03: what follows GRE's.</summary>
/// <remarks><code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------+-----------------------+-----+---+-+-------------------+
/// |  Ver  |          VLAN         | COS |En |T|    Session ID     |
/// +-------+-----------------------+-----+---+-+-------------------+
/// |  Version 1 (type II):  Reserved (12), Index (20)              |
/// +---------------------------------------------------------------+
/// |  Version 2 (type III): Timestamp                              |
/// +-------------------------------+-+---------+-----------+-+---+-+
/// |             SGT               |P|    FT   |   Hw ID   |D|Gra|O|
/// +-------------------------------+-+---------+-----------+-+---+-+
/// |  Platform specific, 8 bytes, if O                             |
/// </code></remarks>
public readonly ref struct ErspanHeader
{
    public const int Version1Size = 8;
    public const int Version2Size = 12;
    public const int TimestampOffset = 4;
    private const int PlatformSize = 8;

    private readonly ReadOnlySpan<byte> _bytes;

    private ErspanHeader(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>1 or 2.</summary>
    public byte Version => (byte)(_bytes[0] >> 4);

    /// <summary>Ten bits.</summary>
    public ushort SessionId =>
        (ushort)(BinaryPrimitives.ReadUInt16BigEndian(_bytes[2..]) & 0x3FF);

    /// <summary>Version 1: twenty bits; else 0.</summary>
    public uint Index => Version == 1
        ? BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]) & 0xFFFFF
        : 0;

    /// <summary>Version 2: 0 ingress, 1 egress.</summary>
    public byte Direction => Version == 2 ? (byte)((_bytes[11] >> 3) & 1) : (byte)0;

    /// <summary>Version 2: six bits.</summary>
    public byte HardwareId => Version == 2
        ? (byte)((BinaryPrimitives.ReadUInt16BigEndian(_bytes[10..]) >> 4) & 0x3F)
        : (byte)0;

    public static bool TryParse(
        ReadOnlySpan<byte> packet, out ErspanHeader header, out ReadOnlySpan<byte> payload,
        out DropReason reason)
    {
        header = default;
        payload = default;
        if (packet.Length < Version1Size)
        {
            reason = DropReason.ErspanTruncated;
            return false;
        }

        var version = packet[0] >> 4;
        if (version is not (1 or 2))
        {
            reason = DropReason.ErspanVersion;
            return false;
        }

        var size = version == 1 ? Version1Size : Version2Size;
        if (version == 2 && packet.Length >= size && (packet[11] & 1) != 0) size += PlatformSize;
        if (packet.Length < size)
        {
            reason = DropReason.ErspanTruncated;
            return false;
        }

        header = new ErspanHeader(packet[..size]);
        payload = packet[size..];
        reason = DropReason.None;
        return true;
    }

    /// <summary>Writes a version 1 header of <see cref="Version1Size"/> bytes.</summary>
    public static void Write(Span<byte> headroom, ushort sessionId, uint index)
    {
        Debug.Assert(headroom.Length == Version1Size);
        headroom.Clear();
        headroom[0] = 1 << 4;
        const int OriginalFrame = 3 << 11; // "En": the frame is as it was.
        BinaryPrimitives.WriteUInt16BigEndian(
            headroom[2..], (ushort)(OriginalFrame | (sessionId & 0x3FF)));
        BinaryPrimitives.WriteUInt32BigEndian(headroom[4..], index & 0xFFFFF);
    }

    /// <summary>Writes a version 2 header of <see cref="Version2Size"/> bytes.</summary>
    /// <param name="timestamp">Units of 100 microseconds.</param>
    public static void Write(
        Span<byte> headroom, ushort sessionId, uint timestamp, byte direction, byte hardwareId)
    {
        Debug.Assert(headroom.Length == Version2Size);
        headroom.Clear();
        headroom[0] = 2 << 4;
        BinaryPrimitives.WriteUInt16BigEndian(headroom[2..], (ushort)(sessionId & 0x3FF));
        BinaryPrimitives.WriteUInt32BigEndian(headroom[4..], timestamp);
        var last = ((hardwareId & 0x3F) << 4) | ((direction & 1) << 3);
        BinaryPrimitives.WriteUInt16BigEndian(headroom[10..], (ushort)last);
    }
}
