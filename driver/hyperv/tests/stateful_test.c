/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Connections: states, marks, translation, errors, limits, timeouts, messages; meters. */
#include "lab.h"
#include "../conntrack/connection.h"

static UCHAR frame[2048];

enum { SYN = 2, ACK = 16, SYN_ACK = 18, RST = 4 };

static struct double_delivery *taken_at(ULONG port)
{
	struct double_delivery *one = double_take();

	CHECK(one && one->port_id == port);
	return one;
}

/* ct(...) and recirc(id) on what comes in at a port. */
static void track(struct lab *lab, ULONG port, ULONG id, struct fabric_writer *ct)
{
	struct fabric_writer actions = lab_actions();

	fabric_write(&actions, 12, ct->bytes, ct->at);
	fabric_write_u32(&actions, 7, id);
	CHECK(lab_flow_on(lab, port, 0, 0, 0, &actions) == 0);
}

/* Packets of this state, recirculated, leave by a port. */
static void expect(struct lab *lab, ULONG port, ULONG id, ULONG state, ULONG out)
{
	struct fabric_writer actions = lab_actions();

	lab_output(&actions, out);
	CHECK(lab_flow_on(lab, port, id, state, 0xff, &actions) == 0);
}

static struct fabric_writer ct_of(ULONG flags, fabric_u16 zone)
{
	static UCHAR bytes[512];
	struct fabric_writer ct = { bytes, sizeof(bytes), 0, FALSE };

	if (flags & FABRIC_CT_COMMIT)
		fabric_write(&ct, 1, NULL, 0);
	if (flags & FABRIC_CT_FORCE)
		fabric_write(&ct, 7, NULL, 0);
	fabric_write(&ct, 2, &zone, 2);
	return ct;
}

static void nat_to(struct fabric_writer *ct, ULONG type, const char *address, fabric_u16 port)
{
	ULONG nest = fabric_write_nest(ct, 6);

	if (type)
		fabric_write(ct, type, NULL, 0);
	if (address)
		fabric_write(ct, 3, address, 4);
	if (port)
		fabric_write(ct, 5, &port, 2);
	fabric_write_nest_end(ct, nest);
}

static ULONG segment(UCHAR flags, ULONG sequence, ULONG acknowledgement, int is_reply)
{
	ULONG size = lab_tcp(frame, 0, 1);
	UCHAR *ip = frame + 14, *tcp = ip + 20, other[4];

	tcp[4] = (UCHAR)(sequence >> 24), tcp[5] = (UCHAR)(sequence >> 16);
	tcp[6] = (UCHAR)(sequence >> 8), tcp[7] = (UCHAR)sequence;
	tcp[8] = (UCHAR)(acknowledgement >> 24), tcp[9] = (UCHAR)(acknowledgement >> 16);
	tcp[10] = (UCHAR)(acknowledgement >> 8), tcp[11] = (UCHAR)acknowledgement;
	tcp[13] = flags;
	tcp[14] = 16;
	if (is_reply) {
		memcpy(other, ip + 12, 4);
		memcpy(ip + 12, ip + 16, 4);
		memcpy(ip + 16, other, 4);
		memcpy(other, tcp, 2);
		memcpy(tcp, tcp + 2, 2);
		memcpy(tcp + 2, other, 2);
	}
	lab_sums(frame);
	return size;
}

static void a_handshake_is_followed_and_a_stray_segment_is_invalid(void)
{
	struct fabric_writer ct = ct_of(FABRIC_CT_COMMIT, 5), plain;
	struct lab lab;

	CHECK(lab_start(&lab, 1));
	track(&lab, 3, 1, &ct);
	plain = ct_of(0, 5);
	track(&lab, 4, 2, &plain);
	expect(&lab, 3, 1, 0x21, 4);
	expect(&lab, 3, 1, 0x22, 4);
	expect(&lab, 4, 2, 0x2a, 3);
	expect(&lab, 4, 2, 0x30, 1);
	lab_send(&lab, 3, frame, segment(SYN, 100, 0, 0), 100);
	free(taken_at(4));
	lab_send(&lab, 4, frame, segment(SYN_ACK, 900, 101, 1), 100);
	free(taken_at(3));
	lab_send(&lab, 3, frame, segment(ACK, 101, 901, 0), 100);
	free(taken_at(4));
	lab_send(&lab, 4, frame, segment(RST, 77777777, 0, 1), 100);
	free(taken_at(1)); /* Far outside of the window. */
	CHECK(lab.extension->connections->count == 1);
	CHECK(lab.extension->drops[FABRIC_DROP_ConntrackInvalid] == 1);
	lab_stop(&lab);
}

