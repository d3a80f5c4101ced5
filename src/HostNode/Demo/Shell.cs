using System.Diagnostics;
using System.Text;

namespace Fabric.HostNode.Demo;

/// <summary>What a finished command said.</summary>
internal sealed record ShellResult(int ExitCode, string Output, string Error)
{
    public bool Succeeded => ExitCode == 0;
}

/// <summary>Runs other programs: arguments are passed as they are, no shell reads them.</summary>
internal static class Shell
{
    public static readonly TimeSpan TimeoutDefault = TimeSpan.FromSeconds(30);

    /// <summary>
    /// By how much everything may take longer than on a common machine: FABRIC_DEMO_SLOWNESS, 1
    /// to 100. For machines that are emulated.
    /// </summary>
    public static readonly int Slowness =
        int.TryParse(Environment.GetEnvironmentVariable("FABRIC_DEMO_SLOWNESS"), out var times)
            ? Math.Clamp(times, 1, 100) : 1;

    /// <summary>
    /// Runs to the end, or kills after 'timeout'; never throws for what the program does.
    /// </summary>
    public static async Task<ShellResult> RunAsync(
        string program, IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null, TimeSpan? timeout = null,
        CancellationToken cancellation = default)
    {
        using var process = new Process { StartInfo = Info(program, arguments, environment) };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            return new ShellResult(127, "", $"{program}: {error.Message}");
        }

        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter((timeout ?? TimeoutDefault) * Slowness);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            cancellation.ThrowIfCancellationRequested();
            return new ShellResult(124, await output, $"{program}: no answer in time");
        }

        return new ShellResult(process.ExitCode, await output, await errors);
    }

    /// <summary>Runs and insists on exit code 0.</summary>
    /// <exception cref="DemoException">The program failed; the message is what it said.</exception>
    public static async Task<string> RunOrThrowAsync(
        string program, params IEnumerable<string> arguments)
    {
        var list = arguments.ToArray();
        var result = await RunAsync(program, list);
        return result.Succeeded
            ? result.Output
            : throw new DemoException(
                $"{program} {string.Join(' ', list)}: {result.Error.Trim()}");
    }

    public static ProcessStartInfo Info(
        string program, IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment)
    {
        var info = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            UseShellExecute = false,
        };
        foreach (var argument in arguments) info.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            info.Environment[name] = value;
        }

        return info;
    }
}

/// <summary>The demo cannot go on; the message says why.</summary>
internal sealed class DemoException(string message) : Exception(message);
