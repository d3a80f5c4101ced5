using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Switching;

namespace Fabric.Tests.Controllers;

/// <summary>The stock ovs-ofctl against our sockets, with a switch of lists behind them.</summary>
public sealed class OvsOfctlTests : IDisposable
{
    private const string Tool = "/usr/bin/ovs-ofctl";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly string _directory = Directory.CreateTempSubdirectory("fx-openflow-").FullName;
    private readonly ActorSystem _system = ActorSystem.Create("controllers");

    private string Socket => Path.Combine(_directory, "br0.mgmt");

    public OvsOfctlTests()
    {
        var empty = ImmutableSortedDictionary<string, string>.Empty;
        var spec = new BridgeSpec("br0", "netdev", null, [],
            ImmutableSortedDictionary<string, ControllerSpec>.Empty,
            ImmutableSortedDictionary<string, PortSpec>.Empty,
            ImmutableSortedDictionary<string, MirrorSpec>.Empty, empty, empty);
        var bridge = _system.ActorOf(Akka.Actor.Props.Create(() => new MemorySwitch()), "br0");
        var listeners =
            _system.ActorOf(OpenFlowListenersActor.Props(_directory, TimeProvider.System),
            "openflow");
        listeners.Tell(new ServeOpenFlow("br0", bridge, spec));
    }

    public void Dispose()
    {
        _system.Terminate().Wait(Deadline);
        Directory.Delete(_directory, recursive: true);
    }

    private void WaitForSocket()
    {
        var clock = Stopwatch.StartNew();
        while (!ListeningSocket.IsAt(Socket) && clock.Elapsed < Deadline) Thread.Yield();
        Assert.True(ListeningSocket.IsAt(Socket), "the socket did not appear");
    }

    private static void Quiet(string output) => Assert.True(output.Length == 0, output);

    private string Run(params string[] arguments) => Run(null, arguments);

