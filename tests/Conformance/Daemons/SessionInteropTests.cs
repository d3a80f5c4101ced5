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

    private async Task StartAsync()
    {
        await _ours.SaysAsync($"""
            ip netns add {_scope} && ip -n {_scope} link add va type veth peer name vb &&
            ip -n {_scope} link set va up && ip -n {_scope} link set vb up
            """);
        await StartAsync(_ours);
        await StartAsync(_stock);
        const string bridge = "ovs-vsctl --timeout=20 add-br br -- set bridge br "
            + "datapath_type=netdev -- add-port br ";
        await _ours.SaysAsync($"{bridge} va");
        await _stock.SaysAsync($"{bridge} vb");
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
        await StartAsync();
        const string settings = "bfd:enable=true bfd:min_tx=100 bfd:min_rx=100 cfm_mpid=";
        await _ours.SaysAsync($"ovs-vsctl set interface va {settings}1 "
            + "other_config:cfm_interval=100");
        await _stock.SaysAsync($"ovs-vsctl set interface vb {settings}2 "
            + "other_config:cfm_interval=100");
        await WaitAsync(_ours, "va bfd_status:state=up cfm_fault=false cfm_remote_mpids=2");
        await WaitAsync(_stock, "vb bfd_status:state=up cfm_fault=false cfm_remote_mpids=1");
        Assert.Equal(Shape(await _stock.SaysAsync("ovs-appctl bfd/show vb")),
            Shape(await _ours.SaysAsync("ovs-appctl bfd/show va")));
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

    private static Task<string> WaitAsync(DropInWorld world, string condition) =>
        world.SaysAsync($"ovs-vsctl --timeout=20 wait-until interface {condition}");

    /// <summary>Without times and numbers that differ from run to run.</summary>
    private static string Shape(string shown) => string.Join('\n', shown.Split('\n')
        .Where(line => !line.Contains("Time:") && !line.Contains("Discriminator")
            && !line.Contains("next ") && !line.Contains("health")
            && !line.Contains("recv since")));
}
