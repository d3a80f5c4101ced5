/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Branches: clone, samples, and what depends on the packet's length or its time to live. */
#include "lab.h"

static UCHAR frame[2048];

/* What is longer than 'most' leaves by port 1, all else by port 2. */
static void check_length(struct fabric_writer *actions, USHORT most)
{
	ULONG part, check = fabric_write_nest(actions, 21);

	fabric_write(actions, 1, &most, 2);
	part = fabric_write_nest(actions, 2);
	lab_output(actions, 1);
	fabric_write_nest_end(actions, part);
	part = fabric_write_nest(actions, 3);
	lab_output(actions, 2);
	fabric_write_nest_end(actions, part);
	fabric_write_nest_end(actions, check);
}

static void a_branch_works_on_a_copy_and_leaves_the_packet_alone(void)
{
	struct fabric_writer actions = lab_actions();
	struct double_delivery *one;
	struct lab lab;
	ULONG clone, size = lab_tcp(frame, 100, 3), i;

	CHECK(lab_start(&lab, 1));
	clone = fabric_write_nest(&actions, 20);
	lab_set_ipv4(&actions, "\1\2\3\4", 9);
	lab_output(&actions, 4);
	fabric_write_nest_end(&actions, clone);
	check_length(&actions, 200);
	lab_output(&actions, 2);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	for (i = 0; i < 2; i++) {
		size = lab_tcp(frame, i ? 400 : 100, 3);
		lab_send(&lab, 3, frame, size, 70);
		one = double_take();
		CHECK(one && one->port_id == 4 && !memcmp(one->bytes + 26, "\1\2\3\4", 4));
		CHECK(one->bytes[22] == 9 && lab_checksums_hold(one->bytes, one->size));
		free(one);
		one = double_take();
		CHECK(one && one->port_id == (i ? 1 : 2) && !memcmp(one->bytes, frame, size));
		free(one);
		one = double_take();
		CHECK(one && one->port_id == 2 && !memcmp(one->bytes, frame, size));
		free(one);
		CHECK(!double_take());
	}
	lab_stop(&lab);
}

static void a_branch_that_is_bent_or_too_deep_refuses_the_flow(void)
{
	struct fabric_writer actions = lab_actions();
	ULONG nests[3], i;
	USHORT most = 200;
	struct lab lab;

	CHECK(lab_start(&lab, 1));
	for (i = 0; i < 3; i++)
		nests[i] = fabric_write_nest(&actions, 20);
	lab_output(&actions, 4);
	while (i--)
		fabric_write_nest_end(&actions, nests[i]);
	CHECK(lab_flow(&lab, 3, &actions) == FABRIC_ENOTSUPP);
	actions = lab_actions();
	fabric_write(&actions, 20, &most, 2); /* Half an action. */
	CHECK(lab_flow(&lab, 3, &actions) == FABRIC_EINVAL);
	actions = lab_actions();
	nests[0] = fabric_write_nest(&actions, 21); /* Without the length. */
	fabric_write_nest_end(&actions, nests[0]);
	CHECK(lab_flow(&lab, 3, &actions) == FABRIC_EINVAL);
	actions = lab_actions();
	nests[0] = fabric_write_nest(&actions, 20);
	for (i = 0; i < FABRIC_ACTIONS_MAX; i++)
		lab_output(&actions, 4);
	fabric_write_nest_end(&actions, nests[0]);
	CHECK(lab_flow(&lab, 3, &actions) == FABRIC_ENOSPC);
	lab_stop(&lab);
}

static void a_sample_falls_on_its_part_of_the_packets(void)
{
	static const ULONG probability[] = { 0, 0x40000000, 0xffffffff };
	static const ULONG least[] = { 0, 160, 1000 }, most[] = { 0, 340, 1000 };
	ULONG i, n, size = lab_tcp(frame, 100, 3);

	for (i = 0; i < 3; i++) {
		struct fabric_writer actions = lab_actions();
		ULONG sample = fabric_write_nest(&actions, 6), part, seen = 0;
		struct double_delivery *one;
		struct lab lab;

		CHECK(lab_start(&lab, 1));
		fabric_write_u32(&actions, 1, probability[i]);
		part = fabric_write_nest(&actions, 2);
		lab_output(&actions, 4);
		fabric_write_nest_end(&actions, part);
		fabric_write_nest_end(&actions, sample);
		lab_output(&actions, 2);
		CHECK(lab_flow(&lab, 3, &actions) == 0);
		for (n = 0; n < 1000; n++) {
			lab_send(&lab, 3, frame, size, 70);
			one = double_take();
			seen += one->port_id == 4;
			if (one->port_id == 4) {
				free(one);
				one = double_take();
			}
			CHECK(one && one->port_id == 2 && !memcmp(one->bytes, frame, size));
			free(one);
			CHECK(!double_take());
		}
		CHECK(seen >= least[i] && seen <= most[i]);
		lab_stop(&lab);
	}
}

