/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * A packet that came as fragments leaves as fragments: none larger than the largest that came, with
 * the identification that they had.
 */
#include "fragments.h"
#include "../switch/offload.h"

/* A packet in a row, and how it is cut. */
struct fabric_cutting {
	UCHAR *bytes;
	ULONG network;
	ULONG head;        /* Where the part begins that is cut. */
	ULONG end, step;   /* Of it, and bytes of a fragment. */
	ULONG id;
	ULONG next_header; /* Where the IPv6 field stands that says what is cut. */
	BOOLEAN is_ipv6;
};

BOOLEAN fabric_needs_fragments(const struct fabric_packet *packet)
{
	return packet->fragment_size && packet->layout.transport && !packet->key.fragment &&
	       packet->buffer->DataLength - packet->layout.network > packet->fragment_size;
}

/* Options that are the first fragment's alone become padding in the others (RFC 791). */
static VOID fabric_options_strip(UCHAR *ip)
{
	ULONG end = (ULONG)(ip[0] & 15) * 4, at = 20;

	while (at < end && ip[at]) {
		ULONG size = ip[at] == 1 ? 1 : at + 1 < end ? ip[at + 1] : 0;

		if (!size || at + size > end)
			return;
		if (!(ip[at] & 0x80))
			memset(ip + at, 1, size);
		at += size;
	}
}

/* Behind the headers that each fragment has: hop-by-hop options and routing. */
static BOOLEAN fabric_cut_ipv6(struct fabric_cutting *cutting)
{
	UCHAR *ip = cutting->bytes + cutting->network;
	ULONG at = cutting->network + 40;
	UCHAR kind = ip[6];

	cutting->next_header = cutting->network + 6;
	cutting->end = at + fabric_read16(ip + 4);
	while ((kind == 0 || kind == 43) && at + 8 <= cutting->end) {
		cutting->next_header = at;
		kind = cutting->bytes[at];
		at += ((ULONG)cutting->bytes[at + 1] + 1) * 8;
	}
	cutting->head = at;
	return at < cutting->end;
}

/* FALSE: no memory, or nothing that can be cut. */
static BOOLEAN fabric_cut_start(const struct fabric_packet *packet, struct fabric_cutting *cutting)
{
	ULONG length = packet->buffer->DataLength, room;
	UCHAR *ip;

	memset(cutting, 0, sizeof(*cutting));
	cutting->bytes = fabric_allocate(length);
	if (!cutting->bytes || fabric_read(packet->buffer, cutting->bytes, length) != length)
		return FALSE;
	cutting->network = packet->layout.network;
	cutting->is_ipv6 = packet->key.ethernet_type == FABRIC_TYPE_IPV6;
	cutting->id = packet->fragment_id;
	ip = cutting->bytes + cutting->network;
	if (cutting->is_ipv6) {
		if (!fabric_cut_ipv6(cutting))
			return FALSE;
	} else {
		cutting->head = cutting->network + (ULONG)(ip[0] & 15) * 4;
		cutting->end = cutting->network + fabric_read16(ip + 2);
	}
	room = cutting->head - cutting->network + (cutting->is_ipv6 ? 8 : 0) + 8;
	if (cutting->end > length || packet->fragment_size < room)
		return FALSE;
	cutting->step = (packet->fragment_size - room + 8) & ~7u;
	return TRUE;
}

/* The headers of one fragment, in front of 'size' bytes from 'at' on; what they occupy. */
static ULONG fabric_cut_head(const struct fabric_cutting *cutting, ULONG at, ULONG size,
			     UCHAR *out)
{
	UCHAR *ip = out + cutting->network, *fragment = out + cutting->head;
	ULONG offset = at - cutting->head, more = at + size < cutting->end ? 1 : 0;

	memcpy(out, cutting->bytes, cutting->head);
	if (cutting->is_ipv6) {
		memset(fragment, 0, 8);
		fragment[0] = out[cutting->next_header];
		fabric_put16(fragment + 2, offset | more);
		memcpy(fragment + 4, &cutting->id, 4);
		out[cutting->next_header] = 44;
		fabric_put16(ip + 4, cutting->head - cutting->network - 40 + 8 + size);
		return cutting->head + 8;
	}
	if (offset)
		fabric_options_strip(ip);
	fabric_put16(ip + 2, cutting->head - cutting->network + size);
	fabric_put16(ip + 6, (fabric_read16(ip + 6) & 0x4000u) | more << 13 | offset / 8);
	fabric_put16(ip + 10, 0);
	fabric_put16(ip + 10, 0xffff ^ fabric_fold(fabric_sum(ip, (ip[0] & 15u) * 4, 0)));
	return cutting->head;
}

static PNET_BUFFER_LIST fabric_cut_one(struct fabric_packet *packet,
				       const struct fabric_cutting *cutting, ULONG at, ULONG size)
{
	struct fabric_extension *extension = packet->extension;
	PNET_BUFFER_LIST list = fabric_copy_of_bytes(
		extension, NULL, cutting->head + (cutting->is_ipv6 ? 8 : 0) + size);
	UCHAR *out;

	if (!list)
		return NULL;
	out = fabric_copy_of(list)->bytes + FABRIC_HEADROOM;
	memcpy(out + fabric_cut_head(cutting, at, size, out), cutting->bytes + at, size);
	if (extension->handlers.CopyNetBufferListInfo(extension->context, list, packet->list, 0) ==
	    NDIS_STATUS_SUCCESS)
		return list;
	fabric_copy_free(extension, list, NULL);
	return NULL;
}

VOID fabric_fragment(struct fabric_packet *packet,
		     VOID (*send)(struct fabric_packet *packet, PNET_BUFFER_LIST list, PVOID context),
		     PVOID context)
{
	struct fabric_cutting cutting;
	BOOLEAN is_well = fabric_cut_start(packet, &cutting);
	ULONG at = cutting.head, size;

	for (; is_well && at < cutting.end; at += size) {
		PNET_BUFFER_LIST list;

		size = cutting.end - at < cutting.step ? cutting.end - at : cutting.step;
		list = fabric_cut_one(packet, &cutting, at, size);
		is_well = list != NULL;
		if (list)
			send(packet, list, context);
	}
	if (!is_well)
		fabric_drop(packet, FABRIC_DROP_SegmentationFailed);
	fabric_free(cutting.bytes);
}
