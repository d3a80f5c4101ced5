/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The extension as a server: `serve PATH` listens on a UNIX socket. Each connection is a handle of
 * the device, or a hand on the switch's other side; whoever drives it speaks the device's messages
 * byte for byte, and packets go in and out at the switch's ports.
 *
 * A request is code, size of what is sent, size of what is wanted back (u32 each), bytes. An answer
 * is status, size, bytes. Codes below 32 are the laboratory's own; all others are the device's.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	LAB_CANCEL = 1, LAB_NIC, LAB_SEND, LAB_TAKE, LAB_WAIT_IDLE, LAB_ADVANCE, LAB_STOP, LAB_PEND,
	LAB_DISCONNECT, LAB_OPEN, LAB_HOP, LAB_COUNTERS, LAB_SWITCH_OFF, LAB_SWITCH_ON
};
enum { CONTROL_WRITE = 0xAFC84411, BODY_MAX = 1 << 20 };

struct link {
	struct link *next;
	int socket, event;
	struct fabric_handle *handle;
	struct fabric_waiter waiter;
	int takes_packets, is_waiting, is_woken, is_claimed, is_cancelled;
	NTSTATUS woken_with;
	UCHAR *in, *out;
};

static struct lab lab;
static int listener;
static volatile int is_over;
static struct link *links;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static int whole(int socket, void *bytes, size_t size, int is_write)
{
	UCHAR *at = bytes;

	while (size) {
		ssize_t done = is_write ? send(socket, at, size, MSG_NOSIGNAL)
					: recv(socket, at, size, 0);

		if (done <= 0)
			return 0;
		at += done;
		size -= (size_t)done;
	}
	return 1;
}

static int answer(struct link *link, NTSTATUS status, const UCHAR *bytes, ULONG size)
{
	ULONG head[2] = { (ULONG)status, size };

	return whole(link->socket, head, sizeof(head), 1) &&
	       whole(link->socket, (void *)(uintptr_t)bytes, size, 1);
}

/* Whoever is first has the request: the device that wakes it, or its sender who takes it back. */
static BOOLEAN disarm(PVOID context)
{
	struct link *link = context;

	pthread_mutex_lock(&guard);
	link->is_claimed = !link->is_cancelled;
	pthread_mutex_unlock(&guard);
	return (BOOLEAN)link->is_claimed;
}

static VOID wake(PVOID context, NTSTATUS status)
{
	struct link *link = context;
	uint64_t one = 1;

	CHECK(!double_locks_held());
	pthread_mutex_lock(&guard);
	link->is_woken = 1;
	link->woken_with = status;
	pthread_mutex_unlock(&guard);
	CHECK(write(link->event, &one, sizeof(one)) == sizeof(one));
}

/* Waits for the device, or for whoever sent the request to take it back. */
static int wait_for(struct link *link)
{
	struct pollfd both[2] = { { link->event, POLLIN, 0 }, { link->socket, POLLIN, 0 } };
	ULONG head[3];
	uint64_t count;

	while (!link->is_woken) {
		if (poll(both, 2, -1) < 0)
			return 0;
		if (!(both[1].revents & (POLLIN | POLLHUP)))
			continue;
		pthread_mutex_lock(&guard);
		link->is_cancelled = !link->is_claimed;
		pthread_mutex_unlock(&guard);
		if (link->is_cancelled) {
			fabric_device_forget(&link->waiter);
			pthread_mutex_lock(&guard);
			link->is_woken = 1;
			link->woken_with = STATUS_CANCELLED;
			pthread_mutex_unlock(&guard);
		} else {
			poll(both, 1, -1); /* It is being woken. */
		}
		if (!whole(link->socket, head, sizeof(head), 0) || head[0] != LAB_CANCEL)
			return 0;
	}
	if (!link->is_cancelled)
		CHECK(read(link->event, &count, sizeof(count)) == sizeof(count));
	return 1;
}

static void set_waiting(struct link *link, int is_waiting)
{
	pthread_mutex_lock(&guard);
	link->is_waiting = is_waiting;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&guard);
}

static int pend(struct link *link, ULONG size)
{
	static const struct fabric_waiter_calls calls = { NULL, disarm, wake };
	NTSTATUS status;
	ULONG written;

	link->is_woken = link->is_claimed = link->is_cancelled = 0;
	link->waiter.calls = &calls;
	link->waiter.context = link;
	status = fabric_device_control(link->handle, CONTROL_WRITE, link->in, size, NULL, 0,
				       &written, &link->waiter);
	if (status == STATUS_PENDING) {
		set_waiting(link, 1);
		if (!wait_for(link))
			return 0;
		set_waiting(link, 0);
		status = link->woken_with;
	}
	return answer(link, status, NULL, 0);
}

static int is_idle(void)
{
	struct link *link;

	for (link = links; link; link = link->next)
		if (link->takes_packets && (!link->is_waiting || link->is_woken))
			return 0;
	return 1;
}

/* Until every reader of upcalls waits for more; 0 when that does not happen within a minute. */
static int wait_idle(void)
{
	struct timespec end;
	int is_reached;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 60;
	pthread_mutex_lock(&guard);
	while (!is_idle() && !pthread_cond_timedwait(&changed, &guard, &end))
		;
	is_reached = is_idle();
	pthread_mutex_unlock(&guard);
	return is_reached;
}

