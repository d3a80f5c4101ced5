using System.Collections;
using System.Collections.Immutable;
using Akka.Cluster;

namespace Akka.DistributedData;

using Cluster = Akka.Cluster.Cluster;

/// <summary>Makes <see cref="LWWDictionary{TKey,TValue}"/>.</summary>
public static class LWWDictionary
{
    public static LWWDictionary<TKey, TValue> Create<TKey, TValue>(
        UniqueAddress node, TKey key, TValue value, Clock<TValue>? clock = null)
        where TKey : notnull =>
        LWWDictionary<TKey, TValue>.Empty.SetItem(node, key, value, clock);
}

/// <summary>
/// A dictionary of plain values; per key the writing with the highest timestamp wins.
/// </summary>
public sealed class LWWDictionary<TKey, TValue>
    : IReplicatedData<LWWDictionary<TKey, TValue>>, IDeltaReplicatedData, IRemovedNodePruning,
        IEnumerable<KeyValuePair<TKey, TValue>>, IEquatable<LWWDictionary<TKey, TValue>>
    where TKey : notnull
{
    public static readonly LWWDictionary<TKey, TValue> Empty =
        new(ORDictionary<TKey, LWWRegister<TValue>>.Empty);

    internal LWWDictionary(ORDictionary<TKey, LWWRegister<TValue>> underlying) =>
        Underlying = underlying;

    internal ORDictionary<TKey, LWWRegister<TValue>> Underlying { get; }

    public IImmutableDictionary<TKey, TValue> Entries =>
        Underlying.ValueMap.ToImmutableDictionary(e => e.Key, e => e.Value.Value);

    public IEnumerable<TValue> Values => Underlying.Values.Select(register => register.Value);
    public IEnumerable<TKey> Keys => Underlying.Keys;
    public int Count => Underlying.Count;
    public bool IsEmpty => Underlying.IsEmpty;

    public bool ContainsKey(TKey key) => Underlying.ContainsKey(key);

    public TValue this[TKey key] => Underlying[key].Value;

    public bool TryGetValue(TKey key, out TValue value)
    {
        var isFound = Underlying.TryGetValue(key, out var register);
        value = isFound ? register.Value : default!;
        return isFound;
    }

    public LWWDictionary<TKey, TValue> SetItem(
        Cluster node, TKey key, TValue value, Clock<TValue>? clock = null) =>
        SetItem(node.SelfUniqueAddress, key, value, clock);

    public LWWDictionary<TKey, TValue> SetItem(
        UniqueAddress node, TKey key, TValue value, Clock<TValue>? clock = null)
    {
        var register = Underlying.TryGetValue(key, out var present)
            ? present.WithValue(node, value, clock)
            : new LWWRegister<TValue>(node, value, clock ?? LWWRegister<TValue>.DefaultClock);
        return new(Underlying.SetItem(node, key, register));
    }

    public IEnumerator<KeyValuePair<TKey, TValue>> GetEnumerator() => Underlying.ValueMap
        .Select(e => KeyValuePair.Create(e.Key, e.Value.Value)).GetEnumerator();

    public LWWDictionary<TKey, TValue> Remove(Cluster node, TKey key) =>
        Remove(node.SelfUniqueAddress, key);

    public LWWDictionary<TKey, TValue> Remove(UniqueAddress node, TKey key) =>
        new(Underlying.Remove(node, key));

    public LWWDictionary<TKey, TValue> Merge(LWWDictionary<TKey, TValue> other) =>
        new(Underlying.Merge(other.Underlying));

    public LWWDictionary<TKey, TValue> ResetDelta() => new(Underlying.ResetDelta());

    public IEnumerable<UniqueAddress> ModifiedByNodes => Underlying.ModifiedByNodes;

    public bool NeedPruningFrom(UniqueAddress removed) => Underlying.NeedPruningFrom(removed);

    IReplicatedDelta? IDeltaReplicatedData.Delta =>
        Underlying.Delta is { } delta ? new WrappedDelta(delta) : null;

    IReplicatedData IDeltaReplicatedData.MergeDelta(IReplicatedDelta delta) =>
        new LWWDictionary<TKey, TValue>(Underlying.MergeDelta(((WrappedDelta)delta).Underlying));

    IReplicatedData IDeltaReplicatedData.ResetDelta() => ResetDelta();

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) =>
        Merge((LWWDictionary<TKey, TValue>)other);

    IReplicatedData IRemovedNodePruning.Prune(UniqueAddress removed, UniqueAddress into) =>
        new LWWDictionary<TKey, TValue>(Underlying.Prune(removed, into));

    IReplicatedData IRemovedNodePruning.PruningCleanup(UniqueAddress removed) =>
        new LWWDictionary<TKey, TValue>(Underlying.PruningCleanup(removed));

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(LWWDictionary<TKey, TValue>? other) =>
        other is not null && Underlying.Equals(other.Underlying);

    public override bool Equals(object? obj) => Equals(obj as LWWDictionary<TKey, TValue>);

    public override int GetHashCode() => Underlying.GetHashCode();

    public override string ToString() => $"LWWDictionary({Underlying})";

    /// <summary>The change of the dictionary underneath, under this type's zero.</summary>
    internal sealed class WrappedDelta(
        ORDictionaryDelta<TKey, LWWRegister<TValue>> underlying)
        : IRequireCausalDeliveryOfDeltas, IReplicatedDeltaSize
    {
        public ORDictionaryDelta<TKey, LWWRegister<TValue>> Underlying { get; } = underlying;

        public int DeltaSize => Underlying.DeltaSize;

        IDeltaReplicatedData IReplicatedDelta.Zero => Empty;

        IReplicatedData IReplicatedData.Merge(IReplicatedData other) =>
            new WrappedDelta(Underlying.Then(((WrappedDelta)other).Underlying));
    }
}
