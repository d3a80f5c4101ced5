/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Life of the filter on its switch, and the switch's ports and NICs as OIDs announce them.
 *
 * A port is known from its NIC's creation to its deletion. Its number and upcall handle survive a
 * disconnect: a VM that comes back finds its flows.
 */
#include "connection.h"

static VOID fabric_text(char *to, const IF_COUNTED_STRING *from)
{
	ULONG count = from->Length / sizeof(WCHAR), i;

	if (count > FABRIC_NAME_MAX - 1)
		count = FABRIC_NAME_MAX - 1;
	for (i = 0; i < count; i++)
		to[i] = from->String[i] < 128 ? (char)from->String[i] : '?';
	to[count] = 0;
}

struct fabric_vport *fabric_port_by_id(struct fabric_extension *extension,
				      NDIS_SWITCH_PORT_ID port_id, NDIS_SWITCH_NIC_INDEX nic_index)
{
	/* Ids are small and dense: the first place to look is nearly always the right one. */
	ULONG start = (port_id * 7 + nic_index) % FABRIC_VPORTS_MAX, i;

	for (i = 0; i < FABRIC_VPORTS_MAX; i++) {
		struct fabric_vport *port = &extension->ports[(start + i) % FABRIC_VPORTS_MAX];

		if (port->is_used && !port->tunnel && port->port_id == port_id &&
		    port->nic_index == nic_index)
			return port;
	}
	return NULL;
}

struct fabric_vport *fabric_port_by_number(struct fabric_extension *extension, ULONG number)
{
	ULONG place = number < 65536 ? extension->by_number[number] : 0;

	return place ? &extension->ports[place - 1] : NULL;
}

/* 0: it has none any more. */
VOID fabric_port_number_set(struct fabric_extension *extension, struct fabric_vport *port,
			    ULONG number)
{
	if (port->number)
		extension->by_number[port->number] = 0;
	port->number = number;
	if (number)
		extension->by_number[number] = (USHORT)(port - extension->ports + 1);
}

struct fabric_vport *fabric_port_by_name(struct fabric_extension *extension, const char *name)
{
	ULONG i;

	for (i = 0; i < FABRIC_VPORTS_MAX; i++)
		if (extension->ports[i].is_used && !strcmp(extension->ports[i].name, name))
			return &extension->ports[i];
	return NULL;
}

static NDIS_STATUS fabric_nic_create(struct fabric_extension *extension,
				     const NDIS_SWITCH_NIC_PARAMETERS *nic)
{
	ULONG start = (nic->PortId * 7 + nic->NicIndex) % FABRIC_VPORTS_MAX, i;
	struct fabric_vport *port = fabric_port_by_id(extension, nic->PortId, nic->NicIndex);
	char name[FABRIC_NAME_MAX];

	fabric_text(name, nic->NicFriendlyName.Length ? &nic->NicFriendlyName : &nic->NicName);
	/* A VM that comes back has a new port id and its old name: number and flows stay. */
	if (!port && name[0]) {
		port = fabric_port_by_name(extension, name);
		if (port && (port->is_connected || port->tunnel))
			port = NULL;
	}
	for (i = 0; !port && i < FABRIC_VPORTS_MAX; i++) {
		struct fabric_vport *candidate =
			&extension->ports[(start + i) % FABRIC_VPORTS_MAX];

		if (!candidate->is_used)
			port = candidate;
	}
	if (!port)
		return NDIS_STATUS_RESOURCES;
	port->is_used = TRUE;
	port->type = nic->NicType;
	port->port_id = nic->PortId;
	port->nic_index = nic->NicIndex;
	port->mtu = nic->MTU;
	memcpy(port->mac, nic->VMMacAddress, sizeof(port->mac));
	memcpy(port->name, name, sizeof(name));
	return NDIS_STATUS_SUCCESS;
}

