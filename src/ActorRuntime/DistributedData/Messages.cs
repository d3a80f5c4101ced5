using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.DistributedData;

/// <summary>What the replicator is asked.</summary>
public interface ICommand
{
    IKey Key { get; }
}

public interface IReplicatorMessage;

public interface IGetResponse : INoSerializationVerificationNeeded
{
    IKey Key { get; }
    object? Request { get; }
    bool IsSuccessful { get; }
    bool IsFound { get; }
    bool IsFailure { get; }

    /// <exception cref="KeyNotFoundException">There is no value.</exception>
    T Get<T>(IKey<T> key)
        where T : IReplicatedData;
}

public interface IUpdateResponse : INoSerializationVerificationNeeded
{
    IKey Key { get; }
    object? Request { get; }
    bool IsSuccessful { get; }

    /// <exception cref="Exception">What went wrong, if it did.</exception>
    void ThrowOnFailure();
}

public interface IDeleteResponse : INoSerializationVerificationNeeded
{
    IKey Key { get; }
    bool IsSuccessful { get; }
    bool AlreadyDeleted { get; }
}

public sealed record Get(IKey Key, IReadConsistency Consistency, object? Request = null)
    : ICommand, IReplicatorMessage, INoSerializationVerificationNeeded;

public sealed record GetSuccess(IKey Key, object? Request, IReplicatedData Data) : IGetResponse
{
    public bool IsSuccessful => true;
    public bool IsFound => true;
    public bool IsFailure => false;

    public T Get<T>(IKey<T> key)
        where T : IReplicatedData => (T)Data;
}

public sealed record NotFound(IKey Key, object? Request) : IGetResponse
{
    public bool IsSuccessful => false;
    public bool IsFound => false;
    public bool IsFailure => false;

    public T Get<T>(IKey<T> key)
        where T : IReplicatedData =>
        throw new KeyNotFoundException($"No value was found for the key [{Key}]");
}

/// <summary>Too few replicas answered in time.</summary>
public sealed record GetFailure(IKey Key, object? Request) : IGetResponse
{
    public bool IsSuccessful => false;

    /// <summary>It may be there: as Akka.NET says it.</summary>
    public bool IsFound => true;
    public bool IsFailure => true;

    public T Get<T>(IKey<T> key)
        where T : IReplicatedData =>
        throw new TimeoutException($"A timeout occurred while reading the key [{Key}]");
}

public sealed record Update(
    IKey Key,
    IReplicatedData? Initial,
    IWriteConsistency Consistency,
    Func<IReplicatedData?, IReplicatedData> Modify,
    object? Request = null) : ICommand, IReplicatorMessage, INoSerializationVerificationNeeded;

public sealed record UpdateSuccess(IKey Key, object? Request) : IUpdateResponse
{
    public bool IsSuccessful => true;

    public void ThrowOnFailure()
    {
    }
}

/// <summary>Too few replicas confirmed in time; the change may still reach them all.</summary>
public sealed record UpdateTimeout(IKey Key, object? Request) : IUpdateResponse
{
    public bool IsSuccessful => false;

    public void ThrowOnFailure() =>
        throw new TimeoutException($"A timeout occurred while updating the key [{Key}]");
}

/// <summary>The modifying function threw; nothing was changed.</summary>
public sealed record ModifyFailure(
    IKey Key, string ErrorMessage, Exception Cause, object? Request) : IUpdateResponse
{
    public bool IsSuccessful => false;

    public void ThrowOnFailure() => throw new InvalidOperationException(ErrorMessage, Cause);
}

/// <summary>The value was deleted for ever.</summary>
public sealed class DataDeleted(IKey key, object? request = null)
    : Exception($"The key [{key}] was deleted"), IGetResponse, IUpdateResponse, IDeleteResponse
{
    public IKey Key { get; } = key;
    public object? Request { get; } = request;
    public bool IsSuccessful => false;
    public bool IsFound => false;
    public bool IsFailure => true;
    public bool AlreadyDeleted => true;

    public T Get<T>(IKey<T> key)
        where T : IReplicatedData => throw this;

    public void ThrowOnFailure() => throw this;
}

public sealed record Delete(IKey Key, IWriteConsistency Consistency, object? Request = null)
    : ICommand, IReplicatorMessage, INoSerializationVerificationNeeded;

