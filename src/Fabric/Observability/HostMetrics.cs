using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.Wire;

namespace Fabric.Observability;

/// <summary>What a host node tells Prometheus, under the names of the field's exporters.</summary>
/// <remarks>
/// ovs_* as in the openvswitch exporters (ovs_dp_*, ovs_interface_*, ovs_coverage_total), fabric_*
/// where they have no word for it.
/// </remarks>
public static class HostMetrics
{
    /// <summary>Above it stands what a port does not count.</summary>
    private const double MaxCount = PortStatistics.Unknown;

    public static string Render(
        string hostId, ImmutableArray<IDatapathProvider> providers, Coverage coverage)
    {
        var text = new MetricsText()
            .Gauge("ovs_up", "The host node answers.", 1)
            .Gauge("ovs_build_info", "Versions.", new MetricSample(
                1, ("ovs_version", Versions.OpenVSwitch), ("db_version", Versions.Database)))
            .Gauge("ovs_info", "This host.", new MetricSample(1, ("system_id", hostId)));
        Datapaths(text, providers);
        Interfaces(text, providers);
        text.Counter("fabric_drops_total", "Packets dropped, by reason.", Drops(providers));
        text.Counter("ovs_coverage_total", "Events, as coverage/show counts them.",
            coverage.Totals().Select(pair => new MetricSample(pair.Value, ("event", pair.Key))));
        text.Gauge("fabric_memory_bytes", "Resident memory of the host node.",
            Environment.WorkingSet);
        return text.ToString();
    }

    private static void Datapaths(MetricsText text, ImmutableArray<IDatapathProvider> providers)
    {
        var all = providers.Select(provider => (provider.Name, Values: provider.Statistics()))
            .ToArray();
        text.Gauge("ovs_dp_flows", "Megaflows.", Of(values => values.Flows));
        text.Gauge("ovs_dp_masks_total", "Masks of megaflows.", Of(values => values.Masks));
        text.Counter("ovs_dp_lookups_hit_total", "Packets that hit a flow.", Of(v => v.Hit));
        text.Counter("ovs_dp_lookups_missed_total", "Packets sent up.", Of(v => v.Missed));
        text.Counter("ovs_dp_lookups_lost_total", "Misses nobody took.", Of(v => v.Lost));
        text.Gauge("fabric_conntrack_connections", "Connections tracked.",
            providers.Select(provider => new MetricSample(
                provider.Conntrack.Totals().Count, ("datapath", provider.Name))));

        IEnumerable<MetricSample> Of(Func<DatapathStatistics, double> value) =>
            all.Select(entry => new MetricSample(value(entry.Values), ("datapath", entry.Name)));
    }

    private static void Interfaces(MetricsText text, ImmutableArray<IDatapathProvider> providers)
    {
        var all = providers.SelectMany(provider => provider.Ports.Dump().Select(port =>
            (port.Name, Values: provider.Ports.Statistics(port.Number)))).ToArray();
        text.Counter("ovs_interface_rx_packets_total", "Received.", Of(v => v.RxPackets));
        text.Counter("ovs_interface_tx_packets_total", "Sent.", Of(v => v.TxPackets));
        text.Counter("ovs_interface_rx_bytes_total", "Received.", Of(v => v.RxBytes));
        text.Counter("ovs_interface_tx_bytes_total", "Sent.", Of(v => v.TxBytes));
        text.Counter("ovs_interface_rx_dropped_total", "Dropped at entry.", Of(v => v.RxDropped));
        text.Counter("ovs_interface_tx_dropped_total", "Dropped at exit.", Of(v => v.TxDropped));

        IEnumerable<MetricSample> Of(Func<PortStatistics, double> value) =>
            all.Where(entry => entry.Values is not null && value(entry.Values) < MaxCount)
                .Select(entry => new MetricSample(value(entry.Values!), ("name", entry.Name)));
    }

    private static IEnumerable<MetricSample> Drops(ImmutableArray<IDatapathProvider> providers)
    {
        for (var index = 1; index < DropReasons.Count; index++)
        {
            ulong sum = 0;
            foreach (var provider in providers) sum += provider.DropCounts()[index];
            yield return new MetricSample(
                sum, ("reason", DropReasons.CounterOf((DropReason)index)));
        }
    }
}
