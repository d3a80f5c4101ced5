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
    /// Runs "$@", and again when it dies of an error signal: at once for the first time, later not
    /// before ten seconds after the last. Ends with its exit code when it ends otherwise.
    /// </summary>
    /// <remarks>
    /// The codes are those of ILL, ABRT, BUS, FPE, SEGV, PIPE, ALRM, XCPU and XFSZ. The successor
    /// finds in its environment how often, who and by what, and tells its log.
    /// </remarks>
    private const string Loop = """
        crashes=0 last=0
        while :; do
          "$@" & child=$!
          exec 8>&-; [ -z "$FABRIC_DETACHED" ] || exec 2>/dev/null
          wait $child; code=$?
          case $code in 132|134|135|136|139|141|142|152|153) ;;
            *) rm -f "$FABRIC_MONITOR_STATE"; exit $code ;;
          esac
          crashes=$((crashes+1)); export FABRIC_MONITOR_CRASH="$crashes $child $code"
          while [ $(date +%s) -lt $((last+10)) ]; do sleep 1; done
          last=$(date +%s)
        done
        """;

    /// <summary>
    /// Starts "$@" and returns 0 when it serves, else 1. $monitor: as <see cref="Loop"/> says.
    /// </summary>
    public const string Script = $$"""
        ready=$(
          exec 8>&1 >/dev/null </dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 9>&-
          export FABRIC_DETACHED=1
          if [ -n "$monitor" ]; then
            FABRIC_MONITOR_STATE=$(mktemp) && export FABRIC_MONITOR_STATE
            setsid /bin/sh -c '{{Loop}}' sh "$@" &
          else
            setsid "$@" &
          fi
        )
        [ "$ready" = ready ]
        """;

    /// <summary>--monitor without --detach: the same loop in the foreground.</summary>
    public const string MonitorScript = $$"""
        FABRIC_MONITOR_STATE=$(mktemp) && export FABRIC_MONITOR_STATE
        {{Loop}}
        """;

    /// <summary>
    /// A file that outlives the daemon and dies with its monitor: what a successor has to know.
    /// Null without --monitor.
    /// </summary>
    public static string? StateFile => Environment.GetEnvironmentVariable("FABRIC_MONITOR_STATE");

    /// <summary>A monitor waits for this process; it is none itself.</summary>
    public static bool IsMonitored => StateFile is not null;

    /// <summary>The last death that the monitor saw, in OVS's words; null if none.</summary>
    public static string? LastCrash
    {
        get
        {
            var words = Environment.GetEnvironmentVariable("FABRIC_MONITOR_CRASH")?.Split(' ');
            if (words is not [var count, var pid, var code]) return null;
            var signal = code switch
            {
                "132" => "Illegal instruction",
                "134" => "Aborted",
                "135" => "Bus error",
                "136" => "Floating point exception",
                "139" => "Segmentation fault",
                "141" => "Broken pipe",
                "142" => "Alarm clock",
                "152" => "CPU time limit exceeded",
                _ => "File size limit exceeded",
            };
            return $"{count} crashes: pid {pid} died, killed ({signal}), restarting";
        }
    }

    public static bool IsChild => Environment.GetEnvironmentVariable(Variable) is not null;

    /// <summary>The daemon serves: its parent may go, and so does its standard error.</summary>
    public static void TellReady()
    {
        // Started anew by the monitor, it has no such pipe: the descriptor is the runtime's own.
        if (!IsChild || LastCrash is not null) return;
        try
        {
            using var pipe = new FileStream(
                new SafeFileHandle(ReadyDescriptor, ownsHandle: true), FileAccess.Write,
                bufferSize: 0);
            pipe.Write("ready"u8);
        }
        catch (IOException)
        {
            // Who waited has gone.
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

    /// <summary>
    /// Starts the daemon and waits until it serves, or if it is only monitored, until it ends.
    /// </summary>
    /// <param name="relaunch">Program and first arguments that lead here again.</param>
    /// <returns>The exit code: 0, or 1 if it died.</returns>
    public static async Task<int> StartAsync(
        IReadOnlyList<string> relaunch, IEnumerable<string> arguments, bool isDetached,
        bool isMonitored)
    {
        var script = isDetached ? Script : MonitorScript;
        var start = new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", script, "sh" } };
        foreach (var word in relaunch.Concat(arguments)) start.ArgumentList.Add(word);
        start.Environment["monitor"] = isMonitored ? "1" : "";
        using var shell = Process.Start(start)!;
        await shell.WaitForExitAsync();
        return shell.ExitCode;
    }

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Duplicate(int from, int to);
}
