/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Bent requests to the device and bent frames to the switch, from a seed. */
#include "lab.h"

static ULONG random_state;

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

int main(int argc, char **argv)
{
	static const ULONG codes[] = { 0xAFC88400, 0xAFC84406, 0xAFC8440A, 0xAFC8440E,
				       0xAFC84411, 0xAFC88416, 0xAFC88416, 0xAFC88416, 1 };
	ULONG count = argc > 1 ? (ULONG)strtoul(argv[1], NULL, 10) : 50000, i;
	static UCHAR bytes[8192], frame[2048];
	struct lab lab;

	random_state = 0x12345;
	CHECK(lab_start(&lab, 1));
	for (i = 0; i < count; i++) {
		ULONG size = sample(&lab, bytes);

		fabric_device_control(lab.handle, codes[next_random(9)], bytes, size, lab.reply,
				      next_random(8) ? sizeof(lab.reply) : next_random(200),
				      &lab.reply_size, NULL);
		if (i % 4 == 0) {
			ULONG length = next_random(2) ? lab_tcp(frame, next_random(1200), i & 255)
						      : lab_udp(frame, next_random(1200), i & 255);
			ULONG bends = next_random(5);

			while (bends--)
				frame[next_random(80)] = (UCHAR)next_random(256);
			length = next_random(3) ? length : 1 + next_random(length);
			lab_send(&lab, 1 + next_random(5), frame, length, 1 + next_random(300));
		}
		if (i % 64 == 0)
			double_complete_sends(lab.extension);
		if (i % 1000 == 0) {
			struct double_delivery *one;

			while ((one = double_take()))
				free(one);
		}
	}
	lab_stop(&lab);
	CHECK(double_live() == 0);
	if (double_error())
		fprintf(stderr, "%s\n", double_error());
	CHECK(!double_error());
	printf("%u inputs\n", count);
	return 0;
}
