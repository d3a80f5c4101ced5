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
public sealed class PortLocationsActor : ReceiveActor
{
    private static readonly ImmutableArray<LWWDictionaryKey<string, HostClaims>> Keys =
        HostShards.KeysOf<HostClaims>("fabric.ports");

    private readonly string _host;
    private readonly Akka.Cluster.Cluster _node = Akka.Cluster.Cluster.Get(Context.System);
    private readonly IActorRef _replicator = DistributedData.Get(Context.System).Replicator;

    private ImmutableSortedDictionary<string, HostClaims> _claims =
        Ordinal.EmptyMap<HostClaims>();
    private ImmutableSortedDictionary<string, string> _requested = Ordinal.EmptyMap<string>();
    private ImmutableSortedDictionary<string, PortLocation>? _told;
    private MembershipView _members;
    private HostClaims _own;
    private bool _hasClaimed;

    /// <param name="version">Versions of this host's claims begin above it.</param>
    public PortLocationsActor(string host, long version)
    {
        _host = host;
        _own = new HostClaims(host, version, Ordinal.EmptyMap<long>());
        _members = MembershipView.Nothing(host);
        Receive<ClaimPorts>(Claim);
        Receive<RequestedChassisChanged>(changed =>
        {
            _requested = changed.Requested;
            Tell();
        });
        Receive<MembershipView>(members =>
        {
            _members = members;
            Tell();
        });
        Receive<Changed>(changed =>
        {
            _claims = _claims.SetItems(changed.Get(KeyOf(changed)).Entries);
            KeepOwn();
            Tell();
        });
        Receive<IUpdateResponse>(_ => { }); // Local writes; gossip carries them on.
    }

    public static Props Props(string host, long version) =>
        Akka.Actor.Props.Create(() => new PortLocationsActor(host, version));

    protected override void PreStart()
    {
        foreach (var key in Keys) _replicator.Tell(Dsl.Subscribe(key, Self));
        Context.Parent.Tell(SeamChildStarted.Instance);
    }

    private void Claim(ClaimPorts claim)
    {
        var others = _claims.Values.Where(
            other => other.HostId != _host && _members.AliveHosts.Contains(other.HostId));
        var claims = PortClaims.Claim(_own.Claims, claim.LogicalPorts, others, !_hasClaimed);
        _hasClaimed |= !claim.LogicalPorts.IsEmpty;
        if (claims.SequenceEqual(_own.Claims)) return;
        Write(new HostClaims(_host, _own.Version + 1, claims));
    }

    /// <summary>Gossip may remember this host from a life whose state was lost.</summary>
    private void KeepOwn()
    {
        if (!_claims.TryGetValue(_host, out var known)) return;
        if (known.Version <= _own.Version)
        {
            if (_hasClaimed) _claims = _claims.SetItem(_host, _own); // Gossip told an older one.
            return;
        }

        Write(_own with { Version = known.Version + 1 });
    }

    private void Write(HostClaims claims)
    {
        _own = claims;
        _claims = _claims.SetItem(_host, claims);
        _replicator.Tell(Dsl.Update(
            Keys[HostShards.ShardOf(_host)], LWWDictionary<string, HostClaims>.Empty,
            WriteLocal.Instance,
            map => map.SetItem(_node, _host, claims, (_, value) => value.Version)));
        Tell();
    }

    private static LWWDictionaryKey<string, HostClaims> KeyOf(Changed changed) =>
        Keys.First(key => key.Id == changed.Key.Id);

    private void Tell()
    {
        var locations = PortClaims.Resolve(_claims.Values, _members.AliveHosts, _requested);
        if (_told is not null && _told.SequenceEqual(locations)) return;
        _told = locations;
        Context.Parent.Tell(new PortLocationsChanged(locations));
    }
}