    private string Run(string? input, string[] arguments)
    {
        Assert.True(File.Exists(Tool),
            "ovs-ofctl is not installed: apt-get install openvswitch-common");
        WaitForSocket();
        var start = new ProcessStartInfo(Tool)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument == "br0"
            ? "unix:" + Socket : argument);
        start.Environment["OVS_RUNDIR"] = _directory;
        using var process = Process.Start(start)!;
        if (input is not null) process.StandardInput.Write(input);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(Deadline));
        return (output + errors.Result).ReplaceLineEndings("\n");
    }

    [Fact]
    public void Show_prints_features_ports_and_configuration()
    {
        var text = Run("show", "br0");
        Assert.Contains("dpid:0000020000000001", text);
        Assert.Contains("n_tables:254, n_buffers:0", text);
        Assert.Contains("capabilities: FLOW_STATS TABLE_STATS PORT_STATS QUEUE_STATS ARP_MATCH_IP",
            text);
        Assert.Contains("1(p1): addr:02:00:00:00:00:01", text);
        Assert.Contains("current:    10GB-FD COPPER", text);
        Assert.Contains("frags=normal miss_send_len=0", text);
    }

    [Theory]
    [InlineData("OpenFlow10")]
    [InlineData("OpenFlow11")]
    [InlineData("OpenFlow12")]
    [InlineData("OpenFlow13")]
    [InlineData("OpenFlow14")]
    [InlineData("OpenFlow15")]
    public void Flows_come_back_as_they_were_added(string version)
    {
        string[] o = ["-O", version];
        Quiet(Run([.. o, "add-flow", "br0",
            "priority=100,in_port=1,ip,nw_src=10.0.0.0/8,actions=output:2,CONTROLLER:100"]));
        Quiet(Run([.. o, "add-flow", "br0", "cookie=0x5,priority=7,tcp,tp_dst=80,actions=NORMAL"]));
        var text = Run([.. o, "--no-stats", "dump-flows", "br0"]);
        Assert.Contains(
            "priority=100,ip,in_port=1,nw_src=10.0.0.0/8 actions=output:2,CONTROLLER:100", text);
        Assert.Contains("cookie=0x5, ", text);
        Assert.Contains("priority=7,tcp,tp_dst=80 actions=NORMAL", text);
        Run([.. o, "del-flows", "br0", "tcp"]);
        Assert.DoesNotContain("tp_dst", Run([.. o, "dump-flows", "br0"]));
        Assert.Contains("flow_count=1", Run([.. o, "dump-aggregate", "br0"]));
    }

    [Theory]
    [InlineData("OpenFlow10")]
    [InlineData("OpenFlow13")]
    [InlineData("OpenFlow15")]
    public void Nicira_flows_survive_the_wire(string version)
    {
        string[] flows =
        [
            "table=5,priority=1,reg0=0x1/0xff,metadata=0x2,ct_state=+trk+est,ip,"
                + "actions=resubmit(,6)",
            "priority=2,reg14=3,actions=load:0x1->NXM_NX_REG0[],"
                + "move:NXM_NX_REG0[]->NXM_NX_REG1[],resubmit(,10)",
            "priority=3,ip,actions=ct(commit,table=1,zone=NXM_NX_REG13[0..15],"
                + "nat(src=10.0.0.1),exec(load:0x1->NXM_NX_CT_MARK[]))",
            "priority=4,actions=learn(table=1,hard_timeout=10,NXM_OF_VLAN_TCI[0..11],"
                + "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),"
                + "controller(userdata=00.01.02,pause)",
            "priority=5,ip,actions=push:NXM_NX_REG0[],pop:NXM_NX_REG1[],clone(output:2),"
                + "check_pkt_larger(100)->NXM_NX_REG0[0],dec_ttl,ct_clear",
        ];
        foreach (var flow in flows) Quiet(Run("-O", version, "add-flow", "br0", flow));
        var text = Run("-O", version, "--no-stats", "dump-flows", "br0");
        Assert.Contains("ct_state=+est+trk,ip,reg0=0x1/0xff,metadata=0x2 actions=resubmit(,6)",
            text);
        Assert.Contains("nat(src=10.0.0.1)", text);
        Assert.Contains("learn(table=1,hard_timeout=10", text);
        Assert.Contains("userdata=00.01.02", text);
        Assert.Contains("clone(output:2)", text);
    }

    [Fact]
    public void Ten_thousand_flows_arrive_through_a_file_and_in_a_bundle()
    {
        var input =
            string.Concat(Enumerable.Range(0, 10_000).Select(i =>
            $"priority={i % 60000},ip,nw_src=10.0.{i / 256}.{i % 256},actions=output:2\n"));
        Quiet(Run(input, ["add-flows", "br0", "-"]));
        Assert.Contains("flow_count=10000", Run("dump-aggregate", "br0"));
        Assert.Equal(10_000,
            Run("--no-stats", "dump-flows", "br0").Split('\n').Count(line =>
            line.Contains("nw_src")));
        Run("del-flows", "br0");
        Quiet(Run(input, ["-O", "OpenFlow14", "--bundle", "add-flows", "br0", "-"]));
        Assert.Contains("flow_count=10000", Run("dump-aggregate", "br0"));
    }

    [Fact]
    public void A_bundle_with_a_failing_member_changes_nothing()
    {
        Run("-O", "OpenFlow13", "add-group", "br0", "group_id=1,type=all,bucket=output:1");
        const string input =
            "flow add priority=1,actions=drop\ngroup add group_id=1,type=all,bucket=output:2\n";
        var text = Run(input, ["-O", "OpenFlow13", "bundle", "br0", "-"]);
        Assert.Contains("OFPGMFC_GROUP_EXISTS", text);
        Assert.Contains("flow_count=0", Run("dump-aggregate", "br0"));
    }

    [Theory]
    [InlineData("OpenFlow13")]
    [InlineData("OpenFlow14")]
    [InlineData("OpenFlow15")]
    public void Groups_and_meters_are_added_and_listed(string version)
    {
        Quiet(Run("-O", version, "add-group", "br0",
            "group_id=7,type=select,bucket=weight:10,output:1,bucket=weight:20,output:2"));
        Assert.Contains("group_id=7,type=select,bucket=", Run("-O", version, "dump-groups", "br0"));
        Assert.Contains("weight:20", Run("-O", version, "dump-groups", "br0"));
        Assert.Contains("group_id=7,duration=1s,ref_count=0,packet_count=7,byte_count=8",
            Run("-O", version, "dump-group-stats", "br0"));
        Assert.Contains("Types:  0xf", Run("-O", version, "dump-group-features", "br0"));
        Quiet(Run("-O", version, "add-meter", "br0",
            "meter=3,kbps,burst,stats,bands=type=drop,rate=1000,burst_size=100"));
        Assert.Contains("meter=3 kbps burst stats bands=",
            Run("-O", version, "dump-meters", "br0"));
        Assert.Contains("type=drop rate=1000 burst_size=100",
            Run("-O", version, "dump-meters", "br0"));
        Assert.Contains("meter:3", Run("-O", version, "meter-stats", "br0"));
        Assert.Contains("max_meter:200000", Run("-O", version, "meter-features", "br0"));
        Quiet(Run("-O", version, "del-groups", "br0"));
    }

    [Theory]
    [InlineData("OpenFlow10")]
    [InlineData("OpenFlow13")]
    [InlineData("OpenFlow14")]
    [InlineData("OpenFlow15")]
    public void Statistics_of_ports_tables_and_queues_are_printed(string version)
    {
        Assert.Contains("rx pkts=1, bytes=3, drop=5, errs=7, frame=9, over=10, crc=11",
            Run("-O", version, "dump-ports", "br0"));
        Assert.Contains("table 0", Run("-O", version, "dump-tables", "br0"));
        Assert.Contains("queue 2: bytes=3, pkts=4, errors=5",
            Run("-O", version, "queue-stats", "br0"));
        Assert.Contains("1(p1): addr:02:00:00:00:00:01",
            Run("-O", version, "dump-ports-desc", "br0"));
        Assert.Contains("Open vSwitch", Run("-O", version, "dump-desc", "br0"));
        if (version != "OpenFlow10")
            Assert.Contains("classifier", Run("-O", version, "dump-table-features", "br0"));
    }

    [Theory]
    [InlineData("OpenFlow10")]
    [InlineData("OpenFlow13")]
    [InlineData("OpenFlow15")]
    public void A_port_is_configured_and_a_packet_is_sent(string version)
    {
        Quiet(Run("-O", version, "mod-port", "br0", "1", "no-flood"));
        Quiet(Run("-O", version, "packet-out", "br0",
            "in_port=1 packet=020000000002020000000001080045 actions=output:2"));
        Quiet(Run("-O", version, "packet-out", "br0",
            "in_port=CONTROLLER packet=020000000002020000000001080045 actions=NORMAL"));
    }

    [Fact]
    public void Errors_carry_type_code_and_the_message()
    {
        Assert.Contains("OFPGMFC_UNKNOWN_GROUP",
            Run("-O", "OpenFlow13", "mod-group", "br0", "group_id=9,type=all,bucket=output:1"));
        Assert.Contains("OFPBIC_BAD_TABLE_ID",
            Run("-O", "OpenFlow13", "add-flow", "br0", "table=254,actions=goto_table:3"));
    }
}
