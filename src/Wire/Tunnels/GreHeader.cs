using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Fabric.Wire;

/// <summary>A GRE header, RFC 2784 and RFC 2890: a view over bytes, never a copy.</summary>
/// <remarks><code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-----------------+-----+-------------------------------+
/// |C|R|K|S|    Reserved     | Ver |         Protocol Type         |
/// +-+-+-+-+-----------------+-----+-------------------------------+
/// |      Checksum (if C)          |      Reserved (if C)          |
/// +-------------------------------+-------------------------------+
/// |                         Key (if K)                            |
/// +---------------------------------------------------------------+
/// |                   Sequence number (if S)                      |
/// +---------------------------------------------------------------+
/// </code></remarks>
public readonly ref struct GreHeader
{
    public const int SizeMin = 4;
    public const int SizeMax = 16;

    // Bits of the first byte.
    public const byte ChecksumBit = FlagChecksum >> 8;
    public const byte KeyBit = FlagKey >> 8;
    public const byte SequenceBit = FlagSequence >> 8;

    private const ushort FlagChecksum = 0x8000;
    private const ushort FlagRouting = 0x4000;
    private const ushort FlagKey = 0x2000;
    private const ushort FlagSequence = 0x1000;
    private const ushort VersionMask = 0x0007;

    private readonly ReadOnlySpan<byte> _bytes;

    private GreHeader(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public bool HasChecksum => (Flags & FlagChecksum) != 0;
    public bool HasKey => (Flags & FlagKey) != 0;
    public bool HasSequence => (Flags & FlagSequence) != 0;
    public ushort ProtocolType => BinaryPrimitives.ReadUInt16BigEndian(_bytes[Field.Protocol..]);

    /// <summary>0 when there is none.</summary>
    public uint Key => HasKey
        ? BinaryPrimitives.ReadUInt32BigEndian(_bytes[(HasChecksum ? 8 : 4)..])
        : 0;

    /// <summary>0 when there is none.</summary>
    public uint Sequence => HasSequence ? BinaryPrimitives.ReadUInt32BigEndian(_bytes[^4..]) : 0;

    private ushort Flags => BinaryPrimitives.ReadUInt16BigEndian(_bytes);

    /// <summary>
    /// Splits 'packet' into header and payload; proves the checksum when there is one.
    /// </summary>
    public static bool TryParse(
        ReadOnlySpan<byte> packet, out GreHeader header, out ReadOnlySpan<byte> payload,
        out DropReason reason)
    {
        header = default;
        payload = default;
        if (packet.Length < SizeMin)
        {
            reason = DropReason.GreTruncated;
            return false;
        }

        var flags = BinaryPrimitives.ReadUInt16BigEndian(packet);
        if ((flags & (FlagRouting | VersionMask)) != 0)
        {
            reason = DropReason.GreFlags;
            return false;
        }

        var size = SizeOf(flags);
        if (packet.Length < size)
        {
            reason = DropReason.GreTruncated;
            return false;
        }

        if ((flags & FlagChecksum) != 0 && InternetChecksum.ComputeWire(packet) != 0)
        {
            reason = DropReason.TunnelChecksum;
            return false;
        }

        header = new GreHeader(packet[..size]);
        payload = packet[size..];
        reason = DropReason.None;
        return true;
    }

    /// <summary>Writes a header; returns its size, at most <see cref="SizeMax"/>.</summary>
    /// <param name="hasChecksum">Leaves room for it: see <see cref="WriteChecksum"/>.</param>
    public static int Write(
        Span<byte> headroom, ushort protocolType, uint? key, uint? sequence, bool hasChecksum)
    {
        Debug.Assert(headroom.Length >= SizeMax);

        var flags = (hasChecksum ? FlagChecksum : 0) | (key is null ? 0 : FlagKey)
            | (sequence is null ? 0 : FlagSequence);
        BinaryPrimitives.WriteUInt16BigEndian(headroom, (ushort)flags);
        BinaryPrimitives.WriteUInt16BigEndian(headroom[Field.Protocol..], protocolType);
        var size = SizeMin;
        if (hasChecksum)
        {
            headroom.Slice(size, 4).Clear();
            size += 4;
        }

        if (key is { } keyValue)
        {
            BinaryPrimitives.WriteUInt32BigEndian(headroom[size..], keyValue);
            size += 4;
        }

        if (sequence is { } sequenceValue)
        {
            BinaryPrimitives.WriteUInt32BigEndian(headroom[size..], sequenceValue);
            size += 4;
        }

        return size;
    }

    /// <summary>The size of the header at the start of 'bytes', proved to be there.</summary>
    public static bool TryMeasure(ReadOnlySpan<byte> bytes, out int size)
    {
        size = bytes.Length < SizeMin ? 0 : SizeOf(BinaryPrimitives.ReadUInt16BigEndian(bytes));
        return size > 0 && size <= bytes.Length;
    }

    /// <summary>Where the sequence number is in a header whose first byte is 'flags'.</summary>
    public static int SequenceOffset(byte flags) =>
        SizeOf((ushort)((flags & ~SequenceBit) << 8));

    /// <summary>Sets the checksum over header and payload, which may lie apart.</summary>
    public static void WriteChecksum(Span<byte> header, ReadOnlySpan<byte> payload)
    {
        Debug.Assert(header.Length % 2 == 0);
        var sum = InternetChecksum.Add(payload, InternetChecksum.Add(header));
        Unsafe.WriteUnaligned(ref header[Field.Checksum], (ushort)~InternetChecksum.Fold(sum));
    }

    private static int SizeOf(ushort flags) =>
        SizeMin + ((flags & FlagChecksum) != 0 ? 4 : 0) + ((flags & FlagKey) != 0 ? 4 : 0)
            + ((flags & FlagSequence) != 0 ? 4 : 0);

    private static class Field
    {
        public const int Protocol = 2;
        public const int Checksum = 4;
    }
}
