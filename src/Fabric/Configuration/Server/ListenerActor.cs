using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Configuration;

/// <summary>Listens at one passive remote and starts a session for each client.</summary>
/// <remarks>
/// Hears:  as <see cref="SessionsActor"/>, and of clients that connect.
/// Says:   <see cref="RemoteOpened"/>, <see cref="RemoteFailed"/> and <see cref="RemoteStatus"/>
///         to who opened the remote.
/// Holds:  the listening socket; the sessions are its children.
/// Fails:  when the address is taken it tries again after a pause.
/// </remarks>
internal sealed class ListenerActor : SessionsActor
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private Socket? _socket;
    private int _sessionCount;

    public static Props Props(
        OpenRemote open, IActorRef server, IActorRef opener, DatabasesServed served,
        TimeProvider time) =>
        Akka.Actor.Props.Create(() => new ListenerActor(open, server, opener, served, time));

    public ListenerActor(
        OpenRemote open, IActorRef server, IActorRef opener, DatabasesServed served,
        TimeProvider time)
        : base(open, server, opener, served, time)
    {
        Receive<Accepted>(accepted =>
        {
            Start(accepted.Client);
            AcceptNext();
        });
        Receive<AcceptFailed>(failed =>
        {
            Log.Warning("{0}: accept: {1}", Remote.Text, failed.Problem);
            RetryAfter(RetryPause);
        });
    }

    private sealed record Accepted(Socket Client);

    private sealed record AcceptFailed(string Problem);

    private int Port => (_socket?.LocalEndPoint as IPEndPoint)?.Port ?? 0;

    protected override void PostStop()
    {
        _socket?.Dispose();
        if (_socket is not null && Remote.IsUnix) File.Delete(Remote.Path);
        _socket = null;
    }

    protected override void Begin()
    {
        if (_socket is not null)
        {
            AcceptNext();
            return;
        }

        if (!PassiveSocket.TryListen(Remote, out _socket, out var problem))
        {
            Log.Warning("{0}: {1}", Remote.Text, problem);
            TellOpener(new RemoteFailed(Remote.Text, problem));
            RetryAfter(RetryPause);
            return;
        }

        if (Port != 0)
        {
            // Scripts look for this line to learn the port that the system has chosen.
            var text = Remote.Text;
            Logging.GetLogger(Context.System, "socket_util").Info(
                "{0}: listening on port {1}", text[(text.IndexOf(':') + 1)..], Port);
        }

        TellOpener(new RemoteOpened(Remote.Text, Port));
        AcceptNext();
    }

    protected override void SessionEnded()
    {
        _sessionCount--;
        TellCount();
    }

    protected override void TellState()
    {
        if (_socket is null) return;
        TellOpener(new RemoteOpened(Remote.Text, Port));
        TellCount();
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
            Log.Warning("{0}: too many clients", Remote.Text);
            client.Dispose();
            return;
        }

        if (!Remote.IsUnix) client.NoDelay = true;
        Serve(client);
        _sessionCount++;
        TellCount();
    }

    private void TellCount() => TellStatus(_sessionCount, "ACTIVE");
}
