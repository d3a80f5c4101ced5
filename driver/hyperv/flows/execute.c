/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Actions. Outputs are collected until a header is about to change; then a copy goes to them as
 * the packet is, and the packet itself goes on. The last outputs take the packet itself, so that
 * the most common flow, one output, copies nothing.
 */
#include "../../core/fabric_hash.h"
#include "../conntrack/connection.h"
#include "../conntrack/fragments.h"
#include "../switch/offload.h"

struct fabric_outputs {
	struct fabric_vport *ports[FABRIC_OUTPUTS_MAX];
	ULONG count;
};

/* Several destinations at once: the switch makes room for them, and is told when it is filled. */
static BOOLEAN fabric_add_many(struct fabric_extension *extension, PNET_BUFFER_LIST list,
			       const struct fabric_outputs *outputs)
{
	ULONG free = NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list)->NumAvailableDestinations, i;
	PNDIS_SWITCH_FORWARDING_DESTINATION_ARRAY array;

	if (free >= outputs->count)
		extension->handlers.GetNetBufferListDestinations(extension->context, list, &array);
	else if (extension->handlers.GrowNetBufferListDestinations(
			 extension->context, list, outputs->count - free, &array) !=
		 NDIS_STATUS_SUCCESS)
		return FALSE;
	for (i = 0; i < outputs->count; i++) {
		PNDIS_SWITCH_PORT_DESTINATION at = NDIS_SWITCH_PORT_DESTINATION_AT_ARRAY_INDEX(
			array, array->NumDestinations + i);

		memset(at, 0, sizeof(*at));
		at->PortId = outputs->ports[i]->port_id;
		at->NicIndex = outputs->ports[i]->nic_index;
		at->PreserveVLAN = TRUE;
		at->PreservePriority = TRUE;
	}
	return extension->handlers.UpdateNetBufferListDestinations(
		       extension->context, list, outputs->count, array) == NDIS_STATUS_SUCCESS;
}

static BOOLEAN fabric_add_destinations(struct fabric_extension *extension, PNET_BUFFER_LIST list,
				       const struct fabric_outputs *outputs, ULONG length)
{
	ULONG i;

	if (outputs->count == 1 ? !fabric_add_destination(extension, list,
							  outputs->ports[0]->port_id,
							  outputs->ports[0]->nic_index)
				: !fabric_add_many(extension, list, outputs))
		return FALSE;
	for (i = 0; i < outputs->count; i++) {
		InterlockedExchangeAdd64(&outputs->ports[i]->tx_packets, 1);
		InterlockedExchangeAdd64(&outputs->ports[i]->tx_bytes, length);
	}
	return TRUE;
}

/* Takes 'list', a copy: sends it to the ports. */
static VOID fabric_send_list(struct fabric_packet *packet, PNET_BUFFER_LIST list, PVOID context)
{
	const struct fabric_outputs *outputs = context;

	if (fabric_add_destinations(packet->extension, list, outputs,
				    list->FirstNetBuffer->DataLength)) {
		fabric_batch_send(packet->batch, list);
	} else {
		fabric_drop(packet, FABRIC_DROP_PortQueueFull);
		fabric_copy_free(packet->extension, list, packet->batch);
	}
}

/* Takes 'list', a fragment: sends it into the tunnel. */
static VOID fabric_send_into(struct fabric_packet *packet, PNET_BUFFER_LIST list, PVOID context)
{
	struct fabric_packet piece = *packet;

	piece.list = list;
	piece.buffer = list->FirstNetBuffer;
	piece.is_original = FALSE;
	piece.data = NULL;
	piece.length = piece.buffer->DataLength;
	if (fabric_extract(&piece) == FABRIC_DROP_None)
		fabric_tunnel_send(&piece, context);
	fabric_copy_free(packet->extension, list, packet->batch);
}

/* By how much the frame, with a tag that the switch keeps beside it, exceeds 'size'. */
static ULONG fabric_excess(const struct fabric_packet *packet, ULONG size)
{
	NDIS_NET_BUFFER_LIST_8021Q_INFO tag;
	ULONG length = packet->buffer->DataLength;

	tag.Value = NET_BUFFER_LIST_INFO(packet->list, Ieee8021QNetBufferListInfo);
	if (tag.TagHeader.VlanId || tag.TagHeader.UserPriority)
		length += FABRIC_VLAN_SIZE;
	return length > size ? length - size : 0;
}

/* Its addresses and type stay, whatever is asked for. */
static VOID fabric_cut(PNET_BUFFER buffer, ULONG cut)
{
	ULONG room = buffer->DataLength > FABRIC_ETHERNET_SIZE
			     ? buffer->DataLength - FABRIC_ETHERNET_SIZE
			     : 0;

	buffer->DataLength -= cut < room ? cut : room;
}

