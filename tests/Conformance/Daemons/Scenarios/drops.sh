ovs-vsctl add-br br0 -- set bridge br0 datapath-type=dummy other_config:hwaddr=aa:bb:cc:00:00:01 fail-mode=secure
ovs-vsctl add-port br0 p1 -- set interface p1 type=dummy ofport_request=1 -- add-port br0 p2 -- set interface p2 type=dummy ofport_request=2
P='in_port(1),eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x0800),ipv4(src=1.1.1.1,dst=2.2.2.2,proto=17,tos=0,ttl=64),udp(src=1,dst=2)'
NAMES="datapath_drop_invalid_bond datapath_drop_invalid_port datapath_drop_invalid_tnl_port datapath_drop_lock_error datapath_drop_meter datapath_drop_nsh_decap_error datapath_drop_recirc_error datapath_drop_rx_invalid_packet datapath_drop_sample_error datapath_drop_tunnel_pop_error datapath_drop_tunnel_push_error datapath_drop_upcall_error datapath_drop_userspace_action_error drop_action_bridge_not_found drop_action_congestion drop_action_forwarding_disabled drop_action_invalid_tunnel_metadata drop_action_no_recirculation_context drop_action_of_pipeline drop_action_recirculation_conflict drop_action_recursion_too_deep drop_action_stack_too_deep drop_action_too_many_mpls_labels drop_action_too_many_resubmit drop_action_unsupported_packet_type"
send() { ovs-appctl revalidator/wait; ovs-appctl netdev-dummy/receive p1 "$P"; ovs-appctl netdev-dummy/receive p1 "$P"; for n in $NAMES; do echo "$n $(ovs-appctl coverage/read-counter $n)"; done | grep -v ' 0$'; ovs-appctl dpctl/dump-flows | sed 's/packets.*actions/actions/'; }
send
ovs-ofctl add-flow br0 actions=drop; send
ovs-ofctl add-flow br0 "actions=resubmit(,0)"; send
ovs-ofctl add-flow br0 "actions=resubmit(,1),resubmit(,1)"; for t in `seq 1 40`; do echo "table=$t actions=resubmit(,$((t+1))),resubmit(,$((t+1)))"; done | ovs-ofctl add-flows br0 -; send
ovs-ofctl del-flows br0; ovs-ofctl -O OpenFlow13 add-meter br0 meter=1,pktps,burst,band=type=drop,rate=1,burst_size=1; ovs-ofctl -O OpenFlow13 add-flow br0 actions=meter:1,output:2; ovs-appctl time/stop; send
ovs-ofctl add-flow br0 actions=normal; ovs-ofctl mod-port br0 1 no-receive; send
ovs-ofctl mod-port br0 1 receive; ovs-ofctl mod-port br0 2 no-forward; send
ovs-ofctl mod-port br0 2 forward; ovs-ofctl add-flow br0 actions=output:7; send
ovs-ofctl add-flow br0 actions=output:1; send
ovs-vsctl set port p1 tag=5; ovs-ofctl add-flow br0 actions=normal; P="in_port(1),eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x8100),vlan(vid=7,pcp=0),encap(eth_type(0x1234))"; send
ovs-appctl coverage/read-counter nosuch
ovs-appctl dpif-netdev/pmd-perf-show -nh
ovs-appctl dpif-netdev/pmd-perf-log-set on -b 5 -a 3 -us 100 -q 7
ovs-appctl dpif-netdev/pmd-perf-log-set -b
ovs-appctl dpif-netdev/pmd-perf-log-set off -e -ne
ovs-appctl dpif-netdev/pmd-rxq-show -secs 5
ovs-appctl dpif-netdev/pmd-rxq-show -pmd x
