/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* The action ct: a packet against its connection, and what its key says of it from then on. */
#include "connection.h"
#include "fragments.h"

#define FABRIC_TRACK_BYTES 512 /* What is looked at of a packet, at most. */

VOID fabric_say_invalid(struct fabric_tracking *t)
{
	InterlockedExchangeAdd64(&t->packet->extension->drops[FABRIC_DROP_ConntrackInvalid], 1);
	fabric_key_state(&t->packet->key, t->spec->zone,
			 FABRIC_STATE_TRACKED | FABRIC_STATE_INVALID);
}

/* FALSE when the header lies about its size, or is not within the bytes at hand. */
static BOOLEAN fabric_read_segment(struct fabric_tracking *t)
{
	ULONG at = t->packet->layout.transport, payload = t->packet->layout.payload, size;
	const UCHAR *tcp = t->bytes + at;
	UCHAR options[64] = { 0 };

	if (!payload || payload < at + 20 || payload > t->end || payload > t->size)
		return FALSE;
	fabric_tcp_read(&t->segment, tcp, t->end - payload);
	size = payload - at - 20;
	if (!(tcp[13] & FABRIC_TCP_SYN) || size > FABRIC_TCP_OPTIONS_BYTES)
		return TRUE;
	memcpy(options, tcp + 20, size);
	t->segment.scale_option = fabric_tcp_read_scale(options, size);
	return TRUE;
}

/* FALSE: it cannot be tracked. */
static BOOLEAN fabric_read_tuple(struct fabric_tracking *t)
{
	const struct fabric_packet *packet = t->packet;
	const struct fabric_flow_key *key = &packet->key;
	BOOLEAN is_ipv6 = key->ethernet_type == FABRIC_TYPE_IPV6;
	ULONG at = packet->layout.transport;

	if ((!is_ipv6 && key->ethernet_type != FABRIC_TYPE_IPV4) || key->fragment || !at ||
	    at + 8u > t->size)
		return FALSE;
	t->end = packet->layout.network + fabric_read16(t->bytes + packet->layout.network +
							 (is_ipv6 ? 4 : 2)) + (is_ipv6 ? 40 : 0);
	if (fabric_segment_size(packet->list))
		t->end = packet->buffer->DataLength;
	fabric_copy_address(t->tuple.source, key->source, is_ipv6);
	fabric_copy_address(t->tuple.destination, key->destination, is_ipv6);
	t->tuple.zone = t->spec->zone;
	t->tuple.protocol = key->protocol;
	t->tuple.port_source = key->port_source;
	t->tuple.port_destination = key->port_destination;
	switch (key->protocol) {
	case FABRIC_PROTOCOL_TCP:
		return fabric_read_segment(t);
	case FABRIC_PROTOCOL_UDP:
		return fabric_read16(t->bytes + at + 4) >= 8 &&
		       at + (ULONG)fabric_read16(t->bytes + at + 4) <= t->end;
	case FABRIC_PROTOCOL_ICMP:
	case FABRIC_PROTOCOL_ICMPV6:
		t->tuple.icmp_type = (UCHAR)FABRIC_BE16(key->port_source);
		t->tuple.port_source = fabric_wire16(t->bytes + at + 4);
		return TRUE;
	case FABRIC_PROTOCOL_SCTP:
		return TRUE;
	default:
		t->tuple.port_source = t->tuple.port_destination = 0;
		return TRUE;
	}
}

/* One packet of a known connection: what it means, and all that it changes. */
static int fabric_advance(struct fabric_tracking *t, struct fabric_connection *connection,
			  BOOLEAN is_reply)
{
	UCHAR protocol = connection->original.protocol;
	ULONG side = is_reply ? 1 : 0;
	fabric_u32 timeout = 0;
	int verdict;

	if (protocol == FABRIC_PROTOCOL_TCP) {
		verdict = fabric_tcp_update(&connection->peers[side], &connection->peers[1 - side],
					    &t->segment, 1, &timeout);
	} else {
		verdict = fabric_generic_update(connection, is_reply);
		timeout = fabric_timeout_of(connection);
	}
	if (verdict != FABRIC_TRACK_ESTABLISHED && verdict != FABRIC_TRACK_STILL_NEW)
		return verdict;
	connection->packets[side]++;
	connection->bytes[side] += t->packet->length;
	if (timeout != FABRIC_TIMEOUT_KEEP)
		connection->expires = t->now + fabric_timeout_ticks(timeout);
	return verdict;
}

/* Translation and key of a packet whose connection is known. */
static VOID fabric_track_finish(struct fabric_tracking *t, const struct fabric_connection *connection,
				ULONG state, BOOLEAN is_reply)
{
	BOOLEAN is_whole = TRUE;
	struct fabric_tuple wanted;

	if (t->spec->nat != FABRIC_NAT_ABSENT && connection->nat != FABRIC_NAT_NONE) {
		state |= fabric_nat_state(connection);
		fabric_reverse(&wanted, is_reply ? &connection->original : &connection->reply);
		is_whole = fabric_nat_rewrite(t->packet, &wanted);
	}
	if (is_whole)
		fabric_key_tracked(&t->packet->key, t->spec->zone, state, connection);
	else
		fabric_say_invalid(t);
}

