using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.Netlink;
using static Fabric.Datapath.Tests.OvsNetlink.EmulatedHost;

namespace Fabric.Datapath.Tests.OvsNetlink;

/// <summary>What the OVSEXT driver does otherwise than one would think, one by one.</summary>
public sealed class OvsextTrapTests : IDisposable
{
    private readonly EmulatedHost _host = new();

    private OvsNetlinkDatapath Provider => _host.Provider;

    public void Dispose() => _host.Dispose();

    [Fact]
    public void One_megaflow_becomes_a_microflow_for_each_kind_of_packet()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        var handler = new FixedHandler(Actions($"{two}"));
        Provider.UpcallHandler = handler;

        for (var i = 0; i < 5; i++)
        {
            _host.Send(one, Packet(Tcp.Replace("src=1000", $"src={1000 + i}")));
            _host.Send(one, Packet(Tcp.Replace("src=1000", $"src={1000 + i}")));
        }

        Assert.Equal(1, handler.Misses);
        Assert.Equal(5, Provider.Counters.Upcalls);
        Assert.Equal(5, Provider.MicroflowCount);
        Assert.Equal(1, Provider.Flows.Count);
        Assert.Equal(10, _host.Received(two).Length);
        Assert.Equal(9UL, Total().Packets); // The packet that made the flow is the handler's.
    }

    [Theory]
    [InlineData("ttl=64", "ttl=63")]
    [InlineData("tos=0", "tos=0x10")]
    public void Fields_that_a_megaflow_ignores_make_microflows_too(string was, string now)
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        _host.Put($"recirc_id(0),in_port({one})", $"{two}");

        _host.Send(one, Packet(Tcp));
        _host.Send(one, Packet(Tcp.Replace(was, now)));

        Assert.Equal(2, Provider.MicroflowCount);
        Assert.Equal(2UL, Total().Packets);
    }

    [Fact]
    public void A_flow_that_looks_at_tcp_flags_sends_each_packet_up()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2"), three = _host.AddPort("p3");
        _host.Put($"recirc_id(0),in_port({one}),eth_type(0x0800),ipv4(proto=6,frag=no),"
            + "tcp_flags(+syn-ack)", $"{two}");
        _host.Put($"recirc_id(0),in_port({one}),eth_type(0x0800),ipv4(proto=6,frag=no),"
            + "tcp_flags(-syn+ack)", $"{three}");

        for (var i = 0; i < 3; i++)
        {
            _host.Send(one, Packet(Tcp));
            _host.Send(one, Packet(Tcp.Replace("(syn)", "(ack)")));
        }

        Assert.Equal(3, _host.Received(two).Length);
        Assert.Equal(3, _host.Received(three).Length);
        Assert.True(Provider.Counters.SlowPath >= 5);
    }

    [Fact]
    public void Features_are_found_by_executing_and_never_by_installing()
    {
        var features = Provider.KernelFeatures;
        Assert.False(features.HasMasks);
        Assert.False(features.HasMaskedSet);
        Assert.False(features.HasTruncate);
        Assert.False(features.HasClone);
        Assert.False(features.HasCheckPacketLength);
        Assert.False(features.HasConntrackClear);
        Assert.False(features.HasPushEthernet);
        Assert.False(features.HasDecrementTtl);
        Assert.False(features.HasExplicitDrop);
        Assert.True(features.HasConntrack);
        Assert.True(features.HasConntrackHelper);
        Assert.True(features.HasSample);
        Assert.True(features.HasHash);
        Assert.True(features.HasMpls);
        Assert.True(features.HasMeters);
    }

    [Theory]
    [InlineData("2.5", false)]
    [InlineData("3.0", false)]
    [InlineData("3.1", true)]
    [InlineData("3.7", true)]
    public void Drivers_of_all_ages_are_taken_as_they_are(string version, bool hasMeters)
    {
        using var host = new EmulatedHost(new EmulatorProfile(Version.Parse(version)));
        uint one = host.AddPort("p1"), two = host.AddPort("p2");
        Assert.Equal(hasMeters, host.Provider.KernelFeatures.HasMeters);
        Assert.True(host.Provider.Meters.TrySet(
            1, new MeterSpec(true, true, [new MeterBand(MeterBandKind.Drop, 1, 1, 0)]), out _));
        host.Put($"recirc_id(0),in_port({one})", $"meter(1),{two}");

        for (var i = 0; i < 5; i++) host.Send(one, Packet(Tcp));

        Assert.True(host.Received(two).Length is >= 1 and < 5);
        Assert.Equal(5UL, host.Provider.Meters.Statistics(1)!.Packets);
    }

    [Fact]
    public void A_set_that_the_driver_would_pass_over_is_done_by_the_provider()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        _host.Put($"recirc_id(0),in_port({one})", $"set(ipv6(dst=fd00::99,hlimit=63)),{two}");

        _host.Send(one, Packet(Udp6));
        _host.Send(one, Packet(Udp6));

        foreach (var packet in _host.Received(two))
        {
            Assert.Contains("dst=fd00::99", Describe(packet));
            Assert.Contains("hlimit=63", Describe(packet));
            PacketChecks.ChecksumsAreRight(packet);
        }

        Assert.Equal(2, Provider.Counters.SlowPath);
    }

    [Fact]
    public void A_set_of_some_bits_becomes_a_set_of_the_whole_header()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        _host.Put($"recirc_id(0),in_port({one})",
            $"set(ipv4(src=192.168.0.0/255.255.0.0,ttl=9)),set(tcp(dst=81)),{two}");

        for (var i = 0; i < 3; i++) _host.Send(one, Packet(Tcp));

        Assert.All(_host.Received(two), packet => Assert.Contains(
            "ipv4(src=192.168.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=9,frag=no),tcp(src=1000,dst=81)",
            Describe(packet)));
        Assert.Equal(0, Provider.Counters.SlowPath);
        Assert.Equal(1, Provider.Counters.Upcalls);
    }

    [Fact]
    public void Tracking_in_the_middle_of_what_the_driver_lacks_stays_the_drivers()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2"), three = _host.AddPort("p3");
        _host.Put($"recirc_id(0),in_port({one})",
            $"trunc(40),{three},set(ipv4(ttl=9)),ct(commit,zone=7),recirc(0x5)");
        _host.Put($"ct_state(+new+trk),ct_zone(0x7),recirc_id(0x5),in_port({one})", $"{two}");

        _host.Send(one, Packet(Tcp));

        Assert.Equal(40, Assert.Single(_host.Received(three)).Length);
        Assert.Contains("ttl=9", Describe(Assert.Single(_host.Received(two))));
        Assert.Equal(7, Assert.Single(Connections()).Zone);
    }

    [Fact]
    public void Actions_after_tracking_that_the_driver_lacks_come_back_up()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2"), three = _host.AddPort("p3");
        _host.Put($"recirc_id(0),in_port({one})", $"ct(commit,zone=7),trunc(40),{two},{three}");

        _host.Send(one, Packet(Tcp));
        _host.Send(one, Packet(Tcp));

        Assert.All(_host.Received(two), packet => Assert.Equal(40, packet.Length));
        Assert.Equal(2, _host.Received(three).Length);
        Assert.Single(Connections());
    }

    [Fact]
    public void A_table_that_is_full_evicts_what_was_unused_longest()
    {
        using var host = new EmulatedHost(change: options => options with { MicroflowsMax = 8 });
        uint one = host.AddPort("p1"), two = host.AddPort("p2");
        host.Put($"recirc_id(0),in_port({one})", $"{two}");

        for (var i = 0; i < 40; i++)
        {
            host.Send(one, Packet(Tcp.Replace("src=1000", $"src={2000 + i}")));
        }

        Assert.Equal(8, host.Provider.MicroflowCount);
        Assert.Equal(32, host.Provider.Counters.Evictions);
        Assert.Equal(8, host.Emulator.Packets.Flows.Count);
        Assert.Equal(40, host.Received(two).Length);
        FlowStatistics seen = default;
        host.Provider.Flows.Dump((in FlowKey _, in FlowKey _, ImmutableArray<DatapathAction> _,
            in FlowStatistics statistics) => seen = statistics);
        Assert.Equal(40UL, seen.Packets);
    }

    [Fact]
    public void A_changed_megaflow_changes_its_microflows_at_once()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2"), three = _host.AddPort("p3");
        _host.Put($"recirc_id(0),in_port({one})", $"{two}");
        for (var i = 0; i < 4; i++) _host.Send(one, Packet(Tcp.Replace("=1000", $"={1000 + i}")));

        _host.Put($"recirc_id(0),in_port({one})", $"{three}");
        var upcalls = Provider.Counters.Upcalls;
        for (var i = 0; i < 4; i++) _host.Send(one, Packet(Tcp.Replace("=1000", $"={1000 + i}")));

        Assert.Equal(4, _host.Received(two).Length);
        Assert.Equal(4, _host.Received(three).Length);
        Assert.Equal(upcalls, Provider.Counters.Upcalls);
        Assert.Equal(4, Provider.Counters.Reexpansions);
    }

    [Fact]
    public void A_deleted_megaflow_takes_its_microflows_along_and_knows_all_packets()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        _host.Put($"recirc_id(0),in_port({one})", $"{two}");
        for (var i = 0; i < 6; i++)
        {
            _host.Send(one, Packet(Tcp.Replace("=1000", $"={1000 + (i % 3)}")));
        }

        FlowKey key = default, mask = default;
        Provider.Flows.Dump((in FlowKey each, in FlowKey bits, ImmutableArray<DatapathAction> _,
            in FlowStatistics _) => (key, mask) = (each, bits));

        Assert.True(Provider.Flows.Delete(key, mask, out var last));

        Assert.Equal(6UL, last.Packets);
        Assert.Equal(0, Provider.MicroflowCount);
        Assert.Equal(0, _host.Emulator.Packets.Flows.Count);
    }

    [Fact]
    public void Microflows_that_nothing_uses_leave_the_device_and_their_counts_stay()
    {
        using var host = new EmulatedHost(
            change: options => options with { MicroflowIdle = TimeSpan.FromMilliseconds(-1000) });
        uint one = host.AddPort("p1"), two = host.AddPort("p2");
        host.Put($"recirc_id(0),in_port({one})", $"{two}");
        host.Send(one, Packet(Tcp));
        host.Send(one, Packet(Tcp));

        ulong packets = 0;
        for (var i = 0; i < 2; i++)
        {
            host.Provider.Flows.Dump((in FlowKey _, in FlowKey _,
                ImmutableArray<DatapathAction> _, in FlowStatistics statistics) =>
                packets = statistics.Packets);
        }

        Assert.Equal(2UL, packets);
        Assert.Equal(0, host.Emulator.Packets.Flows.Count);
        Assert.Equal(1, host.Provider.Flows.Count);
    }

    [Fact]
    public void A_friendly_name_that_no_nic_has_says_so()
    {
        Assert.False(Provider.Ports.TryAdd(
            new DatapathPortSpec("nowhere", DatapathPortKind.System), out _, out var error));
        Assert.Contains("friendly name", error);
    }

    [Fact]
    public void A_second_tunnel_on_the_same_port_is_an_error_though_the_driver_says_done()
    {
        var tunnel = new TunnelPortSpec(TunnelKind.Geneve, 6081);
        Assert.True(Provider.Ports.TryAdd(
            new DatapathPortSpec("gnv1", DatapathPortKind.Tunnel, Tunnel: tunnel), out _, out _));
        Assert.False(Provider.Ports.TryAdd(
            new DatapathPortSpec("gnv2", DatapathPortKind.Tunnel, Tunnel: tunnel), out _,
            out var error));
        Assert.Contains("File exists", error);
        Assert.Single(Provider.Ports.Dump());
    }

    [Theory]
    [InlineData("3.4", true)]
    [InlineData("3.5", false)]
    public void Stt_is_there_in_drivers_up_to_3_4(string version, bool isThere)
    {
        using var host = new EmulatedHost(new EmulatorProfile(Version.Parse(version)));
        var tunnel = new TunnelPortSpec(TunnelKind.Stt, 7471);
        Assert.Equal(isThere, host.Provider.Ports.TryAdd(
            new DatapathPortSpec("stt", DatapathPortKind.Tunnel, Tunnel: tunnel), out _, out _));
    }

    [Fact]
    public void A_link_that_goes_down_is_told_and_one_that_comes_up_is_found()
    {
        _host.AddPort("p1");
        var seen = new List<bool>();
        Provider.Ports.Changed += change =>
        {
            lock (seen) seen.Add(change.Port.IsLinkUp);
        };

        _host.Emulator.DisconnectNic("p1");
        Eventually(() => !Provider.Ports.Dump()[0].IsLinkUp, "the link is down");
        _host.Emulator.ConnectNic("p1");
        Eventually(() => Provider.Ports.Dump()[0].IsLinkUp, "the link is up again");
        // The port says so before its listeners hear it.
        Eventually(
            () =>
            {
                lock (seen) return seen.SequenceEqual([false, true]);
            },
            "both were told, once");
    }

    [Fact]
    public void Flushing_zone_0_leaves_the_other_zones_alone()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        _host.Put($"recirc_id(0),in_port({one})", $"ct(commit,zone=0),{two}");
        _host.Put($"recirc_id(0),in_port({two})", $"ct(commit,zone=5),{one}");
        _host.Send(one, Packet(Tcp));
        _host.Send(two, Packet(Tcp.Replace("src=1000", "src=1001")));
        Assert.Equal(2, Connections().Count);

        Assert.Equal(1, Provider.Conntrack.Flush(new ConntrackFilter(0)));

        Assert.Equal(5, Assert.Single(Connections()).Zone);
        Assert.Equal(1, Provider.Conntrack.Flush(new ConntrackFilter(5)));
        Assert.Empty(Connections());
    }

    [Fact]
    public void Ipv6_connections_of_zone_0_stay_rather_than_taking_all_others_along()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        _host.Put($"recirc_id(0),in_port({one})", $"ct(commit,zone=0),{two}");
        _host.Send(one, Packet(Udp6));
        _host.Send(one, Packet(Tcp));

        Assert.Equal(1, Provider.Conntrack.Flush(new ConntrackFilter(0)));

        Assert.Equal(17, (int)Assert.Single(Connections()).Original.Protocol!);
    }

    [Fact]
    public void Tcp_states_are_read_in_the_drivers_numbering()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        _host.Put($"recirc_id(0),in_port({one})", $"ct(commit,zone=3),{two}");
        _host.Send(one, Packet(Tcp));

        Assert.Equal("SYN_SENT", Assert.Single(Connections()).State);
        Assert.Equal(1u, Provider.Conntrack.Totals().ByState["SYN_SENT"]);
    }

    [Fact]
    public void Connections_that_come_and_go_are_told_to_who_listens()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        var seen = new List<ConntrackChange>();
        Provider.Conntrack.Changed += change =>
        {
            lock (seen) seen.Add(change.Change);
        };
        _host.Put($"recirc_id(0),in_port({one})", $"ct(commit,zone=3),{two}");
        var port = 1000;
        Eventually(
            () =>
            {
                _host.Send(one, Packet(Tcp.Replace("src=1000", $"src={port++}")));
                lock (seen) return seen.Contains(ConntrackChange.New);
            },
            "a new connection is told");

        Provider.Conntrack.Flush(new ConntrackFilter(3));
        Eventually(
            () =>
            {
                lock (seen) return seen.Contains(ConntrackChange.Destroyed);
            },
            "its end is told");
    }

    [Fact]
    public void Limits_of_zones_are_set_and_read_back()
    {
        Provider.Conntrack.SetLimit(null, 100);
        Provider.Conntrack.SetLimit(7, 5);
        Assert.Equal(
            [(null, 100u, 0u), ((ushort?)7, 5u, 0u)], Provider.Conntrack.Limits().AsEnumerable());
        Provider.Conntrack.SetLimit(7, null);
        Assert.Single(Provider.Conntrack.Limits());
    }

    [Fact]
    public void A_userspace_action_brings_its_cookie_and_data_back()
    {
        uint one = _host.AddPort("p1");
        var userdata = new UpcallUserdata(UpcallKind.Controller, 0x1122334455667788, [1, 2, 3]);
        var handler = new FixedHandler([new UserspaceAction(userdata)]);
        Provider.UpcallHandler = handler;

        _host.Send(one, Packet(Tcp));
        _host.Send(one, Packet(Tcp));

        Assert.Equal(2, handler.Actions.Count);
        var (packet, key, told) = handler.Actions[1];
        Assert.Equal(Packet(Tcp), packet);
        Assert.Equal(one, key.InPort);
        Assert.Equal((userdata.Kind, userdata.Cookie), (told.Kind, told.Cookie));
        Assert.Equal(userdata.Data.AsEnumerable(), told.Data);
    }

    [Fact]
    public void A_tunnel_header_goes_down_without_what_the_driver_refuses()
    {
        uint one = _host.AddPort("p1");
        var spec = new TunnelPortSpec(TunnelKind.Geneve, 6081);
        Assert.True(Provider.Ports.TryAdd(
            new DatapathPortSpec("gnv", DatapathPortKind.Tunnel, Tunnel: spec), out var port,
            out _));
        _host.Put($"recirc_id(0),in_port({one})",
            "set(tunnel(tun_id=0x7,src=10.1.0.1,dst=10.1.0.2,ttl=64,tp_dst=6081,flags(df|key))),"
            + $"{port.Number}");

        _host.Send(one, Packet(Tcp));

        Assert.True(_host.Emulator.FindNic("gnv")!.TryTake(out _, out var tunnel));
        Assert.Equal((7UL, "10.1.0.2"), (tunnel!.Id, tunnel.Destination.ToString()));
    }

    [Fact]
    public void Packets_from_a_tunnel_bring_its_key_with_them()
    {
        var two = _host.AddPort("p2");
        var spec = new TunnelPortSpec(TunnelKind.Geneve, 6081);
        Provider.Ports.TryAdd(
            new DatapathPortSpec("gnv", DatapathPortKind.Tunnel, Tunnel: spec), out var port,
            out _);
        _host.Put($"recirc_id(0),tunnel(tun_id=0x9,dst=10.1.0.1),in_port({port.Number})", $"{two}");
        var packet = new PacketBuffer();
        packet.Load(Packet(Tcp));

        foreach (var id in (ulong[])[9, 9, 8])
        {
            _host.Emulator.FindNic("gnv")!.Inject(packet, new TunnelMetadata(
                id, System.Net.IPAddress.Parse("10.1.0.2"), System.Net.IPAddress.Parse("10.1.0.1"),
                0, 64, TunnelFlags.Key, 40000, 6081, []));
            _host.Settle();
        }

        Assert.Equal(2, _host.Received(two).Length);
        Assert.Equal(1, Provider.MicroflowCount);
    }

    [Fact]
    public void Statistics_of_ports_and_of_the_datapath_come_from_the_driver()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        _host.Put($"recirc_id(0),in_port({one})", $"{two}");
        for (var i = 0; i < 4; i++) _host.Send(one, Packet(Tcp));

        Assert.Equal(4UL, Provider.Ports.Statistics(one)!.RxPackets);
        Assert.Equal(4UL, Provider.Ports.Statistics(two)!.TxPackets);
        Assert.Equal(3UL, Provider.Statistics().Hit);
        Assert.Equal(1UL, Provider.Statistics().Missed);
        Assert.Null(Provider.Ports.Statistics(99));
    }

    private FlowStatistics Total()
    {
        FlowStatistics total = default;
        Provider.Flows.Dump((in FlowKey _, in FlowKey _, ImmutableArray<DatapathAction> _,
            in FlowStatistics statistics) => total = statistics);
        return total;
    }

    private List<ConntrackEntry> Connections()
    {
        var all = new List<ConntrackEntry>();
        Provider.Conntrack.Dump(null, all.Add);
        return all;
    }
}
