using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>Meters (OpenFlow 1.3 and later).</summary>
internal static class OfctlMeters
{
    public static readonly OfctlCommand[] Commands =
    [
        new("dump-meters", 1, 2, "BRIDGE [METER]", "meters and their bands", DumpAsync),
        new("dump-meter", 1, 2, "BRIDGE [METER]", "the same", DumpAsync),
        new("meter-stats", 1, 2, "BRIDGE [METER]", "their statistics", StatsAsync),
        new("meter-features", 1, 1, "BRIDGE", "what meters can be", FeaturesAsync),
        new("add-meter", 2, 2, "BRIDGE METER", "add a meter",
            call => ChangeAsync(call, MeterModCommand.Add)),
        new("mod-meter", 2, 2, "BRIDGE METER", "change a meter",
            call => ChangeAsync(call, MeterModCommand.Modify)),
        new("del-meter", 1, 2, "BRIDGE [METER]", "delete a meter, or all",
            call => ChangeAsync(call, MeterModCommand.Delete)),
        new("del-meters", 1, 2, "BRIDGE [METER]", "the same",
            call => ChangeAsync(call, MeterModCommand.Delete)),
    ];

    private static MeterMod Parse(string text, MeterModCommand command) =>
        OfctlMeterText.TryParse(text, command, out var mod, out var error)
            ? mod
            : throw new ToolException(error);

    private static async Task ChangeAsync(OfctlCall call, MeterModCommand command)
    {
        var mod = Parse(call.Word(1) ?? "", command);
        await call.BridgeAsync(OfVersion.OpenFlow13);
        await call.ChangeAsync([mod]);
    }

    private static async Task DumpAsync(OfctlCall call)
    {
        var meter = Parse(call.Word(1) ?? "", MeterModCommand.Delete).MeterId;
        var bridge = await call.BridgeAsync(OfVersion.OpenFlow13);
        var (xid, parts) = await bridge.AskAllAsync<OfMeterConfigReply>(
            new OfMeterConfigRequest(meter));
        await call.PrintHeadAsync("OFPST_METER_CONFIG reply", bridge, xid);
        await PrintApartAsync(call, parts.SelectMany(part => part.Meters.AsEnumerable())
            .Select(one => OfctlMeterText.Format(one.MeterId, one.Flags, one.Bands.AsSpan())));
    }

    private static async Task StatsAsync(OfctlCall call)
    {
        var meter = Parse(call.Word(1) ?? "", MeterModCommand.Delete).MeterId;
        var bridge = await call.BridgeAsync(OfVersion.OpenFlow13);
        var (xid, parts) = await bridge.AskAllAsync<OfMeterStatsReply>(
            new OfMeterStatsRequest(meter));
        await call.PrintHeadAsync("OFPST_METER reply", bridge, xid);
        await PrintApartAsync(
            call, parts.SelectMany(part => part.Meters.AsEnumerable()).Select(Statistics));
    }

    private static string Statistics(OfMeterStats one)
    {
        var bands = one.Bands.AsEnumerable().Select((band, index) =>
            $"\n{index}: packet_count:{band.PacketCount} byte_count:{band.ByteCount}");
        return $"meter:{one.MeterId} flow_count:{one.FlowCount} "
            + $"packet_in_count:{one.PacketInCount} byte_in_count:{one.ByteInCount} "
            + $"duration:{OfFlowText.Duration(one.Duration)} bands:{string.Concat(bands)}";
    }

    /// <summary>With an empty line between one and the next.</summary>
    private static async Task PrintApartAsync(OfctlCall call, IEnumerable<string> meters)
    {
        var isFirst = true;
        foreach (var meter in meters)
        {
            await call.PrintAsync(isFirst ? meter : $"\n{meter}");
            isFirst = false;
        }
    }

    private static async Task FeaturesAsync(OfctlCall call)
    {
        var bridge = await call.BridgeAsync(OfVersion.OpenFlow13);
        var (xid, features) = await bridge.AskAsync<OfMeterFeaturesReply>(
            new OfMeterFeaturesRequest());
        await call.PrintHeadAsync("OFPST_METER_FEATURES reply", bridge, xid);
        var drop = (features.BandTypes & (1u << (int)MeterBandType.Drop)) != 0 ? " drop" : "";
        var remark = (features.BandTypes & (1u << (int)MeterBandType.DscpRemark)) != 0
            ? " dscp_remark" : "";
        await call.PrintAsync(
            $"max_meter:{features.MaxMeters} max_bands:{features.MaxBands} "
            + $"max_color:{features.MaxColors}\nband_types:{drop}{remark}\n"
            + $"capabilities: {OfctlMeterText.FormatFlags(features.Capabilities).TrimEnd()}");
    }
}
