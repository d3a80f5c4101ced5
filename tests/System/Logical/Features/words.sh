# Words for the commands of features. WAIT is how long an answer may take, in seconds.
WAIT=${WAIT:-1}

# One echo request, answered.
reach() { ping -n -q -c 1 -W "$WAIT" "$@" >/dev/null; }

# A TCP server at port $1 that answers with the workload's name.
serve() { exec socat "TCP-LISTEN:$1,fork,reuseaddr" "SYSTEM:echo $ME"; }
serve6() { exec socat "TCP6-LISTEN:$1,fork,reuseaddr,ipv6only" "SYSTEM:echo $ME"; }

# Who serves $1 (address:port); further words are options of socat's.
who() { socat -T 2 - "TCP:$1,connect-timeout=$WAIT${2:+,$2}" </dev/null; }

# The server at $1 is one of the names $2.
is() { who "$1" "$3" | grep -qx "$2"; }

# A connection to $1 is refused, not ignored.
refused() { socat -u OPEN:/dev/null "TCP:$1,connect-timeout=2" 2>&1 | grep -q refused; }

# What background commands have written has $1 in it; `heard_at b` what those of b have.
heard() { cat "$LOG".* 2>/dev/null | grep -qE -- "$1"; }

# Frames that match the rest, one line each.
watch() { exec tcpdump -l -n -e -i eth0 "$@"; }
heard_at() { grep -qsE -- "$2" "$LOG.$1"; }

# One echo request with a VLAN tag: TAG SOURCE-MAC SOURCE DESTINATION-MAC DESTINATION.
tagged_ping() {
  python3 - "$@" <<'END'
import socket, struct, sys
tag, from_mac, from_ip, to_mac, to_ip = sys.argv[1:]
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return struct.pack("!H", ~(total + (total >> 16)) & 0xffff)
def mac(text): return bytes.fromhex(text.replace(":", ""))
ip = struct.pack("!BBHHHBBH", 0x45, 0, 28, 1, 0, 64, 1, 0)
ip += socket.inet_aton(from_ip) + socket.inet_aton(to_ip)
ip = ip[:10] + checksum(ip) + ip[12:]
echo = struct.pack("!BBHHH", 8, 0, 0, 7, 1)
echo = echo[:2] + checksum(echo) + echo[4:]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
head = mac(to_mac) + mac(from_mac) + struct.pack("!HHH", 0x8100, int(tag), 0x0800)
wire.send(head + ip + echo)
END
}

# The address that a DHCPv6 server offers.
dhcpv6_offer() {
  python3 - <<'END'
import socket, struct
wire = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
wire.settimeout(1)
wire.bind(("::", 546))
client = struct.pack("!HHHH", 1, 10, 3, 1) + bytes.fromhex("020000000012")
association = struct.pack("!HHIII", 3, 12, 1, 0, 0)
solicit = bytes([1, 1, 2, 3]) + client + association
wire.sendto(solicit, ("ff02::1:2", 547, 0, socket.if_nametoindex("eth0")))
answer = wire.recv(1500)
at = answer.index(struct.pack("!HH", 5, 24)) + 4
print(socket.inet_ntop(socket.AF_INET6, answer[at:at + 16]))
END
}

# A DHCPv6 server at interface $1 that delegates prefix $2/$3 and wants to be asked each second.
prefix_server() {
  exec python3 -u - "$@" <<'END'
import socket, struct, sys
face, prefix, length = sys.argv[1], sys.argv[2], int(sys.argv[3])
names = {1: "solicit", 3: "request", 5: "renew", 6: "rebind"}
wire = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
wire.bind(("::", 547))
group = socket.inet_pton(socket.AF_INET6, "ff02::1:2")
index = socket.if_nametoindex(face)
wire.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack("@I", index))
def option(code, value): return struct.pack("!HH", code, len(value)) + value
while True:
    message, sender = wire.recvfrom(1500)
    if message[0] not in names: continue
    print(names[message[0]])
    options, rest = {}, message[4:]
    while rest:
        code, size = struct.unpack("!HH", rest[:4])
        options[code], rest = rest[4:4 + size], rest[4 + size:]
    lease = struct.pack("!IIB", 600, 600, length) + socket.inet_pton(socket.AF_INET6, prefix)
    association = options[25][:4] + struct.pack("!II", 1, 300) + option(26, lease)
    answer = bytes([2 if message[0] == 1 else 7]) + message[1:4] + option(1, options[1])
    answer += option(2, b"\0\3\0\1\2\0\0\0\0\1") + option(25, association)
    wire.sendto(answer, sender)
END
}
