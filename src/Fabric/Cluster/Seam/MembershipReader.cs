using System.Collections.Immutable;
using Akka.Cluster;

namespace Fabric.Cluster;

/// <summary>Reads the actor runtime's membership into <see cref="MembershipView"/>s.</summary>
/// <remarks>What is told of a member that did not change is the same object as before.</remarks>
internal sealed class MembershipReader(Akka.Cluster.Cluster node, string selfHost)
{
    private static readonly Comparer<Member> ByAge = Comparer<Member>.Create((one, other) =>
        one.Equals(other) ? 0 : one.IsOlderThan(other) ? -1 : 1);

    private sealed record Known(Member Member, HostMember Host);

    private Dictionary<UniqueAddress, Known> _known = [];
    private ClusterEvent.CurrentClusterState? _state;
    private MembershipView _view = MembershipView.Nothing(selfHost);

    /// <returns>The same view as before while nothing has changed.</returns>
    public MembershipView Read()
    {
        var state = node.State;
        var isSame = _state is { } old && ReferenceEquals(old.Members, state.Members)
            && ReferenceEquals(old.Unreachable, state.Unreachable) && old.Leader == state.Leader;
        _state = state;
        if (isSame) return _view;
        var list = OnePerHost(Told(state));
        var leader = state.Leader?.ToString();
        var view = new MembershipView(
            selfHost, node.SelfAddress.ToString(), list,
            leader is null ? null : list.FirstOrDefault(one => one.Address == leader)?.HostId,
            list.FirstOrDefault(one => one.HostId == selfHost) is { IsAlive: true });
        if (view.IsSameAs(_view)) return _view;
        view.ShareWith(_view);
        return _view = view;
    }

    /// <summary>The oldest first.</summary>
    private List<HostMember> Told(ClusterEvent.CurrentClusterState state)
    {
        var members = state.Members.ToArray();
        Array.Sort(members, ByAge);
        var known = new Dictionary<UniqueAddress, Known>(members.Length);
        var told = new List<HostMember>(members.Length);
        foreach (var member in members)
        {
            var isReachable = state.Unreachable.Count == 0 || !state.Unreachable.Contains(member);
            var entry = _known.GetValueOrDefault(member.UniqueAddress);
            if (entry is null || !ReferenceEquals(entry.Member, member)
                || entry.Host.IsReachable != isReachable)
                entry = new Known(member, Read(member, isReachable));
            known.Add(member.UniqueAddress, entry);
            told.Add(entry.Host);
        }

        _known = known;
        return told;
    }

    private static HostMember Read(Member member, bool isReachable) => new(
        HostOf(member), member.Address.ToString(), member.Status.ToString().ToLowerInvariant(),
        isReachable, member.HasRole(MembershipView.VoterRole),
        member.Roles.ToImmutableSortedSet(StringComparer.Ordinal));

    /// <summary>Of a host's old and new incarnation the one that is alive counts.</summary>
    private static ImmutableArray<HostMember> OnePerHost(List<HostMember> members)
    {
        var list = ImmutableArray.CreateBuilder<HostMember>(members.Count);
        var places = new Dictionary<string, int>(members.Count, StringComparer.Ordinal);
        foreach (var member in members)
        {
            if (places.TryAdd(member.HostId, list.Count)) list.Add(member);
            else if (list[places[member.HostId]] is not { IsAlive: true, IsReachable: true })
                list[places[member.HostId]] = member;
        }

        return list.ToImmutable();
    }

    private static string HostOf(Member member) => member.Roles
        .FirstOrDefault(role => role.StartsWith(
            MembershipView.HostRolePrefix, StringComparison.Ordinal))
        ?[MembershipView.HostRolePrefix.Length..] ?? member.Address.ToString();
}
