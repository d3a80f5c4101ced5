/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Connections: connection.c the table, track.c packets against it, nat.c and related.c what is
 * rewritten, ctlink.c the table as messages.
 *
 * connections.lock is taken after extension.lock and before device.lock; it is held while one
 * packet is tracked and while a change is told to listeners, never while anything is sent.
 */
#ifndef FABRIC_CONNECTION_H
#define FABRIC_CONNECTION_H

#include "../device/netlink.h"
#include "../../core/fabric_nat_range.h"
#include "../../core/fabric_state.h"

#define FABRIC_SECOND 10000000ull /* 100 ns. */
#define FABRIC_ZONES 65536
#define FABRIC_NO_LIMIT 0xffffffff

/* A connection in both chains. Its times are of 100 ns. */
struct fabric_entry {
	struct fabric_entry *next_original, *next_reply;
	ULONG hash_original, hash_reply;
	ULONG id;
	struct fabric_connection connection;
};

struct fabric_connections {
	PNDIS_RW_LOCK_EX lock;
	struct fabric_entry **originals, **replies;
	ULONG bucket_count; /* A power of two. */
	ULONG count, count_max;
	ULONG sweep_at, last_id;
	ULONG zone_default; /* Limit of zones without one. */
	ULONG *zone_counts, *zone_limits;
	ULONG seed;
};

/* One packet against the table. */
struct fabric_tracking {
	struct fabric_packet *packet;
	const struct fabric_conntrack_spec *spec;
	struct fabric_connections *table;
	const UCHAR *bytes; /* The packet's first bytes, contiguous. */
	ULONG size;
	ULONG end; /* Of the IP packet. */
	ULONG64 now;
	struct fabric_tuple tuple;
	struct fabric_tcp_segment segment;
};

/* connection.c; the lock is held for all but start, stop and sweep. */
NTSTATUS fabric_connections_start(struct fabric_connections *table, ULONG seed);
VOID fabric_connections_stop(struct fabric_connections *table);
VOID fabric_connections_sweep(struct fabric_extension *extension, ULONG64 now);
struct fabric_entry *fabric_connection_find(struct fabric_connections *table,
					    const struct fabric_tuple *tuple, BOOLEAN *is_reply);
/* A drop reason; FABRIC_DROP_None: the table owns the entry. */
int fabric_connection_add(struct fabric_connections *table, struct fabric_entry *entry);
VOID fabric_connection_end(struct fabric_extension *extension, struct fabric_entry *entry);
/* 100 ns; by an enum fabric_timeout. */
ULONG64 fabric_timeout_ticks(ULONG timeout);
ULONG fabric_tuple_hash(const struct fabric_tuple *tuple, ULONG seed);

/* track.c */
/* FALSE: a fragment that waits for others; the packet ends here. */
BOOLEAN fabric_track(struct fabric_packet *packet, const struct fabric_conntrack_spec *spec);
VOID fabric_say_invalid(struct fabric_tracking *t);

/* nat.c */
BOOLEAN fabric_nat_choose(struct fabric_tracking *t, struct fabric_tuple *reply);
/* Makes the packet's tuple 'wanted'. */
BOOLEAN fabric_nat_rewrite(struct fabric_packet *packet, const struct fabric_tuple *wanted);
VOID fabric_nat_address(struct fabric_packet *packet, BOOLEAN is_destination,
			const UCHAR *address);

/* related.c */
VOID fabric_track_error(struct fabric_tracking *t);

/* ctlink.c */
VOID fabric_connection_write(struct fabric_writer *writer, const struct fabric_entry *entry,
			     UCHAR command, ULONG flags, ULONG sequence, ULONG pid, ULONG64 now);

#endif
