using System.Net.Security;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Controllers;

/// <summary>A stream that a listener accepted, or a controller connected.</summary>
public sealed record StreamOpened(string Target, Stream Stream);

/// <summary>The listener is bound; tests and punix users may connect.</summary>
public sealed record ListenerBound(string Target);

/// <summary>Listens on one passive target and gives its parent the streams.</summary>
/// <remarks>
/// Hears:  accepted sockets and finished TLS handshakes, piped to itself; its retry timer.
/// Says:   <see cref="ListenerBound"/> and <see cref="StreamOpened"/> to its parent.
/// Holds:  the listening socket, and the path of a Unix socket, which is removed at the end.
/// Fails:  an address in use or a missing directory is tried again every second; a failed
///         handshake closes that connection only.
/// </remarks>
public sealed class ListenerActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);
    private const UnixFileMode SocketMode = UnixFileMode.UserRead | UnixFileMode.UserWrite
        | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    private readonly string _text;
    private readonly StreamTarget _target;
    private readonly TlsSettings? _tls;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private Socket? _socket;
    private bool _hasWarned;

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(string text, StreamTarget target, TlsSettings? tls) =>
        Akka.Actor.Props.Create(() => new ListenerActor(text, target, tls));

    public ListenerActor(string text, StreamTarget target, TlsSettings? tls)
    {
        (_text, _target, _tls) = (text, target, tls);
        Receive<Accepted>(OnAccepted);
        Receive<HandshakeDone>(done => Context.Parent.Tell(new StreamOpened(_text, done.Stream)));
        Receive<AcceptFailed>(_ => Rebind());
        Receive<HandshakeFailed>(failed => failed.Stream.Dispose());
        Receive<BindDue>(_ => Bind());
    }

    private sealed record Accepted(Socket Socket);

    private sealed record AcceptFailed;

    private sealed record HandshakeDone(Stream Stream);

    private sealed record HandshakeFailed(Stream Stream);

    private sealed record BindDue;

    protected override void PreStart() => Bind();

    protected override void PostStop()
    {
        _socket?.Dispose();
        if (_socket is not null && _target.Kind == StreamKind.Unix) File.Delete(_target.Path);
    }

    private void Bind()
    {
        var socket = _target.CreateSocket();
        try
        {
            if (_target.Kind == StreamKind.Unix) File.Delete(_target.Path);
            if (_target.Kind != StreamKind.Unix)
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress,
                true);
            socket.Bind(_target.LocalEndPoint);
            if (_target.Kind == StreamKind.Unix && !OperatingSystem.IsWindows())
                File.SetUnixFileMode(_target.Path, SocketMode);
            socket.Listen(64);
        }
        catch (Exception failure) when (
            failure is SocketException or IOException
                or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            socket.Dispose();
            if (!_hasWarned) _log.Warning("{0}: listen failed: {1}", _text, failure.Message);
            _hasWarned = true;
            Timers.StartSingleTimer("bind", new BindDue(), RetryInterval);
            return;
        }

        _hasWarned = false;
        _socket = socket;
        Context.Parent.Tell(new ListenerBound(_text));
        Accept();
    }

    private void Rebind()
    {
        _socket?.Dispose();
        _socket = null;
        Timers.StartSingleTimer("bind", new BindDue(), RetryInterval);
    }

    private void Accept() => _socket!.AcceptAsync().PipeTo(
        Self, success: socket => new Accepted(socket), failure: _ => new AcceptFailed());

    private void OnAccepted(Accepted accepted)
    {
        Accept();
        var stream = new NetworkStream(accepted.Socket, ownsSocket: true);
        if (_target.Kind != StreamKind.Tls)
        {
            Context.Parent.Tell(new StreamOpened(_text, stream));
            return;
        }

        if (_tls?.ServerOptions() is not { } options)
        {
            _log.Warning("{0}: no certificate is configured, connection refused", _text);
            stream.Dispose();
            return;
        }

        var secure = new SslStream(stream);
        secure.AuthenticateAsServerAsync(options).PipeTo(
            Self, success: () => new HandshakeDone(secure), failure: _ =>
                new HandshakeFailed(secure));
    }
}
