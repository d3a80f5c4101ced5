/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Translation: the reply tuple of a new connection, and the bytes of packets that follow. */
#ifndef FABRIC_NAT_H
#define FABRIC_NAT_H

#include "fabric_nat_range.h"
#include "fabric_track.h"

struct fabric_choice {
	struct fabric_scratch *s;
	const struct fabric_conntrack_spec *spec;
	struct fabric_nat_range range;
	fabric_u32 per_address;
	fabric_u32 is_found;
};

/* Tries one address and port for s->wanted; called by bpf_loop until it returns 1. */
static long fabric_try_tuple(fabric_u32 index, struct fabric_choice *choice)
{
	struct fabric_scratch *s = choice->s;
	fabric_u32 per = choice->per_address ? choice->per_address : 1;
	struct fabric_tuple *reply = &s->wanted;

	fabric_nat_candidate(&choice->range, choice->spec, index / per, index % per,
			     !fabric_is_ipv4(s), reply);
	if (bpf_map_lookup_elem(&fabric_connections, reply))
		return 0;
	/* Taking it and testing it are one. */
	if (bpf_map_update_elem(&fabric_replies, reply, &s->tuple, BPF_NOEXIST))
		return 0;
	choice->is_found = 1;
	return 1;
}

/* Chooses and takes s->wanted, the reply tuple of s->tuple; 0 when there is no free one. */
FABRIC_INLINE int fabric_choose(struct fabric_scratch *s, const struct fabric_conntrack_spec *spec)
{
	struct fabric_choice choice = { .s = s, .spec = spec };
	const fabric_u64 *words = (const fabric_u64 *)&s->tuple;
	fabric_u64 hash = spec->flags & FABRIC_CT_PERSISTENT ? 0 : fabric_seed, tries;

	fabric_reverse(&s->wanted, &s->tuple);
	hash = fabric_mix(hash, words[0] ^ words[2]);
	hash = fabric_mix(hash, words[1]);
	hash = fabric_mix(hash, words[3]);
	if (spec->flags & FABRIC_CT_HASH)
		hash = fabric_mix(hash, words[4]);
	if (spec->flags & FABRIC_CT_RANDOM)
		hash = bpf_get_prandom_u32();
	choice.range.hash = hash;
	fabric_nat_ports(&choice.range, &s->tuple, spec);
	choice.per_address = fabric_nat_port_tries(&choice.range);
	tries = (fabric_u64)choice.per_address * fabric_nat_addresses(spec);
	if (tries > FABRIC_NAT_TRIES_MAX)
		tries = FABRIC_NAT_TRIES_MAX;
	bpf_loop((fabric_u32)tries, fabric_try_tuple, &choice, 0);
	return choice.is_found;
}

/* Gives the packet one address of a tuple. */
FABRIC_INLINE void fabric_rewrite_address(struct __sk_buff *skb, struct fabric_scratch *s,
					  int is_destination, const fabric_u8 *address)
{
	fabric_u32 offset = s->layout.network;

	if (fabric_is_ipv4(s)) {
		fabric_u32 value;

		__builtin_memcpy(&value, address + 12, 4);
		fabric_set_address4(skb, s, offset + (is_destination ? 16 : 12), value, ~0u);
	} else {
		fabric_u64 value;

		offset += is_destination ? 24 : 8;
		__builtin_memcpy(&value, address, 8);
		fabric_set_address8(skb, s, offset, value, ~0ull);
		__builtin_memcpy(&value, address + 8, 8);
		fabric_set_address8(skb, s, offset + 8, value, ~0ull);
	}
}

/* Makes the packet's tuple s->wanted. */
FABRIC_INLINE void fabric_rewrite(struct __sk_buff *skb, struct fabric_scratch *s)
{
	const struct fabric_tuple *wanted = &s->wanted;

	fabric_rewrite_address(skb, s, 0, wanted->source);
	fabric_rewrite_address(skb, s, 1, wanted->destination);
	if (fabric_is_icmp(wanted->protocol))
		fabric_set_icmp(skb, s, s->layout.transport + 4, wanted->port_source, 0xffff);
	else
		fabric_set_ports(skb, s,
				 wanted->port_source | ((fabric_u32)wanted->port_destination << 16),
				 ~0u);
	s->is_stale = 1;
}

#endif
