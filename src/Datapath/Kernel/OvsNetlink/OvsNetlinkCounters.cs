namespace Fabric.Datapath;

/// <summary>What happened between the provider and its device; each only grows.</summary>
public sealed class OvsNetlinkCounters
{
    private long _connects, _losses, _timeouts, _malformed, _refusals, _upcalls, _actions,
        _slowPath, _installs, _evictions, _expansions, _strays, _upcallFaults;

    public long Connects => Interlocked.Read(ref _connects);

    /// <summary>Times that the device was given up, for whatever reason.</summary>
    public long Losses => Interlocked.Read(ref _losses);
    public long Timeouts => Interlocked.Read(ref _timeouts);

    /// <summary>Answers and upcalls whose bytes could not be read.</summary>
    public long Malformed => Interlocked.Read(ref _malformed);

    /// <summary>Requests that the device answered with an error.</summary>
    public long Refusals => Interlocked.Read(ref _refusals);
    public long Upcalls => Interlocked.Read(ref _upcalls);
    public long ActionUpcalls => Interlocked.Read(ref _actions);

    /// <summary>Packets whose actions were run by the provider.</summary>
    public long SlowPath => Interlocked.Read(ref _slowPath);
    public long Installs => Interlocked.Read(ref _installs);
    public long Evictions => Interlocked.Read(ref _evictions);

    /// <summary>Microflows written again because their megaflow changed.</summary>
    public long Reexpansions => Interlocked.Read(ref _expansions);

    /// <summary>Flows found in the device that belong to no megaflow, and were deleted.</summary>
    public long Strays => Interlocked.Read(ref _strays);

    /// <summary>Upcalls during which the handler failed.</summary>
    public long UpcallFaults => Interlocked.Read(ref _upcallFaults);

    internal void CountConnect() => Interlocked.Increment(ref _connects);
    internal void CountLoss() => Interlocked.Increment(ref _losses);
    internal void CountTimeout() => Interlocked.Increment(ref _timeouts);
    internal void CountMalformed() => Interlocked.Increment(ref _malformed);
    internal void CountRefusal() => Interlocked.Increment(ref _refusals);
    internal void CountUpcall() => Interlocked.Increment(ref _upcalls);
    internal void CountAction() => Interlocked.Increment(ref _actions);
    internal void CountSlowPath() => Interlocked.Increment(ref _slowPath);
    internal void CountInstall() => Interlocked.Increment(ref _installs);
    internal void CountEviction() => Interlocked.Increment(ref _evictions);
    internal void CountReexpansion() => Interlocked.Increment(ref _expansions);
    internal void CountStray() => Interlocked.Increment(ref _strays);
    internal void CountUpcallFault() => Interlocked.Increment(ref _upcallFaults);
}
