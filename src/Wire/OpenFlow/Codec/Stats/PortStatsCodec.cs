namespace Fabric.Wire.OpenFlow;

/// <summary>Counters of a port: one structure, and from OpenFlow 1.4 on properties.</summary>
/// <remarks>
/// Beside the Ethernet property Open vSwitch tells two of Intel's: RFC 2819's counters, which
/// nothing here keeps, and the device's own. Both have type 0xffff, length, experimenter and the
/// property's number; then the latter has
/// <code>
/// +---------------------------------------------------------------+
/// | padding (2 bytes)             | number of counters            |
/// +---------------+-----------------------------------------------+
/// | length        | name, value of 8 bytes; and so on             |
/// </code>
/// and zeros to a multiple of 8 bytes, which its length does not count.
/// </remarks>
internal static class PortStatsCodec
{
    private const ushort EthernetProperty = 0;
    private const ushort Experimenter = 0xFFFF;
    private const uint IntelVendor = 0xAA01;
    private const uint Rfc2819 = 1;
    private const uint Custom = 2;
    private const int Rfc2819Count = 21;
    private const int FixedSize = 80;

    public static OfErrorCode Read(
        ref OfReader body, in OfCodecContext context, out OfPortStats stats)
    {
        var has14 = context.Version >= OfVersion.OpenFlow14;
        var length = 0;
        if (has14)
        {
            length = body.U16();
            body.Skip(2);
        }

        var port = PortCodec.ReadPort(ref body, in context, 6);
        if (!context.IsVersion10 && !has14) body.Skip(4);
        var duration = has14 ? FlowCodec.ReadDuration(ref body) : default;
        stats = new OfPortStats(port, body.U64(), body.U64(), body.U64(), body.U64(), body.U64(),
            body.U64(), body.U64(), body.U64(), ulong.MaxValue, ulong.MaxValue, ulong.MaxValue,
            ulong.MaxValue, duration);
        if (has14)
        {
            if (length < FixedSize || length - FixedSize > body.Remaining)
                return OfErrorCode.RequestBadLength;
            return ReadProperties(body.Bytes(length - FixedSize), ref stats);
        }

        stats = WithErrors(stats, ref body);
        if (context.Version == OfVersion.OpenFlow13)
            stats = stats with { Duration = FlowCodec.ReadDuration(ref body) };
        return body.Failed ? OfErrorCode.RequestBadLength : OfErrorCode.None;
    }

    public static void Write(OfWriter writer, OfPortStats stats, in OfCodecContext context)
    {
        var start = writer.Length;
        var has14 = context.Version >= OfVersion.OpenFlow14;
        if (has14) writer.U16(0).Zeros(2);
        PortCodec.WritePort(writer, stats.Port, in context, 6);
        if (!context.IsVersion10 && !has14) writer.Zeros(4);
        if (has14) FlowCodec.WriteDuration(writer, stats.Duration);
        writer.U64(stats.ReceivePackets).U64(stats.TransmitPackets);
        writer.U64(stats.ReceiveBytes).U64(stats.TransmitBytes);
        writer.U64(stats.ReceiveDropped).U64(stats.TransmitDropped);
        writer.U64(stats.ReceiveErrors).U64(stats.TransmitErrors);
        if (has14) writer.U16(EthernetProperty).U16(40).Zeros(4);
        writer.U64(stats.ReceiveFrameErrors).U64(stats.ReceiveOverErrors);
        writer.U64(stats.ReceiveCrcErrors).U64(stats.Collisions);
        if (context.Version == OfVersion.OpenFlow13)
            FlowCodec.WriteDuration(writer, stats.Duration);
        if (!has14) return;
        writer.U16(Experimenter).U16(16 + (8 * Rfc2819Count)).U32(IntelVendor).U32(Rfc2819);
        writer.Zeros(4);
        for (var i = 0; i < Rfc2819Count; i++) writer.U64(ulong.MaxValue);
        if (stats.Custom.Count > 0) WriteCustom(writer, stats.Custom);
        writer.PatchU16(start, writer.Length - start);
    }

    private static void WriteCustom(OfWriter writer, EquatableArray<OfPortCounter> counters)
    {
        var start = writer.Length;
        writer.U16(Experimenter).U16(0).U32(IntelVendor).U32(Custom).Zeros(2);
        writer.U16((ushort)counters.Count);
        foreach (var (name, value) in counters)
        {
            writer.U8((byte)name.Length).Bytes(System.Text.Encoding.ASCII.GetBytes(name));
            writer.U64(value);
        }

        writer.PatchU16(start + 2, writer.Length - start);
        writer.Align8(start);
    }

    private static OfErrorCode ReadProperties(ReadOnlySpan<byte> bytes, ref OfPortStats stats)
    {
        var properties = new OfReader(bytes);
        while (properties.Remaining >= 4)
        {
            var (type, size) = (properties.U16(), properties.U16());
            if (size < 4 || size - 4 > properties.Remaining) return OfErrorCode.PropertyBadLength;
            var property = new OfReader(properties.Bytes(size - 4));
            properties.Align8();
            if (type == EthernetProperty)
            {
                property.Skip(4);
                stats = WithErrors(stats, ref property);
            }
            else if (type == Experimenter && property.U32() == IntelVendor
                && property.U32() == Custom)
            {
                property.Skip(2);
                stats = stats with { Custom = ReadCustom(ref property) };
            }
        }

        return OfErrorCode.None;
    }

    private static EquatableArray<OfPortCounter> ReadCustom(ref OfReader property)
    {
        var counters = new List<OfPortCounter>();
        for (var left = property.U16(); left > 0 && !property.IsEmpty; left--)
        {
            counters.Add(new OfPortCounter(property.Text(property.U8()), property.U64()));
        }

        return property.Failed ? [] : counters.ToEquatableArray();
    }

    private static OfPortStats WithErrors(OfPortStats stats, ref OfReader body) => stats with
    {
        ReceiveFrameErrors = body.U64(),
        ReceiveOverErrors = body.U64(),
        ReceiveCrcErrors = body.U64(),
        Collisions = body.U64(),
    };
}
