using System.Globalization;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <content>Probed services and members of multicast groups.</content>
internal sealed partial class SouthboundRows
{
    private void AddSightings()
    {
        AddMonitors();
        var groups = _picture.Learned.MacBindings.Values.Where(Sightings.IsGroup)
            .Where(each => _bindings.ContainsKey(each.LogicalPort)
                && _chassis.ContainsKey(each.HostId))
            .GroupBy(each => (
                each.Address, _bindings[each.LogicalPort].Datapath, Chassis: each.HostId));
        foreach (var group in groups)
        {
            var (address, datapath, host) = group.Key;
            Add(
                "IGMP_Group", SouthboundIds.Of("IGMP_Group", $"{address} {datapath} {host}"),
                new("address", $"{address}"), new("datapath", datapath),
                new("chassis", _chassis[host]),
                new("ports", Datum.References(
                    group.Select(each => _bindings[each.LogicalPort].Port).Distinct())));
        }
    }

    /// <summary>Services that hosts probe; without a status until the first answer.</summary>
    private void AddMonitors()
    {
        foreach (var row in Rows("Load_Balancer"))
        {
            if (row.GetReferences("health_check").IsEmpty) continue;
            var balancer = LoadBalancer.Read(row, _ => { });
            foreach (var backend in balancer.Services.SelectMany(each => each.Backends))
            {
                if (balancer.ServiceOf(backend) is { } service) AddMonitor(balancer, service);
            }
        }
    }

    private void AddMonitor(LoadBalancer balancer, ServiceKey service)
    {
        var name = string.Create(
            CultureInfo.InvariantCulture,
            $"{service.LogicalPort} {service.Address} {service.ProtocolName}:{service.Port}");
        if (!Takes("Service_Monitor", name)) return;
        var status = _sightings.Services.TryGetValue(service, out var isOnline)
            ? (Datum)(isOnline ? "online" : "offline")
            : Datum.EmptySet;
        Add(
            "Service_Monitor", SouthboundIds.Of("Service_Monitor", name),
            new("ip", $"{service.Address}"), new("protocol", service.ProtocolName),
            new("port", (long)service.Port), new("logical_port", service.LogicalPort),
            new("src_ip", $"{balancer.Places[service.Address].Source}"),
            new("src_mac", $"{ServiceChecks.ProbeMac(
                _northbound.Table("NB_Global").First?.GetMapValue("options", "svc_monitor_mac"))}"),
            new("status", status));
    }

    /// <summary>The parent whose MAC answers for a virtual port's address.</summary>
    private Datum VirtualParentOf(Row row)
    {
        if (!_sightings.Virtual.TryGetValue(row.GetString("name"), out var owner))
            return Datum.EmptySet;
        var parents = (row.GetMapValue("options", "virtual-parents") ?? "").Split(',');
        var parent = Rows("Logical_Switch_Port").FirstOrDefault(port =>
            parents.Contains(port.GetString("name"))
            && port.GetStringSet("addresses").Any(text =>
                LinkAddresses.TryParse(text, out var addresses) && addresses.Mac == owner.Mac));
        return parent is null ? Datum.EmptySet : parent.GetString("name");
    }
}
