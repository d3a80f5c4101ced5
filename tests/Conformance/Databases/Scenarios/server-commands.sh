echo '{"name":"ordinals","version":"5.1.3","tables":{"ordinals":{"isRoot":true,"columns":{"number":{"type":"integer"},"name":{"type":"string"},"set":{"type":{"key":"string","min":0,"max":2}},"map":{"type":{"key":"string","value":"integer","min":0,"max":"unlimited"}}}}}}' > schema
echo '{"name":"ordinals","version":"5.1.4","tables":{"ordinals":{"isRoot":true,"columns":{"number":{"type":"integer"}}}}}' > schema2
echo '{"name":"other","tables":{"t":{"columns":{"c":{"type":"string"}}}}}' > schema3
ovsdb-tool create db schema; ovsdb-tool create db2 schema3
ovsdb-server --nope
ovsdb-server -x
ovsdb-server --remote
ovsdb-server --remote=db:no,no,no db
ovsdb-server --remote=db:ordinals,no,no db
ovsdb-server --remote=db:ordinals,ordinals,no db
timeout 3 ovsdb-server --remote=db:x db
ovsdb-server nothere
ovsdb-server schema
ovsdb-server --detach --no-chdir --pidfile --log-file --remote=punix:s -vconsole:off db
ovs-appctl -t ovsdb-server list-commands
ovs-appctl -t ovsdb-server nope
ovs-appctl -t ovsdb-server ovsdb-server/list-dbs
ovs-appctl -t ovsdb-server ovsdb-server/list-remotes
ovs-appctl -t ovsdb-server ovsdb-server/add-remote
ovs-appctl -t ovsdb-server ovsdb-server/add-remote punix:s2
ovs-appctl -t ovsdb-server ovsdb-server/add-remote punix:s2
ovs-appctl -t ovsdb-server ovsdb-server/add-remote db:ordinals,ordinals,set
ovs-appctl -t ovsdb-server ovsdb-server/add-remote db:ordinals,ordinals,number
ovs-appctl -t ovsdb-server ovsdb-server/add-remote db:no,no,no
ovs-appctl -t ovsdb-server ovsdb-server/list-remotes
ovs-appctl -t ovsdb-server ovsdb-server/remove-remote nope
ovs-appctl -t ovsdb-server ovsdb-server/remove-remote punix:s2
ovs-appctl -t ovsdb-server ovsdb-server/remove-remote db:ordinals,ordinals,set
ovs-appctl -t ovsdb-server ovsdb-server/add-db nothere
ovs-appctl -t ovsdb-server ovsdb-server/add-db schema
ovs-appctl -t ovsdb-server ovsdb-server/add-db db
ovs-appctl -t ovsdb-server ovsdb-server/add-db db2
ovs-appctl -t ovsdb-server ovsdb-server/list-dbs
ovs-appctl -t ovsdb-server ovsdb-server/tlog-list
ovs-appctl -t ovsdb-server ovsdb-server/tlog-set
ovs-appctl -t ovsdb-server ovsdb-server/tlog-set x on
ovs-appctl -t ovsdb-server ovsdb-server/tlog-set x:y on
ovs-appctl -t ovsdb-server ovsdb-server/tlog-set other:y on
ovs-appctl -t ovsdb-server ovsdb-server/tlog-set other:t x
ovs-appctl -t ovsdb-server ovsdb-server/tlog-set other:t on
ovs-appctl -t ovsdb-server ovsdb-server/tlog-list
ovs-appctl -t ovsdb-server ovsdb-server/remove-db nope
ovs-appctl -t ovsdb-server ovsdb-server/remove-db _Server
ovs-appctl -t ovsdb-server ovsdb-server/remove-db other
ovs-appctl -t ovsdb-server ovsdb-server/compact
ovs-appctl -t ovsdb-server ovsdb-server/compact nope
ovs-appctl -t ovsdb-server ovsdb-server/compact _Server
ovs-appctl -t ovsdb-server ovsdb-server/compact ordinals
ovs-appctl -t ovsdb-server ovsdb-server/compact a b
ovs-appctl -t ovsdb-server ovsdb-server/get-db-storage-status ordinals
ovs-appctl -t ovsdb-server ovsdb-server/get-db-storage-status nope
ovs-appctl -t ovsdb-server ovsdb-server/get-db-storage-status
ovs-appctl -t ovsdb-server ovsdb-server/memory-trim-on-compaction on
ovs-appctl -t ovsdb-server ovsdb-server/memory-trim-on-compaction x
ovs-appctl -t ovsdb-server ovsdb-server/memory-trim-on-compaction
ovs-appctl -t ovsdb-server ovsdb-server/reconnect
ovs-appctl -t ovsdb-server ovsdb-server/sync-status
ovs-appctl -t ovsdb-server ovsdb-server/get-active-ovsdb-server
ovs-appctl -t ovsdb-server ovsdb-server/connect-active-ovsdb-server
ovs-appctl -t ovsdb-server ovsdb-server/set-active-ovsdb-server
ovs-appctl -t ovsdb-server ovsdb-server/set-active-ovsdb-server unix:nothere
ovs-appctl -t ovsdb-server ovsdb-server/get-active-ovsdb-server
ovs-appctl -t ovsdb-server ovsdb-server/set-active-ovsdb-server-probe-interval x
ovs-appctl -t ovsdb-server ovsdb-server/set-active-ovsdb-server-probe-interval 5000
ovs-appctl -t ovsdb-server ovsdb-server/set-sync-exclude-tables nope
ovs-appctl -t ovsdb-server ovsdb-server/set-sync-exclude-tables ordinals:nope
ovs-appctl -t ovsdb-server ovsdb-server/set-sync-exclude-tables ordinals:ordinals
ovs-appctl -t ovsdb-server ovsdb-server/get-sync-exclude-tables
ovs-appctl -t ovsdb-server ovsdb-server/disconnect-active-ovsdb-server
ovs-appctl -t ovsdb-server cluster/status ordinals
ovs-appctl -t ovsdb-server cluster/failure-test x
ovs-appctl -t ovsdb-server ovsdb-server/remove-remote db:ordinals,ordinals,number; ovs-appctl -t ovsdb-server memory/show
ovs-appctl -t ovsdb-server exit; while [ -e ovsdb-server.pid ]; do sleep 0.05; done
ovsdb-server --run 'exit 3' db
ovsdb-server --remote=punix:s --run 'ovsdb-client list-dbs unix:s' db
ovsdb-server --disable-file-column-diff --remote=punix:s --run 'ovsdb-client list-tables unix:s ordinals' db
