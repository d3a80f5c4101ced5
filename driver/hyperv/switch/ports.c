/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The switch's ports and NICs, as its OIDs announce them and as it tells when it is asked.
 *
 * A NIC is known from its creation to its deletion. Its number and upcall handle survive a
 * disconnect: a VM that comes back finds its flows. Names are what the contract matches by: of a
 * VM's NIC its port's friendly name, of the host's NIC its own, of a physical one its alias.
 */
#include "../conntrack/connection.h"

#define FABRIC_ARRAY_MAX (4u << 20)

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

/* Index 0 is the team or adapter as the switch sees it, 1 and above what it is bound to. */
struct fabric_vport *fabric_uplink(struct fabric_extension *extension)
{
	struct fabric_vport *found = NULL;
	ULONG i;

	for (i = 0; i < FABRIC_VPORTS_MAX; i++) {
		struct fabric_vport *port = &extension->ports[i];

		if (!port->is_used || !port->is_connected || port->tunnel ||
		    port->type != NdisSwitchNicTypeExternal)
			continue;
		if (!found || !found->nic_index ||
		    (port->nic_index && port->nic_index < found->nic_index))
			found = port;
	}
	return found;
}

static VOID fabric_text(char *to, const IF_COUNTED_STRING *from)
{
	ULONG count = from->Length / sizeof(WCHAR), i;

	if (count > FABRIC_NAME_MAX - 1)
		count = FABRIC_NAME_MAX - 1;
	for (i = 0; i < count; i++)
		to[i] = from->String[i] < 128 ? (char)from->String[i] : '?';
	to[count] = 0;
}

static struct fabric_port_name *fabric_name_of(struct fabric_extension *extension,
					       NDIS_SWITCH_PORT_ID port_id)
{
	ULONG i;

	for (i = 0; i < FABRIC_VPORTS_MAX; i++)
		if (extension->names[i].is_used && extension->names[i].port_id == port_id)
			return &extension->names[i];
	return NULL;
}

/* PASSIVE_LEVEL, before the lock is taken: an alias is asked of the system. */
static VOID fabric_nic_name(struct fabric_extension *extension,
			    const NDIS_SWITCH_NIC_PARAMETERS *nic, char *name)
{
	if (nic->NicType == NdisSwitchNicTypeExternal && extension->alias &&
	    extension->alias(&nic->NetCfgInstanceId, name))
		return;
	fabric_text(name, nic->NicFriendlyName.Length ? &nic->NicFriendlyName : &nic->NicName);
}

static BOOLEAN fabric_is_of_vm(NDIS_SWITCH_NIC_TYPE type)
{
	return type == NdisSwitchNicTypeSynthetic || type == NdisSwitchNicTypeEmulated;
}

/* From here on under the lock for writing. */

static VOID fabric_port_say_name(struct fabric_extension *extension,
				 const NDIS_SWITCH_PORT_PARAMETERS *port)
{
	struct fabric_port_name *name = fabric_name_of(extension, port->PortId);
	ULONG i;

	if (port->IsValidationPort)
		return;
	for (i = 0; !name && i < FABRIC_VPORTS_MAX; i++)
		if (!extension->names[i].is_used)
			name = &extension->names[i];
	if (!name)
		return;
	name->is_used = TRUE;
	name->port_id = port->PortId;
	fabric_text(name->name, &port->PortFriendlyName);
	for (i = 0; name->name[0] && i < FABRIC_VPORTS_MAX; i++) {
		struct fabric_vport *nic = &extension->ports[i];

		if (nic->is_used && !nic->tunnel && nic->port_id == port->PortId &&
		    fabric_is_of_vm(nic->type))
			memcpy(nic->name, name->name, sizeof(nic->name));
	}
}

static VOID fabric_nic_fill(struct fabric_vport *port,
			    const NDIS_SWITCH_NIC_PARAMETERS *nic, const char *name)
{
	port->is_used = TRUE;
	port->type = nic->NicType;
	port->port_id = nic->PortId;
	port->nic_index = nic->NicIndex;
	port->mtu = nic->MTU;
	memcpy(port->mac, nic->VMMacAddress, sizeof(port->mac));
	memcpy(port->name, name, sizeof(port->name));
}

