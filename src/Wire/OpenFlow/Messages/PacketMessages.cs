namespace Fabric.Wire.OpenFlow;

/// <summary>
/// Why a packet went to the controller (OFPR_*; 1.4 numbers and one of OVS's own).
/// </summary>
public enum PacketInReason : byte
{
    NoMatch = 0, Action = 1, InvalidTtl = 2, ActionSet = 3, Group = 4, PacketOut = 5,
    /// <summary>OVS: a table-miss flow's action (told as NoMatch).</summary>
    ExplicitMiss = 6,
    /// <summary>OVS: an implicit miss (told as NoMatch).</summary>
    ImplicitMiss = 7,
}

/// <summary>How a connection wants packet-ins.</summary>
public enum PacketInFormat : byte { Standard = 0, Nxt = 1, Nxt2 = 2 }

/// <param name="Packet">The packet or its beginning.</param>
/// <param name="TotalLength">Bytes of the whole packet.</param>
/// <param name="Metadata">Registers, in_port, tunnel and so on, as an exact match.</param>
/// <param name="Continuation">Nicira's opaque frozen pipeline; empty: not paused.</param>
public sealed record OfPacketIn(
    EquatableArray<byte> Packet, uint TotalLength, PacketInReason Reason, byte TableId,
    ulong Cookie, uint BufferId, Match Metadata) : OfMessage
{
    public EquatableArray<byte> Userdata { get; init; }
    public EquatableArray<byte> Continuation { get; init; }

    /// <summary>The format it came in or is to be written in.</summary>
    public PacketInFormat Format { get; init; }

    /// <summary>The port in <see cref="Metadata"/>, or NONE.</summary>
    public uint InPort => (uint)(Metadata.ExactOf(MatchField.InPortOxm) ?? OfPort.None);
}

/// <summary>NXT_RESUME: go on where a paused packet-in stopped.</summary>
public sealed record OfResume(OfPacketIn PacketIn) : OfMessage;

/// <param name="Metadata">in_port and (OpenFlow 1.5) further pipeline fields.</param>
public sealed record OfPacketOut(
    uint BufferId, Match Metadata, ActionList Actions, EquatableArray<byte> Packet) : OfMessage
{
    /// <summary>A packet that is sent through 'actions' as if it came from 'inPort'.</summary>
    public OfPacketOut(uint inPort, ActionList actions, EquatableArray<byte> packet)
        : this(FlowMod.NoBuffer, new MatchBuilder().Set(MatchField.InPortOxm, inPort).Build(),
            actions, packet)
    { }

    public uint InPort => (uint)(Metadata.ExactOf(MatchField.InPortOxm) ?? OfPort.None);
}
