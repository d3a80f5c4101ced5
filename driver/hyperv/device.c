/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The pseudo device. A handle acts as one netlink socket: it sends requests, runs one dump at a
 * time, and may listen for upcalls and for events of ports.
 *
 * device.life is held for reading by every request, for writing by attach and detach: an extension
 * does not go away under a request. device.lock guards handles and their queues and is the only one
 * that packets take.
 */
#include "netlink.h"
#include "queue.h"
#include "connection.h"

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
	BOOLEAN is_dumping, is_done;
	ULONG dump_at, dump_index;
	ULONG groups;
};

static struct {
	PNDIS_RW_LOCK_EX life, lock;
	struct fabric_extension *extension;
	struct fabric_handle *handles;
	ULONG handle_count, last_pid;
	volatile ULONG groups; /* Of all handles: nobody listens to the others. */
} device;

NTSTATUS fabric_device_start(void)
{
	memset(&device, 0, sizeof(device));
	device.life = NdisAllocateRWLock(NULL);
	device.lock = device.life ? NdisAllocateRWLock(NULL) : NULL;
	if (device.lock)
		return STATUS_SUCCESS;
	if (device.life)
		NdisFreeRWLock(device.life);
	return STATUS_INSUFFICIENT_RESOURCES;
}

VOID fabric_device_stop(void)
{
	NdisFreeRWLock(device.lock);
	NdisFreeRWLock(device.life);
}

static VOID fabric_device_set(struct fabric_extension *extension)
{
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(device.life, &state, 0);
	device.extension = extension;
	NdisReleaseRWLock(device.life, &state);
}

VOID fabric_device_attach(struct fabric_extension *extension)
{
	fabric_device_set(extension);
}

