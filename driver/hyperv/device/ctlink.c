/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Connections and their limits as messages. Those of connections have the netfilter form: the type
 * is subsystem 1 and the command, the head has nfgenmsg where others have genlmsghdr.
 */
#include "../conntrack/connection.h"
#include "netlink.h"

enum { CT_NEW, CT_GET, CT_DELETE };
enum {
	CTA_ORIGINAL = 1, CTA_REPLY = 2, CTA_STATUS = 3, CTA_INFO = 4, CTA_TIMEOUT = 7,
	CTA_MARK = 8, CTA_COUNTERS_ORIGINAL = 9, CTA_COUNTERS_REPLY = 10, CTA_ID = 12,
	CTA_ZONE = 18, CTA_TIMESTAMP = 20, CTA_LABELS = 22
};
enum { TUPLE_IP = 1, TUPLE_PROTOCOL = 2 };
enum { IP_V4_SOURCE = 1, IP_V4_DESTINATION, IP_V6_SOURCE, IP_V6_DESTINATION };
enum {
	PROTOCOL_NUMBER = 1, PROTOCOL_SOURCE, PROTOCOL_DESTINATION, PROTOCOL_ICMP_ID,
	PROTOCOL_ICMP_TYPE, PROTOCOL_ICMP_CODE, PROTOCOL_ICMPV6_ID, PROTOCOL_ICMPV6_TYPE,
	PROTOCOL_ICMPV6_CODE
};
enum { LIMIT_SET = 1, LIMIT_DELETE, LIMIT_GET };
enum { FAMILY_IPV4 = 2, FAMILY_IPV6 = 23, LIMIT_SIZE = 12, FLUSH_PART = 4096 };

static BOOLEAN fabric_is_mapped(const UCHAR *address)
{
	static const UCHAR prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255 };

	return !memcmp(address, prefix, sizeof(prefix));
}

static VOID fabric_write_be32(struct fabric_writer *writer, ULONG type, ULONG value)
{
	fabric_u32 wire = FABRIC_BE32(value);

	fabric_write(writer, type, &wire, 4);
}

static VOID fabric_write_be64(struct fabric_writer *writer, ULONG type, ULONG64 value)
{
	fabric_u32 wire[2];

	wire[0] = FABRIC_BE32((ULONG)(value >> 32));
	wire[1] = FABRIC_BE32((ULONG)value);
	fabric_write(writer, type, wire, 8);
}

static VOID fabric_tuple_write(struct fabric_writer *writer, ULONG type,
			       const struct fabric_tuple *tuple)
{
	ULONG nest = fabric_write_nest(writer, type), inner = fabric_write_nest(writer, TUPLE_IP);
	ULONG shift = tuple->protocol == FABRIC_PROTOCOL_ICMPV6 ? 3 : 0;
	UCHAR code = (UCHAR)FABRIC_BE16(tuple->port_destination);

	if (fabric_is_mapped(tuple->source)) {
		fabric_write(writer, IP_V4_SOURCE, tuple->source + 12, 4);
		fabric_write(writer, IP_V4_DESTINATION, tuple->destination + 12, 4);
	} else {
		fabric_write(writer, IP_V6_SOURCE, tuple->source, 16);
		fabric_write(writer, IP_V6_DESTINATION, tuple->destination, 16);
	}
	fabric_write_nest_end(writer, inner);
	inner = fabric_write_nest(writer, TUPLE_PROTOCOL);
	fabric_write(writer, PROTOCOL_NUMBER, &tuple->protocol, 1);
	if (fabric_is_icmp(tuple->protocol)) {
		fabric_write(writer, PROTOCOL_ICMP_ID + shift, &tuple->port_source, 2);
		fabric_write(writer, PROTOCOL_ICMP_TYPE + shift, &tuple->icmp_type, 1);
		fabric_write(writer, PROTOCOL_ICMP_CODE + shift, &code, 1);
	} else {
		fabric_write(writer, PROTOCOL_SOURCE, &tuple->port_source, 2);
		fabric_write(writer, PROTOCOL_DESTINATION, &tuple->port_destination, 2);
	}
	fabric_write_nest_end(writer, inner);
	fabric_write_nest_end(writer, nest);
}

