using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;

namespace Akka.DistributedData;

/// <summary>The replicator of an actor system.</summary>
public sealed class DistributedData : IExtension
{
    private static readonly TimeSpan MessageTimeout = TimeSpan.FromSeconds(15);

    private readonly Akka.Cluster.Cluster _cluster;

    internal DistributedData(ExtendedActorSystem system)
    {
        system.Settings.InjectTopLevelFallback(DefaultConfig());
        system.Serialization.AddConfigured(DefaultConfig());
        _cluster = Akka.Cluster.Cluster.Get(system);
        var settings = ReplicatorSettings.Create(system);
        var name = system.Settings.Config.GetString("akka.cluster.distributed-data.name");
        Replicator = IsTerminated
            || (settings.Role is { } role && !_cluster.SelfRoles.Contains(role))
            ? system.DeadLetters
            : system.SystemActorOf(Akka.DistributedData.Replicator.Props(settings), name);
    }

    public bool IsDurable => false;

    /// <summary>True if this node is no member any more.</summary>
    public bool IsTerminated => _cluster.IsTerminated;

    public IActorRef Replicator { get; }

    public static Config DefaultConfig() =>
        ConfigurationFactory.ParseString(ReplicatorSettings.Reference);

    public static DistributedData Get(ActorSystem system) =>
        system.WithExtension<DistributedData, DistributedDataProvider>();

    /// <summary>The value of a key.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    /// <exception cref="DataDeleted">It was deleted.</exception>
    /// <exception cref="TimeoutException">Too few replicas answered.</exception>
    public async Task<T> GetAsync<T>(
        IKey<T> key, IReadConsistency? consistency = null,
        CancellationToken cancellation = default)
        where T : IReplicatedData
    {
        var answer = await Ask<IGetResponse>(Dsl.Get(key, consistency), cancellation);
        return answer.Get(key);
    }

    public async Task UpdateAsync<T>(
        IKey<T> key, T replica, IWriteConsistency? consistency = null,
        CancellationToken cancellation = default)
        where T : IReplicatedData<T>
    {
        var answer =
            await Ask<IUpdateResponse>(Dsl.Update(key, replica, consistency), cancellation);
        answer.ThrowOnFailure();
    }

    public async Task DeleteAsync<T>(
        IKey<T> key, IWriteConsistency? consistency = null,
        CancellationToken cancellation = default)
        where T : IReplicatedData
    {
        var answer = await Ask<IDeleteResponse>(
            Dsl.Delete(key, consistency ?? WriteLocal.Instance), cancellation);
        if (!answer.IsSuccessful && !answer.AlreadyDeleted)
        {
            throw new TimeoutException($"A timeout occurred while deleting the key [{key}]");
        }
    }

    public async Task<IImmutableSet<string>> GetKeysAsync(CancellationToken cancellation = default)
    {
        var answer = await Ask<GetKeysIdsResult>(GetKeyIds.Instance, cancellation);
        return answer.Keys;
    }

    private Task<T> Ask<T>(object message, CancellationToken cancellation) =>
        Replicator.Ask<T>(message, MessageTimeout, cancellation);
}

/// <summary>The id of <see cref="DistributedData"/>.</summary>
public sealed class DistributedDataProvider : ExtensionIdProvider<DistributedData>
{
    public override DistributedData CreateExtension(ExtendedActorSystem system) => new(system);
}
