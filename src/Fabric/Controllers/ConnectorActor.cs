using System.Net.Security;
using System.Net.Sockets;
using Akka.Actor;

namespace Fabric.Controllers;

/// <summary>The connector's state changed: becomes Controller.status.</summary>
/// <param name="State">BACKOFF or CONNECTING; the connection itself tells ACTIVE.</param>
public sealed record ConnectorObserved(string Target, string State, string? LastError);

/// <summary>The connection that the connector opened has ended: connect again.</summary>
/// <param name="WasEstablished">Versions were agreed on: the pause starts small again.</param>
public sealed record ReconnectNow(bool WasEstablished);

/// <summary>Keeps one active target connected: tries, waits longer after each failure.</summary>
/// <remarks>
/// Hears:  <see cref="ReconnectNow"/> from its parent; its own connect results and timer.
/// Says:   <see cref="StreamOpened"/> and <see cref="ConnectorObserved"/> to its parent.
/// Holds:  the pause before the next attempt: 1 s, doubled up to the controller's max_backoff.
/// Fails:  never by the network; a name that cannot be resolved is one more failure to connect.
/// </remarks>
public sealed class ConnectorActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    private readonly string _text;
    private readonly StreamTarget _target;
    private readonly TlsSettings? _tls;
    private readonly TimeSpan _pauseMax;
    private readonly CancellationTokenSource _stop = new();
    private TimeSpan _pause = PauseMin;

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(string text, StreamTarget target, TlsSettings? tls,
        TimeSpan pauseMax) =>
        Akka.Actor.Props.Create(() => new ConnectorActor(text, target, tls, pauseMax));

    public ConnectorActor(string text, StreamTarget target, TlsSettings? tls, TimeSpan pauseMax)
    {
        (_text, _target, _tls, _pauseMax) = (text, target, tls, pauseMax);
        Receive<ConnectDue>(_ => Connect());
        Receive<Connected>(connected =>
            Context.Parent.Tell(new StreamOpened(_text, connected.Stream)));
        Receive<ConnectFailed>(failed => Wait(failed.Reason));
        Receive<ReconnectNow>(ended =>
        {
            if (ended.WasEstablished) _pause = PauseMin;
            Wait(null);
        });
    }

    private sealed record ConnectDue;

    private sealed record Connected(Stream Stream);

    private sealed record ConnectFailed(string Reason);

    protected override void PreStart() => Connect();

    protected override void PostStop() => _stop.Cancel();

    private void Connect()
    {
        Context.Parent.Tell(new ConnectorObserved(_text, "CONNECTING", null));
        OpenAsync(_stop.Token).PipeTo(Self, success: stream => new Connected(stream),
            failure: failure => new ConnectFailed(failure.Message));
    }

    private void Wait(string? reason)
    {
        Context.Parent.Tell(new ConnectorObserved(_text, "BACKOFF", reason));
        Timers.StartSingleTimer("connect", new ConnectDue(), _pause);
        _pause = TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2,
            Math.Max(_pauseMax.Ticks, PauseMin.Ticks)));
    }

    private async Task<Stream> OpenAsync(CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(ConnectTimeout);
        var socket = _target.CreateSocket();
        var isOpen = false;
        try
        {
            await socket.ConnectAsync(_target.RemoteEndPoint, limit.Token).ConfigureAwait(false);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (_target.Kind == StreamKind.Tls)
            {
                stream = await SecureAsync(stream, limit.Token).ConfigureAwait(false);
            }

            isOpen = true;
            return stream;
        }
        finally
        {
            if (!isOpen) socket.Dispose();
        }
    }

    private async Task<Stream> SecureAsync(Stream stream, CancellationToken stop)
    {
        var options = _tls?.ClientOptions(_target.Host)
            ?? throw new IOException("no certificate is configured for ssl:");
        var secure = new SslStream(stream);
        await secure.AuthenticateAsClientAsync(options, stop).ConfigureAwait(false);
        return secure;
    }
}
