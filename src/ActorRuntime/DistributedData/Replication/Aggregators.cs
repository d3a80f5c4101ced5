using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.DistributedData;

/// <summary>What a read from several replicas found, for the own replica.</summary>
internal sealed record ReadRepair(string Key, DataEnvelope Envelope)
    : INoSerializationVerificationNeeded;

/// <summary>Reads one value from several replicas.</summary>
/// <remarks>
/// Hears:  <see cref="ReplicaReadResult"/>, its timeout.
/// Says:   <see cref="ReplicaRead"/> to the replicas; one answer to who asked; the merged value to
///         the own replicator.
/// Holds:  what was merged so far; one deadline, whatever comes until then.
/// Fails:  never; it ends with its answer.
/// </remarks>
internal sealed class ReadAggregator : UntypedActor, IWithTimers
{
    private readonly Get _get;
    private readonly ImmutableArray<IActorRef> _replicas;
    private readonly IActorRef _asker;
    private readonly IActorRef _own;
    private DataEnvelope? _merged;
    private int _missing;

    public ReadAggregator(
        Get get, DataEnvelope? local, int needed, ImmutableArray<IActorRef> replicas,
        IActorRef asker, IActorRef own)
    {
        (_get, _merged, _replicas, _asker, _own) = (get, local, replicas, asker, own);
        _missing = needed - 1;
    }

    public static object AnswerOf(IKey key, object? request, DataEnvelope? envelope) =>
        envelope switch
        {
            null => new NotFound(key, request),
            { IsDeleted: true } => new DataDeleted(key, request),
            _ => new GetSuccess(key, request, envelope.Data),
        };

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Timers.StartSingleTimer(
            nameof(ReceiveTimeout), ReceiveTimeout.Instance, _get.Consistency.Timeout);
        foreach (var replica in _replicas) replica.Tell(new ReplicaRead(_get.Key.Id));
    }

    protected override void OnReceive(object message)
    {
        if (message is ReceiveTimeout)
        {
            End(new GetFailure(_get.Key, _get.Request));
            return;
        }

        if (message is not ReplicaReadResult result) return;
        if (result.Envelope is { } envelope) _merged = _merged?.Merge(envelope) ?? envelope;
        if (--_missing > 0) return;
        if (_merged is not null) _own.Tell(new ReadRepair(_get.Key.Id, _merged));
        End(AnswerOf(_get.Key, _get.Request, _merged));
    }

    private void End(object answer)
    {
        _asker.Tell(answer, _own);
        Context.Stop(Self);
    }
}

/// <summary>Writes one value to several replicas.</summary>
/// <remarks>
/// Hears:  <see cref="ReplicaWriteAck"/>, its timeout.
/// Says:   <see cref="ReplicaWrite"/> to the replicas; one answer to who asked.
/// Holds:  how many confirmations are missing; one deadline, whatever comes until then.
/// Fails:  never; it ends with its answer.
/// </remarks>
internal sealed class WriteAggregator : UntypedActor, IWithTimers
{
    private readonly string _key;
    private readonly DataEnvelope _envelope;
    private readonly TimeSpan _timeout;
    private readonly ImmutableArray<IActorRef> _replicas;
    private readonly IActorRef _asker;
    private readonly object _success;
    private readonly object _failure;
    private int _missing;

    public WriteAggregator(
        string key, DataEnvelope envelope, int needed, TimeSpan timeout,
        ImmutableArray<IActorRef> replicas, IActorRef asker, object success, object failure)
    {
        (_key, _envelope, _timeout, _replicas) = (key, envelope, timeout, replicas);
        (_asker, _success, _failure) = (asker, success, failure);
        _missing = needed - 1;
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Timers.StartSingleTimer(nameof(ReceiveTimeout), ReceiveTimeout.Instance, _timeout);
        foreach (var replica in _replicas) replica.Tell(new ReplicaWrite(_key, _envelope));
    }

    protected override void OnReceive(object message)
    {
        if (message is ReceiveTimeout) End(_failure);
        else if (message is ReplicaWriteAck && --_missing <= 0) End(_success);
    }

    private void End(object answer)
    {
        _asker.Tell(answer, Context.Parent);
        Context.Stop(Self);
    }
}
