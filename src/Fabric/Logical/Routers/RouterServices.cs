using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>
/// Addresses that a router answers for at one of its ports: NAT and virtual services.
/// </summary>
internal static class RouterServices
{
    /// <param name="isResident">This host is the port's active gateway, or it needs none.</param>
    public static ImmutableArray<LinkAddresses> Of(
        LogicalTopology topology, HostView host, LogicalRouterPort port, bool isResident)
    {
        if (topology.RouterOf(port) is not { } router) return [];
        var isGatewayRouter = router.Chassis is not null;
        if (isGatewayRouter && router.Chassis != host.HostId) return [];
        if (!isGatewayRouter && !port.IsGateway) return [];

        var services = ImmutableArray.CreateBuilder<LinkAddresses>();
        foreach (var uuid in router.Nat)
        {
            if (!topology.Rows.Nat.TryGetValue(uuid, out var rule)) continue;
            if (rule.GatewayPort is { } wanted && wanted != port.Uuid) continue;
            if (rule.IsDistributed && !isGatewayRouter)
            {
                if (host.IsResident(rule.LogicalPort!))
                    services.Add(new LinkAddresses(rule.ExternalMac!.Value, [rule.External.Host]));
            }
            else if (isResident && InNetworkOf(port, rule.External))
            {
                services.Add(new LinkAddresses(port.Mac, [rule.External.Host]));
            }
        }

        if (!isResident) return services.ToImmutable();
        foreach (
            var balancer in topology.BalancersOf(router.LoadBalancers, router.LoadBalancerGroups))
        {
            foreach (var service in balancer.Services)
            {
                if (InNetworkOf(port, service.Vip.Address))
                    services.Add(new LinkAddresses(port.Mac, [service.Vip.Address]));
            }
        }

        return services.ToImmutable();
    }

    private static bool InNetworkOf(LogicalRouterPort port, IpPrefix address) =>
        port.Networks.Any(network => network.Contains(address.Host));
}
