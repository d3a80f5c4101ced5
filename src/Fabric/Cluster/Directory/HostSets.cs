using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>Sets of host ids in ordinal order, of which one follows from the other.</summary>
internal static class HostSets
{
    /// <remarks>
    /// A thousand hosts, of which one has come: both are walked side by side, and an id that is the
    /// same object costs nothing.
    /// </remarks>
    public static (List<string> Come, List<string> Gone) Difference(
        ImmutableSortedSet<string> old, ImmutableSortedSet<string> now)
    {
        var (come, gone) = (new List<string>(), new List<string>());
        if (ReferenceEquals(old, now)) return (come, gone);
        using var left = old.GetEnumerator();
        using var right = now.GetEnumerator();
        var (isLeft, isRight) = (left.MoveNext(), right.MoveNext());
        while (isLeft || isRight)
        {
            var order = !isLeft ? 1
                : !isRight ? -1
                : string.CompareOrdinal(left.Current, right.Current);
            if (order < 0) gone.Add(left.Current);
            if (order > 0) come.Add(right.Current);
            if (order <= 0) isLeft = left.MoveNext();
            if (order >= 0) isRight = right.MoveNext();
        }

        return (come, gone);
    }
}
