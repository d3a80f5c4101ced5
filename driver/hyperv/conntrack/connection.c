/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The table of connections: each is found by its original and by its reply tuple. What is over is
 * taken out when a packet meets it, and by a sweep that walks a part of the table each second.
 */
#include "connection.h"
#include "../device/netlink.h"

#define FABRIC_CONNECTIONS_MIN 1024
#define FABRIC_CONNECTIONS_MAX (1u << 21)
#define FABRIC_SWEEP_PARTS 16
#define FABRIC_SWEEP_SLICE 1024

static const ULONG fabric_seconds[FABRIC_TIMEOUT_COUNT] = {
	[FABRIC_TIMEOUT_TCP_SYN_SENT] = 30,	    [FABRIC_TIMEOUT_TCP_SYN_RECEIVED] = 30,
	[FABRIC_TIMEOUT_TCP_ESTABLISHED] = 86400, [FABRIC_TIMEOUT_TCP_FIN_WAIT] = 900,
	[FABRIC_TIMEOUT_TCP_TIME_WAIT] = 45,	    [FABRIC_TIMEOUT_TCP_CLOSE] = 30,
	[FABRIC_TIMEOUT_UDP_FIRST] = 60,	    [FABRIC_TIMEOUT_UDP_SINGLE] = 60,
	[FABRIC_TIMEOUT_UDP_MULTIPLE] = 30,	    [FABRIC_TIMEOUT_ICMP_FIRST] = 60,
	[FABRIC_TIMEOUT_ICMP_REPLY] = 30,
};

ULONG64 fabric_timeout_ticks(ULONG timeout)
{
	return fabric_seconds[timeout % FABRIC_TIMEOUT_COUNT] * FABRIC_SECOND;
}

ULONG fabric_tuple_hash(const struct fabric_tuple *tuple, ULONG seed)
{
	const fabric_u64 *words = (const fabric_u64 *)tuple;
	fabric_u64 hash = seed ^ 0x9e3779b97f4a7c15ull;
	ULONG i;

	for (i = 0; i < sizeof(*tuple) / 8; i++) {
		hash = (hash ^ words[i]) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
	}
	return (ULONG)hash;
}

