/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Next hops from IP Helper, for the build with the Windows Driver Kit alone: MinGW-w64 has these
 * headers for user mode only, so that this file is compiled by nobody but the kit.
 *
 * A packet that needs a hop asks at DISPATCH level; the question waits in one place and is answered
 * by a work item at PASSIVE level, where IP Helper may be called. More questions meanwhile are
 * dropped: their packets come again.
 */
#ifdef FABRIC_WDK
#include "extension.h"
#include "resolve.h"

#include <netioapi.h>

static struct {
	PIO_WORKITEM item;
	volatile LONG is_busy;
	struct fabric_extension *extension;
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

/* The uplink that is connected. Of a team, its first member. */
static BOOLEAN fabric_uplink(struct fabric_extension *extension, struct fabric_hop *hop)
{
	BOOLEAN is_found = FALSE;
	LOCK_STATE_EX state;
	ULONG i;

	NdisAcquireRWLockRead(extension->lock, &state, 0);
	for (i = 0; i < FABRIC_VPORTS_MAX && !is_found; i++) {
		const struct fabric_vport *port = &extension->ports[i];

		is_found = port->is_used && port->is_connected && !port->tunnel &&
			   port->type == NdisSwitchNicTypeExternal;
		if (is_found) {
			hop->port_id = port->port_id;
			hop->nic_index = port->nic_index;
		}
	}
	NdisReleaseRWLock(extension->lock, &state);
	return is_found;
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

static VOID fabric_resolve_run(PDEVICE_OBJECT device, PVOID context)
{
	struct fabric_hop hop;

	UNREFERENCED_PARAMETER(device);
	UNREFERENCED_PARAMETER(context);
	memset(&hop, 0, sizeof(hop));
	memcpy(hop.remote, question.remote, 16);
	hop.is_ipv6 = question.is_ipv6;
	hop.is_resolved = fabric_resolve_hop(&hop) && fabric_uplink(question.extension, &hop);
	if (hop.is_resolved)
		fabric_hop_set(question.extension, &hop);
	InterlockedExchange(&question.is_busy, 0);
}

VOID fabric_resolve_ask(struct fabric_extension *extension, const UCHAR *remote, BOOLEAN is_ipv6)
{
	if (!question.item || InterlockedCompareExchange(&question.is_busy, 1, 0))
		return;
	question.extension = extension;
	question.is_ipv6 = is_ipv6;
	memset(question.remote, 0, sizeof(question.remote));
	memcpy(question.remote, remote, is_ipv6 ? 16 : 4);
	IoQueueWorkItem(question.item, fabric_resolve_run, DelayedWorkQueue, NULL);
}

VOID fabric_resolve_start(PDEVICE_OBJECT device)
{
	question.item = IoAllocateWorkItem(device);
}

/* Returns when no answer is under way any more. */
VOID fabric_resolve_wait(VOID)
{
	while (InterlockedCompareExchange(&question.is_busy, 1, 0))
		NdisMSleep(1000);
	InterlockedExchange(&question.is_busy, 0);
}

VOID fabric_resolve_stop(VOID)
{
	if (question.item)
		IoFreeWorkItem(question.item);
	question.item = NULL;
}
#else
typedef int fabric_resolve_is_for_the_kit;
#endif
