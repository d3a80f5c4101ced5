using System.Text.Json;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A database of another process: a replica here, transactions there.</summary>
/// <remarks>
/// Hears:  <see cref="SubscribeDatabase"/>, <see cref="UnsubscribeDatabase"/>,
///         <see cref="Configuration.Transact"/>, <see cref="CancelTransact"/>; its connection.
/// Says:   <see cref="DatabaseChanged"/>: whole when it has connected, or got its lock, anew;
///         <see cref="DatabaseHidden"/> when another process holds the lock;
///         <see cref="TransactCompleted"/>, after the change that the transaction made.
/// Holds:  the rows of the columns that both sides have, the lock, transactions without answer.
/// Fails:  never by the server: while it is away the rows stay, what is asked for is answered
///         with "canceled", and it connects again after 1 to 8 s. While another process holds
///         the lock the database is hidden.
/// </remarks>
internal sealed partial class RemoteDatabaseActor : RemoteClientActor
{
    private readonly RemoteDatabaseSettings _settings;
    private readonly List<IActorRef> _subscribers = [];
    private readonly Dictionary<long, (IActorRef Sender, long RequestId)> _asked = [];
    private DatabaseSnapshot _snapshot;
    private RemoteSchema? _schema;
    private long _attempts;
    private long _nextId = FirstTransactId;
    private bool _isLive; // The rows are the server's, and the lock is ours.
    private bool _isContended;
    private bool _hasRows;
    private bool _hasLock;

    public static Props Props(RemoteDatabaseSettings settings) =>
        Akka.Actor.Props.Create(() => new RemoteDatabaseActor(settings));

    public RemoteDatabaseActor(RemoteDatabaseSettings settings)
        : base(Context.GetLogger())
    {
        _settings = settings;
        _snapshot = DatabaseSnapshot.EmptyOf(settings.Schema);
        Receive<SubscribeDatabase>(Subscribe);
        Receive<UnsubscribeDatabase>(unsubscribe =>
        {
            Context.Unwatch(unsubscribe.Subscriber);
            _subscribers.Remove(unsubscribe.Subscriber);
        });
        Receive<Terminated>(terminated => _subscribers.Remove(terminated.ActorRef));
        Receive<Transact>(Ask);
        Receive<CancelTransact>(_ => { }); // What was sent to the server cannot be taken back.
    }

    protected override TimeSpan ProbeInterval =>
        Connection is { Remote.IsUnix: false } ? _settings.ProbeInterval : TimeSpan.Zero;

    protected override (OvsdbRemote Remote, TlsIdentity? Tls) Next()
    {
        var remotes = _settings.Remotes;
        return (remotes[(int)(_attempts++ % remotes.Length)], _settings.Tls);
    }

    protected override void Begin()
    {
        (_hasRows, _hasLock) = (false, _settings.Lock is null);
        Connection!.Call(SchemaId, "get_schema", Quoted(_settings.Schema.Name));
    }

    protected override void Miss()
    {
        _isLive = _hasRows = false;
        if (_settings.IsRelay) Context.Parent.Tell(RemoteAway.Instance);
        foreach (var (sender, requestId) in _asked.Values)
        {
            sender.Tell(new TransactCompleted(requestId, [], OvsdbError.Canceled));
        }

        _asked.Clear();
    }

    private void Subscribe(SubscribeDatabase subscribe)
    {
        if (!_subscribers.Contains(subscribe.Subscriber))
        {
            Context.Watch(subscribe.Subscriber);
            _subscribers.Add(subscribe.Subscriber);
        }

        // Before there are rows nothing is told, so that nobody takes "not yet" for "none".
        if (_isLive) TellAll(subscribe.Subscriber, subscribe.WithInitialRows);
    }

    private void TellAll(IActorRef subscriber, bool withRows) => subscriber.Tell(
        new DatabaseChanged(
            DatabaseSnapshot.EmptyOf(_settings.Schema), _snapshot,
            withRows ? _snapshot.ToChanges() : []));

    private void Ask(Transact transact)
    {
        if (Connection is null || !_isLive || _schema is null)
        {
            Sender.Tell(new TransactCompleted(transact.RequestId, [], OvsdbError.Canceled));
            return;
        }

        var id = _nextId++;
        _asked[id] = (Sender, transact.RequestId);
        Connection.Call(
            Text(id), "transact",
            [
                Quoted(_settings.Schema.Name),
                .. RemoteTransaction.ToJson(transact.Operations, _schema, _settings.Lock),
            ]);
    }

    private static byte[] Quoted(string text) => JsonSerializer.SerializeToUtf8Bytes(text);
}
