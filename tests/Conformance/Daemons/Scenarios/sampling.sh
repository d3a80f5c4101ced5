ovs-vsctl add-br br0 -- set bridge br0 datapath-type=dummy fail-mode=secure
for i in 1 2 3; do ovs-vsctl add-port br0 p$i -- set interface p$i type=dummy ofport_request=$i options:ifindex=100$i; done
ovs-vsctl -- --id=@s create sflow targets='"127.0.0.1:9"' header=128 sampling=1 polling=0 agent=lo -- set bridge br0 sflow=@s > /dev/null
ovs-ofctl add-flow br0 'in_port=1 actions=2'
ovs-ofctl add-flow br0 'in_port=2 actions=1,3'
ovs-ofctl add-flow br0 'in_port=3 actions=drop'
ovs-appctl ofproto/trace br0 in_port=1,ip
ovs-appctl ofproto/trace br0 in_port=2,dl_vlan=5,dl_vlan_pcp=3,ip
ovs-appctl ofproto/trace br0 in_port=3
ovs-vsctl set sflow . sampling=64
ovs-appctl ofproto/trace br0 in_port=1,ip
ovs-vsctl clear bridge br0 sflow
ovs-vsctl -- --id=@i create ipfix targets='"127.0.0.1:9"' sampling=64 obs_domain_id=5 obs_point_id=6 -- set bridge br0 ipfix=@i > /dev/null
ovs-appctl ofproto/trace br0 in_port=1,ip
ovs-appctl ofproto/trace br0 in_port=2,dl_vlan=5,dl_vlan_pcp=3,ip
ovs-vsctl clear bridge br0 ipfix
ovs-vsctl -- --id=@i create ipfix targets='"127.0.0.1:9"' -- --id=@b get bridge br0 -- --id=@f create Flow_Sample_Collector_Set id=2 bridge=@b ipfix=@i > /dev/null
ovs-ofctl add-flow br0 'in_port=1 actions=sample(probability=65535,collector_set_id=2,obs_domain_id=4,obs_point_id=5),2'
ovs-appctl ofproto/trace br0 in_port=1,ip
