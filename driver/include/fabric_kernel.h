/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * What the eBPF programs and the host node share: the layout of maps and of upcall records.
 * src/Datapath/Kernel/Ebpf/KernelAbi.cs says the same in C#; a test compares sizes and offsets.
 *
 * Pinned maps outlive the host node: a change of anything here raises FABRIC_ABI, and a host node
 * that finds pins of another number starts afresh, but for the connections.
 */
#ifndef FABRIC_KERNEL_H
#define FABRIC_KERNEL_H

#include "fabric_flow_key.h"

#define FABRIC_ABI 4

#define FABRIC_STEPS_MAX 8        /* Instructions of a row; the last may lead to another row. */
#define FABRIC_MASKS_MAX 256      /* Masks of all flows. */
#define FABRIC_ORDER_MAX 124      /* Masks that one kind of packet may be tried against. */
#define FABRIC_ORDERS 8           /* Recirculated or not, times IPv4, IPv6, ARP, other. */
#define FABRIC_EXECUTIONS 64      /* Packets that the host node may have in hand at once. */
#define FABRIC_PORTS_MAX 65536
#define FABRIC_DEPTH_MAX 4        /* Copies of copies. */
#define FABRIC_PASSES_MAX 10      /* Look-ups of one packet. */
#define FABRIC_TUNNEL_OPTIONS_MAX 64
#define FABRIC_BANDS_MAX 4        /* Bands of a meter. */
#define FABRIC_COUNTER_CPUS 8     /* Counters are apart for this many processors. */

/* One step of what is done with a packet. */
enum fabric_step_kind {
	FABRIC_STEP_END,
	FABRIC_STEP_OUTPUT,       /* c: port; a = 1: the last step. */
	FABRIC_STEP_CLONE,        /* c: row to run on a copy; value: size to cut it to, 0: whole. */
	FABRIC_STEP_CONTINUE,     /* c: row to go on with. */
	FABRIC_STEP_USERSPACE,    /* c: number of the userdata. */
	FABRIC_STEP_SLOW,         /* c: number of the continuation: the host node goes on. */
	FABRIC_STEP_DROP,         /* b: reason. */
	FABRIC_STEP_RECIRCULATE,  /* c: id, network order. */
	FABRIC_STEP_CONNTRACK,    /* c: number of the specification; value: of the continuation that
				     fragments go up with, 0: they are invalid. */
	FABRIC_STEP_CONNTRACK_CLEAR,
	FABRIC_STEP_TUNNEL,       /* c: number of the outer header. */
	FABRIC_STEP_PUSH_VLAN,    /* b: TCI, c: TPID, both in host order. */
	FABRIC_STEP_POP_VLAN,
	FABRIC_STEP_SET_LINK,     /* b: offset from the frame's start; value, mask; a: bytes. */
	FABRIC_STEP_SET_NETWORK,  /* The same from the network header: no checksum covers it. */
	FABRIC_STEP_SET_ADDRESS,  /* b: offset in the network header; a: 4 or 8 bytes; checksums. */
	FABRIC_STEP_SET_TOS,      /* value, mask: one byte. */
	FABRIC_STEP_SET_TTL,
	FABRIC_STEP_DECREMENT_TTL,
	FABRIC_STEP_SET_PORTS,    /* value, mask: source and destination as on the wire. */
	FABRIC_STEP_SET_ICMP,     /* value, mask: type and code. */
	FABRIC_STEP_SET_MARK,     /* value, mask: network order. */
	FABRIC_STEP_SET_PRIORITY, /* c: the skb's priority. */
	FABRIC_STEP_SAMPLE,       /* c: row to run on a copy; value: probability of 2^32. */
	FABRIC_STEP_LENGTH,       /* b: bytes; c: row if longer; value: row else; a = 1: the last. */
	FABRIC_STEP_METER,        /* c: meter. */
	FABRIC_STEP_HASH,         /* a = 1: the same both ways; c: basis. */
	FABRIC_STEP_COUNT
};

struct fabric_step {
	fabric_u8 kind;
	fabric_u8 a;
	fabric_u16 b;
	fabric_u32 c;
	fabric_u64 value;
	fabric_u64 mask;
};

