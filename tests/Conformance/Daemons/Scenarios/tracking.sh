ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy fail-mode=secure -- add-port br0 p1 -- set interface p1 type=dummy ofport_request=1 -- add-port br0 p2 -- set interface p2 type=dummy ofport_request=2
ovs-ofctl add-flow br0 'in_port=1,ip actions=ct(commit,zone=5,exec(set_field:0x7->ct_mark,set_field:0x1234->ct_label)),2'
ovs-ofctl add-flow br0 'in_port=2,ip actions=ct(commit,zone=6),1'
ovs-ofctl add-flow br0 'in_port=1,ipv6 actions=ct(commit,zone=7),2'
ovs-ofctl add-flow br0 'priority=40000,in_port=1,udp,tp_dst=99 actions=ct(commit,zone=9,nat(src=10.9.9.9:4000-4000)),2'
send() { ovs-appctl netdev-dummy/receive $1 "$2"; }
L='eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800)'; I='tos=0,ttl=64,frag=no'
send p1 "in_port(1),$L,ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,$I),udp(src=1000,dst=53)"
send p1 "in_port(1),$L,ipv4(src=10.0.0.3,dst=10.0.0.2,proto=17,$I),udp(src=1001,dst=53)"
send p1 "in_port(1),$L,ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,$I),udp(src=1000,dst=99)"
send p1 "in_port(1),$L,ipv4(src=10.0.0.1,dst=10.0.0.2,proto=1,$I),icmp(type=8,code=0)"
send p2 "in_port(2),$L,ipv4(src=10.0.0.2,dst=10.0.0.1,proto=17,$I),udp(src=53,dst=1000)"
send p2 "in_port(2),$L,ipv4(src=10.0.0.2,dst=10.0.0.4,proto=6,$I),tcp(src=5555,dst=80),tcp_flags(0x002)"
send p1 "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x86dd),ipv6(src=fd00::1,dst=fd00::2,label=0,proto=17,tclass=0,hlimit=64,frag=no),udp(src=1000,dst=53)"
ct() { ovs-appctl dpctl/"$@" 2>&1 | sed -E 's/timeout=[0-9]+/timeout=?/; s/,?start=[^,)]*//g; s/(\),|^)id=[0-9]+/\1id=?/; s/,packets=[0-9]+,bytes=[0-9]+//g'; echo "exit ${PIPESTATUS[0]}"; }
ct dump-conntrack zone=5
ct dump-conntrack zone=6
ct dump-conntrack zone=99999
ct dump-conntrack zone=x
ct dump-conntrack ovs-dummy zone=5
ct dump-conntrack dummy@ovs-dummy zone=7
ct dump-conntrack nosuch
ct dump-conntrack nosuch@dp
ct dump-conntrack zone=5 zone=6
ct dump-conntrack -s zone=5
ct dump-conntrack -m zone=5
ct dump-conntrack -m -s zone=6
ct ct-stats-show
ct ct-stats-show -m
ct ct-stats-show --more
ct ct-stats-show zone=5
ct ct-stats-show zone=x
ct ct-stats-show verbose
ct ct-bkts gt=x
ct ct-bkts foo
ct ct-get-nconns
ct ct-get-nconns nosuch@dp
ct ct-get-maxconns
ct ct-set-maxconns 10
ct ct-get-maxconns
ct ct-set-maxconns x
ct ct-set-maxconns
ct ct-set-maxconns 3000000
ct ct-get-tcp-seq-chk
ct ct-disable-tcp-seq-chk
ct ct-get-tcp-seq-chk
ct ct-enable-tcp-seq-chk
ct ct-get-tcp-seq-chk
ct ct-get-limits | sed 's/count=.*//'
ct ct-get-limits zone=5 | sed 's/count=.*//'
ct ct-get-limits zone=5,6,77 | sed 's/count=.*//'
ct ct-get-limits zone=x
ct ct-get-limits foo
ct ct-set-limits
ct ct-set-limits default=10
ct ct-get-limits | sed 's/count=.*//'
ct ct-set-limits zone=5,limit=2
ct ct-set-limits zone=6,limit=0 zone=70,limit=3
ct ct-get-limits | sed 's/count=.*//'
ct ct-get-limits zone=5 | sed 's/count=.*//'
ct ct-set-limits default=0 zone=71,limit=9
ct ct-get-limits zone=71,72 | sed 's/count=.*//'
ct ct-set-limits default=x
ct ct-set-limits zone=x,limit=2
ct ct-set-limits zone=5,limit=x
ct ct-set-limits zone=5
ct ct-set-limits zone=70000,limit=1
ct ct-set-limits foo
ct ct-set-limits foo=1
ct ct-set-limits zone=5,limit=1,foo=2
ct ct-del-limits
ct ct-del-limits zone=5
ct ct-del-limits zone=6,70
ct ct-del-limits zone=1000
ct ct-del-limits zone=x
ct ct-del-limits foo
ct ct-get-limits | sed 's/count=.*//'
ct ct-set-limits default=15
ct ct-get-limits zone=5 | sed 's/count=.*//'
ct ct-del-limits default
ct ct-get-limits | sed 's/count=.*//'
ct ct-set-limits default=0
ct flush-conntrack zone=5 'ct_nw_src=10.0.0.3,ct_nw_dst=10.0.0.2,ct_nw_proto=17,ct_tp_src=1001,ct_tp_dst=53'
ct ct-get-nconns
ct flush-conntrack zone=5 'ct_nw_src=10.0.0.3'
ct flush-conntrack 'ct_nw_src=10.0.0.3,ct_nw_dst=10.0.0.2'
ct flush-conntrack 'ct_nw_src=10.0.0.300'
ct flush-conntrack 'ct_nw_src'
ct flush-conntrack 'ct_tp_src=x'
ct flush-conntrack 'ct_tp_src=70000'
ct flush-conntrack 'foo=1'
ct flush-conntrack 'ct_nw_proto=17,ct_tp_src=1,foo'
ct flush-conntrack 'ct_nw_src=10.0.0.1,ct_ipv6_dst=fd00::1'
ct flush-conntrack 'icmp_id=5'
ct flush-conntrack 'ct_nw_proto=1,icmp_id=5'
ct flush-conntrack 'ct_nw_proto=1,icmp_type=8,icmp_code=0,icmp_id=99'
ct flush-conntrack 'ct_nw_proto=1,ct_tp_src=5'
ct flush-conntrack 'ct_nw_proto=17,icmp_id=5'
ct flush-conntrack zone=x
ct flush-conntrack zone=5 zone=6
ct flush-conntrack nosuch
ct flush-conntrack nosuch zone=5
ct ct-get-nconns
ct flush-conntrack 'ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=17' 'ct_nw_src=10.0.0.2'
ct flush-conntrack '' 'ct_nw_dst=10.0.0.2'
ct ct-get-nconns
ct flush-conntrack zone=6
ct ct-get-nconns
ct flush-conntrack ovs-dummy zone=7
ct flush-conntrack
ct ct-get-nconns
ct dump-conntrack
ct ipf-get-status
ct ipf-get-status -m
ct ipf-set-enabled v4
ct ipf-set-enabled v5
ct ipf-set-disabled v6
ct ipf-set-min-frag v4 100
ct ipf-set-min-frag v4 1000
ct ipf-set-min-frag v9 1000
ct ipf-set-min-frag v4
ct ipf-set-min-frag v4 x
ct ipf-set-max-nfrags 500
ct ipf-set-max-nfrags 50000
ct ipf-set-max-nfrags x
ct ipf-get-status
