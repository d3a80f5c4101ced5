/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Outer headers, on and off. Super-packets stay whole: bpf_skb_adjust_room tells the kernel what was
 * put in front. What does not fit (tagged packets, fragments, packets without a route) goes to the
 * host node's tunnel sockets, or comes from them.
 */
#ifndef FABRIC_TUNNEL_H
#define FABRIC_TUNNEL_H

#include "fabric_outer.h"
#include "fabric_checksum.h"

/* linux/bpf.h of newer kernels: the inner packet's version. */
#define FABRIC_DECAP_IPV4 (1ull << 7)
#define FABRIC_DECAP_IPV6 (1ull << 8)

/* The host node sends it. */
FABRIC_INLINE int fabric_send_slowly(struct __sk_buff *skb, struct fabric_scratch *s)
{
	s->kind = FABRIC_UPCALL_TUNNEL;
	s->resumes = 0;
	return fabric_go(skb, FABRIC_PROGRAM_UPCALL);
}

/* Size of the tunnel's own header, UDP's included. */
FABRIC_INLINE fabric_u32 fabric_tunnel_size(const struct fabric_port *port,
					    const struct fabric_tunnel *tunnel)
{
	if (port->kind == FABRIC_PORT_GENEVE)
		return 8 + FABRIC_GENEVE_SIZE + (tunnel->options_size & 0x3c);
	if (port->kind == FABRIC_PORT_VXLAN)
		return 8 + FABRIC_VXLAN_SIZE;
	return 4 + (tunnel->flags & FABRIC_TUNNEL_CHECKSUM ? 4 : 0) +
	       (tunnel->flags & FABRIC_TUNNEL_KEY ? 4 : 0);
}

FABRIC_INLINE void fabric_write_gre(fabric_u8 *header, const struct fabric_tunnel *tunnel)
{
	int has_sum = tunnel->flags & FABRIC_TUNNEL_CHECKSUM;

	fabric_put16(header, (has_sum ? 0x8000 : 0) |
				     (tunnel->flags & FABRIC_TUNNEL_KEY ? 0x2000 : 0));
	fabric_put16(header + 2, FABRIC_TYPE_TEB);
	__builtin_memset(header + 4, 0, 4);
	__builtin_memcpy(header + (has_sum ? 8 : 4), (const fabric_u8 *)&tunnel->id + 4, 4);
}

/* The tunnel's header at 's->header + at', which is before the inner Ethernet header. */
FABRIC_INLINE void fabric_write_tunnel(struct fabric_scratch *s, const struct fabric_port *port,
				       const struct fabric_tunnel *tunnel, fabric_u32 at,
				       fabric_u32 size, fabric_u16 entropy)
{
	fabric_u8 *header = s->header + (at & 63);
	fabric_u32 i;

	if (port->kind == FABRIC_PORT_GRE) {
		fabric_write_gre(header, tunnel);
		return;
	}
	fabric_put16(header, entropy);
	__builtin_memcpy(header + 2, &port->tunnel_port, 2);
	fabric_put16(header + 4, (fabric_u16)size);
	fabric_put16(header + 6, 0);
	header += 8;
	if (port->kind == FABRIC_PORT_VXLAN) {
		fabric_write_vxlan(header, tunnel);
		return;
	}
	fabric_write_geneve(header, tunnel, tunnel->options_size & 0x3c);
	for (i = 0; i < FABRIC_TUNNEL_OPTIONS_MAX; i += 4) {
		if (i >= (fabric_u32)(tunnel->options_size & 0x3c))
			break;
		__builtin_memcpy(header + FABRIC_GENEVE_SIZE + i, tunnel->options + i, 4);
	}
}

FABRIC_INLINE fabric_u64 fabric_room_flags(const struct fabric_port *port,
					   const struct fabric_tunnel *tunnel)
{
	fabric_u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
			   BPF_F_ADJ_ROOM_ENCAP_L2(FABRIC_ETHERNET_SIZE) |
			   BPF_F_ADJ_ROOM_NO_CSUM_RESET;

	flags |= tunnel->is_ipv6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;
	return flags | (port->kind == FABRIC_PORT_GRE ? BPF_F_ADJ_ROOM_ENCAP_L4_GRE
						      : BPF_F_ADJ_ROOM_ENCAP_L4_UDP);
}

