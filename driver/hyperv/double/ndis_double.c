/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
#define _GNU_SOURCE
#include "ndis_double.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DOUBLE_DESTINATIONS_MAX 64

/* Kept beside each list, in NdisReserved[0]: the switch's forwarding context. */
struct context {
	ULONG count;
	NDIS_SWITCH_PORT_DESTINATION destinations[DOUBLE_DESTINATIONS_MAX];
};

struct _NDIS_RW_LOCK_EX {
	pthread_rwlock_t lock;
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static volatile long live, completed, until_failure, delivered;
static int failed, is_counting_only;
static char broken[256];
static ULONG64 now = 1;
static PNET_BUFFER_LIST sent, *sent_tail = &sent;
static struct double_delivery *deliveries, **delivery_tail = &deliveries;
static struct fabric_extension *completes_at_once;
static int original_pool; /* Its address marks the lists that the double made. */

static void complain(const char *what)
{
	pthread_mutex_lock(&guard);
	if (!broken[0])
		snprintf(broken, sizeof(broken), "%s", what);
	pthread_mutex_unlock(&guard);
}

static int fails(void)
{
	if (until_failure <= 0 || __sync_sub_and_fetch(&until_failure, 1) > 0)
		return 0;
	failed = 1;
	return 1;
}

static void *get(size_t size)
{
	void *memory = fails() ? NULL : calloc(1, size);

	if (memory)
		__sync_fetch_and_add(&live, 1);
	return memory;
}

static void put(void *memory)
{
	if (!memory)
		complain("freed nothing");
	__sync_fetch_and_sub(&live, 1);
	free(memory);
}

void double_fail_at(long n)
{
	failed = 0;
	until_failure = n;
}

int double_has_failed(void) { return failed; }
long double_live(void) { return live; }
long double_completed(void) { return completed; }
const char *double_error(void) { return broken[0] ? broken : NULL; }
void double_advance(ULONG64 ticks) { now += ticks; }
void double_complete_at_once(struct fabric_extension *extension) { completes_at_once = extension; }
void double_count_only(int is_on) { is_counting_only = is_on; }
long double_delivered(void) { return delivered; }

LONG InterlockedIncrement(volatile LONG *value) { return __sync_add_and_fetch(value, 1); }
LONG InterlockedDecrement(volatile LONG *value) { return __sync_sub_and_fetch(value, 1); }
ULONG64 KeQueryInterruptTime(void) { return now; }
VOID NdisMSleep(ULONG microseconds) { usleep(microseconds); }

LONG64 InterlockedExchangeAdd64(volatile LONG64 *value, LONG64 added)
{
	return __sync_fetch_and_add(value, added);
}

PVOID NdisAllocateMemoryWithTagPriority(NDIS_HANDLE handle, UINT length, ULONG tag, int priority)
{
	(void)handle, (void)tag, (void)priority;
	return get(length);
}

VOID NdisFreeMemory(PVOID memory, UINT length, UINT flags)
{
	(void)length, (void)flags;
	put(memory);
}

PNDIS_RW_LOCK_EX NdisAllocateRWLock(NDIS_HANDLE handle)
{
	PNDIS_RW_LOCK_EX lock = get(sizeof(*lock));

	(void)handle;
	if (lock)
		pthread_rwlock_init(&lock->lock, NULL);
	return lock;
}

VOID NdisFreeRWLock(PNDIS_RW_LOCK_EX lock)
{
	pthread_rwlock_destroy(&lock->lock);
	put(lock);
}

VOID NdisAcquireRWLockRead(PNDIS_RW_LOCK_EX lock, LOCK_STATE_EX *state, UCHAR flags)
{
	(void)state, (void)flags;
	pthread_rwlock_rdlock(&lock->lock);
}

VOID NdisAcquireRWLockWrite(PNDIS_RW_LOCK_EX lock, LOCK_STATE_EX *state, UCHAR flags)
{
	(void)state, (void)flags;
	pthread_rwlock_wrlock(&lock->lock);
}

VOID NdisReleaseRWLock(PNDIS_RW_LOCK_EX lock, LOCK_STATE_EX *state)
{
	(void)state;
	pthread_rwlock_unlock(&lock->lock);
}

NDIS_HANDLE NdisAllocateNetBufferListPool(NDIS_HANDLE handle,
					  NET_BUFFER_LIST_POOL_PARAMETERS *parameters)
{
	(void)handle, (void)parameters;
	return get(1);
}

VOID NdisFreeNetBufferListPool(NDIS_HANDLE pool) { put(pool); }

PMDL NdisAllocateMdl(NDIS_HANDLE handle, PVOID address, UINT length)
{
	PMDL mdl = get(sizeof(*mdl));

	(void)handle;
	if (!mdl)
		return NULL;
	mdl->Address = address;
	mdl->ByteCount = length;
	return mdl;
}

VOID NdisFreeMdl(PMDL mdl) { put(mdl); }

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
	PNET_BUFFER_LIST list = get(sizeof(*list) + sizeof(NET_BUFFER));

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
		complain("a list was freed with its forwarding context");
	put(list);
}

