using System.Net.Sockets;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Configuration;

/// <summary>Connects to one client that listens, and serves it: tcp:, ssl:, unix:.</summary>
/// <remarks>
/// Hears:  its server's <see cref="DatabasesServed"/>, which it passes on to its session.
/// Says:   <see cref="RemoteStatus"/>, <see cref="RemoteFailed"/> to who opened the remote.
/// Holds:  the session, its child, while connected; how long to wait before the next attempt.
/// Fails:  never for what the other side does: it tries again with growing pauses, 1 s to 8 s.
/// </remarks>
internal sealed class ConnectorActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(8);

    private readonly OpenRemote _open;
    private readonly IActorRef _server;
    private readonly IActorRef _opener;
    private readonly TimeProvider _time;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private DatabasesServed _served;
    private TimeSpan _pause = PauseMin;
    private Socket? _connecting;
    private readonly SocketLinger _linger = new();
    private long _nextSession;

    public static Props Props(
        OpenRemote open, IActorRef server, IActorRef opener, DatabasesServed served,
        TimeProvider time) =>
        Akka.Actor.Props.Create(() => new ConnectorActor(open, server, opener, served, time));

    public ConnectorActor(
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
        Receive<Connected>(_ => Serve());
        Receive<ConnectFailed>(failed =>
        {
            _connecting?.Dispose();
            _connecting = null;
            _opener.Tell(new RemoteFailed(_open.Remote.Text, failed.Problem));
            Rest();
        });
        Receive<Retry>(_ => Connect());
        Receive<Terminated>(_ =>
        {
            Tell(sessionCount: 0, "BACKOFF");
            Rest();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed class Connected
    {
        public static Connected Instance { get; } = new();
    }

    private sealed record ConnectFailed(string Problem);

    private sealed class Retry
    {
        public static Retry Instance { get; } = new();
    }

    protected override SupervisorStrategy SupervisorStrategy() =>
        Akka.Actor.SupervisorStrategy.StoppingStrategy;

    protected override void PreStart() => Connect();

    protected override void PostStop() => _connecting?.Dispose();

    private void Connect()
    {
        var remote = _open.Remote;
        Tell(sessionCount: 0, "CONNECTING");
        Task connect;
        if (remote.IsUnix)
        {
            _connecting = new Socket(
                AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            connect = _connecting.ConnectAsync(new UnixDomainSocketEndPoint(remote.Path));
        }
        else
        {
            _connecting = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            connect = _connecting.ConnectAsync(remote.Host, remote.Port);
        }

        connect.PipeTo(
            Self, Self,
            success: () => Connected.Instance,
            failure: exception => new ConnectFailed(exception.Message));
    }

    private void Serve()
    {
        _pause = PauseMin;
        _log.Info("{0}: connected", _open.Remote.Text);
        var session = Context.ActorOf(
            SessionActor.Props(_connecting!, _open, _server, _served, _time, _linger),
            $"session-{_nextSession++}");
        _connecting = null;
        Context.Watch(session);
        Tell(sessionCount: 1, "ACTIVE");
    }

    private void Rest()
    {
        Timers.StartSingleTimer(nameof(Retry), Retry.Instance, _pause);
        _pause = _pause * 2 < PauseMax ? _pause * 2 : PauseMax;
    }

    private void Tell(int sessionCount, string state) => _opener.Tell(
        new RemoteStatus(_open.Remote.Text, 0, sessionCount, null, state));
}