static VOID fabric_counters_write(struct fabric_writer *writer, ULONG type, ULONG64 packets,
				  ULONG64 bytes)
{
	ULONG nest = fabric_write_nest(writer, type);

	fabric_write_be64(writer, 1, packets);
	fabric_write_be64(writer, 2, bytes);
	fabric_write_nest_end(writer, nest);
}

/* The later end's state, as the tools print it. */
static VOID fabric_state_write(struct fabric_writer *writer,
			       const struct fabric_connection *connection)
{
	UCHAR state = connection->peers[0].state > connection->peers[1].state
			      ? connection->peers[0].state : connection->peers[1].state;
	ULONG info = fabric_write_nest(writer, CTA_INFO), tcp = fabric_write_nest(writer, 1);

	if (state == FABRIC_TCP_FIN_WAIT2)
		state = FABRIC_TCP_TIME_WAIT;
	fabric_write(writer, 1, &state, 1);
	fabric_write_nest_end(writer, tcp);
	fabric_write_nest_end(writer, info);
}

VOID fabric_connection_write(struct fabric_writer *writer, const struct fabric_entry *entry,
			     UCHAR command, ULONG flags, ULONG sequence, ULONG pid, ULONG64 now)
{
	const struct fabric_connection *connection = &entry->connection;
	BOOLEAN is_ipv4 = fabric_is_mapped(connection->original.source);
	ULONG64 left = connection->expires > now ? connection->expires - now : 0;
	ULONG start, nest;
	fabric_u16 zone = FABRIC_BE16(connection->original.zone);

	start = fabric_write_start(writer, 0x100u | command, flags, sequence, pid,
				   is_ipv4 ? FAMILY_IPV4 : FAMILY_IPV6, 0);
	fabric_tuple_write(writer, CTA_ORIGINAL, &connection->original);
	fabric_tuple_write(writer, CTA_REPLY, &connection->reply);
	fabric_write_be32(writer, CTA_STATUS, 0);
	if (connection->original.protocol == FABRIC_PROTOCOL_TCP)
		fabric_state_write(writer, connection);
	fabric_write_be32(writer, CTA_TIMEOUT, (ULONG)(left / FABRIC_SECOND));
	fabric_write(writer, CTA_MARK, &connection->mark, 4); /* Network order already. */
	fabric_counters_write(writer, CTA_COUNTERS_ORIGINAL, connection->packets[0],
			      connection->bytes[0]);
	fabric_counters_write(writer, CTA_COUNTERS_REPLY, connection->packets[1],
			      connection->bytes[1]);
	fabric_write_be32(writer, CTA_ID, entry->id);
	fabric_write(writer, CTA_ZONE, &zone, 2);
	nest = fabric_write_nest(writer, CTA_TIMESTAMP);
	fabric_write_be64(writer, 1, connection->started * 100);
	fabric_write_nest_end(writer, nest);
	fabric_write(writer, CTA_LABELS, connection->label, 16);
	fabric_write_end(writer, start);
}

/* One connection a read; *at is the bucket, *index the place in it. FALSE: that was the last. */
BOOLEAN fabric_connection_next(struct fabric_extension *extension,
			       const struct fabric_message *request, ULONG *at, ULONG *index,
			       struct fabric_writer *reply)
{
	struct fabric_connections *table = extension->connections;
	ULONG64 now = KeQueryInterruptTime();
	BOOLEAN is_found = FALSE;
	LOCK_STATE_EX state;

	NdisAcquireRWLockRead(table->lock, &state, 0);
	for (; !is_found && *at < table->bucket_count; (*at)++, *index = 0) {
		struct fabric_entry *entry = table->originals[*at];
		ULONG place = 0;

		while (entry && (place < *index || entry->connection.expires <= now)) {
			place++;
			entry = entry->next_original;
		}
		if (!entry)
			continue;
		fabric_connection_write(reply, entry, CT_NEW, FABRIC_NLM_MULTI, request->sequence,
					request->pid, now);
		*index = place + 1;
		is_found = TRUE;
		break;
	}
	NdisReleaseRWLock(table->lock, &state);
	return is_found;
}

