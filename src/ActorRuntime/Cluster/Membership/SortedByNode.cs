using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>Arrays of entries that are sorted by node, one entry for each node.</summary>
/// <remarks>
/// A large cluster's tables are compared with every gossip that is heard: two arrays are walked
/// side by side, and entries that are the same object cost nothing.
/// </remarks>
internal static class SortedByNode
{
    /// <returns>The entry's index, or the complement of where it would be.</returns>
    public static int IndexOf<T>(ReadOnlySpan<T> entries, Func<T, UniqueAddress> nodeOf,
        UniqueAddress node)
    {
        var (low, high) = (0, entries.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = nodeOf(entries[middle]).CompareTo(node);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return ~low;
    }

    /// <summary>What leads from one table to the other.</summary>
    public static (ImmutableArray<T> Set, ImmutableArray<UniqueAddress> Removed) Difference<T>(
        ReadOnlySpan<T> old, ReadOnlySpan<T> now, Func<T, UniqueAddress> nodeOf,
        Func<T, T, bool> isSame)
    {
        var set = ImmutableArray.CreateBuilder<T>();
        var removed = ImmutableArray.CreateBuilder<UniqueAddress>();
        var (i, j) = (0, 0);
        while (i < old.Length || j < now.Length)
        {
            var order = Order(old, i, now, j, nodeOf);
            if (order < 0) removed.Add(nodeOf(old[i++]));
            else if (order > 0) set.Add(now[j++]);
            else
            {
                if (!isSame(old[i], now[j])) set.Add(now[j]);
                i++;
                j++;
            }
        }

        return (set.ToImmutable(), removed.ToImmutable());
    }

    /// <summary>One table of two.</summary>
    /// <param name="pick">
    /// Of the entries of one node the one that counts; one of them may be null, and the result
    /// too: then there is none.
    /// </param>
    public static ImmutableArray<T> Merge<T>(
        ReadOnlySpan<T> mine, ReadOnlySpan<T> theirs, Func<T, UniqueAddress> nodeOf,
        Func<T?, T?, T?> pick)
        where T : class
    {
        var merged = ImmutableArray.CreateBuilder<T>(Math.Max(mine.Length, theirs.Length));
        var (i, j) = (0, 0);
        while (i < mine.Length || j < theirs.Length)
        {
            var order = Order(mine, i, theirs, j, nodeOf);
            var one = order <= 0 ? mine[i++] : null;
            var other = order >= 0 ? theirs[j++] : null;
            if (pick(one, other) is { } picked) merged.Add(picked);
        }

        return merged.DrainToImmutable();
    }

    /// <summary>The table with the difference applied; see <see cref="Difference"/>.</summary>
    public static ImmutableArray<T> Apply<T>(
        ReadOnlySpan<T> old, ReadOnlySpan<T> set, ReadOnlySpan<UniqueAddress> removed,
        Func<T, UniqueAddress> nodeOf)
        where T : class
    {
        var gone = removed.ToArray();
        return Merge(old, set, nodeOf, (mine, theirs) => theirs
            ?? (Array.BinarySearch(gone, nodeOf(mine!)) >= 0 ? null : mine));
    }

    private static int Order<T>(
        ReadOnlySpan<T> one, int i, ReadOnlySpan<T> other, int j, Func<T, UniqueAddress> nodeOf)
    {
        if (i >= one.Length) return 1;
        if (j >= other.Length) return -1;
        return nodeOf(one[i]).CompareTo(nodeOf(other[j]));
    }
}
