using System.Text.RegularExpressions;

namespace Fabric.Conformance;

/// <summary>What is the same for all daemons: --detach, --monitor, pidfiles, signals.</summary>
public sealed partial class DaemonTests
{
    private const string Schema = """
        {"name":"ordinals","version":"5.1.3","tables":{"ordinals":{"columns":{
        "number":{"type":"integer"},"name":{"type":"string"}}}}}
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static async Task<DropInWorld> CreateAsync()
    {
        var world = new DropInWorld("ovsdb-server", "ovsdb-tool");
        File.WriteAllText($"{world.Folder}/schema", Schema);
        await world.SaysAsync("ovsdb-tool create db schema");
        return world;
    }

    private static async Task UntilAsync(DropInWorld world, string condition) => Assert.True(
        await Poll.UntilAsync(
            async () => (await world.RunAsync(condition, Patience)).Succeeded, Patience),
        $"never: {condition}");

    [Fact]
    public async Task Its_monitor_starts_it_anew_with_what_it_had_been_given()
    {
        using var world = await CreateAsync();
        File.WriteAllText($"{world.Folder}/schema2", Schema.Replace("ordinals", "others"));
        await world.SaysAsync("ovsdb-tool create db2 schema2");
        await world.SaysAsync(
            "ovsdb-server --monitor --detach --no-chdir --pidfile --log-file db", Patience);
        await world.SaysAsync("ovs-appctl -t ovsdb-server ovsdb-server/add-db db2");
        await world.SaysAsync("ovs-appctl -t ovsdb-server ovsdb-server/add-remote punix:socket1");
        await world.SaysAsync("ps -o ppid= -p $(cat ovsdb-server.pid) > monitor; "
            + "cp ovsdb-server.pid old; kill -SEGV $(cat old)");
        await UntilAsync(world, "test -s ovsdb-server.pid && ! cmp -s ovsdb-server.pid old "
            + "&& timeout 5 ovs-appctl -t ovsdb-server version");
        Assert.Equal("_Server\nordinals\nothers",
            await world.SaysAsync("ovs-appctl -t ovsdb-server ovsdb-server/list-dbs"));
        Assert.Equal("punix:socket1",
            await world.SaysAsync("ovs-appctl -t ovsdb-server ovsdb-server/list-remotes"));
        Assert.Matches(Crash(), Assert.Single(world.Alarms("ovsdb-server.log")));

        // SIGTERM is no error: the monitor goes with it.
        await world.SaysAsync("kill $(cat ovsdb-server.pid)");
        await UntilAsync(world, "! kill -0 $(cat monitor) && ! test -e ovsdb-server.pid");
    }

    [Fact]
    public async Task A_monitor_in_the_foreground_is_the_parent_and_ends_with_its_child()
    {
        using var world = await CreateAsync();
        await world.SaysAsync("ovsdb-server --monitor --pidfile=$PWD/a.pid --unixctl=$PWD/a.ctl "
            + "db > out 2>&1 < /dev/null & echo $! > parent");
        await UntilAsync(world, "test -s a.pid && timeout 5 ovs-appctl -t $PWD/a.ctl version");
        Assert.Equal(await world.SaysAsync("cat parent"),
            await world.SaysAsync("echo $(ps -o ppid= -p $(cat a.pid))"));
        await world.SaysAsync("cp a.pid old; kill -ABRT $(cat a.pid)");
        await UntilAsync(world, "test -s a.pid && ! cmp -s a.pid old && "
            + "timeout 5 ovs-appctl -t $PWD/a.ctl version");
        await world.SaysAsync("ovs-appctl -t $PWD/a.ctl exit");
        await UntilAsync(world, "! kill -0 $(cat parent)");
    }

    [Fact]
    public async Task A_daemon_that_cannot_start_says_why_and_leaves_no_pidfile()
    {
        using var world = await CreateAsync();
        foreach (var monitor in (string[])["", "--monitor"])
        {
            var result = await world.RunAsync("ovsdb-server --detach --no-chdir --pidfile=a.pid "
                + $"{monitor} --unixctl=$PWD/nonexistent/a.ctl db", Patience);
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("ovsdb-server:", result.Error);
            Assert.Contains("could not initialize control socket", result.Error);
            await world.SaysAsync("! test -e a.pid && ! test -e nonexistent");
        }

        var unknown = await world.RunAsync("ovsdb-server --nonsense db", Patience);
        Assert.Equal(1, unknown.ExitCode);
        Assert.Equal("ovsdb-server: unrecognized option '--nonsense'", unknown.Error.Trim());
    }

    [Fact]
    public async Task Control_sockets_answer_in_json_when_they_are_asked_to()
    {
        using var world = new DropInWorld("ovsdb-server", "ovsdb-tool", "pbm");
        File.WriteAllText($"{world.Folder}/schema", Schema);
        await world.SaysAsync("ovsdb-tool create db schema && ovsdb-server --detach --no-chdir "
            + "--pidfile --unixctl=$PWD/a.ctl -vconsole:off db", Patience);
        const string ask = "shims/pbm appctl -t $PWD/a.ctl";
        Assert.Equal("{\"reply-format\":\"plain\",\"reply\":\"_Server\\nordinals\\n\"}",
            await world.SaysAsync($"{ask} --format json ovsdb-server/list-dbs"));
        Assert.Contains("\"ovsdb-server/add-db\":\"DB\"",
            await world.SaysAsync($"{ask} --format json list-commands"));
        Assert.Equal("_Server\nordinals",
            await world.SaysAsync($"{ask} ovsdb-server/list-dbs"));
    }

    /// <summary>The SSL row's files serve Manager rows, and go with the row.</summary>
    [Fact]
    public async Task Managers_speak_tls_with_the_files_of_the_ssl_row()
    {
        using var world = new DropInWorld("ovsdb-server");
        const string row = "db:Open_vSwitch,SSL";
        await world.SaysAsync("""
            openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca
            openssl req -x509 -newkey rsa:2048 -nodes -keyout x.key -out x.pem -subj /CN=x
            for n in s c; do
              openssl req -newkey rsa:2048 -nodes -keyout $n.key -out $n.csr -subj /CN=$n
              openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $n.pem
            done
            """, Patience);
        await world.SaysAsync($"ovsdb-tool create conf.db {DropInWorld.Schema} && "
            + "ovsdb-server --detach --no-chdir --pidfile --remote=punix:$PWD/db.sock "
            + $"--log-file -vconsole:off --private-key={row},private_key "
            + $"--certificate={row},certificate --ca-cert={row},ca_cert "
            + "--remote=db:Open_vSwitch,Open_vSwitch,manager_options", Patience);
        await world.SaysAsync("ovs-vsctl --no-wait -- init -- set-ssl $PWD/s.key $PWD/s.pem "
            + "$PWD/ca.pem -- set-manager pssl:0:127.0.0.1");
        string port = "";
        Assert.True(await Poll.UntilAsync(async () => (port = (await world.RunAsync(
            "ovs-vsctl --no-wait get Manager . status:bound_port")).Output.Trim('"', '\n'))
            .Length > 0, Patience));
        const string list = "timeout 10 ovsdb-client -C ca.pem -p NAME.key -c NAME.pem list-dbs ";
        Assert.Contains("Open_vSwitch", await world.SaysAsync(
            $"{list.Replace("NAME", "c")} ssl:127.0.0.1:{port}"));
        Assert.NotEqual(0, (await world.RunAsync(
            $"{list.Replace("NAME", "x")} ssl:127.0.0.1:{port}")).ExitCode);
    }

    [GeneratedRegex(@"daemon_unix\(monitor\)\|ERR\|1 crashes: pid \d+ died, killed "
        + @"\(Segmentation fault\), restarting")]
    private static partial Regex Crash();
}
