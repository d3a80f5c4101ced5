/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* The switch of the double: forwarding contexts, what is sent, and what comes back. */
#include "rules.h"

#include <stdlib.h>

#define DOUBLE_DESTINATIONS_MAX 64

#define DOUBLE_NICS_MAX 64

/* Kept beside each list, in NdisReserved[0]: the switch's forwarding context. */
struct context {
	NDIS_SWITCH_FORWARDING_DESTINATION_ARRAY array;
	NDIS_SWITCH_PORT_DESTINATION destinations[DOUBLE_DESTINATIONS_MAX];
};

static PNET_BUFFER_LIST sent, *sent_tail = &sent;
static struct double_delivery *deliveries, **delivery_tail = &deliveries;
static struct fabric_extension *completes_at_once;
static struct { ULONG port; ULONG nic; } connected[DOUBLE_NICS_MAX];
static ULONG connected_count;
static int original_pool; /* Its address marks the lists that the double made. */
static volatile long completed, delivered;
static int is_counting_only;

long double_completed(void) { return completed; }
void double_complete_at_once(struct fabric_extension *extension) { completes_at_once = extension; }
void double_count_only(int is_on) { is_counting_only = is_on; }
long double_delivered(void) { return delivered; }

NDIS_HANDLE NdisAllocateNetBufferListPool(NDIS_HANDLE handle,
					  NET_BUFFER_LIST_POOL_PARAMETERS *parameters)
{
	(void)handle, (void)parameters;
	return double_get(1);
}

VOID NdisFreeNetBufferListPool(NDIS_HANDLE pool) { double_put(pool); }

static void enter(PNET_BUFFER buffer, PMDL mdls, ULONG offset, ULONG length)
{
	buffer->MdlChain = mdls;
	buffer->DataOffset = offset;
	buffer->DataLength = length;
	for (; mdls && offset >= mdls->ByteCount; mdls = mdls->Next)
		offset -= mdls->ByteCount;
	buffer->CurrentMdl = mdls;
	buffer->CurrentMdlOffset = offset;
}

PNET_BUFFER_LIST NdisAllocateNetBufferAndNetBufferList(NDIS_HANDLE pool, USHORT context_size,
						       USHORT back_fill, PMDL mdls, ULONG offset,
						       SIZE_T length)
{
	PNET_BUFFER_LIST list = double_get(sizeof(*list) + sizeof(NET_BUFFER));

	(void)context_size, (void)back_fill;
	if (!list)
		return NULL;
	list->NdisPoolHandle = pool;
	list->FirstNetBuffer = (PNET_BUFFER)(list + 1);
	enter(list->FirstNetBuffer, mdls, offset, (ULONG)length);
	return list;
}

VOID NdisFreeNetBufferList(PNET_BUFFER_LIST list)
{
	if (list->NdisReserved[0])
		double_complain("a list was freed with its forwarding context");
	double_put(list);
}

/* Room for one destination, as the switch gives it. */
static void context_start(PNET_BUFFER_LIST list, struct context *own)
{
	own->array.ElementSize = sizeof(own->destinations[0]);
	own->array.FirstElement = own->destinations;
	own->array.NumElements = 1;
	own->array.NumDestinations = 0;
	NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list)->NumAvailableDestinations = 1;
}

static NDIS_STATUS allocate_context(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST list)
{
	struct context *own = double_get(sizeof(*own));

	(void)context;
	list->NdisReserved[0] = own;
	if (!own)
		return NDIS_STATUS_RESOURCES;
	context_start(list, own);
	return NDIS_STATUS_SUCCESS;
}

static VOID free_context(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST list)
{
	(void)context;
	double_put(list->NdisReserved[0]);
	list->NdisReserved[0] = NULL;
}

