using System.Buffers.Binary;
using System.Diagnostics;

namespace Fabric.Wire.Control;

/// <summary>Bits of a LACP actor or partner state, IEEE 802.1AX-2014 section 6.4.2.3.</summary>
[Flags]
public enum LacpState : byte
{
    None = 0,
    Activity = 0x01,
    Timeout = 0x02,
    Aggregation = 0x04,
    Synchronization = 0x08,
    Collecting = 0x10,
    Distributing = 0x20,
    Defaulted = 0x40,
    Expired = 0x80,
}

/// <summary>What one end says of itself or of the other one.</summary>
/// <param name="SystemPriority">Lower wins.</param>
/// <param name="System">The system's MAC address.</param>
/// <param name="Key">Ports with one key can be aggregated.</param>
/// <param name="PortPriority">Lower wins.</param>
/// <param name="Port">The port's number, unique within the system.</param>
public readonly record struct LacpInformation(
    ushort SystemPriority, MacBytes System, ushort Key, ushort PortPriority, ushort Port,
    LacpState State);

/// <summary>A LACP data unit, IEEE 802.1AX-2014 6.4.2: what follows the EtherType.</summary>
/// <remarks>Ethertype 0x8809, destination 01:80:c2:00:00:02; 110 bytes.</remarks>
public readonly record struct LacpDataUnit(
    LacpInformation Actor, LacpInformation Partner, ushort CollectorMaxDelay)
{
    public const int Size = 110;
    public const ushort EtherType = 0x8809;
    private const byte SubtypeLacp = 1;
    private const int InformationSize = 20;

    /// <summary>The Slow Protocols group address.</summary>
    public static MacBytes Destination { get; } = MacBytes.FromUInt64(0x0180_C200_0002);

    /// <summary>Reads the bytes after the EtherType; padding after the unit is ignored.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> bytes, out LacpDataUnit unit, out DropReason reason)
    {
        unit = default;
        reason = DropReason.LacpMalformed;
        // A later version is read as version 1, which it contains (6.4.2.3, Version Number).
        if (bytes.Length < Size || bytes[0] != SubtypeLacp || bytes[1] < 1) return false;
        if (bytes[2] != 1 || bytes[3] != InformationSize) return false;
        if (bytes[22] != 2 || bytes[23] != InformationSize) return false;
        if (bytes[42] != 3 || bytes[43] != 16) return false;
        unit = new LacpDataUnit(
            ReadInformation(bytes[4..]), ReadInformation(bytes[24..]),
            BinaryPrimitives.ReadUInt16BigEndian(bytes[44..]));
        reason = DropReason.None;
        return true;
    }

    /// <summary>Writes the unit into exactly <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        Debug.Assert(bytes.Length == Size);
        bytes.Clear();
        bytes[0] = SubtypeLacp;
        bytes[1] = 1;
        bytes[2] = 1;
        bytes[3] = InformationSize;
        WriteInformation(bytes[4..], Actor);
        bytes[22] = 2;
        bytes[23] = InformationSize;
        WriteInformation(bytes[24..], Partner);
        bytes[42] = 3;
        bytes[43] = 16;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[44..], CollectorMaxDelay);
    }

    private static LacpInformation ReadInformation(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt16BigEndian(bytes), MacBytes.From(bytes[2..]),
        BinaryPrimitives.ReadUInt16BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt16BigEndian(bytes[10..]),
        BinaryPrimitives.ReadUInt16BigEndian(bytes[12..]), (LacpState)bytes[14]);

    private static void WriteInformation(Span<byte> bytes, in LacpInformation information)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes, information.SystemPriority);
        information.System.CopyTo(bytes[2..]);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[8..], information.Key);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[10..], information.PortPriority);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[12..], information.Port);
        bytes[14] = (byte)information.State;
    }
}
