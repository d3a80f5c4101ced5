namespace Fabric.Datapath.Tests;

public sealed class OdpActionTextTests
{
    [Theory]
    [InlineData("2,100")]
    [InlineData("drop")]
    [InlineData("ct(commit,zone=5),recirc(0x1)")]
    [InlineData("ct,recirc(0x2)")]
    [InlineData("ct(zone=5,nat),recirc(0x1)")]
    [InlineData("ct(force_commit,zone=1,mark=0x1/0xff,label=0x2/0x3,helper=ftp,timeout=tp,"
        + "nat(src=10.0.0.1-10.0.0.9:1000-2000,persistent,random))")]
    [InlineData("ct(commit,nat(dst=[fc00::1]:80))")]
    [InlineData("ct(commit,nat(src=fc00::1-fc00::2,hash))")]
    [InlineData("ct(commit,nat(src))")]
    [InlineData("ct_clear,1")]
    [InlineData("set(ipv4(ttl=63)),2")]
    [InlineData("set(ipv4(src=10.0.0.1,tos=0x10/0xfc)),2")]
    [InlineData("set(eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02)),set(tcp(dst=80)),2")]
    [InlineData("set(ipv6(dst=fc00::1,label=0x5,hlimit=9)),set(icmpv6(type=136,code=0)),"
        + "set(nd(target=fc00::2,tll=50:54:00:00:00:09)),1")]
    [InlineData("set(tunnel(tun_id=0x1,dst=1.1.2.92,ttl=64,tp_dst=6081,"
        + "geneve({class=0x102,type=0x80,len=4,0x20001}),flags(df|csum|key))),1")]
    [InlineData("set(tunnel(tun_id=0x5,ipv6_src=fc00::1,ipv6_dst=fc00::2,tos=0x4,ttl=64,"
        + "vxlan(gbp(id=9,flags=0x8)),flags(key))),1")]
    [InlineData("push_vlan(vid=10,pcp=0),2")]
    [InlineData("push_vlan(tpid=0x88a8,vid=10,pcp=3),pop_vlan,2")]
    [InlineData("push_mpls(label=100,tc=0,ttl=64,bos=1,eth_type=0x8847),2")]
    [InlineData("pop_mpls(eth_type=0x800),recirc(0x3)")]
    [InlineData("set(mpls(label=7,tc=0,ttl=63,bos=1)),1")]
    [InlineData("push_eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),pop_eth,1")]
    [InlineData("push_nsh(flags=0,ttl=63,mdtype=1,np=3,spi=0x64,si=255,c1=0x1,c2=0x2,c3=0x3,"
        + "c4=0x4),pop_nsh(),1")]
    [InlineData("hash(l4(0)),recirc(0x1)")]
    [InlineData("hash(sym_l4(5)),lb_output(3)")]
    [InlineData("sample(sample=50.0%,actions(1,2)),3")]
    [InlineData("clone(set(ipv4(ttl=1)),2),3")]
    [InlineData("check_pkt_len(size=1000,gt(drop),le(2,3))")]
    [InlineData("trunc(100),meter(5),1")]
    [InlineData("userspace(pid=0,slow_path(action))")]
    [InlineData("userspace(pid=0,controller(reason=1,dont_send=0,continuation=0,recirc_id=3,"
        + "rule_cookie=0,controller_id=0,max_len=65535))")]
    [InlineData("set(skb_mark(0x5)),set(skb_priority(0x2)),1")]
    [InlineData("clone(tnl_push(tnl_port(4789),header(size=50,type=4,eth(dst=f8:bc:12:44:34:b6,"
        + "src=aa:55:aa:55:00:00,dl_type=0x0800),ipv4(src=1.1.2.88,dst=1.1.2.92,proto=17,tos=0,"
        + "ttl=64,frag=0x4000),udp(src=0,dst=4789,csum=0x0),vxlan(flags=0x8000000,vni=0x7b)),"
        + "out_port(100)),1),tnl_pop(4789)")]
    [InlineData("tnl_push(tnl_port(3),header(size=50,type=3,eth(dst=f8:bc:12:44:34:b6,"
        + "src=aa:55:aa:55:00:00,dl_type=0x0800),ipv4(src=1.1.2.88,dst=1.1.2.92,proto=47,tos=0x20,"
        + "ttl=33,frag=0x0),gre((flags=0xb000,proto=0x6558),csum=0x0,key=0x1c9,seq=0x0)),"
        + "out_port(100)),1")]
    [InlineData("tnl_push(tnl_port(6),header(size=66,type=109,eth(dst=f8:bc:12:44:34:b7,"
        + "src=aa:55:aa:55:00:00,dl_type=0x86dd),ipv6(src=2001:cafe::88,dst=2001:cafe::92,label=0,"
        + "proto=47,tclass=0x0,hlimit=64),gre((flags=0x3000,proto=0x6558),key=0x1c8,seq=0x0)),"
        + "out_port(100)),1")]
    [InlineData("tnl_push(tnl_port(6081),header(size=58,type=5,eth(dst=f8:bc:12:44:34:b6,"
        + "src=aa:55:aa:55:00:00,dl_type=0x0800),ipv4(src=1.1.2.88,dst=1.1.2.92,proto=17,tos=0,"
        + "ttl=64,frag=0x4000),udp(src=0,dst=6081,csum=0x0),geneve(crit,vni=0x4d,"
        + "options({class=0xffff,type=0x80,len=4,0x12345678}))),out_port(100)),1")]
    [InlineData("tnl_push(tnl_port(4),header(size=54,type=107,eth(dst=f8:bc:12:44:34:b6,"
        + "src=aa:55:aa:55:00:00,dl_type=0x0800),ipv4(src=1.1.2.88,dst=1.1.2.92,proto=47,tos=0,"
        + "ttl=64,frag=0x4000),erspan(ver=2,sid=0x1,dir=1,hwid=0x7)),out_port(100)),1")]
    [InlineData("pop_eth,tnl_push(tnl_port(2152),header(size=50,type=110,"
        + "eth(dst=f8:bc:12:44:34:b6,src=aa:55:aa:55:00:00,dl_type=0x0800),ipv4(src=1.1.2.88,"
        + "dst=1.1.2.92,proto=17,tos=0,ttl=64,frag=0x4000),udp(src=0,dst=2152,csum=0x0),"
        + "gtpu(flags=0x30,msgtype=255,teid=0x7b)),out_port(100)),1")]
    public void Action_text_is_read_and_printed_the_same(string text)
    {
        Assert.True(OdpActionText.TryParse(text, null, out var actions, out var error), error);
        Assert.Equal(text, OdpActionText.Format(actions));
    }

