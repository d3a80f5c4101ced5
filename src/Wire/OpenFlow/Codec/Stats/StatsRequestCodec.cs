namespace Fabric.Wire.OpenFlow;

/// <summary>Bodies of multipart requests.</summary>
internal static class StatsRequestCodec
{
    private const ushort MoreFlag = 1;

    public static OfErrorCode Decode(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        message = new OfDescriptionRequest();
        var type = body.U16();
        var flags = body.U16();
        if (!context.IsVersion10) body.Skip(4);
        if (body.Failed) return OfErrorCode.RequestBadLength;
        if ((flags & MoreFlag) != 0 && !context.IsVersion10)
        {
            message = new OfMultipartPart();
            body.Rest();
            return Exists(type, in context) ? OfErrorCode.None : OfErrorCode.RequestBadStat;
        }

        if (type == StatsTypes.Experimenter) return DecodeVendor(ref body, in context, out message);
        if (!Exists(type, in context)) return OfErrorCode.RequestBadStat;
        var error = DecodeBody(type, ref body, in context, out message);
        if (error != OfErrorCode.None) return error;
        var mayHaveMore = type is StatsTypes.Flow or StatsTypes.Aggregate && !context.IsVersion10;
        return body.Failed || (!body.IsEmpty && !mayHaveMore)
            ? OfErrorCode.RequestBadLength : OfErrorCode.None;
    }

    private static bool Exists(ushort type, in OfCodecContext context) =>
        type == StatsTypes.Experimenter
        || (type <= StatsTypes.FlowStats15 && context.Version >= StatsTypes.Since(type));

    private static OfErrorCode DecodeBody(
        ushort type, ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        switch (type)
        {
            case StatsTypes.Description: message = new OfDescriptionRequest(); break;
            case StatsTypes.Flow or StatsTypes.Aggregate or StatsTypes.FlowStats15:
                return DecodeFlow(type == StatsTypes.Aggregate, ref body, in context, out message);
            case StatsTypes.Table: message = new OfTableStatsRequest(); break;
            case StatsTypes.Port:
                var port = PortCodec.ReadPort(ref body, in context, 6);
                message = new OfPortStatsRequest(port);
                if (!context.IsVersion10) body.Skip(4);
                return OfPort.ErrorOf(port);
            case StatsTypes.Queue:
                port = PortCodec.ReadPort(ref body, in context, 2);
                message = new OfQueueStatsRequest(AnyPort(port), body.U32());
                return OfPort.ErrorOf(port);
            case StatsTypes.Group: message = new OfGroupStatsRequest(Padded(ref body)); break;
            case StatsTypes.GroupDescription:
                message = new OfGroupDescriptionRequest(
                    context.Version >= OfVersion.OpenFlow15 ? Padded(ref body)
                        : OfGroupNumber.All);
                break;
            case StatsTypes.GroupFeatures: message = new OfGroupFeaturesRequest(); break;
            case StatsTypes.Meter: message = new OfMeterStatsRequest(Padded(ref body)); break;
            case StatsTypes.MeterConfig:
                message = new OfMeterConfigRequest(Padded(ref body));
                break;
            case StatsTypes.MeterFeatures: message = new OfMeterFeaturesRequest(); break;
            case StatsTypes.TableFeatures:
                message = new OfTableFeaturesRequest(!body.IsEmpty);
                return TableFeaturesCodec.ErrorOf(body.Rest());
            case StatsTypes.PortDescription:
                port = context.Version >= OfVersion.OpenFlow15 ? Padded(ref body) : OfPort.Any;
                message = new OfPortDescriptionRequest(port);
                return OfPort.ErrorOf(port);
            case StatsTypes.TableDescription: message = new OfTableDescriptionRequest(); break;
            case StatsTypes.QueueDescription:
                port = body.U32();
                message = new OfQueueDescriptionRequest(port, body.U32());
                return OfPort.ErrorOf(port);
            default: return FlowMonitorCodec.DecodeRequest(ref body, in context, out message);
        }

        return OfErrorCode.None;
    }

    private static uint AnyPort(uint port) => port == OfPort.All ? OfPort.Any : port;

    private static uint Padded(ref OfReader body)
    {
        var value = body.U32();
        body.Skip(4);
        return value;
    }

    private static OfErrorCode DecodeFlow(
        bool isAggregate, ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        Match match;
        OfErrorCode error;
        if (context.IsVersion10)
        {
            error = MatchCodec.Read(ref body, in context, out match);
            var table = body.U8();
            body.Skip(1);
            message = new OfFlowStatsRequest(match, table, OfPort.FromWire16(body.U16()),
                OfGroupNumber.Any, 0, 0, isAggregate, false);
            return error;
        }

        var tableId = body.U8();
        body.Skip(3);
        var (port, group) = (body.U32(), body.U32());
        body.Skip(4);
        var (cookie, mask) = (body.U64(), body.U64());
        error = MatchCodec.Read(ref body, in context, out match);
        message = new OfFlowStatsRequest(match, tableId, port, group, cookie & mask, mask,
            isAggregate, false);
        return error == OfErrorCode.None ? OfPort.ErrorOf(port) : error;
    }

