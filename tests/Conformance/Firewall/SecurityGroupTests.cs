using System.Net;
using System.Net.Sockets;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>
/// Security groups as OpenStack's agent writes them, probed with packets of three virtual machines.
/// </summary>
public sealed class SecurityGroupTests(OneHost host) : IClassFixture<OneHost>
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);

    private sealed record Group(string Bridge, DemoWorkload[] Vms);

    /// <summary>A bridge with virtual machines on ports 1, 2 and so on.</summary>
    private async Task<Group> BridgeAsync(string name, int count)
    {
        await host.SaysAsync($"ovs-vsctl add-br {name} -- set-fail-mode {name} secure");
        var vms = new List<DemoWorkload>();
        for (byte number = 1; number <= count; number++)
        {
            vms.Add(await host.PlugAsync(name, $"{name}v{number}", number,
                $"-- set Interface {name}v{number} ofport_request={number}"));
        }

        return new Group(name, [.. vms]);
    }

    private Task ApplyAsync(Group group, params IEnumerable<string>[] flows)
    {
        var path = host.Write($"{group.Bridge}.flows",
            string.Join('\n', flows.SelectMany(some => some)) + "\n");
        return host.SaysAsync($"ovs-ofctl add-flows {group.Bridge} {path}");
    }

    private async Task RevokeAsync(Group group, int port, string match)
    {
        foreach (var flow in SecurityGroupFlows.MatchesOf(port, match))
        {
            await host.SaysAsync($"ovs-ofctl del-flows {group.Bridge} {flow}");
        }
    }

    private Task<string> DumpAsync() => host.SaysAsync(
        $"ovs-appctl dpctl/dump-conntrack zone={SecurityGroupFlows.Vlan}");

    private static Task<bool> PingsAsync(DemoWorkload from, DemoWorkload to) =>
        Probes.PingAsync(from, to.Address, count: 1);

    private static Task<bool> ReachesAsync(DemoWorkload from, DemoWorkload to, int port) =>
        Probes.ReachesTcpAsync(from, to.Address, port, Short);

    [Fact]
    public async Task Rules_let_in_what_they_name_and_answers_need_none()
    {
        var group = await BridgeAsync("sga", 2);
        var (a, b) = (group.Vms[0], group.Vms[1]);
        await ApplyAsync(group, SecurityGroupFlows.Base(),
            SecurityGroupFlows.Port(a, 1), SecurityGroupFlows.Port(b, 2));
        Assert.False(await PingsAsync(a, b));
        Assert.False(await ReachesAsync(a, b, 80));

        await ApplyAsync(group, SecurityGroupFlows.Rule(2, "icmp"),
            SecurityGroupFlows.Rule(2, "tcp,tp_dst=80"));
        Assert.True(await Poll.UntilAsync(() => PingsAsync(a, b)));
        Assert.True(await Poll.UntilAsync(() => ReachesAsync(a, b, 80)));
        Assert.False(await ReachesAsync(a, b, 81));
        Assert.False(await PingsAsync(b, a));
        Assert.Null(await Probes.TransferAsync(a, b, 80, 2_000_000));
        Assert.Contains($"src={a.Address},dst={b.Address}",
            await DumpAsync());

        var policies = await host.SaysAsync("fabric conntrack policies sgav2");
        Assert.Contains("tcp  port 80", policies);
        Assert.Contains("udp  nothing", policies);
    }

    [Fact]
    public async Task Another_rule_s_change_spares_a_connection_and_its_own_revocation_ends_it()
    {
        var group = await BridgeAsync("sgb", 2);
        var (a, b) = (group.Vms[0], group.Vms[1]);
        await ApplyAsync(group, SecurityGroupFlows.Base(),
            SecurityGroupFlows.Port(a, 1), SecurityGroupFlows.Port(b, 2),
            SecurityGroupFlows.Rule(2, "tcp,tp_dst=80"),
            SecurityGroupFlows.Rule(2, "tcp,tp_dst=81"));
        using var connection = await OpenAsync(a, b, 80);
        await RevokeAsync(group, 2, "tcp,tp_dst=81");
        Assert.True(await Poll.UntilAsync(async () => !await ReachesAsync(a, b, 81)));
        Assert.True(await connection.EchoesAsync(TimeSpan.FromSeconds(5)));

        await RevokeAsync(group, 2, "tcp,tp_dst=80");
        Assert.True(await Poll.UntilAsync(async () => !await connection.EchoesAsync(Short)));
        Assert.Contains("mark=1",
            await DumpAsync());

        // The rule comes back: what was cut stays cut, a new connection is let in.
        await ApplyAsync(group, SecurityGroupFlows.Rule(2, "tcp,tp_dst=80"));
        Assert.False(await connection.EchoesAsync(Short));
        Assert.True(await Poll.UntilAsync(() => ReachesAsync(a, b, 80)));
    }

    [Fact]
    public async Task Only_members_of_the_remote_group_get_in()
    {
        var group = await BridgeAsync("sgc", 3);
        var (a, b, c) = (group.Vms[0], group.Vms[1], group.Vms[2]);
        await ApplyAsync(group, SecurityGroupFlows.Base(),
            SecurityGroupFlows.Port(a, 1), SecurityGroupFlows.Port(b, 2),
            SecurityGroupFlows.Port(c, 3),
            SecurityGroupFlows.RemoteGroup(2, "tcp,tp_dst=8080", 16, $"{a.Address}"));
        Assert.True(await Poll.UntilAsync(() => ReachesAsync(a, b, 8080)));
        Assert.Null(await Probes.TransferAsync(a, b, 8080, 100_000));
        Assert.False(await ReachesAsync(c, b, 8080));
        Assert.False(await ReachesAsync(a, b, 8081));

        await ApplyAsync(group,
            SecurityGroupFlows.RemoteGroup(2, "tcp,tp_dst=8080", 16, $"{c.Address}"));
        Assert.True(await Poll.UntilAsync(() => ReachesAsync(c, b, 8080)));
    }

    [Fact]
    public async Task An_address_must_be_the_port_s_own_or_an_allowed_pair()
    {
        var group = await BridgeAsync("sgd", 2);
        var (a, b) = (group.Vms[0], group.Vms[1]);
        var other = IPAddress.Parse("10.1.0.77");
        await ApplyAsync(group, SecurityGroupFlows.Base(),
            SecurityGroupFlows.Port(a, 1), SecurityGroupFlows.Port(b, 2),
            SecurityGroupFlows.Rule(1, "icmp"), SecurityGroupFlows.Rule(2, "icmp"));
        await a.Namespace.IpAsync("address", "add", $"{other}/24", "dev", "eth0");
        Assert.True(await Poll.UntilAsync(() => PingsAsync(a, b)));
        Assert.False(await Probes.PingAsync(b, other, count: 1));

        await ApplyAsync(group, SecurityGroupFlows.Port(a, 1, $"{other}"));
        await b.Namespace.IpAsync("neigh", "flush", "all");
        Assert.True(await Poll.UntilAsync(() => Probes.PingAsync(b, other, count: 1)));
    }

    [Fact]
    public async Task A_stateless_port_is_not_tracked_and_an_open_one_not_filtered()
    {
        // Other bridges have the same addresses in the same zone.
        await host.SaysAsync($"ovs-appctl dpctl/flush-conntrack zone={SecurityGroupFlows.Vlan}");
        var group = await BridgeAsync("sge", 3);
        var (a, b, c) = (group.Vms[0], group.Vms[1], group.Vms[2]);
        await ApplyAsync(group, SecurityGroupFlows.Base(),
            SecurityGroupFlows.StatelessPort(a, 1, "icmp"),
            SecurityGroupFlows.OpenPort(2), SecurityGroupFlows.Port(c, 3));
        Assert.True(await Poll.UntilAsync(() => PingsAsync(a, b)));
        Assert.True(await Poll.UntilAsync(() => PingsAsync(b, a)));
        Assert.Null(await Probes.TransferAsync(c, b, 9_000, 100_000));
        Assert.False(await ReachesAsync(b, c, 80));
        Assert.False(await ReachesAsync(b, a, 80));
        // Segments of other tests' connections may still come again; echoes do not.
        Assert.DoesNotContain($"icmp,orig=(src={a.Address},",
            await DumpAsync());
    }

    [Fact]
    public async Task A_datagram_of_sixty_kilobytes_passes_in_fragments_and_is_one_connection()
    {
        var group = await BridgeAsync("sgf", 2);
        var (a, b) = (group.Vms[0], group.Vms[1]);
        await ApplyAsync(group, SecurityGroupFlows.Base(),
            SecurityGroupFlows.Port(a, 1), SecurityGroupFlows.Port(b, 2));
        Assert.False(await EchoesDatagramAsync(a, b, 5000, 60_000));
        await ApplyAsync(group, SecurityGroupFlows.Rule(2, "udp"));
        Assert.True(await Poll.UntilAsync(() => EchoesDatagramAsync(a, b, 5000, 60_000)));
        Assert.DoesNotContain("v4 frags completed: 0\n",
            await host.SaysAsync("ovs-appctl dpctl/ipf-get-status"));
        Assert.Contains($"udp,orig=(src={a.Address},dst={b.Address}", await DumpAsync());
    }

    /// <summary>A datagram goes there and comes back whole, within a second.</summary>
    private static async Task<bool> EchoesDatagramAsync(
        DemoWorkload from, DemoWorkload to, int port, int size)
    {
        using var server = to.Namespace.Inside(() =>
        {
            var socket = UdpSocket();
            socket.Bind(new IPEndPoint(to.Address, port));
            return socket;
        });
        using var client = from.Namespace.Inside(UdpSocket);
        using var limit = new CancellationTokenSource(Short);
        var sent = new byte[size];
        new Random(size).NextBytes(sent);
        var buffer = new byte[65_536];
        try
        {
            await client.SendToAsync(sent, new IPEndPoint(to.Address, port), limit.Token);
            var heard = await server.ReceiveFromAsync(
                buffer, new IPEndPoint(IPAddress.Any, 0), limit.Token);
            await server.SendToAsync(
                buffer.AsMemory(0, heard.ReceivedBytes), heard.RemoteEndPoint, limit.Token);
            var answered = await client.ReceiveFromAsync(
                buffer, new IPEndPoint(IPAddress.Any, 0), limit.Token);
            return buffer.AsSpan(0, answered.ReceivedBytes).SequenceEqual(sent);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static Socket UdpSocket() =>
        new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    private static async Task<LiveConnection> OpenAsync(DemoWorkload a, DemoWorkload b, int port)
    {
        LiveConnection? connection = null;
        Assert.True(await Poll.UntilAsync(async () =>
            (connection = await LiveConnection.TryOpenAsync(a, b, port, Short)) is not null));
        return connection!;
    }
}
