/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only */
/*
 * The door to the Windows kernel: the driver's entry, its filter and its device. No decision is
 * taken here. All that it calls runs in user mode against the double as well.
 */
#include "extension.h"
#ifndef FABRIC_WDK
#include "ndis/ndis_filter.h"
#else
#include "resolve.h"
#endif

DRIVER_INITIALIZE DriverEntry;

static NDIS_HANDLE filter_driver, device_handle;
static PDEVICE_OBJECT device_object;
static KTIMER watchdog_timer;
static KDPC watchdog_dpc;
static struct fabric_extension *attached; /* One switch, as in the published contract. */

static VOID watchdog_run(PKDPC dpc, PVOID context, PVOID first, PVOID second)
{
	UNREFERENCED_PARAMETER(dpc);
	UNREFERENCED_PARAMETER(first);
	UNREFERENCED_PARAMETER(second);
	fabric_watchdog(context, KeQueryInterruptTime());
}

static NDIS_STATUS attach(NDIS_HANDLE filter, NDIS_HANDLE driver,
			  NDIS_FILTER_ATTACH_PARAMETERS *parameters)
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
#ifdef FABRIC_WDK
	attached->resolve = fabric_resolve_ask;
#endif
	RtlZeroMemory(&attributes, sizeof(attributes));
	attributes.Header.Type = NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES;
	attributes.Header.Revision = NDIS_FILTER_ATTRIBUTES_REVISION_1;
	attributes.Header.Size = sizeof(attributes);
	status = NdisFSetAttributes(filter, attached, &attributes);
	if (status != NDIS_STATUS_SUCCESS) {
		fabric_detach(attached);
		attached = NULL;
	}
	return status;
}

static VOID detach(NDIS_HANDLE context)
{
#ifdef FABRIC_WDK
	fabric_resolve_wait();
#endif
	fabric_detach(context);
	attached = NULL;
}

