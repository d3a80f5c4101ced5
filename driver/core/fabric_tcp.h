/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * TCP state and window checking for a firewall that stands between the two ends: the same machine
 * as the managed tracker's (TcpTracker), compared with it by a test, segment by segment.
 *
 * The bounds are those of G. van Rooij, "Real Stateful TCP Packet Filtering in IP Filter" (2000),
 * with what the userspace tracker of Open vSwitch accepts beyond them.
 */
#ifndef FABRIC_TCP_H
#define FABRIC_TCP_H

#include "../include/fabric_kernel.h"
#include "fabric_parse.h"

#define FABRIC_TCP_FIN 0x01
#define FABRIC_TCP_SYN 0x02
#define FABRIC_TCP_RESET 0x04
#define FABRIC_TCP_PUSH 0x08
#define FABRIC_TCP_ACK 0x10
#define FABRIC_TCP_URGENT 0x20

#define FABRIC_TCP_OPTIONS_BYTES 40
#define FABRIC_TCP_OPTIONS_MAX 20 /* That are looked at: the verifier of eBPF walks them all. */

/* One reassembled datagram and a segment: how far an ACK may be off. */
#define FABRIC_TCP_SLACK (0xffff + 1500)

/* Numbers and order are those of OVS's tools; later states are compared with >=. */
enum fabric_tcp_state {
	FABRIC_TCP_CLOSED = 0,
	FABRIC_TCP_SYN_SENT = 2,
	FABRIC_TCP_ESTABLISHED = 4,
	FABRIC_TCP_CLOSING = 7,   /* This end has sent its FIN. */
	FABRIC_TCP_FIN_WAIT2 = 9, /* This end's FIN was acknowledged. */
	FABRIC_TCP_TIME_WAIT = 10, /* The connection was reset. */
};

/* What a tracked packet means for its connection. */
enum fabric_track {
	FABRIC_TRACK_ESTABLISHED,
	FABRIC_TRACK_STILL_NEW,
	FABRIC_TRACK_INVALID,
	FABRIC_TRACK_REOPENED,
};

/* Bits of fabric_tcp_peer.scale beside the shift. */
#define FABRIC_SCALE_OFFERED 0x80
#define FABRIC_SCALE_UNKNOWN 0x40
#define FABRIC_SCALE_SHIFT 0x0f

#define FABRIC_NO_SCALE 255      /* The segment has no such option. */
#define FABRIC_TIMEOUT_KEEP 0xff /* The expiry stays as it is. */

struct fabric_tcp_segment {
	fabric_u32 sequence;
	fabric_u32 acknowledgement;
	fabric_u32 payload_size;
	fabric_u16 window;
	fabric_u8 flags;
	fabric_u8 scale_option;
};

/* The numbers of one segment, made comparable with what the ends are known for. */
struct fabric_tcp_bounds {
	fabric_u32 start;
	fabric_u32 end;
	fabric_u32 acknowledgement;
	fabric_u16 window;
	fabric_u8 source_scale;
	fabric_u8 target_scale;
	fabric_s32 skew;
};

FABRIC_INLINE int fabric_tcp_has(const struct fabric_tcp_segment *segment, fabric_u8 flag)
{
	return (segment->flags & flag) != 0;
}

/* First sequence number after this segment; SYN and FIN count one each. */
FABRIC_INLINE fabric_u32 fabric_tcp_end(const struct fabric_tcp_segment *segment)
{
	return segment->sequence + segment->payload_size +
	       (fabric_tcp_has(segment, FABRIC_TCP_SYN) ? 1 : 0) +
	       (fabric_tcp_has(segment, FABRIC_TCP_FIN) ? 1 : 0);
}

FABRIC_INLINE int fabric_tcp_impossible(const struct fabric_tcp_segment *segment)
{
	fabric_u8 flags = segment->flags;

	if (flags & FABRIC_TCP_SYN) {
		if (flags & (FABRIC_TCP_RESET | FABRIC_TCP_FIN))
			return 1;
	} else if (!(flags & (FABRIC_TCP_ACK | FABRIC_TCP_RESET))) {
		return 1;
	}
	return !(flags & FABRIC_TCP_ACK) &&
	       (flags & (FABRIC_TCP_FIN | FABRIC_TCP_PUSH | FABRIC_TCP_URGENT));
}

/* SYN, or anything in mid-stream, but not the answer to a SYN that was never seen. */
FABRIC_INLINE int fabric_tcp_can_start(const struct fabric_tcp_segment *segment)
{
	return !fabric_tcp_impossible(segment) &&
	       (segment->flags & (FABRIC_TCP_SYN | FABRIC_TCP_ACK)) !=
		       (FABRIC_TCP_SYN | FABRIC_TCP_ACK);
}

