/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* From a packet to the row of actions that a flow gives it. */
#ifndef FABRIC_LOOKUP_H
#define FABRIC_LOOKUP_H

#include "fabric_maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 16);
	__type(key, fabric_u32);
	__type(value, fabric_u32);
} fabric_programs SEC(".maps");

#define FABRIC_HEADERS_WANTED 96
#define FABRIC_HEADERS_PULLED 192
#define FABRIC_CACHE_SLOTS 4096
#define FABRIC_NO_SLOT FABRIC_CACHE_SLOTS
#define FABRIC_LINK_WORD 8   /* First word that the parser fills ... */
#define FABRIC_PARSED_WORDS 12 /* ... and how many. */

/* Only reached when the next program is missing: then the object is broken. */
FABRIC_INLINE int fabric_go(struct __sk_buff *skb, fabric_u32 program)
{
	bpf_tail_call(skb, &fabric_programs, program);
	return fabric_drop(FABRIC_DROP_RecirculationLimit);
}

/* Headers into the key; returns a drop reason or FABRIC_PARSE_DEEP. */
FABRIC_INLINE int fabric_read_packet(struct __sk_buff *skb, struct fabric_scratch *s)
{
	struct fabric_frame frame;
	fabric_u32 i;

	if ((void *)(long)skb->data + FABRIC_HEADERS_WANTED > (void *)(long)skb->data_end &&
	    skb->len > (fabric_u32)(skb->data_end - skb->data))
		bpf_skb_pull_data(skb, skb->len < FABRIC_HEADERS_PULLED ? skb->len
									: FABRIC_HEADERS_PULLED);
	frame.data = (void *)(long)skb->data;
	frame.end = (void *)(long)skb->data_end;
	frame.size = skb->len;
	frame.accelerated_tpid = 0;
	frame.accelerated_tci = 0;
	if (skb->vlan_present) {
		frame.accelerated_tpid = (fabric_u16)skb->vlan_proto;
		frame.accelerated_tci = FABRIC_BE16(skb->vlan_tci | 0x1000);
	}
	s->key.fragment = 0;
	s->is_stale = 0;
#pragma unroll
	for (i = 0; i < FABRIC_PARSED_WORDS; i++)
		s->word[FABRIC_LINK_WORD + i] = 0;
	return fabric_parse(&frame, &s->key, &s->layout);
}

/* Header bytes where they lie; 0 when they are not in the packet's first piece. */
FABRIC_INLINE const fabric_u8 *fabric_header_at(struct __sk_buff *skb, fabric_u32 offset,
						fabric_u32 size)
{
	const fabric_u8 *at;

	if (offset > 0xff)
		return 0;
	FABRIC_OPAQUE(offset); /* The verifier wants to see the bound on what is added. */
	at = (const fabric_u8 *)(long)skb->data + (offset & 0xff);
	return at + size > (const fabric_u8 *)(long)skb->data_end ? 0 : at;
}

/* Copies 'size' bytes, known to the compiler, out of the packet; 0: they are not there. */
FABRIC_INLINE int fabric_load(struct __sk_buff *skb, fabric_u32 offset, void *to, fabric_u32 size)
{
	const fabric_u8 *at = fabric_header_at(skb, offset, size);

	if (!at)
		return !bpf_skb_load_bytes(skb, offset, to, size);
	__builtin_memcpy(to, at, size);
	return 1;
}

FABRIC_INLINE fabric_u64 fabric_mix(fabric_u64 hash, fabric_u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	return hash ^ (hash >> 32);
}

/*
 * Sums of words times words, each with a number of its own: no multiplication waits for another.
 * It only chooses a slot of the cache, whose key is compared.
 */
FABRIC_INLINE fabric_u64 fabric_hash_key(const struct fabric_scratch *s)
{
	const fabric_u64 step = 0x9e3779b97f4a7c15ull, other = 0xc2b2ae3d27d4eb4full;
	fabric_u64 sum = s->word[FABRIC_KEY_WORDS - 1] * step;
	fabric_u32 i;

#pragma unroll
	for (i = 0; i < FABRIC_KEY_WORDS - 1; i += 2)
		sum += (s->word[i] + fabric_seed + i * step) *
		       (s->word[i + 1] + (fabric_seed ^ ((i + 1) * other)));
	return fabric_mix(fabric_seed, sum);
}

