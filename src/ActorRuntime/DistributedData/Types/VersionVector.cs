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

    public static readonly VersionVector Empty = new([]);

    private static readonly Func<KeyValuePair<UniqueAddress, long>, UniqueAddress> NodeOf =
        entry => entry.Key;

    private VersionVector(ImmutableArray<KeyValuePair<UniqueAddress, long>> versions) =>
        Versions = versions;

    /// <summary>Sorted by node: there are few, and a thousand such vectors.</summary>
    internal ImmutableArray<KeyValuePair<UniqueAddress, long>> Versions { get; }

    internal IEnumerable<UniqueAddress> Nodes => Versions.Select(entry => entry.Key);

    public bool IsEmpty => Versions.IsEmpty;

    /// <param name="versions">Sorted by node.</param>
    internal static VersionVector Of(IEnumerable<KeyValuePair<UniqueAddress, long>> versions) =>
        Empty.WithAll([.. versions]);

    public long VersionAt(UniqueAddress node) =>
        IndexOf(node) is var index and >= 0 ? Versions[index].Value : 0;

    internal bool Contains(UniqueAddress node) => IndexOf(node) >= 0;

    public VersionVector Increment(UniqueAddress node) =>
        With(node, NextVersion(node, VersionAt(node)));

    /// <summary>A vector of one addition.</summary>
    internal static VersionVector Dot(UniqueAddress node, long version) =>
        new([KeyValuePair.Create(node, version)]);

    internal VersionVector With(UniqueAddress node, long version)
    {
        var index = IndexOf(node);
        var entry = KeyValuePair.Create(node, version);
        return new VersionVector(
            index >= 0 ? Versions.SetItem(index, entry) : Versions.Insert(~index, entry));
    }

    /// <summary>
    /// Counts anew for nodes that have ended: for simulations, which start the same ones again.
    /// </summary>
    internal static void ForgetCounters(IEnumerable<UniqueAddress> nodes)
    {
        foreach (var node in nodes) Given.TryRemove(node, out _);
    }

    public VersionVector Merge(VersionVector other)
    {
        if (Covers(other)) return this;
        if (other.Covers(this)) return other;
        var (mine, theirs) = (Versions, other.Versions);
        var merged = ImmutableArray.CreateBuilder<KeyValuePair<UniqueAddress, long>>(
            mine.Length + theirs.Length);
        var (i, j) = (0, 0);
        while (i < mine.Length || j < theirs.Length)
        {
            var order = i == mine.Length ? 1
                : j == theirs.Length ? -1
                : mine[i].Key.CompareTo(theirs[j].Key);
            var isMine = order < 0 || (order == 0 && mine[i].Value >= theirs[j].Value);
            merged.Add(isMine ? mine[i] : theirs[j]);
            if (order <= 0) i++;
            if (order >= 0) j++;
        }

        return new VersionVector(merged.ToImmutable());
    }

    /// <summary>The entries that 'known' does not cover.</summary>
    internal VersionVector Except(VersionVector known) =>
        WithAll(Versions.RemoveAll(e => e.Value <= known.VersionAt(e.Key)));

    /// <summary>The entries that both hold with the same version.</summary>
    internal VersionVector Intersect(VersionVector other) =>
        WithAll(Versions.RemoveAll(e => e.Value != other.VersionAt(e.Key)));

    internal VersionVector Prune(UniqueAddress removed, UniqueAddress into) =>
        Contains(removed) ? PruningCleanup(removed).Increment(into) : this;

    internal VersionVector PruningCleanup(UniqueAddress removed) =>
        IndexOf(removed) is var index and >= 0 ? WithAll(Versions.RemoveAt(index)) : this;

    private bool Covers(VersionVector other)
    {
        if (ReferenceEquals(this, other)) return true;
        foreach (var (node, version) in other.Versions)
        {
            if (IndexOf(node) is var index && (index < 0 || Versions[index].Value < version))
                return false;
        }

        return true;
    }

    private int IndexOf(UniqueAddress node) =>
        SortedByNode.IndexOf(Versions.AsSpan(), NodeOf, node);

    private VersionVector WithAll(ImmutableArray<KeyValuePair<UniqueAddress, long>> versions) =>
        versions.IsEmpty ? Empty : versions == Versions ? this : new VersionVector(versions);

    private static long NextVersion(UniqueAddress node, long known) =>
        Given.AddOrUpdate(node, known + 1, (_, given) => Math.Max(given, known) + 1);

    public bool Equals(VersionVector? other) => ReferenceEquals(this, other)
        || (other is not null && Versions.Length == other.Versions.Length
            && Covers(other) && other.Covers(this));

    public override bool Equals(object? obj) => Equals(obj as VersionVector);

    public override int GetHashCode() =>
        Versions.Aggregate(0, (hash, e) => hash ^ HashCode.Combine(e.Key, e.Value));

    public override string ToString() =>
        string.Join(", ", Versions.Select(e => $"{e.Key.Address}: {e.Value}"));
}