static NDIS_STATUS fabric_nic_create(struct fabric_extension *extension,
				     const NDIS_SWITCH_NIC_PARAMETERS *nic, char *name)
{
	ULONG start = (nic->PortId * 7 + nic->NicIndex) % FABRIC_VPORTS_MAX, i;
	struct fabric_vport *port = fabric_port_by_id(extension, nic->PortId, nic->NicIndex);
	struct fabric_port_name *own = fabric_name_of(extension, nic->PortId);

	if (own && own->name[0] && fabric_is_of_vm(nic->NicType))
		memcpy(name, own->name, sizeof(own->name));
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
	fabric_nic_fill(port, nic, name);
	return NDIS_STATUS_SUCCESS;
}

/* TRUE: it was connected, and 'gone' says what it was. */
static BOOLEAN fabric_nic_leave(struct fabric_vport *port, BOOLEAN is_deleted,
				struct fabric_vport *gone)
{
	BOOLEAN was_connected = port->is_connected;

	*gone = *port;
	port->is_connected = FALSE;
	/* One that nobody asked for by name is forgotten; a bound one waits. */
	if (is_deleted && !port->number)
		memset(port, 0, sizeof(*port));
	return was_connected;
}

static NDIS_STATUS fabric_nic_oid(struct fabric_extension *extension, NDIS_OID oid,
				  const NDIS_SWITCH_NIC_PARAMETERS *nic)
{
	char name[FABRIC_NAME_MAX] = { 0 };
	NDIS_STATUS status = NDIS_STATUS_SUCCESS;
	struct fabric_vport *port, gone;
	BOOLEAN has_left = FALSE;
	LOCK_STATE_EX state;

	if (oid == OID_SWITCH_NIC_CREATE || oid == OID_SWITCH_NIC_UPDATED)
		fabric_nic_name(extension, nic, name);
	NdisAcquireRWLockWrite(extension->lock, &state, 0);
	port = fabric_port_by_id(extension, nic->PortId, nic->NicIndex);
	if (oid == OID_SWITCH_NIC_CREATE) {
		status = fabric_nic_create(extension, nic, name);
	} else if (port && oid == OID_SWITCH_NIC_CONNECT) {
		port->is_connected = TRUE;
	} else if (port && oid == OID_SWITCH_NIC_UPDATED) {
		if (fabric_is_of_vm(nic->NicType))
			memcpy(name, port->name, sizeof(name)); /* Its port's. */
		fabric_nic_fill(port, nic, name);
	} else if (port) {
		has_left = fabric_nic_leave(port, oid == OID_SWITCH_NIC_DELETE, &gone);
	}
	NdisReleaseRWLock(extension->lock, &state);
	if (has_left) {
		/* Nothing may be sent to it once this request has been passed on. */
		fabric_settle(extension);
		if (gone.number)
			fabric_device_port_down(&gone);
	}
	return status;
}

static VOID fabric_port_oid(struct fabric_extension *extension, NDIS_OID oid,
			    const NDIS_SWITCH_PORT_PARAMETERS *port)
{
	struct fabric_port_name *name;
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(extension->lock, &state, 0);
	if (oid == OID_SWITCH_PORT_DELETE) {
		name = fabric_name_of(extension, port->PortId);
		if (name)
			memset(name, 0, sizeof(*name));
	} else {
		fabric_port_say_name(extension, port);
	}
	NdisReleaseRWLock(extension->lock, &state);
}

