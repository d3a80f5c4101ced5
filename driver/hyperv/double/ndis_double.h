/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * NDIS and a Hyper-V switch in user mode: memory, locks, buffers, and a switch that keeps what is
 * sent to its ports. It checks what the kernel would not forgive: every buffer is completed once,
 * freed once, and nothing is left.
 */
#ifndef FABRIC_NDIS_DOUBLE_H
#define FABRIC_NDIS_DOUBLE_H

#include "../extension.h"

struct double_delivery {
	struct double_delivery *next;
	ULONG port_id;
	ULONG size;
	fabric_u16 tag; /* Beside the packet, host order. */
	ULONG mss;      /* Of a large send; 0: none. */
	PVOID supplemental;
	UCHAR bytes[];
};

/* The n-th allocation from now fails; 0: none does. */
void double_fail_at(long n);
/* Whether a failure was due since. */
int double_has_failed(void);
int double_locks_held(void); /* By this thread: more than none is DISPATCH_LEVEL. */
/* What the switch knows as connected: to others nothing may be sent. */
void double_nic(ULONG port, ULONG nic, int is_connected);
void double_forget_nics(void);
long double_live(void);      /* Allocations that were not freed. */
long double_completed(void); /* Originals that came back. */
const char *double_error(void); /* The first rule that was broken, or NULL. */
void double_advance(ULONG64 ticks); /* Of 100 ns. */

/* A list of 'count' buffers, each in pieces of at most 'piece' bytes. */
PNET_BUFFER_LIST double_list(ULONG port_id, ULONG nic, const UCHAR *const *frames,
			     const ULONG *sizes, ULONG count, ULONG piece);
void double_tag(PNET_BUFFER_LIST list, ULONG vlan, ULONG priority);
void double_checksum_offload(PNET_BUFFER_LIST list, int tcp, int udp);

/* Completing it leaves it as it was made: a sender that uses its buffers again. */
void double_keep(PNET_BUFFER_LIST list);
void double_free(PNET_BUFFER_LIST list);
void double_large_send(PNET_BUFFER_LIST list, ULONG mss);

/* What was sent and not yet taken, oldest first; free() each. */
struct double_delivery *double_take(void);
/* Gives all sent lists back to the extension. */
void double_complete_sends(struct fabric_extension *extension);
/* Sends complete at once, inside NdisFSendNetBufferLists, as they may. */
void double_complete_at_once(struct fabric_extension *extension);
/* Counts deliveries and forgets their bytes: for measuring. */
void double_count_only(int is_on);
long double_delivered(void);

#endif
