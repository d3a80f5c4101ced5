/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Next hops of tunnels: which NIC, which addresses. The driver learns them from IP Helper at its
 * leisure (extension.resolve); until then packets to that end are lost, as while ARP runs.
 */
#include "tunnel.h"

static BOOLEAN fabric_hop_is(const struct fabric_hop *hop, const UCHAR *remote, BOOLEAN is_ipv6)
{
	return hop->is_used && hop->is_ipv6 == is_ipv6 &&
	       !memcmp(hop->remote, remote, is_ipv6 ? 16 : 4);
}

static ULONG fabric_hop_place(const UCHAR *remote, BOOLEAN is_ipv6)
{
	ULONG last = is_ipv6 ? 12 : 0, word;

	memcpy(&word, remote + last, 4);
	return (word * 0x9e3779b1u >> 16) % FABRIC_HOPS_MAX;
}

const struct fabric_hop *fabric_hop_find(struct fabric_extension *extension,
					 const struct fabric_tunnel *tunnel)
{
	ULONG start = fabric_hop_place(tunnel->destination, tunnel->is_ipv6), i;

	for (i = 0; i < FABRIC_HOPS_MAX; i++) {
		struct fabric_hop *hop = &extension->hops[(start + i) % FABRIC_HOPS_MAX];

		if (fabric_hop_is(hop, tunnel->destination, tunnel->is_ipv6))
			return hop->is_resolved ? hop : NULL;
		if (!hop->is_used)
			break;
	}
	if (extension->resolve)
		extension->resolve(extension, tunnel->destination, tunnel->is_ipv6);
	return NULL;
}

/* Takes the lock. A full table gives up the oldest. */
VOID fabric_hop_set(struct fabric_extension *extension, const struct fabric_hop *fresh)
{
	ULONG start = fabric_hop_place(fresh->remote, fresh->is_ipv6), i;
	struct fabric_hop *place = NULL, *oldest = &extension->hops[start];
	LOCK_STATE_EX state;

	NdisAcquireRWLockWrite(extension->lock, &state, 0);
	for (i = 0; i < FABRIC_HOPS_MAX && !place; i++) {
		struct fabric_hop *hop = &extension->hops[(start + i) % FABRIC_HOPS_MAX];

		if (!hop->is_used || fabric_hop_is(hop, fresh->remote, fresh->is_ipv6))
			place = hop;
		else if (hop->since < oldest->since)
			oldest = hop;
	}
	if (!place)
		place = oldest;
	*place = *fresh;
	place->is_used = TRUE;
	place->since = KeQueryInterruptTime();
	NdisReleaseRWLock(extension->lock, &state);
}

/* Called about once a second: one hop that has aged is asked for again. */
VOID fabric_hop_refresh(struct fabric_extension *extension, ULONG64 now)
{
	struct fabric_hop *oldest = NULL;
	ULONG i;

	for (i = 0; i < FABRIC_HOPS_MAX; i++) {
		struct fabric_hop *hop = &extension->hops[i];

		if (hop->is_used && now - hop->since > FABRIC_HOP_AGE &&
		    (!oldest || hop->since < oldest->since))
			oldest = hop;
	}
	if (!oldest || !extension->resolve)
		return;
	oldest->since = now;
	extension->resolve(extension, oldest->remote, oldest->is_ipv6);
}
