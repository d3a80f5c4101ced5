using System.Collections.Immutable;
using Akka.Actor;
using Akka.DistributedData;

namespace Fabric.Cluster;

/// <summary>Gossips the ports that this host has bound and knows where each port is.</summary>
/// <remarks>
/// Hears:  <see cref="ClaimPorts"/>, <see cref="RequestedChassisChanged"/> and
///         <see cref="MembershipView"/> from its parent; <see cref="Changed"/> from the replicator.
/// Says:   <see cref="PortLocationsChanged"/> to its parent.
/// Holds:  what gossip can say again, and this host's own claims.
/// Fails:  with the replicator; started anew, it subscribes again.
/// </remarks>
public sealed class PortLocationsActor : ReceiveActor, IWithTimers
{
    private readonly string _host;
    private readonly GossipedRecords<HostClaims> _claims;
    private readonly IScheduler _clock = Context.System.Scheduler;

    private readonly PortOwners _owners = new();
    private ImmutableSortedDictionary<string, PortLocation>? _told;
    private MembershipView _members;
    private bool _hasClaimed;

    /// <param name="version">Versions of this host's claims begin above it.</param>
    public PortLocationsActor(string host, long version)
    {
        _host = host;
        _claims = new(Context.System, "fabric.ports", host, version);
        _members = MembershipView.Nothing(host);
        Receive<ClaimPorts>(Claim);
        Receive<RequestedChassisChanged>(changed =>
        {
            _owners.SetRequested(changed.Requested);
            Tell();
        });
        Receive<MembershipView>(members =>
        {
            _members = members;
            Tell();
        });
        Receive<Changed>(changed =>
        {
            _claims.Adopt(changed);
            TellSoon();
        });
        Receive<PruneRecords>(_ => _claims.Prune(
            _members, _clock.MonotonicClock, GossipTimes.PruneAfter));
        Receive<TellChanges>(_ => Tell());
        Receive<IUpdateResponse>(_ => { }); // Local writes; gossip carries them on.
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(string host, long version) =>
        Akka.Actor.Props.Create(() => new PortLocationsActor(host, version));

    protected override void PreStart()
    {
        _claims.Subscribe(Self);
        Context.Parent.Tell(SeamChildStarted.Instance);
        Timers.StartPeriodicTimer(
            nameof(PruneRecords), PruneRecords.Instance, GossipTimes.PruneInterval);
    }

    private void Claim(ClaimPorts claim)
    {
        var others = _claims.All.Values.Where(
            other => other.HostId != _host && _members.AliveHosts.Contains(other.HostId));
        var own = _claims.Own?.Claims ?? Ordinal.EmptyMap<long>();
        var claims = PortClaims.Claim(own, claim.LogicalPorts, others, !_hasClaimed);
        _hasClaimed |= !claim.LogicalPorts.IsEmpty;
        if (claims.SequenceEqual(own)) return;
        _claims.Write(new HostClaims(_host, 0, claims));
        Tell();
    }

    /// <summary>Changes of many hosts come in many maps at once.</summary>
    private void TellSoon()
    {
        if (!Timers.IsTimerActive(nameof(TellChanges)))
            Timers.StartSingleTimer(nameof(TellChanges), TellChanges.Instance, GossipTimes.Pause);
    }

    private void Tell()
    {
        foreach (var host in _claims.TakeChanged())
            _owners.Say(host, _claims.All.GetValueOrDefault(host));
        _owners.SetAlive(_members.AliveHosts);
        var locations = _owners.Locations;
        if (ReferenceEquals(_told, locations)) return;
        _told = locations;
        Context.Parent.Tell(new PortLocationsChanged(locations));
    }
}
