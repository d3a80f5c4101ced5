/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* The extension's life: every allocation fails in turn, and it detaches under load. */
#include "lab.h"

#include <pthread.h>

static UCHAR frame[2048];

/* A tracked and translated packet, a large send into a tunnel, and one up; all back. */
static void a_stateful_life(struct lab *lab)
{
	static const UCHAR remote[4] = { 192, 0, 2, 1 };
	struct fabric_writer actions = lab_actions();
	const UCHAR *bytes = frame;
	struct double_delivery *one;
	PNET_BUFFER_LIST list;
	ULONG size, ct, nat, set, tunnel;
	struct fabric_writer body = lab_body();

	fabric_write_u32(&body, 1, 50);
	fabric_write_u32(&body, 2, 5);
	fabric_write(&body, 3, "tun", 4);
	lab_ask(lab, FABRIC_FAMILY_VPORT, 1, 0, &body);
	lab_hop(lab, remote, 4);
	ct = fabric_write_nest(&actions, 12);
	fabric_write(&actions, 1, NULL, 0);
	nat = fabric_write_nest(&actions, 6);
	fabric_write(&actions, 1, NULL, 0);
	fabric_write(&actions, 3, "\xc0\x00\x02\x07", 4);
	fabric_write_nest_end(&actions, nat);
	fabric_write_nest_end(&actions, ct);
	set = fabric_write_nest(&actions, 3);
	tunnel = fabric_write_nest(&actions, 16);
	fabric_write(&actions, 2, remote, 4);
	fabric_write(&actions, 6, NULL, 0);
	fabric_write_nest_end(&actions, tunnel);
	fabric_write_nest_end(&actions, set);
	lab_output(&actions, 50);
	lab_output(&actions, 2);
	lab_flow(lab, 4, &actions);
	size = lab_udp(frame, 300, 7);
	lab_send(lab, 4, frame, size, 90);
	size = lab_tcp(frame, 1500, 8);
	frame[47] = 2;
	lab_sums(frame);
	list = double_list(4, 0, &bytes, &size, 1, 700);
	double_checksum_offload(list, 1, 0);
	double_large_send(list, 600);
	fabric_ingress(lab->extension, list);
	double_complete_sends(lab->extension);
	while ((one = double_take())) {
		if (one->port_id == 1)
			lab_send(lab, 1, one->bytes, one->size, 80);
		free(one);
	}
	/* Both halves of a packet, of which each may be the last. */
	size = lab_udp(frame, 1000, 9);
	frame[20] = 0x20;
	frame[16] = 2, frame[17] = 20; /* 512 bytes of payload. */
	lab_send(lab, 4, frame, 34 + 512, 300);
	frame[20] = 0, frame[21] = 64;
	frame[16] = 0x02, frame[17] = 4; /* 496. */
	lab_send(lab, 4, frame, 34 + 496, 300);
	list = double_list(1, 0, &bytes, &size, 1, 700);
	double_large_send(list, 600);
	fabric_ingress(lab->extension, list);
	lab_ask(lab, FABRIC_FAMILY_CONNTRACK + 2, 0, 0, NULL);
}

/* All that a host does in its life, once; what fails for lack of memory is gone without. */
static void a_life(void)
{
	struct fabric_writer actions = lab_actions();
	static UCHAR frames[2][2000];
	const UCHAR *both[2] = { frames[0], frames[1] };
	ULONG sizes[2], size = lab_tcp(frame, 700, 1), i;
	struct fabric_writer body;
	struct lab lab;

	sizes[0] = lab_tcp(frames[0], 100, 1);
	sizes[1] = lab_udp(frames[1], 900, 2);
	if (!lab_start(&lab, 1))
		return;
	lab_output(&actions, 1);
	lab_set_ipv4(&actions, "\x01\x02\x03\x04", 9);
	lab_output(&actions, 2);
	lab_output(&actions, 4);
	lab_flow(&lab, 3, &actions);
	for (i = 0; i < 3; i++) {
		lab_send(&lab, 3, frame, size, 100);
		lab_send(&lab, 4, frame, size, 100);
	}
	fabric_ingress(lab.extension, double_list(3, 0, both, sizes, 2, 200));
	body = lab_body();
	fabric_write(&body, 1, frame, size);
	i = fabric_write_nest(&body, 2);
	fabric_write_u32(&body, 3, 3);
	fabric_write_nest_end(&body, i);
	fabric_write(&body, 3, actions.bytes, actions.at);
	lab_ask(&lab, FABRIC_FAMILY_PACKET, 3, 0, &body);
	a_stateful_life(&lab);
	lab_stop(&lab);
}

static void no_allocation_is_one_too_many(void)
{
	long n = 0;

	do {
		double_fail_at(++n);
		a_life();
		CHECK(double_live() == 0);
		if (double_error())
			fprintf(stderr, "allocation %ld: %s\n", n, double_error());
		CHECK(!double_error());
	} while (double_has_failed());
	CHECK(n > 50);
	double_fail_at(0);
	printf("  %ld allocations failed in turn\n", n - 1);
}

struct load {
	struct lab *lab;
	ULONG port;
	volatile int *is_over;
	long sent;
};

static void *load(void *argument)
{
	struct load *own = argument;
	UCHAR mine[300];
	ULONG size = lab_tcp(mine, 200, own->port);

	while (!*own->is_over) {
		lab_send(own->lab, own->port, mine, size, 64);
		double_complete_sends(own->lab->extension);
		own->sent++;
	}
	return NULL;
}

static void detaching_under_load_loses_nothing(void)
{
	volatile int is_over = 0;
	struct fabric_writer actions = lab_actions();
	struct fabric_writer drops;
	static UCHAR drop_bytes[64];
	struct load loads[2];
	pthread_t threads[2];
	struct lab lab;
	long before, sent;
	ULONG i;

	CHECK(lab_start(&lab, 1));
	double_count_only(1);
	before = double_completed();
	lab_output(&actions, 1);
	lab_set_ipv4(&actions, "\x01\x02\x03\x04", 9);
	lab_output(&actions, 2);
	drops = (struct fabric_writer){ drop_bytes, sizeof(drop_bytes), 0, FALSE };
	fabric_write_u32(&drops, 24, 0);
	for (i = 0; i < 2; i++) {
		loads[i] = (struct load){ &lab, 3 + i, &is_over, 0 };
		CHECK(!pthread_create(&threads[i], NULL, load, &loads[i]));
	}
	/* Flows change, the filter pauses and starts again, all while packets come. */
	for (i = 0; i < 200; i++) {
		CHECK(lab_flow(&lab, 3, i & 1 ? &drops : &actions) == 0);
		CHECK(lab_flow(&lab, 4, &actions) == 0);
		if (i % 20 == 19) {
			fabric_pause(lab.extension);
			CHECK(lab.extension->outstanding == 0);
			fabric_restart(lab.extension);
		}
		if (i % 7 == 6)
			lab_ask(&lab, FABRIC_FAMILY_FLOW, 2, 0, NULL);
	}
	fabric_pause(lab.extension);
	is_over = 1;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	double_complete_sends(lab.extension);
	sent = loads[0].sent + loads[1].sent;
	CHECK(double_completed() - before == sent);
	CHECK(lab.extension->outstanding == 0);
	double_count_only(0);
	lab_stop(&lab);
	CHECK(double_live() == 0);
	printf("  %ld packets under load, all of them back\n", sent);
}

int main(void)
{
	int count = 0;

	RUN(no_allocation_is_one_too_many);
	RUN(detaching_under_load_loses_nothing);
	printf("%d tests passed\n", count);
	return 0;
}
