using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Fabric.HostNode.Demo;

/// <summary>
/// Real packets between workloads, sent by sockets that live in their namespaces.
/// </summary>
internal static class Probes
{
    /// <summary>Pings once a second until an answer comes; false when none does.</summary>
    public static async Task<bool> PingAsync(
        DemoWorkload from, IPAddress to, int count, int waitSeconds = 1)
    {
        var result = await from.Namespace.RunAsync(
            ["ping", "-n", "-q", "-c", $"{count}", "-i", "0.2", "-W", $"{waitSeconds}", $"{to}"],
            TimeSpan.FromSeconds(count + waitSeconds + 5));
        return result.Succeeded;
    }

    /// <summary>Sends 'size' random bytes over TCP and compares what arrived.</summary>
    /// <returns>Null when intact, else what went wrong.</returns>
    public static async Task<string?> TransferAsync(
        DemoWorkload from, DemoWorkload to, int port, int size)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var listener = to.Namespace.Inside(() =>
        {
            var socket = TcpSocket();
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(to.Address, port));
            socket.Listen();
            return socket;
        });
        using var client = from.Namespace.Inside(TcpSocket);
        try
        {
            var accepted = listener.AcceptAsync(limit.Token);
            await client.ConnectAsync(new IPEndPoint(to.Address, port), limit.Token);
            using var server = await accepted;
            var data = RandomNumberGenerator.GetBytes(size);
            var received = ReceiveAsync(server, limit.Token);
            for (var sent = 0; sent < size;)
            {
                sent += await client.SendAsync(data.AsMemory(sent), SocketFlags.None, limit.Token);
            }

            client.Shutdown(SocketShutdown.Send);
            var hash = await received;
            return hash.SequenceEqual(SHA256.HashData(data)) ? null : "the data differs";
        }
        catch (OperationCanceledException)
        {
            return "no end within 20 s";
        }
        catch (SocketException error)
        {
            return error.Message;
        }
    }

    private static Socket TcpSocket() =>
        new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    private static async Task<byte[]> ReceiveAsync(Socket socket, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var size = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellation);
            if (size == 0) return hash.GetHashAndReset();
            hash.AppendData(buffer, 0, size);
        }
    }

    /// <summary>
    /// Whether a TCP connection opens within 'patience'. A refusal counts as reached.
    /// </summary>
    public static async Task<bool> ReachesTcpAsync(
        DemoWorkload from, IPAddress to, int port, TimeSpan patience)
    {
        using var client = from.Namespace.Inside(TcpSocket);
        using var limit = new CancellationTokenSource(patience);
        try
        {
            await client.ConnectAsync(new IPEndPoint(to, port), limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (SocketException error)
        {
            return error.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }
}

/// <summary>
/// A steady stream of numbered datagrams between two workloads; counts what is lost.
/// </summary>
internal sealed class DatagramStream : IAsyncDisposable
{
    private readonly Socket _sender;
    private readonly Socket _receiver;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _sending;
    private readonly Task _receiving;
    private long _sent;
    private long _received;
    private long _lastReceived;
    private long _gapMax;
    private long _firstReceived;

    public DatagramStream(DemoWorkload from, DemoWorkload to, int port, TimeSpan interval)
    {
        _receiver = to.Namespace.Inside(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(to.Address, port));
            return socket;
        });
        _sender = from.Namespace.Inside(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(from.Address, port));
            socket.Connect(new IPEndPoint(to.Address, port));
            return socket;
        });
        _receiving = ReceiveAsync();
        _sending = SendAsync(interval);
    }

    public long Sent => Interlocked.Read(ref _sent);
    public long Received => Interlocked.Read(ref _received);

    /// <summary>The longest time without a datagram since the first one came.</summary>
    public TimeSpan GapMax => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _gapMax));

    /// <summary>Waits for the first datagram to come through.</summary>
    /// <returns>The <see cref="Stopwatch"/> timestamp of its arrival, or null.</returns>
    public async Task<long?> FirstArrivalAsync(TimeSpan patience)
    {
        var deadline = Stopwatch.GetTimestamp()
            + (long)(patience.TotalSeconds * Stopwatch.Frequency);
        while (Stopwatch.GetTimestamp() < deadline)
        {
            var first = Interlocked.Read(ref _firstReceived);
            if (first != 0) return first;
            await Task.Delay(1);
        }

        return null;
    }

    private async Task SendAsync(TimeSpan interval)
    {
        using var timer = new PeriodicTimer(interval);
        var packet = new byte[16];
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                BitConverter.TryWriteBytes(packet, ++_sent);
                try
                {
                    await _sender.SendAsync(packet, SocketFlags.None, _stop.Token);
                }
                catch (SocketException)
                {
                    // An ICMP error of the network: the datagram counts as lost.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Told to stop.
        }
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[64];
        try
        {
            while (true)
            {
                await _receiver.ReceiveAsync(buffer, SocketFlags.None, _stop.Token);
                var now = Stopwatch.GetTimestamp();
                if (_lastReceived != 0)
                {
                    Interlocked.Exchange(ref _gapMax, Math.Max(_gapMax, now - _lastReceived));
                }
                else
                {
                    Interlocked.Exchange(ref _firstReceived, now);
                }

                _lastReceived = now;
                Interlocked.Increment(ref _received);
            }
        }
        catch (OperationCanceledException)
        {
            // Told to stop.
        }
        catch (SocketException)
        {
            // The namespace is gone.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_sending, _receiving);
        _sender.Dispose();
        _receiver.Dispose();
        _stop.Dispose();
    }
}
