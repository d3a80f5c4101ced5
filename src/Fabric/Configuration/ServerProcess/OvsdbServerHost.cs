using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Fabric.Host;

namespace Fabric.Configuration;

/// <summary>`fabric ovsdb-server`: a drop-in for ovsdb-server, for any schema.</summary>
public static class OvsdbServerHost
{
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Runs until `exit`, SIGTERM or SIGINT; with --detach returns when it serves.
    /// </summary>
    /// <param name="arguments">As ovsdb-server takes them.</param>
    /// <param name="relaunch">Program and first arguments that lead here again.</param>
    /// <returns>The exit code: 0, or 1 for what cannot be served.</returns>
    public static Task<int> RunAsync(string[] arguments, params string[] relaunch)
    {
        var isWell = OvsdbServerOptions.TryParse(arguments, out var options, out var problem);
        var daemon = new DaemonProcess("ovsdb-server", options.Daemon);
        return isWell
            ? daemon.RunAsync(
                arguments, relaunch, Usage, (log, end) => ServeAsync(daemon, options, log, end))
            : Task.FromResult(daemon.Fail(problem));
    }

    private static async Task<int> ServeAsync(
        DaemonProcess daemon, OvsdbServerOptions options, Vlog log, TaskCompletionSource<int> end)
    {
        if (!TlsFiles.TryLoad(options.Daemon, out var own, out var problem))
        {
            return daemon.Fail(problem);
        }

        var tls = new TlsSource { Current = own };
        var rows = TlsRows.TryParse(options.Daemon, out var place) ? place : null;

        using var system = ActorSystem.Create("ovsdb-server", """
            akka.actor.default-dispatcher {
              type = ForkJoinDispatcher
              dedicated-thread-pool.thread-count = 1
            }
            akka.loglevel = INFO
            akka.stdout-loglevel = OFF
            akka.log-dead-letters = off
            akka.loggers = []
            """);
        system.ActorOf(VlogLoggerActor.Props(log), "log");
        var host = system.ActorOf(OvsdbHostActor.Props(TimeProvider.System, tls, rows), "host");
        var databases = options.Databases.IsEmpty
            ? [Path.Combine(OvsFolders.Database, "conf.db")]
            : options.Databases;
        var remotes = options.Remotes;
        MonitorState.Read(DetachedProcess.StateFile, ref databases, ref remotes);
        foreach (var path in databases.Distinct())
        {
            var added = await AskAsync(host, new HostRequest.AddDatabase(path));
            if (added.Error is { } error) return daemon.Fail(error);
        }

        if (options.Source is { } source)
        {
            await AskAsync(host, new HostRequest.SetExcluded(options.Excluded));
            await AskAsync(host, new HostRequest.SetSource(source));
            if (!options.IsActive) await AskAsync(host, new HostRequest.Follow(IsBackup: true));
        }

        foreach (var remote in remotes)
        {
            var added = await AskAsync(host, new HostRequest.AddRemote(remote));
            if (added.Error is { } error) return daemon.Fail(error);
        }

        var commands = new UnixctlCommands();
        OvsdbServerCommands.Register(commands, request => AskAsync(host, request));
        await OvsdbServerCommands.RegisterClusterAsync(
            commands, request => AskAsync(host, request));
        StandardCommands.Register(
            commands, daemon.Program, log, new Coverage(),
            () => ImmutableSortedDictionary<string, long>.Empty, _ => end.TrySetResult(0));
        OvsdbServerCommands.RegisterMemory(commands, request => AskAsync(host, request));
        commands.Register("exit", "", 0, 0, _ =>
        {
            end.TrySetResult(0);
            return Task.FromResult("");
        });
        await using var control = daemon.StartControl(commands);

        // With --run it is a tool more than a daemon: it keeps silent about itself.
        if (options.RunCommand is { } command) _ = RunAsync(command, end);
        else
        {
            log.Write("ovsdb_server", VlogLevel.Info,
                $"ovsdb-server (Open vSwitch) {Versions.OpenVSwitch}");
        }

        daemon.TellReady();
        var code = await end.Task;
        await system.Terminate();
        return code;
    }

    private static async Task RunAsync(string command, TaskCompletionSource<int> end)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]))!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            await Console.Error.WriteLineAsync(
                $"ovsdb-server: {command}: child exited, exit status {process.ExitCode}");
        }

        end.TrySetResult(process.ExitCode == 0 ? 0 : 1);
    }

    private static Task<HostAnswer> AskAsync(IActorRef host, HostRequest request) =>
        host.Ask<HostAnswer>(request, AnswerTime);

    private static string Usage => $"""
        ovsdb-server: Open vSwitch database server
        usage: ovsdb-server [OPTIONS] [DATABASE...]
        where each DATABASE is a database file in ovsdb format.
        The default DATABASE, if none is given, is
        {OvsFolders.Database}/conf.db.

        JSON-RPC options (may be specified any number of times):
          --remote=REMOTE         connect or listen to REMOTE
        where REMOTE is punix:FILE, ptcp:PORT[:IP], pssl:PORT[:IP], unix:FILE, tcp:IP:PORT,
        ssl:IP:PORT or db:DATABASE,TABLE,COLUMN

        Other options:
          --unixctl=SOCKET        override default control socket name
          --pidfile[=FILE]        create pidfile
          --log-file[=FILE]       enable logging to FILE
          --detach                run in background as daemon
          --monitor               restart it when it dies of an error signal
          --sync-from=REMOTE      be a backup: follow the server at REMOTE, refuse writes
          --sync-exclude-tables=DB:TABLE,...
                                  tables that a backup keeps as they are
          --active                know the source, and do not follow it yet
          --run COMMAND           run COMMAND as subprocess then exit
          -p, --private-key=FILE  file with private key
          -c, --certificate=FILE  file with certificate for private key
          -C, --ca-cert=FILE      file with peer CA certificate
          -h, --help              display this help message
          -V, --version           display version information
        """;
}
