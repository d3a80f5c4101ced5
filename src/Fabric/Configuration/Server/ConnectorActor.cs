using System.Net.Sockets;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Configuration;

/// <summary>Connects to one client that listens, and serves it: tcp:, ssl:, unix:.</summary>
/// <remarks>
/// Hears:  as <see cref="SessionsActor"/>, and its attempts to connect.
/// Says:   <see cref="RemoteStatus"/>, <see cref="RemoteFailed"/> to who opened the remote.
/// Holds:  the session, its child, while connected; how long to wait before the next attempt.
/// Fails:  never for what the other side does: it tries again with growing pauses, 1 s to 8 s.
/// </remarks>
internal sealed class ConnectorActor : SessionsActor
{
    private readonly ReconnectPause _pause = new();
    private Socket? _connecting;
    private bool _isConnected;

    public static Props Props(
        OpenRemote open, IActorRef server, IActorRef opener, DatabasesServed served,
        TimeProvider time) =>
        Akka.Actor.Props.Create(() => new ConnectorActor(open, server, opener, served, time));

    public ConnectorActor(
        OpenRemote open, IActorRef server, IActorRef opener, DatabasesServed served,
        TimeProvider time)
        : base(open, server, opener, served, time)
    {
        Receive<Connected>(_ => Start());
        Receive<ConnectFailed>(failed =>
        {
            _connecting?.Dispose();
            _connecting = null;
            TellOpener(new RemoteFailed(Remote.Text, failed.Problem));
            RetryAfter(_pause.Take());
        });
    }

    private sealed class Connected
    {
        public static Connected Instance { get; } = new();
    }

    private sealed record ConnectFailed(string Problem);

    protected override void PostStop() => _connecting?.Dispose();

    protected override void Begin()
    {
        TellStatus(sessionCount: 0, "CONNECTING");
        Task connect;
        if (Remote.IsUnix)
        {
            _connecting = new Socket(
                AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            connect = _connecting.ConnectAsync(new UnixDomainSocketEndPoint(Remote.Path));
        }
        else
        {
            _connecting = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            connect = _connecting.ConnectAsync(Remote.Host, Remote.Port);
        }

        connect.PipeTo(
            Self, Self,
            success: () => Connected.Instance,
            failure: exception => new ConnectFailed(exception.Message));
    }

    protected override void SessionEnded()
    {
        _isConnected = false;
        TellStatus(sessionCount: 0, "BACKOFF");
        RetryAfter(_pause.Take());
    }

    protected override void TellState()
    {
        if (_isConnected) TellStatus(sessionCount: 1, "ACTIVE");
        else TellStatus(sessionCount: 0, _connecting is null ? "BACKOFF" : "CONNECTING");
    }

    private void Start()
    {
        _pause.Reset();
        Log.Info("{0}: connected", Remote.Text);
        Serve(_connecting!);
        _connecting = null;
        _isConnected = true;
        TellState();
    }
}
