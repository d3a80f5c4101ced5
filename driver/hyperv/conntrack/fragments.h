/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Fragments on their way through the connection tracker: held until the packet is whole (RFC 791,
 * RFC 8200, RFC 5722), which goes on as one and leaves as fragments no larger than those that came.
 *
 * fragments.lock is taken after extension.lock, and nothing is taken under it.
 *
 * The segments of STT frames wait at the same place, under the same limits: to a receiver they are
 * fragments whose number and offset stand in the TCP header.
 */
#ifndef FABRIC_FRAGMENTS_H
#define FABRIC_FRAGMENTS_H

#include "../extension.h"

#define FABRIC_DATAGRAMS_MAX 1024          /* Packets that are not whole. */
#define FABRIC_FRAGMENT_BYTES_MAX (4u << 20) /* Held for all of them. */
#define FABRIC_PIECES_MAX 128              /* Of one packet. */
#define FABRIC_FRAGMENT_AGE (30ull * 10000000)

BOOLEAN fabric_fragments_start(struct fabric_extension *extension);
VOID fabric_fragments_stop(struct fabric_extension *extension);
VOID fabric_fragments_sweep(struct fabric_extension *extension, ULONG64 now);

/*
 * A packet that is a fragment. TRUE: it was the last that was missing, and the packet is the whole
 * one now. FALSE: it is held, or dropped under its name; either way the packet ends here.
 */
BOOLEAN fabric_reassemble(struct fabric_packet *packet, USHORT zone);

/* One segment of an STT frame: where its payload starts in the packet, and is in the frame. */
struct fabric_segment {
	ULONG start, offset, size, total, id;
	USHORT port; /* The sender's. */
};
/* As above; the packet becomes one whose frame is a single segment. */
BOOLEAN fabric_reassemble_frame(struct fabric_packet *packet, const struct fabric_segment *segment);

/* Whether the packet must leave as fragments; and each of them, as a list that 'send' takes. */
BOOLEAN fabric_needs_fragments(const struct fabric_packet *packet);
VOID fabric_fragment(struct fabric_packet *packet,
		     VOID (*send)(struct fabric_packet *packet, PNET_BUFFER_LIST list, PVOID context),
		     PVOID context);

#endif
