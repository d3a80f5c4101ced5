/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Large sends and checksums in software. */
#ifndef FABRIC_OFFLOAD_H
#define FABRIC_OFFLOAD_H

#include "../extension.h"

#define FABRIC_FLAG_FIN 0x01
#define FABRIC_FLAG_PUSH 0x08
#define FABRIC_FLAG_CWR 0x80

/* A whole packet in a row, and how far it has been cut into segments. */
struct fabric_flat {
	UCHAR *bytes;
	ULONG size, network, transport;
	ULONG head; /* Where the payload begins. */
	ULONG mss;  /* 0: not a large send. */
	ULONG at, index;
	UCHAR protocol;
	BOOLEAN has_sum, has_ip_sum, is_done;
};

BOOLEAN fabric_needs_software(PNET_BUFFER_LIST list);
BOOLEAN fabric_flat_open(struct fabric_flat *flat, const struct fabric_packet *packet);
VOID fabric_flat_close(struct fabric_flat *flat);
ULONG fabric_flat_size(const struct fabric_flat *flat);
VOID fabric_flat_next(struct fabric_flat *flat, UCHAR *out);

/* A sum of big-endian words, not folded; of what was begun in 'sum'. */
ULONG fabric_sum(const UCHAR *bytes, ULONG size, ULONG sum);
fabric_u16 fabric_fold(ULONG sum);

#endif
