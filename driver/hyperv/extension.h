/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The forwarding extension of the Hyper-V switch: what its files share.
 *
 *   switch/     filter.c attach, pause, restart, detach; ports.c ports and NICs as the switch
 *               announces them; ingress.c a packet's way, what is sent and what is completed;
 *               packet.c copies that share the payload with their original; offload.c segments
 *               and checksums in software; driver.c the door to the kernel
 *   flows/      table.c megaflows, a hash table for each mask; execute.c actions; edit.c the
 *               header changes; meter.c meters
 *   conntrack/  the connection tracker, and fragments on their way through it
 *   tunnels/    outer headers and next hops
 *   device/     the pseudo device: handles, requests, dumps, and all that is a message
 *
 * Locks, in the order in which they are taken: extension.lock (readers: packets; writers: the
 * device and the switch's OIDs); fragments.lock, connections.lock or meters.lock (one packet, or
 * one request); device.lock (handles and their queues). Each of them raises to DISPATCH_LEVEL.
 * Nothing is sent to the switch, completed to it, or completed to the I/O manager with a lock
 * held: sends and completions are collected in a fabric_batch, readers to be woken in the device's
 * list of them (fabric_device_wake).
 */
#ifndef FABRIC_EXTENSION_H
#define FABRIC_EXTENSION_H

#ifdef FABRIC_WDK
#include <ndis.h>
#else
#include "ndis/ndis_subset.h"
#endif

/* driver/core is written for GCC and Clang; Microsoft's compiler has other names for these. */
#if defined(_MSC_VER) && !defined(__clang__)
#define FABRIC_INLINE static __forceinline
#define __builtin_memcpy memcpy
#define __builtin_memset memset
#define __builtin_bswap32 _byteswap_ulong
#define __builtin_bswap64 _byteswap_uint64
#endif
#ifndef MdlMappingNoExecute
#define MdlMappingNoExecute 0x40000000
#endif
#include "../core/fabric_parse.h"
#include "../include/fabric_kernel.h"

#define FABRIC_TAG 0x72626146 /* "Fabr" */
#define FABRIC_VPORTS_MAX 1024
#define FABRIC_NAME_MAX 64
#define FABRIC_SUBTABLES_MAX 64
#define FABRIC_FLOWS_MAX 200000
#define FABRIC_ACTIONS_MAX 64 /* Those of branches included. */
#define FABRIC_BRANCH_DEPTH_MAX 2
#define FABRIC_HANDLES_MAX 512
#define FABRIC_UPCALLS_MAX 4096 /* Of one handle. */
#define FABRIC_MESSAGE_MAX 65536
#define FABRIC_HEADROOM 192 /* Outer headers with all their options, and two tags. */
#define FABRIC_METERS_MAX 256
#define FABRIC_HOPS_MAX 256
#define FABRIC_TUNNELS_MAX 16
#define FABRIC_HOP_AGE (30ull * 10000000)
#define FABRIC_OFFLOAD_VXLAN 1 /* What the NIC does inside of tunnels. */
#define FABRIC_OFFLOAD_GRE 2
#define FABRIC_HEADER_COPY 256
#define FABRIC_RECIRCULATIONS_MAX 4
#define FABRIC_OUTPUTS_MAX 32
#define FABRIC_FAIL_OPEN_AFTER (5ull * 10000000) /* 100 ns: five seconds. */

struct fabric_extension;
struct fabric_handle;
struct fabric_connections;
struct fabric_entry;
struct fabric_queued;
struct fabric_fragments;

/* A switch port's own name, which is where VMs' NICs have theirs from. */
struct fabric_port_name {
	BOOLEAN is_used;
	NDIS_SWITCH_PORT_ID port_id;
	char name[FABRIC_NAME_MAX];
};

/*
 * A port of the switch with its NIC, or a tunnel. Bound to a number once userspace asked for its
 * name.
 */
