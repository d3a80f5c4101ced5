echo '{"name":"ordinals","version":"5.1.3","cksum":"12345678 9","tables":{"ordinals":{"isRoot":true,"columns":{"number":{"type":"integer"},"name":{"type":"string"}},"indexes":[["number"]]}}}' > schema
ovsdb-tool create-cluster
ovsdb-tool create-cluster db
ovsdb-tool create-cluster db schema
ovsdb-tool create-cluster db schema tcp:127.0.0.1
ovsdb-tool create-cluster db schema 127.0.0.1:6643
ovsdb-tool create-cluster db nothere tcp:127.0.0.1:16643
ovsdb-tool create-cluster db /etc/passwd tcp:127.0.0.1:16643
ovsdb-tool --election-timer=5 create-cluster db schema tcp:127.0.0.1:16643
ovsdb-tool --election-timer=x create-cluster db schema tcp:127.0.0.1:16643
ovsdb-tool --election-timer=2000 create-cluster db schema tcp:127.0.0.1:16643
ovsdb-tool create-cluster db schema tcp:127.0.0.1:16643
ovsdb-tool db-name db
ovsdb-tool db-version db
ovsdb-tool db-cksum db
ovsdb-tool db-cid db
ovsdb-tool db-sid db
ovsdb-tool db-local-address db
ovsdb-tool db-is-clustered db
ovsdb-tool db-is-standalone db
ovsdb-tool check-cluster db
ovsdb-tool show-log db
ovsdb-tool -m show-log db
ovsdb-tool -mm show-log db
ovsdb-tool query db '["ordinals"]'
ovsdb-tool transact db '["ordinals"]'
ovsdb-tool compact db
ovsdb-tool convert db schema
ovsdb-tool needs-conversion db schema
ovsdb-tool cluster-to-standalone alone db
ovsdb-tool transact alone '["ordinals",{"op":"insert","table":"ordinals","row":{"number":2,"name":"two"}}]'
ovsdb-tool create-cluster db2 alone tcp:127.0.0.1:16644
ovsdb-tool join-cluster
ovsdb-tool join-cluster db3 ordinals
ovsdb-tool join-cluster db3 ordinals tcp:127.0.0.1:16645
ovsdb-tool join-cluster db3 ordinals tcp:127.0.0.1:16645 tcp:127.0.0.1:16643 tcp:127.0.0.1:16644
ovsdb-tool db-cid db3
ovsdb-tool db-sid db3
ovsdb-tool db-local-address db3
ovsdb-tool db-name db3
ovsdb-tool -mm show-log db3
ovsdb-tool --cid=123 join-cluster db4 ordinals tcp:127.0.0.1:16645 tcp:127.0.0.1:16643
ovsdb-tool --cid=12345678-1234-1234-1234-123456789abc join-cluster db4 ordinals tcp:127.0.0.1:16645 tcp:127.0.0.1:16643
ovsdb-tool join-cluster db5 ordinals tcp:127.0.0.1:16645 tcp:127.0.0.1:16645
ovsdb-tool join-cluster db5 '5 x' tcp:127.0.0.1:16645 tcp:127.0.0.1:16646
ovsdb-tool check-cluster db3
ovsdb-tool check-cluster db db2
ovsdb-tool check-cluster db db
ovsdb-tool check-cluster db db3
