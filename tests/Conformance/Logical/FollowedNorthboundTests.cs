using System.Net;
using Fabric.HostNode.Demo;
using Fabric.HostNode.Pki;

namespace Fabric.Conformance;

/// <summary>A northbound that Debian's ovsdb-server serves, followed by the fabric.</summary>
public sealed class FollowedNorthboundTests : IAsyncLifetime
{
    private readonly DemoTopology _topology = DemoTopology.Reserve();
    private RealChassis _ovn = null!;
    private DemoHost _node = null!;

    public async Task InitializeAsync()
    {
        try
        {
            await _topology.CreateUnderlayAsync(hosts: 1);
            _ovn = new RealChassis(_topology, host: 1);
            await _ovn.StartDatabaseAsync("nb");
            var pki = Path.Combine(_topology.Folder, "pki");
            var authority = new CertificateAuthority(pki, TimeProvider.System);
            authority.Init("followed");
            _node = new DemoHost(_topology, number: 1);
            authority.Issue(_node.Id, [$"{DemoTopology.HostAddress(1)}"], ["voter"]);
            _node.Configure(hosts: 1, "userspace", pki);
            File.AppendAllText(
                Path.Combine(_topology.Folder, _node.Id, "fabric.conf"),
                $"fabric.northbound.source = \"nb={_ovn.Northbound}\"\n");
            _node.Start();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
        if (_ovn is not null) await _ovn.DisposeAsync();
        await _topology.DisposeAsync();
    }

    [Fact]
    public async Task Its_rows_act_here_and_what_happens_here_shows_there()
    {
        await _ovn.NbctlAsync("init");
        await _ovn.NbctlAsync("ls-add", "fs");
        foreach (var number in (byte[])[1, 2])
        {
            await _ovn.NbctlAsync("lsp-add", "fs", $"fp{number}", "--", "lsp-set-addresses",
                $"fp{number}", $"02:00:00:00:06:0{number} 10.1.0.{number}");
        }

        // Nobody else is there to say so: the fabric has installed it.
        Assert.True(await Poll.UntilAsync(
            async () => (await _node.ToolAsync(
                "ovn-nbctl", ["--timeout=5", "lsp-get-addresses", "fp1"])).Succeeded,
            TimeSpan.FromSeconds(60)), _node.LastLogLines(15));
        var one = await PlugAsync(1);
        var two = await PlugAsync(2);
        await _ovn.NbctlAsync("wait-until", "Logical_Switch_Port", "fp1", "up=true");
        await _ovn.NbctlAsync("wait-until", "Logical_Switch_Port", "fp2", "up=true");
        await _ovn.NbctlAsync("--wait=hv", "sync");
        Assert.True(await ReachesAsync(one, two), _node.LastLogLines(15));

        await _ovn.NbctlAsync("--wait=hv", "acl-add", "fs", "to-lport", "1000",
            "outport == \"fp2\" && icmp4", "drop");
        Assert.True(await Poll.UntilAsync(
            async () => !await Probes.PingAsync(one, two.Address, count: 1)));

        // The local tools write through.
        await LocallyAsync("--wait=hv", "acl-del", "fs");
        Assert.Equal("", await _ovn.NbctlAsync("acl-list", "fs"));
        Assert.True(await ReachesAsync(one, two));
        await LocallyAsync("ls-add", "made-here", "--", "set", "NB_Global", ".", "name=both");
        Assert.Contains("made-here", await _ovn.NbctlAsync("ls-list"));
        await _ovn.NbctlAsync("ls-del", "made-here");
        Assert.True(await Poll.UntilAsync(
            async () => !(await LocallyAsync("ls-list")).Contains("made-here")));
        Assert.Equal("both", await _ovn.NbctlAsync("get", "NB_Global", ".", "name"));
    }

    private async Task<DemoWorkload> PlugAsync(byte number)
    {
        var workload = await _topology.AddWorkloadAsync(new DemoWorkload(
            $"fp{number}", Host: 1, $"02:00:00:00:06:0{number}",
            new IPAddress([10, 1, 0, number]), PrefixLength: 24, Gateway: null));
        var result = await _node.ToolAsync("ovs-vsctl",
        [
            "--timeout=20", "add-port", "br-int", $"fp{number}", "--", "set", "Interface",
            $"fp{number}", $"external_ids:iface-id=fp{number}",
        ]);
        Assert.True(result.Succeeded, result.Error);
        return workload;
    }

    private async Task<string> LocallyAsync(params string[] words)
    {
        var result = await _node.ToolAsync("ovn-nbctl", ["--timeout=20", .. words]);
        Assert.True(result.Succeeded, $"{string.Join(' ', words)}: {result.Error}");
        return result.Output;
    }

    private static Task<bool> ReachesAsync(DemoWorkload from, DemoWorkload to) =>
        Poll.UntilAsync(() => Probes.PingAsync(from, to.Address, count: 1));
}
