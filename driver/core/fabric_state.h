/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* What packets do to their connection, and what their key says of it from then on. */
#ifndef FABRIC_STATE_H
#define FABRIC_STATE_H

#include "fabric_tcp.h"
#include "fabric_tuple.h"

#define FABRIC_STATE_NEW 0x01
#define FABRIC_STATE_ESTABLISHED 0x02
#define FABRIC_STATE_RELATED 0x04
#define FABRIC_STATE_REPLY 0x08
#define FABRIC_STATE_INVALID 0x10
#define FABRIC_STATE_TRACKED 0x20
#define FABRIC_STATE_SOURCE_NAT 0x40
#define FABRIC_STATE_DESTINATION_NAT 0x80

enum fabric_event_kind { FABRIC_EVENT_NEW, FABRIC_EVENT_UPDATED, FABRIC_EVENT_DESTROYED };

FABRIC_INLINE int fabric_can_start(const struct fabric_tuple *tuple,
				   const struct fabric_tcp_segment *segment)
{
	fabric_u8 type = tuple->icmp_type;

	if (tuple->protocol == FABRIC_PROTOCOL_TCP)
		return fabric_tcp_can_start(segment);
	if (tuple->protocol == FABRIC_PROTOCOL_ICMP)
		return type == 8 || type == 13 || type == 15;
	if (tuple->protocol == FABRIC_PROTOCOL_ICMPV6)
		return type == 128;
	return 1;
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

/* One packet of a connection that is not TCP's: an enum fabric_track. */
FABRIC_INLINE int fabric_generic_update(struct fabric_connection *connection, int is_reply)
{
	if (is_reply)
		connection->generic = 2;
	else if (connection->generic != 2 && !fabric_is_icmp(connection->original.protocol))
		connection->generic = 1;
	return connection->generic == 2 ? FABRIC_TRACK_ESTABLISHED : FABRIC_TRACK_STILL_NEW;
}

/* 1 when a mark or a label became another one. */
FABRIC_INLINE int fabric_set_marks(struct fabric_connection *connection,
				   const struct fabric_conntrack_spec *spec)
{
	fabric_u64 before[2] = { fabric_wire64(connection->label),
				 fabric_wire64(connection->label + 8) };
	fabric_u64 mask[2] = { fabric_wire64(spec->label_mask),
			       fabric_wire64(spec->label_mask + 8) };
	fabric_u64 after[2];
	fabric_u32 mark = (connection->mark & ~spec->mark_mask) | (spec->mark & spec->mark_mask);

	after[0] = (before[0] & ~mask[0]) | (fabric_wire64(spec->label) & mask[0]);
	after[1] = (before[1] & ~mask[1]) | (fabric_wire64(spec->label + 8) & mask[1]);
	if (mark == connection->mark && after[0] == before[0] && after[1] == before[1])
		return 0;
	connection->mark = mark;
	__builtin_memcpy(connection->label, after, 16);
	return 1;
}

/* The state bit of a translated connection. */
FABRIC_INLINE fabric_u32 fabric_nat_state(const struct fabric_connection *connection)
{
	return connection->nat == FABRIC_NAT_SOURCE ? FABRIC_STATE_SOURCE_NAT
						    : FABRIC_STATE_DESTINATION_NAT;
}

FABRIC_INLINE void fabric_key_forget(struct fabric_flow_key *key)
{
	key->conntrack_state = 0;
	key->conntrack_zone = 0;
	key->conntrack_mark = 0;
	key->conntrack_protocol = 0;
	__builtin_memset(key->conntrack_label, 0, sizeof(key->conntrack_label));
	key->conntrack_source = key->conntrack_destination = 0;
	key->conntrack_port_source = key->conntrack_port_destination = 0;
}

/* A state and no connection. */
FABRIC_INLINE void fabric_key_state(struct fabric_flow_key *key, fabric_u16 zone,
				    fabric_u32 state)
{
	fabric_key_forget(key);
	key->conntrack_zone = FABRIC_BE16(zone);
	key->conntrack_state = (fabric_u8)state;
}

/* The original tuple of a packet's connection, or of the one that it could begin. */
FABRIC_INLINE void fabric_key_tuple(struct fabric_flow_key *key, const struct fabric_tuple *tuple)
{
	key->conntrack_protocol = tuple->protocol;
	if (key->ethernet_type == FABRIC_TYPE_IPV4) {
		key->conntrack_source = fabric_wire32(tuple->source + 12);
		key->conntrack_destination = fabric_wire32(tuple->destination + 12);
	}
	key->conntrack_port_source = fabric_is_icmp(tuple->protocol)
					     ? FABRIC_BE16(tuple->icmp_type)
					     : tuple->port_source;
	key->conntrack_port_destination = tuple->port_destination;
}

FABRIC_INLINE void fabric_key_tracked(struct fabric_flow_key *key, fabric_u16 zone,
				      fabric_u32 state,
				      const struct fabric_connection *connection)
{
	fabric_key_state(key, zone, state);
	key->conntrack_mark = connection->mark;
	__builtin_memcpy(key->conntrack_label, connection->label, 16);
	fabric_key_tuple(key, &connection->original);
}

#endif