struct fabric_search {
	struct fabric_scratch *s;
	fabric_u32 order;
	fabric_u32 row;
};

/* Tries one mask; called by bpf_loop until it returns 1. */
static long fabric_try_mask(fabric_u32 index, struct fabric_search *search)
{
	struct fabric_scratch *s = search->s;
	struct fabric_megaflow *flow;
	struct fabric_order *order;
	struct fabric_mask *mask;
	fabric_u64 hash, difference = 0;
	fabric_u32 number = search->order, row, i;

	order = bpf_map_lookup_elem(&fabric_orders, &number);
	if (!order || index >= FABRIC_ORDER_MAX || index >= order->count)
		return 1;
	number = order->mask[index];
	mask = bpf_map_lookup_elem(&fabric_masks, &number);
	if (!mask)
		return 1;
	hash = fabric_seed ^ number;
	for (i = 0; i < FABRIC_KEY_WORDS; i++) {
		if (i >= mask->count)
			break;
		s->masked[i] = s->word[mask->index[i] & 31] & mask->word[i];
		hash = fabric_mix(hash, s->masked[i]);
	}
	flow = bpf_map_lookup_elem(&fabric_megaflows, &hash);
	if (!flow || flow->mask != number)
		return 0;
	row = *(volatile fabric_u32 *)&flow->row;
	for (i = 0; i < FABRIC_KEY_WORDS; i++) {
		if (i >= mask->count)
			break;
		difference |= flow->word[i] ^ s->masked[i];
	}
	/* Memory of an element that was replaced just now may already be another flow's. */
	if (difference || row != *(volatile fabric_u32 *)&flow->row || flow->mask != number)
		return 0;
	search->row = row;
	__sync_fetch_and_add(&mask->hits, 1);
	return 1;
}

/* Which list of masks a packet is tried against. */
FABRIC_INLINE fabric_u32 fabric_order_of(const struct fabric_scratch *s)
{
	fabric_u16 type = s->key.ethernet_type;
	fabric_u32 order = type == FABRIC_TYPE_IPV4	  ? 0
			   : type == FABRIC_TYPE_IPV6 ? 1
			   : type == FABRIC_TYPE_ARP	  ? 2
						  : 3;

	return s->key.recirculation_id ? order + 4 : order;
}

FABRIC_INLINE fabric_u32 fabric_search_masks(struct fabric_scratch *s)
{
	struct fabric_search search = { .s = s, .order = fabric_order_of(s), .row = 0 };

	fabric_count(FABRIC_COUNTER_MASKS);
	bpf_loop(FABRIC_ORDER_MAX, fabric_try_mask, &search, 0);
	return search.row;
}

FABRIC_INLINE struct fabric_cache_entry *fabric_remembered(const struct fabric_scratch *s)
{
	fabric_u32 slot = s->slot;

	return bpf_map_lookup_elem(&fabric_cache, &slot);
}

/* Such packets, in this state of their connection, lead to this row: fabric_sequel.h. */
FABRIC_INLINE void fabric_remember(struct fabric_scratch *s, fabric_u32 number,
				   const struct fabric_row *row)
{
	fabric_u32 slot = s->sequel - 1;
	struct fabric_cache_entry *entry = bpf_map_lookup_elem(&fabric_cache, &slot);
	const struct fabric_cache_entry *second = fabric_remembered(s);

	s->sequel = 0;
	if (!entry || !second || !(row->generation & 1))
		return;
	entry->sequel.slot = s->slot;
	entry->sequel.serial = second->serial;
	entry->sequel.row = number;
	entry->sequel.generation = row->generation;
	entry->sequel.started = s->started;
	entry->sequel.state = s->key.conntrack_state;
	entry->sequel.mark = s->key.conntrack_mark;
	__builtin_memcpy(entry->sequel.label, s->key.conntrack_label, 16);
}

