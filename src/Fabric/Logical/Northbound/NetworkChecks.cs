using Fabric.Cluster;

namespace Fabric.Logical;

/// <summary>
/// What no single row shows: addresses used twice, networks that overlap, references that lead
/// nowhere, keys that ran out.
/// </summary>
/// <remarks>
/// Only looked for again when ports, routers or keys changed; costs one pass over their rows.
/// </remarks>
internal sealed class NetworkChecks
{
    private (TunnelKeys?, long, long, long, long, long) _seen;
    private IReadOnlyList<NetworkCondition> _found = [];

    public IReadOnlyList<NetworkCondition> Of(LogicalTopology topology)
    {
        var rows = topology.Rows;
        var inputs = (
            topology.Keys, rows.SwitchRows.Version, rows.SwitchPortRows.Version,
            rows.RouterRows.Version, rows.RouterPortRows.Version, rows.DhcpRows.Version);
        if (_seen == inputs) return _found;

        var found = new List<NetworkCondition>();
        FindMissingKeys(topology, found);
        foreach (var owner in rows.Switches.Values) FindDuplicates(topology, owner, found);
        foreach (var owner in rows.Routers.Values) FindOverlaps(topology, owner, found);
        foreach (var port in rows.SwitchPorts.Values) FindDangling(topology, port, found);
        (_seen, _found) = (inputs, found);
        return found;
    }

    private static void FindMissingKeys(LogicalTopology topology, List<NetworkCondition> found)
    {
        const string text = "no tunnel key is left: nothing of it is installed";
        foreach (var row in topology.Rows.Switches.Values)
        {
            if (topology.DatapathKey(row.Uuid) is null)
                found.Add(new NetworkCondition("Logical_Switch", row.Uuid, text));
        }

        foreach (var row in topology.Rows.Routers.Values)
        {
            if (topology.DatapathKey(row.Uuid) is null)
                found.Add(new NetworkCondition("Logical_Router", row.Uuid, text));
        }

        foreach (var row in topology.Rows.SwitchPorts.Values)
        {
            if (topology.PortKey(row.Uuid) is null && topology.SwitchOf(row) is not null)
                found.Add(new NetworkCondition("Logical_Switch_Port", row.Uuid, text));
        }
    }

    private static void FindDuplicates(
        LogicalTopology topology, LogicalSwitch owner, List<NetworkCondition> found)
    {
        var macs = new Dictionary<Fabric.Wire.MacBytes, string>();
        var ips = new Dictionary<IpPrefix, string>();
        foreach (var port in topology.PortsOf(owner))
        {
            foreach (var addresses in port.Addresses)
            {
                if (!macs.TryAdd(addresses.Mac, port.Name) && macs[addresses.Mac] != port.Name)
                {
                    found.Add(new NetworkCondition(
                        "Logical_Switch_Port", port.Uuid,
                        $"addresses: {addresses.Mac} is also that of port "
                        + $"\"{macs[addresses.Mac]}\" of switch \"{owner.Name}\""));
                }

                foreach (var ip in addresses.Ips)
                {
                    if (ips.TryAdd(ip.Host, port.Name) || ips[ip.Host] == port.Name) continue;
                    found.Add(new NetworkCondition(
                        "Logical_Switch_Port", port.Uuid,
                        $"addresses: {ip.Host} is also that of port \"{ips[ip.Host]}\" of switch "
                        + $"\"{owner.Name}\""));
                }
            }
        }
    }

    private static void FindOverlaps(
        LogicalTopology topology, LogicalRouter owner, List<NetworkCondition> found)
    {
        var networks = new List<(IpPrefix Network, string Port)>();
        foreach (var port in topology.PortsOf(owner))
        {
            foreach (var network in port.Networks.Where(network => !network.IsLinkLocal))
            {
                foreach (var (other, name) in networks)
                {
                    if (name == port.Name
                        || (!other.Contains(network.Network) && !network.Contains(other)))
                    {
                        continue;
                    }

                    found.Add(new NetworkCondition(
                        "Logical_Router_Port", port.Uuid,
                        $"networks: {network.Network} overlaps {other} of port \"{name}\" of "
                        + $"router \"{owner.Name}\""));
                }

                networks.Add((network.Network, port.Name));
            }
        }
    }

    private static void FindDangling(
        LogicalTopology topology, LogicalSwitchPort port, List<NetworkCondition> found)
    {
        void Say(string text) =>
            found.Add(new NetworkCondition("Logical_Switch_Port", port.Uuid, text));
        if (port.RouterPort is { } router && topology.RouterPort(router) is null)
            Say($"options:router-port: there is no router port \"{router}\"");
        else if (port.IsRouter && port.RouterPort is null)
            Say("type router without options:router-port: it leads nowhere");
        if (port.Type == "vtep")
            Say("type vtep: stored only: no host speaks hardware_vtep with a physical switch");
        if (port.Parent is { Length: > 0 } parent && topology.SwitchPort(parent) is null)
            Say($"parent_name: there is no port \"{parent}\"");
        if (port.IsLocalnet && !port.Options.ContainsKey("network_name"))
            Say("type localnet without options:network_name: no bridge can be found for it");
        if (port.DhcpV4Options is { } dhcp && topology.Rows.Dhcp.TryGetValue(dhcp, out var options)
            && options.ServerId is null)
        {
            Say("dhcpv4_options: server_id is missing: no request is answered");
        }
    }
}
