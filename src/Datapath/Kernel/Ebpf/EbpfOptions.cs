namespace Fabric.Datapath;

/// <summary>How an eBPF datapath is made.</summary>
public sealed record EbpfOptions
{
    /// <summary>Rows of packets in hand, which no flow owns.</summary>
    internal const uint RowsReserved = KernelAbi.Executions + 1;

    /// <summary>Packets of one port that may wait for the host node.</summary>
    internal const uint UpcallsPerPort = 1024;

    /// <summary>
    /// Folder on a bpffs where programs, maps and links outlive the process; null: they end with
    /// it.
    /// </summary>
    public string? PinFolder { get; init; }

    /// <summary>Flows in the kernel; further ones take the slow path.</summary>
    public int FlowsMax { get; init; } = 131_072;

    /// <summary>Connections in the kernel; memory is taken as they come.</summary>
    public int ConnectionsMax { get; init; } = 1_048_576;

    /// <summary>Attach by clsact even where the kernel has tcx.</summary>
    public bool IsWithoutTcx { get; init; }

    /// <summary>Take packets out of tunnels as before Linux 6.4, whatever is known.</summary>
    public bool IsWithoutDecapVersions { get; init; }

    /// <summary>Have all packets leave by the port's own device, containers' too.</summary>
    public bool IsWithoutShortcuts { get; init; }

    /// <summary>An eBPF object in place of the one that was built in.</summary>
    internal byte[]? Programs { get; init; }

    /// <summary>Keep ports, flows and connections when the datapath is closed in order.</summary>
    public bool IsKeptOnClose { get; init; } = true;

    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
