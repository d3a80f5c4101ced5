namespace Fabric.Wire.OpenFlow;

[Flags]
public enum OfPortConfig : uint
{
    None = 0, PortDown = 1 << 0, NoStp = 1 << 1, NoReceive = 1 << 2, NoReceiveStp = 1 << 3,
    NoFlood = 1 << 4, NoForward = 1 << 5, NoPacketIn = 1 << 6,
}

/// <summary>OpenFlow 1.1's state bits, and OpenFlow 1.0's states of a spanning tree.</summary>
[Flags]
public enum OfPortState : uint
{
    None = 0, LinkDown = 1, Blocked = 2, Live = 4,
    StpLearn = 1 << 8, StpForward = 2 << 8, StpBlock = 3 << 8,

    /// <summary>What OpenFlow 1.0 tells; later versions tell the others.</summary>
    Version10 = LinkDown | StpBlock,
}

/// <summary>OpenFlow 1.1's OFPPF_* bits: speeds, media, negotiation.</summary>
[Flags]
public enum OfPortFeatures : uint
{
    None = 0, Half10Megabit = 1 << 0, Full10Megabit = 1 << 1, Half100Megabit = 1 << 2,
    Full100Megabit = 1 << 3, Half1Gigabit = 1 << 4, Full1Gigabit = 1 << 5,
    Full10Gigabit = 1 << 6, Full40Gigabit = 1 << 7, Full100Gigabit = 1 << 8,
    Full1Terabit = 1 << 9, Other = 1 << 10, Copper = 1 << 11, Fiber = 1 << 12,
    AutoNegotiation = 1 << 13, Pause = 1 << 14, AsymmetricPause = 1 << 15,
}

/// <param name="CurrentSpeed">kbit/s.</param>
public sealed record OfPortDescription(
    uint Port, MacBytes Address, string Name, OfPortConfig Config, OfPortState State,
    OfPortFeatures Current, OfPortFeatures Advertised, OfPortFeatures Supported,
    OfPortFeatures Peer, uint CurrentSpeed, uint MaxSpeed);

public enum OfPortReason : byte { Add = 0, Delete = 1, Modify = 2 }

public sealed record OfPortStatus(OfPortReason Reason, OfPortDescription Port) : OfMessage;

/// <param name="Address">Null: not checked (OpenFlow 1.0 requires the port's own).</param>
public sealed record PortMod(
    uint Port, MacBytes? Address, OfPortConfig Config, OfPortConfig Mask,
    OfPortFeatures Advertise) : OfMessage;

/// <summary>
/// Counters of a port; a counter that is not kept is <see cref="ulong.MaxValue"/>.
/// </summary>
public sealed record OfPortStats(
    uint Port, ulong ReceivePackets, ulong TransmitPackets, ulong ReceiveBytes,
    ulong TransmitBytes, ulong ReceiveDropped, ulong TransmitDropped, ulong ReceiveErrors,
    ulong TransmitErrors, ulong ReceiveFrameErrors, ulong ReceiveOverErrors,
    ulong ReceiveCrcErrors, ulong Collisions, TimeSpan Duration)
{
    /// <summary>Counters that only such devices have; told from OpenFlow 1.4 on.</summary>
    public EquatableArray<OfPortCounter> Custom { get; init; } = [];
}

/// <summary>A device's own counter; at most 255 bytes of ASCII name it.</summary>
public readonly record struct OfPortCounter(string Name, ulong Value);

public sealed record OfQueueStats(
    uint Port, uint Queue, ulong TransmitBytes, ulong TransmitPackets, ulong TransmitErrors,
    TimeSpan Duration);

/// <param name="MinimumRate">Tenths of a percent; above 1000: none.</param>
public sealed record OfQueueDescription(uint Port, uint Queue, ushort MinimumRate,
    ushort MaximumRate);

public sealed record OfQueueGetConfigRequest(uint Port, uint Queue) : OfMessage;

public sealed record OfQueueGetConfigReply(uint Port, EquatableArray<OfQueueDescription> Queues)
    : OfMessage;
