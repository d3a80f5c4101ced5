using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>One member of the cluster, as this host sees it.</summary>
/// <param name="Address">akka.tcp://fabric@host:port.</param>
/// <param name="Status">"up", "joining" ... as the actor runtime's names in lower case.</param>
/// <param name="IsVoter">May vote (role "voter"); whether it does says the log.</param>
public sealed record HostMember(
    string HostId, string Address, string Status, bool IsReachable, bool IsVoter,
    ImmutableSortedSet<string> Roles)
{
    /// <summary>
    /// Up or weakly up, unreachable or not: it may still forward, and so keeps its tunnels.
    /// </summary>
    public bool IsAlive => Status is "up" or "weaklyup" or "leaving" or "exiting";

    public bool IsSameAs(HostMember other) => ReferenceEquals(this, other)
        || (HostId == other.HostId
            && Address == other.Address && Status == other.Status
            && IsReachable == other.IsReachable && Roles.SetEquals(other.Roles));

    public bool IsLeaving => Status is "leaving" or "exiting";
}

/// <summary>The cluster as this host sees it.</summary>
/// <param name="Members">Oldest first.</param>
/// <param name="LeaderHost">Host id of the leader of gossip; null when there is none.</param>
/// <param name="IsMember">This host is a member itself, and not only on its way.</param>
public sealed record MembershipView(
    string SelfHost, string SelfAddress, ImmutableArray<HostMember> Members, string? LeaderHost,
    bool IsMember)
{
    /// <summary>Role that carries a member's host id.</summary>
    public const string HostRolePrefix = "host-";

    public const string VoterRole = "voter";

    public static MembershipView Nothing(string host) => new(host, "", [], null, false);

    public HostMember? Find(string host)
    {
        if (_byHost is null || _byHostOf != Members)
        {
            _byHostOf = Members;
            _byHost = Members.ToDictionary(member => member.HostId, StringComparer.Ordinal);
        }

        return _byHost.GetValueOrDefault(host);
    }

    public bool IsSameAs(MembershipView other) => SelfAddress == other.SelfAddress
        && LeaderHost == other.LeaderHost && IsMember == other.IsMember
        && Members.Length == other.Members.Length
        && Members.Zip(other.Members).All(pair => pair.Item1.IsSameAs(pair.Item2));

    /// <summary>This host has been a member for longer than all others that are alive.</summary>
    public bool IsOldest =>
        Members.FirstOrDefault(member => member.IsAlive)?.HostId == SelfHost;

    /// <summary>Ids of hosts that are alive; see <see cref="HostMember.IsAlive"/>.</summary>
    public ImmutableSortedSet<string> AliveHosts
    {
        get
        {
            if (_alive is null || _aliveOf != Members)
            {
                _aliveOf = Members;
                _alive = Members.Where(member => member.IsAlive).Select(member => member.HostId)
                    .ToImmutableSortedSet(StringComparer.Ordinal);
            }

            return _alive;
        }
    }

    /// <summary>Finds out who is alive from who was: of a thousand few have changed.</summary>
    internal void ShareWith(MembershipView before)
    {
        if (before._alive is not { } known || before._aliveOf != before.Members) return;
        var old = new HashSet<HostMember>(before.Members, ReferenceEqualityComparer.Instance);
        var news = Members.Where(member => !old.Remove(member)).ToList();
        _alive = known.Except(old.Select(member => member.HostId))
            .Union(news.Where(member => member.IsAlive).Select(member => member.HostId));
        _aliveOf = Members;
    }

    private Dictionary<string, HostMember>? _byHost;
    private ImmutableArray<HostMember> _byHostOf;
    private ImmutableSortedSet<string>? _alive;
    private ImmutableArray<HostMember> _aliveOf;
}