VOID fabric_device_detach(void)
{
	fabric_device_set(NULL);
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

VOID fabric_device_close(struct fabric_handle *handle)
{
	struct fabric_handle **at;
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(device.lock, &state, 0);
	for (at = &device.handles; *at != handle; at = &(*at)->next)
		;
	*at = handle->next;
	device.handle_count--;
	NdisReleaseRWLock(device.lock, &state);
	fabric_queue_close(&handle->packets);
	fabric_queue_close(&handle->events);
	fabric_free(handle);
}

VOID fabric_device_forget(PVOID context)
{
	struct fabric_handle *handle;
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(device.lock, &state, 0);
	for (handle = device.handles; handle; handle = handle->next) {
		if (handle->packets.is_waited_for && handle->packets.waiter.context == context)
			handle->packets.is_waited_for = FALSE;
		if (handle->events.is_waited_for && handle->events.waiter.context == context)
			handle->events.is_waited_for = FALSE;
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
	struct fabric_waiter woken = { NULL, NULL, NULL };
	struct fabric_handle *handle;
	BOOLEAN is_queued = FALSE;
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(device.lock, &state, 0);
	for (handle = device.handles; handle && handle->pid != pid; handle = handle->next)
		;
	if (handle)
		is_queued = fabric_queue_put(&handle->packets, item, &woken);
	else
		fabric_free(item);
	NdisReleaseRWLock(device.lock, &state);
	if (woken.wake)
		woken.wake(woken.context, STATUS_SUCCESS);
	return is_queued;
}

/* An event to all handles of a group: 'write' fills the message for a pid. */
static VOID fabric_device_tell(ULONG group, const void *subject,
			       VOID (*write)(struct fabric_writer *, const void *, ULONG, ULONG),
			       ULONG kind)
{
	struct fabric_waiter woken[8];
	struct fabric_handle *handle;
	LOCK_STATE_EX state;
	ULONG count = 0;

	if (!(device.groups & group))
		return;
	NdisAcquireRWLockWrite(device.lock, &state, 0);
	for (handle = device.handles; handle; handle = handle->next) {
		struct fabric_queued *item;
		struct fabric_writer writer;

		/* More than eight waiting listeners: the others find it at their next read. */
		if (!(handle->groups & group) || count == 8)
			continue;
		item = fabric_allocate(sizeof(*item) + 512);
		if (!item)
			continue;
		memset(&writer, 0, sizeof(writer));
		writer.bytes = item->bytes;
		writer.size = 512;
		write(&writer, subject, kind, handle->pid);
		item->size = writer.at;
		woken[count].wake = NULL;
		if (fabric_queue_put(&handle->events, item, &woken[count]) && woken[count].wake)
			count++;
	}
	NdisReleaseRWLock(device.lock, &state);
	while (count--)
		woken[count].wake(woken[count].context, STATUS_SUCCESS);
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

static VOID fabric_transact(struct fabric_handle *handle, const struct fabric_message *request,
			    struct fabric_writer *reply)
{
	struct fabric_extension *extension = device.extension;
	LOCK_STATE_EX state;

	if (request->type == FABRIC_FAMILY_CONTROL && request->command == CONTROL_PROPERTY) {
		fabric_property(handle, request, reply);
		return;
	}
	if (request->type == FABRIC_FAMILY_PACKET) {
		fabric_packet_request(extension, request, reply);
		return;
	}
	NdisAcquireRWLockWrite(extension->lock, &state, 0);
	switch (request->type) {
	case FABRIC_FAMILY_DATAPATH: fabric_datapath_request(extension, request, reply); break;
	case FABRIC_FAMILY_VPORT: fabric_vport_request(extension, request, reply); break;
	case FABRIC_FAMILY_FLOW: fabric_flow_request(extension, request, reply); break;
	case FABRIC_FAMILY_NETDEV: fabric_netdev_request(extension, request, reply); break;
	case FABRIC_FAMILY_LIMIT: fabric_limit_request(extension, request, reply); break;
	case FABRIC_FAMILY_METER: fabric_meter_request(extension, request, reply); break;
	default:
		if (request->type >> 8 == FABRIC_FAMILY_CONNTRACK >> 8)
			fabric_connection_request(extension, request, reply);
		else
			fabric_write_error(reply, request, FABRIC_ENOTSUPP);
	}
	NdisReleaseRWLock(extension->lock, &state);
}

static VOID fabric_subscribe(struct fabric_handle *handle, const struct fabric_message *request,
			     const struct fabric_attribute *a)
{
	ULONG group = fabric_u32_of(&a[0], GROUP_VPORT_NUMBER), bit = 0;
	BOOLEAN is_in = a[1].data && a[1].size && a[1].data[0];
	struct fabric_handle *other;
	LOCK_STATE_EX state;

	if (group == GROUP_VPORT_NUMBER)
		bit = GROUP_VPORT;
	else if (group >= 1 && group <= 3)
		bit = GROUP_NEW << (group - 1);
	NdisAcquireRWLockWrite(device.lock, &state, 0);
	if (request->command == CONTROL_SUBSCRIBE) {
		handle->packets.is_open = a[2].data && a[2].size && a[2].data[0];
	} else {
		handle->groups = is_in ? handle->groups | bit : handle->groups & ~bit;
		handle->events.is_open = handle->groups != 0;
		device.groups = 0;
		for (other = device.handles; other; other = other->next)
			device.groups |= other->groups;
	}
	NdisReleaseRWLock(device.lock, &state);
}

/* Subscriptions, pending requests and the start of dumps. */
static NTSTATUS fabric_written(struct fabric_handle *handle, const struct fabric_message *request,
			       const struct fabric_waiter *waiter)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];

	if (request->type != FABRIC_FAMILY_CONTROL) {
		if ((request->flags & FABRIC_NLM_DUMP) != FABRIC_NLM_DUMP)
			return STATUS_INVALID_PARAMETER;
		if (request->type != FABRIC_FAMILY_FLOW && request->type != FABRIC_FAMILY_VPORT &&
		    request->type != FABRIC_FAMILY_DATAPATH &&
		    request->type != FABRIC_FAMILY_CONNTRACK + 1)
			return STATUS_INVALID_DEVICE_REQUEST;
		handle->dump = *request;
		handle->dump.attributes = NULL;
		handle->dump.attributes_size = 0;
		handle->is_dumping = TRUE;
		handle->is_done = FALSE;
		handle->dump_at = handle->dump_index = 0;
		return STATUS_SUCCESS;
	}
	if (!fabric_attributes(request->attributes, request->attributes_size, a))
		return STATUS_INVALID_PARAMETER;
	switch (request->command) {
	case CONTROL_PEND: return fabric_queue_pend(&handle->events, device.lock, waiter);
	case CONTROL_PEND_PACKET: return fabric_queue_pend(&handle->packets, device.lock, waiter);
	case CONTROL_JOIN:
	case CONTROL_SUBSCRIBE:
		fabric_subscribe(handle, request, a);
		return STATUS_SUCCESS;
	default: return STATUS_INVALID_DEVICE_REQUEST;
	}
}

/* The next chunk of the dump: many flows, or one of anything else; 0 bytes end the latter. */
static VOID fabric_dump_read(struct fabric_handle *handle, struct fabric_writer *reply)
{
	struct fabric_extension *extension = device.extension;
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

NTSTATUS fabric_device_control(struct fabric_handle *handle, ULONG code, const UCHAR *in,
			       ULONG in_size, UCHAR *out, ULONG out_size, ULONG *written,
			       const struct fabric_waiter *waiter)
{
	struct fabric_message request;
	struct fabric_writer reply;
	NTSTATUS status = STATUS_SUCCESS;
	LOCK_STATE_EX state;

	*written = 0;
	memset(&reply, 0, sizeof(reply));
	reply.bytes = out;
	reply.size = out_size;
	NdisAcquireRWLockRead(device.life, &state, 0);
	if (!device.extension) {
		status = STATUS_NOT_FOUND;
	} else if (code == IOCTL_GET_PID) {
		if (out_size < 4) {
			status = STATUS_BUFFER_TOO_SMALL;
		} else {
			memcpy(out, &handle->pid, 4);
			*written = 4;
		}
	} else if (code == IOCTL_WRITE || code == IOCTL_TRANSACT) {
		if (!fabric_message_parse(in, in_size, &request))
			status = STATUS_INVALID_PARAMETER;
		else if (code == IOCTL_WRITE)
			status = fabric_written(handle, &request, waiter);
		else if (out_size < 36)
			status = STATUS_BUFFER_TOO_SMALL;
		else
			fabric_transact(handle, &request, &reply);
	} else if (out_size < 36) {
		status = code == IOCTL_READ || code == IOCTL_READ_EVENT || code == IOCTL_READ_PACKET
				 ? STATUS_BUFFER_TOO_SMALL : STATUS_INVALID_DEVICE_REQUEST;
	} else if (code == IOCTL_READ) {
		fabric_dump_read(handle, &reply);
	} else if (code == IOCTL_READ_EVENT) {
		status = fabric_queue_take(&handle->events, device.lock, out, out_size, written);
	} else if (code == IOCTL_READ_PACKET) {
		status = fabric_queue_take(&handle->packets, device.lock, out, out_size, written);
	} else {
		status = STATUS_INVALID_DEVICE_REQUEST;
	}
	NdisReleaseRWLock(device.life, &state);
	if (reply.has_overflown)
		status = STATUS_BUFFER_TOO_SMALL;
	else if (reply.at)
		*written = reply.at;
	return status;
}
