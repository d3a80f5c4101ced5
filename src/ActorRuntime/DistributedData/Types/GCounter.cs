using System.Collections.Immutable;
using Akka.Cluster;

namespace Akka.DistributedData;

using Cluster = Akka.Cluster.Cluster;

/// <summary>
/// A counter that only grows: each node has its own count, the value is their sum.
/// </summary>
public sealed class GCounter
    : IReplicatedData<GCounter>, IDeltaReplicatedData, IReplicatedDelta, IRemovedNodePruning,
        IEquatable<GCounter>
{
    public static readonly GCounter Empty =
        new(ImmutableSortedDictionary<UniqueAddress, ulong>.Empty, null);

    internal GCounter(ImmutableSortedDictionary<UniqueAddress, ulong> state, GCounter? delta = null)
    {
        State = state;
        Delta = delta;
    }

    internal ImmutableSortedDictionary<UniqueAddress, ulong> State { get; }

    public ulong Value => State.Values.Aggregate(0UL, (sum, count) => sum + count);

    /// <summary>What changed since <see cref="ResetDelta"/>, or null.</summary>
    public GCounter? Delta { get; }

    IReplicatedDelta? IDeltaReplicatedData.Delta => Delta;
    IDeltaReplicatedData IReplicatedDelta.Zero => Empty;

    public IEnumerable<UniqueAddress> ModifiedByNodes => State.Keys;

    public GCounter Increment(Cluster node, ulong delta = 1) =>
        Increment(node.SelfUniqueAddress, delta);

    public GCounter Increment(UniqueAddress node, ulong delta = 1)
    {
        if (delta == 0) return this;
        var count = State.GetValueOrDefault(node) + delta;
        var changed = (Delta?.State ?? Empty.State).SetItem(node, count);
        return new GCounter(State.SetItem(node, count), new GCounter(changed));
    }

    public GCounter Merge(GCounter other)
    {
        if (ReferenceEquals(this, other)) return this;
        var merged = State.ToBuilder();
        foreach (var (node, count) in other.State)
        {
            if (merged.GetValueOrDefault(node) < count) merged[node] = count;
        }

        return new GCounter(merged.ToImmutable());
    }

    public GCounter MergeDelta(GCounter delta) => Merge(delta);

    public GCounter ResetDelta() => Delta is null ? this : new GCounter(State);

    public bool NeedPruningFrom(UniqueAddress removed) => State.ContainsKey(removed);

    public GCounter Prune(UniqueAddress removed, UniqueAddress into) =>
        State.TryGetValue(removed, out var count)
            ? new GCounter(State.Remove(removed)).Increment(into, count).ResetDelta()
            : this;

    public GCounter PruningCleanup(UniqueAddress removed) => new(State.Remove(removed));

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) => Merge((GCounter)other);

    IReplicatedData IDeltaReplicatedData.MergeDelta(IReplicatedDelta delta) =>
        Merge((GCounter)delta);

    IReplicatedData IDeltaReplicatedData.ResetDelta() => ResetDelta();

    IReplicatedData IRemovedNodePruning.Prune(UniqueAddress removed, UniqueAddress into) =>
        Prune(removed, into);

    IReplicatedData IRemovedNodePruning.PruningCleanup(UniqueAddress removed) =>
        PruningCleanup(removed);

    public bool Equals(GCounter? other) =>
        other is not null && State.Count == other.State.Count && State.SequenceEqual(other.State);

    public override bool Equals(object? obj) => Equals(obj as GCounter);

    public override int GetHashCode() =>
        State.Aggregate(0, (hash, e) => hash ^ HashCode.Combine(e.Key, e.Value));

    public override string ToString() => $"GCounter({Value})";
}
