/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Actions: checked and turned into their executable form when they are installed, so that
 * execution meets none that it cannot do.
 */
#include "../tunnels/tunnel.h"
#include "netlink.h"

enum {
	ACTION_OUTPUT = 1, ACTION_USERSPACE = 2, ACTION_SET = 3, ACTION_PUSH_VLAN = 4,
	ACTION_POP_VLAN = 5, ACTION_SAMPLE = 6, ACTION_RECIRC = 7, ACTION_HASH = 8, ACTION_SET_MASKED = 11,
	ACTION_CT = 12, ACTION_TRUNC = 13, ACTION_CT_CLEAR = 16, ACTION_METER = 19,
	ACTION_CLONE = 20, ACTION_CHECK_LENGTH = 21, ACTION_DECREMENT_TTL = 23, ACTION_DROP = 24
};
enum {
	KEY_ETHERNET = 4, KEY_IPV4 = 7, KEY_IPV6 = 8, KEY_TCP = 9, KEY_UDP = 10, KEY_MARK = 15,
	KEY_TUNNEL = 16
};
enum { HASH_SYMMETRIC = 1 };
enum { SAMPLE_PROBABILITY = 1, SAMPLE_ACTIONS };
enum { DECREMENT_TTL_ACTION = 1 };
enum { CHECK_LENGTH = 1, CHECK_LONGER, CHECK_ELSE };
enum { CT_COMMIT = 1, CT_ZONE, CT_MARK, CT_LABELS, CT_HELPER, CT_NAT, CT_FORCE, CT_TIMEOUT = 9 };
enum {
	NAT_SOURCE = 1, NAT_DESTINATION, NAT_IP_MIN, NAT_IP_MAX, NAT_PORT_MIN, NAT_PORT_MAX,
	NAT_PERSISTENT, NAT_HASH, NAT_RANDOM
};

static VOID fabric_nat_address_of(const struct fabric_attribute *attribute, UCHAR *address)
{
	if (attribute->size >= 16) {
		memcpy(address, attribute->data, 16);
	} else {
		address[10] = address[11] = 0xff;
		memcpy(address + 12, attribute->data, 4);
	}
}

/* How many addresses there are from the first to the last; what does not fit 32 bits is all. */
static ULONG fabric_address_count(const UCHAR *first, const UCHAR *last)
{
	fabric_u64 from = 0, to = 0;
	ULONG i;

	for (i = 8; i < 16; i++) {
		from = from << 8 | first[i];
		to = to << 8 | last[i];
	}
	if (to < from || to - from >= 0xffffffff)
		return to < from ? 1 : 0xffffffff;
	return (ULONG)(to - from) + 1;
}

static int fabric_nat_parse(const struct fabric_attribute *nat, struct fabric_conntrack_spec *spec)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	UCHAR last[16] = { 0 };
	USHORT port;

	if (!fabric_attributes(nat->data, nat->size, a))
		return FABRIC_EINVAL;
	spec->nat = a[NAT_SOURCE].data	      ? FABRIC_NAT_SOURCE
		    : a[NAT_DESTINATION].data ? FABRIC_NAT_DESTINATION : FABRIC_NAT_NONE;
	if (a[NAT_IP_MIN].data) {
		const struct fabric_attribute *end = a[NAT_IP_MAX].data ? &a[NAT_IP_MAX]
									: &a[NAT_IP_MIN];

		if (a[NAT_IP_MIN].size < 4 || end->size < 4)
			return FABRIC_EINVAL;
		fabric_nat_address_of(&a[NAT_IP_MIN], spec->address_min);
		fabric_nat_address_of(end, last);
		spec->address_count = fabric_address_count(spec->address_min, last);
		spec->has_address = 1;
	}
	if (a[NAT_PORT_MIN].data && a[NAT_PORT_MIN].size >= 2) {
		memcpy(&port, a[NAT_PORT_MIN].data, 2);
		spec->port_min = spec->port_max = port;
	}
	if (a[NAT_PORT_MAX].data && a[NAT_PORT_MAX].size >= 2) {
		memcpy(&port, a[NAT_PORT_MAX].data, 2);
		spec->port_max = port;
	}
	spec->flags |= (a[NAT_PERSISTENT].data ? FABRIC_CT_PERSISTENT : 0) |
		       (a[NAT_HASH].data ? FABRIC_CT_HASH : 0) |
		       (a[NAT_RANDOM].data ? FABRIC_CT_RANDOM : 0);
	return 0;
}