struct fabric_vport {
	BOOLEAN is_used;
	BOOLEAN is_connected;
	NDIS_SWITCH_NIC_TYPE type;
	NDIS_SWITCH_PORT_ID port_id;
	NDIS_SWITCH_NIC_INDEX nic_index;
	char name[FABRIC_NAME_MAX];
	UCHAR mac[6];
	ULONG mtu;
	UCHAR tunnel;       /* Vport type of a tunnel; 0: a NIC. */
	USHORT tunnel_port; /* UDP port. */
	ULONG number; /* Datapath port number; 0: not bound. */
	ULONG upcall_pid;
	LONG64 rx_packets, tx_packets, rx_bytes, tx_bytes, rx_dropped, tx_dropped;
};

enum fabric_action_kind {
	FABRIC_ACTION_OUTPUT,
	FABRIC_ACTION_USERSPACE,
	FABRIC_ACTION_PUSH_VLAN,
	FABRIC_ACTION_POP_VLAN,
	FABRIC_ACTION_SET_ETHERNET,
	FABRIC_ACTION_SET_IPV4,
	FABRIC_ACTION_SET_IPV6,
	FABRIC_ACTION_SET_PORTS,
	FABRIC_ACTION_HASH,
	FABRIC_ACTION_RECIRCULATE,
	FABRIC_ACTION_TRUNCATE,
	FABRIC_ACTION_CONNTRACK,
	FABRIC_ACTION_CONNTRACK_CLEAR,
	FABRIC_ACTION_SET_TUNNEL,
	FABRIC_ACTION_SET_MARK,
	FABRIC_ACTION_METER,
	FABRIC_ACTION_DROP,
	FABRIC_ACTION_CLONE,
	FABRIC_ACTION_LENGTH,
	FABRIC_ACTION_SAMPLE,
	FABRIC_ACTION_DECREMENT_TTL
};

/*
 * Checked when it is made: execution meets no action that it cannot do. The actions of a branch
 * stand behind it in the same list; those after them are the packet's own.
 */
struct fabric_action {
	enum fabric_action_kind kind;
	union {
		ULONG number; /* Port, recirculation id, length, meter, reason. */
		struct {
			ULONG basis;
			BOOLEAN is_symmetric;
		} hash;
		struct {
			ULONG pid;
			ULONG offset, length; /* Of the userdata in the flow's actions. */
		} userspace;
		struct {
			/*
			 * For a copy of the packet: always, when it is longer, when the sample
			 * falls on it, or when its time to live is over;
			 */
			ULONG count;
			ULONG count_else; /* and behind those the ones when it is not longer. */
			ULONG limit;      /* Of the length; of a sample: of 2^32 packets. */
		} branch;
		struct {
			fabric_u16 tpid, tci; /* As on the wire. */
		} vlan;
		struct {
			UCHAR value[12], mask[12]; /* Destination, source. */
		} ethernet;
		struct {
			UCHAR value[10], mask[10]; /* Source, destination, TOS, TTL. */
		} ipv4;
		struct {
			UCHAR value[40], mask[40]; /* As in the contract's key. */
		} ipv6;
		struct {
			UCHAR value[4], mask[4]; /* Source, destination. */
		} ports;
		struct {
			ULONG value, mask;
		} mark;
		struct fabric_conntrack_spec conntrack;
		struct fabric_tunnel tunnel;
	};
};

/* A megaflow. key is masked; the blobs are what userspace gave, for dumps. */
struct fabric_flow {
	struct fabric_flow *next;
	struct fabric_subtable *mask;
	ULONG hash;
	struct fabric_flow_key key;
	LONG64 packets, bytes;
	ULONG64 used; /* 100 ns; 0: never. */
	LONG tcp_flags;
	ULONG action_count;
	struct fabric_action *actions;
	UCHAR *blob; /* Key, mask, actions, one behind the other. */
	ULONG key_size, mask_size, actions_size;
};

