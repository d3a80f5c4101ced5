/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* What the switch says and what it may expect: names, activation, leaving, unsafe bytes. */
#include "lab.h"

#include <pthread.h>

static UCHAR frame[2048];

static int has_port(struct lab *lab, const char *name)
{
	return fabric_port_by_name(lab->extension, name) != NULL;
}

static void names_are_those_that_the_contract_matches_by(void)
{
	NDIS_SWITCH_PORT_PARAMETERS port;
	NDIS_SWITCH_NIC_PARAMETERS nic;
	struct lab lab;

	CHECK(lab_start(&lab, 0));
	CHECK(has_port(&lab, "vm1") && has_port(&lab, "vm2") && has_port(&lab, "br-int"));
	CHECK(!has_port(&lab, "Network Adapter"));
	/* A port that is named anew while its VM runs. */
	lab_describe(&port, &nic, 3, NdisSwitchNicTypeSynthetic, "web");
	CHECK(fabric_oid(lab.extension, OID_SWITCH_PORT_UPDATED, &port, sizeof(port)) == 0);
	CHECK(has_port(&lab, "web") && !has_port(&lab, "vm1"));
	/* A change of the NIC leaves it its port's name. */
	nic.MTU = 9000;
	CHECK(fabric_oid(lab.extension, OID_SWITCH_NIC_UPDATED, &nic, sizeof(nic)) == 0);
	CHECK(fabric_port_by_name(lab.extension, "web")->mtu == 9000);
	/* Ports that Hyper-V makes to try whether it could are nobody's. */
	lab_describe(&port, &nic, 77, NdisSwitchNicTypeSynthetic, "trial");
	port.IsValidationPort = TRUE;
	CHECK(fabric_oid(lab.extension, OID_SWITCH_PORT_CREATE, &port, sizeof(port)) == 0);
	CHECK(fabric_oid(lab.extension, OID_SWITCH_NIC_CREATE, &nic, sizeof(nic)) == 0);
	CHECK(!has_port(&lab, "trial"));
	/* What is cut short, or is of no interest, is passed on and nothing else. */
	CHECK(fabric_oid(lab.extension, OID_SWITCH_NIC_CREATE, &nic, 12) == 0);
	CHECK(fabric_oid(lab.extension, OID_SWITCH_PORT_CREATE, &port, 12) == 0);
	CHECK(fabric_oid(lab.extension, 0x00010101, &nic, sizeof(nic)) == 0);
	lab_stop(&lab);
}

static BOOLEAN alias(const GUID *nic, char name[FABRIC_NAME_MAX])
{
	CHECK(!double_locks_held());
	if (nic->Data1 != 5)
		return FALSE;
	strcpy(name, "Ethernet 5");
	return TRUE;
}

static void physical_nics_have_their_alias_and_the_first_of_a_team_is_the_uplink(void)
{
	NDIS_SWITCH_PORT_PARAMETERS port;
	NDIS_SWITCH_NIC_PARAMETERS nic;
	struct lab lab;
	ULONG index;

	CHECK(lab_start_empty(&lab));
	lab.extension->alias = alias;
	for (index = 0; index < 3; index++) {
		lab_describe(&port, &nic, 1, NdisSwitchNicTypeExternal, "Some Vendor's NIC");
		nic.NicIndex = (NDIS_SWITCH_NIC_INDEX)(2 - index); /* 2, 1, 0. */
		nic.NetCfgInstanceId.Data1 = index == 1 ? 5 : 0;
		CHECK(fabric_oid(lab.extension, OID_SWITCH_NIC_CREATE, &nic, sizeof(nic)) == 0);
		CHECK(fabric_oid(lab.extension, OID_SWITCH_NIC_CONNECT, &nic, sizeof(nic)) == 0);
	}
	CHECK(fabric_uplink(lab.extension)->nic_index == 1);
	CHECK(!strcmp(fabric_uplink(lab.extension)->name, "Ethernet 5"));
	nic.NicIndex = 1;
	CHECK(fabric_oid(lab.extension, OID_SWITCH_NIC_DISCONNECT, &nic, sizeof(nic)) == 0);
	CHECK(fabric_uplink(lab.extension)->nic_index == 2);
	lab_stop(&lab);
}

/* A switch with an uplink and two VMs, of which one is off. */
static int is_active, asked;

