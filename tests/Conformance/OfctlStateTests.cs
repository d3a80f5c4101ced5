namespace Fabric.Conformance;

/// <summary>ovs-ofctl's groups, meters, ports and statistics.</summary>
public sealed class OfctlStateTests(OneHost host) : IClassFixture<OneHost>
{
    private async Task<string> BridgeAsync(string name)
    {
        await host.SaysAsync($"ovs-vsctl add-br {name} -- add-port {name} {name}p "
            + $"-- set Interface {name}p type=internal");
        return name;
    }

    [Fact]
    public async Task Groups_are_added_dumped_changed_and_deleted_with_their_flows()
    {
        var bridge = await BridgeAsync("grp0");
        var ofctl = "ovs-ofctl -O OpenFlow13";
        await host.SaysAsync($"{ofctl} add-group {bridge} "
            + "group_id=1,type=all,bucket=output:LOCAL,bucket=output:1");
        Assert.Contains(
            "group_id=1,type=all,bucket=actions=LOCAL,bucket=actions=output:1",
            await host.LinesAsync($"{ofctl} dump-groups {bridge}"));
        Assert.Contains("OFPGMFC_GROUP_EXISTS", await host.RefusesAsync(
            $"{ofctl} add-group {bridge} group_id=1,type=all,bucket=output:LOCAL"));

        await host.SaysAsync($"{ofctl} add-flow {bridge} table=5,actions=group:1");
        Assert.Contains("OFPBAC_BAD_OUT_GROUP", await host.RefusesAsync(
            $"{ofctl} add-flow {bridge} table=5,ip,actions=group:77"));
        Assert.Contains("group_id=1,",
            await host.SaysAsync($"{ofctl} dump-group-stats {bridge}"));

        await host.SaysAsync(
            $"{ofctl} mod-group {bridge} group_id=1,type=indirect,bucket=output:LOCAL");
        Assert.Contains("group_id=1,type=indirect,bucket=actions=LOCAL",
            await host.LinesAsync($"{ofctl} dump-groups {bridge}"));
        await host.SaysAsync($"{ofctl} del-groups {bridge} group_id=1");
        Assert.Single(await host.LinesAsync($"{ofctl} dump-groups {bridge}")); // The heading.
        Assert.Empty(await host.FlowsAsync(bridge, "table=5"));
    }

    [Fact]
    public async Task Buckets_are_inserted_in_version_15()
    {
        var bridge = await BridgeAsync("bkt0");
        await host.SaysAsync($"ovs-ofctl -O OpenFlow15 add-group {bridge} "
            + "group_id=7,type=select,bucket=bucket_id:1,weight:5,actions=LOCAL");
        await host.SaysAsync($"ovs-ofctl -O OpenFlow15 insert-buckets {bridge} "
            + "group_id=7,command_bucket_id=last,bucket=bucket_id:9,weight:6,actions=output:1");
        var groups = await host.SaysAsync($"ovs-ofctl -O OpenFlow15 dump-groups {bridge}");
        Assert.Contains("bucket=bucket_id:1,weight:5,actions=LOCAL,bucket=bucket_id:9,weight:6,"
            + "actions=output:1", groups);
    }

    [Fact]
    public async Task Meters_are_added_dumped_changed_and_deleted()
    {
        var bridge = await BridgeAsync("met0");
        var ofctl = "ovs-ofctl -O OpenFlow13";
        await host.SaysAsync($"{ofctl} add-meter {bridge} meter=1,kbps,band=type=drop,rate=1000");
        var meters = await host.SaysAsync($"{ofctl} dump-meters {bridge}");
        Assert.Contains("meter=1 kbps bands=", meters);
        Assert.Contains("type=drop rate=1000", meters);
        Assert.Contains("OFPMMFC_METER_EXISTS", await host.RefusesAsync(
            $"{ofctl} add-meter {bridge} meter=1,kbps,band=type=drop,rate=1"));
        Assert.Contains("meter:1", await host.SaysAsync($"{ofctl} meter-stats {bridge}"));
        await host.SaysAsync($"{ofctl} mod-meter {bridge} meter=1,pktps,band=type=drop,rate=5");
        Assert.Contains("meter=1 pktps bands=",
            await host.SaysAsync($"{ofctl} dump-meters {bridge} meter=1"));
        await host.SaysAsync($"{ofctl} del-meters {bridge}");
        Assert.Single(await host.LinesAsync($"{ofctl} dump-meters {bridge}")); // The heading.
    }

