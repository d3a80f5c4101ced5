/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Sums of the Internet checksum (RFC 1071), over words as they lie in memory: byte order is nothing
 * to them. 0xffff and 0 are the same sum.
 */
#ifndef FABRIC_SUM_H
#define FABRIC_SUM_H

#include "../include/fabric_kernel.h"
#include "fabric_parse.h"

/* Folded into 16 bits; a checksum field gets its complement. */
FABRIC_INLINE fabric_u16 fabric_sum_fold(fabric_u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (fabric_u16)sum;
}

/* An even number of bytes, which the compiler knows. */
FABRIC_INLINE fabric_u64 fabric_sum_bytes(const fabric_u8 *bytes, fabric_u32 size)
{
	fabric_u64 sum = 0;
	fabric_u32 i;

#ifdef __bpf__
#pragma unroll
#endif
	for (i = 0; i < size; i += 2)
		sum += fabric_wire16(bytes + i);
	return sum;
}

/* The pseudo header of what an IP header carries: both addresses, protocol, length. */
FABRIC_INLINE fabric_u64 fabric_sum_pseudo(const fabric_u8 *ip, int is_ipv6, fabric_u8 protocol,
					   fabric_u32 length)
{
	fabric_u64 sum = FABRIC_BE16(protocol) + (fabric_u64)FABRIC_BE16(length);

	if (is_ipv6)
		return sum + FABRIC_BE16(length >> 16) + fabric_sum_bytes(ip + 8, 32);
	return sum + fabric_sum_bytes(ip + 12, 8);
}

/* Protocols whose checksum covers all behind the IP header. */
FABRIC_INLINE int fabric_sum_is_known(fabric_u8 protocol)
{
	return protocol == FABRIC_PROTOCOL_TCP || protocol == FABRIC_PROTOCOL_UDP ||
	       protocol == FABRIC_PROTOCOL_ICMP || protocol == FABRIC_PROTOCOL_ICMPV6;
}

/*
 * What an IP packet adds up to, without a look at its payload ("local checksum offload"): its
 * transport checksum, finished or to be finished by a NIC, makes header and payload the complement
 * of the pseudo header, and IPv4's own makes that header nothing. 'length' is that of what the
 * transport checksum covers; of a super-packet both are those of one segment.
 */
FABRIC_INLINE fabric_u64 fabric_sum_ipv4(const fabric_u8 *ip, fabric_u8 protocol,
					 fabric_u32 length)
{
	if (protocol == FABRIC_PROTOCOL_ICMP)
		return 0;
	return 0xffffu ^ fabric_sum_fold(fabric_sum_pseudo(ip, 0, protocol, length));
}

/* No extension headers; the length field is not read, but taken to be 'length'. */
FABRIC_INLINE fabric_u64 fabric_sum_ipv6(const fabric_u8 *ip, fabric_u8 protocol,
					 fabric_u32 length)
{
	fabric_u64 header = fabric_sum_bytes(ip, 4) + FABRIC_BE16(length & 0xffff) +
			    fabric_sum_bytes(ip + 6, 34);

	return header + (0xffffu ^ fabric_sum_fold(fabric_sum_pseudo(ip, 1, protocol, length)));
}

#endif
