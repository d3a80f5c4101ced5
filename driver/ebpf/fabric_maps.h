/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The maps, and what a packet carries from program to program.
 *
 * Maps that the host node writes are memory that it shares (BPF_F_MMAPABLE): programming a flow is a
 * store, reading a counter a load. What must be found by content is a hash. Sizes of the large ones
 * are set by the host node before it loads.
 */
#ifndef FABRIC_MAPS_H
#define FABRIC_MAPS_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "fabric_tcp.h"

/*
 * Hides a value from the compiler, so that the register it compares is the one it passes on.
 * Before Linux 6.3 the verifier learns nothing from "size != 0": the place of a buffer's last
 * byte is compared with a limit instead.
 */
#define FABRIC_OPAQUE(value) asm volatile("" : "+r"(value))

const volatile fabric_u64 fabric_seed = 0x9e3779b97f4a7c15ull;
const volatile fabric_u32 fabric_counter_shift = 3; /* log2 of processors told apart. */
const volatile fabric_u32 fabric_is_shared = 1; /* More processors than that. */

/* Programs that hand the packet to each other. */
enum fabric_program {
	FABRIC_PROGRAM_LOOKUP,
	FABRIC_PROGRAM_ACTIONS,
	FABRIC_PROGRAM_CONNTRACK,
	FABRIC_PROGRAM_TUNNEL,
	FABRIC_PROGRAM_UPCALL,
	FABRIC_PROGRAM_CREATE,
	FABRIC_PROGRAM_RELATED,
	FABRIC_PROGRAM_MEASURE,
	FABRIC_PROGRAM_COUNT
};

/* A packet between programs. One for each depth of copies, per processor. */
struct fabric_scratch {
	union {
		struct fabric_flow_key key;
		fabric_u64 word[32];
	};
	fabric_u64 masked[32];
	struct fabric_layout layout;
	fabric_u16 is_stale; /* Bytes changed since the key was parsed. */
	fabric_u32 row;
	fabric_u32 pc;
	fabric_u32 tunnel;
	fabric_u32 passes;
	fabric_u32 slot;     /* Of the cache, whose entry has the packet's key; or none. */
	fabric_u32 sequel;   /* Slot that remembers what the next look-up finds, plus one. */
	fabric_u32 number;   /* What the next program works on. */
	fabric_u32 rest;     /* Of conntrack: continuation that fragments go up with. */
	fabric_u32 kind;     /* Of an upcall. */
	fabric_u32 resumes;  /* After the next program the actions go on. */
	fabric_u32 is_single; /* Run one step, then end. */
	fabric_u32 trim;
	fabric_u32 level;    /* Of the packet at work; only that of depth 0 counts. */
	fabric_u32 is_copy;  /* The inject device gets a copy made by a program. */
	fabric_u32 is_ingress; /* The packet came in by a device: it may go straight to a container. */
	/* Connection tracking. */
	struct fabric_tcp_segment segment;
	fabric_u32 state;
	fabric_u32 is_reply;
	fabric_u64 now;
	fabric_u64 started; /* Of the packet's connection. */
	struct fabric_tuple tuple;
	struct fabric_tuple wanted;
	struct fabric_tuple quoted;
	fabric_u64 fresh[sizeof(struct fabric_connection) / 8];
	fabric_u8 header[256];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FABRIC_DEPTH_MAX);
	__type(key, fabric_u32);
	__type(value, struct fabric_scratch);
} fabric_scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, fabric_u32);
	__type(value, struct fabric_settings);
} fabric_settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FABRIC_COUNTER_CPUS);
	__type(key, fabric_u32);
	__type(value, struct fabric_counters);
} fabric_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4096);
	__type(key, fabric_u32);
	__type(value, struct fabric_row);
} fabric_rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4096);
	__type(key, fabric_u32);
	__type(value, struct fabric_statistics);
} fabric_flow_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FABRIC_MASKS_MAX);
	__type(key, fabric_u32);
	__type(value, struct fabric_mask);
} fabric_masks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FABRIC_ORDERS);
	__type(key, fabric_u32);
	__type(value, struct fabric_order);
} fabric_orders SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, fabric_u64);
	__type(value, struct fabric_megaflow);
} fabric_megaflows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4096);
	__type(key, fabric_u32);
	__type(value, struct fabric_cache_entry);
} fabric_cache SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FABRIC_PORTS_MAX);
	__type(key, fabric_u32);
	__type(value, struct fabric_port);
} fabric_ports SEC(".maps");

