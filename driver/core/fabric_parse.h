/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * From the bytes of a frame to its flow key: one header for eBPF, for the Hyper-V extension and for
 * tests in plain C.
 *
 * Every function takes the readable bytes as [data, end) and the size of the whole packet, which may
 * be more, and proves a length before it reads. Results are drop reasons (fabric_drop_reasons.h):
 * FABRIC_DROP_None is success, FABRIC_PARSE_DEEP means that headers lie behind 'end' or further in
 * than this parser looks. Semantics are those of the managed extractor (FlowKeyExtractor): a test
 * feeds both the same packets. Offsets stay in small local numbers so that the verifier of eBPF can
 * follow them.
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

#define FABRIC_PARSE_DEEP 0x7fff
#define FABRIC_ETHERNET_SIZE 14
#define FABRIC_VLAN_SIZE 4
#define FABRIC_EXTENSION_HEADERS_MAX 8
#define FABRIC_EXTENSION_BYTES_MAX 512

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FABRIC_BE16(value) ((fabric_u16)((((value) & 0xff) << 8) | (((value) >> 8) & 0xff)))
#define FABRIC_BE32(value) __builtin_bswap32(value)
#define FABRIC_BE64(value) __builtin_bswap64(value)
#else
#define FABRIC_BE16(value) ((fabric_u16)(value))
#define FABRIC_BE32(value) ((fabric_u32)(value))
#define FABRIC_BE64(value) ((fabric_u64)(value))
#endif

#define FABRIC_TYPE_IPV4 FABRIC_BE16(0x0800)
#define FABRIC_TYPE_ARP FABRIC_BE16(0x0806)
#define FABRIC_TYPE_RARP FABRIC_BE16(0x8035)
#define FABRIC_TYPE_VLAN FABRIC_BE16(0x8100)
#define FABRIC_TYPE_QINQ FABRIC_BE16(0x88a8)
#define FABRIC_TYPE_IPV6 FABRIC_BE16(0x86dd)
/* Below 0x0600 the field is a length: IEEE 802.3, matched as 0x05ff. */
#define FABRIC_TYPE_NONE FABRIC_BE16(0x05ff)

#define FABRIC_PROTOCOL_ICMP 1
#define FABRIC_PROTOCOL_TCP 6
#define FABRIC_PROTOCOL_UDP 17
#define FABRIC_PROTOCOL_GRE 47
#define FABRIC_PROTOCOL_ICMPV6 58
#define FABRIC_PROTOCOL_SCTP 132

/* What is to be parsed. The accelerated tag is one that the kernel keeps beside the bytes. */
struct fabric_frame {
	const fabric_u8 *data;
	const fabric_u8 *end;
	fabric_u32 size;
	fabric_u16 accelerated_tpid;
	fabric_u16 accelerated_tci;
};

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

FABRIC_INLINE fabric_u32 fabric_wire32(const fabric_u8 *bytes)
{
	fabric_u32 value;

	__builtin_memcpy(&value, bytes, sizeof(value));
	return value;
}

FABRIC_INLINE fabric_u64 fabric_wire64(const fabric_u8 *bytes)
{
	fabric_u64 value;

	__builtin_memcpy(&value, bytes, sizeof(value));
	return value;
}

FABRIC_INLINE void fabric_put16(fabric_u8 *to, fabric_u32 value)
{
	to[0] = (fabric_u8)(value >> 8);
	to[1] = (fabric_u8)value;
}

FABRIC_INLINE int fabric_is_vlan(fabric_u16 type)
{
	return type == FABRIC_TYPE_VLAN || type == FABRIC_TYPE_QINQ;
}

FABRIC_INLINE int fabric_parse_arp(const struct fabric_frame *frame, fabric_u32 offset,
				   struct fabric_flow_key *key)
{
	const fabric_u8 *arp = frame->data + offset;

	if (offset + 8 > frame->size)
		return FABRIC_DROP_ArpTruncated;
	if (arp + 8 > frame->end)
		return FABRIC_PARSE_DEEP;
	/* Ethernet and IPv4 only; anything else has no ARP fields to match. */
	if (fabric_read16(arp) != 1 || fabric_read16(arp + 2) != 0x0800 ||
	    arp[4] != 6 || arp[5] != 4)
		return FABRIC_DROP_None;
	if (offset + 28 > frame->size)
		return FABRIC_DROP_ArpTruncated;
	if (arp + 28 > frame->end)
		return FABRIC_PARSE_DEEP;

	key->protocol = arp[6] == 0 ? arp[7] : 0;
	__builtin_memcpy(key->arp_source, arp + 8, 6);
	__builtin_memcpy(key->source, arp + 14, 4);
	__builtin_memcpy(key->arp_target, arp + 18, 6);
	__builtin_memcpy(key->destination, arp + 24, 4);
	return FABRIC_DROP_None;
}