/* Helpers and timeout policies are not here: the flow stays in userspace. */
int fabric_conntrack_parse(const UCHAR *bytes, ULONG size, struct fabric_conntrack_spec *spec)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	ULONG pair[2];

	if (!fabric_attributes(bytes, size, a))
		return FABRIC_EINVAL;
	if (a[CT_HELPER].data || a[CT_TIMEOUT].data)
		return FABRIC_ENOTSUPP;
	memset(spec, 0, sizeof(*spec));
	spec->nat = FABRIC_NAT_ABSENT;
	spec->flags = (a[CT_COMMIT].data ? FABRIC_CT_COMMIT : 0) |
		      (a[CT_FORCE].data ? FABRIC_CT_COMMIT | FABRIC_CT_FORCE : 0);
	if (a[CT_ZONE].data) {
		if (a[CT_ZONE].size < 2)
			return FABRIC_EINVAL;
		memcpy(&spec->zone, a[CT_ZONE].data, 2);
	}
	if (a[CT_MARK].data) {
		if (a[CT_MARK].size < 8)
			return FABRIC_EINVAL;
		memcpy(pair, a[CT_MARK].data, 8);
		spec->mark = FABRIC_BE32(pair[0]);
		spec->mark_mask = FABRIC_BE32(pair[1]);
	}
	if (a[CT_LABELS].data) {
		if (a[CT_LABELS].size < 32)
			return FABRIC_EINVAL;
		memcpy(spec->label, a[CT_LABELS].data, 16);
		memcpy(spec->label_mask, a[CT_LABELS].data + 16, 16);
	}
	return a[CT_NAT].data ? fabric_nat_parse(&a[CT_NAT], spec) : 0;
}

static ULONG fabric_set_size(ULONG type)
{
	switch (type) {
	case KEY_ETHERNET:
	case KEY_IPV4: return 12;
	case KEY_IPV6: return 40;
	case KEY_TCP:
	case KEY_UDP:
	case KEY_MARK: return 4;
	default: return 0;
	}
}

/* Value and mask are whole. */
static VOID fabric_set_fill(ULONG type, const UCHAR *value, const UCHAR *mask,
			    struct fabric_action *action)
{
	switch (type) {
	case KEY_ETHERNET:
		action->kind = FABRIC_ACTION_SET_ETHERNET;
		memcpy(action->ethernet.value, value + 6, 6); /* The wire has destination first. */
		memcpy(action->ethernet.value + 6, value, 6);
		memcpy(action->ethernet.mask, mask + 6, 6);
		memcpy(action->ethernet.mask + 6, mask, 6);
		break;
	case KEY_IPV4:
		action->kind = FABRIC_ACTION_SET_IPV4;
		memcpy(action->ipv4.value, value, 8);
		memcpy(action->ipv4.value + 8, value + 9, 2);
		memcpy(action->ipv4.mask, mask, 8);
		memcpy(action->ipv4.mask + 8, mask + 9, 2);
		break;
	case KEY_IPV6:
		action->kind = FABRIC_ACTION_SET_IPV6;
		memcpy(action->ipv6.value, value, 40);
		memcpy(action->ipv6.mask, mask, 40);
		break;
	case KEY_MARK:
		action->kind = FABRIC_ACTION_SET_MARK;
		memcpy(&action->mark.value, value, 4);
		memcpy(&action->mark.mask, mask, 4);
		break;
	default:
		action->kind = FABRIC_ACTION_SET_PORTS;
		memcpy(action->ports.value, value, 4);
		memcpy(action->ports.mask, mask, 4);
		break;
	}
}

