/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * From the bytes of a frame to its flow key: one header for eBPF, for the Hyper-V extension and for
 * tests in plain C.
 *
 * Every function takes the packet as [data, end) and proves a length before it reads. Results are
 * drop reasons (fabric_drop_reasons.h): FABRIC_DROP_None is success. Semantics are those of the
 * managed extractor (FlowKeyExtractor): a test feeds both the same packets.
 */
#ifndef FABRIC_PARSE_H
#define FABRIC_PARSE_H

#include "../include/fabric_flow_key.h"

enum fabric_drop_reason {
#define FABRIC_DROP(name, counter, text) FABRIC_DROP_##name,
#include "../include/fabric_drop_reasons.h"
#undef FABRIC_DROP
	FABRIC_DROP_COUNT
};

#ifndef FABRIC_INLINE
#define FABRIC_INLINE static inline __attribute__((always_inline))
#endif

#define FABRIC_ETHERNET_SIZE 14
#define FABRIC_VLAN_SIZE 4
#define FABRIC_EXTENSION_HEADERS_MAX 8

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FABRIC_BE16(value) ((fabric_u16)((((value) & 0xff) << 8) | (((value) >> 8) & 0xff)))
#else
#define FABRIC_BE16(value) ((fabric_u16)(value))
#endif

#define FABRIC_TYPE_IPV4 FABRIC_BE16(0x0800)
#define FABRIC_TYPE_ARP FABRIC_BE16(0x0806)
#define FABRIC_TYPE_RARP FABRIC_BE16(0x8035)
#define FABRIC_TYPE_VLAN FABRIC_BE16(0x8100)
#define FABRIC_TYPE_QINQ FABRIC_BE16(0x88a8)
#define FABRIC_TYPE_IPV6 FABRIC_BE16(0x86dd)
/* Below 0x0600 the field is a length: IEEE 802.3, matched as 0x05ff. */
#define FABRIC_TYPE_NONE FABRIC_BE16(0x05ff)

FABRIC_INLINE fabric_u16 fabric_read16(const fabric_u8 *bytes)
{
	return (fabric_u16)((bytes[0] << 8) | bytes[1]);
}

/* As it stands on the wire. */
FABRIC_INLINE fabric_u16 fabric_wire16(const fabric_u8 *bytes)
{
	fabric_u16 value;

	__builtin_memcpy(&value, bytes, sizeof(value));
	return value;
}

FABRIC_INLINE int fabric_parse_transport(const fabric_u8 *data, const fabric_u8 *end,
					 struct fabric_flow_key *key,
					 struct fabric_layout *layout);

FABRIC_INLINE int fabric_parse_arp(const fabric_u8 *arp, const fabric_u8 *end,
				   struct fabric_flow_key *key)
{
	if (arp + 8 > end)
		return FABRIC_DROP_ArpTruncated;
	/* Ethernet and IPv4 only; anything else has no ARP fields to match. */
	if (fabric_read16(arp) != 1 || fabric_read16(arp + 2) != 0x0800 ||
	    arp[4] != 6 || arp[5] != 4)
		return FABRIC_DROP_None;
	if (arp + 28 > end)
		return FABRIC_DROP_ArpTruncated;

	key->protocol = arp[6] == 0 ? arp[7] : 0;
	__builtin_memcpy(key->arp_source, arp + 8, 6);
	__builtin_memcpy(key->source, arp + 14, 4);
	__builtin_memcpy(key->arp_target, arp + 18, 6);
	__builtin_memcpy(key->destination, arp + 24, 4);
	return FABRIC_DROP_None;
}

FABRIC_INLINE int fabric_parse_ipv4(const fabric_u8 *data, const fabric_u8 *end,
				    struct fabric_flow_key *key,
				    struct fabric_layout *layout)
{
	const fabric_u8 *ip = data + layout->network;
	fabric_u16 header, total, fragment;

