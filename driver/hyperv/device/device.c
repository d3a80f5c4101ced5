/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The pseudo device. A handle acts as one netlink socket: it sends requests, runs one dump at a
 * time, and may listen for upcalls and for events of ports.
 *
 * device.requests counts requests that are under way: an extension does not go before all of those
 * that saw it are through. No lock is held meanwhile, since a request may send packets. device.lock
 * guards handles, their queues and the list of readers to be woken.
 */
#include "netlink.h"
#include "queue.h"
#include "../conntrack/connection.h"

enum {
	IOCTL_GET_PID = 0xAFC88400,
	IOCTL_READ = 0xAFC84406,
	IOCTL_READ_EVENT = 0xAFC8440A,
	IOCTL_READ_PACKET = 0xAFC8440E,
	IOCTL_WRITE = 0xAFC84411,
	IOCTL_TRANSACT = 0xAFC88416
};
enum { CONTROL_PEND = 0, CONTROL_PEND_PACKET, CONTROL_JOIN, CONTROL_SUBSCRIBE, CONTROL_PROPERTY = 6 };
/* Bits for the groups of the contract: 101, and 1 to 3 of connections. */
enum { GROUP_VPORT = 1, GROUP_NEW = 2, GROUP_VPORT_NUMBER = 101 };

struct fabric_handle {
	struct fabric_handle *next;
	ULONG pid;
	struct fabric_queue packets, events;
	struct fabric_message dump; /* attributes are not kept. */
	volatile LONG is_busy; /* One request of its dump at a time. */
	BOOLEAN is_dumping, is_done, is_closed;
	ULONG dump_at, dump_index;
	ULONG groups;
};

static struct {
	PNDIS_RW_LOCK_EX lock;
	struct fabric_extension *volatile extension;
	volatile LONG requests;
	struct fabric_handle *handles;
	struct fabric_waiter *volatile woken;
	ULONG handle_count, last_pid;
	volatile ULONG groups; /* Of all handles: nobody listens to the others. */
} device;

