using System.Globalization;
using System.Runtime.InteropServices;
using Akka.Actor;
using Akka.Configuration;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Host;

namespace Fabric.HostNode.Composition;

/// <summary>
/// The process of `fabric host`: makes the actor system, waits, ends it in order.
/// </summary>
internal static class HostProcess
{
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(15);

    public static async Task<int> RunAsync(HostSettings settings, CancellationToken cancellation)
    {
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var cancelled = cancellation.Register(() => stop.TrySetResult());

        using var log = new Vlog(
            TimeProvider.System, Path.Combine(settings.OvsLogFolder, "ovs-vswitchd.log"),
            Console.Out, settings.LogLevel);
        if (Datapaths.ProblemOf(settings) is { } problem)
        {
            log.Write("datapath", VlogLevel.Emer, problem);
            return Cli.ExitCode.Failed;
        }

        PidFile pidFile;
        var pidPath = Path.Combine(settings.OvsRunFolder, "ovs-vswitchd.pid");
        try
        {
            PrepareFolders(settings);
            pidFile = PidFile.Create(pidPath);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            log.Write("fabric", VlogLevel.Emer, File.Exists(pidPath)
                ? $"another host node or ovs-vswitchd holds {pidPath}: give this one an "
                    + "OVS_RUNDIR of its own, or stop the other"
                : error.Message);
            return Cli.ExitCode.Failed;
        }

        using (pidFile)
        {
            using var system = ActorSystem.Create("host", SystemConfig(settings));
            system.ActorOf(VlogLoggerActor.Props(log), "log");
            using var rooms = new HostRooms(settings, system, log, () => stop.TrySetResult());
            system.ActorOf(HostActor.Props(rooms.All), "host");
            log.Write("fabric", VlogLevel.Info, string.Create(CultureInfo.InvariantCulture,
                $"host {settings.HostId} started, pid {Environment.ProcessId}"));

            await stop.Task;
            log.Write("fabric", VlogLevel.Info, "exiting");
            await Task.WhenAny(
                rooms.LeaveAsync(), Task.Delay(LeavePatience, CancellationToken.None));
            await Task.WhenAny(system.Terminate(), Task.Delay(EndPatience, CancellationToken.None));
        }

        return Cli.ExitCode.Ok;

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.TrySetResult();
        }
    }

    private static void PrepareFolders(HostSettings settings)
    {
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite
            | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;
        foreach (var folder in (string[])[settings.StateFolder, settings.RunFolder])
        {
            if (Directory.Exists(folder)) continue;
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
            else Directory.CreateDirectory(folder, Private);
        }

        Directory.CreateDirectory(settings.OvsRunFolder);
        Directory.CreateDirectory(settings.OvnRunFolder);
    }

    /// <summary>HOCON of the system `host`: not clustered, state in SQLite.</summary>
    internal static Config SystemConfig(HostSettings settings)
    {
        var database = Path.Combine(settings.StateFolder, "journal.db").Replace('\\', '/');
        return ConfigurationFactory.ParseString(
            $$"""
            akka {
              stdout-loglevel = off
              loglevel = info
              loggers = []
              log-dead-letters = off
              persistence.journal {
                plugin = "akka.persistence.journal.sql"
                sql {
                  class = "Akka.Persistence.Sql.Journal.SqlWriteJournal, Akka.Persistence.Sql"
                  connection-string = "Data Source={{database}}"
                  provider-name = "SQLite.MS"
                }
              }
              persistence.snapshot-store {
                plugin = "akka.persistence.snapshot-store.sql"
                sql {
                  class = "Akka.Persistence.Sql.Snapshot.SqlSnapshotStore, Akka.Persistence.Sql"
                  connection-string = "Data Source={{database}}"
                  provider-name = "SQLite.MS"
                }
              }
            }
            """)
            .WithFallback(ConfigurationFactory.ParseString(FabricSystem.Serializers))
            .WithFallback(ConfigurationFactory.ParseString(DatabaseSerializer.Configuration));
    }
}
