using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>A prefix that this host asks for.</summary>
/// <param name="Datapath">Key of the router.</param>
/// <param name="Uplink">Key of the port that asks (options:prefix_delegation).</param>
/// <param name="Mac">Of that port.</param>
/// <param name="Association">Key of the port that the prefix is for (options:prefix).</param>
internal sealed record PrefixWanted(
    uint Datapath, uint Uplink, MacBytes Mac, uint Association);

/// <summary>Which prefixes a host asks for: where the port that asks acts.</summary>
internal static class PrefixDelegations
{
    public static bool Asks(LogicalRouterPort port) =>
        port.Options.GetValueOrDefault("prefix_delegation") == "true";

    /// <summary>By row of the Logical_Router_Port that the prefix is for.</summary>
    public static ImmutableSortedDictionary<Guid, PrefixWanted> Of(
        LogicalTopology topology, HostView host)
    {
        var wanted = ImmutableSortedDictionary.CreateBuilder<Guid, PrefixWanted>();
        foreach (var uplink in topology.Rows.RouterPorts.Values.Where(Asks))
        {
            if (topology.RouterOf(uplink) is not { } router
                || GatewayHost.ActingFor(topology, host, router, uplink) != host.HostId
                || topology.DatapathKey(router.Uuid) is not { } datapath
                || topology.PortKey(uplink.Uuid) is not { } key)
            {
                continue;
            }

            foreach (var port in topology.PortsOf(router))
            {
                if (port.Options.GetValueOrDefault("prefix") == "true"
                    && topology.PortKey(port.Uuid) is { } association)
                {
                    wanted[port.Uuid] = new PrefixWanted(datapath, key, uplink.Mac, association);
                }
            }
        }

        return wanted.ToImmutable();
    }
}
