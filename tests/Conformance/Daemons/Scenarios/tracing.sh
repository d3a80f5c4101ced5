ovs-vsctl add-br br0 -- set bridge br0 datapath-type=dummy fail-mode=secure
for i in 1 2 3 4 5 6; do ovs-vsctl add-port br0 p$i -- set interface p$i type=dummy ofport_request=$i; done
ovs-ofctl add-flow br0 'priority=10,in_port=1,tcp,tp_dst=80 actions=load:5->NXM_NX_REG0[],resubmit(,1)'
ovs-ofctl add-flow br0 'table=1,reg0=5 actions=mod_vlan_vid:7,2,strip_vlan,output:3,dec_ttl'
ovs-ofctl add-flow br0 'in_port=5 actions=ct(table=3)'
ovs-ofctl add-flow br0 'table=3,ct_state=+trk+new actions=ct(commit,zone=4,exec(load:1->NXM_NX_CT_MARK[])),output:1'
ovs-ofctl add-flow br0 'table=3,ct_state=+trk+est actions=output:2'
ovs-ofctl add-flow br0 'in_port=6 actions=push:NXM_NX_REG0[],pop:NXM_NX_REG1[],note:00.11.22,set_queue:3,enqueue(1,2),exit,output:2'
PACKET='in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(src=192.168.0.1,dst=192.168.0.2,proto=6,tos=0,ttl=64,frag=no),tcp(src=8,dst=80)'
ovs-appctl ofproto/trace ovs-dummy "$PACKET"
ovs-appctl ofproto/trace "$PACKET"
ovs-appctl ofproto/trace br0 "$PACKET"
ovs-appctl ofproto/trace br0 'in_port=1,tcp,tp_dst=80,nw_ttl=64'
ovs-appctl ofproto/trace --names br0 'in_port=1,tcp,tp_dst=80,nw_ttl=64'
ovs-appctl ofproto/trace br0 'in_port=5,tcp'
ovs-appctl ofproto/trace br0 'in_port=5,tcp' --ct-next 'trk,est'
ovs-appctl ofproto/trace br0 'in_port=6,udp'
ovs-appctl ofproto/trace br1 'in_port=1'
ovs-appctl ofproto/trace br0 'bogus=99'
ovs-appctl ofproto/trace br0 'in_port=1,tp_dst=80'
ovs-appctl ofproto/trace br0
ovs-appctl ofproto/trace ovs-dummy 'in_port(99),eth()'
ovs-appctl ofproto/trace ovs-dummy 'in_port(1'
ovs-appctl ofproto/trace br0 in_port=1 505400000007505400000005080045000014000000004006000000000000000000
ovs-appctl ofproto/trace br0 in_port=1 5054000000
ovs-appctl ofproto/trace -consistent br0 in_port=3
ovs-appctl ofproto/trace-packet-out br0 in_port=1,tcp,tp_dst=80,nw_ttl=9 'resubmit(,0)'
ovs-appctl netdev-dummy/receive p1 "$PACKET"
ovs-appctl dpctl/dump-flows
ovs-appctl dpctl/dump-flows filter=udp
ovs-appctl dpctl/dump-flows filter=bogus
