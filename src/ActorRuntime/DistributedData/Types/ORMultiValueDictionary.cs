using System.Collections;
using System.Collections.Immutable;
using Akka.Cluster;

namespace Akka.DistributedData;

using Cluster = Akka.Cluster.Cluster;

/// <summary>Makes <see cref="ORMultiValueDictionary{TKey,TValue}"/>.</summary>
public static class ORMultiValueDictionary
{
    public static ORMultiValueDictionary<TKey, TValue> Create<TKey, TValue>(
        UniqueAddress node, TKey key, params TValue[] values)
        where TKey : notnull
        where TValue : notnull =>
        ORMultiValueDictionary<TKey, TValue>.Empty
            .SetItems(node, key, values.ToImmutableHashSet());
}

/// <summary>A dictionary of sets: each key has an <see cref="ORSet{T}"/> of values.</summary>
public sealed class ORMultiValueDictionary<TKey, TValue>
    : IReplicatedData<ORMultiValueDictionary<TKey, TValue>>, IDeltaReplicatedData,
        IRemovedNodePruning,
        IEnumerable<KeyValuePair<TKey, IImmutableSet<TValue>>>,
            IEquatable<ORMultiValueDictionary<TKey, TValue>>
    where TKey : notnull
    where TValue : notnull
{
    public static readonly ORMultiValueDictionary<TKey, TValue> Empty =
        new(ORDictionary<TKey, ORSet<TValue>>.Empty);

    internal ORMultiValueDictionary(ORDictionary<TKey, ORSet<TValue>> underlying) =>
        Underlying = underlying;

    internal ORDictionary<TKey, ORSet<TValue>> Underlying { get; }

    public IImmutableDictionary<TKey, IImmutableSet<TValue>> Entries =>
        Underlying.ValueMap.ToImmutableDictionary(e => e.Key, e => e.Value.Elements);

    public IEnumerable<IImmutableSet<TValue>> Values => Underlying.Values.Select(s => s.Elements);
    public IEnumerable<TKey> Keys => Underlying.Keys;
    public int Count => Underlying.Count;
    public bool IsEmpty => Underlying.IsEmpty;

    public bool ContainsKey(TKey key) => Underlying.ContainsKey(key);

    public IImmutableSet<TValue> this[TKey key] => Underlying[key].Elements;

    public bool TryGetValue(TKey key, out IImmutableSet<TValue> value)
    {
        var isFound = Underlying.TryGetValue(key, out var bucket);
        value = isFound ? bucket.Elements : null!;
        return isFound;
    }

    public ORMultiValueDictionary<TKey, TValue> SetItems(
        Cluster node, TKey key, IImmutableSet<TValue> bucket) =>
        SetItems(node.SelfUniqueAddress, key, bucket);

    /// <summary>Makes the values of a key those of 'bucket'.</summary>
    public ORMultiValueDictionary<TKey, TValue> SetItems(
        UniqueAddress node, TKey key, IImmutableSet<TValue> bucket) =>
        Update(node, key, set =>
        {
            foreach (var stale in set.Elements.Except(bucket)) set = set.Remove(node, stale);
            return bucket.Where(e => !set.Contains(e)).Aggregate(set, (s, e) => s.Add(node, e));
        });

    public ORMultiValueDictionary<TKey, TValue> AddItem(Cluster node, TKey key, TValue element) =>
        AddItem(node.SelfUniqueAddress, key, element);

    public ORMultiValueDictionary<TKey, TValue> AddItem(
        UniqueAddress node, TKey key, TValue element) =>
        Update(node, key, set => set.Add(node, element));

    public ORMultiValueDictionary<TKey, TValue> RemoveItem(
        Cluster node, TKey key, TValue element) =>
        RemoveItem(node.SelfUniqueAddress, key, element);

    /// <summary>Removes a value; a key whose last value goes, goes too.</summary>
    public ORMultiValueDictionary<TKey, TValue> RemoveItem(
        UniqueAddress node, TKey key, TValue element)
    {
        if (!ContainsKey(key)) return this;
        var updated = Update(node, key, set => set.Remove(node, element));
        return updated.Underlying[key].IsEmpty ? updated.Remove(node, key) : updated;
    }

    public ORMultiValueDictionary<TKey, TValue> ReplaceItem(
        Cluster node, TKey key, TValue oldElement, TValue newElement) =>
        ReplaceItem(node.SelfUniqueAddress, key, oldElement, newElement);

    public ORMultiValueDictionary<TKey, TValue> ReplaceItem(
        UniqueAddress node, TKey key, TValue oldElement, TValue newElement) =>
        EqualityComparer<TValue>.Default.Equals(oldElement, newElement)
            ? this
            : AddItem(node, key, newElement).RemoveItem(node, key, oldElement);

    private ORMultiValueDictionary<TKey, TValue> Update(
        UniqueAddress node, TKey key, Func<ORSet<TValue>, ORSet<TValue>> modify) =>
        new(Underlying.AddOrUpdate(
            node, key, ORSet<TValue>.Empty, modify, hasValueDeltas: false));

    public IEnumerator<KeyValuePair<TKey, IImmutableSet<TValue>>> GetEnumerator() =>
        Entries.GetEnumerator();

    public ORMultiValueDictionary<TKey, TValue> Remove(Cluster node, TKey key) =>
        Remove(node.SelfUniqueAddress, key);

    public ORMultiValueDictionary<TKey, TValue> Remove(UniqueAddress node, TKey key) =>
        new(Underlying.Remove(node, key));

    public ORMultiValueDictionary<TKey, TValue> Merge(ORMultiValueDictionary<TKey, TValue> other) =>
        new(Underlying.Merge(other.Underlying));

    public ORMultiValueDictionary<TKey, TValue> ResetDelta() => new(Underlying.ResetDelta());

    public IEnumerable<UniqueAddress> ModifiedByNodes => Underlying.ModifiedByNodes;

    public bool NeedPruningFrom(UniqueAddress removed) => Underlying.NeedPruningFrom(removed);

    IReplicatedDelta? IDeltaReplicatedData.Delta =>
        Underlying.Delta is { } delta ? new WrappedDelta(delta) : null;

    IReplicatedData IDeltaReplicatedData.MergeDelta(IReplicatedDelta delta) =>
        new ORMultiValueDictionary<TKey,
            TValue>(Underlying.MergeDelta(((WrappedDelta)delta).Underlying));

    IReplicatedData IDeltaReplicatedData.ResetDelta() => ResetDelta();

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) =>
        Merge((ORMultiValueDictionary<TKey, TValue>)other);

    IReplicatedData IRemovedNodePruning.Prune(UniqueAddress removed, UniqueAddress into) =>
        new ORMultiValueDictionary<TKey, TValue>(Underlying.Prune(removed, into));

    IReplicatedData IRemovedNodePruning.PruningCleanup(UniqueAddress removed) =>
        new ORMultiValueDictionary<TKey, TValue>(Underlying.PruningCleanup(removed));

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(ORMultiValueDictionary<TKey, TValue>? other) =>
        other is not null && Underlying.Equals(other.Underlying);

    public override bool Equals(object? obj) => Equals(obj as ORMultiValueDictionary<TKey, TValue>);

    public override int GetHashCode() => Underlying.GetHashCode();

    public override string ToString() => $"ORMultiValueDictionary({Underlying})";

    /// <summary>The change of the dictionary underneath, under this type's zero.</summary>
    internal sealed class WrappedDelta(
        ORDictionaryDelta<TKey, ORSet<TValue>> underlying)
        : IRequireCausalDeliveryOfDeltas, IReplicatedDeltaSize
    {
        public ORDictionaryDelta<TKey, ORSet<TValue>> Underlying { get; } = underlying;

        public int DeltaSize => Underlying.DeltaSize;

        IDeltaReplicatedData IReplicatedDelta.Zero => Empty;

        IReplicatedData IReplicatedData.Merge(IReplicatedData other) =>
            new WrappedDelta(Underlying.Then(((WrappedDelta)other).Underlying));
    }
}
