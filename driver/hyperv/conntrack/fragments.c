/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Reassembly: see fragments.h. refragment.c takes packets apart again. */
#include "fragments.h"
#include "../switch/offload.h"

#define FABRIC_DATAGRAM_BUCKETS 256
#define FABRIC_PACKET_MAX 65535

/* One fragment's bytes: the frame up to 'start', then the payload. */
struct fabric_piece {
	struct fabric_piece *next;
	ULONG offset, size; /* Of the payload, in the whole packet's. */
	ULONG start, network;
	UCHAR bytes[1];
};

struct fabric_datagram {
	struct fabric_datagram *next;
	UCHAR source[16], destination[16];
	ULONG id;
	USHORT zone;
	UCHAR protocol;
	BOOLEAN is_ipv6, is_frame; /* is_frame: of STT, zone is the sender's port. */
	ULONG64 expires;
	struct fabric_piece *pieces; /* By offset, without overlap. */
	ULONG count, held, bytes;    /* Pieces, their payload, and all that they occupy. */
	ULONG total;                 /* Payload of the whole; 0: the last has not come. */
	ULONG largest;               /* IP packet among those that came. */
};

struct fabric_fragments {
	PNDIS_RW_LOCK_EX lock;
	struct fabric_datagram *buckets[FABRIC_DATAGRAM_BUCKETS];
	ULONG count, bytes;
};

/* What one fragment says of itself. */
struct fabric_fragment_head {
	struct fabric_datagram of;
	ULONG offset, size, start, next_header; /* next_header: where the IPv6 field stands. */
	BOOLEAN is_last;
};

static BOOLEAN fabric_head_ipv4(const UCHAR *bytes, ULONG length, ULONG network,
				struct fabric_fragment_head *head)
{
	const UCHAR *ip = bytes + network;
	ULONG header = (ULONG)(ip[0] & 15) * 4, total = fabric_read16(ip + 2);

	if (network + total > length || total <= header)
		return FALSE;
	memcpy(head->of.source, ip + 12, 4);
	memcpy(head->of.destination, ip + 16, 4);
	head->of.id = fabric_wire16(ip + 4);
	head->of.protocol = ip[9];
	head->of.largest = total;
	head->offset = (fabric_read16(ip + 6) & 0x1fffu) * 8;
	head->is_last = !(ip[6] & 0x20);
	head->start = network + header;
	head->size = total - header;
	return TRUE;
}

static BOOLEAN fabric_head_ipv6(const UCHAR *bytes, ULONG length, ULONG network,
				struct fabric_fragment_head *head)
{
	const UCHAR *ip = bytes + network;
	ULONG end = network + 40 + fabric_read16(ip + 4), at = network + 40;
	UCHAR kind = ip[6];

	head->next_header = network + 6;
	while (kind != 44 && fabric_is_extension(kind) && at + 8 <= end && end <= length) {
		head->next_header = at;
		kind = bytes[at];
		at += ((ULONG)bytes[at + 1] + 1) * 8;
	}
	if (kind != 44 || end > length || at + 8 >= end)
		return FALSE;
	memcpy(head->of.source, ip + 8, 16);
	memcpy(head->of.destination, ip + 24, 16);
	memcpy(&head->of.id, bytes + at + 4, 4);
	head->of.protocol = bytes[at];
	head->of.is_ipv6 = TRUE;
	head->of.largest = end - network;
	head->offset = fabric_read16(bytes + at + 2) & 0xfff8u;
	head->is_last = !(bytes[at + 3] & 1);
	head->start = at + 8;
	head->size = end - head->start;
	return TRUE;
}

/* The fragment with its bytes; NULL: *reason says why not. */
static struct fabric_piece *fabric_piece_make(struct fabric_packet *packet,
					      struct fabric_fragment_head *head, int *reason)
{
	ULONG length = packet->buffer->DataLength;
	struct fabric_piece *piece = fabric_allocate(sizeof(*piece) + length);
	BOOLEAN is_right;

