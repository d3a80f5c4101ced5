using System.Text.Json;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Is connected to an OVSDB server, or tries to be.</summary>
/// <remarks>
/// Hears:  its connection; each kind adds its own.
/// Says:   echo requests to a server that is silent, and answers those of the server.
/// Holds:  the connection, while there is one.
/// Fails:  never by the server: when it is away or says what cannot be read, it is connected to
///         again after 1 to 8 s.
/// </remarks>
internal abstract class RemoteClientActor : ReceiveActor, IWithTimers
{
    private readonly ReconnectPause _pause = new();
    private bool _wasHeard;
    private bool _isProbed;

    protected RemoteClientActor(ILoggingAdapter log)
    {
        Log = log;
        Receive<RemoteConnection.Opened>(opened =>
        {
            if (IsCurrent(opened.Connection)) Open();
        });
        Receive<RemoteConnection.Heard>(heard =>
        {
            using (heard.Document)
            {
                if (IsCurrent(heard.Connection)) Hear(heard.Document);
            }
        });
        Receive<RemoteConnection.Lost>(lost =>
        {
            if (IsCurrent(lost.Connection)) Lose(lost.Problem);
        });
        Receive<Retry>(_ => Connect());
        Receive<ProbeTime>(_ => Probe());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected ILoggingAdapter Log { get; }
    protected RemoteConnection? Connection { get; private set; }

    /// <summary>Silence of the server after which it is probed; zero: never.</summary>
    protected abstract TimeSpan ProbeInterval { get; }

    private sealed class Retry
    {
        public static Retry Instance { get; } = new();
    }

    private sealed class ProbeTime
    {
        public static ProbeTime Instance { get; } = new();
    }

    /// <summary>The server to try next, and this program's certificate.</summary>
    protected abstract (OvsdbRemote Remote, TlsIdentity? Tls) Next();

    /// <summary>It is connected: time to ask for something.</summary>
    protected abstract void Begin();

    /// <summary>Anything but echo requests.</summary>
    protected abstract void Hear(JsonRpcMessage message);

    /// <summary>The connection is gone; another one is tried later.</summary>
    protected abstract void Miss();

    protected override void PreStart() => Connect();

    protected override void PostStop() => Connection?.Dispose();

    protected void Lose(string problem)
    {
        Log.Info("{0}: connection lost ({1})", Connection!.Remote.Text, problem);
        Hang();
        Miss();
        Timers.StartSingleTimer(nameof(Retry), Retry.Instance, _pause.Take());
    }

    /// <summary>Ends the connection for good.</summary>
    protected void Hang()
    {
        Timers.Cancel(nameof(ProbeTime));
        Connection?.Dispose();
        Connection = null;
    }

    private bool IsCurrent(RemoteConnection connection) => ReferenceEquals(connection, Connection);

    private void Connect()
    {
        var (remote, tls) = Next();
        Log.Info("{0}: connecting...", remote.Text);
        Connection = new RemoteConnection(remote, tls, Self);
        Connection.Open();
    }

    private void Open()
    {
        Log.Info("{0}: connected", Connection!.Remote.Text);
        _pause.Reset();
        (_wasHeard, _isProbed) = (false, false);
        if (ProbeInterval > TimeSpan.Zero)
            Timers.StartPeriodicTimer(nameof(ProbeTime), ProbeTime.Instance, ProbeInterval);
        Begin();
    }

    private void Probe()
    {
        if (Connection is null) return;
        if (_isProbed && !_wasHeard)
        {
            Lose("no response to inactivity probe");
            return;
        }

        _isProbed = !_wasHeard;
        _wasHeard = false;
        if (_isProbed) Connection.Call("echo", "echo");
    }

    private void Hear(JsonDocument document)
    {
        _wasHeard = true;
        if (!JsonRpcMessage.TryRead(document.RootElement, out var message, out var wrong))
            Lose(wrong);
        else if (message.Kind == JsonRpcKind.Request && message.Method == "echo")
            Connection!.Reply(message.Id, message.Params);
        else
            Hear(message);
    }
}
