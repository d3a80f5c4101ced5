using System.Net;

namespace Fabric.Wire.OpenFlow;

/// <content>Nicira's actions (vendor 0x2320), by subtype.</content>
public static partial class ActionDecoder
{
    private const int NiciraHeaderSize = 10;
    private const ushort CtCommit = 1;
    private const ushort CtForce = 2;

    private static OfErrorCode DecodeNicira(
        ref OfReader body, in OfCodecContext context, int depth, out OfAction action)
    {
        action = Nothing;
        var subtype = body.U16();
        switch (subtype)
        {
            case 1: action = ResubmitOf(body.U16(), 255, false); break;
            case 14 or 44:
                action = ResubmitOf(body.U16(), body.U8(), subtype == 44);
                if (!body.Zeros(3)) return OfErrorCode.ActionBadArgument;
                break;
            case 2: action = new OfSetTunnel(Padded32(ref body)); break;
            case 9: action = new OfSetTunnel(Padded64(ref body), Is64: true); break;
            case 4: action = new OfSetQueue(Padded32(ref body)); break;
            case 5: action = new OfPopQueue(); break;
            case 6: return DecodeMove(ref body, out action);
            case 7: return DecodeLoad(ref body, out action);
            case 8: action = new OfNote(EquatableArray.Create(body.Rest())); break;
            case 10: return DecodeMultipath(ref body, out action);
            case 12 or 13: return DecodeBundle(ref body, subtype == 13, out action);
            case 15 or 32: return DecodeOutputRegister(ref body, subtype == 32, out action);
            case 16 or 45: return LearnCodec.Decode(ref body, subtype == 45, out action);
            case 17: action = new OfExit(); break;
            case 18: action = new OfDecrementTtl(); break;
            case 21: return DecodeDecrementTtlIds(ref body, out action);
            case 19: action = new OfFinTimeout(body.U16(), body.U16()); break;
            case 20 or 37: return DecodeController(ref body, subtype == 37, out action);
            case 22:
                if (!body.Zeros(6)) return OfErrorCode.RequestMustBeZero;
                action = new OfWriteMetadata(body.U64(), body.U64());
                break;
            case 23: action = new OfPushMpls(body.U16()); break;
            case 24: action = new OfPopMpls(body.U16()); break;
            case 25: action = new OfSetMplsTtl(body.U8()); break;
            case 26: action = new OfDecrementMplsTtl(); break;
            case 30: action = new OfSetMplsLabel(Padded32(ref body)); break;
            case 31: action = new OfSetMplsTc(body.U8()); break;
            case 40: action = new OfGroup(Padded32(ref body)); break;
            case 46: return DecodeEncap(ref body, out action);
            case 47: action = DecapOf(Padded32(ref body)); break;
            case 48: action = new OfDecrementNshTtl(); break;
            case 254: action = new OfDebugSlow(); break;
            case 255: action = new OfDebugRecirculate(); break;
            default: return DecodeLaterNicira(subtype, ref body, in context, depth, out action);
        }

        return ErrorOfArgument(action);
    }

    private static OfErrorCode DecodeLaterNicira(
        ushort subtype, ref OfReader body, in OfCodecContext context, int depth,
        out OfAction action)
    {
        switch (subtype)
        {
            case 27 or 28: return DecodeStack(ref body, subtype == 27, out action);
            case 29 or 38 or 41: return DecodeSample(ref body, subtype, out action);
            case 33:
                return DecodeSetField(ref body, isMaskAllowed: true, out action);
            case 34: return DecodeConjunction(ref body, out action);
            case 36: return Fail(OfErrorCode.ActionBadSetArgument, out action); // Only in ct.
            case 35: return DecodeConntrack(ref body, in context, depth, out action);
            case 39: return DecodeTruncate(ref body, out action);
            case 42: return DecodeClone(ref body, in context, depth, out action);
            case 43:
                action = new OfConntrackClear();
                return OfErrorCode.None;
            case 49: return DecodeCheckPacketLarger(ref body, out action);
            case 50: return DecodeDeleteField(ref body, out action);
            default: return Fail(OfErrorCode.ActionBadVendorType, out action);
        }
    }

