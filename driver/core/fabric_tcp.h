/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * TCP state and window checking for a firewall that stands between the two ends: the same machine
 * as the managed tracker's (TcpTracker), compared with it by a test.
 *
 * The bounds are those of G. van Rooij, "Real Stateful TCP Packet Filtering in IP Filter" (2000);
 * states follow RFC 9293 section 3.3.2 seen from outside.
 */
#ifndef FABRIC_TCP_H
#define FABRIC_TCP_H

#include "../include/fabric_kernel.h"
#include "fabric_parse.h"

#define FABRIC_TCP_FIN 0x01
#define FABRIC_TCP_SYN 0x02
#define FABRIC_TCP_RESET 0x04
#define FABRIC_TCP_ACK 0x10

#define FABRIC_TCP_ACK_WINDOW (0xffffu + 1500u)

/* The order matters: later states are compared with >=. */
enum fabric_tcp_state {
	FABRIC_TCP_CLOSED,
	FABRIC_TCP_SYN_SENT,
	FABRIC_TCP_SYN_RECEIVED,
	FABRIC_TCP_ESTABLISHED,
	FABRIC_TCP_CLOSING,   /* This end has sent its FIN. */
	FABRIC_TCP_FIN_WAIT2, /* This end's FIN was acknowledged. */
	FABRIC_TCP_TIME_WAIT, /* Reset, or both ends are done. */
};

/* What a tracked packet means for its connection. */
enum fabric_track {
	FABRIC_TRACK_ESTABLISHED,
	FABRIC_TRACK_STILL_NEW,
	FABRIC_TRACK_INVALID,
	FABRIC_TRACK_REOPENED,
};

struct fabric_tcp_segment {
	fabric_u32 sequence;
	fabric_u32 acknowledgement;
	fabric_u32 payload_size;
	fabric_u16 window;
	fabric_u8 flags;
	fabric_u8 scale_option; /* 255: none. */
};

#define FABRIC_NO_SCALE 255

FABRIC_INLINE int fabric_tcp_has(const struct fabric_tcp_segment *segment, fabric_u8 flag)
{
	return (segment->flags & flag) != 0;
}

FABRIC_INLINE fabric_u32 fabric_max32(fabric_u32 left, fabric_u32 right)
{
	return left > right ? left : right;
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
	if (fabric_tcp_has(segment, FABRIC_TCP_SYN))
		return (segment->flags & (FABRIC_TCP_RESET | FABRIC_TCP_FIN)) != 0;
	if (!fabric_tcp_has(segment, FABRIC_TCP_ACK))
		return !fabric_tcp_has(segment, FABRIC_TCP_RESET);
	return fabric_tcp_has(segment, FABRIC_TCP_FIN) &&
	       fabric_tcp_has(segment, FABRIC_TCP_RESET);
}

/* SYN, or anything in mid-stream; not SYN with ACK, not RST, not nonsense. */
FABRIC_INLINE int fabric_tcp_can_start(const struct fabric_tcp_segment *segment)
{
	if (fabric_tcp_impossible(segment))
		return 0;
	return (segment->flags & (FABRIC_TCP_SYN | FABRIC_TCP_ACK)) !=
		       (FABRIC_TCP_SYN | FABRIC_TCP_ACK) &&
	       !fabric_tcp_has(segment, FABRIC_TCP_RESET);
}

FABRIC_INLINE void fabric_tcp_learn_scale(struct fabric_tcp_peer *peer,
					  const struct fabric_tcp_segment *segment)
{
	peer->has_scale = segment->scale_option != FABRIC_NO_SCALE;
	peer->scale = peer->has_scale ? (segment->scale_option & 15) : 0;
}

