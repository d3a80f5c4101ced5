/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Ports, network devices and the one datapath, as messages. */
#include "netlink.h"
#include "../tunnels/tunnel.h"

enum { VPORT_NUMBER = 1, VPORT_TYPE, VPORT_NAME, VPORT_OPTIONS, VPORT_PID, VPORT_STATS };
enum { VPORT_NEW = 1, VPORT_DEL, VPORT_GET, VPORT_SET };
enum { TYPE_NETDEV = 1, TYPE_INTERNAL = 2 };
enum { NETDEV_NUMBER = 1, NETDEV_TYPE, NETDEV_NAME, NETDEV_MAC, NETDEV_MTU, NETDEV_FLAGS };
enum { DATAPATH_NAME = 1, DATAPATH_STATS = 3, DATAPATH_MEGAFLOW_STATS = 4 };
#define FABRIC_DATAPATH "ovs-system"

static ULONG fabric_type_of(const struct fabric_vport *port)
{
	if (port->tunnel)
		return port->tunnel;
	return port->type == NdisSwitchNicTypeInternal ? TYPE_INTERNAL : TYPE_NETDEV;
}

VOID fabric_vport_write(struct fabric_writer *writer, const struct fabric_vport *port, UCHAR command,
			ULONG sequence, ULONG pid)
{
	ULONG start = fabric_write_start(writer, FABRIC_FAMILY_VPORT, 0, sequence, pid, command, 1);
	LONG64 stats[8] = { port->rx_packets, port->tx_packets, port->rx_bytes, port->tx_bytes,
			    0, 0, port->rx_dropped, port->tx_dropped };

	fabric_write_u32(writer, VPORT_NUMBER, port->number);
	fabric_write_u32(writer, VPORT_TYPE, fabric_type_of(port));
	fabric_write(writer, VPORT_NAME, port->name, (ULONG)strlen(port->name) + 1);
	if (port->tunnel_port) {
		ULONG options = fabric_write_nest(writer, VPORT_OPTIONS);

		fabric_write(writer, 1, &port->tunnel_port, 2);
		fabric_write_nest_end(writer, options);
	}
	fabric_write_u32(writer, VPORT_PID, port->upcall_pid);
	fabric_write(writer, VPORT_STATS, stats, sizeof(stats));
	fabric_write_end(writer, start);
}

static BOOLEAN fabric_name(const struct fabric_attribute *attribute, char *name)
{
	if (!attribute->data || !attribute->size || attribute->size > FABRIC_NAME_MAX ||
	    attribute->data[attribute->size - 1])
		return FALSE;
	memcpy(name, attribute->data, attribute->size);
	return TRUE;
}

static ULONG fabric_number_free(struct fabric_extension *extension)
{
	ULONG number = 1;

	while (number <= 0xffff && fabric_port_by_number(extension, number))
		number++;
	return number;
}

static USHORT fabric_tunnel_port_of(ULONG type, const struct fabric_attribute *options)
{
	struct fabric_attribute inner[FABRIC_NL_ATTRIBUTES_MAX];
	USHORT port = type == FABRIC_VXLAN ? 4789 : type == FABRIC_GENEVE ? 6081 : 0;

	if (port && options->data && fabric_attributes(options->data, options->size, inner) &&
	    inner[1].data && inner[1].size >= 2)
		memcpy(&port, inner[1].data, 2);
	return port;
}

