/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
#include "lab.h"

static UCHAR body_bytes[LAB_MESSAGE];

struct fabric_writer lab_body(void)
{
	struct fabric_writer writer = { body_bytes, sizeof(body_bytes), 0, FALSE };

	return writer;
}

NTSTATUS lab_control(struct lab *lab, ULONG code, const UCHAR *in, ULONG size)
{
	return fabric_device_control(lab->handle, code, in, size, lab->reply, sizeof(lab->reply),
				     &lab->reply_size, NULL);
}

static ULONG lab_message(struct lab *lab, UCHAR *bytes, ULONG family, UCHAR command, ULONG flags,
			 const struct fabric_writer *body)
{
	struct fabric_writer writer = { bytes, LAB_MESSAGE, 0, FALSE };
	ULONG start = fabric_write_start(&writer, family, flags, 7, lab->pid, command, 1);

	if (body) {
		memcpy(bytes + writer.at, body->bytes, body->at);
		writer.at += body->at;
	}
	fabric_write_end(&writer, start);
	return writer.at;
}

int lab_ask(struct lab *lab, ULONG family, UCHAR command, ULONG flags, struct fabric_writer *body)
{
	static UCHAR bytes[LAB_MESSAGE + 64];
	ULONG size = lab_message(lab, bytes, family, command, flags, body);
	LONG code;

	if (lab_control(lab, 0xAFC88416, bytes, size) != STATUS_SUCCESS)
		return -1;
	if (lab->reply_size < FABRIC_NL_HEAD || lab->reply[4] != FABRIC_NL_ERROR)
		return 0;
	memcpy(&code, lab->reply + 16, 4);
	return -code;
}

int lab_subscribe(struct lab *lab)
{
	static UCHAR bytes[LAB_MESSAGE];
	struct fabric_writer body = lab_body();
	UCHAR one = 1;

	fabric_write(&body, 2, &one, 1);
	fabric_write_u32(&body, 3, lab->pid);
	return lab_control(lab, 0xAFC84411, bytes,
			   lab_message(lab, bytes, FABRIC_FAMILY_CONTROL, 3, 0, &body)) ==
	       STATUS_SUCCESS;
}

void lab_text(IF_COUNTED_STRING *to, const char *text)
{
	ULONG i;

	for (i = 0; text[i]; i++)
		to->String[i] = (WCHAR)text[i];
	to->Length = (USHORT)(i * sizeof(WCHAR));
}

/* As Hyper-V has it: a VM's NIC is called like all others, and its port has the name. */
void lab_describe(NDIS_SWITCH_PORT_PARAMETERS *port, NDIS_SWITCH_NIC_PARAMETERS *nic, ULONG id,
		  NDIS_SWITCH_NIC_TYPE type, const char *name)
{
	int is_of_vm = type == NdisSwitchNicTypeSynthetic || type == NdisSwitchNicTypeEmulated;

	memset(port, 0, sizeof(*port));
	memset(nic, 0, sizeof(*nic));
	port->PortId = nic->PortId = id;
	nic->NicType = type;
	nic->MTU = 1500;
	nic->VMMacAddress[5] = (UCHAR)id;
	lab_text(&port->PortFriendlyName, is_of_vm ? name : "");
	lab_text(&nic->NicFriendlyName, is_of_vm ? "Network Adapter" : name);
}

int lab_port(struct lab *lab, ULONG id, NDIS_SWITCH_NIC_TYPE type, const char *name)
{
	NDIS_SWITCH_PORT_PARAMETERS port;
	NDIS_SWITCH_NIC_PARAMETERS nic;

	lab_describe(&port, &nic, id, type, name);
	if (fabric_oid(lab->extension, OID_SWITCH_PORT_CREATE, &port, sizeof(port)) ||
	    fabric_oid(lab->extension, OID_SWITCH_NIC_CREATE, &nic, sizeof(nic)))
		return 0;
	double_nic(id, 0, 1);
	return fabric_oid(lab->extension, OID_SWITCH_NIC_CONNECT, &nic, sizeof(nic)) == 0;
}

void lab_leave(struct lab *lab, ULONG id, int is_deleted)
{
	NDIS_SWITCH_NIC_PARAMETERS nic;

	memset(&nic, 0, sizeof(nic));
	nic.PortId = id;
	CHECK(fabric_oid(lab->extension, OID_SWITCH_NIC_DISCONNECT, &nic, sizeof(nic)) == 0);
	double_nic(id, 0, 0);
	if (is_deleted)
		CHECK(fabric_oid(lab->extension, OID_SWITCH_NIC_DELETE, &nic, sizeof(nic)) == 0);
}

static int lab_bind(struct lab *lab, const char *name, ULONG number)
{
	struct fabric_writer body = lab_body();

	fabric_write_u32(&body, 1, number);
	fabric_write_u32(&body, 2, 1);
	fabric_write(&body, 3, name, (ULONG)strlen(name) + 1);
	fabric_write_u32(&body, 5, lab->pid);
	return lab_ask(lab, FABRIC_FAMILY_VPORT, 1, 0, &body) == 0;
}

