using Fabric.Host;

namespace Fabric.Configuration;

/// <summary>The control commands of ovsdb-server (ovsdb-server(1), "Runtime Management").</summary>
internal static class OvsdbServerCommands
{
    public static void Register(
        UnixctlCommands commands, Func<HostRequest, Task<HostAnswer>> ask)
    {
        Add("ovsdb-server/compact", "[DB]", 0, 1,
            arguments => new HostRequest.Compact(arguments.FirstOrDefault()));
        Add("ovsdb-server/add-remote", "REMOTE", 1, 1,
            arguments => new HostRequest.AddRemote(arguments[0]));
        Add("ovsdb-server/remove-remote", "REMOTE", 1, 1,
            arguments => new HostRequest.RemoveRemote(arguments[0]));
        Add("ovsdb-server/list-remotes", "", 0, 0, _ => new HostRequest.ListRemotes());
        Add("ovsdb-server/add-db", "DB", 1, 1,
            arguments => new HostRequest.AddDatabase(arguments[0]));
        Add("ovsdb-server/remove-db", "DB", 1, 1,
            arguments => new HostRequest.RemoveDatabase(arguments[0]));
        Add("ovsdb-server/list-dbs", "", 0, 0, _ => new HostRequest.ListDatabases());
        Add("ovsdb-server/get-db-storage-status", "DB", 1, 1,
            arguments => new HostRequest.Status(arguments[0]));
        Say("ovsdb-server/sync-status", "state: active\n");
        Say("ovsdb-server/get-active-ovsdb-server", "\n");
        Say("ovsdb-server/get-sync-exclude-tables", "\n");
        Say("ovsdb-server/reconnect", "");
        Say("ovsdb-server/perf-counters-show", "");
        Say("ovsdb-server/perf-counters-clear", "");

        void Add(
            string name, string usage, int min, int max,
            Func<IReadOnlyList<string>, HostRequest> make) =>
            commands.Register(name, usage, min, max, async request =>
            {
                var answer = await ask(make(request.Arguments));
                return answer.Error is { } error ? throw new UnixctlException(error) : answer.Text;
            });

        void Say(string name, string text) =>
            commands.Register(name, "", 0, 0, _ => Task.FromResult(text));
    }
}
