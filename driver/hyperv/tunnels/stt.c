/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * STT as it is received (draft-davie-stt-08): a frame comes as one segment or as several, which a
 * NIC cut; and what the sender left to the receiver's NIC, sums and segments, is left to ours.
 */
#include "../conntrack/fragments.h"
#include "tunnel.h"

#define FABRIC_STT_PARTIAL 0x02 /* The inner sum covers the pseudo header alone. */
#define FABRIC_STT_VLAN_VALID 0x1000

/* FALSE: the packet is none, or a frame of one segment: its reader has the last word. */
static BOOLEAN fabric_segment_read(const struct fabric_packet *packet, const UCHAR *bytes,
				   ULONG size, struct fabric_segment *segment)
{
	ULONG at = packet->layout.transport, network = packet->layout.network, end;
	BOOLEAN is_ipv6 = packet->key.ethernet_type == FABRIC_TYPE_IPV6;
	const UCHAR *tcp = bytes + at;

	if (size < at + 20)
		return FALSE;
	/* The Ethernet frame may be padded. */
	end = network + (is_ipv6 ? 40u + fabric_read16(bytes + network + 4)
				 : fabric_read16(bytes + network + 2));
	segment->start = at + (ULONG)(tcp[12] >> 4) * 4;
	if (end > packet->buffer->DataLength || segment->start < at + 20 || segment->start >= end)
		return FALSE;
	segment->size = end - segment->start;
	segment->total = fabric_read16(tcp + 4);
	segment->offset = fabric_read16(tcp + 6);
	memcpy(&segment->id, tcp + 8, 4);
	segment->port = packet->key.port_source;
	return segment->size < segment->total &&
	       segment->offset + segment->size <= segment->total;
}

BOOLEAN fabric_stt_gather(struct fabric_packet *packet, UCHAR *bytes, ULONG *size)
{
	struct fabric_segment segment;

	if (!fabric_segment_read(packet, bytes, *size, &segment))
		return TRUE;
	if (!fabric_reassemble_frame(packet, &segment))
		return FALSE;
	*size = fabric_read(packet->buffer, bytes, FABRIC_OUTER_READ);
	return TRUE;
}

/* The sum that a NIC starts from: the pseudo header's, without the length for large sends. */
static VOID fabric_seed_sum(struct fabric_packet *packet)
{
	BOOLEAN is_ipv6 = packet->key.ethernet_type == FABRIC_TYPE_IPV6;
	const UCHAR *ip = packet->data + packet->layout.network;
	ULONG sum = fabric_sum(ip + (is_ipv6 ? 8 : 12), is_ipv6 ? 32 : 8, FABRIC_PROTOCOL_TCP);

	fabric_put16(packet->data + packet->layout.transport + 16, fabric_fold(sum));
}

static VOID fabric_leave_to_nic(struct fabric_packet *packet, ULONG mss)
{
	NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO sums;
	NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO large;
	ULONG transport = packet->layout.transport, payload = packet->layout.payload;
	BOOLEAN is_ipv6 = packet->key.ethernet_type == FABRIC_TYPE_IPV6;
	BOOLEAN is_tcp = packet->key.protocol == FABRIC_PROTOCOL_TCP;

	sums.Value = large.Value = NULL;
	sums.Transmit.IsIPv4 = !is_ipv6;
	sums.Transmit.IsIPv6 = is_ipv6;
	sums.Transmit.TcpChecksum = is_tcp;
	sums.Transmit.UdpChecksum = !is_tcp;
	sums.Transmit.TcpHeaderOffset = transport & 0x3ff;
	NET_BUFFER_LIST_INFO(packet->list, TcpIpChecksumNetBufferListInfo) = sums.Value;
	if (!is_tcp || !mss || !payload || packet->buffer->DataLength <= payload + mss ||
	    packet->data_size < transport + 20)
		return;
	fabric_seed_sum(packet);
	large.LsoV2Transmit.MSS = mss;
	large.LsoV2Transmit.TcpHeaderOffset = transport & 0x3ff;
	large.LsoV2Transmit.Type = 1; /* NDIS_TCP_LARGE_SEND_OFFLOAD_V2_TYPE */
	large.LsoV2Transmit.IPVersion = is_ipv6;
	NET_BUFFER_LIST_INFO(packet->list, TcpLargeSendNetBufferListInfo) = large.Value;
}

BOOLEAN fabric_stt_unwrapped(struct fabric_packet *packet, const UCHAR *stt)
{
	fabric_u16 tag = fabric_wire16(stt + 6);
	BOOLEAN is_known;

	if (stt[1] & FABRIC_STT_PARTIAL) {
		is_known = fabric_extract(packet) == FABRIC_DROP_None && packet->layout.transport &&
			   (packet->key.protocol == FABRIC_PROTOCOL_TCP ||
			    packet->key.protocol == FABRIC_PROTOCOL_UDP);
		if (is_known)
			fabric_leave_to_nic(packet, fabric_read16(stt + 4));
	}
	return !(tag & FABRIC_BE16(FABRIC_STT_VLAN_VALID)) ||
	       fabric_push_vlan(packet, FABRIC_TYPE_VLAN, tag);
}
