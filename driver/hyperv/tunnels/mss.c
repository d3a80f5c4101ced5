/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The largest segment that two ends agree on, lowered to what fits the tunnel: a guest whose MTU
 * nobody lowered still gets its TCP through (RFC 879, RFC 6691).
 */
#include "tunnel.h"

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2 };

/* Where the option's value is, from the frame's start; 0: there is none. */
static ULONG fabric_mss_find(const UCHAR *bytes, ULONG at, ULONG end)
{
	while (at + 4 <= end && bytes[at] != OPTION_END) {
		ULONG length = bytes[at] == OPTION_NOP ? 1 : bytes[at + 1];

		if (bytes[at] == OPTION_MSS && length == 4)
			return at + 2;
		if (bytes[at] != OPTION_NOP && length < 2)
			return 0;
		at += length;
	}
	return 0;
}

/* A writable packet that may be a SYN. has_sum: its checksum is whole, and changes against it. */
VOID fabric_mss_clamp(struct fabric_packet *packet, ULONG most, BOOLEAN has_sum)
{
	ULONG at = packet->layout.transport, option, end;
	UCHAR *tcp = packet->data + at, old[2], fresh[2];

	if (packet->key.protocol != 6 || !at || at + 20 > packet->data_size || !(tcp[13] & 2))
		return;
	end = at + (ULONG)(tcp[12] >> 4) * 4;
	option = fabric_mss_find(packet->data, at + 20,
				 end < packet->data_size ? end : packet->data_size);
	if (!option || fabric_read16(packet->data + option) <= most)
		return;
	/* A value that begins at an odd byte counts in the sum with its bytes swapped. */
	memcpy(old, packet->data + option, 2);
	fabric_put16(packet->data + option, most);
	memcpy(fresh, packet->data + option, 2);
	if ((option - at) & 1) {
		UCHAR first = old[0], second = fresh[0];

		old[0] = old[1], old[1] = first;
		fresh[0] = fresh[1], fresh[1] = second;
	}
	if (has_sum)
		fabric_sum_change(tcp + 16, old, fresh, FALSE);
}
