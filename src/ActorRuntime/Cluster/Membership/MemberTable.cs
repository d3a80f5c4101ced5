using System.Collections;
using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>The members of one gossip as an array, in the order of their addresses.</summary>
internal sealed class MemberTable(ImmutableSortedSet<Member> members) : IReadOnlyList<Member>
{
    public static readonly MemberTable Nobody = new([]);

    private static readonly Func<Member, UniqueAddress> NodeOf = member => member.UniqueAddress;

    private readonly Member[] _members = [.. members];

    public int Count => _members.Length;

    public Member this[int index] => _members[index];

    /// <returns>Negative: no member.</returns>
    public int IndexOf(UniqueAddress node) => SortedByNode.IndexOf(_members, NodeOf, node);

    public Member? Find(UniqueAddress node)
    {
        var index = IndexOf(node);
        return index < 0 ? null : _members[index];
    }

    /// <summary>Made of this very set.</summary>
    public bool IsOf(ImmutableSortedSet<Member> set) => ReferenceEquals(set, members);

    /// <summary>The same nodes, whatever is told about them.</summary>
    public bool HasSameNodes(MemberTable other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (Count != other.Count) return false;
        for (var i = 0; i < _members.Length; i++)
        {
            if (_members[i].UniqueAddress != other._members[i].UniqueAddress) return false;
        }

        return true;
    }

    /// <summary>The members that lead from here to 'now', and the nodes that are gone.</summary>
    public (ImmutableArray<Member> Set, ImmutableArray<UniqueAddress> Removed) DifferenceTo(
        MemberTable now) => SortedByNode.Difference<Member>(
            _members, now._members, NodeOf, (one, other) => one.IsSameAs(other));

    /// <summary>The set, with as few changes as lead to the merged tellings.</summary>
    /// <remarks>
    /// One that only one side knows, and that was on its way out, was removed there.
    /// </remarks>
    public ImmutableSortedSet<Member> MergedWith(MemberTable other)
    {
        var merged = members;
        var (i, j) = (0, 0);
        while (i < Count || j < other.Count)
        {
            var order = i >= Count ? 1
                : j >= other.Count ? -1
                : _members[i].UniqueAddress.CompareTo(other._members[j].UniqueAddress);
            var mine = order <= 0 ? _members[i++] : null;
            var theirs = order >= 0 ? other._members[j++] : null;
            if (mine is null && !IsGoing(theirs!)) merged = merged.Add(theirs!);
            else if (theirs is null && IsGoing(mine!)) merged = merged.Remove(mine!);
            else if (mine is not null && theirs is not null && !mine.IsSameAs(theirs)
                && ReferenceEquals(Member.HighestPriorityOf(mine, theirs), theirs))
                merged = merged.Remove(mine).Add(theirs);
        }

        return merged;
    }

    public IEnumerator<Member> GetEnumerator() => ((IEnumerable<Member>)_members).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static bool IsGoing(Member member) =>
        member.Status is MemberStatus.Down or MemberStatus.Exiting;
}
