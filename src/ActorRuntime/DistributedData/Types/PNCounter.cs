using System.Numerics;
using Akka.Cluster;

namespace Akka.DistributedData;

using Cluster = Akka.Cluster.Cluster;

/// <summary>A counter that grows and shrinks: two <see cref="GCounter"/>s.</summary>
public sealed class PNCounter
    : IReplicatedData<PNCounter>, IDeltaReplicatedData, IReplicatedDelta, IRemovedNodePruning,
        IEquatable<PNCounter>
{
    public static readonly PNCounter Empty = new(GCounter.Empty, GCounter.Empty);

    internal PNCounter(GCounter increments, GCounter decrements)
    {
        Increments = increments;
        Decrements = decrements;
    }

    public GCounter Increments { get; }
    public GCounter Decrements { get; }

    public BigInteger Value => new BigInteger(Increments.Value) - Decrements.Value;

    public PNCounter? Delta => Increments.Delta is null && Decrements.Delta is null
        ? null
        : new PNCounter(Increments.Delta ?? GCounter.Empty, Decrements.Delta ?? GCounter.Empty);

    IReplicatedDelta? IDeltaReplicatedData.Delta => Delta;
    IDeltaReplicatedData IReplicatedDelta.Zero => Empty;

    public IEnumerable<UniqueAddress> ModifiedByNodes =>
        Increments.ModifiedByNodes.Union(Decrements.ModifiedByNodes);

    public PNCounter Increment(Cluster node, long delta = 1) =>
        Increment(node.SelfUniqueAddress, delta);

    public PNCounter Increment(UniqueAddress node, long delta = 1) => delta < 0
        ? new PNCounter(Increments, Decrements.Increment(node, Magnitude(delta)))
        : new PNCounter(Increments.Increment(node, Magnitude(delta)), Decrements);

    public PNCounter Decrement(Cluster node, long delta = 1) =>
        Decrement(node.SelfUniqueAddress, delta);

    public PNCounter Decrement(UniqueAddress node, long delta = 1) => delta < 0
        ? new PNCounter(Increments.Increment(node, Magnitude(delta)), Decrements)
        : new PNCounter(Increments, Decrements.Increment(node, Magnitude(delta)));

    public PNCounter Merge(PNCounter other) =>
        new(Increments.Merge(other.Increments), Decrements.Merge(other.Decrements));

    public PNCounter MergeDelta(PNCounter delta) => Merge(delta);

    public PNCounter ResetDelta() =>
        Delta is null ? this : new PNCounter(Increments.ResetDelta(), Decrements.ResetDelta());

    public bool NeedPruningFrom(UniqueAddress removed) =>
        Increments.NeedPruningFrom(removed) || Decrements.NeedPruningFrom(removed);

    public PNCounter Prune(UniqueAddress removed, UniqueAddress into) =>
        new(Increments.Prune(removed, into), Decrements.Prune(removed, into));

    public PNCounter PruningCleanup(UniqueAddress removed) =>
        new(Increments.PruningCleanup(removed), Decrements.PruningCleanup(removed));

    private static ulong Magnitude(long delta) =>
        delta < 0 ? unchecked((ulong)-delta) : (ulong)delta;

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) => Merge((PNCounter)other);

    IReplicatedData IDeltaReplicatedData.MergeDelta(IReplicatedDelta delta) =>
        Merge((PNCounter)delta);

    IReplicatedData IDeltaReplicatedData.ResetDelta() => ResetDelta();

    IReplicatedData IRemovedNodePruning.Prune(UniqueAddress removed, UniqueAddress into) =>
        Prune(removed, into);

    IReplicatedData IRemovedNodePruning.PruningCleanup(UniqueAddress removed) =>
        PruningCleanup(removed);

    public bool Equals(PNCounter? other) =>
        other is not null && Increments.Equals(other.Increments)
        && Decrements.Equals(other.Decrements);

    public override bool Equals(object? obj) => Equals(obj as PNCounter);

    public override int GetHashCode() => HashCode.Combine(Increments, Decrements);

    public override string ToString() => $"PNCounter({Value})";
}