static void marks_and_labels_stay_with_the_connection(void)
{
	static const ULONG mark[2] = { 0x1234, 0xffff };
	static UCHAR labels[32];
	struct fabric_writer ct = ct_of(FABRIC_CT_COMMIT, 5), plain;
	struct fabric_entry *entry;
	struct lab lab;
	ULONG i;

	CHECK(lab_start(&lab, 1));
	labels[3] = 7;
	labels[19] = 255;
	fabric_write(&ct, 3, mark, 8);
	fabric_write(&ct, 4, labels, 32);
	track(&lab, 3, 1, &ct);
	plain = ct_of(0, 5);
	track(&lab, 4, 2, &plain);
	expect(&lab, 3, 1, 0x21, 4);
	expect(&lab, 4, 2, 0x2a, 3);
	lab_send(&lab, 3, frame, segment(SYN, 100, 0, 0), 100);
	free(taken_at(4));
	for (i = 0, entry = NULL; i < lab.extension->connections->bucket_count && !entry; i++)
		entry = lab.extension->connections->originals[i];
	CHECK(entry && entry->connection.mark == FABRIC_BE32(0x1234));
	CHECK(entry->connection.label[3] == 7 && entry->connection.original.zone == 5);
	lab_stop(&lab);
}

static void a_source_is_translated_there_and_back(void)
{
	struct fabric_writer ct = ct_of(FABRIC_CT_COMMIT, 1), back;
	struct double_delivery *one;
	struct lab lab;
	ULONG size;

	CHECK(lab_start(&lab, 1));
	nat_to(&ct, 1, "\xc0\x00\x02\x07", 5000);
	track(&lab, 3, 1, &ct);
	back = ct_of(0, 1);
	nat_to(&back, 0, NULL, 0);
	track(&lab, 4, 2, &back);
	expect(&lab, 3, 1, 0x61, 4);
	expect(&lab, 4, 2, 0x6a, 3);
	size = segment(SYN, 100, 0, 0);
	lab_send(&lab, 3, frame, size, 7);
	one = taken_at(4);
	CHECK(!memcmp(one->bytes + 26, "\xc0\x00\x02\x07", 4));
	CHECK(fabric_read16(one->bytes + 34) == 5000 && lab_checksums_hold(one->bytes, size));
	free(one);
	segment(SYN_ACK, 900, 101, 1);
	memcpy(frame + 30, "\xc0\x00\x02\x07", 4);
	frame[36] = 5000 >> 8, frame[37] = 5000 & 255;
	lab_sums(frame);
	lab_send(&lab, 4, frame, size, 100);
	one = taken_at(3);
	CHECK(!memcmp(one->bytes + 30, "\x0a\x00\x00\x01", 4));
	CHECK(fabric_read16(one->bytes + 36) == 1001 && lab_checksums_hold(one->bytes, size));
	free(one);
	lab_stop(&lab);
}

