/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Translation: the reply tuple of a new connection, and the bytes of packets that follow.
 * Addresses are chosen by a hash of the two ends, ports start at the connection's own where the
 * range allows and walk it, then the next address: the rules of the managed NatAllocator.
 */
#include "connection.h"

#define FABRIC_NAT_TRIES_PER_ADDRESS 1024
#define FABRIC_NAT_TRIES_MAX 8192

struct fabric_choice {
	ULONG hash;
	ULONG port_min, port_count, port_start;
	BOOLEAN is_ipv6;
};

static VOID fabric_add_offset(UCHAR *address, ULONG offset, BOOLEAN is_ipv6)
{
	ULONG i = 16, last = is_ipv6 ? 8 : 12;

	while (i-- > last) {
		offset += address[i];
		address[i] = (UCHAR)offset;
		offset >>= 8;
	}
}

static VOID fabric_port_range(const struct fabric_tracking *t, struct fabric_choice *choice)
{
	const struct fabric_conntrack_spec *spec = t->spec;
	UCHAR protocol = t->tuple.protocol;
	BOOLEAN is_source = spec->nat == FABRIC_NAT_SOURCE || fabric_is_icmp(protocol);
	ULONG own = FABRIC_BE16(is_source ? t->tuple.port_source : t->tuple.port_destination);
	ULONG min = own, max = own;

	if (!fabric_is_icmp(protocol) && protocol != FABRIC_PROTOCOL_TCP &&
	    protocol != FABRIC_PROTOCOL_UDP && protocol != FABRIC_PROTOCOL_SCTP)
		return;
	if (fabric_is_icmp(protocol)) {
		min = 0;
		max = 65535;
	} else if (spec->port_min) {
		min = spec->port_min;
		max = spec->port_max < min ? min : spec->port_max;
	} else if (is_source) {
		min = own < 512 ? 1 : own < 1024 ? 512 : 1024;
		max = own < 512 ? 511 : own < 1024 ? 1023 : 65535;
	}
	choice->port_min = min;
	choice->port_count = max - min + 1;
	if (own >= min && own <= max && !(spec->flags & FABRIC_CT_RANDOM))
		choice->port_start = own - min;
	else
		choice->port_start = choice->hash % choice->port_count;
}

/* The index-th address and port that may be. */
static VOID fabric_candidate(const struct fabric_tracking *t, const struct fabric_choice *choice,
			     ULONG address, ULONG port, struct fabric_tuple *reply)
{
	const struct fabric_conntrack_spec *spec = t->spec;
	ULONG count = spec->address_count ? spec->address_count : 1;

	if (spec->has_address) {
		UCHAR *to = spec->nat == FABRIC_NAT_SOURCE ? reply->destination : reply->source;

		memcpy(to, spec->address_min, 16);
		fabric_add_offset(to, (choice->hash + address) % count, choice->is_ipv6);
	}
	if (!choice->port_count)
		return;
	port = choice->port_min + (choice->port_start + port) % choice->port_count;
	if (spec->nat == FABRIC_NAT_SOURCE && !fabric_is_icmp(reply->protocol))
		reply->port_destination = FABRIC_BE16(port);
	else
		reply->port_source = FABRIC_BE16(port);
}

BOOLEAN fabric_nat_choose(struct fabric_tracking *t, struct fabric_tuple *reply)
{
	const struct fabric_conntrack_spec *spec = t->spec;
	struct fabric_tuple ends = t->tuple;
	struct fabric_choice choice;
	ULONG ports, addresses, tried = 0, address, port;
	BOOLEAN is_reply;

	memset(&choice, 0, sizeof(choice));
	choice.is_ipv6 = t->packet->key.ethernet_type == FABRIC_TYPE_IPV6;
	if (!(spec->flags & FABRIC_CT_HASH))
		ends.port_source = ends.port_destination = 0;
	choice.hash = fabric_tuple_hash(
		&ends, spec->flags & FABRIC_CT_PERSISTENT ? 0
		       : spec->flags & FABRIC_CT_RANDOM ? (ULONG)t->now : t->table->seed);
	fabric_port_range(t, &choice);
	ports = choice.port_count < 1 ? 1 : choice.port_count;
	if (ports > FABRIC_NAT_TRIES_PER_ADDRESS)
		ports = FABRIC_NAT_TRIES_PER_ADDRESS;
	addresses = spec->has_address && spec->address_count ? spec->address_count : 1;
	for (address = 0; address < addresses; address++) {
		for (port = 0; port < ports; port++) {
			fabric_candidate(t, &choice, address, port, reply);
			if (!fabric_connection_find(t->table, reply, &is_reply))
				return TRUE;
			if (++tried == FABRIC_NAT_TRIES_MAX)
				return FALSE;
		}
	}
	return FALSE;
}

VOID fabric_nat_address(struct fabric_packet *packet, BOOLEAN is_destination, const UCHAR *address)
{
	UCHAR value[40] = { 0 }, mask[40] = { 0 };

	if (packet->key.ethernet_type == FABRIC_TYPE_IPV4) {
		memcpy(value + (is_destination ? 4 : 0), address + 12, 4);
		memset(mask + (is_destination ? 4 : 0), 255, 4);
		fabric_set_ipv4(packet, value, mask);
	} else {
		memcpy(value + (is_destination ? 16 : 0), address, 16);
		memset(mask + (is_destination ? 16 : 0), 255, 16);
		fabric_set_ipv6(packet, value, mask);
	}
}

BOOLEAN fabric_nat_rewrite(struct fabric_packet *packet, const struct fabric_tuple *wanted)
{
	static const UCHAR all[4] = { 255, 255, 255, 255 };
	UCHAR ports[4];

	if (!fabric_make_writable(packet) ||
	    packet->layout.transport + 20u > packet->data_size)
		return FALSE;
	fabric_nat_address(packet, FALSE, wanted->source);
	fabric_nat_address(packet, TRUE, wanted->destination);
	if (fabric_is_icmp(wanted->protocol)) {
		fabric_set_icmp_word(packet, packet->layout.transport + 4u, wanted->port_source);
	} else {
		memcpy(ports, &wanted->port_source, 2);
		memcpy(ports + 2, &wanted->port_destination, 2);
		fabric_set_ports(packet, ports, all);
	}
	return fabric_extract(packet) == FABRIC_DROP_None;
}
