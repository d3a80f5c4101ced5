/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* A packet's way through the extension, from the switch's ingress to its destinations. */
#include "../extension.h"

#define FABRIC_CFI 0x1000
#define FABRIC_HEADERS_DEEP 1152 /* What the parser looks at, at most. */
#define FABRIC_FIELDS_SIZE (offsetof(struct fabric_flow_key, tunnel_options) - \
			    offsetof(struct fabric_flow_key, ethernet_destination))

/* The bytes at hand: private headers, else the first descriptor's if it has enough. */
static const UCHAR *fabric_bytes(struct fabric_packet *packet, UCHAR *gathered, ULONG *size)
{
	PNET_BUFFER buffer = packet->buffer;
	PMDL mdl = buffer->CurrentMdl;
	ULONG want = buffer->DataLength < *size ? buffer->DataLength : *size;

	if (packet->data && packet->data_size >= want) {
		*size = packet->data_size;
		return packet->data;
	}
	if (mdl && MmGetMdlByteCount(mdl) >= buffer->CurrentMdlOffset + want) {
		const UCHAR *bytes = fabric_mdl_bytes(mdl);

		if (bytes) {
			*size = want;
			return bytes + buffer->CurrentMdlOffset;
		}
	}
	*size = fabric_read(buffer, gathered, *size);
	return gathered;
}

/* A large send may have no length in its IP header: the stack leaves that to the NIC. */
static const UCHAR *fabric_say_length(const struct fabric_frame *frame, UCHAR *gathered, ULONG size)
{
	ULONG at = FABRIC_ETHERNET_SIZE, length;

	if (gathered != frame->data)
		memcpy(gathered, frame->data, size);
	while (at <= 18 && at + 2 <= size && fabric_is_vlan(fabric_wire16(gathered + at - 2)))
		at += FABRIC_VLAN_SIZE;
	if (at + 20 > size || gathered[at] >> 4 != 4 || gathered[at + 2] || gathered[at + 3])
		return gathered;
	length = frame->size - at;
	gathered[at + 2] = (UCHAR)(length >> 8);
	gathered[at + 3] = (UCHAR)length;
	return gathered;
}

/* Neighbour discovery (RFC 4861): the target, and the link address of either side. */
static VOID fabric_neighbour(const struct fabric_frame *frame, struct fabric_packet *packet)
{
	struct fabric_flow_key *key = &packet->key;
	const UCHAR *at = frame->data + packet->layout.transport;
	ULONG type = FABRIC_BE16(key->port_source), left;

	if (key->ethernet_type != FABRIC_TYPE_IPV6 || (type != 135 && type != 136) ||
	    key->port_destination || !packet->layout.transport || at + 24 > frame->end)
		return;
	memcpy(key->nd_target, at + 8, 16);
	left = (ULONG)(frame->end - at) - 24;
	for (at += 24; left >= 8 && at[1] && at[1] * 8u <= left; at += at[1] * 8) {
		if (at[0] == 1)
			memcpy(key->arp_source, at + 2, 6);
		else if (at[0] == 2)
			memcpy(key->arp_target, at + 2, 6);
		left -= at[1] * 8u;
	}
}

/* The key of what the packet is now. */
int fabric_extract(struct fabric_packet *packet)
{
	UCHAR gathered[FABRIC_HEADERS_DEEP];
	ULONG size = FABRIC_HEADER_COPY;
	NDIS_NET_BUFFER_LIST_8021Q_INFO tag;
	struct fabric_frame frame;
	int reason;

	memset(&frame, 0, sizeof(frame));
	frame.size = packet->buffer->DataLength;
	/* The switch keeps the outer tag beside the packet. */
	tag.Value = NET_BUFFER_LIST_INFO(packet->list, Ieee8021QNetBufferListInfo);
	if (tag.TagHeader.VlanId || tag.TagHeader.UserPriority) {
		frame.accelerated_tpid = FABRIC_TYPE_VLAN;
		frame.accelerated_tci = FABRIC_BE16((tag.TagHeader.UserPriority << 13) |
						    FABRIC_CFI | tag.TagHeader.VlanId);
	}
	for (;;) {
		frame.data = fabric_bytes(packet, gathered, &size);
		if (fabric_segment_size(packet->list))
			frame.data = fabric_say_length(&frame, gathered, size);
		frame.end = frame.data + size;
		/* Metadata stays: it is in front of these fields, and behind them. */
		memset(packet->key.ethernet_destination, 0, FABRIC_FIELDS_SIZE);
		reason = fabric_parse(&frame, &packet->key, &packet->layout);
		if (reason == FABRIC_DROP_None && packet->key.protocol == 58)
			fabric_neighbour(&frame, packet);
		if (reason != FABRIC_PARSE_DEEP)
			return reason;
		if (size >= FABRIC_HEADERS_DEEP || size >= frame.size)
			return FABRIC_DROP_Ipv6ExtensionHeader;
		size = FABRIC_HEADERS_DEEP;
	}
}