/* Rows are never changed while flows lead to them: a new one is written, then the old one freed. */
struct fabric_row {
	fabric_u32 generation; /* Odd while the row is in use; cached decisions compare it. */
	fabric_u32 unused;
	struct fabric_step steps[FABRIC_STEPS_MAX];
};

struct fabric_statistics {
	fabric_u64 packets;
	fabric_u64 bytes;
	fabric_u64 used; /* Nanoseconds of the monotonic clock, coarse. */
	fabric_u64 tcp_flags;
};

/* The words of a flow key that a mask has bits in. */
struct fabric_mask {
	fabric_u32 count;
	fabric_u32 unused;
	fabric_u64 hits;
	fabric_u8 index[32];
	fabric_u64 word[FABRIC_KEY_WORDS + 1];
};

struct fabric_order {
	fabric_u32 count;
	fabric_u32 unused;
	fabric_u16 mask[FABRIC_ORDER_MAX];
};

struct fabric_megaflow {
	fabric_u32 row;
	fabric_u32 mask;
	fabric_u64 word[FABRIC_KEY_WORDS];
};


enum fabric_port_kind {
	FABRIC_PORT_NONE,
	FABRIC_PORT_DEVICE,
	FABRIC_PORT_GENEVE,
	FABRIC_PORT_VXLAN,
	FABRIC_PORT_GRE,
	FABRIC_PORT_SLOW, /* Only the host node can send there. */
};

struct fabric_port {
	fabric_u32 device; /* Interface index. */
	fabric_u8 kind;
	fabric_u8 is_peer;  /* The other end is in a container, and may be handed packets there. */
	fabric_u16 tunnel_port; /* UDP port, network order. */
	/* Of tunnels; tx_* also of packets that a container was handed: its device counts none. */
	fabric_u64 rx_packets, rx_bytes, tx_packets, tx_bytes;
	fabric_u32 upcalls_sent; /* Raised by the kernel. */
	fabric_u32 upcalls_done; /* Raised by the host node. */
	fabric_u8 peer_address[6]; /* Ethernet address of the container's end. */
	fabric_u16 unused;
};

struct fabric_device_port {
	fabric_u32 device;
	fabric_u32 port; /* 0: not a port; a packet there may be for a tunnel. */
};

/* An outer header to be written. Addresses of IPv4 stand in the first four bytes. */
struct fabric_tunnel {
	fabric_u64 id; /* Network order. */
	fabric_u8 source[16];
	fabric_u8 destination[16];
	fabric_u16 flags;
	fabric_u16 port_source;
	fabric_u16 port_destination;
	fabric_u8 tos;
	fabric_u8 ttl;
	fabric_u8 is_ipv6;
	fabric_u8 options_size;
	fabric_u16 unused;
	/* Found by the host node: where the packet leaves. 0: not known, the slow path sends. */
	fabric_u32 device;
	fabric_u32 mtu;
	fabric_u32 is_via_gateway;
	fabric_u8 gateway[16];
	fabric_u8 route_source[16];
	fabric_u32 unused_too;
	fabric_u8 options[FABRIC_TUNNEL_OPTIONS_MAX];
};

/* One direction of a connection. IPv4 as ::ffff:a.b.c.d. ICMP: id and code for ports. */
struct fabric_tuple {
	fabric_u8 source[16];
	fabric_u8 destination[16];
	fabric_u16 port_source;
	fabric_u16 port_destination;
	fabric_u16 zone;
	fabric_u8 protocol;
	fabric_u8 icmp_type;
};

/* Where packets of one connection, in one state, went when they were recirculated. */
struct fabric_sequel {
	fabric_u32 row; /* 0: not known. */
	fabric_u32 generation;
	fabric_u32 slot; /* Of the cache, for the second look-up; holds while the serial does. */
	fabric_u32 serial;
	fabric_u64 started; /* Of the connection: no two that follow each other have the same. */
	fabric_u32 state;
	fabric_u32 mark;
	fabric_u8 label[16];
};

