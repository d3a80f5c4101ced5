/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Flows as messages, and packets to be executed. One action that this extension cannot do refuses
 * the whole flow.
 */
#include "netlink.h"

enum { FLOW_KEY = 1, FLOW_ACTIONS, FLOW_STATS, FLOW_TCP_FLAGS, FLOW_USED, FLOW_MASK = 7 };
enum { FLOW_NEW = 1, FLOW_DEL, FLOW_GET, FLOW_SET };
enum { PACKET_PACKET = 1, PACKET_KEY, PACKET_ACTIONS, PACKET_MRU = 9 };
#define FABRIC_NLM_EXCL 0x200

static VOID fabric_flow_write(struct fabric_writer *writer, const struct fabric_flow *flow,
			      ULONG flags, ULONG sequence, ULONG pid)
{
	ULONG start = fabric_write_start(writer, FABRIC_FAMILY_FLOW, flags, sequence, pid, FLOW_NEW, 1);
	LONG64 stats[2] = { flow->packets, flow->bytes };
	UCHAR tcp_flags = (UCHAR)flow->tcp_flags;
	ULONG64 used = flow->used / 10000;

	fabric_write(writer, FLOW_KEY, flow->blob, flow->key_size);
	if (flow->mask_size)
		fabric_write(writer, FLOW_MASK, flow->blob + flow->key_size, flow->mask_size);
	fabric_write(writer, FLOW_ACTIONS, flow->blob + flow->key_size + flow->mask_size,
		     flow->actions_size);
	if (flow->packets) {
		fabric_write(writer, FLOW_STATS, stats, sizeof(stats));
		fabric_write(writer, FLOW_USED, &used, sizeof(used));
	}
	if (tcp_flags)
		fabric_write(writer, FLOW_TCP_FLAGS, &tcp_flags, 1);
	fabric_write_end(writer, start);
}

static int fabric_flow_build(const struct fabric_attribute *a, const struct fabric_flow_key *key,
			     struct fabric_flow **built)
{
	struct fabric_action *actions;
	struct fabric_flow *flow;
	UCHAR *at;
	ULONG count;
	int error = fabric_actions_make(a[FLOW_ACTIONS].data, a[FLOW_ACTIONS].size, &actions,
					&count);

	if (error)
		return error;
	flow = fabric_allocate(sizeof(*flow));
	if (!flow) {
		fabric_free(actions);
		return FABRIC_ENOMEM;
	}
	flow->key = *key;
	flow->key_size = a[FLOW_KEY].size;
	flow->mask_size = a[FLOW_MASK].data ? a[FLOW_MASK].size : 0;
	flow->actions_size = a[FLOW_ACTIONS].size;
	flow->action_count = count;
	flow->actions = actions;
	flow->blob = fabric_allocate(flow->key_size + flow->mask_size + flow->actions_size + 1);
	if (!flow->blob) {
		fabric_flow_free(flow);
		return FABRIC_ENOMEM;
	}
	at = flow->blob;
	memcpy(at, a[FLOW_KEY].data, flow->key_size);
	if (flow->mask_size)
		memcpy(at + flow->key_size, a[FLOW_MASK].data, flow->mask_size);
	memcpy(at + flow->key_size + flow->mask_size, a[FLOW_ACTIONS].data, flow->actions_size);
	*built = flow;
	return 0;
}

/* Under the lock for writing. A flow that is there gets the new actions and keeps its counts. */
static int fabric_flow_put(struct fabric_extension *extension, const struct fabric_message *request,
			   const struct fabric_attribute *a, const struct fabric_flow_key *key,
			   const struct fabric_flow_key *mask)
{
	struct fabric_flow *old = fabric_table_exact(&extension->table, key, mask), *flow;
	int error;

	if (request->command == FLOW_SET && !old)
		return FABRIC_ENOENT;
	if (request->command == FLOW_NEW && old && (request->flags & FABRIC_NLM_EXCL))
		return FABRIC_EEXIST;
	if (!a[FLOW_ACTIONS].data)
		return FABRIC_EINVAL;
	error = fabric_flow_build(a, key, &flow);
	if (error)
		return error;
	if (old) {
		struct fabric_action *actions = old->actions;
		UCHAR *blob = old->blob;

		old->actions = flow->actions;
		old->action_count = flow->action_count;
		old->blob = flow->blob;
		old->key_size = flow->key_size;
		old->mask_size = flow->mask_size;
		old->actions_size = flow->actions_size;
		flow->actions = actions;
		flow->blob = blob;
		fabric_flow_free(flow);
		return 0;
	}
	if (fabric_table_add(&extension->table, flow, mask) != STATUS_SUCCESS) {
		fabric_flow_free(flow);
		return FABRIC_ENOSPC;
	}
	return 0;
}

/*
 * GET and DEL may come without a mask, as those of the tools do: then the flow is meant that was
 * put with this key, whatever its mask.
 */
static struct fabric_flow *fabric_flow_find(struct fabric_table *table,
					    const struct fabric_attribute *a,
					    const struct fabric_flow_key *key,
					    const struct fabric_flow_key *mask)
{
	struct fabric_flow *flow = fabric_table_exact(table, key, mask);
	struct fabric_flow_key own;
	ULONG i;

	for (i = 0; !flow && !a[FLOW_MASK].data && i < table->mask_count; i++) {
		struct fabric_flow *candidate = fabric_table_exact(table, key,
								   &table->masks[i]->mask);

		if (candidate && !fabric_key_parse(candidate->blob, candidate->key_size, &own,
						   FABRIC_KEY_FLOW) &&
		    !memcmp(&own, key, sizeof(own)))
			flow = candidate;
	}
	return flow;
}

