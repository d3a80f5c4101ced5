using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>How a managed datapath is made.</summary>
public sealed record UserspaceDatapathOptions
{
    public string ProviderName { get; init; } = "userspace";

    /// <summary>
    /// Every port is in memory, packets run on the caller's thread, port numbers follow OVS's
    /// dummy rule.
    /// </summary>
    public bool IsDummy { get; init; }

    /// <summary>Packet threads; 0: one per processor, at most 8.</summary>
    public int ThreadCount { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Follow devices that vanish and come back (rtnetlink).</summary>
    public bool WatchesDevices { get; init; } = true;
}

/// <summary>
/// The managed datapath: "netdev", "system" where no kernel extension is, and "dummy".
/// </summary>
/// <remarks>
/// Packet threads each serve some ports in batches. A packet is looked up in the thread's exact
/// cache, then among the megaflows; a miss goes to the upcall handler on the same thread, its
/// actions run at once and are installed. Ports come and go without stopping other ports.
/// </remarks>
public sealed partial class UserspaceDatapath : IDatapathProvider
{
    private static readonly TimeSpan HousekeepingPeriod = TimeSpan.FromMilliseconds(100);

    [ThreadStatic] private static int _insideDepth;

    private readonly UserspaceDatapathOptions _options;
    private readonly DatapathCore _core;
    private readonly ConcurrentBag<PacketContext> _idle = [];
    private readonly Lock _contextsLock = new();
    private ImmutableArray<PacketContext> _contexts = [];
    private readonly ImmutableArray<PacketThread> _threads;
    private readonly PortPlacement _placement;
    private readonly ITimer _housekeeping;
    private int _housekeepingCount;
    private int _isDisposed;

    /// <param name="name">"netdev@ovs-netdev", "system@ovs-system" or "dummy@ovs-dummy".</param>
    public UserspaceDatapath(
        string name = "netdev@ovs-netdev", UserspaceDatapathOptions? options = null)
    {
        Name = name;
        _options = options ?? new UserspaceDatapathOptions();
        var seed = _options.IsDummy
            ? 1UL
            : MemoryMarshal.Read<ulong>(RandomNumberGenerator.GetBytes(8));
        _core = new DatapathCore(_options.Clock, new ConntrackTable(seed));

        var count = _options.ThreadCount > 0
            ? _options.ThreadCount
            : Math.Min(8, Environment.ProcessorCount);
        _threads = _options.IsDummy
            ? []
            : [.. Enumerable.Range(0, count).Select(i => new PacketThread(
                NewContext(DatapathLimits.ExactMatchSlots), $"packets-{i}"))];
        _placement = new PortPlacement([.. _threads], thread => WaitUntilUnseen(thread.Context));
        if (!_options.IsDummy && _options.WatchesDevices) StartWatching();
        _housekeeping = _options.Clock.CreateTimer(
            _ => KeepHouse(), null, HousekeepingPeriod, HousekeepingPeriod);
    }

    public string ProviderName => _options.ProviderName;

    /// <summary>All its ports are in memory.</summary>
    public bool IsDummy => _options.IsDummy;
    public string Name { get; }
    public DatapathCapabilities Capabilities { get; } = new() { HasTunnelPush = true };
    public IDatapathPorts Ports => this;
    public IDatapathFlows Flows => _core.Flows;
    public IDatapathConntrack Conntrack => _core.Conntrack;
    public IDatapathMeters Meters => _core.Meters;

    /// <summary>The flow table itself, for its limits and look-ups.</summary>
    public MegaflowTable FlowTable => _core.Flows;

    /// <summary>Geneve options that may come in marked critical.</summary>
    public GeneveOptions GeneveOptions => _core.GeneveOptions;

    /// <summary>Where outer source ports of pushed headers are taken from.</summary>
    public SourcePorts TunnelSourcePorts
    {
        get => _core.SourcePorts;
        set => _core.SourcePorts = value;
    }

    public IUpcallHandler? UpcallHandler
    {
        set => _core.UpcallHandler = value;
    }

    /// <summary>
    /// Hears faults of the upcall handler on packet threads, which go on with the next batch;
    /// without a listener such a fault ends the process.
    /// </summary>
    public Action<Exception>? Faulted
    {
        set => _core.Faulted = value;
    }

    /// <summary>The clock of flow statistics and connections.</summary>
    public long NowMilliseconds() => _core.NowMilliseconds();

