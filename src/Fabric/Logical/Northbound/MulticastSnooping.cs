using System.Globalization;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>mcast_* of Logical_Switch.other_config, where mcast_snoop is true.</summary>
/// <param name="IdleTimeout">A member that is silent for so long is none any more.</param>
/// <param name="Querier">Whom general queries come from; null: this switch sends none.</param>
public sealed record MulticastSnooping(
    bool FloodsUnregistered, int TableSize, TimeSpan IdleTimeout, MulticastQuerier? Querier)
{
    private const int TableSizeDefault = 2048;
    private const int IdleSecondsDefault = 300;

    public static MulticastSnooping? Of(LogicalSwitch row)
    {
        string? Text(string key) => row.OtherConfig.GetValueOrDefault($"mcast_{key}");
        int Number(string key, int otherwise) =>
            int.TryParse(Text(key), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                && value > 0
                ? value
                : otherwise;
        if (Text("snoop") != "true") return null;
        var idle = Number("idle_timeout", IdleSecondsDefault);
        MulticastQuerier? querier = null;
        if (Text("querier") != "false" && MacBytes.TryParse(Text("eth_src") ?? "", out var mac))
        {
            IpPrefix? Source(string key) =>
                IpPrefix.TryParse(Text(key), out var address) ? address.Host : null;
            querier = new MulticastQuerier(
                mac, Source("ip4_src"), Source("ip6_src"),
                TimeSpan.FromSeconds(Number("query_interval", Math.Max(1, idle / 2))),
                TimeSpan.FromSeconds(Number("query_max_response", 1)));
        }

        return new MulticastSnooping(
            Text("flood_unregistered") == "true", Number("table_size", TableSizeDefault),
            TimeSpan.FromSeconds(idle), querier);
    }
}

/// <param name="Ipv4">Source of IGMP queries; null: none are sent.</param>
/// <param name="Ipv6">Source of MLD queries; null: none are sent.</param>
public sealed record MulticastQuerier(
    MacBytes Mac, IpPrefix? Ipv4, IpPrefix? Ipv6, TimeSpan Interval, TimeSpan MaxResponse);

/// <summary>Ports without an interface whose address workloads take over from each other.</summary>
internal static class VirtualPorts
{
    public static IpPrefix? AddressOf(LogicalSwitchPort port) =>
        IpPrefix.TryParse(port.Options.GetValueOrDefault("virtual-ip"), out var address)
            && address.IsHost
            ? address
            : null;

    /// <summary>Names of ports that may answer for it.</summary>
    public static IEnumerable<string> ParentsOf(LogicalSwitchPort port) =>
        port.Options.GetValueOrDefault("virtual-parents", "")
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
