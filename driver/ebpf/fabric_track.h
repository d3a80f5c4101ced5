/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Connections: finding, making, ending them; what a tracked packet's key says. */
#ifndef FABRIC_TRACK_H
#define FABRIC_TRACK_H

#include "fabric_edit.h"

#define FABRIC_STATE_NEW 0x01
#define FABRIC_STATE_ESTABLISHED 0x02
#define FABRIC_STATE_RELATED 0x04
#define FABRIC_STATE_REPLY 0x08
#define FABRIC_STATE_INVALID 0x10
#define FABRIC_STATE_TRACKED 0x20
#define FABRIC_STATE_SOURCE_NAT 0x40
#define FABRIC_STATE_DESTINATION_NAT 0x80

#define FABRIC_SECOND 1000000000ull

enum fabric_event_kind { FABRIC_EVENT_NEW, FABRIC_EVENT_UPDATED, FABRIC_EVENT_DESTROYED };

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

FABRIC_INLINE void fabric_copy_address(fabric_u8 *to, const fabric_u8 *from, int is_ipv6)
{
	if (is_ipv6) {
		__builtin_memcpy(to, from, 16);
		return;
	}
	__builtin_memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, from, 4);
}

FABRIC_INLINE fabric_u8 fabric_icmp_answer(fabric_u8 protocol, fabric_u8 type)
{
	if (protocol == FABRIC_PROTOCOL_ICMP) {
		if (type == 8 || type == 0)
			return 8 - type;
		if (type == 13 || type == 14)
			return 27 - type; /* Timestamp. */
		if (type == 15 || type == 16)
			return 31 - type; /* Information. */
	} else if (type == 128 || type == 129) {
		return (fabric_u8)(257 - type);
	}
	return type;
}

FABRIC_INLINE int fabric_is_icmp(fabric_u8 protocol)
{
	return protocol == FABRIC_PROTOCOL_ICMP || protocol == FABRIC_PROTOCOL_ICMPV6;
}

/* The tuple that an answer has. */
FABRIC_INLINE void fabric_reverse(struct fabric_tuple *to, const struct fabric_tuple *from)
{
	__builtin_memcpy(to->source, from->destination, 16);
	__builtin_memcpy(to->destination, from->source, 16);
	to->zone = from->zone;
	to->protocol = from->protocol;
	if (fabric_is_icmp(from->protocol)) {
		to->port_source = from->port_source;
		to->port_destination = from->port_destination;
		to->icmp_type = fabric_icmp_answer(from->protocol, from->icmp_type);
	} else {
		to->port_source = from->port_destination;
		to->port_destination = from->port_source;
		to->icmp_type = 0;
	}
}

FABRIC_INLINE int fabric_equal(const struct fabric_tuple *left, const struct fabric_tuple *right)
{
	const fabric_u64 *a = (const fabric_u64 *)left, *b = (const fabric_u64 *)right;

	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]));
}

FABRIC_INLINE void fabric_forget(struct fabric_scratch *s)
{
	s->key.conntrack_state = 0;
	s->key.conntrack_zone = 0;
	s->key.conntrack_mark = 0;
	s->key.conntrack_protocol = 0;
	s->word[2] = s->word[3] = 0;
	s->key.conntrack_source = s->key.conntrack_destination = 0;
	s->key.conntrack_port_source = s->key.conntrack_port_destination = 0;
}

FABRIC_INLINE void fabric_say_original(struct fabric_scratch *s, const struct fabric_tuple *tuple)
{
	s->key.conntrack_protocol = tuple->protocol;
	if (fabric_is_ipv4(s)) {
		__builtin_memcpy(&s->key.conntrack_source, tuple->source + 12, 4);
		__builtin_memcpy(&s->key.conntrack_destination, tuple->destination + 12, 4);
	}
	if (fabric_is_icmp(tuple->protocol)) {
		s->key.conntrack_port_source = FABRIC_BE16(tuple->icmp_type);
		s->key.conntrack_port_destination = tuple->port_destination;
	} else {
		s->key.conntrack_port_source = tuple->port_source;
		s->key.conntrack_port_destination = tuple->port_destination;
	}
}