struct fabric_subtable {
	struct fabric_flow_key mask;
	UCHAR words[sizeof(struct fabric_flow_key) / 8]; /* Which words are looked at. */
	ULONG word_count;
	ULONG flow_count;
	ULONG bucket_count; /* A power of two. */
	struct fabric_flow **buckets;
	LONG64 hits;
};

struct fabric_table {
	struct fabric_subtable *masks[FABRIC_SUBTABLES_MAX]; /* Dense: the first mask_count. */
	ULONG mask_count;
	ULONG flow_count;
};

struct fabric_switch_meter {
	BOOLEAN is_used;
	ULONG id;
	struct fabric_meter meter;
};

struct fabric_meters {
	PNDIS_RW_LOCK_EX lock;
	struct fabric_switch_meter meter[FABRIC_METERS_MAX];
};

/* Where packets to a tunnel's end leave. Addresses of IPv4 stand in the first four bytes. */
struct fabric_hop {
	BOOLEAN is_used, is_ipv6, is_resolved;
	UCHAR remote[16], source[16];
	UCHAR mac_local[6], mac_remote[6];
	NDIS_SWITCH_PORT_ID port_id;
	NDIS_SWITCH_NIC_INDEX nic_index;
	ULONG mtu; /* 0: not known. */
	ULONG64 since;
};

struct fabric_extension {
	NDIS_HANDLE filter;
	NDIS_SWITCH_CONTEXT context;
	NDIS_SWITCH_OPTIONAL_HANDLERS handlers;
	NDIS_HANDLE pool;
	PNDIS_RW_LOCK_EX lock;
	volatile LONG state; /* enum fabric_state */
	volatile LONG outstanding; /* Copies on their way, and originals held for them. */
	volatile LONG epoch;       /* Odd and even take turns; see fabric_settle. */
	volatile LONG batches[2];  /* Of each kind of epoch: begun, and not sent yet. */
	BOOLEAN is_fail_open;
	ULONG64 listener_gone; /* When the last upcall listener went; 0: one is there. */
	struct fabric_vport ports[FABRIC_VPORTS_MAX];
	struct fabric_port_name names[FABRIC_VPORTS_MAX];
	USHORT by_number[65536]; /* Place in ports[] and 1; 0: none. */
	struct fabric_vport *tunnels[FABRIC_TUNNELS_MAX];
	ULONG tunnel_count;
	struct fabric_hop hops[FABRIC_HOPS_MAX];
	/* Called with the lock held for reading; answers with fabric_hop_set, or never. */
	VOID (*resolve)(struct fabric_extension *extension, const UCHAR *remote, BOOLEAN is_ipv6);
	/* The alias of a physical NIC, at PASSIVE_LEVEL; FALSE or NULL: its friendly name counts. */
	BOOLEAN (*alias)(const GUID *nic, char name[FABRIC_NAME_MAX]);
	ULONG offloads; /* FABRIC_OFFLOAD_*: what the uplink's NIC advertises. */
	struct fabric_connections *connections;
	struct fabric_fragments *fragments;
	struct fabric_meters *meters;
	struct fabric_table table;
	volatile LONG sampled; /* Draws of samples until now. */
	LONG64 hits, misses, lost;
	LONG64 drops[FABRIC_DROP_COUNT];
};

enum fabric_state { FABRIC_PAUSED, FABRIC_RUNNING, FABRIC_PAUSING };

/* What a call will send and complete once its lock is released. */
struct fabric_batch {
	struct fabric_extension *extension;
	LONG epoch;
	PNET_BUFFER_LIST send, *send_tail;
	PNET_BUFFER_LIST complete, *complete_tail;
};

/* An original that copies take their payload from: completed when the last one is gone. */
struct fabric_hold {
	struct fabric_extension *extension;
	PNET_BUFFER_LIST original;
	volatile LONG references;
};

