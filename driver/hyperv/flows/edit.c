/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Header changes of a writable packet. Checksums are updated by difference (RFC 1624); where the
 * NIC is asked to compute one, the field holds the sum of the pseudo header alone and not its
 * complement, and the difference has the other sign.
 */
#include "../extension.h"

#define FABRIC_CFI 0x1000

static VOID fabric_moved(struct fabric_packet *packet, LONG added)
{
	PNET_BUFFER buffer = packet->buffer;

	packet->data -= added;
	packet->data_size += (ULONG)added;
	buffer->DataOffset -= (ULONG)added;
	buffer->CurrentMdlOffset -= (ULONG)added;
	buffer->DataLength += (ULONG)added;
}

BOOLEAN fabric_headroom(struct fabric_packet *packet, ULONG size)
{
	if (packet->buffer->DataOffset < size)
		return FALSE;
	fabric_moved(packet, (LONG)size);
	return TRUE;
}

/* Takes an outer header off; what was said of the outer packet alone is forgotten. */
VOID fabric_strip(struct fabric_packet *packet, ULONG size)
{
	fabric_moved(packet, -(LONG)size);
	NET_BUFFER_LIST_INFO(packet->list, Ieee8021QNetBufferListInfo) = NULL;
	NET_BUFFER_LIST_INFO(packet->list, TcpIpChecksumNetBufferListInfo) = NULL;
	NET_BUFFER_LIST_INFO(packet->list, TcpLargeSendNetBufferListInfo) = NULL;
}

static BOOLEAN fabric_insert_tag(struct fabric_packet *packet, fabric_u16 tpid, fabric_u16 tci)
{
	if (packet->buffer->DataOffset < 4 || packet->data_size < 12)
		return FALSE;
	fabric_moved(packet, 4);
	memmove(packet->data, packet->data + 4, 12);
	memcpy(packet->data + 12, &tpid, 2);
	memcpy(packet->data + 14, &tci, 2);
	return TRUE;
}

/* An 802.1Q tag goes beside the packet, as the switch keeps it; what was there moves in. */
BOOLEAN fabric_push_vlan(struct fabric_packet *packet, fabric_u16 tpid, fabric_u16 tci)
{
	NDIS_NET_BUFFER_LIST_8021Q_INFO tag;
	fabric_u16 host = FABRIC_BE16(tci);

	tag.Value = NET_BUFFER_LIST_INFO(packet->list, Ieee8021QNetBufferListInfo);
	if (tag.TagHeader.VlanId || tag.TagHeader.UserPriority) {
		fabric_u16 old = (fabric_u16)((tag.TagHeader.UserPriority << 13) |
					      tag.TagHeader.VlanId);

		if (!fabric_insert_tag(packet, FABRIC_TYPE_VLAN, FABRIC_BE16(old)))
			return FALSE;
		NET_BUFFER_LIST_INFO(packet->list, Ieee8021QNetBufferListInfo) = NULL;
	}
	host &= (fabric_u16)~FABRIC_CFI;
	/* Priority 0 of VLAN 0 beside the packet would mean that there is no tag. */
	if (tpid != FABRIC_TYPE_VLAN || !host)
		return fabric_insert_tag(packet, tpid, FABRIC_BE16(host));
	tag.Value = NULL;
	tag.TagHeader.VlanId = host & 0x0fff;
	tag.TagHeader.UserPriority = host >> 13;
	NET_BUFFER_LIST_INFO(packet->list, Ieee8021QNetBufferListInfo) = tag.Value;
	return TRUE;
}

VOID fabric_pop_vlan(struct fabric_packet *packet)
{
	NDIS_NET_BUFFER_LIST_8021Q_INFO tag;

	tag.Value = NET_BUFFER_LIST_INFO(packet->list, Ieee8021QNetBufferListInfo);
	if (tag.TagHeader.VlanId || tag.TagHeader.UserPriority) {
		NET_BUFFER_LIST_INFO(packet->list, Ieee8021QNetBufferListInfo) = NULL;
		return;
	}
	if (!packet->key.vlan_tci || packet->data_size < 18)
		return;
	memmove(packet->data + 4, packet->data, 12);
	fabric_moved(packet, -4);
}

static VOID fabric_masked(UCHAR *to, const UCHAR *value, const UCHAR *mask, ULONG size)
{
	ULONG i;

	for (i = 0; i < size; i++)
		to[i] = (UCHAR)((to[i] & ~mask[i]) | (value[i] & mask[i]));
}

VOID fabric_set_ethernet(struct fabric_packet *packet, const UCHAR *value, const UCHAR *mask)
{
	fabric_masked(packet->data, value, mask, 12);
}

/* One 16-bit word of what a checksum covers has changed. Words and sum are as on the wire. */
VOID fabric_sum_change(UCHAR *field, const UCHAR *old, const UCHAR *new_, BOOLEAN is_partial)
{
	ULONG sum = fabric_read16(field), before = fabric_read16(old), after = fabric_read16(new_);

	if (is_partial)
		sum = sum + (before ^ 0xffff) + after;
	else
		sum = (sum ^ 0xffff) + (before ^ 0xffff) + after;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	if (!is_partial)
		sum ^= 0xffff;
	field[0] = (UCHAR)(sum >> 8);
	field[1] = (UCHAR)sum;
}