    /// <summary>The packet's bytes are as before when this returns.</summary>
    public void Execute(
        PacketBuffer packet, in FlowKey key, ImmutableArray<DatapathAction> actions)
    {
        var context = EnterContext();
        var references = packet.References;
        packet.References = Math.Max(1, references) + 1;
        try
        {
            var own = key;
            if (FlowKeyExtractor.TryExtract(packet.Bytes, ref own, out var layout, out var reason))
            {
                var list = actions.IsDefault
                    ? []
                    : ImmutableCollectionsMarshal.AsArray(actions)!;
                context.Executor.Run(packet, ref own, layout, list, depth: 0);
            }
            else if (!actions.IsDefaultOrEmpty && actions.All(action => action is OutputAction))
            {
                // Cut or broken: nothing in it can be changed, but it can be sent as it is.
                var list = ImmutableCollectionsMarshal.AsArray(actions)!;
                context.Executor.Run(packet, ref own, layout, list, depth: 0);
            }
            else
            {
                context.Drop(packet, reason);
            }

            context.Flush();
        }
        finally
        {
            packet.References = references;
            LeaveContext(context);
        }
    }

    public ImmutableArray<ulong> DropCounts()
    {
        var totals = new ulong[DropReasons.Count];
        foreach (var context in _contexts) context.Drops.AddTo(totals);
        for (var i = 0; i < totals.Length; i++)
        {
            totals[i] += _core.Conntrack.DropCount((DropReason)i);
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(totals);
    }

    public DatapathStatistics Statistics()
    {
        var totals = new DatapathStatistics(
            0, 0, 0, (ulong)_core.Flows.Count, 0, (uint)_core.Flows.MaskCount, 0);
        foreach (var context in _contexts) context.AddTo(ref totals);
        return totals;
    }

    /// <summary>What each packet thread did; of a dummy datapath, what callers did.</summary>
    public ImmutableArray<ThreadStatistics> ThreadStatistics()
    {
        lock (_portsLock)
        {
            if (_threads.IsEmpty)
            {
                return [.. _contexts.Select(one => one.Statistics("main", [], TimeSpan.Zero))];
            }

            return [.. _threads.Select(thread => thread.Context.Statistics(
                thread.Name, [.. _placement.PortsOf(thread)],
                TimeSpan.FromSeconds(
                    (double)thread.BusyTicks / System.Diagnostics.Stopwatch.Frequency)))];
        }
    }

    /// <summary>A packet that a memory port was given, on the caller's thread.</summary>
    private void ReceiveInMemory(MemoryPort port, PacketBuffer packet, TunnelMetadata? tunnel)
    {
        var context = EnterContext();
        try
        {
            var copy = context.Pool.Rent();
            copy.CopyFrom(packet);
            ref var key = ref context.Batch.Keys[0];
            key = default;
            key.InPort = port.Number;
            if (tunnel is not null) TunnelMetadataKey.ToKey(tunnel, ref key);
            if (_core.Ports[port.Number] is FaultPort fault
                && !fault.TryPass(copy, context.Drops))
            {
                context.Pool.Release(copy);
                return;
            }

            port.CountReceived(1, copy.Size);
            context.ProcessOne(copy, ref key);
            context.Flush();
        }
        finally
        {
            LeaveContext(context);
        }
    }

    /// <summary>A context for a thread that is no packet thread; nests.</summary>
    private PacketContext EnterContext()
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        if (!_idle.TryTake(out var context)) context = NewContext(cacheSlots: 64);
        context.Enter();
        _insideDepth++;
        return context;
    }

    private void LeaveContext(PacketContext context)
    {
        _insideDepth--;
        context.Leave();
        _idle.Add(context);
    }

    private PacketContext NewContext(int cacheSlots)
    {
        var context = new PacketContext(_core, cacheSlots);
        lock (_contextsLock) _contexts = _contexts.Add(context);
        return context;
    }

    /// <summary>Waits until no thread can still hold what was just unpublished.</summary>
    private void WaitUntilUnseen()
    {
        foreach (var context in _contexts) WaitUntilUnseen(context);
    }

    private static void WaitUntilUnseen(PacketContext context)
    {
        var epoch = context.Epoch;
        if ((epoch & 1) == 0) return;
        var spin = new SpinWait();
        while (context.Epoch == epoch) spin.SpinOnce();
    }

    private void KeepHouse()
    {
        if (_isDisposed != 0) return;
        _core.Conntrack.Sweep(_core.NowMilliseconds());
        if (++_housekeepingCount % 10 == 0) _core.Flows.Rank();
        if (_housekeepingCount % 3 != 0) return;
        lock (_portsLock)
        {
            if (_isDisposed == 0) _placement.Balance();
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _housekeeping.Dispose();
        StopWatching();
        lock (_portsLock)
        {
            // Whoever was about to move a port has done so; nobody begins any more.
        }

        foreach (var thread in _threads) thread.Dispose();
        foreach (var port in _core.Ports.All) port.Dispose();
    }
}
