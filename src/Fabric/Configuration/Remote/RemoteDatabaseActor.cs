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
public sealed partial class RemoteDatabaseActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(8);

    private readonly RemoteDatabaseSettings _settings;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<IActorRef> _subscribers = [];
    private readonly Dictionary<long, (IActorRef Sender, long RequestId)> _asked = [];
    private DatabaseSnapshot _snapshot;
    private RemoteConnection? _connection;
    private RemoteSchema? _schema;
    private TimeSpan _pause = PauseMin;
    private long _attempts;
    private long _nextId = FirstTransactId;
    private bool _isLive; // The rows are the server's, and the lock is ours.
    private bool _isContended;
    private bool _hasRows;
    private bool _hasLock;
    private bool _isProbed;
    private bool _wasHeard;

    public static Props Props(RemoteDatabaseSettings settings) =>
        Akka.Actor.Props.Create(() => new RemoteDatabaseActor(settings));

    public RemoteDatabaseActor(RemoteDatabaseSettings settings)
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
        Receive<RemoteConnection.Opened>(opened => Whose(opened.Connection, Begin));
        Receive<RemoteConnection.Heard>(heard => Whose(heard.Connection, () => Hear(heard)));
        Receive<RemoteConnection.Lost>(
            lost => Whose(lost.Connection, () => Lose(lost.Problem)));
        Receive<Retry>(_ => Connect());
        Receive<ProbeTime>(_ => Probe());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed class Retry
    {
        public static Retry Instance { get; } = new();
    }

    private sealed class ProbeTime
    {
        public static ProbeTime Instance { get; } = new();
    }

    protected override void PreStart() => Connect();

    protected override void PostStop() => _connection?.Dispose();

    private void Whose(RemoteConnection connection, Action action)
    {
        if (ReferenceEquals(connection, _connection)) action();
    }

    private void Connect()
    {
        var remotes = _settings.Remotes;
        var remote = remotes[(int)(_attempts++ % remotes.Length)];
        _log.Info("{0}: connecting...", remote.Text);
        _connection = new RemoteConnection(remote, _settings.Tls, Self);
        _connection.Open();
    }

    private void Begin()
    {
        _log.Info("{0}: connected", _connection!.Remote.Text);
        _pause = PauseMin;
        (_hasRows, _hasLock, _isProbed) = (false, _settings.Lock is null, false);
        if (!_connection.Remote.IsUnix && _settings.ProbeInterval > TimeSpan.Zero)
        {
            Timers.StartPeriodicTimer(
                nameof(ProbeTime), ProbeTime.Instance, _settings.ProbeInterval);
        }

        _connection.Call(SchemaId, "get_schema", Quoted(_settings.Schema.Name));
    }

    private void Lose(string problem)
    {
        _log.Info("{0}: connection lost ({1})", _connection!.Remote.Text, problem);
        _connection.Dispose();
        _connection = null;
        _isLive = _hasRows = false;
        if (_settings.IsRelay) Context.Parent.Tell(RemoteAway.Instance);
        Timers.Cancel(nameof(ProbeTime));
        foreach (var (sender, requestId) in _asked.Values)
        {
            sender.Tell(new TransactCompleted(requestId, [], OvsdbError.Canceled));
        }

        _asked.Clear();
        Timers.StartSingleTimer(nameof(Retry), Retry.Instance, _pause);
        _pause = _pause * 2 < PauseMax ? _pause * 2 : PauseMax;
    }

    private void Probe()
    {
        if (_connection is null) return;
        if (_wasHeard)
        {
            (_wasHeard, _isProbed) = (false, false);
            return;
        }

        if (_isProbed)
        {
            Lose("no response to inactivity probe");
            return;
        }

        _isProbed = true;
        _connection.Call("echo", "echo");
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
        if (_connection is null || !_isLive || _schema is null)
        {
            Sender.Tell(new TransactCompleted(transact.RequestId, [], OvsdbError.Canceled));
            return;
        }

        var id = _nextId++;
        _asked[id] = (Sender, transact.RequestId);
        _connection.Call(
            Text(id), "transact",
            [
                Quoted(_settings.Schema.Name),
                .. RemoteTransaction.ToJson(transact.Operations, _schema, _settings.Lock),
            ]);
    }

    private static byte[] Quoted(string text) => JsonSerializer.SerializeToUtf8Bytes(text);
}