FABRIC_INLINE int fabric_is_ip(struct __sk_buff *skb)
{
	return skb->protocol == FABRIC_TYPE_IPV4 || skb->protocol == FABRIC_TYPE_IPV6;
}

/*
 * After other packets than IP got a header in front the kernel still takes them for what they were
 * (ARP), and would not send them by an IP next hop. Taking a tag out of the bytes makes it read the
 * type that stands there: so two go on, the first of them into the bytes, and off again.
 */
FABRIC_INLINE int fabric_reread_type(struct __sk_buff *skb)
{
	return bpf_skb_vlan_push(skb, FABRIC_TYPE_VLAN, 1) ||
	       bpf_skb_vlan_push(skb, FABRIC_TYPE_VLAN, 1) || bpf_skb_vlan_pop(skb) ||
	       bpf_skb_vlan_pop(skb);
}

FABRIC_INLINE long fabric_make_room(struct __sk_buff *skb, const struct fabric_port *port,
				    const struct fabric_tunnel *tunnel, fabric_u32 room)
{
	if (!fabric_is_ip(skb))
		return bpf_skb_change_head(skb, room, 0);
	return bpf_skb_adjust_room(skb, (fabric_s32)room, BPF_ADJ_ROOM_MAC,
				   fabric_room_flags(port, tunnel));
}

FABRIC_INLINE int fabric_leave(const struct fabric_tunnel *tunnel)
{
	struct bpf_redir_neigh next = {};

	if (tunnel->is_ipv6) {
		next.nh_family = 10;
		__builtin_memcpy(next.ipv6_nh,
				 tunnel->is_via_gateway ? tunnel->gateway : tunnel->destination, 16);
	} else {
		next.nh_family = 2;
		__builtin_memcpy(&next.ipv4_nh,
				 tunnel->is_via_gateway ? tunnel->gateway : tunnel->destination, 4);
	}
	return bpf_redirect_neigh(tunnel->device, &next, sizeof(next), 0);
}

/* UDP over IPv6 has a checksum always (RFC 8200 section 8.1), all others if the tunnel says so. */
FABRIC_INLINE int fabric_has_checksum(const struct fabric_port *port,
				      const struct fabric_tunnel *tunnel)
{
	return (tunnel->flags & FABRIC_TUNNEL_CHECKSUM) ||
	       (tunnel->is_ipv6 && port->kind != FABRIC_PORT_GRE);
}

/* Of the headers in s->header; 'inner' and 'segment' are sum and size of what follows them. */
FABRIC_INLINE void fabric_write_checksum(struct fabric_scratch *s, const struct fabric_port *port,
					 const struct fabric_tunnel *tunnel, fabric_u32 at,
					 fabric_u32 size, fabric_u64 inner, fabric_u32 segment)
{
	fabric_u8 *header = s->header + (at & 63), length[2];
	const fabric_u8 *ip = s->header + FABRIC_ETHERNET_SIZE;
	fabric_u16 check;

	if (port->kind == FABRIC_PORT_GRE) {
		check = fabric_outer_checksum(s, at, size, inner);
		__builtin_memcpy(header + 4, &check, 2);
		return;
	}
	/* The length of each segment, while that of them all stands there. */
	__builtin_memcpy(length, header + 4, 2);
	fabric_put16(header + 4, segment + size);
	inner += fabric_sum_pseudo(ip, tunnel->is_ipv6, FABRIC_PROTOCOL_UDP, segment + size);
	check = fabric_outer_checksum(s, at, size, inner);
	__builtin_memcpy(header + 6, &check, 2);
	__builtin_memcpy(header + 4, length, 2);
}

