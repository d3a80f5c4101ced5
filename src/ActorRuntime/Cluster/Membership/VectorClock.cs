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

/// <summary>
/// Counts of changes per node: tells before, after and concurrent without a clock.
/// </summary>
internal sealed class VectorClock : IEquatable<VectorClock>
{
    public static readonly VectorClock Empty =
        new(ImmutableSortedDictionary<UniqueAddress, long>.Empty);

    public VectorClock(ImmutableSortedDictionary<UniqueAddress, long> versions) =>
        Versions = versions;

    public ImmutableSortedDictionary<UniqueAddress, long> Versions { get; }

    public VectorClock Increment(UniqueAddress node) =>
        new(Versions.SetItem(node, Versions.GetValueOrDefault(node) + 1));

    public VectorClock Prune(UniqueAddress removed) =>
        Versions.ContainsKey(removed) ? new VectorClock(Versions.Remove(removed)) : this;

    public VectorClock Merge(VectorClock other)
    {
        var merged = Versions.ToBuilder();
        foreach (var (node, version) in other.Versions)
        {
            if (merged.GetValueOrDefault(node) < version) merged[node] = version;
        }

        return new VectorClock(merged.ToImmutable());
    }

    public ClockOrdering CompareTo(VectorClock other)
    {
        if (ReferenceEquals(this, other)) return ClockOrdering.Same;
        var isAhead = false;
        var isBehind = false;
        foreach (var (node, version) in Versions)
        {
            var theirs = other.Versions.GetValueOrDefault(node);
            isAhead |= version > theirs;
            isBehind |= version < theirs;
        }

        foreach (var (node, version) in other.Versions)
        {
            isBehind |= version > Versions.GetValueOrDefault(node);
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

    public override int GetHashCode() =>
        Versions.Aggregate(0, (hash, entry) => hash ^ HashCode.Combine(entry.Key, entry.Value));

    public override string ToString() =>
        $"VectorClock({string.Join(", ", Versions.Select(e => $"{e.Key} -> {e.Value}"))})";
}
