using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Outer headers pushed and popped inside the datapath.</summary>
/// <remarks>The bytes are those that Debian's ovs-vswitchd sent for the same actions.</remarks>
public sealed class NativeTunnelTests : IDisposable
{
    private const string Link = "eth(dst=f8:bc:12:44:34:b6,src=aa:55:aa:55:00:00,dl_type=0x0800),";

    private const string Vxlan = "tnl_push(tnl_port(4789),header(size=50,type=4," + Link
        + "ipv4(src=1.1.2.88,dst=1.1.2.92,proto=17,tos=0,ttl=64,frag=0x4000),"
        + "udp(src=0,dst=4789,csum=0x0),vxlan(flags=0x8000000,vni=0x7b)),out_port(100)),1";

    private const string Gre = "tnl_push(tnl_port(3),header(size=50,type=3," + Link
        + "ipv4(src=1.1.2.88,dst=1.1.2.92,proto=47,tos=0,ttl=64,frag=0x0),"
        + "gre((flags=0xb000,proto=0x6558),csum=0x0,key=0x1c9,seq=0x0)),out_port(100)),1";

    private const string VxlanOverIpv6 = "tnl_push(tnl_port(4789),header(size=70,type=4,"
        + "eth(dst=f8:bc:12:44:34:b7,src=aa:55:aa:55:00:00,dl_type=0x86dd),"
        + "ipv6(src=2001:cafe::88,dst=2001:cafe::93,label=0,proto=17,tclass=0x0,hlimit=64),"
        + "udp(src=0,dst=4789,csum=0xffff),vxlan(flags=0x8000000,vni=0x4d)),out_port(100)),1";

    private readonly UserspaceDatapath _datapath = new(
        "dummy@ovs-dummy", new UserspaceDatapathOptions { IsDummy = true });

    private readonly MemoryPort _guest, _wire;

    public NativeTunnelTests()
    {
        _guest = Add("v9");
        _wire = Add("p1");
        AddTunnel("vxlan_sys_4789", new TunnelPortSpec(TunnelKind.Vxlan, 4789));
        AddTunnel("genev_sys_6081", new TunnelPortSpec(TunnelKind.Geneve, 6081));
        AddTunnel("erspan_sys_4", new TunnelPortSpec(TunnelKind.Erspan, 0));
        AddTunnel("gre_sys_3", new TunnelPortSpec(TunnelKind.Gre, 0));
    }

    public void Dispose() => _datapath.Dispose();

    [Theory]
    [InlineData(Vxlan, "f8bc124434b6aa55aa55000008004500008e0000400040113"
        + "3aa010102580101025c....12b5007a00000800000000007b00")]
    [InlineData(Gre, "f8bc124434b6aa55aa55000008004500008e000000004" + "02f738c010102580101025c"
        + "b0006558c1d60000000001c900000000")]
    [InlineData(VxlanOverIpv6, "f8bc124434b7aa55aa55000086dd60000000007a11402001cafe000000000000"
        + "0000000000882001cafe0000000000000000000000" + "93....12b5007a....0800000000004d00")]
    public void Pushed_headers_are_byte_for_byte_those_of_ovs(string actions, string header)
    {
        Put("in_port(9)", actions);
        _guest.Inject(Inner());
        Assert.True(_wire.TryTake(out var bytes));
        var sent = Convert.ToHexStringLower(bytes);
        // The source port, and the checksum over it, depend on the hash of the flow.
        for (var i = 0; i < header.Length; i++)
        {
            if (header[i] != '.') Assert.True(header[i] == sent[i], $"{i}\n{header}\n{sent}");
        }

        Assert.EndsWith(Convert.ToHexStringLower(Inner()), sent);
    }

    [Theory]
    [InlineData(Vxlan, 4789, "tunnel(tun_id=0x7b,src=1.1.2.88,dst=1.1.2.92")]
    [InlineData(Gre, 3, "tunnel(tun_id=0x1c9,src=1.1.2.88,dst=1.1.2.92")]
    [InlineData(VxlanOverIpv6, 4789, "tunnel(tun_id=0x4d,ipv6_src=2001:cafe::88,"
        + "ipv6_dst=2001:cafe::93")]
    public void What_was_pushed_is_popped_with_its_outer_header_in_the_key(
        string push, uint tunnel, string key)
    {
        var seen = new List<string>();
        _datapath.UpcallHandler = new KeyRecorder(seen);
        Put("in_port(9)", push);
        Put("in_port(1)", $"tnl_pop({tunnel})");
        _guest.Inject(Inner());
        Assert.True(_wire.TryTake(out var bytes));
        _wire.Inject(bytes);
        var line = Assert.Single(seen);
        Assert.Contains(key, line);
        Assert.Contains($"in_port({tunnel})", line);
        Assert.Contains("ipv4(src=192.168.0.1,dst=192.168.0.2", line);
    }