FABRIC_INLINE void fabric_tcp_start(struct fabric_tcp_peer *source,
				    struct fabric_tcp_peer *target,
				    const struct fabric_tcp_segment *segment)
{
	__builtin_memset(source, 0, sizeof(*source));
	__builtin_memset(target, 0, sizeof(*target));
	source->sent_end = fabric_tcp_end(segment);
	source->window_max = fabric_max32(segment->window, 1);
	target->window_max = 1;
	if (fabric_tcp_has(segment, FABRIC_TCP_SYN)) {
		fabric_tcp_learn_scale(source, segment);
		source->state = FABRIC_TCP_SYN_SENT;
		source->allowed_end = fabric_tcp_end(segment) + 1;
		return;
	}

	/* Picked up in mid-stream: scaling is unknown, so the bounds start wide. */
	source->state = fabric_tcp_has(segment, FABRIC_TCP_FIN) ? FABRIC_TCP_CLOSING
								  : FABRIC_TCP_SYN_SENT;
	source->has_scale = target->has_scale = 1;
	source->scale = target->scale = 14;
	source->allowed_end = fabric_tcp_end(segment) + FABRIC_TCP_ACK_WINDOW;
	source->window_max = (fabric_u32)segment->window << 14;
}

/* The first segment of this end tells where its sequence numbers are. */
FABRIC_INLINE void fabric_tcp_learn(struct fabric_tcp_peer *source,
				    struct fabric_tcp_peer *target,
				    const struct fabric_tcp_segment *segment)
{
	source->sent_end = segment->sequence;
	if (fabric_tcp_has(segment, FABRIC_TCP_SYN)) {
		fabric_tcp_learn_scale(source, segment);
		if (!source->has_scale || !target->has_scale) {
			source->has_scale = target->has_scale = 0;
			source->scale = target->scale = 0;
		}
	}
	source->state = FABRIC_TCP_SYN_SENT;
	source->window_max = fabric_max32(source->window_max, 1);
	source->allowed_end = fabric_tcp_end(segment) + fabric_max32(target->window_max, 1);
	if (target->allowed_end == 0)
		target->allowed_end = segment->acknowledgement;
}

FABRIC_INLINE int fabric_tcp_fits(const struct fabric_tcp_peer *source,
				  const struct fabric_tcp_peer *target,
				  const struct fabric_tcp_segment *segment)
{
	fabric_u32 sequence = segment->sequence;
	fabric_u32 end = fabric_tcp_end(segment);
	fabric_u32 acknowledgement = fabric_tcp_has(segment, FABRIC_TCP_ACK)
					     ? segment->acknowledgement
					     : target->sent_end;
	fabric_u32 window = FABRIC_TCP_ACK_WINDOW << (source->scale > 14 ? 14 : source->scale & 15);
	fabric_u32 oldest = source->sent_end - fabric_max32(target->window_max, 1) -
			    FABRIC_TCP_ACK_WINDOW;
	fabric_s32 behind, jump;

	if (fabric_tcp_has(segment, FABRIC_TCP_RESET) &&
	    !fabric_tcp_has(segment, FABRIC_TCP_ACK) && sequence == 0)
		sequence = end = source->sent_end;
	/* An end that was not heard yet has no numbers to compare an acknowledgement with. */
	behind = target->state == FABRIC_TCP_CLOSED
			 ? 0
			 : (fabric_s32)(target->sent_end - acknowledgement);
	if (window > 0x7fffffff)
		window = 0x7fffffff;
	if ((fabric_s32)(source->allowed_end - end) < 0 || (fabric_s32)(sequence - oldest) < 0 ||
	    behind < -(fabric_s32)FABRIC_TCP_ACK_WINDOW || behind > (fabric_s32)window)
		return 0;
	if (!fabric_tcp_has(segment, FABRIC_TCP_RESET))
		return 1;
	/* A reset must hit what its sender may send next (RFC 5961 section 3.2). */
	jump = (fabric_s32)(sequence - source->sent_end);
	return source->state < FABRIC_TCP_ESTABLISHED || (jump >= -1 && jump <= 1);
}