    [Theory]
    [InlineData("OpenFlow10")]
    [InlineData("OpenFlow13")]
    [InlineData("OpenFlow15")]
    public async Task Port_statistics_name_every_port(string version)
    {
        var bridge = await BridgeAsync("st" + version[^2..]);
        var all = await host.SaysAsync($"ovs-ofctl -O {version} dump-ports {bridge}");
        Assert.Contains("2 ports", all);
        Assert.Contains("port  1: rx pkts=", all);
        Assert.Contains("port LOCAL: rx pkts=", all);
        Assert.Contains("1 ports",
            await host.SaysAsync($"ovs-ofctl -O {version} dump-ports {bridge} {bridge}p"));
        Assert.Contains($" 1({bridge}p): addr:",
            await host.SaysAsync($"ovs-ofctl -O {version} dump-ports-desc {bridge}"));
    }

    [Fact]
    public async Task Aggregates_and_tables_count_flows()
    {
        var bridge = await BridgeAsync("agg0");
        await host.SaysAsync($"ovs-ofctl del-flows {bridge}");
        await host.SaysAsync($"ovs-ofctl add-flow {bridge} ip,actions=drop");
        await host.SaysAsync($"ovs-ofctl add-flow {bridge} arp,actions=drop");
        await host.SaysAsync($"ovs-ofctl add-flow {bridge} table=3,actions=drop");
        Assert.Contains("flow_count=3",
            await host.SaysAsync($"ovs-ofctl dump-aggregate {bridge}"));
        Assert.Contains("flow_count=2",
            await host.SaysAsync($"ovs-ofctl dump-aggregate {bridge} table=0"));
        Assert.Contains("active=2", await host.SaysAsync($"ovs-ofctl dump-tables {bridge}"));
    }

    [Fact]
    public async Task A_port_goes_down_and_up()
    {
        var bridge = await BridgeAsync("dwn0");
        await host.SaysAsync($"ovs-ofctl mod-port {bridge} {bridge}p down");
        Assert.Contains("PORT_DOWN", await host.SaysAsync($"ovs-ofctl show {bridge}"));
        await host.SaysAsync($"ovs-ofctl mod-port {bridge} {bridge}p up");
        Assert.DoesNotContain("PORT_DOWN", await host.SaysAsync($"ovs-ofctl show {bridge}"));
    }

    [Fact]
    public async Task Tunnel_metadata_is_mapped()
    {
        var bridge = await BridgeAsync("tlv0");
        await host.SaysAsync(
            $"ovs-ofctl add-tlv-map {bridge} '{{class=0xffff,type=0,len=4}}->tun_metadata0'");
        Assert.Contains("tun_metadata0", await host.SaysAsync($"ovs-ofctl dump-tlv-map {bridge}"));
        await host.SaysAsync($"ovs-ofctl del-tlv-map {bridge}");
        Assert.DoesNotContain(
            "tun_metadata0", await host.SaysAsync($"ovs-ofctl dump-tlv-map {bridge}"));
    }

    [Fact]
    public async Task A_packet_out_is_taken_and_the_switch_answers_probes()
    {
        var bridge = await BridgeAsync("out0");
        await host.SaysAsync($"ovs-ofctl packet-out {bridge} "
            + "in_port=LOCAL,packet=ffffffffffff02000000000108060001080006040001,actions=1");
        await host.SaysAsync($"ovs-ofctl probe {bridge}");
        Assert.Contains("DP Description: None",
            await host.SaysAsync($"ovs-ofctl dump-desc {bridge}"));
    }
}