/* The transport checksum, or NULL: none, not in the copied headers, or UDP without one. */
static UCHAR *fabric_transport_sum(struct fabric_packet *packet, BOOLEAN *is_partial)
{
	NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO info;
	ULONG offset = packet->layout.transport;
	UCHAR *sum;

	info.Value = NET_BUFFER_LIST_INFO(packet->list, TcpIpChecksumNetBufferListInfo);
	*is_partial = FALSE;
	if (!offset || (packet->key.fragment & FABRIC_FRAGMENT_LATER))
		return NULL;
	if (packet->key.protocol == 6 && offset + 20 <= packet->data_size) {
		*is_partial = info.Transmit.TcpChecksum;
		return packet->data + offset + 16;
	}
	if (packet->key.protocol == 58 && offset + 4 <= packet->data_size)
		return packet->data + offset + 2;
	if (packet->key.protocol != 17 || offset + 8 > packet->data_size)
		return NULL;
	*is_partial = info.Transmit.UdpChecksum;
	sum = packet->data + offset + 6;
	return sum[0] || sum[1] || *is_partial ? sum : NULL;
}

VOID fabric_set_ipv4(struct fabric_packet *packet, const UCHAR *value, const UCHAR *mask)
{
	UCHAR old[20], *ip = packet->data + packet->layout.network, *sum;
	BOOLEAN is_partial;
	ULONG i;

	if (packet->key.ethernet_type != FABRIC_TYPE_IPV4 ||
	    packet->layout.network + 20u > packet->data_size)
		return;
	memcpy(old, ip, sizeof(old));
	fabric_masked(ip + 12, value, mask, 8);
	fabric_masked(ip + 1, value + 8, mask + 8, 1);
	fabric_masked(ip + 8, value + 9, mask + 9, 1);
	for (i = 0; i < 20; i += 2)
		if (i != 10 && memcmp(old + i, ip + i, 2))
			fabric_sum_change(ip + 10, old + i, ip + i, FALSE);
	sum = fabric_transport_sum(packet, &is_partial);
	for (i = 12; sum && i < 20; i += 2)
		if (memcmp(old + i, ip + i, 2))
			fabric_sum_change(sum, old + i, ip + i, is_partial);
	/* A UDP checksum that becomes zero would mean that there is none. */
	if (sum && packet->key.protocol == 17 && !is_partial && !sum[0] && !sum[1])
		sum[0] = sum[1] = 0xff;
}

/* Value and mask: source, destination, label, protocol, class, hop limit, as in the key. */
VOID fabric_set_ipv6(struct fabric_packet *packet, const UCHAR *value, const UCHAR *mask)
{
	UCHAR old[32], *ip = packet->data + packet->layout.network, *sum;
	BOOLEAN is_partial;
	ULONG i;

	if (packet->key.ethernet_type != FABRIC_TYPE_IPV6 ||
	    packet->layout.network + 40u > packet->data_size)
		return;
	memcpy(old, ip + 8, sizeof(old));
	fabric_masked(ip + 8, value, mask, 32);
	fabric_masked(ip + 2, value + 34, mask + 34, 2);
	ip[1] = (UCHAR)((ip[1] & ~(mask[33] & 15)) | (value[33] & mask[33] & 15));
	ip[0] = (UCHAR)((ip[0] & ~(mask[37] >> 4)) | (value[37] & mask[37]) >> 4);
	ip[1] = (UCHAR)((ip[1] & ~(mask[37] << 4)) | (value[37] & mask[37]) << 4);
	fabric_masked(ip + 7, value + 38, mask + 38, 1);
	sum = fabric_transport_sum(packet, &is_partial);
	for (i = 0; sum && i < 32; i += 2)
		if (memcmp(old + i, ip + 8 + i, 2))
			fabric_sum_change(sum, old + i, ip + 8 + i, is_partial);
	if (sum && packet->key.protocol == 17 && !is_partial && !sum[0] && !sum[1])
		sum[0] = sum[1] = 0xff;
}

VOID fabric_set_icmp_word(struct fabric_packet *packet, ULONG offset, fabric_u16 wire)
{
	UCHAR *at = packet->data + offset, fresh[2];

	if (offset + 2 > packet->data_size || packet->layout.transport + 4u > packet->data_size)
		return;
	memcpy(fresh, &wire, 2);
	fabric_sum_change(packet->data + packet->layout.transport + 2, at, fresh, FALSE);
	memcpy(at, fresh, 2);
}

VOID fabric_set_ports(struct fabric_packet *packet, const UCHAR *value, const UCHAR *mask)
{
	UCHAR *head = packet->data + packet->layout.transport, old[4], *sum;
	BOOLEAN is_partial;
	ULONG i;

	if ((packet->key.protocol != 6 && packet->key.protocol != 17) ||
	    !packet->layout.transport || packet->layout.transport + 8u > packet->data_size)
		return;
	memcpy(old, head, sizeof(old));
	fabric_masked(head, value, mask, 4);
	sum = fabric_transport_sum(packet, &is_partial);
	/* A partial sum covers the pseudo header, and the ports are not in that. */
	for (i = 0; sum && !is_partial && i < 4; i += 2)
		if (memcmp(old + i, head + i, 2))
			fabric_sum_change(sum, old + i, head + i, FALSE);
	if (sum && packet->key.protocol == 17 && !is_partial && !sum[0] && !sum[1])
		sum[0] = sum[1] = 0xff;
}
