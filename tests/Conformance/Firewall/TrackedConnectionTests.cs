using System.Net;
using System.Net.Sockets;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>Connections of real hosts that are unusual, hostile or too many.</summary>
public sealed class TrackedConnectionTests(OneHost host) : IClassFixture<OneHost>
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1.5);

    [Fact]
    public async Task Both_ends_may_open_one_connection_at_once()
    {
        var pair = await TrackedPair.MakeAsync(host, "sim", 41);
        string[] held =
        [
            "priority=100,arp,actions=NORMAL",
            "priority=50,tcp,actions=ct(table=1,zone=41)",
            "table=1,priority=9,tcp,ct_state=+new,actions=ct(commit,zone=41)",
        ];
        await pair.ApplyAsync(held); // Both SYNs are seen, neither arrives: they cross.
        using var left = Bound(pair.Client, 5001);
        using var right = Bound(pair.Server, 5002);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var leftOpens = left.ConnectAsync(
            new IPEndPoint(pair.Server.Address, 5002), limit.Token).AsTask();
        var rightOpens = right.ConnectAsync(
            new IPEndPoint(pair.Client.Address, 5001), limit.Token).AsTask();
        Assert.True(await Poll.UntilAsync(async () =>
            await pair.CountAsync("priority=9,ct_state=+new,tcp") >= 2));

        await pair.ApplyAsync([.. held[..2],
            "table=1,priority=9,tcp,ct_state=+trk+inv,actions=drop",
            "table=1,priority=8,tcp,ct_state=+trk,actions=NORMAL"]);
        await Task.WhenAll(leftOpens, rightOpens);
        Assert.True(await EchoesAsync(left, right));
        Assert.True(await EchoesAsync(right, left));
        var entry = Assert.Single((await pair.DumpAsync()).Split(
            '\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("state=ESTABLISHED", entry);
    }

    [Fact]
    public async Task When_all_translated_ports_are_taken_the_next_one_waits()
    {
        var pair = await TrackedPair.MakeAsync(host, "exh", 42);
        await pair.ApplyAsync([
            .. pair.Flows("nat(src=10.1.0.100:5000-5003),table=2").Select(flow =>
                flow.Replace("table=2),NORMAL", "table=2)", StringComparison.Ordinal)),
            "table=2,priority=1,ip,ct_state=+trk+snat,actions=NORMAL",
        ]);
        var before = await ExhaustedAsync();
        using var listener = Listening(pair.Server, 7000);
        var open = new List<Socket>();
        for (var i = 0; i < 4; i++)
        {
            open.Add(await OpenAsync(pair.Client, pair.Server.Address, 7000) ?? throw new
                InvalidOperationException($"connection {i}: {await pair.DumpAsync()}"));
            using var accepted = await listener.AcceptAsync();
            var seen = (IPEndPoint)accepted.RemoteEndPoint!;
            Assert.Equal(TrackedPair.PublicSource, $"{seen.Address}");
            Assert.InRange(seen.Port, 5000, 5003);
        }

        Assert.Null(await OpenAsync(pair.Client, pair.Server.Address, 7000));
        Assert.True(await ExhaustedAsync() > before);
        foreach (var socket in open) socket.Dispose();
        Assert.True(await Poll.UntilAsync(async () =>
        {
            await pair.FlushAsync(); // Last segments, sent again, may have taken places.
            using var again = await OpenAsync(pair.Client, pair.Server.Address, 7000);
            return again is not null;
        }));
    }

    [Fact]
    public async Task An_error_about_the_path_s_mtu_reaches_the_translated_sender()
    {
        var pair = await TrackedPair.MakeAsync(host, "mtu", 43);
        var far = await host.PlugAsync(
            pair.Bridge, "mtuf", 3, "-- set Interface mtuf ofport_request=3");
        // The server is a router to 10.2.0.9 over a link that takes 600 bytes.
        await pair.ApplyAsync([.. pair.Flows("nat(src=10.1.0.100)"),
            "priority=90,in_port=2,tcp,actions=NORMAL"]);
        await pair.Server.Namespace.RunAsync(["sysctl", "-qw", "net.ipv4.ip_forward=1",
            "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.eth0.send_redirects=0"]);
        await pair.Server.Namespace.IpAsync(
            "route", "add", "10.2.0.9", "via", $"{far.Address}", "mtu", "600");
        await pair.Client.Namespace.IpAsync(
            "route", "add", "10.2.0.9", "via", $"{pair.Server.Address}");
        await far.Namespace.IpAsync("address", "add", "10.2.0.9/32", "dev", "eth0");
        await far.Namespace.IpAsync("neigh", "replace", TrackedPair.PublicSource, "lladdr",
            pair.Client.Mac, "dev", "eth0");

        using var listener = Listening(far, 7001, "10.2.0.9");
        Socket? opened = null;
        Assert.True(await Poll.UntilAsync(async () => (opened = await OpenAsync(
            pair.Client, IPAddress.Parse("10.2.0.9"), 7001)) is not null));
        using var client = opened!;
        using var server = await listener.AcceptAsync();
        var data = new byte[200_000];
        new Random(1).NextBytes(data);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        var sending = client.SendAsync(data, SocketFlags.None, limit.Token).AsTask();
        var received = new byte[data.Length];
        for (var size = 0; size < data.Length;)
        {
            var count = await server.ReceiveAsync(
                received.AsMemory(size), SocketFlags.None, limit.Token);
            Assert.NotEqual(0, count);
            size += count;
        }

        await sending;
        Assert.True(received.AsSpan().SequenceEqual(data));
        Assert.Contains("mtu 600", await pair.Client.Namespace.IpAsync(
            "route", "get", "10.2.0.9"));
        Assert.True(await pair.CountAsync("ct_state=-new+rel+trk,ip ") > 0);
    }

    [Fact]
    public async Task Equal_addresses_and_ports_in_two_zones_are_two_connections()
    {
        var one = await TrackedPair.MakeAsync(host, "zna", 44);
        var two = await TrackedPair.MakeAsync(host, "znb", 45);
        using var first = await LiveAsync(one);
        using var second = await LiveAsync(two);
        const string Tuple = "sport=40000,dport=7002";
        Assert.Contains(Tuple, await one.DumpAsync());
        Assert.Contains(Tuple, await two.DumpAsync());

        await one.FlushAsync();
        Assert.DoesNotContain(Tuple, await one.DumpAsync());
        Assert.Contains(Tuple, await two.DumpAsync());
        Assert.True(await EchoesAsync(second.Client, second.Server));
        Assert.True(await EchoesAsync(second.Server, second.Client));
    }

    [Fact]
    public async Task Segments_out_of_window_are_invalid_unless_windows_are_not_checked()
    {
        var pair = await TrackedPair.MakeAsync(host, "oow", 46);
        using var live = await LiveAsync(pair);
        const string Invalid = "ct_state=+inv+trk,ip ";
        Assert.Equal(0, await pair.CountAsync(Invalid));
        var port = ((IPEndPoint)live.Client.LocalEndPoint!).Port;
        // Whatever the numbers are, two that lie 2^31 apart cannot both be in the window.
        string[] strays =
        [
            RawSegments.Hex(pair.Client, pair.Server, port, 7002, sequence: 5),
            RawSegments.Hex(pair.Client, pair.Server, port, 7002, sequence: 0x8000_0005),
        ];
        await RawFrames.SendAsync(pair.Client, strays);
        Assert.True(await Poll.UntilAsync(async () => await pair.CountAsync(Invalid) > 0));
        Assert.True(await EchoesAsync(live.Client, live.Server));

        await host.SaysAsync("ovs-appctl dpctl/ct-disable-tcp-seq-chk");
        try
        {
            var passed = await pair.CountAsync("ct_state=+est+trk,ip ");
            await RawFrames.SendAsync(pair.Client, strays);
            Assert.True(await Poll.UntilAsync(async () =>
                await pair.CountAsync("ct_state=+est+trk,ip ") >= passed + 2));
            Assert.InRange(await pair.CountAsync(Invalid), 1, strays.Length);
        }
        finally
        {
            await host.SaysAsync("ovs-appctl dpctl/ct-enable-tcp-seq-chk");
        }
    }

    [Fact]
    public async Task Rows_of_a_zone_set_its_limit_and_timeouts_and_their_removal_ends_both()
    {
        var pair = await TrackedPair.MakeAsync(host, "row", 47);
        await host.SaysAsync("ovs-vsctl -- --id=@d create Datapath datapath_version=0 "
            + "-- set Open_vSwitch . datapaths:netdev=@d");
        await host.SaysAsync("ovs-vsctl add-zone-tp netdev zone=47 udp_first=7 udp_single=7");
        var zone = await host.SaysAsync("ovs-vsctl --bare --columns=_uuid find CT_Zone");
        Assert.True(await Poll.UntilAsync(async () =>
        {
            await pair.FlushAsync();
            await SendDatagramAsync(pair, 5003);
            var life = LifeOf(await host.SaysAsync(
                "ovs-appctl dpctl/dump-conntrack -s zone=47"));
            return life is > 0 and <= 7;
        }));

        if ((await host.RunAsync($"ovs-vsctl set CT_Zone {zone} limit=2")).Succeeded)
        {
            Assert.True(await Poll.UntilAsync(async () =>
                (await host.SaysAsync("ovs-appctl dpctl/ct-get-limits zone=47"))
                    .Contains("zone=47,limit=2,", StringComparison.Ordinal)));
            await pair.FlushAsync();
            for (var port = 5004; port < 5010; port++) await SendDatagramAsync(pair, port);
            Assert.True(await Poll.UntilAsync(async () =>
                await pair.CountAsync("ct_state=+new-rel+trk,ip,in_port=") >= 6));
            Assert.Equal(2, (await pair.DumpAsync()).Split(
                '\n', StringSplitOptions.RemoveEmptyEntries).Length);
        }

        await host.SaysAsync("ovs-vsctl del-zone-tp netdev zone=47");
        Assert.True(await Poll.UntilAsync(async () =>
        {
            await pair.FlushAsync();
            await SendDatagramAsync(pair, 5011);
            return LifeOf(await host.SaysAsync(
                "ovs-appctl dpctl/dump-conntrack -s zone=47")) > 7;
        }));
    }

    [Fact]
    public async Task Watch_prints_what_comes_and_goes_in_its_zone_only()
    {
        var pair = await TrackedPair.MakeAsync(host, "wat", 48);
        var other = await TrackedPair.MakeAsync(host, "wao", 49);
        using var watch = NamespaceDaemon.StartFabric(
            host.Node, "conntrack", "watch", "--zone", "48", "--json");
        Assert.True(await Poll.UntilAsync(async () =>
        {
            await other.FlushAsync();
            await SendDatagramAsync(other, 5012);
            await pair.FlushAsync();
            await SendDatagramAsync(pair, 5012);
            return watch.Output.Contains("destroy", StringComparison.Ordinal);
        }), watch.Output);
        foreach (var line in watch.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var change = System.Text.Json.JsonDocument.Parse(line);
            Assert.Equal(48, change.RootElement.GetProperty("zone").GetInt32());
            var tuple = change.RootElement.GetProperty("orig");
            Assert.Equal(TrackedPair.Inside, tuple.GetProperty("src").GetString());
        }

        Assert.Contains("\"event\":\"new\"",
            watch.Output.Replace(" ", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Policies_of_a_logical_port_are_its_acls_by_protocol()
    {
        await host.SaysAsync("ovn-nbctl ls-add pol0 -- lsp-add pol0 polvm1 "
            + "-- lsp-add pol0 polvm2 -- pg-add polweb polvm1");
        foreach (var acl in (string[])[
            "polweb to-lport 1002 'outport == @polweb && tcp.dst == 80' allow-related",
            "polweb to-lport 1001 'outport == @polweb && ip' drop",
            "pol0 from-lport 900 'inport == \"polvm2\" && udp' drop",
        ])
        {
            await host.SaysAsync($"ovn-nbctl acl-add {acl}");
        }

        var one = "";
        Assert.True(await Poll.UntilAsync(async () =>
            (one = (await host.RunAsync("fabric conntrack policies polvm1")).Output)
                .Contains("(priority 1001)", StringComparison.Ordinal)));
        Assert.Equal("""
            polvm1 (logical switch pol0)
              may send:
                icmp else all
                tcp  else all
                udp  else all
              may receive:
                icmp drop outport == @polweb && ip (priority 1001); else all
                tcp  allow-related outport == @polweb && tcp.dst == 80 (priority 1002); \
            drop outport == @polweb && ip (priority 1001); else all
                udp  drop outport == @polweb && ip (priority 1001); else all
            """.Replace("\\\n", "", StringComparison.Ordinal), one.TrimEnd('\n'));
        Assert.Contains("udp  drop inport == \"polvm2\" && udp (priority 900); else all",
            await host.SaysAsync("fabric conntrack policies polvm2"));
    }

    /// <summary>The seconds that the only connection of a dump has left; 0 without one.</summary>
    private static int LifeOf(string dump)
    {
        const string Label = "timeout=";
        var start = dump.IndexOf(Label, StringComparison.Ordinal);
        if (start < 0) return 0;
        var digits = dump[(start + Label.Length)..].TakeWhile(char.IsDigit).ToArray();
        return int.Parse(digits, System.Globalization.CultureInfo.InvariantCulture);
    }

    private async Task<long> ExhaustedAsync()
    {
        var said = await host.RunAsync(
            "ovs-appctl coverage/read-counter drop_conntrack_nat_exhausted");
        // A reason that never was has no counter yet.
        return said.Succeeded
            ? long.Parse(said.Output, System.Globalization.CultureInfo.InvariantCulture)
            : 0;
    }

    private static async Task SendDatagramAsync(TrackedPair pair, int port)
    {
        using var socket = pair.Client.Namespace.Inside(() => new Socket(
            AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        await socket.SendToAsync(new byte[8], new IPEndPoint(pair.Server.Address, port));
    }

    /// <summary>A connection from port 40000 to port 7002.</summary>
    private sealed record Live(Socket Client, Socket Server) : IDisposable
    {
        public void Dispose()
        {
            Client.Dispose();
            Server.Dispose();
        }
    }

    private static async Task<Live> LiveAsync(TrackedPair pair)
    {
        using var listener = Listening(pair.Server, 7002);
        Socket? client = null;
        Assert.True(await Poll.UntilAsync(async () => (client = await OpenAsync(
            pair.Client, pair.Server.Address, 7002, sourcePort: 40_000)) is not null));
        return new Live(client!, await listener.AcceptAsync());
    }

    private static Socket TcpSocket() =>
        new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    private static Socket Bound(DemoWorkload where, int port, string? address = null) =>
        where.Namespace.Inside(() =>
        {
            var socket = TcpSocket();
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(
                address is null ? where.Address : IPAddress.Parse(address), port));
            return socket;
        });

    private static Socket Listening(DemoWorkload where, int port, string? address = null)
    {
        var socket = Bound(where, port, address);
        socket.Listen();
        return socket;
    }

    /// <returns>Null when it does not come up in time.</returns>
    private static async Task<Socket?> OpenAsync(
        DemoWorkload from, IPAddress to, int port, int sourcePort = 0)
    {
        var socket = sourcePort == 0
            ? from.Namespace.Inside(TcpSocket)
            : Bound(from, sourcePort);
        using var limit = new CancellationTokenSource(Short);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(to, port), limit.Token);
            return socket;
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    private static async Task<bool> EchoesAsync(Socket from, Socket to)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        var buffer = new byte[1];
        try
        {
            await from.SendAsync(new byte[] { 1 }, SocketFlags.None, limit.Token);
            return await to.ReceiveAsync(buffer, SocketFlags.None, limit.Token) == 1;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
