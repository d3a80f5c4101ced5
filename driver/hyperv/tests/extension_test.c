/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* The extension against the double: ports, traffic, upcalls, dumps. */
#include "lab.h"

static UCHAR frame[65536];

static struct double_delivery *taken_at(ULONG port)
{
	struct double_delivery *one = double_take();

	CHECK(one && one->port_id == port);
	return one;
}

static void set_ports(struct fabric_writer *actions, ULONG type, const char *ports)
{
	ULONG nest = fabric_write_nest(actions, 3);

	fabric_write(actions, type, ports, 4);
	fabric_write_nest_end(actions, nest);
}

static void one_output_forwards_the_packet_itself(void)
{
	struct fabric_writer actions = lab_actions();
	struct double_delivery *one;
	struct lab lab;
	ULONG size = lab_tcp(frame, 100, 1);
	long before;

	CHECK(lab_start(&lab, 1));
	lab_output(&actions, 4);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	before = double_live();
	lab_send(&lab, 3, frame, size, 33);
	CHECK(double_live() == before); /* Nothing was copied. */
	one = taken_at(4);
	CHECK(one->size == size && !memcmp(one->bytes, frame, size));
	free(one);
	CHECK(!double_take());
	CHECK(lab.extension->hits == 1 && lab.extension->misses == 0);
	lab_stop(&lab);
}

static void a_miss_goes_up_with_its_key(void)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	struct fabric_message message;
	struct fabric_flow_key key;
	struct lab lab;
	ULONG size = lab_udp(frame, 20, 2);

	CHECK(lab_start(&lab, 1));
	lab_send(&lab, 3, frame, size, 10);
	CHECK(lab_control(&lab, 0xAFC8440E, NULL, 0) == STATUS_SUCCESS);
	CHECK(fabric_message_parse(lab.reply, lab.reply_size, &message));
	CHECK(message.type == FABRIC_FAMILY_PACKET && message.command == 1);
	CHECK(fabric_attributes(message.attributes, message.attributes_size, a));
	CHECK(a[1].size == size && !memcmp(a[1].data, frame, size));
	CHECK(fabric_key_parse(a[2].data, a[2].size, &key, FABRIC_KEY_FLOW) == 0);
	CHECK(key.in_port == 3 && key.protocol == 17 && key.port_destination == FABRIC_BE16(80));
	CHECK(lab_control(&lab, 0xAFC8440E, NULL, 0) == STATUS_SUCCESS && lab.reply_size == 0);
	lab_stop(&lab);
}

static void a_flow_without_a_mask_is_for_packets_of_its_kind_alone(void)
{
	struct fabric_writer actions = lab_actions(), body;
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	struct fabric_message message;
	struct lab lab;
	ULONG size = lab_udp(frame, 20, 2);
	UCHAR key[1024];

	CHECK(lab_start(&lab, 1));
	lab_send(&lab, 3, frame, size, 10);
	CHECK(lab_control(&lab, 0xAFC8440E, NULL, 0) == STATUS_SUCCESS);
	CHECK(fabric_message_parse(lab.reply, lab.reply_size, &message));
	CHECK(fabric_attributes(message.attributes, message.attributes_size, a));
	CHECK(a[2].size <= sizeof(key));
	memcpy(key, a[2].data, a[2].size);
	body = lab_body();
	fabric_write(&body, 1, key, a[2].size);
	lab_output(&actions, 4);
	fabric_write(&body, 2, actions.bytes, actions.at);
	CHECK(lab_ask(&lab, FABRIC_FAMILY_FLOW, 1, 0, &body) == 0);
	lab_send(&lab, 3, frame, size, 10);
	free(taken_at(4));
	lab_send(&lab, 3, frame, lab_udp(frame, 20, 3), 10);
	CHECK(!double_take() && lab.extension->misses == 2);
	lab_stop(&lab);
}

