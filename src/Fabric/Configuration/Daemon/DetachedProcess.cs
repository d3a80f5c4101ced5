using System.Diagnostics;
using System.Globalization;

namespace Fabric.Configuration;

/// <summary>
/// --detach: .NET cannot fork, so the daemon is started anew in a session of its own.
/// </summary>
/// <remarks>
/// The child is told a file by <see cref="ReadyVariable"/> and creates it when it serves; until
/// then the parent waits, and fails if the child ends.
/// </remarks>
internal static class DetachedProcess
{
    private const string ReadyVariable = "FABRIC_DETACH_READY";
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(5);

    public static bool IsChild => Environment.GetEnvironmentVariable(ReadyVariable) is not null;

    public static void TellReady()
    {
        if (Environment.GetEnvironmentVariable(ReadyVariable) is not { } path) return;
        var pid = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        File.WriteAllText(path + ".new", pid);
        File.Move(path + ".new", path, overwrite: true);
    }

    public static async Task<int> StartAsync(
        IReadOnlyList<string> relaunch, IEnumerable<string> arguments, string program)
    {
        var ready = Path.Combine(Path.GetTempPath(), $"fabric-{Guid.NewGuid():N}.ready");
        var start = new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", "exec setsid \"$@\" </dev/null >/dev/null 2>&1", "sh" },
        };
        foreach (var word in relaunch.Concat(arguments)) start.ArgumentList.Add(word);
        start.Environment[ReadyVariable] = ready;
        using var child = Process.Start(start)!;
        try
        {
            while (!File.Exists(ready))
            {
                if (child.HasExited)
                {
                    await Console.Error.WriteLineAsync(
                        $"{program}: could not initiate process monitoring or start the daemon");
                    return child.ExitCode == 0 ? 1 : child.ExitCode;
                }

                await Task.Delay(Poll);
            }

            return 0;
        }
        finally
        {
            File.Delete(ready);
        }
    }
}
