using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>Which BFD sessions of router ports run on a host.</summary>
internal static class RouteSessions
{
    /// <summary>
    /// Those of gateway ports that act here, and of routers that are whole here. A session of a
    /// distributed port runs nowhere: no host alone stands for it.
    /// </summary>
    public static ImmutableSortedDictionary<Guid, RouteSessionHere> Of(
        LogicalTopology topology, HostView host)
    {
        var here = ImmutableSortedDictionary.CreateBuilder<Guid, RouteSessionHere>();
        foreach (var row in topology.Rows.RouteSessions.Values)
        {
            if (topology.RouterPort(row.LogicalPort) is not { } port
                || topology.RouterOf(port) is not { } router
                || topology.DatapathKey(router.Uuid) is not { } datapath
                || topology.PortKey(port.Uuid) is not { } key)
            {
                continue;
            }

            var owner = GatewayHost.ActingFor(topology, host, router, port);
            var own = port.Networks.Where(network => network.IsIpv6 == row.Peer.IsIpv6)
                .OrderByDescending(network => network.Contains(row.Peer))
                .Cast<IpPrefix?>().FirstOrDefault();
            if (owner != host.HostId || own is not { } source) continue;
            here[row.Uuid] = new RouteSessionHere(row, datapath, key, port.Mac, source.Host);
        }

        return here.ToImmutable();
    }
}