/* Sends a copy, shorter by 'cut', to the collected ports; the packet stays. */
static VOID fabric_send_copy(struct fabric_packet *packet, struct fabric_outputs *outputs,
			     ULONG cut)
{
	PNET_BUFFER_LIST list;

	if (!outputs->count)
		return;
	if (!cut && fabric_needs_fragments(packet)) {
		fabric_fragment(packet, fabric_send_list, outputs);
		outputs->count = 0;
		return;
	}
	list = fabric_copy_share(packet);
	if (list) {
		fabric_cut(list->FirstNetBuffer, cut);
		fabric_send_list(packet, list, outputs);
	} else {
		fabric_drop(packet, FABRIC_DROP_PortQueueFull);
	}
	outputs->count = 0;
}

/* The end: the packet itself goes to what is left of the outputs, or nowhere. */
static VOID fabric_finish(struct fabric_packet *packet, struct fabric_outputs *outputs)
{
	/* An original whose payload copies share must outlive them: it stays, a copy goes. */
	if ((packet->is_original && *packet->hold) || fabric_needs_fragments(packet))
		fabric_send_copy(packet, outputs, 0);
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

/* Cut, into a tunnel, or as it is: only the last is collected. */
static VOID fabric_output(struct fabric_packet *packet, ULONG number,
			  struct fabric_outputs *outputs)
{
	struct fabric_vport *port = fabric_port_by_number(packet->extension, number);
	ULONG cut = packet->cut;

	packet->cut = 0;
	if (!port) {
		fabric_drop(packet, FABRIC_DROP_PortNotFound);
		return;
	}
	if (!port->is_connected) {
		fabric_drop(packet, FABRIC_DROP_PortDown);
		return;
	}
	if (port->tunnel || cut || outputs->count == FABRIC_OUTPUTS_MAX)
		fabric_send_copy(packet, outputs, 0);
	if (port->tunnel) {
		if (fabric_needs_fragments(packet))
			fabric_fragment(packet, fabric_send_into, port);
		else
			fabric_tunnel_send(packet, port);
		return;
	}
	outputs->ports[outputs->count++] = port;
	if (cut)
		fabric_send_copy(packet, outputs, cut);
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
	case FABRIC_ACTION_SET_IPV6:
		fabric_set_ipv6(packet, action->ipv6.value, action->ipv6.mask);
		break;
	default:
		fabric_set_ports(packet, action->ports.value, action->ports.mask);
		break;
	}
}

static BOOLEAN fabric_is_change(enum fabric_action_kind kind)
{
	return kind >= FABRIC_ACTION_PUSH_VLAN && kind <= FABRIC_ACTION_SET_PORTS;
}

static VOID fabric_up(struct fabric_packet *packet, const struct fabric_action *action,
		      const UCHAR *userdata)
{
	ULONG length = packet->buffer->DataLength;

	fabric_cut(packet->buffer, packet->cut);
	packet->cut = 0;
	if (!fabric_device_upcall(packet, action->userspace.pid, 2,
				  userdata + action->userspace.offset, action->userspace.length))
		fabric_drop(packet, FABRIC_DROP_UpcallQueueFull);
	packet->buffer->DataLength = length;
}

/* What changes neither headers nor the list; FALSE: the packet ends here. */
static BOOLEAN fabric_other(struct fabric_packet *packet, const struct fabric_action *action,
			    const UCHAR *userdata)
{
	ULONG mark;

	switch (action->kind) {
	case FABRIC_ACTION_USERSPACE:
		fabric_up(packet, action, userdata);
		return TRUE;
	case FABRIC_ACTION_HASH:
		packet->key.datapath_hash = fabric_hash(&packet->key, action->hash.is_symmetric,
							 action->hash.basis);
		return TRUE;
	case FABRIC_ACTION_TRUNCATE:
		packet->cut = fabric_excess(packet, action->number);
		return TRUE;
	case FABRIC_ACTION_CONNTRACK:
		return fabric_track(packet, &action->conntrack);
	case FABRIC_ACTION_CONNTRACK_CLEAR:
		fabric_key_forget(&packet->key);
		return TRUE;
	case FABRIC_ACTION_SET_TUNNEL:
		packet->tunnel = &action->tunnel;
		return TRUE;
	case FABRIC_ACTION_SET_MARK:
		mark = action->mark.mask;
		packet->key.packet_mark = (packet->key.packet_mark & ~mark) |
					  (action->mark.value & mark);
		return TRUE;
	case FABRIC_ACTION_METER:
		if (fabric_meter_pass(packet->extension, action->number,
				      packet->buffer->DataLength))
			return TRUE;
		fabric_drop(packet, FABRIC_DROP_MeterExceeded);
		return FALSE;
	case FABRIC_ACTION_DROP:
		fabric_drop(packet, FABRIC_DROP_ExplicitDrop);
		return FALSE;
	default:
		return TRUE;
	}
}

