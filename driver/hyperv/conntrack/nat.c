/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Translation: the reply tuple of a new connection, and the bytes of packets that follow. */
#include "connection.h"

BOOLEAN fabric_nat_choose(struct fabric_tracking *t, struct fabric_tuple *reply)
{
	BOOLEAN is_ipv6 = t->packet->key.ethernet_type == FABRIC_TYPE_IPV6, is_reply;
	const struct fabric_conntrack_spec *spec = t->spec;
	struct fabric_tuple ends = t->tuple;
	struct fabric_nat_range range;
	ULONG ports, tried = 0, address, port;

	if (!(spec->flags & FABRIC_CT_HASH))
		ends.port_source = ends.port_destination = 0;
	range.hash = fabric_tuple_hash(&ends, spec->flags & FABRIC_CT_PERSISTENT ? 0
					      : spec->flags & FABRIC_CT_RANDOM ? (ULONG)t->now
									       : t->table->seed);
	fabric_nat_ports(&range, &t->tuple, spec);
	ports = fabric_nat_port_tries(&range);
	for (address = 0; address < fabric_nat_addresses(spec); address++) {
		for (port = 0; port < ports; port++) {
			fabric_nat_candidate(&range, spec, address, port, is_ipv6, reply);
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
