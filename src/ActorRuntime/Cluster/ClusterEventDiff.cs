using System.Collections.Immutable;
using Akka.Actor;
using static Akka.Cluster.ClusterEvent;

namespace Akka.Cluster;

/// <summary>The events that lead from one membership to the next. Pure.</summary>
internal static class ClusterEventDiff
{
    /// <param name="withRoleLeaders">
    /// Somebody wants to hear of them: each host has a role of its own, so that it costs a walk
    /// over all roles.
    /// </param>
    public static IEnumerable<IClusterDomainEvent> Between(
        MembershipState old, MembershipState now, bool withRoleLeaders = true)
    {
        if (ReferenceEquals(old.Latest, now.Latest)) yield break;
        // Most gossip says only who has seen what: that costs no walk over the members.
        if (!now.Facts.IsOf(old.Latest))
        {
            foreach (var change in Reachabilities(old, now)) yield return change;
            foreach (var change in Members(old.Latest, now.Latest)) yield return change;
            if (old.Leader != now.Leader) yield return new LeaderChanged(now.Leader?.Address);
            if (withRoleLeaders)
            {
                foreach (var change in RoleLeaders(old.Facts, now.Facts)) yield return change;
            }
        }

        if (!ReferenceEquals(old.Latest.Seen, now.Latest.Seen))
            yield return new SeenChanged(now.Latest.Seen);
        if (!old.Latest.Reachability.Equals(now.Latest.Reachability))
        {
            yield return new ReachabilityChanged(now.ReachabilityWithoutDowned);
        }
    }

    private static IEnumerable<IClusterDomainEvent> RoleLeaders(
        MembershipFacts old, MembershipFacts now)
    {
        foreach (var role in old.RoleLeaders.Keys.Union(now.RoleLeaders.Keys)
            .Order(StringComparer.Ordinal))
        {
            var leader = now.RoleLeaders.GetValueOrDefault(role);
            if (old.RoleLeaders.GetValueOrDefault(role) != leader)
                yield return new RoleLeaderChanged(role, leader?.Address);
        }
    }

    /// <summary>The events that tell the whole state to somebody who knows nothing.</summary>
    public static IEnumerable<IClusterDomainEvent> FromNothing(MembershipState now) =>
        Between(MembershipState.Of(Gossip.Empty, now.Self), now);

    public static CurrentClusterState Snapshot(MembershipState now) => new(
        now.Latest.Members,
        now.Facts.UnreachableMembers,
        new Lazy<ImmutableHashSet<Address>>(() => SeenBy(now.Latest)),
        now.Leader?.Address,
        new Lazy<ImmutableDictionary<string, Address?>>(
            () => now.Facts.RoleLeaders.ToImmutableDictionary(
                pair => pair.Key, pair => pair.Value?.Address)));

    public static ImmutableHashSet<Address> SeenBy(Gossip gossip) =>
        gossip.Seen.Select(node => node.Address).ToImmutableHashSet();

    private static IEnumerable<IClusterDomainEvent> Reachabilities(
        MembershipState old, MembershipState now)
    {
        var (before, after) = (old.Facts.UnreachableMembers, now.Facts.UnreachableMembers);
        if (before.IsEmpty && after.IsEmpty) yield break;
        foreach (var member in after.Except(before).Order()) yield return new UnreachableMember(
            member);
        foreach (var member in before.Except(after).Order())
        {
            if (now.Latest.Find(member.UniqueAddress) is { } present)
            {
                yield return new ReachableMember(present);
            }
        }
    }

    private static IEnumerable<IClusterDomainEvent> Members(Gossip old, Gossip now)
    {
        var (changed, removed) = old.Table.DifferenceTo(now.Table);
        // The oldest first: who hears that it is up itself has then heard of all who are older.
        foreach (var member in changed.OrderBy(m => m.UpNumber).ThenBy(m => m))
        {
            if (old.Find(member.UniqueAddress)?.Status == member.Status) continue;
            if (EventOf(member) is { } change) yield return change;
        }

        foreach (var node in removed)
        {
            var gone = old.Find(node)!;
            var last = gone.Status == MemberStatus.Removed
                ? gone
                : gone.Copy(MemberStatus.Removed);
            yield return new MemberRemoved(last, gone.Status);
        }
    }

    private static IClusterDomainEvent? EventOf(Member member) => member.Status switch
    {
        MemberStatus.Joining => new MemberJoined(member),
        MemberStatus.WeaklyUp => new MemberWeaklyUp(member),
        MemberStatus.Up => new MemberUp(member),
        MemberStatus.Leaving => new MemberLeft(member),
        MemberStatus.Exiting => new MemberExited(member),
        MemberStatus.Down => new MemberDowned(member),
        _ => null,
    };
}
