/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Tunnels there and back, with large sends and checksums; large sends on their way up. */
#include "lab.h"
#include "../conntrack/fragments.h"
#include "../tunnels/tunnel.h"

static UCHAR frame[65536], outer[70000];
static const UCHAR remote[4] = { 192, 0, 2, 1 };
static const UCHAR remote6[16] = { 0xfd, [15] = 1 };

static struct double_delivery *taken_at(ULONG port)
{
	struct double_delivery *one = double_take();

	CHECK(one && one->port_id == port);
	return one;
}

static int tunnel_port(struct lab *lab, ULONG type, ULONG number)
{
	struct fabric_writer body = lab_body();

	fabric_write_u32(&body, 1, number);
	fabric_write_u32(&body, 2, type);
	fabric_write(&body, 3, "tun", 4);
	fabric_write_u32(&body, 5, lab->pid);
	return lab_ask(lab, FABRIC_FAMILY_VPORT, 1, 0, &body);
}

static void tunnel_key(struct fabric_writer *writer, ULONG options, int is_ipv6, int has_sum)
{
	static const UCHAR id[8] = { 0, 0, 0, 0, 0, 1, 2, 3 }, ttl = 33, option[8] = { 1, 2, 3, 1, 9 };
	ULONG nest = fabric_write_nest(writer, 16);

	fabric_write(writer, 0, id, 8);
	fabric_write(writer, is_ipv6 ? 13 : 2, is_ipv6 ? remote6 : remote, is_ipv6 ? 16 : 4);
	fabric_write(writer, 4, &ttl, 1);
	if (has_sum)
		fabric_write(writer, 6, NULL, 0);
	if (options)
		fabric_write(writer, 8, option, options);
	fabric_write_nest_end(writer, nest);
}

/* Port 3 into a tunnel at port 50, by the switch's port 1. */
static void into(struct lab *lab, ULONG type, ULONG options, int is_ipv6, int has_sum)
{
	struct fabric_writer actions = lab_actions();
	ULONG nest = fabric_write_nest(&actions, 3);

	CHECK(lab_start(lab, 1));
	CHECK(tunnel_port(lab, type, 50) == 0);
	CHECK(tunnel_port(lab, type, 51) == FABRIC_EEXIST);
	lab_hop(lab, is_ipv6 ? remote6 : remote, is_ipv6 ? 16 : 4);
	tunnel_key(&actions, options, is_ipv6, has_sum);
	fabric_write_nest_end(&actions, nest);
	lab_output(&actions, 50);
	CHECK(lab_flow(lab, 3, &actions) == 0);
}

/* What left comes in again at the uplink, and goes on to port 4. */
static void back(struct lab *lab, const UCHAR *bytes, ULONG size)
{
	struct fabric_writer actions = lab_actions();

	lab_output(&actions, 4);
	CHECK(lab_flow(lab, 50, &actions) == 0);
	lab_send(lab, 1, bytes, size, 60);
}

static void there_and_back(ULONG type, ULONG options, int is_ipv6, int has_sum, ULONG head)
{
	struct double_delivery *one, *inner;
	struct lab lab;
	ULONG size = lab_udp(frame, 800, 5);

	into(&lab, type, options, is_ipv6, has_sum);
	lab_send(&lab, 3, frame, size, 70);
	one = taken_at(1);
	CHECK(one->size == size + head && !memcmp(one->bytes + head, frame, size));
	CHECK(!memcmp(one->bytes, "\2\0\0\0\1\2\2\0\0\0\1\1", 12));
	CHECK(one->bytes[is_ipv6 ? 21 : 22] == 33);
	if (!is_ipv6 && (has_sum || type == FABRIC_STT) && type != FABRIC_GRE)
		CHECK(lab_checksums_hold(one->bytes, one->size));
	back(&lab, one->bytes, one->size);
	inner = taken_at(4);
	CHECK(inner->size == size && !memcmp(inner->bytes, frame, size));
	free(inner);
	if (has_sum && type == FABRIC_GENEVE && !is_ipv6) {
		one->bytes[one->size - 1] ^= 1;
		lab_send(&lab, 1, one->bytes, one->size, 60);
		CHECK(!double_take());
		CHECK(lab.extension->drops[FABRIC_DROP_TunnelChecksum] == 1);
	}
	free(one);
	lab_stop(&lab);
}

static void every_kind_of_tunnel_goes_there_and_back(void)
{
	there_and_back(FABRIC_VXLAN, 0, 0, 0, 50);
	there_and_back(FABRIC_VXLAN, 0, 1, 1, 70);
	there_and_back(FABRIC_GENEVE, 8, 0, 0, 58);
	there_and_back(FABRIC_GENEVE, 0, 0, 1, 50);
	there_and_back(FABRIC_GENEVE, 4, 1, 1, 74);
	there_and_back(FABRIC_GRE, 0, 0, 0, 42);
	there_and_back(FABRIC_GRE, 0, 0, 1, 46);
	there_and_back(FABRIC_STT, 0, 0, 0, 72);
}

