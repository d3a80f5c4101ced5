ovs-appctl vlog/list-pattern
ovs-appctl vlog/list | grep bridge
ovs-appctl vlog/set bridge:syslog:dbg
ovs-appctl vlog/list | grep bridge
ovs-appctl vlog/set nosuch:syslog:dbg
ovs-appctl vlog/set FACILITY:daemon
ovs-appctl vlog/set FACILITY:nosuch
ovs-appctl vlog/set PATTERN:file:'%d{%s}|%m'
ovs-appctl vlog/list-pattern
ovs-appctl vlog/disable-rate-limit nosuch
ovs-appctl vlog/enable-rate-limit bridge
ovs-appctl vlog/close
ovs-appctl vlog/reopen
ovs-appctl nosuch
ovs-appctl version x
ovs-appctl coverage/read-counter nosuch
ovs-vsctl add-br br0 -- set bridge br0 datapath-type=dummy -- add-port br0 p1 -- set interface p1 type=dummy
ovs-vsctl get interface p1 ifindex link_resets duplex link_speed
ovs-vsctl get interface br0 statistics
ovs-appctl dpctl/parse-actions junk
ovs-appctl dpctl/normalize-actions 'in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),tcp(src=1,dst=2)' 'push_vlan(vid=12,pcp=0),2,pop_vlan,3'
ovs-appctl dpctl/offload-stats-show
ovs-appctl dpctl/cache-set-size dummy@ovs-dummy masks 12
ovs-appctl dpctl/set-if dummy@ovs-dummy p1,port_no=4
ovs-appctl dpctl/set-if dummy@ovs-dummy p1,port_no=1
ovs-appctl dpctl/add-if dummy@ovs-dummy p1,type=dummy
ovs-appctl dpif-netdev/pmd-rxq-rebalance
ovs-appctl dpif-netdev/pmd-rxq-rebalance nosuch
ovs-appctl dpif-netdev/pmd-rxq-show
ovs-appctl dpif-netdev/dpif-impl-set nosuch
ovs-appctl odp-execute/action-impl-set scalar
