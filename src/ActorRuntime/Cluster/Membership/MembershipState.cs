using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>A gossip seen from one node: convergence, leader, whom to gossip with.</summary>
/// <param name="Latest">What this node knows.</param>
/// <param name="Self">The node that looks.</param>
/// <param name="ExitingConfirmed">Exiting nodes that are done; nobody waits for them.</param>
internal sealed record MembershipState(
    Gossip Latest, UniqueAddress Self, ImmutableHashSet<UniqueAddress> ExitingConfirmed)
{
    private LeaderTable? _leaders;

    public static MembershipState Of(Gossip gossip, UniqueAddress self) => new(gossip, self, []);

    public Member? SelfMember => Latest.Find(Self);

    /// <summary>Reachability without the word of nodes that are down.</summary>
    public Reachability ReachabilityWithoutDowned => Latest.Reachability.RemoveObservers(
        Latest.Members.Where(m => m.Status == MemberStatus.Down)
            .Select(m => m.UniqueAddress).ToImmutableHashSet());

    public Reachability ReachabilityWithoutSelf =>
        ReachabilityWithoutDowned.FilterRecords(r => r.Observer != Self && r.Subject != Self);

    /// <summary>
    /// True if every Up and Leaving member has seen this version and every unreachable member is
    /// on its way out: only then may a leader act.
    /// </summary>
    public bool HasConverged(ImmutableHashSet<UniqueAddress>? alsoExcluded = null)
    {
        var reachability = ReachabilityWithoutDowned;
        foreach (var node in reachability.AllUnreachableOrTerminated)
        {
            if (node == Self || ExitingConfirmed.Contains(node)) continue;
            var member = Latest.Find(node);
            if (member is not null && member.Status is not (MemberStatus.Down
                or MemberStatus.Exiting))
            {
                return false;
            }
        }

        foreach (var member in Latest.Members)
        {
            if (member.Status is not (MemberStatus.Up or MemberStatus.Leaving)) continue;
            if (ExitingConfirmed.Contains(member.UniqueAddress)) continue;
            if (alsoExcluded?.Contains(member.UniqueAddress) == true) continue;
            if (!Latest.Seen.Contains(member.UniqueAddress)) return false;
        }

        return true;
    }

    public bool IsLeader(UniqueAddress node) => Leader == node;

    public UniqueAddress? Leader => Leaders.Leader;

    public UniqueAddress? RoleLeader(string role) => Leaders.ByRole.GetValueOrDefault(role);

    /// <summary>Kept while members and reachability are the same.</summary>
    public LeaderTable Leaders => _leaders is { } known && known.IsOf(Latest)
        ? known
        : _leaders = LeaderTable.Of(this);

    /// <summary>Who of these would lead.</summary>
    public UniqueAddress? LeaderOf(IEnumerable<Member> members)
    {
        var reachability = ReachabilityWithoutDowned;
        Member? best = null;
        foreach (var member in members)
        {
            if (member.Status != MemberStatus.Down
                && (member.UniqueAddress == Self
                    || reachability.IsReachable(member.UniqueAddress))
                && LeaderTable.IsBetter(member, best)) best = member;
        }

        return best?.UniqueAddress;
    }

    /// <summary>Members that this node may gossip with: others that it can reach itself.</summary>
    /// <remarks>One that is down, too: it goes as soon as it hears of it.</remarks>
    public bool IsGossipTarget(Member member) =>
        member.UniqueAddress != Self
        && Latest.Reachability.IsReachable(Self, member.UniqueAddress);

    /// <summary>Members that count as unreachable for subscribers.</summary>
    public ImmutableHashSet<Member> UnreachableMembers
    {
        get
        {
            var builder = ImmutableHashSet.CreateBuilder<Member>();
            foreach (var node in ReachabilityWithoutDowned.AllUnreachableOrTerminated)
            {
                if (node != Self && Latest.Find(node) is { } member) builder.Add(member);
            }

            return builder.ToImmutable();
        }
    }
}
