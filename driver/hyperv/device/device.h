/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The pseudo device. A handle acts as one netlink socket: it sends requests, runs one dump at a
 * time, and may listen for upcalls and for events of ports and connections.
 *
 *   device.c   the door: which request goes where
 *   handles.c  handles, what waits for their readers, and who is told of what
 *   dump.c     dumps
 *
 * device.requests counts requests that are under way: an extension does not go before all of those
 * that saw it are through. No lock is held meanwhile, since a request may send packets. device.lock
 * guards handles, their queues and the list of readers to be woken.
 */
#ifndef FABRIC_DEVICE_H
#define FABRIC_DEVICE_H

#include "netlink.h"
#include "queue.h"

enum { CONTROL_PEND = 0, CONTROL_PEND_PACKET, CONTROL_JOIN, CONTROL_SUBSCRIBE, CONTROL_PROPERTY = 6 };

struct fabric_handle {
	struct fabric_handle *next;
	ULONG pid;
	struct fabric_queue packets, events;
	struct fabric_message dump; /* attributes are not kept. */
	volatile LONG is_busy; /* One request of its dump at a time. */
	BOOLEAN is_dumping, is_done, is_closed;
	ULONG dump_at, dump_index;
	ULONG groups;
};

/* handles.c: the extension, which stays until the end; NULL: none is attached. */
struct fabric_extension *fabric_device_enter(VOID);
VOID fabric_device_leave(VOID);
/* Joins or leaves a group of events, or opens and closes the queue of upcalls. */
VOID fabric_subscribe(struct fabric_handle *handle, const struct fabric_message *request,
		      const struct fabric_attribute *a);
NTSTATUS fabric_pend(struct fabric_queue *queue, struct fabric_waiter *waiter);
NTSTATUS fabric_take(struct fabric_queue *queue, UCHAR *out, ULONG size, ULONG *written);

/* dump.c */
NTSTATUS fabric_dump_start(struct fabric_handle *handle, const struct fabric_message *request);
/* The next chunk: many flows, or one of anything else; 0 bytes end the latter. */
NTSTATUS fabric_dump_read(struct fabric_extension *extension, struct fabric_handle *handle,
			  struct fabric_writer *reply);

#endif
