/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The door to the Windows kernel: the driver's entry, its filter and its device. No decision is
 * taken here. All that it calls runs in user mode against the double as well.
 */
#include "../extension.h"
#ifndef FABRIC_WDK
#include "../ndis/ndis_filter.h"
#else
#include "../tunnels/resolve.h"
#endif

#define FABRIC_NDIS_MAJOR 6
#define FABRIC_NDIS_MINOR 50 /* Windows Server 2016. */

/* An OID request of our own, and whoever waits for its answer. */
struct own_request {
	NDIS_OID_REQUEST request;
	KEVENT is_done;
	NDIS_STATUS status;
};

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD unload;
static FILTER_ATTACH attach;
static FILTER_DETACH detach;
static FILTER_RESTART restart;
static FILTER_PAUSE pause;
static FILTER_SEND_NET_BUFFER_LISTS send;
static FILTER_SEND_NET_BUFFER_LISTS_COMPLETE send_complete;
static FILTER_OID_REQUEST oid;
static FILTER_OID_REQUEST_COMPLETE oid_complete;
static FILTER_CANCEL_OID_REQUEST oid_cancel;
static FILTER_NET_PNP_EVENT net_pnp_event;
static KDEFERRED_ROUTINE watchdog_run;
static DRIVER_CANCEL cancelled;

static NDIS_HANDLE filter_driver, device_handle;
static PDEVICE_OBJECT device_object;
static KTIMER watchdog_timer;
static KDPC watchdog_dpc;
static struct fabric_extension *attached; /* One switch, as in the published contract. */
static KSPIN_LOCK passed_lock;
static PNDIS_OID_REQUEST passed; /* The clone that is under way; NDIS gives one at a time. */

static VOID watchdog_run(PKDPC dpc, PVOID context, PVOID first, PVOID second)
{
	UNREFERENCED_PARAMETER(dpc);
	UNREFERENCED_PARAMETER(first);
	UNREFERENCED_PARAMETER(second);
	fabric_watchdog(context, KeQueryInterruptTime());
}

/* The first that NDIS calls, while the driver is registered and before any switch is there. */
static NDIS_STATUS set_options(NDIS_HANDLE driver, NDIS_HANDLE context)
{
	UNREFERENCED_PARAMETER(context);
	fabric_driver = driver;
	return fabric_device_start();
}

/* PASSIVE_LEVEL, from here to pause. */
static NDIS_STATUS attach(NDIS_HANDLE filter, NDIS_HANDLE driver,
			  PNDIS_FILTER_ATTACH_PARAMETERS parameters)
{
	NDIS_FILTER_ATTRIBUTES attributes;
	NDIS_STATUS status;

	UNREFERENCED_PARAMETER(driver);
	UNREFERENCED_PARAMETER(parameters);
	if (attached)
		return NDIS_STATUS_FAILURE;
	status = fabric_attach(filter, &attached);
	if (status != NDIS_STATUS_SUCCESS)
		return status;
	RtlZeroMemory(&attributes, sizeof(attributes));
	attributes.Header.Type = NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES;
	attributes.Header.Revision = NDIS_FILTER_ATTRIBUTES_REVISION_1;
	attributes.Header.Size = sizeof(attributes);
	status = NdisFSetAttributes(filter, attached, &attributes);
#ifdef FABRIC_WDK
	if (status == NDIS_STATUS_SUCCESS && !fabric_resolve_start(attached))
		status = NDIS_STATUS_RESOURCES;
#endif
	if (status != NDIS_STATUS_SUCCESS) {
		fabric_detach(attached);
		attached = NULL;
	}
	return status;
}

static VOID detach(NDIS_HANDLE context)
{
#ifdef FABRIC_WDK
	fabric_resolve_stop();
#endif
	fabric_detach(context);
	attached = NULL;
}

static VOID own_done(struct own_request *own, NDIS_STATUS status)
{
	own->status = status;
	KeSetEvent(&own->is_done, IO_NO_INCREMENT, FALSE);
}

