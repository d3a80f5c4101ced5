namespace Fabric.Wire.OpenFlow;

/// <summary>Bundle control and add: OpenFlow 1.4's, and ONF's extension of 1.3.</summary>
internal static class BundleCodec
{
    public static OfErrorCode DecodeControl(ref OfReader body, out OfMessage message)
    {
        var (id, type, flags) = (body.U32(), body.U16(), body.U16());
        message = new OfBundleControl(id, (BundleControlType)type, (BundleFlags)flags);
        if (body.Remaining % 8 != 0) return OfErrorCode.RequestBadLength;
        return type > (ushort)BundleControlType.DiscardReply ? OfErrorCode.BundleBadType
            : OfErrorCode.None;
    }

    public static void WriteControl(OfWriter writer, OfBundleControl bundle) =>
        writer.U32(bundle.BundleId).U16((ushort)bundle.Type).U16((ushort)bundle.Flags);

    public static OfErrorCode DecodeAdd(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var id = body.U32();
        body.Skip(2);
        var flags = body.U16();
        message = OfDecoder.Nothing;
        var inner = body.Rest();
        if (!OfHeader.TryRead(inner, out var header)) return OfErrorCode.BundleMessageBadLength;
        if (header.Length < OfHeader.Size || header.Length > inner.Length)
            return OfErrorCode.BundleMessageBadLength;
        inner = inner[..header.Length];
        if (header.Version != context.Version) return OfErrorCode.BundleBadVersion;
        var type = OfTypes.Find(header.Type, header.Version);
        if (type is not (
            OfType.FlowMod or OfType.GroupMod or OfType.PortMod or OfType.PacketOut
            or OfType.Experimenter))
        {
            return OfErrorCode.BundleMessageUnsupported;
        }

        if (!OfDecoder.TryDecode(inner, in context, out var envelope, out var error)) return error;
        message = new OfBundleAdd(id, (BundleFlags)flags, header.Xid, envelope.Message);
        var isBundled = envelope.Message is FlowMod or GroupMod or PortMod or OfPacketOut;
        return isBundled ? OfErrorCode.None : OfErrorCode.BundleMessageUnsupported;
    }

    public static void WriteAdd(OfWriter writer, OfBundleAdd bundle, in OfCodecContext context)
    {
        writer.U32(bundle.BundleId).Zeros(2).U16((ushort)bundle.Flags);
        OfEncoder.Write(writer, bundle.Message, bundle.Xid, in context);
    }
}
