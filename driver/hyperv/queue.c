/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Queues of upcalls and events, each of one handle. */
#include "queue.h"

VOID fabric_queue_start(struct fabric_queue *queue)
{
	queue->last = &queue->first;
}

/* The handle is out of everybody's reach already. */
VOID fabric_queue_close(struct fabric_queue *queue)
{
	BOOLEAN was_waited_for = queue->is_waited_for;

	while (queue->first) {
		struct fabric_queued *next = queue->first->next;

		fabric_free(queue->first);
		queue->first = next;
	}
	queue->is_waited_for = FALSE;
	if (was_waited_for)
		queue->waiter.wake(queue->waiter.context, STATUS_CANCELLED);
}

/* Takes the item. FALSE when the queue is closed or full; then the item is gone too. */
BOOLEAN fabric_queue_put(struct fabric_queue *queue, struct fabric_queued *item,
			 struct fabric_waiter *woken)
{
	if (!queue->is_open || queue->count == FABRIC_UPCALLS_MAX) {
		fabric_free(item);
		return FALSE;
	}
	item->next = NULL;
	*queue->last = item;
	queue->last = &item->next;
	queue->count++;
	if (queue->is_waited_for)
		*woken = queue->waiter;
	queue->is_waited_for = FALSE;
	return TRUE;
}

NTSTATUS fabric_queue_take(struct fabric_queue *queue, PNDIS_RW_LOCK_EX lock, UCHAR *out,
			   ULONG size, ULONG *written)
{
	struct fabric_queued *item;
	NTSTATUS status = STATUS_SUCCESS;
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(lock, &state, 0);
	item = queue->first;
	if (item && item->size > size) {
		item = NULL;
		status = STATUS_BUFFER_TOO_SMALL;
	}
	if (item) {
		queue->first = item->next;
		if (!queue->first)
			queue->last = &queue->first;
		queue->count--;
	}
	NdisReleaseRWLock(lock, &state);
	if (item) {
		memcpy(out, item->bytes, item->size);
		*written = item->size;
		fabric_free(item);
	}
	return status;
}

NTSTATUS fabric_queue_pend(struct fabric_queue *queue, PNDIS_RW_LOCK_EX lock,
			   const struct fabric_waiter *waiter)
{
	NTSTATUS status = STATUS_PENDING;
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(lock, &state, 0);
	if (queue->is_waited_for || !waiter) {
		status = STATUS_DEVICE_BUSY;
	} else if (queue->first) {
		status = STATUS_SUCCESS;
	} else if (waiter->arm && !waiter->arm(waiter->context)) {
		status = STATUS_CANCELLED;
	} else {
		queue->is_waited_for = TRUE;
		queue->waiter = *waiter;
	}
	NdisReleaseRWLock(lock, &state);
	return status;
}
