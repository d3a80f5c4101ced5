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

    private readonly CarriedOver<VtepsChanged> _vtepsOver;
    private readonly CarriedOver<PortLocationsChanged> _portsOver;
    private TimeSpan? _memberSince;
    private PublishVteps? _ownVteps;
    private ClaimPorts? _ownPorts;
    private VoteForGateways? _ownVotes;
    private NorthboundApplied? _ownApplied;
    private HostsAppliedChanged? _applied;
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
        Receive<NorthboundApplied>(applied => _seam.Tell(_ownApplied = applied));
        Receive<MeasureLoad>(_ => _seam.Tell(_settings.ReadLoad!()));
        Receive<RequestedChassisChanged>(changed =>
        {
            _requested = changed;
            TellRequested();
        });

        Receive<VtepsChanged>(changed =>
        {
            _vtepsOver.Publish(changed, _memberSince is not null);
            TellRequested();
        });
        Receive<PortLocationsChanged>(
            changed => _portsOver.Publish(changed, _memberSince is not null));
        Receive<LearnedAddressesChanged>(_learned.Publish);
        Receive<GatewaysElected>(_gateways.Publish);
        Receive<HostLoadsChanged>(_loads.Publish);
        Receive<HostsAppliedChanged>(changed => _applied = changed);

        Receive<SubscribeVteps>(from => _vteps.Subscribe(from.Subscriber, Context));
        Receive<SubscribePortLocations>(from => _ports.Subscribe(from.Subscriber, Context));
        Receive<SubscribeLearnedAddresses>(from => _learned.Subscribe(from.Subscriber, Context));
        Receive<SubscribeGateways>(from => _gateways.Subscribe(from.Subscriber, Context));
        Receive<SubscribeHostLoads>(from => _loads.Subscribe(from.Subscriber, Context));
    }

    /// <summary>VTEPs of hosts that nothing was said of.</summary>
    private static VtepsChanged? Untold(VtepsChanged kept, VtepsChanged told)
    {
        var hosts = told.Vteps.Select(vtep => vtep.HostId).ToHashSet(StringComparer.Ordinal);
        var untold = kept.Vteps.Where(vtep => !hosts.Contains(vtep.HostId))
            .ToImmutableSortedSet();
        return untold.IsEmpty ? null : new VtepsChanged(untold);
    }

    /// <summary>Ports that nothing was said of.</summary>
    private static PortLocationsChanged? Untold(
        PortLocationsChanged kept, PortLocationsChanged told)
    {
        var untold = kept.Locations.RemoveRange(
            kept.Locations.Keys.Where(told.Locations.ContainsKey).ToList());
        return untold.IsEmpty ? null : new PortLocationsChanged(untold);
    }

    private void CarryOver()
    {
        _vtepsOver.Keep();
        _portsOver.Keep();
    }

    private void SettleDown()
    {
        _vtepsOver.Settle();
        _portsOver.Settle();
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
        if (_ownApplied is not null) _seam.Tell(_ownApplied);
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
