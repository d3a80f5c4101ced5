/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Outer headers: VXLAN (RFC 7348), Geneve (RFC 8926), GRE with key (RFC 2890), STT
 * (draft-davie-stt-08). Lengths and checksums of the outer packet are finished in tunnel.c.
 */
#include "tunnel.h"

static ULONG fabric_own_size(const struct fabric_vport *vport, const struct fabric_tunnel *tunnel)
{
	switch (vport->tunnel) {
	case FABRIC_GENEVE:
		return 8 + FABRIC_GENEVE_SIZE + tunnel->options_size;
	case FABRIC_VXLAN:
		return 8 + FABRIC_VXLAN_SIZE;
	case FABRIC_GRE:
		return 4 + (tunnel->flags & FABRIC_TUNNEL_CHECKSUM ? 4 : 0) +
		       (tunnel->flags & FABRIC_TUNNEL_KEY ? 4 : 0);
	default:
		return 20 + FABRIC_STT_HEADER;
	}
}

ULONG fabric_outer_size(const struct fabric_vport *vport, const struct fabric_tunnel *tunnel)
{
	return 14 + (tunnel->is_ipv6 ? 40 : 20) + fabric_own_size(vport, tunnel);
}

static UCHAR fabric_ip_protocol(const struct fabric_vport *vport)
{
	return vport->tunnel == FABRIC_GRE   ? FABRIC_PROTOCOL_GRE
	       : vport->tunnel == FABRIC_STT ? FABRIC_PROTOCOL_TCP
					     : FABRIC_PROTOCOL_UDP;
}

static VOID fabric_ip_write(const struct fabric_vport *vport, const struct fabric_tunnel *tunnel,
			    const struct fabric_hop *hop, ULONG size, UCHAR *ip)
{
	static const UCHAR none[16];
	ULONG length = tunnel->is_ipv6 ? 16 : 4;
	const UCHAR *source = memcmp(tunnel->source, none, length) ? tunnel->source : hop->source;

	if (tunnel->is_ipv6)
		fabric_write_ipv6(ip, tunnel, source, size, fabric_ip_protocol(vport));
	else
		fabric_write_ipv4(ip, tunnel, source, size, fabric_ip_protocol(vport));
}

static VOID fabric_stt_write(const struct fabric_tunnel *tunnel, ULONG inner, UCHAR *tcp)
{
	UCHAR *stt = tcp + 20;
	ULONG frame = FABRIC_STT_HEADER + inner;

	fabric_put16(tcp + 2, FABRIC_STT_PORT);
	fabric_put16(tcp + 4, frame); /* Total length, and this fragment's offset: 0. */
	fabric_put16(tcp + 8, 1);     /* Which frame; of one segment it does not matter. */
	tcp[12] = 0x50;
	tcp[13] = 0x18;
	fabric_put16(tcp + 14, 0xffff);
	memcpy(stt + 8, &tunnel->id, 8);
}

VOID fabric_outer_write(const struct fabric_vport *vport, const struct fabric_tunnel *tunnel,
			const struct fabric_hop *hop, ULONG inner, ULONG hash, UCHAR *at)
{
	ULONG own = fabric_own_size(vport, tunnel);
	UCHAR *ip = at + 14, *head = ip + (tunnel->is_ipv6 ? 40 : 20);

	memset(at, 0, fabric_outer_size(vport, tunnel));
	memcpy(at, hop->mac_remote, 6);
	memcpy(at + 6, hop->mac_local, 6);
	fabric_put16(at + 12, tunnel->is_ipv6 ? 0x86dd : 0x0800);
	fabric_ip_write(vport, tunnel, hop, own + inner, ip);
	if (vport->tunnel == FABRIC_GRE) {
		BOOLEAN has_sum = (tunnel->flags & FABRIC_TUNNEL_CHECKSUM) != 0;

		head[0] = (UCHAR)((has_sum ? 0x80 : 0) |
				  (tunnel->flags & FABRIC_TUNNEL_KEY ? 0x20 : 0));
		fabric_put16(head + 2, FABRIC_TYPE_TEB);
		if (tunnel->flags & FABRIC_TUNNEL_KEY)
			memcpy(head + (has_sum ? 8 : 4), (const UCHAR *)&tunnel->id + 4,
			       4);
		return;
	}
	/* Receivers spread by the source port. */
	fabric_put16(head, 32768 + (hash & 0x3fff));
	if (vport->tunnel == FABRIC_STT) {
		fabric_stt_write(tunnel, inner, head);
		return;
	}
	fabric_put16(head + 2, vport->tunnel_port);
	fabric_put16(head + 4, own + inner);
	if (vport->tunnel == FABRIC_VXLAN) {
		fabric_write_vxlan(head + 8, tunnel);
		return;
	}
	fabric_write_geneve(head + 8, tunnel, tunnel->options_size);
	memcpy(head + 8 + FABRIC_GENEVE_SIZE, tunnel->options, tunnel->options_size);
}

