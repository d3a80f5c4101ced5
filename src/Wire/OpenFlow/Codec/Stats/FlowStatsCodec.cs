namespace Fabric.Wire.OpenFlow;

/// <summary>One flow in a flow statistics reply.</summary>
internal static class FlowStatsCodec
{
    public static void Write(
        OfWriter writer, OfFlowStats flow, in OfCodecContext context, bool isNicira)
    {
        var start = writer.Length;
        var protocol = FlowCodec.ProtocolOf(flow.Match);
        if (isNicira) WriteNicira(writer, flow, in context, protocol);
        else if (context.IsVersion10) Write10(writer, flow, in context, protocol);
        else if (context.Version >= OfVersion.OpenFlow15)
            Write15(writer, flow, in context, protocol);
        else Write11(writer, flow, in context, protocol);
        writer.PatchU16(start, writer.Length - start);
    }

    private static void Write10(
        OfWriter writer, OfFlowStats flow, in OfCodecContext context, int protocol)
    {
        writer.U16(0).U8(flow.TableId).Zeros(1);
        MatchCodec.Write(writer, flow.Match, in context);
        FlowCodec.WriteDuration(writer, flow.Duration);
        writer.U16(flow.Priority).U16(flow.IdleTimeout).U16(flow.HardTimeout).Zeros(6);
        writer.U64(flow.Cookie).U64(flow.PacketCount).U64(flow.ByteCount);
        ActionEncoder.Write(writer, flow.Actions, in context, protocol);
    }

    private static void Write11(
        OfWriter writer, OfFlowStats flow, in OfCodecContext context, int protocol)
    {
        writer.U16(0).U8(flow.TableId).Zeros(1);
        FlowCodec.WriteDuration(writer, flow.Duration);
        writer.U16(flow.Priority).U16(flow.IdleTimeout).U16(flow.HardTimeout);
        writer.U16(context.Version >= OfVersion.OpenFlow13 ? FlagsOf(flow) : (ushort)0);
        writer.U16(context.Version >= OfVersion.OpenFlow14 ? flow.Importance : (ushort)0).Zeros(2);
        writer.U64(flow.Cookie).U64(flow.PacketCount).U64(flow.ByteCount);
        MatchCodec.Write(writer, flow.Match, in context);
        InstructionCodec.Write(writer, flow.Actions, in context, protocol);
    }

    private static void Write15(
        OfWriter writer, OfFlowStats flow, in OfCodecContext context, int protocol)
    {
        writer.U16(0).Zeros(2).U8(flow.TableId).Zeros(1).U16(flow.Priority);
        writer.U16(flow.IdleTimeout).U16(flow.HardTimeout).U16(FlagsOf(flow)).U16(flow.Importance);
        writer.U64(flow.Cookie);
        MatchCodec.Write(writer, flow.Match, in context);
        TimeSpan? idle = flow.IdleAge is { } age ? TimeSpan.FromSeconds(age) : null;
        OxsCodec.Write(writer, flow.Duration, idle, flow.PacketCount, flow.ByteCount, null);
        InstructionCodec.Write(writer, flow.Actions, in context, protocol);
    }

    private static void WriteNicira(
        OfWriter writer, OfFlowStats flow, in OfCodecContext context, int protocol)
    {
        writer.U16(0).U8(flow.TableId).Zeros(1);
        FlowCodec.WriteDuration(writer, flow.Duration);
        writer.U16(flow.Priority).U16(flow.IdleTimeout).U16(flow.HardTimeout);
        var at = writer.Length;
        writer.U16(0).U16(AgeOf(flow.IdleAge)).U16(AgeOf(flow.HardAge));
        writer.U64(flow.Cookie).U64(flow.PacketCount).U64(flow.ByteCount);
        var start = writer.Length;
        NxmCodec.WriteMatch(writer, flow.Match, in context);
        writer.PatchU16(at, writer.Length - start);
        writer.Align8(start);
        ActionEncoder.Write(writer, flow.Actions, in context, protocol);
    }

    private static ushort FlagsOf(OfFlowStats flow) => (ushort)((int)flow.Flags & 0x1F);

    /// <summary>One more than the seconds; 0 means that it is not told.</summary>
    private static ushort AgeOf(int? age) =>
        age is { } seconds ? (ushort)Math.Min(seconds + 1, ushort.MaxValue) : (ushort)0;

