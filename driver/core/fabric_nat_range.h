/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Which addresses and ports a translated connection may have, in the order in which they are
 * tried: addresses by a hash of the two ends, ports from the connection's own on where the range
 * allows, then the next address. The rules of the managed NatAllocator.
 */
#ifndef FABRIC_NAT_RANGE_H
#define FABRIC_NAT_RANGE_H

#include "fabric_tuple.h"

#define FABRIC_NAT_TRIES_PER_ADDRESS 1024
#define FABRIC_NAT_TRIES_MAX 8192

struct fabric_nat_range {
	fabric_u64 hash;
	fabric_u32 port_min;
	fabric_u32 port_count; /* 0: the protocol has none. */
	fabric_u32 port_start;
};

FABRIC_INLINE void fabric_nat_limits(fabric_u32 own, int is_source,
				     const struct fabric_conntrack_spec *spec, fabric_u32 *min,
				     fabric_u32 *max)
{
	*min = *max = own;
	if (spec->port_min) {
		*min = spec->port_min;
		*max = spec->port_max < spec->port_min ? spec->port_min : spec->port_max;
	} else if (is_source) {
		*min = own < 512 ? 1 : own < 1024 ? 512 : 1024;
		*max = own < 512 ? 511 : own < 1024 ? 1023 : 65535;
	}
}

FABRIC_INLINE void fabric_nat_ports(struct fabric_nat_range *range,
				    const struct fabric_tuple *tuple,
				    const struct fabric_conntrack_spec *spec)
{
	int is_icmp = fabric_is_icmp(tuple->protocol);
	int is_source = spec->nat == FABRIC_NAT_SOURCE;
	fabric_u32 own = FABRIC_BE16(is_source || is_icmp ? tuple->port_source
							  : tuple->port_destination);
	fabric_u32 min = 0, max = 65535;

	range->port_min = range->port_count = range->port_start = 0;
	if (!is_icmp && !fabric_has_ports(tuple->protocol))
		return;
	if (!is_icmp)
		fabric_nat_limits(own, is_source, spec, &min, &max);
	range->port_min = min;
	range->port_count = max - min + 1;
	if (own >= min && own <= max && !(spec->flags & FABRIC_CT_RANDOM))
		range->port_start = own - min;
	else
		range->port_start = (fabric_u32)range->hash % range->port_count;
}

FABRIC_INLINE fabric_u32 fabric_nat_addresses(const struct fabric_conntrack_spec *spec)
{
	return spec->has_address && spec->address_count ? spec->address_count : 1;
}

/* How many ports of one address are tried. */
FABRIC_INLINE fabric_u32 fabric_nat_port_tries(const struct fabric_nat_range *range)
{
	if (range->port_count > FABRIC_NAT_TRIES_PER_ADDRESS)
		return FABRIC_NAT_TRIES_PER_ADDRESS;
	return range->port_count ? range->port_count : 1;
}

/* The 'offset'-th address after this one. */
FABRIC_INLINE void fabric_add_address(fabric_u8 *address, fabric_u64 offset, int is_ipv6)
{
	if (is_ipv6) {
		fabric_u64 low = fabric_wire64(address + 8);

		low = FABRIC_BE64(FABRIC_BE64(low) + offset);
		__builtin_memcpy(address + 8, &low, 8);
	} else {
		fabric_u32 low = fabric_wire32(address + 12);

		low = FABRIC_BE32(FABRIC_BE32(low) + (fabric_u32)offset);
		__builtin_memcpy(address + 12, &low, 4);
	}
}

/* Makes 'reply' the candidate of this address and port. */
FABRIC_INLINE void fabric_nat_candidate(const struct fabric_nat_range *range,
					const struct fabric_conntrack_spec *spec,
					fabric_u32 address, fabric_u32 port, int is_ipv6,
					struct fabric_tuple *reply)
{
	fabric_u32 count = range->port_count ? range->port_count : 1;
	fabric_u16 wire;

	if (spec->has_address) {
		fabric_u8 *to = spec->nat == FABRIC_NAT_SOURCE ? reply->destination
							       : reply->source;

		__builtin_memcpy(to, spec->address_min, 16);
		fabric_add_address(to, (range->hash + address) % fabric_nat_addresses(spec),
				   is_ipv6);
	}
	if (!range->port_count)
		return;
	wire = (fabric_u16)(range->port_min + (range->port_start + port) % count);
	wire = FABRIC_BE16(wire);
	if (spec->nat == FABRIC_NAT_SOURCE && !fabric_is_icmp(reply->protocol))
		reply->port_destination = wire;
	else
		reply->port_source = wire;
}

#endif
