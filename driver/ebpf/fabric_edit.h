/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Changes to a packet's bytes that keep its checksums right, finished or not. */
#ifndef FABRIC_EDIT_H
#define FABRIC_EDIT_H

#include "fabric_lookup.h"

FABRIC_INLINE int fabric_is_ipv4(const struct fabric_scratch *s)
{
	return s->key.ethernet_type == FABRIC_TYPE_IPV4;
}

FABRIC_INLINE int fabric_is_ipv6(const struct fabric_scratch *s)
{
	return s->key.ethernet_type == FABRIC_TYPE_IPV6;
}

/* End of the IP packet, in bytes from the frame's start. */
FABRIC_INLINE fabric_u32 fabric_ip_end(struct __sk_buff *skb, const struct fabric_scratch *s)
{
	fabric_u32 offset = s->layout.network + (fabric_is_ipv4(s) ? 2 : 4);
	fabric_u16 size = 0;

	if (skb->gso_size || !fabric_load(skb, offset, &size, 2))
		return skb->len;
	return s->layout.network + bpf_ntohs(size) + (fabric_is_ipv4(s) ? 0 : 40);
}

/* Where the transport checksum that covers addresses lies; 0: there is none. */
FABRIC_INLINE fabric_u32 fabric_address_checksum(const struct fabric_scratch *s)
{
	if (!s->layout.transport)
		return 0;
	if (s->key.protocol == FABRIC_PROTOCOL_TCP)
		return s->layout.transport + 16;
	if (s->key.protocol == FABRIC_PROTOCOL_UDP)
		return s->layout.transport + 6;
	if (s->key.protocol == FABRIC_PROTOCOL_ICMPV6)
		return s->layout.transport + 2;
	return 0;
}

FABRIC_INLINE fabric_u64 fabric_checksum_flags(const struct fabric_scratch *s)
{
	return s->key.protocol == FABRIC_PROTOCOL_UDP ? BPF_F_MARK_MANGLED_0 : 0;
}

/* An IPv4 address, or eight bytes of an IPv6 one, at 'offset' of the packet. */
FABRIC_INLINE int fabric_set_address4(struct __sk_buff *skb, struct fabric_scratch *s,
				      fabric_u32 offset, fabric_u32 value, fabric_u32 mask)
{
	fabric_u32 before, after, checksum = fabric_address_checksum(s);

	if (bpf_skb_load_bytes(skb, offset, &before, 4))
		return FABRIC_DROP_ActionMalformed;
	after = (before & ~mask) | (value & mask);
	if (after == before)
		return 0;
	if (checksum)
		bpf_l4_csum_replace(skb, checksum, before, after,
				    BPF_F_PSEUDO_HDR | fabric_checksum_flags(s) | 4);
	bpf_l3_csum_replace(skb, s->layout.network + 10, before, after, 4);
	bpf_skb_store_bytes(skb, offset, &after, 4, 0);
	return 0;
}

FABRIC_INLINE int fabric_set_address8(struct __sk_buff *skb, struct fabric_scratch *s,
				      fabric_u32 offset, fabric_u64 value, fabric_u64 mask)
{
	fabric_u32 checksum = fabric_address_checksum(s);
	fabric_u64 before, after;
	fabric_s64 difference;

	if (bpf_skb_load_bytes(skb, offset, &before, 8))
		return FABRIC_DROP_ActionMalformed;
	after = (before & ~mask) | (value & mask);
	if (after == before)
		return 0;
	difference = bpf_csum_diff((void *)&before, 8, (void *)&after, 8, 0);
	if (checksum)
		bpf_l4_csum_replace(skb, checksum, 0, difference,
				    BPF_F_PSEUDO_HDR | fabric_checksum_flags(s));
	bpf_skb_store_bytes(skb, offset, &after, 8, 0);
	return 0;
}

/* Both ports of TCP or UDP. */
FABRIC_INLINE int fabric_set_ports(struct __sk_buff *skb, struct fabric_scratch *s,
				   fabric_u32 value, fabric_u32 mask)
{
	fabric_u32 before, after, checksum = fabric_address_checksum(s);

	if (!checksum || bpf_skb_load_bytes(skb, s->layout.transport, &before, 4))
		return FABRIC_DROP_None;
	after = (before & ~mask) | (value & mask);
	if (after == before)
		return 0;
	bpf_l4_csum_replace(skb, checksum, before, after, fabric_checksum_flags(s) | 4);
	bpf_skb_store_bytes(skb, s->layout.transport, &after, 4, 0);
	return 0;
}

