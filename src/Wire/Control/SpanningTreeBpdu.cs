using System.Buffers.Binary;
using System.Diagnostics;

namespace Fabric.Wire.Control;

/// <summary>Which bridge protocol data unit it is, IEEE 802.1D-2004 section 9.3.</summary>
public enum BpduType : byte
{
    Configuration = 0x00,
    Rapid = 0x02,
    TopologyChange = 0x80,
}

/// <summary>Flags of a configuration or rapid BPDU, IEEE 802.1D-2004 section 9.3.3.</summary>
/// <remarks>Bits 2 and 3 are a rapid BPDU's role: 1 alternate, 2 root, 3 designated.</remarks>
[Flags]
public enum BpduFlags : byte
{
    None = 0,
    TopologyChange = 0x01,
    Proposal = 0x02,
    RoleMask = 0x0C,
    Learning = 0x10,
    Forwarding = 0x20,
    Agreement = 0x40,
    TopologyChangeAcknowledgement = 0x80,
}

/// <summary>A spanning tree BPDU, IEEE 802.1D-2004 section 9: what follows LLC.</summary>
/// <remarks>
/// 802.3 frames to 01:80:c2:00:00:00 with LLC 42 42 03. Times are in 1/256 s, bridge identifiers
/// are priority (16 bits) and address (48), a port identifier is priority (8, or 4) and number.
/// </remarks>
public readonly record struct SpanningTreeBpdu
{
    public const int ConfigurationSize = 35;
    public const int RapidSize = 36;
    public const int TopologyChangeSize = 4;

    /// <summary>LLC header of bridge protocols: DSAP, SSAP, UI.</summary>
    public static ReadOnlySpan<byte> LlcHeader => [0x42, 0x42, 0x03];

    /// <summary>The Bridge Group Address.</summary>
    public static MacBytes Destination { get; } = MacBytes.FromUInt64(0x0180_C200_0000);

    public BpduType Type { get; init; }
    public BpduFlags Flags { get; init; }
    public ulong RootId { get; init; }
    public uint RootPathCost { get; init; }
    public ulong BridgeId { get; init; }
    public ushort PortId { get; init; }
    public ushort MessageAge { get; init; }
    public ushort MaxAge { get; init; }
    public ushort HelloTime { get; init; }
    public ushort ForwardDelay { get; init; }

    /// <summary>Reads the bytes after the LLC header and applies section 9.3.4.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> bytes, out SpanningTreeBpdu bpdu, out DropReason reason)
    {
        bpdu = default;
        reason = DropReason.StpMalformed;
        if (bytes.Length < TopologyChangeSize || bytes[0] != 0 || bytes[1] != 0) return false;
        var type = (BpduType)bytes[3];
        if (type == BpduType.TopologyChange)
        {
            bpdu = new SpanningTreeBpdu { Type = type };
            reason = DropReason.None;
            return true;
        }

        if (type is not (BpduType.Configuration or BpduType.Rapid)) return false;
        if (bytes.Length < (type == BpduType.Rapid ? RapidSize : ConfigurationSize)) return false;
        if (type == BpduType.Rapid && bytes[2] < 2) return false;
        bpdu = new SpanningTreeBpdu
        {
            Type = type,
            Flags = (BpduFlags)bytes[4],
            RootId = BinaryPrimitives.ReadUInt64BigEndian(bytes[5..]),
            RootPathCost = BinaryPrimitives.ReadUInt32BigEndian(bytes[13..]),
            BridgeId = BinaryPrimitives.ReadUInt64BigEndian(bytes[17..]),
            PortId = BinaryPrimitives.ReadUInt16BigEndian(bytes[25..]),
            MessageAge = BinaryPrimitives.ReadUInt16BigEndian(bytes[27..]),
            MaxAge = BinaryPrimitives.ReadUInt16BigEndian(bytes[29..]),
            HelloTime = BinaryPrimitives.ReadUInt16BigEndian(bytes[31..]),
            ForwardDelay = BinaryPrimitives.ReadUInt16BigEndian(bytes[33..]),
        };
        // Information that is already too old is not used (9.3.4 a).
        if (type == BpduType.Configuration && bpdu.MessageAge >= bpdu.MaxAge) return false;
        reason = DropReason.None;
        return true;
    }

    /// <summary>How many bytes <see cref="Write"/> fills: 4, 35 or 36.</summary>
    public int Size => Type switch
    {
        BpduType.TopologyChange => TopologyChangeSize,
        BpduType.Rapid => RapidSize,
        _ => ConfigurationSize,
    };

    /// <summary>Writes the unit into exactly <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        Debug.Assert(bytes.Length == Size);
        bytes.Clear();
        bytes[2] = (byte)(Type == BpduType.Rapid ? 2 : 0);
        bytes[3] = (byte)Type;
        if (Type == BpduType.TopologyChange) return;
        bytes[4] = (byte)Flags;
        BinaryPrimitives.WriteUInt64BigEndian(bytes[5..], RootId);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[13..], RootPathCost);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[17..], BridgeId);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[25..], PortId);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[27..], MessageAge);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[29..], MaxAge);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[31..], HelloTime);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[33..], ForwardDelay);
    }
}