FABRIC_INLINE int fabric_encapsulate(struct __sk_buff *skb, struct fabric_scratch *s,
				     struct fabric_port *port, const struct fabric_tunnel *tunnel)
{
	fabric_u32 ip = tunnel->is_ipv6 ? 40 : 20;
	fabric_u32 size = fabric_tunnel_size(port, tunnel);
	fabric_u32 room = ip + size + FABRIC_ETHERNET_SIZE, payload, at, total;
	fabric_u16 entropy = (fabric_u16)(0x8000 | (bpf_get_hash_recalc(skb) & 0x7fff));
	fabric_u8 inner[FABRIC_ETHERNET_SIZE];
	fabric_u8 protocol = port->kind == FABRIC_PORT_GRE ? FABRIC_PROTOCOL_GRE : FABRIC_PROTOCOL_UDP;
	int is_ip = fabric_is_ip(skb), is_summed = 0;
	fabric_u32 segment = 0;
	fabric_u64 sum = 0, last;

	if (!skb->gso_size && skb->len + ip + size > tunnel->mtu)
		return fabric_send_slowly(skb, s);
	if (bpf_skb_load_bytes(skb, 0, inner, sizeof(inner)))
		return fabric_drop(FABRIC_DROP_EthernetTruncated);
	payload = skb->len + size;
	if (fabric_has_checksum(port, tunnel))
		is_summed = fabric_sum_inner(skb, s, &sum, &segment);
	if (fabric_make_room(skb, port, tunnel, room))
		return fabric_send_slowly(skb, s);
	__builtin_memset(s->header, 0, FABRIC_ETHERNET_SIZE);
	fabric_put16(s->header + 12, tunnel->is_ipv6 ? 0x86dd : 0x0800);
	if (tunnel->is_ipv6)
		fabric_write_ipv6(s->header + 14, tunnel, tunnel->route_source, payload, protocol);
	else
		fabric_write_ipv4(s->header + 14, tunnel, tunnel->route_source, payload, protocol);
	at = FABRIC_ETHERNET_SIZE + ip;
	fabric_write_tunnel(s, port, tunnel, at, payload, entropy);
	if (is_summed)
		fabric_write_checksum(s, port, tunnel, at, size, sum, segment);
	total = at + size;
	if (total > 200)
		return fabric_drop(FABRIC_DROP_HeadroomExhausted);
	__builtin_memcpy(s->header + (total & 0xff), inner, sizeof(inner));
	last = total + FABRIC_ETHERNET_SIZE - 1;
	FABRIC_OPAQUE(last);
	if (last >= 214 || bpf_skb_store_bytes(skb, 0, s->header, last + 1, 0))
		return fabric_drop(FABRIC_DROP_HeadroomExhausted);
	if (!is_ip && fabric_reread_type(skb))
		return fabric_drop(FABRIC_DROP_HeadroomExhausted);
	__sync_fetch_and_add(&port->tx_packets, 1);
	__sync_fetch_and_add(&port->tx_bytes, skb->len);
	return fabric_leave(tunnel);
}

SEC("tc")
int fabric_program_tunnel(struct __sk_buff *skb)
{
	struct fabric_scratch *s = fabric_current();
	struct fabric_tunnel *tunnel;
	struct fabric_port *port;
	fabric_u32 number;

	if (!s)
		return TC_ACT_SHOT;
	port = fabric_port_of(s->number);
	number = s->tunnel;
	tunnel = bpf_map_lookup_elem(&fabric_tunnels, &number);
	if (!port || !tunnel || !number)
		return fabric_drop(FABRIC_DROP_TunnelUnknownPeer);
	if (!tunnel->device || port->kind == FABRIC_PORT_SLOW || skb->vlan_present)
		return fabric_send_slowly(skb, s);
	return fabric_encapsulate(skb, s, port, tunnel);
}

