namespace Fabric.Wire.OpenFlow;

/// <summary>Flow-mods and flow-removed, in every version and Nicira's form.</summary>
internal static class FlowCodec
{
    private const ushort Emergency10 = 4;
    private const ushort KnownFlags = 0x1F;

    public static OfErrorCode DecodeMod10(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        message = OfDecoder.Nothing;
        var error = MatchCodec.Read(ref body, in context, out var match);
        if (error != OfErrorCode.None) return error;
        var cookie = body.U64();
        error = ReadCommon10(ref body, in context, match, cookie, out var mod);
        if (error != OfErrorCode.None) return error;
        return Finish10(ref body, in context, mod with
        {
            ModifyCookie = mod.Command is FlowModCommand.Modify or FlowModCommand.ModifyStrict,
        }, out message);
    }

    public static OfErrorCode DecodeModNicira(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        message = OfDecoder.Nothing;
        var cookie = body.U64();
        var error = ReadCommon10(ref body, in context, Match.Any, cookie, out var mod);
        if (error != OfErrorCode.None) return error;
        var matchSize = body.U16();
        body.Skip(6);
        error = MatchCodec.ReadNxm(ref body, matchSize, true, out var match, out var cookieMatch,
            out var cookieMask);
        if (error != OfErrorCode.None) return error;
        if (mod.Command == FlowModCommand.Add && cookieMask != 0) return OfErrorCode.NxmInvalid;
        var isModify = mod.Command is FlowModCommand.Modify or FlowModCommand.ModifyStrict;
        return Finish10(ref body, in context, mod with
        {
            Match = match,
            CookieMatch = cookieMatch & cookieMask,
            CookieMask = cookieMask,
            ModifyCookie = isModify && cookie != ulong.MaxValue,
        }, out message);
    }

    private static OfErrorCode ReadCommon10(
        ref OfReader body, in OfCodecContext context, Match match, ulong cookie, out FlowMod mod)
    {
        var command = body.U16();
        var table = context.FlowModTableId ? (byte)(command >> 8) : (byte)255;
        if (context.FlowModTableId) command &= 0xFF;
        mod = new FlowMod((FlowModCommand)Math.Min(command, (ushort)255), match, 0,
            ActionList.Empty)
        {
            Cookie = cookie,
            TableId = table,
            IdleTimeout = body.U16(),
            HardTimeout = body.U16(),
            Priority = body.U16(),
            BufferId = body.U32(),
            OutPort = OfPort.FromWire16(body.U16()),
            Flags = (FlowModFlags)body.U16(),
        };
        return command > 4 ? OfErrorCode.FlowModBadCommand : OfErrorCode.None;
    }

    private static OfErrorCode Finish10(
        ref OfReader body, in OfCodecContext context, FlowMod mod, out OfMessage message)
    {
        message = mod;
        if (body.Failed) return OfErrorCode.RequestBadLength;
        var flags = (ushort)mod.Flags;
        if ((flags & ~(3 | Emergency10)) != 0) return OfErrorCode.FlowModBadFlags;
        if ((flags & Emergency10) != 0) return OfErrorCode.FlowModTableFull;
        var isDelete = mod.Command is FlowModCommand.Delete or FlowModCommand.DeleteStrict;
        if (mod.BufferId != FlowMod.NoBuffer && !isDelete) return OfErrorCode.RequestBufferUnknown;
        var error = ActionDecoder.Decode(body.Rest(), in context, out var actions);
        if (error != OfErrorCode.None) return error;
        var isAdd = mod.Command == FlowModCommand.Add;
        var finished = mod with
        {
            Actions = actions,
            Flags = mod.Flags | (isAdd ? FlowModFlags.ResetCounts : FlowModFlags.None),
            TableId = isAdd && mod.TableId == 255 ? (byte)0 : mod.TableId,
            OutPort = mod.OutPort,
        };
        message = finished;
        return ActionRules.ErrorOf(finished.Match, finished.Actions, finished.TableId,
            isVersion10: true);
    }

