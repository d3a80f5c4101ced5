/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/* Types and functions of the NT kernel that the extension uses, for the double on Linux. */
#ifndef FABRIC_NT_TYPES_H
#define FABRIC_NT_TYPES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VOID void
typedef void *PVOID;
typedef void *NDIS_HANDLE;
typedef uint8_t UCHAR, BOOLEAN;
typedef uint16_t USHORT, WCHAR;
typedef uint32_t ULONG, UINT32;
typedef unsigned int UINT;
typedef int32_t LONG;
typedef int64_t LONG64;
typedef uint64_t UINT64, ULONG64;
typedef size_t SIZE_T;
typedef int32_t NTSTATUS, NDIS_STATUS;

#define TRUE 1
#define FALSE 0
#define STATUS_SUCCESS ((NTSTATUS)0)
#define STATUS_PENDING ((NTSTATUS)0x103)
#define STATUS_NOT_FOUND ((NTSTATUS)0xC0000225)
#define STATUS_INVALID_PARAMETER ((NTSTATUS)0xC000000D)
#define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xC000009A)
#define STATUS_INVALID_DEVICE_REQUEST ((NTSTATUS)0xC0000010)
#define STATUS_BUFFER_TOO_SMALL ((NTSTATUS)0xC0000023)
#define STATUS_DEVICE_BUSY ((NTSTATUS)0x80000011)
#define STATUS_CANCELLED ((NTSTATUS)0xC0000120)

typedef struct _MDL {
	struct _MDL *Next;
	UCHAR *Address;
	ULONG ByteCount;
	BOOLEAN IsPartial;
} MDL, *PMDL;

typedef struct _GUID {
	ULONG Data1;
	USHORT Data2, Data3;
	UCHAR Data4[8];
} GUID;

#define NormalPagePriority 16
#define MmGetMdlByteCount(mdl) ((mdl)->ByteCount)
#define MmGetMdlVirtualAddress(mdl) ((PVOID)(mdl)->Address)
#define MmGetSystemAddressForMdlSafe(mdl, priority) ((PVOID)(mdl)->Address)
/* Descriptors of a part of what another one describes: no mapping is needed. */
PMDL IoAllocateMdl(PVOID address, ULONG length, BOOLEAN is_secondary, BOOLEAN is_charged,
		   PVOID irp);
VOID IoBuildPartialMdl(PMDL source, PMDL target, PVOID address, ULONG length);
VOID IoFreeMdl(PMDL mdl);

LONG InterlockedIncrement(volatile LONG *value);
LONG InterlockedDecrement(volatile LONG *value);
LONG InterlockedCompareExchange(volatile LONG *value, LONG fresh, LONG expected);
LONG InterlockedExchange(volatile LONG *value, LONG fresh);
PVOID InterlockedExchangePointer(PVOID volatile *place, PVOID fresh);
LONG64 InterlockedExchangeAdd64(volatile LONG64 *value, LONG64 added);
ULONG64 KeQueryInterruptTime(void); /* 100 ns. */

#endif
