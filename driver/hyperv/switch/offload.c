/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * What a NIC was to do and we have to: packets as they will be on a wire, one segment after the
 * other, with all checksums. For upcalls, and for tunnels over NICs that cannot look inside them.
 */
#include "offload.h"

ULONG fabric_segment_size(PNET_BUFFER_LIST list)
{
	NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO info;

	info.Value = NET_BUFFER_LIST_INFO(list, TcpLargeSendNetBufferListInfo);
	return info.LsoV2Transmit.MSS;
}

BOOLEAN fabric_needs_software(PNET_BUFFER_LIST list)
{
	NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO info;

	info.Value = NET_BUFFER_LIST_INFO(list, TcpIpChecksumNetBufferListInfo);
	return fabric_segment_size(list) || info.Transmit.TcpChecksum ||
	       info.Transmit.UdpChecksum || info.Transmit.IpHeaderChecksum;
}

ULONG fabric_sum(const UCHAR *bytes, ULONG size, ULONG sum)
{
	ULONG i;

	for (i = 0; i + 1 < size; i += 2) {
		sum += (ULONG)(bytes[i] << 8 | bytes[i + 1]);
		if (sum & 0x80000000)
			sum = (sum & 0xffff) + (sum >> 16);
	}
	if (i < size)
		sum += (ULONG)bytes[i] << 8;
	return sum;
}

fabric_u16 fabric_fold(ULONG sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (fabric_u16)sum;
}

static VOID fabric_put32(UCHAR *at, ULONG value)
{
	fabric_put16(at, value >> 16);
	fabric_put16(at + 2, value & 0xffff);
}

/* The header's own sum, and the transport's over all that the IP packet has. */
static VOID fabric_sum_all(UCHAR *bytes, ULONG network, ULONG transport, UCHAR protocol,
			   BOOLEAN has_transport)
{
	UCHAR *ip = bytes + network, *sum;
	BOOLEAN is_ipv6 = ip[0] >> 4 == 6;
	ULONG end = network + fabric_read16(ip + (is_ipv6 ? 4 : 2)) + (is_ipv6 ? 40 : 0), total;

	if (!is_ipv6) {
		fabric_put16(ip + 10, 0);
		fabric_put16(ip + 10, 0xffff ^ fabric_fold(fabric_sum(ip, (ip[0] & 15u) * 4, 0)));
	}
	if (!has_transport || (protocol != 6 && protocol != 17))
		return;
	sum = bytes + transport + (protocol == 6 ? 16 : 6);
	fabric_put16(sum, 0);
	total = fabric_sum(ip + (is_ipv6 ? 8 : 12), is_ipv6 ? 32 : 8, protocol + end - transport);
	total = 0xffffu ^ fabric_fold(fabric_sum(bytes + transport, end - transport, total));
	fabric_put16(sum, total || protocol == 6 ? total : 0xffff);
}

/* FALSE: no memory, or a packet that cannot be what it claims. */
BOOLEAN fabric_flat_open(struct fabric_flat *flat, const struct fabric_packet *packet)
{
	NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO info;
	NDIS_NET_BUFFER_LIST_8021Q_INFO tag;
	ULONG length = packet->buffer->DataLength;

	memset(flat, 0, sizeof(*flat));
	info.Value = NET_BUFFER_LIST_INFO(packet->list, TcpIpChecksumNetBufferListInfo);
	tag.Value = NET_BUFFER_LIST_INFO(packet->list, Ieee8021QNetBufferListInfo);
	flat->mss = fabric_segment_size(packet->list);
	flat->network = packet->layout.network;
	flat->transport = packet->layout.transport;
	flat->head = packet->layout.payload;
	flat->protocol = packet->key.protocol;
	flat->has_ip_sum = info.Transmit.IpHeaderChecksum;
	flat->has_sum = info.Transmit.TcpChecksum || info.Transmit.UdpChecksum || flat->mss;
	if (flat->mss && (flat->protocol != 6 || !flat->transport || flat->head > length ||
			  flat->head < flat->transport + 20))
		return FALSE;
	flat->bytes = fabric_allocate(length + 4);
	if (!flat->bytes)
		return FALSE;
	flat->size = length;
	if (fabric_read(packet->buffer, flat->bytes, length) != length || length < 14) {
		fabric_flat_close(flat);
		return FALSE;
	}
	if (tag.TagHeader.VlanId || tag.TagHeader.UserPriority) {
		memmove(flat->bytes + 16, flat->bytes + 12, length - 12);
		fabric_put16(flat->bytes + 12, 0x8100);
		fabric_put16(flat->bytes + 14,
			     tag.TagHeader.UserPriority << 13 | tag.TagHeader.VlanId);
		flat->size += 4;
		flat->network += 4;
		flat->transport += flat->transport ? 4 : 0;
		flat->head += flat->head ? 4 : 0;
	}
	return TRUE;
}

VOID fabric_flat_close(struct fabric_flat *flat)
{
	fabric_free(flat->bytes);
	flat->bytes = NULL;
}

/* Bytes of the next segment; 0: that was the last. */
ULONG fabric_flat_size(const struct fabric_flat *flat)
{
	ULONG payload = flat->size - flat->head;

	if (!flat->mss)
		return flat->is_done ? 0 : flat->size;
	if (flat->at >= payload)
		return payload || flat->is_done ? 0 : flat->head;
	return flat->head + (payload - flat->at < flat->mss ? payload - flat->at : flat->mss);
}

/* One of a large send: its own length, identification, sequence number and flags. */
static VOID fabric_flat_segment(struct fabric_flat *flat, UCHAR *out, ULONG size)
{
	UCHAR *ip = out + flat->network, *tcp = out + flat->transport;
	ULONG sequence = (ULONG)fabric_read16(tcp + 4) << 16 | fabric_read16(tcp + 6);

	memcpy(out + flat->head, flat->bytes + flat->head + flat->at, size - flat->head);
	if (ip[0] >> 4 == 4) {
		fabric_put16(ip + 2, size - flat->network);
		fabric_put16(ip + 4, fabric_read16(ip + 4) + flat->index);
	} else {
		fabric_put16(ip + 4, size - flat->network - 40);
	}
	fabric_put32(tcp + 4, sequence + flat->at);
	if (flat->at + flat->mss < flat->size - flat->head)
		tcp[13] &= (UCHAR) ~(FABRIC_FLAG_FIN | FABRIC_FLAG_PUSH);
	if (flat->at)
		tcp[13] &= (UCHAR)~FABRIC_FLAG_CWR;
}

/* 'out' has room for fabric_flat_size. */
VOID fabric_flat_next(struct fabric_flat *flat, UCHAR *out)
{
	ULONG size = fabric_flat_size(flat);

	if (flat->mss) {
		memcpy(out, flat->bytes, flat->head);
		fabric_flat_segment(flat, out, size);
		flat->at += flat->mss;
		flat->index++;
	} else {
		memcpy(out, flat->bytes, size);
	}
	flat->is_done = TRUE;
	if ((flat->has_sum || flat->has_ip_sum) && flat->network)
		fabric_sum_all(out, flat->network, flat->transport, flat->protocol,
			       flat->has_sum && flat->transport);
}
