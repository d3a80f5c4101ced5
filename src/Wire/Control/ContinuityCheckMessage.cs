using System.Buffers.Binary;
using System.Diagnostics;

namespace Fabric.Wire.Control;

/// <summary>
/// A continuity check message of CFM, IEEE 802.1Q-2014 section 21.6: what follows the EtherType.
/// </summary>
/// <remarks><code>
///  0 MD level (3 bits) and version (5)   1 opcode 1   2 RDI (1 bit) and interval code (3)
///  3 first TLV offset 70   4 sequence number   8 MEP id   10 maintenance association id, 48 bytes
/// 58 sixteen bytes of ITU-T Y.1731, of which Open vSwitch uses: 58 interval in milliseconds,
///    60 the 64-bit MEP id of its extended mode, 68 opdown   74 end TLV
/// </code></remarks>
public readonly ref struct ContinuityCheckMessage
{
    public const int Size = 75;
    public const int AssociationIdSize = 48;
    public const ushort EtherType = 0x8902;
    private const int OffsetOfTlvs = 70;

    private readonly ReadOnlySpan<byte> _bytes;

    private ContinuityCheckMessage(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>01:80:c2:00:00:30 and the level in the low bits.</summary>
    public static MacBytes Destination(int level) =>
        MacBytes.FromUInt64(0x0180_C200_0030 + (ulong)level);

    /// <summary>Maintenance domain level, 0 to 7.</summary>
    public int Level => _bytes[0] >> 5;

    /// <summary>The remote defect indication: the sender does not hear everyone.</summary>
    public bool HasRemoteDefect => (_bytes[2] & 0x80) != 0;

    /// <summary>1 to 7: 3.3 ms, 10 ms, 100 ms, 1 s, 10 s, 1 min, 10 min; 0 is invalid.</summary>
    public int IntervalCode => _bytes[2] & 0x07;

    public uint Sequence => BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]);

    /// <summary>Maintenance end point, 1 to 8191.</summary>
    public ushort EndPoint => BinaryPrimitives.ReadUInt16BigEndian(_bytes[8..]);

    public ReadOnlySpan<byte> AssociationId => _bytes.Slice(10, AssociationIdSize);

    /// <summary>Milliseconds, in the extended mode alone; else 0.</summary>
    public ushort ExtendedInterval => BinaryPrimitives.ReadUInt16BigEndian(_bytes[58..]);

    /// <summary>The end point of the extended mode; else 0.</summary>
    public ulong ExtendedEndPoint => BinaryPrimitives.ReadUInt64BigEndian(_bytes[60..]);

    /// <summary>The sender's interface is operationally down (extended mode).</summary>
    public bool IsOperationallyDown => _bytes[68] != 0;

    /// <summary>Reads the bytes after the EtherType; TLVs are not looked into.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> bytes, out ContinuityCheckMessage message, out DropReason reason)
    {
        message = default;
        reason = DropReason.CfmMalformed;
        const int opcodeContinuityCheck = 1;
        if (bytes.Length < Size - 1 || (bytes[0] & 0x1F) != 0) return false;
        if (bytes[1] != opcodeContinuityCheck || bytes[3] != OffsetOfTlvs) return false;
        message = new ContinuityCheckMessage(bytes);
        reason = DropReason.None;
        return true;
    }

    /// <summary>Writes a message into exactly <see cref="Size"/> bytes.</summary>
    /// <param name="extendedInterval">Milliseconds, or 0 for the standard's mode.</param>
    public static void Write(
        Span<byte> bytes, int level, bool hasRemoteDefect, int intervalCode, uint sequence,
        ushort endPoint, ReadOnlySpan<byte> associationId, ushort extendedInterval = 0,
        ulong extendedEndPoint = 0, bool isOperationallyDown = false)
    {
        Debug.Assert(bytes.Length == Size && associationId.Length == AssociationIdSize);
        Debug.Assert(level is >= 0 and <= 7 && intervalCode is >= 0 and <= 7);
        bytes.Clear();
        bytes[0] = (byte)(level << 5);
        bytes[1] = 1;
        bytes[2] = (byte)((hasRemoteDefect ? 0x80 : 0) | intervalCode);
        bytes[3] = OffsetOfTlvs;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], sequence);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[8..], endPoint);
        associationId.CopyTo(bytes[10..]);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[58..], extendedInterval);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[60..], extendedEndPoint);
        bytes[68] = (byte)(isOperationallyDown ? 1 : 0);
    }
}
