using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>A gossip seen from one node: convergence, leader, whom to gossip with.</summary>
/// <param name="Latest">What this node knows.</param>
/// <param name="Self">The node that looks.</param>
/// <param name="ExitingConfirmed">Exiting nodes that are done; nobody waits for them.</param>
internal sealed record MembershipState(
    Gossip Latest, UniqueAddress Self, ImmutableHashSet<UniqueAddress> ExitingConfirmed)
{
    private MembershipFacts? _facts;

    public static MembershipState Of(Gossip gossip, UniqueAddress self) => new(gossip, self, []);

    /// <summary>Kept while members and reachability are the same.</summary>
    public MembershipFacts Facts => _facts is { } known && known.IsOf(Latest)
        ? known
        : _facts = new MembershipFacts(Latest, Self);

    public Member? SelfMember => Latest.Find(Self);

    public Reachability ReachabilityWithoutDowned => Facts.ReachabilityWithoutDowned;

    /// <summary>
    /// True if every Up and Leaving member has seen this version and every unreachable member is
    /// on its way out: only then may a leader act.
    /// </summary>
    public bool HasConverged()
    {
        foreach (var node in ReachabilityWithoutDowned.AllUnreachableOrTerminated)
        {
            if (node == Self || ExitingConfirmed.Contains(node)) continue;
            var member = Latest.Find(node);
            if (member is not null && member.Status is not (MemberStatus.Down
                or MemberStatus.Exiting))
            {
                return false;
            }
        }

        foreach (var index in Latest.Seen.On(Latest.Table).Unseen())
        {
            var member = Latest.Table[index];
            if (member.Status is MemberStatus.Up or MemberStatus.Leaving
                && !ExitingConfirmed.Contains(member.UniqueAddress)) return false;
        }

        return true;
    }

    public bool IsLeader(UniqueAddress node) => Leader == node;

    public UniqueAddress? Leader => Facts.Leader;

    /// <summary>Who of these would lead.</summary>
    public UniqueAddress? LeaderOf(IEnumerable<Member> members) =>
        Facts.LeaderOf(members)?.UniqueAddress;

    /// <summary>Members that this node may gossip with: others that it can reach itself.</summary>
    /// <remarks>One that is down, too: it goes as soon as it hears of it.</remarks>
    public bool IsGossipTarget(Member member) =>
        member.UniqueAddress != Self
        && Latest.Reachability.IsReachable(Self, member.UniqueAddress);
}