    public static OfErrorCode Decode(
        ref OfReader body, in OfCodecContext context, bool isNicira, List<OfFlowStats> flows)
    {
        while (!body.IsEmpty)
        {
            var length = body.U16();
            if (body.Failed || length < 24 || length - 2 > body.Remaining)
                return OfErrorCode.RequestBadLength;
            var entry = new OfReader(body.Bytes(length - 2));
            OfFlowStats flow;
            var error = isNicira ? ReadNicira(ref entry, in context, out flow)
                : context.IsVersion10 ? Read10(ref entry, in context, out flow)
                : context.Version >= OfVersion.OpenFlow15 ? Read15(ref entry, in context, out flow)
                : Read11(ref entry, in context, out flow);
            if (error != OfErrorCode.None) return error;
            if (entry.Failed) return OfErrorCode.RequestBadLength;
            flows.Add(flow);
        }

        return OfErrorCode.None;
    }

    private static OfErrorCode Read10(
        ref OfReader entry, in OfCodecContext context, out OfFlowStats flow)
    {
        var table = entry.U8();
        entry.Skip(1);
        var error = MatchCodec.Read(ref entry, in context, out var match);
        var duration = FlowCodec.ReadDuration(ref entry);
        var (priority, idle, hard) = (entry.U16(), entry.U16(), entry.U16());
        entry.Skip(6);
        var (cookie, packets, bytes) = (entry.U64(), entry.U64(), entry.U64());
        var actions = new List<OfAction>();
        if (error == OfErrorCode.None)
            error = ActionDecoder.Decode(entry.Rest(), in context, actions);
        flow = new OfFlowStats(table, match, priority, cookie, ActionList.From(actions), duration,
            idle, hard,
            null, null, packets, bytes, FlowModFlags.None, 0);
        return error;
    }

    private static OfErrorCode Read11(
        ref OfReader entry, in OfCodecContext context, out OfFlowStats flow)
    {
        var table = entry.U8();
        entry.Skip(1);
        var duration = FlowCodec.ReadDuration(ref entry);
        var (priority, idle, hard) = (entry.U16(), entry.U16(), entry.U16());
        var (flags, importance) = (entry.U16(), entry.U16());
        entry.Skip(2);
        var (cookie, packets, bytes) = (entry.U64(), entry.U64(), entry.U64());
        var error = MatchCodec.Read(ref entry, in context, out var match, isStrict: false);
        var actions = ActionList.Empty;
        if (error == OfErrorCode.None)
            error = InstructionCodec.Decode(entry.Rest(), in context, out actions);
        flow = new OfFlowStats(table, match, priority, cookie, actions, duration, idle, hard, null,
            null,
            packets, bytes, (FlowModFlags)flags, importance);
        return error;
    }

    private static OfErrorCode Read15(
        ref OfReader entry, in OfCodecContext context, out OfFlowStats flow)
    {
        entry.Skip(2);
        var table = entry.U8();
        entry.Skip(1);
        var (priority, idle, hard) = (entry.U16(), entry.U16(), entry.U16());
        var (flags, importance, cookie) = (entry.U16(), entry.U16(), entry.U64());
        var error = MatchCodec.Read(ref entry, in context, out var match, isStrict: false);
        var stats = OxsCodec.Read(ref entry);
        var actions = ActionList.Empty;
        if (error == OfErrorCode.None)
            error = InstructionCodec.Decode(entry.Rest(), in context, out actions);
        var idleAge = stats.Idle is { } quiet ? (int?)quiet.TotalSeconds : null;
        flow = new OfFlowStats(table, match, priority, cookie, actions, stats.Duration, idle, hard,
            idleAge,
            null, stats.PacketCount, stats.ByteCount, (FlowModFlags)flags, importance);
        return error;
    }

    private static OfErrorCode ReadNicira(
        ref OfReader entry, in OfCodecContext context, out OfFlowStats flow)
    {
        var table = entry.U8();
        entry.Skip(1);
        var duration = FlowCodec.ReadDuration(ref entry);
        var (priority, idle, hard) = (entry.U16(), entry.U16(), entry.U16());
        var (size, idleAge, hardAge) = (entry.U16(), entry.U16(), entry.U16());
        var (cookie, packets, bytes) = (entry.U64(), entry.U64(), entry.U64());
        var error = MatchCodec.ReadNxm(ref entry, size, false, out var match, out _, out _);
        var actions = new List<OfAction>();
        if (error == OfErrorCode.None)
            error = ActionDecoder.Decode(entry.Rest(), in context, actions);
        flow = new OfFlowStats(table, match, priority, cookie, ActionList.From(actions), duration,
            idle, hard,
            idleAge == 0 ? null : idleAge - 1, hardAge == 0 ? null : hardAge - 1, packets, bytes,
            FlowModFlags.None, 0);
        return error;
    }
}
