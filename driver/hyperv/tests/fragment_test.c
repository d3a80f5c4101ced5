/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Fragments through the connection tracker: whole there, fragments again behind it. */
#include "lab.h"
#include "../conntrack/fragments.h"

static UCHAR whole[4096], other[4096];

static void put16(UCHAR *at, ULONG value)
{
	at[0] = (UCHAR)(value >> 8);
	at[1] = (UCHAR)value;
}

/* Bytes [from, to) of the packet's payload as a fragment of IPv4. */
static ULONG cut4(UCHAR *out, ULONG size, ULONG id, ULONG from, ULONG to)
{
	ULONG end = size - 34, sum = 0, i;

	memcpy(out, whole, 34);
	if (to > end)
		to = end;
	memcpy(out + 34, whole + 34 + from, to - from);
	put16(out + 16, 20 + to - from);
	put16(out + 18, id);
	put16(out + 20, (to < end ? 0x2000 : 0) | from / 8);
	put16(out + 24, 0);
	for (i = 14; i < 34; i += 2)
		sum += fabric_read16(out + i);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(out + 24, sum ^ 0xffff);
	return 34 + to - from;
}

static void send4(struct lab *lab, ULONG size, ULONG id, ULONG from, ULONG to)
{
	static UCHAR fragment[4096];

	lab_send(lab, 3, fragment, cut4(fragment, size, id, from, to), 200);
}

/* ct(), then what is new and whole goes to port 4. */
static void track(struct lab *lab, int is_translated)
{
	struct fabric_writer actions = lab_actions();
	ULONG ct = fabric_write_nest(&actions, 12), nat;

	if (is_translated) {
		fabric_write(&actions, 1, NULL, 0);
		nat = fabric_write_nest(&actions, 6);
		fabric_write(&actions, 1, NULL, 0);
		fabric_write(&actions, 3, "\xc0\x00\x02\x07", 4);
		fabric_write_nest_end(&actions, nat);
	}
	fabric_write_nest_end(&actions, ct);
	fabric_write_u32(&actions, 7, 1);
	CHECK(lab_flow_on(lab, 3, 0, 0, 0, &actions) == 0);
	actions = lab_actions();
	lab_output(&actions, 4);
	CHECK(lab_flow_on(lab, 3, 1, 0x21, 0x31, &actions) == 0);
}

/* Collects what left as fragments; the bytes of the whole packet are in 'other'. */
static ULONG collect(ULONG size, ULONG largest)
{
	struct double_delivery *one;
	ULONG count = 0, held = 0;

	memset(other, 0, sizeof(other));
	while ((one = double_take())) {
		ULONG flags = fabric_read16(one->bytes + 20), at = (flags & 0x1fff) * 8;
		ULONG payload = fabric_read16(one->bytes + 16) - 20u, sum = 0, i;

		CHECK(one->port_id == 4 && one->size == 34 + payload);
		CHECK(one->size - 14 <= largest);
		CHECK(!(flags & 0x2000) == (34 + at + payload == size));
		for (i = 14; i < 34; i += 2)
			sum += fabric_read16(one->bytes + i);
		CHECK((sum & 0xffff) + (sum >> 16) == 0xffff);
		memcpy(other, one->bytes, 34);
		memcpy(other + 34 + at, one->bytes + 34, payload);
		held += payload;
		count++;
		free(one);
	}
	CHECK(!count || held == size - 34);
	put16(other + 16, size - 14);
	put16(other + 20, 0);
	return count;
}

static void fragments_are_tracked_as_one_and_leave_as_they_came(void)
{
	struct lab lab;
	ULONG size = lab_udp(whole, 3000, 1);

	CHECK(lab_start(&lab, 1));
	track(&lab, 0);
	send4(&lab, size, 9, 2000, 4000); /* The last one first. */
	send4(&lab, size, 9, 0, 1000);
	CHECK(!double_take() && lab.extension->outstanding == 0);
	send4(&lab, size, 9, 0, 1000); /* Sent twice. */
	send4(&lab, size, 9, 1000, 2000);
	CHECK(collect(size, 1028) == 3);
	CHECK(!memcmp(other + 26, whole + 26, size - 26));
	CHECK(fabric_read16(other + 18) == 9);
	CHECK(lab.extension->misses == 0);
	lab_stop(&lab);
}