static void an_error_is_related_and_translated_with_what_it_quotes(void)
{
	struct fabric_writer ct = ct_of(FABRIC_CT_COMMIT, 1), back;
	UCHAR error[128] = { 0 }, *ip = error + 14, *icmp = ip + 20;
	struct double_delivery *one;
	struct lab lab;

	CHECK(lab_start(&lab, 1));
	nat_to(&ct, 1, "\xc0\x00\x02\x07", 5000);
	track(&lab, 3, 1, &ct);
	back = ct_of(0, 1);
	nat_to(&back, 0, NULL, 0);
	track(&lab, 4, 2, &back);
	expect(&lab, 3, 1, 0x61, 4);
	expect(&lab, 4, 2, 0x6c, 3);
	lab_send(&lab, 3, frame, segment(SYN, 100, 0, 0), 100);
	one = taken_at(4);
	/* A router on the way says that it cannot be reached, and quotes what it saw. */
	memcpy(error, frame, 34);
	ip[2] = 0, ip[3] = 56;
	ip[9] = 1;
	memcpy(ip + 12, "\xc6\x33\x64\x01", 4);
	memcpy(ip + 16, "\xc0\x00\x02\x07", 4);
	icmp[0] = 3, icmp[1] = 1;
	memcpy(icmp + 8, one->bytes + 14, 28);
	free(one);
	lab_sums(error);
	lab_send(&lab, 4, error, 70, 100);
	one = taken_at(3);
	CHECK(!memcmp(one->bytes + 30, "\x0a\x00\x00\x01", 4));
	CHECK(!memcmp(one->bytes + 54, "\x0a\x00\x00\x01", 4));
	CHECK(fabric_read16(one->bytes + 62) == 1001);
	CHECK(lab_checksums_hold(one->bytes, 70));
	free(one);
	lab_stop(&lab);
}

static int limit(struct lab *lab, UCHAR command, LONG zone, ULONG value)
{
	struct fabric_writer body = lab_body();
	ULONG item[3] = { (ULONG)zone, value, 0 };

	fabric_write(&body, 1, item, sizeof(item));
	return lab_ask(lab, FABRIC_FAMILY_LIMIT, command, 0, &body);
}

static void a_zone_has_no_more_connections_than_its_limit(void)
{
	struct fabric_writer ct = ct_of(FABRIC_CT_COMMIT, 9);
	struct lab lab;
	ULONG item[3], i;

	CHECK(lab_start(&lab, 1));
	CHECK(limit(&lab, 1, 9, 3) == 0);
	track(&lab, 3, 1, &ct);
	expect(&lab, 3, 1, 0x21, 4);
	expect(&lab, 3, 1, 0x30, 1);
	for (i = 0; i < 5; i++) {
		lab_send(&lab, 3, frame, lab_udp(frame, 10, i), 100);
		free(taken_at(i < 3 ? 4 : 1));
	}
	CHECK(lab.extension->drops[FABRIC_DROP_ConntrackZoneLimit] == 2);
	CHECK(limit(&lab, 3, 9, 0) == 0);
	memcpy(item, lab.reply + FABRIC_NL_HEAD + 4, sizeof(item));
	CHECK(item[0] == 9 && item[1] == 3 && item[2] == 3);
	CHECK(limit(&lab, 2, 9, 0) == 0);
	lab_send(&lab, 3, frame, lab_udp(frame, 10, 77), 100);
	free(taken_at(4));
	lab_stop(&lab);
}

static void what_is_over_goes_and_events_tell_of_it(void)
{
	struct fabric_writer ct = ct_of(FABRIC_CT_COMMIT, 9), body;
	static UCHAR bytes[256];
	struct lab lab;
	ULONG i, group;

	CHECK(lab_start(&lab, 1));
	for (group = 1; group <= 3; group++) {
		UCHAR one = 1;
		struct fabric_writer join = { bytes, sizeof(bytes), 0, FALSE };
		ULONG start = fabric_write_start(&join, FABRIC_FAMILY_CONTROL, 1, 1, lab.pid, 2, 1);

		fabric_write_u32(&join, 0, group);
		fabric_write(&join, 1, &one, 1);
		fabric_write_end(&join, start);
		CHECK(lab_control(&lab, 0xAFC84411, bytes, join.at) == STATUS_SUCCESS);
	}
	track(&lab, 3, 1, &ct);
	expect(&lab, 3, 1, 0x21, 4);
	lab_send(&lab, 3, frame, lab_udp(frame, 10, 1), 100);
	free(taken_at(4));
	CHECK(lab_control(&lab, 0xAFC8440A, NULL, 0) == STATUS_SUCCESS && lab.reply[4] == 0 &&
	      lab.reply[5] == 1 && (lab.reply[7] & 4));
	double_advance(61 * FABRIC_SECOND);
	for (i = 0; i < 16; i++)
		fabric_watchdog(lab.extension, KeQueryInterruptTime());
	CHECK(lab.extension->connections->count == 0);
	CHECK(lab_control(&lab, 0xAFC8440A, NULL, 0) == STATUS_SUCCESS && lab.reply[4] == 2);
	body = lab_body();
	CHECK(lab_ask(&lab, FABRIC_FAMILY_CONNTRACK + 2, 0, 0, &body) == 0);
	lab_stop(&lab);
}

