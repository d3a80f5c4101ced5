namespace Fabric.Wire.OpenFlow;

/// <summary>Packet-in (standard, NXT_PACKET_IN, NXT_PACKET_IN2), NXT_RESUME, packet-out.</summary>
internal static class PacketCodec
{
    private const ushort PropPacket = 0, PropFullLength = 1, PropBufferId = 2, PropTableId = 3,
        PropCookie = 4, PropReason = 5, PropMetadata = 6, PropUserdata = 7, PropContinuation = 8;

    public static void WriteIn(OfWriter writer, OfPacketIn packet, in OfCodecContext context)
    {
        var reason = ReasonOf(packet.Reason, in context);
        var total = (ushort)Math.Min(packet.TotalLength, ushort.MaxValue);
        switch (context.Version)
        {
            case OfVersion.OpenFlow10:
                writer.U32(packet.BufferId).U16(total).U16(OfPort.ToWire16(packet.InPort)).U8(
                    reason).Zeros(1);
                break;
            case OfVersion.OpenFlow11:
                writer.U32(packet.BufferId).U32(packet.InPort).U32(packet.InPort).U16(total).U8(
                    reason).U8(packet.TableId);
                break;
            default:
                writer.U32(packet.BufferId).U16(total).U8(reason).U8(packet.TableId);
                if (context.Version >= OfVersion.OpenFlow13) writer.U64(packet.Cookie);
                MatchCodec.Write(writer, packet.Metadata, in context);
                writer.Zeros(2);
                break;
        }

        writer.Bytes(packet.Packet.AsSpan());
    }

    public static void WriteInNxt(OfWriter writer, OfPacketIn packet, in OfCodecContext context)
    {
        var total = (ushort)Math.Min(packet.TotalLength, ushort.MaxValue);
        writer.U32(packet.BufferId).U16(total).U8(ReasonOf(packet.Reason,
            in context)).U8(packet.TableId);
        writer.U64(packet.Cookie);
        var at = writer.Length;
        writer.U16(0).Zeros(6);
        var start = writer.Length;
        NxmCodec.WriteMatch(writer, packet.Metadata, in context);
        writer.PatchU16(at, writer.Length - start);
        writer.Align8(start).Zeros(2).Bytes(packet.Packet.AsSpan());
    }

    public static void WriteInNxt2(OfWriter writer, OfPacketIn packet, in OfCodecContext context)
    {
        Property(writer, PropPacket, packet.Packet.AsSpan());
        if (packet.TotalLength != packet.Packet.Count)
            writer.U16(PropFullLength).U16(8).U32(packet.TotalLength);
        if (packet.BufferId != FlowMod.NoBuffer)
            writer.U16(PropBufferId).U16(8).U32(packet.BufferId);
        writer.U16(PropTableId).U16(5).U8(packet.TableId).Zeros(3);
        if (packet.Cookie != ulong.MaxValue)
            writer.U16(PropCookie).U16(16).Zeros(4).U64(packet.Cookie);
        writer.U16(PropReason).U16(5).U8(ReasonOf(packet.Reason, in context)).Zeros(3);
        var start = writer.Length;
        writer.U16(PropMetadata).U16(0);
        NxmCodec.WriteMatch(writer, packet.Metadata, in context);
        writer.PatchU16(start + 2, writer.Length - start);
        writer.Align8(start);
        if (!packet.Userdata.IsEmpty) Property(writer, PropUserdata, packet.Userdata.AsSpan());
        if (!packet.Continuation.IsEmpty)
        {
            start = writer.Length;
            writer.U16(PropContinuation).U16((ushort)(8 + packet.Continuation.Count)).Zeros(4);
            writer.Bytes(packet.Continuation.AsSpan()).Align8(start);
        }
    }

    public static OfErrorCode DecodeIn(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var buffer = body.U32();
        var (inPort, match, cookie) = (OfPort.None, Match.Any, ulong.MaxValue);
        uint total;
        byte reason, table = 0;
        var error = OfErrorCode.None;
        if (context.IsVersion10)
        {
            (total, inPort, reason) = (body.U16(), OfPort.FromWire16(body.U16()), body.U8());
            body.Skip(1);
        }
        else if (context.Version == OfVersion.OpenFlow11)
        {
            inPort = body.U32();
            body.Skip(4);
            (total, reason, table) = (body.U16(), body.U8(), body.U8());
        }
        else
        {
            (total, reason, table) = (body.U16(), body.U8(), body.U8());
            if (context.Version >= OfVersion.OpenFlow13) cookie = body.U64();
            error = MatchCodec.Read(ref body, in context, out match, isStrict: false);
            body.Skip(2);
        }

        if (inPort != OfPort.None)
            match = new MatchBuilder().Set(MatchField.InPortOxm, inPort).Build();
        message = new OfPacketIn(EquatableArray.Create(body.Rest()), total, (PacketInReason)reason,
            table, cookie, buffer, match);
        return error;
    }

    public static OfErrorCode DecodeInNxt(ref OfReader body, out OfMessage message)
    {
        var (buffer, total, reason, table) = (body.U32(), body.U16(), body.U8(), body.U8());
        var (cookie, size) = (body.U64(), body.U16());
        body.Skip(6);
        var error = MatchCodec.ReadNxm(ref body, size, false, out var match, out _, out _);
        body.Skip(2);
        message = new OfPacketIn(EquatableArray.Create(body.Rest()), total, (PacketInReason)reason,
            table, cookie, buffer, match)
        {
            Format = PacketInFormat.Nxt,
        };
        return error;
    }

