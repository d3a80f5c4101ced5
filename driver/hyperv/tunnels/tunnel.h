/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Tunnels: tunnel.c the way in and out, header.c the outer headers, stt.c what is STT's own on the
 * way in, hop.c the next hops.
 * Hops and tunnel vports are under extension.lock.
 */
#ifndef FABRIC_TUNNEL_H
#define FABRIC_TUNNEL_H

#include "../../core/fabric_outer.h"
#include "../switch/offload.h"

/* Vport types of the contract. */
enum { FABRIC_GRE = 3, FABRIC_VXLAN = 4, FABRIC_GENEVE = 5, FABRIC_STT = 106 };

#define FABRIC_OUTER_READ 256 /* What is looked at of an outer packet. */
#define FABRIC_STT_PORT 7471
#define FABRIC_STT_HEADER 18
#define FABRIC_OUTER_MAX (14 + 40 + 20 + FABRIC_STT_HEADER + FABRIC_TUNNEL_OPTIONS_MAX)

/* hop.c: NULL: not known yet, and somebody was asked. */
const struct fabric_hop *fabric_hop_find(struct fabric_extension *extension,
					 const struct fabric_tunnel *tunnel);

/* mss.c */
VOID fabric_mss_clamp(struct fabric_packet *packet, ULONG most, BOOLEAN has_sum);

/* header.c: size of the outer header; it is written in front of 'inner' bytes at 'at'. */
ULONG fabric_outer_size(const struct fabric_vport *vport, const struct fabric_tunnel *tunnel);
VOID fabric_outer_write(const struct fabric_vport *vport, const struct fabric_tunnel *tunnel,
			const struct fabric_hop *hop, ULONG inner, ULONG hash, UCHAR *at);
/* Into 'tunnel' from the first bytes of an outer packet; its size, 0: not one, or bent. */
ULONG fabric_outer_read(const struct fabric_packet *packet, const struct fabric_vport *vport,
			const UCHAR *bytes, ULONG size, struct fabric_tunnel *tunnel, int *reason);

/*
 * stt.c. 'bytes' are the first of the packet, read anew when it became another. FALSE: a segment
 * that waits for the others of its frame, or is dropped; the packet ends here.
 */
BOOLEAN fabric_stt_gather(struct fabric_packet *packet, UCHAR *bytes, ULONG *size);
/* What the frame's header says of the packet that is unwrapped now. FALSE: no memory. */
BOOLEAN fabric_stt_unwrapped(struct fabric_packet *packet, const UCHAR *stt);

#endif
