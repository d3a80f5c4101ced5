/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Flow keys as netlink attributes. A mask is the same attributes with mask bits as values. What
 * this extension cannot match (tunnels, connection state, MPLS, NSH) is refused when it is asked
 * for, so that such a flow stays in userspace.
 */
#include "netlink.h"

enum {
	KEY_ENCAP = 1, KEY_IN_PORT = 3, KEY_ETHERNET = 4, KEY_VLAN = 5, KEY_ETHERTYPE = 6,
	KEY_IPV4 = 7, KEY_IPV6 = 8, KEY_TCP = 9, KEY_UDP = 10, KEY_ICMP = 11, KEY_ICMPV6 = 12,
	KEY_ARP = 13, KEY_ND = 14, KEY_MARK = 15, KEY_TUNNEL = 16, KEY_SCTP = 17,
	KEY_TCP_FLAGS = 18, KEY_HASH = 19, KEY_RECIRC = 20, KEY_MPLS = 21, KEY_CT_STATE = 22,
	KEY_CT_ZONE = 23, KEY_CT_MARK = 24, KEY_CT_LABELS = 25, KEY_CT_TUPLE4 = 26,
	KEY_CT_TUPLE6 = 27, KEY_NSH = 28
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
	if (a[KEY_ND].data && !fabric_is_zero(&a[KEY_ND]))
		return FABRIC_ENOTSUPP;
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

int fabric_key_parse(const UCHAR *bytes, ULONG size, struct fabric_flow_key *key, BOOLEAN is_mask)
{
	static const UCHAR beyond[] = { KEY_TUNNEL, KEY_MPLS, KEY_CT_STATE, KEY_CT_ZONE,
					KEY_CT_MARK, KEY_CT_LABELS, KEY_NSH };
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	ULONG i;

	memset(key, 0, sizeof(*key));
	if (!fabric_attributes(bytes, size, a))
		return FABRIC_EINVAL;
	for (i = 0; i < sizeof(beyond); i++)
		if (a[beyond[i]].data && !fabric_is_zero(&a[beyond[i]]))
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
	}
}

VOID fabric_key_write(struct fabric_writer *writer, const struct fabric_flow_key *key)
{
	ULONG nests[2], depth = 0;
	UCHAR macs[12];

	fabric_write_u32(writer, KEY_IN_PORT, key->in_port);
	fabric_write_u32(writer, KEY_MARK, key->packet_mark);
	fabric_write_u32(writer, KEY_HASH, key->datapath_hash);
	fabric_write_u32(writer, KEY_RECIRC, key->recirculation_id);
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
