using Akka.Actor;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A database that is gone when its actor ends.</summary>
/// <remarks>
/// Hears:  <see cref="SubscribeDatabase"/>, <see cref="UnsubscribeDatabase"/>,
///         <see cref="Configuration.Transact"/>, <see cref="CancelTransact"/>.
/// Says:   <see cref="DatabaseChanged"/>, <see cref="TransactCompleted"/>.
/// Holds:  the rows, subscribers, and transactions that wait.
/// Fails:  never for what a client sends; a restart begins with an empty database.
/// </remarks>
public sealed class MemoryDatabaseActor : ReceiveActor, IWithTimers
{
    private readonly DatabaseEngine _engine;

    public static Props Props(
        DatabaseSchema schema, TimeProvider time, Func<Guid> newUuid, bool isReadOnly) =>
        Akka.Actor.Props.Create(
            () => new MemoryDatabaseActor(schema, time, newUuid, isReadOnly));

    public MemoryDatabaseActor(
        DatabaseSchema schema, TimeProvider time, Func<Guid> newUuid, bool isReadOnly)
    {
        _engine = new DatabaseEngine(
            DatabaseSnapshot.EmptyOf(schema), new ImmediateJournal(), time, newUuid)
        {
            IsReadOnly = isReadOnly,
        };

        Receive<Transact>(transact =>
        {
            _engine.Transact(transact, Sender);
            SetTimer();
        });
        Receive<ConvertDatabase>(convert => Sender.Tell(new TransactCompleted(
            convert.RequestId, [], OvsdbError.NotAllowed("the schema of this database is fixed"))));
        Receive<CancelTransact>(cancel => _engine.Cancel(cancel.RequestId, Sender));
        Receive<SubscribeDatabase>(subscribe =>
        {
            Context.Watch(subscribe.Subscriber);
            _engine.Subscribe(subscribe);
        });
        Receive<UnsubscribeDatabase>(unsubscribe =>
        {
            Context.Unwatch(unsubscribe.Subscriber);
            _engine.Unsubscribe(unsubscribe.Subscriber);
        });
        Receive<DescribeDatabase>(_ => Sender.Tell(
            new DatabaseDescribed(_engine.Published, _engine.SubscriberCount)));
        Receive<Terminated>(terminated => _engine.Forget(terminated.ActorRef));
        Receive<WaitTimer>(_ =>
        {
            _engine.RetryWaiting();
            SetTimer();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private void SetTimer() => WaitTimer.Set(Timers, _engine);
}