/* Reads the Geneve or VXLAN header behind UDP; its size, or 0: the sockets may have it. */
FABRIC_INLINE fabric_u32 fabric_read_tunnel(struct __sk_buff *skb, struct fabric_scratch *s,
					    const struct fabric_port *port, fabric_u32 at)
{
	fabric_u8 *id = (fabric_u8 *)&s->key.tunnel_id;
	fabric_u16 flags = FABRIC_TUNNEL_KEY;
	fabric_u8 bytes[8];
	fabric_u32 options;

	if (bpf_skb_load_bytes(skb, at, bytes, 8))
		return 0;
	id[5] = bytes[4];
	id[6] = bytes[5];
	id[7] = bytes[6];
	if (port->kind == FABRIC_PORT_VXLAN) {
		s->key.tunnel_flags = flags;
		return bytes[0] == 0x08 ? 8 : 0;
	}
	options = (bytes[0] & 0x3f) * 4;
	if (bytes[0] >> 6 || (options != 0 && options != 8) || fabric_read16(bytes + 2) != 0x6558)
		return 0;
	if (bytes[1] & 0x80)
		flags |= FABRIC_TUNNEL_OAM;
	s->key.tunnel_flags = flags;
	s->key.tunnel_options_size = (fabric_u8)options;
	if (!options)
		return 8;
	if (bpf_skb_load_bytes(skb, at + 8, s->key.tunnel_options, 8))
		return 0;
	/* Critical options that nobody knows are the sockets' to refuse; only OVN's is known here. */
	if ((s->key.tunnel_options[3] & 0x1f) != 1)
		return 0;
	if (s->key.tunnel_options[2] & 0x80 &&
	    (fabric_wire16(s->key.tunnel_options) != FABRIC_BE16(0x0102) ||
	     s->key.tunnel_options[2] != 0x80))
		return 0;
	return 16;
}

FABRIC_INLINE fabric_u32 fabric_read_gre(struct __sk_buff *skb, struct fabric_scratch *s,
					 fabric_u32 at)
{
	fabric_u8 bytes[8];

	if (bpf_skb_load_bytes(skb, at, bytes, 8) || (bytes[0] & 0xdf) || bytes[1] ||
	    fabric_read16(bytes + 2) != 0x6558)
		return 0;
	if (!(bytes[0] & 0x20))
		return 4;
	__builtin_memcpy((fabric_u8 *)&s->key.tunnel_id + 4, bytes + 4, 4);
	s->key.tunnel_flags = FABRIC_TUNNEL_KEY;
	return 8;
}

/* Outer addresses into the key; size of the IP header, 0: not for us. */
FABRIC_INLINE fabric_u32 fabric_read_outer(struct fabric_scratch *s, const fabric_u8 *ip,
					   struct fabric_address *local, int is_ipv6)
{
	__builtin_memset(local, 0, sizeof(*local));
	if (is_ipv6) {
		FABRIC_OPAQUE(ip); /* Else both versions become one, with an offset that varies. */
		__builtin_memcpy(s->key.tunnel_source6, ip + 8, 16);
		__builtin_memcpy(s->key.tunnel_destination6, ip + 24, 16);
		__builtin_memcpy(local->byte, ip + 24, 16);
		s->key.tunnel_tos = (fabric_u8)((ip[0] << 4) | (ip[1] >> 4));
		s->key.tunnel_ttl = ip[7];
		return 40;
	}
	__builtin_memcpy(&s->key.tunnel_source, ip + 12, 4);
	__builtin_memcpy(&s->key.tunnel_destination, ip + 16, 4);
	__builtin_memcpy(local->byte, ip + 16, 4);
	s->key.tunnel_tos = ip[1];
	s->key.tunnel_ttl = ip[8];
	return 20;
}

/* Takes the outer headers off and looks the inner packet up. */
FABRIC_INLINE int fabric_decapsulate(struct __sk_buff *skb, struct fabric_scratch *s,
				     struct fabric_port *port, fabric_u32 size)
{
	const fabric_u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
	const struct fabric_settings *settings = fabric_configured();
	fabric_s32 room = -(fabric_s32)(size + FABRIC_ETHERNET_SIZE);
	fabric_u8 inner[FABRIC_ETHERNET_SIZE];
	fabric_u64 version = 0;
	fabric_u16 type;

