ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy fail-mode=standalone other-config:hwaddr=aa:55:aa:55:00:00 -- add-port br0 p0 -- set Interface p0 type=dummy ofport_request=1
ovs-vsctl add-br int-br -- set bridge int-br datapath_type=dummy fail-mode=secure -- add-port int-br v9 -- set Interface v9 type=dummy ofport_request=10
ovs-vsctl add-port int-br t2 -- set Interface t2 type=vxlan options:remote_ip=1.1.2.92 options:key=123 ofport_request=2
ovs-vsctl add-port int-br t3 -- set Interface t3 type=gre options:remote_ip=1.1.2.92 options:key=456 ofport_request=3
ovs-vsctl add-port int-br t4 -- set Interface t4 type=vxlan options:remote_ip=2001:cafe::93 options:out_key=flow options:csum=true ofport_request=4
ovs-vsctl add-port int-br t5 -- set Interface t5 type=geneve options:remote_ip=flow options:key=flow ofport_request=5
ovs-vsctl add-port int-br t7 -- set Interface t7 type=gtpu options:remote_ip=1.1.2.92 options:key=123 ofport_request=7
ovs-vsctl add-port int-br t8 -- set Interface t8 type=erspan options:remote_ip=1.1.2.92 options:key=1 options:erspan_ver=1 options:erspan_idx=3 ofport_request=8
ovs-vsctl add-port int-br t9 -- set Interface t9 type=ip6gre options:remote_ip=2001:cafe::92 options:key=456 options:seq=true ofport_request=9
ovs-vsctl add-port int-br t11 -- set Interface t11 type=vxlan options:remote_ip=1.1.2.92 options:key=5 options:exts=gpe options:dst_port=4790 options:packet_type=ptap ofport_request=11
ovs-vsctl add-port int-br t13 -- set Interface t13 type=erspan options:remote_ip=1.1.2.92 options:key=1 options:erspan_ver=2 options:erspan_dir=1 options:erspan_hwid=7 ofport_request=13
ovs-vsctl add-port int-br t14 -- set Interface t14 type=gre options:remote_ip=1.1.2.92 options:key=457 options:csum=true options:seq=true options:tos=inherit options:ttl=inherit options:df_default=false ofport_request=14
ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/24
ovs-appctl netdev-dummy/ip6addr br0 2001:cafe::88/64
ovs-appctl tnl/ports/show -v
ovs-appctl ovs/route/add 1.1.2.92/24 br0
ovs-appctl ovs/route/add 2001:cafe::/64 br0
ovs-appctl ovs/route/add 1.1.4.0/24 br0 1.1.2.1 pkt_mark=3
ovs-appctl ovs/route/add 1.1.5.0/24 nobr 2>&1 | head -1
ovs-appctl ovs/route/add 1.1.5.0/24 br0 xx 2>&1 | head -1
ovs-appctl ovs/route/show
ovs-appctl ovs/route/lookup 1.1.4.4 pkt_mark=3
ovs-appctl ovs/route/lookup 1.1.4.4 2>&1 | head -1
ovs-appctl tnl/ports/show
ovs-appctl tnl/ports/show -v
trace() { ovs-ofctl del-flows int-br; ovs-ofctl add-flow int-br "in_port=10,actions=$1"; ovs-appctl ofproto/trace int-br "in_port=10,dl_src=50:54:00:00:00:05,dl_dst=50:54:00:00:00:07,tcp,nw_src=192.168.0.1,nw_dst=192.168.0.2,nw_ttl=33,tp_src=8,tp_dst=9,nw_tos=32" | grep -v '^Final flow'; }
trace output:2
trace output:4
ovs-appctl tnl/neigh/set br0 1.1.2.92 f8:bc:12:44:34:b6
ovs-appctl tnl/neigh/set br0 2001:cafe::93 f8:bc:12:44:34:b7
ovs-appctl tnl/arp/set br0 2001:cafe::92 f8:bc:12:44:34:b8
ovs-appctl tnl/neigh/set br0 1.1.2.x f8:bc:12:44:34:b6 2>&1 | head -1
ovs-appctl tnl/neigh/set br0 1.1.2.9 f8:bc:12:44:34 2>&1 | head -1
ovs-appctl tnl/neigh/show
for o in 2 3 7 8 9 11 13 14; do trace output:$o; done
trace 'set_field:2001:cafe::93->tun_ipv6_dst,set_field:77->tun_id,output:4'
trace 'set_field:1.1.2.92->tun_dst,set_field:77->tun_id,output:5'
trace 'set_field:9.9.9.9->tun_dst,set_field:77->tun_id,output:5'
trace 'output:2,output:3,output:10'
ovs-ofctl add-flow br0 'priority=100,in_port=LOCAL,udp,actions=mod_nw_tos:40,output:1'
trace output:2
ovs-ofctl add-flow br0 'priority=100,in_port=LOCAL,udp,actions=drop'
trace output:2
ovs-ofctl --strict del-flows br0 'priority=100,in_port=LOCAL,udp'
open() { ovs-appctl ofproto/trace br0 "in_port=1,dl_src=f8:bc:12:44:34:b6,$1,nw_ttl=64" | grep -E 'Megaflow|actions'; }
open 'dl_dst=aa:55:aa:55:00:00,udp,nw_src=1.1.2.92,nw_dst=1.1.2.88,udp_src=5000,udp_dst=4789'
open 'dl_dst=aa:55:aa:55:00:00,ip,nw_proto=47,nw_src=1.1.2.92,nw_dst=1.1.2.88'
open 'dl_dst=aa:55:aa:55:00:00,udp,nw_src=1.1.2.92,nw_dst=1.1.2.89,udp_src=5000,udp_dst=4789'
open 'dl_dst=aa:55:aa:55:00:01,udp,nw_src=1.1.2.92,nw_dst=1.1.2.88,udp_src=5000,udp_dst=4789'
open 'dl_dst=aa:55:aa:55:00:00,udp6,ipv6_src=2001:cafe::92,ipv6_dst=2001:cafe::88,udp_src=5000,udp_dst=6081'
ovs-appctl netdev-dummy/receive p0 'in_port(1),eth(src=f8:bc:12:44:34:c8,dst=aa:55:aa:55:00:00),eth_type(0x0806),arp(sip=1.1.2.94,tip=1.1.2.88,op=2,sha=f8:bc:12:44:34:c8,tha=00:00:00:00:00:00)'
ovs-appctl netdev-dummy/receive p0 'in_port(1),eth(src=f8:bc:12:44:34:c9,dst=ff:ff:ff:ff:ff:ff),eth_type(0x0806),arp(sip=1.1.2.95,tip=1.1.2.88,op=1,sha=f8:bc:12:44:34:c9,tha=00:00:00:00:00:00)'
ovs-appctl tnl/neigh/show
ovs-appctl tnl/neigh/flush
ovs-appctl tnl/neigh/aging
ovs-appctl tnl/neigh/aging 0 2>&1 | head -1
ovs-appctl tnl/neigh/aging 100
ovs-appctl tnl/egress_port_range
ovs-appctl tnl/egress_port_range 100 200
ovs-appctl tnl/egress_port_range
ovs-appctl ovs/route/del 1.1.2.92/24
ovs-appctl ovs/route/del 1.1.2.92/24 2>&1 | head -1
