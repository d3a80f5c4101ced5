using System.Collections.Immutable;
using Akka.Actor;
using static Akka.Cluster.ClusterEvent;

namespace Akka.Cluster;

/// <summary>The events that lead from one membership to the next. Pure.</summary>
internal static class ClusterEventDiff
{
    public static IEnumerable<IClusterDomainEvent> Between(MembershipState old, MembershipState now)
    {
        if (ReferenceEquals(old.Latest, now.Latest)) yield break;
        // Most gossip says only who has seen what: that costs no walk over the members.
        if (!now.Leaders.IsOf(old.Latest))
        {
            foreach (var change in Reachabilities(old, now)) yield return change;
            foreach (var change in Members(old.Latest.Members, now.Latest.Members))
                yield return change;
            foreach (var change in Leaders(old.Leaders, now.Leaders)) yield return change;
        }

        if (!IsSame(old.Latest.Seen, now.Latest.Seen)) yield return new SeenChanged(now);
        if (!old.Latest.Reachability.Equals(now.Latest.Reachability))
        {
            yield return new ReachabilityChanged(now.ReachabilityWithoutDowned);
        }
    }

    private static bool IsSame(
        ImmutableSortedSet<UniqueAddress> old, ImmutableSortedSet<UniqueAddress> now) =>
        ReferenceEquals(old, now) || (old.Count == now.Count && old.SequenceEqual(now));

    private static IEnumerable<IClusterDomainEvent> Leaders(LeaderTable old, LeaderTable now)
    {
        if (old.Leader != now.Leader) yield return new LeaderChanged(now.Leader?.Address);
        foreach (
            var role in old.ByRole.Keys.Union(now.ByRole.Keys).Order(StringComparer.Ordinal))
        {
            var leader = now.ByRole.GetValueOrDefault(role);
            if (old.ByRole.GetValueOrDefault(role) != leader)
                yield return new RoleLeaderChanged(role, leader?.Address);
        }
    }

    /// <summary>The events that tell the whole state to somebody who knows nothing.</summary>
    public static IEnumerable<IClusterDomainEvent> FromNothing(MembershipState now) =>
        Between(MembershipState.Of(Gossip.Empty, now.Self), now);

    public static CurrentClusterState Snapshot(MembershipState now) => new(
        now.Latest.Members,
        now.UnreachableMembers,
        new Lazy<ImmutableHashSet<Address>>(() => SeenBy(now.Latest)),
        now.Leader?.Address,
        new Lazy<ImmutableDictionary<string, Address?>>(
            () => now.Leaders.ByRole.ToImmutableDictionary(
                pair => pair.Key, pair => pair.Value?.Address)));

    public static ImmutableHashSet<Address> SeenBy(Gossip gossip) =>
        gossip.Seen.Select(node => node.Address).ToImmutableHashSet();

    private static IEnumerable<IClusterDomainEvent> Reachabilities(
        MembershipState old, MembershipState now)
    {
        var (before, after) = (old.UnreachableMembers, now.UnreachableMembers);
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

    private static IEnumerable<IClusterDomainEvent> Members(
        ImmutableSortedSet<Member> old, ImmutableSortedSet<Member> now)
    {
        // The oldest first: who hears that it is up itself has then heard of all who are older.
        foreach (var member in now.OrderBy(m => m.UpNumber).ThenBy(m => m))
        {
            var isKnown = old.TryGetValue(member, out var before);
            if (isKnown && before!.Status == member.Status) continue;
            if (EventOf(member) is { } change) yield return change;
        }

        foreach (var gone in old)
        {
            if (now.Contains(gone)) continue;
            var removed = gone.Status == MemberStatus.Removed
                ? gone
                : gone.Copy(MemberStatus.Removed);
            yield return new MemberRemoved(removed, gone.Status);
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
