/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Life of the filter on its switch: attach, restart, pause, detach; sends that come back. */
#include "../conntrack/connection.h"
#include "../conntrack/fragments.h"

static VOID fabric_state_stop(struct fabric_extension *extension)
{
	fabric_fragments_stop(extension);
	if (extension->meters)
		NdisFreeRWLock(extension->meters->lock);
	fabric_free(extension->meters);
	if (extension->connections)
		fabric_connections_stop(extension->connections);
	fabric_free(extension->connections);
}

/* Connections, fragments and meters, which live as long as the filter on its switch. */
static BOOLEAN fabric_state_start(struct fabric_extension *extension)
{
	struct fabric_meters *meters = fabric_allocate(sizeof(*meters));
	struct fabric_connections *connections = fabric_allocate(sizeof(*connections));
	ULONG seed = (ULONG)(KeQueryInterruptTime() * 0x9e3779b1u);

	if (meters)
		meters->lock = NdisAllocateRWLock(fabric_driver);
	if (meters && !meters->lock) {
		fabric_free(meters);
		meters = NULL;
	}
	extension->meters = meters;
	if (connections && fabric_connections_start(connections, seed) == STATUS_SUCCESS)
		extension->connections = connections;
	else
		fabric_free(connections);
	if (extension->meters && extension->connections && fabric_fragments_start(extension))
		return TRUE;
	fabric_state_stop(extension);
	return FALSE;
}

NDIS_STATUS fabric_attach(NDIS_HANDLE filter, struct fabric_extension **made)
{
	NET_BUFFER_LIST_POOL_PARAMETERS parameters;
	struct fabric_extension *extension = fabric_allocate(sizeof(*extension));

	if (!extension)
		return NDIS_STATUS_RESOURCES;
	extension->filter = filter;
	extension->handlers.Header.Type = NDIS_OBJECT_TYPE_DEFAULT;
	extension->handlers.Header.Revision = NDIS_SWITCH_OPTIONAL_HANDLERS_REVISION_1;
	extension->handlers.Header.Size = NDIS_SIZEOF_SWITCH_OPTIONAL_HANDLERS_REVISION_1;
	if (NdisFGetOptionalSwitchHandlers(filter, &extension->context, &extension->handlers) !=
	    NDIS_STATUS_SUCCESS) {
		fabric_free(extension); /* Not a Hyper-V switch. */
		return NDIS_STATUS_FAILURE;
	}
	memset(&parameters, 0, sizeof(parameters));
	parameters.Header.Type = NDIS_OBJECT_TYPE_DEFAULT;
	parameters.Header.Revision = 1;
	parameters.Header.Size = sizeof(parameters);
	parameters.fAllocateNetBuffer = TRUE;
	parameters.PoolTag = FABRIC_TAG;
	extension->pool = NdisAllocateNetBufferListPool(filter, &parameters);
	extension->lock = extension->pool ? NdisAllocateRWLock(filter) : NULL;
	if (!extension->lock || !fabric_state_start(extension)) {
		if (extension->lock)
			NdisFreeRWLock(extension->lock);
		if (extension->pool)
			NdisFreeNetBufferListPool(extension->pool);
		fabric_free(extension);
		return NDIS_STATUS_RESOURCES;
	}
	extension->state = FABRIC_PAUSED;
	extension->listener_gone = KeQueryInterruptTime();
	fabric_device_attach(extension);
	*made = extension;
	return NDIS_STATUS_SUCCESS;
}

VOID fabric_restart(struct fabric_extension *extension)
{
	InterlockedExchange(&extension->state, FABRIC_RUNNING);
}

/* New packets are refused from here on; returns when every copy has come back. */
VOID fabric_pause(struct fabric_extension *extension)
{
	InterlockedExchange(&extension->state, FABRIC_PAUSING);
	/* Whoever read the old state has been sent after this, and what it sent comes back. */
	fabric_settle(extension);
	while (extension->outstanding > 0)
		NdisMSleep(1000);
	InterlockedExchange(&extension->state, FABRIC_PAUSED);
}

VOID fabric_detach(struct fabric_extension *extension)
{
	fabric_device_detach();
	while (extension->batches[0] > 0 || extension->batches[1] > 0)
		NdisMSleep(1000);
	fabric_table_clear(&extension->table);
	fabric_state_stop(extension);
	NdisFreeRWLock(extension->lock);
	NdisFreeNetBufferListPool(extension->pool);
	fabric_free(extension);
}

/* Ours are freed, and what they held with them; the others go up to who sent them. */
VOID fabric_send_complete(struct fabric_extension *extension, PNET_BUFFER_LIST lists, ULONG flags)
{
	struct fabric_batch batch;

	/* A pause waits until what these copies held has been completed too. */
	InterlockedIncrement(&extension->outstanding);
	memset(&batch, 0, sizeof(batch));
	batch.complete_tail = &batch.complete;
	while (lists) {
		PNET_BUFFER_LIST next = lists->Next;

		if (fabric_is_copy(extension, lists))
			fabric_copy_free(extension, lists, &batch);
		else
			fabric_batch_complete(&batch, lists);
		lists = next;
	}
	if (batch.complete)
		NdisFSendNetBufferListsComplete(extension->filter, batch.complete, flags);
	InterlockedDecrement(&extension->outstanding);
}

/*
 * Called about once a second. When nobody has listened for upcalls for five seconds, the host's
 * own network must not depend on us: see fabric_forward.
 */
VOID fabric_watchdog(struct fabric_extension *extension, ULONG64 now)
{
	BOOLEAN has_listener = fabric_device_has_listener();
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(extension->lock, &state, 0);
	if (has_listener) {
		extension->listener_gone = 0;
		extension->is_fail_open = FALSE;
	} else if (!extension->listener_gone) {
		extension->listener_gone = now;
	} else if (now - extension->listener_gone >= FABRIC_FAIL_OPEN_AFTER) {
		extension->is_fail_open = TRUE;
	}
	fabric_hop_refresh(extension, now);
	NdisReleaseRWLock(extension->lock, &state);
	fabric_connections_sweep(extension, now);
	fabric_fragments_sweep(extension, now);
	fabric_device_wake();
}