static ULONG fabric_geneve_read(const UCHAR *head, ULONG left, struct fabric_tunnel *tunnel,
				int *reason)
{
	ULONG options = (head[0] & 0x3fu) * 4;

	*reason = FABRIC_DROP_GeneveTruncated;
	if (left < 8 + options)
		return 0;
	*reason = FABRIC_DROP_GeneveVersion;
	if (head[0] >> 6 || fabric_read16(head + 2) != FABRIC_TYPE_TEB)
		return 0;
	*reason = FABRIC_DROP_GeneveOption;
	if (options > FABRIC_TUNNEL_OPTIONS_MAX)
		return 0;
	memcpy((UCHAR *)&tunnel->id + 5, head + 4, 3);
	memcpy(tunnel->options, head + 8, options);
	tunnel->options_size = (UCHAR)options;
	tunnel->flags |= FABRIC_TUNNEL_KEY | (head[1] & 0x80 ? FABRIC_TUNNEL_OAM : 0);
	return 8 + options;
}

static ULONG fabric_gre_read(const UCHAR *head, ULONG left, struct fabric_tunnel *tunnel,
			     int *reason)
{
	ULONG size = 4 + (head[0] & 0x80 ? 4 : 0) + (head[0] & 0x20 ? 4 : 0) +
		     (head[0] & 0x10 ? 4 : 0);

	*reason = FABRIC_DROP_GreFlags;
	if ((head[0] & 0x4f) || (head[1] & 7) || fabric_read16(head + 2) != FABRIC_TYPE_TEB)
		return 0;
	*reason = FABRIC_DROP_GreTruncated;
	if (left < size)
		return 0;
	if (head[0] & 0x80)
		tunnel->flags |= FABRIC_TUNNEL_CHECKSUM;
	if (head[0] & 0x20) {
		memcpy((UCHAR *)&tunnel->id + 4, head + (head[0] & 0x80 ? 8 : 4), 4);
		tunnel->flags |= FABRIC_TUNNEL_KEY;
	}
	return size;
}

/* A frame of one segment: what came in several is one by now. */
static ULONG fabric_stt_read(const UCHAR *tcp, ULONG left, ULONG payload,
			     struct fabric_tunnel *tunnel, int *reason)
{
	ULONG offset = (ULONG)(tcp[12] >> 4) * 4;

	*reason = FABRIC_DROP_SttTruncated;
	if (offset < 20 || left < offset + FABRIC_STT_HEADER || payload < offset + FABRIC_STT_HEADER)
		return 0;
	*reason = FABRIC_DROP_SttReassembly;
	if (fabric_read16(tcp + 6) || fabric_read16(tcp + 4) != payload - offset || tcp[offset])
		return 0;
	memcpy(&tunnel->id, tcp + offset + 8, 8);
	tunnel->flags |= FABRIC_TUNNEL_KEY;
	return offset + FABRIC_STT_HEADER;
}

ULONG fabric_outer_read(const struct fabric_packet *packet, const struct fabric_vport *vport,
			const UCHAR *bytes, ULONG size, struct fabric_tunnel *tunnel, int *reason)
{
	const struct fabric_flow_key *key = &packet->key;
	BOOLEAN is_ipv6 = key->ethernet_type == FABRIC_TYPE_IPV6;
	ULONG at = packet->layout.transport, own = 0, left;
	const UCHAR *head = bytes + at;

	memset(tunnel, 0, sizeof(*tunnel));
	tunnel->is_ipv6 = is_ipv6;
	memcpy(tunnel->source, key->source, is_ipv6 ? 16 : 4);
	memcpy(tunnel->destination, key->destination, is_ipv6 ? 16 : 4);
	tunnel->tos = key->tos;
	tunnel->ttl = key->ttl;
	tunnel->port_source = key->port_source;
	tunnel->port_destination = key->port_destination;
	if (!is_ipv6 && bytes[packet->layout.network + 6] & 0x40)
		tunnel->flags |= FABRIC_TUNNEL_DF;
	left = size > at ? size - at : 0;
	*reason = FABRIC_DROP_UdpTruncated;
	if (left < 16)
		return 0;
	if (vport->tunnel == FABRIC_GRE) {
		tunnel->port_source = tunnel->port_destination = 0;
		own = fabric_gre_read(head, left, tunnel, reason);
		return own ? at + own : 0;
	}
	if (vport->tunnel == FABRIC_STT) {
		own = fabric_stt_read(head, left, packet->buffer->DataLength - at, tunnel, reason);
		return own ? at + own : 0;
	}
	if (head[6] || head[7])
		tunnel->flags |= FABRIC_TUNNEL_CHECKSUM;
	if (vport->tunnel == FABRIC_GENEVE) {
		own = fabric_geneve_read(head + 8, left - 8, tunnel, reason);
		return own ? at + 8 + own : 0;
	}
	*reason = FABRIC_DROP_VxlanFlags;
	if (!(head[8] & 0x08))
		return 0;
	memcpy((UCHAR *)&tunnel->id + 5, head + 12, 3);
	tunnel->flags |= FABRIC_TUNNEL_KEY;
	return at + 16;
}
