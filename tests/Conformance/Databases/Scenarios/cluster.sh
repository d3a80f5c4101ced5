echo '{"name":"ordinals","version":"5.1.3","tables":{"ordinals":{"isRoot":true,"columns":{"number":{"type":"integer"},"name":{"type":"string"}}}}}' > schema
echo '{"name":"ordinals","version":"5.1.4","tables":{"ordinals":{"isRoot":true,"columns":{"number":{"type":"integer"},"name":{"type":"string"},"more":{"type":"string"}}}}}' > schema2
serve() { $2 --detach --no-chdir --pidfile=$PWD/s$1.pid --unixctl=$PWD/s$1.ctl --log-file=$PWD/s$1.log --remote=punix:$PWD/s$1.sock -vconsole:off s$1.db; }
ask() { ovs-appctl -t $PWD/s$1.ctl cluster/$2 ordinals $3; }
led() { for n in $(seq 300); do ask $1 status 2>&1 | grep -q '^Leader: [^u]' && return; sleep 0.05; done; }
insert() { led $1; timeout 30 ovsdb-client --no-leader-only transact unix:s$1.sock "[\"ordinals\",{\"op\":\"insert\",\"table\":\"ordinals\",\"row\":{\"number\":$2}}]"; }
rows() { timeout 30 ovsdb-client --no-leader-only dump unix:s$1.sock ordinals ordinals number; }
joined() { timeout 30 ovsdb-client -vconsole:off wait unix:s$1.sock ordinals connected; }
same() { for n in $(seq 200); do rows 1 > r1; rows 2 > r2; rows 3 > r3; cmp -s r1 r2 && cmp -s r2 r3 && break; sleep 0.05; done; sort r$1; }
gone() { for n in $(seq 200); do ask $1 sid 2>&1 | grep -q unknown && break; sleep 0.05; done; ask $1 sid; }
leads() { for n in $(seq 300); do for i in $*; do ask $i status 2>&1 | grep -q 'Role: leader' && L=$i && return; done; sleep 0.05; done; }
ovsdb-tool create-cluster s1.db schema tcp:127.0.0.1:26651
ovsdb-tool join-cluster s2.db ordinals tcp:127.0.0.1:26652 tcp:127.0.0.1:26651
ovsdb-tool join-cluster s3.db ordinals tcp:127.0.0.1:26653 tcp:127.0.0.1:26652
serve 2 ovsdb-server
ask 2 cid
ask 2 status
ask 2 leave
ask 2 kick abcd
ovsdb-client --no-leader-only get-schema unix:s2.sock ordinals
ovsdb-client list-dbs unix:s2.sock
ovsdb-client --no-leader-only dump unix:s2.sock _Server Database name model connected leader index cid schema | grep ordinals
serve 1 ovsdb-server
joined 2
serve 3 /usr/sbin/ovsdb-server
joined 3
insert 1 1
insert 2 2
insert 3 3
same 2
ask 1 status | grep -v '^Connections\|last msg\|^Last'
ask 2 status | grep -v '^Connections\|^    '
ask 2 change-election-timer 1500
ask 1 change-election-timer 1500
ask 2 kick nobody
ovs-appctl -t $PWD/s2.ctl ovsdb-server/compact
ovs-appctl -t $PWD/s3.ctl ovsdb-server/compact
kill -9 $(cat s1.pid); leads 2 3
insert 2 4
insert 3 5
serve 1 ovsdb-server
joined 1
same 1
ask 1 status | grep 'Role\|^Election timer'
leads 1 2 3; ovs-appctl -t $PWD/s$L.ctl exit; K=$L; leads $(echo 1 2 3 | sed "s/$K//")
insert $L 6
serve $K $([ $K = 3 ] && echo /usr/sbin/)ovsdb-server
joined $K
same 2
led 2; timeout 30 ovsdb-client --no-leader-only convert unix:s2.sock schema2
insert 1 7
same 3
timeout 30 ovsdb-client --no-leader-only get-schema-version unix:s1.sock ordinals
leads 1 2 3; A=$((L % 3 + 1)); B=$((A % 3 + 1)); ask $A leave
gone $A 2>&1 | sed 's/s..ctl/N.ctl/'
insert $B 8
ask $A status 2>&1 | sed 's/s..ctl/N.ctl/'
ask $L kick tcp:127.0.0.1:2665$B
gone $B 2>&1 | sed 's/s..ctl/N.ctl/'
insert $L 9
rows $L | sort
ask $L status | grep 'Status\|Role'
for i in 1 2 3; do ovs-appctl -t $PWD/s$i.ctl exit; while [ -e s$i.pid ]; do sleep 0.05; done; done
/usr/bin/ovsdb-tool check-cluster s1.db s2.db s3.db | sed 's/.*: record [0-9]*/record/'
