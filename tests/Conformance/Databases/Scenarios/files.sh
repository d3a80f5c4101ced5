echo '{"name":"ordinals","version":"5.1.3","cksum":"12345678 9","tables":{"ordinals":{"columns":{"number":{"type":"integer"},"name":{"type":"string"}},"indexes":[["number"]]},"other":{"isRoot":true,"columns":{"m":{"type":{"key":"string","value":"integer","min":0,"max":"unlimited"}},"s":{"type":{"key":"real","min":0,"max":"unlimited"}},"u":{"type":{"key":{"type":"uuid","refTable":"other"},"min":0,"max":1}}}}}}' > schema
echo '{"name":"ordinals","version":"5.1.4","tables":{"ordinals":{"columns":{"number":{"type":"integer"},"name":{"type":"string"},"more":{"type":"boolean"}}}}}' > schema2
echo '{"name":"bare","tables":{}}' > bare
echo '{"name":5}' > bad2
echo '[1]' > bad4
ovsdb-tool
ovsdb-tool nope
ovsdb-tool --nope
ovsdb-tool -x
ovsdb-tool list-commands
ovsdb-tool create db nothere
ovsdb-tool create db schema extra
ovsdb-tool create db schema
ovsdb-tool create db schema
ovsdb-tool db-name db
ovsdb-tool db-version db
ovsdb-tool db-cksum db
ovsdb-tool create db2 bare; ovsdb-tool db-version db2
ovsdb-tool db-cksum db2
ovsdb-tool db-name nothere
ovsdb-tool db-name schema
ovsdb-tool db-version schema
ovsdb-tool db-cid db
ovsdb-tool db-sid db
ovsdb-tool db-local-address db
ovsdb-tool db-cid
ovsdb-tool db-sid nothere
ovsdb-tool db-is-clustered db
ovsdb-tool db-is-standalone db
ovsdb-tool db-is-clustered nothere
ovsdb-tool db-is-standalone nothere
ovsdb-tool db-is-standalone schema
ovsdb-tool db-is-standalone
ovsdb-tool schema-name schema
ovsdb-tool schema-version schema
ovsdb-tool schema-cksum schema
ovsdb-tool schema-name bare
ovsdb-tool schema-version bare
ovsdb-tool schema-cksum bare
ovsdb-tool schema-name nothere
ovsdb-tool schema-version schema schema2
ovsdb-tool needs-conversion db schema
ovsdb-tool needs-conversion db schema2
ovsdb-tool needs-conversion db nothere
ovsdb-tool needs-conversion db schema more
ovsdb-tool compare-versions 1.2.3 '<' 1.2.4
ovsdb-tool compare-versions 1.2.3 '>' 1.2.4
ovsdb-tool compare-versions 1.2.3 '==' 1.2.3
ovsdb-tool compare-versions 1.2.3 '!=' 1.2.3
ovsdb-tool compare-versions 1.2.3 '<=' 1.3.3
ovsdb-tool compare-versions 1.2.3 '>=' 1.3.3
ovsdb-tool compare-versions 1.2.3 '=' 1.3.3
ovsdb-tool compare-versions 1.2 '==' 1.3.3
ovsdb-tool compare-versions 1.2.3.4 '==' 1.3.3
ovsdb-tool compare-versions 1.2.3 '==' a
ovsdb-tool compare-versions 1.2.3 '=='
ovsdb-tool compare-versions 1.2.3 '==' 1.2.3 4
ovsdb-tool compare-versions 01.2.3 '==' 1.2.3
ovsdb-tool compare-versions ' 1.2.3' '==' '1.2.3x'
ovsdb-tool compare-versions -1.2.3 '==' '1.2.3'
ovsdb-tool check-cluster db
ovsdb-tool check-cluster
ovsdb-tool check-cluster nothere
ovsdb-tool cluster-to-standalone out db
ovsdb-tool cluster-to-standalone out
ovsdb-tool cluster-to-standalone out nothere
