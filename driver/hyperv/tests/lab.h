/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* What the tests of the extension share: a switch with ports, frames, and messages. */
#ifndef FABRIC_LAB_H
#define FABRIC_LAB_H

#include "../double/ndis_double.h"
#include "../device/netlink.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                 \
	do {                                                                             \
		if (!(condition)) {                                                      \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);  \
			exit(1);                                                         \
		}                                                                        \
	} while (0)

#define RUN(test)                                          \
	do {                                               \
		printf("%s\n", #test);                     \
		test();                                    \
		CHECK(double_live() == 0);                 \
		if (double_error())                        \
			fprintf(stderr, "%s\n", double_error()); \
		CHECK(!double_error());                    \
		count++;                                   \
	} while (0)

#define LAB_MESSAGE 65536

struct lab {
	struct fabric_extension *extension;
	struct fabric_handle *handle;
	ULONG pid;
	UCHAR reply[LAB_MESSAGE];
	ULONG reply_size;
};

/* Four ports: 1 external, 2 internal, 3 and 4 of VMs, bound to numbers 1 to 4 when asked for. */
int lab_start(struct lab *lab, int is_bound);
/* The switch and the device, with neither ports nor handle. */
int lab_start_empty(struct lab *lab);
void lab_stop(struct lab *lab);
/* Where packets to a tunnel's end leave: by port 1, with made-up link addresses. */
void lab_hop_mtu(struct lab *lab, const UCHAR *remote, ULONG mtu); /* IPv4. */
void lab_hop(struct lab *lab, const UCHAR *remote, ULONG size);
int lab_port(struct lab *lab, ULONG id, NDIS_SWITCH_NIC_TYPE type, const char *name);
void lab_leave(struct lab *lab, ULONG id, int is_deleted);
void lab_text(IF_COUNTED_STRING *to, const char *text);
void lab_describe(NDIS_SWITCH_PORT_PARAMETERS *port, NDIS_SWITCH_NIC_PARAMETERS *nic, ULONG id,
		  NDIS_SWITCH_NIC_TYPE type, const char *name);

/* Sends one request; the error number, 0 for success, -1 when the call itself failed. */
int lab_ask(struct lab *lab, ULONG family, UCHAR command, ULONG flags, struct fabric_writer *body);
NTSTATUS lab_control(struct lab *lab, ULONG code, const UCHAR *in, ULONG size);
struct fabric_writer lab_body(void);
int lab_subscribe(struct lab *lab);

/* A flow: in_port, and the rest by 'mask' of the key of this frame; actions as attributes. */
int lab_flow(struct lab *lab, ULONG in_port, struct fabric_writer *actions);
/* All IPv4 of a port. */
void lab_ipv4_of(struct fabric_flow_key *key, struct fabric_flow_key *mask, ULONG in_port);
int lab_flow_key(struct lab *lab, const struct fabric_flow_key *key,
		 const struct fabric_flow_key *mask, struct fabric_writer *actions);
/* IPv4 of a port, a recirculation id, and bits of the connection's state. */
int lab_flow_on(struct lab *lab, ULONG in_port, ULONG id, ULONG state, ULONG state_mask,
		struct fabric_writer *actions);
/* An empty list; each call gives the same room. */
struct fabric_writer lab_actions(void);
void lab_output(struct fabric_writer *actions, ULONG port);
/* A masked set of source address and TTL. */
void lab_set_ipv4(struct fabric_writer *actions, const char *source, UCHAR ttl);

ULONG lab_tcp(UCHAR *frame, ULONG payload, ULONG seed);
ULONG lab_udp(UCHAR *frame, ULONG payload, ULONG seed);
/* Writes all checksums of an IPv4 packet of TCP, UDP or ICMP. */
void lab_sums(UCHAR *frame);
int lab_checksums_hold(const UCHAR *frame, ULONG size);
void lab_send(struct lab *lab, ULONG port, const UCHAR *frame, ULONG size, ULONG piece);

#endif