    private static OfResubmit ResubmitOf(ushort port, byte table, bool withTuple)
    {
        var inPort = OfPort.FromWire16(port);
        return new OfResubmit(inPort == OfPort.InPort ? null : inPort, table, withTuple);
    }

    private static uint Padded32(ref OfReader body)
    {
        body.Skip(2);
        return body.U32();
    }

    private static ulong Padded64(ref OfReader body)
    {
        body.Skip(6);
        return body.U64();
    }

    private static OfErrorCode DecodeMove(ref OfReader body, out OfAction action)
    {
        var width = body.U16();
        return DecodeMoved(ref body, body.U16(), body.U16(), width, out action);
    }

    private static OfErrorCode DecodeLoad(ref OfReader body, out OfAction action)
    {
        action = Nothing;
        var bits = body.U16();
        var error = SubfieldOf(ref body, bits >> 6, (bits & 0x3F) + 1, true, out var destination);
        if (error != OfErrorCode.None) return error;
        var value = body.U64();
        if (destination.Width < 64 && value >> destination.Width != 0)
        {
            return OfErrorCode.ActionBadArgument;
        }

        action = new OfLoad(destination, value);
        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeStack(ref OfReader body, bool isPush, out OfAction action)
    {
        action = Nothing;
        var offset = body.U16();
        var header = NxmCodec.ReadHeader(ref body);
        var width = body.U16();
        if (body.Failed) return OfErrorCode.ActionBadLength;
        if (header.Field is not { } field) return OfErrorCode.MatchBadField;
        if (width == 0 || offset + width > field.BitWidth) return OfErrorCode.ActionBadSetLength;
        var subfield = new Subfield(field, offset, width);
        action = isPush ? new OfStackPush(subfield) : new OfStackPop(subfield);
        if (!body.Zeros(body.Remaining)) return OfErrorCode.RequestMustBeZero;
        return isPush || field.IsWritable ? OfErrorCode.None : OfErrorCode.ActionBadSetArgument;
    }

    private static OfErrorCode DecodeMultipath(ref OfReader body, out OfAction action)
    {
        action = Nothing;
        var fields = body.U16();
        var basis = body.U16();
        body.Skip(2);
        var algorithm = body.U16();
        var maxLink = body.U16();
        var argument = body.U32();
        body.Skip(2);
        var bits = body.U16();
        var error = SubfieldOf(ref body, bits >> 6, (bits & 0x3F) + 1, true, out var destination);
        if (error != OfErrorCode.None) return error;
        if (fields > (int)OfHashFields.SymmetricL3 || algorithm > 3)
        {
            return OfErrorCode.ActionBadArgument;
        }

        if (destination.Width < 16 && maxLink >= 1 << destination.Width)
        {
            return OfErrorCode.ActionBadArgument;
        }

        action = new OfMultipath((OfHashFields)fields, basis, (OfMultipathAlgorithm)algorithm,
            maxLink + 1u, argument, destination);
        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeBundle(ref OfReader body, bool isLoad, out OfAction action)
    {
        const uint memberType = 0x0000_0002; // NXM_OF_IN_PORT
        action = Nothing;
        var algorithm = body.U16();
        var fields = body.U16();
        var basis = body.U16();
        var type = body.U32();
        var count = body.U16();
        var bits = body.U16();
        Subfield? destination = null;
        if (isLoad)
        {
            var error = SubfieldOf(ref body, bits >> 6, (bits & 0x3F) + 1, true, out var load);
            if (error != OfErrorCode.None) return error;
            if (load.Width < 16) return OfErrorCode.ActionBadArgument;
            destination = load;
        }
        else if (bits != 0 || !body.Zeros(4))
        {
            return OfErrorCode.ActionBadArgument;
        }

        if (!body.Zeros(4)) return OfErrorCode.ActionBadArgument;
        if (type != memberType || algorithm > 1 || fields > (int)OfHashFields.SymmetricL3)
        {
            return OfErrorCode.ActionBadArgument;
        }

        if (body.Failed || count * 2 > body.Remaining) return OfErrorCode.ActionBadLength;
        var members = new uint[count];
        for (var i = 0; i < count; i++) members[i] = OfPort.FromWire16(body.U16());
        action = new OfBundle((OfHashFields)fields, basis, (OfBundleAlgorithm)algorithm,
            EquatableArray.Create<uint>(members), destination);
        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeOutputRegister(
        ref OfReader body, bool isSecond, out OfAction action)
    {
        action = Nothing;
        var bits = body.U16();
        ushort maxLength = 0;
        if (isSecond) maxLength = body.U16();
        var error = SubfieldOf(
            ref body, bits >> 6, (bits & 0x3F) + 1, false, out var source,
            isSecond ? OfErrorCode.MatchBadField : OfErrorCode.ActionBadSetType);
        if (error != OfErrorCode.None) return error;
        if (!isSecond) maxLength = body.U16();
        action = new OfOutputRegister(source, maxLength);
        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeDecrementTtlIds(ref OfReader body, out OfAction action)
    {
        action = Nothing;
        var count = body.U16();
        if (!body.Zeros(4)) return OfErrorCode.RequestMustBeZero;
        if (body.Failed || count * 2 > body.Remaining) return OfErrorCode.ActionBadLength;
        var ids = new ushort[count];
        for (var i = 0; i < count; i++) ids[i] = body.U16();
        action = new OfDecrementTtl(EquatableArray.Create<ushort>(ids));
        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeController(
        ref OfReader body, bool isSecond, out OfAction action)
    {
        if (!isSecond)
        {
            action = new OfController(body.U16(), body.U16(), (PacketInReason)body.U8());
            return OfErrorCode.None;
        }

        var result = new OfController();
        action = result;
        if (!body.Zeros(6)) return OfErrorCode.RequestMustBeZero;
        while (!body.IsEmpty)
        {
            var start = body.Position;
            var type = body.U16();
            var length = body.U16();
            if (body.Failed || length < 4 || length - 4 > body.Remaining
                || (type == ExperimenterType && length < 12))
            {
                return OfErrorCode.PropertyBadLength;
            }

            var value = new OfReader(body.Bytes(length - 4));
            switch (type)
            {
                case 0: result = result with { MaxLength = value.U16() }; break;
                case 1: result = result with { ControllerId = value.U16() }; break;
                case 2: result = result with { Reason = (PacketInReason)value.U8() }; break;
                case 3:
                    result = result with { Userdata = EquatableArray.Create(value.Rest()) };
                    break;
                case 4: result = result with { Pause = true }; break;
                case 5: result = result with { MeterId = value.U32() }; break;
                default: return OfErrorCode.PropertyBadType;
            }

            if (value.Failed) return OfErrorCode.PropertyBadLength;
            body.Align8(start);
        }

        action = result;
        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeSample(ref OfReader body, ushort subtype, out OfAction action)
    {
        var sample = new OfSample(body.U16(), body.U32(), body.U32(), body.U32());
        if (subtype != 29)
        {
            var port = OfPort.FromWire16(body.U16());
            var direction = body.U8();
            if (subtype == 38) direction = 0;
            action = sample with { SamplingPort = port, Direction = (OfSampleDirection)direction };
            if (direction > 2) return OfErrorCode.ActionBadArgument;
        }
        else
        {
            action = sample;
        }

        return sample.Probability == 0 ? OfErrorCode.ActionBadArgument : OfErrorCode.None;
    }

    private static OfErrorCode DecodeConjunction(ref OfReader body, out OfAction action)
    {
        var clause = body.U8();
        var count = body.U8();
        action = new OfConjunction(body.U32(), clause, count);
        return count is < 2 or > 64 || clause >= count
            ? OfErrorCode.ActionBadConjunction : OfErrorCode.None;
    }

    private static OfErrorCode DecodeTruncate(ref OfReader body, out OfAction action)
    {
        var port = OfPort.FromWire16(body.U16());
        action = new OfOutputTruncate(port, body.U32());
        if (port == OfPort.None || !OfPort.IsNumber(port)) return OfErrorCode.ActionBadOutPort;
        return action is OfOutputTruncate { MaxLength: < 14 }
            ? OfErrorCode.ActionBadArgument : OfErrorCode.None;
    }

    private static OfErrorCode DecodeClone(
        ref OfReader body, in OfCodecContext context, int depth, out OfAction action)
    {
        body.Skip(6);
        var actions = new List<OfAction>();
        var error = Decode(body.Rest(), in context, actions, depth + 1);
        action = new OfClone(ActionList.From(actions));
        return error;
    }

    private static OfErrorCode DecodeCheckPacketLarger(ref OfReader body, out OfAction action)
    {
        action = Nothing;
        var size = body.U16();
        var offset = body.U16();
        var error = SubfieldOf(
            ref body, offset, 1, true, out var destination, OfErrorCode.MatchBadField);
        if (error != OfErrorCode.None) return error;
        action = new OfCheckPacketLarger(destination, size);
        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeDeleteField(ref OfReader body, out OfAction action)
    {
        action = Nothing;
        var header = NxmCodec.ReadHeader(ref body);
        if (body.Failed) return OfErrorCode.ActionBadLength;
        if (header.Field is not { } field) return OfErrorCode.MatchBadField;
        if (field.TlvIndex < 0) return OfErrorCode.ActionBadSetArgument;
        action = new OfDeleteField(field);
        return OfErrorCode.None;
    }

    private static OfDecap DecapOf(uint packetType) =>
        new(packetType == 0xFFFE ? null : packetType);

    private static OfErrorCode DecodeEncap(ref OfReader body, out OfAction action)
    {
        action = Nothing;
        body.Skip(2);
        var packetType = body.U32();
        var properties = new List<OfEncapProperty>();
        while (body.Remaining >= 4)
        {
            var start = body.Position;
            var propertyClass = body.U16();
            var type = body.U8();
            var length = body.U8();
            if (length < 4 || length - 4 > body.Remaining) return OfErrorCode.ActionBadLength;
            if ((propertyClass, type) is not ((4, 1) or (4, 2)))
                return OfErrorCode.ActionUnknownProperty;
            var data = EquatableArray.Create(body.Bytes(length - 4));
            properties.Add(new OfEncapProperty(propertyClass, type, data));
            body.Align8(start);
        }

        action = new OfEncap(packetType, properties.ToEquatableArray());
        return packetType is 0 or 0x0001_894F or 0x0001_8847 or 0x0001_8848 or 0x0001_8949
            ? OfErrorCode.None : OfErrorCode.ActionBadHeaderType;
    }

    private static OfErrorCode DecodeConntrack(
        ref OfReader body, in OfCodecContext context, int depth, out OfAction action)
    {
        action = Nothing;
        var flags = body.U16();
        var zoneHeader = body.U32();
        var zone = body.U16();
        var table = body.U8();
        body.Skip(3);
        var alg = body.U16();
        if (body.Failed) return OfErrorCode.ActionBadLength;
        if ((flags & (CtCommit | CtForce)) == CtForce) return OfErrorCode.ActionBadArgument;
        Subfield? zoneSource = null;
        if (zoneHeader != 0)
        {
            var field = MatchField.Find(zoneHeader, 0);
            if (field is null) return OfErrorCode.ActionBadSetType;
            zoneSource = new Subfield(field, zone >> 6, (zone & 0x3F) + 1);
            if (zoneSource.Value.Width != 16 || zoneSource.Value.Offset + 16 > field.BitWidth)
            {
                return OfErrorCode.ActionBadSetLength;
            }
        }

        var nested = new List<OfAction>();
        var error = DecodeNested(body.Rest(), in context, depth + 1, nested, out var nat);
        if (error != OfErrorCode.None) return error;
        var sets = nested.Count > 0; // What a connection has is set when it is committed.
        if (sets && (flags & CtCommit) == 0) return OfErrorCode.ActionBadArgument;
        action = new OfConntrack((flags & CtCommit) != 0, (flags & CtForce) != 0,
            table == 255 ? null : table, zoneSource is null ? zone : (ushort)0, zoneSource, alg,
            nat, ActionList.From(nested));
        return OfErrorCode.None;
    }

    /// <summary>Inside ct: nat (36) once, and loads of ct_mark and ct_label.</summary>
    private static OfErrorCode DecodeNested(
        ReadOnlySpan<byte> bytes, in OfCodecContext context, int depth, List<OfAction> actions,
        out OfNat? nat)
    {
        nat = null;
        while (bytes.Length >= NiciraHeaderSize)
        {
            var reader = new OfReader(bytes);
            var type = reader.U16();
            var length = reader.U16();
            if (length < 8 || length % 8 != 0 || length > bytes.Length)
                return OfErrorCode.ActionBadLength;
            var isNat = type == ExperimenterType && reader.U32() == OfError.NiciraVendor
                && reader.U16() == 36;
            OfErrorCode error;
            if (isNat)
            {
                var body = new OfReader(bytes[NiciraHeaderSize..length]);
                error = DecodeNat(ref body, out nat);
            }
            else
            {
                error = Decode(bytes[..length], in context, actions, depth);
            }

            if (error != OfErrorCode.None) return error;
            bytes = bytes[length..];
        }

        foreach (var action in actions)
        {
            var field = action switch
            {
                OfSetField set => set.Field,
                OfLoad load => load.Destination.Field,
                OfMove move => move.Destination.Field,
                _ => null,
            };
            if (!ReferenceEquals(field, MatchField.ConntrackMark)
                && !ReferenceEquals(field, MatchField.ConntrackLabel))
            {
                return OfErrorCode.ActionBadArgument;
            }
        }

        return bytes.IsEmpty ? OfErrorCode.None : OfErrorCode.ActionBadLength;
    }

    private static OfErrorCode DecodeNat(ref OfReader body, out OfNat? nat)
    {
        nat = null;
        body.Skip(2);
        var flags = body.U16();
        var present = body.U16();
        var type =
            (flags & 3) switch
            {
                1 => OfNatType.Source,
                2 => OfNatType.Destination,
                _ =>
            OfNatType.None
            };
        if ((flags & 3) == 3 || flags >> 5 != 0) return OfErrorCode.ActionBadArgument;
        IPAddress? min = null, max = null;
        if ((present & 1) != 0)
            min = new IPAddress(body.Bytes(4) is { Length: 4 } v4 ? v4 : new byte[4]);
        if ((present & 2) != 0)
            max = new IPAddress(body.Bytes(4) is { Length: 4 } v4 ? v4 : new byte[4]);
        if ((present & 4) != 0)
            min = new IPAddress(body.Bytes(16) is { Length: 16 } v6 ? v6 : new byte[16]);
        if ((present & 8) != 0)
            max = new IPAddress(body.Bytes(16) is { Length: 16 } v6 ? v6 : new byte[16]);
        var portMin = (present & 16) != 0 ? body.U16() : (ushort)0;
        var portMax = (present & 32) != 0 ? body.U16() : (ushort)0;
        if (body.Failed || (min is not null && max is not null && !min.IsUpTo(max)))
            return OfErrorCode.ActionBadArgument;
        if (portMax != 0 && portMin > portMax) return OfErrorCode.ActionBadArgument;
        if (type == OfNatType.None && (present != 0 || (flags & ~3) != 0))
        {
            return OfErrorCode.ActionBadArgument;
        }

        nat = new OfNat(type, min, max, portMin, portMax, (flags & 4) != 0, (flags & 8) != 0,
            (flags & 16) != 0);
        return OfErrorCode.None;
    }
}
