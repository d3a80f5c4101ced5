using System.Buffers.Binary;

namespace Fabric.Wire.Control;

/// <summary>Types of LLDP TLVs, IEEE 802.1AB-2016 section 8.4.</summary>
public enum LldpTlvType : byte
{
    End = 0,
    ChassisId = 1,
    PortId = 2,
    TimeToLive = 3,
    PortDescription = 4,
    SystemName = 5,
    SystemDescription = 6,
    SystemCapabilities = 7,
    ManagementAddress = 8,
    OrganizationallySpecific = 127,
}

/// <summary>An LLDP data unit, IEEE 802.1AB-2016 section 8: what follows the EtherType.</summary>
/// <remarks>
/// A list of TLVs, each 7 bits of type, 9 bits of length and the value; chassis id, port id and
/// time to live come first, in this order. EtherType 0x88cc, destination 01:80:c2:00:00:0e.
/// </remarks>
public readonly ref struct LldpDataUnit
{
    public const ushort EtherType = 0x88CC;
    public const int ValueSizeMax = 511;

    private readonly ReadOnlySpan<byte> _bytes;

    private LldpDataUnit(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>The nearest-bridge group address.</summary>
    public static MacBytes Destination { get; } = MacBytes.FromUInt64(0x0180_C200_000E);

    /// <summary>Subtype (1 byte) and identifier, 1 to 255 bytes.</summary>
    public ReadOnlySpan<byte> ChassisId => Value(LldpTlvType.ChassisId);

    /// <summary>Subtype (1 byte) and identifier, 1 to 255 bytes.</summary>
    public ReadOnlySpan<byte> PortId => Value(LldpTlvType.PortId);

    /// <summary>Seconds; 0 says that the sender is going away.</summary>
    public ushort TimeToLive =>
        BinaryPrimitives.ReadUInt16BigEndian(Value(LldpTlvType.TimeToLive));

    /// <summary>The value of the first TLV of a type; empty when there is none.</summary>
    public ReadOnlySpan<byte> Value(LldpTlvType type)
    {
        var rest = _bytes;
        while (TryNext(ref rest, out var found, out var value))
        {
            if (found == type) return value;
        }

        return default;
    }

    /// <summary>Reads the bytes after the EtherType; what follows the end TLV is ignored.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> bytes, out LldpDataUnit unit, out DropReason reason)
    {
        unit = default;
        reason = DropReason.LldpMalformed;
        var rest = bytes;
        for (var expected = LldpTlvType.ChassisId; expected <= LldpTlvType.TimeToLive; expected++)
        {
            if (!TryNext(ref rest, out var type, out var value) || type != expected) return false;
            var isValid = expected == LldpTlvType.TimeToLive
                ? value.Length >= 2 : value.Length is >= 2 and <= 256;
            if (!isValid) return false;
        }

        while (!rest.IsEmpty)
        {
            if (!TryNext(ref rest, out var type, out _)) return false;
            if (type is LldpTlvType.End) break;
            // Each mandatory TLV comes exactly once (section 9.2.7.7.1).
            if (type <= LldpTlvType.TimeToLive) return false;
        }

        unit = new LldpDataUnit(bytes[..(bytes.Length - rest.Length)]);
        reason = DropReason.None;
        return true;
    }

    /// <summary>Takes one TLV off 'rest'; false at the end or where it runs past the end.</summary>
    public static bool TryNext(
        scoped ref ReadOnlySpan<byte> rest, out LldpTlvType type, out ReadOnlySpan<byte> value)
    {
        type = default;
        value = default;
        if (rest.Length < 2) return false;
        var head = BinaryPrimitives.ReadUInt16BigEndian(rest);
        var size = head & ValueSizeMax;
        if (rest.Length < 2 + size) return false;
        type = (LldpTlvType)(head >> 9);
        value = rest.Slice(2, size);
        rest = rest[(2 + size)..];
        return true;
    }

    /// <summary>Writes one TLV.</summary>
    /// <returns>Bytes written, or 0 when 'room' is too small or 'value' above 511 bytes.</returns>
    public static int WriteTlv(Span<byte> room, LldpTlvType type, ReadOnlySpan<byte> value)
    {
        if (value.Length > ValueSizeMax || room.Length < 2 + value.Length) return 0;
        BinaryPrimitives.WriteUInt16BigEndian(room, (ushort)(((int)type << 9) | value.Length));
        value.CopyTo(room[2..]);
        return 2 + value.Length;
    }
}