/* Returns what the OID asks for; OIDs of no interest are passed on by the caller. */
NDIS_STATUS fabric_oid(struct fabric_extension *extension, int oid, PVOID buffer, UINT size)
{
	const NDIS_SWITCH_NIC_PARAMETERS *nic = buffer;
	NDIS_STATUS status = NDIS_STATUS_SUCCESS;
	struct fabric_vport *port, gone;
	LOCK_STATE_EX state;

	if (oid < OID_SWITCH_NIC_CREATE || oid > OID_SWITCH_NIC_DELETE)
		return NDIS_STATUS_SUCCESS;
	if (size < sizeof(*nic))
		return NDIS_STATUS_INVALID_PARAMETER;
	memset(&gone, 0, sizeof(gone));
	NdisAcquireRWLockWrite(extension->lock, &state, 0);
	port = fabric_port_by_id(extension, nic->PortId, nic->NicIndex);
	if (oid == OID_SWITCH_NIC_CREATE) {
		status = fabric_nic_create(extension, nic);
	} else if (!port) {
		status = NDIS_STATUS_INVALID_PARAMETER;
	} else if (oid == OID_SWITCH_NIC_CONNECT) {
		port->is_connected = TRUE;
	} else {
		if (port->is_connected)
			gone = *port;
		port->is_connected = FALSE;
		/* One that nobody asked for by name is forgotten; a bound one waits. */
		if (oid == OID_SWITCH_NIC_DELETE && !port->number)
			memset(port, 0, sizeof(*port));
	}
	NdisReleaseRWLock(extension->lock, &state);
	if (gone.number)
		fabric_device_port_down(&gone);
	return status;
}

static VOID fabric_state_stop(struct fabric_extension *extension)
{
	if (extension->meters)
		NdisFreeRWLock(extension->meters->lock);
	fabric_free(extension->meters);
	if (extension->connections)
		fabric_connections_stop(extension->connections);
	fabric_free(extension->connections);
}

/* Connections and meters, which live as long as the filter on its switch. */
static BOOLEAN fabric_state_start(struct fabric_extension *extension)
{
	struct fabric_meters *meters = fabric_allocate(sizeof(*meters));
	struct fabric_connections *connections = fabric_allocate(sizeof(*connections));
	ULONG seed = (ULONG)(KeQueryInterruptTime() * 0x9e3779b1u);

	if (meters)
		meters->lock = NdisAllocateRWLock(NULL);
	if (meters && !meters->lock) {
		fabric_free(meters);
		meters = NULL;
	}
	extension->meters = meters;
	if (connections && fabric_connections_start(connections, seed) == STATUS_SUCCESS)
		extension->connections = connections;
	else
		fabric_free(connections);
	if (extension->meters && extension->connections)
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
	if (NdisFGetOptionalSwitchHandlers(filter, &extension->context, &extension->handlers) !=
	    NDIS_STATUS_SUCCESS) {
		fabric_free(extension); /* Not a Hyper-V switch. */
		return NDIS_STATUS_FAILURE;
	}
	memset(&parameters, 0, sizeof(parameters));
	parameters.Header.Type = 0x80; /* NDIS_OBJECT_TYPE_DEFAULT */
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
	extension->state = FABRIC_RUNNING;
}

/* New packets are refused from here on; returns when every copy has come back. */
VOID fabric_pause(struct fabric_extension *extension)
{
	LOCK_STATE_EX state;

	extension->state = FABRIC_PAUSING;
	/* Whoever read the old state has the lock; once it is ours, all of them are through. */
	NdisAcquireRWLockWrite(extension->lock, &state, 0);
	NdisReleaseRWLock(extension->lock, &state);
	while (extension->outstanding > 0)
		NdisMSleep(1000);
	extension->state = FABRIC_PAUSED;
}

VOID fabric_detach(struct fabric_extension *extension)
{
	fabric_device_detach();
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

	fabric_batch_start(&batch);
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
}