public sealed record DeleteSuccess(IKey Key, object? Request = null) : IDeleteResponse
{
    public bool IsSuccessful => true;
    public bool AlreadyDeleted => false;
}

public sealed record ReplicationDeleteFailure(IKey Key) : IDeleteResponse
{
    public bool IsSuccessful => false;
    public bool AlreadyDeleted => false;
}

/// <summary>The subscriber hears <see cref="Changed"/> until it ends.</summary>
public sealed record Subscribe(IKey Key, IActorRef Subscriber)
    : IReplicatorMessage, INoSerializationVerificationNeeded;

public sealed record Unsubscribe(IKey Key, IActorRef Subscriber)
    : IReplicatorMessage, INoSerializationVerificationNeeded;

/// <summary>The value has changed, here or elsewhere.</summary>
public sealed record Changed(IKey Key, object Data)
    : IReplicatorMessage, INoSerializationVerificationNeeded
{
    public T Get<T>(IKey<T> key)
        where T : IReplicatedData => (T)Data;
}

public sealed class GetKeyIds : IReplicatorMessage
{
    public static readonly GetKeyIds Instance = new();

    private GetKeyIds()
    {
    }
}

public sealed record GetKeysIdsResult(IImmutableSet<string> Keys)
    : INoSerializationVerificationNeeded;

public sealed class GetReplicaCount : IReplicatorMessage
{
    public static readonly GetReplicaCount Instance = new();

    private GetReplicaCount()
    {
    }
}

/// <summary>Replicas, this one included.</summary>
public sealed record ReplicaCount(int N) : INoSerializationVerificationNeeded;

/// <summary>Tells subscribers at once instead of at the next interval.</summary>
public sealed class FlushChanges : IReplicatorMessage
{
    public static readonly FlushChanges Instance = new();

    private FlushChanges()
    {
    }
}

/// <summary>Makes the replicator's messages.</summary>
public static class Dsl
{
    public static ReadLocal ReadLocal => ReadLocal.Instance;
    public static WriteLocal WriteLocal => WriteLocal.Instance;
    public static GetKeyIds GetKeyIds => GetKeyIds.Instance;
    public static GetReplicaCount GetReplicaCount => GetReplicaCount.Instance;

    public static Get Get<T>(
        IKey<T> key, IReadConsistency? consistency = null, object? request = null)
        where T : IReplicatedData => new(key, consistency ?? ReadLocal.Instance, request);

    public static Delete Delete<T>(
        IKey<T> key, IWriteConsistency consistency, object? request = null)
        where T : IReplicatedData => new(key, consistency, request);

    public static Subscribe Subscribe<T>(IKey<T> key, IActorRef subscriber)
        where T : IReplicatedData => new(key, subscriber);

    public static Unsubscribe Unsubscribe<T>(IKey<T> key, IActorRef subscriber)
        where T : IReplicatedData => new(key, subscriber);

    /// <summary>Merges a value into what is there.</summary>
    public static Update Update<T>(IKey<T> key, T value, IWriteConsistency? consistency = null)
        where T : IReplicatedData<T> => new(
        key, value, consistency ?? WriteLocal.Instance,
        old => old is T present ? present.Merge(value) : value);

    public static Update Update<T>(
        IKey<T> key, IWriteConsistency consistency, Func<T, T> modify)
        where T : IReplicatedData => new(key, null, consistency, old => modify((T)old!));

    public static Update Update<T>(
        IKey<T> key, T initial, IWriteConsistency consistency, Func<T, T> modify)
        where T : IReplicatedData => Update(key, initial, consistency, null!, modify);

    /// <param name="key">Which value.</param>
    /// <param name="initial">Where 'modify' begins if there is none.</param>
    /// <param name="consistency">How far the change must have gone before the answer.</param>
    /// <param name="request">Comes back in the answer.</param>
    /// <param name="modify">Runs in the replicator: pure, without an actor's state.</param>
    public static Update Update<T>(
        IKey<T> key, T initial, IWriteConsistency consistency, object request, Func<T, T> modify)
        where T : IReplicatedData =>
        new(key, initial, consistency, old => modify((T)(old ?? initial)), request);
}
