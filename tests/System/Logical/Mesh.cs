using Fabric.HostNode.Demo;
using Fabric.HostNode.Pki;

namespace Fabric.SystemTests;

/// <summary>Hosts of one cluster, each with a leg in a physical network outside.</summary>
/// <remarks>
/// <code>
/// workload ---- br-int ==tunnels== br-int ---- br-ex ---- "phys": outside, 172.16.0.1
/// </code>
/// </remarks>
internal sealed class Mesh(string datapath) : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(90);

    private readonly List<DemoHost> _hosts = [];

    public string Datapath { get; } = datapath;
    public DemoTopology Topology { get; } = DemoTopology.Reserve();
    public IReadOnlyList<DemoHost> Hosts => _hosts;
    public NetworkNamespace Outside { get; private set; } = null!;

    /// <summary>Starts the hosts, and waits until the northbound takes writes.</summary>
    public async Task BringUpAsync(int hosts)
    {
        await Topology.CreateUnderlayAsync(hosts);
        await AddOutsideAsync(hosts);
        var pki = Path.Combine(Topology.Folder, "pki");
        var authority = new CertificateAuthority(pki, TimeProvider.System);
        authority.Init("mesh");
        for (var number = 1; number <= hosts; number++)
        {
            var host = new DemoHost(Topology, number);
            _hosts.Add(host);
            authority.Issue(host.Id, [$"{DemoTopology.HostAddress(number)}"], ["voter"]);
            host.Configure(hosts, Datapath, pki);
            host.Start();
        }

        foreach (var host in _hosts)
        {
            await UntilAsync(async () =>
                (await host.ToolAsync("ovs-vsctl", ["--timeout=10", "wait-until", "Bridge",
                    "br-int"])).Succeeded, $"{host.Id}: {host.LastLogLines(10)}");
            await ToolAsync(host, "ovs-vsctl", "--timeout=20 add-br br-ex -- add-port br-ex "
                + $"ex{host.Number} -- set open . "
                + "external_ids:ovn-bridge-mappings=phys:br-ex");
        }

        await UntilAsync(async () => (await _hosts[^1].ToolAsync(
            "ovn-nbctl", ["--timeout=20", "--wait=sb", "sync"])).Succeeded, "the northbound");
    }

    /// <summary>Makes a namespace and binds it as the logical port of its name.</summary>
    public async Task<DemoWorkload> PlugAsync(DemoWorkload workload)
    {
        var made = await Topology.AddWorkloadAsync(workload);
        await ToolAsync(_hosts[workload.Host - 1], "ovs-vsctl",
            $"--timeout=20 add-port br-int {workload.Name} -- set interface {workload.Name} "
            + $"external_ids:iface-id={workload.Name}");
        return made;
    }

    /// <summary>A network outside with one address, and a leg of each host in it.</summary>
    private async Task AddOutsideAsync(int hosts)
    {
        Outside = new NetworkNamespace($"{Topology.Underlay.Name}-out");
        await Outside.CreateAsync();
        await Outside.IpAsync("link", "add", "ext", "type", "bridge");
        await Outside.IpAsync("address", "add", "172.16.0.1/24", "dev", "ext");
        await Outside.IpAsync("address", "add", "fd00:16::1/64", "dev", "ext", "nodad");
        await Outside.IpAsync("link", "set", "dev", "ext", "up");
        for (var host = 1; host <= hosts; host++)
        {
            var space = Topology.Hosts[host - 1];
            await Shell.RunOrThrowAsync("ip", "-n", space.Name, "link", "add", $"ex{host}", "type",
                "veth", "peer", "name", $"e{host}", "netns", Outside.Name);
            await Outside.IpAsync("link", "set", "dev", $"e{host}", "master", "ext", "up");
            await space.IpAsync("link", "set", "dev", $"ex{host}", "up");
        }
    }

    /// <param name="words">Separated by blanks; the word 'PORT' stands for 'port'.</param>
    public static async Task ToolAsync(
        DemoHost host, string tool, string words, string port = "")
    {
        var result = await host.ToolAsync(
            tool, words.Split(' ').Select(word => word == "'PORT'" ? port : word));
        Assert.True(result.Succeeded, $"{tool} {words}: {result.Error}\n{host.LastLogLines(20)}");
    }

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var deadline = Environment.TickCount64 + (long)StartPatience.TotalMilliseconds;
        while (!await condition())
        {
            Assert.True(Environment.TickCount64 < deadline, $"not in time: {what}");
        }
    }

    /// <summary>The end of every host's log, for a failure's message.</summary>
    public string Logs(int lines) => string.Join(
        '\n', _hosts.Select(host => $"{host.Id}: {host.LastLogLines(lines)}"));

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_hosts.Select(host => host.DisposeAsync().AsTask()));
        if (Outside is not null) await Shell.RunAsync("ip", ["netns", "del", Outside.Name]);
        await Topology.DisposeAsync();
    }
}
