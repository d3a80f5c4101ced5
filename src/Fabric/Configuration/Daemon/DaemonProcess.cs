using System.Runtime.InteropServices;
using Fabric.Host;

namespace Fabric.Configuration;

/// <summary>
/// What every drop-in daemon does around its work: log, pidfile, signals, control socket.
/// </summary>
/// <param name="Program">The stock program's name: of files, and in front of complaints.</param>
public sealed record DaemonProcess(string Program, DaemonOptions Options)
{
    private const UnixFileMode SocketMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    /// <summary>Runs 'work' as the options say.</summary>
    /// <param name="arguments">The whole command line, to start it again detached.</param>
    /// <param name="relaunch">Program and first arguments that lead here again.</param>
    /// <param name="work">Serves until its source of the exit code is set.</param>
    public async Task<int> RunAsync(
        string[] arguments, IReadOnlyList<string> relaunch, string usage,
        Func<Vlog, TaskCompletionSource<int>, Task<int>> work)
    {
        if (Options.IsVersionWanted || Options.IsHelpWanted)
        {
            Console.WriteLine(Options.IsHelpWanted
                ? usage
                : $"{Program} (Open vSwitch) {Versions.OpenVSwitch}");
            return 0;
        }

        var isStarter = Options.IsDetached
            ? !DetachedProcess.IsChild
            : Options.IsMonitored && !DetachedProcess.IsMonitored;
        if (isStarter)
        {
            return await DetachedProcess.StartAsync(
                relaunch, arguments, Options.IsDetached, Options.IsMonitored);
        }

        try
        {
            using var log = OpenLog();
            using var fatal = FatalSignals.Watch();
            if (DetachedProcess.LastCrash is { } crash)
            {
                log.Write("daemon_unix(monitor)", VlogLevel.Err, crash);
            }

            foreach (var setting in Options.Verbosity)
            {
                if (log.Set(setting) is { } wrong) return Fail(wrong);
            }

            // A daemon has no console, whatever its command line said of it.
            if (DetachedProcess.IsChild) log.Set("console:off");

            using var pidFile = CreatePidFile(out var problem);
            if (problem is not null) return Fail(problem);
            var end = new TaskCompletionSource<int>(
                TaskCreationOptions.RunContinuationsAsynchronously);
            using var terminate = OnSignal(PosixSignal.SIGTERM, end);
            using var interrupt = OnSignal(PosixSignal.SIGINT, end);
            using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                log.Reopen();
            });
            return await work(log, end);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException
            or System.Net.Sockets.SocketException)
        {
            return Fail(error.Message);
        }
    }

    /// <summary>It serves: who started it may go on.</summary>
    public void TellReady()
    {
        if (Options.IsDetached && !Options.KeepsFolder) Directory.SetCurrentDirectory("/");
        DetachedProcess.TellReady();
    }

    /// <summary>The control socket; null for --unixctl=none.</summary>
    /// <exception cref="IOException">Its folder is not there.</exception>
    public UnixctlListener? StartControl(UnixctlCommands commands)
    {
        if (Options.Unixctl == "none") return null;
        var path = ControlPath;
        return Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path)))
            ? UnixctlListener.Start(path, commands, SocketMode)
            : throw new IOException(
                $"{path}: could not initialize control socket (No such file or directory)");
    }

    public string ControlPath => OvsFolders.Under(
        OvsFolders.Run, Options.Unixctl ?? $"{Program}.{Environment.ProcessId}.ctl");

    public int Fail(string problem)
    {
        Console.Error.WriteLine($"{Program}: {problem}");
        return 1;
    }

    private Vlog OpenLog()
    {
        var path = Options.LogFile is { } file
            ? Path.GetFullPath(OvsFolders.Under(
                OvsFolders.Log, file.Length == 0 ? $"{Program}.log" : file))
            : null;
        return new Vlog(
            TimeProvider.System, path, DetachedProcess.IsChild ? null : Console.Error,
            VlogLevel.Info, SyslogSocket.Open(Options.SyslogMethod, Options.SyslogTarget))
        {
            Program = Program,
        };
    }

    private PidFile? CreatePidFile(out string? problem)
    {
        problem = null;
        if (Options.PidFile is not { } name) return null;
        var path = Path.GetFullPath(OvsFolders.Under(
            OvsFolders.Run, name.Length == 0 ? $"{Program}.pid" : name));
        if (Options.OverwritesPidFile) File.Delete(path);
        try
        {
            return PidFile.Create(path);
        }
        catch (IOException) when (File.Exists(path))
        {
            problem = $"{path}: already running as pid {PidFile.ReadPid(path)}, aborting";
            return null;
        }
    }

    private static PosixSignalRegistration OnSignal(
        PosixSignal signal, TaskCompletionSource<int> end) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            end.TrySetResult(0);
        });
}