    private static OfErrorCode DecodeVendor(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        message = new OfDescriptionRequest();
        var vendor = body.U32();
        var subtype = body.U32();
        if (vendor == OfError.OnfVendor)
        {
            return subtype == StatsTypes.OnfFlowMonitor && context.Version == OfVersion.OpenFlow13
                ? FlowMonitorCodec.DecodeOnfRequest(ref body, in context, out message)
                : OfErrorCode.RequestBadSubtype;
        }

        if (vendor != OfError.NiciraVendor) return OfErrorCode.RequestBadVendor;
        if (context.Version > StatsTypes.LastOfNicira(subtype))
            return OfErrorCode.RequestBadSubtype;
        if (context.IsVersion10) body.Skip(4);
        switch (subtype)
        {
            case StatsTypes.NxFlow or StatsTypes.NxAggregate:
                if (body.Remaining % 8 != 0) return OfErrorCode.RequestBadLength;
                var port = OfPort.FromWire16(body.U16());
                var size = body.U16();
                var table = body.U8();
                body.Skip(3);
                var error =
                    MatchCodec.ReadNxm(ref body, size, true, out var match, out var cookie,
                    out var mask);
                message = new OfFlowStatsRequest(match, table, port, OfGroupNumber.Any,
                    cookie & mask, mask,
                    subtype == StatsTypes.NxAggregate, IsNicira: true);
                return error;
            case StatsTypes.NxFlowMonitor:
                return FlowMonitorCodec.DecodeNiciraRequest(ref body, out message);
            case StatsTypes.NxGroup: message = new OfGroupStatsRequest(Padded(ref body)); break;
            case StatsTypes.NxGroupDescription:
                message = new OfGroupDescriptionRequest(Padded(ref body));
                break;
            case StatsTypes.NxGroupFeatures: message = new OfGroupFeaturesRequest(); break;
            case 3 or 4: // IPFIX statistics without IPFIX.
                return body.IsEmpty && !body.Failed
                    ? OfErrorCode.StatsNotConfigured : OfErrorCode.RequestBadLength;
            default: return OfErrorCode.RequestBadSubtype;
        }

        return body.Failed || !body.IsEmpty ? OfErrorCode.RequestBadLength : OfErrorCode.None;
    }

    public static void Write(OfWriter writer, OfStatsRequest request, in OfCodecContext context)
    {
        switch (request)
        {
            case OfFlowStatsRequest flow when flow.IsNicira:
                writer.U16(OfPort.ToWire16(flow.OutPort));
                var at = writer.Length;
                writer.U16(0).U8(flow.TableId).Zeros(3);
                var start = writer.Length;
                NxmCodec.WriteMatch(writer, flow.Match, in context);
                NxmCodec.WriteCookie(writer, flow.Cookie, flow.CookieMask);
                writer.PatchU16(at, writer.Length - start);
                writer.Align8(start);
                break;
            case OfFlowStatsRequest flow when context.IsVersion10:
                MatchCodec.Write(writer, flow.Match, in context);
                writer.U8(flow.TableId).Zeros(1).U16(OfPort.ToWire16(flow.OutPort));
                break;
            case OfFlowStatsRequest flow:
                writer.U8(flow.TableId).Zeros(3).U32(flow.OutPort).U32(flow.OutGroup).Zeros(4);
                writer.U64(flow.Cookie).U64(flow.CookieMask);
                MatchCodec.Write(writer, flow.Match, in context);
                break;
            case OfPortStatsRequest port:
                PortCodec.WritePort(writer, port.Port, in context, 6);
                if (!context.IsVersion10) writer.Zeros(4);
                break;
            case OfQueueStatsRequest queue:
                PortCodec.WritePort(writer, queue.Port, in context, 2);
                writer.U32(queue.Queue);
                break;
            case OfGroupStatsRequest group: writer.U32(group.GroupId).Zeros(4); break;
            case OfGroupDescriptionRequest group
                when context.Version >= OfVersion.OpenFlow15 || context.IsVersion10:
                writer.U32(group.GroupId).Zeros(4);
                break;
            case OfMeterStatsRequest meter: writer.U32(meter.MeterId).Zeros(4); break;
            case OfMeterConfigRequest meter: writer.U32(meter.MeterId).Zeros(4); break;
            case OfPortDescriptionRequest port when context.Version >= OfVersion.OpenFlow15:
                writer.U32(port.Port).Zeros(4);
                break;
            case OfQueueDescriptionRequest queue: writer.U32(queue.Port).U32(queue.Queue); break;
            case OfFlowMonitorRequest monitor:
                FlowMonitorCodec.WriteRequest(writer, monitor, in context);
                break;
            default: break;
        }
    }
}