/* The packet has no destination: it ends here, under a name. */
VOID fabric_drop(struct fabric_packet *packet, int reason)
{
	InterlockedExchangeAdd64(&packet->extension->drops[reason], 1);
	if (packet->source)
		InterlockedExchangeAdd64(&packet->source->rx_dropped, 1);
}

/* A copy that goes nowhere is freed; an original is completed where it came in. */
VOID fabric_discard(struct fabric_packet *packet)
{
	if (packet->is_original || !packet->list)
		return;
	fabric_copy_free(packet->extension, packet->list, packet->batch);
	packet->list = NULL;
}

static VOID fabric_send_to(struct fabric_packet *packet, const struct fabric_vport *port)
{
	if (!fabric_add_destination(packet->extension, packet->list, port->port_id,
				    port->nic_index)) {
		fabric_drop(packet, FABRIC_DROP_PortQueueFull);
		return;
	}
	fabric_batch_send(packet->batch, packet->list);
	packet->list = NULL;
}

/*
 * Nobody in userspace: the host keeps its own network. Frames pass between the host's NIC and the
 * uplink, by nothing but their side; VMs wait for their policy.
 */
static VOID fabric_fail_open(struct fabric_packet *packet)
{
	struct fabric_extension *extension = packet->extension;
	const struct fabric_vport *to = NULL;
	ULONG i;

	if (packet->source->type == NdisSwitchNicTypeInternal) {
		to = fabric_uplink(extension);
	} else if (packet->source->type != NdisSwitchNicTypeExternal) {
		fabric_drop(packet, FABRIC_DROP_BridgeNotFound);
		return;
	}
	for (i = 0; !to && i < FABRIC_VPORTS_MAX; i++) {
		const struct fabric_vport *port = &extension->ports[i];

		if (port->is_used && port->is_connected && !port->tunnel &&
		    port->type == NdisSwitchNicTypeInternal)
			to = port;
	}
	if (to)
		fabric_send_to(packet, to);
	else
		fabric_drop(packet, FABRIC_DROP_PortDown);
}

/*
 * Bytes that a guest can still change while they are looked at must not decide: what is looked at
 * is copied first. FALSE: no memory for that.
 */
static BOOLEAN fabric_take_safe(struct fabric_packet *packet)
{
	PNDIS_SWITCH_FORWARDING_DETAIL_NET_BUFFER_LIST_INFO detail =
		NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(packet->list);

	if (!packet->is_original || detail->IsPacketDataSafe ||
	    detail->SafePacketDataSize >= FABRIC_HEADER_COPY ||
	    detail->SafePacketDataSize >= packet->buffer->DataLength)
		return TRUE;
	return fabric_make_writable(packet);
}

/* Looks the packet up and executes what is found; takes the packet. */
VOID fabric_forward(struct fabric_packet *packet)
{
	struct fabric_extension *extension = packet->extension;
	struct fabric_flow *flow;
	int reason = fabric_extract(packet);

	if (reason != FABRIC_DROP_None) {
		fabric_drop(packet, reason);
		fabric_discard(packet);
		return;
	}
	flow = fabric_table_find(&extension->table, &packet->key);
	if (flow) {
		InterlockedExchangeAdd64(&extension->hits, 1);
		InterlockedExchangeAdd64(&flow->packets, 1);
		InterlockedExchangeAdd64(&flow->bytes, packet->length);
		flow->used = KeQueryInterruptTime();
		flow->tcp_flags |= FABRIC_BE16(packet->key.tcp_flags);
		fabric_execute(packet, flow->actions, flow->action_count,
			       flow->blob + flow->key_size + flow->mask_size);
		return;
	}
	InterlockedExchangeAdd64(&extension->misses, 1);
	if (!packet->source || !packet->source->upcall_pid ||
	    !fabric_device_upcall(packet, packet->source->upcall_pid, 1, NULL, 0)) {
		InterlockedExchangeAdd64(&extension->lost, 1);
		fabric_drop(packet, FABRIC_DROP_UpcallQueueFull);
	}
	fabric_discard(packet);
}

