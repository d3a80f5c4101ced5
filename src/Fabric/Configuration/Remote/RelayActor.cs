using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A database that another server holds, served here (ovsdb(7), "Relay").</summary>
/// <remarks>
/// Hears:  <see cref="RemoteSchemaFound"/>, <see cref="RemoteAway"/>,
///         <see cref="DatabaseChanged"/> and <see cref="TransactCompleted"/> of its connection,
///         a <see cref="RemoteDatabaseActor"/>; what any database hears.
/// Says:   <see cref="ServeDatabase"/> to its server while it has the rows, else
///         <see cref="StopServingDatabase"/>; what any database says.
/// Holds:  a copy of the rows. What only reads is executed on it; all else is passed on, and
///         answered after the change that it made.
/// Fails:  never by the source: while that is away, the database is not served.
/// </remarks>
internal sealed class RelayActor : EngineActor
{
    private readonly string _name;
    private readonly ImmutableArray<OvsdbRemote> _remotes;
    private readonly TlsSource _tls;
    private readonly IActorRef _server;
    private readonly TimeProvider _time;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<long, (IActorRef Sender, long RequestId)> _asked = [];
    private IActorRef _source = ActorRefs.Nobody;
    private bool _isServed;
    private long _nextId;

    public static Props Props(
        string name, ImmutableArray<OvsdbRemote> remotes, TlsSource tls, IActorRef server,
        TimeProvider time) =>
        Akka.Actor.Props.Create(() => new RelayActor(name, remotes, tls, server, time));

    public RelayActor(
        string name, ImmutableArray<OvsdbRemote> remotes, TlsSource tls, IActorRef server,
        TimeProvider time)
    {
        _name = name;
        _remotes = remotes;
        _tls = tls;
        _server = server;
        _time = time;
        Engine = EngineOf(new DatabaseSchema(name, "", []));

        Receive<RemoteSchemaFound>(found => Connect(found.Schema));
        Receive<RemoteAway>(_ => StopServing());
        Receive<DatabaseChanged>(Follow);
        Receive<TransactCompleted>(Answer);
        Receive<Transact>(Execute);
        Receive<ConvertDatabase>(convert => Sender.Tell(new TransactCompleted(
            convert.RequestId, [], OvsdbError.NotAllowed(
                "convert operation not allowed on a relay"))));
        Receive<CompactDatabase>(_ => { }); // There is no file.
        ReceiveClients();
    }

    protected override void PreStart()
    {
        StopServing();
        Connect(Engine.Head.Schema);
    }

    /// <summary>The source has another schema than was known: all starts over with it.</summary>
    private void Connect(DatabaseSchema schema)
    {
        Context.Stop(_source);
        foreach (var (sender, requestId) in _asked.Values)
            sender.Tell(new TransactCompleted(requestId, [], OvsdbError.Canceled));
        _asked.Clear();
        Engine = EngineOf(schema);
        _source = Context.ActorOf(RemoteDatabaseActor.Props(
            new RemoteDatabaseSettings(schema, _remotes)
            {
                Tls = _tls.Current,
                IsRelay = true,
            }));
        _source.Tell(new SubscribeDatabase(Self));
    }

    private DatabaseEngine EngineOf(DatabaseSchema schema) => new(
        DatabaseSnapshot.EmptyOf(schema), new ImmediateJournal(), _time, RandomUuids.New);

    private void StopServing()
    {
        _isServed = false;
        _server.Tell(new StopServingDatabase(_name) { ShownModel = Model });
    }

    private const string Model = "relay";

    private void Follow(DatabaseChanged changed)
    {
        if (!Sender.Equals(_source)) return;
        if (_isServed)
        {
            Engine.Follow(TransactionExecutor.DeltaOf(
                changed.After.Schema, changed.Changes, changed.After.TransactionId, null));
            Engine.RetryWaiting();
            return;
        }

        Engine.Follow(DatabaseDifference.Between(Engine.Head, changed.After, []));
        _isServed = true;
        _log.Info("{0}: relayed", _name);
        _server.Tell(new ServeDatabase(new ServedDatabase(Engine.Head.Schema, Self)
        {
            Model = Model,
            IsLeader = false,
        }));
    }

    private void Execute(Transact transact)
    {
        if (transact.Operations.All(IsLocal))
        {
            Run(transact);
            return;
        }

        var id = _nextId++;
        _asked[id] = (Sender, transact.RequestId);
        _source.Tell(transact with { RequestId = id });
    }

    /// <summary>Reads, or is refused whatever the rows are.</summary>
    private static bool IsLocal(Operation operation) =>
        operation is Operation.Select or Operation.Wait or Operation.Comment
            or Operation.Assert or Operation.Abort or Operation.Commit or Operation.Malformed;

    private void Answer(TransactCompleted completed)
    {
        if (!_asked.Remove(completed.RequestId, out var asked)) return;
        asked.Sender.Tell(completed with { RequestId = asked.RequestId });
    }
}
