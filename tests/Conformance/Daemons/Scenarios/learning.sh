ovs-vsctl add-br br0 -- set bridge br0 datapath-type=dummy fail-mode=secure other-config:hwaddr=aa:55:aa:55:00:00
for i in 1 2 3 4 5 6; do ovs-vsctl add-port br0 p$i -- set interface p$i type=dummy ofport_request=$i; done
ovs-ofctl add-flow br0 actions=NORMAL
ovs-vsctl set port p2 tag=10 -- set port p3 tag=10 -- set port p4 trunks=10,12 -- set port p5 vlan_mode=native-tagged tag=12 -- set port p6 vlan_mode=native-untagged tag=12
BODY='eth_type(0x0800),ipv4(src=192.168.0.1,dst=192.168.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=8,dst=80)'
ovs-appctl netdev-dummy/receive p1 "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:07),$BODY"
ovs-appctl netdev-dummy/receive p2 "in_port(2),eth(src=50:54:00:00:00:02,dst=50:54:00:00:00:07),$BODY"
ovs-appctl netdev-dummy/receive p3 "in_port(3),eth(src=50:54:00:00:00:03,dst=50:54:00:00:00:02),$BODY"
ovs-appctl netdev-dummy/receive p4 "in_port(4),eth(src=50:54:00:00:00:04,dst=50:54:00:00:00:02),eth_type(0x8100),vlan(vid=10,pcp=2),encap($BODY)"
ovs-appctl netdev-dummy/receive p4 "in_port(4),eth(src=50:54:00:00:00:04,dst=50:54:00:00:00:02),eth_type(0x8100),vlan(vid=11,pcp=2),encap($BODY)"
ovs-appctl netdev-dummy/receive p5 "in_port(5),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:99),$BODY"
ovs-appctl netdev-dummy/receive p6 "in_port(6),eth(src=50:54:00:00:00:06,dst=50:54:00:00:00:05),$BODY"
ovs-appctl fdb/stats-show br0
ovs-appctl dpctl/dump-flows
ovs-ofctl dump-ports br0
ovs-appctl fdb/add br0 p1 0 50:54:00:00:01:01
ovs-appctl fdb/add br0 p1 0 50:54:00:00:00:01
ovs-appctl fdb/add br0 nosuch 0 50:54:00:00:01:01
ovs-appctl fdb/add br0 p1 0 zz
ovs-appctl fdb/del br0 0 50:54:00:00:01:01
ovs-appctl fdb/del br0 0 50:54:00:00:01:01
ovs-appctl fdb/flush br0
ovs-appctl fdb/show br0
ovs-appctl fdb/show nosuch
ovs-appctl ofproto/trace br0 'in_port=4,dl_vlan=10,dl_vlan_pcp=3,dl_dst=50:54:00:00:00:02'
ovs-appctl ofproto/trace br0 'in_port=4,dl_vlan=11,dl_dst=50:54:00:00:00:02'
ovs-appctl ofproto/trace br0 'in_port=1,dl_dst=ff:ff:ff:ff:ff:ff'
ovs-appctl ofproto/trace br0 'in_port=1,dl_vlan=12,dl_dst=ff:ff:ff:ff:ff:ff'
ovs-appctl ofproto/trace br0 'in_port=1,dl_dst=01:80:c2:00:00:00'
ovs-vsctl set port p2 vlan_mode=dot1q-tunnel tag=100 cvlans=5,6
ovs-appctl ofproto/trace br0 'in_port=2,dl_vlan=5,dl_dst=ff:ff:ff:ff:ff:ff'
ovs-appctl ofproto/trace br0 'in_port=2,dl_vlan=7,dl_dst=ff:ff:ff:ff:ff:ff'
