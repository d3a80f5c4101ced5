using System.Net;
using System.Net.Sockets;
using Fabric.HostNode.Demo;

namespace Fabric.SystemTests;

/// <summary>A host that is cut off from its cluster, with real packets.</summary>
/// <remarks>
/// <code>
/// near, far ---- br-int ==tunnels, cut== br-int ---- other
///                host3                   host1
/// </code>
/// </remarks>
public sealed class PartitionTests : IAsyncLifetime
{
    private const int TcpPort = 7000;

    /// <summary>A minute in the large counts; else until the host has left its cluster.</summary>
    private static readonly TimeSpan CutAtLeast = TimeSpan.FromSeconds(
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1" ? 60 : 0);

    private readonly Mesh _mesh = new(
        Environment.GetEnvironmentVariable("FABRIC_TEST_DATAPATH") ?? "userspace");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _mesh.DisposeAsync();

    /// <remarks>
    /// Goal: no bridge, port, flow or connection of a minority changes while it is cut off, gives
    /// its membership up, and joins again. Method: host3's leg of the underlay goes down; until
    /// its clustered system has ended (a minute at least in the large counts), rows, flows, groups
    /// and tracked connections are dumped with the stock tools and compared, and a connection
    /// between two of its workloads carries bytes.
    /// </remarks>
    [Fact]
    public async Task A_minority_that_is_cut_off_keeps_its_flows_and_connections()
    {
        await _mesh.BringUpAsync(hosts: 3);
        var cut = _mesh.Hosts[2];
        var near = await PlugAsync("near", 3, 5);
        var far = await PlugAsync("far", 3, 6);
        var other = await PlugAsync("other", 1, 7);
        using var inside = await ConnectAsync(near, far);
        using var across = await ConnectAsync(near, other);

        var before = await AtRestAsync(cut);
        foreach (var peer in new[] { far, other })
        {
            Assert.Contains(before, line => line.Contains("ESTABLISHED", StringComparison.Ordinal)
                && line.Contains($"dst={peer.Address},", StringComparison.Ordinal));
        }

        Assert.Contains(before, line => line.Contains("ovn-host1-0", StringComparison.Ordinal));

        var began = Environment.TickCount64;
        await _mesh.Topology.Underlay.IpAsync("link", "set", "dev", "h3", "down");
        await Mesh.UntilAsync(async () =>
        {
            Assert.True(await inside.EchoAsync(), $"no answer\n{_mesh.Logs(15)}");
            Assert.Equal(before, await SwitchAsync(cut));
            return Environment.TickCount64 - began >= CutAtLeast.TotalMilliseconds
                && await IsAloneAsync(cut);
        }, "host3 gives its membership up");

        await _mesh.Topology.Underlay.IpAsync("link", "set", "dev", "h3", "up");
        await Mesh.UntilAsync(async () =>
        {
            Assert.True(await inside.EchoAsync(), $"no answer\n{_mesh.Logs(15)}");
            return !await IsAloneAsync(cut);
        }, "host3 is a member again");
        Assert.True(await across.EchoAsync(), $"no answer across\n{_mesh.Logs(15)}");
        Assert.Equal(before, await SwitchAsync(cut));
    }

    /// <summary>Once nothing is on its way to the switch any more.</summary>
    private async Task<IReadOnlyList<string>> AtRestAsync(DemoHost host)
    {
        var last = await SwitchAsync(host);
        await Mesh.UntilAsync(async () =>
        {
            var now = await SwitchAsync(host);
            var isSame = now.SequenceEqual(last);
            last = now;
            return isSame;
        }, "two dumps are the same");
        return last;
    }

    private async Task<DemoWorkload> PlugAsync(string name, int host, int number)
    {
        var mac = $"00:00:00:00:00:{number:x2}";
        var address = IPAddress.Parse($"10.0.0.{number}");
        await Mesh.ToolAsync(_mesh.Hosts[0], "ovn-nbctl",
            $"--timeout=20 --may-exist ls-add sw0 -- lsp-add sw0 {name} "
            + $"-- lsp-set-addresses {name} 'PORT' "
            + "-- --may-exist acl-add sw0 to-lport 1001 ip4 allow-related", $"{mac} {address}");
        return await _mesh.PlugAsync(
            new DemoWorkload(name, host, mac, address, 24, Gateway: null));
    }

    private static async Task<bool> IsAloneAsync(DemoHost host) =>
        (await host.FabricAsync("cluster", "status")).Output.Contains("not a member");

    /// <summary>What the stock tools say of the host's switch, without counters.</summary>
    private async Task<IReadOnlyList<string>> SwitchAsync(DemoHost host)
    {
        (string Tool, string Words)[] questions =
        [
            ("ovs-vsctl", "--columns=_uuid,name,ports,datapath_type list Bridge"),
            ("ovs-vsctl", "--columns=_uuid,name,ofport,type,options list Interface"),
            ("ovs-ofctl", "--no-stats dump-flows br-int"),
            ("ovs-ofctl", "-O OpenFlow15 dump-groups br-int"),
            ("ovs-appctl", "dpctl/dump-conntrack"),
        ];
        var lines = new List<string>();
        foreach (var (tool, words) in questions)
        {
            var result = await host.ToolAsync(tool, ["--timeout=20", .. words.Split(' ')]);
            Assert.True(result.Succeeded, $"{tool} {words}: {result.Error}\n{_mesh.Logs(15)}");
            lines.AddRange(result.Output.Split('\n').Where(IsKept).Order(StringComparer.Ordinal));
        }

        return lines;
    }

    /// <summary>Of connections those over TCP: neighbours ask each other as they like.</summary>
    private static bool IsKept(string line) => !line.Contains("(xid=", StringComparison.Ordinal)
        && !line.StartsWith("icmp", StringComparison.Ordinal)
        && !line.StartsWith("udp", StringComparison.Ordinal);

    private static async Task<Connection> ConnectAsync(DemoWorkload from, DemoWorkload to)
    {
        using var listener = to.Namespace.Inside(() =>
        {
            var made = new TcpListener(to.Address, TcpPort);
            made.Start();
            return made;
        });
        var client = from.Namespace.Inside(() => new Socket(SocketType.Stream, ProtocolType.Tcp));
        await Mesh.UntilAsync(async () =>
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            try
            {
                await client.ConnectAsync(new IPEndPoint(to.Address, TcpPort), patience.Token);
                return true;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                client.Dispose();
                client = from.Namespace.Inside(
                    () => new Socket(SocketType.Stream, ProtocolType.Tcp));
                return false; // Its flows are not there yet.
            }
        }, $"{from.Name} reaches {to.Name}");
        return new Connection(client, await listener.AcceptSocketAsync());
    }

    /// <summary>Both ends of one TCP connection.</summary>
    private sealed class Connection(Socket client, Socket server) : IDisposable
    {
        private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(30);

        private byte _sent;

        /// <summary>A byte goes there and comes back.</summary>
        public async Task<bool> EchoAsync()
        {
            using var patience = new CancellationTokenSource(AnswerPatience);
            var bytes = new[] { ++_sent };
            try
            {
                await client.SendAsync(bytes, patience.Token);
                await server.ReceiveAsync(bytes, patience.Token);
                await server.SendAsync(bytes, patience.Token);
                bytes[0] = 0;
                return await client.ReceiveAsync(bytes, patience.Token) == 1 && bytes[0] == _sent;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                return false;
            }
        }

        public void Dispose()
        {
            client.Dispose();
            server.Dispose();
        }
    }
}
