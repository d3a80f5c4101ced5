/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Runs a row of steps. What is long lives in programs of its own, which come back here. */
#ifndef FABRIC_ACTIONS_H
#define FABRIC_ACTIONS_H

#include "fabric_state.h"
#include "fabric_edit.h"

#define FABRIC_WALK_MAX 80 /* Steps of one visit: rows may be chained. */
#define FABRIC_GO_ON (-1)

struct fabric_walk {
	struct __sk_buff *skb;
	struct fabric_scratch *s;
	int verdict;      /* FABRIC_GO_ON, or what the program returns. */
	fabric_u32 next;  /* Program to hand the packet to, plus one. */
	fabric_u32 port;  /* Of a device to leave by. */
	fabric_u32 reason;
};

/*
 * Runs steps on a copy of the packet, now. The copy leaves through the inject device, whose program
 * finds the scratch of the next depth and goes on there.
 */
FABRIC_INLINE void fabric_branch(struct __sk_buff *skb, struct fabric_scratch *s, fabric_u32 row,
				 fabric_u32 pc, fabric_u32 is_single, fabric_u32 trim)
{
	struct fabric_settings *settings = fabric_configured();
	struct fabric_scratch *ground = fabric_ground(), *copy;
	fabric_u32 level, i;

	if (!ground || !settings)
		return;
	level = ground->level + 1;
	copy = bpf_map_lookup_elem(&fabric_scratches, &level);
	if (level >= FABRIC_DEPTH_MAX || !copy) {
		fabric_drop(FABRIC_DROP_RecirculationLimit);
		return;
	}
#pragma unroll
	for (i = 0; i < FABRIC_KEY_WORDS; i++)
		copy->word[i] = s->word[i];
	copy->layout = s->layout;
	copy->is_stale = s->is_stale;
	copy->tunnel = s->tunnel;
	copy->passes = s->passes;
	copy->slot = FABRIC_NO_SLOT;
	copy->sequel = 0;
	copy->now = s->now;
	copy->is_ingress = 0;
	copy->row = row;
	copy->pc = pc;
	copy->is_single = is_single;
	copy->trim = trim;
	copy->resumes = 0;
	ground->level = level;
	ground->is_copy = 1;
	bpf_clone_redirect(skb, settings->inject_device, 0);
	ground->is_copy = 0;
	ground->level = level - 1;
}

FABRIC_INLINE void fabric_step_output(struct fabric_walk *walk, const struct fabric_step *step)
{
	struct fabric_scratch *s = walk->s;
	struct fabric_port *port = fabric_port_of(step->c);

	if (!port || port->kind == FABRIC_PORT_NONE) {
		fabric_drop(FABRIC_DROP_PortNotFound);
		if (step->a || s->is_single)
			walk->verdict = TC_ACT_SHOT;
		return;
	}
	if (port->kind == FABRIC_PORT_DEVICE) {
		if (step->a || s->is_single)
			walk->port = step->c;
		else
			bpf_clone_redirect(walk->skb, port->device, 0);
		return;
	}
	if (!step->a && !s->is_single) {
		fabric_branch(walk->skb, s, s->row, s->pc - 1, 1, 0);
		return;
	}
	s->number = step->c;
	s->resumes = 0;
	walk->next = FABRIC_PROGRAM_TUNNEL + 1;
}

FABRIC_INLINE void fabric_step_recirculate(struct fabric_walk *walk,
					   const struct fabric_step *step)
{
	walk->reason = fabric_recirculate(walk->s, step);
	walk->next = FABRIC_PROGRAM_LOOKUP + 1;
}

FABRIC_INLINE void fabric_step_userspace(struct fabric_walk *walk, const struct fabric_step *step)
{
	struct fabric_scratch *s = walk->s;

	s->kind = step->kind == FABRIC_STEP_SLOW ? FABRIC_UPCALL_SLOW : FABRIC_UPCALL_ACTION;
	s->number = step->c;
	s->resumes = step->kind == FABRIC_STEP_USERSPACE && !s->is_single;
	walk->next = FABRIC_PROGRAM_UPCALL + 1;
}

