namespace Fabric.Conformance;

/// <summary>ovs-appctl: what operators look at when something is odd.</summary>
public sealed class AppctlTests(OneHost host) : IClassFixture<OneHost>
{
    [Fact]
    public async Task The_daemon_answers_under_its_usual_name() =>
        Assert.StartsWith("ovs-vswitchd (Open vSwitch)",
            await host.SaysAsync("ovs-appctl version"));

    [Fact]
    public async Task Commands_are_listed()
    {
        var commands = (await host.LinesAsync("ovs-appctl list-commands"))
            .Select(line => line.Split(' ')[0]).ToArray();
        Assert.Superset(
            new HashSet<string>
            {
                "bridge/dump-flows", "coverage/show", "dpctl/dump-conntrack", "dpctl/dump-flows",
                "dpctl/flush-conntrack", "dpctl/show", "dpif/show", "exit", "fdb/flush",
                "fdb/show", "list-commands", "memory/show", "ofproto/trace", "upcall/show",
                "version", "vlog/list", "vlog/set",
            },
            commands.ToHashSet());
        Assert.Equal(commands[1..].Order(StringComparer.Ordinal), commands[1..]);
    }

    [Fact]
    public async Task An_unknown_command_is_refused_with_a_hint() =>
        Assert.Contains("\"nocommand\" is not a valid command (use \"list-commands\" to see a "
            + "list of valid commands)",
            await host.RefusesAsync("ovs-appctl nocommand", exitCode: 2));

    [Theory]
    [InlineData("fdb/show nobr")]
    [InlineData("fdb/show")]
    [InlineData("ofproto/trace nobr ip")]
    [InlineData("ofproto/trace br-int bogus=1")]
    [InlineData("coverage/read-counter nocounter")]
    public async Task A_wrong_argument_is_refused(string command) =>
        Assert.Contains("server returned an error",
            await host.RefusesAsync($"ovs-appctl {command}", exitCode: 2));

    [Fact]
    public async Task Datapath_ports_are_shown_by_datapath_and_by_bridge()
    {
        await host.SaysAsync("ovs-vsctl add-br dpif0 -- add-port dpif0 dp1 "
            + "-- set Interface dp1 type=internal");
        var datapath = await host.SaysAsync("ovs-appctl dpctl/show");
        Assert.StartsWith("system@ovs-system:", datapath);
        Assert.Contains("lookups: hit:", datapath);
        Assert.Contains(": dp1 (internal)", datapath);
        Assert.Equal("system@ovs-system", await host.SaysAsync("ovs-appctl dpctl/dump-dps"));

        var bridges = await host.SaysAsync("ovs-appctl dpif/show");
        Assert.Contains("  dpif0:\n", bridges);
        Assert.Matches(@"dp1 1/\d+: \(internal\)", bridges);
        Assert.Matches(@"dpif0 65534/\d+: \(internal\)", bridges);
        Assert.Contains("dpif0", await host.LinesAsync("ovs-appctl ofproto/list"));
    }

    [Fact]
    public async Task Coverage_has_rates_and_totals()
    {
        var coverage = await host.LinesAsync("ovs-appctl coverage/show");
        Assert.StartsWith("Event coverage, avg rate over last: 5 seconds, last minute, last hour",
            coverage[0]);
        Assert.EndsWith("events never hit", coverage[^1]);
        Assert.All(coverage[1..^1], line => Assert.Matches(
            @"^\w+ +[\d.]+/sec +[\d.]+/sec +[\d.]+/sec +total: \d+$", line));
    }

    [Fact]
    public async Task Memory_is_shown_in_kilobytes() =>
        Assert.Matches(@"resident-kB:\d+", await host.SaysAsync("ovs-appctl memory/show"));

    [Fact]
    public async Task A_log_level_is_set_for_one_module_and_one_destination()
    {
        await host.SaysAsync("ovs-appctl vlog/set configuration:file:dbg");
        Assert.Contains(await host.LinesAsync("ovs-appctl vlog/list"), line =>
            line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                is ["configuration", "INFO", _, "DBG"]);
        await host.SaysAsync("ovs-appctl vlog/set info");
        Assert.Contains(await host.LinesAsync("ovs-appctl vlog/list"), line =>
            line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                is ["configuration", "INFO", _, "INFO"]);
    }

    [Fact]
    public async Task A_trace_tells_the_rule_and_the_datapath_actions()
    {
        await host.SaysAsync("ovs-vsctl add-br trc0 -- add-port trc0 tr1 "
            + "-- set Interface tr1 type=internal");
        await host.SaysAsync("ovs-ofctl del-flows trc0");
        await host.SaysAsync("ovs-ofctl add-flow trc0 priority=7,icmp,actions=resubmit(,1)");
        await host.SaysAsync("ovs-ofctl add-flow trc0 table=1,priority=8,actions=LOCAL");
        var trace = await host.SaysAsync("ovs-appctl ofproto/trace trc0 in_port=1,icmp");
        Assert.Contains("bridge(\"trc0\")", trace);
        Assert.Contains("icmp, priority 7", trace);
        Assert.Contains("priority 8", trace);
        Assert.Contains("Megaflow: ", trace);
        Assert.Matches(@"Datapath actions: \d+", trace);
        Assert.Contains("Datapath actions: drop",
            await host.SaysAsync("ovs-appctl ofproto/trace trc0 in_port=1,arp"));
    }

    [Fact]
    public async Task Learned_addresses_can_be_added_shown_and_flushed()
    {
        await host.SaysAsync("ovs-vsctl add-br fdb0 -- add-port fdb0 fd1 "
            + "-- set Interface fd1 type=internal");
        await host.SaysAsync("ovs-appctl fdb/add fdb0 fd1 0 02:00:00:00:00:77");
        Assert.Contains(await host.LinesAsync("ovs-appctl fdb/show fdb0"), line =>
            line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                is ["1", "0", "02:00:00:00:00:77", _]);
        await host.SaysAsync("ovs-appctl fdb/del fdb0 0 02:00:00:00:00:77");
        Assert.DoesNotContain(
            "02:00:00:00:00:77", await host.SaysAsync("ovs-appctl fdb/show fdb0"));
        Assert.Equal("table successfully flushed",
            await host.SaysAsync("ovs-appctl fdb/flush fdb0"));
    }
}
