echo '{"name":"ordinals","version":"5.1.3","tables":{"ordinals":{"isRoot":true,"columns":{"number":{"type":"integer"},"name":{"type":"string"}}}}}' > schema
echo '{"name":"ordinals","version":"5.1.4","tables":{"ordinals":{"isRoot":true,"columns":{"number":{"type":"integer"},"more":{"type":"string"}}}}}' > schema2
ovsdb-tool --election-timer=2000 create-cluster db schema tcp:127.0.0.1:26643
ovsdb-server --detach --no-chdir --pidfile --log-file --remote=punix:s -vconsole:off db
ovsdb-client -vconsole:off wait unix:s ordinals connected
ovsdb-client transact unix:s '["ordinals",{"op":"insert","table":"ordinals","row":{"number":2,"name":"two"}},{"op":"comment","comment":"hello"}]'
ovsdb-client transact unix:s '["ordinals",{"op":"insert","table":"ordinals","row":{"number":3,"name":"three"}}]'
ovsdb-client dump unix:s ordinals ordinals number name | sort
ovsdb-client dump unix:s _Server Database name model connected leader index | sort
ovs-appctl -t ovsdb-server cluster/status ordinals
ovs-appctl -t ovsdb-server cluster/cid ordinals
ovs-appctl -t ovsdb-server cluster/sid ordinals
ovs-appctl -t ovsdb-server cluster/sid nope
ovs-appctl -t ovsdb-server cluster/status
ovs-appctl -t ovsdb-server ovsdb-server/get-db-storage-status ordinals
ovsdb-tool check-cluster db
ovsdb-tool -mm show-log db | grep -v "^record\|commit_index"
/usr/bin/ovsdb-tool check-cluster db
/usr/bin/ovsdb-tool -mm show-log db | grep -v "^record\|commit_index"
ovs-appctl -t ovsdb-server ovsdb-server/compact ordinals
ovsdb-tool -mm show-log db
ovsdb-client transact unix:s '["ordinals",{"op":"update","table":"ordinals","where":[["number","==",3]],"row":{"name":"drei"}}]'
ovs-appctl -t ovsdb-server cluster/change-election-timer ordinals 9000
ovs-appctl -t ovsdb-server cluster/change-election-timer ordinals x
ovs-appctl -t ovsdb-server cluster/change-election-timer nope 5000
ovs-appctl -t ovsdb-server cluster/set-backlog-threshold ordinals 5 5
ovs-appctl -t ovsdb-server cluster/set-backlog-threshold ordinals x 5
ovs-appctl -t ovsdb-server cluster/set-backlog-threshold ordinals 100 60000000
ovs-appctl -t ovsdb-server cluster/kick nope x
ovsdb-client convert unix:s schema2
ovsdb-client dump unix:s ordinals ordinals number more | sort
ovsdb-client get-schema-version unix:s ordinals
ovs-appctl -t ovsdb-server ovsdb-server/remove-db ordinals
ovs-appctl -t ovsdb-server ovsdb-server/add-db db
ovs-appctl -t ovsdb-server ovsdb-server/add-db db
ovs-appctl -t ovsdb-server ovsdb-server/list-dbs
ovsdb-client dump unix:s ordinals ordinals number more | sort
ovs-appctl -t ovsdb-server exit; while [ -e ovsdb-server.pid ]; do sleep 0.05; done
/usr/bin/ovsdb-tool check-cluster db
/usr/sbin/ovsdb-server --detach --no-chdir --pidfile --remote=punix:s -vconsole:off db
ovsdb-client -vconsole:off wait unix:s ordinals connected
ovsdb-client dump unix:s ordinals ordinals number more | sort