    [Fact]
    public void A_super_packet_is_cut_and_each_segment_gets_its_header()
    {
        Put("in_port(9)", Vxlan);
        var packet = TestSuperPacket(3_000, 1_000);
        _guest.Inject(packet);
        var sent = _wire.TakeAll();
        Assert.Equal(3, sent.Length);
        Assert.All(sent, each => Assert.Equal(50 + 54 + 1_000, each.Length));
    }

    [Fact]
    public void Truncated_and_bent_tunnel_packets_are_counted_and_nothing_throws()
    {
        Put("in_port(9)", Vxlan + ",2");
        _guest.Inject(Inner());
        Assert.True(_wire.TryTake(out var good));
        Put("in_port(1)", "tnl_pop(4789)");
        var before = Dropped();
        var random = new Random(7);
        var isFull = Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1";
        var count = isFull ? 1_000_000 : 20_000;
        for (var i = 0; i < count; i++)
        {
            var bytes = good[..random.Next(15, good.Length + 1)];
            if (random.Next(3) > 0) bytes[random.Next(14, bytes.Length)] = (byte)random.Next(256);
            _wire.Inject(bytes);
        }

        Assert.True(Dropped() > before);
    }

    [Fact]
    public void A_wrong_outer_checksum_is_refused_and_named()
    {
        Put("in_port(9)", Vxlan);
        Put("in_port(1)", "tnl_pop(4789)");
        _guest.Inject(Inner());
        Assert.True(_wire.TryTake(out var bytes));
        bytes[24] ^= 0xFF;
        _wire.Inject(bytes);
        Assert.Equal(1UL, _datapath.DropCounts()[(int)DropReason.ChecksumInvalid]);
    }

    private static byte[] Inner()
    {
        Assert.True(OdpFlowText.TryParse(
            "eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),"
            + "ipv4(src=192.168.0.1,dst=192.168.0.2,proto=17,tos=0,ttl=64,frag=no),"
            + "udp(src=8,dst=9)", null, out var key, out _, out _));
        return PacketBuilder.Compose(in key);
    }

    private static PacketBuffer TestSuperPacket(int size, ushort segment)
    {
        Assert.True(OdpFlowText.TryParse(
            "eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),"
            + "ipv4(src=192.168.0.1,dst=192.168.0.2,proto=6,tos=0,ttl=64,frag=no),"
            + "tcp(src=8,dst=9),tcp_flags(ack)", null, out var key, out _, out _));
        var packet = new PacketBuffer();
        packet.Load(PacketBuilder.Compose(in key, 54 + size));
        packet.Gso = GsoKind.TcpIpv4;
        packet.SegmentSize = segment;
        packet.ChecksumStart = 34;
        packet.ChecksumOffset = 16;
        return packet;
    }

    private ulong Dropped() => _datapath.DropCounts().Aggregate(0UL, (sum, each) => sum + each);

    private MemoryPort Add(string name)
    {
        Assert.True(_datapath.Ports.TryAdd(
            new DatapathPortSpec(name, DatapathPortKind.Dummy), out _, out var error), error);
        return _datapath.FindMemoryPort(name)!;
    }

    private void AddTunnel(string name, TunnelPortSpec tunnel) => Assert.True(
        _datapath.Ports.TryAdd(
            new DatapathPortSpec(name, DatapathPortKind.Tunnel, Tunnel: tunnel), out _, out _));

    private void Put(string flow, string actions)
    {
        Assert.True(OdpFlowText.TryParse(flow, null, out var key, out var mask, out var why), why);
        Assert.True(OdpActionText.TryParse(actions, null, out var list, out why), why);
        mask.RecirculationIdWire = uint.MaxValue;
        _datapath.Flows.Put(key, mask, list);
    }

    private sealed class KeyRecorder(List<string> seen) : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            seen.Add(OdpFlowText.Format(key));
            return new UpcallVerdict([new DropAction(DropReason.ExplicitDrop)], Install: false);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}
