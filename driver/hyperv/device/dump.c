/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Dumps: a handle runs one at a time, and reads it in chunks. */
#include "device.h"

static BOOLEAN fabric_dump_claim(struct fabric_handle *handle)
{
	return !InterlockedCompareExchange(&handle->is_busy, 1, 0);
}

NTSTATUS fabric_dump_start(struct fabric_handle *handle, const struct fabric_message *request)
{
	if ((request->flags & FABRIC_NLM_DUMP) != FABRIC_NLM_DUMP)
		return STATUS_INVALID_PARAMETER;
	if (request->type != FABRIC_FAMILY_FLOW && request->type != FABRIC_FAMILY_VPORT &&
	    request->type != FABRIC_FAMILY_DATAPATH && request->type != FABRIC_FAMILY_CONNTRACK + 1)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!fabric_dump_claim(handle))
		return STATUS_DEVICE_BUSY;
	handle->dump = *request;
	handle->dump.attributes = NULL;
	handle->dump.attributes_size = 0;
	handle->is_dumping = TRUE;
	handle->is_done = FALSE;
	handle->dump_at = handle->dump_index = 0;
	InterlockedExchange(&handle->is_busy, 0);
	return STATUS_SUCCESS;
}

static VOID fabric_dump_end(const struct fabric_message *request, struct fabric_writer *reply)
{
	ULONG done = 0, start = fabric_write_start(reply, FABRIC_NL_DONE, FABRIC_NLM_MULTI,
						   request->sequence, request->pid, 0, 0);

	reply->at = start + 16;
	memcpy(reply->bytes + reply->at, &done, 4);
	reply->at += 4;
	fabric_write_end(reply, start);
}

static VOID fabric_dump_chunk(struct fabric_extension *extension, struct fabric_handle *handle,
			      struct fabric_writer *reply)
{
	struct fabric_message *request = &handle->dump;
	LOCK_STATE_EX state;

	if (!handle->is_dumping)
		return;
	NdisAcquireRWLockRead(extension->lock, &state, 0);
	if (request->type == FABRIC_FAMILY_FLOW) {
		if (fabric_flow_dump(extension, request, &handle->dump_at, reply) &&
		    reply->size - reply->at >= 20) {
			fabric_dump_end(request, reply);
			handle->is_dumping = FALSE;
		}
	} else if (request->type == FABRIC_FAMILY_VPORT) {
		handle->is_dumping = fabric_vport_next(extension, request, &handle->dump_at, reply);
	} else if (request->type == FABRIC_FAMILY_CONNTRACK + 1) {
		handle->is_dumping = fabric_connection_next(extension, request, &handle->dump_at,
							    &handle->dump_index, reply);
	} else if (!handle->is_done) {
		fabric_datapath_write(extension, reply, request->sequence, request->pid);
		handle->is_done = TRUE;
	} else {
		handle->is_dumping = FALSE;
	}
	NdisReleaseRWLock(extension->lock, &state);
}

NTSTATUS fabric_dump_read(struct fabric_extension *extension, struct fabric_handle *handle,
			  struct fabric_writer *reply)
{
	if (!fabric_dump_claim(handle))
		return STATUS_DEVICE_BUSY;
	fabric_dump_chunk(extension, handle, reply);
	InterlockedExchange(&handle->is_busy, 0);
	return STATUS_SUCCESS;
}
