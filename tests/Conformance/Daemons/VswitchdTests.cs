namespace Fabric.Conformance;

/// <summary>fabric vswitchd in the place of ovs-vswitchd, against the stock ovsdb-server.</summary>
public sealed class VswitchdTests
{
    private const string Packet = "'eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),"
        + "eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=1,tos=0,ttl=64,frag=no),"
        + "icmp(type=8,code=0)'";

    private const string AddBridge = "ovs-vsctl add-br br0 -- set bridge br0 datapath-type=dummy "
        + "fail-mode=secure other-config:datapath-id=fedcba9876543210 "
        + "-- add-port br0 p1 -- set Interface p1 type=internal";

    [Fact]
    public async Task It_detaches_serves_and_leaves_nothing_behind()
    {
        using var world = new DropInWorld("ovs-vswitchd");
        await world.StartAsync();
        Assert.StartsWith("ovs-vswitchd (Open vSwitch)",
            await world.SaysAsync("ovs-appctl version"));
        await world.SaysAsync(AddBridge);
        Assert.Equal("1", await world.SaysAsync("ovs-vsctl get Interface p1 ofport"));
        Assert.Equal("fedcba9876543210",
            await world.SaysAsync("ovs-vsctl get Bridge br0 datapath_id"));
        Assert.Contains("dpid:fedcba9876543210", await world.SaysAsync("ovs-ofctl show br0"));
        Assert.Contains("p1 1/1: (dummy-internal)", await world.SaysAsync("ovs-appctl dpif/show"));
        Assert.Contains("dummy",
            await world.SaysAsync("ovs-vsctl get Open_vSwitch . datapath_types"));
        Assert.Equal(["0640", "0644"], (await world.SaysAsync(
            "stat -c 0%a ovs-vswitchd.log ovs-vswitchd.pid")).Split('\n'));
        Assert.Contains("Error detected while setting up 'nope'",
            await world.SaysAsync(
                "ovs-vsctl add-port br0 nope -- set Interface nope type=nope 2>&1"));
        await world.SaysAsync("ovs-vsctl del-port nope");

        await world.SaysAsync(
            "pid=$(cat ovs-vswitchd.pid); ovs-appctl exit; "
            + "while kill -0 $pid; do sleep 0.05; done 2>/dev/null; true");
        Assert.Equal("conf.db db.sock ovs-vswitchd.log ovsdb-server.log ovsdb-server.pid shims",
            await world.SaysAsync("echo $(ls | grep -v ctl)"));
        Assert.All(world.Alarms(), line => Assert.Contains("nope", line));
    }

    [Fact]
    public async Task Counters_are_written_when_the_clock_is_warped_and_not_before()
    {
        using var world = new DropInWorld("ovs-vswitchd");
        await world.StartAsync();
        await world.SaysAsync(AddBridge);
        await world.SaysAsync("ovs-appctl time/stop && ovs-appctl time/warp 11000 1000");
        Assert.Equal("0", await Received());
        Assert.Equal("", await world.SaysAsync($"ovs-appctl netdev-dummy/receive p1 {Packet}"));
        Assert.Equal("0", await Received());
        Assert.Equal("warped", await world.SaysAsync("ovs-appctl time/warp 11000 1000"));
        await Reaches("1");

        await world.SaysAsync("ovs-vsctl set Open_vSwitch . "
            + "other_config:stats-update-interval=100000");
        await world.SaysAsync($"ovs-appctl netdev-dummy/receive p1 {Packet}");
        await world.SaysAsync("ovs-appctl time/warp 51000 1000");
        Assert.Equal("1", await Received());
        await world.SaysAsync("ovs-appctl time/warp 100000 1000");
        await Reaches("2");

        Task<string> Received() =>
            world.SaysAsync("ovs-vsctl get Interface p1 statistics:rx_packets");

        async Task Reaches(string count) => Assert.True(
            await Poll.UntilAsync(async () => await Received() == count), $"not {count}");
    }

