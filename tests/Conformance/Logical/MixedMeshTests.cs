using System.Net;
using Fabric.HostNode.Demo;
using Fabric.HostNode.Pki;

namespace Fabric.Conformance;

/// <summary>
/// A fabric host as one chassis of an OVN that Debian's daemons run: real northd, southbound and
/// ovn-controller stay.
/// </summary>
public sealed class MixedMeshTests : IAsyncLifetime
{
    private readonly DemoTopology _topology = DemoTopology.Reserve();
    private RealChassis _ovn = null!;
    private DemoHost _node = null!;

    public async Task InitializeAsync()
    {
        try
        {
            await StartAsync();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private async Task StartAsync()
    {
        Assert.True(RealChassis.IsInstalled, "needs ovn-central, ovn-host, openvswitch-switch");
        await _topology.CreateUnderlayAsync(hosts: 2);
        // OVS 3.1 in user space takes no checksum that a device was meant to finish.
        await _topology.Hosts[0].RunAsync(["ethtool", "-K", "eth0", "tx", "off"]);
        _ovn = new RealChassis(_topology, host: 2);
        await _ovn.StartCentralAsync();
        await _ovn.StartChassisAsync("real2");

        var pki = Path.Combine(_topology.Folder, "pki");
        var authority = new CertificateAuthority(pki, TimeProvider.System);
        authority.Init("mixed");
        _node = new DemoHost(_topology, number: 1);
        authority.Issue(_node.Id, [$"{DemoTopology.HostAddress(1)}"], ["voter"]);
        _node.Configure(hosts: 1, "userspace", pki);
        File.AppendAllText(
            Path.Combine(_topology.Folder, _node.Id, "fabric.conf"),
            $"fabric.northbound.source = \"nb={_ovn.Northbound} sb={_ovn.Southbound}\"\n");
        _node.Start();
    }

    public async Task DisposeAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
        if (_ovn is not null) await _ovn.DisposeAsync();
        await _topology.DisposeAsync();
    }

    [Fact]
    public async Task Workloads_of_both_kinds_of_chassis_reach_each_other()
    {
        await _ovn.AddRoutedSwitchesAsync(
            "mr", (1, "mm1", "02:00:00:00:09:01 10.1.0.1"),
            (1, "mm2", "02:00:00:00:09:02 10.1.0.2"), (2, "mm3", "02:00:00:00:09:03 10.2.0.3"));
        var here = await PlugHereAsync("mm1", "02:00:00:00:09:01", new IPAddress([10, 1, 0, 1]));
        var there = await _ovn.PlugAsync(
            "mm2", "02:00:00:00:09:02", new IPAddress([10, 1, 0, 2]));
        var routed = await _ovn.PlugAsync(
            "mm3", "02:00:00:00:09:03", new IPAddress([10, 2, 0, 3]));
        await here.Namespace.IpAsync("route", "add", "10.2.0.0/24", "via", "10.1.0.254");
        await routed.Namespace.IpAsync("route", "add", "10.1.0.0/24", "via", "10.2.0.254");

        // Both chassis and who has what are in the real southbound.
        Assert.True(await Poll.UntilAsync(async () =>
            await _ovn.SbctlAsync("--bare", "--columns=name", "list", "Chassis") is var names
            && names.Contains("real2") && names.Contains(_node.Id)));
        await _ovn.SbctlAsync("wait-until", "Port_Binding", "mm1", "up=true");
        await _ovn.NbctlAsync("wait-until", "Logical_Switch_Port", "mm1", "up=true");
        await _ovn.NbctlAsync("wait-until", "Logical_Switch_Port", "mm2", "up=true");

        // northd's word for "done everywhere" comes when both have acknowledged.
        await _ovn.NbctlAsync("--wait=hv", "sync");

        Assert.True(await ReachesAsync(here, there), await DiagnoseAsync("switch, fabric to OVN"));
        Assert.True(await ReachesAsync(there, here), await DiagnoseAsync("switch, OVN to fabric"));
        Assert.True(await ReachesAsync(here, routed), await DiagnoseAsync("router, fabric to OVN"));
        Assert.True(await ReachesAsync(routed, here), await DiagnoseAsync("router, OVN to fabric"));

        // Rules hold on both sides; the local tools go through to the real northbound.
        await _ovn.NbctlAsync("--wait=hv", "acl-add", "mrs1", "to-lport", "1000",
            "outport == \"mm1\" && icmp4", "drop");
        Assert.True(await Poll.UntilAsync(async () => !await PingAsync(there, here)));
        var local = await _node.ToolAsync("ovn-nbctl", ["--timeout=20", "acl-del", "mrs1"]);
        Assert.True(local.Succeeded, local.Error);
        Assert.Equal("", await _ovn.NbctlAsync("acl-list", "mrs1"));
        Assert.True(await ReachesAsync(there, here));

        // A file goes through as well, until both chassis have it.
        var file = Path.Combine(_topology.Folder, "more.yaml");
        await File.WriteAllTextAsync(file, "network: more\nswitches:\n  more1: {}\n");
        var applied = await _node.FabricAsync("net", "apply", "--yes", file);
        Assert.True(applied.Succeeded, applied.Error + applied.Output);
        Assert.Contains("installed on every host", applied.Output);
        Assert.Contains("a chassis of an OVN", (await _node.FabricAsync("cluster", "show")).Error);

        // A port that leaves is let go.
        await VsctlAsync("del-port", "mm1");
        await _ovn.SbctlAsync("wait-until", "Port_Binding", "mm1", "chassis=[]");
    }

    private async Task<DemoWorkload> PlugHereAsync(string name, string mac, IPAddress address)
    {
        Assert.True(await Poll.UntilAsync(
            async () => (await _node.ToolAsync(
                "ovs-vsctl", ["--timeout=5", "br-exists", "br-int"])).Succeeded,
            TimeSpan.FromSeconds(60)), Complaint("br-int"));
        var workload = await _topology.AddWorkloadAsync(new DemoWorkload(
            name, Host: 1, mac, address, PrefixLength: 24, Gateway: null));
        await VsctlAsync("add-port", "br-int", name, "--", "set", "Interface", name,
            $"external_ids:iface-id={name}");
        return workload;
    }

    private async Task VsctlAsync(params string[] words)
    {
        var result = await _node.ToolAsync("ovs-vsctl", ["--timeout=20", .. words]);
        Assert.True(result.Succeeded, $"{result.Error}{Complaint("ovs-vsctl")}");
    }

    private static Task<bool> PingAsync(DemoWorkload from, DemoWorkload to) =>
        Probes.PingAsync(from, to.Address, count: 1);

    private static Task<bool> ReachesAsync(DemoWorkload from, DemoWorkload to) =>
        Poll.UntilAsync(() => PingAsync(from, to), TimeSpan.FromSeconds(15));

    /// <summary>What a reader of a failed run must see of both switches.</summary>
    private async Task<string> DiagnoseAsync(string what)
    {
        var flows = await _node.ToolAsync(
            "ovs-ofctl", ["dump-flows", "--no-stats", "br-int", "table=54"]);
        var entry = await _node.ToolAsync(
            "ovs-ofctl", ["dump-flows", "--no-stats", "br-int", "table=0"]);
        var megaflows = await _node.ToolAsync("ovs-appctl", ["dpctl/dump-flows"]);
        return $"{what}\n{flows.Output}{entry.Output}{megaflows.Output}{megaflows.Error}\n"
            + $"{await _ovn.DiagnoseAsync()}\n{_node.LastLogLines(8)}";
    }

    private string Complaint(string what) => $"{what}: {_node.LastLogLines(15)}";
}
