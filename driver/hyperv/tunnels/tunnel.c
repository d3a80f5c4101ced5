/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Into tunnels and out of them. A packet that a NIC was to segment or to sum goes in as it is when
 * the NIC looks inside this kind of tunnel; else as its segments, each with all its sums.
 */
#include "tunnel.h"
#include "../../core/fabric_hash.h"

/* The sum of a buffer's bytes from 'offset' on. */
static ULONG fabric_sum_buffer(PNET_BUFFER buffer, ULONG offset, ULONG sum)
{
	ULONG skip = buffer->CurrentMdlOffset + offset, left = buffer->DataLength - offset;
	BOOLEAN is_odd = FALSE;
	PMDL mdl;

	for (mdl = buffer->CurrentMdl; mdl && left; mdl = mdl->Next) {
		ULONG here = MmGetMdlByteCount(mdl);
		const UCHAR *bytes = fabric_mdl_bytes(mdl);
		ULONG part;

		if (!bytes)
			break;
		if (here <= skip) {
			skip -= here;
			continue;
		}
		bytes += skip;
		here -= skip;
		skip = 0;
		if (here > left)
			here = left;
		left -= here;
		part = fabric_fold(fabric_sum(bytes, here, 0));
		/* A piece that begins at an odd byte counts with its bytes swapped. */
		sum += is_odd ? (part >> 8 | (part & 0xff) << 8) : part;
		is_odd ^= here & 1;
	}
	return sum;
}

static VOID fabric_seal_udp(struct fabric_packet *packet, const struct fabric_tunnel *tunnel)
{
	UCHAR *ip = packet->data + 14, *udp = ip + (tunnel->is_ipv6 ? 40 : 20);
	ULONG offset = (ULONG)(udp - packet->data), sum;

	sum = fabric_sum(ip + (tunnel->is_ipv6 ? 8 : 12), tunnel->is_ipv6 ? 32 : 8,
			 17 + packet->buffer->DataLength - offset);
	sum = 0xffffu ^ fabric_fold(fabric_sum_buffer(packet->buffer, offset, sum));
	fabric_put16(udp + 6, sum ? sum : 0xffff);
}

/* Checksums of the outer packet, which is whole now. */
static VOID fabric_seal(struct fabric_packet *packet, const struct fabric_vport *vport,
			const struct fabric_tunnel *tunnel)
{
	ULONG at = 14 + (tunnel->is_ipv6 ? 40 : 20), sum;
	UCHAR *head = packet->data + at;

	if (vport->tunnel == FABRIC_STT) {
		/* Only the pseudo header's: nobody but NICs looks at it (section 3.3). */
		sum = fabric_sum(packet->data + 14 + (tunnel->is_ipv6 ? 8 : 12),
				 tunnel->is_ipv6 ? 32 : 8, 6 + packet->buffer->DataLength - at);
		sum = 0xffffu ^ fabric_fold(fabric_sum_buffer(packet->buffer, at, sum));
		fabric_put16(head + 16, sum);
	} else if (!(tunnel->flags & FABRIC_TUNNEL_CHECKSUM)) {
		return;
	} else if (vport->tunnel == FABRIC_GRE) {
		fabric_put16(head + 4, 0xffff ^ fabric_fold(fabric_sum_buffer(packet->buffer, at, 0)));
	} else {
		fabric_seal_udp(packet, tunnel);
	}
}

/* Tells the NIC where the inner headers are. */
static VOID fabric_tell_nic(struct fabric_packet *packet, ULONG outer,
			    const struct fabric_layout *inner)
{
	NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO info;

	info.Value = NULL;
	info.EncapsulatedPacketOffset.IsEncapsulatedPacket = 1;
	info.EncapsulatedPacketOffset.EncapsulatedPacketOffsetsValid = 1;
	info.EncapsulatedPacketOffset.InnerFrameOffset = outer & 0xff;
	info.EncapsulatedPacketOffset.TransportIpHeaderRelativeOffset = inner->network & 0x3f;
	info.EncapsulatedPacketOffset.TcpHeaderRelativeOffset =
		(ULONG)(inner->transport - inner->network) & 0x3ff;
	info.EncapsulatedPacketOffset.IsInnerIPv6 =
		packet->key.ethernet_type == FABRIC_TYPE_IPV6;
	NET_BUFFER_LIST_INFO(packet->list, TcpSendOffloadsSupplementalNetBufferListInfo) =
		info.Value;
}

