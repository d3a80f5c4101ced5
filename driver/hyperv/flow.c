/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Flows and actions as messages. Actions are checked and turned into their executable form when
 * they are installed; one that this extension cannot do refuses the whole flow.
 */
#include "netlink.h"

enum { FLOW_KEY = 1, FLOW_ACTIONS, FLOW_STATS, FLOW_TCP_FLAGS, FLOW_USED, FLOW_MASK = 7 };
enum { FLOW_NEW = 1, FLOW_DEL, FLOW_GET, FLOW_SET };
enum { PACKET_PACKET = 1, PACKET_KEY, PACKET_ACTIONS };
enum {
	ACTION_OUTPUT = 1, ACTION_USERSPACE = 2, ACTION_SET = 3, ACTION_PUSH_VLAN = 4,
	ACTION_POP_VLAN = 5, ACTION_RECIRC = 7, ACTION_HASH = 8, ACTION_SET_MASKED = 11,
	ACTION_TRUNC = 13, ACTION_DROP = 24
};
enum { KEY_ETHERNET = 4, KEY_IPV4 = 7, KEY_TCP = 9, KEY_UDP = 10 };
#define FABRIC_NLM_EXCL 0x200

/* One field group, a value and, for a masked set, as many bytes of mask behind it. */
static int fabric_set_parse(const UCHAR *bytes, ULONG size, BOOLEAN is_masked,
			    struct fabric_action *action)
{
	static const UCHAR all[12] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	const UCHAR *value, *mask;
	ULONG type;

	if (!fabric_attributes(bytes, size, a))
		return FABRIC_EINVAL;
	for (type = 0; type < FABRIC_NL_ATTRIBUTES_MAX && !a[type].data; type++)
		;
	if (type != KEY_ETHERNET && type != KEY_IPV4 && type != KEY_TCP && type != KEY_UDP)
		return FABRIC_ENOTSUPP;
	size = type == KEY_ETHERNET || type == KEY_IPV4 ? 12 : 4;
	if (a[type].size < size * (is_masked ? 2 : 1))
		return FABRIC_EINVAL;
	value = a[type].data;
	mask = is_masked ? value + size : all;
	if (type == KEY_ETHERNET) {
		action->kind = FABRIC_ACTION_SET_ETHERNET;
		memcpy(action->ethernet.value, value + 6, 6); /* The wire has destination first. */
		memcpy(action->ethernet.value + 6, value, 6);
		memcpy(action->ethernet.mask, mask + 6, 6);
		memcpy(action->ethernet.mask + 6, mask, 6);
	} else if (type == KEY_IPV4) {
		action->kind = FABRIC_ACTION_SET_IPV4;
		memcpy(action->ipv4.value, value, 8);
		memcpy(action->ipv4.value + 8, value + 9, 2);
		memcpy(action->ipv4.mask, mask, 8);
		memcpy(action->ipv4.mask + 8, mask + 9, 2);
	} else {
		action->kind = FABRIC_ACTION_SET_PORTS;
		memcpy(action->ports.value, value, 4);
		memcpy(action->ports.mask, mask, 4);
	}
	return 0;
}

static int fabric_userspace_parse(const UCHAR *actions, const UCHAR *bytes, ULONG size,
				  struct fabric_action *action)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];

	if (!fabric_attributes(bytes, size, a) || !a[1].data || a[1].size < 4)
		return FABRIC_EINVAL;
	action->kind = FABRIC_ACTION_USERSPACE;
	action->userspace.pid = fabric_u32_of(&a[1], 0);
	action->userspace.offset = a[2].data ? (ULONG)(a[2].data - actions) : 0;
	action->userspace.length = a[2].data ? a[2].size : 0;
	return 0;
}

static int fabric_action_parse(const UCHAR *all, ULONG type, const UCHAR *bytes, ULONG size,
			       struct fabric_action *action)
{
	static const UCHAR sizes[] = { [ACTION_OUTPUT] = 4, [ACTION_PUSH_VLAN] = 4,
				       [ACTION_RECIRC] = 4, [ACTION_HASH] = 8, [ACTION_TRUNC] = 4,
				       [ACTION_DROP] = 4 };

