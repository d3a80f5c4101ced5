/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Queues of upcalls and events, each of one handle. */
#include "queue.h"

VOID fabric_queue_start(struct fabric_queue *queue)
{
	queue->last = &queue->first;
}

/* The pending request goes to the list of those to be woken, unless it is being cancelled. */
static VOID fabric_queue_release(struct fabric_queue *queue, NTSTATUS status,
				 struct fabric_waiter **woken)
{
	struct fabric_waiter *waiter = queue->waiter;

	queue->waiter = NULL;
	if (!waiter || (waiter->calls->disarm && !waiter->calls->disarm(waiter->context)))
		return;
	waiter->status = status;
	waiter->next = *woken;
	*woken = waiter;
}

struct fabric_queued *fabric_queue_close(struct fabric_queue *queue, struct fabric_waiter **woken)
{
	struct fabric_queued *items = queue->first;

	queue->is_open = FALSE;
	queue->is_closed = TRUE;
	queue->first = NULL;
	queue->last = &queue->first;
	queue->count = 0;
	fabric_queue_release(queue, STATUS_CANCELLED, woken);
	return items;
}

BOOLEAN fabric_queue_put(struct fabric_queue *queue, struct fabric_queued *item,
			 struct fabric_waiter **woken)
{
	if (!queue->is_open || queue->count == FABRIC_UPCALLS_MAX) {
		fabric_free(item);
		return FALSE;
	}
	item->next = NULL;
	*queue->last = item;
	queue->last = &item->next;
	queue->count++;
	fabric_queue_release(queue, STATUS_SUCCESS, woken);
	return TRUE;
}

struct fabric_queued *fabric_queue_take(struct fabric_queue *queue, ULONG size, NTSTATUS *status)
{
	struct fabric_queued *item = queue->first;

	*status = STATUS_SUCCESS;
	if (!item)
		return NULL;
	if (item->size > size) {
		*status = STATUS_BUFFER_TOO_SMALL;
		return NULL;
	}
	queue->first = item->next;
	if (!queue->first)
		queue->last = &queue->first;
	queue->count--;
	return item;
}

NTSTATUS fabric_queue_pend(struct fabric_queue *queue, struct fabric_waiter *waiter)
{
	if (queue->is_closed)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (queue->waiter || !waiter)
		return STATUS_DEVICE_BUSY;
	if (queue->first)
		return STATUS_SUCCESS;
	if (waiter->calls->arm && !waiter->calls->arm(waiter->context))
		return STATUS_CANCELLED;
	queue->waiter = waiter;
	return STATUS_PENDING;
}
