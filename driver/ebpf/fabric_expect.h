/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Control channels (FTP, TFTP): which of their packets the host node reads, and what becomes of
 * connections that they announced.
 */
#ifndef FABRIC_EXPECT_H
#define FABRIC_EXPECT_H

#include "fabric_track.h"

FABRIC_INLINE fabric_u8 fabric_helper_of(const struct fabric_conntrack_spec *spec,
					 fabric_u8 protocol)
{
	if ((spec->flags & FABRIC_CT_FTP) && protocol == FABRIC_PROTOCOL_TCP)
		return FABRIC_HELPER_FTP;
	if ((spec->flags & FABRIC_CT_TFTP) && protocol == FABRIC_PROTOCOL_UDP)
		return FABRIC_HELPER_TFTP;
	return FABRIC_HELPER_NONE;
}

/* The host node reads this packet: it may announce, or its numbers are not the other end's. */
FABRIC_INLINE int fabric_is_read(const struct fabric_scratch *s,
				 const struct fabric_connection *connection, fabric_u32 is_reply)
{
	if (!s->rest || !connection->helper)
		return 0;
	if (connection->helper == FABRIC_HELPER_FTP)
		return s->segment.payload_size || connection->nat != FABRIC_NAT_NONE;
	return !is_reply;
}

/* The same of a first packet: TFTP announces at once. */
FABRIC_INLINE int fabric_is_read_first(const struct fabric_scratch *s,
				       const struct fabric_conntrack_spec *spec)
{
	return s->rest && (spec->flags & FABRIC_CT_COMMIT) &&
	       fabric_helper_of(spec, s->tuple.protocol) == FABRIC_HELPER_TFTP;
}

/* The expectation that s->tuple fulfils, or 0; its key stays in s->quoted. */
FABRIC_INLINE struct fabric_expectation *fabric_find_expected(struct fabric_scratch *s)
{
	struct fabric_settings *settings = fabric_configured();
	struct fabric_expectation *expected;

	if (!settings || !settings->expectations)
		return 0;
	s->quoted = s->tuple;
	s->quoted.port_source = 0;
	expected = bpf_map_lookup_elem(&fabric_expectations, &s->quoted);
	return expected && expected->expires > s->now ? expected : 0;
}

/* The channel that announced it, while it is there. */
FABRIC_INLINE struct fabric_connection *
fabric_control_of(const struct fabric_scratch *s, const struct fabric_expectation *expected)
{
	struct fabric_connection *control =
		bpf_map_lookup_elem(&fabric_connections, &expected->control);

	return control && control->expires > s->now ? control : 0;
}

FABRIC_INLINE void fabric_inherit(struct fabric_connection *fresh,
				  const struct fabric_connection *control)
{
	fresh->is_related = 1;
	fresh->mark = control->mark;
	__builtin_memcpy(fresh->label, control->label, 16);
}

/* The connection has come: its key tells its channel from now on, and no other fulfils this. */
FABRIC_INLINE void fabric_fulfil(struct fabric_scratch *s,
				 const struct fabric_expectation *expected)
{
	bpf_map_update_elem(&fabric_parents, &s->tuple, &expected->control, BPF_ANY);
	bpf_map_delete_elem(&fabric_expectations, &s->quoted);
}

#endif
