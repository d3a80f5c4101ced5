namespace Akka.DistributedData;

/// <summary>The name of a replicated value. Keys are equal when their ids are.</summary>
public interface IKey
{
    string Id { get; }
}

public interface IKey<out T> : IKey
    where T : IReplicatedData;

public abstract class Key<T>(string id) : IKey<T>, IEquatable<IKey>
    where T : IReplicatedData
{
    public string Id { get; } = id;

    public bool Equals(IKey? other) => other is not null && Id == other.Id;

    public override bool Equals(object? obj) => obj is IKey other && Equals(other);

    public override int GetHashCode() => Id.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Id;
}

public sealed class FlagKey(string id) : Key<Flag>(id);

public sealed class GCounterKey(string id) : Key<GCounter>(id);

public sealed class PNCounterKey(string id) : Key<PNCounter>(id);

public sealed class GSetKey<T>(string id) : Key<GSet<T>>(id)
    where T : notnull;

public sealed class ORSetKey<T>(string id) : Key<ORSet<T>>(id)
    where T : notnull;

public sealed class ORDictionaryKey<TKey, TValue>(string id) : Key<ORDictionary<TKey, TValue>>(id)
    where TKey : notnull
    where TValue : IReplicatedData<TValue>;

public sealed class LWWRegisterKey<T>(string id) : Key<LWWRegister<T>>(id);

public sealed class LWWDictionaryKey<TKey, TValue>(string id)
    : Key<LWWDictionary<TKey, TValue>>(id)
    where TKey : notnull;

public sealed class PNCounterDictionaryKey<T>(string id) : Key<PNCounterDictionary<T>>(id)
    where T : notnull;

public sealed class ORMultiValueDictionaryKey<TKey, TValue>(string id)
    : Key<ORMultiValueDictionary<TKey, TValue>>(id)
    where TKey : notnull
    where TValue : notnull;

/// <summary>A key of which only the id came over the wire.</summary>
internal sealed class UntypedKey(string id) : Key<IReplicatedData>(id);
