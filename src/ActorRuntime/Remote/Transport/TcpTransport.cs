using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Akka.Actor;
using Akka.Event;
using Akka.Remote.Wire;

namespace Akka.Remote.Transport;

/// <summary>TCP, with TLS if so configured: <c>akka.remote.dot-netty.tcp</c>.</summary>
/// <remarks>
/// A peer whose certificate is not accepted is refused on both sides: one warning per peer and
/// reason, repeated at debug level only, and a counter. Handshakes that do not end in time are
/// cut off, and at most <see cref="HandshakeCountMax"/> are open at once.
/// </remarks>
internal sealed class TcpTransport : IRemoteTransport
{
    private const int HandshakeCountMax = 1024;
    private const int RefusalNameCountMax = 1000;

    private readonly RemoteSettings _settings;
    private readonly ILoggingAdapter _log;
    private readonly TlsCredentials? _tls;
    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<string> _refused = [];
    private Socket? _listener;
    private int _handshakeCount;

    public TcpTransport(RemoteSettings settings, ILoggingAdapter log)
    {
        _settings = settings;
        _log = log;
        _tls = settings.IsTlsEnabled ? new TlsCredentials(settings.Tls) : null;
    }

    public int Listen(Action<IRemoteConnection> accepted)
    {
        var address = Resolve(_settings.Hostname);
        _listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _listener.Bind(new IPEndPoint(address, _settings.Port));
        }
        catch (SocketException e)
        {
            throw new RemoteTransportException(
                $"Cannot listen on {_settings.Hostname}:{_settings.Port}: {e.Message}", e);
        }

        _listener.Listen(512);
        _ = Accept(_listener, accepted);
        return ((IPEndPoint)_listener.LocalEndPoint!).Port;
    }

    public void Connect(
        Address remote, Action<IRemoteConnection> connected, Action<Exception> failed) =>
        _ = ConnectThen(remote, connected, failed);

    private async Task ConnectThen(
        Address remote, Action<IRemoteConnection> connected, Action<Exception> failed)
    {
        IRemoteConnection connection;
        try
        {
            await Task.Yield();
            connection = await Connect(remote).ConfigureAwait(false);
        }
        catch (RemoteTransportException e)
        {
            failed(e);
            return;
        }

        connected(connection);
    }

    private async Task<IRemoteConnection> Connect(Address remote)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        timeout.CancelAfter(_settings.ConnectionTimeout);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var verdict = new TlsVerdict();
        try
        {
            await socket.ConnectAsync(remote.Host!, remote.Port ?? 0, timeout.Token)
                .ConfigureAwait(false);
            var stream = new NetworkStream(socket, ownsSocket: true);
            if (_tls is null) return Framed(stream, remote.ToString(), PeerIdentity.Unknown);
            var secure = new SslStream(stream);
            await secure.AuthenticateAsClientAsync(
                _tls.ClientOptions(remote.Host!, verdict), timeout.Token).ConfigureAwait(false);
            var identity = PeerIdentity.Of(secure.RemoteCertificate);
            return Framed(secure, $"{remote} ({identity.Name})", identity);
        }
        catch (AuthenticationException e)
        {
            socket.Dispose();
            Refuse($"{remote}", e, verdict);
            throw new RemoteTransportException($"TLS with {remote} failed: {e.Message}", e);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            socket.Dispose();
            throw new RemoteTransportException($"Cannot connect to {remote}: {e.Message}", e);
        }
    }

    public void Shutdown()
    {
        _stopping.Cancel();
        _listener?.Dispose();
    }

    private async Task Accept(Socket listener, Action<IRemoteConnection> accepted)
    {
        while (!_stopping.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync(_stopping.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                continue;
            }

            if (Volatile.Read(ref _handshakeCount) >= HandshakeCountMax)
            {
                WireCounters.RefusedPeers.Increment();
                socket.Dispose();
                continue;
            }

            _ = Admit(socket, accepted);
        }
    }

    private async Task Admit(Socket socket, Action<IRemoteConnection> accepted)
    {
        Interlocked.Increment(ref _handshakeCount);
        var peer = "unknown";
        var verdict = new TlsVerdict();
        try
        {
            socket.NoDelay = true;
            var endPoint = (IPEndPoint)socket.RemoteEndPoint!;
            peer = endPoint.Address.ToString();
            var stream = new NetworkStream(socket, ownsSocket: true);
            if (_tls is null)
            {
                accepted(Framed(stream, $"{endPoint.Address}", PeerIdentity.Unknown));
                return;
            }

            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            timeout.CancelAfter(_settings.HandshakeTimeout);
            var secure = new SslStream(stream);
            await secure.AuthenticateAsServerAsync(_tls.ServerOptions(verdict), timeout.Token)
                .ConfigureAwait(false);
            var identity = PeerIdentity.Of(secure.RemoteCertificate);
            accepted(Framed(secure, $"{endPoint.Address} ({identity.Name})", identity));
        }
        catch (Exception e) when (e is AuthenticationException or IOException or SocketException
            or OperationCanceledException or ObjectDisposedException)
        {
            socket.Dispose();
            if (!_stopping.IsCancellationRequested) Refuse(peer, e, verdict);
        }
        finally
        {
            Interlocked.Decrement(ref _handshakeCount);
        }
    }

    private void Refuse(string peer, Exception cause, TlsVerdict verdict)
    {
        WireCounters.RefusedPeers.Increment();
        var reason = verdict.Problem ?? $"TLS failed: {(cause.InnerException ?? cause).Message}";
        bool isFirst;
        lock (_refused)
        {
            if (_refused.Count > RefusalNameCountMax) _refused.Clear();
            isFirst = _refused.Add($"{peer} {verdict.Problem ?? cause.GetType().Name}");
        }

        const string Text = "Refused {0}: {1}";
        if (isFirst) _log.Warning(Text, peer, reason);
        else _log.Debug(Text, peer, reason);
    }

    private TcpConnection Framed(Stream stream, string peer, PeerIdentity identity) =>
        new(stream, peer, identity, _settings.FrameSizeMax, _settings.OutboundQueueSize + 1024);

    private static IPAddress Resolve(string host)
    {
        if (IPAddress.TryParse(host, out var address)) return address;
        try
        {
            return Dns.GetHostAddresses(host)[0];
        }
        catch (SocketException e)
        {
            throw new RemoteTransportException(
                $"akka.remote.dot-netty.tcp.hostname = \"{host}\": {e.Message}", e);
        }
    }
}

/// <summary>A connection could not be made, or the own address not be bound.</summary>
public sealed class RemoteTransportException(string message, Exception? cause = null)
    : AkkaException(message, cause);
