#nullable disable
using Akka.Actor;

namespace Akka.Persistence.Snapshot;

/// <summary>Keeps snapshots: the base class of snapshot store plugins.</summary>
/// <remarks>
/// Hears:  requests of persistent actors to load, save and delete.
/// Says:   whether it was done, when it is on disk.
/// Holds:  nothing but its store.
/// Fails:  a failure is told to the actor that asked; the store goes on.
/// </remarks>
public abstract class SnapshotStore : ActorBase
{
    protected abstract Task<SelectedSnapshot> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria);

    protected abstract Task SaveAsync(SnapshotMetadata metadata, object snapshot);

    protected abstract Task DeleteAsync(SnapshotMetadata metadata);

    protected abstract Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria);

    protected sealed override bool Receive(object message)
    {
        switch (message)
        {
            case LoadSnapshot load:
                Answer(
                    () => Load(load),
                    selected => new LoadSnapshotResult(selected, load.ToSequenceNr),
                    cause => new LoadSnapshotFailed(cause));
                return true;
            case SaveSnapshot save:
                var metadata = new SnapshotMetadata(
                    save.Metadata.PersistenceId,
                    save.Metadata.SequenceNr,
                    Context.System.Scheduler.Now.UtcDateTime);
                Answer(
                    () => Done(SaveAsync(metadata, save.Snapshot)),
                    _ => new SaveSnapshotSuccess(metadata),
                    cause => new SaveSnapshotFailure(metadata, cause));
                return true;
            case DeleteSnapshot delete:
                Answer(
                    () => Done(DeleteAsync(delete.Metadata)),
                    _ => new DeleteSnapshotSuccess(delete.Metadata),
                    cause => new DeleteSnapshotFailure(delete.Metadata, cause));
                return true;
            case DeleteSnapshots delete:
                Answer(
                    () => Done(DeleteAsync(delete.PersistenceId, delete.Criteria)),
                    _ => new DeleteSnapshotsSuccess(delete.Criteria),
                    cause => new DeleteSnapshotsFailure(delete.Criteria, cause));
                return true;
            default:
                return false;
        }
    }

    private Task<SelectedSnapshot> Load(LoadSnapshot load) =>
        load.Criteria.MaxSequenceNr <= 0 || load.ToSequenceNr <= 0
            ? Task.FromResult<SelectedSnapshot>(null)
            : LoadAsync(load.PersistenceId, load.Criteria.Limit(load.ToSequenceNr));

    private static async Task<bool> Done(Task task)
    {
        await task;
        return true;
    }

    /// <summary>A store that fails before it has a task to give has failed, too.</summary>
    private static async Task<T> Attempt<T>(Func<Task<T>> request) => await request();

    private void Answer<T>(
        Func<Task<T>> request, Func<T, object> success, Func<Exception, object> failure)
    {
        var (sender, self) = (Sender, Self);
        Attempt(request).ContinueWith(
            done => sender.Tell(
                done.IsCompletedSuccessfully
                    ? success(done.Result)
                    : failure(done.Exception?.InnerException ?? new TaskCanceledException(done)),
                self),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}

/// <summary>Snapshots that end with the actor system: <c>snapshot-store.inmem</c>.</summary>
/// <remarks>
/// Hears, Says: as every snapshot store.
/// Holds:  all snapshots.
/// Fails:  never.
/// </remarks>
public class MemorySnapshotStore : SnapshotStore
{
    private readonly SortedDictionary<(string Id, long SequenceNr), SelectedSnapshot> _snapshots =
        [];

    protected override Task<SelectedSnapshot> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria) =>
        Task.FromResult(_snapshots.Values.LastOrDefault(s =>
            s.Metadata.PersistenceId == persistenceId && criteria.IsMatch(s.Metadata)));

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot)
    {
        _snapshots[(metadata.PersistenceId, metadata.SequenceNr)] = new(metadata, snapshot);
        return Task.CompletedTask;
    }

    protected override Task DeleteAsync(SnapshotMetadata metadata)
    {
        _snapshots.Remove((metadata.PersistenceId, metadata.SequenceNr));
        return Task.CompletedTask;
    }

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        foreach (var key in _snapshots
            .Where(e => e.Key.Id == persistenceId && criteria.IsMatch(e.Value.Metadata))
            .Select(e => e.Key).ToList())
        {
            _snapshots.Remove(key);
        }

        return Task.CompletedTask;
    }
}
