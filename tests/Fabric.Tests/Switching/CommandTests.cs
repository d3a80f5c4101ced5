using System.Collections.Immutable;
using System.Text.Json;
using Fabric.Host;
using Fabric.Switching;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Switching;

public sealed class CommandTests : SwitchWorld
{
    private const string Packet = "in_port=p1,tcp,dl_src=50:54:00:00:00:01,"
        + "dl_dst=50:54:00:00:00:02,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tp_src=1000,"
        + "tp_dst=80";

    private const string Fields = "tcp,in_port=1,vlan_tci=0x0000,dl_src=50:54:00:00:00:01,"
        + "dl_dst=50:54:00:00:00:02,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_tos=0,nw_ecn=0,";

    private const string Rest = "nw_frag=no,tp_src=1000,tp_dst=80,tcp_flags=0";

    private readonly UnixctlCommands _commands = new();

    private async Task<string> RunAsync(string command, params string[] arguments) =>
        await _commands.RunAsync(new UnixctlRequest(command, [.. arguments], false));

    private void Setup(params FlowMod[] flows)
    {
        DatapathCommands.Register(_commands, Store, () => Datapath);
        BridgeCommands.Register(_commands, Store);
        DummyDeviceCommands.Register(_commands, Store);
        Want(Bridge("br0", Port("p1"), Port("p2")));
        Apply("br0", [FlowMod.Delete(FlowMod.AllTables, Match.Any), .. flows]);
    }

    [Fact]
    public async Task A_trace_reads_like_that_of_ovs_vswitchd()
    {
        Setup(
            FlowMod.Add(0, 32768, Match.Any, [new OfResubmit(1)]),
            FlowMod.Add(1, 100, new MatchBuilder().Set(MatchField.EthernetType, 0x0800).Build(),
                [new OfDecrementTtl(), new OfOutput(2)]) with
            { Cookie = 1 });
        var expected = $"""
            Flow: {Fields}nw_ttl=64,{Rest}

            bridge("br0")
            -------------
             0. priority 32768
                resubmit(,1)
             1. ip, priority 100, cookie 0x1
                dec_ttl
                output:2

            Final flow: {Fields}nw_ttl=63,{Rest}
            Megaflow: recirc_id=0,eth,tcp,in_port=1,nw_ttl=64,nw_frag=no
            Datapath actions: set(ipv4(ttl=63)),2

            """;
        Assert.Equal(expected, await RunAsync("ofproto/trace", "br0", Packet));
    }

    [Fact]
    public async Task A_trace_follows_recirculation_with_the_states_given()
    {
        Setup(
            FlowMod.Add(0, 1, new MatchBuilder().Set(MatchField.EthernetType, 0x0800).Build(),
                [new OfConntrack(false, false, 1, 5, null, 0, null, ActionList.Empty)]),
            FlowMod.Add(1, 1, new MatchBuilder().SetMasked(
                MatchField.ConntrackStateField, (UInt128)0x22, (UInt128)0x22).Build(),
                [new OfOutput(2)]));
        var text = await RunAsync("ofproto/trace", "br0", Packet, "--ct-next", "trk,est");
        Assert.Contains("recirc(0x1) - resume conntrack with ct_state=est|trk\n", text);
        Assert.Contains("    thaw\n        Resuming from table 1\n 1. ct_state=+est+trk", text);
        Assert.EndsWith("Datapath actions: 2\n", text);
    }

    [Fact]
    public async Task Flows_and_ports_are_shown_in_the_formats_that_tools_parse()
    {
        Setup(FlowMod.Add(0, 1, Match.Any, [new OfOutput(2)]));
        Memory("p1").Inject(Frame(1, 2));
        Assert.Matches(
            "^flow-dump from the main thread:\nrecirc_id\\(0\\),in_port\\(1\\),.*, packets:0, "
            + "bytes:0, used:never, actions:2\n$", await RunAsync("dpctl/dump-flows"));
        var shown = await RunAsync("dpif/show");
        Assert.StartsWith("dummy@ovs-dummy: hit:", shown);
        Assert.Contains(
            "\n  br0:\n    br0 65534/100: (dummy-internal)\n    p1 1/1: (dummy)\n", shown);
        Assert.Contains("  port 0: ovs-dummy (dummy-internal)\n  port 1: p1 (dummy)\n",
            await RunAsync("dpctl/show"));
        await RunAsync("revalidator/purge");
        Assert.Equal("", await RunAsync("dpctl/dump-flows"));
    }

    [Fact]
    public async Task A_dummy_device_receives_packets_and_flows_as_text()
    {
        Setup(FlowMod.Add(0, 1, Match.Any, [new OfOutput(2)]));
        const string Flow = "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),"
            + "eth_type(0x0800),ipv4(src=192.168.0.1,dst=192.168.0.2,proto=1,tos=0,ttl=64,"
            + "frag=no),icmp(type=8,code=0)";
        Assert.Empty(await RunAsync("netdev-dummy/receive", "p1", Flow));
        Assert.True(Memory("p2").TryTake(out var bytes));
        Assert.Equal(106, bytes.Length);
        await RunAsync("netdev-dummy/receive", "p1", Convert.ToHexString(bytes));
        Assert.True(Memory("p2").TryTake(out var again));
        Assert.Equal(bytes, again);
    }

