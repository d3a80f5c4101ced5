/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The step "conntrack": a packet against its connection. Three programs, since each is verified
 * apart: packets of known connections, first packets, ICMP errors.
 */
#ifndef FABRIC_CONNTRACK_H
#define FABRIC_CONNTRACK_H

#include "fabric_nat.h"
#include "fabric_expect.h"
#include "fabric_sequel.h"

FABRIC_INLINE struct fabric_conntrack_spec *fabric_spec_of(const struct fabric_scratch *s)
{
	fabric_u32 number = s->number;

	return bpf_map_lookup_elem(&fabric_conntrack_specs, &number);
}

/* Facts of a TCP segment; 0 when its header lies about its size. */
FABRIC_INLINE int fabric_read_segment(struct __sk_buff *skb, struct fabric_scratch *s)
{
	fabric_u32 transport = s->layout.transport, payload = s->layout.payload;
	fabric_u32 options, end = fabric_ip_end(skb, s);
	fabric_u8 tcp[20];

	if (!payload || payload < transport + 20 || payload > end ||
	    !fabric_load(skb, transport, tcp, 20))
		return 0;
	fabric_tcp_read(&s->segment, tcp, end - payload);
	options = payload - transport - 20;
	if (!(tcp[13] & FABRIC_TCP_SYN) || options < 3)
		return 1;
	if (options > FABRIC_TCP_OPTIONS_BYTES)
		options = FABRIC_TCP_OPTIONS_BYTES;
	if (bpf_skb_load_bytes(skb, transport + 20, s->header, options))
		return 0;
	s->segment.scale_option = fabric_tcp_read_scale(s->header, options);
	return 1;
}

FABRIC_INLINE int fabric_udp_is_whole(struct __sk_buff *skb, const struct fabric_scratch *s)
{
	fabric_u16 length = 0;

	if (skb->gso_size)
		return 1;
	if (!fabric_load(skb, s->layout.transport + 4, &length, 2))
		return 0;
	length = bpf_ntohs(length);
	return length >= 8 && s->layout.transport + (fabric_u32)length <= fabric_ip_end(skb, s);
}

/* The packet's tuple into s->tuple; 0: it cannot be tracked. */
FABRIC_INLINE int fabric_read_tuple(struct __sk_buff *skb, struct fabric_scratch *s,
				    fabric_u16 zone)
{
	fabric_u8 protocol = s->key.protocol;
	int is_ipv6 = fabric_is_ipv6(s);

	if ((!is_ipv6 && !fabric_is_ipv4(s)) || s->key.fragment || !s->layout.transport)
		return 0;
	fabric_copy_address(s->tuple.source, s->key.source, is_ipv6);
	fabric_copy_address(s->tuple.destination, s->key.destination, is_ipv6);
	s->tuple.zone = zone;
	s->tuple.protocol = protocol;
	s->tuple.icmp_type = 0;
	s->tuple.port_source = s->key.port_source;
	s->tuple.port_destination = s->key.port_destination;
	if (protocol == FABRIC_PROTOCOL_TCP)
		return fabric_read_segment(skb, s);
	if (protocol == FABRIC_PROTOCOL_UDP)
		return fabric_udp_is_whole(skb, s);
	if (fabric_is_icmp(protocol)) {
		s->tuple.icmp_type = (fabric_u8)FABRIC_BE16(s->key.port_source);
		s->tuple.port_destination = s->key.port_destination;
		return !bpf_skb_load_bytes(skb, s->layout.transport + 4, &s->tuple.port_source, 2);
	}
	if (protocol != FABRIC_PROTOCOL_SCTP)
		s->tuple.port_source = s->tuple.port_destination = 0;
	return 1;
}

/* What the key says of a packet whose connection is known. */
FABRIC_INLINE void fabric_say_tracked(struct fabric_scratch *s, fabric_u16 zone, fabric_u32 state,
				      const struct fabric_connection *connection)
{
	const struct fabric_tuple *parent;

	fabric_key_tracked(&s->key, zone, state, connection);
	if (!connection->is_related)
		return;
	parent = bpf_map_lookup_elem(&fabric_parents, &connection->original);
	if (parent)
		fabric_key_tuple(&s->key, parent);
}

/* Key and translation of a packet whose connection is known. */
FABRIC_INLINE void fabric_finish(struct __sk_buff *skb, struct fabric_scratch *s,
				 const struct fabric_conntrack_spec *spec,
				 struct fabric_connection *connection, fabric_u32 state,
				 fabric_u32 is_reply)
{
	int is_translated = state & (FABRIC_STATE_SOURCE_NAT | FABRIC_STATE_DESTINATION_NAT);

	if (is_translated || spec->nat == FABRIC_NAT_ABSENT || connection->nat == FABRIC_NAT_NONE) {
		fabric_say_tracked(s, spec->zone, state, connection);
		return;
	}
	state |= fabric_nat_state(connection);
	if (is_reply)
		fabric_reverse(&s->wanted, &connection->original);
	else
		fabric_reverse(&s->wanted, &connection->reply);
	fabric_say_tracked(s, spec->zone, state, connection);
	fabric_rewrite(skb, s);
}