/* By interface index, modulo the size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 65536);
	__type(key, fabric_u32);
	__type(value, struct fabric_device_port);
} fabric_devices SEC(".maps");

/* By UDP destination port in host order; 0 is GRE. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 65536);
	__type(key, fabric_u32);
	__type(value, fabric_u32);
} fabric_tunnel_ports SEC(".maps");

struct fabric_address {
	fabric_u8 byte[16];
};

/* Addresses of this host, IPv4 in the first four bytes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct fabric_address);
	__type(value, fabric_u32);
} fabric_locals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4096);
	__type(key, fabric_u32);
	__type(value, struct fabric_tunnel);
} fabric_tunnels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FABRIC_EXECUTIONS);
	__type(key, fabric_u32);
	__type(value, struct fabric_execution);
} fabric_executions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 8192);
	__type(key, fabric_u32);
	__type(value, struct fabric_conntrack_spec);
} fabric_conntrack_specs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 65536);
	__type(key, fabric_u32);
	__type(value, struct fabric_zone);
} fabric_zones SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 256);
	__type(key, fabric_u32);
	__type(value, struct fabric_policy);
} fabric_policies SEC(".maps");

/* What is known by a tuple; the host node sets how many there may be. */
#define FABRIC_TUPLE_MAP(name, value_type) \
	struct { \
		__uint(type, BPF_MAP_TYPE_HASH); \
		__uint(map_flags, BPF_F_NO_PREALLOC); \
		__uint(max_entries, 65536); \
		__type(key, struct fabric_tuple); \
		__type(value, value_type); \
	} name SEC(".maps")

/* Connections by the tuple of their first packet, and from the answer's tuple to that. */
FABRIC_TUPLE_MAP(fabric_connections, struct fabric_connection);
FABRIC_TUPLE_MAP(fabric_replies, struct fabric_tuple);

/* Connections that control channels announced, and the channels of those that came. */
FABRIC_TUPLE_MAP(fabric_expectations, struct fabric_expectation);
FABRIC_TUPLE_MAP(fabric_parents, struct fabric_tuple);

/* Control channels whose lines were rewritten. */
FABRIC_TUPLE_MAP(fabric_channels, struct fabric_channel);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} fabric_upcalls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} fabric_events SEC(".maps");

/* Programs are not interrupted by each other: a processor's own counter needs no lock. */
FABRIC_INLINE void fabric_add(fabric_u64 *counter, fabric_u64 value)
{
	if (fabric_is_shared)
		__sync_fetch_and_add(counter, value);
	else
		*counter += value;
}

FABRIC_INLINE void fabric_count(fabric_u32 counter)
{
	fabric_u32 slot = bpf_get_smp_processor_id() & (FABRIC_COUNTER_CPUS - 1);
	struct fabric_counters *counters = bpf_map_lookup_elem(&fabric_counts, &slot);

	if (counters && counter < FABRIC_COUNTERS)
		fabric_add(&counters->value[counter], 1);
}

/* Drops the packet under its reason. */
FABRIC_INLINE int fabric_drop(fabric_u32 reason)
{
	fabric_count(FABRIC_COUNTER_FIRST_DROP + (reason & 0x7f));
	return TC_ACT_SHOT;
}

FABRIC_INLINE struct fabric_settings *fabric_configured(void)
{
	fabric_u32 zero = 0;

	return bpf_map_lookup_elem(&fabric_settings, &zero);
}

FABRIC_INLINE struct fabric_scratch *fabric_ground(void)
{
	fabric_u32 zero = 0;

	return bpf_map_lookup_elem(&fabric_scratches, &zero);
}

/* The scratch of the packet at work. */
FABRIC_INLINE struct fabric_scratch *fabric_current(void)
{
	struct fabric_scratch *ground = fabric_ground();
	fabric_u32 level;

	if (!ground || ground->level == 0)
		return ground;
	level = ground->level;
	return bpf_map_lookup_elem(&fabric_scratches, &level);
}

FABRIC_INLINE struct fabric_port *fabric_port_of(fabric_u32 number)
{
	return bpf_map_lookup_elem(&fabric_ports, &number);
}

#endif