static void a_translation_reaches_all_fragments_of_a_packet(void)
{
	struct lab lab;
	ULONG size = lab_udp(whole, 2000, 1);

	CHECK(lab_start(&lab, 1));
	track(&lab, 1);
	send4(&lab, size, 9, 0, 1480);
	send4(&lab, size, 9, 1480, 4000);
	CHECK(collect(size, 1500) == 2);
	CHECK(!memcmp(other + 26, "\xc0\x00\x02\x07", 4));
	lab_sums(whole);
	put16(other + 24, 0);
	memcpy(whole + 26, other + 26, 4);
	lab_sums(whole); /* The sum of the translated packet, as it must be. */
	CHECK(!memcmp(other + 40, whole + 40, 2));
	double_complete_sends(lab.extension);
	lab_stop(&lab);
}

static ULONG drops(struct lab *lab, int reason)
{
	return (ULONG)lab->extension->drops[reason];
}

static void overlaps_bent_sizes_and_old_ones_are_dropped_under_their_names(void)
{
	static UCHAR fragment[4096];
	struct lab lab;
	ULONG size = lab_udp(whole, 3000, 1), length;

	CHECK(lab_start(&lab, 1));
	track(&lab, 0);
	send4(&lab, size, 1, 0, 1000);
	send4(&lab, size, 1, 992, 2000);
	CHECK(drops(&lab, FABRIC_DROP_FragmentOverlap) == 1);
	send4(&lab, size, 1, 1000, 4000); /* What came before is gone with it. */
	CHECK(!double_take());
	length = cut4(fragment, size, 2, 0, 1001); /* Not eight by eight. */
	lab_send(&lab, 3, fragment, length, 500);
	CHECK(drops(&lab, FABRIC_DROP_FragmentMalformed) == 1);
	send4(&lab, 2034, 3, 1000, 4000); /* The end is at 2000. */
	send4(&lab, size, 3, 2000, 2400);
	CHECK(drops(&lab, FABRIC_DROP_FragmentMalformed) == 2);
	send4(&lab, size, 4, 2000, 4000);
	fabric_watchdog(lab.extension, KeQueryInterruptTime() + FABRIC_FRAGMENT_AGE + 1);
	CHECK(drops(&lab, FABRIC_DROP_FragmentTimeout) == 2); /* Of 1 and of 4. */
	send4(&lab, size, 4, 0, 2000);
	CHECK(!double_take());
	lab_stop(&lab);
}

static void what_is_held_is_bounded(void)
{
	struct lab lab;
	ULONG size = lab_udp(whole, 3000, 1), i;

	CHECK(lab_start(&lab, 1));
	track(&lab, 0);
	for (i = 0; i < FABRIC_DATAGRAMS_MAX + 5; i++)
		send4(&lab, size, i, 0, 64);
	CHECK(drops(&lab, FABRIC_DROP_FragmentLimit) == 5);
	for (i = 0; i < FABRIC_DATAGRAMS_MAX; i++)
		send4(&lab, size, i, 64, 64 + 2000);
	for (i = 0; i < FABRIC_DATAGRAMS_MAX; i++)
		send4(&lab, size, i, 64 + 2000, 4000);
	/* More than four megabytes: some became whole, the others were refused. */
	CHECK(drops(&lab, FABRIC_DROP_FragmentLimit) >= 5);
	double_complete_sends(lab.extension);
	lab_stop(&lab);
}

/* An IPv6 UDP packet with a fragment header. */
static ULONG cut6(UCHAR *out, ULONG from, ULONG to, ULONG end)
{
	static const UCHAR head[] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60, 0 };
	ULONG i;

	memset(out, 0, 62);
	memcpy(out, head, sizeof(head));
	put16(out + 18, 8 + to - from);
	out[20] = 44;
	out[21] = 64;
	out[22] = out[38] = 0xfd;
	out[37] = 1;
	out[53] = 2;
	out[54] = 17;
	put16(out + 56, from | (to < end ? 1 : 0));
	put16(out + 60, 0x1234);
	for (i = from; i < to; i++)
		out[62 + i - from] = (UCHAR)(i * 13);
	if (!from) {
		put16(out + 62, 1000);
		put16(out + 64, 53);
		put16(out + 66, end);
		put16(out + 68, 0);
	}
	return 62 + to - from;
}