static void a_packet_from_a_tunnel_goes_up_with_its_outer_header(void)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX], key[FABRIC_NL_ATTRIBUTES_MAX];
	struct double_delivery *one;
	struct fabric_tunnel tunnel;
	struct fabric_message message;
	struct lab lab;
	ULONG size = lab_udp(frame, 100, 5);

	into(&lab, FABRIC_GENEVE, 8, 0, 1);
	lab_send(&lab, 3, frame, size, 70);
	one = taken_at(1);
	lab_send(&lab, 1, one->bytes, one->size, 60);
	CHECK(lab_control(&lab, 0xAFC8440E, NULL, 0) == STATUS_SUCCESS);
	CHECK(fabric_message_parse(lab.reply, lab.reply_size, &message));
	CHECK(fabric_attributes(message.attributes, message.attributes_size, a));
	CHECK(a[1].size == size && !memcmp(a[1].data, frame, size));
	CHECK(fabric_attributes(a[2].data, a[2].size, key) && key[16].data);
	CHECK(fabric_tunnel_parse(key[16].data, key[16].size, &tunnel) == 0);
	CHECK(tunnel.options_size == 8 && tunnel.options[4] == 9 && tunnel.ttl == 33);
	CHECK(!memcmp(tunnel.destination, remote, 4) && (tunnel.flags & FABRIC_TUNNEL_CHECKSUM));
	CHECK(fabric_u32_of(&key[3], 0) == 50);
	free(one);
	lab_stop(&lab);
}

/* What a guest's stack hands down: no length in the IP header, the pseudo header's sum alone. */
static PNET_BUFFER_LIST large_send(ULONG payload, ULONG mss)
{
	const UCHAR *bytes = frame;
	ULONG size = lab_tcp(frame, payload, 9);
	PNET_BUFFER_LIST list;

	frame[16] = frame[17] = 0;
	frame[14 + 20 + 13] = 0x19; /* FIN, PSH, ACK. */
	list = double_list(3, 0, &bytes, &size, 1, 4000);
	double_checksum_offload(list, 1, 0);
	double_large_send(list, mss);
	return list;
}

static ULONG check_segment(const UCHAR *bytes, ULONG size, ULONG at, ULONG payload, ULONG mss)
{
	ULONG here = payload - at < mss ? payload - at : mss;
	const UCHAR *tcp = bytes + 34;

	CHECK(size == 54 + here && lab_checksums_hold(bytes, size));
	CHECK(((ULONG)fabric_read16(tcp + 4) << 16 | fabric_read16(tcp + 6)) == at);
	CHECK((tcp[13] & 9) == (at + here == payload ? 9 : 0));
	CHECK(!memcmp(bytes + 54, frame + 54 + at, here));
	return at + here;
}

static void a_large_send_enters_a_tunnel_as_its_segments(void)
{
	struct double_delivery *one;
	struct lab lab;
	ULONG at = 0;

	into(&lab, FABRIC_GENEVE, 8, 0, 0);
	fabric_ingress(lab.extension, large_send(10000, 1400));
	while (at < 10000) {
		one = taken_at(1);
		at = check_segment(one->bytes + 58, one->size - 58, at, 10000, 1400);
		free(one);
	}
	CHECK(!double_take());
	lab_stop(&lab);
}

static void a_nic_that_looks_into_tunnels_gets_a_large_send_whole(void)
{
	NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO info;
	struct double_delivery *one;
	struct lab lab;

	into(&lab, FABRIC_VXLAN, 0, 0, 0);
	lab.extension->offloads = FABRIC_OFFLOAD_VXLAN;
	fabric_ingress(lab.extension, large_send(10000, 1400));
	one = taken_at(1);
	CHECK(one->size == 50 + 54 + 10000 && !memcmp(one->bytes + 50, frame, 10054));
	info.Value = one->supplemental;
	CHECK(one->mss == 1400 && info.EncapsulatedPacketOffset.IsEncapsulatedPacket);
	CHECK(info.EncapsulatedPacketOffset.InnerFrameOffset == 50);
	CHECK(info.EncapsulatedPacketOffset.TransportIpHeaderRelativeOffset == 14);
	CHECK(info.EncapsulatedPacketOffset.TcpHeaderRelativeOffset == 20);
	free(one);
	lab_stop(&lab);
}

