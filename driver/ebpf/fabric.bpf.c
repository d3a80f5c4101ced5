/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Forwarding in the kernel: programs on traffic control hooks.
 *
 *   ports (ingress)     fabric_program_port       packet -> key -> flow -> steps
 *   other devices       fabric_program_underlay   tunnel packets for this host -> the same
 *   inject (egress)     fabric_program_inject     packets of the host node, and copies
 */
#include "fabric_upcall.h"
#include "fabric_actions.h"
#include "fabric_measure.h"
#include "fabric_related.h"
#include "fabric_tunnel.h"

SEC("tc")
int fabric_program_lookup(struct __sk_buff *skb)
{
	struct fabric_scratch *s = fabric_current();

	return s ? fabric_look_up(skb, s) : TC_ACT_SHOT;
}

SEC("tc")
int fabric_program_port(struct __sk_buff *skb)
{
	fabric_u32 slot = skb->ifindex & 0xffff;
	struct fabric_device_port *device = bpf_map_lookup_elem(&fabric_devices, &slot);
	struct fabric_scratch *s = fabric_ground();

	if (!s || !device || device->device != skb->ifindex || !device->port)
		return TC_ACT_OK;
	s->level = 0;
	fabric_start(s, device->port);
	s->key.packet_mark = FABRIC_BE32(skb->mark);
	return fabric_look_up(skb, s);
}

/* A copy that a program made, or a packet of the host node's, which says by its mark which. */
SEC("tc")
int fabric_program_inject(struct __sk_buff *skb)
{
	struct fabric_scratch *ground = fabric_ground(), *s;
	struct fabric_execution *execution;
	fabric_u32 slot, i;

	if (!ground)
		return TC_ACT_SHOT;
	if (ground->is_copy) {
		ground->is_copy = 0;
		s = fabric_current();
		if (!s)
			return TC_ACT_SHOT;
		if (s->trim && s->trim < skb->len)
			bpf_skb_change_tail(skb, s->trim, 0);
		return fabric_go(skb, FABRIC_PROGRAM_ACTIONS);
	}

	slot = skb->mark - 1;
	execution = bpf_map_lookup_elem(&fabric_executions, &slot);
	if (!execution)
		return TC_ACT_SHOT;
	s = ground;
	s->level = 0;
	s->is_ingress = 0;
	s->is_stale = 1;
	s->now = bpf_ktime_get_coarse_ns();
#pragma unroll
	for (i = 0; i < FABRIC_KEY_WORDS; i++)
		s->word[i] = ((fabric_u64 *)&execution->key)[i];
	s->tunnel = execution->tunnel;
	s->passes = execution->passes;
	s->slot = FABRIC_NO_SLOT;
	s->sequel = 0;
	s->row = execution->row;
	s->pc = 0;
	s->is_single = 0;
	s->resumes = 0;
	skb->mark = FABRIC_BE32(s->key.packet_mark);
	if (execution->is_lookup)
		return fabric_go(skb, FABRIC_PROGRAM_LOOKUP);
	if (fabric_read_packet(skb, s) != 0)
		s->layout.transport = s->layout.payload = 0;
	return fabric_go(skb, FABRIC_PROGRAM_ACTIONS);
}

char fabric_license[] SEC("license") = "Dual BSD/GPL";
