using System.Buffers;
using System.Collections.Immutable;
using System.Net.Sockets;
using System.Text.Json;

namespace Fabric.Host;

/// <summary>A Unix stream socket that speaks unixctl's JSON-RPC 1.0.</summary>
/// <remarks>
/// Requests <c>{"id":0,"method":"version","params":[]}</c> follow each other without framing; each
/// is answered before the next is read. Limits: <see cref="ConnectionsMax"/> clients at once, more
/// wait in the listen queue; <see cref="RequestSizeMax"/> bytes a request, more closes the
/// connection. When it is disposed, what was asked before is answered still: whoever says "exit" is
/// told so, if that takes less than <see cref="LastAnswerTime"/>.
/// </remarks>
public sealed class UnixctlListener : IAsyncDisposable
{
    public const int ConnectionsMax = 64;
    public const int RequestSizeMax = 4 * 1024 * 1024;
    public static readonly TimeSpan LastAnswerTime = TimeSpan.FromSeconds(1);
    private const int Backlog = 64;

    /// <summary>Before it accepts again, when the process has no descriptor left.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);

    private readonly UnixctlCommands _commands;
    private readonly Socket _socket;
    private readonly string _path;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly SemaphoreSlim _places = new(ConnectionsMax);
    private readonly Task _accepting;

    private UnixctlListener(string path, Socket socket, UnixctlCommands commands)
    {
        _path = path;
        _socket = socket;
        _commands = commands;
        _accepting = AcceptAsync();
    }