/* Asks the switch, and waits for its answer. */
static NDIS_STATUS query(struct fabric_extension *extension, NDIS_OID number, PVOID buffer, UINT size,
			 UINT *needed)
{
	struct own_request *own = fabric_allocate(sizeof(*own));
	NDIS_STATUS status;

	if (!own)
		return NDIS_STATUS_RESOURCES;
	KeInitializeEvent(&own->is_done, NotificationEvent, FALSE);
	own->request.Header.Type = NDIS_OBJECT_TYPE_OID_REQUEST;
	own->request.Header.Revision = NDIS_OID_REQUEST_REVISION_1;
	own->request.Header.Size = NDIS_SIZEOF_OID_REQUEST_REVISION_1;
	own->request.RequestType = NdisRequestQueryInformation;
	own->request.RequestId = own;
	own->request.DATA.QUERY_INFORMATION.Oid = number;
	own->request.DATA.QUERY_INFORMATION.InformationBuffer = buffer;
	own->request.DATA.QUERY_INFORMATION.InformationBufferLength = size;
	status = NdisFOidRequest(extension->filter, &own->request);
	if (status == NDIS_STATUS_PENDING) {
		KeWaitForSingleObject(&own->is_done, Executive, KernelMode, FALSE, NULL);
		status = own->status;
	}
	*needed = own->request.DATA.QUERY_INFORMATION.BytesNeeded;
	fabric_free(own);
	return status;
}