NDIS_STATUS fabric_oid(struct fabric_extension *extension, NDIS_OID oid, PVOID buffer, UINT size)
{
	NDIS_STATUS status = NDIS_STATUS_SUCCESS;

	switch (oid) {
	case OID_SWITCH_PORT_CREATE:
	case OID_SWITCH_PORT_UPDATED:
	case OID_SWITCH_PORT_DELETE:
		if (size >= sizeof(NDIS_SWITCH_PORT_PARAMETERS))
			fabric_port_oid(extension, oid, buffer);
		break;
	case OID_SWITCH_NIC_CREATE:
	case OID_SWITCH_NIC_CONNECT:
	case OID_SWITCH_NIC_UPDATED:
	case OID_SWITCH_NIC_DISCONNECT:
	case OID_SWITCH_NIC_DELETE:
		if (size >= sizeof(NDIS_SWITCH_NIC_PARAMETERS))
			status = fabric_nic_oid(extension, oid, buffer);
		fabric_device_wake();
		break;
	default:
		break;
	}
	return status;
}

/* An array that the switch fills; NULL: it does not answer, or there is no memory. */
static NDIS_SWITCH_NIC_ARRAY *fabric_array(struct fabric_extension *extension, fabric_query query,
					   NDIS_OID oid)
{
	UINT size = sizeof(NDIS_SWITCH_NIC_ARRAY), needed = 0, tries;

	/* Ports may come while it is asked; each try has room for what there was. */
	for (tries = 0; tries < 4; tries++) {
		NDIS_SWITCH_NIC_ARRAY *array = fabric_allocate(size);
		NDIS_STATUS status;

		if (!array)
			return NULL;
		array->Header.Type = NDIS_OBJECT_TYPE_DEFAULT;
		array->Header.Revision = NDIS_SWITCH_NIC_ARRAY_REVISION_1;
		array->Header.Size = sizeof(*array);
		status = query(extension, oid, array, size, &needed);
		if (status == NDIS_STATUS_SUCCESS &&
		    (ULONG64)array->FirstElementOffset +
				    (ULONG64)array->NumElements * array->ElementSize <= size)
			return array;
		fabric_free(array);
		if (needed <= size || needed > FABRIC_ARRAY_MAX)
			return NULL;
		size = needed;
	}
	return NULL;
}

VOID fabric_switch_read(struct fabric_extension *extension, fabric_query query)
{
	NDIS_SWITCH_PARAMETERS *own = fabric_allocate(sizeof(*own));
	NDIS_SWITCH_NIC_ARRAY *array = NULL;
	UINT needed;
	ULONG i;

	if (!own)
		return;
	own->Header.Type = NDIS_OBJECT_TYPE_DEFAULT;
	own->Header.Revision = NDIS_SWITCH_PARAMETERS_REVISION_1;
	own->Header.Size = sizeof(*own);
	if (query(extension, OID_SWITCH_PARAMETERS, own, sizeof(*own), &needed) ==
		    NDIS_STATUS_SUCCESS && own->IsActive)
		array = fabric_array(extension, query, OID_SWITCH_PORT_ARRAY);
	for (i = 0; array && i < array->NumElements &&
		    array->ElementSize >= sizeof(NDIS_SWITCH_PORT_PARAMETERS); i++)
		fabric_oid(extension, OID_SWITCH_PORT_CREATE,
			   (UCHAR *)array + array->FirstElementOffset + i * array->ElementSize,
			   sizeof(NDIS_SWITCH_PORT_PARAMETERS));
	fabric_free(array);
	array = own->IsActive ? fabric_array(extension, query, OID_SWITCH_NIC_ARRAY) : NULL;
	for (i = 0; array && i < array->NumElements &&
		    array->ElementSize >= sizeof(NDIS_SWITCH_NIC_PARAMETERS); i++) {
		NDIS_SWITCH_NIC_PARAMETERS *nic = (PVOID)((UCHAR *)array +
							  array->FirstElementOffset +
							  i * array->ElementSize);

		fabric_oid(extension, OID_SWITCH_NIC_CREATE, nic, sizeof(*nic));
		if (nic->NicState == NdisSwitchNicStateConnected)
			fabric_oid(extension, OID_SWITCH_NIC_CONNECT, nic, sizeof(*nic));
	}
	fabric_free(array);
	fabric_free(own);
}