static void a_dump_shows_each_connection_and_a_flush_takes_a_zone(void)
{
	struct fabric_writer ct = ct_of(FABRIC_CT_COMMIT, 9), body;
	fabric_u16 zone = FABRIC_BE16(9);
	UCHAR request[FABRIC_NL_HEAD] = { FABRIC_NL_HEAD, 0, 0, 0, 1, 1, 4, 3 };
	struct lab lab;
	ULONG i;

	CHECK(lab_start(&lab, 1));
	track(&lab, 3, 1, &ct);
	expect(&lab, 3, 1, 0x21, 4);
	for (i = 0; i < 50; i++) {
		lab_send(&lab, 3, frame, lab_udp(frame, 10, i), 100);
		free(taken_at(4));
	}
	CHECK(lab_control(&lab, 0xAFC84411, request, sizeof(request)) == STATUS_SUCCESS);
	for (i = 0; lab_control(&lab, 0xAFC84406, NULL, 0) == STATUS_SUCCESS && lab.reply_size; i++)
		;
	CHECK(i == 50);
	body = lab_body();
	fabric_write(&body, 18, &zone, 2);
	CHECK(lab_ask(&lab, FABRIC_FAMILY_CONNTRACK + 2, 0, 0, &body) == 0);
	CHECK(lab.extension->connections->count == 0);
	lab_stop(&lab);
}

static void a_meter_drops_above_its_rate(void)
{
	struct fabric_writer actions = lab_actions(), body = lab_body();
	struct double_delivery *one;
	struct lab lab;
	ULONG bands, band, i, passed = 0;

	CHECK(lab_start(&lab, 1));
	fabric_write_u32(&body, 1, 7);
	bands = fabric_write_nest(&body, 4);
	band = fabric_write_nest(&body, 0);
	fabric_write_u32(&body, 1, 1);
	fabric_write_u32(&body, 2, 10); /* Packets a second, and as many at once. */
	fabric_write_nest_end(&body, band);
	fabric_write_nest_end(&body, bands);
	CHECK(lab_ask(&lab, FABRIC_FAMILY_METER, 2, 0, &body) == 0);
	fabric_write_u32(&actions, 19, 7);
	lab_output(&actions, 4);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	for (i = 0; i < 60; i++) {
		if (i == 30)
			double_advance(FABRIC_SECOND / 2);
		lab_send(&lab, 3, frame, lab_udp(frame, 10, i), 100);
	}
	for (; (one = double_take()); passed++)
		free(one);
	CHECK(passed == 15);
	CHECK(lab.extension->drops[FABRIC_DROP_MeterExceeded] == 45);
	lab_stop(&lab);
}

int main(void)
{
	int count = 0;

	RUN(a_handshake_is_followed_and_a_stray_segment_is_invalid);
	RUN(marks_and_labels_stay_with_the_connection);
	RUN(a_source_is_translated_there_and_back);
	RUN(an_error_is_related_and_translated_with_what_it_quotes);
	RUN(a_zone_has_no_more_connections_than_its_limit);
	RUN(what_is_over_goes_and_events_tell_of_it);
	RUN(a_dump_shows_each_connection_and_a_flush_takes_a_zone);
	RUN(a_meter_drops_above_its_rate);
	printf("%d tests passed\n", count);
	return 0;
}