FABRIC_INLINE int fabric_tcp_at_least(fabric_u32 left, fabric_u32 right)
{
	return (fabric_s32)(left - right) >= 0;
}

FABRIC_INLINE fabric_u32 fabric_max32(fabric_u32 left, fabric_u32 right)
{
	return left > right ? left : right;
}

FABRIC_INLINE fabric_u8 fabric_tcp_scale_of(const struct fabric_tcp_segment *segment)
{
	return segment->scale_option == FABRIC_NO_SCALE
		       ? 0
		       : (FABRIC_SCALE_OFFERED | (segment->scale_option & FABRIC_SCALE_SHIFT));
}

/* The window scale of a SYN, from its options: the first 'size' of these bytes. */
FABRIC_INLINE fabric_u8 fabric_tcp_read_scale(const fabric_u8 options[64], fabric_u32 size)
{
	fabric_u32 at = 0, i;

	for (i = 0; i < FABRIC_TCP_OPTIONS_MAX; i++) {
		fabric_u8 kind = options[at & 63], length;

		if (at + 3 > size || kind == 0)
			return FABRIC_NO_SCALE;
		if (kind == 1) {
			at++;
			continue;
		}
		length = options[(at + 1) & 63];
		if (kind == 3 && length == 3) {
			fabric_u8 shift = options[(at + 2) & 63];

			return shift > 14 ? 14 : shift;
		}
		if (length < 2)
			return FABRIC_NO_SCALE;
		at += length;
	}
	return FABRIC_NO_SCALE;
}

/* From the 20 bytes of a header; the scale is in its options. */
FABRIC_INLINE void fabric_tcp_read(struct fabric_tcp_segment *segment, const fabric_u8 *tcp,
				   fabric_u32 payload_size)
{
	segment->flags = tcp[13];
	segment->sequence = FABRIC_BE32(fabric_wire32(tcp + 4));
	segment->acknowledgement = FABRIC_BE32(fabric_wire32(tcp + 8));
	segment->window = fabric_read16(tcp + 14);
	segment->payload_size = payload_size;
	segment->scale_option = FABRIC_NO_SCALE;
}

/* A window as it is in headers after the handshake, rounded up. */
FABRIC_INLINE fabric_u16 fabric_tcp_descale(fabric_u16 window, fabric_u8 scale)
{
	return (fabric_u16)((window + (1u << scale) - 1) >> scale);
}

FABRIC_INLINE void fabric_tcp_start(struct fabric_tcp_peer *source,
				    struct fabric_tcp_peer *target,
				    const struct fabric_tcp_segment *segment)
{
	source->sent_end = segment->sequence;
	source->allowed_end = fabric_tcp_end(segment) + 1;
	source->window_max = segment->window ? segment->window : 1;
	target->sent_end = 0;
	target->allowed_end = 1;
	target->window_max = 1;
	if (fabric_tcp_has(segment, FABRIC_TCP_SYN)) {
		source->scale = fabric_tcp_scale_of(segment);
		target->scale = 0;
		/* The window of a SYN is not scaled; all others are compared scaled. */
		source->window_max = fabric_tcp_descale(source->window_max,
							source->scale & FABRIC_SCALE_SHIFT);
	} else {
		source->scale = target->scale = FABRIC_SCALE_UNKNOWN;
	}
	source->state = FABRIC_TCP_SYN_SENT;
	target->state = FABRIC_TCP_CLOSED;
}

/* The first segment of this end tells where its sequence numbers are; 0: trust no ACK yet. */
FABRIC_INLINE int fabric_tcp_learn(struct fabric_tcp_peer *source,
				   struct fabric_tcp_peer *target,
				   const struct fabric_tcp_segment *segment,
				   struct fabric_tcp_bounds *bounds)
{
	fabric_u8 shift = target->scale & FABRIC_SCALE_SHIFT;
	int is_checked = 1;
	fabric_u32 allowed;