FABRIC_INLINE void fabric_say_invalid(struct fabric_scratch *s, fabric_u16 zone)
{
	fabric_drop(FABRIC_DROP_ConntrackInvalid);
	fabric_forget(s);
	s->key.conntrack_zone = FABRIC_BE16(zone);
	s->key.conntrack_state = FABRIC_STATE_TRACKED | FABRIC_STATE_INVALID;
}

FABRIC_INLINE void fabric_say_tracked(struct fabric_scratch *s, fabric_u16 zone, fabric_u32 state,
				      const struct fabric_connection *connection)
{
	fabric_forget(s);
	s->key.conntrack_zone = FABRIC_BE16(zone);
	s->key.conntrack_state = (fabric_u8)state;
	s->key.conntrack_mark = connection->mark;
	__builtin_memcpy(s->key.conntrack_label, connection->label, 16);
	fabric_say_original(s, &connection->original);
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

FABRIC_INLINE void fabric_return_place(fabric_u16 zone)
{
	struct fabric_settings *settings = fabric_configured();
	fabric_u32 number = zone;
	struct fabric_zone *limits = bpf_map_lookup_elem(&fabric_zones, &number);

	if (settings)
		__sync_fetch_and_add(&settings->conntrack_count, -1);
	if (limits)
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

	*work = connection->original;
	if (bpf_map_delete_elem(&fabric_connections, work))
		return;
	*work = connection->reply;
	bpf_map_delete_elem(&fabric_replies, work);
	fabric_return_place(zone);
	fabric_tell(FABRIC_EVENT_DESTROYED, connection);
}

/* The timeout of a connection that is not TCP's, or of one that TCP just opened. */
FABRIC_INLINE fabric_u32 fabric_timeout_of(const struct fabric_connection *connection)
{
	fabric_u8 protocol = connection->original.protocol;

	if (protocol == FABRIC_PROTOCOL_TCP)
		return FABRIC_TIMEOUT_TCP_SYN_SENT;
	if (fabric_is_icmp(protocol))
		return connection->generic == 2 ? FABRIC_TIMEOUT_ICMP_REPLY
						: FABRIC_TIMEOUT_ICMP_FIRST;
	return connection->generic == 0	  ? FABRIC_TIMEOUT_UDP_FIRST
	       : connection->generic == 1 ? FABRIC_TIMEOUT_UDP_SINGLE
					  : FABRIC_TIMEOUT_UDP_MULTIPLE;
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

/* One packet of a known connection: what it means, and all that it changes. */
FABRIC_INLINE int fabric_advance(struct __sk_buff *skb, struct fabric_scratch *s,
				 struct fabric_connection *connection, fabric_u32 is_reply)
{
	struct fabric_settings *settings = fabric_configured();
	fabric_u32 checks = !settings || !settings->is_window_unchecked, timeout = 0;
	fabric_u8 protocol = connection->original.protocol;
	fabric_u64 expires;
	int verdict;

	bpf_spin_lock(&connection->lock);
	if (protocol == FABRIC_PROTOCOL_TCP) {
		if (is_reply)
			verdict = fabric_tcp_update(&connection->peers[1], &connection->peers[0],
						    &s->segment, checks, &timeout);
		else
			verdict = fabric_tcp_update(&connection->peers[0], &connection->peers[1],
						    &s->segment, checks, &timeout);
	} else {
		if (is_reply)
			connection->generic = 2;
		verdict = connection->generic == 2 ? FABRIC_TRACK_ESTABLISHED
						   : FABRIC_TRACK_STILL_NEW;
		if (connection->generic != 2 && !fabric_is_icmp(protocol))
			connection->generic = 1;
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
	bpf_spin_unlock(&connection->lock);

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

FABRIC_INLINE int fabric_set_marks(struct fabric_connection *connection,
				   const struct fabric_conntrack_spec *spec)
{
	fabric_u64 *label = (fabric_u64 *)connection->label;
	const fabric_u64 *value = (const fabric_u64 *)spec->label;
	const fabric_u64 *mask = (const fabric_u64 *)spec->label_mask;

	if (!spec->mark_mask && !mask[0] && !mask[1])
		return 0;
	connection->mark = (connection->mark & ~spec->mark_mask) | (spec->mark & spec->mark_mask);
	label[0] = (label[0] & ~mask[0]) | (value[0] & mask[0]);
	label[1] = (label[1] & ~mask[1]) | (value[1] & mask[1]);
	return 1;
}

#endif
