echo '{"name":"ordinals","version":"5.1.3","cksum":"1 2","tables":{"ordinals":{"isRoot":true,"columns":{"number":{"type":"integer"},"name":{"type":"string"},"set":{"type":{"key":"string","min":0,"max":2}},"map":{"type":{"key":"string","value":"real","min":0,"max":"unlimited"}},"when":{"ephemeral":true,"type":"boolean"},"id":{"type":{"key":"uuid","min":0}}},"indexes":[["number"]]},"other":{"columns":{"x":{"mutable":false,"type":{"key":{"type":"integer","minInteger":1,"maxInteger":5}}}}}}}' > schema
sed 's/5.1.3/5.1.4/; s/"name":{"type":"string"},/"name":{"type":"string"},"more":{"type":"integer"},/' schema > schema2
ovsdb-tool create db schema
ovsdb-server --detach --no-chdir --pidfile --remote=punix:s -vconsole:off db
ovsdb-client list-dbs unix:s
ovsdb-client list-dbs
ovsdb-client list-dbs unix:nope
ovsdb-client get-schema unix:s ordinals | tr ',{}' '\n\n\n' | sort
ovsdb-client get-schema unix:s nope
ovsdb-client get-schema unix:s
ovsdb-client get-schema-version unix:s ordinals
ovsdb-client get-schema-cksum unix:s ordinals
ovsdb-client list-tables unix:s ordinals
ovsdb-client list-tables unix:s ordinals --format=csv
ovsdb-client list-columns unix:s ordinals
ovsdb-client list-columns unix:s ordinals other --format=json
ovsdb-client list-columns unix:s ordinals nope
ovsdb-client transact unix:s '["ordinals",{"op":"insert","table":"ordinals","row":{"number":1,"name":"one \"1\", x","set":["set",["a","b c"]],"map":["map",[["k",1.5],["l l",2]]],"when":true,"id":["uuid","12345678-1234-1234-1234-123456789abc"]}}]'
ovsdb-client transact unix:s '["ordinals",{"op":"insert","table":"ordinals","row":{"number":2,"name":"<two>"}}]'
ovsdb-client transact unix:s '["nope",{"op":"comment"}]'
ovsdb-client transact unix:s '["ordinals",{"op":"comment"}]'
ovsdb-client transact unix:s '["ordinals"'
ovsdb-client transact unix:s '{}'
ovsdb-client query unix:s '["ordinals",{"op":"select","table":"ordinals","where":[["number","==",1]],"columns":["number","name","map","id"]}]'
ovsdb-client query unix:s '["ordinals",{"op":"delete","table":"ordinals","where":[]}]'
ovsdb-client dump unix:s ordinals ordinals number name set map when id
ovsdb-client dump unix:s ordinals ordinals number name set map --format=list
ovsdb-client dump unix:s ordinals ordinals number name set map --format=html
ovsdb-client dump unix:s ordinals ordinals number name set map --format=csv
ovsdb-client dump unix:s ordinals ordinals number name set map --format=json
ovsdb-client dump unix:s ordinals ordinals number name set map --format=table --data=bare --no-headings
ovsdb-client dump unix:s ordinals ordinals number name set map --format=csv --data=json
ovsdb-client dump unix:s ordinals ordinals nope
ovsdb-client dump unix:s ordinals nope
ovsdb-client dump unix:s
ovsdb-client --detach --no-chdir --pidfile=$PWD/m.pid -vconsole:off monitor unix:s ordinals ordinals number name > m.out 2>&1
ovsdb-client --detach --no-chdir --pidfile=$PWD/c.pid -vconsole:off monitor-cond --format=csv unix:s ordinals '[["number","<",6]]' ordinals number,name > c.out 2>&1
ovsdb-client --detach --no-chdir --pidfile=$PWD/e.pid -vconsole:off monitor-cond-since --format=csv unix:s ordinals '[true]' ordinals 'number,set,!initial' > e.out 2>&1
ovsdb-client --detach --no-chdir --pidfile=$PWD/a.pid -vconsole:off monitor unix:s ordinals ALL --format=csv > a.out 2>&1
ovsdb-client transact unix:s '["ordinals",{"op":"insert","table":"ordinals","row":{"number":5,"name":"five"}}]'
ovsdb-client transact unix:s '["ordinals",{"op":"update","table":"ordinals","where":[["number","==",5]],"row":{"name":"fuenf","number":6,"set":"x"}}]'
ovsdb-client transact unix:s '["ordinals",{"op":"delete","table":"ordinals","where":[["number","==",6]]},{"op":"mutate","table":"ordinals","where":[["number","==",2]],"mutations":[["number","+=",1],["set","insert","last"]]}]'
ovsdb-client transact unix:s '["ordinals",{"op":"insert","table":"ordinals","row":{"number":4,"name":"theend","set":"theend"}}]'
for f in m c e a; do for i in $(seq 200); do grep -q theend $f.out && break; sleep 0.05; done; kill $(cat $f.pid); done
cat m.out
cat c.out
cat e.out
cat a.out
ovsdb-client monitor unix:s ordinals nope
ovsdb-client monitor unix:s ordinals ordinals nope
ovsdb-client monitor-cond unix:s ordinals '[["nope","==",1]]' ordinals number
ovsdb-client -vconsole:off wait unix:s ordinals connected
ovsdb-client -vconsole:off wait unix:s ordinals added
ovsdb-client -vconsole:off wait unix:s nope removed
ovsdb-client wait unix:s ordinals bla
ovsdb-client needs-conversion unix:s schema
ovsdb-client needs-conversion unix:s schema2
ovsdb-client backup unix:s ordinals > snapshot; head -c 12 snapshot; ovsdb-tool query snapshot '["ordinals",{"op":"select","table":"ordinals","where":[["number","==",1]],"columns":["number"]}]'
ovsdb-client transact unix:s '["ordinals",{"op":"delete","table":"ordinals","where":[]}]'
ovsdb-client restore unix:s ordinals < snapshot
ovsdb-client dump unix:s ordinals ordinals number name set map --format=csv
ovsdb-client convert unix:s schema2
ovsdb-client get-schema-version unix:s ordinals
ovsdb-client restore unix:s ordinals < snapshot
ovsdb-client --force restore unix:s ordinals < snapshot
ovsdb-client convert unix:s nope
echo '{"name":"ordinals","tables":{"t":{}}}' > schema4; ovsdb-client convert unix:s schema4
ovsdb-client --detach --no-chdir --pidfile=$PWD/l.pid -vconsole:off lock unix:s mylock > l.out 2>&1
ovsdb-client --detach --no-chdir --pidfile=$PWD/k.pid -vconsole:off steal unix:s mylock > k.out 2>&1
for i in $(seq 200); do grep -q stolen l.out && break; sleep 0.05; done; kill $(cat l.pid k.pid); cat l.out k.out
ovs-appctl -t ovsdb-server exit
