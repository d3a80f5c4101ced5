/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* What waits for a handle's reader: bounded, with one request that may be pending. */
#ifndef FABRIC_QUEUE_H
#define FABRIC_QUEUE_H

#include "extension.h"

struct fabric_queued {
	struct fabric_queued *next;
	ULONG size;
	UCHAR bytes[1];
};

struct fabric_queue {
	struct fabric_queued *first, **last;
	ULONG count;
	BOOLEAN is_open;
	BOOLEAN is_waited_for;
	struct fabric_waiter waiter; /* Of the pending request. */
};

/* All of these but fabric_queue_put take the lock that guards the queue; put is called with it. */
VOID fabric_queue_start(struct fabric_queue *queue);
VOID fabric_queue_close(struct fabric_queue *queue);
BOOLEAN fabric_queue_put(struct fabric_queue *queue, struct fabric_queued *item,
			 struct fabric_waiter *woken);
NTSTATUS fabric_queue_take(struct fabric_queue *queue, PNDIS_RW_LOCK_EX lock, UCHAR *out,
			   ULONG size, ULONG *written);
NTSTATUS fabric_queue_pend(struct fabric_queue *queue, PNDIS_RW_LOCK_EX lock,
			   const struct fabric_waiter *waiter);

#endif
