/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The part of NDIS 6.50 that this extension uses, written from Microsoft's public documentation of
 * the structures and functions (learn.microsoft.com, "NDIS filter drivers", "Hyper-V extensible
 * switch"): the same names, fields and order.
 *
 * For builds without the Windows Driver Kit: MinGW-w64, whose headers end at NDIS 5, and the user
 * mode double on Linux. The WDK build takes the kit's own <ndis.h> and never sees this file.
 * Numbers of OIDs are those of MinGW-w64's ntddndis.h; other constants that the documentation
 * names without a value have values of the double's own here.
 */
#ifndef FABRIC_NDIS_SUBSET_H
#define FABRIC_NDIS_SUBSET_H

#ifdef _WIN32
#include <ntddk.h>
typedef PVOID NDIS_HANDLE;
typedef NTSTATUS NDIS_STATUS;
typedef unsigned int UINT;
#else
#include "nt_types.h"
#endif

#define NDIS_STATUS_SUCCESS ((NDIS_STATUS)0)
#define NDIS_STATUS_FAILURE ((NDIS_STATUS)0xC0000001)
#define NDIS_STATUS_RESOURCES ((NDIS_STATUS)0xC000009A)
#define NDIS_STATUS_PAUSED ((NDIS_STATUS)0xC023002A)
#define NDIS_STATUS_INVALID_PARAMETER ((NDIS_STATUS)0xC000000D)
#define NDIS_STATUS_INVALID_LENGTH ((NDIS_STATUS)0xC0010014)
#define NDIS_STATUS_PENDING ((NDIS_STATUS)0x103)

typedef ULONG NDIS_PORT_NUMBER;
typedef ULONG NDIS_SWITCH_PORT_ID;
typedef USHORT NDIS_SWITCH_NIC_INDEX;
typedef NDIS_HANDLE NDIS_SWITCH_CONTEXT;

#define NDIS_SWITCH_DEFAULT_PORT_ID 0
#define NDIS_SWITCH_DEFAULT_NIC_INDEX 0
#define NDIS_OBJECT_TYPE_DEFAULT 0x80
#define NDIS_DEFAULT_PORT_NUMBER 0

typedef struct _NDIS_OBJECT_HEADER {
	UCHAR Type;
	UCHAR Revision;
	USHORT Size;
} NDIS_OBJECT_HEADER;

/* Buffers. */

typedef struct _NET_BUFFER NET_BUFFER, *PNET_BUFFER;
typedef struct _NET_BUFFER_LIST NET_BUFFER_LIST, *PNET_BUFFER_LIST;

struct _NET_BUFFER {
	PNET_BUFFER Next;
	PMDL CurrentMdl;
	ULONG CurrentMdlOffset;
	ULONG DataLength;
	PMDL MdlChain;
	ULONG DataOffset;
	USHORT ChecksumBias;
	USHORT Reserved;
	NDIS_HANDLE NdisPoolHandle;
	PVOID NdisReserved[2];
	PVOID ProtocolReserved[6];
	PVOID MiniportReserved[4];
};

enum {
	TcpIpChecksumNetBufferListInfo = 0,
	TcpLargeSendNetBufferListInfo = 2,
	Ieee8021QNetBufferListInfo = 4,
	NetBufferListHashValue = 5,
	SwitchForwardingDetailNetBufferListInfo = 20,
	TcpSendOffloadsSupplementalNetBufferListInfo = 23,
	MaxNetBufferListInfo = 24
};

struct _NET_BUFFER_LIST {
	PNET_BUFFER_LIST Next;
	PNET_BUFFER FirstNetBuffer;
	PVOID Context;
	PNET_BUFFER_LIST ParentNetBufferList;
	NDIS_HANDLE NdisPoolHandle;
	PVOID NdisReserved[2];
	PVOID ProtocolReserved[4];
	PVOID MiniportReserved[2];
	PVOID Scratch;
	NDIS_HANDLE SourceHandle;
	ULONG NblFlags;
	LONG ChildRefCount;
	ULONG Flags;
	NDIS_STATUS Status;
	PVOID NetBufferListInfo[MaxNetBufferListInfo];
};

#define NET_BUFFER_LIST_INFO(nbl, id) ((nbl)->NetBufferListInfo[(id)])

/* Out-of-band VLAN tag of a NET_BUFFER_LIST. */
typedef union _NDIS_NET_BUFFER_LIST_8021Q_INFO {
	struct {
		UINT32 UserPriority : 3;
		UINT32 CanonicalFormatId : 1;
		UINT32 VlanId : 12;
		UINT32 Reserved : 16;
	} TagHeader;
	PVOID Value;
} NDIS_NET_BUFFER_LIST_8021Q_INFO;

/* What the miniport is asked to compute when sending. */
typedef union _NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO {
	struct {
		ULONG IsIPv4 : 1;
		ULONG IsIPv6 : 1;
		ULONG TcpChecksum : 1;
		ULONG UdpChecksum : 1;
		ULONG IpHeaderChecksum : 1;
		ULONG Reserved : 11;
		ULONG TcpHeaderOffset : 10;
		ULONG Unused : 6;
	} Transmit;
	PVOID Value;
} NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO;

/* A large send: the miniport cuts it into segments of MSS bytes. */
typedef union _NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO {
	struct {
		ULONG MSS : 20;
		ULONG TcpHeaderOffset : 10;
		ULONG Type : 1;
		ULONG IPVersion : 1;
	} LsoV2Transmit;
	PVOID Value;
} NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO;

/* Where the inner headers of a packet in a tunnel are. */
typedef union _NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO {
	struct {
		ULONG IsEncapsulatedPacket : 1;
		ULONG EncapsulatedPacketOffsetsValid : 1;
		ULONG InnerFrameOffset : 8;
		ULONG TransportIpHeaderRelativeOffset : 6;
		ULONG TcpHeaderRelativeOffset : 10;
		ULONG IsInnerIPv6 : 1;
		ULONG TcpOptionsPresent : 1;
		ULONG Reserved : 4;
	} EncapsulatedPacketOffset;
	PVOID Value;
} NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO;

typedef union _NDIS_SWITCH_FORWARDING_DETAIL_NET_BUFFER_LIST_INFO {
	UINT64 AsUINT64;
	struct {
		UINT32 NumAvailableDestinations : 16;
		UINT32 SourcePortId : 16;
		UINT32 SourceNicIndex : 8;
		UINT32 NativeForwardingRequired : 1;
		UINT32 Reserved1 : 1;
		UINT32 IsPacketDataSafe : 1;
		UINT32 SafePacketDataSize : 12;
		UINT32 IsPacketDataUncached : 1;
		UINT32 IsSafePacketDataUncached : 1;
		UINT32 Reserved2 : 7;
	};
} NDIS_SWITCH_FORWARDING_DETAIL_NET_BUFFER_LIST_INFO,
	*PNDIS_SWITCH_FORWARDING_DETAIL_NET_BUFFER_LIST_INFO;

#define NET_BUFFER_LIST_SWITCH_FORWARDING_DETAIL(nbl)                  \
	((PNDIS_SWITCH_FORWARDING_DETAIL_NET_BUFFER_LIST_INFO)&NET_BUFFER_LIST_INFO( \
		(nbl), SwitchForwardingDetailNetBufferListInfo))

typedef struct _NDIS_SWITCH_PORT_DESTINATION {
	NDIS_SWITCH_PORT_ID PortId;
	NDIS_SWITCH_NIC_INDEX NicIndex;
	USHORT IsExcluded : 1;
	USHORT PreserveVLAN : 1;
	USHORT PreservePriority : 1;
	USHORT Reserved : 13;
} NDIS_SWITCH_PORT_DESTINATION, *PNDIS_SWITCH_PORT_DESTINATION;

typedef struct _NDIS_SWITCH_FORWARDING_DESTINATION_ARRAY {
	NDIS_OBJECT_HEADER Header;
	UINT32 ElementSize;
	UINT32 NumElements;
	UINT32 NumDestinations;
	PVOID FirstElement;
} NDIS_SWITCH_FORWARDING_DESTINATION_ARRAY, *PNDIS_SWITCH_FORWARDING_DESTINATION_ARRAY;

#define NDIS_SWITCH_PORT_DESTINATION_AT_ARRAY_INDEX(array, index)                        \
	((PNDIS_SWITCH_PORT_DESTINATION)((UCHAR *)(array)->FirstElement +                \
					 (array)->ElementSize * (index)))

typedef struct _NET_BUFFER_LIST_POOL_PARAMETERS {
	NDIS_OBJECT_HEADER Header;
	UCHAR ProtocolId;
	BOOLEAN fAllocateNetBuffer;
	USHORT ContextSize;
	ULONG PoolTag;
	ULONG DataSize;
} NET_BUFFER_LIST_POOL_PARAMETERS;

NDIS_HANDLE NdisAllocateNetBufferListPool(NDIS_HANDLE handle,
					  NET_BUFFER_LIST_POOL_PARAMETERS *parameters);
VOID NdisFreeNetBufferListPool(NDIS_HANDLE pool);
PNET_BUFFER_LIST NdisAllocateNetBufferAndNetBufferList(
	NDIS_HANDLE pool, USHORT context_size, USHORT context_back_fill, PMDL mdls,
	ULONG data_offset, SIZE_T data_length);
VOID NdisFreeNetBufferList(PNET_BUFFER_LIST list);
PVOID NdisGetDataBuffer(PNET_BUFFER buffer, ULONG bytes, PVOID storage, UINT align, UINT offset);
PMDL NdisAllocateMdl(NDIS_HANDLE handle, PVOID address, UINT length);
VOID NdisFreeMdl(PMDL mdl);
PVOID NdisAllocateMemoryWithTagPriority(NDIS_HANDLE handle, UINT length, ULONG tag, int priority);
VOID NdisFreeMemory(PVOID memory, UINT length, UINT flags);
#define NormalPoolPriority 16

VOID NdisMSleep(ULONG microseconds);

/* Locks. */

typedef struct _NDIS_RW_LOCK_EX NDIS_RW_LOCK_EX, *PNDIS_RW_LOCK_EX;
#ifdef _WIN32
typedef struct _LOCK_STATE_EX {
	KIRQL OldIrql;
	UCHAR LockState;
	UCHAR Flags;
} LOCK_STATE_EX;
#else
typedef struct _LOCK_STATE_EX {
	int State;
} LOCK_STATE_EX;
#endif
PNDIS_RW_LOCK_EX NdisAllocateRWLock(NDIS_HANDLE handle);
VOID NdisFreeRWLock(PNDIS_RW_LOCK_EX lock);
VOID NdisAcquireRWLockRead(PNDIS_RW_LOCK_EX lock, LOCK_STATE_EX *state, UCHAR flags);
VOID NdisAcquireRWLockWrite(PNDIS_RW_LOCK_EX lock, LOCK_STATE_EX *state, UCHAR flags);
VOID NdisReleaseRWLock(PNDIS_RW_LOCK_EX lock, LOCK_STATE_EX *state);

/* The extensible switch's own functions. */

typedef struct _NDIS_SWITCH_OPTIONAL_HANDLERS {
	NDIS_OBJECT_HEADER Header;
	NDIS_STATUS (*AllocateNetBufferListForwardingContext)(NDIS_SWITCH_CONTEXT,
							     PNET_BUFFER_LIST);
	VOID (*FreeNetBufferListForwardingContext)(NDIS_SWITCH_CONTEXT, PNET_BUFFER_LIST);
	NDIS_STATUS (*SetNetBufferListSource)(NDIS_SWITCH_CONTEXT, PNET_BUFFER_LIST,
					     NDIS_SWITCH_PORT_ID, NDIS_SWITCH_NIC_INDEX);
	NDIS_STATUS (*AddNetBufferListDestination)(NDIS_SWITCH_CONTEXT, PNET_BUFFER_LIST,
						  PNDIS_SWITCH_PORT_DESTINATION);
	NDIS_STATUS (*GrowNetBufferListDestinations)(
		NDIS_SWITCH_CONTEXT, PNET_BUFFER_LIST, UINT32 added,
		PNDIS_SWITCH_FORWARDING_DESTINATION_ARRAY *destinations);
	VOID (*GetNetBufferListDestinations)(
		NDIS_SWITCH_CONTEXT, PNET_BUFFER_LIST,
		PNDIS_SWITCH_FORWARDING_DESTINATION_ARRAY *destinations);
	NDIS_STATUS (*UpdateNetBufferListDestinations)(
		NDIS_SWITCH_CONTEXT, PNET_BUFFER_LIST, UINT32 added,
		PNDIS_SWITCH_FORWARDING_DESTINATION_ARRAY destinations);
	NDIS_STATUS (*CopyNetBufferListInfo)(NDIS_SWITCH_CONTEXT, PNET_BUFFER_LIST destination,
					    PNET_BUFFER_LIST source, UINT32 flags);
	NDIS_STATUS (*ReferenceSwitchNic)(NDIS_SWITCH_CONTEXT, NDIS_SWITCH_PORT_ID,
					 NDIS_SWITCH_NIC_INDEX);
	NDIS_STATUS (*DereferenceSwitchNic)(NDIS_SWITCH_CONTEXT, NDIS_SWITCH_PORT_ID,
					   NDIS_SWITCH_NIC_INDEX);
	NDIS_STATUS (*ReferenceSwitchPort)(NDIS_SWITCH_CONTEXT, NDIS_SWITCH_PORT_ID);
	NDIS_STATUS (*DereferenceSwitchPort)(NDIS_SWITCH_CONTEXT, NDIS_SWITCH_PORT_ID);
	VOID (*ReportFilteredNetBufferLists)(NDIS_SWITCH_CONTEXT, PVOID guid, PVOID name,
					    ULONG port, ULONG flags, ULONG count,
					    PNET_BUFFER_LIST lists, PVOID reason);
} NDIS_SWITCH_OPTIONAL_HANDLERS, *PNDIS_SWITCH_OPTIONAL_HANDLERS;

#define NDIS_SWITCH_OPTIONAL_HANDLERS_REVISION_1 1
#define NDIS_SIZEOF_SWITCH_OPTIONAL_HANDLERS_REVISION_1 sizeof(NDIS_SWITCH_OPTIONAL_HANDLERS)

NDIS_STATUS NdisFGetOptionalSwitchHandlers(NDIS_HANDLE filter, NDIS_SWITCH_CONTEXT *context,
					   PNDIS_SWITCH_OPTIONAL_HANDLERS handlers);

/* Ports and NICs of the switch, as OIDs carry them. */

typedef enum _NDIS_SWITCH_NIC_TYPE {
	NdisSwitchNicTypeExternal,
	NdisSwitchNicTypeSynthetic,
	NdisSwitchNicTypeEmulated,
	NdisSwitchNicTypeInternal
} NDIS_SWITCH_NIC_TYPE;

#define IF_MAX_STRING_SIZE 256
#define NDIS_MAX_PHYS_ADDRESS_LENGTH 32

typedef enum _NDIS_SWITCH_NIC_STATE {
	NdisSwitchNicStateUnknown,
	NdisSwitchNicStateCreated,
	NdisSwitchNicStateConnected,
	NdisSwitchNicStateDisconnected,
	NdisSwitchNicStateDeleted
} NDIS_SWITCH_NIC_STATE;

typedef struct _IF_COUNTED_STRING {
	USHORT Length; /* Bytes. */
	WCHAR String[IF_MAX_STRING_SIZE + 1];
} IF_COUNTED_STRING;

typedef struct _NDIS_SWITCH_PARAMETERS {
	NDIS_OBJECT_HEADER Header;
	ULONG Flags;
	IF_COUNTED_STRING SwitchName;
	IF_COUNTED_STRING SwitchFriendlyName;
	UINT32 NumSwitchPorts;
	BOOLEAN IsActive;
} NDIS_SWITCH_PARAMETERS, *PNDIS_SWITCH_PARAMETERS;

typedef struct _NDIS_SWITCH_PORT_PARAMETERS {
	NDIS_OBJECT_HEADER Header;
	ULONG Flags;
	NDIS_SWITCH_PORT_ID PortId;
	IF_COUNTED_STRING PortName;
	IF_COUNTED_STRING PortFriendlyName;
	int PortType;
	BOOLEAN IsValidationPort;
	int PortState;
} NDIS_SWITCH_PORT_PARAMETERS, *PNDIS_SWITCH_PORT_PARAMETERS;

typedef struct _NDIS_SWITCH_NIC_PARAMETERS {
	NDIS_OBJECT_HEADER Header;
	ULONG Flags;
	IF_COUNTED_STRING NicName;
	IF_COUNTED_STRING NicFriendlyName;
	NDIS_SWITCH_PORT_ID PortId;
	NDIS_SWITCH_NIC_INDEX NicIndex;
	NDIS_SWITCH_NIC_TYPE NicType;
	NDIS_SWITCH_NIC_STATE NicState;
	IF_COUNTED_STRING VmName;
	IF_COUNTED_STRING VmFriendlyName;
	GUID NetCfgInstanceId;
	ULONG MTU;
	USHORT NumaNodeId;
	UCHAR PermanentMacAddress[NDIS_MAX_PHYS_ADDRESS_LENGTH];
	UCHAR VMMacAddress[NDIS_MAX_PHYS_ADDRESS_LENGTH];
	UCHAR CurrentMacAddress[NDIS_MAX_PHYS_ADDRESS_LENGTH];
	BOOLEAN VFAssigned;
	ULONG64 NdisReserved[2];
} NDIS_SWITCH_NIC_PARAMETERS, *PNDIS_SWITCH_NIC_PARAMETERS;

/* Elements follow at FirstElementOffset, each of ElementSize bytes. */
typedef struct _NDIS_SWITCH_PORT_ARRAY {
	NDIS_OBJECT_HEADER Header;
	ULONG Flags;
	USHORT FirstElementOffset;
	ULONG NumElements;
	ULONG ElementSize;
} NDIS_SWITCH_PORT_ARRAY, NDIS_SWITCH_NIC_ARRAY;

#define NDIS_SWITCH_PARAMETERS_REVISION_1 1
#define NDIS_SWITCH_PORT_ARRAY_REVISION_1 1
#define NDIS_SWITCH_NIC_ARRAY_REVISION_1 1

typedef ULONG NDIS_OID;

#define OID_SWITCH_PARAMETERS 0x00010275
#define OID_SWITCH_PORT_ARRAY 0x00010276
#define OID_SWITCH_NIC_ARRAY 0x00010277
#define OID_SWITCH_PORT_CREATE 0x00010278
#define OID_SWITCH_PORT_DELETE 0x00010279
#define OID_SWITCH_NIC_CREATE 0x0001027a
#define OID_SWITCH_NIC_CONNECT 0x0001027b
#define OID_SWITCH_NIC_DISCONNECT 0x0001027c
#define OID_SWITCH_NIC_DELETE 0x0001027d
#define OID_SWITCH_PORT_TEARDOWN 0x0001027f
#define OID_SWITCH_NIC_UPDATED 0x00010294
#define OID_SWITCH_PORT_UPDATED 0x00010295

typedef enum _NDIS_REQUEST_TYPE {
	NdisRequestQueryInformation,
	NdisRequestSetInformation
} NDIS_REQUEST_TYPE;

typedef struct _NDIS_OID_REQUEST {
	NDIS_OBJECT_HEADER Header;
	NDIS_REQUEST_TYPE RequestType;
	NDIS_PORT_NUMBER PortNumber;
	UINT Timeout;
	PVOID RequestId;
	NDIS_HANDLE RequestHandle;
	union {
		struct {
			NDIS_OID Oid;
			PVOID InformationBuffer;
			UINT InformationBufferLength;
			UINT BytesWritten;
			UINT BytesNeeded;
		} QUERY_INFORMATION;
		struct {
			NDIS_OID Oid;
			PVOID InformationBuffer;
			UINT InformationBufferLength;
			UINT BytesRead;
			UINT BytesNeeded;
		} SET_INFORMATION;
		struct {
			NDIS_OID Oid;
			PVOID InformationBuffer;
			ULONG InputBufferLength;
			ULONG OutputBufferLength;
			ULONG MethodId;
			UINT BytesWritten;
			UINT BytesRead;
			UINT BytesNeeded;
		} METHOD_INFORMATION;
	} DATA;
	UCHAR NdisReserved[16 * sizeof(PVOID)];
	UCHAR MiniportReserved[2 * sizeof(PVOID)];
	UCHAR SourceReserved[2 * sizeof(PVOID)];
	UCHAR SupportedRevision;
	UCHAR Reserved1;
	USHORT Reserved2;
} NDIS_OID_REQUEST, *PNDIS_OID_REQUEST;

#define NDIS_OBJECT_TYPE_OID_REQUEST 0x96
#define NDIS_OID_REQUEST_REVISION_1 1
#define NDIS_SIZEOF_OID_REQUEST_REVISION_1 sizeof(NDIS_OID_REQUEST)

/* The filter. */

typedef struct _NDIS_FILTER_ATTACH_PARAMETERS NDIS_FILTER_ATTACH_PARAMETERS;

NDIS_STATUS NdisFSetAttributes(NDIS_HANDLE filter, NDIS_HANDLE context, PVOID attributes);
VOID NdisFSendNetBufferLists(NDIS_HANDLE filter, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port,
			     ULONG flags);
VOID NdisFSendNetBufferListsComplete(NDIS_HANDLE filter, PNET_BUFFER_LIST lists, ULONG flags);
NDIS_STATUS NdisFOidRequest(NDIS_HANDLE filter, PNDIS_OID_REQUEST request);

#endif
