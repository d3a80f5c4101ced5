using System.Buffers.Binary;
using System.Net;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>
/// One test for each class of packet bug that Open vSwitch has had; the names say which.
/// </summary>
public sealed class BugClassTests
{
    private readonly UserspaceDatapath _datapath = NewDummy();

    /// <remarks>CVE-2016-2074: labels were copied without looking at how many there were.</remarks>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(340)]
    public void An_mpls_stack_of_any_depth_stays_within_three_labels(int depth)
    {
        var frame = Frame(0x8847, new byte[depth * 4]);
        for (var i = 0; i < depth; i++) frame[14 + (i * 4) + 1] = (byte)(i + 1);
        FlowKey key = default;
        FlowKeyExtractor.TryExtract(frame, ref key, out _, out _);
        Assert.Equal(default, key.Ipv6Source);
        Assert.Equal(0u, key.Ipv4SourceWire);
        Assert.Equal(depth >= 3 ? 3u : 0, (BinaryPrimitives.ReverseEndianness(key.Mpls2Wire) >> 16)
            & 0xFF);
    }

    /// <remarks>CVE-2016-10377: a total length below the header's went below zero.</remarks>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(19)]
    [InlineData(20, true)]
    [InlineData(65_535)]
    public void An_ip_length_that_lies_is_refused_and_counted(int total, bool isRight = false)
    {
        var frame = Udp(1, 2);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(16), (ushort)total);
        frame[23] = 0; // No transport header: only the length decides.
        FixIp(frame);
        FlowKey key = default;
        var isRead = FlowKeyExtractor.TryExtract(frame, ref key, out var layout, out var reason);
        Assert.Equal(isRight, isRead);
        if (!isRight) Assert.Equal(DropReason.Ipv4TotalLength, reason);
        Assert.True(layout.EndOffset <= frame.Length);
    }

    /// <remarks>CVE-2020-35498: more than 255 bytes of padding made the mask too wide.</remarks>
    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(1000)]
    public void Padding_of_any_size_changes_nothing_of_the_key(int padding)
    {
        FlowKey plain = default, padded = default;
        var frame = Udp(1, 2);
        Assert.True(FlowKeyExtractor.TryExtract(frame, ref plain, out var layout, out _));
        Assert.True(FlowKeyExtractor.TryExtract(
            [.. frame, .. new byte[padding]], ref padded, out var other, out _));
        Assert.Equal(plain, padded);
        Assert.Equal(layout.EndOffset, other.EndOffset);
    }

    /// <remarks>CVE-2023-1668: a flow for protocol 0 took packets of all protocols.</remarks>
    [Fact]
    public void A_flow_for_protocol_0_takes_no_other_protocol()
    {
        var frame = Udp(1, 2);
        var zero = frame.ToArray();
        zero[23] = 0;
        FixIp(zero);
        var table = new MegaflowTable();
        FlowKey mask = default;
        mask.InPortWire = uint.MaxValue;
        mask.EthernetTypeWire = ushort.MaxValue;
        mask.NetworkProtocol = 0xFF;
        table.Put(KeyOf(zero), mask, [new OutputAction(2)]);
        Assert.True(table.TryFind(KeyOf(zero), out _, out _));
        Assert.False(table.TryFind(KeyOf(frame), out _, out _));
    }

    /// <remarks>CVE-2023-5366: the target of a neighbour advertisement was not compared.</remarks>
    [Fact]
    public void A_flow_for_one_nd_target_takes_no_other_target()
    {
        var table = new MegaflowTable();
        FlowKey mask = default;
        mask.InPortWire = uint.MaxValue;
        mask.EthernetTypeWire = ushort.MaxValue;
        mask.NetworkProtocol = 0xFF;
        mask.NdTarget = Ipv6Bytes.From(IPAddress.Parse(
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
        table.Put(KeyOf(Neighbour("fc00::1")), mask, [new OutputAction(2)]);
        Assert.True(table.TryFind(KeyOf(Neighbour("fc00::1")), out _, out _));
        Assert.False(table.TryFind(KeyOf(Neighbour("fc00::2")), out _, out _));
    }

    /// <remarks>2026: option lengths of neighbour discovery in set(nd) and in the parser.</remarks>
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(255)]
    public void Nd_options_whose_length_lies_are_neither_read_nor_written(byte words)
    {
        var frame = Neighbour("fc00::1");
        frame[14 + 40 + 24 + 1] = words;
        var before = frame.ToArray();
        Put("set(nd(target=fc00::7,sll=02:00:00:00:00:77)),2");
        Port("p1").Inject(frame);
        if (Port("p2").TryTake(out var seen))
        {
            // Whatever it may change, never the bytes behind the options.
            Assert.Equal(before.Length, seen.Length);
        }
        else
        {
            Assert.Equal(1UL, _datapath.DropCounts()[(int)DropReason.NdMalformed]);
        }
    }

    /// <remarks>CVE-2023-3966, June 2026: lengths of tunnel options.</remarks>
    [Fact]
    public void Geneve_options_of_every_length_are_taken_whole_or_not_at_all()
    {
        var known = new GeneveOptions();
        for (var words = 0; words < 64; words++)
        {
            for (var size = 0; size <= 8 + 252; size += 3)
            {
                var bytes = new byte[size];
                new Random(words).NextBytes(bytes);
                if (size > 0) bytes[0] = (byte)words;
                FlowKey key = default;
                var reason = TunnelCodec.Read(
                    new TunnelPortSpec(TunnelKind.Geneve, 6081), known, bytes, ref key,
                    out var header);
                Assert.True(key.TunnelOptionsSize <= FlowKey.TunnelOptionsSizeMax);
                if (reason == DropReason.None) Assert.Equal(8 + (words * 4), header);
            }
        }
    }

    /// <remarks>CVE-2019-25076: packets that each needed another mask slowed all ports.</remarks>
    [Fact]
    public void Masks_that_one_port_provokes_are_bounded_and_cost_other_ports_nothing()
    {
        var table = new MegaflowTable();
        FlowKey mask = default;
        mask.InPortWire = uint.MaxValue;
        for (var i = 0; i < 4096; i++)
        {
            var own = mask;
            own.Ipv4SourceWire = (uint)i;
            FlowKey key = default;
            key.InPort = 1;
            table.Put(key, own, [new OutputAction(2)]);
        }

        Assert.Equal(DatapathLimits.MasksPerPortMax, table.MaskCount);
        FlowKey victim = default;
        victim.InPort = 2;
        Assert.Equal(FlowPutResult.Added, table.Put(victim, mask, [new OutputAction(3)]));
        ulong visited = 0;
        Assert.NotNull(table.Find(ref victim, ref visited));
        Assert.Equal(1UL, visited);
    }

    /// <remarks>MAC floods: a flow for each address, until there is no room for others'.</remarks>
    [Fact]
    public void A_port_that_fills_the_flow_table_leaves_room_for_every_other_port()
    {
        var table = new MegaflowTable { FlowsMax = 10_000 };
        FlowKey mask = default;
        mask.InPortWire = uint.MaxValue;
        mask.EthernetSource = MacBytes.FromUInt64(0xFFFF_FFFF_FFFF);
        for (uint port = 1; port <= 3; port++)
        {
            for (uint i = 0; i < 20_000; i++)
            {
                FlowKey flood = default;
                flood.InPort = port;
                flood.EthernetSource = MacBytes.FromUInt64(i);
                table.Put(flood, mask, [new OutputAction(2)]);
            }
        }

        Assert.InRange(table.Count, 9_000, 9_999);
        FlowKey victim = default;
        victim.InPort = 9;
        Assert.Equal(FlowPutResult.Added, table.Put(victim, mask, [new OutputAction(3)]));
    }

    /// <remarks>Neither does it push the flows of others out of the thread's caches.</remarks>
    [Fact]
    public void A_flood_of_new_keys_leaves_most_of_the_exact_match_cache_alone()
    {
        var cache = new ExactMatchCache(256);
        var flow = new MegaflowTable().Put(
            default, default, [new OutputAction(1)], out _)!;
        var live = new FlowKey[64];
        for (var i = 0; i < live.Length; i++)
        {
            live[i].EthernetSource = MacBytes.FromUInt64((uint)i);
            cache.Insert(ref live[i], FlowHash.OfExact(ref live[i]), flow);
        }

        var isFull = false;
        for (uint i = 1000; i < 20_000 && !isFull; i++)
        {
            FlowKey key = default;
            key.EthernetSource = MacBytes.FromUInt64(i);
            var hash = FlowHash.OfExact(ref key);
            if (cache.HasRoom(hash)) cache.Insert(ref key, hash, flow);
        }

        var kept = 0;
        foreach (ref var key in live.AsSpan())
        {
            if (cache.Find(ref key, FlowHash.OfExact(ref key)) is not null) kept++;
        }

        Assert.InRange(kept, 40, 64);
    }

    /// <remarks>2024: recirculation and look-ups that never ended.</remarks>
    [Theory]
    [InlineData("recirc(0x1)", DropReason.RecirculationLimit)]
    [InlineData("clone(recirc(0x1)),recirc(0x1)", DropReason.RecirculationLimit)]
    public void Recirculation_without_end_is_cut(string actions, DropReason reason)
    {
        Put(actions);
        Port("p1").Inject(Udp(1, 2));
        Assert.True(_datapath.DropCounts()[(int)reason] > 0);
    }

    /// <remarks>2018-2026: sizes of pushes on packets with little or no room.</remarks>
    [Fact]
    public void Headers_pushed_beyond_the_headroom_are_counted_and_drop_the_packet()
    {
        var pushes = string.Concat(Enumerable.Repeat(
            "push_mpls(label=1,tc=0,ttl=64,bos=0,eth_type=0x8847),", 120));
        Put(pushes + "2");
        Port("p1").Inject(Udp(1, 2));
        Assert.False(Port("p2").TryTake(out _));
        Assert.Equal(1UL, _datapath.DropCounts()[(int)DropReason.HeadroomExhausted]);
    }

    /// <remarks>Truncation left lengths and offload state of the whole packet behind.</remarks>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(13)]
    [InlineData(33)]
    [InlineData(41)]
    public void A_truncated_packet_goes_on_without_harm(int size)
    {
        var packet = new PacketBuffer(2000);
        packet.Load(Udp(1, 2));
        (packet.ChecksumStart, packet.ChecksumOffset) = (34, 6);
        (packet.Gso, packet.SegmentSize) = (GsoKind.Udp, 16);
        Put($"trunc({Math.Max(14, size)}),2,set(ipv4(ttl=9)),push_vlan(vid=3,pcp=0),2");
        Port("p1").Inject(packet);
        Assert.True(Port("p2").TryTake(out var first));
        Assert.Equal(Math.Max(14, size), first.Length);
    }

    private static UserspaceDatapath NewDummy()
    {
        var datapath = new UserspaceDatapath(
            options: new UserspaceDatapathOptions { IsDummy = true });
        foreach (var name in new[] { "p1", "p2" })
        {
            Assert.True(datapath.Ports.TryAdd(
                new DatapathPortSpec(name, DatapathPortKind.Dummy), out _, out var error), error);
        }

        return datapath;
    }

    private MemoryPort Port(string name) => _datapath.FindMemoryPort(name)!;

    /// <summary>The same actions for whatever comes in on port 1, at every look-up.</summary>
    private void Put(string actions)
    {
        Assert.True(OdpActionText.TryParse(actions, null, out var list, out var error), error);
        FlowKey key = default, mask = default;
        key.InPort = 1;
        mask.InPortWire = uint.MaxValue;
        Assert.Equal(FlowPutResult.Added, _datapath.Flows.Put(key, mask, list));
    }

    private static FlowKey KeyOf(byte[] frame)
    {
        FlowKey key = default;
        key.InPort = 1;
        FlowKeyExtractor.TryExtract(frame, ref key, out _, out _);
        return key;
    }

    private static byte[] Frame(ushort type, byte[] payload) =>
        [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, (byte)(type >> 8), (byte)type, .. payload];

    private static byte[] Udp(ushort source, ushort destination) => Compose(
        "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,ttl=64,frag=no),"
        + $"udp(src={source},dst={destination})");

    private static byte[] Neighbour(string target) => Compose(
        "eth_type(0x86dd),ipv6(src=fc00::9,dst=fc00::8,proto=58,hlimit=255,frag=no),"
        + $"icmpv6(type=135,code=0),nd(target={target},sll=02:00:00:00:00:01)");

    private static byte[] Compose(string text)
    {
        Assert.True(OdpFlowText.TryParse(
            "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)," + text, null, out var key, out _,
            out var error), error);
        return PacketBuilder.Compose(key);
    }

    private static void FixIp(byte[] frame)
    {
        (frame[24], frame[25]) = (0, 0);
        var checksum = InternetChecksum.ComputeWire(frame.AsSpan(14, 20));
        (frame[24], frame[25]) = ((byte)checksum, (byte)(checksum >> 8));
    }
}