static void a_partial_checksum_is_whole_before_a_tunnel(void)
{
	const UCHAR *bytes = frame;
	PNET_BUFFER_LIST list;
	struct double_delivery *one;
	struct lab lab;
	ULONG size = lab_udp(frame, 300, 4);

	into(&lab, FABRIC_VXLAN, 0, 0, 0);
	frame[40] = frame[41] = 0x55; /* What the stack left there. */
	list = double_list(3, 0, &bytes, &size, 1, 100);
	double_checksum_offload(list, 0, 1);
	fabric_ingress(lab.extension, list);
	one = taken_at(1);
	CHECK(lab_checksums_hold(one->bytes + 50, one->size - 50));
	free(one);
	lab_stop(&lab);
}

static void a_large_send_goes_up_as_its_segments(void)
{
	struct fabric_attribute a[FABRIC_NL_ATTRIBUTES_MAX];
	struct fabric_message message;
	struct lab lab;
	ULONG at = 0;

	CHECK(lab_start(&lab, 1));
	fabric_ingress(lab.extension, large_send(5000, 1000));
	while (at < 5000) {
		CHECK(lab_control(&lab, 0xAFC8440E, NULL, 0) == STATUS_SUCCESS && lab.reply_size);
		CHECK(fabric_message_parse(lab.reply, lab.reply_size, &message));
		CHECK(fabric_attributes(message.attributes, message.attributes_size, a));
		at = check_segment(a[1].data, a[1].size, at, 5000, 1000);
	}
	CHECK(lab_control(&lab, 0xAFC8440E, NULL, 0) == STATUS_SUCCESS && !lab.reply_size);
	lab_stop(&lab);
}

static void what_no_hop_is_known_for_is_lost_under_that_name(void)
{
	struct lab lab;

	into(&lab, FABRIC_GENEVE, 0, 0, 0);
	memset(lab.extension->hops, 0, sizeof(lab.extension->hops));
	lab_send(&lab, 3, frame, lab_udp(frame, 100, 5), 70);
	CHECK(!double_take() && lab.extension->drops[FABRIC_DROP_TunnelNoNeighbour] == 1);
	lab_hop(&lab, remote, 4);
	lab_send(&lab, 3, frame, lab_udp(frame, 1560, 5), 2000);
	CHECK(!double_take() && lab.extension->drops[FABRIC_DROP_MtuExceeded] == 1);
	lab_stop(&lab);
}

static void a_connection_that_opens_is_told_what_fits_the_tunnel(void)
{
	static const UCHAR options[8] = { 1, 2, 4, 1460 >> 8, 1460 & 255, 1, 1, 0 };
	struct double_delivery *one;
	struct lab lab;
	ULONG size = lab_tcp(frame, 8, 5), i;

	for (i = 0; i < 2; i++) {
		into(&lab, FABRIC_GENEVE, 8, 0, 0);
		lab_hop_mtu(&lab, remote, 1500);
		lab_tcp(frame, 8, 5);
		frame[46] = 0x70; /* 28 bytes. */
		frame[47] = i ? 0x10 : 0x02;
		memcpy(frame + 54, options, 8);
		lab_sums(frame);
		lab_send(&lab, 3, frame, size, 70);
		one = taken_at(1);
		/* 1500, less outer headers but the Ethernet one (44), 14, 20 and 20. */
		CHECK(fabric_read16(one->bytes + 58 + 57) == (i ? 1460 : 1402));
		CHECK(lab_checksums_hold(one->bytes + 58, size));
		free(one);
		lab_stop(&lab);
	}
}

/* One segment of the STT frame in 'whole', whose payload begins behind 54 bytes. */
static void stt_segment(struct lab *lab, const UCHAR *whole, ULONG offset, ULONG size)
{
	memcpy(outer, whole, 54);
	memcpy(outer + 54, whole + 54 + offset, size);
	fabric_put16(outer + 16, 40 + size);
	fabric_put16(outer + 24, 0);
	fabric_put16(outer + 24, 0xffff ^ fabric_fold(fabric_sum(outer + 14, 20, 0)));
	fabric_put16(outer + 34 + 6, offset);
	lab_send(lab, 1, outer, 54 + size, 60);
}

