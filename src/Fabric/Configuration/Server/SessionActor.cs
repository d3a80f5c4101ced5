using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>One connected OVSDB client.</summary>
/// <remarks>
/// Hears:  bytes from its socket; what its databases and its server say.
/// Says:   <see cref="SubscribeDatabase"/>, <see cref="Configuration.Transact"/>,
///         <see cref="CancelTransact"/> to databases; lock requests to the server; bytes.
/// Holds:  the socket and the <see cref="ClientSession"/>. One read and one write are under way
///         at most. To a client that does not read, changes are told together when it does; it
///         is not read from, and cut off at <see cref="OvsdbServerLimits.BacklogSizeMax"/>.
/// Fails:  ends when the client does, sends what is no JSON-RPC, or falls silent; the client
///         connects anew.
/// </remarks>
internal sealed class SessionActor : ReceiveActor, ISessionPeers, IWithTimers
{
    private const int ReadSize = 16 * 1024;

    // Comes back when whoever has something to do now has done it: the database, whose answer may
    // go out together with its updates, and the other clients that are told of a change.
    private static readonly Identify MyTurnAgain = new(nameof(MyTurnAgain));

    private readonly Socket _socket;
    private OpenRemote _open;
    private readonly IActorRef _server;
    private readonly TimeProvider _time;
    private readonly JsonFramer _framer = new();
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly SortedDictionary<string, ServedDatabase> _subscribed =
        new(StringComparer.Ordinal);

    private readonly ChangeBacklog _backlog = new();
    private readonly SocketLinger _linger;
    private ClientSession _session;
    private DatabasesServed _served;
    private Stream _stream;
    private ArrayBufferWriter<byte> _sending = new();
    private bool _isSending;
    private bool _isReading;
    private bool _isClosing;
    private bool _isProbed;
    private bool _isSecure; // Or need not be.
    private bool _isAnswered;
    private bool _isTurnAsked;
    private long _lastHeard;

    public static Props Props(
        Socket socket, OpenRemote open, IActorRef server, DatabasesServed served,
        TimeProvider time, SocketLinger linger) =>
        Akka.Actor.Props.Create(
            () => new SessionActor(socket, open, server, served, time, linger));