	if (type < sizeof(sizes) && size < sizes[type])
		return FABRIC_EINVAL;
	switch (type) {
	case ACTION_OUTPUT:
	case ACTION_RECIRC:
	case ACTION_TRUNC:
	case ACTION_DROP:
		action->kind = type == ACTION_OUTPUT ? FABRIC_ACTION_OUTPUT
			       : type == ACTION_RECIRC ? FABRIC_ACTION_RECIRCULATE
			       : type == ACTION_TRUNC ? FABRIC_ACTION_TRUNCATE
						      : FABRIC_ACTION_DROP;
		memcpy(&action->number, bytes, 4);
		return type == ACTION_TRUNC && action->number < FABRIC_ETHERNET_SIZE ? FABRIC_EINVAL
										      : 0;
	case ACTION_HASH:
		action->kind = FABRIC_ACTION_HASH;
		memcpy(&action->number, bytes + 4, 4);
		return 0;
	case ACTION_PUSH_VLAN:
		action->kind = FABRIC_ACTION_PUSH_VLAN;
		memcpy(&action->vlan.tpid, bytes, 2);
		memcpy(&action->vlan.tci, bytes + 2, 2);
		return FABRIC_BE16(action->vlan.tci) & 0x1000 ? 0 : FABRIC_EINVAL;
	case ACTION_POP_VLAN:
		action->kind = FABRIC_ACTION_POP_VLAN;
		return 0;
	case ACTION_USERSPACE:
		return fabric_userspace_parse(all, bytes, size, action);
	case ACTION_SET:
		return fabric_set_parse(bytes, size, FALSE, action);
	case ACTION_SET_MASKED:
		return fabric_set_parse(bytes, size, TRUE, action);
	default:
		return FABRIC_ENOTSUPP;
	}
}

int fabric_actions_parse(const UCHAR *bytes, ULONG size, struct fabric_action *actions,
			 ULONG *count)
{
	ULONG at = 0;

	*count = 0;
	while (size - at >= 4) {
		ULONG length = bytes[at] | (ULONG)bytes[at + 1] << 8;
		ULONG type = (bytes[at + 2] | (ULONG)bytes[at + 3] << 8) & 0x3fff;
		int error;

		if (length < 4 || length > size - at)
			return FABRIC_EINVAL;
		if (*count == FABRIC_ACTIONS_MAX)
			return FABRIC_ENOSPC;
		memset(&actions[*count], 0, sizeof(*actions));
		error = fabric_action_parse(bytes, type, bytes + at + 4, length - 4,
					    &actions[*count]);
		if (error)
			return error;
		(*count)++;
		length = (length + 3) & ~3u;
		at = length > size - at ? size : at + length;
	}
	return at == size ? 0 : FABRIC_EINVAL;
}

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
	struct fabric_action actions[FABRIC_ACTIONS_MAX];
	struct fabric_flow *flow;
	UCHAR *at;
	ULONG count;
	int error = fabric_actions_parse(a[FLOW_ACTIONS].data, a[FLOW_ACTIONS].size, actions,
					 &count);

	if (error)
		return error;
	flow = fabric_allocate(sizeof(*flow));
	if (!flow)
		return FABRIC_ENOMEM;
	flow->key = *key;
	flow->key_size = a[FLOW_KEY].size;
	flow->mask_size = a[FLOW_MASK].data ? a[FLOW_MASK].size : 0;
	flow->actions_size = a[FLOW_ACTIONS].size;
	flow->action_count = count;
	flow->actions = fabric_allocate((count ? count : 1) * (ULONG)sizeof(*actions));
	flow->blob = fabric_allocate(flow->key_size + flow->mask_size + flow->actions_size + 1);
	if (!flow->actions || !flow->blob) {
		fabric_flow_free(flow);
		return FABRIC_ENOMEM;
	}
	memcpy(flow->actions, actions, count * sizeof(*actions));
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
		error = fabric_key_parse(a[FLOW_KEY].data, a[FLOW_KEY].size, &key, FALSE);
	if (!error && a[FLOW_MASK].data)
		error = fabric_key_parse(a[FLOW_MASK].data, a[FLOW_MASK].size, &mask, TRUE);
	if (!error && (request->command == FLOW_NEW || request->command == FLOW_SET))
		error = fabric_flow_put(extension, request, a, &key, &mask);
	else if (!error && request->command != FLOW_DEL && request->command != FLOW_GET)
		error = FABRIC_ENOTSUPP;
	if (error) {
		fabric_write_error(reply, request, error);
		return;
	}
	flow = fabric_table_exact(&extension->table, &key, &mask);
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
		struct fabric_mask *here = extension->table.masks[mask];

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

VOID fabric_packet_request(struct fabric_extension *extension,
			   const struct fabric_message *request, struct fabric_writer *reply)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	struct fabric_action actions[FABRIC_ACTIONS_MAX];
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
		error = fabric_key_parse(a[PACKET_KEY].data, a[PACKET_KEY].size, &packet.key, FALSE);
	if (!error)
		error = fabric_actions_parse(a[PACKET_ACTIONS].data, a[PACKET_ACTIONS].size, actions,
					     &count);
	fabric_batch_start(&batch);
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
	fabric_batch_finish(extension, &batch);
	fabric_write_error(reply, request, error);
}