static NDIS_STATUS add_destination(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST list,
				   PNDIS_SWITCH_PORT_DESTINATION destination)
{
	struct context *own = list->NdisReserved[0];

	(void)context;
	if (!own || own->array.NumDestinations == own->array.NumElements) {
		double_complain("a destination was added where there is no room for it");
		return NDIS_STATUS_RESOURCES;
	}
	if (double_fails())
		return NDIS_STATUS_RESOURCES;
	own->destinations[own->array.NumDestinations++] = *destination;
	NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list)->NumAvailableDestinations--;
	return NDIS_STATUS_SUCCESS;
}

static VOID get_destinations(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST list,
			     PNDIS_SWITCH_FORWARDING_DESTINATION_ARRAY *destinations)
{
	struct context *own = list->NdisReserved[0];

	(void)context;
	*destinations = &own->array;
}

static NDIS_STATUS grow_destinations(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST list,
				     UINT32 added,
				     PNDIS_SWITCH_FORWARDING_DESTINATION_ARRAY *destinations)
{
	struct context *own = list->NdisReserved[0];

	(void)context;
	if (double_fails() || own->array.NumElements + added > DOUBLE_DESTINATIONS_MAX)
		return NDIS_STATUS_RESOURCES;
	own->array.NumElements += added;
	NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list)->NumAvailableDestinations += added;
	*destinations = &own->array;
	return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS update_destinations(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST list,
				       UINT32 added,
				       PNDIS_SWITCH_FORWARDING_DESTINATION_ARRAY destinations)
{
	struct context *own = list->NdisReserved[0];

	(void)context;
	if (destinations != &own->array ||
	    own->array.NumDestinations + added > own->array.NumElements)
		double_complain("more destinations were filled than there is room for");
	if (double_fails())
		return NDIS_STATUS_RESOURCES;
	own->array.NumDestinations += added;
	NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list)->NumAvailableDestinations -= added;
	return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS copy_info(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST to,
			     PNET_BUFFER_LIST from, UINT32 flags)
{
	PNDIS_SWITCH_FORWARDING_DETAIL_NET_BUFFER_LIST_INFO detail =
		NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(to);
	UINT32 available = detail->NumAvailableDestinations;

	(void)context, (void)flags;
	if (!to->NdisReserved[0] || !from->NdisReserved[0])
		double_complain("a list without a forwarding context");
	if (double_fails())
		return NDIS_STATUS_RESOURCES;
	memcpy(to->NetBufferListInfo, from->NetBufferListInfo, sizeof(to->NetBufferListInfo));
	detail->NumAvailableDestinations = available & 0xffff; /* Its own room stays its own. */
	detail->IsPacketDataSafe = 1;
	return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS set_source(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST list,
			      NDIS_SWITCH_PORT_ID port, NDIS_SWITCH_NIC_INDEX nic)
{
	PNDIS_SWITCH_FORWARDING_DETAIL_NET_BUFFER_LIST_INFO detail =
		NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list);

	(void)context;
	if (!list->NdisReserved[0])
		double_complain("a list without a forwarding context");
	detail->SourcePortId = port & 0xffff;
	detail->SourceNicIndex = nic & 0xff;
	return NDIS_STATUS_SUCCESS;
}

NDIS_STATUS NdisFGetOptionalSwitchHandlers(NDIS_HANDLE filter, NDIS_SWITCH_CONTEXT *context,
					   PNDIS_SWITCH_OPTIONAL_HANDLERS handlers)
{
	if (handlers->Header.Type != NDIS_OBJECT_TYPE_DEFAULT ||
	    handlers->Header.Revision != NDIS_SWITCH_OPTIONAL_HANDLERS_REVISION_1 ||
	    handlers->Header.Size != NDIS_SIZEOF_SWITCH_OPTIONAL_HANDLERS_REVISION_1) {
		double_complain("a structure whose header says nothing");
		return NDIS_STATUS_INVALID_PARAMETER;
	}
	*context = filter;
	handlers->AllocateNetBufferListForwardingContext = allocate_context;
	handlers->FreeNetBufferListForwardingContext = free_context;
	handlers->AddNetBufferListDestination = add_destination;
	handlers->GrowNetBufferListDestinations = grow_destinations;
	handlers->GetNetBufferListDestinations = get_destinations;
	handlers->UpdateNetBufferListDestinations = update_destinations;
	handlers->CopyNetBufferListInfo = copy_info;
	handlers->SetNetBufferListSource = set_source;
	return NDIS_STATUS_SUCCESS;
}

