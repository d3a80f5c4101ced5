/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The part of NDIS 6.50 that this extension uses, written from Microsoft's public documentation of
 * the structures and functions (learn.microsoft.com, "NDIS filter drivers", "Hyper-V extensible
 * switch"): the same names, fields and order.
 *
 * For builds without the Windows Driver Kit: MinGW-w64, whose headers end at NDIS 5, and the user
 * mode double on Linux. The WDK build takes the kit's own <ndis.h> and never sees this file.
 * Constants that the documentation names without a value have values of the double's own here.
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

typedef ULONG NDIS_PORT_NUMBER;
typedef ULONG NDIS_SWITCH_PORT_ID;
typedef USHORT NDIS_SWITCH_NIC_INDEX;
typedef NDIS_HANDLE NDIS_SWITCH_CONTEXT;

#define NDIS_SWITCH_DEFAULT_PORT_ID 0
#define NDIS_SWITCH_DEFAULT_NIC_INDEX 0
#define NDIS_FILTER_MAJOR 6
#define NDIS_FILTER_MINOR 50
#define NDIS_SEND_FLAGS_SWITCH_DESTINATION_GROUP 0x4
#define NDIS_SEND_COMPLETE_FLAGS_SWITCH_SINGLE_SOURCE 0x8

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

typedef struct _NDIS_SWITCH_FORWARDING_DESTINATION_ARRAY
	NDIS_SWITCH_FORWARDING_DESTINATION_ARRAY, *PNDIS_SWITCH_FORWARDING_DESTINATION_ARRAY;

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
#define NormalPoolPriority_ 16

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
	NDIS_STATUS (*SetNetBufferListSource)(NDIS_SWITCH_CONTEXT, PNET_BUFFER_LIST,
					     NDIS_SWITCH_PORT_ID, NDIS_SWITCH_NIC_INDEX);
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

typedef struct _IF_COUNTED_STRING {
	USHORT Length; /* Bytes. */
	WCHAR String[IF_MAX_STRING_SIZE + 1];
} IF_COUNTED_STRING;

typedef struct _NDIS_SWITCH_PORT_PARAMETERS {
	NDIS_OBJECT_HEADER Header;
	ULONG Flags;
	NDIS_SWITCH_PORT_ID PortId;
	IF_COUNTED_STRING PortName;
	IF_COUNTED_STRING PortFriendlyName;
	int PortType;
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
	int NicState;
	ULONG MTU;
	UCHAR PermanentMacAddress[6];
	UCHAR VMMacAddress[6];
} NDIS_SWITCH_NIC_PARAMETERS, *PNDIS_SWITCH_NIC_PARAMETERS;

enum {
	OID_SWITCH_PORT_CREATE = 0x00010260,
	OID_SWITCH_PORT_TEARDOWN,
	OID_SWITCH_PORT_DELETE,
	OID_SWITCH_NIC_CREATE,
	OID_SWITCH_NIC_CONNECT,
	OID_SWITCH_NIC_DISCONNECT,
	OID_SWITCH_NIC_DELETE
};

typedef struct _NDIS_OID_REQUEST {
	NDIS_OBJECT_HEADER Header;
	int RequestType;
	NDIS_PORT_NUMBER PortNumber;
	UINT Timeout;
	PVOID RequestId;
	NDIS_HANDLE RequestHandle;
	struct {
		int Oid;
		PVOID InformationBuffer;
		UINT InformationBufferLength;
		UINT BytesRead;
		UINT BytesNeeded;
	} Set;
} NDIS_OID_REQUEST, *PNDIS_OID_REQUEST;

/* The filter. */

typedef struct _NDIS_FILTER_ATTACH_PARAMETERS NDIS_FILTER_ATTACH_PARAMETERS;

NDIS_STATUS NdisFSetAttributes(NDIS_HANDLE filter, NDIS_HANDLE context, PVOID attributes);
VOID NdisFSendNetBufferLists(NDIS_HANDLE filter, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port,
			     ULONG flags);
VOID NdisFSendNetBufferListsComplete(NDIS_HANDLE filter, PNET_BUFFER_LIST lists, ULONG flags);
NDIS_STATUS NdisFOidRequest(NDIS_HANDLE filter, PNDIS_OID_REQUEST request);

#endif
