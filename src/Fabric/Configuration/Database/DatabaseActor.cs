using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A database whose transactions are events in the journal.</summary>
/// <remarks>
/// Hears:  <see cref="SubscribeDatabase"/>, <see cref="UnsubscribeDatabase"/>,
///         <see cref="Configuration.Transact"/>, <see cref="CancelTransact"/>.
/// Says:   <see cref="DatabaseChanged"/>, <see cref="TransactCompleted"/>: not before the
///         transaction is durable. Transactions that arrive while the journal writes are
///         executed and share its next batch.
/// Holds:  the rows, subscribers, and transactions that wait. A snapshot of all rows is stored
///         now and then, and the events that it covers are deleted.
/// Fails:  when the journal does: the parent starts it anew, and it recovers what was durable.
///         Whoever waited for an answer sees its end and asks again. A journal that cannot be
///         read stops it at once.
/// </remarks>
public sealed class DatabaseActor : ReceivePersistentActor, IWithTimers
{
    private const int EventsPerSnapshot = 2000;

    private readonly DatabaseSchema _schema;
    private readonly DatabaseEngine _engine;
    private int _eventsSinceSnapshot;

    /// <param name="persistenceId">The database's name in the journal.</param>
    public static Props Props(
        DatabaseSchema schema, string persistenceId, TimeProvider time, Func<Guid> newUuid) =>
        Akka.Actor.Props.Create(() => new DatabaseActor(schema, persistenceId, time, newUuid));

    public DatabaseActor(
        DatabaseSchema schema, string persistenceId, TimeProvider time, Func<Guid> newUuid)
    {
        _schema = schema;
        PersistenceId = persistenceId;
        _engine = new DatabaseEngine(
            DatabaseSnapshot.EmptyOf(schema), new EventJournal(this), time, newUuid);

        Recover<SnapshotOffer>(offer =>
        {
            if (offer.Snapshot is not JournaledSnapshot snapshot) return;
            _engine.Reset(DatabaseSnapshot.EmptyOf(schema).Apply(Read(snapshot.Json)));
        });
        Recover<JournaledDelta>(delta =>
        {
            _engine.Reset(_engine.Head.Apply(Read(delta.Json)));
            _eventsSinceSnapshot++;
        });

        Command<Transact>(transact =>
        {
            _engine.Transact(transact, Sender);
            WaitTimer.Set(Timers, _engine);
        });
        Command<ConvertDatabase>(convert => Sender.Tell(new TransactCompleted(
            convert.RequestId, [], OvsdbError.NotAllowed("the schema of this database is fixed"))));
        Command<CancelTransact>(cancel => _engine.Cancel(cancel.RequestId, Sender));
        Command<SubscribeDatabase>(subscribe =>
        {
            Context.Watch(subscribe.Subscriber);
            _engine.Subscribe(subscribe);
        });
        Command<UnsubscribeDatabase>(unsubscribe =>
        {
            Context.Unwatch(unsubscribe.Subscriber);
            _engine.Unsubscribe(unsubscribe.Subscriber);
        });
        Command<Terminated>(terminated => _engine.Forget(terminated.ActorRef));
        Command<WaitTimer>(_ =>
        {
            _engine.RetryWaiting();
            WaitTimer.Set(Timers, _engine);
        });
        Command<SaveSnapshotSuccess>(saved =>
        {
            DeleteMessages(saved.Metadata.SequenceNr);
            DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1));
        });
        Command<SaveSnapshotFailure>(failed => Log.Warning(
            "database {0}: no snapshot at {1}: {2}", _schema.Name, failed.Metadata.SequenceNr,
            failed.Cause.Message));
        Command<DeleteMessagesSuccess>(_ => { });
        Command<DeleteMessagesFailure>(failed => Log.Warning(
            "database {0}: old events stay: {1}", _schema.Name, failed.Cause.Message));
        Command<DeleteSnapshotsSuccess>(_ => { });
        Command<DeleteSnapshotsFailure>(failed => Log.Warning(
            "database {0}: old snapshots stay: {1}", _schema.Name, failed.Cause.Message));
    }

    public override string PersistenceId { get; }
    public ITimerScheduler Timers { get; set; } = null!;

    private DatabaseDelta Read(ReadOnlyMemory<byte> json) =>
        DatabaseDeltaReader.TryRead(json, _schema, out var delta, out var problem)
            ? delta
            : throw new InvalidDataException(
                $"Journal of database {PersistenceId} does not fit its schema: {problem}.");

    private void SaveSnapshotIfDue()
    {
        if (++_eventsSinceSnapshot < EventsPerSnapshot) return;
        _eventsSinceSnapshot = 0;
        var rows = _engine.Published.ToDelta().WithoutEphemeral(_schema);
        SaveSnapshot(new JournaledSnapshot(rows.ToJson()));
    }

    private sealed class EventJournal(DatabaseActor actor) : IDatabaseJournal
    {
        public void Append(DatabaseDelta delta, Action durable) =>
            actor.PersistAsync(new JournaledDelta(delta.ToJson()), _ =>
            {
                durable();
                actor.SaveSnapshotIfDue();
            });

        public void AfterAppended(Action reached) =>
            actor.DeferAsync(reached, callback => callback());
    }
}
