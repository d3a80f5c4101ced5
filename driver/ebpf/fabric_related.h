/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* ICMP errors belong to the connection of the packet that they quote, and are translated with it. */
#ifndef FABRIC_RELATED_H
#define FABRIC_RELATED_H

#include "fabric_sum.h"
#include "fabric_conntrack.h"

/* The quoted packet's tuple into s->quoted; returns the offset of its ports, 0: not trackable. */
FABRIC_INLINE fabric_u32 fabric_read_quoted(struct __sk_buff *skb, struct fabric_scratch *s,
					    fabric_u16 zone)
{
	fabric_u32 at = s->layout.transport + 8, transport;
	int is_ipv6 = fabric_is_ipv6(s);
	fabric_u8 bytes[40], ports[8];

	if (bpf_skb_load_bytes(skb, at, bytes, is_ipv6 ? 40 : 20))
		return 0;
	transport = fabric_quoted_size(bytes, is_ipv6);
	if (!transport || bpf_skb_load_bytes(skb, at + transport, ports, 8))
		return 0;
	fabric_quoted_tuple(&s->quoted, bytes, ports, is_ipv6, zone);
	return at + transport;
}

/* Changes two or four quoted bytes; the ICMP checksum covers them. */
FABRIC_INLINE void fabric_patch_quoted(struct __sk_buff *skb, struct fabric_scratch *s,
				       fabric_u32 offset, fabric_u32 value)
{
	fabric_u32 before;

	if (bpf_skb_load_bytes(skb, offset, &before, 4) || before == value)
		return;
	bpf_l4_csum_replace(skb, s->layout.transport + 2, before, value, 4);
	bpf_skb_store_bytes(skb, offset, &value, 4, 0);
}

/* One quoted IPv4 address: the quoted header's own checksum changes against it. */
FABRIC_INLINE void fabric_patch_quoted4(struct __sk_buff *skb, struct fabric_scratch *s,
					fabric_u32 header, fabric_u32 offset, fabric_u32 value)
{
	fabric_u32 before;
	fabric_u16 old, fresh;
	fabric_u64 sum;

	if (bpf_skb_load_bytes(skb, header + offset, &before, 4) || before == value ||
	    bpf_skb_load_bytes(skb, header + 10, &old, 2))
		return;
	sum = (fabric_u16)~old;
	sum += (fabric_u16)~before + (fabric_u16)~(before >> 16);
	sum += (value & 0xffff) + (value >> 16);
	fresh = (fabric_u16)~fabric_sum_fold(sum);
	bpf_l4_csum_replace(skb, s->layout.transport + 2, old, fresh, 2);
	bpf_skb_store_bytes(skb, header + 10, &fresh, 2, 0);
	fabric_patch_quoted(skb, s, header + offset, value);
}

FABRIC_INLINE void fabric_patch_quoted6(struct __sk_buff *skb, struct fabric_scratch *s,
					fabric_u32 offset, const fabric_u8 *address)
{
	fabric_u32 i, value;

#pragma unroll
	for (i = 0; i < 16; i += 4) {
		__builtin_memcpy(&value, address + i, 4);
		fabric_patch_quoted(skb, s, offset + i, value);
	}
}

FABRIC_INLINE int fabric_same_address(const fabric_u8 *left, const fabric_u8 *right)
{
	const fabric_u64 *a = (const fabric_u64 *)left, *b = (const fabric_u64 *)right;

	return a[0] == b[0] && a[1] == b[1];
}

/* Makes the quoted packet s->wanted again, and the error's own addresses fit. */
FABRIC_INLINE void fabric_translate_error(struct __sk_buff *skb, struct fabric_scratch *s,
					  fabric_u32 ports)
{
	fabric_u32 header = s->layout.transport + 8, value;
	const struct fabric_tuple *wanted = &s->wanted;

	if (fabric_is_ipv4(s)) {
		__builtin_memcpy(&value, wanted->source + 12, 4);
		fabric_patch_quoted4(skb, s, header, 12, value);
		__builtin_memcpy(&value, wanted->destination + 12, 4);
		fabric_patch_quoted4(skb, s, header, 16, value);
	} else {
		fabric_patch_quoted6(skb, s, header + 8, wanted->source);
		fabric_patch_quoted6(skb, s, header + 24, wanted->destination);
	}
	if (fabric_is_icmp(wanted->protocol))
		fabric_set_icmp(skb, s, ports + 4, wanted->port_source, 0xffff);
	else
		fabric_patch_quoted(skb, s, ports,
				    wanted->port_source |
					    ((fabric_u32)wanted->port_destination << 16));
	/* s->tuple is the error's own. */
	if (fabric_same_address(s->tuple.source, s->quoted.destination))
		fabric_rewrite_address(skb, s, 0, wanted->destination);
	fabric_rewrite_address(skb, s, 1, wanted->source);
	s->is_stale = 1;
}

SEC("tc")
int fabric_program_related(struct __sk_buff *skb)
{
	struct fabric_scratch *s = fabric_current();
	fabric_u32 is_reply = 0, ports, state = FABRIC_STATE_TRACKED | FABRIC_STATE_RELATED;
	struct fabric_conntrack_spec *spec;
	struct fabric_connection *connection = 0;

	if (!s)
		return TC_ACT_SHOT;
	spec = fabric_spec_of(s);
	if (!spec)
		return fabric_drop(FABRIC_DROP_ActionMalformed);
	ports = fabric_read_quoted(skb, s, spec->zone);
	if (ports) {
		/* The error travels against the packet that it quotes. */
		fabric_reverse(&s->wanted, &s->quoted);
		connection = fabric_find(&s->wanted, &is_reply);
	}
	if (!connection || connection->expires <= s->now) {
		fabric_say_invalid(s, spec->zone);
		return fabric_return(skb, s);
	}
	__sync_fetch_and_add(&connection->packets[is_reply ? 1 : 0], 1);
	__sync_fetch_and_add(&connection->bytes[is_reply ? 1 : 0], skb->len);
	if (is_reply)
		state |= FABRIC_STATE_REPLY;
	if (spec->nat != FABRIC_NAT_ABSENT && connection->nat != FABRIC_NAT_NONE) {
		state |= fabric_nat_state(connection);
		/* Beyond the translation the quoted packet looks as its sender sent it. */
		if (is_reply)
			s->wanted = connection->original;
		else
			s->wanted = connection->reply;
		fabric_say_tracked(s, spec->zone, state, connection);
		fabric_translate_error(skb, s, ports);
	} else {
		fabric_say_tracked(s, spec->zone, state, connection);
	}
	return fabric_return(skb, s);
}

#endif