NTSTATUS fabric_device_start(void)
{
	memset(&device, 0, sizeof(device));
	device.lock = NdisAllocateRWLock(NULL);
	return device.lock ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

VOID fabric_device_stop(void)
{
	NdisFreeRWLock(device.lock);
}

VOID fabric_device_attach(struct fabric_extension *extension)
{
	InterlockedExchangePointer((PVOID volatile *)&device.extension, extension);
}

/* PASSIVE_LEVEL: returns when no request is under way in the extension any more. */
VOID fabric_device_detach(void)
{
	InterlockedExchangePointer((PVOID volatile *)&device.extension, NULL);
	while (device.requests > 0)
		NdisMSleep(1000);
}

VOID fabric_device_wake(VOID)
{
	struct fabric_waiter *woken, *next;
	LOCK_STATE_EX state;

	if (!device.woken)
		return;
	NdisAcquireRWLockWrite(device.lock, &state, 0);
	woken = device.woken;
	device.woken = NULL;
	NdisReleaseRWLock(device.lock, &state);
	for (; woken; woken = next) {
		next = woken->next;
		woken->calls->wake(woken->context, woken->status);
	}
}

NTSTATUS fabric_device_open(struct fabric_handle **opened)
{
	struct fabric_handle *handle = fabric_allocate(sizeof(*handle));
	NTSTATUS status = STATUS_SUCCESS;
	LOCK_STATE_EX state;

	if (!handle)
		return STATUS_INSUFFICIENT_RESOURCES;
	fabric_queue_start(&handle->packets);
	fabric_queue_start(&handle->events);
	NdisAcquireRWLockWrite(device.lock, &state, 0);
	if (device.handle_count == FABRIC_HANDLES_MAX) {
		status = STATUS_INSUFFICIENT_RESOURCES;
	} else {
		device.handle_count++;
		handle->pid = ++device.last_pid;
		handle->next = device.handles;
		device.handles = handle;
	}
	NdisReleaseRWLock(device.lock, &state);
	if (status == STATUS_SUCCESS)
		*opened = handle;
	else
		fabric_free(handle);
	return status;
}

static VOID fabric_groups_count(VOID)
{
	struct fabric_handle *handle;

	device.groups = 0;
	for (handle = device.handles; handle; handle = handle->next)
		device.groups |= handle->groups;
}

static VOID fabric_items_free(struct fabric_queued *items)
{
	while (items) {
		struct fabric_queued *next = items->next;

		fabric_free(items);
		items = next;
	}
}

VOID fabric_device_cleanup(struct fabric_handle *handle)
{
	struct fabric_waiter *woken = NULL;
	struct fabric_queued *packets, *events;
	struct fabric_handle **at;
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(device.lock, &state, 0);
	for (at = &device.handles; *at != handle; at = &(*at)->next)
		;
	*at = handle->next;
	device.handle_count--;
	handle->is_closed = TRUE;
	fabric_groups_count();
	packets = fabric_queue_close(&handle->packets, &woken);
	events = fabric_queue_close(&handle->events, &woken);
	while (woken) {
		struct fabric_waiter *next = woken->next;

		woken->next = device.woken;
		device.woken = woken;
		woken = next;
	}
	NdisReleaseRWLock(device.lock, &state);
	fabric_items_free(packets);
	fabric_items_free(events);
	fabric_device_wake();
}

VOID fabric_device_close(struct fabric_handle *handle)
{
	if (!handle->is_closed)
		fabric_device_cleanup(handle);
	fabric_free(handle);
}

VOID fabric_device_forget(struct fabric_waiter *waiter)
{
	struct fabric_handle *handle;
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(device.lock, &state, 0);
	for (handle = device.handles; handle; handle = handle->next) {
		if (handle->packets.waiter == waiter)
			handle->packets.waiter = NULL;
		if (handle->events.waiter == waiter)
			handle->events.waiter = NULL;
	}
	NdisReleaseRWLock(device.lock, &state);
}

BOOLEAN fabric_device_has_listener(void)
{
	struct fabric_handle *handle;
	LOCK_STATE_EX state;

	NdisAcquireRWLockRead(device.lock, &state, 0);
	for (handle = device.handles; handle && !handle->packets.is_open; handle = handle->next)
		;
	NdisReleaseRWLock(device.lock, &state);
	return handle != NULL;
}

BOOLEAN fabric_device_queue(ULONG pid, struct fabric_queued *item)
{
	struct fabric_waiter *woken;
	struct fabric_handle *handle;
	BOOLEAN is_queued = FALSE;
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(device.lock, &state, 0);
	for (handle = device.handles; handle && handle->pid != pid; handle = handle->next)
		;
	woken = device.woken;
	if (handle)
		is_queued = fabric_queue_put(&handle->packets, item, &woken);
	else
		fabric_free(item);
	device.woken = woken;
	NdisReleaseRWLock(device.lock, &state);
	return is_queued;
}

/* An event to all handles of a group: 'write' fills the message for a pid. */
static VOID fabric_device_tell(ULONG group, const void *subject,
			       VOID (*write)(struct fabric_writer *, const void *, ULONG, ULONG),
			       ULONG kind)
{
	struct fabric_waiter *woken;
	struct fabric_handle *handle;
	LOCK_STATE_EX state;

	if (!(device.groups & group))
		return;
	NdisAcquireRWLockWrite(device.lock, &state, 0);
	woken = device.woken;
	for (handle = device.handles; handle; handle = handle->next) {
		struct fabric_queued *item;
		struct fabric_writer writer;

		if (!(handle->groups & group))
			continue;
		item = fabric_allocate(sizeof(*item) + 512);
		if (!item)
			continue;
		memset(&writer, 0, sizeof(writer));
		writer.bytes = item->bytes;
		writer.size = 512;
		write(&writer, subject, kind, handle->pid);
		item->size = writer.at;
		fabric_queue_put(&handle->events, item, &woken);
	}
	device.woken = woken;
	NdisReleaseRWLock(device.lock, &state);
}

static VOID fabric_write_down(struct fabric_writer *writer, const void *port, ULONG kind, ULONG pid)
{
	fabric_vport_write(writer, port, (UCHAR)kind, 0, pid);
}

VOID fabric_device_port_down(struct fabric_vport *port)
{
	fabric_device_tell(GROUP_VPORT, port, fabric_write_down, 2);
}

static VOID fabric_write_connection(struct fabric_writer *writer, const void *entry, ULONG kind,
				    ULONG pid)
{
	fabric_connection_write(writer, entry, kind == FABRIC_EVENT_DESTROYED ? 2 : 0,
				kind == FABRIC_EVENT_NEW ? FABRIC_NLM_CREATE : 0, 0, pid,
				KeQueryInterruptTime());
}

VOID fabric_device_connection(const struct fabric_entry *entry, ULONG kind)
{
	fabric_device_tell(GROUP_NEW << kind, entry, fabric_write_connection, kind);
}

static VOID fabric_property(const struct fabric_handle *handle,
			    const struct fabric_message *request, struct fabric_writer *reply)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	ULONG start;

	if (!fabric_attributes(request->attributes, request->attributes_size, a) || !a[0].data) {
		fabric_write_error(reply, request, FABRIC_EINVAL);
		return;
	}
	start = fabric_write_start(reply, FABRIC_FAMILY_CONTROL, 0, request->sequence, handle->pid,
				   CONTROL_PROPERTY, 1);
	fabric_write_u32(reply, 0, fabric_u32_of(&a[0], 0));
	fabric_write_u32(reply, 1, handle->pid);
	fabric_write_end(reply, start);
}

