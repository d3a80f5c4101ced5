/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Bent requests to the device and bent frames to the switch, from a seed. */
#include "lab.h"
#include "../conntrack/connection.h"

static ULONG random_state, tracked;
static LONG64 unwrapped;

static ULONG next_random(ULONG below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % below;
}

static ULONG sample(struct lab *lab, UCHAR *bytes)
{
	static const UCHAR families[] = { 17, 18, 19, 20, 21, 22, 23, 24, 25 };
	struct fabric_writer writer = { bytes, 4096, 0, FALSE };
	ULONG family = families[next_random(sizeof(families))];
	ULONG start = fabric_write_start(&writer, family, next_random(2) ? 0x304 : 4, 1, lab->pid,
					 (UCHAR)next_random(6), 1);
	ULONG nests = 1 + next_random(4), i;
	UCHAR data[64];

	while (nests--) {
		ULONG nest = fabric_write_nest(&writer, next_random(12));

		for (i = next_random(5); i; i--) {
			ULONG size = next_random(45), j;

			for (j = 0; j < size; j++)
				data[j] = (UCHAR)next_random(256);
			fabric_write(&writer, next_random(32), data, size);
		}
		fabric_write_nest_end(&writer, nest);
	}
	if (next_random(2)) {
		static UCHAR frame[300];

		fabric_write(&writer, 1, frame, lab_tcp(frame, next_random(100), 1));
	}
	fabric_write_end(&writer, start);
	for (i = next_random(4); i; i--)
		bytes[next_random(writer.at)] = (UCHAR)next_random(256);
	return next_random(4) ? writer.at : next_random(writer.at + 1);
}

/* Flows that track, translate and go into tunnels, for the frames to meet. */
static void stateful_flows(struct lab *lab)
{
	static const UCHAR remote[4] = { 10, 0, 0, 2 };
	static const ULONG types[] = { 3, 4, 5, 106 };
	ULONG i;

	for (i = 0; i < 4; i++) {
		struct fabric_writer body = lab_body(), actions = lab_actions();
		char name[] = "tun0";
		ULONG nest, inner;

		name[3] = (char)('0' + i);
		fabric_write_u32(&body, 1, 50 + i);
		fabric_write_u32(&body, 2, types[i]);
		fabric_write(&body, 3, name, 5);
		fabric_write_u32(&body, 5, lab->pid);
		CHECK(lab_ask(lab, FABRIC_FAMILY_VPORT, 1, 0, &body) == 0);
		nest = fabric_write_nest(&actions, 12);
		fabric_write(&actions, 1, NULL, 0);
		inner = fabric_write_nest(&actions, 6);
		fabric_write(&actions, 1 + i % 2, NULL, 0);
		fabric_write(&actions, 3, "\x0a\x00\x00\x09", 4);
		fabric_write_nest_end(&actions, inner);
		fabric_write_nest_end(&actions, nest);
		nest = fabric_write_nest(&actions, 3);
		inner = fabric_write_nest(&actions, 16);
		fabric_write(&actions, 2, remote, 4);
		fabric_write(&actions, 6, NULL, 0);
		fabric_write_nest_end(&actions, inner);
		fabric_write_nest_end(&actions, nest);
		lab_output(&actions, 50 + i);
		lab_output(&actions, 4);
		CHECK(lab_flow(lab, i ? 1 + i : 50, &actions) == 0);
	}
	lab_hop(lab, remote, 4);
}

/* How far the inputs have come. */
static void count_depth(const struct lab *lab)
{
	ULONG i;

	tracked += lab->extension->connections->last_id;
	for (i = 0; i < lab->extension->tunnel_count; i++)
		unwrapped += lab->extension->tunnels[i]->rx_packets;
}

/* What left by the uplink comes in again, bent. */
static void bend_outer(struct lab *lab)
{
	struct double_delivery *one;
	ULONG left = 20;

	while ((one = double_take())) {
		ULONG bends = next_random(3);

		while (bends--)
			one->bytes[next_random(one->size < 120 ? one->size : 120)] =
				(UCHAR)next_random(256);
		if (one->port_id == 1 && left) {
			left--;
			lab_send(lab, 1, one->bytes, next_random(4) ? one->size
								    : 1 + next_random(one->size),
				 1 + next_random(300));
		}
		free(one);
	}
}

static void bent_frame(struct lab *lab, ULONG seed)
{
	static UCHAR frame[2048];
	const UCHAR *bytes = frame;
	ULONG length = next_random(2) ? lab_tcp(frame, next_random(1200), seed & 255)
				      : lab_udp(frame, next_random(1200), seed & 255);
	ULONG bends = next_random(5), port = 1 + next_random(5);
	PNET_BUFFER_LIST list;

	if (!next_random(4))
		frame[23] = 1; /* An ICMP error that quotes what was there. */
	while (bends--)
		frame[next_random(80)] = (UCHAR)next_random(256);
	length = next_random(3) ? length : 1 + next_random(length);
	list = double_list(port, 0, &bytes, &length, 1, 1 + next_random(300));
	if (!next_random(8))
		double_large_send(list, 1 + next_random(700));
	if (!next_random(8))
		double_checksum_offload(list, 1, 1);
	if (!next_random(8))
		double_tag(list, next_random(4096), next_random(8));
	fabric_ingress(lab->extension, list);
}

int main(int argc, char **argv)
{
	static const ULONG codes[] = { 0xAFC88400, 0xAFC84406, 0xAFC8440A, 0xAFC8440E,
				       0xAFC84411, 0xAFC88416, 0xAFC88416, 0xAFC88416, 1 };
	ULONG count = argc > 1 ? (ULONG)strtoul(argv[1], NULL, 10) : 50000, i;
	static UCHAR bytes[8192];
	struct lab lab;

	random_state = 0x12345;
	CHECK(lab_start(&lab, 1));
	for (i = 0; i < count; i++) {
		ULONG size = sample(&lab, bytes);

		fabric_device_control(lab.handle, codes[next_random(9)], bytes, size, lab.reply,
				      next_random(8) ? sizeof(lab.reply) : next_random(200),
				      &lab.reply_size, NULL);
		if (i % 4 == 0)
			bent_frame(&lab, i);
		if (i % 64 == 0)
			double_complete_sends(lab.extension);
		if (i % 256 == 0) {
			double_advance(next_random(100) * 1000000);
			fabric_watchdog(lab.extension, KeQueryInterruptTime());
			bend_outer(&lab);
		}
		/* Bent requests have emptied the table by now. */
		if (i % 1024 == 0) {
			count_depth(&lab);
			lab_stop(&lab);
			CHECK(lab_start(&lab, 1));
			stateful_flows(&lab);
		}
	}
	count_depth(&lab);
	lab_stop(&lab);
	CHECK(double_live() == 0);
	CHECK(tracked > 0 && unwrapped > 0);
	if (double_error())
		fprintf(stderr, "%s\n", double_error());
	CHECK(!double_error());
	printf("%u inputs, %u connections, %ld packets out of tunnels\n", count, tracked,
	       (long)unwrapped);
	return 0;
}
