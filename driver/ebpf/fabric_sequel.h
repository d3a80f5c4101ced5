/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * "conntrack, recirculate" are the first steps of most rows of a firewall, and most packets find
 * the same row behind them as the one before. What the key is then follows from what it was, from
 * the connection, and from the connection's state, mark and label: where these are what the cache
 * remembers, the second look-up is left out.
 */
#ifndef FABRIC_SEQUEL_H
#define FABRIC_SEQUEL_H

#include "fabric_track.h"

/* The packet's key says of its connection what it said last time. */
FABRIC_INLINE int fabric_is_sequel(const struct fabric_scratch *s,
				   const struct fabric_sequel *sequel)
{
	const fabric_u8 *label = s->key.conntrack_label;

	return sequel->row && sequel->started == s->started &&
	       sequel->state == s->key.conntrack_state &&
	       sequel->mark == s->key.conntrack_mark &&
	       fabric_wire64(sequel->label) == fabric_wire64(label) &&
	       fabric_wire64(sequel->label + 8) == fabric_wire64(label + 8);
}

/* The cache's entry for the look-up that is left out, if a further "conntrack" may want it. */
FABRIC_INLINE void fabric_skip_to(struct fabric_scratch *s, const struct fabric_sequel *sequel,
				  const struct fabric_row *next)
{
	fabric_u32 serial = sequel->serial;
	const struct fabric_cache_entry *entry;

	s->slot = sequel->slot;
	if (next->steps[0].kind != FABRIC_STEP_CONNTRACK)
		return;
	entry = fabric_remembered(s);
	if (!entry || entry->serial != serial)
		s->slot = FABRIC_NO_SLOT; /* Another key has its place by now. */
}

/* The step "conntrack" is done, and the key says so; the packet's connection is known. */
FABRIC_INLINE int fabric_return_tracked(struct __sk_buff *skb, struct fabric_scratch *s,
					const struct fabric_connection *connection)
{
	struct fabric_cache_entry *entry = fabric_remembered(s);
	fabric_u32 number = s->row, reason;
	const struct fabric_row *row = bpf_map_lookup_elem(&fabric_rows, &number), *next;
	const struct fabric_step *step;

	if (!row)
		return TC_ACT_SHOT;
	step = &row->steps[1];
	/* Nothing but the step before has touched the packet, and nothing the cache's entry. */
	if (!entry || entry->row != s->row || s->pc != 1 || s->is_single || s->is_stale ||
	    step->kind != FABRIC_STEP_RECIRCULATE || !step->a || connection->is_related)
		return fabric_go_on(skb, s, row);
	reason = fabric_recirculate(s, step);
	if (reason)
		return fabric_drop(reason);
	s->started = connection->started;
	if (fabric_is_sequel(s, &entry->sequel)) {
		number = entry->sequel.row;
		next = bpf_map_lookup_elem(&fabric_rows, &number);
		if (next && next->generation == entry->sequel.generation) {
			fabric_count(FABRIC_COUNTER_CACHE);
			fabric_skip_to(s, &entry->sequel, next);
			return fabric_enter(skb, s, number, next);
		}
	}
	s->sequel = s->slot + 1;
	return fabric_go(skb, FABRIC_PROGRAM_LOOKUP);
}

#endif
