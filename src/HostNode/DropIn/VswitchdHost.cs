using System.Globalization;
using Akka.Actor;
using Fabric.Configuration;
using Fabric.Host;

namespace Fabric.HostNode.DropIn;

/// <summary>`fabric vswitchd`: a drop-in for ovs-vswitchd against a real ovsdb-server.</summary>
internal static class VswitchdHost
{
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Runs until `exit`, SIGTERM or SIGINT; with --detach returns when it is configured.
    /// </summary>
    /// <param name="arguments">As ovs-vswitchd takes them.</param>
    /// <param name="relaunch">Program and first arguments that lead here again.</param>
    /// <returns>The exit code: 0, or 1 when it cannot start.</returns>
    public static Task<int> RunAsync(string[] arguments, IReadOnlyList<string> relaunch)
    {
        var isWell = VswitchdOptions.TryParse(arguments, out var options, out var problem);
        var daemon = new DaemonProcess("ovs-vswitchd", options.Daemon);
        return isWell
            ? daemon.RunAsync(
                arguments, relaunch, Usage, (log, end) => ServeAsync(daemon, options, log, end))
            : Task.FromResult(daemon.Fail(problem));
    }

    private static async Task<int> ServeAsync(
        DaemonProcess daemon, VswitchdOptions options, Vlog log, TaskCompletionSource<int> end)
    {
        if (!TlsFiles.TryLoad(options.Daemon, out var tls, out var problem))
        {
            return daemon.Fail(problem);
        }

        using var system = ActorSystem.Create("host", """
            akka {
              stdout-loglevel = off
              loglevel = info
              loggers = []
              log-dead-letters = off
              scheduler.implementation = "Fabric.HostNode.DropIn.WarpScheduler, Fabric.HostNode"
            }
            """);
        system.ActorOf(VlogLoggerActor.Props(log), "log");
        using var rooms = new VswitchdRooms(
            options, tls, system, log, isCleaning => end.TrySetResult(0));
        await using var control = daemon.StartControl(rooms.Commands);
        system.ActorOf(HostActor.Props(rooms.All), "host");
        if (await Task.WhenAny(rooms.Configured, end.Task) == end.Task) return await end.Task;
        log.Write("bridge", VlogLevel.Info, string.Create(CultureInfo.InvariantCulture,
            $"ovs-vswitchd (Open vSwitch) {Versions.OpenVSwitch}"));
        daemon.TellReady();
        var code = await end.Task;
        await Task.WhenAny(system.Terminate(), Task.Delay(EndPatience, CancellationToken.None));
        return code;
    }

    private const string Usage = """
        usage: ovs-vswitchd [OPTIONS] [DATABASE]
        where DATABASE is a socket on which ovsdb-server is listening
              (default: "unix:$OVS_RUNDIR/db.sock").

        Daemon options:
          --detach                run in background as daemon
          --no-chdir              do not chdir to '/'
          --pidfile[=FILE]        create pidfile
          --overwrite-pidfile     with --pidfile, start even if already running
          --monitor               start again when it dies of an error
          --unixctl=SOCKET        override default control socket name

        Logging options:
          -vSPEC, --verbose=SPEC  set logging levels
          --log-file[=FILE]       enable logging to specified FILE

        TLS options:
          -p, --private-key=FILE  file with private key
          -c, --certificate=FILE  file with certificate for private key
          -C, --ca-cert=FILE      file with peer CA certificate

        Test options:
          --enable-dummy[=TYPE]   dummy datapath and devices: beside the others, instead of
                                  system ones (system), or instead of all (override)
          --disable-system        no datapath type system
          --disable-system-route  no routes of the system

          -h, --help              display this help message
          -V, --version           display version information
        """;
}
