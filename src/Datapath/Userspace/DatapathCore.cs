using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>What all packet threads of one managed datapath share.</summary>
internal sealed class DatapathCore(TimeProvider clock, ConntrackTable conntrack)
{
    private volatile IUpcallHandler? _upcallHandler;

    public PortTable Ports { get; } = new();
    public MegaflowTable Flows { get; } = new();
    public MeterTable Meters { get; } = new();
    public ConntrackTable Conntrack { get; } = conntrack;

    /// <summary>Geneve options that may come in marked critical.</summary>
    public GeneveOptions GeneveOptions { get; } = new();

    /// <summary>Outer source ports of pushed headers, from and to.</summary>
    public SourcePorts SourcePorts { get; set; } = SourcePorts.Default;

    /// <summary>Told of faults on packet threads; null lets them end the process.</summary>
    public volatile Action<Exception>? Faulted;

    public IUpcallHandler? UpcallHandler
    {
        get => _upcallHandler;
        set => _upcallHandler = value;
    }

    /// <summary>The monotonic clock of the datapath; never 0, which means "never".</summary>
    public long NowMilliseconds() =>
        Math.Max(1, clock.GetTimestamp() / Math.Max(1, clock.TimestampFrequency / 1000));
}
