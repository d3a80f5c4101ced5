using System.Net.Sockets;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Configuration;

/// <summary>A remote of a server, and the sessions of its clients, which are its children.
/// </summary>
/// <remarks>
/// Hears:  <see cref="DatabasesServed"/>, <see cref="CloseSessions"/> and another
///         <see cref="OpenRemote"/> of the same remote from its server, which it passes on to its
///         sessions; each kind adds its own.
/// Says:   <see cref="RemoteStatus"/> to who opened the remote; each kind adds its own.
/// Holds:  what sessions begin with.
/// Fails:  a session that fails ends alone: the client connects anew.
/// </remarks>
internal abstract class SessionsActor : ReceiveActor, IWithTimers
{
    private readonly IActorRef _server;
    private readonly TimeProvider _time;
    private readonly SocketLinger _linger = new();
    private OpenRemote _open;
    private IActorRef _opener;
    private DatabasesServed _served;
    private long _nextSession;

    protected SessionsActor(
        OpenRemote open, IActorRef server, IActorRef opener, DatabasesServed served,
        TimeProvider time)
    {
        (_open, _server, _opener, _served, _time) = (open, server, opener, served, time);
        Receive<CloseSessions>(close => TellSessions(close));
        Receive<DatabasesServed>(now =>
        {
            _served = now;
            TellSessions(now);
        });
        Receive<OpenRemote>(now =>
        {
            (_open, _opener) = (now, Sender);
            TellSessions(now);
            TellState();
        });
        Receive<Retry>(_ => Begin());
        Receive<Terminated>(_ => SessionEnded());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected ILoggingAdapter Log { get; } = Context.GetLogger();
    protected OvsdbRemote Remote => _open.Remote;

    private sealed class Retry
    {
        public static Retry Instance { get; } = new();
    }

    /// <summary>At the start, and when it is time to try again.</summary>
    protected abstract void Begin();

    protected abstract void SessionEnded();

    /// <summary>How the remote is doing, for whoever has just opened it once more.</summary>
    protected abstract void TellState();

    protected override SupervisorStrategy SupervisorStrategy() =>
        Akka.Actor.SupervisorStrategy.StoppingStrategy;

    protected override void PreStart() => Begin();

    protected void Serve(Socket client) => Context.Watch(Context.ActorOf(
        SessionActor.Props(client, _open, _server, _served, _time, _linger),
        $"session-{_nextSession++}"));

    protected void RetryAfter(TimeSpan pause) =>
        Timers.StartSingleTimer(nameof(Retry), Retry.Instance, pause);

    protected void TellOpener(object message) => _opener.Tell(message);

    protected void TellStatus(int sessionCount, string state) =>
        TellOpener(new RemoteStatus(Remote.Text, 0, sessionCount, null, state));

    private void TellSessions(object message)
    {
        foreach (var session in Context.GetChildren()) session.Tell(message);
    }
}
