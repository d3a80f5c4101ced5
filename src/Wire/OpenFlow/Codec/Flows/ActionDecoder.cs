namespace Fabric.Wire.OpenFlow;

/// <summary>
/// Action lists from bytes: OpenFlow's own actions; Nicira's are in the other part.
/// </summary>
/// <remarks><code>
/// +-------------------------------+-------------------------------+
/// |             type              |  length (a multiple of 8)     |
/// +-------------------------------+-------------------------------+
/// | body; with type 0xffff: experimenter id, subtype (16 bits), body
/// </code>
/// OpenFlow 1.0 section 5.2.4, 1.1 to 1.5 sections on actions, nicira-ext.h.
/// </remarks>
public static partial class ActionDecoder
{
    /// <summary>Nested lists (clone, ct, write-actions) deeper than this are refused.</summary>
    public const int DepthMax = 64;

    private const ushort ExperimenterType = 0xFFFF;

    private static readonly OfAction Nothing = new OfExit();

    /// <summary>Decodes all of 'bytes' as actions and adds them to 'actions'.</summary>
    /// <returns>OpenFlow's error, or none.</returns>
    public static OfErrorCode Decode(
        ReadOnlySpan<byte> bytes, in OfCodecContext context, List<OfAction> actions, int depth = 0)
    {
        if (depth > DepthMax) return OfErrorCode.ActionTooMany;
        while (!bytes.IsEmpty)
        {
            var error = ActionForms.Check(bytes, in context, out var length);
            if (error != OfErrorCode.None) return error;
            var body = new OfReader(bytes[..length]);
            var type = body.U16();
            body.Skip(2);
            error = DecodeOne(type, ref body, in context, depth, out var action);
            if (error != OfErrorCode.None) return error;
            if (body.Failed) return OfErrorCode.ActionBadLength;
            actions.Add(action);
            bytes = bytes[length..];
        }

        return OfErrorCode.None;
    }

