/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * What waits for a handle's reader: bounded, with one request that may be pending. All of it but
 * start is called with the lock that guards the queue.
 */
#ifndef FABRIC_QUEUE_H
#define FABRIC_QUEUE_H

#include "../extension.h"

struct fabric_queued {
	struct fabric_queued *next;
	ULONG size;
	UCHAR bytes[1];
};

struct fabric_queue {
	struct fabric_queued *first, **last;
	ULONG count;
	BOOLEAN is_open;   /* Somebody wants to read. */
	BOOLEAN is_closed; /* Nobody will any more. */
	struct fabric_waiter *waiter; /* The pending request; NULL: none. */
};

VOID fabric_queue_start(struct fabric_queue *queue);
/* Takes the item. FALSE when the queue is not open or full; then the item is gone too. */
BOOLEAN fabric_queue_put(struct fabric_queue *queue, struct fabric_queued *item,
			 struct fabric_waiter **woken);
/* The first one; NULL: there is none, or it does not fit 'size', as *status says. */
struct fabric_queued *fabric_queue_take(struct fabric_queue *queue, ULONG size, NTSTATUS *status);
NTSTATUS fabric_queue_pend(struct fabric_queue *queue, struct fabric_waiter *waiter);
/* Closes it; returns what was in it, for the caller to free. */
struct fabric_queued *fabric_queue_close(struct fabric_queue *queue, struct fabric_waiter **woken);

#endif
