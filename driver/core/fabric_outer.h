/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Outer headers as they are written: IPv4, IPv6, VXLAN (RFC 7348), Geneve (RFC 8926). Each is
 * written whole. 'size' is that of what follows the IP header.
 */
#ifndef FABRIC_OUTER_H
#define FABRIC_OUTER_H

#include "../include/fabric_kernel.h"
#include "fabric_sum.h"

/* fabric_tunnel.flags, and tunnel_flags of a key. */
#define FABRIC_TUNNEL_OAM FABRIC_BE16(1)
#define FABRIC_TUNNEL_DF FABRIC_BE16(2)
#define FABRIC_TUNNEL_CHECKSUM FABRIC_BE16(4)
#define FABRIC_TUNNEL_KEY FABRIC_BE16(8)

#define FABRIC_VXLAN_SIZE 8
#define FABRIC_GENEVE_SIZE 8 /* Without options. */
#define FABRIC_TYPE_TEB 0x6558 /* Ethernet inside, in host order. */

FABRIC_INLINE void fabric_write_ipv4(fabric_u8 *ip, const struct fabric_tunnel *tunnel,
				     const fabric_u8 *source, fabric_u32 size, fabric_u8 protocol)
{
	fabric_u16 check;

	__builtin_memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[1] = tunnel->tos;
	fabric_put16(ip + 2, 20 + size);
	if (tunnel->flags & FABRIC_TUNNEL_DF)
		ip[6] = 0x40;
	ip[8] = tunnel->ttl ? tunnel->ttl : 64;
	ip[9] = protocol;
	__builtin_memcpy(ip + 12, source, 4);
	__builtin_memcpy(ip + 16, tunnel->destination, 4);
	check = (fabric_u16)~fabric_sum_fold(fabric_sum_bytes(ip, 20));
	__builtin_memcpy(ip + 10, &check, 2);
}

FABRIC_INLINE void fabric_write_ipv6(fabric_u8 *ip, const struct fabric_tunnel *tunnel,
				     const fabric_u8 *source, fabric_u32 size, fabric_u8 protocol)
{
	ip[0] = (fabric_u8)(0x60 | (tunnel->tos >> 4));
	ip[1] = (fabric_u8)(tunnel->tos << 4);
	ip[2] = ip[3] = 0;
	fabric_put16(ip + 4, size);
	ip[6] = protocol;
	ip[7] = tunnel->ttl ? tunnel->ttl : 64;
	__builtin_memcpy(ip + 8, source, 16);
	__builtin_memcpy(ip + 24, tunnel->destination, 16);
}

/* The three bytes of the tunnel's id that VXLAN and Geneve have at the same place. */
FABRIC_INLINE void fabric_write_id(fabric_u8 *header, const struct fabric_tunnel *tunnel)
{
	const fabric_u8 *id = (const fabric_u8 *)&tunnel->id;

	header[4] = id[5];
	header[5] = id[6];
	header[6] = id[7];
}

FABRIC_INLINE void fabric_write_vxlan(fabric_u8 *header, const struct fabric_tunnel *tunnel)
{
	__builtin_memset(header, 0, FABRIC_VXLAN_SIZE);
	header[0] = 0x08;
	fabric_write_id(header, tunnel);
}

/* The options follow, as they are in the tunnel: 'options_size', of words. */
FABRIC_INLINE void fabric_write_geneve(fabric_u8 *header, const struct fabric_tunnel *tunnel,
				       fabric_u32 options_size)
{
	__builtin_memset(header, 0, FABRIC_GENEVE_SIZE);
	header[0] = (fabric_u8)(options_size >> 2);
	header[1] = tunnel->flags & FABRIC_TUNNEL_OAM ? 0x80 : 0;
	fabric_put16(header + 2, FABRIC_TYPE_TEB);
	fabric_write_id(header, tunnel);
}

#endif