    /// <summary>Decodes all of 'bytes'; lists whose bytes are the same may be shared.</summary>
    public static OfErrorCode Decode(
        ReadOnlySpan<byte> bytes, in OfCodecContext context, out ActionList actions)
    {
        if (KnownActions.TryFind(bytes, false, in context, out actions))
        {
            return OfErrorCode.None;
        }

        var list = new List<OfAction>();
        var error = Decode(bytes, in context, list);
        if (error != OfErrorCode.None) return error;
        actions = ActionList.From(list);
        KnownActions.Remember(bytes, false, in context, actions);
        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeOne(
        ushort type, ref OfReader body, in OfCodecContext context, int depth, out OfAction action)
    {
        if (type == ExperimenterType)
        {
            return body.U32() switch
            {
                OfError.NiciraVendor => DecodeNicira(ref body, in context, depth, out action),
                OfError.OnfVendor => DecodeOnf(ref body, out action),
                _ => Fail(OfErrorCode.ActionBadVendor, out action),
            };
        }

        return context.IsVersion10
            ? Decode10(type, ref body, out action)
            : Decode11(type, ref body, in context, out action);
    }

    private static OfErrorCode Decode10(ushort type, ref OfReader body, out OfAction action)
    {
        action = Nothing;
        switch (type)
        {
            case 0: return OutputOf(OfPort.FromWire16(body.U16()), body.U16(), out action);
            case 1: action = new OfSetVlanVid(body.U16()); break;
            case 2: action = new OfSetVlanPcp(body.U8()); break;
            case 3: action = new OfStripVlan(); break;
            case 4: action = new OfSetEthernetSource(body.Mac()); break;
            case 5: action = new OfSetEthernetDestination(body.Mac()); break;
            case 6: action = new OfSetIpv4Source(body.U32()); break;
            case 7: action = new OfSetIpv4Destination(body.U32()); break;
            case 8: action = new OfSetIpTos(body.U8()); break;
            case 9: action = new OfSetPortSource(body.U16()); break;
            case 10: action = new OfSetPortDestination(body.U16()); break;
            case 11:
                var port = OfPort.FromWire16(body.U16());
                body.Skip(6);
                action = new OfEnqueue(port, body.U32());
                break;
            default: return OfErrorCode.ActionBadType;
        }

        return ErrorOfArgument(action);
    }

    private static OfErrorCode Decode11(
        ushort type, ref OfReader body, in OfCodecContext context, out OfAction action)
    {
        action = Nothing;
        switch (type)
        {
            case 0: return OutputOf(body.U32(), body.U16(), out action);
            case 1: action = new OfSetVlanVid(body.U16(), PushWhenUntagged: false); break;
            case 2: action = new OfSetVlanPcp(body.U8(), PushWhenUntagged: false); break;
            case 3: action = new OfSetEthernetSource(body.Mac()); break;
            case 4: action = new OfSetEthernetDestination(body.Mac()); break;
            case 5: action = new OfSetIpv4Source(body.U32()); break;
            case 6: action = new OfSetIpv4Destination(body.U32()); break;
            case 7: action = new OfSetIpTos(body.U8()); break;
            case 8: action = new OfSetIpEcn(body.U8()); break;
            case 9: action = new OfSetPortSource(body.U16()); break;
            case 10: action = new OfSetPortDestination(body.U16()); break;
            case 13: action = new OfSetMplsLabel(body.U32()); break;
            case 14: action = new OfSetMplsTc(body.U8()); break;
            case 15: action = new OfSetMplsTtl(body.U8()); break;
            case 16: action = new OfDecrementMplsTtl(); break;
            case 17: action = new OfPushVlan(body.U16()); break;
            case 18: action = new OfStripVlan(IsPop: true); break;
            case 19: action = new OfPushMpls(body.U16()); break;
            case 20: action = new OfPopMpls(body.U16()); break;
            case 21: action = new OfSetQueue(body.U32()); break;
            case 22: action = new OfGroup(body.U32()); break;
            case 23: action = new OfSetIpTtl(body.U8()); break;
            case 24: action = new OfDecrementTtl(); break;
            case 25: return DecodeSetField(ref body, in context, out action);
            case 28: return DecodeCopyField(ref body, out action);
            case 29: action = new OfMeter(body.U32()); break;
            default: return OfErrorCode.ActionBadType;
        }

        return ErrorOfArgument(action);
    }

    /// <summary>Copy-field, before OpenFlow 1.5 had it.</summary>
    private static OfErrorCode DecodeOnf(ref OfReader body, out OfAction action)
    {
        body.Skip(4);
        return DecodeCopyField(ref body, out action);
    }

    private static OfErrorCode DecodeCopyField(ref OfReader body, out OfAction action)
    {
        action = Nothing;
        var width = body.U16();
        var sourceOffset = body.U16();
        var destinationOffset = body.U16();
        if (!body.Zeros(2)) return OfErrorCode.RequestMustBeZero;
        return DecodeMoved(ref body, sourceOffset, destinationOffset, width, out action);
    }

    private static OfErrorCode DecodeMoved(
        ref OfReader body, int sourceOffset, int destinationOffset, int width, out OfAction action)
    {
        action = Nothing;
        const OfErrorCode unknown = OfErrorCode.MatchBadField;
        var error = SubfieldOf(ref body, sourceOffset, width, false, out var source, unknown);
        if (error != OfErrorCode.None) return error;
        error = SubfieldOf(ref body, destinationOffset, width, true, out var destination, unknown);
        action = new OfMove(source, destination);
        if (error != OfErrorCode.None) return error;
        return body.Zeros(body.Remaining) ? OfErrorCode.None : OfErrorCode.RequestMustBeZero;
    }

    /// <summary>set_field: the only action whose body is a whole OXM entry.</summary>
    private static OfErrorCode DecodeSetField(
        ref OfReader body, in OfCodecContext context, out OfAction action)
    {
        var isMaskAllowed = context.Version >= OfVersion.OpenFlow15 || context.IsVersion10;
        return DecodeSetField(ref body, isMaskAllowed, out action);
    }

    private static OfErrorCode DecodeSetField(
        ref OfReader body, bool isMaskAllowed, out OfAction action)
    {
        action = Nothing;
        var error = NxmCodec.ReadEntry(ref body, out var header, out var value, out var mask);
        if (error == OfErrorCode.MatchBadWildcards) return OfErrorCode.ActionBadSetArgument;
        if (error == OfErrorCode.MatchBadLength) return error;
        if (header.Field is not { } field)
        {
            return header.IsKnown
                ? OfErrorCode.ActionBadSetLength : OfErrorCode.ActionBadSetType;
        }

        if (error != OfErrorCode.None) return error;
        if (!body.Zeros(body.Remaining)) return OfErrorCode.ActionBadSetArgument;
        if (!field.IsWritable) return OfErrorCode.ActionBadSetArgument;
        if (header.HasMask && !isMaskAllowed) return OfErrorCode.ActionBadSetMask;
        if (ReferenceEquals(field, MatchField.VlanVid))
        {
            if (value > 0x1FFF || (!header.HasMask && (value & 0x1000) == 0))
                return OfErrorCode.ActionBadSetArgument;
            (value, mask) = (value & 0xFFF, mask & 0xFFF);
        }

        if (field.TlvIndex < 0 && (value & ~field.ExactMask) != 0)
        {
            return OfErrorCode.ActionBadSetArgument;
        }

        if (header.HasMask && !field.IsMaskable && (mask & field.ExactMask) != field.ExactMask)
        {
            return OfErrorCode.ActionBadSetMask;
        }

        action = new OfSetField(field, value, mask & field.ExactMask);
        return OfErrorCode.None;
    }

    /// <summary>A header of 4 or 8 bytes and the bits of it that an action means.</summary>
    /// <param name="unknown">What a header is called that names no field.</param>
    private static OfErrorCode SubfieldOf(
        ref OfReader body, int offset, int width, bool isWritten, out Subfield subfield,
        OfErrorCode unknown = OfErrorCode.ActionBadSetType)
    {
        subfield = default;
        var header = NxmCodec.ReadHeader(ref body);
        if (body.Failed) return OfErrorCode.MatchBadLength;
        if (header.Field is not { } field || header.HasMask) return unknown;
        subfield = new Subfield(field, offset, width);
        if (width == 0 || offset + width > field.BitWidth) return OfErrorCode.ActionBadSetLength;
        return isWritten && !field.IsWritable
            ? OfErrorCode.ActionBadSetArgument : OfErrorCode.None;
    }

    private static OfErrorCode OutputOf(uint port, ushort maxLength, out OfAction action)
    {
        var isController = port == OfPort.Controller;
        action = isController
            ? new OfController(maxLength) : new OfOutput(port, 0);
        return port != OfPort.None && OfPort.IsNumber(port)
            ? OfErrorCode.None : OfErrorCode.ActionBadOutPort;
    }

    private static OfErrorCode ErrorOfArgument(OfAction action) => action switch
    {
        OfSetVlanVid { Vid: > 0xFFF } => OfErrorCode.ActionBadArgument,
        OfSetVlanPcp { Pcp: > 7 } => OfErrorCode.ActionBadArgument,
        OfSetIpTos tos when (tos.Tos & 3) != 0 => OfErrorCode.ActionBadArgument,
        OfSetIpEcn { Ecn: > 3 } => OfErrorCode.ActionBadArgument,
        OfPushVlan { EthernetType: not (0x8100 or 0x88A8) } => OfErrorCode.ActionBadArgument,
        OfPushMpls { EthernetType: not (0x8847 or 0x8848) } => OfErrorCode.ActionBadArgument,
        OfGroup { GroupId: > OfGroupNumber.Max } => OfErrorCode.ActionBadOutGroup,
        OfSetMplsLabel { Label: > 0xFFFFF } => OfErrorCode.ActionBadArgument,
        OfSetMplsTc { Tc: > 7 } => OfErrorCode.ActionBadArgument,
        OfEnqueue { Port: > OfPort.Max and not (OfPort.InPort or OfPort.Local) } =>
            OfErrorCode.ActionBadOutPort,
        _ => OfErrorCode.None,
    };

    private static OfErrorCode Fail(OfErrorCode error, out OfAction action)
    {
        action = Nothing;
        return error;
    }
}
