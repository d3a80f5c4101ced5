using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>One probe that this host has to run.</summary>
/// <param name="Datapath">Key of the backend's switch.</param>
/// <param name="Port">Key of the backend's port.</param>
public sealed record ServiceCheck(
    ServiceKey Service, IpPrefix Source, MacBytes ProbeMac, MacBytes BackendMac, uint Datapath,
    uint Port, HealthCheck Settings);

/// <summary>Which backends are probed, and by whom: the host that they are on.</summary>
internal static class ServiceChecks
{
    /// <summary>Where NB_Global.options:svc_monitor_mac says nothing.</summary>
    private static readonly MacBytes ProbeMacDefault = MacBytes.FromUInt64(0x0200_5e00_0053);

    /// <summary>The MAC that probes come from; null: nothing is probed.</summary>
    public static MacBytes? ProbeMac(NorthboundReader rows) =>
        rows.HealthChecks.Count == 0
            ? null
            : ProbeMac(rows.GlobalOptions.GetValueOrDefault("svc_monitor_mac"));

    /// <param name="option">NB_Global.options:svc_monitor_mac.</param>
    public static MacBytes ProbeMac(string? option) =>
        MacBytes.TryParse(option ?? "", out var mac) ? mac : ProbeMacDefault;

    /// <summary>Addresses that probes of backends on the switch come from.</summary>
    public static ImmutableArray<IpPrefix> SourcesOn(LogicalTopology topology, Guid owner) =>
    [
        .. topology.Rows.LoadBalancers.Values
            .Where(balancer => !balancer.HealthChecks.IsEmpty)
            .SelectMany(balancer => balancer.Places.Values)
            .Where(place => topology.SwitchPort(place.LogicalPort) is { } port
                && topology.SwitchIdOf(port.Uuid) == owner)
            .Select(place => place.Source).Distinct()
            .OrderBy(source => source.IsIpv6).ThenBy(source => source.Address),
    ];

    /// <summary>Probes of backends on this host; a backend of several is probed once.</summary>
    public static ImmutableSortedDictionary<ServiceKey, ServiceCheck> Of(
        LogicalTopology topology, HostView host)
    {
        var checks = ImmutableSortedDictionary.CreateBuilder<ServiceKey, ServiceCheck>();
        if (ProbeMac(topology.Rows) is not { } mac) return checks.ToImmutable();
        foreach (var row in topology.Rows.LoadBalancers.Values.OrderBy(row => row.Uuid))
        {
            if (row.HealthChecks.IsEmpty) continue;
            var filled = topology.Rows.Filled(row, host);
            foreach (var uuid in row.HealthChecks)
            {
                if (!topology.Rows.HealthChecks.TryGetValue(uuid, out var settings)) continue;
                var backends = filled.Services.Where(service => service.Vip == settings.Vip)
                    .SelectMany(service => service.Backends);
                foreach (var backend in backends)
                {
                    if (CheckOf(topology, host, filled, backend, mac, settings) is { } check)
                        checks.TryAdd(check.Service, check);
                }
            }
        }

        return checks.ToImmutable();
    }

    private static ServiceCheck? CheckOf(
        LogicalTopology topology, HostView host, LoadBalancer balancer, ServiceEndpoint backend,
        MacBytes probeMac, HealthCheck settings)
    {
        if (balancer.ServiceOf(backend) is not { } service
            || service.Protocol is not (IpProtocol.Tcp or IpProtocol.Udp)
            || !host.Interfaces.ContainsKey(service.LogicalPort)
            || topology.SwitchPort(service.LogicalPort) is not { } port
            || topology.SwitchOf(port) is not { } owner
            || topology.DatapathKey(owner.Uuid) is not { } datapath
            || topology.PortKey(port.Uuid) is not { } key)
        {
            return null;
        }

        var at = port.Addresses.FirstOrDefault(addresses => addresses.Ips.Any(
            ip => ip.Host == service.Address)) ?? port.Addresses.FirstOrDefault();
        return at is null
            ? null
            : new ServiceCheck(
                service, balancer.Places[backend.Address].Source, probeMac, at.Mac, datapath, key,
                settings);
    }
}