/* A tunnel is a port of ours alone; one for each kind and UDP port. */
static int fabric_tunnel_new(struct fabric_extension *extension, const struct fabric_attribute *a,
			     const char *name, ULONG number, struct fabric_vport **found)
{
	ULONG type = fabric_u32_of(&a[VPORT_TYPE], 0), i;
	USHORT udp = fabric_tunnel_port_of(type, &a[VPORT_OPTIONS]);
	struct fabric_vport *port = NULL;

	if (!type)
		return FABRIC_EINVAL;
	if (type != FABRIC_GRE && type != FABRIC_VXLAN && type != FABRIC_GENEVE &&
	    type != FABRIC_STT)
		return FABRIC_ENOTSUPP;
	if (fabric_port_by_name(extension, name) || fabric_port_by_number(extension, number))
		return FABRIC_EEXIST;
	for (i = 0; i < extension->tunnel_count; i++)
		if (udp ? extension->tunnels[i]->tunnel_port == udp
			: extension->tunnels[i]->tunnel == type)
			return FABRIC_EEXIST;
	for (i = 0; i < FABRIC_VPORTS_MAX && !port; i++)
		if (!extension->ports[i].is_used)
			port = &extension->ports[i];
	number = number ? number : fabric_number_free(extension);
	if (!port || number > 0xffff || extension->tunnel_count == FABRIC_TUNNELS_MAX)
		return FABRIC_ENOSPC;
	memset(port, 0, sizeof(*port));
	port->is_used = port->is_connected = TRUE;
	port->type = NdisSwitchNicTypeSynthetic;
	port->tunnel = (UCHAR)type;
	port->tunnel_port = udp;
	memcpy(port->name, name, strlen(name));
	port->upcall_pid = fabric_u32_of(&a[VPORT_PID], 0);
	fabric_port_number_set(extension, port, number);
	extension->tunnels[extension->tunnel_count++] = port;
	*found = port;
	return 0;
}

static VOID fabric_tunnel_forget(struct fabric_extension *extension, struct fabric_vport *port)
{
	ULONG i = 0;

	while (extension->tunnels[i] != port)
		i++;
	extension->tunnels[i] = extension->tunnels[--extension->tunnel_count];
	memset(port, 0, sizeof(*port));
}

/* Binds a port of the switch to a number. Its name is the switch's, not ours to choose. */
static int fabric_vport_new(struct fabric_extension *extension, const struct fabric_attribute *a,
			    struct fabric_vport **found)
{
	ULONG type = fabric_u32_of(&a[VPORT_TYPE], 0);
	ULONG number = fabric_u32_of(&a[VPORT_NUMBER], 0);
	char name[FABRIC_NAME_MAX];
	struct fabric_vport *port;

	if (!fabric_name(&a[VPORT_NAME], name) || number > 0xffff)
		return FABRIC_EINVAL;
	if (type != TYPE_NETDEV && type != TYPE_INTERNAL)
		return fabric_tunnel_new(extension, a, name, number, found);
	port = fabric_port_by_name(extension, name);
	if (!port)
		return FABRIC_EINVAL;
	if (port->number || fabric_port_by_number(extension, number))
		return FABRIC_EEXIST;
	number = number ? number : fabric_number_free(extension);
	if (number > 0xffff)
		return FABRIC_ENOSPC;
	fabric_port_number_set(extension, port, number);
	port->upcall_pid = fabric_u32_of(&a[VPORT_PID], 0);
	*found = port;
	return 0;
}

/* Under the lock for writing. */
VOID fabric_vport_request(struct fabric_extension *extension,
			  const struct fabric_message *request, struct fabric_writer *reply)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	struct fabric_vport *port = NULL;
	char name[FABRIC_NAME_MAX];
	int error = 0;

	if (!fabric_attributes(request->attributes, request->attributes_size, a)) {
		error = FABRIC_EINVAL;
	} else if (request->command == VPORT_NEW) {
		error = fabric_vport_new(extension, a, &port);
	} else if (request->command < VPORT_NEW || request->command > VPORT_SET) {
		error = FABRIC_ENOTSUPP;
	} else {
		port = fabric_port_by_number(extension, fabric_u32_of(&a[VPORT_NUMBER], 0));
		if (!port && fabric_name(&a[VPORT_NAME], name))
			port = fabric_port_by_name(extension, name);
		if (!port || !port->number)
			error = FABRIC_ENODEV;
		else if (request->command == VPORT_SET && a[VPORT_OPTIONS].data)
			error = FABRIC_ENOTSUPP;
		else if (request->command == VPORT_SET)
			port->upcall_pid = fabric_u32_of(&a[VPORT_PID], port->upcall_pid);
	}
	if (error) {
		fabric_write_error(reply, request, error);
		return;
	}
	fabric_vport_write(reply, port, request->command, request->sequence, request->pid);
	if (request->command == VPORT_DEL) {
		fabric_port_number_set(extension, port, 0);
		port->upcall_pid = 0;
		if (port->tunnel)
			fabric_tunnel_forget(extension, port);
		else if (!port->is_connected)
			memset(port, 0, sizeof(*port));
	}
}

