using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <summary>Keeps one bridge actor for every Bridge row, and says when all are as wanted.</summary>
/// <remarks>
/// Hears:  <see cref="BridgesWanted"/> from the configuration; <see cref="BridgeReconciled"/>,
///         <see cref="InterfacesObserved"/>, <see cref="ControllersObserved"/>,
///         <see cref="WantsState"/> from its bridges;
///         <see cref="PortChanged"/> from the datapath.
/// Says:   <see cref="BridgesReconciled"/>, <see cref="InterfacesObserved"/> and
///         <see cref="ControllersObserved"/> to whom the last desired state came from;
///         <see cref="KeepInterfaces"/> to the datapath;
///         <see cref="BridgeWanted"/>, <see cref="ManagementFound"/> to its bridges.
/// Holds:  the statuses of the present revision. The desired state is kept in the store.
/// Fails:  when the datapath actor is gone for good (a death pact): the parent starts both anew.
///         A bridge actor that ends is made again after a tenth of a second.
/// </remarks>
public sealed class BridgesActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan RecreateDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan FindInterval = TimeSpan.FromMilliseconds(500);

    private sealed record Recreate(string Bridge);

    private sealed record FindManagement;

    private readonly SwitchStore _store;
    private readonly IActorRef _datapath;
    private readonly string _managementPath;
    private readonly SortedDictionary<string, BridgeStatus> _statuses =
        new(StringComparer.Ordinal);
    private readonly HashSet<string> _pending = [];
    private IActorRef? _configuration;
    private IActorRef? _management;

    public static Props Props(SwitchStore store, IActorRef datapath, string managementPath) =>
        Akka.Actor.Props.Create(() => new BridgesActor(store, datapath, managementPath));

    public BridgesActor(SwitchStore store, IActorRef datapath, string managementPath)
    {
        _store = store;
        _datapath = datapath;
        _managementPath = managementPath;
        Receive<BridgesWanted>(wanted =>
        {
            _store.Wanted = wanted;
            _configuration = Sender;
            Reconcile(wanted);
        });
        Receive<BridgeReconciled>(Keep);
        Receive<InterfacesObserved>(observed => _configuration?.Tell(observed));
        Receive<ControllersObserved>(observed => _configuration?.Tell(observed));
        Receive<WantsState>(wants => TellBridge(wants.Name));
        Receive<Recreate>(recreate => TellBridge(recreate.Bridge));
        Receive<PortChanged>(changed =>
        {
            foreach (var bridge in Context.GetChildren()) bridge.Tell(changed);
        });
        Receive<FindManagement>(_ =>
        {
            _datapath.Tell(new SubscribePorts(Self)); // It may have started anew meanwhile.
            if (_management is not null) return;
            Context.ActorSelection(_managementPath)
                .Tell(new Identify(nameof(FindManagement)), Self);
        });
        Receive<ActorIdentity>(Meet);
        Receive<Terminated>(HearOfEnd);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(-1, null, _ => Directive.Restart);

    protected override void PreStart()
    {
        Context.Watch(_datapath);
        Timers.StartPeriodicTimer(
            nameof(FindManagement), new FindManagement(), TimeSpan.Zero, FindInterval);
        if (_store.Wanted is { } wanted) Reconcile(wanted);
    }

    /// <remarks>Removals go first: what they free, an addition may need.</remarks>
    private void Reconcile(BridgesWanted wanted)
    {
        _statuses.Clear();
        _pending.Clear();
        _pending.UnionWith(wanted.Bridges.Keys);
        foreach (var state in _store.Bridges)
        {
            if (!wanted.Bridges.ContainsKey(state.Name)) Remove(state.Name);
        }

        foreach (var (name, spec) in wanted.Bridges) Move(name, spec);
        _datapath.Tell(new KeepInterfaces(
        [
            .. wanted.Bridges.Values.SelectMany(bridge => bridge.Ports.Values.SelectMany(
                port => port.Interfaces.Keys.Select(each => (bridge.Name, each)))),
        ]));
        foreach (var bridge in wanted.Bridges.Keys) TellBridge(bridge);
        if (_pending.Count == 0) Finish();
    }

    /// <summary>A bridge that changes its datapath leaves the one that it was on.</summary>
    private void Move(string name, BridgeSpec spec)
    {
        foreach (var datapath in _store.Datapaths)
        {
            if (datapath.Type != SwitchStore.NormalType(spec.DatapathType)) datapath.Withdraw(name);
        }
    }

    private void Remove(string bridge)
    {
        foreach (var datapath in _store.Datapaths) datapath.Withdraw(bridge);
        _store.Forget(bridge);
        _management?.Tell(new StopOpenFlow(bridge));
        var child = Context.Child(ActorNames.Of(bridge));
        if (!child.IsNobody()) Context.Stop(child);
    }

    private void TellBridge(string name)
    {
        if (_store.Wanted is not { } wanted || !wanted.Bridges.TryGetValue(name, out var spec))
        {
            return;
        }

        var child = Context.Child(ActorNames.Of(name));
        if (child.IsNobody())
        {
            child = Context.ActorOf(
                BridgeActor.Props(name, _store, _datapath), ActorNames.Of(name));
            Context.Watch(child);
        }

        if (_management is not null) child.Tell(new ManagementFound(_management));
        child.Tell(new BridgeWanted(wanted.Revision, spec));
    }

    private void Keep(BridgeReconciled bridge)
    {
        if (_store.Wanted is not { } wanted || bridge.Revision != wanted.Revision) return;
        if (!wanted.Bridges.ContainsKey(bridge.Status.Name)) return;
        _statuses[bridge.Status.Name] = bridge.Status;
        _pending.Remove(bridge.Status.Name);
        if (_pending.Count == 0) Finish();
    }

    private void Finish()
    {
        if (_store.Wanted is not { } wanted || _configuration is null) return;
        var statuses = _statuses.ToImmutableSortedDictionary(
            each => each.Key, each => WithPeers(wanted, each.Value), StringComparer.Ordinal);
        _configuration.Tell(new BridgesReconciled(wanted.Revision, statuses)
        {
            Capabilities = _store.Datapaths
                .Where(each => each.Current.BridgesInOrder.Any())
                .ToImmutableSortedDictionary(
                    each => each.Type, DatapathFeature.ValuesOf, StringComparer.Ordinal),
        });
    }

    private BridgeStatus WithPeers(BridgesWanted wanted, BridgeStatus status)
    {
        var datapath = _store.FindDatapath(wanted.Bridges[status.Name].DatapathType);
        return _store.FindBridge(status.Name) is { } state
            ? InterfaceReports.WithPeers(status, state, datapath) : status;
    }

    private void Meet(ActorIdentity identity)
    {
        if (identity.Subject is null || _management is not null) return;
        _management = identity.Subject;
        Context.Watch(_management);
        foreach (var bridge in Context.GetChildren()) bridge.Tell(new ManagementFound(_management));
    }

    private void HearOfEnd(Terminated terminated)
    {
        if (terminated.ActorRef.Equals(_datapath))
        {
            Context.Stop(Self);
            return;
        }

        if (terminated.ActorRef.Equals(_management))
        {
            _management = null;
            return;
        }

        foreach (var bridge in _store.Wanted?.Bridges.Keys ?? [])
        {
            if (ActorNames.Of(bridge) != terminated.ActorRef.Path.Name) continue;
            Timers.StartSingleTimer(bridge, new Recreate(bridge), RecreateDelay);
        }
    }
}
