using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Akka.Actor;
using Fabric.Host;

namespace Fabric.Configuration;

/// <summary>`fabric ovsdb-server`: a drop-in for ovsdb-server, for any schema.</summary>
public static class OvsdbServerHost
{
    private const string Program = "ovsdb-server";
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Runs until `exit`, SIGTERM or SIGINT; with --detach returns when it serves.
    /// </summary>
    /// <param name="arguments">As ovsdb-server takes them.</param>
    /// <param name="relaunch">Program and first arguments that lead here again.</param>
    /// <returns>The exit code: 0, or 1 for what cannot be served.</returns>
    public static async Task<int> RunAsync(string[] arguments, params string[] relaunch)
    {
        if (!OvsdbServerOptions.TryParse(arguments, out var options, out var problem))
        {
            return Fail($"{problem}; use --help for usage");
        }

        if (options.IsVersionWanted || options.IsHelpWanted)
        {
            Console.WriteLine($"{Program} (Open vSwitch) {Versions.OpenVSwitch}");
            if (options.IsHelpWanted) Console.WriteLine(Usage);
            return 0;
        }

        if (options.IsDetached)
        {
            return await DetachedProcess.StartAsync(
                relaunch, arguments.Where(argument => argument != "--detach"), Program);
        }

        var logPath = options.LogFile is { } file
            ? OvsFolders.Under(OvsFolders.Log, file.Length == 0 ? $"{Program}.log" : file)
            : null;
        using var log = new Vlog(
            TimeProvider.System, logPath, DetachedProcess.IsChild ? null : Console.Error,
            VlogLevel.Info);
        foreach (var setting in options.Verbosity) log.Set(setting);
        try
        {
            using var pidFile = options.PidFile is { } path
                ? PidFile.Create(OvsFolders.Under(
                    OvsFolders.Run, path.Length == 0 ? $"{Program}.pid" : path))
                : null;
            return await ServeAsync(options, log);
        }
        catch (IOException exception)
        {
            return Fail(exception.Message);
        }
    }

    private static async Task<int> ServeAsync(OvsdbServerOptions options, Vlog log)
    {
        if (!TryIdentity(options, out var tls, out var problem)) return Fail(problem);
        using var system = ActorSystem.Create("ovsdb-server", """
            akka.loglevel = INFO
            akka.stdout-loglevel = OFF
            akka.log-dead-letters = off
            akka.loggers = []
            """);
        system.ActorOf(VlogLoggerActor.Props(log), "log");
        var host = system.ActorOf(OvsdbHostActor.Props(TimeProvider.System, tls), "host");
        var databases = options.Databases.IsEmpty
            ? [Path.Combine(OvsFolders.Database, "conf.db")]
            : options.Databases;
        foreach (var path in databases)
        {
            var file = OvsFolders.Under(OvsFolders.Database, path);
            if (File.Exists(path)) file = path;
            var added = await AskAsync(host, new HostRequest.AddDatabase(file));
            if (added.Error is { } error) return Fail(error);
        }

        foreach (var remote in options.Remotes)
        {
            var added = await AskAsync(host, new HostRequest.AddRemote(remote));
            if (added.Error is { } error) return Fail(error);
        }

        var end = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var terminate = OnSignal(PosixSignal.SIGTERM, end);
        using var interrupt = OnSignal(PosixSignal.SIGINT, end);
        await using var control = StartControl(options, host, log, end);
        if (options.RunCommand is { } command) _ = RunAsync(command, end);
        DetachedProcess.TellReady();
        var code = await end.Task;
        await system.Terminate();
        return code;
    }

    private static UnixctlListener? StartControl(
        OvsdbServerOptions options, IActorRef host, Vlog log, TaskCompletionSource<int> end)
    {
        if (options.Unixctl == "none") return null;
        var commands = new UnixctlCommands();
        OvsdbServerCommands.Register(commands, request => AskAsync(host, request));
        StandardCommands.Register(
            commands, Program, log, new Coverage(),
            () => ImmutableSortedDictionary<string, long>.Empty, _ => end.TrySetResult(0));
        var path = OvsFolders.Under(
            OvsFolders.Run, options.Unixctl ?? $"{Program}.{Environment.ProcessId}.ctl");
        return UnixctlListener.Start(
            path, commands,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupRead | UnixFileMode.GroupExecute);
    }

    private static PosixSignalRegistration OnSignal(
        PosixSignal signal, TaskCompletionSource<int> end) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            end.TrySetResult(0);
        });

    private static async Task RunAsync(string command, TaskCompletionSource<int> end)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]))!;
        await process.WaitForExitAsync();
        end.TrySetResult(process.ExitCode);
    }

    private static Task<HostAnswer> AskAsync(IActorRef host, HostRequest request) =>
        host.Ask<HostAnswer>(request, AnswerTime);

    private static bool TryIdentity(
        OvsdbServerOptions options, out TlsIdentity? identity, out string problem)
    {
        identity = null;
        problem = "";
        if (options.PrivateKey is null || options.Certificate is null) return true;

        // "db:..." leads to SSL rows; stock scripts give it always, also where there are none.
        if (options.PrivateKey.StartsWith("db:", StringComparison.Ordinal)) return true;
        return TlsFiles.TryLoad(
            options.Certificate, options.PrivateKey, options.Authority, out identity, out problem);
    }

    private static int Fail(string problem)
    {
        Console.Error.WriteLine($"{Program}: {problem}");
        return 1;
    }

    private const string Usage = """
        usage: ovsdb-server [OPTIONS] [DATABASE...]
        where each DATABASE is a database file in ovsdb format.
          --remote=REMOTE         connect or listen to REMOTE: punix:FILE, ptcp:PORT[:IP],
                                  pssl:PORT[:IP], unix:FILE, tcp:IP:PORT, ssl:IP:PORT,
                                  db:DATABASE,TABLE,COLUMN
          --unixctl=SOCKET        override default control socket name
          --pidfile[=FILE]        create pidfile
          --log-file[=FILE]       enable logging to FILE
          --detach                run in background as daemon
          --run COMMAND           run COMMAND as subprocess then exit
          -p, --private-key=FILE  file with private key
          -c, --certificate=FILE  file with certificate for private key
          -C, --ca-cert=FILE      file with peer CA certificate
          -h, --help              display this help message
          -V, --version           display version information
        """;
}
