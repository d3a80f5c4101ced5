using System.Collections.Immutable;
using System.Net;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

public sealed class UserspaceDatapathTests : IDisposable
{
    private readonly UserspaceDatapath _datapath = new(
        "dummy@ovs-dummy", new UserspaceDatapathOptions { IsDummy = true });

    public void Dispose() => _datapath.Dispose();

    private MemoryPort Add(string name, DatapathPortKind kind = DatapathPortKind.Dummy)
    {
        var spec = new DatapathPortSpec(name, kind);
        Assert.True(_datapath.Ports.TryAdd(spec, out _, out var error), error);
        return _datapath.FindMemoryPort(name)!;
    }

    private void Put(string flow, string actions)
    {
        Assert.True(
            OdpFlowText.TryParse(flow, null, out var key, out var mask, out var error), error);
        Assert.True(OdpActionText.TryParse(actions, null, out var list, out error), error);
        mask.RecirculationIdWire = uint.MaxValue;
        _datapath.Flows.Put(key, mask, list);
    }

    private static FlowKey TcpKey()
    {
        OdpFlowText.TryParse(
            "eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),"
            + "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),"
            + "tcp(src=1000,dst=80),tcp_flags(ack)", null, out var key, out _, out _);
        return key;
    }

    [Theory]
    [InlineData("br0", 100)]
    [InlineData("br7", 107)]
    [InlineData("p3", 3)]
    [InlineData("eth12x", 12)]
    [InlineData("port", 1)]
    public void Dummy_ports_are_numbered_by_their_names(string name, uint number)
    {
        Assert.Equal(number, Add(name).Number);
    }

    [Fact]
    public void A_name_or_number_that_is_taken_is_refused_in_words()
    {
        Add("p1");
        Assert.False(_datapath.Ports.TryAdd(
            new DatapathPortSpec("p1", DatapathPortKind.Dummy), out _, out var error));
        Assert.Equal("could not add network device p1 to ofproto (File exists)", error);
        Assert.False(_datapath.Ports.TryAdd(
            new DatapathPortSpec("q", DatapathPortKind.Dummy, Number: 1), out _, out _));
        Assert.Equal(2u, Add("r1").Number); // Its own number is taken: the lowest free one.
    }

    [Fact]
    public void A_super_packet_is_cut_only_where_the_port_cannot_take_it()
    {
        var one = Add("p1");
        var two = Add("p2");
        var three = Add("p3");
        two.TakesOffloads = true;
        Put("recirc_id(0),in_port(1)", "2,3");

        var packet = new PacketBuffer(8000);
        packet.Load(PacketBuilder.Compose(TcpKey(), size: 54 + 4000));
        packet.Gso = GsoKind.TcpIpv4;
        packet.SegmentSize = 1000;
        packet.ChecksumStart = 34;
        packet.ChecksumOffset = 16;
        one.Inject(packet);

        Assert.Equal(packet.Bytes.ToArray(), Assert.Single(two.TakeAll()));
        var segments = three.TakeAll();
        Assert.Equal(4, segments.Length);
        var data = segments.SelectMany(segment => segment.Skip(54)).ToArray();
        Assert.Equal(packet.Bytes[54..].ToArray(), data);
        foreach (var segment in segments) PacketChecks.ChecksumsAreRight(segment);
    }

    /// <remarks>
    /// NAT and set actions on a packet whose checksum the sender left unfinished.
    /// </remarks>
    [Theory]
    [InlineData("set(ipv4(src=1.2.3.4)),2")]
    [InlineData("set(ipv4(dst=1.2.3.4,ttl=9)),set(tcp(src=5,dst=6)),2")]
    [InlineData("push_vlan(vid=5,pcp=0),set(ipv4(src=9.9.9.9)),2")]
    public void An_unfinished_checksum_stays_right_through_changes(string actions)
    {
        var one = Add("p1");
        var two = Add("p2");
        Put("recirc_id(0),in_port(1)", actions);

        var bytes = PacketBuilder.Compose(TcpKey());
        var sum = InternetChecksum.PseudoHeader(
            bytes.AsSpan(26, 8), IpProtocol.Tcp, bytes.Length - 34);
        BitConverter.TryWriteBytes(bytes.AsSpan(50), InternetChecksum.Fold(sum));
        var packet = new PacketBuffer();
        packet.Load(bytes);
        packet.ChecksumStart = 34;
        packet.ChecksumOffset = 16;
        one.Inject(packet);

        PacketChecks.ChecksumsAreRight(Assert.Single(two.TakeAll()));
    }

    [Fact]
    public void Execute_leaves_the_callers_packet_as_it_was()
    {
        var two = Add("p2");
        OdpActionText.TryParse(
            "set(ipv4(ttl=1)),2,push_vlan(vid=1,pcp=0),2", null, out var actions, out _);
        var packet = new PacketBuffer();
        var bytes = PacketBuilder.Compose(TcpKey());
        packet.Load(bytes);

        _datapath.Execute(packet, TcpKey(), actions);
        _datapath.Execute(packet, TcpKey(), actions);

        Assert.Equal(bytes, packet.Bytes.ToArray());
        Assert.Equal(4, two.TakeAll().Length);
    }