    /// <summary>Binds and listens; a socket file that nobody serves is replaced.</summary>
    /// <param name="mode">Of the socket file.</param>
    /// <exception cref="SocketException">The path cannot be bound.</exception>
    public static UnixctlListener Start(string path, UnixctlCommands commands, UnixFileMode mode)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Delete(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, mode);
        socket.Listen(Backlog);
        return new UnixctlListener(path, socket, commands);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                await _places.WaitAsync(_stop.Token);
                await AcceptOneAsync();
            }
        }
        catch (Exception error) when (IsEnd(error))
        {
            // Disposed.
        }
    }

    private async Task AcceptOneAsync()
    {
        Socket? client = null;
        try
        {
            client = await _socket.AcceptAsync(_stop.Token);
        }
        catch (SocketException) when (!_stop.IsCancellationRequested)
        {
            await Task.Delay(Rest, _stop.Token);
        }
        finally
        {
            if (client is null) _places.Release();
        }

        if (client is not null) _ = ServeAsync(client);
    }

    private async Task ServeAsync(Socket client)
    {
        using (client)
        {
            try
            {
                await ReadRequestsAsync(client);
            }
            catch (Exception error) when (IsEnd(error) || error is JsonException)
            {
                // The client went away, or what it sent was no JSON: nothing to answer.
            }
            finally
            {
                _places.Release();
            }
        }
    }

    private async Task ReadRequestsAsync(Socket client)
    {
        var buffer = new byte[4096];
        var used = 0;
        var isJson = false;
        while (true)
        {
            if (used == buffer.Length)
            {
                if (used >= RequestSizeMax) return;
                Array.Resize(ref buffer, buffer.Length * 2);
            }

            var size = await client.ReceiveAsync(
                buffer.AsMemory(used), SocketFlags.None, _stop.Token);
            if (size == 0) return;
            used += size;
            while (TryTake(buffer, ref used, out var request))
            {
                using (request)
                {
                    var (reply, wantsJson) = await AnswerAsync(request.RootElement, isJson);
                    isJson = wantsJson;
                    for (var sent = 0; sent < reply.Length;)
                    {
                        sent += await client.SendAsync(
                            reply[sent..], SocketFlags.None, _abort.Token);
                    }
                }
            }
        }
    }

    /// <summary>Takes one whole JSON value off the front of the buffer.</summary>
    private static bool TryTake(byte[] buffer, ref int used, out JsonDocument request)
    {
        var reader = new Utf8JsonReader(
            buffer.AsSpan(0, used), isFinalBlock: false,
            new JsonReaderState(new JsonReaderOptions { AllowMultipleValues = true }));
        if (used == 0 || !JsonDocument.TryParseValue(ref reader, out request!))
        {
            request = null!;
            return false;
        }

        var consumed = (int)reader.BytesConsumed;
        buffer.AsSpan(consumed, used - consumed).CopyTo(buffer);
        used -= consumed;
        return true;
    }

    private async Task<(ReadOnlyMemory<byte> Reply, bool IsJson)> AnswerAsync(
        JsonElement request, bool isJson)
    {
        if (request.ValueKind != JsonValueKind.Object
            || !request.TryGetProperty("method", out var method)
            || method.ValueKind != JsonValueKind.String)
        {
            return (Reply(request, null, "invalid request"), isJson);
        }

        var arguments = request.TryGetProperty("params", out var list)
            && list.ValueKind == JsonValueKind.Array
            && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? list.EnumerateArray().Select(item => item.GetString()!).ToImmutableArray()
            : default;
        if (arguments.IsDefault)
        {
            return (Reply(request, null, "command has non-string argument"), isJson);
        }

        var name = method.GetString()!;
        if (name == "set-options")
        {
            return (Reply(request, "", null), arguments is ["--format", "json"]);
        }

        try
        {
            var text = await _commands.RunAsync(new UnixctlRequest(name, arguments, isJson));
            return (isJson ? ReplyJson(request, text) : Reply(request, text, null), isJson);
        }
        catch (UnixctlException error)
        {
            return (Reply(request, null, error.Message), isJson);
        }
        catch (Exception error) when (
            error is TimeoutException or Akka.Actor.AskTimeoutException
                or OperationCanceledException)
        {
            return (Reply(request, null, $"\"{name}\": no answer in time"), isJson);
        }
    }

    /// <remarks>
    /// As Open vSwitch 3.4: what a command has as JSON is the result itself, a text is wrapped.
    /// </remarks>
    private static ReadOnlyMemory<byte> ReplyJson(JsonElement request, string text)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WritePropertyName("id");
            if (request.TryGetProperty("id", out var id)) id.WriteTo(writer);
            else writer.WriteNullValue();
            writer.WritePropertyName("result");
            if (TryParse(text, out var document))
            {
                using (document) document.RootElement.WriteTo(writer);
            }
            else
            {
                writer.WriteStartObject();
                writer.WriteString("reply-format", "plain");
                writer.WriteString("reply", text);
                writer.WriteEndObject();
            }

            writer.WriteNull("error");
            writer.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private static bool TryParse(string text, out JsonDocument document)
    {
        document = null!;
        if (text is not (['{', ..] or ['[', ..])) return false;
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(bytes);
        try
        {
            // Texts that only begin like JSON, such as lists in brackets, stay texts.
            if (!JsonDocument.TryParseValue(ref reader, out document!)) return false;
            if (text.AsSpan((int)reader.BytesConsumed).Trim().IsEmpty) return true;
            document.Dispose();
            return false;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static ReadOnlyMemory<byte> Reply(JsonElement request, string? result, string? error)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WritePropertyName("id");
            if (request.ValueKind == JsonValueKind.Object
                && request.TryGetProperty("id", out var id))
            {
                id.WriteTo(writer);
            }
            else
            {
                writer.WriteNullValue();
            }

            writer.WriteString("result", WithLineEnd(result));
            writer.WriteString("error", WithLineEnd(error));
            writer.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary>Texts that are not empty end in a newline: tools print them as they are.</summary>
    private static string? WithLineEnd(string? text) =>
        text is null or "" || text[^1] == '\n' ? text : text + "\n";

    private static bool IsEnd(Exception error) =>
        error is OperationCanceledException or SocketException or ObjectDisposedException;

    public async ValueTask DisposeAsync()
    {
        // At once, before anything is waited for: a successor may bind the same path next.
        _socket.Dispose();
        File.Delete(_path);
        await _stop.CancelAsync();
        await _accepting;
        _abort.CancelAfter(LastAnswerTime);
        try
        {
            // Whoever has all places has waited for every client.
            for (var i = 0; i < ConnectionsMax; i++) await _places.WaitAsync(_abort.Token);
        }
        catch (OperationCanceledException)
        {
            // A command that takes longer ends with its process.
        }
    }
}