/* The row for the key, or 0. */
FABRIC_INLINE fabric_u32 fabric_find_row(struct fabric_scratch *s)
{
	fabric_u32 slot = (fabric_u32)(fabric_hash_key(s) >> 20) & (FABRIC_CACHE_SLOTS - 1);
	struct fabric_cache_entry *entry = bpf_map_lookup_elem(&fabric_cache, &slot);
	fabric_u64 difference = 0;
	fabric_u32 number, generation, i;
	struct fabric_row *row;

	if (!entry)
		return 0;
	s->slot = slot;
	number = entry->row;
	row = bpf_map_lookup_elem(&fabric_rows, &number);
	if (row && number && row->generation == entry->generation) {
#pragma unroll
		for (i = 0; i < FABRIC_KEY_WORDS; i++)
			difference |= entry->word[i] ^ s->word[i];
		if (!difference) {
			fabric_count(FABRIC_COUNTER_CACHE);
			return number;
		}
	}

	number = fabric_search_masks(s);
	row = bpf_map_lookup_elem(&fabric_rows, &number);
	if (!number || !row)
		return 0;
	fabric_count(FABRIC_COUNTER_HIT); /* Besides those of the cache. */
	/* Even: the row was given up since its flow was found, and must not be remembered. */
	generation = row->generation;
	if (!(generation & 1)) {
		s->slot = FABRIC_NO_SLOT;
		return number;
	}
	entry->row = number;
	entry->generation = generation;
	entry->serial++;
	entry->is_reply = 0;
	entry->sequel.row = 0;
#pragma unroll
	for (i = 0; i < FABRIC_KEY_WORDS; i++)
		entry->word[i] = s->word[i];
	return number;
}

FABRIC_INLINE void fabric_count_flow(struct __sk_buff *skb, struct fabric_scratch *s,
				     fabric_u32 row)
{
	fabric_u32 slot = (row << fabric_counter_shift) +
			  (bpf_get_smp_processor_id() & ((1u << fabric_counter_shift) - 1));
	struct fabric_statistics *counts = bpf_map_lookup_elem(&fabric_flow_counts, &slot);
	fabric_u64 flags = s->key.tcp_flags;

	if (!counts)
		return;
	fabric_add(&counts->packets, 1);
	fabric_add(&counts->bytes, skb->len);
	counts->used = s->now;
	if (flags & ~counts->tcp_flags)
		counts->tcp_flags |= flags;
}

/* The packet's bytes are for the container at the port's other end, and are what the kernel says. */
FABRIC_INLINE int fabric_is_for_peer(struct __sk_buff *skb, const struct fabric_port *port)
{
	const fabric_u8 *data = (void *)(long)skb->data;

	if (data + FABRIC_ETHERNET_SIZE > (const fabric_u8 *)(long)skb->data_end || skb->vlan_present)
		return 0;
	if (skb->protocol != FABRIC_TYPE_IPV4 && skb->protocol != FABRIC_TYPE_IPV6)
		return 0;
	return fabric_wire16(data + 12) == skb->protocol &&
	       fabric_wire16(data) == fabric_wire16(port->peer_address) &&
	       fabric_wire16(data + 2) == fabric_wire16(port->peer_address + 2) &&
	       fabric_wire16(data + 4) == fabric_wire16(port->peer_address + 4);
}

/*
 * The packet leaves by a port's device. A container is handed its packets at once, which saves
 * their wait in a queue of the host's; all others are the device's to send.
 */
FABRIC_INLINE int fabric_leave_by(struct __sk_buff *skb, const struct fabric_scratch *s,
				  struct fabric_port *port)
{
	if (!port->is_peer || !s->is_ingress || !fabric_is_for_peer(skb, port))
		return bpf_redirect(port->device, 0);
	skb->mark = 0;
	if (skb->pkt_type)
		bpf_skb_change_type(skb, 0); /* PACKET_HOST: the address is the container's. */
	__sync_fetch_and_add(&port->tx_packets, 1);
	__sync_fetch_and_add(&port->tx_bytes, skb->len);
	return bpf_redirect_peer(port->device, 0);
}

FABRIC_INLINE int fabric_ask(struct __sk_buff *skb, struct fabric_scratch *s, fabric_u32 kind)
{
	s->kind = kind;
	s->number = 0;
	s->resumes = 0;
	return fabric_go(skb, FABRIC_PROGRAM_UPCALL);
}

/* The last step "recirculate"; a drop reason or 0. */
FABRIC_INLINE fabric_u32 fabric_recirculate(struct fabric_scratch *s,
					    const struct fabric_step *step)
{
	if (++s->passes > FABRIC_PASSES_MAX)
		return FABRIC_DROP_RecirculationLimit;
	s->key.recirculation_id = step->c;
	s->is_single = 0;
	return 0;
}