	*reason = FABRIC_DROP_FragmentLimit;
	if (!piece)
		return NULL;
	memset(head, 0, sizeof(*head));
	is_right = fabric_read(packet->buffer, piece->bytes, length) == length &&
		   (packet->key.ethernet_type == FABRIC_TYPE_IPV6
			    ? fabric_head_ipv6(piece->bytes, length, packet->layout.network, head)
			    : fabric_head_ipv4(piece->bytes, length, packet->layout.network, head));
	if (!is_right || (!head->is_last && head->size % 8) ||
	    head->offset + head->size > FABRIC_PACKET_MAX) {
		*reason = FABRIC_DROP_FragmentMalformed;
		fabric_free(piece);
		return NULL;
	}
	piece->offset = head->offset;
	piece->size = head->size;
	piece->start = head->start;
	piece->network = packet->layout.network;
	return piece;
}

static ULONG fabric_datagram_bucket(const struct fabric_datagram *of)
{
	ULONG hash = of->id, i;

	for (i = 0; i < 16; i++)
		hash = (hash ^ of->source[i] ^ (ULONG)of->destination[i] << 8) * 0x9e3779b1u;
	return (hash ^ of->zone) >> 16 & (FABRIC_DATAGRAM_BUCKETS - 1);
}

static struct fabric_datagram **fabric_datagram_place(struct fabric_fragments *all,
						      const struct fabric_datagram *of)
{
	struct fabric_datagram **at = &all->buckets[fabric_datagram_bucket(of)];

	while (*at && ((*at)->id != of->id || (*at)->zone != of->zone ||
		       (*at)->protocol != of->protocol || (*at)->is_ipv6 != of->is_ipv6 ||
		       (*at)->is_frame != of->is_frame ||
		       memcmp((*at)->source, of->source, 16) ||
		       memcmp((*at)->destination, of->destination, 16)))
		at = &(*at)->next;
	return at;
}

static VOID fabric_datagram_free(struct fabric_datagram *datagram)
{
	while (datagram->pieces) {
		struct fabric_piece *next = datagram->pieces->next;

		fabric_free(datagram->pieces);
		datagram->pieces = next;
	}
	fabric_free(datagram);
}

static struct fabric_datagram *fabric_datagram_take(struct fabric_fragments *all,
						    struct fabric_datagram **at)
{
	struct fabric_datagram *datagram = *at;

	*at = datagram->next;
	all->count--;
	all->bytes -= datagram->bytes;
	return datagram;
}

/* Puts the piece where it belongs. A reason: it, and all that came before it, cannot be. */
static int fabric_piece_add(struct fabric_datagram *datagram, struct fabric_piece *piece,
			    const struct fabric_fragment_head *head)
{
	struct fabric_piece **at = &datagram->pieces;
	ULONG end = piece->offset + piece->size;

	if (head->is_last ? datagram->total && datagram->total != end
			  : datagram->total && end > datagram->total)
		return FABRIC_DROP_FragmentMalformed;
	if (datagram->count == FABRIC_PIECES_MAX)
		return FABRIC_DROP_FragmentLimit;
	while (*at && (*at)->offset + (*at)->size <= piece->offset)
		at = &(*at)->next;
	if ((*at && (*at)->offset < end) || (head->is_last && *at))
		return FABRIC_DROP_FragmentOverlap;
	if (head->is_last)
		datagram->total = end;
	piece->next = *at;
	*at = piece;
	datagram->count++;
	datagram->held += piece->size;
	if (head->of.largest > datagram->largest)
		datagram->largest = head->of.largest;
	return FABRIC_DROP_None;
}

static BOOLEAN fabric_is_repeated(const struct fabric_datagram *datagram,
				  const struct fabric_piece *piece)
{
	const struct fabric_piece *one = datagram->pieces;

	while (one && (one->offset != piece->offset || one->size != piece->size))
		one = one->next;
	return one && !memcmp(one->bytes + one->start, piece->bytes + piece->start, piece->size);
}