void double_nic(ULONG port, ULONG nic, int is_connected)
{
	ULONG i;

	pthread_mutex_lock(&double_guard);
	for (i = 0; i < connected_count; i++)
		if (connected[i].port == port && connected[i].nic == nic)
			break;
	if (is_connected && i == connected_count && i < DOUBLE_NICS_MAX) {
		connected[i].port = port;
		connected[i].nic = nic;
		connected_count++;
	} else if (!is_connected && i < connected_count) {
		connected[i] = connected[--connected_count];
	}
	pthread_mutex_unlock(&double_guard);
}

void double_forget_nics(void) { connected_count = 0; }

static int is_connected_nic(ULONG port, ULONG nic)
{
	ULONG i;

	for (i = 0; i < connected_count; i++)
		if (connected[i].port == port && connected[i].nic == nic)
			return 1;
	return 0;
}

static void deliver(PNET_BUFFER_LIST list)
{
	struct context *own = list->NdisReserved[0];
	NDIS_NET_BUFFER_LIST_8021Q_INFO tag;
	PNET_BUFFER buffer;
	ULONG i;

	tag.Value = NET_BUFFER_LIST_INFO(list, Ieee8021QNetBufferListInfo);
	if ((!own || !own->array.NumDestinations) &&
	    !NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list)->NativeForwardingRequired)
		double_broken("a list was sent without a destination");
	for (i = 0; own && i < own->array.NumDestinations; i++) {
		if (!is_connected_nic(own->destinations[i].PortId, own->destinations[i].NicIndex))
			double_broken("a list was sent to a NIC that is not connected");
		for (buffer = list->FirstNetBuffer; buffer; buffer = buffer->Next) {
			struct double_delivery *one;

			delivered++; /* Under the guard. */
			if (is_counting_only)
				continue;
			one = calloc(1, sizeof(*one) + buffer->DataLength);
			one->port_id = own->destinations[i].PortId;
			one->size = buffer->DataLength;
			one->tag = (fabric_u16)((tag.TagHeader.UserPriority << 13) |
						tag.TagHeader.VlanId);
			one->mss = fabric_segment_size(list);
			one->supplemental = NET_BUFFER_LIST_INFO(
				list, TcpSendOffloadsSupplementalNetBufferListInfo);
			if (fabric_read(buffer, one->bytes, one->size) != one->size)
				double_broken("a packet is shorter than it says");
			*delivery_tail = one;
			delivery_tail = &one->next;
		}
	}
}

VOID NdisFSendNetBufferLists(NDIS_HANDLE filter, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port,
			     ULONG flags)
{
	PNET_BUFFER_LIST list;

	(void)port, (void)flags;
	double_need_passive("packets were sent with a lock held");
	/* The double's handle of a filter is where its extension is kept. */
	if ((*(struct fabric_extension **)filter)->state == FABRIC_PAUSED)
		double_complain("packets were sent by a filter that is paused");
	pthread_mutex_lock(&double_guard);
	for (list = lists; list; list = list->Next)
		deliver(list);
	if (!completes_at_once) {
		*sent_tail = lists;
		while (*sent_tail)
			sent_tail = &(*sent_tail)->Next;
	}
	pthread_mutex_unlock(&double_guard);
	if (completes_at_once)
		fabric_send_complete(completes_at_once, lists, 0);
}

void double_keep(PNET_BUFFER_LIST list) { list->Scratch = list; }

void double_free(PNET_BUFFER_LIST list)
{
	PNET_BUFFER buffer = list->FirstNetBuffer;

	free(list->NdisReserved[0]);
	while (buffer) {
		PNET_BUFFER following = buffer->Next;
		PMDL mdl = buffer->MdlChain;

		while (mdl) {
			PMDL after = mdl->Next;

			free(mdl->Address);
			free(mdl);
			mdl = after;
		}
		free(buffer);
		buffer = following;
	}
	free(list);
}