/* Two bytes that the ICMP checksum covers, at 'offset' of the packet. */
FABRIC_INLINE int fabric_set_icmp(struct __sk_buff *skb, struct fabric_scratch *s,
				  fabric_u32 offset, fabric_u16 value, fabric_u16 mask)
{
	fabric_u16 before, after;

	if (!s->layout.transport || bpf_skb_load_bytes(skb, offset, &before, 2))
		return FABRIC_DROP_None;
	after = (before & ~mask) | (value & mask);
	if (after == before)
		return 0;
	bpf_l4_csum_replace(skb, s->layout.transport + 2, before, after, 2);
	bpf_skb_store_bytes(skb, offset, &after, 2, 0);
	return 0;
}

/* Two bytes of the network header: IPv4's checksum follows. */
FABRIC_INLINE int fabric_set_network2(struct __sk_buff *skb, struct fabric_scratch *s,
				      fabric_u32 offset, fabric_u16 value, fabric_u16 mask)
{
	fabric_u16 before, after;

	offset += s->layout.network;
	if (bpf_skb_load_bytes(skb, offset, &before, 2))
		return FABRIC_DROP_ActionMalformed;
	after = (before & ~mask) | (value & mask);
	if (after == before)
		return 0;
	if (fabric_is_ipv4(s))
		bpf_l3_csum_replace(skb, s->layout.network + 10, before, after, 2);
	bpf_skb_store_bytes(skb, offset, &after, 2, 0);
	return 0;
}

FABRIC_INLINE int fabric_set_tos(struct __sk_buff *skb, struct fabric_scratch *s,
				 fabric_u8 value, fabric_u8 mask)
{
	if (fabric_is_ipv4(s))
		return fabric_set_network2(skb, s, 0, FABRIC_BE16(value), FABRIC_BE16(mask));
	if (fabric_is_ipv6(s))
		return fabric_set_network2(skb, s, 0, FABRIC_BE16(value << 4),
					   FABRIC_BE16(mask << 4));
	return FABRIC_DROP_None;
}

FABRIC_INLINE int fabric_set_ttl(struct __sk_buff *skb, struct fabric_scratch *s,
				 fabric_u8 value, fabric_u8 mask)
{
	if (fabric_is_ipv4(s))
		return fabric_set_network2(skb, s, 8, FABRIC_BE16(value << 8),
					   FABRIC_BE16(mask << 8));
	if (fabric_is_ipv6(s))
		return fabric_set_network2(skb, s, 6, FABRIC_BE16(value), FABRIC_BE16(mask));
	return FABRIC_DROP_None;
}

FABRIC_INLINE int fabric_decrement_ttl(struct __sk_buff *skb, struct fabric_scratch *s)
{
	fabric_u8 ttl = 0;

	if (!fabric_is_ipv4(s) && !fabric_is_ipv6(s))
		return FABRIC_DROP_None;
	if (bpf_skb_load_bytes(skb, s->layout.network + (fabric_is_ipv4(s) ? 8 : 7), &ttl, 1))
		return FABRIC_DROP_ActionMalformed;
	return ttl <= 1 ? FABRIC_DROP_TtlExceeded : fabric_set_ttl(skb, s, ttl - 1, 0xff);
}

/* Up to eight bytes that no checksum covers. */
FABRIC_INLINE int fabric_set_plain(struct __sk_buff *skb, fabric_u32 offset, fabric_u32 size,
				   fabric_u64 value, fabric_u64 mask)
{
	fabric_u64 bytes = 0, last = (fabric_u64)size - 1;

	FABRIC_OPAQUE(last);
	if (last >= 8)
		return FABRIC_DROP_ActionMalformed;
	if (bpf_skb_load_bytes(skb, offset, &bytes, last + 1))
		return FABRIC_DROP_None;
	bytes = (bytes & ~mask) | (value & mask);
	bpf_skb_store_bytes(skb, offset, &bytes, last + 1, 0);
	return 0;
}

/* After a tag came or went the headers lie elsewhere. */
FABRIC_INLINE void fabric_relocate(struct __sk_buff *skb, struct fabric_scratch *s)
{
	fabric_u16 type = 0, network = FABRIC_ETHERNET_SIZE;
	int shift;

	bpf_skb_load_bytes(skb, 12, &type, 2);
	if (fabric_is_vlan(type)) {
		network += FABRIC_VLAN_SIZE;
		bpf_skb_load_bytes(skb, 16, &type, 2);
		if (fabric_is_vlan(type))
			network += FABRIC_VLAN_SIZE;
	}
	shift = network - s->layout.network;
	s->layout.network = network;
	if (s->layout.transport)
		s->layout.transport += shift;
	if (s->layout.payload)
		s->layout.payload += shift;
	s->is_stale = 1;
}

#endif
