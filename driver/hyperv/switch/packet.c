/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Copies of packets. A copy has its own headers (up to 256 bytes, with room in front) and shares
 * the payload behind them with its original through memory descriptors of its own. The original is
 * held until the last copy has come back, and completed only then.
 */
#include "../extension.h"

NDIS_HANDLE fabric_driver;

PVOID fabric_allocate(ULONG size)
{
	PVOID memory = NdisAllocateMemoryWithTagPriority(fabric_driver, size, FABRIC_TAG,
							 NormalPoolPriority);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

VOID fabric_free(PVOID memory)
{
	if (memory)
		NdisFreeMemory(memory, 0, 0);
}

UCHAR *fabric_mdl_bytes(PMDL mdl)
{
	return MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority | MdlMappingNoExecute);
}

struct fabric_hold *fabric_hold_make(struct fabric_extension *extension, PNET_BUFFER_LIST original)
{
	struct fabric_hold *hold = fabric_allocate(sizeof(*hold));

	if (!hold)
		return NULL;
	hold->extension = extension;
	hold->original = original;
	hold->references = 1;
	InterlockedIncrement(&extension->outstanding);
	return hold;
}

VOID fabric_hold_release(struct fabric_hold *hold, struct fabric_batch *batch)
{
	struct fabric_extension *extension = hold->extension;

	if (InterlockedDecrement(&hold->references) > 0)
		return;
	fabric_batch_complete(batch, hold->original);
	fabric_free(hold);
	InterlockedDecrement(&extension->outstanding);
}

BOOLEAN fabric_is_copy(struct fabric_extension *extension, PNET_BUFFER_LIST list)
{
	return list->NdisPoolHandle == extension->pool;
}

struct fabric_copy *fabric_copy_of(PNET_BUFFER_LIST list)
{
	return list->ProtocolReserved[0];
}

/* Copies up to size bytes from the packet's start; says how many there were. */
ULONG fabric_read(PNET_BUFFER buffer, UCHAR *bytes, ULONG size)
{
	ULONG offset = buffer->CurrentMdlOffset, done = 0;
	PMDL mdl;

	if (size > buffer->DataLength)
		size = buffer->DataLength;
	for (mdl = buffer->CurrentMdl; mdl && done < size; mdl = mdl->Next, offset = 0) {
		ULONG here = MmGetMdlByteCount(mdl);
		UCHAR *from = fabric_mdl_bytes(mdl);

		if (!from)
			break;
		if (here <= offset)
			continue;
		here -= offset;
		if (here > size - done)
			here = size - done;
		memcpy(bytes + done, from + offset, here);
		done += here;
	}
	return done;
}

/* The first describes our own bytes, the others parts of what the original's describe. */
static VOID fabric_free_mdls(PMDL mdl)
{
	PMDL rest = mdl->Next;

	NdisFreeMdl(mdl);
	while (rest) {
		PMDL next = rest->Next;

		IoFreeMdl(rest);
		rest = next;
	}
}

/* Descriptors of the buffer's bytes behind 'skip', for as many bytes as the packet has. */
static BOOLEAN fabric_share_rest(PNET_BUFFER buffer, ULONG skip, PMDL *tail)
{
	ULONG left = buffer->DataLength - skip;
	PMDL mdl;

	skip += buffer->CurrentMdlOffset;
	for (mdl = buffer->CurrentMdl; mdl && left; mdl = mdl->Next) {
		ULONG here = MmGetMdlByteCount(mdl);
		UCHAR *from = MmGetMdlVirtualAddress(mdl);

		if (here <= skip) {
			skip -= here;
			continue;
		}
		from += skip;
		here -= skip;
		skip = 0;
		if (here > left)
			here = left;
		*tail = IoAllocateMdl(from, here, FALSE, FALSE, NULL);
		if (!*tail)
			return FALSE;
		IoBuildPartialMdl(mdl, *tail, from, here);
		tail = &(*tail)->Next;
		left -= here;
	}
	return left == 0;
}

