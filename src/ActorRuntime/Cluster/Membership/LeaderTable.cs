using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>Who leads, among all and in each role, found in one walk over the members.</summary>
/// <remarks>
/// In a fabric each host has a role of its own: a walk for each role would cost the square of the
/// hosts, at each gossip that is heard.
/// </remarks>
internal sealed class LeaderTable
{
    private readonly ImmutableSortedSet<Member> _members;
    private readonly Reachability _reachability;

    private LeaderTable(
        Gossip gossip, UniqueAddress? leader,
        ImmutableSortedDictionary<string, UniqueAddress?> roles)
    {
        (_members, _reachability) = (gossip.Members, gossip.Reachability);
        (Leader, ByRole) = (leader, roles);
    }

    public UniqueAddress? Leader { get; }

    /// <summary>Every role that a member has; null where none of its members can lead.</summary>
    public ImmutableSortedDictionary<string, UniqueAddress?> ByRole { get; }

    /// <summary>Made of these very members: nothing is compared.</summary>
    public bool IsOf(Gossip gossip) => ReferenceEquals(_members, gossip.Members)
        && ReferenceEquals(_reachability, gossip.Reachability);

    public static LeaderTable Of(MembershipState state)
    {
        var reachability = state.ReachabilityWithoutDowned;
        Member? leader = null;
        var best = new Dictionary<string, Member?>(StringComparer.Ordinal);
        foreach (var member in state.Latest.Members)
        {
            var isCandidate = member.Status != MemberStatus.Down
                && (member.UniqueAddress == state.Self
                    || reachability.IsReachable(member.UniqueAddress));
            if (isCandidate && IsBetter(member, leader)) leader = member;
            foreach (var role in member.Roles)
            {
                var known = best.GetValueOrDefault(role);
                best[role] = isCandidate && IsBetter(member, known) ? member : known;
            }
        }

        return new LeaderTable(
            state.Latest, leader?.UniqueAddress,
            best.ToImmutableSortedDictionary(
                pair => pair.Key, pair => pair.Value?.UniqueAddress, StringComparer.Ordinal));
    }

    /// <summary>The first Up or Leaving member in address order; else the best other.</summary>
    public static bool IsBetter(Member member, Member? best) =>
        member.Status is MemberStatus.Up or MemberStatus.Leaving
            ? best?.Status is not (MemberStatus.Up or MemberStatus.Leaving)
            : best is null || Member.LeaderStatusOrdering.Compare(member, best) < 0;
}
