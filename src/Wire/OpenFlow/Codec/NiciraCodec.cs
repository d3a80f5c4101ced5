using System.Net;

namespace Fabric.Wire.OpenFlow;

/// <summary>Vendor messages: Nicira's controls and the ONF's bundles for OpenFlow 1.3.</summary>
/// <remarks>Vendor id (32), subtype (32), body.</remarks>
internal static class NiciraCodec
{
    private const uint RoleRequest = 10, RoleReply = 11, SetFlowFormat = 12, FlowModNx = 13,
        FlowRemoved = 14, FlowModTableId = 15, SetPacketInFormat = 16, PacketIn = 17, FlowAge = 18,
        SetAsync = 19, SetControllerId = 20, MonitorCancel = 21, MonitorPaused = 22,
        MonitorResumed = 23, TlvTableMod = 24, TlvTableRequest = 25, TlvTableReply = 26,
        SetAsync2 = 27, Resume = 28, ConntrackFlushZone = 29, PacketIn2 = 30, GroupModNx = 31,
        ConntrackFlush = 32;

    private const uint OnfMonitorCancel = 1870, OnfMonitorPaused = 1871, OnfMonitorResumed = 1872,
        OnfRoleStatus = 1911, OnfBundleControl = 2300, OnfBundleAdd = 2301,
            OnfRequestForward = 2350;

    public static OfErrorCode Decode(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var vendor = body.U32();
        var subtype = body.U32();
        message = new OfExperimenter(vendor, subtype, []);
        if (body.Failed) return OfErrorCode.RequestBadLength;
        return vendor switch
        {
            OfError.NiciraVendor => DecodeNicira(subtype, ref body, in context, out message),
            OfError.OnfVendor => DecodeOnf(subtype, ref body, in context, out message),
            _ => OfErrorCode.RequestBadVendor,
        };
    }