static NDIS_STATUS allocate_context(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST list)
{
	(void)context;
	list->NdisReserved[0] = get(sizeof(struct context));
	return list->NdisReserved[0] ? NDIS_STATUS_SUCCESS : NDIS_STATUS_RESOURCES;
}

static VOID free_context(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST list)
{
	(void)context;
	put(list->NdisReserved[0]);
	list->NdisReserved[0] = NULL;
}

static NDIS_STATUS add_destination(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST list,
				   PNDIS_SWITCH_PORT_DESTINATION destination)
{
	struct context *own = list->NdisReserved[0];

	(void)context;
	if (fails() || !own || own->count == DOUBLE_DESTINATIONS_MAX)
		return NDIS_STATUS_RESOURCES;
	own->destinations[own->count++] = *destination;
	return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS copy_info(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST to,
			     PNET_BUFFER_LIST from, UINT32 flags)
{
	(void)context, (void)flags;
	if (fails())
		return NDIS_STATUS_RESOURCES;
	memcpy(to->NetBufferListInfo, from->NetBufferListInfo, sizeof(to->NetBufferListInfo));
	return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS set_source(NDIS_SWITCH_CONTEXT context, PNET_BUFFER_LIST list,
			      NDIS_SWITCH_PORT_ID port, NDIS_SWITCH_NIC_INDEX nic)
{
	PNDIS_SWITCH_FORWARDING_DETAIL_NET_BUFFER_LIST_INFO detail =
		NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(list);

	(void)context;
	detail->SourcePortId = port & 0xffff;
	detail->SourceNicIndex = nic & 0xff;
	return NDIS_STATUS_SUCCESS;
}

NDIS_STATUS NdisFGetOptionalSwitchHandlers(NDIS_HANDLE filter, NDIS_SWITCH_CONTEXT *context,
					   PNDIS_SWITCH_OPTIONAL_HANDLERS handlers)
{
	*context = filter;
	memset(handlers, 0, sizeof(*handlers));
	handlers->AllocateNetBufferListForwardingContext = allocate_context;
	handlers->FreeNetBufferListForwardingContext = free_context;
	handlers->AddNetBufferListDestination = add_destination;
	handlers->CopyNetBufferListInfo = copy_info;
	handlers->SetNetBufferListSource = set_source;
	return NDIS_STATUS_SUCCESS;
}

static void deliver(PNET_BUFFER_LIST list)
{
	struct context *own = list->NdisReserved[0];
	NDIS_NET_BUFFER_LIST_8021Q_INFO tag;
	PNET_BUFFER buffer;
	ULONG i;

	tag.Value = NET_BUFFER_LIST_INFO(list, Ieee8021QNetBufferListInfo);
	if (!own || !own->count)
		complain("a list was sent without a destination");
	for (i = 0; own && i < own->count; i++) {
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
				complain("a packet is shorter than it says");
			*delivery_tail = one;
			delivery_tail = &one->next;
		}
	}
}

VOID NdisFSendNetBufferLists(NDIS_HANDLE filter, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port,
			     ULONG flags)
{
	PNET_BUFFER_LIST list;

	(void)filter, (void)port, (void)flags;
	pthread_mutex_lock(&guard);
	for (list = lists; list; list = list->Next)
		deliver(list);
	if (!completes_at_once) {
		*sent_tail = lists;
		while (*sent_tail)
			sent_tail = &(*sent_tail)->Next;
	}
	pthread_mutex_unlock(&guard);
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
	while (lists) {
		PNET_BUFFER_LIST next = lists->Next;

		if (lists->NdisPoolHandle != &original_pool)
			complain("a list that is not the switch's was completed to it");
		count++;
		if (lists->Scratch)
			((struct context *)lists->NdisReserved[0])->count = 0;
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

	pthread_mutex_lock(&guard);
	one = deliveries;
	if (one) {
		deliveries = one->next;
		if (!deliveries)
			delivery_tail = &deliveries;
	}
	pthread_mutex_unlock(&guard);
	return one;
}

void double_complete_sends(struct fabric_extension *extension)
{
	PNET_BUFFER_LIST lists;

	pthread_mutex_lock(&guard);
	lists = sent;
	sent = NULL;
	sent_tail = &sent;
	pthread_mutex_unlock(&guard);
	if (lists)
		fabric_send_complete(extension, lists, 0);
}
