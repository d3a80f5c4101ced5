/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Packets on their way to userspace: whole, with tags inside and checksums complete, a large send
 * as its segments.
 */
#include "netlink.h"
#include "../switch/offload.h"
#include "queue.h"

enum { UPCALL_PACKET = 1, UPCALL_KEY, UPCALL_USERDATA = 4, UPCALL_MRU = 9 };

/* The packet as it would be on a wire: a tag beside it is put back in. */
static BOOLEAN fabric_write_packet(struct fabric_writer *writer, struct fabric_packet *packet)
{
	ULONG length = packet->buffer->DataLength, tagged, padded;
	UCHAR *at = writer->bytes + writer->at;
	NDIS_NET_BUFFER_LIST_8021Q_INFO tag;
	fabric_u16 tci, tpid = FABRIC_TYPE_VLAN;

	tag.Value = NET_BUFFER_LIST_INFO(packet->list, Ieee8021QNetBufferListInfo);
	tci = (fabric_u16)((tag.TagHeader.UserPriority << 13) | tag.TagHeader.VlanId);
	tagged = length + (tci ? 4 : 0);
	padded = (tagged + 3) & ~3u;
	if (writer->has_overflown || writer->size - writer->at < padded + 4)
		return FALSE;
	at[0] = (UCHAR)(tagged + 4);
	at[1] = (UCHAR)((tagged + 4) >> 8);
	at[2] = UPCALL_PACKET;
	at[3] = 0;
	if (fabric_read(packet->buffer, at + 4, length) != length)
		return FALSE;
	if (tci) {
		tci = FABRIC_BE16(tci);
		memmove(at + 4 + 16, at + 4 + 12, length - 12);
		memcpy(at + 4 + 12, &tpid, 2);
		memcpy(at + 4 + 14, &tci, 2);
	}
	memset(at + 4 + tagged, 0, padded - tagged);
	writer->at += 4 + padded;
	return TRUE;
}

/* Takes the next segment of 'flat', or the packet itself where that is NULL. */
static BOOLEAN fabric_upcall_one(struct fabric_packet *packet, struct fabric_flat *flat, ULONG pid,
				 UCHAR command, const UCHAR *userdata, ULONG userdata_size)
{
	ULONG bytes = flat ? fabric_flat_size(flat) : packet->buffer->DataLength + 4;
	ULONG size = bytes + userdata_size + 640, start, nest;
	struct fabric_queued *item;
	struct fabric_writer writer;

	item = size > FABRIC_MESSAGE_MAX ? NULL : fabric_allocate(sizeof(*item) + size);
	if (!item) {
		if (flat) /* The others may fit. */
			flat->at += flat->mss;
		return FALSE;
	}
	memset(&writer, 0, sizeof(writer));
	writer.bytes = item->bytes;
	writer.size = size;
	start = fabric_write_start(&writer, FABRIC_FAMILY_PACKET, 0, 0, pid, command, 1);
	nest = fabric_write_nest(&writer, UPCALL_KEY);
	fabric_key_write(&writer, packet);
	fabric_write_nest_end(&writer, nest);
	if (userdata_size)
		fabric_write(&writer, UPCALL_USERDATA, userdata, userdata_size);
	if (packet->fragment_size) {
		fabric_u16 largest = (fabric_u16)packet->fragment_size;

		fabric_write(&writer, UPCALL_MRU, &largest, 2);
	}
	if (flat) {
		UCHAR *room = fabric_write_room(&writer, UPCALL_PACKET, bytes);

		if (room)
			fabric_flat_next(flat, room);
	} else if (!fabric_write_packet(&writer, packet)) {
		writer.has_overflown = TRUE;
	}
	fabric_write_end(&writer, start);
	item->size = writer.at;
	if (!writer.has_overflown)
		return fabric_device_queue(pid, item);
	fabric_free(item);
	return FALSE;
}

/* Messages into the queue of whoever has this pid; FALSE when any of them ends here. */
BOOLEAN fabric_device_upcall(struct fabric_packet *packet, ULONG pid, UCHAR command,
			     const UCHAR *userdata, ULONG userdata_size)
{
	struct fabric_flat flat;
	BOOLEAN is_queued = TRUE;

	if (!fabric_needs_software(packet->list))
		return fabric_upcall_one(packet, NULL, pid, command, userdata, userdata_size);
	if (!fabric_flat_open(&flat, packet))
		return FALSE;
	while (fabric_flat_size(&flat))
		if (!fabric_upcall_one(packet, &flat, pid, command, userdata, userdata_size)) {
			is_queued = FALSE;
			if (!flat.mss)
				break;
		}
	fabric_flat_close(&flat);
	return is_queued;
}
