/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Packets for the host node: a ring, and a quota for each port so that none starves the others. */
#ifndef FABRIC_UPCALL_H
#define FABRIC_UPCALL_H

#include "fabric_lookup.h"

FABRIC_INLINE void fabric_describe(struct __sk_buff *skb, struct fabric_scratch *s,
				   struct fabric_upcall *record)
{
	record->kind = s->kind;
	record->number = s->number;
	record->size = skb->len;
	record->captured = skb->len;
	record->segment_size = skb->gso_size;
	record->tunnel = s->tunnel;
	record->vlan_tpid = skb->vlan_present ? (fabric_u16)skb->vlan_proto : 0;
	record->vlan_tci = (fabric_u16)skb->vlan_tci;
	record->passes = s->passes;
	record->time = s->now;
	__builtin_memcpy(&record->key, &s->key, sizeof(record->key));
}

/* A record must have a size that is known when the program is verified: one of four. */
#define FABRIC_SEND(room)                                                                          \
	do {                                                                                       \
		fabric_u64 last = (fabric_u64)size - 1;                                            \
		struct fabric_upcall *record =                                                     \
			bpf_ringbuf_reserve(&fabric_upcalls, sizeof(*record) + (room), 0);         \
		if (!record)                                                                       \
			return 0;                                                                  \
		fabric_describe(skb, s, record);                                                   \
		FABRIC_OPAQUE(last);                                                               \
		if (last >= (room) || bpf_skb_load_bytes(skb, 0, record + 1, last + 1)) {          \
			bpf_ringbuf_discard(record, 0);                                            \
			return 0;                                                                  \
		}                                                                                  \
		bpf_ringbuf_submit(record, 0);                                                     \
		return 1;                                                                          \
	} while (0)

FABRIC_INLINE int fabric_send_small(struct __sk_buff *skb, struct fabric_scratch *s,
				    fabric_u32 size)
{
	FABRIC_SEND(256);
}

FABRIC_INLINE int fabric_send_packet(struct __sk_buff *skb, struct fabric_scratch *s,
				     fabric_u32 size)
{
	FABRIC_SEND(2048);
}

FABRIC_INLINE int fabric_send_large(struct __sk_buff *skb, struct fabric_scratch *s,
				    fabric_u32 size)
{
	FABRIC_SEND(16384);
}

FABRIC_INLINE int fabric_send_super(struct __sk_buff *skb, struct fabric_scratch *s,
				    fabric_u32 size)
{
	FABRIC_SEND(65536 + 256);
}

FABRIC_INLINE int fabric_send(struct __sk_buff *skb, struct fabric_scratch *s)
{
	fabric_u32 size = skb->len;

	if (size <= 256)
		return fabric_send_small(skb, s, size);
	if (size <= 2048)
		return fabric_send_packet(skb, s, size);
	if (size <= 16384)
		return fabric_send_large(skb, s, size);
	return fabric_send_super(skb, s, size);
}

SEC("tc")
int fabric_program_upcall(struct __sk_buff *skb)
{
	struct fabric_scratch *s = fabric_current();
	struct fabric_settings *settings = fabric_configured();
	struct fabric_port *port;

	if (!s || !settings)
		return TC_ACT_SHOT;
	port = fabric_port_of(FABRIC_BE32(s->key.in_port));
	/* Signed: a port that was made anew may be answered more often than it asked. */
	if (port && (fabric_s32)(port->upcalls_sent - port->upcalls_done) >=
			    (fabric_s32)settings->upcalls_per_port) {
		fabric_count(FABRIC_COUNTER_LOST);
		fabric_drop(FABRIC_DROP_UpcallQueueFull);
	} else if (!fabric_send(skb, s)) {
		fabric_count(FABRIC_COUNTER_LOST);
		fabric_drop(FABRIC_DROP_UpcallQueueFull);
	} else if (port) {
		__sync_fetch_and_add(&port->upcalls_sent, 1);
	}
	return s->resumes ? fabric_go(skb, FABRIC_PROGRAM_ACTIONS) : TC_ACT_SHOT;
}

#endif
