using Fabric.HostNode.Demo;
using Fabric.HostNode.Pki;

namespace Fabric.Conformance;

/// <summary>A host whose seeds do not answer: says so, tries again, and works meanwhile.</summary>
public sealed class LoneHostTests
{
    [Fact]
    public async Task A_host_without_its_cluster_says_whom_it_asks_and_serves_its_own_bridges()
    {
        await using var topology = DemoTopology.Reserve();
        await topology.CreateUnderlayAsync(hosts: 2);
        var pki = Path.Combine(topology.Folder, "pki");
        var authority = new CertificateAuthority(pki, TimeProvider.System);
        authority.Init("conformance");
        await using var host = new DemoHost(topology, number: 2);
        authority.Issue(host.Id, [$"{DemoTopology.HostAddress(2)}"], ["voter"]);
        host.Configure(hosts: 2, "userspace", pki); // Host 1, which forms, is never started.
        host.Start();

        var said = new ShellResult(-1, "", "");
        var isTold = await Poll.UntilAsync(
            async () =>
            {
                said = await host.FabricAsync("cluster", "show");
                return said.Output.Contains("Tries to join", StringComparison.Ordinal);
            },
            TimeSpan.FromSeconds(60));
        Assert.True(isTold, said.Output + said.Error + host.LastLogLines(10));
        Assert.Equal(0, said.ExitCode);
        Assert.Contains("Count: 0 nodes", said.Output);
        Assert.Contains("This host is in no cluster for ", said.Output);
        Assert.Contains($"fabric@{DemoTopology.HostAddress(1)}:2552", said.Output);
        Assert.Equal("There is no leader.",
            (await host.FabricAsync("cluster", "leader")).Output.Trim());

        var bridge = await host.ToolAsync("ovs-vsctl", ["--timeout=20", "add-br", "br0"]);
        Assert.True(bridge.Succeeded, bridge.Error);
        Assert.Contains("NORMAL",
            (await host.ToolAsync("ovs-ofctl", ["dump-flows", "br0"])).Output);
    }
}
