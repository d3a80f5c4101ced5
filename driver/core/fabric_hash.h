/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* The hashes of a packet that flows can ask for: the same numbers as PacketHash says in C#. */
#ifndef FABRIC_HASH_H
#define FABRIC_HASH_H

#include "fabric_tuple.h"

/* Both halves of the 128-bit product, one over the other. */
FABRIC_INLINE fabric_u64 fabric_hash_fold(fabric_u64 a, fabric_u64 b)
{
	fabric_u64 low = (a & 0xffffffff) * (b & 0xffffffff);
	fabric_u64 left = (a & 0xffffffff) * (b >> 32), right = (a >> 32) * (b & 0xffffffff);
	fabric_u64 middle = (low >> 32) + (left & 0xffffffff) + (right & 0xffffffff);

	return ((a >> 32) * (b >> 32) + (left >> 32) + (right >> 32) + (middle >> 32)) ^ (a * b);
}

FABRIC_INLINE fabric_u64 fabric_take_in(fabric_u64 hash, fabric_u64 value)
{
	return fabric_hash_fold(hash ^ 0x9e3779b97f4a7c15ull, value ^ 0xd6e8feb86659fd93ull);
}

/* PacketHash.FiveTuple. */
FABRIC_INLINE fabric_u64 fabric_hash_addresses(const struct fabric_flow_key *key, fabric_u64 hash)
{
	if (key->ethernet_type != FABRIC_TYPE_IPV6)
		return fabric_take_in(hash, fabric_wire32(key->source) |
						    (fabric_u64)fabric_wire32(key->destination)
							    << 32);
	hash = fabric_take_in(hash, fabric_wire64(key->source));
	hash = fabric_take_in(hash, fabric_wire64(key->source + 8));
	hash = fabric_take_in(hash, fabric_wire64(key->destination));
	return fabric_take_in(hash, fabric_wire64(key->destination + 8));
}

/* PacketHash.Symmetric. */
FABRIC_INLINE fabric_u64 fabric_hash_both_ways(const struct fabric_flow_key *key, fabric_u64 hash)
{
	const fabric_u8 *source = key->source, *destination = key->destination;
	fabric_u64 link = 0;
	fabric_u32 i;

#ifdef __bpf__
#pragma unroll
#endif
	for (i = 0; i < 6; i++)
		link = link << 8 |
		       (fabric_u8)(key->ethernet_source[i] ^ key->ethernet_destination[i]);
	hash = fabric_take_in(hash, link);
	hash = fabric_take_in(hash, key->ethernet_type);
	if (key->ethernet_type == FABRIC_TYPE_IPV4) {
		hash = fabric_take_in(hash, fabric_wire32(source) ^ fabric_wire32(destination));
	} else if (key->ethernet_type == FABRIC_TYPE_IPV6) {
		hash = fabric_take_in(hash, fabric_wire64(source) ^ fabric_wire64(destination));
		hash = fabric_take_in(hash,
				      fabric_wire64(source + 8) ^ fabric_wire64(destination + 8));
	}
	return hash;
}

/* Never 0. */
FABRIC_INLINE fabric_u32 fabric_hash(const struct fabric_flow_key *key, int is_symmetric,
				     fabric_u32 basis)
{
	fabric_u16 source = key->port_source, destination = key->port_destination;
	fabric_u64 hash = is_symmetric ? fabric_hash_both_ways(key, basis)
				       : fabric_hash_addresses(key, basis);
	fabric_u32 folded;

	hash = fabric_take_in(hash, key->protocol);
	if (!key->fragment && fabric_has_ports(key->protocol))
		hash = fabric_take_in(hash, is_symmetric ? (fabric_u32)(source ^ destination)
							 : source | (fabric_u32)destination << 16);
	folded = (fabric_u32)(hash ^ (hash >> 32));
	return folded ? folded : 1;
}

#endif