static void a_packet_whose_time_is_over_goes_where_the_branch_says(void)
{
	struct fabric_writer actions = lab_actions();
	ULONG nest = fabric_write_nest(&actions, 23), part = fabric_write_nest(&actions, 1);
	ULONG size = lab_tcp(frame, 100, 3), i;
	struct double_delivery *one;
	struct lab lab;

	CHECK(lab_start(&lab, 1));
	lab_output(&actions, 4);
	fabric_write_nest_end(&actions, part);
	fabric_write_nest_end(&actions, nest);
	lab_output(&actions, 2);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	for (i = 0; i < 2; i++) {
		frame[22] = i ? 1 : 64;
		lab_sums(frame);
		lab_send(&lab, 3, frame, size, 70);
		one = double_take();
		CHECK(one && one->port_id == (i ? 4 : 2) && one->bytes[22] == (i ? 1 : 63));
		CHECK(lab_checksums_hold(one->bytes, one->size));
		free(one);
		CHECK(!double_take());
	}
	lab_stop(&lab);
}

static void large_sends_count_by_their_segments(void)
{
	struct fabric_writer actions = lab_actions();
	struct double_delivery *one;
	const UCHAR *bytes = frame;
	ULONG size = lab_tcp(frame, 1500, 3), i;
	struct lab lab;

	CHECK(lab_start(&lab, 1));
	check_length(&actions, 1000);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	for (i = 0; i < 2; i++) {
		PNET_BUFFER_LIST list = double_list(3, 0, &bytes, &size, 1, 4000);

		double_checksum_offload(list, 1, 0);
		double_large_send(list, i ? 1400 : 900);
		fabric_ingress(lab.extension, list);
		one = double_take();
		CHECK(one && one->port_id == (i ? 1 : 2) && one->size == size);
		CHECK(one->mss == (i ? 1400 : 900));
		free(one);
	}
	lab_stop(&lab);
}

static void a_tag_that_comes_behind_the_cut_is_on_top_of_it(void)
{
	fabric_u16 vlan[2] = { FABRIC_TYPE_VLAN, FABRIC_BE16(0x1000 | 9) };
	struct fabric_writer actions = lab_actions();
	struct double_delivery *one;
	struct lab lab;
	ULONG size = lab_tcp(frame, 100, 3), most = 30, i;

	CHECK(lab_start(&lab, 1));
	for (i = 0; i < 2; i++) {
		/* The second tag moves the first one into the frame. */
		fabric_write(&actions, 13, &most, 4);
		fabric_write(&actions, 4, vlan, 4);
		lab_output(&actions, 1);
	}
	lab_output(&actions, 2);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	lab_send(&lab, 3, frame, size, 200);
	one = double_take();
	CHECK(one && one->port_id == 1 && one->tag == 9 && one->size == 30);
	free(one);
	one = double_take();
	CHECK(one && one->port_id == 1 && one->tag == 9 && one->size == 30);
	CHECK(!memcmp(one->bytes + 12, "\x81\x00\x00\x09\x08\x00", 6));
	free(one);
	one = double_take();
	CHECK(one && one->port_id == 2 && one->tag == 9 && one->size == size + 4);
	free(one);
	CHECK(!double_take());
	lab_stop(&lab);
}

int main(void)
{
	int count = 0;

	RUN(a_branch_works_on_a_copy_and_leaves_the_packet_alone);
	RUN(a_branch_that_is_bent_or_too_deep_refuses_the_flow);
	RUN(a_sample_falls_on_its_part_of_the_packets);
	RUN(a_packet_whose_time_is_over_goes_where_the_branch_says);
	RUN(large_sends_count_by_their_segments);
	RUN(a_tag_that_comes_behind_the_cut_is_on_top_of_it);
	printf("%d tests passed\n", count);
	return 0;
}
