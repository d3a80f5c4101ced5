/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Flow keys as netlink attributes. A mask is the same attributes with mask bits as values. What
 * this extension cannot match (MPLS, NSH, more than eight bytes of tunnel options, the original
 * tuple of IPv6) is refused when it is asked for, so that such a flow stays in userspace.
 */
#include "../tunnels/tunnel.h"
#include "netlink.h"

enum {
	KEY_ENCAP = 1, KEY_IN_PORT = 3, KEY_ETHERNET = 4, KEY_VLAN = 5, KEY_ETHERTYPE = 6,
	KEY_IPV4 = 7, KEY_IPV6 = 8, KEY_TCP = 9, KEY_UDP = 10, KEY_ICMP = 11, KEY_ICMPV6 = 12,
	KEY_ARP = 13, KEY_ND = 14, KEY_MARK = 15, KEY_TUNNEL = 16, KEY_SCTP = 17,
	KEY_TCP_FLAGS = 18, KEY_HASH = 19, KEY_RECIRC = 20, KEY_MPLS = 21, KEY_CT_STATE = 22,
	KEY_CT_ZONE = 23, KEY_CT_MARK = 24, KEY_CT_LABELS = 25, KEY_CT_TUPLE4 = 26,
	KEY_CT_TUPLE6 = 27, KEY_NSH = 28
};

enum {
	TUNNEL_ID, TUNNEL_SOURCE4, TUNNEL_DESTINATION4, TUNNEL_TOS, TUNNEL_TTL, TUNNEL_NO_FRAGMENT,
	TUNNEL_CSUM, TUNNEL_OAM, TUNNEL_OPTIONS, TUNNEL_VXLAN = 11, TUNNEL_SOURCE6,
	TUNNEL_DESTINATION6, TUNNEL_ERSPAN = 15
};

static BOOLEAN fabric_is_zero(const struct fabric_attribute *attribute)
{
	ULONG i;

	for (i = 0; i < attribute->size; i++)
		if (attribute->data[i])
			return FALSE;
	return TRUE;
}

static VOID fabric_key_ipv4(const UCHAR *ip, struct fabric_flow_key *key, BOOLEAN is_mask)
{
	memcpy(key->source, ip, 4);
	memcpy(key->destination, ip + 4, 4);
	key->protocol = ip[8];
	key->tos = ip[9];
	key->ttl = ip[10];
	/* None, first, later; a mask that looks at any of it looks at all of it. */
	key->fragment = is_mask ? (ip[11] ? 3 : 0) : ip[11] == 0 ? 0 : ip[11] == 1 ? 1 : 3;
}

static VOID fabric_key_ipv6(const UCHAR *ip, struct fabric_flow_key *key, BOOLEAN is_mask)
{
	memcpy(key->source, ip, 16);
	memcpy(key->destination, ip + 16, 16);
	memcpy(&key->ipv6_label, ip + 32, 4);
	key->protocol = ip[36];
	key->tos = ip[37];
	key->ttl = ip[38];
	key->fragment = is_mask ? (ip[39] ? 3 : 0) : ip[39] == 0 ? 0 : ip[39] == 1 ? 1 : 3;
}

static VOID fabric_key_arp(const UCHAR *arp, struct fabric_flow_key *key)
{
	memcpy(key->source, arp, 4);
	memcpy(key->destination, arp + 4, 4);
	key->protocol = arp[9];
	memcpy(key->arp_source, arp + 10, 6);
	memcpy(key->arp_target, arp + 16, 6);
}