FABRIC_INLINE int fabric_parse_tcp(const struct fabric_frame *frame, fabric_u32 offset,
				   fabric_u32 limit, struct fabric_flow_key *key,
				   struct fabric_layout *layout)
{
	const fabric_u8 *tcp = frame->data + offset;
	fabric_u32 header;

	if (offset + 20 > limit)
		return FABRIC_DROP_TcpTruncated;
	if (tcp + 20 > frame->end)
		return FABRIC_PARSE_DEEP;
	key->port_source = fabric_wire16(tcp);
	key->port_destination = fabric_wire16(tcp + 2);
	key->tcp_flags = (fabric_u16)(fabric_wire16(tcp + 12) & FABRIC_BE16(0x0fff));
	/* A data offset that lies leaves no payload; the connection tracker refuses it. */
	header = (fabric_u32)(tcp[12] >> 4) * 4;
	if (header >= 20 && offset + header <= limit)
		layout->payload = (fabric_u16)(offset + header);
	return FABRIC_DROP_None;
}

FABRIC_INLINE int fabric_parse_transport(const struct fabric_frame *frame, fabric_u32 offset,
					 fabric_u32 limit, fabric_u8 protocol,
					 struct fabric_flow_key *key,
					 struct fabric_layout *layout)
{
	const fabric_u8 *head = frame->data + offset;
	fabric_u32 need;

	layout->transport = (fabric_u16)offset;
	key->protocol = protocol;
	switch (protocol) {
	case 6:
		return fabric_parse_tcp(frame, offset, limit, key, layout);
	case 17:
	case 132:
		need = protocol == 17 ? 8 : 12;
		if (offset + need > limit)
			return protocol == 17 ? FABRIC_DROP_UdpTruncated : FABRIC_DROP_SctpTruncated;
		if (head + 8 > frame->end)
			return FABRIC_PARSE_DEEP;
		key->port_source = fabric_wire16(head);
		key->port_destination = fabric_wire16(head + 2);
		layout->payload = (fabric_u16)(offset + need);
		return FABRIC_DROP_None;
	case 1:
	case 58:
		if (offset + (protocol == 1 ? 8 : 4) > limit)
			return FABRIC_DROP_IcmpTruncated;
		if (head + 4 > frame->end)
			return FABRIC_PARSE_DEEP;
		key->port_source = FABRIC_BE16(head[0]);
		key->port_destination = FABRIC_BE16(head[1]);
		layout->payload = (fabric_u16)(offset + 8);
		return FABRIC_DROP_None;
	default:
		return FABRIC_DROP_None;
	}
}

FABRIC_INLINE int fabric_parse_ipv4(const struct fabric_frame *frame, fabric_u32 offset,
				    struct fabric_flow_key *key, struct fabric_layout *layout)
{
	const fabric_u8 *ip = frame->data + offset;
	fabric_u32 header, total, fragment;

	if (offset + 20 > frame->size)
		return FABRIC_DROP_Ipv4Truncated;
	if (ip + 20 > frame->end)
		return FABRIC_PARSE_DEEP;
	header = (fabric_u32)(ip[0] & 0x0f) * 4;
	total = fabric_read16(ip + 2);
	if (ip[0] >> 4 != 4 || header < 20)
		return FABRIC_DROP_Ipv4HeaderLength;
	if (offset + header > frame->size)
		return FABRIC_DROP_Ipv4Truncated;
	if (total < header || offset + total > frame->size)
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

	return fabric_parse_transport(frame, offset + header, offset + total, ip[9], key, layout);
}

/* One extension header: its size, 0 when it is cut, or FABRIC_PARSE_DEEP. */
FABRIC_INLINE fabric_u32 fabric_extension_size(const struct fabric_frame *frame,
					       fabric_u32 offset, fabric_u32 limit,
					       fabric_u8 protocol)
{
	const fabric_u8 *next = frame->data + offset;
	fabric_u32 size;

	if (offset + 8 > limit)
		return 0;
	if (next + 8 > frame->end)
		return FABRIC_PARSE_DEEP;
	size = protocol == 51 ? ((fabric_u32)next[1] + 2) * 4
			      : protocol == 44 ? 8 : ((fabric_u32)next[1] + 1) * 8;
	return offset + size > limit ? 0 : size;
}

FABRIC_INLINE int fabric_is_extension(fabric_u8 protocol)
{
	/* Hop-by-hop, routing, destination options, authentication, fragment. */
	return protocol == 0 || protocol == 43 || protocol == 60 || protocol == 51 ||
	       protocol == 44;
}

FABRIC_INLINE int fabric_parse_ipv6(const struct fabric_frame *frame, fabric_u32 offset,
				    struct fabric_flow_key *key, struct fabric_layout *layout)
{
	const fabric_u8 *ip = frame->data + offset;
	fabric_u32 limit, size, start;
	fabric_u8 protocol;
	int i;

