/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Actions. Outputs are collected until a header is about to change; then a copy goes to them as
 * the packet is, and the packet itself goes on. The last outputs take the packet itself, so that
 * the most common flow, one output, copies nothing.
 */
#include "extension.h"

struct fabric_outputs {
	struct fabric_port *ports[FABRIC_OUTPUTS_MAX];
	ULONG count;
};

static BOOLEAN fabric_add_destinations(struct fabric_extension *extension, PNET_BUFFER_LIST list,
				       const struct fabric_outputs *outputs, ULONG length)
{
	ULONG i;

	for (i = 0; i < outputs->count; i++) {
		NDIS_SWITCH_PORT_DESTINATION destination;

		memset(&destination, 0, sizeof(destination));
		destination.PortId = outputs->ports[i]->port_id;
		destination.NicIndex = outputs->ports[i]->nic_index;
		destination.PreserveVLAN = TRUE;
		destination.PreservePriority = TRUE;
		if (extension->handlers.AddNetBufferListDestination(
			    extension->context, list, &destination) != NDIS_STATUS_SUCCESS)
			return i > 0;
		InterlockedExchangeAdd64(&outputs->ports[i]->tx_packets, 1);
		InterlockedExchangeAdd64(&outputs->ports[i]->tx_bytes, length);
	}
	return outputs->count > 0;
}

/* Sends a copy to the collected ports; the packet stays. */
static VOID fabric_send_copy(struct fabric_packet *packet, struct fabric_outputs *outputs)
{
	PNET_BUFFER_LIST list = NULL;

	if (!outputs->count)
		return;
	if (!packet->is_original) {
		list = fabric_copy_make(packet->extension, packet->list, packet->buffer,
					fabric_copy_of(packet->list)->hold);
	} else {
		if (!*packet->hold)
			*packet->hold = fabric_hold_make(packet->extension, packet->list);
		if (*packet->hold)
			list = fabric_copy_make(packet->extension, packet->list, packet->buffer,
						*packet->hold);
	}
	if (!list) {
		fabric_drop(packet, FABRIC_DROP_PortQueueFull);
	} else if (fabric_add_destinations(packet->extension, list, outputs,
					   packet->buffer->DataLength)) {
		fabric_batch_send(packet->batch, list);
	} else {
		fabric_drop(packet, FABRIC_DROP_PortQueueFull);
		fabric_copy_free(packet->extension, list, packet->batch);
	}
	outputs->count = 0;
}

/* The end: the packet itself goes to what is left of the outputs, or nowhere. */
static VOID fabric_finish(struct fabric_packet *packet, struct fabric_outputs *outputs)
{
	/* An original whose payload copies share must outlive them: it stays, a copy goes. */
	if (packet->is_original && *packet->hold)
		fabric_send_copy(packet, outputs);
	if (outputs->count) {
		if (fabric_add_destinations(packet->extension, packet->list, outputs,
					    packet->buffer->DataLength)) {
			fabric_batch_send(packet->batch, packet->list);
			packet->list = NULL;
		} else {
			fabric_drop(packet, FABRIC_DROP_PortQueueFull);
		}
	}
	fabric_discard(packet);
}

static VOID fabric_output(struct fabric_packet *packet, ULONG number,
			  struct fabric_outputs *outputs)
{
	struct fabric_port *port = fabric_port_by_number(packet->extension, number);

	if (!port) {
		fabric_drop(packet, FABRIC_DROP_PortNotFound);
	} else if (!port->is_connected) {
		fabric_drop(packet, FABRIC_DROP_PortDown);
	} else {
		if (outputs->count == FABRIC_OUTPUTS_MAX)
			fabric_send_copy(packet, outputs);
		outputs->ports[outputs->count++] = port;
	}
}

static VOID fabric_change(struct fabric_packet *packet, const struct fabric_action *action)
{
	switch (action->kind) {
	case FABRIC_ACTION_PUSH_VLAN:
		if (!fabric_push_vlan(packet, action->vlan.tpid, action->vlan.tci))
			fabric_drop(packet, FABRIC_DROP_HeadroomExhausted);
		break;
	case FABRIC_ACTION_POP_VLAN:
		fabric_pop_vlan(packet);
		break;
	case FABRIC_ACTION_SET_ETHERNET:
		fabric_set_ethernet(packet, action->ethernet.value, action->ethernet.mask);
		break;
	case FABRIC_ACTION_SET_IPV4:
		fabric_set_ipv4(packet, action->ipv4.value, action->ipv4.mask);
		break;
	case FABRIC_ACTION_SET_PORTS:
		fabric_set_ports(packet, action->ports.value, action->ports.mask);
		break;
	case FABRIC_ACTION_TRUNCATE:
		if (packet->buffer->DataLength > action->number)
			packet->buffer->DataLength = action->number;
		break;
	default:
		break;
	}
}

static BOOLEAN fabric_is_change(enum fabric_action_kind kind)
{
	return kind >= FABRIC_ACTION_PUSH_VLAN && kind <= FABRIC_ACTION_SET_PORTS;
}

/* Takes the packet: sent, kept for nobody, or gone up. */
VOID fabric_execute(struct fabric_packet *packet, const struct fabric_action *actions, ULONG count,
		    const UCHAR *userdata)
{
	struct fabric_outputs outputs;
	ULONG i;

	outputs.count = 0;
	if (!count)
		fabric_drop(packet, FABRIC_DROP_NoActions);
	for (i = 0; i < count; i++) {
		const struct fabric_action *action = &actions[i];

		if (fabric_is_change(action->kind) || action->kind == FABRIC_ACTION_TRUNCATE) {
			fabric_send_copy(packet, &outputs);
			if (!fabric_make_writable(packet)) {
				fabric_drop(packet, FABRIC_DROP_PortQueueFull);
				break;
			}
			fabric_change(packet, action);
			/* Keeps layout and key true for what follows. */
			if (fabric_extract(packet) != FABRIC_DROP_None)
				break;
			continue;
		}
		switch (action->kind) {
		case FABRIC_ACTION_OUTPUT:
			fabric_output(packet, action->number, &outputs);
			break;
		case FABRIC_ACTION_USERSPACE:
			if (!fabric_device_upcall(packet, action->userspace.pid, 2,
						  userdata + action->userspace.offset,
						  action->userspace.length))
				fabric_drop(packet, FABRIC_DROP_UpcallQueueFull);
			break;
		case FABRIC_ACTION_HASH:
			packet->key.datapath_hash = fabric_flow_hash(&packet->key, action->number);
			break;
		case FABRIC_ACTION_DROP:
			fabric_drop(packet, FABRIC_DROP_ExplicitDrop);
			fabric_finish(packet, &outputs);
			return;
		case FABRIC_ACTION_RECIRCULATE:
			fabric_send_copy(packet, &outputs);
			if (++packet->recirculations > FABRIC_RECIRCULATIONS_MAX) {
				fabric_drop(packet, FABRIC_DROP_RecirculationLimit);
				fabric_discard(packet);
				return;
			}
			packet->key.recirculation_id = action->number;
			fabric_forward(packet);
			return;
		default:
			break;
		}
	}
	fabric_finish(packet, &outputs);
}
