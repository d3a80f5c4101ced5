using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Fabric.Datapath;

/// <summary>
/// A wire between dummy ports over sockets: options `stream` (connects) and `pstream` (listens).
/// </summary>
/// <remarks>
/// Each packet is preceded by its size, two bytes in network order, as OVS's dummy devices have it.
/// `unix:FILE`, `tcp:IP:PORT`; `punix:FILE`, `ptcp:PORT[:IP]`. A connection that ends is made
/// again. What cannot be written while <see cref="WaitingMax"/> packets wait is lost.
/// </remarks>
internal sealed class PacketStream : IDisposable
{
    private const int WaitingMax = 128;
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<Connection, bool> _connections = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Action<byte[]> _received;

    private PacketStream(Action<byte[]> received) => _received = received;

    /// <summary>There is somebody at the other end.</summary>
    public bool IsConnected => !_connections.IsEmpty;

    /// <summary>Null without such an option, or when it names no place.</summary>
    public static PacketStream? ForOptions(DatapathPortSpec spec, Action<byte[]> received)
    {
        var active = spec.Options?.GetValueOrDefault("stream");
        var passive = spec.Options?.GetValueOrDefault("pstream");
        if (active is not null && TryPlace(active, isPassive: false) is { } there)
        {
            var stream = new PacketStream(received);
            _ = stream.ConnectAsync(there);
            return stream;
        }

        if (passive is null || TryPlace(passive, isPassive: true) is not { } here) return null;
        try
        {
            if (here is UnixDomainSocketEndPoint) File.Delete(passive["punix:".Length..]);
            var listener = NewSocket(here);
            listener.Bind(here);
            listener.Listen();
            var stream = new PacketStream(received);
            _ = stream.AcceptAsync(listener);
            return stream;
        }
        catch (Exception failure)
            when (failure is SocketException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>To whoever is connected; copies the packet.</summary>
    public void Send(ReadOnlySpan<byte> packet)
    {
        if (packet.Length > ushort.MaxValue || _connections.IsEmpty) return;
        var bytes = new byte[2 + packet.Length];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)packet.Length);
        packet.CopyTo(bytes.AsSpan(2));
        foreach (var connection in _connections.Keys) connection.Waiting.Writer.TryWrite(bytes);
    }

    private async Task ConnectAsync(EndPoint there)
    {
        while (!_stopping.IsCancellationRequested)
        {
            var socket = NewSocket(there);
            try
            {
                await socket.ConnectAsync(there, _stopping.Token).ConfigureAwait(false);
                await CarryAsync(socket).ConfigureAwait(false);
            }
            catch (Exception failure)
                when (failure is SocketException or OperationCanceledException)
            {
                socket.Dispose();
            }

            await Task.Delay(RetryPeriod).ConfigureAwait(false);
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        using (listener)
        {
            while (!_stopping.IsCancellationRequested)
            {
                try
                {
                    var socket = await listener.AcceptAsync(_stopping.Token).ConfigureAwait(false);
                    _ = CarryAsync(socket);
                }
                catch (Exception failure)
                    when (failure is SocketException or OperationCanceledException)
                {
                    return;
                }
            }
        }
    }

    /// <summary>Both directions of one connection, until it ends.</summary>
    private async Task CarryAsync(Socket socket)
    {
        var connection = new Connection(socket);
        _connections[connection] = true;
        var writing = WriteAsync(connection);
        try
        {
            using var stream = new NetworkStream(socket, ownsSocket: true);
            var header = new byte[2];
            while (true)
            {
                await stream.ReadExactlyAsync(header, _stopping.Token).ConfigureAwait(false);
                var packet = new byte[BinaryPrimitives.ReadUInt16BigEndian(header)];
                await stream.ReadExactlyAsync(packet, _stopping.Token).ConfigureAwait(false);
                _received(packet);
            }
        }
        catch (Exception failure)
            when (failure is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The other end, or we, had enough.
        }

        _connections.TryRemove(connection, out _);
        connection.Waiting.Writer.TryComplete();
        await writing.ConfigureAwait(false);
    }

    private async Task WriteAsync(Connection connection)
    {
        try
        {
            await foreach (var bytes in connection.Waiting.Reader.ReadAllAsync(_stopping.Token)
                .ConfigureAwait(false))
            {
                await connection.Socket.SendAsync(bytes, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (Exception failure) when (failure
            is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The reader of this connection sees its end too.
        }
    }

    private static Socket NewSocket(EndPoint place) => place is UnixDomainSocketEndPoint
        ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        : new Socket(place.AddressFamily, SocketType.Stream, ProtocolType.Tcp);

    private static EndPoint? TryPlace(string text, bool isPassive)
    {
        var (unix, tcp) = isPassive ? ("punix:", "ptcp:") : ("unix:", "tcp:");
        const int PathSizeMax = 107;
        if (text.StartsWith(unix, StringComparison.Ordinal))
        {
            var path = text[unix.Length..];
            return path.Length is 0 or > PathSizeMax ? null : new UnixDomainSocketEndPoint(path);
        }

        if (!text.StartsWith(tcp, StringComparison.Ordinal)) return null;
        var parts = text[tcp.Length..].Split(':', 2);
        var (port, host) = isPassive
            ? (parts[0], parts.Length > 1 ? parts[1] : "0.0.0.0")
            : (parts.Length > 1 ? parts[1] : "", parts[0]);
        return IPAddress.TryParse(host, out var address)
            && ushort.TryParse(port, CultureInfo.InvariantCulture, out var number)
            ? new IPEndPoint(address, number)
            : null;
    }

    public void Dispose()
    {
        _stopping.Cancel();
        foreach (var connection in _connections.Keys) connection.Socket.Dispose();
    }

    private sealed class Connection(Socket socket)
    {
        public Socket Socket { get; } = socket;

        public Channel<byte[]> Waiting { get; } = Channel.CreateBounded<byte[]>(
            new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.DropWrite });
    }
}