static int fabric_key_layers(const struct fabric_attribute *a, struct fabric_flow_key *key,
			     BOOLEAN is_mask)
{
	static const UCHAR sizes[FABRIC_NL_ATTRIBUTES_MAX] = {
		[KEY_ETHERTYPE] = 2, [KEY_IPV4] = 12, [KEY_IPV6] = 40, [KEY_TCP] = 4,
		[KEY_UDP] = 4, [KEY_SCTP] = 4, [KEY_ICMP] = 2, [KEY_ICMPV6] = 2, [KEY_ARP] = 22,
		[KEY_ND] = 28, [KEY_TCP_FLAGS] = 2,
	};
	ULONG i;

	for (i = 0; i < FABRIC_NL_ATTRIBUTES_MAX; i++)
		if (sizes[i] && a[i].data && a[i].size < sizes[i])
			return FABRIC_EINVAL;
	if (a[KEY_ETHERTYPE].data)
		memcpy(&key->ethernet_type, a[KEY_ETHERTYPE].data, 2);
	if (a[KEY_IPV4].data)
		fabric_key_ipv4(a[KEY_IPV4].data, key, is_mask);
	if (a[KEY_IPV6].data)
		fabric_key_ipv6(a[KEY_IPV6].data, key, is_mask);
	if (a[KEY_ARP].data)
		fabric_key_arp(a[KEY_ARP].data, key);
	for (i = KEY_TCP; i <= KEY_SCTP; i++) {
		if ((i != KEY_TCP && i != KEY_UDP && i != KEY_SCTP) || !a[i].data)
			continue;
		memcpy(&key->port_source, a[i].data, 2);
		memcpy(&key->port_destination, a[i].data + 2, 2);
	}
	for (i = KEY_ICMP; i <= KEY_ICMPV6; i++) {
		if (!a[i].data)
			continue;
		key->port_source = FABRIC_BE16(a[i].data[0]);
		key->port_destination = FABRIC_BE16(a[i].data[1]);
	}
	if (a[KEY_TCP_FLAGS].data)
		memcpy(&key->tcp_flags, a[KEY_TCP_FLAGS].data, 2);
	if (a[KEY_ND].data) {
		memcpy(key->nd_target, a[KEY_ND].data, 16);
		memcpy(key->arp_source, a[KEY_ND].data + 16, 6);
		memcpy(key->arp_target, a[KEY_ND].data + 22, 6);
	}
	return 0;
}

static int fabric_key_tags(const struct fabric_attribute *a, struct fabric_flow_key *key,
			   BOOLEAN is_mask, ULONG depth)
{
	struct fabric_attribute inner[FABRIC_NL_ATTRIBUTES_MAX];
	fabric_u16 tpid = 0, tci = 0;

	/* A mask may say something of the tag without having one inside. */
	if (!a[KEY_VLAN].data || a[KEY_VLAN].size < 2)
		return fabric_key_layers(a, key, is_mask);
	if (depth == 2)
		return FABRIC_ENOTSUPP;
	memcpy(&tci, a[KEY_VLAN].data, 2);
	if (a[KEY_ETHERTYPE].data && a[KEY_ETHERTYPE].size >= 2)
		memcpy(&tpid, a[KEY_ETHERTYPE].data, 2);
	if (depth == 0) {
		key->vlan_tpid = tpid;
		key->vlan_tci = tci;
	} else {
		key->inner_vlan_tpid = tpid;
		key->inner_vlan_tci = tci;
	}
	if (!a[KEY_ENCAP].data)
		return is_mask || !tci ? 0 : FABRIC_EINVAL;
	if (!fabric_attributes(a[KEY_ENCAP].data, a[KEY_ENCAP].size, inner))
		return FABRIC_EINVAL;
	return fabric_key_tags(inner, key, is_mask, depth + 1);
}

static BOOLEAN fabric_key_tracked(const struct fabric_attribute *a, struct fabric_flow_key *key)
{
	const UCHAR *tuple = a[KEY_CT_TUPLE4].data;
	fabric_u16 zone;

	if ((a[KEY_CT_ZONE].data && a[KEY_CT_ZONE].size < 2) ||
	    (a[KEY_CT_LABELS].data && a[KEY_CT_LABELS].size < 16) ||
	    (tuple && a[KEY_CT_TUPLE4].size < 13))
		return FALSE;
	key->conntrack_state = (UCHAR)fabric_u32_of(&a[KEY_CT_STATE], 0);
	key->conntrack_mark = FABRIC_BE32(fabric_u32_of(&a[KEY_CT_MARK], 0));
	if (a[KEY_CT_ZONE].data) {
		memcpy(&zone, a[KEY_CT_ZONE].data, 2);
		key->conntrack_zone = FABRIC_BE16(zone);
	}
	if (a[KEY_CT_LABELS].data)
		memcpy(key->conntrack_label, a[KEY_CT_LABELS].data, 16);
	if (tuple) {
		memcpy(&key->conntrack_source, tuple, 4);
		memcpy(&key->conntrack_destination, tuple + 4, 4);
		memcpy(&key->conntrack_port_source, tuple + 8, 2);
		memcpy(&key->conntrack_port_destination, tuple + 10, 2);
		key->conntrack_protocol = tuple[12];
	}
	return TRUE;
}