int lab_start_empty(struct lab *lab)
{
	memset(lab, 0, sizeof(*lab));
	double_forget_nics();
	fabric_driver = &fabric_driver; /* Any handle will do for the double. */
	if (fabric_device_start() != STATUS_SUCCESS)
		return 0;
	if (fabric_attach(&lab->extension, &lab->extension) != NDIS_STATUS_SUCCESS) {
		fabric_device_stop();
		return 0;
	}
	fabric_restart(lab->extension);
	return 1;
}

int lab_start(struct lab *lab, int is_bound)
{
	int is_ready;

	if (!lab_start_empty(lab))
		return 0;
	is_ready = fabric_device_open(&lab->handle) == STATUS_SUCCESS;
	if (is_ready) {
		CHECK(lab_control(lab, 0xAFC88400, NULL, 0) == STATUS_SUCCESS);
		memcpy(&lab->pid, lab->reply, 4);
		is_ready = lab_subscribe(lab) &&
			   lab_port(lab, 1, NdisSwitchNicTypeExternal, "Ethernet0") &&
			   lab_port(lab, 2, NdisSwitchNicTypeInternal, "br-int") &&
			   lab_port(lab, 3, NdisSwitchNicTypeSynthetic, "vm1") &&
			   lab_port(lab, 4, NdisSwitchNicTypeSynthetic, "vm2");
	}
	if (is_ready && is_bound)
		is_ready = lab_bind(lab, "Ethernet0", 1) && lab_bind(lab, "br-int", 2) &&
			   lab_bind(lab, "vm1", 3) && lab_bind(lab, "vm2", 4);
	if (!is_ready)
		lab_stop(lab);
	return is_ready;
}

void lab_stop(struct lab *lab)
{
	struct double_delivery *one;

	double_complete_sends(lab->extension);
	fabric_pause(lab->extension);
	if (lab->handle)
		fabric_device_close(lab->handle);
	fabric_detach(lab->extension);
	fabric_device_stop();
	while ((one = double_take()))
		free(one);
}

static void hop_of(struct lab *lab, const UCHAR *remote, ULONG size, ULONG mtu)
{
	struct fabric_hop hop;

	memset(&hop, 0, sizeof(hop));
	hop.is_resolved = TRUE;
	hop.is_ipv6 = size >= 16;
	memcpy(hop.remote, remote, hop.is_ipv6 ? 16 : 4);
	memcpy(hop.source, hop.is_ipv6 ? "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09" : "\xc0\0\2\x09",
	       hop.is_ipv6 ? 16 : 4);
	memcpy(hop.mac_local, "\2\0\0\0\1\1", 6);
	memcpy(hop.mac_remote, "\2\0\0\0\1\2", 6);
	hop.port_id = 1;
	hop.mtu = mtu;
	fabric_hop_set(lab->extension, &hop);
}

void lab_hop(struct lab *lab, const UCHAR *remote, ULONG size)
{
	hop_of(lab, remote, size, 1600);
}

void lab_hop_mtu(struct lab *lab, const UCHAR *remote, ULONG mtu)
{
	hop_of(lab, remote, 4, mtu);
}

struct fabric_writer lab_actions(void)
{
	static UCHAR bytes[4096];
	struct fabric_writer writer = { bytes, sizeof(bytes), 0, FALSE };

	return writer;
}

void lab_set_ipv4(struct fabric_writer *actions, const char *source, UCHAR ttl)
{
	ULONG nest = fabric_write_nest(actions, 11);
	UCHAR both[24] = { 0 };

	memcpy(both, source, 4);
	memset(both + 12, 255, 4);
	both[10] = ttl;
	both[22] = 255;
	fabric_write(actions, 7, both, sizeof(both));
	fabric_write_nest_end(actions, nest);
}

void lab_output(struct fabric_writer *actions, ULONG port)
{
	fabric_write_u32(actions, 1, port);
}

int lab_flow(struct lab *lab, ULONG in_port, struct fabric_writer *actions)
{
	return lab_flow_on(lab, in_port, 0, 0, 0, actions);
}

int lab_flow_on(struct lab *lab, ULONG in_port, ULONG id, ULONG state, ULONG state_mask,
		struct fabric_writer *actions)
{
	struct fabric_writer body = lab_body();
	ULONG nest = fabric_write_nest(&body, 1);
	fabric_u16 ip = FABRIC_TYPE_IPV4, all = 0xffff;

	fabric_write_u32(&body, 3, in_port);
	fabric_write_u32(&body, 20, id);
	fabric_write_u32(&body, 22, state);
	fabric_write(&body, 6, &ip, 2);
	fabric_write_nest_end(&body, nest);
	nest = fabric_write_nest(&body, 7);
	fabric_write_u32(&body, 3, 0xffffffff);
	fabric_write_u32(&body, 20, 0xffffffff);
	fabric_write_u32(&body, 22, state_mask);
	fabric_write(&body, 6, &all, 2);
	fabric_write_nest_end(&body, nest);
	fabric_write(&body, 2, actions->bytes, actions->at);
	return lab_ask(lab, FABRIC_FAMILY_FLOW, 1, 0, &body);
}