FABRIC_INLINE void fabric_tcp_advance(struct fabric_tcp_peer *source,
				      struct fabric_tcp_peer *target,
				      const struct fabric_tcp_segment *segment)
{
	fabric_u32 end = fabric_tcp_end(segment);
	fabric_u32 window = segment->window, allowed;

	if (!fabric_tcp_has(segment, FABRIC_TCP_SYN))
		window <<= source->scale & 15;
	source->window_max = fabric_max32(source->window_max, window);
	if ((fabric_s32)(end - source->sent_end) > 0)
		source->sent_end = end;
	if (!fabric_tcp_has(segment, FABRIC_TCP_ACK))
		return;
	allowed = segment->acknowledgement + fabric_max32(window, 1);
	if (target->allowed_end == 0 || (fabric_s32)(allowed - target->allowed_end) > 0)
		target->allowed_end = allowed;
}

FABRIC_INLINE void fabric_tcp_advance_states(struct fabric_tcp_peer *source,
					     struct fabric_tcp_peer *target,
					     const struct fabric_tcp_segment *segment)
{
	int is_syn = fabric_tcp_has(segment, FABRIC_TCP_SYN);

	if (is_syn && source->state < FABRIC_TCP_SYN_SENT)
		source->state = FABRIC_TCP_SYN_SENT;
	if (fabric_tcp_has(segment, FABRIC_TCP_FIN) && source->state < FABRIC_TCP_CLOSING)
		source->state = FABRIC_TCP_CLOSING;
	if (fabric_tcp_has(segment, FABRIC_TCP_ACK)) {
		if (target->state == FABRIC_TCP_SYN_SENT)
			target->state = FABRIC_TCP_ESTABLISHED;
		else if (target->state == FABRIC_TCP_CLOSING &&
			 (fabric_s32)(segment->acknowledgement - target->sent_end) >= 0)
			target->state = FABRIC_TCP_FIN_WAIT2;
		/* Its ACK of our side's SYN completes this end's half when it is no SYN itself. */
		if (!is_syn && source->state == FABRIC_TCP_SYN_SENT &&
		    target->state >= FABRIC_TCP_ESTABLISHED)
			source->state = FABRIC_TCP_ESTABLISHED;
	}
	if (fabric_tcp_has(segment, FABRIC_TCP_RESET))
		source->state = target->state = FABRIC_TCP_TIME_WAIT;
}

/* 'source' is the end that sent the segment; 'is_reply' says that it is not the initiator. */
FABRIC_INLINE int fabric_tcp_update(struct fabric_tcp_peer *source,
				    struct fabric_tcp_peer *target,
				    const struct fabric_tcp_segment *segment, int is_reply,
				    int is_window_checked)
{
	int is_first;

	if (fabric_tcp_impossible(segment))
		return FABRIC_TRACK_INVALID;
	if ((segment->flags & (FABRIC_TCP_SYN | FABRIC_TCP_ACK)) == FABRIC_TCP_SYN) {
		if ((source->state >= FABRIC_TCP_FIN_WAIT2 &&
		     target->state >= FABRIC_TCP_FIN_WAIT2) ||
		    source->state == FABRIC_TCP_TIME_WAIT)
			return FABRIC_TRACK_REOPENED;
		if (!is_reply && target->state == FABRIC_TCP_CLOSED) {
			fabric_tcp_start(source, target, segment);
			return FABRIC_TRACK_STILL_NEW;
		}
	}

	is_first = source->state == FABRIC_TCP_CLOSED;
	if (is_first)
		fabric_tcp_learn(source, target, segment);
	if (is_window_checked && !fabric_tcp_fits(source, target, segment)) {
		if (is_first)
			__builtin_memset(source, 0, sizeof(*source));
		return FABRIC_TRACK_INVALID;
	}

	fabric_tcp_advance(source, target, segment);
	fabric_tcp_advance_states(source, target, segment);
	return FABRIC_TRACK_ESTABLISHED;
}

#endif