	if (offset + 40 > frame->size)
		return FABRIC_DROP_Ipv6Truncated;
	if (ip + 40 > frame->end)
		return FABRIC_PARSE_DEEP;
	if (ip[0] >> 4 != 6)
		return FABRIC_DROP_Ipv6Truncated;
	limit = offset + 40 + fabric_read16(ip + 4);
	if (limit > frame->size)
		return FABRIC_DROP_Ipv6PayloadLength;

	key->tos = (fabric_u8)((ip[0] << 4) | (ip[1] >> 4));
	key->ttl = ip[7];
	__builtin_memcpy(&key->ipv6_label, ip, 4);
	key->ipv6_label &= FABRIC_BE32(0x000fffff);
	__builtin_memcpy(key->source, ip + 8, 16);
	__builtin_memcpy(key->destination, ip + 24, 16);

	protocol = ip[6];
	offset += 40;
	start = offset;
	for (i = 0; i < FABRIC_EXTENSION_HEADERS_MAX; i++) {
		const fabric_u8 *next;

		if (!fabric_is_extension(protocol))
			break;
		if (offset > start + FABRIC_EXTENSION_BYTES_MAX || offset > 1024)
			return FABRIC_PARSE_DEEP;
		next = frame->data + offset;
		size = fabric_extension_size(frame, offset, limit, protocol);
		if (size == 0)
			return FABRIC_DROP_Ipv6ExtensionHeader;
		if (size == FABRIC_PARSE_DEEP || next + 8 > frame->end)
			return FABRIC_PARSE_DEEP;
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
		offset += size;
	}
	if (i == FABRIC_EXTENSION_HEADERS_MAX || offset > 1024)
		return FABRIC_PARSE_DEEP;

	return fabric_parse_transport(frame, offset, limit, protocol, key, layout);
}

/* One tag at 'offset' behind a type that says so; the type behind it, or 0 when it is cut. */
FABRIC_INLINE fabric_u16 fabric_parse_tag(const struct fabric_frame *frame, fabric_u32 offset,
					  fabric_u16 *tci)
{
	const fabric_u8 *tag = frame->data + offset;

	if (offset + FABRIC_VLAN_SIZE > frame->size || tag + FABRIC_VLAN_SIZE > frame->end)
		return 0;
	*tci = fabric_wire16(tag) | FABRIC_BE16(0x1000);
	return fabric_wire16(tag + 2);
}

/*
 * Fills the key's link, network and transport fields; the caller has zeroed them and set the
 * metadata. ND options are left to the slow path.
 */
FABRIC_INLINE int fabric_parse(const struct fabric_frame *frame, struct fabric_flow_key *key,
			       struct fabric_layout *layout)
{
	const fabric_u8 *data = frame->data;
	fabric_u32 offset = FABRIC_ETHERNET_SIZE;
	fabric_u16 type;

	layout->network = layout->transport = layout->payload = 0;
	if (frame->size < FABRIC_ETHERNET_SIZE || data + FABRIC_ETHERNET_SIZE > frame->end)
		return FABRIC_DROP_EthernetTruncated;
	__builtin_memcpy(key->ethernet_destination, data, 6);
	__builtin_memcpy(key->ethernet_source, data + 6, 6);

	type = fabric_wire16(data + 12);
	key->vlan_tpid = frame->accelerated_tpid;
	key->vlan_tci = frame->accelerated_tci;
	if (fabric_is_vlan(type) && key->vlan_tpid == 0) {
		key->vlan_tpid = type;
		type = fabric_parse_tag(frame, offset, &key->vlan_tci);
		if (type == 0 && key->vlan_tci == 0)
			return FABRIC_DROP_VlanTruncated;
		offset += FABRIC_VLAN_SIZE;
	}
	if (fabric_is_vlan(type)) {
		key->inner_vlan_tpid = type;
		type = fabric_parse_tag(frame, offset, &key->inner_vlan_tci);
		if (type == 0 && key->inner_vlan_tci == 0)
			return FABRIC_DROP_VlanTruncated;
		offset += FABRIC_VLAN_SIZE;
	}

	key->ethernet_type = type;
	layout->network = (fabric_u16)offset;
	if (type == FABRIC_TYPE_IPV4)
		return fabric_parse_ipv4(frame, offset, key, layout);
	if (type == FABRIC_TYPE_IPV6)
		return fabric_parse_ipv6(frame, offset, key, layout);
	if (type == FABRIC_TYPE_ARP || type == FABRIC_TYPE_RARP)
		return fabric_parse_arp(frame, offset, key);
	if (FABRIC_BE16(type) < 0x0600)
		key->ethernet_type = FABRIC_TYPE_NONE;
	return FABRIC_DROP_None;
}

#endif
