using System.Collections.Immutable;

namespace Akka.DistributedData;

/// <summary>Changes of an <see cref="ORDictionary{TKey,TValue}"/>, in order.</summary>
/// <remarks>
/// A step is what happened to the key set, and what is to be merged into the values: a whole
/// value, or a delta of it.
/// </remarks>
public sealed class ORDictionaryDelta<TKey, TValue>
    : IRequireCausalDeliveryOfDeltas, IReplicatedDeltaSize
    where TKey : notnull
    where TValue : IReplicatedData<TValue>
{
    internal sealed record Step(
        ORSetDelta<TKey> Keys, ImmutableDictionary<TKey, IReplicatedData> Values);

    internal ORDictionaryDelta(ImmutableArray<Step> steps) => Steps = steps;

    internal ImmutableArray<Step> Steps { get; }

    public int DeltaSize => Steps.Length;

    IDeltaReplicatedData IReplicatedDelta.Zero => ORDictionary<TKey, TValue>.Empty;

    public ORDictionaryDelta<TKey, TValue> Then(ORDictionaryDelta<TKey, TValue> later) =>
        new(Steps.AddRange(later.Steps));

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) =>
        Then((ORDictionaryDelta<TKey, TValue>)other);
}
