ovs-appctl time/stop
ovs-vsctl add-br br0 -- set bridge br0 datapath-type=dummy rstp_enable=true other_config:hwaddr=aa:bb:cc:00:00:01
ovs-vsctl add-port br0 p1 -- set interface p1 type=dummy ofport_request=1 -- set port p1 other_config:rstp-port-num=1
ovs-vsctl add-port br0 p2 -- set interface p2 type=dummy ofport_request=2 -- set port p2 other_config:rstp-port-num=2
ovs-appctl rstp/show
ovs-appctl rstp/show nosuch
ovs-appctl time/warp 1000 500
ovs-appctl rstp/show br0
ovs-ofctl show br0
ovs-appctl time/warp 5000 500
ovs-appctl rstp/show
ovs-ofctl show br0
ovs-appctl time/warp 10000 500
ovs-vsctl get bridge br0 rstp_status status
ovs-vsctl get port p1 rstp_status status
ovs-appctl rstp/tcn
ovs-appctl rstp/tcn br0
ovs-appctl rstp/tcn nosuch
ovs-vsctl set bridge br0 other_config:rstp-priority=4097 other_config:rstp-max-age=10 other_config:rstp-forward-delay=7 other_config:rstp-address=00:00:00:00:00:09
ovs-vsctl set port p1 other_config:rstp-port-priority=33 other_config:rstp-port-num=9 other_config:rstp-path-cost=123 other_config:rstp-port-admin-edge=true
ovs-appctl time/warp 10000 500
ovs-appctl rstp/show
ovs-vsctl get port p1 rstp_status status
ovs-vsctl get port p2 rstp_status status
ovs-vsctl get bridge br0 rstp_status
ovs-appctl netdev-dummy/receive p2 0180c20000005054000000010027424203000002023c000050540000000200000000000050540000000280010000140002000f0000
ovs-appctl time/warp 500 500
ovs-appctl rstp/show
ovs-appctl time/warp 1000 500
ovs-vsctl get bridge br0 rstp_status
ovs-vsctl get port p2 rstp_status
ovs-appctl time/warp 9000 500
ovs-appctl rstp/show
ovs-vsctl set port p2 other_config:rstp-enable=false
ovs-appctl time/warp 2000 500
ovs-appctl rstp/show br0
ovs-appctl netdev-dummy/set-admin-state p1 down
ovs-appctl time/warp 2000 500
ovs-appctl rstp/show br0
ovs-ofctl show br0
ovs-appctl netdev-dummy/set-admin-state p1 up
ovs-appctl time/warp 2000 500
ovs-appctl rstp/show br0
ovs-vsctl set bridge br0 stp_enable=true
ovs-appctl time/warp 10000 500
ovs-appctl rstp/show
ovs-appctl stp/show
ovs-vsctl set bridge br0 rstp_enable=false stp_enable=false
ovs-appctl time/warp 10000 500
ovs-appctl rstp/show br0
ovs-vsctl get port p1 rstp_status rstp_statistics status
ovs-vsctl get bridge br0 rstp_status status