static NDIS_STATUS answer_array(NDIS_OID oid, UCHAR *buffer, UINT size, UINT *needed)
{
	static const char *const names[] = { "Ethernet0", "vm1", "vm2" };
	ULONG element = oid == OID_SWITCH_PORT_ARRAY ? sizeof(NDIS_SWITCH_PORT_PARAMETERS)
						     : sizeof(NDIS_SWITCH_NIC_PARAMETERS), i;
	NDIS_SWITCH_NIC_ARRAY *array = (NDIS_SWITCH_NIC_ARRAY *)buffer;
	NDIS_SWITCH_PORT_PARAMETERS port;
	NDIS_SWITCH_NIC_PARAMETERS nic;

	*needed = sizeof(*array) + 12 + 3 * element;
	if (size < *needed)
		return NDIS_STATUS_INVALID_LENGTH;
	array->FirstElementOffset = sizeof(*array) + 12;
	array->NumElements = 3;
	array->ElementSize = element;
	for (i = 0; i < 3; i++) {
		lab_describe(&port, &nic, i + 1,
			     i ? NdisSwitchNicTypeSynthetic : NdisSwitchNicTypeExternal, names[i]);
		nic.NicState = i == 2 ? NdisSwitchNicStateDisconnected
				      : NdisSwitchNicStateConnected;
		memcpy(buffer + array->FirstElementOffset + i * element,
		       oid == OID_SWITCH_PORT_ARRAY ? (void *)&port : (void *)&nic, element);
	}
	return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS query(struct fabric_extension *extension, NDIS_OID oid, PVOID buffer, UINT size,
			 UINT *needed)
{
	(void)extension;
	CHECK(!double_locks_held());
	*needed = 0;
	if (oid == OID_SWITCH_PARAMETERS) {
		((NDIS_SWITCH_PARAMETERS *)buffer)->IsActive = (BOOLEAN)is_active;
		return NDIS_STATUS_SUCCESS;
	}
	asked++;
	return answer_array(oid, buffer, size, needed);
}

static NDIS_STATUS refuse(struct fabric_extension *extension, NDIS_OID oid, PVOID buffer, UINT size,
			  UINT *needed)
{
	(void)extension, (void)oid, (void)buffer, (void)size;
	*needed = 0xffffffff;
	return NDIS_STATUS_FAILURE;
}

static void a_switch_that_was_there_before_is_learned_once_it_is_active(void)
{
	struct lab lab;

	CHECK(lab_start_empty(&lab));
	fabric_switch_read(lab.extension, refuse);
	fabric_switch_read(lab.extension, query);
	CHECK(!asked && !has_port(&lab, "vm1"));
	is_active = 1;
	fabric_switch_read(lab.extension, query);
	CHECK(asked == 4); /* Each array once to learn its size. */
	CHECK(has_port(&lab, "Ethernet0") && has_port(&lab, "vm1") && has_port(&lab, "vm2"));
	CHECK(fabric_port_by_name(lab.extension, "vm1")->is_connected);
	CHECK(!fabric_port_by_name(lab.extension, "vm2")->is_connected);
	fabric_switch_read(lab.extension, query); /* Again: nothing is there twice. */
	CHECK(fabric_port_by_id(lab.extension, 2, 0) == fabric_port_by_name(lab.extension, "vm1"));
	lab_stop(&lab);
}

static volatile int is_over;

static void *load(void *argument)
{
	struct lab *lab = argument;
	UCHAR mine[300];
	ULONG size = lab_tcp(mine, 200, 3);

	while (!is_over) {
		lab_send(lab, 3, mine, size, 64);
		double_complete_sends(lab->extension);
	}
	return NULL;
}

static void a_nic_that_leaves_under_load_is_sent_nothing_more(void)
{
	struct fabric_writer actions = lab_actions();
	pthread_t threads[2];
	struct lab lab;
	ULONG i;

	CHECK(lab_start(&lab, 1));
	double_count_only(1);
	lab_output(&actions, 2);
	lab_output(&actions, 4);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	for (i = 0; i < 2; i++)
		CHECK(!pthread_create(&threads[i], NULL, load, &lab));
	for (i = 0; i < 60; i++) {
		lab_leave(&lab, 4, i & 1);
		CHECK(lab_port(&lab, 4, NdisSwitchNicTypeSynthetic, "vm2"));
	}
	is_over = 1;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	double_count_only(0);
	lab_stop(&lab);
}

static PNET_BUFFER_LIST one_list(ULONG port, ULONG size)
{
	const UCHAR *bytes = frame;

	return double_list(port, 0, &bytes, &size, 1, 700);
}

static void bytes_that_a_guest_can_change_are_copied_before_they_decide(void)
{
	struct fabric_writer actions = lab_actions();
	struct double_delivery *one;
	PNET_BUFFER_LIST list;
	struct lab lab;
	ULONG size = lab_tcp(frame, 600, 3);

	CHECK(lab_start(&lab, 1));
	lab_output(&actions, 4);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	list = one_list(3, size);
	NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list)->IsPacketDataSafe = 0;
	double_keep(list);
	fabric_ingress(lab.extension, list);
	one = double_take();
	CHECK(one && one->port_id == 4 && one->size == size && !memcmp(one->bytes, frame, size));
	free(one);
	CHECK(lab.extension->outstanding == 2); /* A copy, and its original held for it. */
	double_complete_sends(lab.extension);
	CHECK(lab.extension->outstanding == 0);
	/* What was looked at is the host's own already. */
	NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list)->IsPacketDataSafe = 0;
	NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list)->SafePacketDataSize = 256;
	fabric_ingress(lab.extension, list);
	CHECK(lab.extension->outstanding == 0);
	free(double_take());
	double_complete_sends(lab.extension);
	double_free(list);
	lab_stop(&lab);
}

