namespace Fabric.Datapath;

/// <summary>Limits of the netlink provider, and what happens at each.</summary>
public static class OvsNetlinkLimits
{
    /// <summary>
    /// Microflows in the device: one more evicts the one that was idle longest among those
    /// looked at, and its packets go up again.
    /// </summary>
    public const int MicroflowsMax = 65_536;

    /// <summary>Microflows looked at for one eviction.</summary>
    public const int EvictionLooks = 64;

    /// <summary>A microflow without packets for this long leaves the device.</summary>
    public static readonly TimeSpan MicroflowIdle = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Recirculations of one packet in OVSEXT and in our own extension; a flow that would be one
    /// more is run by the provider.
    /// </summary>
    public const int RecirculationsMax = 4;

    /// <summary>
    /// Recirculation ids whose depth is kept; then those without flows are forgotten.
    /// </summary>
    public const int RecirculationIdsMax = 65_536;

    /// <summary>Reads of one dump: a device that never ends one is cut off, and lost.</summary>
    public const int DumpReadsMax = 1 << 21;

    /// <summary>
    /// Answers in a row that cannot be read: the device is then closed and opened anew.
    /// </summary>
    public const int FaultsInRowMax = 8;

    /// <summary>Packets read in one go before the loop looks whether it shall end.</summary>
    public const int UpcallBurst = 256;

    /// <summary>Upcall handles, and threads; vports are spread over them.</summary>
    public const int UpcallLoopsMax = 8;

    /// <summary>Packets for another handle that the emulator keeps; newer ones are lost.</summary>
    public const int EmulatorQueueMax = 65_536;

    /// <summary>Handles of the emulator, as of the driver: one more is refused.</summary>
    public const int EmulatorHandlesMax = 512;
}

/// <summary>How the provider behaves; tests shorten the times.</summary>
public sealed record OvsNetlinkOptions
{
    public string ProviderName { get; init; } = "ovsext";
    public string Name { get; init; } = "system@ovs-system";

    /// <summary>The clock of statistics, timers and idle flows.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Threads that take upcalls; at most <see cref="OvsNetlinkLimits"/> says.</summary>
    public int UpcallLoops { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 4);

    public int MicroflowsMax { get; init; } = OvsNetlinkLimits.MicroflowsMax;
    public TimeSpan MicroflowIdle { get; init; } = OvsNetlinkLimits.MicroflowIdle;

    /// <summary>First wait before the device is opened again; doubles up to the second.</summary>
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromMilliseconds(100);
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often ports are looked at: OVSEXT tells only of links that go down.</summary>
    public TimeSpan PollPeriod { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a pend request stays before it is renewed.</summary>
    public TimeSpan PendPatience { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Makes the adapter of an internal port before the driver is asked for it (Hyper-V: WMI);
    /// null: it is there already, or the device makes it. Returns null or what is wrong.
    /// </summary>
    public Func<string, string?>? MakeInternalPort { get; init; }

    /// <summary>
    /// MTU of the network that tunnels cross: what a SYN into a tunnel announces is lowered to it.
    /// </summary>
    public int TunnelMtu { get; init; } = 1500;

    /// <summary>Hears what an operator should know: connected, lost, refused.</summary>
    public Action<string>? Log { get; init; }
}