/* A list of one buffer over copy->bytes[FABRIC_HEADROOM...) and the descriptors behind it. */
static PNET_BUFFER_LIST fabric_copy_finish(struct fabric_extension *extension,
					   struct fabric_copy *copy, ULONG length)
{
	PNET_BUFFER_LIST list = NdisAllocateNetBufferAndNetBufferList(
		extension->pool, 0, 0, copy->mdls, FABRIC_HEADROOM, length);

	if (!list)
		return NULL;
	list->ProtocolReserved[0] = copy;
	list->SourceHandle = extension->filter;
	if (extension->handlers.AllocateNetBufferListForwardingContext(extension->context, list) !=
	    NDIS_STATUS_SUCCESS) {
		NdisFreeNetBufferList(list);
		return NULL;
	}
	InterlockedIncrement(&extension->outstanding);
	return list;
}

static VOID fabric_copy_release(struct fabric_copy *copy)
{
	fabric_free_mdls(copy->mdls);
	fabric_free(copy);
}

static struct fabric_copy *fabric_copy_start(struct fabric_extension *extension, ULONG head)
{
	ULONG size = FABRIC_HEADROOM + head;
	struct fabric_copy *copy = fabric_allocate(sizeof(*copy) + size);

	if (!copy)
		return NULL;
	copy->size = size;
	copy->mdls = NdisAllocateMdl(extension->filter, copy->bytes, size);
	if (!copy->mdls) {
		fabric_free(copy);
		return NULL;
	}
	return copy;
}

/*
 * A copy of one buffer of 'source' that shares its payload. 'hold' is the original's; a copy of a
 * copy gives the hold of the first one.
 */
PNET_BUFFER_LIST fabric_copy_make(struct fabric_extension *extension, PNET_BUFFER_LIST source,
				  PNET_BUFFER buffer, struct fabric_hold *hold)
{
	ULONG head = buffer->DataLength < FABRIC_HEADER_COPY ? buffer->DataLength
							     : FABRIC_HEADER_COPY;
	struct fabric_copy *copy;
	PNET_BUFFER_LIST list;

	/* Without a hold nothing keeps the payload: all of it is copied. */
	if (!hold)
		head = buffer->DataLength;
	copy = fabric_copy_start(extension, head);
	if (!copy)
		return NULL;
	if (fabric_read(buffer, copy->bytes + FABRIC_HEADROOM, head) != head ||
	    !fabric_share_rest(buffer, head, &copy->mdls->Next)) {
		fabric_copy_release(copy);
		return NULL;
	}
	list = fabric_copy_finish(extension, copy, buffer->DataLength);
	if (!list) {
		fabric_copy_release(copy);
		return NULL;
	}
	if (hold) {
		InterlockedIncrement(&hold->references);
		copy->hold = hold;
	}
	if (extension->handlers.CopyNetBufferListInfo(extension->context, list, source, 0) !=
	    NDIS_STATUS_SUCCESS) {
		fabric_copy_free(extension, list, NULL); /* The caller has a reference too. */
		return NULL;
	}
	return list;
}

/* NULL for bytes: the caller fills copy->bytes[FABRIC_HEADROOM...). */
PNET_BUFFER_LIST fabric_copy_of_bytes(struct fabric_extension *extension, const UCHAR *bytes,
				      ULONG size)
{
	struct fabric_copy *copy = fabric_copy_start(extension, size);
	PNET_BUFFER_LIST list;

	if (!copy)
		return NULL;
	if (bytes)
		memcpy(copy->bytes + FABRIC_HEADROOM, bytes, size);
	list = fabric_copy_finish(extension, copy, size);
	if (!list)
		fabric_copy_release(copy);
	return list;
}

VOID fabric_copy_free(struct fabric_extension *extension, PNET_BUFFER_LIST list,
		      struct fabric_batch *batch)
{
	struct fabric_copy *copy = fabric_copy_of(list);
	struct fabric_hold *hold = copy->hold;

	extension->handlers.FreeNetBufferListForwardingContext(extension->context, list);
	NdisFreeNetBufferList(list);
	fabric_copy_release(copy);
	if (hold)
		fabric_hold_release(hold, batch);
	InterlockedDecrement(&extension->outstanding);
}