    [Fact]
    public void Tunnel_metadata_goes_with_the_packet_both_ways()
    {
        var one = Add("p1");
        var tunnel = Add("p6", DatapathPortKind.Tunnel);
        var outer = new TunnelMetadata(
            7, IPAddress.Any, IPAddress.Parse("10.1.1.1"), 0, 64, TunnelFlags.Key, 0, 0,
            [1, 2, 0x80, 1, 0, 2, 0, 1]);
        _datapath.UpcallHandler = new Forwarding(key => key.HasTunnel
            ? [new OutputAction(1)]
            : [new SetTunnelAction(outer), new OutputAction(6)]);

        one.Inject(PacketBuilder.Compose(TcpKey()));
        Assert.True(tunnel.TryTake(out var bytes, out var sent));
        Assert.Same(outer, sent);

        var packet = new PacketBuffer();
        packet.Load(bytes);
        tunnel.Inject(packet, outer);
        Assert.Equal(bytes, Assert.Single(one.TakeAll()));
    }

    [Fact]
    public void Malformed_packets_are_dropped_under_their_names()
    {
        var one = Add("p1");
        Put("recirc_id(0),in_port(1)", "1");
        one.Inject(new byte[5]);
        var packet = PacketBuilder.Compose(TcpKey());
        one.Inject(packet.AsSpan(0, 30));
        packet[14] = 0x41;
        one.Inject(packet);

        var drops = _datapath.DropCounts();
        Assert.Equal(1UL, drops[(int)DropReason.EthernetTruncated]);
        Assert.Equal(1UL, drops[(int)DropReason.Ipv4Truncated]);
        Assert.Equal(1UL, drops[(int)DropReason.Ipv4HeaderLength]);
        Assert.Empty(one.TakeAll());
    }

    [Fact]
    public void A_meter_drops_what_is_above_its_rate()
    {
        var clock = new StoppedClock();
        using var datapath = new UserspaceDatapath(
            "dummy@ovs-dummy", new UserspaceDatapathOptions { IsDummy = true, Clock = clock });
        datapath.Ports.TryAdd(new DatapathPortSpec("p1", DatapathPortKind.Dummy), out _, out _);
        datapath.Ports.TryAdd(new DatapathPortSpec("p2", DatapathPortKind.Dummy), out _, out _);
        datapath.Meters.TrySet(
            9, new MeterSpec(true, true, [new MeterBand(MeterBandKind.Drop, 10, 5, 0)]), out _);
        datapath.UpcallHandler = new Forwarding(_ => [new MeterAction(9), new OutputAction(2)]);
        var one = datapath.FindMemoryPort("p1")!;
        var two = datapath.FindMemoryPort("p2")!;

        for (var i = 0; i < 20; i++) one.Inject(PacketBuilder.Compose(TcpKey()));
        Assert.Equal(5, two.TakeAll().Length);
        clock.Advance(TimeSpan.FromMilliseconds(200));
        for (var i = 0; i < 20; i++) one.Inject(PacketBuilder.Compose(TcpKey()));
        Assert.Equal(2, two.TakeAll().Length);
        Assert.Equal(33UL, datapath.DropCounts()[(int)DropReason.MeterExceeded]);
        Assert.Equal(40UL, datapath.Meters.Statistics(9)!.Packets);
    }

    [Fact]
    public void Forwarding_allocates_nothing()
    {
        var one = Add("p1");
        Add("p2");
        Put("recirc_id(0),in_port(1),eth_type(0x0800),ipv4(frag=no)",
            "set(ipv4(ttl=63)),ct(commit,zone=1),recirc(0x1)");
        Put("ct_state(+trk),recirc_id(0x1),in_port(1),eth_type(0x0800),ipv4(frag=no)",
            "push_vlan(vid=5,pcp=0),77"); // No such port: the sink keeps nothing either.
        var packet = new PacketBuffer();
        packet.Load(PacketBuilder.Compose(TcpKey()));
        for (var i = 0; i < 1000; i++) one.Inject(packet);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++) one.Inject(packet);
        var perPacket = (GC.GetAllocatedBytesForCurrentThread() - before) / 10_000.0;

        Assert.True(perPacket < 1, $"{perPacket} bytes for each packet");
    }

    private sealed class Forwarding(Func<FlowKey, ImmutableArray<DatapathAction>> decide)
        : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.Bytes.Fill(0xFF);
            return new UpcallVerdict(decide(key), Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }

    private sealed class StoppedClock : TimeProvider
    {
        private long _now = 1_000_000;

        public override long TimestampFrequency => 1_000_000;
        public override long GetTimestamp() => _now;
        public void Advance(TimeSpan span) => _now += (long)span.TotalMicroseconds;

        public override ITimer CreateTimer(
            TimerCallback callback, object? state, TimeSpan due, TimeSpan period) => new Never();

        private sealed class Never : ITimer
        {
            public bool Change(TimeSpan due, TimeSpan period) => true;
            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => default;
        }
    }
}
