/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Connections: finding, making, ending them; what a tracked packet's key says. */
#ifndef FABRIC_TRACK_H
#define FABRIC_TRACK_H

#include "fabric_state.h"
#include "fabric_edit.h"

#define FABRIC_SECOND 1000000000ull
#define FABRIC_LOCK_TRIES 256

struct fabric_event {
	fabric_u32 kind;
	fabric_u32 unused;
	struct fabric_tuple original;
	struct fabric_tuple reply;
	fabric_u32 mark;
	fabric_u8 label[16];
	fabric_u8 states[2];
	fabric_u16 unused_too;
	fabric_u64 packets[2];
	fabric_u64 bytes[2];
	fabric_u64 started;
	fabric_u64 expires;
};

FABRIC_INLINE void fabric_tell(fabric_u32 kind, const struct fabric_connection *connection)
{
	struct fabric_settings *settings = fabric_configured();
	struct fabric_event *event;

	if (!settings || !settings->has_event_listener)
		return;
	event = bpf_ringbuf_reserve(&fabric_events, sizeof(*event), 0);
	if (!event)
		return;
	event->kind = kind;
	event->unused = 0;
	event->original = connection->original;
	event->reply = connection->reply;
	event->mark = connection->mark;
	__builtin_memcpy(event->label, connection->label, 16);
	event->states[0] = connection->peers[0].state;
	event->states[1] = connection->peers[1].state;
	event->unused_too = 0;
	event->packets[0] = connection->packets[0];
	event->packets[1] = connection->packets[1];
	event->bytes[0] = connection->bytes[0];
	event->bytes[1] = connection->bytes[1];
	event->started = connection->started;
	event->expires = connection->expires;
	bpf_ringbuf_submit(event, 0);
}

FABRIC_INLINE void fabric_say_invalid(struct fabric_scratch *s, fabric_u16 zone)
{
	fabric_drop(FABRIC_DROP_ConntrackInvalid);
	fabric_key_state(&s->key, zone, FABRIC_STATE_TRACKED | FABRIC_STATE_INVALID);
}

FABRIC_INLINE struct fabric_connection *fabric_find(const struct fabric_tuple *tuple,
						    fabric_u32 *is_reply)
{
	struct fabric_connection *connection = bpf_map_lookup_elem(&fabric_connections, tuple);
	struct fabric_tuple *original;

	*is_reply = 0;
	if (connection)
		return connection;
	original = bpf_map_lookup_elem(&fabric_replies, tuple);
	if (!original)
		return 0;
	*is_reply = 1;
	return bpf_map_lookup_elem(&fabric_connections, original);
}

/*
 * The same for s->tuple. The cache remembers of which connection such packets are answers: that
 * saves two look-ups of three.
 */
FABRIC_INLINE struct fabric_connection *fabric_find_known(struct fabric_scratch *s,
							  fabric_u32 *is_reply)
{
	struct fabric_cache_entry *entry = fabric_remembered(s);
	struct fabric_connection *connection;

	if (entry && entry->is_reply) {
		connection = bpf_map_lookup_elem(&fabric_connections, &entry->original);
		if (connection && fabric_same_tuple(&connection->reply, &s->tuple)) {
			*is_reply = 1;
			return connection;
		}
		entry->is_reply = 0;
	}
	connection = fabric_find(&s->tuple, is_reply);
	if (connection && entry && *is_reply) {
		entry->original = connection->original;
		entry->is_reply = 1;
	}
	return connection;
}

FABRIC_INLINE void fabric_return_place(fabric_u16 zone, fabric_u8 epoch)
{
	struct fabric_settings *settings = fabric_configured();
	fabric_u32 number = zone;
	struct fabric_zone *limits = bpf_map_lookup_elem(&fabric_zones, &number);

	if (settings)
		__sync_fetch_and_add(&settings->conntrack_count, -1);
	if (limits && limits->epoch == epoch)
		__sync_fetch_and_add(&limits->count, -1);
}

/* A place among the connections, or the drop reason that says why there is none. */
FABRIC_INLINE fabric_u32 fabric_take_place(fabric_u16 zone)
{
	struct fabric_settings *settings = fabric_configured();
	fabric_u32 number = zone, limit;
	struct fabric_zone *limits = bpf_map_lookup_elem(&fabric_zones, &number);

	if (!settings || !limits)
		return FABRIC_DROP_ConntrackFull;
	limit = limits->has_limit ? limits->limit : settings->zone_limit;
	if (settings->conntrack_count >= settings->conntrack_max)
		return FABRIC_DROP_ConntrackFull;
	if (limits->count >= limit)
		return FABRIC_DROP_ConntrackZoneLimit;
	__sync_fetch_and_add(&settings->conntrack_count, 1);
	__sync_fetch_and_add(&limits->count, 1);
	return 0;
}