/* A new connection; a drop reason when there can be none. */
static int fabric_track_commit(struct fabric_tracking *t, struct fabric_entry **made)
{
	struct fabric_entry *entry = fabric_allocate(sizeof(*entry));
	struct fabric_connection *connection;
	struct fabric_tuple plain;
	BOOLEAN is_reply;
	int reason;

	if (!entry)
		return FABRIC_DROP_ConntrackFull;
	connection = &entry->connection;
	connection->original = t->tuple;
	connection->started = t->now;
	connection->packets[0] = 1;
	connection->bytes[0] = t->packet->length;
	if (t->tuple.protocol == FABRIC_PROTOCOL_TCP)
		fabric_tcp_start(&connection->peers[0], &connection->peers[1], &t->segment);
	connection->expires = t->now + fabric_timeout_ticks(fabric_timeout_of(connection));
	fabric_set_marks(connection, t->spec);
	fabric_reverse(&plain, &t->tuple);
	connection->reply = plain;
	reason = FABRIC_DROP_ConntrackNatExhausted;
	if (t->spec->nat == FABRIC_NAT_SOURCE || t->spec->nat == FABRIC_NAT_DESTINATION) {
		if (fabric_nat_choose(t, &connection->reply))
			reason = fabric_connection_add(t->table, entry);
		if (!fabric_same_tuple(&plain, &connection->reply))
			connection->nat = t->spec->nat;
	} else if (!fabric_connection_find(t->table, &plain, &is_reply)) {
		reason = fabric_connection_add(t->table, entry);
	}
	if (reason != FABRIC_DROP_None) {
		fabric_free(entry);
		return reason;
	}
	fabric_device_connection(entry, FABRIC_EVENT_NEW);
	*made = entry;
	return FABRIC_DROP_None;
}

static VOID fabric_track_first(struct fabric_tracking *t)
{
	const ULONG state = FABRIC_STATE_TRACKED | FABRIC_STATE_NEW;
	struct fabric_entry *entry;
	int reason;

	if (!fabric_can_start(&t->tuple, &t->segment)) {
		fabric_say_invalid(t);
		return;
	}
	if (!(t->spec->flags & (FABRIC_CT_COMMIT | FABRIC_CT_FORCE))) {
		fabric_key_state(&t->packet->key, t->spec->zone, state);
		fabric_key_tuple(&t->packet->key, &t->tuple);
		return;
	}
	reason = fabric_track_commit(t, &entry);
	if (reason == FABRIC_DROP_None) {
		fabric_track_finish(t, &entry->connection, state, FALSE);
		return;
	}
	InterlockedExchangeAdd64(&t->packet->extension->drops[reason], 1);
	fabric_say_invalid(t);
}

static VOID fabric_track_locked(struct fabric_tracking *t)
{
	struct fabric_extension *extension = t->packet->extension;
	const struct fabric_conntrack_spec *spec = t->spec;
	ULONG state = FABRIC_STATE_TRACKED;
	struct fabric_entry *entry;
	BOOLEAN is_reply;
	int verdict;

	if (fabric_is_icmp_error(t->tuple.protocol, t->tuple.icmp_type)) {
		fabric_track_error(t);
		return;
	}
	entry = fabric_connection_find(t->table, &t->tuple, &is_reply);
	if (entry && (entry->connection.expires <= t->now ||
		      (is_reply && (spec->flags & FABRIC_CT_FORCE)))) {
		fabric_connection_end(extension, entry);
		entry = NULL;
	}
	if (!entry) {
		fabric_track_first(t);
		return;
	}
	verdict = fabric_advance(t, &entry->connection, is_reply);
	if (verdict == FABRIC_TRACK_INVALID) {
		fabric_say_invalid(t);
		return;
	}
	if (verdict == FABRIC_TRACK_REOPENED) {
		fabric_connection_end(extension, entry);
		fabric_track_first(t);
		return;
	}
	state |= verdict == FABRIC_TRACK_STILL_NEW ? FABRIC_STATE_NEW : FABRIC_STATE_ESTABLISHED;
	if (is_reply)
		state |= FABRIC_STATE_REPLY;
	if ((spec->flags & (FABRIC_CT_COMMIT | FABRIC_CT_FORCE)) &&
	    fabric_set_marks(&entry->connection, spec))
		fabric_device_connection(entry, FABRIC_EVENT_UPDATED);
	fabric_track_finish(t, &entry->connection, state, is_reply);
}

BOOLEAN fabric_track(struct fabric_packet *packet, const struct fabric_conntrack_spec *spec)
{
	UCHAR bytes[FABRIC_TRACK_BYTES];
	struct fabric_tracking t;
	LOCK_STATE_EX state;

	if (packet->key.fragment && !fabric_reassemble(packet, spec->zone))
		return FALSE;
	memset(&t, 0, sizeof(t));
	t.packet = packet;
	t.spec = spec;
	t.table = packet->extension->connections;
	t.bytes = bytes;
	t.size = fabric_read(packet->buffer, bytes, sizeof(bytes));
	t.now = KeQueryInterruptTime();
	if (!fabric_read_tuple(&t)) {
		fabric_say_invalid(&t);
		return TRUE;
	}
	NdisAcquireRWLockWrite(t.table->lock, &state, 0);
	fabric_track_locked(&t);
	NdisReleaseRWLock(t.table->lock, &state);
	return TRUE;
}
