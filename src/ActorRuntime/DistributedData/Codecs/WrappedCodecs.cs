using Akka.Remote.Wire;

namespace Akka.DistributedData;

/// <summary>A value that wraps another one: its bytes are the other one's.</summary>
internal abstract class WrappedCodec<TOuter, TInner>(
    DataCodec inner, Func<TOuter, TInner> unwrap, Func<TInner, TOuter> wrap) : DataCodec
    where TOuter : IReplicatedData
    where TInner : IReplicatedData
{
    public override void Write(FieldWriter writer, IReplicatedData data, Coding coding) =>
        inner.Write(writer, unwrap((TOuter)data), coding);

    public override IReplicatedData Read(ReadOnlySpan<byte> bytes, Coding coding) =>
        wrap((TInner)inner.Read(bytes, coding));
}

internal sealed class LWWDictionaryCodec<TKey, TValue>() : WrappedCodec<
    LWWDictionary<TKey, TValue>, ORDictionary<TKey, LWWRegister<TValue>>>(
    new ORDictionaryCodec<TKey, LWWRegister<TValue>>(), outer => outer.Underlying,
    inner => new(inner))
    where TKey : notnull;

internal sealed class LWWDictionaryDeltaCodec<TKey, TValue>() : WrappedCodec<
    LWWDictionary<TKey, TValue>.WrappedDelta, ORDictionaryDelta<TKey, LWWRegister<TValue>>>(
    new ORDictionaryDeltaCodec<TKey, LWWRegister<TValue>>(), outer => outer.Underlying,
    inner => new(inner))
    where TKey : notnull;

internal sealed class ORMultiValueDictionaryCodec<TKey, TValue>() : WrappedCodec<
    ORMultiValueDictionary<TKey, TValue>, ORDictionary<TKey, ORSet<TValue>>>(
    new ORDictionaryCodec<TKey, ORSet<TValue>>(), outer => outer.Underlying,
    inner => new(inner))
    where TKey : notnull
    where TValue : notnull;

internal sealed class ORMultiValueDictionaryDeltaCodec<TKey, TValue>() : WrappedCodec<
    ORMultiValueDictionary<TKey, TValue>.WrappedDelta, ORDictionaryDelta<TKey, ORSet<TValue>>>(
    new ORDictionaryDeltaCodec<TKey, ORSet<TValue>>(), outer => outer.Underlying,
    inner => new(inner))
    where TKey : notnull
    where TValue : notnull;

internal sealed class PNCounterDictionaryCodec<TKey>() : WrappedCodec<
    PNCounterDictionary<TKey>, ORDictionary<TKey, PNCounter>>(
    new ORDictionaryCodec<TKey, PNCounter>(), outer => outer.Underlying,
    inner => new(inner))
    where TKey : notnull;

internal sealed class PNCounterDictionaryDeltaCodec<TKey>() : WrappedCodec<
    PNCounterDictionary<TKey>.WrappedDelta, ORDictionaryDelta<TKey, PNCounter>>(
    new ORDictionaryDeltaCodec<TKey, PNCounter>(), outer => outer.Underlying,
    inner => new(inner))
    where TKey : notnull;
