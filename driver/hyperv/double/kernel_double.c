/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
#define _GNU_SOURCE
#include "rules.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DOUBLE_LOCKS_MAX 8

struct _NDIS_RW_LOCK_EX {
	pthread_rwlock_t lock;
};

pthread_mutex_t double_guard = PTHREAD_MUTEX_INITIALIZER;
static volatile long live, until_failure;
static int failed;
static char broken[256];
static ULONG64 now = 1;
/* Each lock raises to DISPATCH_LEVEL, and a thread that has one must not do everything. */
static _Thread_local PNDIS_RW_LOCK_EX held[DOUBLE_LOCKS_MAX];
static _Thread_local int held_count;

/* With the guard. */
void double_broken(const char *what)
{
	if (!broken[0])
		snprintf(broken, sizeof(broken), "%s", what);
}

void double_complain(const char *what)
{
	pthread_mutex_lock(&double_guard);
	double_broken(what);
	pthread_mutex_unlock(&double_guard);
}

int double_fails(void)
{
	if (until_failure <= 0 || __sync_sub_and_fetch(&until_failure, 1) > 0)
		return 0;
	failed = 1;
	return 1;
}

int double_locks_held(void) { return held_count; }

void double_need_passive(const char *what)
{
	if (held_count)
		double_complain(what);
}

void *double_get(size_t size)
{
	void *memory = double_fails() ? NULL : calloc(1, size);

	if (memory)
		__sync_fetch_and_add(&live, 1);
	return memory;
}

void double_put(void *memory)
{
	if (!memory)
		double_complain("freed nothing");
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
const char *double_error(void) { return broken[0] ? broken : NULL; }
void double_advance(ULONG64 ticks) { now += ticks; }

LONG InterlockedIncrement(volatile LONG *value) { return __sync_add_and_fetch(value, 1); }
LONG InterlockedDecrement(volatile LONG *value) { return __sync_sub_and_fetch(value, 1); }
ULONG64 KeQueryInterruptTime(void) { return now; }

VOID NdisMSleep(ULONG microseconds)
{
	double_need_passive("slept with a lock held");
	usleep(microseconds);
}

LONG InterlockedCompareExchange(volatile LONG *value, LONG fresh, LONG expected)
{
	return __sync_val_compare_and_swap(value, expected, fresh);
}

LONG InterlockedExchange(volatile LONG *value, LONG fresh)
{
	return __atomic_exchange_n(value, fresh, __ATOMIC_SEQ_CST);
}

PVOID InterlockedExchangePointer(PVOID volatile *place, PVOID fresh)
{
	return __atomic_exchange_n(place, fresh, __ATOMIC_SEQ_CST);
}

LONG64 InterlockedExchangeAdd64(volatile LONG64 *value, LONG64 added)
{
	return __sync_fetch_and_add(value, added);
}

PVOID NdisAllocateMemoryWithTagPriority(NDIS_HANDLE handle, UINT length, ULONG tag, int priority)
{
	(void)tag, (void)priority;
	if (!handle)
		double_complain("memory asked for without a handle");
	return double_get(length);
}

VOID NdisFreeMemory(PVOID memory, UINT length, UINT flags)
{
	(void)length, (void)flags;
	double_put(memory);
}

PNDIS_RW_LOCK_EX NdisAllocateRWLock(NDIS_HANDLE handle)
{
	PNDIS_RW_LOCK_EX lock = double_get(sizeof(*lock));

	if (!handle)
		double_complain("a lock asked for without a handle");
	if (lock)
		pthread_rwlock_init(&lock->lock, NULL);
	return lock;
}

static void held_add(PNDIS_RW_LOCK_EX lock)
{
	int i;

	for (i = 0; i < held_count; i++)
		if (held[i] == lock)
			double_complain("a lock was taken by who has it");
	if (held_count == DOUBLE_LOCKS_MAX)
		double_complain("too many locks at once");
	else
		held[held_count++] = lock;
}

static void held_remove(PNDIS_RW_LOCK_EX lock)
{
	if (!held_count || held[held_count - 1] != lock)
		double_complain("locks were not given back in the order in which they were taken");
	else
		held_count--;
}

VOID NdisFreeRWLock(PNDIS_RW_LOCK_EX lock)
{
	double_need_passive("a lock was freed with a lock held");
	pthread_rwlock_destroy(&lock->lock);
	double_put(lock);
}

VOID NdisAcquireRWLockRead(PNDIS_RW_LOCK_EX lock, LOCK_STATE_EX *state, UCHAR flags)
{
	(void)state, (void)flags;
	held_add(lock);
	pthread_rwlock_rdlock(&lock->lock);
}

VOID NdisAcquireRWLockWrite(PNDIS_RW_LOCK_EX lock, LOCK_STATE_EX *state, UCHAR flags)
{
	(void)state, (void)flags;
	held_add(lock);
	pthread_rwlock_wrlock(&lock->lock);
}

VOID NdisReleaseRWLock(PNDIS_RW_LOCK_EX lock, LOCK_STATE_EX *state)
{
	(void)state;
	held_remove(lock);
	pthread_rwlock_unlock(&lock->lock);
}

PMDL NdisAllocateMdl(NDIS_HANDLE handle, PVOID address, UINT length)
{
	PMDL mdl = double_get(sizeof(*mdl));

	(void)handle;
	if (!mdl)
		return NULL;
	mdl->Address = address;
	mdl->ByteCount = length;
	return mdl;
}

VOID NdisFreeMdl(PMDL mdl)
{
	if (mdl->IsPartial)
		double_complain("a partial descriptor was freed as a whole one");
	double_put(mdl);
}

PMDL IoAllocateMdl(PVOID address, ULONG length, BOOLEAN is_secondary, BOOLEAN is_charged, PVOID irp)
{
	PMDL mdl = double_get(sizeof(*mdl));

	(void)address, (void)length, (void)is_secondary, (void)is_charged, (void)irp;
	if (mdl)
		mdl->IsPartial = TRUE;
	return mdl;
}

VOID IoBuildPartialMdl(PMDL source, PMDL target, PVOID address, ULONG length)
{
	if ((UCHAR *)address < source->Address ||
	    (UCHAR *)address + length > source->Address + source->ByteCount)
		double_complain("a partial descriptor of what its source does not describe");
	target->Address = address;
	target->ByteCount = length;
}

VOID IoFreeMdl(PMDL mdl)
{
	if (!mdl->IsPartial)
		double_complain("a whole descriptor was freed as a partial one");
	double_put(mdl);
}
