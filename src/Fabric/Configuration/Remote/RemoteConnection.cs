using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Akka.Actor;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A JSON-RPC connection to a server; what comes is told to its owner.</summary>
/// <remarks>
/// Calls are made by the owner only. At most one write is under way; what is called for meanwhile
/// gathers, at most <see cref="OvsdbServerLimits.BacklogSizeMax"/> bytes: with more it is lost.
/// </remarks>
/// <param name="accepted">
/// Of a server that has connected to 'remote', which is an address of ours; null: we connect.
/// </param>
internal sealed class RemoteConnection(
    OvsdbRemote remote, TlsIdentity? tls, IActorRef owner, Socket? accepted = null)
    : IDisposable
{
    private const int ReadSize = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private Stream? _stream;
    private ArrayBufferWriter<byte> _gathering = new(4096);
    private bool _isSending;

    public sealed record Opened(RemoteConnection Connection);

    /// <param name="Document">The owner disposes it.</param>
    public sealed record Heard(RemoteConnection Connection, JsonDocument Document);

    public sealed record Lost(RemoteConnection Connection, string Problem);

    public OvsdbRemote Remote { get; } = remote;

    /// <summary>Begins to connect; <see cref="Opened"/> or <see cref="Lost"/> follows.</summary>
    public void Open() => _ = ServeAsync();

    public void Dispose()
    {
        _stop.Cancel();
        _stream?.Dispose();
    }

    /// <param name="id">Of a request, as JSON has it between its quotes or as a number.</param>
    public void Call(string id, string method, params ReadOnlySpan<byte[]> parameters)
    {
        var isNumber = char.IsAsciiDigit(id[0]);
        lock (_gate)
        {
            new JsonRpcWriter(_gathering).Call(
                Encoding.UTF8.GetBytes(isNumber ? id : $"\"{id}\""), method, parameters);
        }

        Flush();
    }

    public void Notify(string method, byte[] parameter)
    {
        lock (_gate) new JsonRpcWriter(_gathering).Notify(method, parameter);
        Flush();
    }

    public void Reply(JsonElement id, JsonElement result)
    {
        lock (_gate)
        {
            new JsonRpcWriter(_gathering).ReplyRaw(
                Encoding.UTF8.GetBytes(id.GetRawText()),
                Encoding.UTF8.GetBytes(result.GetRawText()));
        }

        Flush();
    }

    private async Task ServeAsync()
    {
        try
        {
            _stream = await ConnectAsync();
            owner.Tell(new Opened(this), ActorRefs.NoSender);
            Flush();
            await ReadAsync(_stream);
        }
        catch (Exception error) when (error is IOException or SocketException
            or OperationCanceledException or ObjectDisposedException
            or System.Security.Authentication.AuthenticationException)
        {
            owner.Tell(new Lost(this, error.Message), ActorRefs.NoSender);
        }
        finally
        {
            _stream?.Dispose(); // It may have come after the owner had given it up.
        }
    }

    private async Task<Stream> ConnectAsync()
    {
        var socket = accepted ?? (Remote.IsUnix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        try
        {
            if (accepted is not null)
            {
                // It is connected.
            }
            else if (Remote.IsUnix)
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Remote.Path), _stop.Token);
            }
            else
            {
                await socket.ConnectAsync(Remote.Host, Remote.Port, _stop.Token);
            }

            Stream stream = new NetworkStream(socket, ownsSocket: true);
            return Remote.IsTls ? await SecureAsync(stream) : stream;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<Stream> SecureAsync(Stream stream)
    {
        if (tls is null) throw new IOException("no certificate is configured");
        var secured = new SslStream(stream);
        await (accepted is null
            ? secured.AuthenticateAsClientAsync(
                TlsOptions.ForClient(tls, Remote.Host), _stop.Token)
            : secured.AuthenticateAsServerAsync(TlsOptions.ForServer(tls), _stop.Token));
        return secured;
    }

    private async Task ReadAsync(Stream stream)
    {
        var framer = new JsonFramer();
        while (true)
        {
            var count = await stream.ReadAsync(framer.GetMemory(ReadSize), _stop.Token);
            if (count == 0) throw new IOException("End of file");
            framer.Advance(count);
            string? problem;
            while (framer.TryNext(out var bytes, out problem))
            {
                // The framer's memory is used again: the document keeps its own copy.
                if (!JsonText.TryParse(bytes.ToArray(), out var document, out problem)) break;
                owner.Tell(new Heard(this, document), ActorRefs.NoSender);
            }

            if (problem is not null) throw new IOException(problem);
        }
    }

    private void Flush()
    {
        ReadOnlyMemory<byte> bytes;
        lock (_gate)
        {
            if (_stream is null || _isSending || _gathering.WrittenCount == 0) return;
            bytes = _gathering.WrittenMemory;
            _gathering = new ArrayBufferWriter<byte>(4096);
            _isSending = true;
        }

        _ = SendAsync(_stream, bytes);
    }

    private async Task SendAsync(Stream stream, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await stream.WriteAsync(bytes, _stop.Token);
            lock (_gate)
            {
                _isSending = false;
                if (_gathering.WrittenCount > OvsdbServerLimits.BacklogSizeMax)
                {
                    throw new IOException("the server does not read");
                }
            }

            Flush();
        }
        catch (Exception error) when (error is IOException or SocketException
            or OperationCanceledException or ObjectDisposedException)
        {
            owner.Tell(new Lost(this, error.Message), ActorRefs.NoSender);
        }
    }
}
