namespace Fabric.Wire.OpenFlow;

/// <summary>Flow monitors: Nicira's (NXST 2) and OpenFlow 1.4's.</summary>
internal static class FlowMonitorCodec
{
    public static OfErrorCode DecodeRequest(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var specs = new List<OfFlowMonitorSpec>();
        message = new OfFlowMonitorRequest([], false);
        if (body.Remaining % 8 != 0) return OfErrorCode.RequestBadLength;
        while (!body.IsEmpty)
        {
            var (id, port, group) = (body.U32(), body.U32(), body.U32());
            var (flags, table, command) = (body.U16(), body.U8(), body.U8());
            if (body.Failed) return OfErrorCode.RequestBadLength;
            if (OfPort.ErrorOf(port) is var bad and not OfErrorCode.None) return bad;
            var error = MatchCodec.Read(ref body, in context, out var match);
            if (error != OfErrorCode.None) return error;
            if (command > 2) return OfErrorCode.MonitorBadCommand;
            if (flags > 127) return OfErrorCode.MonitorBadFlags;
            specs.Add(new OfFlowMonitorSpec(id, (FlowMonitorCommand)command,
                (FlowMonitorFlags)flags, port, group, table, match));
        }

        message = new OfFlowMonitorRequest(specs.ToEquatableArray(), false);
        return OfErrorCode.None;
    }

    /// <summary>ONF's form for OpenFlow 1.3 (EXT-187).</summary>
    public static OfErrorCode DecodeOnfRequest(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var specs = new List<OfFlowMonitorSpec>();
        message = new OfFlowMonitorRequest([], false);
        if (body.Remaining % 8 != 0) return OfErrorCode.RequestBadLength;
        while (!body.IsEmpty)
        {
            var (id, flags) = (body.U32(), body.U16());
            body.Skip(2); // The match's length, which it has itself.
            var (port, table) = (body.U32(), body.U8());
            body.Skip(3);
            if (body.Failed) return OfErrorCode.RequestBadLength;
            if (flags > 63) return OfErrorCode.MonitorBadFlags;
            if (OfPort.ErrorOf(port) is var bad and not OfErrorCode.None) return bad;
            var error = MatchCodec.Read(ref body, in context, out var match);
            if (error != OfErrorCode.None) return error;
            specs.Add(new OfFlowMonitorSpec(id, FlowMonitorCommand.Add, FlagsFromNicira(flags),
                port, OfGroupNumber.Any, table, match));
        }

        message = new OfFlowMonitorRequest(specs.ToEquatableArray(), false);
        return OfErrorCode.None;
    }

    public static OfErrorCode DecodeNiciraRequest(ref OfReader body, out OfMessage message)
    {
        var specs = new List<OfFlowMonitorSpec>();
        message = new OfFlowMonitorRequest([], true);
        while (!body.IsEmpty)
        {
            var (id, flags, port) = (body.U32(), body.U16(), OfPort.FromWire16(body.U16()));
            var (size, table) = (body.U16(), body.U8());
            body.Skip(5);
            if (body.Failed) return OfErrorCode.RequestBadLength;
            var error =
                MatchCodec.ReadNxm(ref body, size, true, out var match, out _, out var mask);
            if (error != OfErrorCode.None) return error;
            if (mask != 0) return OfErrorCode.NxmInvalid;
            if (flags > 63) return OfErrorCode.MonitorBadFlags;
            specs.Add(new OfFlowMonitorSpec(id, FlowMonitorCommand.Add, FlagsFromNicira(flags),
                port, OfGroupNumber.Any, table, match));
        }

        message = new OfFlowMonitorRequest(specs.ToEquatableArray(), true);
        return OfErrorCode.None;
    }

