using System.Buffers.Binary;
using System.Diagnostics;

namespace Fabric.Wire;

/// <summary>An STT frame header, draft-davie-stt-08 section 3.1: a view, never a copy.</summary>
/// <remarks><code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+---------------+---------------+
/// |    Version    |     Flags     |   L4 offset   |   Reserved    |
/// +---------------+---------------+-----+-+-------+---------------+
/// |    Max. segment size          | PCP |V|        VLAN ID        |
/// +-------------------------------+-----+-+-----------------------+
/// |                                                               |
/// +                    Context identifier (64 bits)               +
/// |                                                               |
/// +-------------------------------+-------------------------------+
/// |            Padding            |
/// </code>
/// It stands once at the start of a frame of up to 64 KiB, which travels in segments that look
/// like TCP's: <see cref="SttSegment"/>.
/// </remarks>
public readonly ref struct SttHeader
{
    public const int Size = 18;
    public const byte FlagChecksumVerified = 0x01;
    public const byte FlagChecksumPartial = 0x02;
    public const byte FlagIpv4 = 0x04;
    public const byte FlagTcp = 0x08;

    /// <summary>"There is a tag" in <see cref="VlanTci"/>.</summary>
    public const ushort VlanPresent = 0x1000;

    private readonly ReadOnlySpan<byte> _bytes;

    private SttHeader(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public bool IsChecksumVerified => (_bytes[Field.Flags] & FlagChecksumVerified) != 0;
    public bool IsChecksumPartial => (_bytes[Field.Flags] & FlagChecksumPartial) != 0;
    public bool IsIpv4 => (_bytes[Field.Flags] & FlagIpv4) != 0;
    public bool IsTcp => (_bytes[Field.Flags] & FlagTcp) != 0;

    /// <summary>Of the transport header, from the start of the inner frame.</summary>
    public byte TransportOffset => _bytes[Field.TransportOffset];

    /// <summary>0 when the frame is no super-packet.</summary>
    public ushort SegmentSize => BinaryPrimitives.ReadUInt16BigEndian(_bytes[Field.SegmentSize..]);

    /// <summary>PCP, "there is a tag" (0x1000) and VLAN id.</summary>
    public ushort VlanTci => BinaryPrimitives.ReadUInt16BigEndian(_bytes[Field.Vlan..]);
    public ulong ContextId => BinaryPrimitives.ReadUInt64BigEndian(_bytes[Field.Context..]);

    public static bool TryParse(
        ReadOnlySpan<byte> frame, out SttHeader header, out ReadOnlySpan<byte> payload,
        out DropReason reason)
    {
        header = default;
        payload = default;
        reason = DropReason.SttTruncated;
        if (frame.Length < Size || frame[Field.Version] != 0) return false;

        header = new SttHeader(frame[..Size]);
        payload = frame[Size..];
        reason = DropReason.None;
        return true;
    }

    public static void Write(
        Span<byte> headroom, ulong contextId, byte flags, byte transportOffset,
        ushort segmentSize, ushort vlanTci)
    {
        Debug.Assert(headroom.Length == Size);
        headroom.Clear();
        headroom[Field.Flags] = flags;
        headroom[Field.TransportOffset] = transportOffset;
        BinaryPrimitives.WriteUInt16BigEndian(headroom[Field.SegmentSize..], segmentSize);
        BinaryPrimitives.WriteUInt16BigEndian(headroom[Field.Vlan..], vlanTci);
        BinaryPrimitives.WriteUInt64BigEndian(headroom[Field.Context..], contextId);
    }

    private static class Field
    {
        public const int Version = 0;
        public const int Flags = 1;
        public const int TransportOffset = 2;
        public const int SegmentSize = 4;
        public const int Vlan = 6;
        public const int Context = 8;
    }
}

/// <summary>The TCP-like header of an STT segment, draft-davie-stt-08 section 3.2.</summary>
/// <remarks>
/// Laid out as TCP's (RFC 9293) without options; the sequence number holds the frame's length
/// (high 16 bits) and this segment's offset in it, the acknowledgement number the frame's id.
/// </remarks>
public readonly ref struct SttSegment
{
    public const int Size = 20;

    private readonly ReadOnlySpan<byte> _bytes;

    private SttSegment(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public ushort PortSource => BinaryPrimitives.ReadUInt16BigEndian(_bytes);
    public ushort PortDestination => BinaryPrimitives.ReadUInt16BigEndian(_bytes[2..]);

    /// <summary>Of the whole frame, STT header included.</summary>
    public ushort FrameSize => BinaryPrimitives.ReadUInt16BigEndian(_bytes[4..]);
    public ushort Offset => BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]);
    public uint FrameId => BinaryPrimitives.ReadUInt32BigEndian(_bytes[8..]);

    /// <summary>Writes a header whose checksum is zero; data follow it.</summary>
    /// <param name="frameSize">STT header and inner packet.</param>
    /// <param name="offset">Of this segment's data in the frame.</param>
    public static void Write(
        Span<byte> headroom, ushort portSource, ushort portDestination, ushort frameSize,
        ushort offset, uint frameId)
    {
        Debug.Assert(headroom.Length == Size);
        headroom.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(headroom, portSource);
        BinaryPrimitives.WriteUInt16BigEndian(headroom[2..], portDestination);
        BinaryPrimitives.WriteUInt16BigEndian(headroom[4..], frameSize);
        BinaryPrimitives.WriteUInt16BigEndian(headroom[6..], offset);
        BinaryPrimitives.WriteUInt32BigEndian(headroom[8..], frameId);
        headroom[12] = (Size / 4) << 4;
        headroom[13] = 0x18; // ACK and PSH, as if in the middle of a connection.
        BinaryPrimitives.WriteUInt16BigEndian(headroom[14..], ushort.MaxValue);
    }

    /// <summary>False when cut, or when the data do not lie within the frame.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> packet, out SttSegment segment, out ReadOnlySpan<byte> payload,
        out DropReason reason)
    {
        segment = default;
        payload = default;
        reason = DropReason.SttTruncated;
        if (packet.Length < Size) return false;
        var size = (packet[12] >> 4) * 4;
        if (size < Size || packet.Length < size) return false;

        segment = new SttSegment(packet[..Size]);
        payload = packet[size..];
        if (segment.Offset + payload.Length <= segment.FrameSize)
        {
            reason = DropReason.None;
            return true;
        }

        reason = DropReason.SttReassembly;
        return false;
    }
}
