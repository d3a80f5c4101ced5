/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Next hops and aliases from IP Helper, for the build with the Windows Driver Kit alone: MinGW-w64 has these
 * headers for user mode only, so that this file is compiled by nobody but the kit.
 *
 * A packet that needs a hop asks at DISPATCH level; the question waits in one place and is answered
 * by a work item at PASSIVE level, where IP Helper may be called. More questions meanwhile are
 * dropped: their packets come again.
 */
#ifdef FABRIC_WDK
#include "../extension.h"
#include "resolve.h"

#include <netioapi.h>

static struct {
	NDIS_HANDLE item;
	volatile LONG is_busy;
	UCHAR remote[16];
	BOOLEAN is_ipv6;
} question;

static VOID fabric_address(SOCKADDR_INET *to, const UCHAR *remote, BOOLEAN is_ipv6)
{
	memset(to, 0, sizeof(*to));
	to->si_family = is_ipv6 ? AF_INET6 : AF_INET;
	if (is_ipv6)
		memcpy(&to->Ipv6.sin6_addr, remote, 16);
	else
		memcpy(&to->Ipv4.sin_addr, remote, 4);
}

static BOOLEAN fabric_is_unspecified(const SOCKADDR_INET *address)
{
	static const UCHAR none[16];

	return address->si_family == AF_INET6 ? !memcmp(&address->Ipv6.sin6_addr, none, 16)
					      : !memcmp(&address->Ipv4.sin_addr, none, 4);
}

static BOOLEAN fabric_leave_by_uplink(struct fabric_extension *extension, struct fabric_hop *hop)
{
	const struct fabric_vport *uplink;
	LOCK_STATE_EX state;

	NdisAcquireRWLockRead(extension->lock, &state, 0);
	uplink = fabric_uplink(extension);
	if (uplink) {
		hop->port_id = uplink->port_id;
		hop->nic_index = uplink->nic_index;
	}
	NdisReleaseRWLock(extension->lock, &state);
	return uplink != NULL;
}

static BOOLEAN fabric_resolve_hop(struct fabric_hop *hop)
{
	SOCKADDR_INET remote, source;
	MIB_IPFORWARD_ROW2 route;
	MIB_IPNET_ROW2 neighbour;
	MIB_IF_ROW2 adapter;

	fabric_address(&remote, hop->remote, hop->is_ipv6);
	if (GetBestRoute2(NULL, 0, NULL, &remote, 0, &route, &source) != STATUS_SUCCESS)
		return FALSE;
	memset(&neighbour, 0, sizeof(neighbour));
	neighbour.InterfaceLuid = route.InterfaceLuid;
	neighbour.Address = fabric_is_unspecified(&route.NextHop) ? remote : route.NextHop;
	memset(&adapter, 0, sizeof(adapter));
	adapter.InterfaceLuid = route.InterfaceLuid;
	if (ResolveIpNetEntry2(&neighbour, NULL) != STATUS_SUCCESS ||
	    GetIfEntry2(&adapter) != STATUS_SUCCESS || neighbour.PhysicalAddressLength != 6 ||
	    adapter.PhysicalAddressLength != 6)
		return FALSE;
	memcpy(hop->mac_remote, neighbour.PhysicalAddress, 6);
	memcpy(hop->mac_local, adapter.PhysicalAddress, 6);
	if (hop->is_ipv6)
		memcpy(hop->source, &source.Ipv6.sin6_addr, 16);
	else
		memcpy(hop->source, &source.Ipv4.sin_addr, 4);
	hop->mtu = adapter.Mtu;
	return TRUE;
}

static NDIS_IO_WORKITEM_FUNCTION fabric_resolve_run;

static VOID fabric_resolve_run(PVOID context, NDIS_HANDLE item)
{
	struct fabric_extension *extension = context;
	struct fabric_hop hop;

	UNREFERENCED_PARAMETER(item);
	memset(&hop, 0, sizeof(hop));
	memcpy(hop.remote, question.remote, 16);
	hop.is_ipv6 = question.is_ipv6;
	hop.is_resolved = fabric_resolve_hop(&hop) && fabric_leave_by_uplink(extension, &hop);
	if (hop.is_resolved)
		fabric_hop_set(extension, &hop);
	InterlockedExchange(&question.is_busy, 0);
}

/* <= DISPATCH_LEVEL. */
static VOID fabric_resolve_ask(struct fabric_extension *extension, const UCHAR *remote,
			       BOOLEAN is_ipv6)
{
	if (InterlockedCompareExchange(&question.is_busy, 1, 0))
		return;
	question.is_ipv6 = is_ipv6;
	memset(question.remote, 0, sizeof(question.remote));
	memcpy(question.remote, remote, is_ipv6 ? 16 : 4);
	NdisQueueIoWorkItem(question.item, fabric_resolve_run, extension);
}

/* The alias of the NIC, as Get-NetAdapter shows it. */
static BOOLEAN fabric_resolve_alias(const GUID *nic, char name[FABRIC_NAME_MAX])
{
	WCHAR alias[NDIS_IF_MAX_STRING_SIZE + 1];
	NET_LUID luid;
	ULONG i;

	if (ConvertInterfaceGuidToLuid(nic, &luid) != STATUS_SUCCESS ||
	    ConvertInterfaceLuidToAlias(&luid, alias, NDIS_IF_MAX_STRING_SIZE + 1) !=
		    STATUS_SUCCESS)
		return FALSE;
	for (i = 0; alias[i] && i < FABRIC_NAME_MAX - 1; i++)
		name[i] = alias[i] < 128 ? (char)alias[i] : '?';
	name[i] = 0;
	return i > 0;
}

BOOLEAN fabric_resolve_start(struct fabric_extension *extension)
{
	question.is_busy = 0;
	question.item = NdisAllocateIoWorkItem(extension->filter);
	if (!question.item)
		return FALSE;
	extension->resolve = fabric_resolve_ask;
	extension->alias = fabric_resolve_alias;
	return TRUE;
}

/* Who asks holds a batch or the lock, and the filter is paused: nobody asks any more. */
VOID fabric_resolve_stop(VOID)
{
	while (InterlockedCompareExchange(&question.is_busy, 1, 0))
		NdisMSleep(1000);
	NdisFreeIoWorkItem(question.item);
	question.item = NULL;
}
#else
typedef int fabric_resolve_is_for_the_kit;
#endif