/* Takes 'list', a copy: puts the outer header before it and sends it. */
static VOID fabric_wrap(struct fabric_packet *from, PNET_BUFFER_LIST list,
			struct fabric_vport *vport, const struct fabric_hop *hop,
			BOOLEAN is_for_nic)
{
	const struct fabric_tunnel *tunnel = from->tunnel;
	ULONG outer = fabric_outer_size(vport, tunnel);
	struct fabric_packet packet = *from;
	int reason = FABRIC_DROP_HeadroomExhausted;

	packet.list = list;
	packet.buffer = list->FirstNetBuffer;
	packet.is_original = FALSE;
	packet.data = NULL;
	if (fabric_make_writable(&packet)) {
		ULONG heads = outer - 14 + (ULONG)from->layout.transport + 20;

		/* A segment of a large send, or one with a tag put in, is no SYN with options. */
		if (hop->mtu > heads + 88)
			fabric_mss_clamp(&packet, hop->mtu - heads, !is_for_nic);
	}
	if (packet.data && fabric_headroom(&packet, outer)) {
		fabric_outer_write(vport, tunnel, hop, packet.buffer->DataLength - outer,
				   fabric_hash(&from->key, FALSE, 0), packet.data);
		fabric_seal(&packet, vport, tunnel);
		if (is_for_nic)
			fabric_tell_nic(&packet, outer, &from->layout);
		reason = FABRIC_DROP_MtuExceeded;
		if (fabric_segment_size(list) ||
		    packet.buffer->DataLength - 14 <= (hop->mtu ? hop->mtu : 0xffff))
			reason = FABRIC_DROP_PortQueueFull;
	}
	if (reason == FABRIC_DROP_PortQueueFull &&
	    fabric_add_destination(packet.extension, list, hop->port_id, hop->nic_index)) {
		InterlockedExchangeAdd64(&vport->tx_packets, 1);
		InterlockedExchangeAdd64(&vport->tx_bytes, packet.buffer->DataLength);
		fabric_batch_send(packet.batch, list);
		return;
	}
	fabric_drop(from, reason);
	fabric_copy_free(packet.extension, list, packet.batch);
}

static VOID fabric_wrap_segments(struct fabric_packet *packet, struct fabric_vport *vport,
				 const struct fabric_hop *hop)
{
	struct fabric_extension *extension = packet->extension;
	struct fabric_flat flat;
	ULONG size;

	if (!fabric_flat_open(&flat, packet)) {
		fabric_drop(packet, FABRIC_DROP_SegmentationFailed);
		return;
	}
	while ((size = fabric_flat_size(&flat)) != 0) {
		PNET_BUFFER_LIST list = fabric_copy_of_bytes(extension, NULL, size);

		if (!list) {
			fabric_drop(packet, FABRIC_DROP_PortQueueFull);
			break;
		}
		fabric_flat_next(&flat, fabric_copy_of(list)->bytes + FABRIC_HEADROOM);
		if (packet->source)
			extension->handlers.SetNetBufferListSource(extension->context, list,
								   packet->source->port_id,
								   packet->source->nic_index);
		fabric_wrap(packet, list, vport, hop, FALSE);
	}
	fabric_flat_close(&flat);
}

static ULONG fabric_offload_of(const struct fabric_vport *vport)
{
	return vport->tunnel == FABRIC_VXLAN ? FABRIC_OFFLOAD_VXLAN
	       : vport->tunnel == FABRIC_GRE ? FABRIC_OFFLOAD_GRE : 0;
}

/* Sends a copy of the packet through a tunnel; the packet stays. */
VOID fabric_tunnel_send(struct fabric_packet *packet, struct fabric_vport *vport)
{
	struct fabric_extension *extension = packet->extension;
	BOOLEAN is_work = fabric_needs_software(packet->list);
	BOOLEAN is_nics = is_work && (extension->offloads & fabric_offload_of(vport));
	const struct fabric_hop *hop;
	PNET_BUFFER_LIST list;

	if (!packet->tunnel) {
		fabric_drop(packet, FABRIC_DROP_TunnelNoRoute);
		return;
	}
	hop = fabric_hop_find(extension, packet->tunnel);
	if (!hop) {
		fabric_drop(packet, FABRIC_DROP_TunnelNoNeighbour);
		return;
	}
	/* A tag beside the packet would be taken for the outer packet's. */
	if ((is_work && !is_nics) ||
	    NET_BUFFER_LIST_INFO(packet->list, Ieee8021QNetBufferListInfo)) {
		fabric_wrap_segments(packet, vport, hop);
		return;
	}
	list = fabric_copy_share(packet);
	if (list)
		fabric_wrap(packet, list, vport, hop, is_nics);
	else
		fabric_drop(packet, FABRIC_DROP_PortQueueFull);
}