static VOID fabric_recirculate(struct fabric_packet *packet, ULONG id,
			       struct fabric_outputs *outputs)
{
	fabric_send_copy(packet, outputs, 0);
	packet->cut = 0;
	if (++packet->recirculations > FABRIC_RECIRCULATIONS_MAX) {
		fabric_drop(packet, FABRIC_DROP_RecirculationLimit);
		fabric_discard(packet);
		return;
	}
	packet->key.recirculation_id = id;
	fabric_forward(packet);
}

/* What the largest packet that it becomes on a wire has. */
static ULONG fabric_longest(const struct fabric_packet *packet)
{
	ULONG length = packet->buffer->DataLength, segment = fabric_segment_size(packet->list);

	if (!segment || !packet->layout.payload)
		return length;
	segment += packet->layout.payload;
	return segment < length ? segment : length;
}

/* Whether a sample falls on this packet: numbers in turn, well mixed (MurmurHash3's last step). */
static BOOLEAN fabric_is_sampled(struct fabric_packet *packet, ULONG limit)
{
	ULONG draw = (ULONG)InterlockedIncrement(&packet->extension->sampled);

	draw ^= draw >> 16;
	draw *= 0x85ebca6b;
	draw ^= draw >> 13;
	draw *= 0xc2b2ae35;
	draw ^= draw >> 16;
	return limit && draw <= limit;
}

/* Runs the branch's own actions on a copy; the packet stays as it is. */
static VOID fabric_branch(struct fabric_packet *packet, const struct fabric_action *action,
			  const UCHAR *userdata)
{
	const struct fabric_action *chosen = action + 1;
	ULONG count = action->branch.count;
	struct fabric_packet copy = *packet;

	if (action->kind == FABRIC_ACTION_LENGTH && fabric_longest(packet) <= action->branch.limit) {
		chosen += count;
		count = action->branch.count_else;
	}
	if (!count || (action->kind == FABRIC_ACTION_SAMPLE &&
		       !fabric_is_sampled(packet, action->branch.limit)))
		return;
	copy.list = fabric_copy_share(packet);
	if (!copy.list) {
		fabric_drop(packet, FABRIC_DROP_PortQueueFull);
		return;
	}
	copy.buffer = copy.list->FirstNetBuffer;
	copy.is_original = FALSE;
	copy.data = NULL;
	copy.cut = 0;
	fabric_execute(&copy, chosen, count, userdata);
}

/* One hop less to live; FALSE: it has none left, and the branch has seen it. */
static BOOLEAN fabric_decrement_ttl(struct fabric_packet *packet,
				    const struct fabric_action *action, const UCHAR *userdata)
{
	UCHAR value[40] = { 0 }, mask[40] = { 0 };
	BOOLEAN is_ipv6 = packet->key.ethernet_type == FABRIC_TYPE_IPV6;
	ULONG at = is_ipv6 ? 38 : 9; /* As the contract's keys have it. */

	if (!is_ipv6 && packet->key.ethernet_type != FABRIC_TYPE_IPV4)
		return TRUE;
	if (packet->key.ttl <= 1) {
		fabric_branch(packet, action, userdata);
		return FALSE;
	}
	if (!fabric_make_writable(packet)) {
		fabric_drop(packet, FABRIC_DROP_PortQueueFull);
		return FALSE;
	}
	value[at] = (UCHAR)(packet->key.ttl - 1);
	mask[at] = 255;
	if (is_ipv6)
		fabric_set_ipv6(packet, value, mask);
	else
		fabric_set_ipv4(packet, value, mask);
	return fabric_extract(packet) == FABRIC_DROP_None;
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

		if (action->kind == FABRIC_ACTION_OUTPUT) {
			fabric_output(packet, action->number, &outputs);
		} else if (fabric_is_change(action->kind)) {
			fabric_send_copy(packet, &outputs, 0);
			if (!fabric_make_writable(packet)) {
				fabric_drop(packet, FABRIC_DROP_PortQueueFull);
				break;
			}
			fabric_change(packet, action);
			/* Keeps layout and key true for what follows. */
			if (fabric_extract(packet) != FABRIC_DROP_None)
				break;
		} else if (action->kind == FABRIC_ACTION_DECREMENT_TTL) {
			fabric_send_copy(packet, &outputs, 0);
			if (!fabric_decrement_ttl(packet, action, userdata))
				break;
			i += action->branch.count;
		} else if (action->kind >= FABRIC_ACTION_CLONE) {
			fabric_send_copy(packet, &outputs, 0);
			fabric_branch(packet, action, userdata);
			i += action->branch.count + action->branch.count_else;
		} else if (action->kind == FABRIC_ACTION_RECIRCULATE) {
			fabric_recirculate(packet, action->number, &outputs);
			return;
		} else {
			/* A translation changes the packet; what was collected goes first. */
			if (action->kind == FABRIC_ACTION_CONNTRACK)
				fabric_send_copy(packet, &outputs, 0);
			if (!fabric_other(packet, action, userdata))
				break;
		}
	}
	fabric_finish(packet, &outputs);
}