static int flow6(struct lab *lab, ULONG id, struct fabric_writer *actions)
{
	struct fabric_writer body = lab_body();
	fabric_u16 ip = FABRIC_TYPE_IPV6, all = 0xffff;
	ULONG nest, i;

	for (i = 0; i < 2; i++) {
		nest = fabric_write_nest(&body, i ? 7 : 1);
		fabric_write_u32(&body, 3, i ? 0xffffffff : 3);
		fabric_write_u32(&body, 20, i ? 0xffffffff : id);
		fabric_write(&body, 6, i ? &all : &ip, 2);
		fabric_write_nest_end(&body, nest);
	}
	fabric_write(&body, 2, actions->bytes, actions->at);
	return lab_ask(lab, FABRIC_FAMILY_FLOW, 1, 0, &body);
}

static void fragments_of_ipv6_go_the_same_way(void)
{
	struct fabric_writer actions = lab_actions();
	struct double_delivery *one;
	struct lab lab;
	ULONG size, at;

	CHECK(lab_start(&lab, 1));
	fabric_write_nest_end(&actions, fabric_write_nest(&actions, 12));
	fabric_write_u32(&actions, 7, 1);
	CHECK(flow6(&lab, 0, &actions) == 0);
	actions = lab_actions();
	lab_output(&actions, 4);
	CHECK(flow6(&lab, 1, &actions) == 0);
	size = cut6(whole, 1200, 2000, 2000);
	lab_send(&lab, 3, whole, size, 300);
	size = cut6(whole, 0, 1200, 2000);
	lab_send(&lab, 3, whole, size, 300);
	for (at = 0; at < 2000; at += at ? 800 : 1200) {
		one = double_take();
		size = cut6(whole, at, at ? 2000 : 1200, 2000);
		CHECK(one && one->size == size && !memcmp(one->bytes, whole, size));
		free(one);
	}
	CHECK(!double_take());
	lab_stop(&lab);
}

static void a_whole_packet_goes_up_with_the_size_it_came_in_and_leaves_by_it(void)
{
	struct fabric_writer actions = lab_actions(), body;
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	struct fabric_message message;
	fabric_u16 largest;
	struct lab lab;
	ULONG size = lab_udp(whole, 2000, 1), nest;

	CHECK(lab_start(&lab, 1));
	track(&lab, 0);
	/* Nothing is known of what is new: the second flow goes. */
	CHECK(lab_ask(&lab, FABRIC_FAMILY_FLOW, 2, 0, NULL) == 0);
	nest = fabric_write_nest(&actions, 12);
	fabric_write_nest_end(&actions, nest);
	fabric_write_u32(&actions, 7, 1);
	CHECK(lab_flow_on(&lab, 3, 0, 0, 0, &actions) == 0);
	send4(&lab, size, 9, 0, 1480);
	send4(&lab, size, 9, 1480, 4000);
	CHECK(lab_control(&lab, 0xAFC8440E, NULL, 0) == STATUS_SUCCESS);
	CHECK(fabric_message_parse(lab.reply, lab.reply_size, &message));
	CHECK(fabric_attributes(message.attributes, message.attributes_size, a));
	CHECK(a[1].size == size && a[9].size == 2);
	memcpy(&largest, a[9].data, 2);
	CHECK(largest == 1500);
	body = lab_body();
	fabric_write(&body, 1, a[1].data, a[1].size);
	fabric_write(&body, 2, a[2].data, a[2].size);
	actions = lab_actions();
	lab_output(&actions, 4);
	fabric_write(&body, 3, actions.bytes, actions.at);
	fabric_write(&body, 9, &largest, 2);
	CHECK(lab_ask(&lab, FABRIC_FAMILY_PACKET, 3, 0, &body) == 0);
	CHECK(collect(size, 1500) == 2);
	lab_stop(&lab);
}

int main(void)
{
	int count = 0;

	RUN(fragments_are_tracked_as_one_and_leave_as_they_came);
	RUN(a_translation_reaches_all_fragments_of_a_packet);
	RUN(overlaps_bent_sizes_and_old_ones_are_dropped_under_their_names);
	RUN(what_is_held_is_bounded);
	RUN(fragments_of_ipv6_go_the_same_way);
	RUN(a_whole_packet_goes_up_with_the_size_it_came_in_and_leaves_by_it);
	printf("%d tests passed\n", count);
	return 0;
}
