/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* The door of the pseudo device: which request goes where. */
#include "device.h"

enum {
	IOCTL_GET_PID = 0xAFC88400,
	IOCTL_READ = 0xAFC84406,
	IOCTL_READ_EVENT = 0xAFC8440A,
	IOCTL_READ_PACKET = 0xAFC8440E,
	IOCTL_WRITE = 0xAFC84411,
	IOCTL_TRANSACT = 0xAFC88416
};

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

/* Subscriptions, pending requests and the start of dumps. */
static NTSTATUS fabric_written(struct fabric_handle *handle, const struct fabric_message *request,
			       struct fabric_waiter *waiter)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];

	if (request->type != FABRIC_FAMILY_CONTROL)
		return fabric_dump_start(handle, request);
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
	return fabric_dump_read(extension, handle, reply);
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
	extension = fabric_device_enter();
	if (!extension)
		status = STATUS_NOT_FOUND;
	else if (code == IOCTL_GET_PID)
		status = fabric_tell_pid(handle, out, out_size, written);
	else if (code == IOCTL_WRITE || code == IOCTL_TRANSACT)
		status = fabric_write_device(extension, handle, code, in, in_size, &reply, waiter);
	else
		status = fabric_read_device(extension, handle, code, &reply, written);
	fabric_device_leave();
	if (reply.has_overflown)
		status = STATUS_BUFFER_TOO_SMALL;
	else if (reply.at)
		*written = reply.at;
	return status;
}