/* What check_pkt_len compares: one segment of a super-packet. */
FABRIC_INLINE fabric_u32 fabric_length(struct __sk_buff *skb, const struct fabric_scratch *s)
{
	fabric_u32 header = s->layout.payload;

	if (!skb->gso_size || !header)
		return skb->len;
	header += skb->gso_size;
	return header < skb->len ? header : skb->len;
}

FABRIC_INLINE void fabric_step_branches(struct fabric_walk *walk, const struct fabric_step *step)
{
	struct fabric_scratch *s = walk->s;
	fabric_u32 row = step->c;

	if (step->kind == FABRIC_STEP_SAMPLE) {
		if (step->value <= 0xffffffffull && bpf_get_prandom_u32() >= step->value)
			return;
	} else if (step->kind == FABRIC_STEP_LENGTH) {
		if (fabric_length(walk->skb, s) <= step->b)
			row = (fabric_u32)step->value;
	}
	if (!row)
		return;
	if (step->a) {
		s->row = row;
		s->pc = 0;
		return;
	}
	fabric_branch(walk->skb, s, row, 0, 0,
		      step->kind == FABRIC_STEP_CLONE ? (fabric_u32)step->value : 0);
}

FABRIC_INLINE fabric_u32 fabric_step_vlan(struct fabric_walk *walk, const struct fabric_step *step)
{
	int result;

	if (step->kind == FABRIC_STEP_PUSH_VLAN)
		result = bpf_skb_vlan_push(walk->skb, bpf_htons((fabric_u16)step->c), step->b);
	else
		result = bpf_skb_vlan_pop(walk->skb);
	fabric_relocate(walk->skb, walk->s);
	return result ? FABRIC_DROP_HeadroomExhausted : 0;
}

/* Steps that change the packet or what is known of it; a drop reason or 0. */
FABRIC_INLINE fabric_u32 fabric_step_edit(struct fabric_walk *walk, const struct fabric_step *step)
{
	struct fabric_scratch *s = walk->s;
	struct __sk_buff *skb = walk->skb;
	fabric_u32 mark;

	s->is_stale = 1;
	switch (step->kind) {
	case FABRIC_STEP_SET_LINK:
		return fabric_set_plain(skb, step->b & 0xff, step->a, step->value, step->mask);
	case FABRIC_STEP_SET_NETWORK:
		return fabric_set_plain(skb, s->layout.network + (step->b & 0xff), step->a,
					step->value, step->mask);
	case FABRIC_STEP_SET_ADDRESS:
		if (step->a == 8)
			return fabric_set_address8(skb, s, s->layout.network + (step->b & 0xff),
						   step->value, step->mask);
		return fabric_set_address4(skb, s, s->layout.network + (step->b & 0xff),
					   (fabric_u32)step->value, (fabric_u32)step->mask);
	case FABRIC_STEP_SET_TOS:
		return fabric_set_tos(skb, s, (fabric_u8)step->value, (fabric_u8)step->mask);
	case FABRIC_STEP_SET_TTL:
		return fabric_set_ttl(skb, s, (fabric_u8)step->value, (fabric_u8)step->mask);
	case FABRIC_STEP_DECREMENT_TTL:
		return fabric_decrement_ttl(skb, s);
	case FABRIC_STEP_SET_PORTS:
		return fabric_set_ports(skb, s, (fabric_u32)step->value, (fabric_u32)step->mask);
	case FABRIC_STEP_SET_ICMP:
		return fabric_set_icmp(skb, s, s->layout.transport, (fabric_u16)step->value,
				       (fabric_u16)step->mask);
	case FABRIC_STEP_SET_MARK:
		mark = (s->key.packet_mark & ~(fabric_u32)step->mask) |
		       ((fabric_u32)step->value & (fabric_u32)step->mask);
		s->key.packet_mark = mark;
		skb->mark = FABRIC_BE32(mark);
		return 0;
	case FABRIC_STEP_SET_PRIORITY:
		skb->priority = step->c;
		return 0;
	case FABRIC_STEP_TUNNEL:
		s->tunnel = step->c;
		return 0;
	case FABRIC_STEP_CONNTRACK_CLEAR:
		fabric_key_forget(&s->key);
		return 0;
	default:
		return FABRIC_DROP_ActionUnsupported;
	}
}

