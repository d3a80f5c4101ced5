using System.Net;
using System.Net.Sockets;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>A TCP connection between two workloads that stays up until it is disposed.</summary>
internal sealed class LiveConnection : IDisposable
{
    private readonly Socket _listener;
    private readonly Socket _client;
    private Socket? _server;

    private LiveConnection(Socket listener, Socket client)
    {
        _listener = listener;
        _client = client;
    }

    /// <summary>Opens one; null when it does not come up within 'patience'.</summary>
    public static async Task<LiveConnection?> TryOpenAsync(
        DemoWorkload from, DemoWorkload to, int port, TimeSpan? patience = null)
    {
        var listener = to.Namespace.Inside(() =>
        {
            var socket = TcpSocket();
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(to.Address, port));
            socket.Listen();
            return socket;
        });
        var client = from.Namespace.Inside(TcpSocket);
        var connection = new LiveConnection(listener, client);
        using var limit = new CancellationTokenSource(patience ?? TimeSpan.FromSeconds(10));
        try
        {
            var accepted = listener.AcceptAsync(limit.Token);
            await client.ConnectAsync(new IPEndPoint(to.Address, port), limit.Token);
            connection._server = await accepted;
            return connection;
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
            connection.Dispose();
            return null;
        }
    }

    private static Socket TcpSocket() =>
        new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    /// <summary>A byte goes there and back within 'patience'.</summary>
    public async Task<bool> EchoesAsync(TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        var buffer = new byte[1];
        try
        {
            await _client.SendAsync(new byte[] { 1 }, SocketFlags.None, limit.Token);
            await _server!.ReceiveAsync(buffer, SocketFlags.None, limit.Token);
            await _server.SendAsync(buffer, SocketFlags.None, limit.Token);
            return await _client.ReceiveAsync(buffer, SocketFlags.None, limit.Token) == 1;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _server?.Dispose();
        _listener.Dispose();
    }
}
