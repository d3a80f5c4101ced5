using System.Collections;
using System.Collections.Immutable;
using Akka.Cluster;

namespace Akka.DistributedData;

using Cluster = Akka.Cluster.Cluster;

/// <summary>Makes <see cref="ORSet{T}"/>.</summary>
public static class ORSet
{
    public static ORSet<T> Create<T>(UniqueAddress node, params T[] elements)
        where T : notnull =>
        elements.Aggregate(ORSet<T>.Empty, (set, element) => set.Add(node, element));
}

/// <summary>A set with removal where an addition wins over a concurrent removal.</summary>
/// <remarks>
/// After Bieniusa et al., "An optimized conflict-free replicated set": each element carries the
/// additions (dots) that put it there, and the set carries which additions it knows. What the
/// other side knows and no longer holds was removed there; what it does not know is new.
/// </remarks>
public sealed class ORSet<T>
    : IReplicatedData<ORSet<T>>, IDeltaReplicatedData, IRemovedNodePruning, IEnumerable<T>,
        IEquatable<ORSet<T>>
    where T : notnull
{
    public static readonly ORSet<T> Empty =
        new(ImmutableDictionary<T, VersionVector>.Empty, VersionVector.Empty);

    internal ORSet(
        ImmutableDictionary<T, VersionVector> dots,
        VersionVector known,
        ORSetDelta<T>? delta = null)
    {
        Dots = dots;
        Known = known;
        Delta = delta;
    }

    internal ImmutableDictionary<T, VersionVector> Dots { get; }
    internal VersionVector Known { get; }

    public IImmutableSet<T> Elements => Dots.Keys.ToImmutableHashSet();
    public int Count => Dots.Count;
    public bool IsEmpty => Dots.IsEmpty;
    public ORSetDelta<T>? Delta { get; }

    IReplicatedDelta? IDeltaReplicatedData.Delta => Delta;

    public bool Contains(T elem) => Dots.ContainsKey(elem);

    public ORSet<T> Add(Cluster cluster, T element) => Add(cluster.SelfUniqueAddress, element);

    public ORSet<T> Add(UniqueAddress node, T element)
    {
        var known = Known.Increment(node);
        var dot = VersionVector.Dot(node, known.VersionAt(node));
        var change =
            new ORSet<T>(ImmutableDictionary<T, VersionVector>.Empty.Add(element, dot), dot);
        return new ORSet<T>(
            Dots.SetItem(element, dot), known, Append(ORSetDelta<T>.Kind.Add, change));
    }

    public ORSet<T> Remove(Cluster cluster, T element) =>
        Remove(cluster.SelfUniqueAddress, element);

    public ORSet<T> Remove(UniqueAddress node, T element)
    {
        var dot = VersionVector.Dot(node, Known.VersionAt(node));
        var change = new ORSet<T>(
            ImmutableDictionary<T, VersionVector>.Empty.Add(element, dot), Known);
        return new ORSet<T>(
            Dots.Remove(element), Known, Append(ORSetDelta<T>.Kind.Remove, change));
    }

    public ORSet<T> Clear(Cluster cluster) => Clear(cluster.SelfUniqueAddress);

    public ORSet<T> Clear(UniqueAddress node)
    {
        var cleared = new ORSet<T>(Empty.Dots, Known);
        return new ORSet<T>(Empty.Dots, Known, Append(ORSetDelta<T>.Kind.Full, cleared));
    }

    public ORSet<T> Merge(ORSet<T> other)
    {
        if (ReferenceEquals(this, other)) return this;
        var merged = ImmutableDictionary.CreateBuilder<T, VersionVector>();
        foreach (var (element, mine) in Dots)
        {
            var theirs = other.Dots.GetValueOrDefault(element, VersionVector.Empty);
            Keep(merged, element, Surviving(mine, theirs, other.Known));
        }

        foreach (var (element, theirs) in other.Dots)
        {
            if (!Dots.ContainsKey(element)) Keep(merged, element, theirs.Except(Known));
        }

        return new ORSet<T>(merged.ToImmutable(), Known.Merge(other.Known));
    }

    public ORSet<T> MergeDelta(ORSetDelta<T> delta)
    {
        var set = this;
        foreach (var (kind, state) in delta.Steps)
        {
            set = kind switch
            {
                ORSetDelta<T>.Kind.Add => set.WithAdded(state),
                ORSetDelta<T>.Kind.Remove => set.WithRemoved(state),
                _ => set.Merge(state),
            };
        }

        return set.ResetDelta();
    }

    public ORSet<T> ResetDelta() => Delta is null ? this : new ORSet<T>(Dots, Known);

    public IEnumerable<UniqueAddress> ModifiedByNodes => Known.Nodes;

    public bool NeedPruningFrom(UniqueAddress removed) => Known.Contains(removed);

    public ORSet<T> Prune(UniqueAddress removed, UniqueAddress into)
    {
        var set = new ORSet<T>(Dots, Known.Prune(removed, into));
        foreach (var (element, dots) in Dots)
        {
            // Added again by the heir: a fresh addition that every replica will take.
            if (dots.Contains(removed)) set = set.Add(into, element);
        }

        return set.ResetDelta();
    }

    public ORSet<T> PruningCleanup(UniqueAddress removed) => new(
        Dots.ToImmutableDictionary(e => e.Key, e => e.Value.PruningCleanup(removed))
            .RemoveRange(Dots.Where(e => e.Value.PruningCleanup(removed).IsEmpty)
                .Select(e => e.Key)),
        Known.PruningCleanup(removed));

    /// <summary>Two groups of additions as one.</summary>
    internal ORSet<T> Joined(ORSet<T> later)
    {
        var dots = Dots.ToBuilder();
        foreach (var (element, added) in later.Dots) dots[element] = added;
        return new ORSet<T>(dots.ToImmutable(), Known.Merge(later.Known));
    }

    private ORSet<T> WithAdded(ORSet<T> added)
    {
        var dots = Dots.ToBuilder();
        foreach (var (element, theirs) in added.Dots)
        {
            if (dots.Remove(element, out var mine))
            {
                Keep(dots, element, Surviving(mine, theirs, added.Known));
            }
            else
            {
                Keep(dots, element, theirs.Except(Known));
            }
        }

        return new ORSet<T>(dots.ToImmutable(), Known.Merge(added.Known));
    }

    private ORSet<T> WithRemoved(ORSet<T> removed)
    {
        var dots = Dots.ToBuilder();
        foreach (var element in removed.Dots.Keys)
        {
            if (dots.Remove(element, out var mine)) Keep(dots, element, mine.Except(removed.Known));
        }

        return new ORSet<T>(dots.ToImmutable(), Known);
    }

    private VersionVector Surviving(VersionVector mine, VersionVector theirs,
        VersionVector known) =>
        mine.Intersect(theirs).Merge(mine.Except(known)).Merge(theirs.Except(Known));

    private static void Keep(
        ImmutableDictionary<T, VersionVector>.Builder dots, T element, VersionVector surviving)
    {
        if (!surviving.IsEmpty) dots[element] = surviving;
    }

    private ORSetDelta<T> Append(ORSetDelta<T>.Kind kind, ORSet<T> change)
    {
        var step = ORSetDelta<T>.Of(kind, change);
        return Delta is null ? step : Delta.Then(step);
    }

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) => Merge((ORSet<T>)other);

    IReplicatedData IDeltaReplicatedData.MergeDelta(IReplicatedDelta delta) =>
        MergeDelta((ORSetDelta<T>)delta);

    IReplicatedData IDeltaReplicatedData.ResetDelta() => ResetDelta();

    IReplicatedData IRemovedNodePruning.Prune(UniqueAddress removed, UniqueAddress into) =>
        Prune(removed, into);

    IReplicatedData IRemovedNodePruning.PruningCleanup(UniqueAddress removed) =>
        PruningCleanup(removed);

    public IEnumerator<T> GetEnumerator() => Dots.Keys.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(ORSet<T>? other) =>
        other is not null && Known.Equals(other.Known) && Dots.Count == other.Dots.Count
        && Dots.All(e => e.Value.Equals(other.Dots.GetValueOrDefault(e.Key)));

    public override bool Equals(object? obj) => Equals(obj as ORSet<T>);

    public override int GetHashCode() => Known.GetHashCode();

    public override string ToString() => $"ORSet({string.Join(", ", Dots.Keys)})";
}