/* Under the lock. The datagram when it is whole, and the caller's; the piece is taken. */
static struct fabric_datagram *fabric_datagram_add(struct fabric_fragments *all,
						   const struct fabric_fragment_head *head,
						   struct fabric_piece *piece, ULONG length,
						   int *reason)
{
	struct fabric_datagram **at = fabric_datagram_place(all, &head->of);
	ULONG occupied = length + (ULONG)sizeof(*piece);

	*reason = FABRIC_DROP_FragmentLimit;
	if (!*at && all->count < FABRIC_DATAGRAMS_MAX) {
		*at = fabric_allocate(sizeof(**at));
		if (*at) {
			**at = head->of;
			all->count++;
		}
	}
	if (!*at || all->bytes + occupied > FABRIC_FRAGMENT_BYTES_MAX) {
		if (*at && !(*at)->pieces)
			fabric_datagram_free(fabric_datagram_take(all, at));
		fabric_free(piece);
		return NULL;
	}
	*reason = FABRIC_DROP_None;
	if (fabric_is_repeated(*at, piece)) {
		fabric_free(piece);
		return NULL;
	}
	*reason = fabric_piece_add(*at, piece, head);
	if (*reason != FABRIC_DROP_None) {
		fabric_free(piece);
		fabric_datagram_free(fabric_datagram_take(all, at));
		return NULL;
	}
	(*at)->bytes += occupied;
	all->bytes += occupied;
	return (*at)->total && (*at)->held == (*at)->total ? fabric_datagram_take(all, at) : NULL;
}

/* The whole packet's bytes behind the first fragment's headers. */
static VOID fabric_datagram_write(const struct fabric_datagram *datagram, UCHAR *out, ULONG head,
				  ULONG next_header)
{
	const struct fabric_piece *piece = datagram->pieces;
	UCHAR *ip = out + piece->network;

	memcpy(out, piece->bytes, head);
	for (; piece; piece = piece->next)
		memcpy(out + head + piece->offset, piece->bytes + piece->start, piece->size);
	if (datagram->is_ipv6) {
		if (!datagram->is_frame)
			out[next_header] = datagram->protocol;
		fabric_put16(ip + 4, (ULONG)(out + head - ip) - 40 + datagram->total);
		return;
	}
	fabric_put16(ip + 2, (ULONG)(out + head - ip) + datagram->total);
	if (!datagram->is_frame)
		fabric_put16(ip + 6, fabric_read16(ip + 6) & 0x4000u);
	fabric_put16(ip + 10, 0);
	fabric_put16(ip + 10, 0xffff ^ fabric_fold(fabric_sum(ip, (ip[0] & 15u) * 4, 0)));
}

/* The packet becomes the whole one. FALSE: no memory, or it would be larger than one can be. */
static BOOLEAN fabric_become_whole(struct fabric_packet *packet,
				   const struct fabric_datagram *datagram)
{
	struct fabric_extension *extension = packet->extension;
	const struct fabric_piece *first = datagram->pieces;
	struct fabric_fragment_head said;
	BOOLEAN has_header = datagram->is_ipv6 && !datagram->is_frame; /* Of the fragment. */
	ULONG head = first->start - (has_header ? 8 : 0);
	PNET_BUFFER_LIST list;

	memset(&said, 0, sizeof(said));
	if (has_header)
		fabric_head_ipv6(first->bytes, first->start + first->size, first->network, &said);
	if (head - first->network + datagram->total > FABRIC_PACKET_MAX)
		return FALSE;
	list = fabric_copy_of_bytes(extension, NULL, head + datagram->total);
	if (!list)
		return FALSE;
	if (extension->handlers.CopyNetBufferListInfo(extension->context, list, packet->list, 0) !=
	    NDIS_STATUS_SUCCESS) {
		fabric_copy_free(extension, list, NULL);
		return FALSE;
	}
	NET_BUFFER_LIST_INFO(list, TcpIpChecksumNetBufferListInfo) = NULL;
	NET_BUFFER_LIST_INFO(list, TcpLargeSendNetBufferListInfo) = NULL;
	fabric_datagram_write(datagram, fabric_copy_of(list)->bytes + FABRIC_HEADROOM, head,
			      said.next_header);
	fabric_packet_replace(packet, list);
	if (!datagram->is_frame) {
		packet->fragment_size = datagram->largest;
		packet->fragment_id = datagram->id;
	}
	packet->key.fragment = 0; /* Metadata to the parser: it only ever sets it. */
	return fabric_extract(packet) == FABRIC_DROP_None;
}