struct fabric_cache_entry {
	fabric_u32 row;
	fabric_u32 generation;
	fabric_u64 word[FABRIC_KEY_WORDS];
	fabric_u32 serial;   /* Counts the keys that had this place. */
	fabric_u32 is_reply; /* Such packets are answers in the connection ... */
	struct fabric_tuple original; /* ... that is found by this. */
	struct fabric_sequel sequel;
};

enum fabric_nat { FABRIC_NAT_NONE, FABRIC_NAT_SOURCE, FABRIC_NAT_DESTINATION, FABRIC_NAT_ABSENT };

#define FABRIC_CT_COMMIT 1
#define FABRIC_CT_FORCE 2
#define FABRIC_CT_RANDOM 4
#define FABRIC_CT_PERSISTENT 8
#define FABRIC_CT_HASH 16
#define FABRIC_CT_FTP 32
#define FABRIC_CT_TFTP 64

struct fabric_conntrack_spec {
	fabric_u16 zone;
	fabric_u16 flags;
	fabric_u8 nat;
	fabric_u8 has_address;
	fabric_u16 policy; /* 0: the zone's. */
	fabric_u16 port_min; /* Host order; 0: kept where possible. */
	fabric_u16 port_max;
	fabric_u32 mark; /* Network order, as all of the key. */
	fabric_u32 mark_mask;
	fabric_u32 address_count;
	fabric_u8 label[16];
	fabric_u8 label_mask[16];
	fabric_u8 address_min[16];
};

enum fabric_timeout {
	FABRIC_TIMEOUT_TCP_SYN_SENT,
	FABRIC_TIMEOUT_TCP_SYN_RECEIVED,
	FABRIC_TIMEOUT_TCP_ESTABLISHED,
	FABRIC_TIMEOUT_TCP_FIN_WAIT,
	FABRIC_TIMEOUT_TCP_TIME_WAIT,
	FABRIC_TIMEOUT_TCP_CLOSE,
	FABRIC_TIMEOUT_UDP_FIRST,
	FABRIC_TIMEOUT_UDP_SINGLE,
	FABRIC_TIMEOUT_UDP_MULTIPLE,
	FABRIC_TIMEOUT_ICMP_FIRST,
	FABRIC_TIMEOUT_ICMP_REPLY,
	FABRIC_TIMEOUT_COUNT = 16
};

struct fabric_policy {
	fabric_u32 seconds[FABRIC_TIMEOUT_COUNT];
};

/* A token bucket. Tokens are thousandths of a packet, or bits; the rate is per millisecond. */
struct fabric_band {
	fabric_u64 tokens;
	fabric_u64 size;
	fabric_u64 packets; /* That exceeded it. */
	fabric_u64 bytes;
	fabric_u32 rate;
	fabric_u32 remark; /* By how much the drop precedence is raised; 0: the packet is dropped. */
};

struct fabric_meter {
#ifdef __bpf__
	struct bpf_spin_lock lock;
#else
	fabric_u32 lock;
#endif
	fabric_u16 count;
	fabric_u16 is_packets;
	fabric_u64 filled_at; /* Milliseconds of the monotonic clock, coarse. */
	fabric_u64 packets;
	fabric_u64 bytes;
	struct fabric_band bands[FABRIC_BANDS_MAX];
};

struct fabric_zone {
	fabric_u32 count;  /* Of connections that began in this epoch. */
	fabric_u32 limit;  /* 0xffffffff: no limit. */
	fabric_u32 policy; /* 0: the default. */
	fabric_u16 has_limit; /* 0: the default limit holds. */
	fabric_u16 epoch;     /* Up to 255; each limit, and its end, begins one. */
};

/* One element, written by the host node, read by every packet. */
struct fabric_settings {
	fabric_u32 conntrack_count;
	fabric_u32 conntrack_max;
	fabric_u32 zone_limit;
	fabric_u32 is_window_unchecked;
	fabric_u32 has_event_listener;
	fabric_u32 inject_device;
	fabric_u32 upcalls_per_port; /* Packets of one port that may wait for the host node. */
	fabric_u32 incarnation;      /* Counts starts of host nodes on these maps. */
	fabric_u32 abi;
	fabric_u32 expectations; /* 0: none waits, nobody need look. */
	fabric_u64 random;
	fabric_u32 rows_begun; /* Rows from here on were never used. */
	fabric_u32 is_decap_plain; /* As before Linux 6.4, without BPF_F_ADJ_ROOM_DECAP_L3_*. */
};

