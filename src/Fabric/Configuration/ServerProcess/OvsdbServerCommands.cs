using System.Globalization;
using Akka.Actor;
using Fabric.Host;

namespace Fabric.Configuration;

/// <summary>The control commands of ovsdb-server (ovsdb-server(1), "Runtime Management").</summary>
internal static class OvsdbServerCommands
{
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(10);

    public static void Register(
        UnixctlCommands commands, Func<HostRequest, Task<HostAnswer>> ask)
    {
        Add("ovsdb-server/compact", "", 0, 1,
            arguments => new HostRequest.Compact(arguments.FirstOrDefault()));
        Add("ovsdb-server/add-remote", "REMOTE", 1, 1,
            arguments => new HostRequest.AddRemote(arguments[0]));
        Add("ovsdb-server/remove-remote", "REMOTE", 1, 1,
            arguments => new HostRequest.RemoveRemote(arguments[0]));
        Add("ovsdb-server/list-remotes", "", 0, 0, _ => new HostRequest.ListRemotes());
        commands.Register("ovsdb-server/add-db", "DB", 1, 1, async request =>
        {
            var answer = await ask(new HostRequest.AddDatabase(request.Arguments[0]));
            if (answer.Error is { } error) throw new UnixctlException(error);
            await RegisterClusterAsync(commands, ask);
            return answer.Text;
        });
        Add("ovsdb-server/remove-db", "DB", 1, 1,
            arguments => new HostRequest.RemoveDatabase(arguments[0]));
        Add("ovsdb-server/list-dbs", "", 0, 0, _ => new HostRequest.ListDatabases());
        Add("ovsdb-server/get-db-storage-status", "DB", 1, 1,
            arguments => new HostRequest.Status(arguments[0]));
        Add("ovsdb-server/reconnect", "", 0, 0, _ => new HostRequest.Reconnect());
        Add("ovsdb-server/disable-monitor-cond", "", 0, 0,
            _ => new HostRequest.DisableMonitorCond());
        Add("ovsdb-server/sync-status", "", 0, 0, _ => new HostRequest.SyncStatus());
        Add("ovsdb-server/get-active-ovsdb-server", "", 0, 0, _ => new HostRequest.GetSource());
        Add("ovsdb-server/set-active-ovsdb-server", "", 1, 1,
            arguments => new HostRequest.SetSource(arguments[0]));
        Add("ovsdb-server/connect-active-ovsdb-server", "", 0, 0,
            _ => new HostRequest.Follow(IsBackup: true));
        Add("ovsdb-server/disconnect-active-ovsdb-server", "", 0, 0,
            _ => new HostRequest.Follow(IsBackup: false));
        Add("ovsdb-server/set-active-ovsdb-server-probe-interval", "", 1, 1,
            arguments => new HostRequest.SetProbe(arguments[0]));
        Add("ovsdb-server/set-sync-exclude-tables", "", 0, 1,
            arguments => new HostRequest.SetExcluded(arguments.FirstOrDefault() ?? ""));
        Add("ovsdb-server/get-sync-exclude-tables", "", 0, 0,
            _ => new HostRequest.GetExcluded());
        Add("ovsdb-server/tlog-set", "DB:TABLE on|off", 2, 2,
            arguments => new HostRequest.LogTable(arguments[0], arguments[1]));
        Add("ovsdb-server/tlog-list", "", 0, 0, _ => new HostRequest.ListTableLogs());
        commands.Register("ovsdb-server/memory-trim-on-compaction", "on|off", 1, 1, request =>
            request.Arguments[0] is "on" or "off"
                ? Task.FromResult("") // The collector gives memory back by itself.
                : throw new UnixctlException("invalid argument"));
        Say("ovsdb-server/perf-counters-show",
            "performance counter is not supported on this platform\n");
        Say("ovsdb-server/perf-counters-clear", "");

        void Add(
            string name, string usage, int min, int max,
            Func<IReadOnlyList<string>, HostRequest> make) =>
            Register(commands, ask, name, usage, (min, max), make);

        void Say(string name, string text) =>
            commands.Register(name, "", 0, 0, _ => Task.FromResult(text));
    }

    /// <summary>The cluster/* commands are there as soon as a clustered database is.</summary>
    public static async Task RegisterClusterAsync(
        UnixctlCommands commands, Func<HostRequest, Task<HostAnswer>> ask)
    {
        if (!(await ask(new HostRequest.Describe())).HasClusters) return;
        foreach (var (verb, usage) in ClusterVerbs)
        {
            var count = usage.Split(' ').Length;
            Register(commands, ask, $"cluster/{verb}", usage, (count, count), arguments =>
                new HostRequest.OfCluster(
                    arguments[0], new ClusterRequest(verb, string.Join(' ', arguments.Skip(1)))));
        }
    }

    private static readonly (string Verb, string Usage)[] ClusterVerbs =
    [
        ("cid", "DB"), ("sid", "DB"), ("status", "DB"), ("leave", "DB"), ("kick", "DB SERVER"),
        ("change-election-timer", "DB TIME"), ("set-backlog-threshold", "DB N_MSGS N_BYTES"),
    ];

    private static void Register(
        UnixctlCommands commands, Func<HostRequest, Task<HostAnswer>> ask, string name,
        string usage, (int Min, int Max) count, Func<IReadOnlyList<string>, HostRequest> make) =>
        commands.Register(name, usage, count.Min, count.Max, async request =>
        {
            var answer = await ask(make(request.Arguments));
            return answer.Error is { } error ? throw new UnixctlException(error) : answer.Text;
        });

    /// <summary>memory/show counts what the databases hold.</summary>
    public static void RegisterMemory(
        UnixctlCommands commands, Func<HostRequest, Task<HostAnswer>> ask) =>
        commands.Register("memory/show", "", 0, 0, async _ =>
        {
            var answer = await ask(new HostRequest.Describe());
            long atoms = 0, cells = 0, monitors = 0;
            foreach (var (_, actor) in answer.Databases)
            {
                var described = await actor.Ask<DatabaseDescribed>(
                    new DescribeDatabase(), AnswerTime);
                monitors += described.SubscriberCount;
                foreach (var table in described.Snapshot.Tables)
                {
                    cells += (long)table.Count * (table.Schema.Columns.Length + 2);
                    atoms += table.Rows.Sum(row => table.Schema.Columns.Sum(
                        column => (long)row[column].Count * (column.Type.IsMap ? 2 : 1)) + 2);
                }
            }

            var sessions = answer.SessionCount > 0 ? $" sessions:{answer.SessionCount}" : "";
            return string.Create(CultureInfo.InvariantCulture, $"atoms:{atoms} cells:{cells} "
                + $"monitors:{monitors} n-weak-refs:0{sessions}\n");
        });
}
