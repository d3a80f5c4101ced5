using System.Net;

namespace Fabric.Wire.OpenFlow;

/// <summary>
/// NXT_CT_FLUSH: protocol, padding, then properties for tuples, zone, mark, labels.
/// </summary>
internal static class ConntrackFlushCodec
{
    private const ushort Original = 0, Reply = 1, Zone = 2, Mark = 3, MarkMask = 4, Labels = 5,
        LabelsMask = 6, Experimenter = 0xFFFF;
    private const ushort TupleSource = 0, TupleDestination = 1, TuplePortSource = 2,
        TuplePortDestination = 3, TupleIcmpId = 4, TupleIcmpType = 5, TupleIcmpCode = 6;

    public static OfErrorCode Decode(ref OfReader body, out OfMessage message)
    {
        var protocol = body.U8();
        var flush = new OfConntrackFlush(protocol, 0, null, null, null);
        message = flush;
        if (body.Remaining % 8 != 7) return OfErrorCode.RequestBadLength;
        if (!body.Zeros(7)) return OfErrorCode.RequestMustBeZero;
        while (!body.IsEmpty)
        {
            var start = body.Position;
            var (type, length) = (body.U16(), body.U16());
            if (body.Failed || length < 4 || length - 4 > body.Remaining)
                return OfErrorCode.PropertyBadLength;
            var value = new OfReader(body.Bytes(length - 4));
            body.Align8(start);
            var error = OfErrorCode.None;
            OfConntrackTuple tuple;
            switch (type)
            {
                case Original:
                    error = DecodeTuple(ref value, out tuple);
                    flush = flush with { Original = tuple };
                    break;
                case Reply:
                    error = DecodeTuple(ref value, out tuple);
                    flush = flush with { Reply = tuple };
                    break;
                case Zone: flush = flush with { Zone = value.U16() }; break;
                case Mark: flush = flush with { Mark = value.U32() }; break;
                case MarkMask: flush = flush with { MarkMask = value.U32() }; break;
                case Labels:
                    value.Skip(value.Remaining - 16);
                    flush = flush with { Labels = value.Number(16) };
                    break;
                case LabelsMask:
                    value.Skip(value.Remaining - 16);
                    flush = flush with { LabelsMask = value.Number(16) };
                    break;
                case Experimenter: return OfErrorCode.PropertyBadExperimenter;
                default: value.Rest(); break; // Of a later version.
            }

            if (error != OfErrorCode.None) return error;
            if (value.Failed) return OfErrorCode.PropertyBadLength;
        }

        message = flush;
        return OfErrorCode.None;
    }

    private static OfErrorCode DecodeTuple(ref OfReader body, out OfConntrackTuple tuple)
    {
        tuple = new OfConntrackTuple(null, null, null, null, null, null, null);
        body.Skip(4);
        while (!body.IsEmpty)
        {
            var start = body.Position;
            var (type, length) = (body.U16(), body.U16());
            if (body.Failed || length < 4 || length - 4 > body.Remaining)
                return OfErrorCode.PropertyBadLength;
            var value = new OfReader(body.Bytes(length - 4));
            body.Align8(start);
            switch (type)
            {
                case TupleSource: tuple = tuple with { Source = AddressOf(ref value) }; break;
                case TupleDestination:
                    tuple = tuple with { Destination = AddressOf(ref value) };
                    break;
                case TuplePortSource: tuple = tuple with { PortSource = value.U16() }; break;
                case TuplePortDestination:
                    tuple = tuple with { PortDestination = value.U16() };
                    break;
                case TupleIcmpId: tuple = tuple with { IcmpId = value.U16() }; break;
                case TupleIcmpType: tuple = tuple with { IcmpType = value.U8() }; break;
                case TupleIcmpCode: tuple = tuple with { IcmpCode = value.U8() }; break;
                default: return OfErrorCode.PropertyBadType;
            }

            if (value.Failed) return OfErrorCode.PropertyBadLength;
        }

        return OfErrorCode.None;
    }

    private static IPAddress? AddressOf(ref OfReader value)
    {
        if (value.Remaining > 16) value.Skip(value.Remaining - 16);
        var bytes = value.Bytes(16);
        if (bytes.Length != 16) return null;
        var address = new IPAddress(bytes);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    public static void Write(OfWriter writer, OfConntrackFlush flush)
    {
        writer.U8(flush.Protocol).Zeros(7);
        if (flush.Original is { } original) WriteTuple(writer, Original, original);
        if (flush.Reply is { } reply) WriteTuple(writer, Reply, reply);
        if (flush.Zone is { } zone) writer.U16(Zone).U16(6).U16(zone).Zeros(2);
        if (flush.Mark is { } mark) writer.U16(Mark).U16(8).U32(mark);
        if (flush.MarkMask is { } mask) writer.U16(MarkMask).U16(8).U32(mask);
        if (flush.Labels is { } labels) writer.U16(Labels).U16(24).Zeros(4).Number(labels, 16);
        if (flush.LabelsMask is { } labelsMask)
            writer.U16(LabelsMask).U16(24).Zeros(4).Number(labelsMask, 16);
    }

    private static void WriteTuple(OfWriter writer, ushort type, OfConntrackTuple tuple)
    {
        var start = writer.Length;
        writer.U16(type).U16(0).Zeros(4);
        if (tuple.Source is { } source) WriteAddress(writer, TupleSource, source);
        if (tuple.Destination is { } destination)
            WriteAddress(writer, TupleDestination, destination);
        if (tuple.PortSource is { } sport) writer.U16(TuplePortSource).U16(6).U16(sport).Zeros(2);
        if (tuple.PortDestination is { } dport)
            writer.U16(TuplePortDestination).U16(6).U16(dport).Zeros(2);
        if (tuple.IcmpId is { } id) writer.U16(TupleIcmpId).U16(6).U16(id).Zeros(2);
        if (tuple.IcmpType is { } icmpType) writer.U16(TupleIcmpType).U16(5).U8(icmpType).Zeros(3);
        if (tuple.IcmpCode is { } code) writer.U16(TupleIcmpCode).U16(5).U8(code).Zeros(3);
        writer.PatchU16(start + 2, writer.Length - start);
        writer.Align8(start);
    }

    private static void WriteAddress(OfWriter writer, ushort type, IPAddress address)
    {
        writer.U16(type).U16(20).Bytes(address.MapToIPv6().GetAddressBytes());
        writer.Zeros(4);
    }
}