enum fabric_counter {
	FABRIC_COUNTER_HIT,
	FABRIC_COUNTER_MISSED,
	FABRIC_COUNTER_LOST,
	FABRIC_COUNTER_MASKS,
	FABRIC_COUNTER_CACHE,
	FABRIC_COUNTER_FIRST_DROP = 16,
	FABRIC_COUNTERS = 128
};

struct fabric_counters {
	fabric_u64 value[FABRIC_COUNTERS];
};

/* A packet of the host node's: what the key shall say of it, and where to start. */
struct fabric_execution {
	struct fabric_flow_key key;
	fabric_u32 row;
	fabric_u32 tunnel;
	fabric_u32 passes;
	fabric_u32 is_lookup; /* Do not run the row: look the packet up. */
};

enum fabric_upcall_kind {
	FABRIC_UPCALL_MISS,
	FABRIC_UPCALL_ACTION, /* number: the userdata. */
	FABRIC_UPCALL_SLOW,   /* number: the continuation. */
	FABRIC_UPCALL_TUNNEL, /* number: the port that the packet shall leave by. */
};

/* Followed by 'captured' bytes of the packet. */
struct fabric_upcall {
	fabric_u32 kind;
	fabric_u32 number;
	fabric_u32 size;     /* Of the packet. */
	fabric_u32 captured;
	fabric_u32 segment_size;
	fabric_u32 tunnel;   /* Outer header that was set, 0: none. */
	fabric_u16 vlan_tpid; /* A tag beside the bytes; 0: none. */
	fabric_u16 vlan_tci;
	fabric_u32 passes;
	fabric_u64 time;
	struct fabric_flow_key key;
};

/* What the tracker remembers of one end of a TCP connection. */
struct fabric_tcp_peer {
	fabric_u32 sent_end;    /* Highest sequence number (exclusive) that this end has sent. */
	fabric_u32 allowed_end; /* ... that the other end lets it send; 1: unknown. */
	fabric_u16 window_max;  /* The largest window that this end ever offered, unscaled. */
	fabric_u8 scale;        /* Shift; bits say whether it was offered, or is unknown. */
	fabric_u8 state;
};

enum fabric_helper { FABRIC_HELPER_NONE, FABRIC_HELPER_FTP, FABRIC_HELPER_TFTP };

struct fabric_connection {
	fabric_u32 lock;    /* 1: a processor is at work on it. */
	fabric_u32 mark;    /* Network order. */
	fabric_u64 expires; /* Nanoseconds of the monotonic clock. */
	fabric_u64 started;
	fabric_u8 label[16];
	struct fabric_tuple original;
	struct fabric_tuple reply;
	struct fabric_tcp_peer peers[2];
	fabric_u64 packets[2];
	fabric_u64 bytes[2];
	fabric_u8 nat;
	fabric_u8 generic; /* 0 first, 1 several of one side, 2 both sides. */
	fabric_u16 policy;
	fabric_u8 helper;     /* It is a control channel: the host node reads it. */
	fabric_u8 is_related; /* A control channel announced it. */
	fabric_u8 is_liberal; /* Windows of TCP are unknown and not checked. */
	fabric_u8 limit_epoch; /* Of its zone when it began. */
};

/* By the tuple of the first packet, its source port 0: any. */
struct fabric_expectation {
	struct fabric_tuple control; /* Original tuple of the channel; with its end this ends. */
	struct fabric_tuple reply;   /* Of the connection that comes, but for the source port. */
	fabric_u64 expires;
	fabric_u32 nat;
	fabric_u32 unused;
};

/* By how much one direction of a control channel grew: see SequenceShift in C#. */
struct fabric_shift {
	fabric_u32 position;
	fabric_s32 before;
	fabric_s32 after;
};

/* What the host node knows of a control channel; only it reads this. */
struct fabric_channel {
	fabric_u64 started; /* Of the connection, which may be another by now. */
	struct fabric_shift original;
	struct fabric_shift reply;
};

#endif
