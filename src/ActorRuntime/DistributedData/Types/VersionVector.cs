using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Cluster;

namespace Akka.DistributedData;

/// <summary>Versions by node: which additions of each node are known.</summary>
public sealed class VersionVector : IEquatable<VersionVector>
{
    /// <summary>The highest version that this process gave out for a node.</summary>
    /// <remarks>
    /// A value that was removed and made again must not reuse versions, or its fresh additions
    /// would look long known; so versions are never counted per value alone.
    /// </remarks>
    private static readonly ConcurrentDictionary<UniqueAddress, long> Given = new();

    public static readonly VersionVector Empty =
        new(ImmutableSortedDictionary<UniqueAddress, long>.Empty);

    internal VersionVector(ImmutableSortedDictionary<UniqueAddress, long> versions) =>
        Versions = versions;

    internal ImmutableSortedDictionary<UniqueAddress, long> Versions { get; }

    public bool IsEmpty => Versions.IsEmpty;

    public long VersionAt(UniqueAddress node) => Versions.GetValueOrDefault(node);

    public VersionVector Increment(UniqueAddress node) =>
        new(Versions.SetItem(node, NextVersion(node, VersionAt(node))));

    /// <summary>A vector of one addition.</summary>
    internal static VersionVector Dot(UniqueAddress node, long version) =>
        new(Empty.Versions.Add(node, version));

    /// <summary>
    /// Counts anew for nodes that have ended: for simulations, which start the same ones again.
    /// </summary>
    internal static void ForgetCounters(IEnumerable<UniqueAddress> nodes)
    {
        foreach (var node in nodes) Given.TryRemove(node, out _);
    }

    public VersionVector Merge(VersionVector other)
    {
        if (ReferenceEquals(this, other) || other.IsEmpty) return this;
        if (IsEmpty) return other;
        var merged = Versions.ToBuilder();
        foreach (var (node, version) in other.Versions)
        {
            if (merged.GetValueOrDefault(node) < version) merged[node] = version;
        }

        return new VersionVector(merged.ToImmutable());
    }

    /// <summary>The entries that 'known' does not cover.</summary>
    internal VersionVector Except(VersionVector known) =>
        new(Versions.RemoveRange(
            Versions.Where(e => e.Value <= known.VersionAt(e.Key)).Select(e => e.Key)));

    /// <summary>The entries that both hold with the same version.</summary>
    internal VersionVector Intersect(VersionVector other) =>
        new(Versions.RemoveRange(
            Versions.Where(e => e.Value != other.VersionAt(e.Key)).Select(e => e.Key)));

    internal VersionVector Prune(UniqueAddress removed, UniqueAddress into) =>
        Versions.ContainsKey(removed) ? PruningCleanup(removed).Increment(into) : this;

    internal VersionVector PruningCleanup(UniqueAddress removed) =>
        Versions.ContainsKey(removed) ? new VersionVector(Versions.Remove(removed)) : this;

    private static long NextVersion(UniqueAddress node, long known) =>
        Given.AddOrUpdate(node, known + 1, (_, given) => Math.Max(given, known) + 1);

    public bool Equals(VersionVector? other) =>
        other is not null && Versions.Count == other.Versions.Count
        && Versions.SequenceEqual(other.Versions);

    public override bool Equals(object? obj) => Equals(obj as VersionVector);

    public override int GetHashCode() =>
        Versions.Aggregate(0, (hash, e) => hash ^ HashCode.Combine(e.Key, e.Value));

    public override string ToString() =>
        string.Join(", ", Versions.Select(e => $"{e.Key.Address}: {e.Value}"));
}
