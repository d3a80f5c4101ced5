/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Meters: token buckets, charged under the meter's lock. */
#ifndef FABRIC_METER_H
#define FABRIC_METER_H

#include "../include/fabric_kernel.h"
#include "fabric_parse.h"

/*
 * One packet's price from every band, at 'now' in milliseconds; of those that cannot pay the one
 * of the highest rate, -1: all can.
 */
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
#ifdef __bpf__
#pragma unroll
#endif
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

#endif