static void a_flow_is_found_and_deleted_by_the_key_that_it_was_put_with(void)
{
	struct fabric_writer actions = lab_actions(), body;
	fabric_u16 ip = FABRIC_TYPE_IPV4;
	struct lab lab;
	ULONG i, nest;

	CHECK(lab_start(&lab, 1));
	lab_output(&actions, 4);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	for (i = 0; i < 3; i++) {
		/* GET of another key, GET, DEL: none of them says a mask. */
		body = lab_body();
		nest = fabric_write_nest(&body, 1);
		fabric_write_u32(&body, 3, i ? 3 : 4);
		fabric_write(&body, 6, &ip, 2);
		fabric_write_nest_end(&body, nest);
		CHECK(lab_ask(&lab, FABRIC_FAMILY_FLOW, i < 2 ? 3 : 2, 0, &body) ==
		      (i ? 0 : FABRIC_ENOENT));
	}
	CHECK(lab.extension->table.flow_count == 0);
	lab_stop(&lab);
}

static void a_tag_beside_the_packet_is_matched_and_goes_up_inside(void)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	const UCHAR *bytes = frame;
	struct fabric_message message;
	struct fabric_flow_key key;
	PNET_BUFFER_LIST list;
	struct lab lab;
	ULONG size = lab_udp(frame, 20, 2);

	CHECK(lab_start(&lab, 1));
	list = double_list(3, 0, &bytes, &size, 1, 64);
	double_tag(list, 5, 3);
	fabric_ingress(lab.extension, list);
	CHECK(lab_control(&lab, 0xAFC8440E, NULL, 0) == STATUS_SUCCESS);
	CHECK(fabric_message_parse(lab.reply, lab.reply_size, &message));
	CHECK(fabric_attributes(message.attributes, message.attributes_size, a));
	CHECK(a[1].size == size + 4 && !memcmp(a[1].data + 12, "\x81\x00\x60\x05\x08\x00", 6));
	CHECK(fabric_key_parse(a[2].data, a[2].size, &key, FABRIC_KEY_FLOW) == 0);
	CHECK(key.vlan_tci == FABRIC_BE16(0x7005) && key.vlan_tpid == FABRIC_TYPE_VLAN);
	CHECK(key.ethernet_type == FABRIC_TYPE_IPV4);
	lab_stop(&lab);
}

static void each_output_sees_the_packet_as_it_was_then(void)
{
	struct fabric_writer actions = lab_actions();
	fabric_u16 vlan[2] = { FABRIC_TYPE_VLAN, FABRIC_BE16(0x1000 | 9) };
	struct double_delivery *one;
	struct lab lab;
	ULONG size = lab_tcp(frame, 1000, 3);

	CHECK(lab_start(&lab, 1));
	lab_output(&actions, 1);
	lab_output(&actions, 2);
	lab_set_ipv4(&actions, "\x0a\x09\x08\x07", 17);
	set_ports(&actions, 9, "\x11\x22\x33\x44");
	lab_output(&actions, 4);
	fabric_write(&actions, 4, vlan, 4);
	lab_output(&actions, 1);
	fabric_write(&actions, 5, NULL, 0);
	lab_output(&actions, 2);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	lab_send(&lab, 3, frame, size, 100);
	one = taken_at(1);
	CHECK(one->size == size && !memcmp(one->bytes, frame, size));
	free(one);
	free(taken_at(2));
	one = taken_at(4);
	CHECK(one->size == size && lab_checksums_hold(one->bytes, size));
	CHECK(!memcmp(one->bytes + 26, "\x0a\x09\x08\x07", 4) && one->bytes[22] == 17);
	CHECK(!memcmp(one->bytes + 34, "\x11\x22\x33\x44", 4));
	CHECK(!memcmp(one->bytes + 54, frame + 54, 1000));
	free(one);
	one = taken_at(1);
	CHECK(one->tag == 9 && one->size == size);
	free(one);
	one = taken_at(2);
	CHECK(one->tag == 0 && lab_checksums_hold(one->bytes, size));
	free(one);
	CHECK(!double_take());
	lab_stop(&lab);
}

static void the_original_outlives_its_copies(void)
{
	struct fabric_writer actions = lab_actions();
	struct lab lab;
	ULONG size = lab_tcp(frame, 1200, 4);
	long before;

	CHECK(lab_start(&lab, 1));
	lab_output(&actions, 1);
	lab_set_ipv4(&actions, "\x01\x02\x03\x04", 9);
	lab_output(&actions, 2);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	before = double_completed();
	lab_send(&lab, 3, frame, size, 500);
	CHECK(double_completed() == before);
	double_complete_sends(lab.extension);
	CHECK(double_completed() == before + 1);
	lab_stop(&lab);
}