static BOOLEAN fabric_tuple_parse(const struct fabric_attribute *attribute, USHORT zone,
				  struct fabric_tuple *tuple)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX], ip[FABRIC_NL_ATTRIBUTES_MAX];
	struct fabric_attribute p[FABRIC_NL_ATTRIBUTES_MAX];
	ULONG shift, i;

	memset(tuple, 0, sizeof(*tuple));
	tuple->zone = zone;
	if (!fabric_attributes(attribute->data, attribute->size, a) || !a[TUPLE_IP].data ||
	    !a[TUPLE_PROTOCOL].data ||
	    !fabric_attributes(a[TUPLE_IP].data, a[TUPLE_IP].size, ip) ||
	    !fabric_attributes(a[TUPLE_PROTOCOL].data, a[TUPLE_PROTOCOL].size, p) ||
	    !p[PROTOCOL_NUMBER].data || !p[PROTOCOL_NUMBER].size)
		return FALSE;
	for (i = 0; i < 2; i++) {
		UCHAR *to = i ? tuple->destination : tuple->source;

		if (ip[IP_V6_SOURCE + i].data && ip[IP_V6_SOURCE + i].size >= 16) {
			memcpy(to, ip[IP_V6_SOURCE + i].data, 16);
		} else if (ip[IP_V4_SOURCE + i].data && ip[IP_V4_SOURCE + i].size >= 4) {
			to[10] = to[11] = 0xff;
			memcpy(to + 12, ip[IP_V4_SOURCE + i].data, 4);
		} else {
			return FALSE;
		}
	}
	tuple->protocol = p[PROTOCOL_NUMBER].data[0];
	shift = tuple->protocol == FABRIC_PROTOCOL_ICMPV6 ? 3 : 0;
	if (fabric_is_icmp(tuple->protocol)) {
		if (p[PROTOCOL_ICMP_ID + shift].size >= 2)
			memcpy(&tuple->port_source, p[PROTOCOL_ICMP_ID + shift].data, 2);
		if (p[PROTOCOL_ICMP_TYPE + shift].size)
			tuple->icmp_type = p[PROTOCOL_ICMP_TYPE + shift].data[0];
		if (p[PROTOCOL_ICMP_CODE + shift].size)
			tuple->port_destination =
				FABRIC_BE16(p[PROTOCOL_ICMP_CODE + shift].data[0]);
		return TRUE;
	}
	if (p[PROTOCOL_SOURCE].size >= 2)
		memcpy(&tuple->port_source, p[PROTOCOL_SOURCE].data, 2);
	if (p[PROTOCOL_DESTINATION].size >= 2)
		memcpy(&tuple->port_destination, p[PROTOCOL_DESTINATION].data, 2);
	return TRUE;
}

/*
 * All of a zone, or all there are: a part of the table at a time, so that no processor is held at
 * DISPATCH_LEVEL for long. A table that grows meanwhile is walked on: entries of a bucket only move
 * to buckets behind it.
 */
static VOID fabric_connections_flush(struct fabric_extension *extension, BOOLEAN has_zone,
				     USHORT zone)
{
	struct fabric_connections *table = extension->connections;
	BOOLEAN is_over = FALSE;
	ULONG i = 0, end;
	LOCK_STATE_EX state;

	while (!is_over) {
		NdisAcquireRWLockWrite(table->lock, &state, 0);
		for (end = i + FLUSH_PART; i < table->bucket_count && i < end; i++) {
			struct fabric_entry *entry = table->originals[i];

			while (entry) {
				struct fabric_entry *next = entry->next_original;

				if (!has_zone || entry->connection.original.zone == zone)
					fabric_connection_end(extension, entry);
				entry = next;
			}
		}
		is_over = i >= table->bucket_count;
		NdisReleaseRWLock(table->lock, &state);
		fabric_device_wake();
	}
}

