using System.Net.Sockets;
using System.Text.Json;

namespace Fabric.HostNode.Cli;

/// <summary>Asks the host node on this machine over its local socket.</summary>
/// <remarks>
/// The socket speaks unixctl's JSON-RPC 1.0: <c>{"id":0,"method":"cluster/show","params":[]}</c>
/// is answered by a result text or an error text. It is fabric.sock in $FABRIC_RUNDIR, by default
/// /run/fabric.
/// </remarks>
internal static class HostClient
{
    private const int AnswerSizeMax = 64 * 1024 * 1024;

    public static string SocketPath => Path.Combine(
        Environment.GetEnvironmentVariable("FABRIC_RUNDIR") ?? "/run/fabric", "fabric.sock");

    /// <summary>Asks, prints the answer, and gives the exit code.</summary>
    public static async Task<int> AskAndPrintAsync(
        string verb, string method, IEnumerable<string> parameters,
        CancellationToken cancellation)
    {
        var (exitCode, text) = await AskAsync(method, parameters, cancellation);
        if (exitCode == ExitCode.Ok) Console.WriteLine(text.TrimEnd('\n'));
        else await Console.Error.WriteLineAsync($"fabric {verb}: {text.TrimEnd('\n')}");
        return exitCode;
    }

    /// <summary>The exit code, and the answer or what went wrong.</summary>
    public static async Task<(int ExitCode, string Text)> AskAsync(
        string method, IEnumerable<string> parameters, CancellationToken cancellation)
    {
        if (!File.Exists(SocketPath))
        {
            return (ExitCode.Unreachable,
                $"{SocketPath} does not exist: is `fabric host` running?");
        }

        using var socket = new Socket(
            AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancellation);
            var request = JsonSerializer.SerializeToUtf8Bytes(
                new { id = 0, method, @params = parameters });
            await socket.SendAsync(request, SocketFlags.None, cancellation);
            return await ReadAnswerAsync(socket, cancellation);
        }
        catch (SocketException error)
        {
            return (ExitCode.Unreachable,
                $"cannot reach the host node at {SocketPath}: {error.Message}");
        }
    }

    private static async Task<(int ExitCode, string Text)> ReadAnswerAsync(
        Socket socket, CancellationToken cancellation)
    {
        var bytes = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (bytes.Length < AnswerSizeMax)
        {
            var size = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellation);
            if (size == 0) break;
            bytes.Write(buffer, 0, size);
            if (buffer[size - 1] is not ((byte)'}' or (byte)'\n')) continue;
            if (TryParse(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)) is { } answer)
            {
                return answer;
            }
        }

        return (ExitCode.Unreachable, "the host node closed the connection");
    }

    private static (int ExitCode, string Text)? TryParse(ReadOnlySpan<byte> bytes)
    {
        var reader = new Utf8JsonReader(bytes, isFinalBlock: false, default);
        try
        {
            if (!JsonDocument.TryParseValue(ref reader, out var document)) return null;
            using (document)
            {
                var error = document.RootElement.GetProperty("error");
                return error.ValueKind == JsonValueKind.Null
                    ? (ExitCode.Ok, document.RootElement.GetProperty("result").ToString())
                    : (ExitCode.Failed, error.ToString());
            }
        }
        catch (JsonException)
        {
            return (ExitCode.Unreachable, "the answer is no JSON");
        }
    }
}
