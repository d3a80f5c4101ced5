namespace Fabric.Conformance;

/// <summary>ovs-ofctl's flows, in every version of OpenFlow that the stock tool speaks.</summary>
public sealed class OfctlTests(OneHost host) : IClassFixture<OneHost>
{
    private async Task<string> BridgeAsync(string name)
    {
        await host.SaysAsync($"ovs-vsctl add-br {name} -- add-port {name} {name}p "
            + $"-- set Interface {name}p type=internal");
        await host.SaysAsync($"ovs-ofctl del-flows {name}");
        return name;
    }

    [Fact]
    public async Task A_new_bridge_switches_as_a_learning_switch()
    {
        await host.SaysAsync("ovs-vsctl add-br new0");
        Assert.Equal(["priority=0 actions=NORMAL"], await host.FlowsAsync("new0"));
    }

    [Fact]
    public async Task Show_lists_the_ports_by_number_and_name()
    {
        var bridge = await BridgeAsync("show");
        var id = await host.SaysAsync($"ovs-vsctl get Bridge {bridge} datapath_id");
        var show = await host.SaysAsync($"ovs-ofctl show {bridge}");
        Assert.Contains($"dpid:{id.Trim('"')}", show);
        Assert.Contains($" 1({bridge}p): addr:", show);
        Assert.Contains($" LOCAL({bridge}): addr:", show);
    }

    [Theory]
    [InlineData("OpenFlow10")]
    [InlineData("OpenFlow11")]
    [InlineData("OpenFlow12")]
    [InlineData("OpenFlow13")]
    [InlineData("OpenFlow14")]
    [InlineData("OpenFlow15")]
    public async Task A_flow_is_added_and_dumped_in_each_version(string version)
    {
        var bridge = await BridgeAsync("v" + version[^2..]);
        await host.SaysAsync($"ovs-ofctl -O {version} add-flow {bridge} "
            + "cookie=0x5,table=1,priority=10,tcp,nw_dst=10.0.0.0/24,tp_dst=80,"
            + "actions=dec_ttl,LOCAL");
        var line = Assert.Single(
            await host.LinesAsync($"ovs-ofctl -O {version} dump-flows {bridge}"),
            line => line.Contains("cookie", StringComparison.Ordinal));
        Assert.Contains("cookie=0x5", line);
        Assert.Contains("table=1", line);
        Assert.Contains("n_packets=0, n_bytes=0", line);
        Assert.EndsWith(
            "priority=10,tcp,nw_dst=10.0.0.0/24,tp_dst=80 actions=dec_ttl,LOCAL", line);
    }

    [Fact]
    public async Task A_bridge_speaks_only_the_versions_it_is_told_to()
    {
        var bridge = await BridgeAsync("vers");
        await host.SaysAsync($"ovs-vsctl set Bridge {bridge} protocols=OpenFlow13");
        Assert.Contains("version negotiation failed",
            await host.RefusesAsync($"ovs-ofctl -O OpenFlow10 show {bridge}"));
        await host.SaysAsync($"ovs-ofctl -O OpenFlow13 show {bridge}");
    }

    [Fact]
    public async Task Flows_come_from_a_file_all_or_up_to_the_bad_line()
    {
        var bridge = await BridgeAsync("file0");
        var good = host.Write("good.flows", """
            # A comment, then flows.
            table=1,priority=20,icmp,actions=NORMAL

            table=1,ip,nw_dst=10.0.0.0/24,actions=dec_ttl,LOCAL
            """);
        await host.SaysAsync($"ovs-ofctl add-flows {bridge} {good}");
        Assert.Equal(2, (await host.FlowsAsync(bridge, "table=1")).Length);
        Assert.Equal("", await host.SaysAsync($"ovs-ofctl diff-flows {bridge} {good}"));

        var bad = host.Write("bad.flows", "icmp,actions=NORMAL\nip,actions=bogus\n");
        Assert.Contains("bad.flows:2: unknown action bogus",
            await host.RefusesAsync($"ovs-ofctl add-flows {bridge} {bad}"));
    }

    [Fact]
    public async Task Strict_deletes_only_the_very_flow()
    {
        var bridge = await BridgeAsync("del0");
        await host.SaysAsync($"ovs-ofctl add-flow {bridge} priority=10,tcp,tp_dst=80,actions=drop");
        await host.SaysAsync($"ovs-ofctl --strict del-flows {bridge} priority=9,tcp,tp_dst=80");
        await host.SaysAsync($"ovs-ofctl --strict del-flows {bridge} priority=10,tcp");
        Assert.Single(await host.FlowsAsync(bridge));
        await host.SaysAsync($"ovs-ofctl --strict del-flows {bridge} priority=10,tcp,tp_dst=80");
        Assert.Empty(await host.FlowsAsync(bridge));
    }

    [Fact]
    public async Task Loose_deletes_and_modifies_what_the_match_covers()
    {
        var bridge = await BridgeAsync("mod0");
        await host.SaysAsync($"ovs-ofctl add-flow {bridge} priority=10,tcp,tp_dst=80,actions=drop");
        await host.SaysAsync($"ovs-ofctl add-flow {bridge} priority=11,udp,actions=drop");
        await host.SaysAsync($"ovs-ofctl mod-flows {bridge} tcp,actions=LOCAL");
        Assert.Equal(
            ["priority=11,udp actions=drop", "priority=10,tcp,tp_dst=80 actions=LOCAL"],
            await host.FlowsAsync(bridge));
        await host.SaysAsync($"ovs-ofctl del-flows {bridge} tcp");
        Assert.Equal(["priority=11,udp actions=drop"], await host.FlowsAsync(bridge));
    }

    [Fact]
    public async Task Cookies_select_flows()
    {
        var bridge = await BridgeAsync("cook0");
        await host.SaysAsync($"ovs-ofctl add-flow {bridge} cookie=0x5,ip,actions=NORMAL");
        await host.SaysAsync($"ovs-ofctl add-flow {bridge} cookie=0x6,arp,actions=NORMAL");
        Assert.Equal(["cookie=0x5, ip actions=NORMAL"],
            await host.FlowsAsync(bridge, "cookie=0x5/-1"));
        await host.SaysAsync($"ovs-ofctl del-flows {bridge} cookie=0x5/-1");
        Assert.Equal(["cookie=0x6, arp actions=NORMAL"], await host.FlowsAsync(bridge));
    }

    [Fact]
    public async Task A_bundle_is_all_or_nothing()
    {
        var bridge = await BridgeAsync("bun0");
        var flows = host.Write("bundle.flows", "table=1,ip,actions=drop\ntable=2,actions=drop\n");
        await host.SaysAsync($"ovs-ofctl --bundle add-flows {bridge} {flows}");
        Assert.Equal(2, (await host.FlowsAsync(bridge)).Length);

        // The group does not exist, so that the second message fails and takes the first along.
        var bad = host.Write("bundle.bad",
            "flow add table=3,actions=drop\nflow add table=4,actions=group:77\n");
        Assert.Contains("OFPBAC_BAD_OUT_GROUP",
            await host.RefusesAsync($"ovs-ofctl -O OpenFlow14 bundle {bridge} {bad}"));
        Assert.Equal(2, (await host.FlowsAsync(bridge)).Length);

        var other = host.Write("replace.flows", "table=5,arp,actions=drop\n");
        await host.SaysAsync($"ovs-ofctl --bundle replace-flows {bridge} {other}");
        Assert.Equal(["table=5, arp actions=drop"], await host.FlowsAsync(bridge));
    }

    [Fact]
    public async Task A_flow_with_a_hard_timeout_ends_by_itself()
    {
        var bridge = await BridgeAsync("time0");
        await host.SaysAsync($"ovs-ofctl add-flow {bridge} hard_timeout=1,ip,actions=drop");
        Assert.True(await Poll.UntilAsync(
            async () => (await host.FlowsAsync(bridge)).Length == 0, TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task Overlapping_flows_are_refused_when_asked_for()
    {
        var bridge = await BridgeAsync("over0");
        await host.SaysAsync($"ovs-ofctl add-flow {bridge} priority=3,actions=drop");
        Assert.Contains("OFPFMFC_OVERLAP", await host.RefusesAsync(
            $"ovs-ofctl add-flow {bridge} check_overlap,priority=3,ip,actions=drop"));
        Assert.Single(await host.FlowsAsync(bridge));
    }

    [Theory]
    [InlineData("add-flow br-int bogus=1,actions=drop", "unknown keyword bogus")]
    [InlineData("add-flow br-int actions=bogus", "unknown action bogus")]
    [InlineData("add-flow br-int tcp,tp_dst=70000,actions=drop", "70000: value too large for 2-byte field tcp_dst")]
    [InlineData("add-flow nobr actions=drop", "nobr is not a bridge or a socket")]
    [InlineData("-O OpenFlow16 show br-int", "Unknown OpenFlow version: \"OpenFlow16\"")]
    public async Task A_refusal_says_what_is_wrong(string command, string complaint) =>
        Assert.Contains(complaint, await host.RefusesAsync($"ovs-ofctl {command}"));
}