/* One field group, a value and, for a masked set, as many bytes of mask behind it. */
static int fabric_set_parse(const UCHAR *bytes, ULONG size, BOOLEAN is_masked,
			    struct fabric_action *action)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	UCHAR all[40];
	ULONG type;

	if (!fabric_attributes(bytes, size, a))
		return FABRIC_EINVAL;
	for (type = 0; type < FABRIC_NL_ATTRIBUTES_MAX && !a[type].data; type++)
		;
	if (type == KEY_TUNNEL && !is_masked) {
		action->kind = FABRIC_ACTION_SET_TUNNEL;
		return fabric_tunnel_parse(a[type].data, a[type].size, &action->tunnel);
	}
	size = fabric_set_size(type);
	if (!size)
		return FABRIC_ENOTSUPP;
	if (a[type].size < size * (is_masked ? 2 : 1))
		return FABRIC_EINVAL;
	memset(all, 255, sizeof(all));
	fabric_set_fill(type, a[type].data, is_masked ? a[type].data + size : all, action);
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
				       [ACTION_METER] = 4, [ACTION_DROP] = 4 };

	if (type < sizeof(sizes) && size < sizes[type])
		return FABRIC_EINVAL;
	switch (type) {
	case ACTION_OUTPUT:
	case ACTION_RECIRC:
	case ACTION_TRUNC:
	case ACTION_METER:
	case ACTION_DROP:
		action->kind = type == ACTION_OUTPUT ? FABRIC_ACTION_OUTPUT
			       : type == ACTION_RECIRC ? FABRIC_ACTION_RECIRCULATE
			       : type == ACTION_TRUNC ? FABRIC_ACTION_TRUNCATE
			       : type == ACTION_METER ? FABRIC_ACTION_METER
						      : FABRIC_ACTION_DROP;
		memcpy(&action->number, bytes, 4);
		return type == ACTION_TRUNC && action->number < FABRIC_ETHERNET_SIZE ? FABRIC_EINVAL
										      : 0;
	case ACTION_HASH:
		action->kind = FABRIC_ACTION_HASH;
		action->hash.is_symmetric = bytes[0] == HASH_SYMMETRIC;
		memcpy(&action->hash.basis, bytes + 4, 4);
		return 0;
	case ACTION_PUSH_VLAN:
		action->kind = FABRIC_ACTION_PUSH_VLAN;
		memcpy(&action->vlan.tpid, bytes, 2);
		memcpy(&action->vlan.tci, bytes + 2, 2);
		return FABRIC_BE16(action->vlan.tci) & 0x1000 ? 0 : FABRIC_EINVAL;
	case ACTION_POP_VLAN:
		action->kind = FABRIC_ACTION_POP_VLAN;
		return 0;
	case ACTION_CT:
		action->kind = FABRIC_ACTION_CONNTRACK;
		return fabric_conntrack_parse(bytes, size, &action->conntrack);
	case ACTION_CT_CLEAR:
		action->kind = FABRIC_ACTION_CONNTRACK_CLEAR;
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

/* One at 'at': its type, length and where the next one is. FALSE: it is cut. */
static BOOLEAN fabric_action_at(const UCHAR *bytes, ULONG size, ULONG at, ULONG *type,
				ULONG *length, ULONG *next)
{
	*length = bytes[at] | (ULONG)bytes[at + 1] << 8;
	*type = (bytes[at + 2] | (ULONG)bytes[at + 3] << 8) & 0x3fff;
	if (*length < 4 || *length > size - at)
		return FALSE;
	*next = ((*length + 3) & ~3u) > size - at ? size : at + ((*length + 3) & ~3u);
	return TRUE;
}

/* A list that is being made: in room for the most, and with the bytes that userdata stands in. */
struct fabric_action_list {
	const UCHAR *bytes;
	struct fabric_action *actions;
	ULONG count;
};

static int fabric_branch_parse(struct fabric_action_list *list, struct fabric_action *branch,
			       ULONG type, const UCHAR *bytes, ULONG size, ULONG depth);

static int fabric_actions_parse(struct fabric_action_list *list, const UCHAR *bytes, ULONG size,
				ULONG depth)
{
	ULONG at, type, length, next = 0;
	int error = 0;

	for (at = 0; !error && size - at >= 4; at = next) {
		struct fabric_action *action = &list->actions[list->count];

		if (!fabric_action_at(bytes, size, at, &type, &length, &next))
			return FABRIC_EINVAL;
		if (list->count == FABRIC_ACTIONS_MAX)
			return FABRIC_ENOSPC;
		list->count++;
		error = type == ACTION_CLONE || type == ACTION_CHECK_LENGTH ||
					type == ACTION_SAMPLE || type == ACTION_DECREMENT_TTL
				? fabric_branch_parse(list, action, type, bytes + at + 4, length - 4,
						      depth)
				: fabric_action_parse(list->bytes, type, bytes + at + 4, length - 4,
						      action);
	}
	return error ? error : at == size ? 0 : FABRIC_EINVAL;
}

/* A branch with one list: the whole of a clone, one attribute of a sample or of dec_ttl. */
static int fabric_one_branch_parse(struct fabric_action_list *list, struct fabric_action *branch,
				   ULONG type, const UCHAR *bytes, ULONG size, ULONG depth)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	ULONG start = list->count, inner = DECREMENT_TTL_ACTION;
	int error;

	branch->kind = type == ACTION_CLONE ? FABRIC_ACTION_CLONE
		       : type == ACTION_SAMPLE ? FABRIC_ACTION_SAMPLE
					       : FABRIC_ACTION_DECREMENT_TTL;
	if (type != ACTION_CLONE) {
		if (!fabric_attributes(bytes, size, a))
			return FABRIC_EINVAL;
		if (type == ACTION_SAMPLE) {
			inner = SAMPLE_ACTIONS;
			if (!a[SAMPLE_PROBABILITY].data || a[SAMPLE_PROBABILITY].size < 4)
				return FABRIC_EINVAL;
			branch->branch.limit = fabric_u32_of(&a[SAMPLE_PROBABILITY], 0);
		}
		bytes = a[inner].data;
		size = bytes ? a[inner].size : 0;
	}
	error = fabric_actions_parse(list, bytes, size, depth + 1);
	branch->branch.count = list->count - start;
	return error;
}