/* All that left by the ports: port, size, bytes of each; a tag beside a packet is put in. */
static ULONG take(UCHAR *out)
{
	struct double_delivery *one;
	ULONG at = 0;

	while (at < BODY_MAX - 70000 && (one = double_take())) {
		ULONG tag = one->tag ? 4 : 0, size = one->size + tag;

		memcpy(out + at, &one->port_id, 4);
		memcpy(out + at + 4, &size, 4);
		memcpy(out + at + 8, one->bytes, tag ? 12 : size);
		if (tag) {
			memcpy(out + at + 20, "\x81\x00", 2);
			out[at + 22] = (UCHAR)(one->tag >> 8);
			out[at + 23] = (UCHAR)one->tag;
			memcpy(out + at + 24, one->bytes + 12, one->size - 12);
		}
		at += 8 + size;
		free(one);
	}
	return at;
}

static void connect_nic(struct link *link, ULONG size)
{
	ULONG numbers[2];
	char name[FABRIC_NAME_MAX] = { 0 };

	CHECK(size > 8 && size < 8 + sizeof(name));
	memcpy(numbers, link->in, 8);
	memcpy(name, link->in + 8, size - 8);
	CHECK(lab_port(&lab, numbers[0], (NDIS_SWITCH_NIC_TYPE)numbers[1], name));
}

static void disconnect_nic(struct link *link)
{
	ULONG id;

	memcpy(&id, link->in, 4);
	lab_leave(&lab, id, 0);
}

static int own_request(struct link *link, ULONG code, ULONG size)
{
	ULONG number = 0, i;

	if (size >= 4)
		memcpy(&number, link->in, 4);
	switch (code) {
	case LAB_CANCEL:
		return 1; /* What it was for has been answered already. */
	case LAB_OPEN:
		return answer(link, fabric_device_open(&link->handle), NULL, 0);
	case LAB_NIC:
		connect_nic(link, size);
		break;
	case LAB_DISCONNECT:
		disconnect_nic(link);
		break;
	case LAB_SEND:
		lab_send(&lab, number, link->in + 4, size - 4, 100);
		double_complete_sends(lab.extension);
		break;
	case LAB_TAKE:
		double_complete_sends(lab.extension);
		return answer(link, 0, link->out, take(link->out));
	case LAB_WAIT_IDLE:
		return answer(link, wait_idle() ? 0 : STATUS_DEVICE_BUSY, NULL, 0);
	case LAB_ADVANCE:
		double_advance(number * 10000ull);
		fabric_watchdog(lab.extension, KeQueryInterruptTime());
		break;
	case LAB_HOP:
		lab_hop(&lab, link->in, size);
		break;
	case LAB_COUNTERS:
		for (i = 0; i < FABRIC_DROP_COUNT; i++)
			memcpy(link->out + 8 * i, &lab.extension->drops[i], 8);
		return answer(link, 0, link->out, 8 * FABRIC_DROP_COUNT);
	case LAB_SWITCH_OFF:
		fabric_device_detach();
		break;
	case LAB_SWITCH_ON:
		fabric_device_attach(lab.extension);
		break;
	case LAB_STOP:
		is_over = 1;
		shutdown(listener, SHUT_RDWR);
		break;
	default:
		return 0;
	}
	return answer(link, 0, NULL, 0);
}

static int request(struct link *link)
{
	ULONG head[3], written = 0;
	NTSTATUS status;

	if (!whole(link->socket, head, sizeof(head), 0) || head[1] > BODY_MAX || head[2] > BODY_MAX ||
	    !whole(link->socket, link->in, head[1], 0))
		return 0;
	if (head[0] == LAB_PEND)
		return link->handle && pend(link, head[1]);
	if (head[0] < 32)
		return own_request(link, head[0], head[1]);
	if (!link->handle)
		return 0;
	if (head[0] == CONTROL_WRITE && head[1] > 16 && link->in[4] == 17 && link->in[16] == 3)
		link->takes_packets = 1;
	status = fabric_device_control(link->handle, head[0], link->in, head[1], link->out, head[2],
				       &written, NULL);
	double_complete_sends(lab.extension);
	return answer(link, status, link->out, written);
}

static void *serve(void *argument)
{
	struct link *link = argument, **at;

	link->in = malloc(BODY_MAX);
	link->out = malloc(BODY_MAX);
	while (request(link))
		;
	if (link->handle)
		fabric_device_close(link->handle);
	close(link->socket);
	close(link->event);
	free(link->in);
	free(link->out);
	pthread_mutex_lock(&guard);
	for (at = &links; *at != link; at = &(*at)->next)
		;
	*at = link->next;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&guard);
	free(link);
	return NULL;
}

static void run(void)
{
	pthread_t thread;
	int socket;

	while (!is_over && (socket = accept(listener, NULL, NULL)) >= 0) {
		struct link *link = calloc(1, sizeof(*link));

		link->socket = socket;
		link->event = eventfd(0, EFD_CLOEXEC);
		pthread_mutex_lock(&guard);
		link->next = links;
		links = link;
		pthread_mutex_unlock(&guard);
		CHECK(!pthread_create(&thread, NULL, serve, link));
		pthread_detach(thread);
	}
	pthread_mutex_lock(&guard);
	while (links)
		pthread_cond_wait(&changed, &guard);
	pthread_mutex_unlock(&guard);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	CHECK(argc == 2 && strlen(argv[1]) < sizeof(address.sun_path));
	strcpy(address.sun_path, argv[1]);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(!bind(listener, (struct sockaddr *)&address, sizeof(address)));
	CHECK(!listen(listener, 64));
	CHECK(lab_start_empty(&lab));
	printf("ready\n");
	fflush(stdout);
	run();
	lab_stop(&lab);
	if (double_error())
		fprintf(stderr, "%s\n", double_error());
	CHECK(!double_error());
	CHECK(double_live() == 0);
	printf("nothing is left\n");
	return 0;
}