/* A copy: its own headers, and the rest of the original's payload. */
struct fabric_copy {
	struct fabric_hold *hold; /* NULL when nothing is shared. */
	PMDL mdls;
	ULONG size; /* Of bytes[]. */
	UCHAR bytes[1];
};

/* One packet while it is worked on. */
struct fabric_packet {
	struct fabric_extension *extension;
	struct fabric_batch *batch;
	PNET_BUFFER_LIST list;
	PNET_BUFFER buffer;
	struct fabric_hold **hold; /* Of the original; made when the first copy is. */
	BOOLEAN is_original;
	UCHAR *data; /* Headers, private and contiguous; NULL before the first change. */
	ULONG data_size;
	struct fabric_flow_key key;
	struct fabric_layout layout;
	struct fabric_vport *source;
	ULONG length;
	ULONG recirculations;
	ULONG cut; /* By so many bytes at its end the next output is shorter. */
	ULONG fragment_size; /* It came in IP packets of at most this size, and leaves so; 0: whole. */
	ULONG fragment_id;   /* That these had, as on the wire. */
	const struct fabric_tunnel *tunnel;   /* Set for outputs to tunnels. */
	const struct fabric_tunnel *received; /* The one that it came by. */
};

/* By which NDIS is asked for memory and locks: set before all else. */
extern NDIS_HANDLE fabric_driver;

/* memory: NULL when there is none left; every caller goes on without. */
PVOID fabric_allocate(ULONG size);
VOID fabric_free(PVOID memory);

/* packet.c */
struct fabric_hold *fabric_hold_make(struct fabric_extension *extension, PNET_BUFFER_LIST original);
VOID fabric_hold_release(struct fabric_hold *hold, struct fabric_batch *batch);
PNET_BUFFER_LIST fabric_copy_make(struct fabric_extension *extension, PNET_BUFFER_LIST source,
				  PNET_BUFFER buffer, struct fabric_hold *hold);
PNET_BUFFER_LIST fabric_copy_of_bytes(struct fabric_extension *extension, const UCHAR *bytes,
				      ULONG size);
VOID fabric_copy_free(struct fabric_extension *extension, PNET_BUFFER_LIST list,
		      struct fabric_batch *batch);
BOOLEAN fabric_is_copy(struct fabric_extension *extension, PNET_BUFFER_LIST list);
struct fabric_copy *fabric_copy_of(PNET_BUFFER_LIST list);
ULONG fabric_read(PNET_BUFFER buffer, UCHAR *bytes, ULONG size);
BOOLEAN fabric_make_writable(struct fabric_packet *packet);
/* A copy that shares the payload; the packet stays. NULL: no memory. */
PNET_BUFFER_LIST fabric_copy_share(struct fabric_packet *packet);
/* Makes copy->bytes of a whole packet the packet that is worked on; the old one is left. */
VOID fabric_packet_replace(struct fabric_packet *packet, PNET_BUFFER_LIST list);
/* The one destination of a list that has none yet. FALSE: no memory. */
BOOLEAN fabric_add_destination(struct fabric_extension *extension, PNET_BUFFER_LIST list,
			       NDIS_SWITCH_PORT_ID port_id, NDIS_SWITCH_NIC_INDEX nic_index);
/* A descriptor's bytes, NULL when the system has no room to map them. */
UCHAR *fabric_mdl_bytes(PMDL mdl);
VOID fabric_batch_start(struct fabric_extension *extension, struct fabric_batch *batch);
VOID fabric_batch_send(struct fabric_batch *batch, PNET_BUFFER_LIST list);
VOID fabric_batch_complete(struct fabric_batch *batch, PNET_BUFFER_LIST list);
/* Without any lock: sends, completes, and wakes readers of the device. */
VOID fabric_batch_finish(struct fabric_batch *batch);
/*
 * At PASSIVE_LEVEL, without any lock: returns when each batch that may have seen what was before
 * the caller's last change under extension.lock has been sent.
 */
