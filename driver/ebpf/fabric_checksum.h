/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Checksums over whole packets: those of outer headers, written and proved. */
#ifndef FABRIC_CHECKSUM_H
#define FABRIC_CHECKSUM_H

#include <bpf/bpf_core_read.h>

#include "fabric_sum.h"
#include "fabric_edit.h"

#define FABRIC_SUM_CHUNK 192
#define FABRIC_SUM_CHUNKS_MAX 352 /* Of the largest packet. */

/* What programs are not told of a packet; offsets are the running kernel's (CO-RE). */
struct sk_buff {
	fabric_u8 ip_summed : 2;
} __attribute__((preserve_access_index));

enum fabric_summed { FABRIC_SUMMED_UNNECESSARY = 1, FABRIC_SUMMED_PARTIAL = 3 };

/* The kernel or a NIC vouches for the packet's outermost checksum. */
FABRIC_INLINE int fabric_is_vouched_for(struct __sk_buff *skb)
{
	const struct sk_buff *kernel = (const void *)skb;
	fabric_u8 summed;

	if (skb->gso_size)
		return 1;
	summed = (fabric_u8)BPF_CORE_READ_BITFIELD_PROBED(kernel, ip_summed);
	return summed == FABRIC_SUMMED_UNNECESSARY || summed == FABRIC_SUMMED_PARTIAL;
}

struct fabric_sum_walk {
	struct __sk_buff *skb;
	struct fabric_scratch *s;
	fabric_u64 sum;
	fabric_u32 at;
	fabric_u32 end;
	fabric_u32 is_broken;
};

/* Adds one piece of the packet; called by bpf_loop until it returns 1. */
static long fabric_sum_chunk(fabric_u32 index, struct fabric_sum_walk *walk)
{
	fabric_u8 *bytes = walk->s->header;
	fabric_u64 size = walk->end - walk->at, last;
	fabric_s64 sum;

	(void)index;
	if (walk->at >= walk->end)
		return 1;
	if (size > FABRIC_SUM_CHUNK)
		size = FABRIC_SUM_CHUNK;
	last = size - 1;
	FABRIC_OPAQUE(last);
	if (last >= FABRIC_SUM_CHUNK ||
	    bpf_skb_load_bytes(walk->skb, walk->at, bytes, last + 1)) {
		walk->is_broken = 1;
		return 1;
	}
	if (last < FABRIC_SUM_CHUNK - 1)
		__builtin_memset(bytes + last + 1, 0, 4);
	sum = bpf_csum_diff(0, 0, (void *)bytes, (fabric_u32)(last + 4) & 0xfc, 0);
	if (sum < 0) {
		walk->is_broken = 1;
		return 1;
	}
	walk->sum += (fabric_u32)sum;
	walk->at += FABRIC_SUM_CHUNK;
	return 0;
}

/* Adds up the bytes from 'at' to 'end'; 0: they are not there. Overwrites s->header. */
FABRIC_INLINE int fabric_sum_packet(struct __sk_buff *skb, struct fabric_scratch *s,
				    fabric_u32 at, fabric_u32 end, fabric_u64 *sum)
{
	struct fabric_sum_walk walk = { .skb = skb, .s = s, .at = at, .end = end };

	bpf_loop(FABRIC_SUM_CHUNKS_MAX, fabric_sum_chunk, &walk, 0);
	*sum = walk.sum;
	return !walk.is_broken && walk.at >= end;
}

/*
 * What the inner packet adds up to, and its size, of super-packets those of a segment. 0: segments
 * differ, or the packet cannot be read. Overwrites s->header.
 */
FABRIC_INLINE int fabric_sum_inner(struct __sk_buff *skb, struct fabric_scratch *s,
				   fabric_u64 *sum, fabric_u32 *size)
{
	fabric_u32 segment = skb->gso_size, payload = s->layout.payload;
	fabric_u32 network, transport, end = skb->len;
	fabric_u8 protocol = s->key.protocol, ip[40];
	fabric_u16 udp[2] = { 0, 1 }; /* Length and checksum. */

	*size = end;
	if (s->is_stale && fabric_read_packet(skb, s))
		return !segment && fabric_sum_packet(skb, s, 0, end, sum);
	network = s->layout.network;
	transport = s->layout.transport;
	if (segment) {
		/* All segments have one checksum, but for a last one that is shorter. */
		if (protocol != FABRIC_PROTOCOL_TCP || payload <= transport ||
		    payload >= end || (end - payload) % segment)
			return 0;
		*size = end = payload + segment;
	} else if (!transport || !fabric_sum_is_known(protocol) || s->key.fragment ||
		   fabric_ip_end(skb, s) != end) {
		return fabric_sum_packet(skb, s, 0, end, sum);
	}
	if (protocol == FABRIC_PROTOCOL_UDP &&
	    (!fabric_load(skb, transport + 4, udp, 4) || bpf_ntohs(udp[0]) != end - transport))
		udp[1] = 0;
	if (!udp[1] || (fabric_is_ipv6(s) && transport != network + 40) ||
	    bpf_skb_load_bytes(skb, network, ip, fabric_is_ipv6(s) ? 40 : 20))
		return !segment && fabric_sum_packet(skb, s, 0, end, sum);
	if (!fabric_sum_packet(skb, s, 0, network, sum))
		return 0;
	*sum += fabric_is_ipv6(s) ? fabric_sum_ipv6(ip, protocol, end - transport)
				  : fabric_sum_ipv4(ip, protocol, end - transport);
	return 1;
}

/*
 * The checksum of an outer header that stands in s->header, its own field zero.
 * 'more': what follows it, and what it covers besides.
 */
FABRIC_INLINE fabric_u16 fabric_outer_checksum(struct fabric_scratch *s, fabric_u32 at,
					       fabric_u32 size, fabric_u64 more)
{
	fabric_s64 sum = bpf_csum_diff(0, 0, (void *)(s->header + (at & 63)), size & 0x7c, 0);
	fabric_u16 check = (fabric_u16)~fabric_sum_fold(more + (fabric_u32)sum);

	return check ? check : 0xffff;
}

/* A UDP datagram's checksum is right, or there is none. Overwrites s->header. */
FABRIC_INLINE int fabric_is_datagram_sound(struct __sk_buff *skb, struct fabric_scratch *s,
					   const fabric_u8 *ip, int is_ipv6, fabric_u32 at,
					   const fabric_u8 *udp)
{
	fabric_u32 length = fabric_read16(udp + 4);
	fabric_u64 sum;

	if (!fabric_wire16(udp + 6) || fabric_is_vouched_for(skb))
		return 1;
	if (length < 8 || !fabric_sum_packet(skb, s, at, at + length, &sum))
		return 0;
	sum += fabric_sum_pseudo(ip, is_ipv6, FABRIC_PROTOCOL_UDP, length);
	return fabric_sum_fold(sum) == 0xffff;
}

#endif
