using System.Net;

namespace Fabric.HostNode.Demo;

/// <summary>One workload of the demo: a namespace with one interface.</summary>
/// <param name="Name">
/// Logical port, device in the host's namespace, end of the namespace's name.
/// </param>
internal sealed record DemoWorkload(
    string Name, int Host, string Mac, IPAddress Address, int PrefixLength, IPAddress? Gateway)
{
    public NetworkNamespace Namespace { get; init; } = null!;
}

/// <summary>
/// Namespaces, underlay network and folders of one demo; removed without a trace.
/// </summary>
/// <remarks>
/// <code>
/// fx-ID-net   bridge "underlay"                10.99.0.0/24
///   |  |  |
/// fx-ID-h1, fx-ID-h2 ...  eth0 = 10.99.0.N     one host node each
///   |  |
/// fx-ID-web1 ...          eth0                 workloads; the other end is a port of br-int
/// </code>
/// </remarks>
internal sealed class DemoTopology : IAsyncDisposable
{
    private readonly List<NetworkNamespace> _namespaces = [];
    private readonly string _prefix;

    private DemoTopology(string id)
    {
        _prefix = $"fx-{id}";
        Folder = $"/tmp/fabric-{id}";
        Underlay = new NetworkNamespace($"{_prefix}-net");
    }

    public string Folder { get; }
    public NetworkNamespace Underlay { get; }
    public IReadOnlyList<NetworkNamespace> Hosts => _hosts;
    private readonly List<NetworkNamespace> _hosts = [];

    public static IPAddress HostAddress(int host) => new([10, 99, 0, (byte)host]);

    /// <summary>A free name: two demos at once do not meet.</summary>
    public static DemoTopology Reserve()
    {
        while (true)
        {
            var id = Convert.ToHexStringLower(
                System.Security.Cryptography.RandomNumberGenerator.GetBytes(2));
            var topology = new DemoTopology(id);
            if (Directory.Exists(topology.Folder)) continue;
            if (NetworkNamespace.Exists(topology.Underlay.Name)) continue;
            Directory.CreateDirectory(topology.Folder);
            return topology;
        }
    }

    public async Task CreateUnderlayAsync(int hosts)
    {
        await AddAsync(Underlay);
        await Underlay.IpAsync("link", "add", "underlay", "type", "bridge");
        await Underlay.IpAsync("link", "set", "dev", "underlay", "up");
        for (var host = 1; host <= hosts; host++)
        {
            var space = new NetworkNamespace($"{_prefix}-h{host}");
            await AddAsync(space);
            _hosts.Add(space);
            await space.IpAsync("link", "set", "dev", "lo", "up");
            await Shell.RunOrThrowAsync("ip", "-n", space.Name, "link", "add", "eth0", "type",
                "veth", "peer", "name", $"h{host}", "netns", Underlay.Name);
            await Underlay.IpAsync("link", "set", "dev", $"h{host}", "master", "underlay", "up");
            await space.IpAsync("address", "add", $"{HostAddress(host)}/24", "dev", "eth0");
            await space.IpAsync("link", "set", "dev", "eth0", "up");
        }
    }

    /// <summary>Makes the workload's namespace and the veth pair to its host.</summary>
    public async Task<DemoWorkload> AddWorkloadAsync(DemoWorkload workload)
    {
        var space = new NetworkNamespace($"{_prefix}-{workload.Name}");
        await AddAsync(space);
        await space.IpAsync("link", "set", "dev", "lo", "up");
        await Shell.RunOrThrowAsync("ip", "-n", space.Name, "link", "add", "eth0", "address",
            workload.Mac, "type", "veth", "peer", "name", workload.Name, "netns",
            _hosts[workload.Host - 1].Name);
        // The overlay takes 58 bytes of the underlay's 1500 (Geneve with one option).
        await space.IpAsync("link", "set", "dev", "eth0", "mtu", "1442", "up");
        await space.IpAsync("address", "add", $"{workload.Address}/{workload.PrefixLength}",
            "dev", "eth0");
        if (workload.Gateway is not null)
        {
            await space.IpAsync("route", "add", "default", "via", $"{workload.Gateway}");
        }

        await _hosts[workload.Host - 1].IpAsync("link", "set", "dev", workload.Name, "up");
        return workload with { Namespace = space };
    }

    private async Task AddAsync(NetworkNamespace space)
    {
        await space.CreateAsync();
        _namespaces.Add(space);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var space in Enumerable.Reverse(_namespaces))
        {
            await Shell.RunAsync("ip", ["netns", "delete", space.Name]);
        }

        _namespaces.Clear();
        if (Directory.Exists(Folder)) Directory.Delete(Folder, recursive: true);
    }
}
