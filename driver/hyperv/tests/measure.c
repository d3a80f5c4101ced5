/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Packets per second of one thread: parsing and look-up, and the whole way. */
#include "lab.h"

#include <time.h>

static UCHAR frame[2048];

static double seconds_since(const struct timespec *start)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	return (double)(end.tv_sec - start->tv_sec) + (double)(end.tv_nsec - start->tv_nsec) / 1e9;
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
	memset(&key, 0, sizeof(key));
	memset(&mask, 0, sizeof(mask));
	key.in_port = 3;
	key.ethernet_type = FABRIC_TYPE_IPV4;
	mask.in_port = 0xffffffff;
	mask.ethernet_type = 0xffff;
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
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < rounds; i++) {
		memset(&packet, 0, offsetof(struct fabric_packet, key));
		packet.extension = lab.extension;
		packet.list = list;
		packet.buffer = list->FirstNetBuffer;
		packet.data = NULL;
		packet.key.in_port = 3;
		packet.key.recirculation_id = 0;
		packet.key.datapath_hash = 0;
		packet.key.packet_mark = 0;
		CHECK(fabric_extract(&packet) == 0);
		CHECK(fabric_table_find(&lab.extension->table, &packet.key));
	}
	seconds = seconds_since(&start);
	printf("parse and look-up, 16 masks: %.1f million packets per second\n", rounds / seconds / 1e6);
	NdisFSendNetBufferListsComplete(NULL, list, 0);
	double_count_only(1);
	double_complete_at_once(lab.extension);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < rounds / 4; i++)
		lab_send(&lab, 3, frame, size, 2000);
	seconds = seconds_since(&start);
	printf("whole way with the double's own buffers: %.1f million packets per second\n",
	       rounds / 4 / seconds / 1e6);
	double_complete_at_once(NULL);
	double_count_only(0);
	lab_stop(&lab);
	return 0;
}
