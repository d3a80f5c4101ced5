using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Datapath;

namespace Fabric.Switching;

/// <summary>One conntrack zone: its limit, timeouts, counters, flush and events.</summary>
/// <remarks>
/// Hears:  <see cref="ZoneSpec"/> from its parent; <see cref="FlushZone"/>, <see cref="ReadZone"/>,
///         <see cref="SubscribeZone"/> from anyone.
/// Says:   <see cref="ZoneFlushed"/>, <see cref="ZoneStatus"/>; <see cref="ConntrackEvent"/> to
///         subscribers.
/// Holds:  its subscribers. Connections, limits and counters are the tracker's and outlive it.
/// Fails:  never by what it hears; after a restart its parent's settings are applied again.
/// </remarks>
public sealed class ConntrackZoneActor : ReceiveActor
{
    /// <summary>
    /// Events on their way at most; more are counted as lost, packets do not wait.
    /// </summary>
    private const int EventsInFlightMax = 4096;

    private readonly ZoneSpec _spec;
    private readonly IDatapathConntrack _conntrack;
    private readonly IActorRef _self;
    private ImmutableHashSet<IActorRef> _subscribers = [];
    private bool _isListening;
    private int _inFlight;
    private ulong _lost;

    public static Props Props(ZoneSpec spec, IDatapathConntrack conntrack) =>
        Akka.Actor.Props.Create(() => new ConntrackZoneActor(spec, conntrack));

    public ConntrackZoneActor(ZoneSpec spec, IDatapathConntrack conntrack)
    {
        _spec = spec;
        _conntrack = conntrack;
        _self = Self;

        Receive<ZoneSpec>(Apply);
        Receive<FlushZone>(flush => Sender.Tell(new ZoneFlushed(
            spec.Zone, conntrack.Flush(flush.Filter with { Zone = spec.Zone }))));
        Receive<ReadZone>(_ => Sender.Tell(Status()));
        Receive<SubscribeZone>(Subscribe);
        Receive<ConntrackEvent>(Publish);
        Receive<Terminated>(gone => _subscribers = _subscribers.Remove(gone.ActorRef));
    }

    public static string NameOf(ushort zone) =>
        zone.ToString(System.Globalization.CultureInfo.InvariantCulture);

    protected override void PreStart() => Apply(_spec);

    protected override void PostStop()
    {
        if (_isListening) _conntrack.Changed -= Hear;
    }

    private void Apply(ZoneSpec spec)
    {
        _conntrack.SetLimit(spec.Zone, spec.Limit);
        _conntrack.SetZoneTimeouts(spec.Zone, spec.Timeouts.IsEmpty ? null : spec.Timeouts);
    }

    private ZoneStatus Status()
    {
        uint count = 0;
        _conntrack.Dump(_spec.Zone, _ => count++);
        var limit = _conntrack.Limits()
            .Where(entry => entry.Zone == _spec.Zone)
            .Select(entry => (uint?)entry.Limit).FirstOrDefault();
        return new ZoneStatus(_spec.Zone, count, limit, Interlocked.Read(ref _lost));
    }

    private void Subscribe(SubscribeZone request)
    {
        Context.Watch(request.Subscriber);
        _subscribers = _subscribers.Add(request.Subscriber);
        if (_isListening) return;
        _conntrack.Changed += Hear;
        _isListening = true;
    }

    /// <summary>Runs on packet threads.</summary>
    private void Hear(ConntrackEvent change)
    {
        if (change.Entry.Zone != _spec.Zone) return;
        if (Interlocked.Increment(ref _inFlight) > EventsInFlightMax)
        {
            Interlocked.Decrement(ref _inFlight);
            Interlocked.Increment(ref _lost);
            return;
        }

        _self.Tell(change, ActorRefs.NoSender);
    }

    private void Publish(ConntrackEvent change)
    {
        Interlocked.Decrement(ref _inFlight);
        foreach (var subscriber in _subscribers) subscriber.Tell(change);
    }
}