/* The step "conntrack": its program is the next. */
FABRIC_INLINE void fabric_track(struct fabric_scratch *s, const struct fabric_step *step)
{
	s->number = step->c;
	s->rest = (fabric_u32)step->value;
}

/*
 * Goes on with the row at s->pc. The steps that most packets take, and that end a row or lead to
 * another program, are done here; all else is for the program that walks rows.
 */
FABRIC_INLINE int fabric_go_on(struct __sk_buff *skb, struct fabric_scratch *s,
			       const struct fabric_row *row)
{
	const struct fabric_step *step = &row->steps[s->pc & (FABRIC_STEPS_MAX - 1)];
	struct fabric_port *port;
	fabric_u32 reason;

	if (s->pc >= FABRIC_STEPS_MAX || s->is_single)
		return fabric_go(skb, FABRIC_PROGRAM_ACTIONS);
	if (step->kind == FABRIC_STEP_OUTPUT && step->a) {
		port = fabric_port_of(step->c);
		if (port && port->kind == FABRIC_PORT_DEVICE)
			return fabric_leave_by(skb, s, port);
	} else if (step->kind == FABRIC_STEP_CONNTRACK) {
		s->pc++;
		fabric_track(s, step);
		return fabric_go(skb, FABRIC_PROGRAM_CONNTRACK);
	} else if (step->kind == FABRIC_STEP_RECIRCULATE && step->a) {
		reason = fabric_recirculate(s, step);
		return reason ? fabric_drop(reason) : fabric_go(skb, FABRIC_PROGRAM_LOOKUP);
	}
	return fabric_go(skb, FABRIC_PROGRAM_ACTIONS);
}

/* The packet's flow is found: it begins its row. */
FABRIC_INLINE int fabric_enter(struct __sk_buff *skb, struct fabric_scratch *s,
			       fabric_u32 number, const struct fabric_row *row)
{
	fabric_count_flow(skb, s, number);
	s->row = number;
	s->pc = 0;
	return fabric_go_on(skb, s, row);
}

/* A program that a step led to has done its work. */
FABRIC_INLINE int fabric_return(struct __sk_buff *skb, struct fabric_scratch *s)
{
	fabric_u32 number = s->row;
	const struct fabric_row *row = bpf_map_lookup_elem(&fabric_rows, &number);

	return row ? fabric_go_on(skb, s, row) : TC_ACT_SHOT;
}

/*
 * The packet in the scratch, whose metadata are set, finds its flow and follows it. One that was
 * looked up before, and has not changed since, is not parsed again.
 */
FABRIC_INLINE int fabric_look_up(struct __sk_buff *skb, struct fabric_scratch *s)
{
	int reason = s->is_stale ? fabric_read_packet(skb, s) : 0;
	struct fabric_row *row;
	fabric_u32 number;

	if (reason == FABRIC_PARSE_DEEP) {
		fabric_count(FABRIC_COUNTER_MISSED);
		return fabric_ask(skb, s, FABRIC_UPCALL_MISS);
	}
	if (reason)
		return fabric_drop(reason);
	number = fabric_find_row(s);
	row = bpf_map_lookup_elem(&fabric_rows, &number);
	if (!number || !row) {
		fabric_count(FABRIC_COUNTER_MISSED);
		return fabric_ask(skb, s, FABRIC_UPCALL_MISS);
	}

	if (s->sequel)
		fabric_remember(s, number, row);
	return fabric_enter(skb, s, number, row);
}

/* A packet comes in: all that is known of it is its port. */
FABRIC_INLINE void fabric_start(struct fabric_scratch *s, fabric_u32 port)
{
	fabric_u32 i;

#pragma unroll
	for (i = 0; i < FABRIC_LINK_WORD; i++)
		s->word[i] = 0;
#pragma unroll
	for (i = FABRIC_LINK_WORD + FABRIC_PARSED_WORDS; i < FABRIC_KEY_WORDS; i++)
		s->word[i] = 0;
	s->key.in_port = FABRIC_BE32(port);
	s->now = bpf_ktime_get_coarse_ns();
	s->is_ingress = 1;
	s->is_stale = 1;
	s->tunnel = 0;
	s->passes = 0;
	s->sequel = 0;
	s->is_single = 0;
	s->resumes = 0;
}

#endif