    public static OfErrorCode DecodeMod11(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var cookie = body.U64();
        var cookieMask = body.U64();
        var table = body.U8();
        var command = body.U8();
        var (idle, hard, priority) = (body.U16(), body.U16(), body.U16());
        var (buffer, outPort, outGroup) = (body.U32(), body.U32(), body.U32());
        var (flags, importance) = ((FlowModFlags)body.U16(), body.U16());
        message = OfDecoder.Nothing;
        if (body.Failed) return OfErrorCode.RequestBadLength;
        var error = MatchCodec.Read(ref body, in context, out var match);
        if (error != OfErrorCode.None) return error;
        error = InstructionCodec.Decode(body.Rest(), in context, out var actions);
        if (error != OfErrorCode.None) return error;
        var isDelete = command is (byte)FlowModCommand.Delete or (byte)FlowModCommand.DeleteStrict;
        if (table == FlowMod.AllTables && !isDelete) return OfErrorCode.FlowModBadTableId;
        if (OfPort.ErrorOf(outPort) is var bad and not OfErrorCode.None) return bad;
        if (command > 4) return OfErrorCode.FlowModBadCommand;
        if (((ushort)flags & ~KnownFlags) != 0) return OfErrorCode.FlowModBadFlags;
        if (buffer != FlowMod.NoBuffer && !isDelete) return OfErrorCode.RequestBufferUnknown;
        var isAdd = command == (byte)FlowModCommand.Add;
        if (isAdd && context.Version < OfVersion.OpenFlow12) flags |= FlowModFlags.ResetCounts;
        message = new FlowMod((FlowModCommand)command, match, priority, actions)
        {
            TableId = table,
            IdleTimeout = idle,
            HardTimeout = hard,
            BufferId = buffer,
            Flags = flags,
            Cookie = isAdd ? cookie : 0,
            CookieMatch = isAdd ? 0 : cookie & cookieMask,
            CookieMask = isAdd ? 0 : cookieMask,
            OutPort = isDelete ? outPort : OfPort.Any,
            OutGroup = isDelete ? outGroup : OfGroupNumber.Any,
            Importance = context.Version >= OfVersion.OpenFlow14 ? importance : (ushort)0,
        };
        return ActionRules.ErrorOf(match, actions, table);
    }

    public static void WriteMod(OfWriter writer, FlowMod mod, in OfCodecContext context)
    {
        var isAdd = mod.Command == FlowModCommand.Add;
        if (context.IsVersion10)
        {
            WriteMod10(writer, mod, in context);
            return;
        }

        writer.U64(isAdd ? mod.Cookie : mod.CookieMatch).U64(isAdd ? 0 : mod.CookieMask);
        writer.U8(mod.TableId).U8((byte)mod.Command);
        writer.U16(mod.IdleTimeout).U16(mod.HardTimeout).U16(mod.Priority).U32(mod.BufferId);
        writer.U32(mod.OutPort).U32(mod.OutGroup).U16((ushort)((int)mod.Flags & KnownFlags));
        writer.U16(context.Version >= OfVersion.OpenFlow14 ? mod.Importance : (ushort)0);
        MatchCodec.Write(writer, mod.Match, in context);
        InstructionCodec.Write(writer, mod.Actions, in context, ProtocolOf(mod.Match));
    }

    /// <summary>The caller has begun an NXT_FLOW_MOD unless <see cref="IsStandard10"/>.</summary>
    private static void WriteMod10(OfWriter writer, FlowMod mod, in OfCodecContext context)
    {
        var isStandard = IsStandard10(mod);
        var command = (ushort)mod.Command;
        if (context.FlowModTableId) command |= (ushort)(mod.TableId << 8);
        if (isStandard) MatchCodec.Write(writer, mod.Match, in context);
        writer.U64(mod.Cookie).U16(command).U16(mod.IdleTimeout).U16(mod.HardTimeout);
        writer.U16(mod.Priority).U32(mod.BufferId).U16(OfPort.ToWire16(mod.OutPort));
        writer.U16((ushort)((int)mod.Flags & 3));
        if (!isStandard)
        {
            var at = writer.Length;
            writer.U16(0).Zeros(6);
            var start = writer.Length;
            NxmCodec.WriteMatch(writer, mod.Match, in context);
            NxmCodec.WriteCookie(writer, mod.CookieMatch, mod.CookieMask);
            writer.PatchU16(at, writer.Length - start);
            writer.Align8(start);
        }

        ActionEncoder.Write(writer, mod.Actions, in context, ProtocolOf(mod.Match));
    }

    public static bool IsStandard10(FlowMod mod) =>
        mod.CookieMask == 0 && MatchCodec.IsStandard10(mod.Match);

    /// <summary>The IP protocol that a match asks for, 0 when none.</summary>
    public static int ProtocolOf(Match match) =>
        (int)(match.ExactOf(MatchField.IpProtocol) ?? 0);

    public static OfErrorCode DecodeRemoved(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        message = OfDecoder.Nothing;
        if (context.IsVersion10)
        {
            var read = MatchCodec.Read(ref body, in context, out var match10);
            if (read != OfErrorCode.None) return read;
            var (cookie10, priority10, reason10) = (body.U64(), body.U16(), body.U8());
            body.Skip(1);
            var duration10 = ReadDuration(ref body);
            var idle10 = body.U16();
            body.Skip(2);
            message = new OfFlowRemoved(match10, priority10, cookie10, (FlowRemovedReason)reason10,
                255, duration10, idle10, 0, body.U64(), body.U64());
            return OfErrorCode.None;
        }

        return context.Version >= OfVersion.OpenFlow15
            ? DecodeRemoved15(ref body, in context, out message)
            : DecodeRemoved11(ref body, in context, out message);
    }

