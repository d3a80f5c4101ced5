using Fabric.Host;

namespace Fabric.HostNode.Cli;

/// <summary>Asks the host node on this machine over its local socket.</summary>
/// <remarks>
/// The socket speaks unixctl's JSON-RPC 1.0: <c>{"id":0,"method":"cluster/show","params":[]}</c>
/// is answered by a result text or an error text. It is fabric.sock in $FABRIC_RUNDIR, by default
/// /run/fabric.
/// </remarks>
internal static class HostClient
{
    public static string SocketPath => Path.Combine(
        Environment.GetEnvironmentVariable("FABRIC_RUNDIR") ?? "/run/fabric", "fabric.sock");

    /// <summary>Asks, prints the answer, and gives the exit code.</summary>
    public static async Task<int> AskAndPrintAsync(
        string verb, string method, IEnumerable<string> parameters,
        CancellationToken cancellation) =>
        (await PrintAsync(verb, method, parameters, cancellation)).ExitCode;

    /// <summary>Asks, prints the answer, and gives both.</summary>
    public static async Task<(int ExitCode, string Text)> PrintAsync(
        string verb, string method, IEnumerable<string> parameters,
        CancellationToken cancellation)
    {
        var (exitCode, text) = await AskAsync(method, parameters, cancellation);
        if (exitCode == ExitCode.Ok) Console.WriteLine(text.TrimEnd('\n'));
        else await Console.Error.WriteLineAsync($"fabric {verb}: {text.TrimEnd('\n')}");
        return (exitCode, text);
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

        var answer = await UnixctlClient.AskAsync(
            "", SocketPath, method, [.. parameters], Timeout.InfiniteTimeSpan,
            cancellation: cancellation);
        return answer switch
        {
            { IsReached: false } => (ExitCode.Unreachable,
                $"cannot reach the host node: {answer.Error}"),
            { Error: { } error } => (ExitCode.Failed, error),
            _ => (ExitCode.Ok, answer.Text),
        };
    }
}