	if (bpf_skb_load_bytes(skb, FABRIC_ETHERNET_SIZE + size, inner, sizeof(inner)))
		return TC_ACT_OK;
	type = fabric_wire16(inner + 12);
	if (!settings || settings->is_decap_plain)
		version = 0;
	else if (type == FABRIC_TYPE_IPV6 && skb->protocol == FABRIC_TYPE_IPV4)
		version = FABRIC_DECAP_IPV6;
	else if (type == FABRIC_TYPE_IPV4 && skb->protocol == FABRIC_TYPE_IPV6)
		version = FABRIC_DECAP_IPV4;
	/* Kernels before 6.4 do not know these flags: then only segmenting such packets fails. */
	if ((!version || bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, flags | version)) &&
	    bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, flags))
		return TC_ACT_OK;
	bpf_csum_level(skb, BPF_CSUM_LEVEL_DEC);
	bpf_skb_store_bytes(skb, 0, inner, sizeof(inner), 0);
	__sync_fetch_and_add(&port->rx_packets, 1);
	__sync_fetch_and_add(&port->rx_bytes, skb->len);
	return fabric_go(skb, FABRIC_PROGRAM_LOOKUP);
}

SEC("tc")
int fabric_program_underlay(struct __sk_buff *skb)
{
	struct fabric_scratch *s = fabric_ground();
	fabric_u8 *data, ip[40], udp[8], protocol;
	int is_ipv6 = skb->protocol == FABRIC_TYPE_IPV6;
	struct fabric_address local;
	struct fabric_port *port;
	fabric_u32 slot, size, header, *number;

	if (!s || skb->vlan_present || !fabric_is_ip(skb))
		return TC_ACT_OK;
	data = (void *)(long)skb->data;
	if (data + 34 > (fabric_u8 *)(long)skb->data_end)
		return TC_ACT_OK;
	/* Most packets are not for us: say so soon. */
	protocol = is_ipv6 ? data[20] : data[23];
	if ((protocol != 17 && protocol != 47) || (!is_ipv6 && data[14] != 0x45) ||
	    (!is_ipv6 && (fabric_read16(data + 20) & 0x3fff)))
		return TC_ACT_OK;
	size = is_ipv6 ? 40 : 20;
	if (bpf_skb_load_bytes(skb, FABRIC_ETHERNET_SIZE, ip, size & 0x3c) ||
	    bpf_skb_load_bytes(skb, FABRIC_ETHERNET_SIZE + size, udp, protocol == 17 ? 8 : 4))
		return TC_ACT_OK;
	slot = protocol == 17 ? fabric_read16(udp + 2) : 0;
	number = bpf_map_lookup_elem(&fabric_tunnel_ports, &slot);
	if (!number || !*number)
		return TC_ACT_OK;
	port = fabric_port_of(*number);
	s->level = 0;
	fabric_start(s, *number);
	fabric_read_outer(s, ip, &local, is_ipv6);
	if (!port || !bpf_map_lookup_elem(&fabric_locals, &local))
		return TC_ACT_OK;
	if (protocol == 47) {
		header = port->kind == FABRIC_PORT_GRE
				 ? fabric_read_gre(skb, s, FABRIC_ETHERNET_SIZE + size)
				 : 0;
	} else {
		if (port->kind != FABRIC_PORT_GENEVE && port->kind != FABRIC_PORT_VXLAN)
			return TC_ACT_OK;
		s->key.tunnel_port_source = fabric_wire16(udp);
		header = fabric_read_tunnel(skb, s, port, FABRIC_ETHERNET_SIZE + size + 8);
		if (header)
			header += 8;
	}
	if (!header)
		return TC_ACT_OK;
	if (!is_ipv6 && fabric_sum_fold(fabric_sum_bytes(ip, 20)) != 0xffff)
		return fabric_drop(FABRIC_DROP_ChecksumInvalid);
	if (protocol == 17) {
		if (!fabric_is_datagram_sound(skb, s, ip, is_ipv6, FABRIC_ETHERNET_SIZE + size, udp))
			return fabric_drop(FABRIC_DROP_TunnelChecksum);
		if (fabric_wire16(udp + 6))
			s->key.tunnel_flags |= FABRIC_TUNNEL_CHECKSUM;
	}
	return fabric_decapsulate(skb, s, port, size + header);
}

#endif
