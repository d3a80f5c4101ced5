using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Runtime.InteropServices;
using Fabric.Datapath.Tests.OvsNetlink;
using Fabric.Wire;

namespace Fabric.Datapath.Tests.Hyperv;

/// <summary>What is the extension's own, through the provider and the netlink contract.</summary>
public sealed class ExtensionTests : IDisposable
{
    private const string Tcp =
        "eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),"
        + "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),"
        + "tcp(src=1000,dst=80),tcp_flags(syn)";

    private readonly ExtensionServer _server =
        new(ExtensionBuild.Compile("serve.c", isSanitized: true));

    private readonly OvsNetlinkDatapath _provider;
    private readonly Dictionary<uint, uint> _ports = [];

    public ExtensionTests() => _provider = ExtensionHost.Open(_server);

    public void Dispose() => _provider.Dispose(); // And the server with it.

    [Fact]
    public void Megaflows_and_recirculation_stay_in_the_extension()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        const string Ip = "eth_type(0x0800),ipv4(frag=no)";
        Put($"recirc_id(0),in_port({one}),{Ip}", "ct(zone=3),recirc(0x1)");
        Put($"recirc_id(0x1),in_port({one}),ct_state(+new+trk),{Ip}", $"{two}");

        for (var i = 0; i < 5; i++) Send(one, Tcp.Replace("src=1000", $"src={1000 + i}"));

