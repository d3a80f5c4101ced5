/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Netlink as the OVSEXT device speaks it: nlmsghdr (16 bytes), genlmsghdr (4), ovs_header (4), then
 * attributes. Numbers are those of the published contract (OVS 2.x to 3.7), little endian, fields
 * of packets in network order.
 */
#ifndef FABRIC_NETLINK_H
#define FABRIC_NETLINK_H

#include "../extension.h"

#define FABRIC_NL_HEAD 24
#define FABRIC_NL_ATTRIBUTES_MAX 32
#define FABRIC_NL_DEPTH_MAX 4

/* Error numbers of the Microsoft C library, which the contract uses. */
enum {
	FABRIC_ENOENT = 2,
	FABRIC_ENOMEM = 12,
	FABRIC_EEXIST = 17,
	FABRIC_ENODEV = 19,
	FABRIC_EINVAL = 22,
	FABRIC_ENOSPC = 28,
	FABRIC_ENOTSUPP = 129
};

enum { FABRIC_NL_ERROR = 2, FABRIC_NL_DONE = 3 };
enum {
	FABRIC_NLM_MULTI = 2, FABRIC_NLM_ACK = 4, FABRIC_NLM_DUMP = 0x300, FABRIC_NLM_CREATE = 0x400
};

enum {
	FABRIC_FAMILY_CONTROL = 17,
	FABRIC_FAMILY_DATAPATH = 18,
	FABRIC_FAMILY_PACKET = 19,
	FABRIC_FAMILY_VPORT = 20,
	FABRIC_FAMILY_FLOW = 21,
	FABRIC_FAMILY_NETDEV = 22,
	FABRIC_FAMILY_LIMIT = 24,
	FABRIC_FAMILY_METER = 25,
	FABRIC_FAMILY_CONNTRACK = 0x100 /* And the command in the lower byte. */
};

struct fabric_message {
	ULONG size, type, flags, sequence, pid;
	UCHAR command;
	const UCHAR *attributes;
	ULONG attributes_size;
};

struct fabric_attribute {
	const UCHAR *data; /* NULL: not there. */
	ULONG size;
};

/* Appends to a buffer that the caller gave; has_overflown stays set. */
struct fabric_writer {
	UCHAR *bytes;
	ULONG size, at;
	BOOLEAN has_overflown;
};

BOOLEAN fabric_message_parse(const UCHAR *bytes, ULONG size, struct fabric_message *message);
/* Slots of types 0 to 31; FALSE when one is cut. Types above are skipped. */
BOOLEAN fabric_attributes(const UCHAR *bytes, ULONG size,
			  struct fabric_attribute slots[FABRIC_NL_ATTRIBUTES_MAX]);
ULONG fabric_u32_of(const struct fabric_attribute *attribute, ULONG otherwise);

ULONG fabric_write_start(struct fabric_writer *writer, ULONG type, ULONG flags, ULONG sequence,
			 ULONG pid, UCHAR command, UCHAR version);
VOID fabric_write_end(struct fabric_writer *writer, ULONG start);
VOID fabric_write(struct fabric_writer *writer, ULONG type, const void *data, ULONG size);
VOID fabric_write_u32(struct fabric_writer *writer, ULONG type, ULONG value);
/* Bytes without a head; and room for an attribute's bytes, NULL when there is none. */
VOID fabric_write_bytes(struct fabric_writer *writer, const void *data, ULONG size);
UCHAR *fabric_write_room(struct fabric_writer *writer, ULONG type, ULONG size);
ULONG fabric_write_nest(struct fabric_writer *writer, ULONG type);
VOID fabric_write_nest_end(struct fabric_writer *writer, ULONG start);
VOID fabric_write_error(struct fabric_writer *writer, const struct fabric_message *request,
			int error);

/* key.c: 0, or a number of the enumeration above. */
enum fabric_key_use {
	FABRIC_KEY_FLOW,
	FABRIC_KEY_MASK,
	FABRIC_KEY_PACKET /* What cannot be matched is no fault: the bytes count. */
};
int fabric_key_parse(const UCHAR *bytes, ULONG size, struct fabric_flow_key *key,
		     enum fabric_key_use use);
VOID fabric_key_write(struct fabric_writer *writer, const struct fabric_packet *packet);
/* A tunnel to be set, from the attributes of a key's tunnel. */
int fabric_tunnel_parse(const UCHAR *bytes, ULONG size, struct fabric_tunnel *tunnel);

/* flow.c */
VOID fabric_flow_request(struct fabric_extension *extension, const struct fabric_message *request,
			 struct fabric_writer *reply);
/* Writes flows from position *at on until the writer is full; TRUE when all are out. */
BOOLEAN fabric_flow_dump(struct fabric_extension *extension, const struct fabric_message *request,
			 ULONG *at, struct fabric_writer *reply);
VOID fabric_packet_request(struct fabric_extension *extension,
			   const struct fabric_message *request, struct fabric_writer *reply);

/* action.c: actions as they are executed; one that cannot be is FABRIC_ENOTSUPP. */
/* *made is the caller's to free when this succeeds. */
int fabric_actions_make(const UCHAR *bytes, ULONG size, struct fabric_action **made, ULONG *count);
int fabric_conntrack_parse(const UCHAR *bytes, ULONG size, struct fabric_conntrack_spec *spec);

/* ctlink.c, meter.c */
VOID fabric_connection_request(struct fabric_extension *extension,
			       const struct fabric_message *request, struct fabric_writer *reply);
BOOLEAN fabric_connection_next(struct fabric_extension *extension,
			       const struct fabric_message *request, ULONG *at, ULONG *index,
			       struct fabric_writer *reply);
VOID fabric_limit_request(struct fabric_extension *extension, const struct fabric_message *request,
			  struct fabric_writer *reply);
VOID fabric_meter_request(struct fabric_extension *extension, const struct fabric_message *request,
			  struct fabric_writer *reply);

/* vport.c */
VOID fabric_vport_request(struct fabric_extension *extension,
			  const struct fabric_message *request, struct fabric_writer *reply);
BOOLEAN fabric_vport_next(struct fabric_extension *extension, const struct fabric_message *request,
			  ULONG *at, struct fabric_writer *reply);
VOID fabric_vport_write(struct fabric_writer *writer, const struct fabric_vport *port, UCHAR command,
			ULONG sequence, ULONG pid);
VOID fabric_netdev_request(struct fabric_extension *extension,
			   const struct fabric_message *request, struct fabric_writer *reply);
VOID fabric_datapath_request(struct fabric_extension *extension,
			     const struct fabric_message *request, struct fabric_writer *reply);
VOID fabric_datapath_write(struct fabric_extension *extension, struct fabric_writer *writer,
			   ULONG sequence, ULONG pid);

#endif