void lab_ipv4_of(struct fabric_flow_key *key, struct fabric_flow_key *mask, ULONG in_port)
{
	memset(key, 0, sizeof(*key));
	memset(mask, 0, sizeof(*mask));
	key->in_port = in_port;
	key->ethernet_type = FABRIC_TYPE_IPV4;
	mask->in_port = 0xffffffff;
	mask->ethernet_type = 0xffff;
}

/* IPv4 fields alone: addresses, protocol, and with them the in_port and type. */
int lab_flow_key(struct lab *lab, const struct fabric_flow_key *key,
		 const struct fabric_flow_key *mask, struct fabric_writer *actions)
{
	struct fabric_writer body = lab_body();
	const struct fabric_flow_key *both[2] = { key, mask };
	ULONG i;

	for (i = 0; i < 2; i++) {
		ULONG nest = fabric_write_nest(&body, i ? 7 : 1);
		UCHAR ip[12] = { 0 };

		memcpy(ip, both[i]->source, 4);
		memcpy(ip + 4, both[i]->destination, 4);
		ip[8] = both[i]->protocol;
		fabric_write_u32(&body, 3, both[i]->in_port);
		fabric_write(&body, 6, &both[i]->ethernet_type, 2);
		fabric_write(&body, 7, ip, sizeof(ip));
		fabric_write_nest_end(&body, nest);
	}
	fabric_write(&body, 2, actions->bytes, actions->at);
	return lab_ask(lab, FABRIC_FAMILY_FLOW, 1, 0, &body);
}

static ULONG sum_of(const UCHAR *bytes, ULONG size, ULONG sum)
{
	ULONG i;

	for (i = 0; i < size; i++)
		sum += i & 1 ? bytes[i] : (ULONG)bytes[i] << 8;
	return sum;
}

static fabric_u16 folded(ULONG sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (fabric_u16)~sum;
}

static void put16(UCHAR *at, ULONG value)
{
	at[0] = (UCHAR)(value >> 8);
	at[1] = (UCHAR)value;
}

static ULONG lab_ip(UCHAR *frame, UCHAR protocol, ULONG head, ULONG payload, ULONG seed)
{
	ULONG total = 20 + head + payload, i;
	UCHAR *ip = frame + 14;

	memset(frame, 0, 14 + total);
	memcpy(frame, "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00", 14);
	ip[0] = 0x45;
	put16(ip + 2, total);
	ip[8] = 64;
	ip[9] = protocol;
	memcpy(ip + 12, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
	put16(ip + 14, seed);
	put16(ip + 10, folded(sum_of(ip, 20, 0)));
	put16(ip + 20, 1000 + seed);
	put16(ip + 22, 80);
	for (i = 0; i < payload; i++)
		ip[20 + head + i] = (UCHAR)(i * 7 + seed);
	return 14 + total;
}

static fabric_u16 transport_sum(const UCHAR *ip)
{
	ULONG size = fabric_read16(ip + 2) - 20u;

	if (ip[9] == 1)
		return folded(sum_of(ip + 20, size, 0));
	return folded(sum_of(ip + 20, size, sum_of(ip + 12, 8, ip[9] + size)));
}

void lab_sums(UCHAR *frame)
{
	UCHAR *ip = frame + 14, *sum = ip + 20 + (ip[9] == 6 ? 16 : ip[9] == 17 ? 6 : 2);

	put16(ip + 10, 0);
	put16(ip + 10, folded(sum_of(ip, 20, 0)));
	put16(sum, 0);
	put16(sum, transport_sum(ip));
}

ULONG lab_tcp(UCHAR *frame, ULONG payload, ULONG seed)
{
	ULONG size = lab_ip(frame, 6, 20, payload, seed);

	frame[14 + 20 + 12] = 0x50;
	frame[14 + 20 + 13] = 0x10;
	put16(frame + 14 + 20 + 16, transport_sum(frame + 14));
	return size;
}

ULONG lab_udp(UCHAR *frame, ULONG payload, ULONG seed)
{
	ULONG size = lab_ip(frame, 17, 8, payload, seed);

	put16(frame + 14 + 20 + 4, 8 + payload);
	put16(frame + 14 + 20 + 6, transport_sum(frame + 14));
	return size;
}

int lab_checksums_hold(const UCHAR *frame, ULONG size)
{
	const UCHAR *ip = frame + 14;

	return size >= 14 + 40 - 12 && folded(sum_of(ip, 20, 0)) == 0 && transport_sum(ip) == 0;
}

void lab_send(struct lab *lab, ULONG port, const UCHAR *frame, ULONG size, ULONG piece)
{
	fabric_ingress(lab->extension, double_list(port, 0, &frame, &size, 1, piece));
}