static void a_list_of_many_buffers_is_many_packets(void)
{
	struct fabric_writer actions = lab_actions();
	static UCHAR frames[3][2000];
	const UCHAR *all[3] = { frames[0], frames[1], frames[2] };
	ULONG sizes[3], i;
	struct lab lab;
	long before;

	for (i = 0; i < 3; i++)
		sizes[i] = lab_tcp(frames[i], 300 * (i + 1), i);
	CHECK(lab_start(&lab, 1));
	lab_output(&actions, 4);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	before = double_completed();
	fabric_ingress(lab.extension, double_list(3, 0, all, sizes, 3, 128));
	for (i = 0; i < 3; i++) {
		struct double_delivery *one = taken_at(4);

		CHECK(one->size == sizes[i] && !memcmp(one->bytes, frames[i], sizes[i]));
		free(one);
	}
	double_complete_sends(lab.extension);
	CHECK(double_completed() == before + 1);
	lab_stop(&lab);
}

static void in_band_tags_are_pushed_and_popped(void)
{
	struct fabric_writer actions = lab_actions();
	fabric_u16 outer[2] = { FABRIC_TYPE_QINQ, FABRIC_BE16(0x1000 | 7) };
	struct double_delivery *one;
	struct lab lab;
	ULONG size = lab_tcp(frame, 10, 5);

	CHECK(lab_start(&lab, 1));
	fabric_write(&actions, 4, outer, 4);
	lab_output(&actions, 4);
	fabric_write(&actions, 5, NULL, 0);
	lab_output(&actions, 2);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	lab_send(&lab, 3, frame, size, 1000);
	one = taken_at(4);
	CHECK(one->size == size + 4 && !memcmp(one->bytes + 12, "\x88\xa8\x00\x07\x08\x00", 6));
	free(one);
	one = taken_at(2);
	CHECK(one->size == size && !memcmp(one->bytes, frame, size));
	free(one);
	lab_stop(&lab);
}

static void a_partial_checksum_stays_one(void)
{
	struct fabric_writer actions = lab_actions();
	const UCHAR *bytes = frame;
	struct double_delivery *one;
	PNET_BUFFER_LIST list;
	struct lab lab;
	ULONG size = lab_tcp(frame, 50, 6), sum, i;

	/* The pseudo header's sum, not complemented: what a guest with offload writes. */
	sum = 6 + size - 34;
	for (i = 26; i < 34; i += 2)
		sum += fabric_read16(frame + i);
	sum = (sum & 0xffff) + (sum >> 16);
	frame[50] = (UCHAR)(sum >> 8);
	frame[51] = (UCHAR)sum;
	CHECK(lab_start(&lab, 1));
	lab_set_ipv4(&actions, "\x0a\x09\x08\x07", 17);
	set_ports(&actions, 9, "\x11\x22\x33\x44");
	lab_output(&actions, 4);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	list = double_list(3, 0, &bytes, &size, 1, 1000);
	double_checksum_offload(list, 1, 0);
	fabric_ingress(lab.extension, list);
	one = taken_at(4);
	sum = 6 + size - 34;
	for (i = 26; i < 34; i += 2)
		sum += fabric_read16(one->bytes + i);
	sum = (sum & 0xffff) + (sum >> 16);
	CHECK(fabric_read16(one->bytes + 50) == sum);
	free(one);
	lab_stop(&lab);
}

static void recirculation_ends_at_its_limit(void)
{
	struct fabric_writer actions = lab_actions();
	struct lab lab;
	ULONG size = lab_tcp(frame, 10, 7);

	CHECK(lab_start(&lab, 1));
	fabric_write_u32(&actions, 7, 0); /* Back to where it is. */
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	lab_send(&lab, 3, frame, size, 1000);
	CHECK(lab.extension->drops[FABRIC_DROP_RecirculationLimit] == 1);
	CHECK(!double_take());
	lab_stop(&lab);
}

static void actions_that_cannot_be_done_refuse_the_flow(void)
{
	static const UCHAR unknown[] = { 9, 10, 14, 15, 17, 18, 22, 25 };
	struct fabric_writer sample = lab_actions();
	struct lab lab;
	ULONG i;

	CHECK(lab_start(&lab, 1));
	for (i = 0; i < sizeof(unknown); i++) {
		struct fabric_writer actions = lab_actions();

		fabric_write_u32(&actions, unknown[i], 0);
		CHECK(lab_flow(&lab, 3, &actions) == FABRIC_ENOTSUPP);
	}
	fabric_write_nest_end(&sample, fabric_write_nest(&sample, 6)); /* No probability. */
	CHECK(lab_flow(&lab, 3, &sample) == FABRIC_EINVAL);
	CHECK(lab.extension->table.flow_count == 0);
	lab_stop(&lab);
}