PNET_BUFFER_LIST fabric_copy_share(struct fabric_packet *packet)
{
	struct fabric_hold *hold = NULL;

	if (!packet->is_original) {
		hold = fabric_copy_of(packet->list)->hold;
	} else {
		if (!*packet->hold)
			*packet->hold = fabric_hold_make(packet->extension, packet->list);
		if (!*packet->hold)
			return NULL;
		hold = *packet->hold;
	}
	return fabric_copy_make(packet->extension, packet->list, packet->buffer, hold);
}

/* Headers that may be changed: the packet becomes a copy of itself if it is not one yet. */
BOOLEAN fabric_make_writable(struct fabric_packet *packet)
{
	struct fabric_copy *copy;

	if (packet->is_original) {
		PNET_BUFFER_LIST list;

		if (!*packet->hold)
			*packet->hold = fabric_hold_make(packet->extension, packet->list);
		if (!*packet->hold)
			return FALSE;
		list = fabric_copy_make(packet->extension, packet->list, packet->buffer,
					*packet->hold);
		if (!list)
			return FALSE;
		packet->list = list;
		packet->buffer = list->FirstNetBuffer;
		packet->is_original = FALSE;
		packet->data = NULL;
	}
	if (!packet->data) {
		copy = fabric_copy_of(packet->list);
		packet->data = copy->bytes + packet->buffer->DataOffset;
		packet->data_size = copy->size - packet->buffer->DataOffset;
	}
	return TRUE;
}

VOID fabric_packet_replace(struct fabric_packet *packet, PNET_BUFFER_LIST list)
{
	fabric_discard(packet);
	packet->list = list;
	packet->buffer = list->FirstNetBuffer;
	packet->is_original = FALSE;
	packet->data = NULL;
	packet->length = packet->buffer->DataLength;
	fabric_make_writable(packet); /* It is a copy already: nothing is allocated. */
}

BOOLEAN fabric_add_destination(struct fabric_extension *extension, PNET_BUFFER_LIST list,
			       NDIS_SWITCH_PORT_ID port_id, NDIS_SWITCH_NIC_INDEX nic_index)
{
	NDIS_SWITCH_PORT_DESTINATION destination;

	memset(&destination, 0, sizeof(destination));
	destination.PortId = port_id;
	destination.NicIndex = nic_index;
	/* Tags are the actions' to push and pop, not the switch's. */
	destination.PreserveVLAN = TRUE;
	destination.PreservePriority = TRUE;
	return extension->handlers.AddNetBufferListDestination(
		       extension->context, list, &destination) == NDIS_STATUS_SUCCESS;
}

VOID fabric_batch_start(struct fabric_extension *extension, struct fabric_batch *batch)
{
	batch->extension = extension;
	/* Counted under the epoch that still holds once it is counted. */
	for (;;) {
		batch->epoch = extension->epoch & 1;
		InterlockedIncrement(&extension->batches[batch->epoch]);
		if ((extension->epoch & 1) == batch->epoch)
			break;
		InterlockedDecrement(&extension->batches[batch->epoch]);
	}
	batch->send = NULL;
	batch->send_tail = &batch->send;
	batch->complete = NULL;
	batch->complete_tail = &batch->complete;
}

VOID fabric_batch_send(struct fabric_batch *batch, PNET_BUFFER_LIST list)
{
	list->Next = NULL;
	*batch->send_tail = list;
	batch->send_tail = &list->Next;
}

VOID fabric_batch_complete(struct fabric_batch *batch, PNET_BUFFER_LIST list)
{
	list->Next = NULL;
	*batch->complete_tail = list;
	batch->complete_tail = &list->Next;
}

VOID fabric_batch_finish(struct fabric_batch *batch)
{
	NDIS_HANDLE filter = batch->extension->filter;

	if (batch->send)
		NdisFSendNetBufferLists(filter, batch->send, NDIS_DEFAULT_PORT_NUMBER, 0);
	if (batch->complete)
		NdisFSendNetBufferListsComplete(filter, batch->complete, 0);
	fabric_device_wake();
	InterlockedDecrement(&batch->extension->batches[batch->epoch]);
}

VOID fabric_settle(struct fabric_extension *extension)
{
	LONG before = (InterlockedIncrement(&extension->epoch) - 1) & 1;

	while (extension->batches[before] > 0)
		NdisMSleep(1000);
}