/* Steps that end the walk or leave it for a while. */
FABRIC_INLINE int fabric_step_flow(struct fabric_walk *walk, const struct fabric_step *step)
{
	struct fabric_scratch *s = walk->s;

	switch (step->kind) {
	case FABRIC_STEP_END:
		walk->verdict = TC_ACT_SHOT;
		return 1;
	case FABRIC_STEP_OUTPUT:
		fabric_step_output(walk, step);
		return 1;
	case FABRIC_STEP_CONTINUE:
		s->row = step->c;
		s->pc = 0;
		return 1;
	case FABRIC_STEP_USERSPACE:
	case FABRIC_STEP_SLOW:
		fabric_step_userspace(walk, step);
		return 1;
	case FABRIC_STEP_DROP:
		walk->reason = step->b;
		return 1;
	case FABRIC_STEP_RECIRCULATE:
		if (step->a || s->is_single)
			fabric_step_recirculate(walk, step);
		else
			fabric_branch(walk->skb, s, s->row, s->pc - 1, 1, 0);
		return 1;
	case FABRIC_STEP_CONNTRACK:
		fabric_track(s, step);
		walk->next = FABRIC_PROGRAM_CONNTRACK + 1;
		return 1;
	case FABRIC_STEP_HASH:
	case FABRIC_STEP_METER:
		s->kind = step->kind;
		s->rest = step->a;
		s->number = step->c;
		walk->next = FABRIC_PROGRAM_MEASURE + 1;
		return 1;
	case FABRIC_STEP_CLONE:
	case FABRIC_STEP_SAMPLE:
	case FABRIC_STEP_LENGTH:
		fabric_step_branches(walk, step);
		return 1;
	case FABRIC_STEP_PUSH_VLAN:
	case FABRIC_STEP_POP_VLAN:
		walk->reason = fabric_step_vlan(walk, step);
		return 1;
	default:
		return 0;
	}
}

/* One step; called by bpf_loop until it returns 1. */
static long fabric_walk_step(fabric_u32 index, struct fabric_walk *walk)
{
	struct fabric_scratch *s = walk->s;
	const struct fabric_step *step;
	struct fabric_row *row;
	fabric_u32 number = s->row;

	(void)index;
	row = bpf_map_lookup_elem(&fabric_rows, &number);
	if (!row || s->pc >= FABRIC_STEPS_MAX) {
		walk->verdict = TC_ACT_SHOT;
		return 1;
	}
	step = &row->steps[s->pc & (FABRIC_STEPS_MAX - 1)];
	s->pc++;
	if (!fabric_step_flow(walk, step))
		walk->reason = fabric_step_edit(walk, step);
	if (walk->reason || walk->next || walk->port || walk->verdict != FABRIC_GO_ON)
		return 1;
	if (s->is_single) {
		walk->verdict = TC_ACT_SHOT;
		return 1;
	}
	return 0;
}

SEC("tc")
int fabric_program_actions(struct __sk_buff *skb)
{
	struct fabric_walk walk = { .skb = skb, .verdict = FABRIC_GO_ON };
	struct fabric_port *port;

	walk.s = fabric_current();
	if (!walk.s)
		return TC_ACT_SHOT;
	bpf_loop(FABRIC_WALK_MAX, fabric_walk_step, &walk, 0);
	if (walk.reason)
		return fabric_drop(walk.reason);
	if (walk.next)
		return fabric_go(skb, walk.next - 1);
	if (walk.port) {
		port = fabric_port_of(walk.port);
		return port ? fabric_leave_by(skb, walk.s, port) : TC_ACT_SHOT;
	}
	return walk.verdict == FABRIC_GO_ON ? fabric_drop(FABRIC_DROP_ActionMalformed)
					    : walk.verdict;
}

#endif