	if (ip + 20 > end)
		return FABRIC_DROP_Ipv4Truncated;
	header = (fabric_u16)((ip[0] & 0x0f) * 4);
	total = fabric_read16(ip + 2);
	if (ip[0] >> 4 != 4 || header < 20)
		return FABRIC_DROP_Ipv4HeaderLength;
	if (ip + header > end)
		return FABRIC_DROP_Ipv4Truncated;
	if (total < header || ip + total > end)
		return FABRIC_DROP_Ipv4TotalLength;

	key->tos = ip[1];
	key->ttl = ip[8];
	key->protocol = ip[9];
	__builtin_memcpy(key->source, ip + 12, 4);
	__builtin_memcpy(key->destination, ip + 16, 4);
	fragment = fabric_read16(ip + 6);
	if (fragment & 0x3fff)
		key->fragment = FABRIC_FRAGMENT_ANY;
	if (fragment & 0x1fff) {
		key->fragment |= FABRIC_FRAGMENT_LATER;
		return FABRIC_DROP_None;
	}

	layout->transport = (fabric_u16)(layout->network + header);
	return fabric_parse_transport(data, ip + total, key, layout);
}

FABRIC_INLINE int fabric_parse_ipv6(const fabric_u8 *data, const fabric_u8 *end,
				    struct fabric_flow_key *key,
				    struct fabric_layout *layout)
{
	const fabric_u8 *ip = data + layout->network;
	const fabric_u8 *next;
	fabric_u8 protocol;
	fabric_u32 size;
	int i;

	if (ip + 40 > end || ip[0] >> 4 != 6)
		return FABRIC_DROP_Ipv6Truncated;
	if (ip + 40 + fabric_read16(ip + 4) > end)
		return FABRIC_DROP_Ipv6PayloadLength;
	end = ip + 40 + fabric_read16(ip + 4);

	key->tos = (fabric_u8)((ip[0] << 4) | (ip[1] >> 4));
	key->ttl = ip[7];
	__builtin_memcpy(&key->ipv6_label, ip, 4);
	((fabric_u8 *)&key->ipv6_label)[0] = 0;
	((fabric_u8 *)&key->ipv6_label)[1] &= 0x0f;
	__builtin_memcpy(key->source, ip + 8, 16);
	__builtin_memcpy(key->destination, ip + 24, 16);

	protocol = ip[6];
	next = ip + 40;
	for (i = 0; i < FABRIC_EXTENSION_HEADERS_MAX; i++) {
		/* Hop-by-hop, routing, destination options, authentication, fragment. */
		if (protocol != 0 && protocol != 43 && protocol != 60 && protocol != 51 &&
		    protocol != 44)
			break;
		if (next + 8 > end)
			return FABRIC_DROP_Ipv6ExtensionHeader;
		size = protocol == 51 ? (next[1] + 2) * 4 : protocol == 44 ? 8 : (next[1] + 1) * 8;
		if (protocol == 44) {
			/* An atomic fragment (offset 0, no more) is none. */
			if (fabric_read16(next + 2) & 0xfff9)
				key->fragment = FABRIC_FRAGMENT_ANY;
			if (fabric_read16(next + 2) & 0xfff8) {
				key->fragment |= FABRIC_FRAGMENT_LATER;
				key->protocol = 44; /* As in OVS: its payload is not looked at. */
				return FABRIC_DROP_None;
			}
		}
		protocol = next[0];
		next += size;
		if (next > end)
			return FABRIC_DROP_Ipv6ExtensionHeader;
	}
	if (i == FABRIC_EXTENSION_HEADERS_MAX)
		return FABRIC_DROP_Ipv6ExtensionHeader;

	key->protocol = protocol;
	layout->transport = (fabric_u16)(next - data);
	return fabric_parse_transport(data, end, key, layout);
}

FABRIC_INLINE int fabric_parse_transport(const fabric_u8 *data, const fabric_u8 *end,
					 struct fabric_flow_key *key,
					 struct fabric_layout *layout)
{
	const fabric_u8 *head = data + layout->transport;

