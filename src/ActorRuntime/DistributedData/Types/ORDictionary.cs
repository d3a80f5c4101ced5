using System.Collections;
using System.Collections.Immutable;
using Akka.Cluster;

namespace Akka.DistributedData;

using Cluster = Akka.Cluster.Cluster;

/// <summary>Makes <see cref="ORDictionary{TKey,TValue}"/>.</summary>
public static class ORDictionary
{
    public static ORDictionary<TKey, TValue> Create<TKey, TValue>(
        UniqueAddress node, TKey key, TValue value)
        where TKey : notnull
        where TValue : IReplicatedData<TValue> =>
        ORDictionary<TKey, TValue>.Empty.SetItem(node, key, value);
}

/// <summary>A dictionary of replicated values: its keys are an <see cref="ORSet{T}"/>.</summary>
/// <remarks>
/// Values of the same key are merged; a key updated and removed concurrently stays. Merging is
/// commutative and idempotent; where a key was removed and set again on several hosts at once, the
/// order of merges decides which of its old values a replica has met, until all have met.
/// </remarks>
public sealed class ORDictionary<TKey, TValue>
    : IReplicatedData<ORDictionary<TKey, TValue>>, IDeltaReplicatedData, IRemovedNodePruning,
        IEnumerable<KeyValuePair<TKey, TValue>>, IEquatable<ORDictionary<TKey, TValue>>
    where TKey : notnull
    where TValue : IReplicatedData<TValue>
{
    public static readonly ORDictionary<TKey, TValue> Empty =
        new(ORSet<TKey>.Empty, ImmutableDictionary<TKey, TValue>.Empty);

    internal ORDictionary(
        ORSet<TKey> keySet,
        ImmutableDictionary<TKey, TValue> values,
        ORDictionaryDelta<TKey, TValue>? delta = null)
    {
        KeySet = keySet;
        ValueMap = values;
        Delta = delta;
    }

    internal ORSet<TKey> KeySet { get; }
    internal ImmutableDictionary<TKey, TValue> ValueMap { get; }

    public IImmutableDictionary<TKey, TValue> Entries => ValueMap;
    public IEnumerable<TKey> Keys => ValueMap.Keys;
    public IEnumerable<TValue> Values => ValueMap.Values;
    public int Count => ValueMap.Count;
    public bool IsEmpty => ValueMap.IsEmpty;
    public ORDictionaryDelta<TKey, TValue>? Delta { get; }

    IReplicatedDelta? IDeltaReplicatedData.Delta => Delta;

    public TValue this[TKey key] => ValueMap[key];

    public bool ContainsKey(TKey key) => ValueMap.ContainsKey(key);

    public bool TryGetValue(TKey key, out TValue value) => ValueMap.TryGetValue(key, out value!);

    public ORDictionary<TKey, TValue> SetItem(Cluster node, TKey key, TValue value) =>
        SetItem(node.SelfUniqueAddress, key, value);

    /// <summary>Sets a value; merged with what others set concurrently.</summary>
    public ORDictionary<TKey, TValue> SetItem(UniqueAddress node, TKey key, TValue value)
    {
        var keys = KeySet.ResetDelta().Add(node, key);
        return Changed(keys, ValueMap.SetItem(key, value), key, value);
    }

    public ORDictionary<TKey, TValue> AddOrUpdate(
        Cluster node, TKey key, TValue initial, Func<TValue, TValue> modify) =>
        AddOrUpdate(node.SelfUniqueAddress, key, initial, modify);

    /// <summary>
    /// Changes the value of a key; only the change is sent where the value knows it.
    /// </summary>
    public ORDictionary<TKey, TValue> AddOrUpdate(
        UniqueAddress node, TKey key, TValue initial, Func<TValue, TValue> modify) =>
        AddOrUpdate(node, key, initial, modify, hasValueDeltas: true);

    internal ORDictionary<TKey, TValue> AddOrUpdate(
        UniqueAddress node,
        TKey key,
        TValue initial,
        Func<TValue, TValue> modify,
        bool hasValueDeltas)
    {
        var old = ValueMap.TryGetValue(key, out var present) ? present : initial;
        var keys = KeySet.ResetDelta().Add(node, key);
        if (old is not IDeltaReplicatedData tracked || !hasValueDeltas)
        {
            var replaced = modify(old);
            if (replaced is IDeltaReplicatedData d) replaced = (TValue)d.ResetDelta();
            return Changed(keys, ValueMap.SetItem(key, replaced), key, replaced);
        }

        var changed = modify((TValue)tracked.ResetDelta());
        var valueDelta = ((IDeltaReplicatedData)changed).Delta;
        var stored = (TValue)((IDeltaReplicatedData)changed).ResetDelta();
        return Changed(
            keys, ValueMap.SetItem(key, stored), key, valueDelta ?? (IReplicatedData)stored);
    }

    public ORDictionary<TKey, TValue> Remove(Cluster node, TKey key) =>
        Remove(node.SelfUniqueAddress, key);

    public ORDictionary<TKey, TValue> Remove(UniqueAddress node, TKey key)
    {
        var keys = KeySet.ResetDelta().Remove(node, key);
        var step = new ORDictionaryDelta<TKey, TValue>.Step(
            keys.Delta!, ImmutableDictionary<TKey, IReplicatedData>.Empty);
        return new ORDictionary<TKey, TValue>(
            keys.ResetDelta(), ValueMap.Remove(key), Append(step));
    }

    public ORDictionary<TKey, TValue> Merge(ORDictionary<TKey, TValue> other)
    {
        if (ReferenceEquals(this, other)) return this;
        var keys = KeySet.Merge(other.KeySet);
        var values = ImmutableDictionary.CreateBuilder<TKey, TValue>();
        foreach (var key in keys)
        {
            var isMine = ValueMap.TryGetValue(key, out var mine);
            var isTheirs = other.ValueMap.TryGetValue(key, out var theirs);
            if (isMine && isTheirs) values[key] = mine!.Merge(theirs!);
            else if (isMine) values[key] = mine!;
            else if (isTheirs) values[key] = theirs!;
        }

        return new ORDictionary<TKey, TValue>(keys, values.ToImmutable());
    }

    public ORDictionary<TKey, TValue> MergeDelta(ORDictionaryDelta<TKey, TValue> delta)
    {
        var keys = KeySet;
        var values = ValueMap.ToBuilder();
        foreach (var step in delta.Steps)
        {
            keys = keys.MergeDelta(step.Keys);
            foreach (var (key, change) in step.Values)
            {
                if (keys.Contains(key)) values[key] = Applied(values, key, change);
            }

            foreach (var key in step.Keys.Removable(values.Keys).ToList())
            {
                if (!keys.Contains(key)) values.Remove(key);
            }
        }

        return new ORDictionary<TKey, TValue>(keys, values.ToImmutable());
    }

    public ORDictionary<TKey, TValue> ResetDelta() =>
        Delta is null ? this : new(KeySet.ResetDelta(), ValueMap);

    public IEnumerable<UniqueAddress> ModifiedByNodes =>
        ValueMap.Values.OfType<IRemovedNodePruning>().SelectMany(v => v.ModifiedByNodes)
            .Union(KeySet.ModifiedByNodes);

    public bool NeedPruningFrom(UniqueAddress removed) =>
        KeySet.NeedPruningFrom(removed)
        || ValueMap.Values.OfType<IRemovedNodePruning>().Any(v => v.NeedPruningFrom(removed));

    public ORDictionary<TKey, TValue> Prune(UniqueAddress removed, UniqueAddress into) => new(
        KeySet.Prune(removed, into),
        ValueMap.ToImmutableDictionary(e => e.Key, e =>
            e.Value is IRemovedNodePruning value && value.NeedPruningFrom(removed)
                ? (TValue)value.Prune(removed, into)
                : e.Value));

    public ORDictionary<TKey, TValue> PruningCleanup(UniqueAddress removed)
    {
        var keys = KeySet.PruningCleanup(removed);
        return new ORDictionary<TKey, TValue>(
            keys,
            ValueMap.Where(e => keys.Contains(e.Key)).ToImmutableDictionary(e => e.Key, e =>
                e.Value is IRemovedNodePruning value && value.NeedPruningFrom(removed)
                    ? (TValue)value.PruningCleanup(removed)
                    : e.Value));
    }

    private static TValue Applied(
        ImmutableDictionary<TKey, TValue>.Builder values, TKey key, IReplicatedData change)
    {
        var isPresent = values.TryGetValue(key, out var present);
        if (change is TValue value) return isPresent ? present!.Merge(value) : value;
        var delta = (IReplicatedDelta)change;
        var basis = isPresent ? (IDeltaReplicatedData)present! : delta.Zero;
        return (TValue)basis.MergeDelta(delta);
    }

    private ORDictionary<TKey, TValue> Changed(
        ORSet<TKey> keys, ImmutableDictionary<TKey, TValue> values, TKey key,
            IReplicatedData change)
    {
        var step = new ORDictionaryDelta<TKey, TValue>.Step(
            keys.Delta!, ImmutableDictionary<TKey, IReplicatedData>.Empty.Add(key, change));
        return new ORDictionary<TKey, TValue>(keys.ResetDelta(), values, Append(step));
    }

    private ORDictionaryDelta<TKey, TValue> Append(ORDictionaryDelta<TKey, TValue>.Step step)
    {
        var delta = new ORDictionaryDelta<TKey, TValue>([step]);
        return Delta is null ? delta : Delta.Then(delta);
    }

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) =>
        Merge((ORDictionary<TKey, TValue>)other);

    IReplicatedData IDeltaReplicatedData.MergeDelta(IReplicatedDelta delta) =>
        MergeDelta((ORDictionaryDelta<TKey, TValue>)delta);

    IReplicatedData IDeltaReplicatedData.ResetDelta() => ResetDelta();

    IReplicatedData IRemovedNodePruning.Prune(UniqueAddress removed, UniqueAddress into) =>
        Prune(removed, into);

    IReplicatedData IRemovedNodePruning.PruningCleanup(UniqueAddress removed) =>
        PruningCleanup(removed);

    public IEnumerator<KeyValuePair<TKey, TValue>> GetEnumerator() => ValueMap.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(ORDictionary<TKey, TValue>? other) =>
        other is not null && KeySet.Equals(other.KeySet) && Count == other.Count
        && ValueMap.All(e => other.ValueMap.TryGetValue(e.Key, out var v) && e.Value.Equals(v));

    public override bool Equals(object? obj) => Equals(obj as ORDictionary<TKey, TValue>);

    public override int GetHashCode() => KeySet.GetHashCode();

    public override string ToString() =>
        $"ORDictionary({string.Join(", ", ValueMap.Select(e => $"{e.Key}: {e.Value}"))})";
}