VOID fabric_settle(struct fabric_extension *extension);

/* ingress.c */
VOID fabric_ingress(struct fabric_extension *extension, PNET_BUFFER_LIST lists);
int fabric_extract(struct fabric_packet *packet);
VOID fabric_forward(struct fabric_packet *packet);
VOID fabric_drop(struct fabric_packet *packet, int reason);
VOID fabric_discard(struct fabric_packet *packet);

/* execute.c */
VOID fabric_execute(struct fabric_packet *packet, const struct fabric_action *actions, ULONG count,
		    const UCHAR *userdata);

/* edit.c: headers of a writable packet. */
BOOLEAN fabric_push_vlan(struct fabric_packet *packet, fabric_u16 tpid, fabric_u16 tci);
VOID fabric_pop_vlan(struct fabric_packet *packet);
VOID fabric_set_ethernet(struct fabric_packet *packet, const UCHAR *value, const UCHAR *mask);
VOID fabric_set_ipv4(struct fabric_packet *packet, const UCHAR *value, const UCHAR *mask);
VOID fabric_set_ipv6(struct fabric_packet *packet, const UCHAR *value, const UCHAR *mask);
VOID fabric_set_ports(struct fabric_packet *packet, const UCHAR *value, const UCHAR *mask);
/* Two bytes of an ICMP message, as on the wire; its checksum changes against them. */
VOID fabric_set_icmp_word(struct fabric_packet *packet, ULONG offset, fabric_u16 wire);
VOID fabric_sum_change(UCHAR *field, const UCHAR *old, const UCHAR *new_, BOOLEAN is_partial);
/* Room of 'size' bytes in front, or less of the packet. */
BOOLEAN fabric_headroom(struct fabric_packet *packet, ULONG size);
VOID fabric_strip(struct fabric_packet *packet, ULONG size);

/* table.c: reads under the lock for reading, changes under the lock for writing. */
struct fabric_flow *fabric_table_find(struct fabric_table *table, const struct fabric_flow_key *key);
struct fabric_flow *fabric_table_exact(struct fabric_table *table,
				       const struct fabric_flow_key *key,
				       const struct fabric_flow_key *mask);
NTSTATUS fabric_table_add(struct fabric_table *table, struct fabric_flow *flow,
			  const struct fabric_flow_key *mask);
VOID fabric_table_remove(struct fabric_table *table, struct fabric_flow *flow);
VOID fabric_table_clear(struct fabric_table *table);
VOID fabric_flow_free(struct fabric_flow *flow);
VOID fabric_key_mask(struct fabric_flow_key *key, const struct fabric_flow_key *mask);

/* tunnel.c, hop.c */
VOID fabric_tunnel_send(struct fabric_packet *packet, struct fabric_vport *vport);
BOOLEAN fabric_tunnel_receive(struct fabric_packet *packet);
VOID fabric_hop_set(struct fabric_extension *extension, const struct fabric_hop *hop);
VOID fabric_hop_refresh(struct fabric_extension *extension, ULONG64 now);

/* offload.c: the size that a large send is to be cut to, 0: it is none. */
ULONG fabric_segment_size(PNET_BUFFER_LIST list);

/* meter.c */
BOOLEAN fabric_meter_pass(struct fabric_extension *extension, ULONG id, ULONG bytes);

/* ports.c: most of it under the lock. */
VOID fabric_port_number_set(struct fabric_extension *extension, struct fabric_vport *port,
			    ULONG number);
struct fabric_vport *fabric_port_by_id(struct fabric_extension *extension,
				      NDIS_SWITCH_PORT_ID port_id,
				      NDIS_SWITCH_NIC_INDEX nic_index);