	switch (key->protocol) {
	case 6:
		if (head + 20 > end)
			return FABRIC_DROP_TcpTruncated;
		key->port_source = fabric_wire16(head);
		key->port_destination = fabric_wire16(head + 2);
		key->tcp_flags = (fabric_u16)(fabric_wire16(head + 12) & FABRIC_BE16(0x0fff));
		/* A data offset that lies leaves no payload; the connection tracker refuses it. */
		if (head[12] >> 4 >= 5 && head + (head[12] >> 4) * 4 <= end)
			layout->payload = (fabric_u16)(layout->transport + (head[12] >> 4) * 4);
		return FABRIC_DROP_None;
	case 17:
		if (head + 8 > end)
			return FABRIC_DROP_UdpTruncated;
		key->port_source = fabric_wire16(head);
		key->port_destination = fabric_wire16(head + 2);
		layout->payload = (fabric_u16)(layout->transport + 8);
		return FABRIC_DROP_None;
	case 132:
		if (head + 12 > end)
			return FABRIC_DROP_SctpTruncated;
		key->port_source = fabric_wire16(head);
		key->port_destination = fabric_wire16(head + 2);
		layout->payload = (fabric_u16)(layout->transport + 12);
		return FABRIC_DROP_None;
	case 1:
	case 58:
		if (head + (key->protocol == 1 ? 8 : 4) > end)
			return FABRIC_DROP_IcmpTruncated;
		key->port_source = FABRIC_BE16(head[0]);
		key->port_destination = FABRIC_BE16(head[1]);
		layout->payload = (fabric_u16)(layout->transport + 8);
		return FABRIC_DROP_None;
	default:
		return FABRIC_DROP_None;
	}
}

/*
 * Fills the key's link, network and transport fields; the caller has zeroed them and set the
 * metadata. ND options are left to the slow path.
 */
FABRIC_INLINE int fabric_parse(const fabric_u8 *data, const fabric_u8 *end,
			       struct fabric_flow_key *key, struct fabric_layout *layout)
{
	const fabric_u8 *type = data + 12;

	layout->network = layout->transport = layout->payload = 0;
	if (data + FABRIC_ETHERNET_SIZE > end)
		return FABRIC_DROP_EthernetTruncated;
	__builtin_memcpy(key->ethernet_destination, data, 6);
	__builtin_memcpy(key->ethernet_source, data + 6, 6);

	key->ethernet_type = fabric_wire16(type);
	if (key->ethernet_type == FABRIC_TYPE_VLAN || key->ethernet_type == FABRIC_TYPE_QINQ) {
		if (type + 2 + FABRIC_VLAN_SIZE > end)
			return FABRIC_DROP_VlanTruncated;
		key->vlan_tpid = key->ethernet_type;
		key->vlan_tci = fabric_wire16(type + 2) | FABRIC_BE16(0x1000);
		type += FABRIC_VLAN_SIZE;
		key->ethernet_type = fabric_wire16(type);
		if (key->ethernet_type == FABRIC_TYPE_VLAN ||
		    key->ethernet_type == FABRIC_TYPE_QINQ) {
			if (type + 2 + FABRIC_VLAN_SIZE > end)
				return FABRIC_DROP_VlanTruncated;
			key->inner_vlan_tpid = key->ethernet_type;
			key->inner_vlan_tci = fabric_wire16(type + 2) | FABRIC_BE16(0x1000);
			type += FABRIC_VLAN_SIZE;
			key->ethernet_type = fabric_wire16(type);
		}
	}

	layout->network = (fabric_u16)(type + 2 - data);
	if (key->ethernet_type == FABRIC_TYPE_IPV4)
		return fabric_parse_ipv4(data, end, key, layout);
	if (key->ethernet_type == FABRIC_TYPE_IPV6)
		return fabric_parse_ipv6(data, end, key, layout);
	if (key->ethernet_type == FABRIC_TYPE_ARP || key->ethernet_type == FABRIC_TYPE_RARP)
		return fabric_parse_arp(data + layout->network, end, key);
	if (FABRIC_BE16(key->ethernet_type) < 0x0600)
		key->ethernet_type = FABRIC_TYPE_NONE;
	return FABRIC_DROP_None;
}

#endif
