using System.Diagnostics;
using System.Text.Json;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>ovsdb-client: the OVSDB protocol (RFC 7047) itself.</summary>
public sealed class OvsdbClientTests(OneHost host) : IClassFixture<OneHost>
{
    [Fact]
    public async Task Databases_and_their_tables_are_listed()
    {
        Assert.Superset(
            new HashSet<string> { "Open_vSwitch", "OVN_Northbound", "_Server" },
            (await host.LinesAsync($"ovsdb-client list-dbs {host.DatabaseSocket}")).ToHashSet());
        Assert.Superset(
            new HashSet<string> { "Open_vSwitch", "Bridge", "Port", "Interface", "Mirror", "QoS" },
            (await host.LinesAsync(
                $"ovsdb-client list-tables {host.DatabaseSocket} Open_vSwitch")).ToHashSet());
    }

    [Theory]
    [InlineData("Open_vSwitch", "Bridge")]
    [InlineData("OVN_Northbound", "Logical_Switch")]
    public async Task A_schema_is_json_with_its_version(string database, string table)
    {
        using var schema = JsonDocument.Parse(
            await host.SaysAsync($"ovsdb-client get-schema {host.DatabaseSocket} {database}"));
        Assert.Equal(database, schema.RootElement.GetProperty("name").GetString());
        Assert.True(schema.RootElement.GetProperty("tables").TryGetProperty(table, out _));
        Assert.Equal(schema.RootElement.GetProperty("version").GetString(),
            await host.SaysAsync(
                $"ovsdb-client get-schema-version {host.DatabaseSocket} {database}"));
    }

    [Fact]
    public async Task A_dump_is_a_table_of_rows()
    {
        await host.SaysAsync("ovs-vsctl add-br dump0");
        var dump = await host.LinesAsync(
            $"ovsdb-client dump {host.DatabaseSocket} Open_vSwitch Bridge name");
        Assert.Equal(["Bridge table", "name"], dump[..2]);
        Assert.Contains("dump0", dump[2..]);
    }

    private async Task<JsonElement[]> TransactAsync(string operations)
    {
        var output = await host.SaysAsync(
            $"ovsdb-client transact {host.DatabaseSocket} '[\"Open_vSwitch\",{operations}]'");
        using var json = JsonDocument.Parse(output);
        return [.. json.RootElement.Clone().EnumerateArray()];
    }

    [Theory]
    [InlineData("""{"op":"insert","table":"Mirror","row":{"name":"x","select_vlan":["set",[9999]]}}""", "constraint violation")]
    [InlineData("""{"op":"update","table":"Port","where":[],"row":{"tag":4096}}""", "constraint violation")]
    [InlineData("""{"op":"abort"}""", "aborted")]
    [InlineData("""{"op":"wait","timeout":0,"table":"Bridge","where":[["name","==","br-int"]],"columns":["name"],"until":"==","rows":[]}""", "timed out")]
    [InlineData("""{"op":"select","table":"Bridge","where":[["nocol","==","x"]]}""", "unknown column")]
    [InlineData("""{"op":"insert","table":"Bridge","row":{"name":5}}""", "syntax error")]
    [InlineData("""{"op":"frob"}""", "syntax error")]
    public async Task An_operation_that_fails_has_an_error_object(string operation, string error)
    {
        var result = Assert.Single(await TransactAsync(operation));
        Assert.Equal(error, result.GetProperty("error").GetString());
        Assert.NotEqual("", result.GetProperty("details").GetString());
    }

    [Fact]
    public async Task A_dangling_reference_is_an_error_of_the_commit()
    {
        var results = await TransactAsync(
            """{"op":"insert","table":"QoS","row":{"type":"linux-htb","queues":["map","""
            + """[[0,["uuid","00000000-0000-0000-0000-000000000001"]]]]}}""");
        Assert.Equal(2, results.Length); // One more than operations: it came at the end.
        Assert.Equal("referential integrity violation",
            results[1].GetProperty("error").GetString());
    }

    [Fact]
    public async Task What_an_operation_failed_takes_the_others_back()
    {
        var results = await TransactAsync(
            """{"op":"insert","table":"QoS","row":{"type":"kept"}},{"op":"abort"},"""
            + """{"op":"comment","comment":"never"}""");
        Assert.Equal("aborted", results[1].GetProperty("error").GetString());
        Assert.Equal(JsonValueKind.Null, results[2].ValueKind);
        var rows = Assert.Single(await TransactAsync(
            """{"op":"select","table":"QoS","where":[["type","==","kept"]]}"""));
        Assert.Equal(0, rows.GetProperty("rows").GetArrayLength());
    }

    [Fact]
    public async Task An_unknown_database_is_refused() =>
        Assert.Contains("unknown database", await host.RefusesAsync(
            $"ovsdb-client transact {host.DatabaseSocket} "
            + """'["Nope",{"op":"comment","comment":"x"}]'"""));

    [Fact]
    public async Task A_monitor_tells_the_initial_rows_and_then_one_change()
    {
        await host.SaysAsync("ovs-vsctl add-br mon0");
        using var monitor = Process.Start(Shell.Info("ovsdb-client",
            ["--timeout=30", "--format=json", "monitor", host.DatabaseSocket, "Open_vSwitch",
                "Bridge", "name", "external_ids"],
            host.Node.Environment))!;
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            var initial = await monitor.StandardOutput.ReadLineAsync(limit.Token);
            Assert.Contains("\"initial\",\"mon0\"", initial);

            await host.SaysAsync("ovs-vsctl set Bridge mon0 external_ids:seen=yes");
            var change = await monitor.StandardOutput.ReadLineAsync(limit.Token);
            Assert.Contains("\"old\",null,[\"map\",[]]", change);
            Assert.Contains("\"new\",\"mon0\",[\"map\",[[\"seen\",\"yes\"]]]", change);
        }
        finally
        {
            monitor.Kill();
            await monitor.WaitForExitAsync();
        }
    }
}
