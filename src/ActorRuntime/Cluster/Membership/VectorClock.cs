using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>How two vector clocks stand to each other.</summary>
internal enum ClockOrdering
{
    Same,
    Before,
    After,
    Concurrent,
}

/// <summary>How many changes one node has made.</summary>
internal sealed record ClockEntry(UniqueAddress Node, long Version);

/// <summary>
/// Counts of changes per node: tells before, after and concurrent without a clock.
/// </summary>
/// <remarks>
/// Its digest, the same on every host, stands for the whole clock where two are only asked whether
/// they are the same.
/// </remarks>
internal sealed class VectorClock : IEquatable<VectorClock>
{
    public static readonly VectorClock Empty = new([]);

    private static readonly Func<ClockEntry, UniqueAddress> NodeOf = entry => entry.Node;

    /// <param name="entries">Sorted by node.</param>
    public VectorClock(ImmutableArray<ClockEntry> entries)
    {
        Entries = entries;
        foreach (var entry in entries) Digest ^= Mix(entry);
    }

    private VectorClock(ImmutableArray<ClockEntry> entries, ulong digest) =>
        (Entries, Digest) = (entries, digest);

    /// <summary>Sorted by node.</summary>
    public ImmutableArray<ClockEntry> Entries { get; }

    public ulong Digest { get; }

    public VectorClock Increment(UniqueAddress node)
    {
        var index = SortedByNode.IndexOf(Entries.AsSpan(), NodeOf, node);
        if (index < 0)
        {
            var first = new ClockEntry(node, 1);
            return new VectorClock(Entries.Insert(~index, first), Digest ^ Mix(first));
        }

        var old = Entries[index];
        var next = old with { Version = old.Version + 1 };
        return new VectorClock(Entries.SetItem(index, next), Digest ^ Mix(old) ^ Mix(next));
    }

    public VectorClock Prune(UniqueAddress removed)
    {
        var index = SortedByNode.IndexOf(Entries.AsSpan(), NodeOf, removed);
        return index < 0
            ? this
            : new VectorClock(Entries.RemoveAt(index), Digest ^ Mix(Entries[index]));
    }

    /// <summary>Without the nodes that are not wanted.</summary>
    public VectorClock Keeping(Predicate<UniqueAddress> isWanted)
    {
        var kept = Entries.RemoveAll(entry => !isWanted(entry.Node));
        return kept == Entries ? this : new VectorClock(kept);
    }

    public VectorClock Merge(VectorClock other) => CompareTo(other) switch
    {
        ClockOrdering.Same or ClockOrdering.After => this,
        ClockOrdering.Before => other,
        _ => new VectorClock(SortedByNode.Merge(
            Entries.AsSpan(), other.Entries.AsSpan(), NodeOf,
            (mine, theirs) => (mine?.Version ?? 0) >= (theirs?.Version ?? 0) ? mine : theirs)),
    };

    public ClockOrdering CompareTo(VectorClock other)
    {
        if (ReferenceEquals(this, other)) return ClockOrdering.Same;
        if (Digest == other.Digest && Entries.Length == other.Entries.Length)
            return ClockOrdering.Same;
        var (isAhead, isBehind) = (false, false);
        var mine = Entries.AsSpan();
        var theirs = other.Entries.AsSpan();
        var (i, j) = (0, 0);
        while ((i < mine.Length || j < theirs.Length) && !(isAhead && isBehind))
        {
            var order = i >= mine.Length ? 1
                : j >= theirs.Length ? -1
                : mine[i].Node.CompareTo(theirs[j].Node);
            var own = order <= 0 ? mine[i++].Version : 0;
            var their = order >= 0 ? theirs[j++].Version : 0;
            isAhead |= own > their;
            isBehind |= own < their;
        }

        return (isAhead, isBehind) switch
        {
            (false, false) => ClockOrdering.Same,
            (true, false) => ClockOrdering.After,
            (false, true) => ClockOrdering.Before,
            _ => ClockOrdering.Concurrent,
        };
    }

    public bool Equals(VectorClock? other) =>
        other is not null && CompareTo(other) == ClockOrdering.Same;

    public override bool Equals(object? obj) => Equals(obj as VectorClock);

    public override int GetHashCode() => Digest.GetHashCode();

    public override string ToString() =>
        $"VectorClock({string.Join(", ", Entries.Select(e => $"{e.Node} -> {e.Version}"))})";

    /// <summary>Entries are mixed well, for the digest is their exclusive or.</summary>
    private static ulong Mix(ClockEntry entry)
    {
        var x = entry.Node.StableHash + (ulong)entry.Version * 0x9e37_79b9_7f4a_7c15;
        x = (x ^ (x >> 30)) * 0xbf58_476d_1ce4_e5b9;
        x = (x ^ (x >> 27)) * 0x94d0_49bb_1331_11eb;
        return x ^ (x >> 31);
    }
}
