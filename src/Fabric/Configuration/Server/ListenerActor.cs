using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Configuration;

/// <summary>Listens at one passive remote and starts a session for each client.</summary>
/// <remarks>
/// Hears:  its server's <see cref="DatabasesServed"/>, which it passes on to its sessions.
/// Says:   <see cref="RemoteOpened"/>, <see cref="RemoteFailed"/> to who opened the remote.
/// Holds:  the listening socket; the sessions are its children.
/// Fails:  when the address is taken it tries again after a pause. A session that fails ends
///         alone: the client connects anew.
/// </remarks>
internal sealed class ListenerActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly OpenRemote _open;
    private readonly IActorRef _server;
    private readonly IActorRef _opener;
    private readonly TimeProvider _time;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private DatabasesServed _served;
    private Socket? _socket;
    private readonly SocketLinger _linger = new();
    private long _nextSession;
    private int _sessionCount;

    public static Props Props(
        OpenRemote open, IActorRef server, IActorRef opener, DatabasesServed served,
        TimeProvider time) =>
        Akka.Actor.Props.Create(() => new ListenerActor(open, server, opener, served, time));

    public ListenerActor(
        OpenRemote open, IActorRef server, IActorRef opener, DatabasesServed served,
        TimeProvider time)
    {
        _open = open;
        _server = server;
        _opener = opener;
        _served = served;
        _time = time;

        Receive<CloseSessions>(close =>
        {
            foreach (var session in Context.GetChildren()) session.Tell(close);
        });
        Receive<DatabasesServed>(now =>
        {
            _served = now;
            foreach (var session in Context.GetChildren()) session.Tell(now);
        });
        Receive<Accepted>(accepted =>
        {
            Start(accepted.Client);
            AcceptNext();
        });
        Receive<AcceptFailed>(failed =>
        {
            _log.Warning("{0}: accept: {1}", _open.Remote.Text, failed.Problem);
            Timers.StartSingleTimer(nameof(Retry), Retry.Instance, RetryPause);
        });
        Receive<Retry>(_ => Listen());
        Receive<Terminated>(_ =>
        {
            _sessionCount--;
            TellStatus();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record Accepted(Socket Client);

    private sealed record AcceptFailed(string Problem);

    private sealed class Retry
    {
        public static Retry Instance { get; } = new();
    }

    protected override SupervisorStrategy SupervisorStrategy() =>
        Akka.Actor.SupervisorStrategy.StoppingStrategy;

    protected override void PreStart() => Listen();

    protected override void PostStop()
    {
        _socket?.Dispose();
        if (_socket is not null && _open.Remote.IsUnix) File.Delete(_open.Remote.Path);
        _socket = null;
    }

    private void Listen()
    {
        if (_socket is not null)
        {
            AcceptNext();
            return;
        }

        if (!PassiveSocket.TryListen(_open.Remote, out _socket, out var problem))
        {
            _log.Warning("{0}: {1}", _open.Remote.Text, problem);
            _opener.Tell(new RemoteFailed(_open.Remote.Text, problem));
            Timers.StartSingleTimer(nameof(Retry), Retry.Instance, RetryPause);
            return;
        }

        var port = (_socket.LocalEndPoint as IPEndPoint)?.Port ?? 0;
        if (port != 0)
        {
            // Scripts look for this line to learn the port that the system has chosen.
            var text = _open.Remote.Text;
            Logging.GetLogger(Context.System, "socket_util").Info(
                "{0}: listening on port {1}", text[(text.IndexOf(':') + 1)..], port);
        }

        _opener.Tell(new RemoteOpened(_open.Remote.Text, port));
        AcceptNext();
    }

    private void AcceptNext()
    {
        if (_socket is null) return;
        _socket.AcceptAsync().PipeTo(
            Self, Self,
            success: client => new Accepted(client),
            failure: exception => new AcceptFailed(exception.Message));
    }

    private void Start(Socket client)
    {
        if (_sessionCount >= OvsdbServerLimits.SessionCountMax)
        {
            _log.Warning("{0}: too many clients", _open.Remote.Text);
            client.Dispose();
            return;
        }

        if (!_open.Remote.IsUnix) client.NoDelay = true;
        var session = Context.ActorOf(
            SessionActor.Props(client, _open, _server, _served, _time, _linger),
            $"session-{_nextSession++}");
        Context.Watch(session);
        _sessionCount++;
        TellStatus();
    }

    private void TellStatus() => _opener.Tell(
        new RemoteStatus(_open.Remote.Text, 0, _sessionCount, null, "ACTIVE"));
}