int fabric_tunnel_parse(const UCHAR *bytes, ULONG size, struct fabric_tunnel *tunnel)
{
	static const UCHAR sizes[FABRIC_NL_ATTRIBUTES_MAX] = {
		[TUNNEL_ID] = 8, [TUNNEL_SOURCE4] = 4, [TUNNEL_DESTINATION4] = 4, [TUNNEL_TOS] = 1,
		[TUNNEL_TTL] = 1, [TUNNEL_SOURCE6] = 16, [TUNNEL_DESTINATION6] = 16,
	};
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	ULONG i;

	memset(tunnel, 0, sizeof(*tunnel));
	if (!fabric_attributes(bytes, size, a))
		return FABRIC_EINVAL;
	for (i = 0; i < FABRIC_NL_ATTRIBUTES_MAX; i++)
		if (a[i].data && a[i].size < sizes[i])
			return FABRIC_EINVAL;
	if (a[TUNNEL_OPTIONS].size > FABRIC_TUNNEL_OPTIONS_MAX || a[TUNNEL_OPTIONS].size % 4 ||
	    (a[TUNNEL_VXLAN].data && !fabric_is_zero(&a[TUNNEL_VXLAN])) || a[TUNNEL_ERSPAN].data)
		return FABRIC_ENOTSUPP;
	if (a[TUNNEL_ID].data) {
		memcpy(&tunnel->id, a[TUNNEL_ID].data, 8);
		tunnel->flags |= FABRIC_TUNNEL_KEY;
	}
	tunnel->flags |= (a[TUNNEL_NO_FRAGMENT].data ? FABRIC_TUNNEL_DF : 0) |
			 (a[TUNNEL_CSUM].data ? FABRIC_TUNNEL_CHECKSUM : 0) |
			 (a[TUNNEL_OAM].data ? FABRIC_TUNNEL_OAM : 0);
	tunnel->tos = a[TUNNEL_TOS].data ? a[TUNNEL_TOS].data[0] : 0;
	tunnel->ttl = a[TUNNEL_TTL].data ? a[TUNNEL_TTL].data[0] : 0;
	tunnel->is_ipv6 = a[TUNNEL_DESTINATION6].data != NULL;
	if (tunnel->is_ipv6 && a[TUNNEL_SOURCE6].data)
		memcpy(tunnel->source, a[TUNNEL_SOURCE6].data, 16);
	else if (a[TUNNEL_SOURCE4].data)
		memcpy(tunnel->source, a[TUNNEL_SOURCE4].data, 4);
	if (tunnel->is_ipv6)
		memcpy(tunnel->destination, a[TUNNEL_DESTINATION6].data, 16);
	else if (a[TUNNEL_DESTINATION4].data)
		memcpy(tunnel->destination, a[TUNNEL_DESTINATION4].data, 4);
	tunnel->options_size = (UCHAR)a[TUNNEL_OPTIONS].size;
	if (tunnel->options_size)
		memcpy(tunnel->options, a[TUNNEL_OPTIONS].data, tunnel->options_size);
	return 0;
}

static int fabric_key_tunnel(const struct fabric_attribute *attribute, struct fabric_flow_key *key,
			     enum fabric_key_use use)
{
	struct fabric_tunnel tunnel;
	int error = fabric_tunnel_parse(attribute->data, attribute->size, &tunnel);

	if (error)
		return error;
	if (tunnel.options_size > sizeof(key->tunnel_options) && use != FABRIC_KEY_PACKET)
		return FABRIC_ENOTSUPP;
	key->tunnel_id = tunnel.id;
	key->tunnel_flags = tunnel.flags & (FABRIC_TUNNEL_DF | FABRIC_TUNNEL_CHECKSUM |
					    FABRIC_TUNNEL_OAM);
	key->tunnel_tos = tunnel.tos;
	key->tunnel_ttl = tunnel.ttl;
	key->tunnel_options_size = use == FABRIC_KEY_MASK && tunnel.options_size
					   ? 0xff : tunnel.options_size;
	memcpy(key->tunnel_options, tunnel.options, sizeof(key->tunnel_options));
	if (tunnel.is_ipv6) {
		memcpy(key->tunnel_source6, tunnel.source, 16);
		memcpy(key->tunnel_destination6, tunnel.destination, 16);
	} else {
		memcpy(&key->tunnel_source, tunnel.source, 4);
		memcpy(&key->tunnel_destination, tunnel.destination, 4);
	}
	return 0;
}

int fabric_key_parse(const UCHAR *bytes, ULONG size, struct fabric_flow_key *key,
		     enum fabric_key_use use)
{
	BOOLEAN is_mask = use == FABRIC_KEY_MASK;
	static const UCHAR beyond[] = { KEY_MPLS, KEY_CT_TUPLE6, KEY_NSH };
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	ULONG i;

