/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * Registration of a filter driver and of its device, from Microsoft's public documentation; for
 * the MinGW-w64 build alone. See ndis_subset.h.
 */
#ifndef FABRIC_NDIS_FILTER_H
#define FABRIC_NDIS_FILTER_H

#include "ndis_subset.h"

#define NDIS_OBJECT_TYPE_DEFAULT 0x80
#define NDIS_OBJECT_TYPE_FILTER_DRIVER_CHARACTERISTICS 0x8B
#define NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES 0x8D
#define NDIS_OBJECT_TYPE_DEVICE_OBJECT_ATTRIBUTES 0x85
#define NDIS_FILTER_CHARACTERISTICS_REVISION_2 2
#define NDIS_FILTER_ATTRIBUTES_REVISION_1 1
#define NDIS_DEVICE_OBJECT_ATTRIBUTES_REVISION_1 1

typedef struct _NDIS_FILTER_DRIVER_CHARACTERISTICS {
	NDIS_OBJECT_HEADER Header;
	UCHAR MajorNdisVersion;
	UCHAR MinorNdisVersion;
	UCHAR MajorDriverVersion;
	UCHAR MinorDriverVersion;
	ULONG Flags;
	UNICODE_STRING FriendlyName;
	UNICODE_STRING UniqueName;
	UNICODE_STRING ServiceName;
	PVOID SetOptionsHandler;
	PVOID SetFilterModuleOptionsHandler;
	NDIS_STATUS (*AttachHandler)(NDIS_HANDLE, NDIS_HANDLE, NDIS_FILTER_ATTACH_PARAMETERS *);
	VOID (*DetachHandler)(NDIS_HANDLE);
	NDIS_STATUS (*RestartHandler)(NDIS_HANDLE, PVOID);
	NDIS_STATUS (*PauseHandler)(NDIS_HANDLE, PVOID);
	VOID (*SendNetBufferListsHandler)(NDIS_HANDLE, PNET_BUFFER_LIST, NDIS_PORT_NUMBER, ULONG);
	VOID (*SendNetBufferListsCompleteHandler)(NDIS_HANDLE, PNET_BUFFER_LIST, ULONG);
	PVOID CancelSendNetBufferListsHandler;
	PVOID ReceiveNetBufferListsHandler;
	PVOID ReturnNetBufferListsHandler;
	NDIS_STATUS (*OidRequestHandler)(NDIS_HANDLE, PNDIS_OID_REQUEST);
	VOID (*OidRequestCompleteHandler)(NDIS_HANDLE, PNDIS_OID_REQUEST, NDIS_STATUS);
	PVOID CancelOidRequestHandler;
	PVOID DevicePnPEventNotifyHandler;
	PVOID NetPnPEventHandler;
	PVOID StatusHandler;
	PVOID DirectOidRequestHandler;
	PVOID DirectOidRequestCompleteHandler;
	PVOID CancelDirectOidRequestHandler;
} NDIS_FILTER_DRIVER_CHARACTERISTICS;

typedef struct _NDIS_FILTER_ATTRIBUTES {
	NDIS_OBJECT_HEADER Header;
	ULONG Flags;
} NDIS_FILTER_ATTRIBUTES;

typedef struct _NDIS_DEVICE_OBJECT_ATTRIBUTES {
	NDIS_OBJECT_HEADER Header;
	PUNICODE_STRING DeviceName;
	PUNICODE_STRING SymbolicName;
	PDRIVER_DISPATCH *MajorFunctions;
	ULONG ExtensionSize;
	PCUNICODE_STRING DefaultSDDLString;
	LPCGUID DeviceClassGuid;
} NDIS_DEVICE_OBJECT_ATTRIBUTES;

NDIS_STATUS NdisFRegisterFilterDriver(PDRIVER_OBJECT driver, NDIS_HANDLE context,
				      NDIS_FILTER_DRIVER_CHARACTERISTICS *characteristics,
				      NDIS_HANDLE *handle);
VOID NdisFDeregisterFilterDriver(NDIS_HANDLE handle);
NDIS_STATUS NdisRegisterDeviceEx(NDIS_HANDLE handle, NDIS_DEVICE_OBJECT_ATTRIBUTES *attributes,
				 PDEVICE_OBJECT *device, NDIS_HANDLE *device_handle);
VOID NdisDeregisterDeviceEx(NDIS_HANDLE device_handle);
NDIS_STATUS NdisAllocateCloneOidRequest(NDIS_HANDLE filter, PNDIS_OID_REQUEST request, UINT tag,
					PNDIS_OID_REQUEST *clone);
VOID NdisFreeCloneOidRequest(NDIS_HANDLE filter, PNDIS_OID_REQUEST clone);
VOID NdisFOidRequestComplete(NDIS_HANDLE filter, PNDIS_OID_REQUEST request, NDIS_STATUS status);

#endif