    [Fact]
    public void Ports_have_names_where_one_asks_for_them()
    {
        Assert.True(OdpActionText.TryParse(
            "p1,set(ipv4(ttl=1)),p2", name => uint.Parse(name.AsSpan(1)), out var actions, out _));
        Assert.Equal("p1,set(ipv4(ttl=1)),p2", OdpActionText.Format(actions, n => $"p{n}"));
    }

    [Theory]
    [InlineData("ct(zone=70000)")]
    [InlineData("set(nonsense(1))")]
    [InlineData("clone(1")]
    [InlineData("p1")]
    [InlineData("sample(sample=101%,actions(1))")]
    [InlineData("push_vlan(vid=4096)")]
    [InlineData("tnl_push(tnl_port(1),header(size=14,type=4,eth()),out_port(1))")]
    [InlineData("tnl_push(tnl_port(1),header(size=34,type=4,eth(dl_type=0x0800),ipv4()),"
        + "out_port(1))")]
    [InlineData("tnl_push(tnl_port(1),header(size=38,type=3,eth(dl_type=0x0800),ipv4(),"
        + "gre((flags=0xb000,proto=0x6558))),out_port(1))")]
    public void Text_that_is_wrong_is_refused_with_its_place(string text)
    {
        Assert.False(OdpActionText.TryParse(text, null, out _, out var error));
        Assert.NotEmpty(error);
    }
}
