#nullable disable
using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Persistence.Journal;

/// <summary>What a journal can be asked when an actor recovers.</summary>
public interface IAsyncRecovery
{
    Task ReplayMessagesAsync(
        IActorContext context,
        string persistenceId,
        long fromSequenceNr,
        long toSequenceNr,
        long max,
        Action<IPersistentRepresentation> recoveryCallback);

    Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr);
}

public abstract class WriteJournalBase : ActorBase;

/// <summary>A journal that writes asynchronously: the base class of journal plugins.</summary>
/// <remarks>
/// Hears:  writes, replays and deletions of persistent actors.
/// Says:   to the persistent actor: per event whether it is stored, when it is on disk.
/// Holds:  its store, and which answers are still to be given: they follow in the order of the
///         writes, also those to a batch that had nothing to store.
/// Fails:  a failed write is told to its actor, which then stops; the journal goes on.
/// </remarks>
public abstract class AsyncWriteJournal : WriteJournalBase, IAsyncRecovery
{
    private Task _answered = Task.CompletedTask;

    public abstract Task ReplayMessagesAsync(
        IActorContext context,
        string persistenceId,
        long fromSequenceNr,
        long toSequenceNr,
        long max,
        Action<IPersistentRepresentation> recoveryCallback);

    public abstract Task<long> ReadHighestSequenceNrAsync(string persistenceId,
        long fromSequenceNr);

    /// <summary>Writes; each list item answers one write: null, or why it was rejected.</summary>
    /// <returns>Null if all were stored; a faulted task if the store failed.</returns>
    protected abstract Task<IImmutableList<Exception>> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages);

    protected abstract Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr);

    protected sealed override bool Receive(object message) =>
        ReceiveWriteJournal(message) || ReceivePluginInternal(message);

    protected virtual bool ReceivePluginInternal(object message) => false;

    protected bool ReceiveWriteJournal(object message)
    {
        switch (message)
        {
            case WriteMessages write:
                HandleWrite(write);
                return true;
            case ReplayMessages replay:
                HandleReplay(replay);
                return true;
            case DeleteMessagesTo delete:
                HandleDelete(delete);
                return true;
            default:
                return false;
        }
    }

    private void HandleWrite(WriteMessages write)
    {
        var writes = write.Messages.OfType<AtomicWrite>().ToList();
        var self = Self;
        Task<IImmutableList<Exception>> task;
        try
        {
            task = writes.Count == 0
                ? Task.FromResult<IImmutableList<Exception>>(null)
                : WriteMessagesAsync(writes);
        }
        catch (Exception cause) when (cause is not OutOfMemoryException)
        {
            task = Task.FromException<IImmutableList<Exception>>(cause);
        }

        _answered = Task.WhenAll(_answered, task).ContinueWith(
            done =>
            {
                _ = done.Exception; // It is the task's, and answered.
                Answer(write, task, self);
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private static void Answer(
        WriteMessages write, Task<IImmutableList<Exception>> done, IActorRef self)
    {
        var (actor, id) = (write.PersistentActor, write.ActorInstanceId);
        var failure = done.Exception?.InnerException
            ?? (done.IsCanceled ? new TaskCanceledException(done) : null);
        var rejections = failure is null ? done.Result : null;
        actor.Tell(
            failure is null
                ? new WriteMessagesSuccessful(id)
                : new WriteMessagesFailed(failure, id),
            self);

        var index = 0;
        foreach (var envelope in write.Messages)
        {
            if (envelope is not AtomicWrite atomic)
            {
                actor.Tell(new LoopMessageSuccess(envelope.Payload, id), envelope.Sender);
                continue;
            }

            var rejection = rejections?[index];
            index++;
            foreach (var @event in atomic.Events)
            {
                object answer = failure is not null
                    ? new WriteMessageFailure(@event, failure, id)
                    : rejection is not null
                        ? new WriteMessageRejected(@event, rejection, id)
                        : new WriteMessageSuccess(@event, id);
                actor.Tell(answer, @event.Sender);
            }
        }
    }

    private void HandleReplay(ReplayMessages replay)
    {
        var self = Self;
        var context = Context;
        var actor = replay.PersistentActor;
        Replay(context, replay, self).ContinueWith(
            done => actor.Tell(
                done.IsCompletedSuccessfully
                    ? new RecoverySuccess(done.Result)
                    : new ReplayMessagesFailure(
                        done.Exception?.InnerException ?? new TaskCanceledException(done)),
                self),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private async Task<long> Replay(IActorContext context, ReplayMessages replay, IActorRef self)
    {
        var from = Math.Max(0, replay.FromSequenceNr - 1);
        var highest = await ReadHighestSequenceNrAsync(replay.PersistenceId, from);
        var to = Math.Min(replay.ToSequenceNr, highest);
        if (highest == 0 || replay.FromSequenceNr > to || replay.Max == 0) return highest;
        await ReplayMessagesAsync(
            context, replay.PersistenceId, replay.FromSequenceNr, to, replay.Max,
            @event => replay.PersistentActor.Tell(new ReplayedMessage(@event), self));
        return highest;
    }

    private void HandleDelete(DeleteMessagesTo delete)
    {
        var self = Self;
        DeleteMessagesToAsync(delete.PersistenceId, delete.ToSequenceNr).ContinueWith(
            done => delete.PersistentActor.Tell(
                done.IsCompletedSuccessfully
                    ? new DeleteMessagesSuccess(delete.ToSequenceNr)
                    : new DeleteMessagesFailure(
                        done.Exception?.InnerException ?? new TaskCanceledException(done),
                        delete.ToSequenceNr),
                self),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}