static struct fabric_vport *fabric_tunnel_of(struct fabric_extension *extension,
					     const struct fabric_flow_key *key)
{
	UCHAR kind = key->protocol == 47 ? FABRIC_GRE : key->protocol == 6 ? FABRIC_STT : 0;
	ULONG i, port = FABRIC_BE16(key->port_destination);

	for (i = 0; i < extension->tunnel_count; i++) {
		struct fabric_vport *vport = extension->tunnels[i];

		if (kind ? vport->tunnel == kind && (kind == FABRIC_GRE || port == FABRIC_STT_PORT)
			 : key->protocol == 17 && vport->tunnel_port == port)
			return vport;
	}
	return NULL;
}

static BOOLEAN fabric_udp_is_right(const struct fabric_packet *packet, const UCHAR *bytes)
{
	ULONG at = packet->layout.transport;
	BOOLEAN is_ipv6 = packet->key.ethernet_type == FABRIC_TYPE_IPV6;
	const UCHAR *ip = bytes + packet->layout.network;
	ULONG sum = fabric_sum(ip + (is_ipv6 ? 8 : 12), is_ipv6 ? 32 : 8,
			       17u + fabric_read16(bytes + at + 4));
	PNET_BUFFER buffer = packet->buffer;
	ULONG length = buffer->DataLength;

	/* Padding behind the datagram does not count. */
	buffer->DataLength = at + fabric_read16(bytes + at + 4);
	if (buffer->DataLength <= length)
		sum = fabric_sum_buffer(buffer, at, sum);
	buffer->DataLength = length;
	return fabric_fold(sum) == 0xffff;
}

static VOID fabric_say_tunnel(struct fabric_packet *packet, const struct fabric_tunnel *tunnel)
{
	struct fabric_flow_key *key = &packet->key;

	key->tunnel_id = tunnel->id;
	key->tunnel_flags = tunnel->flags & (FABRIC_TUNNEL_DF | FABRIC_TUNNEL_CHECKSUM |
					     FABRIC_TUNNEL_OAM);
	key->tunnel_tos = tunnel->tos;
	key->tunnel_ttl = tunnel->ttl;
	key->tunnel_options_size = tunnel->options_size;
	memcpy(key->tunnel_options, tunnel->options, sizeof(key->tunnel_options));
	if (tunnel->is_ipv6) {
		memcpy(key->tunnel_source6, tunnel->source, 16);
		memcpy(key->tunnel_destination6, tunnel->destination, 16);
	} else {
		memcpy(&key->tunnel_source, tunnel->source, 4);
		memcpy(&key->tunnel_destination, tunnel->destination, 4);
	}
}

/*
 * A packet from the outside that is a tunnel's: TRUE, it is unwrapped and forwarded, or dropped
 * under its name. FALSE: it is nobody's.
 */
BOOLEAN fabric_tunnel_receive(struct fabric_packet *packet)
{
	struct fabric_extension *extension = packet->extension;
	UCHAR bytes[FABRIC_OUTER_READ];
	struct fabric_tunnel tunnel;
	struct fabric_vport *vport;
	ULONG size, outer;
	int reason;

	if (fabric_extract(packet) != FABRIC_DROP_None || packet->key.fragment ||
	    !packet->layout.transport)
		return FALSE;
	vport = fabric_tunnel_of(extension, &packet->key);
	if (!vport)
		return FALSE;
	size = fabric_read(packet->buffer, bytes, sizeof(bytes));
	packet->source = vport;
	if (vport->tunnel == FABRIC_STT && !fabric_stt_gather(packet, bytes, &size)) {
		fabric_discard(packet);
		return TRUE;
	}
	outer = fabric_outer_read(packet, vport, bytes, size, &tunnel, &reason);
	if (outer && packet->key.protocol == 17 && (tunnel.flags & FABRIC_TUNNEL_CHECKSUM) &&
	    !fabric_udp_is_right(packet, bytes)) {
		reason = FABRIC_DROP_TunnelChecksum;
		outer = 0;
	}
	if (!outer || packet->buffer->DataLength < outer + FABRIC_ETHERNET_SIZE ||
	    !fabric_make_writable(packet) || packet->data_size < outer) {
		fabric_drop(packet, outer ? FABRIC_DROP_EthernetTruncated : reason);
		fabric_discard(packet);
		return TRUE;
	}
	fabric_strip(packet, outer);
	memset(&packet->key, 0, sizeof(packet->key));
	packet->key.in_port = vport->number;
	packet->length = packet->buffer->DataLength;
	packet->received = &tunnel;
	fabric_say_tunnel(packet, &tunnel);
	if (vport->tunnel == FABRIC_STT &&
	    !fabric_stt_unwrapped(packet, bytes + outer - FABRIC_STT_HEADER)) {
		fabric_drop(packet, FABRIC_DROP_HeadroomExhausted);
		fabric_discard(packet);
		return TRUE;
	}
	InterlockedExchangeAdd64(&vport->rx_packets, 1);
	InterlockedExchangeAdd64(&vport->rx_bytes, packet->length);
	fabric_forward(packet);
	return TRUE;
}
