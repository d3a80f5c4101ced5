using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Netlink;

/// <summary>A message of ovs_meter: linux/openvswitch.h, OVS_METER_ATTR_*.</summary>
public sealed record OvsMeterMessage
{
    public uint? Id { get; init; }
    /// <summary>Rates are kilobits per second, else packets per second.</summary>
    public bool IsKbps { get; init; }
    public OvsFlowCount? Statistics { get; init; }
    public EquatableArray<OvsMeterBand> Bands { get; init; }
    public ulong? Used { get; init; }
    public bool Clear { get; init; }
    public uint? MetersMax { get; init; }
    public uint? BandsMax { get; init; }

    public static bool TryParse(
        scoped in OvsMessage message, out OvsMeterMessage value, out NetlinkFault fault)
    {
        value = new OvsMeterMessage();
        var reader = new NetlinkAttributeReader(message.Attributes, "meter");
        while (reader.TryNext())
        {
            value = reader.Type switch
            {
                OvsMeterAttribute.Id => value with
                {
                    Id = reader.UInt32(),
                },
                OvsMeterAttribute.Kbps => value with
                {
                    IsKbps = reader.Flag(),
                },
                OvsMeterAttribute.Statistics => value with
                {
                    Statistics = OvsFlowCount.Read(ref reader),
                },
                OvsMeterAttribute.Bands => value with
                {
                    Bands = OvsMeterBand.ReadAll(ref reader),
                },
                OvsMeterAttribute.Used => value with
                {
                    Used = reader.UInt64(),
                },
                OvsMeterAttribute.Clear => value with
                {
                    Clear = reader.Flag(),
                },
                OvsMeterAttribute.MetersMax => value with
                {
                    MetersMax = reader.UInt32(),
                },
                OvsMeterAttribute.BandsMax => value with
                {
                    BandsMax = reader.UInt32(),
                },
                _ => value,
            };
        }

        return reader.IsSound(out fault);
    }

    public void Write(ref NetlinkWriter writer, scoped in OvsHeader header)
    {
        var start = writer.BeginMessage(in header);
        if (Id is { } id)
        {
            writer.PutUInt32(OvsMeterAttribute.Id, id);
        }

        if (IsKbps) writer.PutFlag(OvsMeterAttribute.Kbps);
        Statistics?.Write(ref writer, OvsMeterAttribute.Statistics);
        OvsMeterBand.WriteAll(ref writer, Bands);
        if (Used is { } used)
        {
            writer.PutUInt64(OvsMeterAttribute.Used, used);
        }

        if (Clear) writer.PutFlag(OvsMeterAttribute.Clear);
        if (MetersMax is { } metersMax)
        {
            writer.PutUInt32(OvsMeterAttribute.MetersMax, metersMax);
        }

        if (BandsMax is { } bandsMax)
        {
            writer.PutUInt32(OvsMeterAttribute.BandsMax, bandsMax);
        }

        writer.EndMessage(start);
    }
}

/// <summary>struct ovs_flow_stats.</summary>
public sealed record OvsFlowCount(ulong Packets, ulong Bytes)
{
    internal static OvsFlowCount? Read(ref NetlinkAttributeReader reader) =>
        reader.IsSizeMin(16)
            ? new OvsFlowCount(OvsCounters.Read(reader.Value, 0), OvsCounters.Read(reader.Value, 1))
            : null;

    internal void Write(ref NetlinkWriter writer, ushort type) =>
        writer.PutUInt64s(type, Packets, Bytes);
}

/// <param name="Type"><see cref="OvsBandType"/>: Drop is the only one.</param>
/// <param name="Rate">Null in FEATURES, which lists types.</param>
public sealed record OvsMeterBand(
    uint Type, uint? Rate = null, uint? Burst = null, OvsFlowCount? Statistics = null)
{
    internal static EquatableArray<OvsMeterBand> ReadAll(ref NetlinkAttributeReader outer)
    {
        var bands = new List<OvsMeterBand>();
        var items = new NetlinkAttributeReader(outer.Value, "meter bands");
        while (items.TryNext())
        {
            if (bands.Count == NetlinkLimits.MeterBandCountMax)
            {
                items.Refuse(NetlinkFaultKind.TooMany);
                break;
            }

            if (TryRead(items.Value, out var band, out var inside)) bands.Add(band);
            else items.Refuse(in inside);
        }

        if (!items.IsSound(out var fault)) outer.Refuse(in fault);
        return bands.ToEquatableArray();
    }

    internal static void WriteAll(ref NetlinkWriter writer, EquatableArray<OvsMeterBand> bands)
    {
        if (bands.IsEmpty) return;
        var list = writer.Begin(OvsMeterAttribute.Bands);
        foreach (var band in bands)
        {
            var item = writer.Begin(OvsBandAttribute.Item);
            writer.PutUInt32(OvsBandAttribute.Type, band.Type);
            if (band.Rate is { } rate) writer.PutUInt32(OvsBandAttribute.Rate, rate);
            if (band.Burst is { } burst) writer.PutUInt32(OvsBandAttribute.Burst, burst);
            band.Statistics?.Write(ref writer, OvsBandAttribute.Statistics);
            writer.End(item);
        }

        writer.End(list);
    }

    private static bool TryRead(
        ReadOnlySpan<byte> attributes, out OvsMeterBand band, out NetlinkFault fault)
    {
        band = new OvsMeterBand(0);
        var reader = new NetlinkAttributeReader(attributes, "meter band");
        while (reader.TryNext())
        {
            band = reader.Type switch
            {
                OvsBandAttribute.Type => band with { Type = reader.UInt32() },
                OvsBandAttribute.Rate => band with { Rate = reader.UInt32() },
                OvsBandAttribute.Burst => band with { Burst = reader.UInt32() },
                OvsBandAttribute.Statistics => band with
                {
                    Statistics = OvsFlowCount.Read(ref reader),
                },
                _ => band,
            };
        }

        return reader.IsSound(out fault);
    }
}
