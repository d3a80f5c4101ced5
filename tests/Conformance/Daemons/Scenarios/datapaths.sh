ovs-appctl dpctl/dump-flows
ovs-appctl dpctl/show nosuch
ovs-appctl dpctl/add-dp nonesuch@x
ovs-appctl dpctl/add-dp dummy@x
ovs-appctl dpctl/add-dp dummy@x
ovs-appctl dpctl/add-flow 'in_port(1),eth_type(0x1234)' 1
ovs-appctl dpctl/dump-flows
echo 'in_port(1),eth_type(0x1234)' > f
ovs-appctl dpctl/del-flows f
ovs-appctl dpctl/dump-flows dummy@x
ovs-appctl dpctl/add-if dummy@x v1.0,type=dummy v2,type=dummy,port_no=5
ovs-appctl dpctl/add-if dummy@x v1.0,type=dummy
ovs-appctl dpctl/add-if dummy@x v3,type=dummy,port_no=5
ovs-appctl dpctl/add-if dummy@x v4,type=nonesuch
ovs-appctl dpctl/add-if dummy@x v5,port_no=x
ovs-appctl dpctl/show dummy@x
ovs-appctl dpctl/set-if dummy@x v1.0,type=dummy,port_no=1
ovs-appctl dpctl/set-if dummy@x v1.0,type=system
ovs-appctl dpctl/set-if dummy@x v1.0,port_no=4
ovs-appctl dpctl/set-if dummy@x nope
ovs-appctl dpctl/del-if dummy@x v2
ovs-appctl dpctl/del-if dummy@x nope
ovs-appctl dpctl/del-if dummy@x x
ovs-appctl dpctl/add-dp dummy@y y1,type=dummy
ovs-appctl dpctl/dump-flows
ovs-appctl dpctl/show
ovs-appctl dpctl/del-dp y
ovs-appctl dpctl/del-dp dummy@y
ovs-appctl dpctl/del-dp dummy@y
ovs-appctl dpctl/dump-dps
ovs-vsctl add-br br0 -- set bridge br0 datapath-type=dummy other_config:hwaddr=aa:55:aa:55:00:00 -- add-port br0 p1 -- set interface p1 type=dummy ofport_request=1
ovs-vsctl --id=@m create Datapath datapath_version=0 -- set Open_vSwitch . datapaths:dummy=@m | wc -l
ovs-vsctl get datapath . capabilities | tr , '\n' | grep -v -e lb_output -e max_vlan
ovs-vsctl add-port br0 pa -- set interface pa type=patch options:peer=pb ofport_request=4
ovs-vsctl get interface pa error ofport statistics ifindex
ovs-vsctl add-br br1 -- set bridge br1 datapath-type=dummy other_config:hwaddr=aa:55:aa:55:00:01 -- add-port br1 pb -- set interface pb type=patch options:peer=pa ofport_request=1 -- add-port br1 p9 -- set interface p9 type=dummy ofport_request=9
ovs-vsctl get interface pa error -- get interface pb error
ovs-ofctl add-flow br0 in_port=p1,actions=output:pa
ovs-ofctl add-flow br1 in_port=pb,actions=output:p9
for i in 1 2 3; do ovs-appctl netdev-dummy/receive p1 'in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=192.168.0.1,dst=192.168.0.2,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)'; done
ovs-appctl revalidator/wait
ovs-ofctl dump-ports br0 pa
ovs-ofctl dump-ports br1 pb
ovs-appctl netdev-dummy/conn-state
ovs-appctl netdev-dummy/conn-state p1
ovs-vsctl add-port br0 p7 -- set interface p7 type=dummy ofport_request=7 options:pstream=punix:p7.sock -- add-port br0 p8 -- set interface p8 type=dummy ofport_request=8 options:stream=unix:p7.sock
for i in $(seq 200); do ovs-appctl netdev-dummy/conn-state p8 | grep -q ': connected' && break; sleep 0.05; done; ovs-appctl netdev-dummy/conn-state
ovs-appctl bridge/reconnect
ovs-appctl bridge/reconnect br0
ovs-appctl bridge/reconnect nope
ovs-appctl dpif-netdev/bond-show nosuch
ovs-appctl dpif-netdev/pmd-stats-show | head -3
