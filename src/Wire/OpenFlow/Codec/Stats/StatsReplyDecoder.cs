namespace Fabric.Wire.OpenFlow;

/// <summary>Bodies of multipart replies, as a controller reads them.</summary>
internal static class StatsReplyDecoder
{
    public static OfErrorCode Decode(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        message = new OfDescriptionRequest();
        var type = body.U16();
        var hasMore = (body.U16() & 1) != 0;
        if (!context.IsVersion10) body.Skip(4);
        if (body.Failed) return OfErrorCode.RequestBadLength;
        OfStatsReply reply;
        OfErrorCode error;
        if (type == StatsTypes.Experimenter)
        {
            var (vendor, subtype) = (body.U32(), body.U32());
            if (vendor != OfError.NiciraVendor) return OfErrorCode.RequestBadVendor;
            if (context.IsVersion10) body.Skip(4);
            error = DecodeNicira(subtype, ref body, in context, out reply);
        }
        else
        {
            error = DecodeBody(type, ref body, in context, out reply);
        }

        message = reply with { HasMore = hasMore };
        if (error != OfErrorCode.None) return error;
        return body.Failed ? OfErrorCode.RequestBadLength : OfErrorCode.None;
    }

    private static OfErrorCode DecodeNicira(
        uint subtype, ref OfReader body, in OfCodecContext context, out OfStatsReply reply)
    {
        switch (subtype)
        {
            case StatsTypes.NxFlow:
                var flows = new List<OfFlowStats>();
                var error = FlowStatsCodec.Decode(ref body, in context, true, flows);
                reply = new OfFlowStatsReply(flows.ToEquatableArray(), true);
                return error;
            case StatsTypes.NxAggregate:
                reply = new OfAggregateReply(body.U64(), body.U64(), body.U32(), true);
                return OfErrorCode.None;
            case StatsTypes.NxGroup:
                return DecodeBody(StatsTypes.Group, ref body, in context, out reply);
            case StatsTypes.NxGroupDescription:
                return DecodeBody(StatsTypes.GroupDescription, ref body, in context, out reply);
            case StatsTypes.NxGroupFeatures:
                return DecodeBody(StatsTypes.GroupFeatures, ref body, in context, out reply);
            default:
                reply = new OfFlowStatsReply([], true);
                return OfErrorCode.RequestBadSubtype;
        }
    }

    private static OfErrorCode DecodeBody(
        ushort type, ref OfReader body, in OfCodecContext context, out OfStatsReply reply)
    {
        var error = OfErrorCode.None;
        var is15 = context.Version >= OfVersion.OpenFlow15 || context.IsVersion10;
        switch (type)
        {
            case StatsTypes.Description:
                reply = new OfDescriptionReply(body.Text(256), body.Text(256), body.Text(256),
                    body.Text(32), body.Text(256));
                return error;
            case StatsTypes.Flow:
                var flows = new List<OfFlowStats>();
                error = FlowStatsCodec.Decode(ref body, in context, false, flows);
                reply = new OfFlowStatsReply(flows.ToEquatableArray(), false);
                return error;
            case StatsTypes.Aggregate when context.Version >= OfVersion.OpenFlow15:
                var sum = OxsCodec.Read(ref body);
                reply = new OfAggregateReply(sum.PacketCount, sum.ByteCount, sum.FlowCount ?? 0,
                    false);
                return error;
            case StatsTypes.Aggregate:
                reply = new OfAggregateReply(body.U64(), body.U64(), body.U32(), false);
                return error;
            case StatsTypes.Table:
                var tables = new List<OfTableStats>();
                error = TableCodec.DecodeStats(ref body, in context, tables);
                reply = new OfTableStatsReply(tables.ToEquatableArray());
                return error;
            case StatsTypes.GroupDescription:
                var groups = new List<OfGroupDescription>();
                error = GroupCodec.DecodeDescriptions(ref body, in context, is15, groups);
                reply = new OfGroupDescriptionReply(groups.ToEquatableArray());
                return error;
            case StatsTypes.Group: return DecodeGroups(ref body, in context, out reply);
            case StatsTypes.Meter:
                var meters = new List<OfMeterStats>();
                error = MeterCodec.DecodeStats(ref body, meters);
                reply = new OfMeterStatsReply(meters.ToEquatableArray());
                return error;
            case StatsTypes.MeterConfig:
                var configs = new List<OfMeterConfig>();
                error = MeterCodec.DecodeConfigs(ref body, configs);
                reply = new OfMeterConfigReply(configs.ToEquatableArray());
                return error;
            default: return DecodeRest(type, ref body, in context, out reply);
        }
    }

