/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* The two directions of a connection, and what an ICMP error quotes of one. */
#ifndef FABRIC_TUPLE_H
#define FABRIC_TUPLE_H

#include "../include/fabric_kernel.h"
#include "fabric_parse.h"

FABRIC_INLINE int fabric_is_icmp(fabric_u8 protocol)
{
	return protocol == FABRIC_PROTOCOL_ICMP || protocol == FABRIC_PROTOCOL_ICMPV6;
}

FABRIC_INLINE int fabric_has_ports(fabric_u8 protocol)
{
	return protocol == FABRIC_PROTOCOL_TCP || protocol == FABRIC_PROTOCOL_UDP ||
	       protocol == FABRIC_PROTOCOL_SCTP;
}

FABRIC_INLINE int fabric_is_icmp_error(fabric_u8 protocol, fabric_u32 type)
{
	if (protocol == FABRIC_PROTOCOL_ICMP)
		return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
	return protocol == FABRIC_PROTOCOL_ICMPV6 && type >= 1 && type <= 4;
}

FABRIC_INLINE fabric_u8 fabric_icmp_answer(fabric_u8 protocol, fabric_u8 type)
{
	if (protocol == FABRIC_PROTOCOL_ICMP) {
		if (type == 8 || type == 0)
			return (fabric_u8)(8 - type);
		if (type == 13 || type == 14)
			return (fabric_u8)(27 - type); /* Timestamp. */
		if (type == 15 || type == 16)
			return (fabric_u8)(31 - type); /* Information. */
	} else if (type == 128 || type == 129) {
		return (fabric_u8)(257 - type);
	}
	return type;
}

/* An address as tuples have it, from one as it is on the wire. */
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

FABRIC_INLINE int fabric_same_tuple(const struct fabric_tuple *left,
				    const struct fabric_tuple *right)
{
	const fabric_u8 *a = left->source, *b = right->source;

	return !((fabric_wire64(a) ^ fabric_wire64(b)) |
		 (fabric_wire64(a + 8) ^ fabric_wire64(b + 8)) |
		 (fabric_wire64(a + 16) ^ fabric_wire64(b + 16)) |
		 (fabric_wire64(a + 24) ^ fabric_wire64(b + 24)) |
		 (fabric_wire64(a + 32) ^ fabric_wire64(b + 32)));
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

/* Size of the IP header that an ICMP error quotes, 0: what it quotes cannot be tracked. */
FABRIC_INLINE fabric_u32 fabric_quoted_size(const fabric_u8 *ip, int is_ipv6)
{
	if (is_ipv6)
		return ip[0] >> 4 == 6 ? 40 : 0;
	if (ip[0] >> 4 != 4 || (ip[0] & 15) < 5 || (fabric_read16(ip + 6) & 0x3fff))
		return 0;
	return (ip[0] & 15) * 4;
}

/* The tuple of a quoted packet, from its IP header and the eight bytes behind that. */
FABRIC_INLINE void fabric_quoted_tuple(struct fabric_tuple *quoted, const fabric_u8 *ip,
				       const fabric_u8 *ports, int is_ipv6, fabric_u16 zone)
{
	fabric_copy_address(quoted->source, ip + (is_ipv6 ? 8 : 12), is_ipv6);
	fabric_copy_address(quoted->destination, ip + (is_ipv6 ? 24 : 16), is_ipv6);
	quoted->zone = zone;
	quoted->protocol = is_ipv6 ? ip[6] : ip[9];
	quoted->icmp_type = 0;
	quoted->port_source = fabric_wire16(ports);
	quoted->port_destination = fabric_wire16(ports + 2);
	if (fabric_is_icmp(quoted->protocol)) {
		quoted->icmp_type = ports[0];
		quoted->port_source = fabric_wire16(ports + 4);
		quoted->port_destination = FABRIC_BE16(ports[1]);
	}
}

#endif
