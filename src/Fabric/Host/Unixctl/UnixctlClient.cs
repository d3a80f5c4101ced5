using System.Collections.Immutable;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Fabric.Host;

/// <summary>What a control socket answered: a text, or the error that it refused with.</summary>
/// <param name="IsReached">False when no daemon answered at all.</param>
public sealed record UnixctlAnswer(string Text, string? Error, bool IsReached = true);

/// <summary>Asks a daemon through its control socket, as ovs-appctl does.</summary>
public static class UnixctlClient
{
    public const int AnswerSizeMax = 1 << 30;

    /// <param name="runFolder">OVS_RUNDIR.</param>
    /// <param name="target">A program's name, found by its pidfile; or a socket's path.</param>
    /// <param name="isJson">The result is wanted as JSON; see ovs-appctl(8), --format.</param>
    public static async Task<UnixctlAnswer> AskAsync(
        string runFolder, string target, string command, ImmutableArray<string> arguments,
        TimeSpan timeout, bool isJson = false, CancellationToken cancellation = default)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(timeout);
        try
        {
            var path = SocketOf(runFolder, target);
            using var socket = new Socket(
                AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), patience.Token);
            if (isJson)
            {
                await SendAsync(socket, "set-options", ["--format", "json"], patience.Token);
                var accepted = await ReceiveAsync(socket, patience.Token);
                if (accepted.Error is not null) return accepted;
            }

            await SendAsync(socket, command, arguments, patience.Token);
            return await ReceiveAsync(socket, patience.Token);
        }
        catch (Exception error) when (error is IOException or SocketException
            or UnauthorizedAccessException or JsonException or ArgumentException)
        {
            return new UnixctlAnswer(
                "", $"cannot connect to \"{target}\" ({error.Message})", IsReached: false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new UnixctlAnswer("", $"{target}: no answer in time", IsReached: false);
        }
    }

    private static async Task SendAsync(
        Socket socket, string command, ImmutableArray<string> arguments,
        CancellationToken cancellation)
    {
        var request = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["id"] = 0,
            ["method"] = command,
            ["params"] = arguments.ToArray(),
        });
        await socket.SendAsync(request, SocketFlags.None, cancellation);
    }

    private static string SocketOf(string runFolder, string target)
    {
        if (Path.IsPathRooted(target)) return target;
        if (OperatingSystem.IsWindows()) return Path.Combine(runFolder, $"{target}.ctl");
        var pidFile = Path.Combine(runFolder, $"{target}.pid");
        var pid = File.ReadAllText(pidFile).Trim();
        return Path.Combine(
            runFolder, string.Create(CultureInfo.InvariantCulture, $"{target}.{pid}.ctl"));
    }

    private static async Task<UnixctlAnswer> ReceiveAsync(
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
            if (TryRead(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)) is { } answer)
            {
                return answer;
            }
        }

        throw new IOException("End of file");
    }

    private static UnixctlAnswer? TryRead(ReadOnlySpan<byte> bytes)
    {
        var reader = new Utf8JsonReader(bytes, isFinalBlock: false, default);
        if (!JsonDocument.TryParseValue(ref reader, out var document)) return null;
        using (document)
        {
            var root = document.RootElement;
            var hasError = root.TryGetProperty("error", out var error)
                && error.ValueKind != JsonValueKind.Null;
            return hasError
                ? new UnixctlAnswer("", error.ToString())
                : new UnixctlAnswer(root.GetProperty("result").ToString(), null);
        }
    }
}