    public static void WriteRequest(
        OfWriter writer, OfFlowMonitorRequest request, in OfCodecContext context)
    {
        foreach (var spec in request.Monitors)
        {
            if (!request.IsNicira)
            {
                writer.U32(spec.MonitorId).U32(spec.OutPort).U32(spec.OutGroup).U16(
                    (ushort)spec.Flags);
                writer.U8(spec.TableId).U8((byte)spec.Command);
                MatchCodec.Write(writer, spec.Match, in context);
                continue;
            }

            writer.U32(spec.MonitorId).U16(FlagsToNicira(spec.Flags)).U16(
                OfPort.ToWire16(spec.OutPort));
            var at = writer.Length;
            writer.U16(0).U8(spec.TableId).Zeros(5);
            var start = writer.Length;
            NxmCodec.WriteMatch(writer, spec.Match, in context);
            writer.PatchU16(at, writer.Length - start);
            writer.Align8(start);
        }
    }

    public static void WriteUpdate(
        OfWriter writer, OfFlowUpdate update, in OfCodecContext context, bool isNicira)
    {
        var start = writer.Length;
        var isOnf = !isNicira && context.Version == OfVersion.OpenFlow13;
        writer.U16(0).U16(
            isNicira || isOnf ? EventToNicira(update.Event) : (ushort)update.Event);
        if (update.Event == FlowUpdateEvent.Abbreviated)
        {
            writer.U32(update.Xid);
        }
        else if (update.Event is FlowUpdateEvent.Paused or FlowUpdateEvent.Resumed)
        {
            writer.Zeros(4);
        }
        else if (isNicira || isOnf)
        {
            WriteNiciraUpdate(writer, update, in context, isOnf);
        }
        else
        {
            writer.U8(update.TableId).U8((byte)update.Reason).U16(update.IdleTimeout).U16(
                update.HardTimeout);
            writer.U16(update.Priority).Zeros(4).U64(update.Cookie);
            MatchCodec.Write(writer, update.Match, in context);
            InstructionCodec.Write(writer, update.Actions, in context,
                FlowCodec.ProtocolOf(update.Match));
        }

        writer.PatchU16(start, writer.Length - start);
    }

    /// <summary>Nicira's form; ONF's for 1.3 is the same with OXM and instructions.</summary>
    private static void WriteNiciraUpdate(
        OfWriter writer, OfFlowUpdate update, in OfCodecContext context, bool isOnf)
    {
        const int MatchHeaderSize = 4;
        var (match, protocol) = (update.Match, FlowCodec.ProtocolOf(update.Match));
        writer.U16((ushort)update.Reason).U16(update.Priority);
        writer.U16(update.IdleTimeout).U16(update.HardTimeout);
        var at = writer.Length;
        writer.U16(0).U8(update.TableId).Zeros(1).U64(update.Cookie);
        var first = writer.Length;
        if (isOnf) writer.U16(1).U16(0);
        NxmCodec.WriteMatch(writer, match, in context);
        writer.PatchU16(at, writer.Length - first);
        if (isOnf) writer.PatchU16(first + (MatchHeaderSize / 2), writer.Length - first);
        writer.Align8(first);
        if (isOnf) InstructionCodec.Write(writer, update.Actions, in context, protocol);
        else ActionEncoder.Write(writer, update.Actions, in context, protocol);
    }

    /// <summary>NXFMF_*: initial, add, delete, modify, actions, own.</summary>
    private static FlowMonitorFlags FlagsFromNicira(ushort flags) =>
        (FlowMonitorFlags)(flags & 31) | ((flags & 32) != 0 ? FlowMonitorFlags.NoAbbreviation : 0);

    private static ushort FlagsToNicira(FlowMonitorFlags flags) => (ushort)((int)flags & 63);

    /// <summary>
    /// NXFME_*: added 0, deleted 1, modified 2, abbreviated 3; initial is told as added.
    /// </summary>
    private static ushort EventToNicira(FlowUpdateEvent what) => what switch
    {
        FlowUpdateEvent.Removed => 1,
        FlowUpdateEvent.Modified => 2,
        FlowUpdateEvent.Abbreviated => 3,
        _ => 0,
    };
}