static VOID fabric_transact(struct fabric_extension *extension, struct fabric_handle *handle,
			    const struct fabric_message *request, struct fabric_writer *reply)
{
	LOCK_STATE_EX state;

	/* These have locks of their own. */
	switch (request->type) {
	case FABRIC_FAMILY_CONTROL:
		if (request->command == CONTROL_PROPERTY)
			fabric_property(handle, request, reply);
		else
			fabric_write_error(reply, request, FABRIC_ENOTSUPP);
		return;
	case FABRIC_FAMILY_PACKET: fabric_packet_request(extension, request, reply); return;
	case FABRIC_FAMILY_LIMIT: fabric_limit_request(extension, request, reply); return;
	case FABRIC_FAMILY_METER: fabric_meter_request(extension, request, reply); return;
	default:
		if (request->type >> 8 != FABRIC_FAMILY_CONNTRACK >> 8)
			break;
		fabric_connection_request(extension, request, reply);
		return;
	}
	NdisAcquireRWLockWrite(extension->lock, &state, 0);
	switch (request->type) {
	case FABRIC_FAMILY_DATAPATH: fabric_datapath_request(extension, request, reply); break;
	case FABRIC_FAMILY_VPORT: fabric_vport_request(extension, request, reply); break;
	case FABRIC_FAMILY_FLOW: fabric_flow_request(extension, request, reply); break;
	case FABRIC_FAMILY_NETDEV: fabric_netdev_request(extension, request, reply); break;
	default: fabric_write_error(reply, request, FABRIC_ENOTSUPP);
	}
	NdisReleaseRWLock(extension->lock, &state);
}

static VOID fabric_subscribe(struct fabric_handle *handle, const struct fabric_message *request,
			     const struct fabric_attribute *a)
{
	ULONG group = fabric_u32_of(&a[0], GROUP_VPORT_NUMBER), bit = 0;
	BOOLEAN is_in = a[1].data && a[1].size && a[1].data[0];
	LOCK_STATE_EX state;

	if (group == GROUP_VPORT_NUMBER)
		bit = GROUP_VPORT;
	else if (group >= 1 && group <= 3)
		bit = GROUP_NEW << (group - 1);
	NdisAcquireRWLockWrite(device.lock, &state, 0);
	if (handle->is_closed) {
		; /* A request that its user did not wait for. */
	} else if (request->command == CONTROL_SUBSCRIBE) {
		handle->packets.is_open = a[2].data && a[2].size && a[2].data[0];
	} else {
		handle->groups = is_in ? handle->groups | bit : handle->groups & ~bit;
		handle->events.is_open = handle->groups != 0;
		fabric_groups_count();
	}
	NdisReleaseRWLock(device.lock, &state);
}

static NTSTATUS fabric_pend(struct fabric_queue *queue, struct fabric_waiter *waiter)
{
	LOCK_STATE_EX state;
	NTSTATUS status;

	NdisAcquireRWLockWrite(device.lock, &state, 0);
	status = fabric_queue_pend(queue, waiter);
	NdisReleaseRWLock(device.lock, &state);
	return status;
}

static NTSTATUS fabric_take(struct fabric_queue *queue, UCHAR *out, ULONG size, ULONG *written)
{
	struct fabric_queued *item;
	LOCK_STATE_EX state;
	NTSTATUS status;

	NdisAcquireRWLockWrite(device.lock, &state, 0);
	item = fabric_queue_take(queue, size, &status);
	NdisReleaseRWLock(device.lock, &state);
	if (item) {
		memcpy(out, item->bytes, item->size);
		*written = item->size;
		fabric_free(item);
	}
	return status;
}

static BOOLEAN fabric_dump_claim(struct fabric_handle *handle)
{
	return !InterlockedCompareExchange(&handle->is_busy, 1, 0);
}