struct fabric_vport *fabric_port_by_number(struct fabric_extension *extension, ULONG number);
struct fabric_vport *fabric_port_by_name(struct fabric_extension *extension, const char *name);
/* The uplink that is connected: of a team, its first member; NULL: none is. */
struct fabric_vport *fabric_uplink(struct fabric_extension *extension);
/*
 * What the switch says of its ports and NICs, at PASSIVE_LEVEL and without the lock. The result is
 * a veto when a NIC is made, and success for all else: those are told, not asked.
 */
NDIS_STATUS fabric_oid(struct fabric_extension *extension, NDIS_OID oid, PVOID buffer, UINT size);
/* Asks the switch for its own view of an OID; BytesNeeded in *needed when 'size' is too small. */
typedef NDIS_STATUS (*fabric_query)(struct fabric_extension *extension, NDIS_OID oid, PVOID buffer,
				    UINT size, UINT *needed);
/*
 * Learns ports and NICs of a switch that was there before the extension, at PASSIVE_LEVEL. A switch
 * that is not active yet answers nothing: call it again when it says that it is.
 */
VOID fabric_switch_read(struct fabric_extension *extension, fabric_query query);

/* filter.c */
NDIS_STATUS fabric_attach(NDIS_HANDLE filter, struct fabric_extension **extension);
VOID fabric_detach(struct fabric_extension *extension);
VOID fabric_restart(struct fabric_extension *extension);
VOID fabric_pause(struct fabric_extension *extension);
VOID fabric_send_complete(struct fabric_extension *extension, PNET_BUFFER_LIST lists,
			  ULONG flags);
VOID fabric_watchdog(struct fabric_extension *extension, ULONG64 now);

/* device.c, handles.c */
NTSTATUS fabric_device_start(void);
VOID fabric_device_stop(void);
VOID fabric_device_attach(struct fabric_extension *extension);
VOID fabric_device_detach(void);
NTSTATUS fabric_device_open(struct fabric_handle **handle);
/*
 * No user has the handle any more, while requests of it may still be under way: nothing is queued
 * from here on, and what waits is woken as cancelled. Close frees it when the last one is through.
 */
VOID fabric_device_cleanup(struct fabric_handle *handle);
VOID fabric_device_close(struct fabric_handle *handle);
/*
 * A request that waits, in memory of its own which lives until wake is called. arm and disarm are
 * called with device.lock held: arm is FALSE when the request was cancelled already, disarm when
 * that is just happening and somebody else will complete it. wake is called once, without locks.
 */
struct fabric_waiter_calls {
	BOOLEAN (*arm)(PVOID context);
	BOOLEAN (*disarm)(PVOID context);
	VOID (*wake)(PVOID context, NTSTATUS status);
};
struct fabric_waiter {
	const struct fabric_waiter_calls *calls;
	PVOID context;
	struct fabric_waiter *next;
	NTSTATUS status;
};
/* written: bytes put into out. STATUS_PENDING: the waiter will be woken. */
NTSTATUS fabric_device_control(struct fabric_handle *handle, ULONG code, const UCHAR *in,
			       ULONG in_size, UCHAR *out, ULONG out_size, ULONG *written,
			       struct fabric_waiter *waiter);
/* A pending request that was cancelled: its wake is not called any more. */
VOID fabric_device_forget(struct fabric_waiter *waiter);
/* Completes what was taken from queues' readers since. Without any lock. */
VOID fabric_device_wake(VOID);
/* Takes the item; FALSE when nobody with this pid listens, or too much waits for it. */
BOOLEAN fabric_device_queue(ULONG pid, struct fabric_queued *item);
/* Tells of a connection; 'kind' is an enum fabric_event_kind. */
VOID fabric_device_connection(const struct fabric_entry *entry, ULONG kind);
/* upcall.c */
BOOLEAN fabric_device_upcall(struct fabric_packet *packet, ULONG pid, UCHAR command,
			     const UCHAR *userdata, ULONG userdata_size);
VOID fabric_device_port_down(struct fabric_vport *port);
BOOLEAN fabric_device_has_listener(void);

#endif