static void a_frame_of_several_segments_comes_whole(void)
{
	static const ULONG cuts[3][3][2] = {
		{ { 0, 300 }, { 300, 300 }, { 600, 260 } },
		{ { 600, 260 }, { 0, 300 }, { 300, 300 } },
		{ { 300, 300 }, { 600, 260 }, { 0, 300 } },
	};
	struct double_delivery *one, *inner;
	struct lab lab;
	ULONG size = lab_udp(frame, 800, 5), i, k;

	into(&lab, FABRIC_STT, 0, 0, 0);
	lab_send(&lab, 3, frame, size, 70);
	one = taken_at(1);
	CHECK(one->size == 54 + 860 && fabric_read16(one->bytes + 34 + 4) == 860);
	back(&lab, one->bytes, one->size);
	free(taken_at(4));
	for (i = 0; i < 3; i++) {
		for (k = 0; k < 3; k++) {
			CHECK(!double_take());
			one->bytes[34 + 11] = (UCHAR)i; /* Another frame. */
			stt_segment(&lab, one->bytes, cuts[i][k][0], cuts[i][k][1]);
		}
		inner = taken_at(4);
		CHECK(inner->size == size && !memcmp(inner->bytes, frame, size));
		free(inner);
	}
	/* Beyond the frame's end; an overlap; and one that never becomes whole. */
	fabric_put16(one->bytes + 34 + 4, 800);
	stt_segment(&lab, one->bytes, 600, 260);
	fabric_put16(one->bytes + 34 + 4, 860);
	CHECK(lab.extension->drops[FABRIC_DROP_SttReassembly] == 1);
	stt_segment(&lab, one->bytes, 0, 300);
	stt_segment(&lab, one->bytes, 200, 300);
	CHECK(lab.extension->drops[FABRIC_DROP_FragmentOverlap] == 1);
	stt_segment(&lab, one->bytes, 0, 300);
	fabric_watchdog(lab.extension, KeQueryInterruptTime() + FABRIC_FRAGMENT_AGE + 1);
	CHECK(lab.extension->drops[FABRIC_DROP_FragmentTimeout] == 1 && !double_take());
	free(one);
	lab_stop(&lab);
}

static void a_frame_whose_sums_and_segments_were_left_to_a_nic_is_left_to_ours(void)
{
	struct double_delivery *one, *inner;
	struct lab lab;
	ULONG size = lab_tcp(frame, 1000, 5), i;

	into(&lab, FABRIC_STT, 0, 0, 0);
	lab_send(&lab, 3, frame, size, 70);
	one = taken_at(1);
	back(&lab, one->bytes, one->size);
	free(taken_at(4));
	for (i = 0; i < 3; i++) {
		one->bytes[54 + 1] = 0x02 | 0x04 | 0x08;
		one->bytes[54 + 2] = 34;
		fabric_put16(one->bytes + 54 + 4, i == 1 ? 400 : 0);
		fabric_put16(one->bytes + 54 + 6, i == 2 ? 0x1000 | 7 : 0);
		lab_send(&lab, 1, one->bytes, one->size, 60);
		inner = taken_at(4);
		CHECK(inner->mss == (i == 1 ? 400 : 0));
		CHECK(inner->size == size && inner->tag == (i == 2 ? 7 : 0));
		free(inner);
	}
	free(one);
	lab_stop(&lab);
}

static void bent_outer_headers_are_dropped_under_their_names(void)
{
	struct double_delivery *one;
	struct lab lab;
	ULONG size = lab_udp(frame, 100, 5), i;

	into(&lab, FABRIC_GENEVE, 8, 0, 0);
	lab_send(&lab, 3, frame, size, 70);
	one = taken_at(1);
	for (i = 0; i < 3; i++) {
		memcpy(outer, one->bytes, one->size);
		if (i == 0)
			outer[42] = 0xc2; /* Another version. */
		else if (i == 1)
			outer[42] = 0x3f; /* More options than we keep. */
		lab_send(&lab, 1, outer, i == 2 ? 14 + 20 + 8 + 8 + 8 + 13 : one->size, 60);
		CHECK(!double_take());
	}
	CHECK(lab.extension->drops[FABRIC_DROP_GeneveVersion] == 1);
	CHECK(lab.extension->drops[FABRIC_DROP_GeneveTruncated] +
		      lab.extension->drops[FABRIC_DROP_GeneveOption] == 1);
	free(one);
	lab_stop(&lab);
}

int main(void)
{
	int count = 0;

	RUN(every_kind_of_tunnel_goes_there_and_back);
	RUN(a_packet_from_a_tunnel_goes_up_with_its_outer_header);
	RUN(a_large_send_enters_a_tunnel_as_its_segments);
	RUN(a_nic_that_looks_into_tunnels_gets_a_large_send_whole);
	RUN(a_partial_checksum_is_whole_before_a_tunnel);
	RUN(a_large_send_goes_up_as_its_segments);
	RUN(what_no_hop_is_known_for_is_lost_under_that_name);
	RUN(a_connection_that_opens_is_told_what_fits_the_tunnel);
	RUN(a_frame_of_several_segments_comes_whole);
	RUN(a_frame_whose_sums_and_segments_were_left_to_a_nic_is_left_to_ours);
	RUN(bent_outer_headers_are_dropped_under_their_names);
	printf("%d tests passed\n", count);
	return 0;
}