        Assert.Equal(5, _server.Take()[_ports[two]].Count());
        Assert.Equal(0u, _provider.Statistics().Missed);
        Assert.Equal(10u, _provider.Statistics().Hit);
        Assert.Equal(2, _provider.MicroflowCount);
    }

    [Fact]
    public void Clones_and_checks_of_length_stay_in_the_extension()
    {
        uint one = AddPort("p1"), two = AddPort("p2"), three = AddPort("p3");
        Put($"recirc_id(0),in_port({one})",
            $"clone(set(ipv4(ttl=9)),{two}),check_pkt_len(size=20,gt({three}),le({two})),{two}");

        Send(one, Tcp);

        var left = _server.Take();
        Assert.Equal([9, 64], left[_ports[two]].Select(packet => (int)packet[22]));
        Assert.Equal(64, Assert.Single(left[_ports[three]])[22]);
        Assert.Equal(0u, _provider.Statistics().Missed);
    }

    /// <summary>Whichever end of the pipeline is installed first.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_pipeline_deeper_than_the_driver_recirculates_goes_on_in_userspace(
        bool isBackwards)
    {
        const uint Last = 11;
        uint one = AddPort("p1"), two = AddPort("p2");
        var steps = Enumerable.Range(0, (int)Last + 1);
        foreach (var step in isBackwards ? steps.Reverse() : steps)
        {
            Put($"recirc_id(0x{step:x}),in_port({one})",
                step == Last ? $"{two}" : $"recirc(0x{step + 1:x})");
        }

        Send(one, Tcp);

        Assert.Single(_server.Take()[_ports[two]]);
        Assert.Equal(0UL, _server.Drops()[(int)DropReason.RecirculationLimit]);
        Assert.Equal(1, _provider.Counters.SlowPath);
    }

    [Fact]
    public void Connections_are_dumped_limited_told_of_and_flushed()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        var events = new ConcurrentQueue<ConntrackEvent>();
        _provider.Conntrack.Changed += events.Enqueue;
        _provider.Conntrack.SetLimit(3, 2);
        Put($"recirc_id(0),in_port({one})",
            "ct(commit,zone=3,mark=0x5/0xff,label=0x9/0xf),recirc(0x1)");
        Put($"recirc_id(0x1),in_port({one}),ct_state(+new+trk)", $"{two}");
        // Until the loop has joined the groups.
        EmulatedHost.Eventually(
            () =>
            {
                Send(one, Tcp);
                _provider.Conntrack.Flush(new ConntrackFilter(3));
                return events.Any(e => e.Change == ConntrackChange.Destroyed);
            },
            "an event of a connection that was flushed");

        for (var i = 0; i < 3; i++) Send(one, Tcp.Replace("src=1000", $"src={2000 + i}"));

        var entries = new List<ConntrackEntry>();
        _provider.Conntrack.Dump(3, entries.Add);
        Assert.Equal(2, entries.Count);
        var entry = entries.Single(one => one.Original.PortSource == 2000);
        Assert.Equal((5u, (UInt128)9, "SYN_SENT"), (entry.Mark, entry.Label, entry.State));
        Assert.Equal(IPAddress.Parse("10.0.0.2"), entry.Reply.Source);
        Assert.Equal((ushort)80, entry.Original.PortDestination);
        Assert.InRange(entry.TimeoutSeconds, 1u, 30u);
        Assert.Equal(1UL, _server.Drops()[(int)DropReason.ConntrackZoneLimit]);
        Assert.Equal(((ushort?)3, 2u, 2u), Assert.Single(_provider.Conntrack.Limits()));
        Assert.Contains(events, e => e.Change == ConntrackChange.New && e.Entry.Mark == 5);
        Assert.Equal(2, _provider.Conntrack.Flush(new ConntrackFilter(3)));
        Assert.Equal(0u, _provider.Conntrack.Totals().Count);
    }

    [Fact]
    public void A_connection_with_a_helper_that_the_extension_lacks_is_tracked_without()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        Put($"recirc_id(0),in_port({one})", $"ct(commit,zone=3,helper=ftp),{two}");

        for (var i = 0; i < 2; i++) Send(one, Tcp.Replace("dst=80)", "dst=21)"));

        Assert.False(_provider.KernelFeatures.HasConntrackHelper);
        Assert.Equal(2, _server.Take()[_ports[two]].Count());
        Assert.Equal(1u, _provider.Conntrack.Totals().Count);
        Assert.Equal(0, _provider.Counters.SlowPath);
    }

    [Fact]
    public void A_source_is_translated_and_its_answers_find_back()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        Put($"recirc_id(0),in_port({one})", "ct(commit,zone=3,nat(src=1.2.3.4)),recirc(0x1)");
        Put($"recirc_id(0x1),in_port({one}),ct_state(+new+trk)", $"{two}");
        Put($"recirc_id(0),in_port({two})", "ct(zone=3,nat),recirc(0x2)");
        Put($"recirc_id(0x2),in_port({two}),ct_state(+est+rpl+trk)", $"{one}");

        Send(one, Tcp);
        Send(two, Tcp.Replace("src=10.0.0.1,dst=10.0.0.2", "src=10.0.0.2,dst=1.2.3.4")
            .Replace("src=1000,dst=80", "src=80,dst=1000").Replace("(syn)", "(syn|ack)"));

        var left = _server.Take();
        var there = Assert.Single(left[_ports[two]]);
        Assert.Contains("src=1.2.3.4,dst=10.0.0.2", EmulatedHost.Describe(there));
        PacketChecks.ChecksumsAreRight(there);
        var back = Assert.Single(left[_ports[one]]);
        Assert.Contains("src=10.0.0.2,dst=10.0.0.1", EmulatedHost.Describe(back));
        PacketChecks.ChecksumsAreRight(back);
    }

    [Theory]
    [InlineData(TunnelKind.Geneve, 6081, 50)]
    [InlineData(TunnelKind.Vxlan, 4789, 50)]
    [InlineData(TunnelKind.Gre, 0, 42)]
    public void A_tunnel_of_the_extension_goes_there_and_back(
        TunnelKind kind, ushort udp, int overhead)
    {
        var uplink = _server.ConnectNic("Ethernet0", ExtensionNic.External);
        _server.AddHop([192, 0, 2, 1]);
        uint one = AddPort("p1"), two = AddPort("p2");
        var isAdded = _provider.Ports.TryAdd(
            new DatapathPortSpec("tun", DatapathPortKind.Tunnel,
                Tunnel: new TunnelPortSpec(kind, udp)),
            out var tunnel, out var error);
        Assert.True(isAdded, error);
        Put($"recirc_id(0),in_port({one})",
            $"set(tunnel(tun_id=0x77,dst=192.0.2.1,ttl=9,flags(key))),{tunnel.Number}");
        Put($"recirc_id(0),tunnel(tun_id=0x77,dst=192.0.2.1,ttl=9,flags(+key)),"
            + $"in_port({tunnel.Number})", $"{two}");

        Send(one, Tcp);
        var outer = Assert.Single(_server.Take()[uplink]);
        var packet = EmulatedHost.Packet(Tcp);
        Assert.Equal(packet, outer[^packet.Length..]);
        Assert.Equal(overhead, outer.Length - packet.Length);
        _server.Send(uplink, outer);
        _server.Settle();

        Assert.Equal(packet, Assert.Single(_server.Take()[_ports[two]]));
        Assert.Equal(0u, _provider.Statistics().Missed);
    }

    [Fact]
    public void Fragments_are_tracked_as_one_packet_and_leave_as_fragments()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        const string Ip = "eth_type(0x0800),ipv4(frag=no)";
        Put($"recirc_id(0),in_port({one})", "ct(commit,zone=3,nat(src=1.2.3.4)),recirc(0x1)");
        Put($"recirc_id(0x1),in_port({one}),ct_state(+new+trk),{Ip}", $"{two}");
        Assert.True(OdpFlowText.TryParse(Tcp, null, out var key, out _, out _));
        var fragments = Cut(PacketBuilder.Compose(key, 120), 40);
        Assert.Equal(3, fragments.Length);

        foreach (var fragment in fragments)
        {
            _server.Send(_ports[one], fragment);
            _server.Settle();
        }

        var left = _server.Take()[_ports[two]].ToArray();
        Assert.Equal(fragments.Length, left.Length);
        Assert.All(left, packet => Assert.Equal([1, 2, 3, 4], packet[26..30]));
        Assert.Equal(fragments.Select(f => f.Length), left.Select(packet => packet.Length));
        Assert.Equal(0u, _provider.Statistics().Missed);
    }

    /// <summary>IPv4 fragments of 'step' bytes of payload each.</summary>
    private static byte[][] Cut(byte[] packet, int step)
    {
        var end = 14 + BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(16));
        var fragments = new List<byte[]>();
        for (var at = 34; at < end; at += step)
        {
            byte[] one = [.. packet[..34], .. packet[at..Math.Min(at + step, end)]];
            BinaryPrimitives.WriteUInt16BigEndian(one.AsSpan(16), (ushort)(one.Length - 14));
            var isLast = at + step >= end;
            BinaryPrimitives.WriteUInt16BigEndian(
                one.AsSpan(20), (ushort)((isLast ? 0 : 0x2000) | ((at - 34) / 8)));
            BinaryPrimitives.WriteUInt16BigEndian(one.AsSpan(24), 0);
            MemoryMarshal.Write(
                one.AsSpan(24),
                InternetChecksum.ComputeWire(one.AsSpan(14, 20)));
            fragments.Add(one);
        }

        return [.. fragments];
    }

    [Fact]
    public void A_meter_is_the_extensions_own()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        Assert.True(_provider.Meters.TrySet(
            4, new MeterSpec(IsPackets: true, HasBurst: true, [new(MeterBandKind.Drop, 1, 2, 0)]),
            out var error), error);
        Put($"recirc_id(0),in_port({one})", $"meter(4),{two}");

        for (var i = 0; i < 6; i++) Send(one, Tcp);

        Assert.Equal(2, _server.Take()[_ports[two]].Count());
        Assert.Equal(4UL, _server.Drops()[(int)DropReason.MeterExceeded]);
        var counted = _provider.Meters.Statistics(4)!;
        Assert.Equal((6UL, 4UL), (counted.Packets, counted.Bands[0].Packets));
    }

    [Fact]
    public void Of_several_bands_that_are_exceeded_the_fastest_counts_the_packet()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        MeterBand[] bands =
            [new(MeterBandKind.Drop, 1, 2, 0), new(MeterBandKind.Drop, 9, 4, 0)];
        Assert.True(_provider.Meters.TrySet(
            5, new MeterSpec(IsPackets: true, HasBurst: true, [.. bands]), out var error), error);
        Put($"recirc_id(0),in_port({one})", $"meter(5),{two}");

        for (var i = 0; i < 6; i++) Send(one, Tcp);

        Assert.Equal(2, _server.Take()[_ports[two]].Count());
        var counted = _provider.Meters.Statistics(5)!;
        Assert.Equal((2UL, 2UL), (counted.Bands[0].Packets, counted.Bands[1].Packets));
    }

    [Fact]
    public void A_switch_that_loses_and_regains_the_extension_is_put_right()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        Put($"recirc_id(0),in_port({one})", $"{two}");
        _server.SetSwitch(isOn: false);
        EmulatedHost.Eventually(() => !_provider.IsConnected, "the loss is noticed");
        _server.SetSwitch(isOn: true);
        EmulatedHost.Eventually(() => _provider.IsConnected, "the provider is back");

        Send(one, Tcp);

        Assert.Single(_server.Take()[_ports[two]]);
        Assert.True(_provider.Counters.Losses > 0);
    }

    [Fact]
    public void Without_a_listener_the_host_keeps_its_network_until_one_is_there()
    {
        var uplink = _server.ConnectNic("Ethernet0", ExtensionNic.External);
        var host = _server.ConnectNic("br0", ExtensionNic.Internal);
        var packet = EmulatedHost.Packet(Tcp);
        using (var idle = new ExtensionServer(ExtensionBuild.Compile("serve.c", true)))
        {
            var (outside, inside) = (
                idle.ConnectNic("Ethernet0", ExtensionNic.External),
                idle.ConnectNic("br0", ExtensionNic.Internal));
            for (var i = 0; i < 7; i++) idle.Advance(TimeSpan.FromSeconds(1));
            idle.Send(inside, packet);
            idle.Send(outside, packet);
            var left = idle.Take();
            Assert.Equal((1, 1), (left[outside].Count(), left[inside].Count()));
        }

        for (var i = 0; i < 7; i++) _server.Advance(TimeSpan.FromSeconds(1));
        _server.Send(host, packet);
        Assert.Empty(_server.Take()[uplink]);
    }

    private uint AddPort(string name)
    {
        var id = _server.ConnectNic(name);
        var isAdded = _provider.Ports.TryAdd(
            new DatapathPortSpec(name, DatapathPortKind.System), out var port, out var error);
        Assert.True(isAdded, error);
        _ports[port.Number] = id;
        return port.Number;
    }

    private void Send(uint port, string packet)
    {
        _server.Send(_ports[port], EmulatedHost.Packet(packet));
        _server.Settle();
    }

    private void Put(string flow, string actions)
    {
        Assert.True(
            OdpFlowText.TryParse(flow, null, out var key, out var mask, out var error), error);
        mask.RecirculationIdWire = uint.MaxValue;
        _provider.Flows.Put(key, mask, EmulatedHost.Actions(actions));
    }
}
