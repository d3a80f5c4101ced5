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
public sealed class MemoryDatabaseActor : EngineActor
{
    public static Props Props(
        DatabaseSchema schema, TimeProvider time, Func<Guid> newUuid, bool isReadOnly) =>
        Akka.Actor.Props.Create(
            () => new MemoryDatabaseActor(schema, time, newUuid, isReadOnly));

    public MemoryDatabaseActor(
        DatabaseSchema schema, TimeProvider time, Func<Guid> newUuid, bool isReadOnly)
    {
        Engine = new DatabaseEngine(
            DatabaseSnapshot.EmptyOf(schema), new ImmediateJournal(), time, newUuid)
        {
            IsReadOnly = isReadOnly,
        };

        Receive<Transact>(Run);
        Receive<ConvertDatabase>(convert => Sender.Tell(new TransactCompleted(
            convert.RequestId, [], OvsdbError.NotAllowed("the schema of this database is fixed"))));
        ReceiveClients();
    }
}