VOID fabric_connection_request(struct fabric_extension *extension,
			       const struct fabric_message *request, struct fabric_writer *reply)
{
	struct fabric_connections *table = extension->connections;
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	struct fabric_tuple tuple;
	struct fabric_entry *entry;
	BOOLEAN is_reply, has_zone;
	int error = 0;
	LOCK_STATE_EX state;
	USHORT zone;

	if ((request->type & 0xff) != CT_DELETE ||
	    !fabric_attributes(request->attributes, request->attributes_size, a)) {
		fabric_write_error(reply, request, FABRIC_EINVAL);
		return;
	}
	has_zone = a[CTA_ZONE].data && a[CTA_ZONE].size >= 2;
	zone = has_zone ? fabric_read16(a[CTA_ZONE].data) : 0;
	if (!a[CTA_ORIGINAL].data) {
		fabric_connections_flush(extension, has_zone, zone);
		fabric_write_error(reply, request, 0);
		return;
	}
	NdisAcquireRWLockWrite(table->lock, &state, 0);
	if (!fabric_tuple_parse(&a[CTA_ORIGINAL], zone, &tuple)) {
		error = FABRIC_EINVAL;
	} else {
		entry = fabric_connection_find(table, &tuple, &is_reply);
		if (entry && is_reply)
			entry = NULL;
		if (entry)
			fabric_connection_end(extension, entry);
		else
			error = FABRIC_ENOENT;
	}
	NdisReleaseRWLock(table->lock, &state);
	fabric_write_error(reply, request, error);
}

static VOID fabric_limit_write(struct fabric_writer *writer, LONG zone, ULONG limit, ULONG count)
{
	ULONG item[3] = { (ULONG)zone, limit == FABRIC_NO_LIMIT ? 0 : limit, count };

	fabric_write_bytes(writer, item, sizeof(item));
}

static VOID fabric_limits_get(struct fabric_connections *table, const UCHAR *items, ULONG size,
			      struct fabric_writer *reply)
{
	ULONG nest = fabric_write_nest(reply, 1), at;
	LONG zone;

	if (!size) {
		fabric_limit_write(reply, -1, table->zone_default, 0);
		for (zone = 0; zone < FABRIC_ZONES && reply->size - reply->at > 64; zone++)
			if (table->zone_limits[zone] != FABRIC_NO_LIMIT)
				fabric_limit_write(reply, zone, table->zone_limits[zone],
						   table->zone_counts[zone]);
	}
	for (at = 0; at + LIMIT_SIZE <= size; at += LIMIT_SIZE) {
		memcpy(&zone, items + at, 4);
		if (zone == -1)
			fabric_limit_write(reply, zone, table->zone_default, 0);
		else if (zone >= 0 && zone < FABRIC_ZONES)
			fabric_limit_write(reply, zone,
					   table->zone_limits[zone] == FABRIC_NO_LIMIT
						   ? table->zone_default
						   : table->zone_limits[zone],
					   table->zone_counts[zone]);
	}
	fabric_write_nest_end(reply, nest);
}

static VOID fabric_limits_change(struct fabric_connections *table, const UCHAR *items, ULONG size,
				 BOOLEAN is_deleted)
{
	ULONG at, limit;
	LONG zone;

	for (at = 0; at + LIMIT_SIZE <= size; at += LIMIT_SIZE) {
		memcpy(&zone, items + at, 4);
		memcpy(&limit, items + at + 4, 4);
		/* 0 lifts a limit, as the published driver and the kernel's module have it. */
		if (is_deleted || !limit)
			limit = FABRIC_NO_LIMIT;
		if (zone == -1)
			table->zone_default = limit;
		else if (zone >= 0 && zone < FABRIC_ZONES)
			table->zone_limits[zone] = limit;
	}
}

VOID fabric_limit_request(struct fabric_extension *extension, const struct fabric_message *request,
			  struct fabric_writer *reply)
{
	struct fabric_connections *table = extension->connections;
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	LOCK_STATE_EX state;
	ULONG start;

	if (!fabric_attributes(request->attributes, request->attributes_size, a) ||
	    request->command < LIMIT_SET || request->command > LIMIT_GET ||
	    (request->command != LIMIT_GET && !a[1].data)) {
		fabric_write_error(reply, request, FABRIC_EINVAL);
		return;
	}
	NdisAcquireRWLockWrite(table->lock, &state, 0);
	if (request->command == LIMIT_GET) {
		start = fabric_write_start(reply, FABRIC_FAMILY_LIMIT, 0, request->sequence,
					   request->pid, LIMIT_GET, 1);
		fabric_limits_get(table, a[1].data, a[1].size, reply);
		fabric_write_end(reply, start);
	} else {
		fabric_limits_change(table, a[1].data, a[1].size,
				     request->command == LIMIT_DELETE);
		fabric_write_error(reply, request, 0);
	}
	NdisReleaseRWLock(table->lock, &state);
}
