using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>BFD and CFM between our ovs-vswitchd and the stock one, over a veth pair.</summary>
public sealed class SessionInteropTests : IDisposable
{
    private const string Options = "--disable-system";

    private readonly string _scope = $"fabric-s{Environment.ProcessId}";
    private readonly DropInWorld _ours = new("ovs-vswitchd");
    private readonly DropInWorld _stock = new();

    public void Dispose()
    {
        _ours.Dispose();
        _stock.Dispose();
        Shell.RunAsync("ip", ["netns", "del", _scope]).GetAwaiter().GetResult();
    }

    private async Task StartAsync(string ours, string stock)
    {
        await _ours.SaysAsync($"""
            ip netns add {_scope} && for i in "" 2; do
            ip -n {_scope} link add va$i type veth peer name vb$i &&
            ip -n {_scope} link set va$i up && ip -n {_scope} link set vb$i up; done
            """);
        await StartAsync(_ours);
        await StartAsync(_stock);
        const string bridge = "ovs-vsctl --timeout=20 add-br br -- set bridge br "
            + "datapath_type=netdev -- ";
        await _ours.SaysAsync(bridge + ours);
        await _stock.SaysAsync(bridge + stock);
    }

    private async Task StartAsync(DropInWorld world)
    {
        await world.SaysAsync($"""
            ovsdb-tool create conf.db {DropInWorld.Schema} &&
            ovsdb-server --detach --no-chdir --pidfile --log-file -vconsole:off \
                --remote=punix:{world.Folder}/db.sock && ovs-vsctl --no-wait init &&
            ip netns exec {_scope} ovs-vswitchd {Options} --detach --no-chdir --pidfile \
                --log-file -vconsole:off
            """);
    }

    [Fact]
    public async Task Bfd_and_cfm_agree_with_the_stock_daemon_and_see_it_vanish()
    {
        await StartAsync("add-port br va", "add-port br vb");
        const string settings = "bfd:enable=true bfd:min_tx=100 bfd:min_rx=100 cfm_mpid=";
        await _ours.SaysAsync($"ovs-vsctl set interface va {settings}1 "
            + "other_config:cfm_interval=100");
        await _stock.SaysAsync($"ovs-vsctl set interface vb {settings}2 "
            + "other_config:cfm_interval=100");
        await WaitAsync(_ours, "va bfd_status:state=up cfm_fault=false cfm_remote_mpids=2");
        await WaitAsync(_stock, "vb bfd_status:state=up cfm_fault=false cfm_remote_mpids=1");
        // Intervals are agreed on with the packets that follow.
        var (theirs, own) = ("", "");
        await Poll.UntilAsync(async () =>
        {
            theirs = Shape(await _stock.SaysAsync("ovs-appctl bfd/show vb"));
            own = Shape(await _ours.SaysAsync("ovs-appctl bfd/show va"));
            return theirs == own;
        });
        Assert.Equal(theirs, own);
        Assert.Equal(
            Shape(await _stock.SaysAsync("ovs-appctl cfm/show vb")).Replace("vb", "va")
                .Replace("MPID 2", "MPID X").Replace("MPID 1", "MPID 2")
                .Replace("MPID X", "MPID 1"),
            Shape(await _ours.SaysAsync("ovs-appctl cfm/show va")));

        await _stock.SaysAsync("ovs-vsctl set interface vb bfd:cpath_down=true");
        await WaitAsync(_ours, "va bfd_status:forwarding=false");
        await _ours.SaysAsync("ovs-vsctl set interface va bfd:min_rx=300");
        Assert.True(await Poll.UntilAsync(async () => (await _stock.SaysAsync(
            "ovs-appctl bfd/show vb")).Contains("TX Interval: Approx 300ms")));

        await _stock.SaysAsync("kill -9 $(cat ovs-vswitchd.pid); rm ovs-vswitchd.pid");
        await WaitAsync(_ours, "va bfd_status:state=down cfm_fault=true");
        Assert.Contains("Control Detection Time Expired",
            await _ours.SaysAsync("ovs-vsctl get interface va bfd_status:diagnostic"));
        await _ours.SaysAsync("ovs-vsctl set interface va bfd:enable=false -- "
            + "clear interface va cfm_mpid");
        await WaitAsync(_ours, "va bfd_status={} cfm_fault=[]");
    }

    [Fact]
    public async Task Lacp_aggregates_with_the_stock_daemon_and_loses_a_member_that_is_silent()
    {
        const string bond = "add-bond br bond0";
        await StartAsync(
            $"{bond} va va2 lacp=active other_config:lacp-time=fast",
            $"{bond} vb vb2 lacp=passive other_config:lacp-time=fast");
        foreach (var face in (string[])["va", "va2"])
            await WaitAsync(_ours, $"{face} lacp_current=true");
        foreach (var face in (string[])["vb", "vb2"])
            await WaitAsync(_stock, $"{face} lacp_current=true");
        Assert.True(await Poll.UntilAsync(async () => Enabled(
            await _ours.SaysAsync("ovs-appctl lacp/show")) == 2));
        Assert.True(await Poll.UntilAsync(async () => Enabled(
            await _stock.SaysAsync("ovs-appctl lacp/show")) == 2));
        // The same lines in the same order, but for who is who.
        Assert.Equal(
            Names(await _stock.SaysAsync("ovs-appctl lacp/show")),
            Names(await _ours.SaysAsync("ovs-appctl lacp/show bond0")));

        await _stock.SaysAsync($"ip -n {_scope} link set vb2 down");
        Assert.True(await Poll.UntilAsync(async () => Enabled(
            await _ours.SaysAsync("ovs-appctl lacp/show")) == 1));
        await WaitAsync(_ours, "va2 lacp_current=false");

        static int Enabled(string shown) => shown.Split("may_enable: true").Length - 1;

        static IEnumerable<string> Names(string shown) =>
            shown.Split('\n').Select(line => line.Split(':')[0]);
    }

    private static Task<string> WaitAsync(DropInWorld world, string condition) =>
        world.SaysAsync($"ovs-vsctl --timeout=20 wait-until interface {condition}");

    /// <summary>Without times and numbers that differ from run to run.</summary>
    private static string Shape(string shown) => string.Join('\n', shown.Split('\n')
        .Where(line => !line.Contains("Time:") && !line.Contains("Discriminator")
            && !line.Contains("next ") && !line.Contains("health")
            && !line.Contains("recv since")));
}
