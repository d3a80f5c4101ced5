/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Translation: the reply tuple of a new connection, and the bytes of packets that follow.
 *
 * Addresses are chosen by a hash of the two ends, ports start at the connection's own where the
 * range allows and walk it, then the next address: the rules of the managed NatAllocator.
 */
#ifndef FABRIC_NAT_H
#define FABRIC_NAT_H

#include "fabric_track.h"

#define FABRIC_NAT_TRIES_PER_ADDRESS 1024
#define FABRIC_NAT_TRIES_MAX 8192

struct fabric_choice {
	struct fabric_scratch *s;
	const struct fabric_conntrack_spec *spec;
	fabric_u64 hash;
	fabric_u32 port_min;
	fabric_u32 port_count;
	fabric_u32 port_start;
	fabric_u32 per_address;
	fabric_u32 is_found;
};

FABRIC_INLINE void fabric_add_address(fabric_u8 *address, fabric_u64 offset, int is_ipv6)
{
	if (is_ipv6) {
		fabric_u64 low;

		__builtin_memcpy(&low, address + 8, 8);
		low = bpf_cpu_to_be64(bpf_be64_to_cpu(low) + offset);
		__builtin_memcpy(address + 8, &low, 8);
	} else {
		fabric_u32 low;

		__builtin_memcpy(&low, address + 12, 4);
		low = bpf_htonl(bpf_ntohl(low) + (fabric_u32)offset);
		__builtin_memcpy(address + 12, &low, 4);
	}
}

/* Tries one address and port for s->wanted; called by bpf_loop until it returns 1. */
static long fabric_try_tuple(fabric_u32 index, struct fabric_choice *choice)
{
	struct fabric_scratch *s = choice->s;
	const struct fabric_conntrack_spec *spec = choice->spec;
	struct fabric_tuple *reply = &s->wanted;
	fabric_u32 per = choice->per_address ? choice->per_address : 1;
	fabric_u32 count = spec->address_count ? spec->address_count : 1;
	fabric_u32 range = choice->port_count ? choice->port_count : 1;
	fabric_u16 port = (fabric_u16)(choice->port_min + (choice->port_start + index % per) % range);
	int is_ipv6 = !fabric_is_ipv4(s);

	if (spec->has_address) {
		fabric_u8 *address = spec->nat == FABRIC_NAT_SOURCE ? reply->destination
								     : reply->source;

		__builtin_memcpy(address, spec->address_min, 16);
		fabric_add_address(address, (choice->hash + index / per) % count, is_ipv6);
	}
	if (choice->port_count) {
		port = bpf_htons(port);
		if (spec->nat == FABRIC_NAT_SOURCE && !fabric_is_icmp(reply->protocol))
			reply->port_destination = port;
		else
			reply->port_source = port;
	}
	if (bpf_map_lookup_elem(&fabric_connections, reply))
		return 0;
	/* Taking it and testing it are one. */
	if (bpf_map_update_elem(&fabric_replies, reply, &s->tuple, BPF_NOEXIST))
		return 0;
	choice->is_found = 1;
	return 1;
}

FABRIC_INLINE void fabric_port_range(struct fabric_choice *choice, fabric_u32 own)
{
	const struct fabric_conntrack_spec *spec = choice->spec;
	fabric_u8 protocol = choice->s->tuple.protocol;
	fabric_u32 min = own, max = own;

	if (fabric_is_icmp(protocol)) {
		min = 0;
		max = 65535;
	} else if (spec->port_min) {
		min = spec->port_min;
		max = spec->port_max < min ? min : spec->port_max;
	} else if (spec->nat == FABRIC_NAT_SOURCE) {
		min = own < 512 ? 1 : own < 1024 ? 512 : 1024;
		max = own < 512 ? 511 : own < 1024 ? 1023 : 65535;
	}
	choice->port_min = min;
	choice->port_count = max - min + 1;
	if (own >= min && own <= max && !(spec->flags & FABRIC_CT_RANDOM))
		choice->port_start = own - min;
	else
		choice->port_start = (fabric_u32)choice->hash % choice->port_count;
}

/* Chooses and takes s->wanted, the reply tuple of s->tuple; 0 when there is no free one. */
FABRIC_INLINE int fabric_choose(struct fabric_scratch *s, const struct fabric_conntrack_spec *spec)
{
	struct fabric_choice choice = { .s = s, .spec = spec };
	const fabric_u64 *words = (const fabric_u64 *)&s->tuple;
	fabric_u8 protocol = s->tuple.protocol;
	fabric_u64 tries;

	fabric_reverse(&s->wanted, &s->tuple);
	choice.hash = spec->flags & FABRIC_CT_PERSISTENT ? 0 : fabric_seed;
	choice.hash = fabric_mix(choice.hash, words[0] ^ words[2]);
	choice.hash = fabric_mix(choice.hash, words[1]);
	choice.hash = fabric_mix(choice.hash, words[3]);
	if (spec->flags & FABRIC_CT_HASH)
		choice.hash = fabric_mix(choice.hash, words[4]);
	if (spec->flags & FABRIC_CT_RANDOM)
		choice.hash = bpf_get_prandom_u32();
	if (protocol == FABRIC_PROTOCOL_TCP || protocol == FABRIC_PROTOCOL_UDP || protocol == 132 ||
	    fabric_is_icmp(protocol))
		fabric_port_range(&choice, bpf_ntohs(spec->nat == FABRIC_NAT_SOURCE ||
								     fabric_is_icmp(protocol)
							     ? s->tuple.port_source
							     : s->tuple.port_destination));
	choice.per_address = choice.port_count ? choice.port_count : 1;
	if (choice.per_address > FABRIC_NAT_TRIES_PER_ADDRESS)
		choice.per_address = FABRIC_NAT_TRIES_PER_ADDRESS;
	tries = (fabric_u64)choice.per_address *
		(spec->has_address && spec->address_count ? spec->address_count : 1);
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