/* One buffer of a list that has several, or the whole list. */
static VOID fabric_one(struct fabric_packet *packet)
{
	struct fabric_vport *source = packet->source;

	InterlockedExchangeAdd64(&source->rx_packets, 1);
	InterlockedExchangeAdd64(&source->rx_bytes, packet->length);
	if (!fabric_take_safe(packet)) {
		fabric_drop(packet, FABRIC_DROP_PortQueueFull);
	} else if (packet->extension->is_fail_open) {
		fabric_fail_open(packet);
		fabric_discard(packet);
	} else if (packet->extension->tunnel_count && source->type == NdisSwitchNicTypeExternal &&
		   fabric_tunnel_receive(packet)) {
		return;
	} else if (!source->number) {
		fabric_drop(packet, FABRIC_DROP_BridgeNotFound);
		fabric_discard(packet);
	} else {
		fabric_forward(packet);
	}
}

static VOID fabric_ingress_list(struct fabric_extension *extension, PNET_BUFFER_LIST list,
				struct fabric_batch *batch)
{
	PNDIS_SWITCH_FORWARDING_DETAIL_NET_BUFFER_LIST_INFO detail =
		NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list);
	struct fabric_vport *source = fabric_port_by_id(extension, detail->SourcePortId,
						       (NDIS_SWITCH_NIC_INDEX)detail->SourceNicIndex);
	BOOLEAN has_many = list->FirstNetBuffer && list->FirstNetBuffer->Next;
	BOOLEAN was_sent = FALSE;
	struct fabric_hold *hold = NULL;
	PNET_BUFFER buffer;

	/* The switch forwards its own network virtualization by itself. */
	if (detail->NativeForwardingRequired) {
		fabric_batch_send(batch, list);
		return;
	}
	if (!source)
		InterlockedExchangeAdd64(&extension->drops[FABRIC_DROP_PortNotFound], 1);
	if (source && has_many)
		hold = fabric_hold_make(extension, list);
	for (buffer = list->FirstNetBuffer; source && buffer; buffer = buffer->Next) {
		struct fabric_packet packet;

		memset(&packet, 0, sizeof(packet));
		packet.extension = extension;
		packet.batch = batch;
		packet.list = list;
		packet.buffer = buffer;
		packet.hold = &hold;
		packet.source = source;
		packet.key.in_port = source->number;
		packet.length = buffer->DataLength;
		packet.is_original = !has_many;
		if (has_many) {
			packet.list = hold ? fabric_copy_make(extension, list, buffer, hold) : NULL;
			if (!packet.list) {
				fabric_drop(&packet, FABRIC_DROP_PortQueueFull);
				continue;
			}
			packet.buffer = packet.list->FirstNetBuffer;
		}
		fabric_one(&packet);
		was_sent = packet.is_original && !packet.list && !has_many;
	}
	/* The original goes back now, when the last copy does, or has been sent on itself. */
	if (hold)
		fabric_hold_release(hold, batch);
	else if (!was_sent)
		fabric_batch_complete(batch, list);
}

VOID fabric_ingress(struct fabric_extension *extension, PNET_BUFFER_LIST lists)
{
	struct fabric_batch batch;
	LOCK_STATE_EX state;

	fabric_batch_start(extension, &batch);
	NdisAcquireRWLockRead(extension->lock, &state, 0);
	while (lists) {
		PNET_BUFFER_LIST next = lists->Next;

		lists->Next = NULL;
		if (extension->state == FABRIC_RUNNING) {
			fabric_ingress_list(extension, lists, &batch);
		} else {
			lists->Status = NDIS_STATUS_PAUSED;
			fabric_batch_complete(&batch, lists);
		}
		lists = next;
	}
	NdisReleaseRWLock(extension->lock, &state);
	fabric_batch_finish(&batch);
}