static void ports_are_bound_by_name_and_keep_their_number(void)
{
	struct fabric_writer body = lab_body();
	struct lab lab;

	CHECK(lab_start(&lab, 1));
	fabric_write_u32(&body, 2, 1);
	fabric_write(&body, 3, "nobody", 7);
	CHECK(lab_ask(&lab, FABRIC_FAMILY_VPORT, 1, 0, &body) == FABRIC_EINVAL);
	body = lab_body();
	fabric_write_u32(&body, 2, 1);
	fabric_write(&body, 3, "vm1", 4);
	CHECK(lab_ask(&lab, FABRIC_FAMILY_VPORT, 1, 0, &body) == FABRIC_EEXIST);
	/* The VM stops and starts: another port id, the same name. */
	lab_leave(&lab, 3, 1);
	CHECK(lab_port(&lab, 33, NdisSwitchNicTypeSynthetic, "vm1"));
	CHECK(fabric_port_by_id(lab.extension, 33, 0)->number == 3);
	CHECK(!fabric_port_by_id(lab.extension, 3, 0));
	lab_stop(&lab);
}

static void without_userspace_the_host_keeps_its_network(void)
{
	struct lab lab;
	ULONG size = lab_tcp(frame, 10, 8);

	CHECK(lab_start(&lab, 0));
	fabric_watchdog(lab.extension, 1);
	CHECK(!lab.extension->is_fail_open);
	fabric_device_close(lab.handle);
	fabric_watchdog(lab.extension, 10);
	lab_send(&lab, 2, frame, size, 1000);
	CHECK(!double_take()); /* Five seconds have not passed yet. */
	fabric_watchdog(lab.extension, 10 + FABRIC_FAIL_OPEN_AFTER);
	lab_send(&lab, 2, frame, size, 1000);
	free(taken_at(1));
	lab_send(&lab, 1, frame, size, 1000);
	free(taken_at(2));
	lab_send(&lab, 3, frame, size, 1000);
	CHECK(!double_take()); /* VMs wait for their policy. */
	CHECK(fabric_device_open(&lab.handle) == STATUS_SUCCESS);
	CHECK(lab_control(&lab, 0xAFC88400, NULL, 0) == STATUS_SUCCESS);
	memcpy(&lab.pid, lab.reply, 4);
	CHECK(lab_subscribe(&lab));
	fabric_watchdog(lab.extension, 20 + FABRIC_FAIL_OPEN_AFTER);
	lab_send(&lab, 2, frame, size, 1000);
	CHECK(!double_take());
	lab_stop(&lab);
}

static void a_dump_gives_every_flow_once(void)
{
	static UCHAR seen[10000];
	struct fabric_writer actions = lab_actions();
	UCHAR request[FABRIC_NL_HEAD] = { FABRIC_NL_HEAD, 0, 0, 0, FABRIC_FAMILY_FLOW, 0, 4, 3 };
	struct fabric_flow_key key, mask;
	ULONG i, at, count = 0, is_done = 0;
	struct lab lab;

	CHECK(lab_start(&lab, 1));
	lab_output(&actions, 4);
	lab_ipv4_of(&key, &mask, 3);
	memset(mask.destination, 255, 4);
	for (i = 0; i < 10000; i++) {
		memcpy(key.destination, &i, 4);
		CHECK(lab_flow_key(&lab, &key, &mask, &actions) == 0);
	}
	request[16] = 3;
	CHECK(lab_control(&lab, 0xAFC84411, request, sizeof(request)) == STATUS_SUCCESS);
	while (!is_done) {
		CHECK(lab_control(&lab, 0xAFC84406, NULL, 0) == STATUS_SUCCESS);
		CHECK(lab.reply_size > 0);
		for (at = 0; at < lab.reply_size;) {
			struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
			struct fabric_message message;

			if (lab.reply[at + 4] == FABRIC_NL_DONE) {
				is_done = 1;
				break;
			}
			CHECK(fabric_message_parse(lab.reply + at, lab.reply_size - at, &message));
			CHECK(fabric_attributes(message.attributes, message.attributes_size, a));
			CHECK(fabric_key_parse(a[1].data, a[1].size, &key, FABRIC_KEY_FLOW) == 0);
			memcpy(&i, key.destination, 4);
			CHECK(i < 10000 && !seen[i]);
			seen[i] = 1;
			count++;
			at += message.size;
		}
	}
	CHECK(count == 10000);
	CHECK(lab_ask(&lab, FABRIC_FAMILY_FLOW, 2, 0, NULL) == 0);
	CHECK(lab.extension->table.flow_count == 0 && lab.extension->table.mask_count == 0);
	lab_stop(&lab);
}