VOID NdisFSendNetBufferListsComplete(NDIS_HANDLE filter, PNET_BUFFER_LIST lists, ULONG flags)
{
	long count = 0;

	(void)filter, (void)flags;
	double_need_passive("packets were completed with a lock held");
	while (lists) {
		PNET_BUFFER_LIST next = lists->Next;

		if (lists->NdisPoolHandle != &original_pool)
			double_complain("a list that is not the switch's was completed to it");
		count++;
		if (lists->Scratch)
			context_start(lists, lists->NdisReserved[0]);
		else
			double_free(lists);
		lists = next;
	}
	__sync_fetch_and_add(&completed, count);
}

PNET_BUFFER_LIST double_list(ULONG port_id, ULONG nic, const UCHAR *const *frames,
			     const ULONG *sizes, ULONG count, ULONG piece)
{
	PNET_BUFFER_LIST list = calloc(1, sizeof(*list));
	PNET_BUFFER *tail = &list->FirstNetBuffer;
	ULONG i, at;

	list->NdisPoolHandle = &original_pool;
	list->NdisReserved[0] = calloc(1, sizeof(struct context));
	set_source(NULL, list, port_id, (NDIS_SWITCH_NIC_INDEX)nic);
	context_start(list, list->NdisReserved[0]);
	NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list)->IsPacketDataSafe = 1;
	for (i = 0; i < count; i++) {
		PNET_BUFFER buffer = calloc(1, sizeof(*buffer));
		PMDL first = NULL, *mdl = &first;

		for (at = 0; at < sizes[i]; at += piece) {
			ULONG here = sizes[i] - at < piece ? sizes[i] - at : piece;

			*mdl = calloc(1, sizeof(**mdl));
			(*mdl)->Address = malloc(here);
			memcpy((*mdl)->Address, frames[i] + at, here);
			(*mdl)->ByteCount = here;
			mdl = &(*mdl)->Next;
		}
		enter(buffer, first, 0, sizes[i]);
		*tail = buffer;
		tail = &buffer->Next;
	}
	return list;
}

void double_tag(PNET_BUFFER_LIST list, ULONG vlan, ULONG priority)
{
	NDIS_NET_BUFFER_LIST_8021Q_INFO tag;

	tag.Value = NULL;
	tag.TagHeader.VlanId = vlan & 0xfff;
	tag.TagHeader.UserPriority = priority & 7;
	NET_BUFFER_LIST_INFO(list, Ieee8021QNetBufferListInfo) = tag.Value;
}

void double_checksum_offload(PNET_BUFFER_LIST list, int tcp, int udp)
{
	NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO info;

	info.Value = NULL;
	info.Transmit.IsIPv4 = 1;
	info.Transmit.TcpChecksum = tcp & 1;
	info.Transmit.UdpChecksum = udp & 1;
	NET_BUFFER_LIST_INFO(list, TcpIpChecksumNetBufferListInfo) = info.Value;
}

void double_large_send(PNET_BUFFER_LIST list, ULONG mss)
{
	NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO info;

	info.Value = NULL;
	info.LsoV2Transmit.MSS = mss & 0xfffff;
	info.LsoV2Transmit.Type = 1;
	NET_BUFFER_LIST_INFO(list, TcpLargeSendNetBufferListInfo) = info.Value;
}

struct double_delivery *double_take(void)
{
	struct double_delivery *one;

	pthread_mutex_lock(&double_guard);
	one = deliveries;
	if (one) {
		deliveries = one->next;
		if (!deliveries)
			delivery_tail = &deliveries;
	}
	pthread_mutex_unlock(&double_guard);
	return one;
}

void double_complete_sends(struct fabric_extension *extension)
{
	PNET_BUFFER_LIST lists;

	pthread_mutex_lock(&double_guard);
	lists = sent;
	sent = NULL;
	sent_tail = &sent;
	pthread_mutex_unlock(&double_guard);
	if (lists)
		fabric_send_complete(extension, lists, 0);
}
