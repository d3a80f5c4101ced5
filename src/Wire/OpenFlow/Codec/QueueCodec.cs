namespace Fabric.Wire.OpenFlow;

/// <summary>Queues: statistics, configuration (1.0 to 1.3) and descriptions (1.4 on).</summary>
internal static class QueueCodec
{
    private const ushort MinimumProperty = 1, MaximumProperty = 2;
    private const ushort NoRate = 1001;

    public static void WriteStats(OfWriter writer, OfQueueStats queue, in OfCodecContext context)
    {
        var has14 = context.Version >= OfVersion.OpenFlow14;
        if (has14) writer.U16(48).Zeros(6);
        PortCodec.WritePort(writer, queue.Port, in context, 2);
        writer.U32(queue.Queue).U64(queue.TransmitBytes).U64(queue.TransmitPackets).U64(
            queue.TransmitErrors);
        if (context.Version >= OfVersion.OpenFlow13)
            FlowCodec.WriteDuration(writer, queue.Duration);
    }

    public static OfErrorCode ReadStats(
        ref OfReader body, in OfCodecContext context, out OfQueueStats queue)
    {
        var rest = 0;
        if (context.Version >= OfVersion.OpenFlow14)
        {
            rest = body.U16() - 48;
            body.Skip(6);
        }

        queue = new OfQueueStats(PortCodec.ReadPort(ref body, in context, 2), body.U32(),
            body.U64(), body.U64(), body.U64(), default);
        if (context.Version >= OfVersion.OpenFlow13)
            queue = queue with { Duration = FlowCodec.ReadDuration(ref body) };
        if (rest != 0) body.Skip(rest);
        return body.Failed ? OfErrorCode.RequestBadLength : OfErrorCode.None;
    }

    public static void WriteDescription(OfWriter writer, OfQueueDescription queue)
    {
        var start = writer.Length;
        writer.U32(queue.Port).U32(queue.Queue).U16(0).Zeros(6);
        if (queue.MinimumRate < NoRate)
            writer.U16(MinimumProperty).U16(8).U16(queue.MinimumRate).Zeros(2);
        if (queue.MaximumRate < NoRate)
            writer.U16(MaximumProperty).U16(8).U16(queue.MaximumRate).Zeros(2);
        writer.PatchU16(start + 8, writer.Length - start);
    }

    public static OfErrorCode ReadDescription(ref OfReader body, out OfQueueDescription queue)
    {
        queue = new OfQueueDescription(body.U32(), body.U32(), ushort.MaxValue, ushort.MaxValue);
        var length = body.U16();
        body.Skip(6);
        if (body.Failed || length < 16 || length - 16 > body.Remaining)
            return OfErrorCode.RequestBadLength;
        var rest = new OfReader(body.Bytes(length - 16));
        while (rest.Remaining >= 8)
        {
            var type = rest.U16();
            rest.Skip(2);
            var rate = rest.U16();
            rest.Skip(2);
            if (type == MinimumProperty) queue = queue with { MinimumRate = rate };
            else if (type == MaximumProperty) queue = queue with { MaximumRate = rate };
        }

        return OfErrorCode.None;
    }

    public static OfErrorCode DecodeConfigRequest(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var port = PortCodec.ReadPort(ref body, in context, 2);
        if (!context.IsVersion10) body.Skip(4);
        message = new OfQueueGetConfigRequest(port, uint.MaxValue);
        if (body.Failed || !body.IsEmpty) return OfErrorCode.RequestBadLength;
        if (OfPort.ErrorOf(port) is var error and not OfErrorCode.None) return error;

        // No reserved port has queues; "any" means all of them, from 1.1 on.
        var isAny = port == OfPort.Any && !context.IsVersion10;
        return port < OfPort.Max || isAny ? OfErrorCode.None : OfErrorCode.QueueBadPort;
    }

    public static void WriteConfigRequest(
        OfWriter writer, OfQueueGetConfigRequest request, in OfCodecContext context)
    {
        PortCodec.WritePort(writer, request.Port, in context, 2);
        if (!context.IsVersion10) writer.Zeros(4);
    }

    public static void WriteConfigReply(
        OfWriter writer, OfQueueGetConfigReply reply, in OfCodecContext context)
    {
        PortCodec.WritePort(writer, reply.Port, in context, 6);
        if (!context.IsVersion10) writer.Zeros(4);
        foreach (var queue in reply.Queues)
        {
            var start = writer.Length;
            var has12 = context.Version >= OfVersion.OpenFlow12;
            writer.U32(queue.Queue);
            if (has12) writer.U32(queue.Port);
            var at = writer.Length;
            writer.U16(0).Zeros(has12 ? 6 : 2);
            if (queue.MinimumRate < NoRate)
                writer.U16(MinimumProperty).U16(16).Zeros(4).U16(queue.MinimumRate).Zeros(6);
            if (queue.MaximumRate < NoRate && has12)
                writer.U16(MaximumProperty).U16(16).Zeros(4).U16(queue.MaximumRate).Zeros(6);
            writer.PatchU16(at, writer.Length - start);
        }
    }
}