    /// <summary>NXT_PACKET_IN2, and NXT_RESUME which has the same body.</summary>
    public static OfErrorCode DecodeInNxt2(
        ref OfReader body, bool isResume, out OfMessage message)
    {
        var packet =
            new OfPacketIn([], 0, PacketInReason.NoMatch, 0, ulong.MaxValue, FlowMod.NoBuffer,
            Match.Any)
            {
                Format = PacketInFormat.Nxt2,
            };
        message = packet;
        var (hasPacket, hasLength) = (false, false);
        while (!body.IsEmpty)
        {
            var start = body.Position;
            var (type, length) = (body.U16(), body.U16());
            if (body.Failed || length < 4 || length - 4 > body.Remaining)
                return OfErrorCode.PropertyBadLength;
            var value = new OfReader(body.Bytes(length - 4));
            var error = OfErrorCode.None;
            switch (type)
            {
                case PropPacket:
                    packet = packet with { Packet = EquatableArray.Create(value.Rest()) };
                    hasPacket = true;
                    break;
                case PropFullLength:
                    packet = packet with { TotalLength = value.U32() };
                    hasLength = true;
                    break;
                case PropBufferId: packet = packet with { BufferId = value.U32() }; break;
                case PropTableId: packet = packet with { TableId = value.U8() }; break;
                case PropCookie:
                    value.Skip(4);
                    packet = packet with { Cookie = value.U64() };
                    break;
                case PropReason:
                    packet = packet with { Reason = (PacketInReason)value.U8() };
                    break;
                case PropMetadata:
                    error = NxmCodec.DecodeMatch(value.Rest(), false, out var match, out _, out _);
                    packet = packet with { Metadata = match };
                    break;
                case PropUserdata:
                    packet = packet with { Userdata = EquatableArray.Create(value.Rest()) };
                    break;
                case PropContinuation:
                    value.Skip(4);
                    packet = packet with { Continuation = EquatableArray.Create(value.Rest()) };
                    break;
                default: error = isResume ? OfErrorCode.PropertyBadType : OfErrorCode.None; break;
            }

            if (error != OfErrorCode.None) return error;
            if (value.Failed) return OfErrorCode.PropertyBadLength;
            body.Align8(start);
        }

        if (!hasLength) packet = packet with { TotalLength = (uint)packet.Packet.Count };
        message = isResume ? new OfResume(packet) : packet;
        return hasPacket ? OfErrorCode.None : OfErrorCode.RequestBadLength;
    }

    public static OfErrorCode DecodeOut(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        message = new OfBarrierRequest();
        var buffer = body.U32();
        var match = Match.Any;
        int size;
        if (context.Version >= OfVersion.OpenFlow15)
        {
            size = body.U16();
            body.Skip(2);
            var error = MatchCodec.Read(ref body, in context, out match);
            if (error != OfErrorCode.None) return error;
            if (match.ExactOf(MatchField.InPortOxm) is null) return OfErrorCode.RequestBadPort;
        }
        else
        {
            var port = PortCodec.ReadPort(ref body, in context, 0);
            if (OfPort.ErrorOf(port) is var bad and not OfErrorCode.None) return bad;
            size = body.U16();
            if (!context.IsVersion10) body.Skip(6);
            match = new MatchBuilder().Set(MatchField.InPortOxm, port).Build();
        }

        if (body.Failed || size > body.Remaining || size % 8 != 0)
            return OfErrorCode.RequestBadLength;
        var inPort = (uint)match.ExactOf(MatchField.InPortOxm)!.Value;
        if (!IsInPort(inPort)) return OfErrorCode.RequestBadPort;
        var actions = new List<OfAction>();
        var decoded = ActionDecoder.Decode(body.Bytes(size), in context, actions);
        if (decoded != OfErrorCode.None) return decoded;
        var packet = buffer == FlowMod.NoBuffer ? EquatableArray.Create(body.Rest()) : [];
        message = new OfPacketOut(buffer, match, ActionList.From(actions), packet);
        return OfErrorCode.None;
    }

    public static void WriteOut(OfWriter writer, OfPacketOut packet, in OfCodecContext context)
    {
        writer.U32(packet.BufferId);
        int at;
        if (context.Version >= OfVersion.OpenFlow15)
        {
            at = writer.Length;
            writer.U16(0).Zeros(2);
            MatchCodec.Write(writer, packet.Metadata, in context);
        }
        else
        {
            PortCodec.WritePort(writer, packet.InPort, in context, 0);
            at = writer.Length;
            writer.U16(0);
            if (!context.IsVersion10) writer.Zeros(6);
        }

        var start = writer.Length;
        ActionEncoder.Write(writer, packet.Actions, in context);
        writer.PatchU16(at, writer.Length - start);
        writer.Bytes(packet.Packet.AsSpan());
    }

    private static bool IsInPort(uint port) => port
        is < OfPort.Max or OfPort.Local or OfPort.None or OfPort.Controller
        or OfPort.Unset;

    private static void Property(OfWriter writer, ushort type, ReadOnlySpan<byte> value)
    {
        var start = writer.Length;
        writer.U16(type).U16((ushort)(4 + value.Length)).Bytes(value).Align8(start);
    }

    /// <summary>
    /// Reasons that the version does not have are told as the nearest that it has.
    /// </summary>
    private static byte ReasonOf(PacketInReason reason, in OfCodecContext context) => reason switch
    {
        PacketInReason.ExplicitMiss when context.Version < OfVersion.OpenFlow13 =>
            (byte)PacketInReason.Action, // Table-miss flows come with OpenFlow 1.3.
        PacketInReason.ExplicitMiss or PacketInReason.ImplicitMiss => (byte)PacketInReason.NoMatch,
        > PacketInReason.InvalidTtl when context.Version < OfVersion.OpenFlow14 =>
            (byte)PacketInReason.Action,
        _ => (byte)reason,
    };
}