    [Fact]
    public async Task A_traced_packet_is_learnt_from_but_goes_nowhere()
    {
        Setup(FlowMod.Add(0, 1, Match.Any, [new OfOutput(OfPort.Normal)]));
        await RunAsync("ofproto/trace", "br0", Packet);
        Assert.DoesNotContain(" 0  ", await RunAsync("fdb/show", "br0"));
        await RunAsync("ofproto/trace", "br0", Packet, "-generate");
        Assert.Contains(" 0  ", await RunAsync("fdb/show", "br0"));
        Assert.False(Memory("p2").TryTake(out _));
        Assert.Contains("n_packets=0, ", await RunAsync("bridge/dump-flows", "br0"));
    }

    [Fact]
    public async Task The_way_to_in_band_controllers_is_open_whatever_they_say()
    {
        const string Target = "tcp:10.9.8.7:6633";
        var bridge = Bridge("br0", Port("p1", request: 1)) with
        {
            FailMode = "secure",
            OtherConfig = None.Add("hwaddr", "aa:bb:cc:00:00:01"),
            Controllers = ImmutableSortedDictionary<string, ControllerSpec>.Empty.Add(
                Target, new ControllerSpec(Target, null, null, null, null, null, "", None)),
        };
        string[] expected =
        [
            "priority=180008,tcp,nw_src=10.9.8.7,tp_src=6633,actions=NORMAL",
            "priority=180007,tcp,nw_dst=10.9.8.7,tp_dst=6633,actions=NORMAL",
            "priority=180006,arp,arp_spa=10.9.8.7,arp_op=1,actions=NORMAL",
            "priority=180005,arp,arp_tpa=10.9.8.7,arp_op=2,actions=NORMAL",
            "priority=180002,arp,dl_src=aa:bb:cc:00:00:01,arp_op=1,actions=NORMAL",
            "priority=180001,arp,dl_dst=aa:bb:cc:00:00:01,arp_op=2,actions=NORMAL",
            "priority=180000,udp,in_port=LOCAL,dl_src=aa:bb:cc:00:00:01,tp_src=68,tp_dst=67,"
                + "actions=NORMAL",
        ];
        Setup();
        Want(bridge);
        Apply("br0", FlowMod.Delete(FlowMod.AllTables, Match.Any));
        var flows = (await RunAsync("bridge/dump-flows", "br0")).Split('\n')
            .Where(line => line.Contains("=1800", StringComparison.Ordinal))
            .Select(line => line[line.IndexOf("priority", StringComparison.Ordinal)..]);
        Assert.Equal(expected, flows);
        Want(bridge with { OtherConfig = bridge.OtherConfig.Add("disable-in-band", "true") });
        Assert.DoesNotContain("=1800", await RunAsync("bridge/dump-flows", "br0"));
    }

    [Theory]
    [InlineData("br0", "bogus=1", "Bad openflow flow syntax: bogus=1: unknown field bogus")]
    [InlineData("br0", "in_port=1,tp_dst=80", "Bad openflow flow syntax: in_port=1,tp_dst=80: "
        + "prerequisites not met for setting tp_dst")]
    [InlineData("br7", "in_port=1", "br7: unknown bridge")]
    [InlineData("br7", "in_port(1),eth()", "Cannot find the datapath")]
    public async Task A_trace_of_nothing_says_what_is_wrong(
        string where, string flow, string expected)
    {
        Setup();
        var error = await Assert.ThrowsAsync<UnixctlException>(
            () => RunAsync("ofproto/trace", where, flow));
        Assert.Equal(expected, error.Message);
    }

    [Fact]
    public async Task A_trace_takes_the_packet_in_digits_and_tells_ports_by_name()
    {
        Setup(FlowMod.Add(0, 1, Match.Any, [new OfOutput(2)]));
        const string Bytes = "50540000000750540000000508004500001400000000400600000a0000010a000002";
        var text = await RunAsync("ofproto/trace", "br0", "in_port=1", Bytes, "--names");
        Assert.StartsWith("Flow: tcp,in_port=p1,", text);
        Assert.Contains("    output:p2\n", text);
        Assert.Contains("Datapath actions: p2", text);
    }

    [Fact]
    public async Task A_packet_out_is_traced_before_it_is_sent()
    {
        Setup(FlowMod.Add(0, 1, Match.Any, [new OfOutput(2)]));
        var text = await RunAsync(
            "ofproto/trace-packet-out", "br0", Packet, "dec_ttl,resubmit(,0)");
        Assert.Contains("    dec_ttl\n    resubmit(,0)\n 0. priority 1\n    output:2\n", text);
    }