    public SessionActor(
        Socket socket, OpenRemote open, IActorRef server, DatabasesServed served,
        TimeProvider time, SocketLinger linger)
    {
        _socket = socket;
        _open = open;
        _server = server;
        _served = served;
        _time = time;
        _linger = linger;
        _stream = WatchedStream.Of(socket);
        _session = new ClientSession(this, TransactionOrigin.Internal with { Role = open.Role });
        _lastHeard = time.GetTimestamp();

        Receive<BytesRead>(Hear);
        Receive<BytesSent>(_ =>
        {
            HearSent();
            ReadNext();
        });
        Receive<ActorIdentity>(_ =>
        {
            _isTurnAsked = false;
            Flush();
            ReadNext();
        });
        Receive<TlsReady>(ready =>
        {
            _isSecure = true;
            var origin = TransactionOrigin.Internal with { Role = _open.Role };
            _session = new ClientSession(this, origin with { ClientId = ready.ClientId });
            ReadNext();
        });
        Receive<ConnectionLost>(lost =>
        {
            _log.Debug("{0}: {1}", _open.Remote.Text, lost.Problem);
            Context.Stop(Self);
        });
        Receive<DatabaseChanged>(changed =>
        {
            if (_session.Output.WrittenCount >= OvsdbServerLimits.BacklogSizeCombine)
            {
                _backlog.Add(changed);
                return;
            }

            _session.DatabaseChanged(changed.After.Schema.Name, changed);
            if (_session.PendingCount == 0) Flush();
            else AskForTurn(); // Its answer is likely the next thing to come.
        });
        Receive<TransactCompleted>(completed =>
        {
            TellBacklog(); // A client hears of its transaction's changes before the reply.
            _session.TransactCompleted(completed);
            _isAnswered = _session.PendingCount == 0;
            if (_isAnswered) Flush();
            AskForTurn();
        });
        Receive<LockAnswered>(answer =>
        {
            _session.LockAnswered(answer.RequestId, answer.IsLocked);
            Flush();
        });
        Receive<LockGranted>(granted =>
        {
            _session.LockGranted(granted.Name);
            Flush();
        });
        Receive<LockStolen>(stolen =>
        {
            _session.LockStolen(stolen.Name);
            Flush();
        });
        Receive<DatabasesServed>(HearServed);
        Receive<CloseSessions>(_ => Close("asked to"));
        Receive<OpenRemote>(Reopen);
        Receive<ProbeTime>(_ => ProbeIfSilent());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record BytesRead(int Count);

    private sealed class BytesSent
    {
        public static BytesSent Instance { get; } = new();
    }

    private sealed record ConnectionLost(string Problem);

    private sealed record TlsReady(string ClientId);

    private sealed class ProbeTime
    {
        public static ProbeTime Instance { get; } = new();
    }

    IEnumerable<string> ISessionPeers.Databases => _served.Databases.Keys;
    Guid ISessionPeers.ServerId => _served.ServerId;
    bool ISessionPeers.HasMonitorCond => _served.HasMonitorCond;

    protected override void PreStart()
    {
        StartProbing();
        if (_open.Tls is null)
        {
            _isSecure = true;
            ReadNext();
            return;
        }

        if (_open.Tls.Current is { } identity) StartTls(identity);
        else Self.Tell(new ConnectionLost("no certificate is configured"));
    }

    protected override void PostStop() => _stream.Dispose();

    private void StartProbing()
    {
        var interval = _open.ProbeInterval ?? (_open.Remote.IsUnix
            ? TimeSpan.Zero
            : OvsdbServerLimits.ProbeIntervalDefault);
        if (interval > TimeSpan.Zero)
            Timers.StartPeriodicTimer(nameof(ProbeTime), ProbeTime.Instance, interval);
        else
            Timers.Cancel(nameof(ProbeTime));
    }

    /// <summary>The remote's settings have changed.</summary>
    private void Reopen(OpenRemote now)
    {
        var isSameRole = now.Role == _open.Role;
        _open = now;
        StartProbing();
        if (!isSameRole) Close("its role has changed"); // It connects anew, with the other one.
    }

    private void StartTls(TlsIdentity identity)
    {
        var tls = new SslStream(_stream);
        _stream = tls;
        var handshake = _open.Remote.IsPassive
            ? tls.AuthenticateAsServerAsync(TlsOptions.ForServer(identity))
            : tls.AuthenticateAsClientAsync(TlsOptions.ForClient(identity, _open.Remote.Host));
        handshake.PipeTo(
            Self, Self,
            success: () => new TlsReady(TlsOptions.NameOf(tls.RemoteCertificate)),
            failure: exception => new ConnectionLost(exception.Message));
    }

    private void AskForTurn()
    {
        if (_isTurnAsked) return;
        _isTurnAsked = true;
        Context.Parent.Tell(MyTurnAgain);
    }

    private void ReadNext()
    {
        if (_isReading || _isClosing) return;
        if (_session.PendingCount >= OvsdbServerLimits.PendingCountPause) return;
        if (_session.Output.WrittenCount >= OvsdbServerLimits.BacklogSizePause) return;
        _isReading = true;
        if (_isAnswered && !_isSending && _open.Tls is null) _linger.WaitFor(_socket);
        _isAnswered = false;
        var read = _stream.ReadAsync(_framer.GetMemory(ReadSize));
        if (read.IsCompletedSuccessfully)
        {
            Self.Tell(new BytesRead(read.Result));
            return;
        }

        read.PipeTo(
            Self, Self,
            success: count => new BytesRead(count),
            failure: exception => new ConnectionLost(exception.Message));
    }

    private void Hear(BytesRead read)
    {
        _isReading = false;
        if (read.Count == 0)
        {
            Context.Stop(Self);
            return;
        }

        _lastHeard = _time.GetTimestamp();
        _isProbed = false;
        _framer.Advance(read.Count);
        string? problem;
        while (_framer.TryNext(out var bytes, out problem) && !_isClosing)
        {
            if (!TryHear(bytes, out problem)) break;
        }

        if (problem is not null)
        {
            _log.Warning("{0}: client cut off: {1}", _open.Remote.Text, problem);
            Close(problem);
            return;
        }

        if (_session.PendingCount > 0 && !_isClosing)
        {
            AskForTurn();
            return;
        }

        Flush();
        ReadNext();
    }

    private bool TryHear(ReadOnlyMemory<byte> bytes, out string? problem)
    {
        if (!JsonText.TryParse(bytes, out var document, out problem)) return false;
        using (document)
        {
            if (!JsonRpcMessage.TryRead(document.RootElement, out var message, out problem))
            {
                return false;
            }

            _session.Hear(message);
            return true;
        }
    }

    /// <summary>
    /// Sends what has gathered, unless a send is under way: then that goes on with it.
    /// </summary>
    private void Flush()
    {
        var output = _session.Output;
        if (_isSending || output.WrittenCount == 0)
        {
            if (output.WrittenCount > OvsdbServerLimits.BacklogSizeMax)
            {
                _log.Warning("{0}: client does not read, cut off", _open.Remote.Text);
                Context.Stop(Self);
            }
            else if (_isClosing && !_isSending)
            {
                Context.Stop(Self);
            }

            return;
        }

        _session.SwapOutput(_sending);
        _sending = output;
        _isSending = true;
        var write = _stream.WriteAsync(output.WrittenMemory);
        if (write.IsCompletedSuccessfully)
        {
            HearSent();
            return;
        }

        write.PipeTo(
            Self, Self,
            success: () => BytesSent.Instance,
            failure: exception => new ConnectionLost(exception.Message));
    }

    private void TellBacklog()
    {
        foreach (var changed in _backlog.TakeAll())
        {
            _session.DatabaseChanged(changed.After.Schema.Name, changed);
        }
    }

    private void HearSent()
    {
        _isSending = false;
        if (_session.Output.WrittenCount == 0) TellBacklog();
        if (_sending.Capacity > OvsdbServerLimits.BacklogSizePause)
        {
            _sending = new ArrayBufferWriter<byte>();
        }
        else
        {
            _sending.ResetWrittenCount();
        }

        Flush();
    }

    private void HearServed(DatabasesServed served)
    {
        _served = served;
        foreach (var (name, before) in _subscribed.ToArray())
        {
            var isSame = served.Databases.TryGetValue(name, out var now)
                && now.Endpoint.Equals(before.Endpoint)
                && ReferenceEquals(now.Schema, before.Schema);
            if (isSame) continue;
            _subscribed.Remove(name);
            _backlog.Forget(name);
            _session.DatabaseGone(name);

            // Who cannot be told of the change has to start over.
            if (!_session.IsChangeAware) Close($"database {name} has changed");
        }

        Flush();
    }

    private void ProbeIfSilent()
    {
        var interval = _open.ProbeInterval ?? OvsdbServerLimits.ProbeIntervalDefault;
        if (_time.GetElapsedTime(_lastHeard) < interval * 0.9) return;
        if (_isProbed || !_isSecure)
        {
            _log.Info("{0}: client is silent, cut off", _open.Remote.Text);
            Context.Stop(Self);
            return;
        }

        _isProbed = true;
        _session.Probe();
        Flush();
    }

    public bool TrySchema(string database, out DatabaseSchema schema)
    {
        var isServed = _served.Databases.TryGetValue(database, out var served);
        schema = served?.Schema ?? ServerSchema.Schema;
        return isServed && !served!.IsJoining;
    }

    public bool IsAwaited(string database) =>
        _served.Databases.TryGetValue(database, out var served) && served.IsJoining;

    public void Subscribe(string database)
    {
        var served = _served.Databases[database];
        _subscribed[database] = served;
        served.Endpoint.Tell(new SubscribeDatabase(Self, WithInitialRows: false));
    }

    public void Transact(string database, Transact transact) =>
        _served.Databases[database].Endpoint.Tell(transact, Self);

    public void CancelTransact(string database, long requestId)
    {
        if (!_served.Databases.TryGetValue(database, out var served)) return;
        served.Endpoint.Tell(new CancelTransact(requestId), Self);
    }

    public void Convert(string database, long requestId, DatabaseSchema schema) =>
        _served.Databases[database].Endpoint.Tell(new ConvertDatabase(requestId, schema), Self);

    void ISessionPeers.RequestLock(long requestId, string name, bool isSteal) =>
        _server.Tell(new RequestLock(requestId, name, isSteal), Self);

    void ISessionPeers.ReleaseLock(string name) => _server.Tell(new ReleaseLock(name), Self);

    public void Close(string reason)
    {
        _isClosing = true;
        Flush();
    }
}
