echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":"string"}},"indexes":[["c"]]}}}' > schema; ovsdb-tool create d schema
ovsdb-server --detach --no-chdir --pidfile=$PWD/a.pid --unixctl=$PWD/a.ctl --remote=punix:a.s -vconsole:off d
ovsdb-server --detach --no-chdir --pidfile=$PWD/b.pid --unixctl=$PWD/b.ctl --remote=punix:b.s -vconsole:off relay:o:unix:a.s
ovsdb-client -vconsole:off wait unix:b.s o connected
ovsdb-client dump unix:b.s _Server Database name model connected leader | sort
ovsdb-client transact unix:b.s '["o",{"op":"insert","table":"t","row":{"c":"x"}}]'
ovsdb-client transact unix:b.s '["o",{"op":"select","table":"t","where":[],"columns":["c"]}]'
ovsdb-client transact unix:a.s '["o",{"op":"update","table":"t","where":[],"row":{"c":"y"}}]'
for i in $(seq 200); do ovsdb-client dump unix:b.s | grep -q y && break; sleep 0.05; done; ovsdb-client dump unix:b.s o t c
ovsdb-client transact unix:b.s '["o",{"op":"nope"}]'
ovs-appctl -t $PWD/b.ctl ovsdb-server/list-dbs
ovs-appctl -t $PWD/b.ctl ovsdb-server/get-db-storage-status o
ovs-appctl -t $PWD/b.ctl ovsdb-server/add-db relay:o:unix:a.s
ovs-appctl -t $PWD/b.ctl ovsdb-server/add-db relay:o
ovs-appctl -t $PWD/b.ctl ovsdb-server/add-db relay:o2:unix:nope
ovsdb-client dump unix:b.s _Server Database name model connected leader | sort
ovs-appctl -t $PWD/b.ctl ovsdb-server/remove-db o2
ovs-appctl -t $PWD/b.ctl exit; ovs-appctl -t $PWD/a.ctl exit