/* Ends a connection; 'work' is room for its tuples, which its own memory may outlive. */
FABRIC_INLINE void fabric_end(struct fabric_connection *connection, struct fabric_tuple *work)
{
	fabric_u16 zone = connection->original.zone;
	fabric_u8 is_related = connection->is_related, epoch = connection->limit_epoch;

	*work = connection->original;
	if (bpf_map_delete_elem(&fabric_connections, work))
		return;
	if (is_related)
		bpf_map_delete_elem(&fabric_parents, work);
	*work = connection->reply;
	bpf_map_delete_elem(&fabric_replies, work);
	fabric_return_place(zone, epoch);
	fabric_tell(FABRIC_EVENT_DESTROYED, connection);
}

FABRIC_INLINE fabric_u64 fabric_life(const struct fabric_connection *connection,
				     fabric_u32 timeout)
{
	fabric_u32 number = connection->policy;
	struct fabric_policy *policy = bpf_map_lookup_elem(&fabric_policies, &number);

	if (!policy)
		return 30 * FABRIC_SECOND;
	return policy->seconds[timeout & (FABRIC_TIMEOUT_COUNT - 1)] * FABRIC_SECOND;
}

/* Tries to lock; called by bpf_loop until it returns 1. */
static long fabric_try_lock(fabric_u32 index, fabric_u32 **lock)
{
	(void)index;
	return !*(volatile fabric_u32 *)*lock && !__sync_lock_test_and_set(*lock, 1);
}

/*
 * Takes a connection, which one of another processor may have for some nanoseconds. Nothing
 * interrupts a program but for another processor's sake, so this needs neither interrupts off nor
 * a call, which is what bpf_spin_lock costs. 0: not got in time (the other processor may be a
 * virtual one that stands still); the caller goes on, and must not unlock.
 */
FABRIC_INLINE int fabric_lock(struct fabric_connection *connection)
{
	fabric_u32 *lock = &connection->lock;

	if (!__sync_lock_test_and_set(lock, 1))
		return 1;
	return bpf_loop(FABRIC_LOCK_TRIES, fabric_try_lock, &lock, 0) < FABRIC_LOCK_TRIES;
}

FABRIC_INLINE void fabric_unlock(struct fabric_connection *connection)
{
	__sync_lock_test_and_set(&connection->lock, 0);
}

/* One packet of a known connection: what it means, and all that it changes. */
FABRIC_INLINE int fabric_advance(struct __sk_buff *skb, struct fabric_scratch *s,
				 struct fabric_connection *connection, fabric_u32 is_reply)
{
	struct fabric_settings *settings = fabric_configured();
	fabric_u32 checks = !settings || !settings->is_window_unchecked, timeout = 0;
	fabric_u8 protocol = connection->original.protocol;
	fabric_u64 expires;
	int verdict, is_locked;

	if (connection->is_liberal)
		checks = 0;
	is_locked = fabric_lock(connection);
	if (protocol == FABRIC_PROTOCOL_TCP) {
		if (is_reply)
			verdict = fabric_tcp_update(&connection->peers[1], &connection->peers[0],
						    &s->segment, checks, &timeout);
		else
			verdict = fabric_tcp_update(&connection->peers[0], &connection->peers[1],
						    &s->segment, checks, &timeout);
	} else {
		verdict = fabric_generic_update(connection, (int)is_reply);
	}
	if (verdict == FABRIC_TRACK_ESTABLISHED || verdict == FABRIC_TRACK_STILL_NEW) {
		if (is_reply) {
			connection->packets[1]++;
			connection->bytes[1] += skb->len;
		} else {
			connection->packets[0]++;
			connection->bytes[0] += skb->len;
		}
	}
	if (is_locked)
		fabric_unlock(connection);

	if (verdict != FABRIC_TRACK_ESTABLISHED && verdict != FABRIC_TRACK_STILL_NEW)
		return verdict;
	if (protocol != FABRIC_PROTOCOL_TCP)
		timeout = fabric_timeout_of(connection);
	if (timeout == FABRIC_TIMEOUT_KEEP)
		return verdict;
	expires = s->now + fabric_life(connection, timeout);
	/* A line of memory that all processors read is not written for nothing. */
	if (expires - connection->expires > FABRIC_SECOND / 2)
		connection->expires = expires;
	return verdict;
}

#endif