    private static OfErrorCode DecodeOnf(
        uint subtype, ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        message = new OfExperimenter(OfError.OnfVendor, subtype, []);
        if (context.Version != OfVersion.OpenFlow13) return OfErrorCode.RequestBadSubtype;
        switch (subtype)
        {
            case OnfBundleControl: return BundleCodec.DecodeControl(ref body, out message);
            case OnfBundleAdd: return BundleCodec.DecodeAdd(ref body, in context, out message);
            case OnfMonitorCancel: message = new OfFlowMonitorCancel(body.U32()); break;
            case OnfMonitorPaused: message = new OfFlowMonitorPaused(); break;
            case OnfMonitorResumed: message = new OfFlowMonitorResumed(); break;
            default: return OfErrorCode.RequestBadSubtype;
        }

        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeNicira(
        uint subtype, ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        message = new OfExperimenter(OfError.NiciraVendor, subtype, []);
        if (context.Version > LastOf(subtype)) return OfErrorCode.RequestBadSubtype;
        switch (subtype)
        {
            case RoleRequest or RoleReply: return DecodeRole(subtype, ref body, out message);
            case SetFlowFormat:
                var format = body.U32();
                message = new OfSetFlowFormat(format);
                if (format is not (0 or 2)) return OfErrorCode.RequestEperm;
                break;
            case FlowModNx or GroupModNx when body.Remaining < 16 || body.Remaining % 8 != 0:
                return OfErrorCode.RequestBadLength;
            case FlowModNx: return FlowCodec.DecodeModNicira(ref body, in context, out message);
            case FlowRemoved: return FlowCodec.DecodeRemovedNicira(ref body, out message);
            case FlowModTableId:
                message = new OfFlowModTableId(body.U8() != 0);
                body.Skip(7);
                if (body.Failed) return OfErrorCode.RequestBadLength;
                break;
            case SetPacketInFormat:
                var packetFormat = body.U32();
                message = new OfSetPacketInFormat(packetFormat);
                if (packetFormat > 2) return OfErrorCode.RequestEperm;
                break;
            case PacketIn: return PacketCodec.DecodeInNxt(ref body, out message);
            case FlowAge: message = new OfFlowAge(); break;
            case SetAsync:
                return AsyncCodec.DecodeSet(ref body, context
                    with
                { Version = OfVersion.OpenFlow13 }, out message);
            case SetAsync2:
                return AsyncCodec.DecodeSet(ref body, context
                    with
                { Version = OfVersion.OpenFlow14 }, out message);
            case SetControllerId:
                if (!body.Zeros(6)) return OfErrorCode.RequestMustBeZero;
                message = new OfSetControllerId(body.U16());
                break;
            case MonitorCancel: message = new OfFlowMonitorCancel(body.U32()); break;
            case MonitorPaused: message = new OfFlowMonitorPaused(); break;
            case MonitorResumed: message = new OfFlowMonitorResumed(); break;
            case TlvTableMod: return DecodeTlvMod(ref body, out message);
            case TlvTableRequest: message = new OfTlvTableRequest(); break;
            case TlvTableReply: return DecodeTlvReply(ref body, out message);
            case Resume: return PacketCodec.DecodeInNxt2(ref body, true, out message);
            case PacketIn2: return PacketCodec.DecodeInNxt2(ref body, false, out message);
            case ConntrackFlushZone:
                if (!body.Zeros(6)) return OfErrorCode.RequestMustBeZero;
                message = new OfConntrackFlushZone(body.U16());
                break;
            case ConntrackFlush: return ConntrackFlushCodec.Decode(ref body, out message);
            case GroupModNx: return GroupCodec.DecodeMod(ref body, in context, true, out message);
            default: return OfErrorCode.RequestBadSubtype;
        }

        return body.IsEmpty ? OfErrorCode.None : OfErrorCode.RequestBadLength;
    }

    /// <summary>Later versions have their own messages for it.</summary>
    private static OfVersion LastOf(uint subtype) => subtype switch
    {
        SetFlowFormat or GroupModNx => OfVersion.OpenFlow10,
        MonitorCancel or MonitorPaused or MonitorResumed => OfVersion.OpenFlow12,
        SetAsync2 => OfVersion.OpenFlow13,
        _ => OfVersion.OpenFlow15,
    };

    private static OfErrorCode DecodeRole(uint subtype, ref OfReader body, out OfMessage message)
    {
        var role = body.U32();
        // Nicira: other 0, primary 1, secondary 2.
        message = subtype == RoleRequest
            ? new OfRoleRequest((OfRole)(role + 1), null)
                : new OfRoleReply((OfRole)(role + 1), null);
        return role > 2 ? OfErrorCode.RoleBadRole : OfErrorCode.None;
    }

    private static OfErrorCode DecodeTlvMod(ref OfReader body, out OfMessage message)
    {
        var command = body.U16();
        body.Skip(6);
        var mappings = ReadMappings(ref body);
        message = new OfTlvTableMod((TlvTableCommand)command, mappings);
        if (command > 2) return OfErrorCode.TlvBadCommand;
        foreach (var mapping in mappings)
        {
            if (TlvTable.ErrorOf(mapping) is var error and not OfErrorCode.None) return error;
        }

        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeTlvReply(ref OfReader body, out OfMessage message)
    {
        var (space, fields) = (body.U32(), body.U16());
        body.Skip(10);
        message = new OfTlvTableReply(space, fields, ReadMappings(ref body));
        return OfErrorCode.None;
    }

    private static EquatableArray<TlvMapping> ReadMappings(ref OfReader body)
    {
        var mappings = new List<TlvMapping>();
        while (!body.IsEmpty)
        {
            mappings.Add(new TlvMapping(body.U16(), body.U8(), body.U8(), body.U16()));
            body.Skip(2);
        }

        return mappings.ToEquatableArray();
    }

    /// <summary>Begins a vendor message; the caller patches the length.</summary>
    public static void Begin(
        OfWriter writer, uint vendor, uint subtype, uint xid, in OfCodecContext context)
    {
        writer.U8((byte)context.Version).U8(4).U16(0).U32(xid).U32(vendor).U32(subtype);
    }

    /// <summary>Writes what is a vendor's message in this version; false if it is none.</summary>
    public static bool TryWrite(
        OfWriter writer, OfMessage message, uint xid, in OfCodecContext context)
    {
        if (OnfNumberOf(message) is { } onf && context.Version == OfVersion.OpenFlow13)
        {
            Begin(writer, OfError.OnfVendor, onf, xid, in context);
            WriteOnf(writer, message, in context);
            return true;
        }

        if (NumberOf(message) is not { } number) return false;
        Begin(writer, OfError.NiciraVendor, number, xid, in context);
        WriteNicira(writer, message, in context);
        return true;
    }

    private static uint? OnfNumberOf(OfMessage message) => message switch
    {
        OfBundleControl => OnfBundleControl,
        OfBundleAdd => OnfBundleAdd,
        OfRoleStatus => OnfRoleStatus,
        OfRequestForward => OnfRequestForward,
        OfFlowMonitorPaused => OnfMonitorPaused,
        OfFlowMonitorResumed => OnfMonitorResumed,
        _ => null,
    };

    private static void WriteOnf(OfWriter writer, OfMessage message, in OfCodecContext context)
    {
        switch (message)
        {
            case OfBundleControl bundle: BundleCodec.WriteControl(writer, bundle); break;
            case OfBundleAdd bundle: BundleCodec.WriteAdd(writer, bundle, in context); break;
            case OfRoleStatus role:
                writer.U32((uint)role.Role).U8((byte)role.Reason).Zeros(3).U64(role.GenerationId);
                break;
            case OfRequestForward forward:
                OfEncoder.Write(writer, forward.Message, forward.Xid, in context);
                break;
            default: break;
        }
    }

    private static uint? NumberOf(OfMessage message) => message switch
    {
        OfRoleRequest => RoleRequest,
        OfRoleReply => RoleReply,
        OfSetFlowFormat => SetFlowFormat,
        OfFlowRemoved => FlowRemoved,
        OfFlowModTableId => FlowModTableId,
        OfSetPacketInFormat => SetPacketInFormat,
        OfPacketIn { Format: PacketInFormat.Nxt } => PacketIn,
        OfPacketIn { Format: PacketInFormat.Nxt2 } => PacketIn2,
        OfFlowAge => FlowAge,
        OfSetAsync => SetAsync,
        OfSetControllerId => SetControllerId,
        OfFlowMonitorCancel => MonitorCancel,
        OfFlowMonitorPaused => MonitorPaused,
        OfFlowMonitorResumed => MonitorResumed,
        OfTlvTableMod => TlvTableMod,
        OfTlvTableRequest => TlvTableRequest,
        OfTlvTableReply => TlvTableReply,
        OfResume => Resume,
        OfConntrackFlushZone => ConntrackFlushZone,
        OfConntrackFlush => ConntrackFlush,
        GroupMod => GroupModNx,
        _ => null,
    };

    private static void WriteNicira(OfWriter writer, OfMessage message, in OfCodecContext context)
    {
        switch (message)
        {
            case OfRoleRequest role: writer.U32((uint)role.Role - 1); break;
            case OfRoleReply role: writer.U32((uint)role.Role - 1); break;
            case OfSetFlowFormat format: writer.U32(format.Format); break;
            case OfFlowRemoved removed:
                FlowCodec.WriteRemovedNicira(writer, removed, in context);
                break;
            case OfFlowModTableId table:
                writer.U8(table.Enabled ? (byte)1 : (byte)0).Zeros(7);
                break;
            case OfSetPacketInFormat format: writer.U32(format.Format); break;
            case OfPacketIn { Format: PacketInFormat.Nxt } packet:
                PacketCodec.WriteInNxt(writer, packet, in context);
                break;
            case OfPacketIn packet: PacketCodec.WriteInNxt2(writer, packet, in context); break;
            case OfResume resume:
                PacketCodec.WriteInNxt2(writer, resume.PacketIn, in context);
                break;
            case OfSetAsync async:
                AsyncCodec.WriteSet(writer, async, context with { Version = OfVersion.OpenFlow13 });
                break;
            case OfSetControllerId id: writer.Zeros(6).U16(id.ControllerId); break;
            case OfFlowMonitorCancel cancel: writer.U32(cancel.MonitorId); break;
            case OfTlvTableMod mod:
                writer.U16((ushort)mod.Command).Zeros(6);
                WriteMappings(writer, mod.Mappings);
                break;
            case OfTlvTableReply reply:
                writer.U32(reply.MaxOptionSpace).U16(reply.MaxFields).Zeros(10);
                WriteMappings(writer, reply.Mappings);
                break;
            case OfConntrackFlushZone flush: writer.Zeros(6).U16(flush.Zone); break;
            case OfConntrackFlush flush: ConntrackFlushCodec.Write(writer, flush); break;
            case GroupMod group: GroupCodec.WriteMod(writer, group, in context, true); break;
            default: break;
        }
    }

    private static void WriteMappings(OfWriter writer, EquatableArray<TlvMapping> mappings)
    {
        foreach (var mapping in mappings)
        {
            writer.U16(mapping.OptionClass).U8(mapping.OptionType).U8(mapping.OptionSize);
            writer.U16(mapping.Index).Zeros(2);
        }
    }
}