VOID fabric_flow_request(struct fabric_extension *extension, const struct fabric_message *request,
			 struct fabric_writer *reply)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	struct fabric_flow_key key, mask;
	struct fabric_flow *flow;
	int error = 0;

	if (!fabric_attributes(request->attributes, request->attributes_size, a)) {
		fabric_write_error(reply, request, FABRIC_EINVAL);
		return;
	}
	if (request->command == FLOW_DEL && !a[FLOW_KEY].data) {
		fabric_table_clear(&extension->table);
		fabric_write_error(reply, request, 0);
		return;
	}
	if (!a[FLOW_KEY].data)
		error = FABRIC_EINVAL;
	/* Without a mask every bit counts, as in the contract's oldest form. */
	memset(&mask, 0xff, sizeof(mask));
	if (!error)
		error = fabric_key_parse(a[FLOW_KEY].data, a[FLOW_KEY].size, &key, FABRIC_KEY_FLOW);
	if (!error && a[FLOW_MASK].data)
		error = fabric_key_parse(a[FLOW_MASK].data, a[FLOW_MASK].size, &mask, FABRIC_KEY_MASK);
	if (!error && (request->command == FLOW_NEW || request->command == FLOW_SET))
		error = fabric_flow_put(extension, request, a, &key, &mask);
	else if (!error && request->command != FLOW_DEL && request->command != FLOW_GET)
		error = FABRIC_ENOTSUPP;
	if (error) {
		fabric_write_error(reply, request, error);
		return;
	}
	flow = fabric_flow_find(&extension->table, a, &key, &mask);
	if (!flow) {
		fabric_write_error(reply, request, FABRIC_ENOENT);
		return;
	}
	fabric_flow_write(reply, flow, 0, request->sequence, request->pid);
	if (request->command == FLOW_DEL) {
		fabric_table_remove(&extension->table, flow);
		fabric_flow_free(flow);
	}
}

/*
 * Position: masks in the upper, buckets in the lower half. A whole bucket fits a reply or comes
 * with the next one; a table that changes meanwhile may show a flow twice or not at all.
 */
BOOLEAN fabric_flow_dump(struct fabric_extension *extension, const struct fabric_message *request,
			 ULONG *at, struct fabric_writer *reply)
{
	ULONG mask = *at >> 20, bucket = *at & 0xfffff;

	for (; mask < extension->table.mask_count; mask++, bucket = 0) {
		struct fabric_subtable *here = extension->table.masks[mask];

		for (; bucket < here->bucket_count; bucket++) {
			struct fabric_flow *flow = here->buckets[bucket];
			ULONG start = reply->at;

			for (; flow; flow = flow->next)
				fabric_flow_write(reply, flow, FABRIC_NLM_MULTI, request->sequence,
						  request->pid);
			if (reply->has_overflown) {
				reply->at = start;
				reply->has_overflown = FALSE;
				/* A bucket that no reply can hold is passed over. */
				*at = mask << 20 | (start ? bucket : bucket + 1);
				return FALSE;
			}
		}
	}
	*at = mask << 20;
	return TRUE;
}

/* The largest IP packet that the receiver of this one got; 0: it came whole. */
static ULONG fabric_fragment_size_of(const struct fabric_attribute *mru)
{
	fabric_u16 size = 0;

	if (mru->data && mru->size >= 2)
		memcpy(&size, mru->data, 2);
	return size;
}

VOID fabric_packet_request(struct fabric_extension *extension,
			   const struct fabric_message *request, struct fabric_writer *reply)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	struct fabric_action *actions = NULL;
	struct fabric_hold *hold = NULL;
	struct fabric_batch batch;
	struct fabric_packet packet;
	LOCK_STATE_EX state;
	ULONG count = 0;
	int error = FABRIC_EINVAL;

	memset(&packet, 0, sizeof(packet));
	if (request->command == 3 &&
	    fabric_attributes(request->attributes, request->attributes_size, a) &&
	    a[PACKET_PACKET].data && a[PACKET_KEY].data && a[PACKET_ACTIONS].data &&
	    a[PACKET_PACKET].size >= FABRIC_ETHERNET_SIZE)
		error = fabric_key_parse(a[PACKET_KEY].data, a[PACKET_KEY].size, &packet.key,
					 FABRIC_KEY_PACKET);
	if (!error)
		error = fabric_actions_make(a[PACKET_ACTIONS].data, a[PACKET_ACTIONS].size,
					    &actions, &count);
	fabric_batch_start(extension, &batch);
	NdisAcquireRWLockRead(extension->lock, &state, 0);
	if (!error && extension->state != FABRIC_RUNNING)
		error = FABRIC_ENODEV;
	if (!error) {
		packet.list = fabric_copy_of_bytes(extension, a[PACKET_PACKET].data,
						   a[PACKET_PACKET].size);
		error = packet.list ? 0 : FABRIC_ENOMEM;
	}
	if (!error) {
		packet.extension = extension;
		packet.batch = &batch;
		packet.buffer = packet.list->FirstNetBuffer;
		packet.hold = &hold;
		packet.length = a[PACKET_PACKET].size;
		packet.fragment_size = fabric_fragment_size_of(&a[PACKET_MRU]);
		packet.source = fabric_port_by_number(extension, packet.key.in_port);
		if (packet.source)
			extension->handlers.SetNetBufferListSource(
				extension->context, packet.list, packet.source->port_id,
				packet.source->nic_index);
		if (fabric_extract(&packet) == FABRIC_DROP_None)
			fabric_execute(&packet, actions, count, a[PACKET_ACTIONS].data);
		else
			fabric_discard(&packet);
	}
	NdisReleaseRWLock(extension->lock, &state);
	fabric_batch_finish(&batch);
	fabric_free(actions);
	fabric_write_error(reply, request, error);
}