FABRIC_INLINE void fabric_mark(struct fabric_connection *connection,
			       const struct fabric_conntrack_spec *spec)
{
	if ((spec->flags & FABRIC_CT_COMMIT) && !connection->is_related &&
	    fabric_set_marks(connection, spec))
		fabric_tell(FABRIC_EVENT_UPDATED, connection);
}

/* The host node goes on here: it gathers fragments, and reads control channels. */
FABRIC_INLINE int fabric_hand_up(struct __sk_buff *skb, struct fabric_scratch *s)
{
	s->kind = FABRIC_UPCALL_SLOW;
	s->number = s->rest;
	s->resumes = 0;
	return fabric_go(skb, FABRIC_PROGRAM_UPCALL);
}

/* The packet came through this zone before. */
FABRIC_INLINE int fabric_is_repeat(const struct fabric_scratch *s,
				   const struct fabric_conntrack_spec *spec)
{
	return s->key.conntrack_state && !(s->key.conntrack_state & FABRIC_STATE_INVALID) &&
	       s->key.conntrack_zone == FABRIC_BE16(spec->zone) &&
	       !(spec->flags & FABRIC_CT_FORCE);
}

/*
 * The usual "look, then commit": the packet belongs to its connection already, and must not count
 * or advance it again. 0: it has none yet.
 */
FABRIC_INLINE int fabric_repeat(struct __sk_buff *skb, struct fabric_scratch *s,
				const struct fabric_conntrack_spec *spec)
{
	fabric_u32 state = s->key.conntrack_state, is_reply = 0;
	struct fabric_connection *connection;

	if (state & (FABRIC_STATE_SOURCE_NAT | FABRIC_STATE_DESTINATION_NAT)) {
		/* Translated, it looks like the reverse of the other direction. */
		fabric_reverse(&s->wanted, &s->tuple);
		connection = fabric_find(&s->wanted, &is_reply);
		is_reply = !is_reply;
	} else {
		connection = fabric_find(&s->tuple, &is_reply);
	}
	if (!connection || connection->expires <= s->now)
		return 0;
	fabric_mark(connection, spec);
	fabric_finish(skb, s, spec, connection, state, is_reply);
	return 1;
}

SEC("tc")
int fabric_program_conntrack(struct __sk_buff *skb)
{
	struct fabric_scratch *s = fabric_current();
	struct fabric_conntrack_spec *spec;
	struct fabric_connection *connection;
	fabric_u32 is_reply = 0, state = FABRIC_STATE_TRACKED;
	int verdict;

	if (!s)
		return TC_ACT_SHOT;
	spec = fabric_spec_of(s);
	if (!spec || (s->is_stale && fabric_read_packet(skb, s)))
		return fabric_drop(FABRIC_DROP_ActionMalformed);
	if (s->key.fragment && s->rest)
		return fabric_hand_up(skb, s); /* The datagram comes back, whole. */
	if (!fabric_read_tuple(skb, s, spec->zone)) {
		fabric_say_invalid(s, spec->zone);
		return fabric_return(skb, s);
	}
	if (fabric_is_icmp_error(s->key.protocol, FABRIC_BE16(s->key.port_source)))
		return fabric_go(skb, FABRIC_PROGRAM_RELATED);
	if (fabric_is_repeat(s, spec) && fabric_repeat(skb, s, spec))
		return fabric_return(skb, s);

	connection = fabric_find_known(s, &is_reply);
	if (!connection)
		return fabric_is_read_first(s, spec) ? fabric_hand_up(skb, s)
						     : fabric_go(skb, FABRIC_PROGRAM_CREATE);
	if (connection->expires <= s->now ||
	    (is_reply && (spec->flags & (FABRIC_CT_FORCE | FABRIC_CT_COMMIT)) ==
				 (FABRIC_CT_FORCE | FABRIC_CT_COMMIT))) {
		fabric_end(connection, &s->quoted);
		return fabric_go(skb, FABRIC_PROGRAM_CREATE);
	}
	if (fabric_is_read(s, connection, is_reply))
		return fabric_hand_up(skb, s);
	verdict = fabric_advance(skb, s, connection, is_reply);
	if (verdict == FABRIC_TRACK_INVALID) {
		fabric_say_invalid(s, spec->zone);
		return fabric_return(skb, s);
	}
	if (verdict == FABRIC_TRACK_REOPENED) {
		fabric_end(connection, &s->quoted);
		return fabric_go(skb, FABRIC_PROGRAM_CREATE);
	}
	state |= verdict == FABRIC_TRACK_STILL_NEW ? FABRIC_STATE_NEW : FABRIC_STATE_ESTABLISHED;
	if (is_reply)
		state |= FABRIC_STATE_REPLY;
	if (connection->is_related)
		state |= FABRIC_STATE_RELATED;
	fabric_mark(connection, spec);
	fabric_finish(skb, s, spec, connection, state, is_reply);
	return fabric_return_tracked(skb, s, connection);
}