BOOLEAN fabric_vport_next(struct fabric_extension *extension, const struct fabric_message *request,
			  ULONG *at, struct fabric_writer *reply)
{
	for (; *at < FABRIC_VPORTS_MAX; (*at)++) {
		struct fabric_vport *port = &extension->ports[*at];

		if (!port->is_used || !port->number)
			continue;
		fabric_vport_write(reply, port, VPORT_NEW, request->sequence, request->pid);
		(*at)++;
		return TRUE;
	}
	return FALSE;
}

/* What the switch has by this name, bound or not. */
VOID fabric_netdev_request(struct fabric_extension *extension,
			   const struct fabric_message *request, struct fabric_writer *reply)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	struct fabric_vport *port = NULL;
	char name[FABRIC_NAME_MAX];
	ULONG start;

	if (fabric_attributes(request->attributes, request->attributes_size, a) &&
	    fabric_name(&a[NETDEV_NAME], name))
		port = fabric_port_by_name(extension, name);
	if (!port) {
		fabric_write_error(reply, request, FABRIC_ENODEV);
		return;
	}
	start = fabric_write_start(reply, FABRIC_FAMILY_NETDEV, 0, request->sequence, request->pid,
				   request->command, 1);
	fabric_write_u32(reply, NETDEV_NUMBER, port->number);
	fabric_write_u32(reply, NETDEV_TYPE, fabric_type_of(port));
	fabric_write(reply, NETDEV_NAME, port->name, (ULONG)strlen(port->name) + 1);
	fabric_write(reply, NETDEV_MAC, port->mac, sizeof(port->mac));
	fabric_write_u32(reply, NETDEV_MTU, port->mtu);
	fabric_write_u32(reply, NETDEV_FLAGS, port->is_connected ? 1 : 0);
	fabric_write_end(reply, start);
}

VOID fabric_datapath_write(struct fabric_extension *extension, struct fabric_writer *writer,
			   ULONG sequence, ULONG pid)
{
	ULONG start = fabric_write_start(writer, FABRIC_FAMILY_DATAPATH, 0, sequence, pid, 1, 2);
	LONG64 stats[4] = { extension->hits, extension->misses, extension->lost,
			    extension->table.flow_count };
	ULONG64 megaflows[4] = { 0 };
	ULONG masks = extension->table.mask_count;

	memcpy((UCHAR *)megaflows + 8, &masks, sizeof(masks));
	fabric_write(writer, DATAPATH_NAME, FABRIC_DATAPATH, sizeof(FABRIC_DATAPATH));
	fabric_write(writer, DATAPATH_STATS, stats, sizeof(stats));
	fabric_write(writer, DATAPATH_MEGAFLOW_STATS, megaflows, sizeof(megaflows));
	fabric_write_end(writer, start);
}

VOID fabric_datapath_request(struct fabric_extension *extension,
			     const struct fabric_message *request, struct fabric_writer *reply)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	char name[FABRIC_NAME_MAX] = "";
	BOOLEAN is_known;

	if (!fabric_attributes(request->attributes, request->attributes_size, a)) {
		fabric_write_error(reply, request, FABRIC_EINVAL);
		return;
	}
	is_known = fabric_name(&a[DATAPATH_NAME], name) && !strcmp(name, FABRIC_DATAPATH);
	switch (request->command) {
	case 1:
		fabric_write_error(reply, request, is_known ? FABRIC_EEXIST : FABRIC_ENODEV);
		break;
	case 3:
	case 4:
		if (a[DATAPATH_NAME].data ? !is_known : request->command == 4)
			fabric_write_error(reply, request, FABRIC_ENODEV);
		else
			fabric_datapath_write(extension, reply, request->sequence, request->pid);
		break;
	default:
		fabric_write_error(reply, request, FABRIC_ENOTSUPP);
	}
}
