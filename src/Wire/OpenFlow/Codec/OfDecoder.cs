namespace Fabric.Wire.OpenFlow;

/// <summary>OpenFlow messages from bytes, for switches and controllers.</summary>
/// <remarks>
/// Takes one whole message (the header's length of bytes). Never throws: what cannot be understood
/// is answered with OpenFlow's error of that version. Nested lists are bounded in depth, everything
/// else by the 64 KB of a message.
/// </remarks>
public static class OfDecoder
{
    /// <summary>What a decoder gives back beside an error.</summary>
    internal static readonly OfMessage Nothing = new OfBarrierRequest();

    /// <param name="frame">One message, header included.</param>
    /// <param name="error">What to tell the sender if this returns false.</param>
    public static bool TryDecode(
        ReadOnlySpan<byte> frame, in OfCodecContext context, out OfEnvelope envelope,
        out OfErrorCode error)
    {
        envelope = default;
        error = OfErrorCode.RequestBadLength;
        if (!OfHeader.TryRead(frame, out var header) || header.Length != frame.Length) return false;
        if (OfTypes.Find(header.Type, header.Version) is not { } type)
        {
            error = OfErrorCode.RequestBadType;
            return false;
        }

        var body = new OfReader(frame[OfHeader.Size..]);
        var codec = context with { Version = header.Version };
        if (!LengthRules.IsRight(type, in codec, frame[OfHeader.Size..])) return false;
        error = DecodeBody(type, ref body, in codec, out var message);
        if (error == OfErrorCode.None && body.Failed) error = OfErrorCode.RequestBadLength;
        envelope = new OfEnvelope(header.Version, header.Xid, message);
        return error == OfErrorCode.None;
    }

    private static OfErrorCode DecodeBody(
        OfType type, ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        message = Nothing;
        switch (type)
        {
            case OfType.Hello: message = ControlCodec.DecodeHello(ref body, in context); break;
            case OfType.Error: message = ControlCodec.DecodeError(ref body, in context); break;
            case OfType.EchoRequest:
                message = new OfEchoRequest(EquatableArray.Create(body.Rest()));
                break;
            case OfType.EchoReply:
                message = new OfEchoReply(EquatableArray.Create(body.Rest()));
                break;
            case OfType.Experimenter: return NiciraCodec.Decode(ref body, in context, out message);
            case OfType.FeaturesRequest:
                return Empty(ref body, new OfFeaturesRequest(), out message);
            case OfType.FeaturesReply:
                return ControlCodec.DecodeFeatures(ref body, in context, out message);
            case OfType.GetConfigRequest:
                return Empty(ref body, new OfGetConfigRequest(), out message);
            case OfType.GetConfigReply:
                message = new OfGetConfigReply((OfConfigFlags)body.U16(), body.U16());
                return Empty(ref body, message, out message);
            case OfType.SetConfig:
                message = new OfSetConfig((OfConfigFlags)body.U16(), body.U16());
                return Empty(ref body, message, out message);
            case OfType.PacketIn: return PacketCodec.DecodeIn(ref body, in context, out message);
            case OfType.FlowRemoved:
                return FlowCodec.DecodeRemoved(ref body, in context, out message);
            case OfType.PortStatus:
                return ControlCodec.DecodePortStatus(ref body, in context, out message);
            case OfType.PacketOut: return PacketCodec.DecodeOut(ref body, in context, out message);
            case OfType.FlowMod:
                return context.IsVersion10
                ? FlowCodec.DecodeMod10(ref body, in context, out message)
                : FlowCodec.DecodeMod11(ref body, in context, out message);
            case OfType.GroupMod:
                return GroupCodec.DecodeMod(ref body, in context,
                    context.Version >= OfVersion.OpenFlow15, out message);
            case OfType.PortMod: return PortCodec.DecodeMod(ref body, in context, out message);
            case OfType.TableMod: return TableCodec.DecodeMod(ref body, in context, out message);
            case OfType.StatsRequest:
                return StatsRequestCodec.Decode(ref body, in context, out message);
            case OfType.StatsReply:
                return StatsReplyDecoder.Decode(ref body, in context, out message);
            case OfType.BarrierRequest: return Empty(ref body, new OfBarrierRequest(), out message);
            case OfType.BarrierReply: return Empty(ref body, new OfBarrierReply(), out message);
            default: return DecodeLater(type, ref body, in context, out message);
        }

        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeLater(
        OfType type, ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        message = Nothing;
        switch (type)
        {
            case OfType.QueueGetConfigRequest:
                return QueueCodec.DecodeConfigRequest(ref body, in context, out message);
            case OfType.RoleRequest: return ControlCodec.DecodeRole(ref body, true, out message);
            case OfType.RoleReply: return ControlCodec.DecodeRole(ref body, false, out message);
            case OfType.RoleStatus:
                var role = (OfRole)body.U32();
                var reason = (OfRoleReason)body.U8();
                body.Skip(3);
                message = new OfRoleStatus(role, reason, body.U64());
                return OfErrorCode.None;
            case OfType.GetAsyncRequest:
                return Empty(ref body, new OfGetAsyncRequest(), out message);
            case OfType.SetAsync: return AsyncCodec.DecodeSet(ref body, in context, out message);
            case OfType.GetAsyncReply:
                return AsyncCodec.DecodeReply(ref body, in context, out message);
            case OfType.MeterMod: return MeterCodec.DecodeMod(ref body, out message);
            case OfType.BundleControl: return BundleCodec.DecodeControl(ref body, out message);
            case OfType.BundleAdd: return BundleCodec.DecodeAdd(ref body, in context, out message);
            case OfType.RequestForward:
                if (!TryDecode(body.Rest(), in context, out var inner, out var error)) return error;
                message = new OfRequestForward(inner.Xid, inner.Message);
                return OfErrorCode.None;
            default: return OfErrorCode.RequestBadType;
        }
    }

    private static OfErrorCode Empty(ref OfReader body, OfMessage value, out OfMessage message)
    {
        message = value;
        return body.IsEmpty ? OfErrorCode.None : OfErrorCode.RequestBadLength;
    }
}
