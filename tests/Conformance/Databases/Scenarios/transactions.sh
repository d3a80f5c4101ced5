echo '{"name":"ordinals","version":"5.1.3","cksum":"12345678 9","tables":{"ordinals":{"isRoot":true,"columns":{"number":{"type":"integer"},"name":{"type":"string"}},"indexes":[["number"]]},"other":{"isRoot":true,"columns":{"m":{"type":{"key":"string","value":"integer","min":0,"max":"unlimited"}},"s":{"type":{"key":"real","min":0,"max":"unlimited"}},"u":{"type":{"key":{"type":"uuid","refTable":"other"},"min":0,"max":1}}}}}}' > schema
echo '{"name":"ordinals","version":"5.1.4","tables":{"ordinals":{"columns":{"number":{"type":"integer"},"name":{"type":"string"},"more":{"type":"boolean"}}}}}' > schema2
echo '{"name":"ordinals","version":"5.1.4","tables":{"ordinals":{"columns":{"number":{"type":{"key":{"type":"integer","maxInteger":1}}},"name":{"type":"string"},"more":{"type":"boolean"}}}}}' > schema3
ovsdb-tool create db schema
ovsdb-tool transact
ovsdb-tool transact db '['
ovsdb-tool transact db '{}'
ovsdb-tool transact db '[]'
ovsdb-tool transact db '[5]'
ovsdb-tool transact db '["other"]'
ovsdb-tool transact db '["ordinals"]'
ovsdb-tool transact db '["ordinals",5]'
ovsdb-tool transact db '["ordinals",{}]'
ovsdb-tool transact db '["ordinals",{"op":"nope"}]'
ovsdb-tool transact db '["ordinals",{"op":"insert","table":"nope","row":{}}]'
ovsdb-tool transact db '["ordinals",{"op":"insert","table":"ordinals","row":{"number":1,"name":"on\u00fce \"x\"\n"}},{"op":"comment","comment":"first one"}]'
ovsdb-tool transact db '["ordinals",{"op":"insert","table":"ordinals","row":{"number":1,"name":"again"}}]'
ovsdb-tool transact db '["ordinals",{"op":"insert","table":"ordinals","row":{"number":2,"name":"two"}},{"op":"comment","comment":"a"},{"op":"comment","comment":"b"}]'
ovsdb-tool transact db '["ordinals",{"op":"insert","table":"other","uuid-name":"a","row":{"u":["named-uuid","b"],"m":["map",[["x",1],["a",2]]]}},{"op":"insert","table":"other","uuid-name":"b","row":{"s":["set",[1,2.5,3e100]]}}]'
ovsdb-tool transact db '["ordinals",{"op":"mutate","table":"other","where":[["s","includes",1]],"mutations":[["s","insert",7],["m","insert",["map",[["k",1]]]]]}]'
ovsdb-tool transact db '["ordinals",{"op":"update","table":"ordinals","where":[["number","==",1]],"row":{"name":"uno"}}]'
ovsdb-tool transact db '["ordinals",{"op":"delete","table":"ordinals","where":[["number","==",2]]}]'
ovsdb-tool transact db '["ordinals",{"op":"wait","table":"ordinals","where":[],"columns":["name"],"until":"==","rows":[],"timeout":10}]'
ovsdb-tool transact db '["ordinals",{"op":"wait","table":"ordinals","where":[],"columns":["name"],"until":"==","rows":[],"timeout":0}]'
ovsdb-tool transact db '["ordinals",{"op":"abort"}]'
ovsdb-tool transact db '["ordinals",{"op":"assert","lock":"x"}]'
ovsdb-tool transact db '["ordinals",{"op":"commit","durable":true}]'
ovsdb-tool query db '["ordinals",{"op":"select","table":"ordinals","where":[],"columns":["number","name"]}]'
ovsdb-tool query db '["ordinals",{"op":"select","table":"other","where":[["m","includes",["map",[["x",1]]]]],"columns":["s","m"]}]'
ovsdb-tool --rbac-role=r query db '["ordinals",{"op":"select","table":"ordinals","where":[],"columns":["number","name"]}]'
ovsdb-tool --rbac-role=r transact db '["ordinals",{"op":"insert","table":"ordinals","row":{"number":10}}]'
ovsdb-tool show-log db
ovsdb-tool -m show-log db
ovsdb-tool -mm show-log db
ovsdb-tool -m -m -m show-log db
ovsdb-tool --more --more show-log db | tail -3
ovsdb-tool show-log nothere
ovsdb-tool show-log schema
ovsdb-tool compact db dst
ovsdb-tool compact db dst
ovsdb-tool -mm show-log dst
ovsdb-tool convert db schema2 conv
ovsdb-tool convert db schema2 conv
ovsdb-tool -mm show-log conv
ovsdb-tool convert conv schema3
ovsdb-tool convert db nothere
ovsdb-tool convert nothere schema
ovsdb-tool compact db
ovsdb-tool show-log db
ovsdb-tool compact nothere
ovsdb-tool convert db schema2
ovsdb-tool db-version db
ovsdb-tool show-log db
ovsdb-tool show-log -m db
echo xxx >> db
ovsdb-tool query db '["ordinals",{"op":"select","table":"ordinals","where":[],"columns":["number","name"]}]'
ovsdb-tool show-log db
ovsdb-tool -m show-log db
ovsdb-tool transact db '["ordinals",{"op":"insert","table":"ordinals","row":{"number":77}}]'
ovsdb-tool show-log db
truncate -s -5 db
ovsdb-tool query db '["ordinals",{"op":"select","table":"ordinals","where":[],"columns":["number","name"]}]'
ovsdb-tool compact db
