using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Fabric.Configuration;

/// <summary>
/// --detach: .NET cannot fork, so a shell starts the daemon in a session of its own.
/// </summary>
/// <remarks>
/// The shell waits on a pipe whose other end only the daemon has, as descriptor
/// <see cref="ReadyDescriptor"/>: a word means that it serves, an end without one that it died.
/// Until then what the daemon has to complain about goes to the caller's standard error.
/// </remarks>
public static partial class DetachedProcess
{
    private const string Variable = "FABRIC_DETACHED";
    private const int ReadyDescriptor = 8;
    private const int ErrorDescriptor = 2;
    private const int DescriptorsMax = 64;

    /// <summary>
    /// Starts "$@" and returns 0 when it serves, else 1. $monitor: starts it again when it dies
    /// of an error signal, as ovs-vswitchd's --monitor.
    /// </summary>
    public const string Script = """
        ready=$(
          exec 8>&1 >/dev/null </dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 9>&-
          export FABRIC_DETACHED=1
          if [ -n "$monitor" ]; then
            FABRIC_MONITOR_STATE=$(mktemp) && export FABRIC_MONITOR_STATE
            setsid /bin/sh -c 'while :; do
              "$@" & child=$!
              exec 8>&-
              wait $child; code=$?
              case $code in 132|134|135|136|139|141|142|152|153) ;;
                *) rm -f "$FABRIC_MONITOR_STATE"; exit $code ;;
              esac
            done' sh "$@" &
          else
            setsid "$@" &
          fi
        )
        [ "$ready" = ready ]
        """;

    /// <summary>
    /// A file that outlives the daemon and dies with its monitor: what a successor has to know.
    /// Null without --monitor.
    /// </summary>
    public static string? StateFile => Environment.GetEnvironmentVariable("FABRIC_MONITOR_STATE");

    public static bool IsChild => Environment.GetEnvironmentVariable(Variable) is not null;

    /// <summary>The daemon serves: its parent may go, and so does its standard error.</summary>
    public static void TellReady()
    {
        if (!IsChild) return;
        try
        {
            using var pipe = new FileStream(
                new SafeFileHandle(ReadyDescriptor, ownsHandle: true), FileAccess.Write,
                bufferSize: 0);
            pipe.Write("ready"u8);
        }
        catch (Exception error) when (error is IOException or ArgumentException)
        {
            // Started anew by the monitor: nobody waits any more.
        }

        LetGoOfErrors();
    }

    /// <remarks>
    /// The runtime keeps copies of the standard descriptors: all that lead where standard error
    /// does must go, or who reads from its pipe waits for as long as the daemon lives.
    /// </remarks>
    private static void LetGoOfErrors()
    {
        using var nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite);
        var end = TargetOf(ErrorDescriptor);
        for (var descriptor = 0; descriptor < DescriptorsMax; descriptor++)
        {
            if (TargetOf(descriptor) != end || end is null) continue;
            _ = Duplicate((int)nothing.DangerousGetHandle(), descriptor);
        }

        static string? TargetOf(int descriptor)
        {
            var link = new FileInfo(string.Create(
                CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}"));
            return link.LinkTarget;
        }
    }

    /// <summary>Starts the daemon and waits until it serves.</summary>
    /// <param name="relaunch">Program and first arguments that lead here again.</param>
    /// <returns>The exit code: 0, or 1 if it died.</returns>
    public static async Task<int> StartAsync(
        IReadOnlyList<string> relaunch, IEnumerable<string> arguments, bool isMonitored)
    {
        var start = new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", Script, "sh" } };
        foreach (var word in relaunch.Concat(arguments)) start.ArgumentList.Add(word);
        start.Environment["monitor"] = isMonitored ? "1" : "";
        using var shell = Process.Start(start)!;
        await shell.WaitForExitAsync();
        return shell.ExitCode;
    }

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Duplicate(int from, int to);
}