	memset(key, 0, sizeof(*key));
	if (!fabric_attributes(bytes, size, a))
		return FABRIC_EINVAL;
	for (i = 0; i < sizeof(beyond); i++)
		if (use != FABRIC_KEY_PACKET && a[beyond[i]].data &&
		    !fabric_is_zero(&a[beyond[i]]))
			return FABRIC_ENOTSUPP;
	key->in_port = fabric_u32_of(&a[KEY_IN_PORT], 0);
	key->packet_mark = fabric_u32_of(&a[KEY_MARK], 0);
	key->datapath_hash = fabric_u32_of(&a[KEY_HASH], 0);
	key->recirculation_id = fabric_u32_of(&a[KEY_RECIRC], 0);
	if (a[KEY_ETHERNET].data) {
		if (a[KEY_ETHERNET].size < 12)
			return FABRIC_EINVAL;
		memcpy(key->ethernet_source, a[KEY_ETHERNET].data, 6);
		memcpy(key->ethernet_destination, a[KEY_ETHERNET].data + 6, 6);
	}
	if (!fabric_key_tracked(a, key))
		return FABRIC_EINVAL;
	if (a[KEY_TUNNEL].data) {
		int error = fabric_key_tunnel(&a[KEY_TUNNEL], key, use);

		if (error)
			return error;
	}
	/* Without a type the frame is one of IEEE 802.3. */
	if (!is_mask && !a[KEY_ETHERTYPE].data)
		key->ethernet_type = FABRIC_TYPE_NONE;
	return fabric_key_tags(a, key, is_mask, 0);
}

static VOID fabric_key_write_network(struct fabric_writer *writer,
				     const struct fabric_flow_key *key)
{
	UCHAR frag = key->fragment == 0 ? 0 : key->fragment == FABRIC_FRAGMENT_ANY ? 1 : 2;
	UCHAR bytes[40] = { 0 };

	if (key->ethernet_type == FABRIC_TYPE_IPV4) {
		memcpy(bytes, key->source, 4);
		memcpy(bytes + 4, key->destination, 4);
		bytes[8] = key->protocol;
		bytes[9] = key->tos;
		bytes[10] = key->ttl;
		bytes[11] = frag;
		fabric_write(writer, KEY_IPV4, bytes, 12);
	} else if (key->ethernet_type == FABRIC_TYPE_IPV6) {
		memcpy(bytes, key->source, 16);
		memcpy(bytes + 16, key->destination, 16);
		memcpy(bytes + 32, &key->ipv6_label, 4);
		bytes[36] = key->protocol;
		bytes[37] = key->tos;
		bytes[38] = key->ttl;
		bytes[39] = frag;
		fabric_write(writer, KEY_IPV6, bytes, 40);
	} else if (key->ethernet_type == FABRIC_TYPE_ARP ||
		   key->ethernet_type == FABRIC_TYPE_RARP) {
		memcpy(bytes, key->source, 4);
		memcpy(bytes + 4, key->destination, 4);
		bytes[9] = key->protocol;
		memcpy(bytes + 10, key->arp_source, 6);
		memcpy(bytes + 16, key->arp_target, 6);
		fabric_write(writer, KEY_ARP, bytes, 24);
	}
}

static VOID fabric_key_write_transport(struct fabric_writer *writer,
				       const struct fabric_flow_key *key)
{
	UCHAR bytes[4];
	BOOLEAN is_ip = key->ethernet_type == FABRIC_TYPE_IPV4 ||
			key->ethernet_type == FABRIC_TYPE_IPV6;

	if (!is_ip || (key->fragment & FABRIC_FRAGMENT_LATER))
		return;
	memcpy(bytes, &key->port_source, 2);
	memcpy(bytes + 2, &key->port_destination, 2);
	if (key->protocol == 6) {
		fabric_write(writer, KEY_TCP, bytes, 4);
		fabric_write(writer, KEY_TCP_FLAGS, &key->tcp_flags, 2);
	} else if (key->protocol == 17) {
		fabric_write(writer, KEY_UDP, bytes, 4);
	} else if (key->protocol == 132) {
		fabric_write(writer, KEY_SCTP, bytes, 4);
	} else if (key->protocol == 1 || key->protocol == 58) {
		bytes[0] = (UCHAR)FABRIC_BE16(key->port_source);
		bytes[1] = (UCHAR)FABRIC_BE16(key->port_destination);
		fabric_write(writer, key->protocol == 1 ? KEY_ICMP : KEY_ICMPV6, bytes, 2);
		if (key->protocol == 58 && (bytes[0] == 135 || bytes[0] == 136) && !bytes[1]) {
			UCHAR nd[28];

			memcpy(nd, key->nd_target, 16);
			memcpy(nd + 16, key->arp_source, 6);
			memcpy(nd + 22, key->arp_target, 6);
			fabric_write(writer, KEY_ND, nd, sizeof(nd));
		}
	}
}

