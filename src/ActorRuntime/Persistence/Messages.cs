#nullable disable
using Akka.Actor;
using Akka.Event;

namespace Akka.Persistence;

/// <summary>Which part of the journal a recovery replays.</summary>
/// <param name="fromSnapshot">Which snapshots may be offered; null: the latest.</param>
/// <param name="toSequenceNr">Last event to be replayed.</param>
/// <param name="replayMax">Most events to be replayed.</param>
public sealed class Recovery(
    SnapshotSelectionCriteria fromSnapshot = null,
    long toSequenceNr = long.MaxValue,
    long replayMax = long.MaxValue)
{
    public static Recovery Default { get; } = new(SnapshotSelectionCriteria.Latest);

    /// <summary>Neither snapshot nor events: only the highest sequence number is read.</summary>
    public static Recovery None { get; } = new(SnapshotSelectionCriteria.None, 0);

    public SnapshotSelectionCriteria FromSnapshot { get; } =
        fromSnapshot ?? SnapshotSelectionCriteria.Latest;

    public long ToSequenceNr { get; } = toSequenceNr;
    public long ReplayMax { get; } = replayMax;
}

/// <summary>Recovery has ended; the next message is a command.</summary>
public sealed class RecoveryCompleted
{
    public static readonly RecoveryCompleted Instance = new();

    private RecoveryCompleted()
    {
    }

    public override string ToString() => "RecoveryCompleted";
}

public sealed record DeleteMessagesSuccess(long ToSequenceNr);

public sealed record DeleteMessagesFailure(Exception Cause, long ToSequenceNr);

public sealed record ReplayMessagesFailure(Exception Cause) : INoSerializationVerificationNeeded;

/// <summary>A journal row cannot be trusted; its recovery stopped there.</summary>
public sealed class CorruptedEventException(
    string persistenceId, long sequenceNr, string reason, Exception cause = null)
    : AkkaException(
        $"Journal of [{persistenceId}]: the event with sequence number {sequenceNr} {reason}; "
        + "recovery stopped before it", cause)
{
    public string PersistenceId { get; } = persistenceId;
    public long SequenceNr { get; } = sequenceNr;
}

/// <summary>No event came for longer than <c>recovery-event-timeout</c>.</summary>
public sealed class RecoveryTimedOutException(string message) : AkkaException(message);

/// <summary>What a persistent actor asks of its journal.</summary>
internal sealed record WriteMessages(
    IReadOnlyList<IPersistentEnvelope> Messages, IActorRef PersistentActor, int ActorInstanceId)
    : INoSerializationVerificationNeeded;

internal sealed record WriteMessagesSuccessful(int ActorInstanceId)
    : INoSerializationVerificationNeeded;

internal sealed record WriteMessagesFailed(Exception Cause, int ActorInstanceId)
    : INoSerializationVerificationNeeded;

internal sealed record WriteMessageSuccess(IPersistentRepresentation Message, int ActorInstanceId)
    : INoSerializationVerificationNeeded;

internal sealed record WriteMessageRejected(
    IPersistentRepresentation Message, Exception Cause, int ActorInstanceId)
    : INoSerializationVerificationNeeded;

internal sealed record WriteMessageFailure(
    IPersistentRepresentation Message, Exception Cause, int ActorInstanceId)
    : INoSerializationVerificationNeeded;

internal sealed record LoopMessageSuccess(object Message, int ActorInstanceId)
    : INoSerializationVerificationNeeded;

internal sealed record ReplayMessages(
    long FromSequenceNr, long ToSequenceNr, long Max, string PersistenceId,
        IActorRef PersistentActor)
    : INoSerializationVerificationNeeded;

internal sealed record ReplayedMessage(IPersistentRepresentation Persistent)
    : INoSerializationVerificationNeeded, IDeadLetterSuppression;

internal sealed record RecoverySuccess(long HighestSequenceNr)
    : INoSerializationVerificationNeeded, IDeadLetterSuppression;

internal sealed record DeleteMessagesTo(
    string PersistenceId, long ToSequenceNr, IActorRef PersistentActor)
    : INoSerializationVerificationNeeded;
