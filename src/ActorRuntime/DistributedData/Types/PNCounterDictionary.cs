using System.Collections;
using System.Collections.Immutable;
using System.Numerics;
using Akka.Cluster;

namespace Akka.DistributedData;

using Cluster = Akka.Cluster.Cluster;

/// <summary>A dictionary of counters.</summary>
public sealed class PNCounterDictionary<TKey>
    : IReplicatedData<PNCounterDictionary<TKey>>, IDeltaReplicatedData, IRemovedNodePruning,
        IEnumerable<KeyValuePair<TKey, BigInteger>>, IEquatable<PNCounterDictionary<TKey>>
    where TKey : notnull
{
    public static readonly PNCounterDictionary<TKey> Empty =
        new(ORDictionary<TKey, PNCounter>.Empty);

    internal PNCounterDictionary(ORDictionary<TKey, PNCounter> underlying) =>
        Underlying = underlying;

    internal ORDictionary<TKey, PNCounter> Underlying { get; }

    public IImmutableDictionary<TKey, BigInteger> Entries =>
        Underlying.ValueMap.ToImmutableDictionary(e => e.Key, e => e.Value.Value);

    public IEnumerable<BigInteger> Values => Underlying.Values.Select(counter => counter.Value);
    public IEnumerable<TKey> Keys => Underlying.Keys;
    public int Count => Underlying.Count;
    public bool IsEmpty => Underlying.IsEmpty;

    public bool ContainsKey(TKey key) => Underlying.ContainsKey(key);

    public BigInteger this[TKey key] => Underlying[key].Value;

    public bool TryGetValue(TKey key, out BigInteger value)
    {
        var isFound = Underlying.TryGetValue(key, out var counter);
        value = isFound ? counter.Value : BigInteger.Zero;
        return isFound;
    }

    public PNCounterDictionary<TKey> Increment(Cluster node, TKey key, long delta = 1) =>
        Increment(node.SelfUniqueAddress, key, delta);

    public PNCounterDictionary<TKey> Increment(UniqueAddress node, TKey key, long delta = 1) =>
        new(Underlying.AddOrUpdate(
            node, key, PNCounter.Empty, counter => counter.Increment(node, delta)));

    public PNCounterDictionary<TKey> Decrement(Cluster node, TKey key, long delta = 1) =>
        Decrement(node.SelfUniqueAddress, key, delta);

    public PNCounterDictionary<TKey> Decrement(UniqueAddress node, TKey key, long delta = 1) =>
        new(Underlying.AddOrUpdate(
            node, key, PNCounter.Empty, counter => counter.Decrement(node, delta)));

    public IEnumerator<KeyValuePair<TKey, BigInteger>> GetEnumerator() => Entries.GetEnumerator();

    public PNCounterDictionary<TKey> Remove(Cluster node, TKey key) =>
        Remove(node.SelfUniqueAddress, key);

    public PNCounterDictionary<TKey> Remove(UniqueAddress node, TKey key) =>
        new(Underlying.Remove(node, key));

    public PNCounterDictionary<TKey> Merge(PNCounterDictionary<TKey> other) =>
        new(Underlying.Merge(other.Underlying));

    public PNCounterDictionary<TKey> ResetDelta() => new(Underlying.ResetDelta());

    public IEnumerable<UniqueAddress> ModifiedByNodes => Underlying.ModifiedByNodes;

    public bool NeedPruningFrom(UniqueAddress removed) => Underlying.NeedPruningFrom(removed);

    IReplicatedDelta? IDeltaReplicatedData.Delta =>
        Underlying.Delta is { } delta ? new WrappedDelta(delta) : null;

    IReplicatedData IDeltaReplicatedData.MergeDelta(IReplicatedDelta delta) =>
        new PNCounterDictionary<TKey>(Underlying.MergeDelta(((WrappedDelta)delta).Underlying));

    IReplicatedData IDeltaReplicatedData.ResetDelta() => ResetDelta();

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) =>
        Merge((PNCounterDictionary<TKey>)other);

    IReplicatedData IRemovedNodePruning.Prune(UniqueAddress removed, UniqueAddress into) =>
        new PNCounterDictionary<TKey>(Underlying.Prune(removed, into));

    IReplicatedData IRemovedNodePruning.PruningCleanup(UniqueAddress removed) =>
        new PNCounterDictionary<TKey>(Underlying.PruningCleanup(removed));

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(PNCounterDictionary<TKey>? other) =>
        other is not null && Underlying.Equals(other.Underlying);

    public override bool Equals(object? obj) => Equals(obj as PNCounterDictionary<TKey>);

    public override int GetHashCode() => Underlying.GetHashCode();

    public override string ToString() => $"PNCounterDictionary({Underlying})";

    /// <summary>The change of the dictionary underneath, under this type's zero.</summary>
    internal sealed class WrappedDelta(
        ORDictionaryDelta<TKey, PNCounter> underlying)
        : IRequireCausalDeliveryOfDeltas, IReplicatedDeltaSize
    {
        public ORDictionaryDelta<TKey, PNCounter> Underlying { get; } = underlying;

        public int DeltaSize => Underlying.DeltaSize;

        IDeltaReplicatedData IReplicatedDelta.Zero => Empty;

        IReplicatedData IReplicatedData.Merge(IReplicatedData other) =>
            new WrappedDelta(Underlying.Then(((WrappedDelta)other).Underlying));
    }
}
