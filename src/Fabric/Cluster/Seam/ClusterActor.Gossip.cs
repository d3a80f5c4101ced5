using System.Collections.Immutable;
using Akka.Actor;

namespace Fabric.Cluster;

public sealed partial class ClusterActor
{
    /// <summary>Gossip takes what is news, and that not more often than it says.</summary>
    private static readonly TimeSpan LoadInterval = TimeSpan.FromSeconds(5);

    private readonly Publication<VtepsChanged> _vteps = new();
    private readonly Publication<PortLocationsChanged> _ports = new();
    private readonly Publication<LearnedAddressesChanged> _learned = new();
    private readonly Publication<GatewaysElected> _gateways = new();
    private readonly Publication<HostLoadsChanged> _loads = new();
    /// <summary>After which a host that has come back has heard of all others.</summary>
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(10);

    /// <summary>What gossip said last; more may be published while this host settles.</summary>
    private PortLocationsChanged? _located;
    private TimeSpan? _memberSince;

    /// <summary>Where ports were when this host was cut off, but for those told since.</summary>
    private ImmutableSortedDictionary<string, PortLocation> _kept =
        Ordinal.EmptyMap<PortLocation>();
    private PublishVteps? _ownVteps;
    private ClaimPorts? _ownPorts;
    private VoteForGateways? _ownVotes;
    private RequestedChassisChanged? _requested;

    private sealed record MeasureLoad
    {
        public static readonly MeasureLoad Instance = new();
    }

    /// <summary>What this host says goes to gossip; what gossip says goes to this host.</summary>
    private void ReceiveGossip()
    {
        Receive<PublishVteps>(publish => _seam.Tell(_ownVteps = publish));
        Receive<ClaimPorts>(claim => _seam.Tell(_ownPorts = claim));
        Receive<VoteForGateways>(vote => _seam.Tell(_ownVotes = vote));
        Receive<LearnAddresses>(learn => _seam.Tell(learn));
        Receive<ForgetAddresses>(forget => _seam.Tell(forget));
        Receive<HostLoad>(load => _seam.Tell(load));
        Receive<MeasureLoad>(_ => _seam.Tell(_settings.ReadLoad!()));
        Receive<RequestedChassisChanged>(changed =>
        {
            _requested = changed;
            TellRequested();
        });

        Receive<VtepsChanged>(changed =>
        {
            _vteps.Publish(changed);
            TellRequested();
        });
        Receive<PortLocationsChanged>(PublishLocations);
        Receive<LearnedAddressesChanged>(_learned.Publish);
        Receive<GatewaysElected>(_gateways.Publish);
        Receive<HostLoadsChanged>(_loads.Publish);

        Receive<SubscribeVteps>(from => _vteps.Subscribe(from.Subscriber, Context));
        Receive<SubscribePortLocations>(from => _ports.Subscribe(from.Subscriber, Context));
        Receive<SubscribeLearnedAddresses>(from => _learned.Subscribe(from.Subscriber, Context));
        Receive<SubscribeGateways>(from => _gateways.Subscribe(from.Subscriber, Context));
        Receive<SubscribeHostLoads>(from => _loads.Subscribe(from.Subscriber, Context));
    }

    /// <summary>
    /// A host that was cut off is told by and by where ports are: until then they are where they
    /// were, and flows stay.
    /// </summary>
    private void PublishLocations(PortLocationsChanged changed)
    {
        _located = changed;
        if (HasSettled) _kept = _kept.Clear();
        else if (_memberSince is not null) // What is told on the way out is taken back soon.
            _kept = _kept.RemoveRange(_kept.Keys.Where(changed.Locations.ContainsKey).ToList());
        _ports.Publish(_kept.IsEmpty
            ? changed
            : new PortLocationsChanged(_kept.SetItems(changed.Locations)));
    }

    private bool HasSettled => _memberSince is { } since && Now - since >= SettleTime;

    private void Unsubscribe(IActorRef subscriber)
    {
        _vteps.Remove(subscriber);
        _ports.Remove(subscriber);
        _learned.Remove(subscriber);
        _gateways.Remove(subscriber);
        _loads.Remove(subscriber);
    }

    /// <summary>A new incarnation knows nothing of this host yet.</summary>
    private void TellOwn()
    {
        if (_ownVteps is not null) _seam.Tell(_ownVteps);
        if (_ownPorts is not null) _seam.Tell(_ownPorts);
        if (_ownVotes is not null) _seam.Tell(_ownVotes);
        TellRequested();
        if (_logStatus is not null) _seam.Tell(_logStatus);
    }

    /// <summary>options:requested-chassis may be a host's name in place of its id.</summary>
    private void TellRequested()
    {
        if (_requested is null) return;
        var ids = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var vtep in _vteps.Last?.Vteps ?? []) ids[vtep.HostName] = vtep.HostId;
        _seam.Tell(new RequestedChassisChanged(_requested.Requested.ToImmutableSortedDictionary(
            pair => pair.Key, pair => ids.GetValueOrDefault(pair.Value, pair.Value),
            StringComparer.Ordinal)));
    }
}