    private static OfErrorCode DecodeRest(
        ushort type, ref OfReader body, in OfCodecContext context, out OfStatsReply reply)
    {
        var error = OfErrorCode.None;
        switch (type)
        {
            case StatsTypes.Port:
                var ports = new List<OfPortStats>();
                while (!body.IsEmpty && error == OfErrorCode.None)
                {
                    error = PortStatsCodec.Read(ref body, in context, out var port);
                    ports.Add(port);
                }

                reply = new OfPortStatsReply(ports.ToEquatableArray());
                return error;
            case StatsTypes.PortDescription:
                var descriptions = new List<OfPortDescription>();
                while (!body.IsEmpty && error == OfErrorCode.None)
                {
                    error = PortCodec.ReadDescription(ref body, in context, out var port);
                    descriptions.Add(port);
                }

                reply = new OfPortDescriptionReply(descriptions.ToEquatableArray());
                return error;
            case StatsTypes.Queue:
                var queues = new List<OfQueueStats>();
                while (!body.IsEmpty && error == OfErrorCode.None)
                {
                    error = QueueCodec.ReadStats(ref body, in context, out var queue);
                    queues.Add(queue);
                }

                reply = new OfQueueStatsReply(queues.ToEquatableArray());
                return error;
            case StatsTypes.GroupFeatures:
                var (types, capabilities) = (body.U32(), body.U32());
                var max = new[] { body.U32(), body.U32(), body.U32(), body.U32() };
                var actions = new[] { body.U32(), body.U32(), body.U32(), body.U32() };
                reply = new OfGroupFeaturesReply(types, capabilities, max, actions);
                return error;
            case StatsTypes.MeterFeatures:
                reply = new OfMeterFeaturesReply(body.U32(), body.U32(), (MeterFlags)body.U32(),
                    body.U8(), body.U8());
                return error;
            case StatsTypes.TableFeatures:
                var tables = new List<OfTableFeatures>();
                error = TableFeaturesCodec.Decode(ref body, in context, tables);
                reply = new OfTableFeaturesReply(tables.ToEquatableArray());
                return error;
            case StatsTypes.TableDescription:
                var details = new List<OfTableDescription>();
                error = TableCodec.DecodeDescriptions(ref body, details);
                reply = new OfTableDescriptionReply(details.ToEquatableArray());
                return error;
            case StatsTypes.QueueDescription:
                var queueDetails = new List<OfQueueDescription>();
                while (!body.IsEmpty && error == OfErrorCode.None)
                {
                    error = QueueCodec.ReadDescription(ref body, out var queue);
                    queueDetails.Add(queue);
                }

                reply = new OfQueueDescriptionReply(queueDetails.ToEquatableArray());
                return error;
            default:
                reply = new OfTableStatsReply([]);
                return OfErrorCode.RequestBadStat;
        }
    }

    private static OfErrorCode DecodeGroups(
        ref OfReader body, in OfCodecContext context, out OfStatsReply reply)
    {
        var groups = new List<OfGroupStats>();
        reply = new OfGroupStatsReply([]);
        while (!body.IsEmpty)
        {
            var length = body.U16();
            body.Skip(2);
            var (id, references) = (body.U32(), body.U32());
            body.Skip(4);
            var (packets, bytes) = (body.U64(), body.U64());
            var hasDuration = context.Version >= OfVersion.OpenFlow13 || context.IsVersion10;
            var duration = hasDuration ? FlowCodec.ReadDuration(ref body) : default;
            var rest = length - (hasDuration ? 40 : 32);
            if (body.Failed || rest < 0 || rest % 16 != 0 || rest > body.Remaining)
                return OfErrorCode.RequestBadLength;
            var buckets = new OfBucketStats[rest / 16];
            for (var i = 0; i < buckets.Length; i++) buckets[i] =
                new OfBucketStats(body.U64(), body.U64());
            groups.Add(new OfGroupStats(id, references, packets, bytes, duration, buckets));
        }

        reply = new OfGroupStatsReply(groups.ToEquatableArray());
        return OfErrorCode.None;
    }
}
