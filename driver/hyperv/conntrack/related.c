/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* ICMP errors belong to the connection of the packet that they quote, and are translated with it. */
#include "connection.h"

/* The quoted packet's tuple; where its ports are, 0: not trackable. */
static ULONG fabric_read_quoted(const struct fabric_tracking *t, struct fabric_tuple *quoted)
{
	ULONG at = t->packet->layout.transport + 8u, size;
	BOOLEAN is_ipv6 = t->packet->key.ethernet_type == FABRIC_TYPE_IPV6;
	const UCHAR *ip = t->bytes + at;

	if (at + (is_ipv6 ? 40u : 20u) > t->size)
		return 0;
	size = fabric_quoted_size(ip, is_ipv6);
	if (!size || at + size + 8 > t->size)
		return 0;
	fabric_quoted_tuple(quoted, ip, ip + size, is_ipv6, t->spec->zone);
	return at + size;
}

/* Quoted bytes, two by two: the error's own checksum covers them. */
static VOID fabric_patch(struct fabric_packet *packet, ULONG offset, const UCHAR *bytes, ULONG size)
{
	ULONG i;

	for (i = 0; i < size; i += 2)
		fabric_set_icmp_word(packet, offset + i, fabric_wire16(bytes + i));
}

/* A quoted IPv4 address: the quoted header's own sum changes against it. */
static VOID fabric_patch4(struct fabric_packet *packet, ULONG header, ULONG offset,
			  const UCHAR *address)
{
	UCHAR *ip = packet->data + header, sum[2];

	memcpy(sum, ip + 10, 2);
	fabric_sum_change(sum, ip + offset, address, FALSE);
	fabric_sum_change(sum, ip + offset + 2, address + 2, FALSE);
	fabric_patch(packet, header + 10, sum, 2);
	fabric_patch(packet, header + offset, address, 4);
}

/* Makes the quoted packet 'wanted' again, and the error's own addresses fit. */
static BOOLEAN fabric_translate_error(struct fabric_tracking *t, const struct fabric_tuple *quoted,
				      const struct fabric_tuple *wanted, ULONG ports)
{
	struct fabric_packet *packet = t->packet;
	ULONG header = packet->layout.transport + 8u;

	if (!fabric_make_writable(packet) || ports + 8 > packet->data_size)
		return FALSE;
	if (packet->key.ethernet_type == FABRIC_TYPE_IPV4) {
		fabric_patch4(packet, header, 12, wanted->source + 12);
		fabric_patch4(packet, header, 16, wanted->destination + 12);
	} else {
		fabric_patch(packet, header + 8, wanted->source, 16);
		fabric_patch(packet, header + 24, wanted->destination, 16);
	}
	if (fabric_is_icmp(wanted->protocol)) {
		fabric_patch(packet, ports + 4, (const UCHAR *)&wanted->port_source, 2);
	} else {
		fabric_patch(packet, ports, (const UCHAR *)&wanted->port_source, 2);
		fabric_patch(packet, ports + 2, (const UCHAR *)&wanted->port_destination, 2);
	}
	/* t->tuple is the error's own. */
	if (!memcmp(t->tuple.source, quoted->destination, 16))
		fabric_nat_address(packet, FALSE, wanted->destination);
	fabric_nat_address(packet, TRUE, wanted->source);
	return fabric_extract(packet) == FABRIC_DROP_None;
}

VOID fabric_track_error(struct fabric_tracking *t)
{
	ULONG ports, state = FABRIC_STATE_TRACKED | FABRIC_STATE_RELATED;
	struct fabric_tuple quoted, answer;
	struct fabric_entry *entry = NULL;
	struct fabric_connection *connection;
	BOOLEAN is_reply = FALSE;

	ports = fabric_read_quoted(t, &quoted);
	if (ports) {
		/* The error travels against the packet that it quotes. */
		fabric_reverse(&answer, &quoted);
		entry = fabric_connection_find(t->table, &answer, &is_reply);
	}
	if (!entry || entry->connection.expires <= t->now) {
		fabric_say_invalid(t);
		return;
	}
	connection = &entry->connection;
	connection->packets[is_reply ? 1 : 0]++;
	connection->bytes[is_reply ? 1 : 0] += t->packet->length;
	if (is_reply)
		state |= FABRIC_STATE_REPLY;
	if (t->spec->nat != FABRIC_NAT_ABSENT && connection->nat != FABRIC_NAT_NONE) {
		state |= fabric_nat_state(connection);
		/* Beyond the translation the quoted packet looks as its sender sent it. */
		if (!fabric_translate_error(t, &quoted,
					    is_reply ? &connection->original : &connection->reply,
					    ports)) {
			fabric_say_invalid(t);
			return;
		}
	}
	fabric_key_tracked(&t->packet->key, t->spec->zone, state, connection);
}
