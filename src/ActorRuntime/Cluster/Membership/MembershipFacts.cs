using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>What follows from members and reachability: found once, used for long.</summary>
/// <remarks>
/// Most gossip that is heard changes only who has seen what. In a fabric each host has a role of
/// its own: leaders of roles are found in one walk, and only if somebody asks.
/// </remarks>
internal sealed class MembershipFacts
{
    private readonly Gossip _gossip;
    private readonly UniqueAddress _self;
    private readonly Lazy<ImmutableSortedDictionary<string, UniqueAddress?>> _roleLeaders;

    public MembershipFacts(Gossip gossip, UniqueAddress self)
    {
        (_gossip, _self) = (gossip, self);
        ReachabilityWithoutDowned = gossip.Reachability.RemoveObservers(
            [
                .. gossip.Table.Where(member => member.Status == MemberStatus.Down)
                    .Select(member => member.UniqueAddress),
            ]);
        UnreachableMembers =
        [
            .. ReachabilityWithoutDowned.AllUnreachableOrTerminated
                .Where(node => node != self).Select(gossip.Find).OfType<Member>(),
        ];
        Leader = LeaderOf(gossip.Table)?.UniqueAddress;
        _roleLeaders = new(FindRoleLeaders);
    }

    /// <summary>Reachability without the word of nodes that are down.</summary>
    public Reachability ReachabilityWithoutDowned { get; }

    /// <summary>Members that count as unreachable for subscribers.</summary>
    public ImmutableHashSet<Member> UnreachableMembers { get; }

    public UniqueAddress? Leader { get; }

    /// <summary>Every role that a member has; null where none of its members can lead.</summary>
    public ImmutableSortedDictionary<string, UniqueAddress?> RoleLeaders => _roleLeaders.Value;

    /// <summary>Made of these very members: nothing is compared.</summary>
    public bool IsOf(Gossip gossip) => ReferenceEquals(_gossip.Members, gossip.Members)
        && ReferenceEquals(_gossip.Reachability, gossip.Reachability);

    /// <summary>Who of these would lead.</summary>
    public Member? LeaderOf(IEnumerable<Member> members)
    {
        Member? best = null;
        foreach (var member in members)
        {
            if (IsBetter(member, best) && IsCandidate(member)) best = member;
        }

        return best;
    }

    private ImmutableSortedDictionary<string, UniqueAddress?> FindRoleLeaders()
    {
        var best = new Dictionary<string, Member?>(StringComparer.Ordinal);
        foreach (var member in _gossip.Table)
        {
            foreach (var role in member.Roles)
            {
                var known = best.GetValueOrDefault(role);
                best[role] = IsBetter(member, known) && IsCandidate(member) ? member : known;
            }
        }

        return best.ToImmutableSortedDictionary(
            pair => pair.Key, pair => pair.Value?.UniqueAddress, StringComparer.Ordinal);
    }

    private bool IsCandidate(Member member) => member.Status != MemberStatus.Down
        && (member.UniqueAddress == _self
            || ReachabilityWithoutDowned.IsReachable(member.UniqueAddress));

    /// <summary>The first Up or Leaving member in address order; else the best other.</summary>
    private static bool IsBetter(Member member, Member? best) =>
        member.Status is MemberStatus.Up or MemberStatus.Leaving
            ? best?.Status is not (MemberStatus.Up or MemberStatus.Leaving)
            : best is null || Member.LeaderStatusOrdering.Compare(member, best) < 0;
}