static NDIS_STATUS restart(NDIS_HANDLE context, PNDIS_FILTER_RESTART_PARAMETERS parameters)
{
	LARGE_INTEGER due;

	UNREFERENCED_PARAMETER(parameters);
	fabric_switch_read(context, query);
	due.QuadPart = -10000000; /* One second from now. */
	KeInitializeDpc(&watchdog_dpc, watchdog_run, context);
	KeSetTimerEx(&watchdog_timer, due, 1000, &watchdog_dpc);
	fabric_restart(context);
	return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS pause(NDIS_HANDLE context, PNDIS_FILTER_PAUSE_PARAMETERS parameters)
{
	UNREFERENCED_PARAMETER(parameters);
	KeCancelTimer(&watchdog_timer);
	KeFlushQueuedDpcs();
	fabric_pause(context);
	return NDIS_STATUS_SUCCESS;
}

/* A switch that was not ready when we came is now. */
static NDIS_STATUS net_pnp_event(NDIS_HANDLE context, PNET_PNP_EVENT_NOTIFICATION notification)
{
	struct fabric_extension *extension = context;

	if (notification->NetPnPEvent.NetEvent == NetEventSwitchActivate)
		fabric_switch_read(extension, query);
	return NdisFNetPnPEvent(extension->filter, notification);
}

/* <= DISPATCH_LEVEL. */
static VOID send(NDIS_HANDLE context, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG flags)
{
	UNREFERENCED_PARAMETER(port);
	UNREFERENCED_PARAMETER(flags);
	fabric_ingress(context, lists);
}

static VOID send_complete(NDIS_HANDLE context, PNET_BUFFER_LIST lists, ULONG flags)
{
	fabric_send_complete(context, lists, flags);
}

static VOID passed_set(PNDIS_OID_REQUEST clone)
{
	KIRQL irql;

	KeAcquireSpinLock(&passed_lock, &irql);
	passed = clone;
	KeReleaseSpinLock(&passed_lock, irql);
}

/* The clone's results are the request's, and the clone is gone. */
static VOID oid_give_back(struct fabric_extension *extension, PNDIS_OID_REQUEST clone,
			  PNDIS_OID_REQUEST request)
{
	passed_set(NULL);
	switch (request->RequestType) {
	case NdisRequestQueryInformation:
		request->DATA.QUERY_INFORMATION.BytesWritten =
			clone->DATA.QUERY_INFORMATION.BytesWritten;
		request->DATA.QUERY_INFORMATION.BytesNeeded =
			clone->DATA.QUERY_INFORMATION.BytesNeeded;
		break;
	case NdisRequestSetInformation:
		request->DATA.SET_INFORMATION.BytesRead = clone->DATA.SET_INFORMATION.BytesRead;
		request->DATA.SET_INFORMATION.BytesNeeded =
			clone->DATA.SET_INFORMATION.BytesNeeded;
		break;
	default: /* A method. */
		request->DATA.METHOD_INFORMATION.OutputBufferLength =
			clone->DATA.METHOD_INFORMATION.OutputBufferLength;
		request->DATA.METHOD_INFORMATION.BytesWritten =
			clone->DATA.METHOD_INFORMATION.BytesWritten;
		request->DATA.METHOD_INFORMATION.BytesRead =
			clone->DATA.METHOD_INFORMATION.BytesRead;
		request->DATA.METHOD_INFORMATION.BytesNeeded =
			clone->DATA.METHOD_INFORMATION.BytesNeeded;
		break;
	}
	request->SupportedRevision = clone->SupportedRevision;
	NdisFreeCloneOidRequest(extension->filter, clone);
}

/* Ours first, then on to the switch: every OID is passed, in a clone that remembers its origin. */
static NDIS_STATUS oid(NDIS_HANDLE context, PNDIS_OID_REQUEST request)
{
	struct fabric_extension *extension = context;
	PNDIS_OID_REQUEST clone = NULL;
	NDIS_STATUS status = NDIS_STATUS_SUCCESS;

	if (request->RequestType == NdisRequestSetInformation)
		status = fabric_oid(extension, request->DATA.SET_INFORMATION.Oid,
				    request->DATA.SET_INFORMATION.InformationBuffer,
				    request->DATA.SET_INFORMATION.InformationBufferLength);
	if (status != NDIS_STATUS_SUCCESS)
		return status;
	status = NdisAllocateCloneOidRequest(extension->filter, request, FABRIC_TAG, &clone);
	if (status != NDIS_STATUS_SUCCESS)
		return status;
	*(PNDIS_OID_REQUEST *)&clone->SourceReserved[0] = request;
	clone->RequestId = request->RequestId; /* By which it may be cancelled. */
	passed_set(clone);
	status = NdisFOidRequest(extension->filter, clone);
	if (status != NDIS_STATUS_PENDING)
		oid_give_back(extension, clone, request);
	return status;
}

static VOID oid_complete(NDIS_HANDLE context, PNDIS_OID_REQUEST clone, NDIS_STATUS status)
{
	struct fabric_extension *extension = context;
	PNDIS_OID_REQUEST request = *(PNDIS_OID_REQUEST *)&clone->SourceReserved[0];

	if (!request) { /* Nobody's but ours: see query. */
		own_done(CONTAINING_RECORD(clone, struct own_request, request), status);
		return;
	}
	oid_give_back(extension, clone, request);
	NdisFOidRequestComplete(extension->filter, request, status);
}

static VOID oid_cancel(NDIS_HANDLE context, PVOID request_id)
{
	struct fabric_extension *extension = context;
	BOOLEAN is_passed;
	KIRQL irql;

	KeAcquireSpinLock(&passed_lock, &irql);
	is_passed = passed && passed->RequestId == request_id;
	KeReleaseSpinLock(&passed_lock, irql);
	if (is_passed)
		NdisFCancelOidRequest(extension->filter, request_id);
}

static NTSTATUS finish(PIRP irp, NTSTATUS status, ULONG_PTR bytes)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = bytes;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

static NTSTATUS dispatch_open(PDEVICE_OBJECT object, PIRP irp)
{
	struct fabric_handle *handle = NULL;
	NTSTATUS status = fabric_device_open(&handle);

	UNREFERENCED_PARAMETER(object);
	if (status == STATUS_SUCCESS)
		IoGetCurrentIrpStackLocation(irp)->FileObject->FsContext = handle;
	return finish(irp, status, 0);
}

/* No user has the handle any more. Requests may still be under way: what waits is cancelled. */
static NTSTATUS dispatch_cleanup(PDEVICE_OBJECT object, PIRP irp)
{
	PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;

	UNREFERENCED_PARAMETER(object);
	if (file->FsContext)
		fabric_device_cleanup(file->FsContext);
	return finish(irp, STATUS_SUCCESS, 0);
}

/* The last request is through. */
static NTSTATUS dispatch_close(PDEVICE_OBJECT object, PIRP irp)
{
	PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;

	UNREFERENCED_PARAMETER(object);
	if (file->FsContext)
		fabric_device_close(file->FsContext);
	file->FsContext = NULL;
	return finish(irp, STATUS_SUCCESS, 0);
}

static VOID wake(PVOID context, NTSTATUS status)
{
	finish(context, status, 0);
}

/* Called with the device's lock held, which 'cancelled' needs before it completes anything. */
static BOOLEAN arm(PVOID context)
{
	PIRP irp = context;

	IoMarkIrpPending(irp);
	IoSetCancelRoutine(irp, cancelled);
	return !(irp->Cancel && IoSetCancelRoutine(irp, NULL));
}

/* Whoever takes the cancel routine away completes the request; there is just one of them. */
static BOOLEAN disarm(PVOID context)
{
	PIRP irp = context;

	return IoSetCancelRoutine(irp, NULL) != NULL;
}

static const struct fabric_waiter_calls waiter_calls = { arm, disarm, wake };

/* While a request is pending, these words of it are its driver's. */
static struct fabric_waiter *waiter_of(PIRP irp)
{
	C_ASSERT(sizeof(struct fabric_waiter) <= sizeof(irp->Tail.Overlay.DriverContext));
	return (struct fabric_waiter *)irp->Tail.Overlay.DriverContext;
}

static VOID cancelled(PDEVICE_OBJECT object, PIRP irp)
{
	UNREFERENCED_PARAMETER(object);
	IoReleaseCancelSpinLock(irp->CancelIrql);
	fabric_device_forget(waiter_of(irp));
	finish(irp, STATUS_CANCELLED, 0);
}

static NTSTATUS dispatch_control(PDEVICE_OBJECT object, PIRP irp)
{
	PIO_STACK_LOCATION at = IoGetCurrentIrpStackLocation(irp);
	ULONG code = at->Parameters.DeviceIoControl.IoControlCode, written = 0;
	ULONG in_size = at->Parameters.DeviceIoControl.InputBufferLength;
	ULONG out_size = at->Parameters.DeviceIoControl.OutputBufferLength;
	UCHAR *in = irp->AssociatedIrp.SystemBuffer, *out = in;
	struct fabric_waiter *waiter = waiter_of(irp);
	NTSTATUS status;

	UNREFERENCED_PARAMETER(object);
	if (!at->FileObject->FsContext)
		return finish(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
	/* The direct methods describe the second buffer by an MDL, whichever way it goes. */
	if (METHOD_FROM_CTL_CODE(code) == METHOD_IN_DIRECT) {
		out = NULL;
		out_size = 0;
	} else if (METHOD_FROM_CTL_CODE(code) == METHOD_OUT_DIRECT && irp->MdlAddress) {
		out = fabric_mdl_bytes(irp->MdlAddress);
		if (!out)
			return finish(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
	}
	waiter->calls = &waiter_calls;
	waiter->context = irp;
	status = fabric_device_control(at->FileObject->FsContext, code, in, in_size, out, out_size,
				       &written, waiter);
	if (status == STATUS_PENDING)
		return STATUS_PENDING; /* The request may be gone already. */
	if (status == STATUS_CANCELLED) {
		finish(irp, status, 0); /* Marked as pending when it was armed. */
		return STATUS_PENDING;
	}
	return finish(irp, status, written);
}

static VOID unload(PDRIVER_OBJECT driver)
{
	UNREFERENCED_PARAMETER(driver);
	/* No new handles, then no switch; only then is nobody left who could ask for anything. */
	if (device_handle)
		NdisDeregisterDeviceEx(device_handle);
	if (filter_driver)
		NdisFDeregisterFilterDriver(filter_driver);
	fabric_device_stop();
}

static NDIS_STATUS register_device(void)
{
	static PDRIVER_DISPATCH functions[IRP_MJ_MAXIMUM_FUNCTION + 1];
	NDIS_DEVICE_OBJECT_ATTRIBUTES attributes;
	UNICODE_STRING name, link, access;

	RtlInitUnicodeString(&name, L"\\Device\\OpenvSwitchDevice");
	RtlInitUnicodeString(&link, L"\\DosDevices\\OpenvSwitchDevice");
	/* The system and administrators; whoever has this device has the host's network. */
	RtlInitUnicodeString(&access, L"D:P(A;;GA;;;SY)(A;;GA;;;BA)");
	functions[IRP_MJ_CREATE] = dispatch_open;
	functions[IRP_MJ_CLEANUP] = dispatch_cleanup;
	functions[IRP_MJ_CLOSE] = dispatch_close;
	functions[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
	RtlZeroMemory(&attributes, sizeof(attributes));
	attributes.Header.Type = NDIS_OBJECT_TYPE_DEVICE_OBJECT_ATTRIBUTES;
	attributes.Header.Revision = NDIS_DEVICE_OBJECT_ATTRIBUTES_REVISION_1;
	attributes.Header.Size = sizeof(attributes);
	attributes.DeviceName = &name;
	attributes.SymbolicName = &link;
	attributes.MajorFunctions = functions;
	attributes.DefaultSDDLString = &access;
	return NdisRegisterDeviceEx(filter_driver, &attributes, &device_object, &device_handle);
}

#ifdef FABRIC_WDK
static FILTER_STATUS status_of_nic;

/* What the uplink's NIC does inside of tunnels. */
static VOID status_of_nic(NDIS_HANDLE context, PNDIS_STATUS_INDICATION indication)
{
	struct fabric_extension *extension = context;

	if (indication->StatusCode == NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG &&
	    indication->StatusBufferSize >= sizeof(NDIS_OFFLOAD)) {
		const NDIS_OFFLOAD *offload = indication->StatusBuffer;
		ULONG bits = 0;

		if (offload->EncapsulatedPacketTaskOffloadGre.TransmitChecksumOffloadSupported &&
		    offload->EncapsulatedPacketTaskOffloadGre.LsoV2Supported)
			bits |= FABRIC_OFFLOAD_GRE;
		if (offload->EncapsulatedPacketTaskOffloadVxlan.TransmitChecksumOffloadSupported &&
		    offload->EncapsulatedPacketTaskOffloadVxlan.LsoV2Supported)
			bits |= FABRIC_OFFLOAD_VXLAN;
		extension->offloads = bits;
	}
	NdisFIndicateStatus(extension->filter, indication);
}
#endif

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
	NDIS_FILTER_DRIVER_CHARACTERISTICS own;
	NTSTATUS status;

	UNREFERENCED_PARAMETER(path);
	KeInitializeSpinLock(&passed_lock);
	KeInitializeTimerEx(&watchdog_timer, SynchronizationTimer);
	RtlZeroMemory(&own, sizeof(own));
	own.Header.Type = NDIS_OBJECT_TYPE_FILTER_DRIVER_CHARACTERISTICS;
	own.Header.Revision = NDIS_FILTER_CHARACTERISTICS_REVISION_2;
	own.Header.Size = sizeof(own);
	own.MajorNdisVersion = FABRIC_NDIS_MAJOR;
	own.MinorNdisVersion = FABRIC_NDIS_MINOR;
	own.MajorDriverVersion = 1;
	RtlInitUnicodeString(&own.FriendlyName, L"Fabric Extension");
	RtlInitUnicodeString(&own.UniqueName, L"{6E2B4A5C-0D0B-4B57-9A40-7F3C1D5E8A21}");
	RtlInitUnicodeString(&own.ServiceName, L"FabricExt");
	own.SetOptionsHandler = set_options;
	own.AttachHandler = attach;
	own.DetachHandler = detach;
	own.RestartHandler = restart;
	own.PauseHandler = pause;
	own.SendNetBufferListsHandler = send;
	own.SendNetBufferListsCompleteHandler = send_complete;
	own.OidRequestHandler = oid;
	own.OidRequestCompleteHandler = oid_complete;
	own.CancelOidRequestHandler = oid_cancel;
	own.NetPnPEventHandler = net_pnp_event;
#ifdef FABRIC_WDK
	own.StatusHandler = status_of_nic;
#endif
	driver->DriverUnload = unload;
	status = NdisFRegisterFilterDriver(driver, driver, &own, &filter_driver);
	if (status == NDIS_STATUS_SUCCESS) {
		status = register_device();
		if (status != NDIS_STATUS_SUCCESS)
			NdisFDeregisterFilterDriver(filter_driver);
	}
	if (status != NDIS_STATUS_SUCCESS)
		fabric_device_stop();
	return status;
}
