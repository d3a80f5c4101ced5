using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Configuration;
using Fabric.Datapath;

namespace Fabric.Switching;

/// <summary>Keeps one actor for every conntrack zone that has settings or was asked for.</summary>
/// <remarks>
/// Hears:  <see cref="ConntrackAttached"/> from the datapath; <see cref="DatabaseChanged"/> from
/// the
///         Open_vSwitch database, or <see cref="ZonesWanted"/>; <see cref="FlushZone"/>, <see
/// cref="ReadZone"/> and
///         <see cref="SubscribeZone"/>, which it passes on to the zone.
/// Says:   <see cref="ZoneSpec"/> to its children.
/// Holds:  what the configuration and the datapath said last.
/// Fails:  never by what it hears. A zone that fails is started anew with its settings.
/// </remarks>
public sealed class ConntrackZonesActor : ReceiveActor, IWithUnboundedStash
{
    private ImmutableSortedDictionary<ushort, ZoneSpec> _wanted =
        ImmutableSortedDictionary<ushort, ZoneSpec>.Empty;

    private IDatapathConntrack? _conntrack;
    private uint _halfOpenMax;

    /// <summary>Zones of the tracker before: what is asked of them waits.</summary>
    private ImmutableHashSet<string> _stopping = [];

    public IStash Stash { get; set; } = null!;

    public static Props Props() => Akka.Actor.Props.Create(() => new ConntrackZonesActor());

    public ConntrackZonesActor()
    {
        Receive<ConntrackAttached>(Attach);
        Receive<ZonesWanted>(Reconcile);
        Receive<DatabaseChanged>(changed =>
        {
            var isFirst = changed.Before.TransactionId == Guid.Empty;
            if (isFirst || changed.Changes.Any(ZoneRows.Concern))
            {
                Reconcile(ZoneRows.Wanted(changed.After));
            }
        });
        Receive<FlushZone>(request => Forward(request.Zone, request));
        Receive<ReadZone>(request => Forward(request.Zone, request));
        Receive<SubscribeZone>(request => Forward(request.Zone, request));
        Receive<Terminated>(gone => Restore(gone.ActorRef));
    }

    private void Attach(ConntrackAttached attached)
    {
        if (ReferenceEquals(_conntrack, attached.Conntrack)) return;
        _conntrack = attached.Conntrack;
        foreach (var child in Context.GetChildren())
        {
            _stopping = _stopping.Add(child.Path.Name); // Back by Restore.
            Context.Stop(child);
        }

        Reconcile(new ZonesWanted(_wanted, _halfOpenMax));
        Stash.UnstashAll();
    }

    /// <remarks>Removals go first: a zone without settings goes back to the defaults.</remarks>
    private void Reconcile(ZonesWanted wanted)
    {
        foreach (var stale in _wanted.Keys.Except(wanted.Zones.Keys))
        {
            Context.Child(ConntrackZoneActor.NameOf(stale)).Tell(Defaults(stale));
        }

        _wanted = wanted.Zones;
        _halfOpenMax = wanted.HalfOpenMax;
        if (_conntrack is null) return;
        _conntrack.HalfOpenMax = _halfOpenMax;
        foreach (var spec in _wanted.Values)
        {
            if (Find(spec.Zone) is { } zone) zone.Tell(spec);
            else Start(spec);
        }
    }

    private void Forward(ushort zone, object request)
    {
        if (_conntrack is null || _stopping.Contains(ConntrackZoneActor.NameOf(zone)))
        {
            Stash.Stash();
            return;
        }

        (Find(zone) ?? Start(SpecOf(zone))).Forward(request);
    }

    /// <summary>A zone that was stopped from outside is back at once.</summary>
    private void Restore(IActorRef gone)
    {
        _stopping = _stopping.Remove(gone.Path.Name);
        if (_conntrack is null || !ushort.TryParse(gone.Path.Name, out var zone)) return;
        if (Find(zone) is null) Start(SpecOf(zone));
        Stash.UnstashAll();
    }

    private static IActorRef? Find(ushort zone) =>
        Context.Child(ConntrackZoneActor.NameOf(zone)) is var child && child.IsNobody()
            ? null
            : child;

    private IActorRef Start(ZoneSpec spec) => Context.Watch(Context.ActorOf(
        ConntrackZoneActor.Props(spec, _conntrack!), ConntrackZoneActor.NameOf(spec.Zone)));

    private ZoneSpec SpecOf(ushort zone) => _wanted.GetValueOrDefault(zone) ?? Defaults(zone);

    private static ZoneSpec Defaults(ushort zone) =>
        new(zone, null, ImmutableSortedDictionary<string, uint>.Empty);

    protected override SupervisorStrategy SupervisorStrategy() =>
        // A zone that was killed is as good as one that threw: it starts anew.
        new OneForOneStrategy(_ => Directive.Restart);
}