    private static OfErrorCode DecodeRemoved11(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var (cookie, priority, reason, table) = (body.U64(), body.U16(), body.U8(), body.U8());
        var duration = ReadDuration(ref body);
        var removed = new OfFlowRemoved(Match.Any, priority, cookie, (FlowRemovedReason)reason,
            table, duration, body.U16(), body.U16(), body.U64(), body.U64());
        var error = MatchCodec.Read(ref body, in context, out var match, isStrict: false);
        message = removed with { Match = match };
        return error;
    }

    private static OfErrorCode DecodeRemoved15(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var (table, reason, priority) = (body.U8(), body.U8(), body.U16());
        var (idle, hard, cookie) = (body.U16(), body.U16(), body.U64());
        var error = MatchCodec.Read(ref body, in context, out var match, isStrict: false);
        var stats = OxsCodec.Read(ref body);
        message = new OfFlowRemoved(match, priority, cookie, (FlowRemovedReason)reason, table,
            stats.Duration, idle, hard, stats.PacketCount, stats.ByteCount);
        return error;
    }

    public static OfErrorCode DecodeRemovedNicira(ref OfReader body, out OfMessage message)
    {
        var (cookie, priority, reason, table) = (body.U64(), body.U16(), body.U8(), body.U8());
        var duration = ReadDuration(ref body);
        var (idle, matchSize, packets, bytes) = (body.U16(), body.U16(), body.U64(), body.U64());
        var error = MatchCodec.ReadNxm(ref body, matchSize, false, out var match, out _, out _);
        message = new OfFlowRemoved(match, priority, cookie, (FlowRemovedReason)reason,
            (byte)(table == 0 ? 255 : table - 1), duration, idle, 0, packets, bytes);
        return error;
    }

    public static void WriteRemoved(OfWriter writer, OfFlowRemoved removed,
        in OfCodecContext context)
    {
        if (context.IsVersion10)
        {
            MatchCodec.Write(writer, removed.Match, in context);
            writer.U64(removed.Cookie).U16(removed.Priority).U8(ReasonOf(removed.Reason,
                in context)).Zeros(1);
            WriteDuration(writer, removed.Duration);
            writer.U16(removed.IdleTimeout).Zeros(2).U64(removed.PacketCount).U64(
                removed.ByteCount);
        }
        else if (context.Version >= OfVersion.OpenFlow15)
        {
            writer.U8(removed.TableId).U8((byte)removed.Reason).U16(removed.Priority);
            writer.U16(removed.IdleTimeout).U16(removed.HardTimeout).U64(removed.Cookie);
            MatchCodec.Write(writer, removed.Match, in context);
            OxsCodec.Write(writer, removed.Duration, null, removed.PacketCount, removed.ByteCount,
                null);
        }
        else
        {
            writer.U64(removed.Cookie).U16(removed.Priority).U8(ReasonOf(removed.Reason,
                in context)).U8(removed.TableId);
            WriteDuration(writer, removed.Duration);
            writer.U16(removed.IdleTimeout).U16(removed.HardTimeout);
            writer.U64(removed.PacketCount).U64(removed.ByteCount);
            MatchCodec.Write(writer, removed.Match, in context);
        }
    }

    public static void WriteRemovedNicira(
        OfWriter writer, OfFlowRemoved removed, in OfCodecContext context)
    {
        writer.U64(removed.Cookie).U16(removed.Priority).U8(ReasonOf(removed.Reason, in context));
        writer.U8((byte)(removed.TableId + 1));
        WriteDuration(writer, removed.Duration);
        var at = writer.U16(removed.IdleTimeout).Length;
        writer.U16(0).U64(removed.PacketCount).U64(removed.ByteCount);
        var start = writer.Length;
        NxmCodec.WriteMatch(writer, removed.Match, in context);
        writer.PatchU16(at, writer.Length - start);
        writer.Align8(start);
    }

    /// <summary>Reasons that came later are told as deletion.</summary>
    private static byte ReasonOf(FlowRemovedReason reason, in OfCodecContext context)
    {
        var last = context.Version >= OfVersion.OpenFlow14 ? FlowRemovedReason.Eviction
            : context.Version >= OfVersion.OpenFlow11 ? FlowRemovedReason.GroupDelete
            : FlowRemovedReason.Delete;
        return (byte)(reason > last ? FlowRemovedReason.Delete : reason);
    }

    public static TimeSpan ReadDuration(ref OfReader body) => DurationOf(body.U32(), body.U32());

    public static TimeSpan DurationOf(uint seconds, uint nanoseconds) =>
        TimeSpan.FromTicks((seconds * TimeSpan.TicksPerSecond) + (nanoseconds / 100));

    public static void WriteDuration(OfWriter writer, TimeSpan duration)
    {
        var seconds = Math.Clamp(duration.Ticks / TimeSpan.TicksPerSecond, 0, uint.MaxValue);
        var nanoseconds = duration.Ticks % TimeSpan.TicksPerSecond * 100;
        writer.U32((uint)seconds).U32((uint)Math.Max(0, nanoseconds));
    }
}
