using System.Collections.Immutable;
using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <content>Groups and meters.</content>
internal sealed partial class SwitchRequests
{
    // OpenFlow 1.1 action types that buckets may hold: output, TTL, VLAN, MPLS, queue, group,
    // set-field.
    private const uint GroupActions = 0x0FFF_9801;

    private OfStatsReply? StatisticsOfGroups(OfStatsRequest request) => request switch
    {
        OfGroupStatsRequest groups => new OfGroupStatsReply(
            [.. Groups(groups.GroupId).Select(StatsOf)]),
        OfGroupDescriptionRequest groups => new OfGroupDescriptionReply(
            [.. Groups(groups.GroupId).Select(group => new OfGroupDescription(
                group.Id, group.Type, [.. group.Buckets.Select(bucket => bucket.Spec)],
                group.Selection))]),
        OfGroupFeaturesRequest => new OfGroupFeaturesReply(
            0xF, 0x7,
            [OfGroupNumber.Max, OfGroupNumber.Max, OfGroupNumber.Max, OfGroupNumber.Max],
            [GroupActions, GroupActions, GroupActions, GroupActions]),
        OfMeterStatsRequest meters => new OfMeterStatsReply(
            [.. Meters(meters.MeterId).Select(StatsOf)]),
        OfMeterConfigRequest meters => new OfMeterConfigReply(
            [.. Meters(meters.MeterId).Select(meter => new OfMeterConfig(
                meter.Spec.MeterId, meter.Spec.Flags, meter.Spec.Bands))]),
        OfMeterFeaturesRequest => new OfMeterFeaturesReply(
            datapath is null || !datapath.Provider.Capabilities.HasMeters ? 0u : 262_144u,
            1u << (int)MeterBandType.Drop,
            MeterFlags.KilobitsPerSecond | MeterFlags.PacketsPerSecond | MeterFlags.Burst
                | MeterFlags.Stats, 8, 0),
        _ => null,
    };

    private IEnumerable<GroupSnapshot> Groups(uint id) => state.Pipeline.Current.Groups.Values
        .Where(group => id is OfGroupNumber.All or OfGroupNumber.Any || group.Id == id)
        .OrderBy(group => group.Id);

    private static bool IsAll(uint meter) => meter == OfMeterNumber.All;

    private IEnumerable<MeterSnapshot> Meters(uint id) => state.Pipeline.Current.Meters.Values
        .Where(meter => id == OfMeterNumber.All || meter.Spec.MeterId == id)
        .OrderBy(meter => meter.Spec.MeterId);

    private OfGroupStats StatsOf(GroupSnapshot group)
    {
        var buckets = ImmutableArray.CreateBuilder<OfBucketStats>();
        foreach (var bucket in group.Buckets)
        {
            buckets.Add(new OfBucketStats(bucket.Counter.Packets, bucket.Counter.Bytes));
        }

        var references = state.Pipeline.Current.Rules().Count(rule => rule.UsesGroup(group.Id));
        return new OfGroupStats(
            group.Id, (uint)references, group.Counter.Packets, group.Counter.Bytes,
            TimeSpan.FromMilliseconds(now - group.CreatedMilliseconds), buckets.ToImmutable());
    }

    private OfMeterStats StatsOf(MeterSnapshot meter)
    {
        var counted = meter.DatapathId is { } id ? datapath?.Meters.Statistics(id) : null;
        var flows = state.Pipeline.Current.Rules()
            .Count(rule => rule.UsesMeter(meter.Spec.MeterId));
        return new OfMeterStats(
            meter.Spec.MeterId, (uint)flows, counted?.Packets ?? 0, counted?.Bytes ?? 0,
            TimeSpan.FromMilliseconds(now - meter.CreatedMilliseconds),
            counted is null
                ? [.. meter.Spec.Bands.Select(_ => new OfMeterBandStats(0, 0))]
                : [.. counted.Bands.Select(
                    band => new OfMeterBandStats(band.Packets, band.Bytes))]);
    }
}