	if (fabric_tcp_has(segment, FABRIC_TCP_SYN) && (target->scale & FABRIC_SCALE_OFFERED)) {
		source->scale = fabric_tcp_scale_of(segment);
		if (source->scale & FABRIC_SCALE_OFFERED) {
			bounds->source_scale = source->scale & FABRIC_SCALE_SHIFT;
			bounds->target_scale = shift;
			bounds->window = fabric_tcp_descale(bounds->window, bounds->source_scale);
		} else {
			/* Scaling holds only if both ends offered it (RFC 7323 section 2.2). */
			target->window_max = (fabric_u16)(target->window_max << shift);
			target->scale = 0;
		}
	}
	source->sent_end = bounds->start;
	source->state = FABRIC_TCP_SYN_SENT;
	allowed = bounds->end +
		  fabric_max32(1, (fabric_u32)target->window_max << bounds->target_scale);
	if (source->allowed_end == 1 || fabric_tcp_at_least(allowed, source->allowed_end)) {
		source->allowed_end = allowed;
		is_checked = 0;
	}
	if (bounds->window > source->window_max)
		source->window_max = bounds->window;
	return is_checked;
}

FABRIC_INLINE void fabric_tcp_measure(struct fabric_tcp_peer *source,
				      struct fabric_tcp_peer *target,
				      const struct fabric_tcp_segment *segment,
				      struct fabric_tcp_bounds *bounds)
{
	int is_syn = fabric_tcp_has(segment, FABRIC_TCP_SYN), is_checked = 1;

	bounds->window = segment->window;
	bounds->source_scale = bounds->target_scale = 0;
	if (!is_syn && (source->scale & target->scale & FABRIC_SCALE_OFFERED)) {
		bounds->source_scale = source->scale & FABRIC_SCALE_SHIFT;
		bounds->target_scale = target->scale & FABRIC_SCALE_SHIFT;
	} else if (!is_syn && (source->scale & target->scale & FABRIC_SCALE_UNKNOWN)) {
		bounds->source_scale = bounds->target_scale = 14;
	}
	bounds->start = segment->sequence;
	bounds->end = fabric_tcp_end(segment);
	bounds->acknowledgement = segment->acknowledgement;
	if (source->state < FABRIC_TCP_SYN_SENT)
		is_checked = fabric_tcp_learn(source, target, segment, bounds);
	/* Some stacks leave the number 0 in a reset. */
	if (!fabric_tcp_has(segment, FABRIC_TCP_ACK) ||
	    (fabric_tcp_has(segment, FABRIC_TCP_RESET) && bounds->acknowledgement == 0))
		bounds->acknowledgement = target->sent_end;
	if (bounds->start == bounds->end)
		bounds->start = bounds->end = source->sent_end; /* No data: anywhere is fine. */
	bounds->skew = is_checked ? (fabric_s32)(target->sent_end - bounds->acknowledgement) : 0;
}

FABRIC_INLINE int fabric_tcp_fits(const struct fabric_tcp_peer *source,
				  const struct fabric_tcp_peer *target,
				  const struct fabric_tcp_segment *segment,
				  const struct fabric_tcp_bounds *bounds)
{
	fabric_u32 window = (fabric_u32)target->window_max << (bounds->target_scale & 15);
	fabric_s32 slack = (fabric_s32)((fabric_u32)FABRIC_TCP_SLACK << (bounds->source_scale & 15));
	fabric_s32 jump = (fabric_s32)(segment->sequence - source->sent_end);

	return fabric_tcp_at_least(source->allowed_end, bounds->end) &&
	       fabric_tcp_at_least(bounds->start, source->sent_end - window) &&
	       bounds->skew >= -FABRIC_TCP_SLACK && bounds->skew <= slack &&
	       (!fabric_tcp_has(segment, FABRIC_TCP_RESET) || (jump >= -1 && jump <= 1));
}

/* One end is unknown or done, and the segment is within 64 KiB of the window. */
FABRIC_INLINE int fabric_tcp_almost_fits(const struct fabric_tcp_peer *source,
					 const struct fabric_tcp_peer *target,
					 const struct fabric_tcp_bounds *bounds)
{
	return (target->state < FABRIC_TCP_SYN_SENT || target->state >= FABRIC_TCP_FIN_WAIT2 ||
		source->state >= FABRIC_TCP_FIN_WAIT2) &&
	       fabric_tcp_at_least(source->allowed_end + FABRIC_TCP_SLACK, bounds->end) &&
	       fabric_tcp_at_least(bounds->start, source->sent_end - FABRIC_TCP_SLACK);
}

FABRIC_INLINE void fabric_tcp_slide(struct fabric_tcp_peer *source,
				    struct fabric_tcp_peer *target,
				    const struct fabric_tcp_bounds *bounds)
{
	fabric_u32 window = (fabric_u32)bounds->window << (bounds->source_scale & 15);

	if (bounds->window > source->window_max)
		source->window_max = bounds->window;
	if ((fabric_s32)(bounds->end - source->sent_end) > 0)
		source->sent_end = bounds->end;
	if (fabric_tcp_at_least(bounds->acknowledgement + window, target->allowed_end))
		target->allowed_end = bounds->acknowledgement + fabric_max32(window, 1);
}

