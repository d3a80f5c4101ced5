#nullable disable
using Akka.Actor;
using Akka.Event;

namespace Akka.Persistence;

public abstract partial class Eventsourced
{
    private sealed record RecoveryTick(long EventCount)
        : INoSerializationVerificationNeeded, IDeadLetterSuppression, INotInfluenceReceiveTimeout;

    private long _recoveredCount;
    private long _replayToSequenceNr;

    /// <summary>Recovery failed; the actor is stopped when this returns.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="message">The event at which it failed, or null.</param>
    protected virtual void OnRecoveryFailure(Exception reason, object message = null)
    {
        if (message is null)
        {
            Log.Error(
                reason,
                "Exception in ReceiveRecover when replaying: {0}. PersistenceId [{1}], last known "
                + "sequence number [{2}]",
                reason.Message, PersistenceId, LastSequenceNr);
            return;
        }

        Log.Error(
            reason,
            "Exception in ReceiveRecover when replaying event type [{0}] with sequence number "
            + "[{1}] for persistenceId [{2}]: {3}",
            message.GetType(), LastSequenceNr, PersistenceId, reason.Message);
    }

    /// <summary>All events were replayed; <see cref="RecoveryCompleted"/> comes next.</summary>
    protected virtual void OnReplaySuccess()
    {
    }

    protected internal override void AroundPreStart()
    {
        if (string.IsNullOrEmpty(PersistenceId))
        {
            throw new ArgumentNullException(
                nameof(PersistenceId), $"PersistenceId of [{Self.Path}] must be set");
        }

        // Both plugins must exist before the first message.
        _ = Journal;
        _ = SnapshotStore;
        base.AroundPreStart();
        StartRecovery();
    }

    protected internal override void AroundPreRestart(Exception cause, object message)
    {
        ReleaseInternally(all: true);
        base.AroundPreRestart(cause, message);
    }

    protected internal override void AroundPostRestart(Exception reason)
    {
        _ = Journal;
        _ = SnapshotStore;
        base.AroundPostRestart(reason);
        if (_phase == Phase.RecoveryStarted && !_isRecoveryRequested) StartRecovery();
    }

    protected internal override void AroundPostStop()
    {
        ReleaseInternally(all: true);
        base.AroundPostStop();
    }

    private bool _isRecoveryRequested;

    private void StartRecovery()
    {
        _isRecoveryRequested = true;
        _phase = Phase.RecoveryStarted;
        var recovery = Recovery;
        _replayToSequenceNr = recovery.ToSequenceNr;
        LoadSnapshot(PersistenceId, recovery.FromSnapshot, recovery.ToSequenceNr);
        ScheduleTick();
    }

    private void ScheduleTick() => Context.System.Scheduler.ScheduleTellOnce(
        _extension.RecoveryEventTimeout, Self, new RecoveryTick(_recoveredCount), Self);

    private void CheckProgress(RecoveryTick tick)
    {
        if (!IsRecovering) return;
        if (tick.EventCount != _recoveredCount)
        {
            ScheduleTick();
            return;
        }

        FailRecovery(
            new RecoveryTimedOutException(
                $"Recovery timed out, didn't get event within {_extension.RecoveryEventTimeout}, "
                + $"highest sequence number seen {LastSequenceNr}"),
            null);
    }

    private void FailRecovery(Exception cause, object message)
    {
        try
        {
            OnRecoveryFailure(cause, message);
        }
        finally
        {
            Context.Stop(Self);
        }
    }

    private void ReceiveSnapshotAnswer(object message)
    {
        switch (message)
        {
            case LoadSnapshotResult result:
                _recoveredCount++;
                if (result.Snapshot is { } selected && !TryOffer(selected)) return;
                _phase = Phase.Recovering;
                Journal.Tell(
                    new ReplayMessages(
                        LastSequenceNr + 1, _replayToSequenceNr, Recovery.ReplayMax, PersistenceId,
                        Self),
                    Self);
                break;
            case LoadSnapshotFailed failed:
                FailRecovery(failed.Cause, null);
                break;
            default:
                _internalStash.AddLast(Cell.CurrentEnvelope);
                break;
        }
    }

    private bool TryOffer(SelectedSnapshot selected)
    {
        LastSequenceNr = selected.Metadata.SequenceNr;
        return TryRecover(new SnapshotOffer(selected.Metadata, selected.Snapshot));
    }

    private void ReceiveReplayed(object message)
    {
        switch (message)
        {
            case ReplayedMessage replayed:
                _recoveredCount++;
                LastSequenceNr = replayed.Persistent.SequenceNr;
                TryRecover(replayed.Persistent.Payload);
                break;
            case RecoverySuccess success:
                CompleteRecovery(success.HighestSequenceNr);
                break;
            case ReplayMessagesFailure failure:
                FailRecovery(failure.Cause, null);
                break;
            default:
                _internalStash.AddLast(Cell.CurrentEnvelope);
                break;
        }
    }

    /// <remarks>
    /// A handler that throws has left half a state behind: whatever it threw, the actor must not
    /// go on. The failure is told to the overridable hook, and the actor stops.
    /// </remarks>
    private bool TryRecover(object @event)
    {
        try
        {
            if (!ReceiveRecover(@event)) Unhandled(@event);
            return true;
        }
        catch (Exception cause) when (cause is not OutOfMemoryException)
        {
            FailRecovery(cause, @event);
            return false;
        }
    }

    private void CompleteRecovery(long highestSequenceNr)
    {
        OnReplaySuccess();
        _sequenceNr = Math.Max(highestSequenceNr, LastSequenceNr);
        LastSequenceNr = _sequenceNr;
        _phase = Phase.ProcessingCommands;
        var hasFailed = true;
        try
        {
            ReceiveRecover(RecoveryCompleted.Instance);
            hasFailed = false;
        }
        finally
        {
            CommandCompleted(hasFailed);
        }
    }
}