static void upcall_queues_are_bounded(void)
{
	struct lab lab;
	ULONG size = lab_udp(frame, 20, 2), i;

	CHECK(lab_start(&lab, 1));
	for (i = 0; i < FABRIC_UPCALLS_MAX + 10; i++)
		lab_send(&lab, 3, frame, size, 1000);
	CHECK(lab.extension->drops[FABRIC_DROP_UpcallQueueFull] == 10);
	CHECK(lab.extension->lost == 10);
	lab_stop(&lab);
}

static int woken;
static NTSTATUS woken_with;

static VOID wake(PVOID context, NTSTATUS status)
{
	(void)context;
	CHECK(!double_locks_held());
	woken++;
	woken_with = status;
}

static void a_pending_request_is_woken_once(void)
{
	UCHAR request[FABRIC_NL_HEAD] = { FABRIC_NL_HEAD, 0, 0, 0, FABRIC_FAMILY_CONTROL };
	static const struct fabric_waiter_calls calls = { NULL, NULL, wake };
	struct fabric_waiter waiter = { &calls, NULL, NULL, 0 };
	struct lab lab;
	ULONG size = lab_udp(frame, 20, 2), written;

	CHECK(lab_start(&lab, 1));
	request[16] = 1;
	CHECK(fabric_device_control(lab.handle, 0xAFC84411, request, sizeof(request), NULL, 0,
				    &written, &waiter) == STATUS_PENDING);
	CHECK(fabric_device_control(lab.handle, 0xAFC84411, request, sizeof(request), NULL, 0,
				    &written, &waiter) == STATUS_DEVICE_BUSY);
	lab_send(&lab, 3, frame, size, 1000);
	lab_send(&lab, 3, frame, size, 1000);
	CHECK(woken == 1 && woken_with == STATUS_SUCCESS);
	CHECK(fabric_device_control(lab.handle, 0xAFC84411, request, sizeof(request), NULL, 0,
				    &written, &waiter) == STATUS_SUCCESS);
	while (lab_control(&lab, 0xAFC8440E, NULL, 0) == STATUS_SUCCESS && lab.reply_size)
		;
	CHECK(fabric_device_control(lab.handle, 0xAFC84411, request, sizeof(request), NULL, 0,
				    &written, &waiter) == STATUS_PENDING);
	lab_stop(&lab);
	CHECK(woken == 2 && woken_with == STATUS_CANCELLED);
}

int main(void)
{
	int count = 0;

	RUN(one_output_forwards_the_packet_itself);
	RUN(a_miss_goes_up_with_its_key);
	RUN(a_flow_without_a_mask_is_for_packets_of_its_kind_alone);
	RUN(a_flow_is_found_and_deleted_by_the_key_that_it_was_put_with);
	RUN(a_tag_beside_the_packet_is_matched_and_goes_up_inside);
	RUN(each_output_sees_the_packet_as_it_was_then);
	RUN(the_original_outlives_its_copies);
	RUN(a_list_of_many_buffers_is_many_packets);
	RUN(in_band_tags_are_pushed_and_popped);
	RUN(a_partial_checksum_stays_one);
	RUN(recirculation_ends_at_its_limit);
	RUN(actions_that_cannot_be_done_refuse_the_flow);
	RUN(ports_are_bound_by_name_and_keep_their_number);
	RUN(without_userspace_the_host_keeps_its_network);
	RUN(a_dump_gives_every_flow_once);
	RUN(upcall_queues_are_bounded);
	RUN(a_pending_request_is_woken_once);
	printf("%d tests passed\n", count);
	return 0;
}
