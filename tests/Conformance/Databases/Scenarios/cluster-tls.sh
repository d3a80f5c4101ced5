echo '{"name":"ordinals","version":"5.1.3","tables":{"ordinals":{"isRoot":true,"columns":{"number":{"type":"integer"}}}}}' > schema
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=authority 2> /dev/null
for i in 1 2 3; do openssl req -newkey rsa:2048 -nodes -keyout k$i.pem -out r$i.pem -subj /CN=s$i; openssl x509 -req -in r$i.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out c$i.pem -days 30; done 2> /dev/null
serve() { $2 --detach --no-chdir --pidfile=$PWD/s$1.pid --unixctl=$PWD/s$1.ctl --log-file=$PWD/s$1.log -p k$1.pem -c c$1.pem -C ca.pem --remote=punix:$PWD/s$1.sock -vconsole:off s$1.db; }
ask() { ovs-appctl -t $PWD/s$1.ctl cluster/$2 ordinals $3; }
led() { for n in $(seq 300); do ask $1 status 2>&1 | grep -q '^Leader: [^u]' && return; sleep 0.05; done; }
insert() { led $1; timeout 30 ovsdb-client --no-leader-only transact unix:s$1.sock "[\"ordinals\",{\"op\":\"insert\",\"table\":\"ordinals\",\"row\":{\"number\":$2}}]"; }
rows() { timeout 30 ovsdb-client --no-leader-only dump unix:s$1.sock ordinals ordinals number; }
joined() { timeout 30 ovsdb-client -vconsole:off wait unix:s$1.sock ordinals connected; }
same() { for n in $(seq 200); do rows 1 > r1; rows 2 > r2; rows 3 > r3; cmp -s r1 r2 && cmp -s r2 r3 && break; sleep 0.05; done; sort r$1; }
ovsdb-tool create-cluster s1.db schema ssl:127.0.0.1:26661
ovsdb-tool join-cluster s2.db ordinals ssl:127.0.0.1:26662 ssl:127.0.0.1:26661
ovsdb-tool join-cluster s3.db ordinals ssl:127.0.0.1:26663 ssl:127.0.0.1:26662
serve 1 ovsdb-server
serve 2 ovsdb-server
joined 2
serve 3 /usr/sbin/ovsdb-server
joined 3
insert 1 1
insert 2 2
insert 3 3
same 2
ask 3 status | grep '^Address\|^Status\|^Role\|^Term'
kill -9 $(cat s1.pid)
insert 2 4
rm -f s1.pid; serve 1 ovsdb-server; joined 1
insert 1 5
same 1