    [Fact]
    public async Task A_second_process_waits_for_the_lock_and_takes_over()
    {
        using var world = new DropInWorld("ovs-vswitchd");
        await world.StartAsync();
        await world.SaysAsync(AddBridge);
        await world.SaysAsync("ovs-vswitchd --log-file=second.log --enable-dummy -vconsole:off "
            + "--pidfile=second.pid --unixctl=$PWD/second.ctl >/dev/null 2>&1 &");
        Assert.True(await Poll.UntilAsync(() => Task.FromResult(
            File.Exists($"{world.Folder}/second.log") && world.Alarms("second.log").Length > 0)));
        Assert.Contains("another ovs-vswitchd process is running, disabling this process (pid ",
            Assert.Single(world.Alarms("second.log")));
        Assert.Equal("", await world.SaysAsync("ovs-appctl -t $PWD/second.ctl ofproto/list"));

        await world.SaysAsync("kill -9 $(cat ovs-vswitchd.pid)");
        Assert.True(await Poll.UntilAsync(async () => await world.SaysAsync(
            "ovs-appctl -t $PWD/second.ctl ofproto/list") == "br0"));
        Assert.Single(world.Alarms("second.log"));
    }

    [Fact]
    public async Task It_outlives_its_database_server()
    {
        using var world = new DropInWorld("ovs-vswitchd");
        await world.StartAsync();
        await world.SaysAsync(AddBridge);
        await world.SaysAsync("pid=$(cat ovsdb-server.pid); kill -9 $pid; "
            + "while kill -0 $pid; do sleep 0.05; done 2>/dev/null; rm -f ovsdb-server.pid");
        Assert.Equal("br0", await world.SaysAsync("ovs-appctl ofproto/list"));
        await world.SaysAsync("ovsdb-server --detach --no-chdir --pidfile -vconsole:off "
            + $"--remote=punix:{world.Folder}/db.sock");
        await world.SaysAsync("ovs-vsctl --timeout=20 add-port br0 p7 "
            + "-- set Interface p7 type=dummy");
        Assert.Contains("p7 2/7: (dummy)", await world.SaysAsync("ovs-appctl dpif/show"));
    }

    [Theory]
    [InlineData("--bogus", "unrecognized option '--bogus'")]
    [InlineData("unix:a unix:b", "at most one non-option argument accepted")]
    [InlineData("bogus", "bogus: not a valid database remote")]
    [InlineData("-vbogus", "no destination, level, or module \"bogus\"")]
    public async Task A_wrong_command_line_is_refused(string arguments, string problem)
    {
        using var world = new DropInWorld("ovs-vswitchd");
        var result = await world.RunAsync($"ovs-vswitchd {arguments} --detach --pidfile");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"ovs-vswitchd: {problem}", result.Error);
        Assert.False(File.Exists($"{world.Folder}/ovs-vswitchd.pid"));
    }

    [Fact]
    public async Task A_pidfile_that_a_daemon_holds_is_refused()
    {
        using var world = new DropInWorld("ovs-vswitchd");
        await world.StartAsync();
        var result = await world.RunAsync("ovs-vswitchd --detach --pidfile");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("already running as pid", result.Error);
    }

    [Fact]
    public async Task Flows_of_the_datapath_are_put_and_taken_by_hand()
    {
        using var world = new DropInWorld("ovs-vswitchd", "ovs-dpctl");
        await world.StartAsync();
        await world.SaysAsync(AddBridge);
        const string flow = "'in_port(1),eth(),eth_type(0x0800),ipv4()'";
        await world.SaysAsync("ovs-appctl time/stop"); // No round of the revalidator between.
        await world.SaysAsync($"ovs-dpctl add-flow {flow} 100");
        Assert.Contains("actions:100", await world.SaysAsync("ovs-dpctl dump-flows"));
        Assert.Contains("File exists",
            (await world.RunAsync($"ovs-dpctl add-flow {flow} 1")).Error);
        await world.SaysAsync($"ovs-dpctl mod-flow {flow} drop");
        Assert.Contains("actions:drop", await world.SaysAsync("ovs-appctl dpctl/dump-flows"));
        await world.SaysAsync($"ovs-dpctl del-flow dummy@ovs-dummy {flow}");
        Assert.Contains("No such file or directory",
            (await world.RunAsync($"ovs-dpctl del-flow {flow}")).Error);
        Assert.Contains("unknown command 'bogus'", (await world.RunAsync("ovs-dpctl bogus")).Error);
    }
}
