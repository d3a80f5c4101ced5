ovs-appctl time/stop
ovs-vsctl add-br br0 -- set bridge br0 datapath-type=dummy stp_enable=true other_config:hwaddr=aa:bb:cc:00:00:01
ovs-vsctl add-port br0 p1 -- set interface p1 type=dummy ofport_request=1 -- set port p1 other_config:stp-port-num=1
ovs-vsctl add-port br0 p2 -- set interface p2 type=dummy ofport_request=2 -- set port p2 other_config:stp-port-num=2 other_config:stp-path-cost=15
ovs-appctl stp/show
ovs-appctl netdev-dummy/receive p1 0180c200000050540000000100264242030000000000000050540000000100000000000050540000000180010000140002000f00
ovs-appctl time/warp 500 500
ovs-appctl stp/show br0
ovs-appctl ofproto/trace br0 in_port=1,dl_src=50:54:00:00:00:09,dl_dst=50:54:00:00:00:0a
ovs-appctl netdev-dummy/receive p2 0180c200000050540000000100264242030000000000000050540000000100000000000050540000000180010000140002000f00
ovs-appctl time/warp 500 500
ovs-appctl stp/show
ovs-vsctl get port p1 status:stp_port_id status:stp_role status:stp_state
ovs-vsctl get port p2 status:stp_port_id status:stp_role status:stp_state
ovs-vsctl get bridge br0 status
ovs-appctl stp/tcn
ovs-appctl stp/tcn nosuch
ovs-appctl time/warp 60000 500
ovs-appctl stp/show
ovs-appctl netdev-dummy/set-admin-state p1 down
ovs-appctl time/warp 1000 500
ovs-appctl stp/show
ovs-appctl netdev-dummy/set-admin-state p1 up
ovs-vsctl set bridge br0 stp_enable=false
ovs-appctl time/warp 6000 500
ovs-vsctl get port p2 status statistics
ovs-vsctl get bridge br0 status datapath_version