/* Takes the tuple that answers will have; a drop reason when it is another's. */
FABRIC_INLINE fabric_u32 fabric_take_reply(struct fabric_scratch *s,
					   const struct fabric_conntrack_spec *spec,
					   const struct fabric_expectation *expected)
{
	struct fabric_connection *fresh = (struct fabric_connection *)s->fresh;

	fabric_reverse(&s->wanted, &s->tuple);
	if (!expected && (spec->nat == FABRIC_NAT_SOURCE || spec->nat == FABRIC_NAT_DESTINATION)) {
		if (!fabric_choose(s, spec))
			return FABRIC_DROP_ConntrackNatExhausted;
		fabric_reverse(&s->quoted, &s->tuple);
		if (!fabric_same_tuple(&s->wanted, &s->quoted))
			fresh->nat = spec->nat;
		return 0;
	}
	if (expected && spec->nat != FABRIC_NAT_ABSENT) {
		s->wanted = expected->reply;
		s->wanted.port_destination = s->tuple.port_source;
		fresh->nat = (fabric_u8)expected->nat;
	}
	return bpf_map_update_elem(&fabric_replies, &s->wanted, &s->tuple, BPF_NOEXIST)
		       ? FABRIC_DROP_ConntrackNatExhausted
		       : 0;
}

/* Makes s->tuple a connection; a drop reason when it cannot. */
FABRIC_INLINE fabric_u32 fabric_create(struct __sk_buff *skb, struct fabric_scratch *s,
				       const struct fabric_conntrack_spec *spec,
				       const struct fabric_expectation *expected,
				       const struct fabric_connection *control)
{
	struct fabric_connection *fresh = (struct fabric_connection *)s->fresh;
	fabric_u32 zone = spec->zone, reason, i;
	struct fabric_zone *limits = bpf_map_lookup_elem(&fabric_zones, &zone);

	reason = fabric_take_place(spec->zone);
	if (reason)
		return reason;
#pragma unroll
	for (i = 0; i < sizeof(s->fresh) / 8; i++)
		s->fresh[i] = 0;
	fresh->original = s->tuple;
	fresh->started = s->now;
	fresh->limit_epoch = limits ? (fabric_u8)limits->epoch : 0;
	fresh->policy = spec->policy ? spec->policy : limits ? (fabric_u16)limits->policy : 0;
	if (s->tuple.protocol == FABRIC_PROTOCOL_TCP)
		fabric_tcp_start(&fresh->peers[0], &fresh->peers[1], &s->segment);
	fresh->packets[0] = 1;
	fresh->bytes[0] = skb->len;
	fresh->expires = s->now + fabric_life(fresh, fabric_timeout_of(fresh));
	if (expected) {
		fabric_inherit(fresh, control);
	} else {
		fresh->helper = fabric_helper_of(spec, s->tuple.protocol);
		fabric_set_marks(fresh, spec);
	}
	reason = fabric_take_reply(s, spec, expected);
	if (reason) {
		fabric_return_place(spec->zone, fresh->limit_epoch);
		return reason;
	}
	fresh->reply = s->wanted;
	if (bpf_map_update_elem(&fabric_connections, &s->tuple, fresh, BPF_NOEXIST)) {
		bpf_map_delete_elem(&fabric_replies, &s->wanted);
		fabric_return_place(spec->zone, fresh->limit_epoch);
		return FABRIC_DROP_ConntrackFull;
	}
	if (expected)
		fabric_fulfil(s, expected);
	fabric_tell(FABRIC_EVENT_NEW, fresh);
	return 0;
}

SEC("tc")
int fabric_program_create(struct __sk_buff *skb)
{
	struct fabric_scratch *s = fabric_current();
	fabric_u32 state = FABRIC_STATE_TRACKED | FABRIC_STATE_NEW, reason;
	struct fabric_expectation *expected = 0;
	struct fabric_conntrack_spec *spec;
	struct fabric_connection *control = 0;

	if (!s)
		return TC_ACT_SHOT;
	spec = fabric_spec_of(s);
	if (!spec)
		return fabric_drop(FABRIC_DROP_ActionMalformed);
	expected = fabric_find_expected(s);
	if (expected)
		control = fabric_control_of(s, expected);
	if (control)
		state |= FABRIC_STATE_RELATED;
	else
		expected = 0;
	if (!fabric_can_start(&s->tuple, &s->segment)) {
		fabric_say_invalid(s, spec->zone);
	} else if (spec->flags & FABRIC_CT_COMMIT) {
		reason = fabric_create(skb, s, spec, expected, control);
		if (reason) {
			fabric_drop(reason);
			fabric_say_invalid(s, spec->zone);
		} else {
			fabric_finish(skb, s, spec, (struct fabric_connection *)s->fresh, state, 0);
		}
	} else if (control) {
		fabric_key_tracked(&s->key, spec->zone, state, control);
	} else {
		fabric_key_state(&s->key, spec->zone, state);
		fabric_key_tuple(&s->key, &s->tuple);
	}
	return fabric_return(skb, s);
}

#endif
