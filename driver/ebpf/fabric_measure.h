/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* The steps "hash" and "meter". */
#ifndef FABRIC_MEASURE_H
#define FABRIC_MEASURE_H

#include "fabric_hash.h"
#include "fabric_meter.h"
#include "fabric_edit.h"

#define FABRIC_MILLISECOND 1000000ull

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, fabric_u32);
	__type(value, struct fabric_meter);
} fabric_meters SEC(".maps");

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
		s->key.datapath_hash = fabric_hash(&s->key, s->rest, s->number);
	else
		reason = fabric_pay(skb, s);
	return reason ? fabric_drop(reason) : fabric_return(skb, s);
}

#endif
