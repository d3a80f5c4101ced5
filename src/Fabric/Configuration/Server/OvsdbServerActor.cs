using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>
/// An OVSDB server: databases on one side, listeners and their clients on the other.
/// </summary>
/// <remarks>
/// Hears:  <see cref="ServeDatabase"/>, <see cref="StopServingDatabase"/>,
///         <see cref="ShowIndex"/>, <see cref="DescribeDatabase"/> for _Server,
///         <see cref="OpenRemote"/>, <see cref="CloseRemote"/>, <see cref="CloseSessions"/>,
///         <see cref="DisableMonitorCond"/>; lock requests of sessions.
/// Says:   <see cref="RemoteOpened"/> and <see cref="RemoteFailed"/> to who opened it; the list
///         of databases to listeners and sessions; answers about locks.
/// Holds:  the list, the _Server database that shows it, the locks, one child per remote.
/// Fails:  a listener that fails is started anew by itself; a database whose endpoint ends is
///         taken off the list until it is served again. Its own restart closes all connections
///         and opens the remotes again.
/// </remarks>
public sealed partial class OvsdbServerActor : ReceiveActor
{
    private readonly TimeProvider _time;
    private readonly Guid _serverId;
    private readonly LockTable<IActorRef> _locks = new();
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IActorRef _self;
    private ImmutableSortedDictionary<string, ServedDatabase> _databases =
        ImmutableSortedDictionary.Create<string, ServedDatabase>(StringComparer.Ordinal);

    private IActorRef _serverDatabase = ActorRefs.Nobody;
    private readonly HashSet<string> _shown = new(StringComparer.Ordinal);
    private bool _hasMonitorCond = true;

    /// <param name="serverId">What get_server_id answers; null for one of its own.</param>
    public static Props Props(TimeProvider time, Func<Guid> newUuid, Guid? serverId = null) =>
        Akka.Actor.Props.Create(() => new OvsdbServerActor(time, newUuid, serverId));

    public OvsdbServerActor(TimeProvider time, Func<Guid> newUuid, Guid? serverId)
    {
        _time = time;
        _self = Self;
        _serverId = serverId ?? newUuid();
        _serverDatabase = Context.ActorOf(
            MemoryDatabaseActor.Props(ServerSchema.Schema, time, newUuid, isReadOnly: true),
            ServerSchema.Name);
        Serve(new ServedDatabase(ServerSchema.Schema, _serverDatabase));

        Receive<ServeDatabase>(serve => Serve(serve.Database));
        Receive<StopServingDatabase>(stop => StopServing(stop.Name, stop.ShownModel));
        Receive<ShowIndex>(show => _serverDatabase.Tell(
            new Transact(0,
            [
                new Operation.Update("Database", [Condition.Equal("name", show.Database)],
                    [new ColumnValue("index", show.Index)]),
            ]),
            _self));
        Receive<DescribeDatabase>(describe => _serverDatabase.Forward(describe));
        Receive<OpenRemote>(Open);
        Receive<CloseRemote>(Close);
        Receive<CloseSessions>(TellRemotes);
        Receive<DisableMonitorCond>(_ =>
        {
            _hasMonitorCond = false;
            TellRemotes(Served());
            TellRemotes(new CloseSessions());
        });
        Receive<RequestLock>(HearLock);
        Receive<ReleaseLock>(release =>
        {
            if (_locks.Release(release.Name, Sender) is { } next)
            {
                next.Tell(new LockGranted(release.Name));
            }
        });
        Receive<TransactCompleted>(completed =>
        {
            if (completed.Error is not null) _log.Error("_Server: {0}", completed.Error);
        });
        Receive<Terminated>(terminated => HearEnd(terminated.ActorRef));
    }

    private void Serve(ServedDatabase database)
    {
        var name = database.Schema.Name;
        _databases.TryGetValue(name, out var before);
        _databases = _databases.SetItem(name, database);
        if (!database.Endpoint.Equals(before?.Endpoint))
        {
            if (before is not null) Context.Unwatch(before.Endpoint);
            Context.Watch(database.Endpoint);
        }

        ShowInServerDatabase(
            name, RowOf(name, database.Model, database.IsConnected, database));
        TellRemotes(Served());
    }

    private void StopServing(string name, string? shownModel = null)
    {
        if (_databases.TryGetValue(name, out var database))
        {
            Context.Unwatch(database.Endpoint);
            _databases = _databases.Remove(name);
            TellRemotes(Served());
        }

        ShowInServerDatabase(
            name, shownModel is null ? null : RowOf(name, shownModel, isConnected: false));
    }

    private DatabasesServed Served() =>
        new(_databases, _serverId) { HasMonitorCond = _hasMonitorCond };

    private void ShowInServerDatabase(string name, ImmutableArray<ColumnValue>? row)
    {
        Operation operation = row is not { } values
            ? new Operation.Delete("Database", [Condition.Equal("name", name)])
            : _shown.Add(name)
                ? new Operation.Insert("Database", values)
                : new Operation.Update("Database", [Condition.Equal("name", name)], values);
        if (row is null) _shown.Remove(name);
        _serverDatabase.Tell(new Transact(0, [operation]), _self);
    }

    /// <summary>All columns, so that what is not told any more goes.</summary>
    private static ImmutableArray<ColumnValue> RowOf(
        string name, string model, bool isConnected, ServedDatabase? database = null) =>
    [
        new ColumnValue("name", name), new ColumnValue("model", model),
        new ColumnValue("connected", isConnected),
        new ColumnValue("leader", isConnected && database?.IsLeader == true),
        new ColumnValue(
            "schema", database is { IsJoining: false } ? database.Schema.Text : Datum.EmptySet),
        new ColumnValue("cid", database?.ClusterId is { } cluster ? cluster : Datum.EmptySet),
        new ColumnValue("sid", database?.ServerId is { } server ? server : Datum.EmptySet),
        new ColumnValue("index", database?.Index is { } index ? index : Datum.EmptySet),
    ];

    private void HearLock(RequestLock request)
    {
        Context.Watch(Sender);
        if (request.IsSteal)
        {
            _locks.Steal(request.Name, Sender)?.Tell(new LockStolen(request.Name));
            Sender.Tell(new LockAnswered(request.RequestId, IsLocked: true));
            return;
        }

        var isLocked = _locks.Request(request.Name, Sender);
        Sender.Tell(new LockAnswered(request.RequestId, isLocked));
    }

    private void HearEnd(IActorRef ended)
    {
        HearRemoteEnd(ended);
        foreach (var (name, next) in _locks.ReleaseAll(ended))
        {
            next.Tell(new LockGranted(name));
        }

        foreach (var (name, database) in _databases)
        {
            if (!database.Endpoint.Equals(ended)) continue;
            _log.Warning("database {0} is gone until it is served again", name);
            StopServing(name);
        }
    }
}
