using System.Collections.Immutable;
using Akka.Cluster;

namespace Fabric.Cluster;

/// <summary>Reads the actor runtime's membership into a <see cref="MembershipView"/>.</summary>
internal static class MembershipReader
{
    private static readonly Comparer<Member> ByAge = Comparer<Member>.Create((one, other) =>
        one.Equals(other) ? 0 : one.IsOlderThan(other) ? -1 : 1);

    public static MembershipView Read(Akka.Cluster.Cluster node, string selfHost)
    {
        var state = node.State;
        var members = state.Members.OrderBy(member => member, ByAge).Select(member =>
            new HostMember(
                HostOf(member), member.Address.ToString(),
                member.Status.ToString().ToLowerInvariant(),
                !state.Unreachable.Contains(member),
                member.HasRole(MembershipView.VoterRole),
                member.Roles.ToImmutableSortedSet(StringComparer.Ordinal)));
        var list = OnePerHost(members);
        var leader = list.FirstOrDefault(
            member => member.Address == state.Leader?.ToString())?.HostId;
        var self = list.FirstOrDefault(member => member.HostId == selfHost);
        return new MembershipView(
            selfHost, node.SelfAddress.ToString(), list, leader, self is { IsAlive: true });
    }

    /// <summary>Of a host's old and new incarnation the one that is alive counts.</summary>
    private static ImmutableArray<HostMember> OnePerHost(IEnumerable<HostMember> members)
    {
        var list = ImmutableArray.CreateBuilder<HostMember>();
        foreach (var member in members)
        {
            var known = list.FindIndex(member.HostId);
            if (known < 0) list.Add(member);
            else if (!list[known].IsAlive || !list[known].IsReachable) list[known] = member;
        }

        return list.ToImmutable();
    }

    private static int FindIndex(this ImmutableArray<HostMember>.Builder list, string host)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i].HostId == host) return i;
        }

        return -1;
    }

    private static string HostOf(Member member) => member.Roles
        .FirstOrDefault(role => role.StartsWith(
            MembershipView.HostRolePrefix, StringComparison.Ordinal))
        ?[MembershipView.HostRolePrefix.Length..] ?? member.Address.ToString();
}
