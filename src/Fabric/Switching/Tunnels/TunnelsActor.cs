using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Cluster;
using Fabric.Configuration;

namespace Fabric.Switching;

/// <summary>Keeps one tunnel actor for every VTEP of another host that is alive.</summary>
/// <remarks>
/// Hears:  <see cref="VtepsChanged"/> from the cluster; <see cref="DatabaseChanged"/> and
///         <see cref="TransactCompleted"/> from the Open_vSwitch database; Terminated of a
///         child, which it starts anew.
/// Says:   <see cref="SubscribeVteps"/>, <see cref="SubscribeDatabase"/>, <see cref="Transact"/>;
///         <see cref="TunnelObserved"/> to its children.
/// Holds:  nothing that the cluster or the database cannot say again. Starting, restarting and
///         changing are therefore the same code.
/// Fails:  when the cluster's or the database's actor is gone for good: its parent starts it anew,
///         and it asks again. A tunnel that is refused fails alone.
/// </remarks>
public sealed class TunnelsActor : ReceiveActor
{
    private readonly string _host;
    private readonly IActorRef _cluster;
    private readonly IActorRef _database;

    private ImmutableSortedSet<Vtep>? _wanted; // Null until the cluster has spoken.
    private DatabaseSnapshot? _known;          // Null until the database has spoken.
    private ImmutableSortedDictionary<string, Vtep> _children =
        ImmutableSortedDictionary.Create<string, Vtep>(StringComparer.Ordinal);
    private long _removals;

    public TunnelsActor(string host, IActorRef cluster, IActorRef database)
    {
        _host = host;
        _cluster = cluster;
        _database = database;

        Receive<VtepsChanged>(changed =>
        {
            _wanted = TunnelRows.Wanted(changed.Vteps, _host);
            Reconcile();
        });

        Receive<DatabaseChanged>(changed =>
        {
            _known = changed.After;
            if (changed.Before.TransactionId == Guid.Empty || changed.Changes.Any(Concerns))
                Reconcile();
        });

        Receive<Terminated>(
            terminated => terminated.ActorRef.Path.Parent.Equals(Self.Path),
            terminated =>
            {
                _children = _children.Remove(terminated.ActorRef.Path.Name);
                Reconcile();
            });

        Receive<TransactCompleted>(_ => { }); // A removal; what is left shows in the database.
    }

    public static Props Props(string host, IActorRef cluster, IActorRef database) =>
        Akka.Actor.Props.Create(() => new TunnelsActor(host, cluster, database));

    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(-1, -1, _ => Directive.Restart);

    protected override void PreStart()
    {
        Context.Watch(_cluster);  // Not handled above: Terminated then ends this actor too,
        Context.Watch(_database); // and its parent starts it against their successors.
        _cluster.Tell(new SubscribeVteps(Self));
        _database.Tell(new SubscribeDatabase(Self));
    }

    private static bool Concerns(RowChange change) => change.Table switch
    {
        "Bridge" => change.Touches("ports") || change.Touches("name"),
        "Port" => change.Touches("interfaces") || change.Touches("external_ids"),
        "Interface" => change.Touches("options") || change.Touches("external_ids")
            || change.Touches("type"),
        "Open_vSwitch" => change.Touches("external_ids"),
        _ => false,
    };

    /// <remarks>
    /// Removals go first, because what they free (a name, a port number) an addition may need.
    /// </remarks>
    private void Reconcile()
    {
        if (_wanted is null || _known is null) return;
        if (TunnelRows.BridgeOf(_known) is not { } bridge) return; // Heard of when it is made.

        foreach (var (name, vtep) in _children)
        {
            if (_wanted.Contains(vtep)) continue;
            Context.Stop(Context.Child(name));
            _children = _children.Remove(name);
        }

        var rows = TunnelRows.Read(_known, bridge);
        var byHost = _wanted.ToLookup(vtep => vtep.HostId, StringComparer.Ordinal);
        var kept = new Dictionary<Vtep, TunnelRow>();
        var stale = new List<TunnelRow>();
        foreach (var row in rows)
        {
            var vtep = byHost[row.HostId].FirstOrDefault(one => TunnelRows.IsFor(row, one));
            if (vtep is null || !kept.TryAdd(vtep, row)) stale.Add(row);
        }

        if (stale.Count > 0)
            _database.Tell(new Transact(++_removals, [TunnelRows.Remove(bridge, stale)]));
        foreach (var vtep in _wanted) Observe(vtep, bridge, kept.GetValueOrDefault(vtep));
    }

    private void Observe(Vtep vtep, Row bridge, TunnelRow? row)
    {
        var name = TunnelActor.NameOf(vtep);
        if (!_children.ContainsKey(name))
        {
            // One that is still stopping keeps its name; its Terminated comes here again.
            if (!Context.Child(name).IsNobody()) return;
            Context.Watch(Context.ActorOf(TunnelActor.Props(vtep, _database), name));
            _children = _children.Add(name, vtep);
        }

        Context.Child(name).Tell(new TunnelObserved(bridge, row, _known!));
    }
}