static VOID fabric_key_write_tracked(struct fabric_writer *writer,
				     const struct fabric_flow_key *key)
{
	fabric_u16 zone = FABRIC_BE16(key->conntrack_zone);
	UCHAR tuple[16] = { 0 };

	fabric_write_u32(writer, KEY_CT_STATE, key->conntrack_state);
	fabric_write(writer, KEY_CT_ZONE, &zone, 2);
	fabric_write_u32(writer, KEY_CT_MARK, FABRIC_BE32(key->conntrack_mark));
	fabric_write(writer, KEY_CT_LABELS, key->conntrack_label, 16);
	if (!key->conntrack_protocol || key->ethernet_type != FABRIC_TYPE_IPV4)
		return;
	memcpy(tuple, &key->conntrack_source, 4);
	memcpy(tuple + 4, &key->conntrack_destination, 4);
	memcpy(tuple + 8, &key->conntrack_port_source, 2);
	memcpy(tuple + 10, &key->conntrack_port_destination, 2);
	tuple[12] = key->conntrack_protocol;
	fabric_write(writer, KEY_CT_TUPLE4, tuple, 16);
}

static VOID fabric_key_write_tunnel(struct fabric_writer *writer,
				    const struct fabric_tunnel *tunnel)
{
	ULONG nest = fabric_write_nest(writer, KEY_TUNNEL), size = tunnel->is_ipv6 ? 16 : 4;

	if (tunnel->flags & FABRIC_TUNNEL_KEY)
		fabric_write(writer, TUNNEL_ID, &tunnel->id, 8);
	fabric_write(writer, tunnel->is_ipv6 ? TUNNEL_SOURCE6 : TUNNEL_SOURCE4, tunnel->source,
		     size);
	fabric_write(writer, tunnel->is_ipv6 ? TUNNEL_DESTINATION6 : TUNNEL_DESTINATION4,
		     tunnel->destination, size);
	if (tunnel->tos)
		fabric_write(writer, TUNNEL_TOS, &tunnel->tos, 1);
	fabric_write(writer, TUNNEL_TTL, &tunnel->ttl, 1);
	if (tunnel->flags & FABRIC_TUNNEL_DF)
		fabric_write(writer, TUNNEL_NO_FRAGMENT, NULL, 0);
	if (tunnel->flags & FABRIC_TUNNEL_CHECKSUM)
		fabric_write(writer, TUNNEL_CSUM, NULL, 0);
	if (tunnel->flags & FABRIC_TUNNEL_OAM)
		fabric_write(writer, TUNNEL_OAM, NULL, 0);
	if (tunnel->options_size)
		fabric_write(writer, TUNNEL_OPTIONS, tunnel->options, tunnel->options_size);
	fabric_write_nest_end(writer, nest);
}

VOID fabric_key_write(struct fabric_writer *writer, const struct fabric_packet *packet)
{
	const struct fabric_flow_key *key = &packet->key;
	ULONG nests[2], depth = 0;
	UCHAR macs[12];

	fabric_write_u32(writer, KEY_IN_PORT, key->in_port);
	fabric_write_u32(writer, KEY_MARK, key->packet_mark);
	fabric_write_u32(writer, KEY_HASH, key->datapath_hash);
	fabric_write_u32(writer, KEY_RECIRC, key->recirculation_id);
	fabric_key_write_tracked(writer, key);
	if (packet->received)
		fabric_key_write_tunnel(writer, packet->received);
	memcpy(macs, key->ethernet_source, 6);
	memcpy(macs + 6, key->ethernet_destination, 6);
	fabric_write(writer, KEY_ETHERNET, macs, 12);
	if (key->vlan_tci) {
		fabric_write(writer, KEY_ETHERTYPE, &key->vlan_tpid, 2);
		fabric_write(writer, KEY_VLAN, &key->vlan_tci, 2);
		nests[depth++] = fabric_write_nest(writer, KEY_ENCAP);
	}
	if (key->inner_vlan_tci) {
		fabric_write(writer, KEY_ETHERTYPE, &key->inner_vlan_tpid, 2);
		fabric_write(writer, KEY_VLAN, &key->inner_vlan_tci, 2);
		nests[depth++] = fabric_write_nest(writer, KEY_ENCAP);
	}
	if (key->ethernet_type != FABRIC_TYPE_NONE)
		fabric_write(writer, KEY_ETHERTYPE, &key->ethernet_type, 2);
	fabric_key_write_network(writer, key);
	fabric_key_write_transport(writer, key);
	while (depth)
		fabric_write_nest_end(writer, nests[--depth]);
}
