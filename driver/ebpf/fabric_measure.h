/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* The steps "hash" and "meter": the same numbers as src/Datapath/Actions says in C#. */
#ifndef FABRIC_MEASURE_H
#define FABRIC_MEASURE_H

#include "fabric_edit.h"

#define FABRIC_MILLISECOND 1000000ull

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, fabric_u32);
	__type(value, struct fabric_meter);
} fabric_meters SEC(".maps");

/* Both halves of the 128-bit product, one over the other. */
FABRIC_INLINE fabric_u64 fabric_fold(fabric_u64 a, fabric_u64 b)
{
	fabric_u64 low = (a & 0xffffffff) * (b & 0xffffffff);
	fabric_u64 left = (a & 0xffffffff) * (b >> 32), right = (a >> 32) * (b & 0xffffffff);
	fabric_u64 middle = (low >> 32) + (left & 0xffffffff) + (right & 0xffffffff);

	return ((a >> 32) * (b >> 32) + (left >> 32) + (right >> 32) + (middle >> 32)) ^ (a * b);
}

FABRIC_INLINE fabric_u64 fabric_take_in(fabric_u64 hash, fabric_u64 value)
{
	return fabric_fold(hash ^ 0x9e3779b97f4a7c15ull, value ^ 0xd6e8feb86659fd93ull);
}

/* PacketHash.FiveTuple. */
FABRIC_INLINE fabric_u64 fabric_hash_addresses(const struct fabric_scratch *s, fabric_u64 hash)
{
	fabric_u32 i;

	if (fabric_is_ipv6(s)) {
#pragma unroll
		for (i = 0; i < 4; i++)
			hash = fabric_take_in(hash, s->word[12 + i]);
		return hash;
	}
	return fabric_take_in(hash, *(const fabric_u32 *)s->key.source |
					    (fabric_u64) * (const fabric_u32 *)s->key.destination << 32);
}

/* PacketHash.Symmetric. */
FABRIC_INLINE fabric_u64 fabric_hash_both_ways(const struct fabric_scratch *s, fabric_u64 hash)
{
	fabric_u64 link = 0;
	fabric_u32 i;

#pragma unroll
	for (i = 0; i < 6; i++)
		link = link << 8 | (s->key.ethernet_source[i] ^ s->key.ethernet_destination[i]);
	hash = fabric_take_in(hash, link);
	hash = fabric_take_in(hash, s->key.ethernet_type);
	if (fabric_is_ipv4(s)) {
		hash = fabric_take_in(hash, *(const fabric_u32 *)s->key.source ^
						    *(const fabric_u32 *)s->key.destination);
	} else if (fabric_is_ipv6(s)) {
		hash = fabric_take_in(hash, s->word[12] ^ s->word[14]);
		hash = fabric_take_in(hash, s->word[13] ^ s->word[15]);
	}
	return hash;
}

FABRIC_INLINE fabric_u32 fabric_hash(const struct fabric_scratch *s, fabric_u32 is_symmetric,
				     fabric_u32 basis)
{
	fabric_u8 protocol = s->key.protocol;
	fabric_u16 source = s->key.port_source, destination = s->key.port_destination;
	fabric_u64 hash = is_symmetric ? fabric_hash_both_ways(s, basis)
				       : fabric_hash_addresses(s, basis);
	fabric_u32 folded;

	hash = fabric_take_in(hash, protocol);
	if (!s->key.fragment && (protocol == FABRIC_PROTOCOL_TCP ||
				 protocol == FABRIC_PROTOCOL_UDP || protocol == 132))
		hash = fabric_take_in(hash, is_symmetric ? (fabric_u32)(source ^ destination)
							 : source | (fabric_u32)destination << 16);
	folded = (fabric_u32)(hash ^ (hash >> 32));
	return folded ? folded : 1;
}

/* One packet's price from every band; of those that cannot pay the one of the highest rate. */
FABRIC_INLINE int fabric_charge(struct fabric_meter *meter, fabric_u32 size, fabric_u64 now)
{
	fabric_u64 cost = meter->is_packets ? 1000 : size * 8ull, rate = 0;
	fabric_u64 elapsed = now > meter->filled_at ? now - meter->filled_at : 0;
	int exceeded = -1;
	fabric_u32 i;

	/* Longer than any bucket takes to fill; keeps the product small. */
	if (elapsed > 1000000)
		elapsed = 1000000;
	meter->filled_at = now;
	meter->packets++;
	meter->bytes += size;
#pragma unroll
	for (i = 0; i < FABRIC_BANDS_MAX; i++) {
		struct fabric_band *band = &meter->bands[i];

		if (i >= meter->count)
			continue;
		band->tokens += elapsed * band->rate;
		if (band->tokens > band->size)
			band->tokens = band->size;
		if (band->tokens >= cost) {
			band->tokens -= cost;
		} else if (exceeded < 0 || band->rate > rate) {
			exceeded = (int)i;
			rate = band->rate;
		}
	}
	return exceeded;
}

/* Raises the drop precedence of assured forwarding classes (RFC 2597). */
FABRIC_INLINE int fabric_remark(struct __sk_buff *skb, struct fabric_scratch *s, fabric_u32 by)
{
	fabric_u32 dscp = s->key.tos >> 2, precedence = (dscp >> 1) & 3;

	if (!by || (dscp & 1) || !(dscp >> 3) || dscp >> 3 > 4 || !precedence)
		return 0;
	precedence += by;
	if (precedence > 3)
		precedence = 3;
	s->is_stale = 1;
	return fabric_set_tos(skb, s, (fabric_u8)(((dscp & ~6u) | precedence << 1) << 2), 0xfc);
}

/* A drop reason, or 0. A meter that is not there lets everything pass. */
FABRIC_INLINE int fabric_pay(struct __sk_buff *skb, struct fabric_scratch *s)
{
	fabric_u64 now = s->now / FABRIC_MILLISECOND;
	fabric_u32 number = s->number, size = skb->len, remark = 0, i;
	struct fabric_meter *meter = bpf_map_lookup_elem(&fabric_meters, &number);
	int exceeded;

	if (!meter)
		return 0;
	bpf_spin_lock(&meter->lock);
	exceeded = fabric_charge(meter, size, now);
#pragma unroll
	for (i = 0; i < FABRIC_BANDS_MAX; i++) {
		if ((int)i == exceeded) {
			meter->bands[i].packets++;
			meter->bands[i].bytes += size;
			remark = meter->bands[i].remark;
		}
	}
	bpf_spin_unlock(&meter->lock);
	if (exceeded < 0)
		return 0;
	return remark ? fabric_remark(skb, s, remark) : FABRIC_DROP_MeterExceeded;
}

SEC("tc")
int fabric_program_measure(struct __sk_buff *skb)
{
	struct fabric_scratch *s = fabric_current();
	int reason = 0;

	if (!s)
		return TC_ACT_SHOT;
	if (s->is_stale && fabric_read_packet(skb, s))
		return fabric_drop(FABRIC_DROP_ActionMalformed);
	if (s->kind == FABRIC_STEP_HASH)
		s->key.datapath_hash = fabric_hash(s, s->rest, s->number);
	else
		reason = fabric_pay(skb, s);
	return reason ? fabric_drop(reason) : fabric_go(skb, FABRIC_PROGRAM_ACTIONS);
}

#endif