static NDIS_STATUS restart(NDIS_HANDLE context, PVOID parameters)
{
	LARGE_INTEGER due;

	UNREFERENCED_PARAMETER(parameters);
	due.QuadPart = -10000000; /* One second from now. */
	KeInitializeDpc(&watchdog_dpc, watchdog_run, context);
	KeSetTimerEx(&watchdog_timer, due, 1000, &watchdog_dpc);
	fabric_restart(context);
	return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS pause(NDIS_HANDLE context, PVOID parameters)
{
	UNREFERENCED_PARAMETER(parameters);
	KeCancelTimer(&watchdog_timer);
	KeFlushQueuedDpcs();
	fabric_pause(context);
	return NDIS_STATUS_SUCCESS;
}

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

/* Ours first, then on to the switch: every OID is passed, in a clone that remembers its origin. */
static NDIS_STATUS oid(NDIS_HANDLE context, PNDIS_OID_REQUEST request)
{
	struct fabric_extension *extension = context;
	PNDIS_OID_REQUEST clone = NULL;
	NDIS_STATUS status = fabric_oid(extension, request->Set.Oid, request->Set.InformationBuffer,
					request->Set.InformationBufferLength);

	if (status != NDIS_STATUS_SUCCESS)
		return status;
	status = NdisAllocateCloneOidRequest(extension->filter, request, FABRIC_TAG, &clone);
	if (status != NDIS_STATUS_SUCCESS)
		return status;
	clone->RequestId = request;
	status = NdisFOidRequest(extension->filter, clone);
	if (status != STATUS_PENDING) {
		request->Set.BytesRead = clone->Set.BytesRead;
		request->Set.BytesNeeded = clone->Set.BytesNeeded;
		NdisFreeCloneOidRequest(extension->filter, clone);
	}
	return status;
}

static VOID oid_complete(NDIS_HANDLE context, PNDIS_OID_REQUEST clone, NDIS_STATUS status)
{
	struct fabric_extension *extension = context;
	PNDIS_OID_REQUEST request = clone->RequestId;

	request->Set.BytesRead = clone->Set.BytesRead;
	request->Set.BytesNeeded = clone->Set.BytesNeeded;
	NdisFreeCloneOidRequest(extension->filter, clone);
	NdisFOidRequestComplete(extension->filter, request, status);
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

/* The handle is gone for the process: what waits is cancelled, then the state is freed. */
static NTSTATUS dispatch_cleanup(PDEVICE_OBJECT object, PIRP irp)
{
	PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;

	UNREFERENCED_PARAMETER(object);
	if (file->FsContext)
		fabric_device_close(file->FsContext);
	file->FsContext = NULL;
	return finish(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS dispatch_close(PDEVICE_OBJECT object, PIRP irp)
{
	UNREFERENCED_PARAMETER(object);
	return finish(irp, STATUS_SUCCESS, 0);
}

static VOID wake(PVOID context, NTSTATUS status)
{
	PIRP irp = context;

	/* Whoever takes the cancel routine away completes the request; there is just one of them. */
	if (IoSetCancelRoutine(irp, NULL))
		finish(irp, status, 0);
}

static DRIVER_CANCEL cancelled;

/* Called with the device's lock held, which 'cancelled' needs before it completes anything. */
static BOOLEAN arm(PVOID context)
{
	PIRP irp = context;

	IoMarkIrpPending(irp);
	IoSetCancelRoutine(irp, cancelled);
	return !(irp->Cancel && IoSetCancelRoutine(irp, NULL));
}

static VOID cancelled(PDEVICE_OBJECT object, PIRP irp)
{
	UNREFERENCED_PARAMETER(object);
	IoReleaseCancelSpinLock(irp->CancelIrql);
	fabric_device_forget(irp);
	finish(irp, STATUS_CANCELLED, 0);
}

static NTSTATUS dispatch_control(PDEVICE_OBJECT object, PIRP irp)
{
	PIO_STACK_LOCATION at = IoGetCurrentIrpStackLocation(irp);
	ULONG code = at->Parameters.DeviceIoControl.IoControlCode, written = 0;
	ULONG in_size = at->Parameters.DeviceIoControl.InputBufferLength;
	ULONG out_size = at->Parameters.DeviceIoControl.OutputBufferLength;
	UCHAR *in = irp->AssociatedIrp.SystemBuffer, *out = in;
	struct fabric_waiter waiter;
	NTSTATUS status;

	UNREFERENCED_PARAMETER(object);
	if (!at->FileObject->FsContext)
		return finish(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
	/* The direct methods describe the second buffer by an MDL, whichever way it goes. */
	if (METHOD_FROM_CTL_CODE(code) == METHOD_IN_DIRECT) {
		out = NULL;
		out_size = 0;
	} else if (METHOD_FROM_CTL_CODE(code) == METHOD_OUT_DIRECT && irp->MdlAddress) {
		out = MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority);
		if (!out)
			return finish(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
	}
	waiter.arm = arm;
	waiter.wake = wake;
	waiter.context = irp;
	status = fabric_device_control(at->FileObject->FsContext, code, in, in_size, out, out_size,
				       &written, &waiter);
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
#ifdef FABRIC_WDK
	fabric_resolve_stop();
#endif
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
	UNICODE_STRING name, link;

	RtlInitUnicodeString(&name, L"\\Device\\OpenvSwitchDevice");
	RtlInitUnicodeString(&link, L"\\DosDevices\\OpenvSwitchDevice");
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
	return NdisRegisterDeviceEx(filter_driver, &attributes, &device_object, &device_handle);
}

#ifdef FABRIC_WDK
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
	NTSTATUS status = fabric_device_start();

	UNREFERENCED_PARAMETER(path);
	if (status != STATUS_SUCCESS)
		return status;
	KeInitializeTimerEx(&watchdog_timer, SynchronizationTimer);
	RtlZeroMemory(&own, sizeof(own));
	own.Header.Type = NDIS_OBJECT_TYPE_FILTER_DRIVER_CHARACTERISTICS;
	own.Header.Revision = NDIS_FILTER_CHARACTERISTICS_REVISION_2;
	own.Header.Size = sizeof(own);
	own.MajorNdisVersion = NDIS_FILTER_MAJOR;
	own.MinorNdisVersion = NDIS_FILTER_MINOR;
	own.MajorDriverVersion = 1;
	RtlInitUnicodeString(&own.FriendlyName, L"Fabric Extension");
	RtlInitUnicodeString(&own.UniqueName, L"{6E2B4A5C-0D0B-4B57-9A40-7F3C1D5E8A21}");
	RtlInitUnicodeString(&own.ServiceName, L"FabricExt");
	own.AttachHandler = attach;
	own.DetachHandler = detach;
	own.RestartHandler = restart;
	own.PauseHandler = pause;
	own.SendNetBufferListsHandler = send;
	own.SendNetBufferListsCompleteHandler = send_complete;
	own.OidRequestHandler = oid;
	own.OidRequestCompleteHandler = oid_complete;
#ifdef FABRIC_WDK
	own.StatusHandler = status_of_nic;
#endif
	driver->DriverUnload = unload;
	status = NdisFRegisterFilterDriver(driver, driver, &own, &filter_driver);
	if (status == NDIS_STATUS_SUCCESS) {
		status = register_device();
		if (status != NDIS_STATUS_SUCCESS)
			NdisFDeregisterFilterDriver(filter_driver);
#ifdef FABRIC_WDK
		else
			fabric_resolve_start(device_object);
#endif
	}
	if (status != NDIS_STATUS_SUCCESS)
		fabric_device_stop();
	return status;
}
