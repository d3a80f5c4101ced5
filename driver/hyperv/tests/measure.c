/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Packets per second of processor time: parsing and look-up, and the whole way. */
#include "lab.h"

#include <time.h>

#define BATCH 32u

static UCHAR frame[2048];

static double seconds_since(const struct timespec *start)
{
	struct timespec end;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	return (double)(end.tv_sec - start->tv_sec) + (double)(end.tv_nsec - start->tv_nsec) / 1e9;
}

/* Batches of buffers that the sender uses again, as a NIC's driver does: the whole way. */
static double forwarded_per_second(struct lab *lab, ULONG size)
{
	const ULONG rounds = 3000000 / BATCH;
	PNET_BUFFER_LIST lists[BATCH];
	const UCHAR *bytes = frame;
	struct timespec start;
	double seconds;
	long before;
	ULONG i, j;

	for (i = 0; i < BATCH; i++) {
		lists[i] = double_list(3, 0, &bytes, &size, 1, 2000);
		double_keep(lists[i]);
	}
	double_count_only(1);
	double_complete_at_once(lab->extension);
	before = double_delivered();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	for (i = 0; i < rounds; i++) {
		for (j = 0; j < BATCH; j++)
			lists[j]->Next = j + 1 < BATCH ? lists[j + 1] : NULL;
		fabric_ingress(lab->extension, lists[0]);
	}
	seconds = seconds_since(&start);
	CHECK(double_delivered() - before == (long)rounds * BATCH);
	for (i = 0; i < BATCH; i++)
		double_free(lists[i]);
	return rounds * BATCH / seconds;
}

int main(void)
{
	static UCHAR action_bytes[64];
	struct fabric_writer actions = { action_bytes, sizeof(action_bytes), 0, FALSE };
	struct fabric_flow_key key, mask;
	struct timespec start;
	const UCHAR *bytes = frame;
	PNET_BUFFER_LIST list;
	struct fabric_packet packet;
	struct lab lab;
	ULONG size = lab_udp(frame, 18, 1), i;
	const ULONG rounds = 2000000;
	double seconds;

	CHECK(lab_start(&lab, 1));
	lab_output(&actions, 4);
	lab_ipv4_of(&key, &mask, 3);
	for (i = 0; i < 16; i++) {
		/* Sixteen masks; the packet's own is hit half of the way down on the average. */
		memset(mask.destination, 0, 4);
		memset(mask.source, 0, 4);
		mask.destination[i / 8] = (UCHAR)(0xff00 >> (i % 8 + 1));
		memcpy(key.destination, i == 8 ? "\x0a\x00\x00\x02" : "\xc0\xa8\x00\x00", 4);
		CHECK(lab_flow_key(&lab, &key, &mask, &actions) == 0);
	}
	CHECK(lab.extension->table.mask_count == 16);
	list = double_list(3, 0, &bytes, &size, 1, 2000);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	for (i = 0; i < rounds; i++) {
		memset(&packet, 0, sizeof(packet));
		packet.extension = lab.extension;
		packet.list = list;
		packet.buffer = list->FirstNetBuffer;
		packet.key.in_port = 3;
		CHECK(fabric_extract(&packet) == 0);
		CHECK(fabric_table_find(&lab.extension->table, &packet.key));
	}
	seconds = seconds_since(&start);
	printf("parse and look-up, 16 masks: %.1f million packets per second\n", rounds / seconds / 1e6);
	double_free(list);
	printf("forwarded, 16 masks, batches of %u: %.1f million packets per second\n", BATCH,
	       forwarded_per_second(&lab, size) / 1e6);
	double_complete_at_once(NULL);
	double_count_only(0);
	lab_stop(&lab);
	return 0;
}