/* Takes the piece, NULL when there is none for this reason. */
static BOOLEAN fabric_hold_piece(struct fabric_packet *packet, struct fabric_fragment_head *head,
				 struct fabric_piece *piece, int reason)
{
	struct fabric_fragments *all = packet->extension->fragments;
	struct fabric_datagram *whole = NULL;
	BOOLEAN is_whole = FALSE;
	LOCK_STATE_EX state;

	if (piece) {
		head->of.expires = KeQueryInterruptTime() + FABRIC_FRAGMENT_AGE;
		NdisAcquireRWLockWrite(all->lock, &state, 0);
		whole = fabric_datagram_add(all, head, piece, packet->buffer->DataLength, &reason);
		NdisReleaseRWLock(all->lock, &state);
	}
	if (whole) {
		is_whole = fabric_become_whole(packet, whole);
		if (!is_whole)
			reason = FABRIC_DROP_FragmentLimit;
		fabric_datagram_free(whole);
	}
	if (reason != FABRIC_DROP_None)
		fabric_drop(packet, reason);
	return is_whole;
}

BOOLEAN fabric_reassemble(struct fabric_packet *packet, USHORT zone)
{
	struct fabric_fragment_head head;
	int reason;
	struct fabric_piece *piece = fabric_piece_make(packet, &head, &reason);

	head.of.zone = zone;
	return fabric_hold_piece(packet, &head, piece, reason);
}

BOOLEAN fabric_reassemble_frame(struct fabric_packet *packet, const struct fabric_segment *segment)
{
	ULONG length = packet->buffer->DataLength;
	struct fabric_piece *piece = fabric_allocate(sizeof(*piece) + length);
	struct fabric_fragment_head head;

	if (piece && fabric_read(packet->buffer, piece->bytes, length) != length) {
		fabric_free(piece);
		piece = NULL;
	}
	memset(&head, 0, sizeof(head));
	memcpy(head.of.source, packet->key.source, 16);
	memcpy(head.of.destination, packet->key.destination, 16);
	head.of.id = segment->id;
	head.of.zone = segment->port;
	head.of.protocol = packet->key.protocol;
	head.of.is_ipv6 = packet->key.ethernet_type == FABRIC_TYPE_IPV6;
	head.of.is_frame = TRUE;
	head.offset = segment->offset;
	head.size = segment->size;
	head.start = segment->start;
	head.is_last = segment->offset + segment->size == segment->total;
	if (piece) {
		piece->offset = head.offset;
		piece->size = head.size;
		piece->start = head.start;
		piece->network = packet->layout.network;
	}
	return fabric_hold_piece(packet, &head, piece, FABRIC_DROP_FragmentLimit);
}

BOOLEAN fabric_fragments_start(struct fabric_extension *extension)
{
	struct fabric_fragments *all = fabric_allocate(sizeof(*all));

	if (!all)
		return FALSE;
	all->lock = NdisAllocateRWLock(fabric_driver);
	if (!all->lock) {
		fabric_free(all);
		return FALSE;
	}
	extension->fragments = all;
	return TRUE;
}

VOID fabric_fragments_sweep(struct fabric_extension *extension, ULONG64 now)
{
	struct fabric_fragments *all = extension->fragments;
	LOCK_STATE_EX state;
	ULONG i;

	NdisAcquireRWLockWrite(all->lock, &state, 0);
	for (i = 0; i < FABRIC_DATAGRAM_BUCKETS; i++) {
		struct fabric_datagram **at = &all->buckets[i];

		while (*at) {
			if ((*at)->expires > now) {
				at = &(*at)->next;
				continue;
			}
			InterlockedExchangeAdd64(&extension->drops[FABRIC_DROP_FragmentTimeout],
						 (*at)->count);
			fabric_datagram_free(fabric_datagram_take(all, at));
		}
	}
	NdisReleaseRWLock(all->lock, &state);
}

VOID fabric_fragments_stop(struct fabric_extension *extension)
{
	struct fabric_fragments *all = extension->fragments;

	if (!all)
		return;
	fabric_fragments_sweep(extension, (ULONG64)-1);
	NdisFreeRWLock(all->lock);
	fabric_free(all);
	extension->fragments = NULL;
}
