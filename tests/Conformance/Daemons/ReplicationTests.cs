namespace Fabric.Conformance;

/// <summary>Active-backup: ours follows the stock server, and that follows ours.</summary>
public sealed class ReplicationTests
{
    private const string Schema = """
        {"name":"ordinals","version":"5.1.3","tables":{
        "ordinals":{"columns":{"number":{"type":"integer"},"name":{"type":"string"},
        "tags":{"type":{"key":"string","min":0,"max":"unlimited"}}}},
        "own":{"columns":{"name":{"type":"string"}}}}}
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static string Insert(int number) => """
        '["ordinals",{"op":"insert","table":"ordinals","row":{"number":NUMBER,"name":"x",
        "tags":["set",["a","b"]]}}]'
        """.Replace("NUMBER", $"{number}");

    private static string Dump(string socket) =>
        $"ovsdb-client dump unix:{socket} ordinals ordinals number name tags";

    /// <param name="active">Whose server is written, "ours" or "stock".</param>
    [Theory]
    [InlineData("ours", "stock")]
    [InlineData("stock", "ours")]
    [InlineData("ours", "ours")]
    public async Task A_backup_has_the_rows_refuses_writes_and_takes_over(
        string active, string backup)
    {
        using var world = new DropInWorld("ovsdb-server");
        File.WriteAllText($"{world.Folder}/schema", Schema);
        await world.SaysAsync("ovsdb-tool create a schema && ovsdb-tool create b schema");
        await world.SaysAsync($"{Program(active)} --detach --no-chdir --pidfile=$PWD/a.pid "
            + "--unixctl=$PWD/a.ctl --remote=punix:a.sock -vconsole:off a", Patience);
        await world.SaysAsync($"ovsdb-client transact unix:a.sock {Insert(1)}");
        await world.SaysAsync($"{Program(backup)} --detach --no-chdir --pidfile=$PWD/b.pid "
            + "--unixctl=$PWD/b.ctl --remote=punix:b.sock -vconsole:off --sync-from=unix:a.sock "
            + "--sync-exclude-tables=ordinals:own b", Patience);
        await SameAsync();
        Assert.Equal("state: backup\nreplicating: unix:a.sock\ndatabase: ordinals\n"
            + "exclude: ordinals:own", await world.SaysAsync(
                "ovs-appctl -t $PWD/b.ctl ovsdb-server/sync-status"));
        await world.SaysAsync($"ovsdb-client transact unix:a.sock {Insert(2)}");
        await world.SaysAsync("""
            ovsdb-client transact unix:a.sock '["ordinals",{"op":"mutate","table":"ordinals",
            "where":[["number","==",1]],"mutations":[["tags","delete",["set",["a"]]]]},
            {"op":"insert","table":"own","row":{"name":"here"}}]'
            """);
        await SameAsync();
        Assert.DoesNotContain("here", await world.SaysAsync(
            "ovsdb-client dump unix:b.sock ordinals own"));
        Assert.Contains("read only mode",
            await world.SaysAsync($"ovsdb-client transact unix:b.sock {Insert(3)}"));

        await world.SaysAsync("ovs-appctl -t $PWD/a.ctl exit");
        await world.SaysAsync(
            "ovs-appctl -t $PWD/b.ctl ovsdb-server/disconnect-active-ovsdb-server");
        Assert.Equal("state: active", await world.SaysAsync(
            "ovs-appctl -t $PWD/b.ctl ovsdb-server/sync-status"));
        Assert.Contains("uuid",
            await world.SaysAsync($"ovsdb-client transact unix:b.sock {Insert(3)}"));

        async Task SameAsync()
        {
            var wanted = await world.SaysAsync(Dump("a.sock"));
            Assert.True(await Poll.UntilAsync(
                async () => await world.SaysAsync(Dump("b.sock")) == wanted, Patience));
        }
    }

    [Fact]
    public async Task A_server_is_not_its_own_backup()
    {
        using var world = new DropInWorld("ovsdb-server");
        File.WriteAllText($"{world.Folder}/schema", Schema);
        await world.SaysAsync("ovsdb-tool create a schema");
        await world.SaysAsync("ovsdb-server --detach --no-chdir --pidfile=$PWD/a.pid "
            + "--unixctl=$PWD/a.ctl --remote=punix:a.sock -vconsole:off a", Patience);
        await world.SaysAsync("ovs-appctl -t $PWD/a.ctl ovsdb-server/set-active-ovsdb-server "
            + "unix:a.sock; ovs-appctl -t $PWD/a.ctl ovsdb-server/connect-active-ovsdb-server");
        Assert.True(await Poll.UntilAsync(async () => await world.SaysAsync(
            "ovs-appctl -t $PWD/a.ctl ovsdb-server/sync-status") == "state: active", Patience));
        Assert.Contains("uuid",
            await world.SaysAsync($"ovsdb-client transact unix:a.sock {Insert(1)}"));
    }

    private static string Program(string whose) =>
        whose == "stock" ? "/usr/sbin/ovsdb-server" : "ovsdb-server";
}
