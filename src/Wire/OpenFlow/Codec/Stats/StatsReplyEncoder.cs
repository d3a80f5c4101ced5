namespace Fabric.Wire.OpenFlow;

/// <summary>Multipart replies: as many messages as the 64 KB of a message ask for.</summary>
internal static class StatsReplyEncoder
{
    public static void Write(OfWriter writer, OfStatsReply reply, in OfCodecContext context,
        uint xid)
    {
        var parts = new ReplyParts(writer, reply, context, xid);
        var codec = context;
        switch (reply)
        {
            case OfDescriptionReply d:
                writer.Text(d.Manufacturer, 256).Text(d.Hardware, 256).Text(d.Software, 256);
                writer.Text(d.SerialNumber, 32).Text(d.Datapath, 256);
                break;
            case OfFlowStatsReply flows:
                foreach (var flow in flows.Flows)
                {
                    parts.Begin();
                    FlowStatsCodec.Write(writer, flow, in codec, flows.IsNicira);
                    parts.End();
                }

                break;
            case OfAggregateReply sum: WriteAggregate(writer, sum, in context); break;
            case OfTableStatsReply tables:
                foreach (var table in tables.Tables)
                {
                    parts.Begin();
                    TableCodec.WriteStats(writer, table, in codec);
                    parts.End();
                }

                break;
            case OfPortStatsReply ports:
                foreach (var port in ports.Ports)
                {
                    parts.Begin();
                    PortStatsCodec.Write(writer, port, in codec);
                    parts.End();
                }

                break;
            case OfPortDescriptionReply ports:
                foreach (var port in ports.Ports)
                {
                    parts.Begin();
                    PortCodec.WriteDescription(writer, port, in codec);
                    parts.End();
                }

                break;
            default: WriteRest(writer, reply, in codec, parts); break;
        }

        parts.Finish();
    }

    private static void WriteRest(
        OfWriter writer, OfStatsReply reply, in OfCodecContext context, ReplyParts parts)
    {
        var is15 = context.Version >= OfVersion.OpenFlow15 || context.IsVersion10;
        switch (reply)
        {
            case OfQueueStatsReply queues:
                foreach (var queue in queues.Queues)
                {
                    parts.Begin();
                    QueueCodec.WriteStats(writer, queue, in context);
                    parts.End();
                }

                break;
            case OfGroupStatsReply groups:
                foreach (var group in groups.Groups)
                {
                    parts.Begin();
                    WriteGroup(writer, group, in context);
                    parts.End();
                }

                break;
            case OfGroupDescriptionReply groups:
                foreach (var group in groups.Groups)
                {
                    parts.Begin();
                    GroupCodec.WriteDescription(writer, group, in context, is15);
                    parts.End();
                }

                break;
            case OfGroupFeaturesReply features:
                writer.U32(features.Types).U32(features.Capabilities);
                for (var i = 0; i < 4; i++) writer.U32(i < features.MaxGroups.Count
                    ? features.MaxGroups[i] : 0);
                for (var i = 0; i < 4; i++) writer.U32(i < features.Actions.Count
                    ? GroupActions(features.Actions[i], context.Version) : 0);
                break;
            case OfMeterStatsReply meters:
                foreach (var meter in meters.Meters)
                {
                    parts.Begin();
                    MeterCodec.WriteStats(writer, meter);
                    parts.End();
                }

                break;
            case OfMeterConfigReply meters:
                foreach (var meter in meters.Meters)
                {
                    parts.Begin();
                    MeterCodec.WriteConfig(writer, meter);
                    parts.End();
                }

                break;
            case OfMeterFeaturesReply features:
                writer.U32(features.MaxMeters).U32(features.BandTypes).U32(
                    (uint)features.Capabilities);
                writer.U8(features.MaxBands).U8(features.MaxColors).Zeros(2);
                break;
            default: WriteDescriptions(writer, reply, in context, parts); break;
        }
    }

    /// <summary>
    /// Bits of OpenFlow 1.2 and later; where any is set, 1.0 and 1.1 say all that they have.
    /// </summary>
    private static uint GroupActions(uint actions, OfVersion version) => version switch
    {
        _ when actions == 0 => 0,
        OfVersion.OpenFlow10 => 0x0000_0FFF,
        OfVersion.OpenFlow11 => 0x01FF_E7FF,
        _ => actions,
    };

    private static void WriteDescriptions(
        OfWriter writer, OfStatsReply reply, in OfCodecContext context, ReplyParts parts)
    {
        switch (reply)
        {
            case OfTableFeaturesReply tables:
                foreach (var table in tables.Tables)
                {
                    parts.Begin();
                    TableFeaturesCodec.Write(writer, table, in context);
                    parts.End();
                }

                break;
            case OfTableDescriptionReply tables:
                foreach (var table in tables.Tables)
                {
                    parts.Begin();
                    TableCodec.WriteDescription(writer, table);
                    parts.End();
                }

                break;
            case OfQueueDescriptionReply queues:
                foreach (var queue in queues.Queues)
                {
                    parts.Begin();
                    QueueCodec.WriteDescription(writer, queue);
                    parts.End();
                }

                break;
            case OfFlowMonitorReply monitor:
                foreach (var update in monitor.Updates)
                {
                    parts.Begin();
                    FlowMonitorCodec.WriteUpdate(writer, update, in context, monitor.IsNicira);
                    parts.End();
                }

                break;
            default: break;
        }
    }

    private static void WriteAggregate(OfWriter writer, OfAggregateReply sum,
        in OfCodecContext context)
    {
        if (context.Version >= OfVersion.OpenFlow15 && !sum.IsNicira)
        {
            OxsCodec.Write(writer, null, null, sum.PacketCount, sum.ByteCount, sum.FlowCount);
        }
        else
        {
            writer.U64(sum.PacketCount).U64(sum.ByteCount).U32(sum.FlowCount).Zeros(4);
        }
    }

    private static void WriteGroup(OfWriter writer, OfGroupStats group, in OfCodecContext context)
    {
        var start = writer.Length;
        writer.U16(0).Zeros(2).U32(group.GroupId).U32(group.ReferenceCount).Zeros(4);
        writer.U64(group.PacketCount).U64(group.ByteCount);
        if (context.Version >= OfVersion.OpenFlow13 || context.IsVersion10)
            FlowCodec.WriteDuration(writer, group.Duration);
        foreach (var bucket in group.Buckets) writer.U64(bucket.PacketCount).U64(bucket.ByteCount);
        writer.PatchU16(start, writer.Length - start);
    }
}
