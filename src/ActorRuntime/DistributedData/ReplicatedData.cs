namespace Akka.DistributedData;

/// <summary>A value that replicas may change independently and merge to the same result.</summary>
/// <remarks>
/// Merge must be commutative, associative and idempotent. Implementations are immutable.
/// </remarks>
public interface IReplicatedData
{
    IReplicatedData Merge(IReplicatedData other);
}

public interface IReplicatedData<T> : IReplicatedData
    where T : IReplicatedData
{
    T Merge(T other);
}

/// <summary>A change to a value: small enough to be sent instead of the value.</summary>
public interface IReplicatedDelta : IReplicatedData
{
    /// <summary>The empty value that a delta can be merged into.</summary>
    IDeltaReplicatedData Zero { get; }
}

/// <summary>
/// A delta that counts its own size for <c>max-delta-elements</c> and <c>max-delta-size</c>.
/// </summary>
public interface IReplicatedDeltaSize
{
    int DeltaSize { get; }
}

/// <summary>Deltas of one node must be applied in order and without gaps.</summary>
public interface IRequireCausalDeliveryOfDeltas : IReplicatedDelta;

/// <summary>A value that collects its changes since <see cref="ResetDelta"/>.</summary>
public interface IDeltaReplicatedData : IReplicatedData
{
    IReplicatedDelta? Delta { get; }

    IReplicatedData MergeDelta(IReplicatedDelta delta);

    IReplicatedData ResetDelta();
}

/// <summary>
/// A value that names nodes, and can forget the removed ones without losing their part.
/// </summary>
public interface IRemovedNodePruning : IReplicatedData
{
    IEnumerable<Akka.Cluster.UniqueAddress> ModifiedByNodes { get; }

    bool NeedPruningFrom(Akka.Cluster.UniqueAddress removed);

    /// <summary>Moves what 'removed' contributed to 'into'.</summary>
    IReplicatedData Prune(
        Akka.Cluster.UniqueAddress removed, Akka.Cluster.UniqueAddress into);

    /// <summary>Drops what an unpruned replica brought back.</summary>
    IReplicatedData PruningCleanup(Akka.Cluster.UniqueAddress removed);
}
