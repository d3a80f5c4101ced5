/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The flow key of the kernel extensions: what a megaflow in a kernel can match.
 *
 * 216 bytes without holes, every multi-byte field in network byte order, in the order of lookup:
 * metadata, link, network, transport, rarer metadata. Shorter than the managed FlowKey: flows that
 * need more (MPLS, NSH, long tunnel options, IPv6 original tuples) take the slow path.
 */
#ifndef FABRIC_FLOW_KEY_H
#define FABRIC_FLOW_KEY_H

#ifdef __bpf__
#include <linux/bpf.h>
#include <linux/types.h>
typedef __u8 fabric_u8;
typedef __u16 fabric_u16;
typedef __u32 fabric_u32;
typedef __u64 fabric_u64;
typedef __s32 fabric_s32;
typedef __s64 fabric_s64;
#else
#include <stdint.h>
typedef uint8_t fabric_u8;
typedef uint16_t fabric_u16;
typedef uint32_t fabric_u32;
typedef uint64_t fabric_u64;
typedef int32_t fabric_s32;
typedef int64_t fabric_s64;
#endif

#define FABRIC_FRAGMENT_ANY 0x01
#define FABRIC_FRAGMENT_LATER 0x02

#define FABRIC_KEY_WORDS 27

struct fabric_flow_key {
	/* Metadata: set by the caller, kept by the parser. */
	fabric_u32 recirculation_id;
	fabric_u32 in_port;
	fabric_u32 conntrack_mark;
	fabric_u16 conntrack_zone;
	fabric_u8 conntrack_state;
	fabric_u8 fragment;
	fabric_u8 conntrack_label[16];
	fabric_u64 tunnel_id;
	fabric_u32 tunnel_source;
	fabric_u32 tunnel_destination;
	fabric_u32 packet_mark;
	fabric_u32 datapath_hash;
	fabric_u16 tunnel_flags;
	fabric_u8 tunnel_tos;
	fabric_u8 tunnel_ttl;
	fabric_u8 tunnel_options_size;
	fabric_u8 conntrack_protocol;
	fabric_u16 unused;
	/* Link. */
	fabric_u8 ethernet_destination[6];
	fabric_u8 ethernet_source[6];
	fabric_u16 ethernet_type;
	fabric_u16 vlan_tci;
	fabric_u16 vlan_tpid;
	fabric_u16 inner_vlan_tpid;
	fabric_u16 inner_vlan_tci;
	fabric_u16 tcp_flags;
	/* Network. ARP: opcode in protocol, addresses in the first four bytes of source and destination. */
	fabric_u8 protocol;
	fabric_u8 tos;
	fabric_u8 ttl;
	fabric_u8 unused_too;
	/* Transport. ICMP: type and code, as 16-bit numbers. */
	fabric_u16 port_source;
	fabric_u16 port_destination;
	fabric_u8 source[16];
	fabric_u8 destination[16];
	fabric_u8 nd_target[16];
	fabric_u8 arp_source[6];
	fabric_u8 arp_target[6];
	fabric_u32 ipv6_label;
	/* Metadata that few flows match. */
	fabric_u8 tunnel_options[8];
	fabric_u32 conntrack_source;
	fabric_u32 conntrack_destination;
	fabric_u16 conntrack_port_source;
	fabric_u16 conntrack_port_destination;
	fabric_u16 tunnel_port_source;
	fabric_u16 tunnel_port_destination;
	fabric_u8 tunnel_source6[16];
	fabric_u8 tunnel_destination6[16];
};

/* Where the headers lie, in bytes from the packet's first; 0: there is none. */
struct fabric_layout {
	fabric_u16 network;
	fabric_u16 transport;
	fabric_u16 payload;
};

#ifdef __cplusplus
static_assert(sizeof(struct fabric_flow_key) == FABRIC_KEY_WORDS * 8, "part of the ABI");
#else
_Static_assert(sizeof(struct fabric_flow_key) == FABRIC_KEY_WORDS * 8, "part of the ABI");
#endif

#endif