NTSTATUS fabric_connections_start(struct fabric_connections *table, ULONG seed)
{
	ULONG i, size = FABRIC_CONNECTIONS_MIN * (ULONG)sizeof(*table->originals);

	memset(table, 0, sizeof(*table));
	table->seed = seed;
	table->bucket_count = FABRIC_CONNECTIONS_MIN;
	table->count_max = FABRIC_CONNECTIONS_MAX;
	table->zone_default = FABRIC_NO_LIMIT;
	table->lock = NdisAllocateRWLock(fabric_driver);
	table->originals = fabric_allocate(size);
	table->replies = fabric_allocate(size);
	table->zone_counts = fabric_allocate(FABRIC_ZONES * sizeof(ULONG));
	table->zone_limits = fabric_allocate(FABRIC_ZONES * sizeof(ULONG));
	if (!table->lock || !table->originals || !table->replies || !table->zone_counts ||
	    !table->zone_limits) {
		fabric_connections_stop(table);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	for (i = 0; i < FABRIC_ZONES; i++)
		table->zone_limits[i] = FABRIC_NO_LIMIT;
	return STATUS_SUCCESS;
}

VOID fabric_connections_stop(struct fabric_connections *table)
{
	ULONG i;

	for (i = 0; table->originals && i < table->bucket_count; i++) {
		while (table->originals[i]) {
			struct fabric_entry *next = table->originals[i]->next_original;

			fabric_free(table->originals[i]);
			table->originals[i] = next;
		}
	}
	fabric_free(table->originals);
	fabric_free(table->replies);
	fabric_free(table->zone_counts);
	fabric_free(table->zone_limits);
	if (table->lock)
		NdisFreeRWLock(table->lock);
	memset(table, 0, sizeof(*table));
}

struct fabric_entry *fabric_connection_find(struct fabric_connections *table,
					    const struct fabric_tuple *tuple, BOOLEAN *is_reply)
{
	ULONG hash = fabric_tuple_hash(tuple, table->seed);
	struct fabric_entry *entry = table->originals[hash & (table->bucket_count - 1)];

	*is_reply = FALSE;
	for (; entry; entry = entry->next_original)
		if (entry->hash_original == hash &&
		    fabric_same_tuple(&entry->connection.original, tuple))
			return entry;
	*is_reply = TRUE;
	entry = table->replies[hash & (table->bucket_count - 1)];
	for (; entry; entry = entry->next_reply)
		if (entry->hash_reply == hash && fabric_same_tuple(&entry->connection.reply, tuple))
			return entry;
	return NULL;
}

static VOID fabric_link(struct fabric_connections *table, struct fabric_entry *entry)
{
	ULONG mask = table->bucket_count - 1;

	entry->next_original = table->originals[entry->hash_original & mask];
	table->originals[entry->hash_original & mask] = entry;
	entry->next_reply = table->replies[entry->hash_reply & mask];
	table->replies[entry->hash_reply & mask] = entry;
}

/* Twice the buckets. Without memory the chains grow longer instead. */
static VOID fabric_connections_grow(struct fabric_connections *table)
{
	ULONG old = table->bucket_count, i;
	ULONG size = old * 2 * (ULONG)sizeof(*table->originals);
	struct fabric_entry **before = table->originals;
	struct fabric_entry **originals = fabric_allocate(size);
	struct fabric_entry **replies = originals ? fabric_allocate(size) : NULL;

	if (!replies) {
		fabric_free(originals);
		return;
	}
	fabric_free(table->replies);
	table->originals = originals;
	table->replies = replies;
	table->bucket_count = old * 2;
	for (i = 0; i < old; i++) {
		struct fabric_entry *entry = before[i];

		while (entry) {
			struct fabric_entry *next = entry->next_original;

			fabric_link(table, entry);
			entry = next;
		}
	}
	fabric_free(before);
}

int fabric_connection_add(struct fabric_connections *table, struct fabric_entry *entry)
{
	USHORT zone = entry->connection.original.zone;
	ULONG limit = table->zone_limits[zone];

	if (limit == FABRIC_NO_LIMIT)
		limit = table->zone_default;
	if (table->count >= table->count_max)
		return FABRIC_DROP_ConntrackFull;
	if (table->zone_counts[zone] >= limit)
		return FABRIC_DROP_ConntrackZoneLimit;
	if (table->count >= table->bucket_count)
		fabric_connections_grow(table);
	entry->hash_original = fabric_tuple_hash(&entry->connection.original, table->seed);
	entry->hash_reply = fabric_tuple_hash(&entry->connection.reply, table->seed);
	entry->id = ++table->last_id;
	fabric_link(table, entry);
	table->count++;
	table->zone_counts[zone]++;
	return FABRIC_DROP_None;
}

/* Takes it out, tells whoever listens, and frees it. */
VOID fabric_connection_end(struct fabric_extension *extension, struct fabric_entry *entry)
{
	struct fabric_connections *table = extension->connections;
	ULONG mask = table->bucket_count - 1;
	struct fabric_entry **at = &table->originals[entry->hash_original & mask];

	while (*at != entry)
		at = &(*at)->next_original;
	*at = entry->next_original;
	at = &table->replies[entry->hash_reply & mask];
	while (*at != entry)
		at = &(*at)->next_reply;
	*at = entry->next_reply;
	table->count--;
	table->zone_counts[entry->connection.original.zone]--;
	fabric_device_connection(entry, FABRIC_EVENT_DESTROYED);
	fabric_free(entry);
}

VOID fabric_connections_sweep(struct fabric_extension *extension, ULONG64 now)
{
	struct fabric_connections *table = extension->connections;
	ULONG left = table->bucket_count / FABRIC_SWEEP_PARTS, part;
	LOCK_STATE_EX state;

	/* Packets pass between the slices. */
	while (left) {
		NdisAcquireRWLockWrite(table->lock, &state, 0);
		for (part = FABRIC_SWEEP_SLICE; left && part; left--, part--) {
			ULONG bucket = table->sweep_at++ & (table->bucket_count - 1);
			struct fabric_entry *entry = table->originals[bucket];

			while (entry) {
				struct fabric_entry *next = entry->next_original;

				if (entry->connection.expires <= now)
					fabric_connection_end(extension, entry);
				entry = next;
			}
		}
		NdisReleaseRWLock(table->lock, &state);
	}
}