    [Fact]
    public async Task A_dump_with_all_fields_shows_the_packet_that_made_the_flow()
    {
        Setup(FlowMod.Add(0, 1, Match.Any, [new OfOutput(2)]));
        await RunAsync("netdev-dummy/receive", "p1", "in_port(1),eth(src=50:54:00:00:00:05,"
            + "dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(src=192.168.0.1,dst=192.168.0.2,"
            + "proto=17,tos=0,ttl=64,frag=no),udp(src=8,dst=80)");
        var text = await RunAsync("dpctl/dump-flows", "-m");
        Assert.Contains("ipv4(src=192.168.0.1/0.0.0.0,dst=192.168.0.2/0.0.0.0,proto=17/0,"
            + "tos=0/0,ttl=64/0,frag=no),udp(src=8/0,dst=80/0), packets:0", text);
    }

    [Fact]
    public async Task Without_megaflows_a_flow_is_for_one_kind_of_packet_only()
    {
        Setup(FlowMod.Add(0, 1, Match.Any, [new OfOutput(2)]));
        const string First = "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),"
            + "eth_type(0x0800),ipv4(src=192.168.0.1,dst=192.168.0.2,proto=17,tos=0,ttl=64,frag=no)"
            + ",udp(src=8,dst=80)";
        Assert.Equal("megaflows disabled\n", await RunAsync("upcall/disable-megaflows"));
        await RunAsync("netdev-dummy/receive", "p1", First, First.Replace("ttl=64", "ttl=63"));
        var text = await RunAsync("dpctl/dump-flows");
        Assert.Contains("ttl=64,frag=no),udp(src=8,dst=80), packets:0", text);
        Assert.Contains("ttl=63,frag=no),udp(src=8,dst=80), packets:0", text);
        Assert.Equal("megaflows enabled\n", await RunAsync("upcall/enable-megaflows"));
        Assert.Empty(await RunAsync("dpctl/dump-flows"));
    }

    [Theory]
    [InlineData("filter=udp", true)]
    [InlineData("filter=in_port=1,ip,nw_src=10.0.0.9", true)] // The flow does not look at nw_src.
    [InlineData("filter=arp", false)]
    [InlineData("filter=in_port=2", false)]
    public async Task A_dump_shows_the_flows_that_a_filter_takes(string filter, bool isThere)
    {
        Setup(FlowMod.Add(0, 1, Match.Any, [new OfOutput(2)]));
        await RunAsync("netdev-dummy/receive", "p1", "in_port(1),eth(src=50:54:00:00:00:05,"
            + "dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(src=192.168.0.1,dst=192.168.0.2,"
            + "proto=17,tos=0,ttl=64,frag=no),udp(src=8,dst=80)");
        Assert.Equal(isThere, (await RunAsync("dpctl/dump-flows", filter)).Length > 0);
    }

    [Fact]
    public async Task Protected_ports_do_not_send_to_one_another()
    {
        DatapathCommands.Register(_commands, Store, () => Datapath);
        BridgeCommands.Register(_commands, Store);
        Want(Bridge("br0", Port("p1") with { IsProtected = true },
            Port("p2") with { IsProtected = true }, Port("p3")));
        Apply("br0", FlowMod.Add(0, 1, Match.Any, [new OfOutput(OfPort.Normal)]));
        Assert.Equal(["p3"], Send("p1", Frame(1, 2), "p2", "p3"));
        Assert.Equal(["p1", "p2"], Send("p3", Frame(3, 9), "p1", "p2"));
        Assert.Contains(">> Flow is between protected ports, skipping output.",
            await RunAsync("ofproto/trace", "br0", "in_port=p1,dl_src=50:54:00:00:00:01"));
    }

    [Fact]
    public async Task A_trace_is_told_to_programs_as_JSON()
    {
        Setup(
            FlowMod.Add(0, 32768, Match.Any, [new OfResubmit(1)]),
            FlowMod.Add(1, 100, Match.Any, [new OfOutput(2)]));
        using var json = JsonDocument.Parse(
            await RunAsync("ofproto/trace", "br0", Packet, "--json"));
        var round = Assert.Single(json.RootElement.EnumerateArray().ToArray());
        Assert.Equal("2", round.GetProperty("datapath_actions").GetString());
        Assert.StartsWith("recirc_id=0,eth,", round.GetProperty("megaflow").GetString());
        var bridge = round.GetProperty("steps")[0];
        Assert.Equal("bridge", bridge.GetProperty("kind").GetString());
        var table = bridge.GetProperty("steps")[0];
        Assert.Equal("0. priority 32768", table.GetProperty("text").GetString());
        Assert.Equal("resubmit(,1)", table.GetProperty("steps")[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task A_bridge_that_is_not_there_is_an_error()
    {
        Setup();
        var error = await Assert.ThrowsAsync<UnixctlException>(() => RunAsync("fdb/show", "br9"));
        Assert.Equal("no such bridge", error.Message);
    }
}
