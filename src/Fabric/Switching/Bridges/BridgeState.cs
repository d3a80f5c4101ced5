using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>
/// A bridge's state that survives its actor: tables, port numbers, port configuration.
/// </summary>
/// <remarks>
/// Written by the bridge's actor only, except for the pipeline, which guards itself.
/// </remarks>
public sealed class BridgeState
{
    private const uint PortNumberEnd = 0xFF00;

    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, uint> _numbers = new();
    private readonly ConcurrentDictionary<string, long> _since = new();
    private readonly ConcurrentDictionary<string, PortCounters> _counters = new();
    private readonly ConcurrentDictionary<string, OfPortConfig> _configs = new();
    private readonly ConcurrentDictionary<string, BondState> _bonds = new();
    private readonly ConcurrentDictionary<uint, string> _left = new();
    private long _datapathId;

    public BridgeState(string name, TimeProvider time)
    {
        _time = time;
        CreatedMilliseconds = time.Milliseconds();
        Name = name;
        Pipeline = new BridgePipeline(name) { IsMonitored = false };
        Pipeline.Learned += outcome => Report(outcome, 0, null, IsMonitored);
    }

    public string Name { get; }

    public long CreatedMilliseconds { get; }

    /// <summary>Monotonic.</summary>
    public long Now => _time.Milliseconds();

    /// <summary>Port rows with more than one interface, by name.</summary>
    public IReadOnlyDictionary<string, BondState> Bonds => _bonds;
    public BridgePipeline Pipeline { get; }

    /// <summary>Which interfaces carry nothing although their link is up.</summary>
    public SessionDirectory Sessions { get; init; } = new();

    /// <summary>What the spanning tree says of interfaces; without a tree, empty.</summary>
    public ImmutableDictionary<string, TreePort> TreePorts { get; set; } =
        ImmutableDictionary<string, TreePort>.Empty;

    /// <summary>Flows for NetFlow, if the bridge has collectors of it.</summary>
    public NetflowTable Netflow { get; } = new();

    /// <summary>Some connection hears of packets that match nothing.</summary>
    public bool SendsMisses { get; set; }

    /// <summary>Some connection has flow monitors.</summary>
    public bool IsMonitored
    {
        get => Pipeline.IsMonitored;
        set => Pipeline.IsMonitored = value;
    }

    /// <summary>
    /// Whether the flows were made for a bridge without controllers, and for fail mode secure;
    /// null before the first time.
    /// </summary>
    public (bool HasNoControllers, bool IsSecure)? Mode { get; set; }

    public ulong DatapathId
    {
        get => (ulong)Volatile.Read(ref _datapathId);
        set => Volatile.Write(ref _datapathId, (long)value);
    }

    /// <summary>The bridge's own address: of its LOCAL port, or made up once.</summary>
    public MacBytes? MadeUpMac { get; set; }

    /// <summary>What interfaces came to, last reported.</summary>
    public ImmutableArray<InterfaceOpened> Interfaces { get; set; } = [];

    /// <summary>Who hears of packet-ins, removed flows and port changes.</summary>
    public ImmutableArray<IActorRef> Subscribers { get; set; } = [];

    /// <summary>Tells subscribers of a packet for controllers; any thread.</summary>
    public void Raise(RaisedPacketIn raised) => Tell(new PacketInRaised(
        raised.PacketIn, raised.ControllerId, raised.MaxLength));

    public void Tell(object message)
    {
        foreach (var subscriber in Subscribers) subscriber.Tell(message, ActorRefs.NoSender);
    }

    /// <summary>Tells what a transaction did: removed flows, and all changes to monitors.</summary>
    public void Report(PipelineOutcome outcome, uint xid, IActorRef? origin, bool isMonitored)
    {
        foreach (var table in outcome.Tables) Tell(new TableStatusRaised(table));
        if (outcome.Flows.IsEmpty || Subscribers.IsEmpty) return;
        foreach (var change in outcome.Flows)
        {
            if (change.Event != FlowUpdateEvent.Removed) continue;
            if ((change.Rule.Flags & FlowModFlags.SendFlowRemoved) == 0) continue;
            Tell(new FlowRemovedRaised(FlowReports.Removed(change, _time.Milliseconds())));
        }

        if (!isMonitored) return;
        Tell(new FlowUpdatesRaised(
            [.. outcome.Flows.Select(FlowReports.Update)], xid, origin));
    }

    public BondState BondOf(string port) =>
        _bonds.GetOrAdd(port, static each => new BondState(each));

    /// <summary>Forgets bonds that are none any more.</summary>
    public void KeepBonds(BridgeSpec spec)
    {
        foreach (var name in _bonds.Keys)
        {
            if (spec.Ports.TryGetValue(name, out var port) && port.Interfaces.Count > 1) continue;
            _bonds.TryRemove(name, out _);
        }
    }

    /// <summary>Monotonic milliseconds at which the port was first asked after.</summary>
    public long SinceOf(string port) => _since.GetOrAdd(port, static (_, now) => now, Now);

    /// <summary>What went through a patch or a tunnel since it came.</summary>
    public PortCounters CountersOf(string port) =>
        _counters.GetOrAdd(port, static _ => new PortCounters());

    public OfPortConfig ConfigOf(string port) => _configs.GetValueOrDefault(port);

    public void Configure(string port, OfPortConfig config) => _configs[port] = config;

    /// <summary>OpenFlow numbers in use, by interface.</summary>
    public ImmutableSortedDictionary<string, uint> Numbers =>
        _numbers.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>
    /// The interface's OpenFlow number: what it has, else what is requested and free, else the
    /// lowest free one from 1; LOCAL for the bridge's own.
    /// </summary>
    public uint NumberOf(string interfaceName, int? requested)
    {
        if (interfaceName == Name) return OfPort.Local;
        var taken = _numbers.Where(each => each.Key != interfaceName)
            .Select(each => each.Value).ToHashSet();
        if (requested is > 0 and < 0xFF00 && !taken.Contains((uint)requested.Value))
        {
            return _numbers[interfaceName] = (uint)requested.Value;
        }

        if (_numbers.TryGetValue(interfaceName, out var number)) return number;

        // Flows of a port that is gone shall not meet the next one that comes.
        for (uint free = 1; free < PortNumberEnd; free++)
        {
            if (taken.Contains(free) || _left.ContainsKey(free)) continue;
            return _numbers[interfaceName] = free;
        }

        _left.Clear();
        for (uint free = 1; ; free++)
        {
            if (!taken.Contains(free)) return _numbers[interfaceName] = free;
        }
    }

    /// <summary>Frees the numbers of interfaces that are no longer wanted.</summary>
    public void Keep(IReadOnlySet<string> interfaces)
    {
        foreach (var name in _numbers.Keys)
        {
            if (interfaces.Contains(name)) continue;
            if (_numbers.TryRemove(name, out var number)) _left[number] = name;
            _configs.TryRemove(name, out _);
            _since.TryRemove(name, out _);
            _counters.TryRemove(name, out _);
        }
    }
}
