using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Controllers;
using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>One bridge: its ports' numbers, its tables' only steady writer, "the switch".</summary>
/// <remarks>
/// Hears:  <see cref="BridgeWanted"/> from its parent; <see cref="PortReconciled"/> and
///         <see cref="WantsState"/> from its ports; <see cref="PortChanged"/>; the switch protocol
///         of SwitchMessages.cs from connections and from the logical network.
/// Says:   <see cref="BridgeReconciled"/>, <see cref="InterfacesObserved"/>, <see
/// cref="WantsState"/>
///         to its parent; <see cref="PortWanted"/> to its ports; <see cref="ServeOpenFlow"/>.
/// Holds:  the desired state. Tables, addresses, numbers and subscribers are in a
///         <see cref="BridgeState"/> that outlives it; packets read what it has published.
/// Fails:  on bugs only; requests that make no sense are answered with OpenFlow's error. Started
///         anew, it asks its parent what to be; nothing that was published goes away meanwhile.
/// </remarks>
public sealed partial class BridgeActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan HousekeepingInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ObserveInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ObserveDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RecreateDelay = TimeSpan.FromMilliseconds(100);

    private sealed record Housekeeping;

    private sealed record Observe;

    private sealed record RecreatePort(string Port);

    private readonly SwitchStore _store;
    private readonly IActorRef _datapath;
    private readonly BridgeState _state;
    private readonly BridgeTables _tables;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly SortedDictionary<string, PortReconciled> _ports = new(StringComparer.Ordinal);
    private readonly HashSet<string> _pending = [];
    private BridgeWanted? _wanted;
    private IActorRef? _management;

    public static Props Props(string name, SwitchStore store, IActorRef datapath) =>
        Akka.Actor.Props.Create(() => new BridgeActor(name, store, datapath));

    public BridgeActor(string name, SwitchStore store, IActorRef datapath)
    {
        _store = store;
        _datapath = datapath;
        _state = store.BridgeOf(name);
        _tables = new BridgeTables(_state, store.Time, datapath);
        Receive<BridgeWanted>(Reconcile);
        Receive<PortReconciled>(Keep);
        Receive<WantsState>(wants => TellPort(wants.Name));
        Receive<RecreatePort>(recreate => TellPort(recreate.Port));
        Receive<PortChanged>(Note);
        Receive<ManagementFound>(found =>
        {
            _management = found.Management;
            Serve();
        });
        Receive<LivenessChanged>(_ => Republish());
        Receive<Housekeeping>(_ => KeepHouse());
        Receive<Observe>(_ => ReportInterfaces());
        Receive<Terminated>(Forget);
        ReceiveSwitchProtocol();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(-1, null, _ => Directive.Restart);

    protected override void PreStart()
    {
        Context.Parent.Tell(new WantsState(_state.Name));
        Timers.StartPeriodicTimer(
            nameof(Housekeeping), new Housekeeping(), HousekeepingInterval, HousekeepingInterval);
        Timers.StartPeriodicTimer(
            nameof(ObserveInterval), new Observe(), ObserveInterval, ObserveInterval);
    }

    private SwitchedDatapath? Datapath =>
        _wanted is null ? null : _store.FindDatapath(_wanted.Spec.DatapathType);

    private void Reconcile(BridgeWanted wanted)
    {
        _wanted = wanted;
        foreach (var stale in _ports.Keys.Except(wanted.Spec.Ports.Keys).ToArray())
        {
            _ports.Remove(stale);
            var child = Context.Child(ActorNames.Of(stale));
            if (!child.IsNobody()) Context.Stop(child);
        }

        _pending.Clear();
        _pending.UnionWith(wanted.Spec.Ports.Keys);
        foreach (var port in wanted.Spec.Ports.Keys) TellPort(port);
        Serve();
        if (_pending.Count == 0) Finish();
    }

    private void TellPort(string name)
    {
        if (_wanted is null || !_wanted.Spec.Ports.TryGetValue(name, out var spec)) return;
        var child = Context.Child(ActorNames.Of(name));
        if (child.IsNobody())
        {
            child = Context.ActorOf(PortActor.Props(name, _datapath), ActorNames.Of(name));
            Context.Watch(child);
        }

        child.Tell(new PortWanted(
            _wanted.Revision, _wanted.Spec.Name, _wanted.Spec.DatapathType, spec));
    }

    private void Keep(PortReconciled port)
    {
        if (_wanted is null || !_wanted.Spec.Ports.ContainsKey(port.Port)) return;
        _ports[port.Port] = port;
        if (port.Revision == _wanted.Revision) _pending.Remove(port.Port);
        if (_pending.Count == 0) Finish();
    }

    /// <summary>All ports have answered: number them, publish the bridge, report.</summary>
    private void Finish()
    {
        var wanted = _wanted!;
        var opened = _ports.Values.SelectMany(port => port.Interfaces).ToImmutableArray();
        _state.Keep(wanted.Spec.Ports.Values
            .SelectMany(port => port.Interfaces.Keys).ToHashSet(StringComparer.Ordinal));
        _state.Interfaces = opened;
        _state.KeepBonds(wanted.Spec);
        if (_store.TryOpen(wanted.Spec.DatapathType, out var datapath, out _))
        {
            _state.Pipeline.Meters = datapath.Meters;
            ConfigureMacs(wanted.Spec);
            var before = datapath.Current.Bridges.GetValueOrDefault(wanted.Spec.Name);
            var snapshot = BridgeSnapshots.Of(wanted.Spec, _state, opened);
            _state.DatapathId = BridgeSnapshots.DatapathIdOf(wanted.Spec, snapshot.Mac);
            ConfigureTables(wanted.Spec);
            Seed(wanted.Spec);
            _state.Pipeline.SetInBand(
                InBandFlows.Of(wanted.Spec, snapshot), _store.Time.Milliseconds());
            datapath.Publish(snapshot);
            _datapath.Tell(new DecisionsChanged());
            TellPortChanges(before, snapshot);
        }

        Context.Parent.Tell(new BridgeReconciled(wanted.Revision, new BridgeStatus(
            wanted.Spec.Name, _state.DatapathId, StatusOf(),
            InterfaceReports.Of(_state, Datapath))
        {
            ActiveMembers = InterfaceReports.ActiveMembers(_state),
        }));
    }

    private void ConfigureMacs(BridgeSpec spec)
    {
        var macs = _state.Pipeline.Macs;
        macs.CountMax = Math.Max(10, Setting("mac-table-size", MacTable.CountMaxDefault));
        macs.AgingSeconds = Math.Max(15, Setting("mac-aging-time", MacTable.AgingSecondsDefault));
        var groups = _state.Pipeline.Multicast;
        groups.CountMax = Math.Max(
            1, Setting("mcast-snooping-table-size", MulticastTable.CountMaxDefault));
        groups.AgingSeconds = Math.Max(
            15, Setting("mcast-snooping-aging-time", MulticastTable.AgingSecondsDefault));
        groups.KeepPorts(spec.SnoopsMulticast ? spec.Ports.Keys.ToHashSet() : []);

        int Setting(string name, int otherwise) =>
            int.TryParse(spec.OtherConfig.GetValueOrDefault(name), out var value)
                ? value : otherwise;
    }

    private void ConfigureTables(BridgeSpec spec)
    {
        var outcome = _state.Pipeline.ConfigureTables(
            spec.FlowTables.ToDictionary(each => each.Key, each => FlowTableRows.Of(each.Value)),
            _store.Time.Milliseconds());
        _state.Report(outcome, 0, null, _state.IsMonitored);
    }

    private ImmutableSortedDictionary<string, string> StatusOf() =>
        Datapath is { Type: "system" } datapath
            ? ImmutableSortedDictionary<string, string>.Empty.Add(
                "provider", datapath.Provider.ProviderName)
            : ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>
    /// A bridge without controllers that may forward by itself begins as a switch.
    /// </summary>
    private void Seed(BridgeSpec spec)
    {
        var isNormal = spec.FailMode != "secure" && spec.Controllers.IsEmpty;
        var mode = (spec.Controllers.IsEmpty, spec.FailMode == "secure");
        if (_state.Mode == mode) return;
        var changes = new List<PipelineChange>();
        if (_state.Mode is { } before && (before.Item1 != mode.Item1 || mode.Item1))
        {
            changes.Add(new PipelineChange(FlowMod.Delete(FlowMod.AllTables, Match.Any)));
        }

        if (isNormal)
        {
            changes.Add(new PipelineChange(FlowMod.Add(
                0, 0, Match.Any, [new OfOutput(OfPort.Normal)])));
        }

        _state.Mode = mode;
        if (changes.Count == 0) return;
        _state.Report(
            _state.Pipeline.Apply([.. changes], isAtomic: true, _store.Time.Milliseconds()), 0,
            null, _state.IsMonitored);
    }

    private void Serve()
    {
        if (_management is not null && _wanted is not null)
        {
            _management.Tell(new ServeOpenFlow(_wanted.Spec.Name, Self, _wanted.Spec, _tables));
        }
    }

    private void Note(PortChanged changed)
    {
        if (_wanted is null) return;
        var index = -1;
        for (var i = 0; i < _state.Interfaces.Length; i++)
        {
            if (_state.Interfaces[i].Port?.Name == changed.Event.Port.Name) index = i;
        }

        if (index < 0 || SwitchStore.NormalType(_wanted.Spec.DatapathType) != changed.DatapathType)
        {
            return;
        }

        if (changed.Event.Change == DatapathPortChange.Removed)
        {
            // The device is gone: its port actor finds out why, and when it is back.
            var name = _state.Interfaces[index].Spec.Name;
            foreach (var port in _wanted.Spec.Ports.Values)
            {
                if (port.Interfaces.ContainsKey(name)) TellPort(port.Name);
            }

            return;
        }

        foreach (var port in _ports.Values.ToArray())
        {
            _ports[port.Port] = port with
            {
                Interfaces = [.. port.Interfaces.Select(each =>
                    each.Port?.Name == changed.Event.Port.Name
                        ? each with { Port = changed.Event.Port } : each)],
            };
        }

        Republish();
        ObserveSoon();
    }

    private void ObserveSoon() =>
        Timers.StartSingleTimer(nameof(ObserveDelay), new Observe(), ObserveDelay);

    private void Republish()
    {
        if (_wanted is null || Datapath is not { } datapath) return;
        _state.Interfaces = [.. _ports.Values.SelectMany(port => port.Interfaces)];
        var before = datapath.Current.Bridges.GetValueOrDefault(_wanted.Spec.Name);
        var snapshot = BridgeSnapshots.Of(_wanted.Spec, _state, _state.Interfaces);
        datapath.Publish(snapshot);
        _datapath.Tell(new DecisionsChanged());
        TellPortChanges(before, snapshot);
    }

    private void TellPortChanges(BridgeSnapshot? before, BridgeSnapshot after)
    {
        foreach (var change in PortDescriptions.Changes(before, after))
        {
            _state.Tell(new PortStatusRaised(change));
        }
    }

    private void KeepHouse()
    {
        var now = _store.Time.Milliseconds();
        _state.Pipeline.Macs.Age(now);
        _state.Pipeline.Multicast.Age(now);
        if (_state.Bonds.Values.Any(bond => bond.IsDue(now)))
        {
            Republish();
            ObserveSoon();
        }

        var expired = _state.Pipeline.Expire(now);
        if (ReferenceEquals(expired, PipelineOutcome.Nothing)) return;
        _datapath.Tell(new DecisionsChanged());
        _state.Report(expired, 0, null, _state.IsMonitored);
    }

    private void ReportInterfaces()
    {
        if (_wanted is null || _pending.Count > 0) return;
        Context.Parent.Tell(new InterfacesObserved(InterfaceReports.Of(_state, Datapath))
        {
            ActiveMembers = InterfaceReports.ActiveMembers(_state),
        });
    }

    private void Forget(Terminated terminated)
    {
        _state.Subscribers = _state.Subscribers.Remove(terminated.ActorRef);
        if (_wanted is null) return;
        foreach (var port in _wanted.Spec.Ports.Keys)
        {
            if (ActorNames.Of(port) != terminated.ActorRef.Path.Name) continue;
            Timers.StartSingleTimer(port, new RecreatePort(port), RecreateDelay);
        }
    }
}