static void packets_of_the_switchs_own_networks_are_left_to_it(void)
{
	struct fabric_writer actions = lab_actions();
	PNET_BUFFER_LIST list;
	struct lab lab;
	ULONG size = lab_tcp(frame, 60, 3);
	long before;

	CHECK(lab_start(&lab, 1));
	lab_output(&actions, 4);
	CHECK(lab_flow(&lab, 3, &actions) == 0);
	before = double_completed();
	list = one_list(3, size);
	NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list)->NativeForwardingRequired = 1;
	fabric_ingress(lab.extension, list);
	CHECK(!double_take() && double_completed() == before && lab.extension->hits == 0);
	double_complete_sends(lab.extension);
	CHECK(double_completed() == before + 1);
	lab_stop(&lab);
}

static int woken;

static BOOLEAN never_disarmed(PVOID context)
{
	(void)context;
	return FALSE;
}

static VOID wake(PVOID context, NTSTATUS status)
{
	(void)context, (void)status;
	woken++;
}

static void a_request_that_is_being_cancelled_is_not_woken_and_a_closed_handle_takes_none(void)
{
	UCHAR request[FABRIC_NL_HEAD] = { FABRIC_NL_HEAD, 0, 0, 0, FABRIC_FAMILY_CONTROL };
	static const struct fabric_waiter_calls cancelling = { NULL, never_disarmed, wake };
	struct fabric_waiter waiter = { &cancelling, NULL, NULL, 0 };
	ULONG size = lab_udp(frame, 20, 2), written;
	struct lab lab;

	CHECK(lab_start(&lab, 1));
	request[16] = 1;
	CHECK(fabric_device_control(lab.handle, 0xAFC84411, request, sizeof(request), NULL, 0,
				    &written, &waiter) == STATUS_PENDING);
	lab_send(&lab, 3, frame, size, 1000);
	fabric_device_forget(&waiter); /* As the cancel routine does, late. */
	CHECK(!woken);
	fabric_device_cleanup(lab.handle);
	CHECK(fabric_device_control(lab.handle, 0xAFC84411, request, sizeof(request), NULL, 0,
				    &written, &waiter) == STATUS_INVALID_DEVICE_REQUEST);
	CHECK(lab_subscribe(&lab)); /* Nobody listens for all that. */
	CHECK(!fabric_device_has_listener());
	lab_stop(&lab);
}

int main(void)
{
	int count = 0;

	RUN(names_are_those_that_the_contract_matches_by);
	RUN(physical_nics_have_their_alias_and_the_first_of_a_team_is_the_uplink);
	RUN(a_switch_that_was_there_before_is_learned_once_it_is_active);
	RUN(a_nic_that_leaves_under_load_is_sent_nothing_more);
	RUN(bytes_that_a_guest_can_change_are_copied_before_they_decide);
	RUN(packets_of_the_switchs_own_networks_are_left_to_it);
	RUN(a_request_that_is_being_cancelled_is_not_woken_and_a_closed_handle_takes_none);
	printf("%d tests passed\n", count);
	return 0;
}
