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
} MDL, *PMDL;

#define MmGetMdlByteCount(mdl) ((mdl)->ByteCount)
#define MmGetSystemAddressForMdlSafe(mdl, priority) ((PVOID)(mdl)->Address)

LONG InterlockedIncrement(volatile LONG *value);
LONG InterlockedDecrement(volatile LONG *value);
LONG64 InterlockedExchangeAdd64(volatile LONG64 *value, LONG64 added);
ULONG64 KeQueryInterruptTime(void); /* 100 ns. */

#endif