FABRIC_INLINE void fabric_tcp_advance(struct fabric_tcp_peer *source,
				      struct fabric_tcp_peer *target,
				      const struct fabric_tcp_segment *segment)
{
	if (fabric_tcp_has(segment, FABRIC_TCP_SYN) && source->state < FABRIC_TCP_SYN_SENT)
		source->state = FABRIC_TCP_SYN_SENT;
	if (fabric_tcp_has(segment, FABRIC_TCP_FIN) && source->state < FABRIC_TCP_CLOSING)
		source->state = FABRIC_TCP_CLOSING;
	if (fabric_tcp_has(segment, FABRIC_TCP_ACK)) {
		if (target->state == FABRIC_TCP_SYN_SENT)
			target->state = FABRIC_TCP_ESTABLISHED;
		else if (target->state == FABRIC_TCP_CLOSING)
			target->state = FABRIC_TCP_FIN_WAIT2;
	}
	if (fabric_tcp_has(segment, FABRIC_TCP_RESET))
		source->state = target->state = FABRIC_TCP_TIME_WAIT;
}

/* Which timeout a connection has, by the states of both ends. */
FABRIC_INLINE fabric_u32 fabric_tcp_timeout(fabric_u8 one, fabric_u8 other)
{
	fabric_u8 low = one < other ? one : other, high = one < other ? other : one;

	if (low >= FABRIC_TCP_FIN_WAIT2)
		return FABRIC_TIMEOUT_TCP_CLOSE;
	if (low >= FABRIC_TCP_CLOSING)
		return FABRIC_TIMEOUT_TCP_TIME_WAIT;
	if (low < FABRIC_TCP_ESTABLISHED)
		return FABRIC_TIMEOUT_TCP_SYN_RECEIVED;
	return high >= FABRIC_TCP_CLOSING ? FABRIC_TIMEOUT_TCP_FIN_WAIT
					  : FABRIC_TIMEOUT_TCP_ESTABLISHED;
}

/* 'source' is the end that sent the segment. 'timeout' says how long the connection now lives. */
FABRIC_INLINE int fabric_tcp_update(struct fabric_tcp_peer *source,
				    struct fabric_tcp_peer *target,
				    const struct fabric_tcp_segment *segment,
				    int is_window_checked, fabric_u32 *timeout)
{
	struct fabric_tcp_bounds bounds;

	*timeout = FABRIC_TIMEOUT_KEEP;
	if (fabric_tcp_impossible(segment))
		return FABRIC_TRACK_INVALID;
	if ((segment->flags & (FABRIC_TCP_SYN | FABRIC_TCP_ACK)) == FABRIC_TCP_SYN) {
		if (source->state >= FABRIC_TCP_FIN_WAIT2 &&
		    target->state >= FABRIC_TCP_FIN_WAIT2) {
			source->state = target->state = FABRIC_TCP_CLOSED;
			return FABRIC_TRACK_REOPENED;
		}
		if (source->state <= FABRIC_TCP_SYN_SENT) {
			source->state = FABRIC_TCP_SYN_SENT;
			*timeout = FABRIC_TIMEOUT_TCP_SYN_SENT;
			return FABRIC_TRACK_STILL_NEW;
		}
	}

	fabric_tcp_measure(source, target, segment, &bounds);
	if (!is_window_checked || fabric_tcp_fits(source, target, segment, &bounds)) {
		fabric_tcp_slide(source, target, &bounds);
		fabric_tcp_advance(source, target, segment);
		*timeout = fabric_tcp_timeout(source->state, target->state);
		return FABRIC_TRACK_ESTABLISHED;
	}
	if (!fabric_tcp_almost_fits(source, target, &bounds))
		return FABRIC_TRACK_INVALID;

	/* Opening or just closed, and near: let through without a longer life. */
	fabric_tcp_slide(source, target, &bounds);
	if (fabric_tcp_has(segment, FABRIC_TCP_FIN) && source->state < FABRIC_TCP_CLOSING)
		source->state = FABRIC_TCP_CLOSING;
	if (fabric_tcp_has(segment, FABRIC_TCP_RESET))
		source->state = target->state = FABRIC_TCP_TIME_WAIT;
	return FABRIC_TRACK_ESTABLISHED;
}

#endif