/* Subscriptions, pending requests and the start of dumps. */
static NTSTATUS fabric_written(struct fabric_handle *handle, const struct fabric_message *request,
			       struct fabric_waiter *waiter)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];

	if (request->type != FABRIC_FAMILY_CONTROL) {
		if ((request->flags & FABRIC_NLM_DUMP) != FABRIC_NLM_DUMP)
			return STATUS_INVALID_PARAMETER;
		if (request->type != FABRIC_FAMILY_FLOW && request->type != FABRIC_FAMILY_VPORT &&
		    request->type != FABRIC_FAMILY_DATAPATH &&
		    request->type != FABRIC_FAMILY_CONNTRACK + 1)
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
	if (!fabric_attributes(request->attributes, request->attributes_size, a))
		return STATUS_INVALID_PARAMETER;
	switch (request->command) {
	case CONTROL_PEND: return fabric_pend(&handle->events, waiter);
	case CONTROL_PEND_PACKET: return fabric_pend(&handle->packets, waiter);
	case CONTROL_JOIN:
	case CONTROL_SUBSCRIBE:
		fabric_subscribe(handle, request, a);
		return STATUS_SUCCESS;
	default: return STATUS_INVALID_DEVICE_REQUEST;
	}
}

/* The next chunk of the dump: many flows, or one of anything else; 0 bytes end the latter. */
static VOID fabric_dump_read(struct fabric_extension *extension, struct fabric_handle *handle,
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
			ULONG done = 0, start = fabric_write_start(reply, FABRIC_NL_DONE,
								   FABRIC_NLM_MULTI,
								   request->sequence,
								   request->pid, 0, 0);

			reply->at = start + 16;
			memcpy(reply->bytes + reply->at, &done, 4);
			reply->at += 4;
			fabric_write_end(reply, start);
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

static NTSTATUS fabric_read_device(struct fabric_extension *extension,
				   struct fabric_handle *handle, ULONG code,
				   struct fabric_writer *reply, ULONG *written)
{
	if (code != IOCTL_READ && code != IOCTL_READ_EVENT && code != IOCTL_READ_PACKET)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (reply->size < 36)
		return STATUS_BUFFER_TOO_SMALL;
	if (code == IOCTL_READ_EVENT)
		return fabric_take(&handle->events, reply->bytes, reply->size, written);
	if (code == IOCTL_READ_PACKET)
		return fabric_take(&handle->packets, reply->bytes, reply->size, written);
	if (!fabric_dump_claim(handle))
		return STATUS_DEVICE_BUSY;
	fabric_dump_read(extension, handle, reply);
	InterlockedExchange(&handle->is_busy, 0);
	return STATUS_SUCCESS;
}

static NTSTATUS fabric_write_device(struct fabric_extension *extension,
				    struct fabric_handle *handle, ULONG code, const UCHAR *in,
				    ULONG in_size, struct fabric_writer *reply,
				    struct fabric_waiter *waiter)
{
	struct fabric_message request;

	if (!fabric_message_parse(in, in_size, &request))
		return STATUS_INVALID_PARAMETER;
	if (code == IOCTL_WRITE)
		return fabric_written(handle, &request, waiter);
	if (reply->size < 36)
		return STATUS_BUFFER_TOO_SMALL;
	fabric_transact(extension, handle, &request, reply);
	return STATUS_SUCCESS;
}

static NTSTATUS fabric_tell_pid(const struct fabric_handle *handle, UCHAR *out, ULONG size,
				ULONG *written)
{
	if (size < 4)
		return STATUS_BUFFER_TOO_SMALL;
	memcpy(out, &handle->pid, 4);
	*written = 4;
	return STATUS_SUCCESS;
}

NTSTATUS fabric_device_control(struct fabric_handle *handle, ULONG code, const UCHAR *in,
			       ULONG in_size, UCHAR *out, ULONG out_size, ULONG *written,
			       struct fabric_waiter *waiter)
{
	struct fabric_extension *extension;
	struct fabric_writer reply;
	NTSTATUS status;

	*written = 0;
	memset(&reply, 0, sizeof(reply));
	reply.bytes = out;
	reply.size = out_size;
	/* Counted before it looks: whoever takes the extension away waits for it, or it sees none. */
	InterlockedIncrement(&device.requests);
	extension = device.extension;
	if (!extension)
		status = STATUS_NOT_FOUND;
	else if (code == IOCTL_GET_PID)
		status = fabric_tell_pid(handle, out, out_size, written);
	else if (code == IOCTL_WRITE || code == IOCTL_TRANSACT)
		status = fabric_write_device(extension, handle, code, in, in_size, &reply, waiter);
	else
		status = fabric_read_device(extension, handle, code, &reply, written);
	InterlockedDecrement(&device.requests);
	fabric_device_wake();
	if (reply.has_overflown)
		status = STATUS_BUFFER_TOO_SMALL;
	else if (reply.at)
		*written = reply.at;
	return status;
}
