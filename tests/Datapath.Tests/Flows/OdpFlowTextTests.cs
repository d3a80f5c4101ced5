using Fabric.Wire;

namespace Fabric.Datapath.Tests;

public sealed class OdpFlowTextTests
{
    /// <remarks>Lines as ovs-vswitchd's userspace datapath prints them.</remarks>
    [Theory]
    [InlineData("recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no)")]
    [InlineData("recirc_id(0),in_port(1),packet_type(ns=0,id=0),"
        + "eth(src=50:54:00:00:00:05,dst=ff:ff:ff:ff:ff:ff),eth_type(0x0806),"
        + "arp(sip=192.168.0.1,tip=192.168.0.2,op=1)")]
    [InlineData("recirc_id(0),in_port(1),packet_type(ns=0,id=0),"
        + "eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),"
        + "ipv4(src=10.0.0.2,dst=10.0.0.1,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)")]
    [InlineData("recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8100),"
        + "vlan(vid=10,pcp=0),encap(eth_type(0x0800),ipv4(src=10.0.0.0/255.0.0.0,frag=no))")]
    [InlineData("recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x88a8),"
        + "vlan(vid=10,pcp=0),encap(eth_type(0x8100),vlan(vid=20,pcp=1),"
        + "encap(eth_type(0x86dd),ipv6(frag=first)))")]
    [InlineData("ct_state(+est-rel+trk),ct_zone(0x5),ct_mark(0x1/0x3),ct_label(0x2/0xff),"
        + "recirc_id(0x1),in_port(2),packet_type(ns=0,id=0),eth_type(0x0800),"
        + "ipv4(proto=6,frag=no),tcp(src=80,dst=1024/0xfc00),tcp_flags(+syn-ack)")]
    [InlineData("tunnel(tun_id=0x7b,src=1.1.2.92,dst=1.1.2.88,geneve({class=0xffff,type=0x80,"
        + "len=4,0xa/0xf}{class=0xffff,type=0,len=4,0xb}),flags(-df-csum+key)),recirc_id(0),"
        + "in_port(6081),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no)")]
    [InlineData("tunnel(tun_id=0x1,ipv6_src=fc00::1,ipv6_dst=fc00::2,ttl=64,"
        + "vxlan(gbp(id=5,flags=0x8)),flags(+key)),recirc_id(0),in_port(3),"
        + "packet_type(ns=0,id=0),eth_type(0x0800),ipv4(tos=0x2/0x3,frag=no)")]
    [InlineData("recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x86dd),"
        + "ipv6(src=fc00::/ffff::,label=0x12,proto=58,hlimit=255,frag=no),icmpv6(type=135,code=0),"
        + "nd(target=fc00::2,sll=50:54:00:00:00:05)")]
    [InlineData("recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8847),"
        + "mpls(label=100,tc=0,ttl=64,bos=1)")]
    [InlineData("recirc_id(0),dp_hash(0x3/0xf),in_port(1),packet_type(ns=1,id=0x894f),"
        + "nsh(flags=0,ttl=63,mdtype=1,np=3,spi=0x64,si=255,c1=0x1)")]
    [InlineData("skb_priority(0x1),skb_mark(0x2/0xff),recirc_id(0),in_port(1),"
        + "packet_type(ns=0,id=0),eth_type(0x0800),ipv4(proto=17,frag=later)")]
    public void Flow_text_is_read_and_printed_the_same(string text)
    {
        Assert.True(
            OdpFlowText.TryParse(text, null, out var key, out var mask, out var error), error);
        if (text.Contains("ns=1", StringComparison.Ordinal)) key.EthernetType = EtherType.Nsh;
        Assert.Equal(text, OdpFlowText.Format(key, mask));
    }

    [Fact]
    public void A_dump_line_has_statistics_and_actions()
    {
        OdpFlowText.TryParse(
            "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no)", null,
            out var key, out var mask, out _);
        const string Flow =
            "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no)";

        Assert.Equal(
            Flow + ", packets:0, bytes:0, used:never, actions:2,100",
            OdpFlowText.FormatLine(key, mask, "2,100", default, nowMilliseconds: 5000));
        Assert.Equal(
            Flow + ", packets:3, bytes:162, used:0.123s, flags:S., actions:2",
            OdpFlowText.FormatLine(
                key, mask, "2", new FlowStatistics(3, 162, 4877, 0x12), nowMilliseconds: 5000));
    }

    [Fact]
    public void A_key_alone_prints_all_of_its_fields()
    {
        OdpFlowText.TryParse(
            "in_port(p1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),"
            + "ipv4(src=192.168.0.1,dst=192.168.0.2,proto=6,tos=0,ttl=64,frag=no),"
            + "tcp(src=8,dst=9),tcp_flags(ack)",
            name => name == "p1" ? 1u : null, out var key, out _, out _);

        Assert.Equal(
            "skb_priority(0),skb_mark(0),ct_state(0),ct_zone(0),ct_mark(0),ct_label(0),"
            + "recirc_id(0),dp_hash(0),in_port(1),packet_type(ns=0,id=0),"
            + "eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),"
            + "ipv4(src=192.168.0.1,dst=192.168.0.2,proto=6,tos=0,ttl=64,frag=no),"
            + "tcp(src=8,dst=9),tcp_flags(ack)",
            OdpFlowText.Format(key));
    }

    [Theory]
    [InlineData("in_port(x)")]
    [InlineData("eth(src=1)")]
    [InlineData("eth_type(0x10000)")]
    [InlineData("ipv4(src=10.0.0.1/33)")]
    [InlineData("ipv4(src=10.0.0.1")]
    [InlineData("nonsense(1)")]
    [InlineData("ipv4(src=10.0.0.1}")] // Found by fuzzing: brackets of different kinds.
    [InlineData("encap(encap(encap(encap())))")]
    [InlineData("tunnel(geneve({class=1,type=2,len=5,0x1}))")]
    public void Text_that_is_wrong_is_refused_with_its_place(string text)
    {
        Assert.False(OdpFlowText.TryParse(text, null, out _, out _, out var error));
        Assert.NotEmpty(error);
    }

    /// <remarks>OVS's netdev-dummy/receive makes packets of these sizes.</remarks>
    [Theory]
    [InlineData(
        "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=1,tos=0,ttl=64,frag=no),"
        + "icmp(type=8,code=0)", 106)]
    [InlineData(
        "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),"
        + "tcp(src=8,dst=9),tcp_flags(syn)", 54)]
    [InlineData(
        "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),"
        + "udp(src=8,dst=9)", 106)]
    public void Packets_made_from_text_have_the_sizes_that_tests_expect(string ip, int size)
    {
        var text = "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),"
            + "eth_type(0x0800)," + ip;
        Assert.True(OdpFlowText.TryParse(text, null, out var key, out _, out var error), error);
        var packet = PacketBuilder.Compose(key);
        Assert.Equal(size, packet.Length);
        PacketChecks.ChecksumsAreRight(packet);
    }
}
