/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Handles, what waits for their readers, and who is told of what. */
#include "device.h"
#include "../conntrack/connection.h"

/* Bits for the groups of the contract: 101, and 1 to 3 of connections. */
enum { GROUP_VPORT = 1, GROUP_NEW = 2, GROUP_VPORT_NUMBER = 101 };

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
	device.lock = NdisAllocateRWLock(fabric_driver);
	return device.lock ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

VOID fabric_device_stop(void)
{
	if (device.lock)
		NdisFreeRWLock(device.lock);
	device.lock = NULL;
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

struct fabric_extension *fabric_device_enter(VOID)
{
	/* Counted before it looks: whoever takes the extension away waits for it, or it sees none. */
	InterlockedIncrement(&device.requests);
	return device.extension;
}

VOID fabric_device_leave(VOID)
{
	InterlockedDecrement(&device.requests);
	fabric_device_wake();
}

VOID fabric_subscribe(struct fabric_handle *handle, const struct fabric_message *request,
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

NTSTATUS fabric_pend(struct fabric_queue *queue, struct fabric_waiter *waiter)
{
	LOCK_STATE_EX state;
	NTSTATUS status;

	NdisAcquireRWLockWrite(device.lock, &state, 0);
	status = fabric_queue_pend(queue, waiter);
	NdisReleaseRWLock(device.lock, &state);
	return status;
}

NTSTATUS fabric_take(struct fabric_queue *queue, UCHAR *out, ULONG size, ULONG *written)
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
