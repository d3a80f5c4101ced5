using System.Net;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>
/// Debian's OVN on two hosts, with our vswitchd in the place of ovs-vswitchd on both: neither
/// ovn-controller can tell.
/// </summary>
public sealed class DropInChassisTests : IAsyncLifetime
{
    private static readonly string[] Vswitchd =
        ["dotnet", Path.Combine(AppContext.BaseDirectory, "Fabric.HostNode.dll"), "vswitchd"];

    private readonly DemoTopology _topology = DemoTopology.Reserve();
    private RealChassis _first = null!;
    private RealChassis _second = null!;

    public async Task InitializeAsync()
    {
        Assert.True(RealChassis.IsInstalled, "needs ovn-central, ovn-host, openvswitch-switch");
        await _topology.CreateUnderlayAsync(hosts: 2);
        _first = new RealChassis(_topology, host: 1, Vswitchd);
        _second = new RealChassis(_topology, host: 2, Vswitchd);
        try
        {
            await _first.StartCentralAsync();
            await _first.StartChassisAsync("drop1");
            await _second.StartChassisAsync("drop2", _first.Southbound);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync()
    {
        await _second.DisposeAsync();
        await _first.DisposeAsync();
        await _topology.DisposeAsync();
    }

    [Fact]
    public async Task Workloads_on_both_hosts_reach_each_other_through_geneve()
    {
        await _first.AddRoutedSwitchesAsync(
            "dr", (1, "dm1", Near), (1, "dm2", Far), (2, "dm3", Routed));
        var near = await PlugAsync(_first, "dm1", Near);
        var far = await PlugAsync(_second, "dm2", Far);
        var routed = await PlugAsync(_second, "dm3", Routed);
        await near.Namespace.IpAsync("route", "add", "10.2.0.0/24", "via", "10.1.0.254");
        await routed.Namespace.IpAsync("route", "add", "10.1.0.0/24", "via", "10.2.0.254");
        foreach (var port in (string[])["dm1", "dm2", "dm3"])
            await _first.NbctlAsync("wait-until", "Logical_Switch_Port", port, "up=true");

        // Both ovn-controllers have had every flow confirmed by a barrier of ours.
        await _first.NbctlAsync("--wait=hv", "sync");
        await ReachesAsync(near, far, "one switch");
        await ReachesAsync(near, routed, "through the router");
        await ReachesAsync(routed, near, "through the router, back");

        await _first.NbctlAsync("--wait=hv", "acl-add", "drs1", "to-lport", "1000",
            "outport == \"dm1\" && icmp4", "drop");
        Assert.True(await Poll.UntilAsync(async () => !await PingAsync(far, near)));
    }

    private const string Near = "02:00:00:00:09:11 10.1.0.1";
    private const string Far = "02:00:00:00:09:12 10.1.0.2";
    private const string Routed = "02:00:00:00:09:13 10.2.0.3";

    private static Task<DemoWorkload> PlugAsync(RealChassis chassis, string name, string addresses)
    {
        var words = addresses.Split(' ');
        return chassis.PlugAsync(name, words[0], IPAddress.Parse(words[1]));
    }

    private static Task<bool> PingAsync(DemoWorkload from, DemoWorkload to) =>
        Probes.PingAsync(from, to.Address, count: 1);

    private async Task ReachesAsync(DemoWorkload from, DemoWorkload to, string what) =>
        Assert.True(
            await Poll.UntilAsync(() => PingAsync(from, to), TimeSpan.FromSeconds(15)),
            $"{what}\n{await _first.DiagnoseAsync()}");
}
