using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>
/// Switches and routers that packets of this host can pass: the only ones compiled.
/// </summary>
public sealed record LocalDatapaths(
    ImmutableArray<LogicalSwitch> Switches, ImmutableArray<LogicalRouter> Routers)
{
    /// <summary>Follows links from switches with a port here, until nothing new is found.</summary>
    public static LocalDatapaths Find(LogicalTopology topology, HostView host)
    {
        var switches = new SortedDictionary<Guid, LogicalSwitch>();
        var routers = new SortedDictionary<Guid, LogicalRouter>();
        var waiting = new Queue<object>();
        void AddSwitch(LogicalSwitch? found)
        {
            if (found is not null && switches.TryAdd(found.Uuid, found)) waiting.Enqueue(found);
        }

        void AddRouter(LogicalRouter? found)
        {
            if (found?.Chassis is { } chassis && chassis != host.HostId) return; // Whole elsewhere.
            if (found is not null && routers.TryAdd(found.Uuid, found)) waiting.Enqueue(found);
        }

        foreach (var name in host.Interfaces.Keys)
        {
            if (topology.SwitchPort(name) is { } port) AddSwitch(topology.SwitchOf(port));
            foreach (var child in topology.ChildrenOf(name)) AddSwitch(topology.SwitchOf(child));
        }

        foreach (var router in topology.Rows.Routers.Values)
        {
            if (router.Chassis == host.HostId) AddRouter(router);
        }

        foreach (var port in topology.L2Gateways)
        {
            if (port.L2GatewayChassis == host.HostId) AddSwitch(topology.SwitchOf(port));
        }

        foreach (var port in topology.Rows.RouterPorts.Values)
        {
            if (GatewayHost.IsCandidate(topology, host.HostId, port))
                AddRouter(topology.RouterOf(port));
        }

        while (waiting.TryDequeue(out var next))
        {
            if (next is LogicalSwitch owner)
            {
                foreach (var port in topology.PortsOf(owner))
                {
                    if (topology.PeerOf(port) is { } peer) AddRouter(topology.RouterOf(peer));
                }
            }
            else if (next is LogicalRouter router)
            {
                foreach (var port in topology.PortsOf(router))
                {
                    if (topology.PeerOf(port) is { } plug) AddSwitch(topology.SwitchOf(plug));
                    if (port.Peer is { } name && topology.RouterPort(name) is { } other)
                        AddRouter(topology.RouterOf(other));
                }
            }
        }

        return new LocalDatapaths([.. switches.Values], [.. routers.Values]);
    }

    /// <summary>The same datapaths with their rows as they are now.</summary>
    internal LocalDatapaths Refreshed(NorthboundReader rows) => new(
        [.. Switches.Select(row => rows.Switches.GetValueOrDefault(row.Uuid, row))],
        [.. Routers.Select(row => rows.Routers.GetValueOrDefault(row.Uuid, row))]);

    /// <summary>network_name by localnet port.</summary>
    public ImmutableSortedDictionary<string, string> Localnets(
        LogicalTopology topology, HostView host) =>
        Switches.SelectMany(owner => topology.PhysicalPortsOf(owner.Uuid))
            .Where(port => port.Options.ContainsKey("network_name")
                && (port.IsLocalnet || port.L2GatewayChassis == host.HostId))
            .ToImmutableSortedDictionary(
                port => port.Name, port => port.Options["network_name"], StringComparer.Ordinal);

    /// <summary>A zone for each port bound here, and two for each router.</summary>
    public ImmutableSortedSet<string> ZoneNames(LogicalTopology topology, HostView host)
    {
        var names = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        foreach (var name in host.Interfaces.Keys)
        {
            if (topology.SwitchPort(name) is not null) names.Add(name);
            foreach (var child in topology.ChildrenOf(name)) names.Add(child.Name);
        }

        foreach (var owner in Switches)
        {
            foreach (var port in topology.PhysicalPortsOf(owner.Uuid))
            {
                if (port.IsLocalnet || port.L2GatewayChassis == host.HostId) names.Add(port.Name);
            }

            var hasBalancers =
                topology.BalancersOf(owner.LoadBalancers, owner.LoadBalancerGroups).Any();
            if (hasBalancers) names.Add(ConntrackZones.SnatName(owner.Uuid)); // For hairpins.
        }

        foreach (var router in Routers)
        {
            names.Add(ConntrackZones.DnatName(router.Uuid));
            names.Add(ConntrackZones.SnatName(router.Uuid));
        }

        return names.ToImmutable();
    }
}