static int fabric_branch_parse(struct fabric_action_list *list, struct fabric_action *branch,
			       ULONG type, const UCHAR *bytes, ULONG size, ULONG depth)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	ULONG start = list->count;
	USHORT length = 0;
	int error;

	if (depth == FABRIC_BRANCH_DEPTH_MAX)
		return FABRIC_ENOTSUPP;
	if (type != ACTION_CHECK_LENGTH)
		return fabric_one_branch_parse(list, branch, type, bytes, size, depth);
	if (!fabric_attributes(bytes, size, a) || !a[CHECK_LENGTH].data || a[CHECK_LENGTH].size < 2)
		return FABRIC_EINVAL;
	memcpy(&length, a[CHECK_LENGTH].data, 2);
	branch->kind = FABRIC_ACTION_LENGTH;
	branch->branch.limit = length;
	error = fabric_actions_parse(list, a[CHECK_LONGER].data, a[CHECK_LONGER].size, depth + 1);
	branch->branch.count = list->count - start;
	start = list->count;
	if (!error)
		error = fabric_actions_parse(list, a[CHECK_ELSE].data, a[CHECK_ELSE].size,
					     depth + 1);
	branch->branch.count_else = list->count - start;
	return error;
}

int fabric_actions_make(const UCHAR *bytes, ULONG size, struct fabric_action **made, ULONG *count)
{
	struct fabric_action_list list;
	int error;

	*count = 0;
	list.bytes = bytes;
	list.count = 0;
	list.actions = fabric_allocate((FABRIC_ACTIONS_MAX + 1) * (ULONG)sizeof(*list.actions));
	if (!list.actions)
		return FABRIC_ENOMEM;
	error = fabric_actions_parse(&list, bytes, size, 0);
	if (!error) {
		*made = fabric_allocate((list.count ? list.count : 1) * (ULONG)sizeof(**made));
		error = *made ? 0 : FABRIC_ENOMEM;
	}
	if (!error) {
		memcpy(*made, list.actions, list.count * sizeof(**made));
		*count = list.count;
	}
	fabric_free(list.actions);
	return error;
}
