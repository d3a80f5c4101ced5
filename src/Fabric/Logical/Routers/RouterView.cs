using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>An address behind a router port whose MAC the northbound knows.</summary>
internal readonly record struct KnownNeighbor(IpPrefix Ip, MacBytes Mac);

/// <summary>One port of a router with everything that its flows are made from.</summary>
/// <param name="RedirectKey">Key of the "cr-" port of a distributed gateway port.</param>
/// <param name="IsResident">Gateway port: this host is its active gateway.</param>
/// <param name="Gateway">The active gateway's host id; null when there is none.</param>
internal sealed record RouterPortView(
    LogicalRouterPort Row, uint Key, uint? RedirectKey, bool IsResident, string? Gateway);

/// <summary>A route of a router, from a connected network or a row.</summary>
/// <param name="NextHop">Null: the destination itself (connected).</param>
/// <param name="Offset">OVN's preference among routes of equal prefix length.</param>
internal sealed record RouteView(
    Guid Row, string Table, IpPrefix Prefix, bool IsSource, IpPrefix? NextHop,
    RouterPortView? Port, IpPrefix? Source, int Offset, bool IsDiscard)
{
    public const int Connected = 6;
    public const int Static = 4;
    public const int SourceBased = 0;

    /// <summary>Longest prefix first, then connected, static, source-based.</summary>
    public int Priority => (129 * 12) + (Prefix.Length * 12) + Offset;
}

/// <summary>A router as this host compiles it.</summary>
internal sealed class RouterView
{
    private readonly Dictionary<string, uint> _keys = new(StringComparer.Ordinal);

    public RouterView(LogicalTopology topology, HostView host, LogicalRouter row, uint key)
    {
        Row = row;
        Key = key;
        Names = new DatapathContext(topology, host, _keys);
        var ports = ImmutableArray.CreateBuilder<RouterPortView>();
        foreach (var port in topology.PortsOf(row))
        {
            if (topology.PortKey(port.Uuid) is not { } portKey) continue;
            uint? redirect = port.IsGateway
                && topology.Keys.ChassisRedirects.TryGetValue(port.Uuid, out var cr)
                ? cr
                : null;
            var gateway = GatewayHost.Of(topology, host, port);
            var isResident = !port.IsGateway || gateway == host.HostId;
            ports.Add(new RouterPortView(port, portKey, redirect, isResident, gateway));
        }

        ports.Sort((a, b) => a.Key.CompareTo(b.Key));
        Ports = ports.ToImmutable();
        foreach (var port in Ports) _keys[port.Row.Name] = port.Key;
        RouteTables = TablesOf(topology);
        Routes = RoutesOf(topology);
        Nat =
            [.. row.Nat.Select(
                uuid => topology.Rows.Nat.GetValueOrDefault(uuid)).OfType<NatRule>()];
        Balancers =
        [
            .. topology.BalancersOf(row.LoadBalancers, row.LoadBalancerGroups)
                .Select(balancer => topology.Rows.Expanded(balancer, host)),
        ];
        GatewayPorts = [.. Ports.Where(port => port.Row.IsGateway)];
        if (IsGatewayRouter)
        {
            var forced = row.Options.GetValueOrDefault("lb_force_snat_ip");
            DnatForceSnat = AddressesOf(row.Options.GetValueOrDefault("dnat_force_snat_ip"));
            LbForceSnat = AddressesOf(forced);
            LbForcesToRouter = forced == "router_ip";
        }
        else
        {
            (DnatForceSnat, LbForceSnat) = ([], []);
        }

        TranslatedAddresses = Nat.Where(rule => rule.Type != "dnat")
            .Select(rule => rule.External.Host)
            .Concat(Balancers.SelectMany(b => b.Services).Select(s => s.Vip.Address))
            .Concat(LbForceSnat).Concat(DnatForceSnat).Concat(ForcedToRouter())
            .ToHashSet();
    }

    /// <summary>Own addresses that sources of balanced connections become.</summary>
    private IEnumerable<IpPrefix> ForcedToRouter() => LbForcesToRouter
        ? Ports.SelectMany(port => port.Row.Networks).Where(network => !network.IsLinkLocal)
            .Select(network => network.Host)
        : [];

    /// <summary>What names in expressions mean here.</summary>
    public DatapathContext Names { get; }

    public ImmutableArray<NatRule> Nat { get; }
    public ImmutableArray<LoadBalancer> Balancers { get; }

    /// <summary>Addresses that NAT and load balancing own, besides those of ports.</summary>
    public IReadOnlySet<IpPrefix> TranslatedAddresses { get; }

    /// <summary>All of the router is on one host: this one, else it were not compiled.</summary>
    public bool IsGatewayRouter => Row.Chassis is not null;

    /// <summary>Distributed gateway ports, by key.</summary>
    public ImmutableArray<RouterPortView> GatewayPorts { get; }

    /// <summary>options:dnat_force_snat_ip of a gateway router.</summary>
    public ImmutableArray<IpPrefix> DnatForceSnat { get; }

    /// <summary>options:lb_force_snat_ip of a gateway router, when it names addresses.</summary>
    public ImmutableArray<IpPrefix> LbForceSnat { get; }

    /// <summary>options:lb_force_snat_ip = router_ip.</summary>
    public bool LbForcesToRouter { get; }

    /// <summary>options:mcast_relay.</summary>
    public bool RelaysMulticast => Row.Options.GetValueOrDefault("mcast_relay") == "true";

    public bool ForcesLb => LbForcesToRouter || !LbForceSnat.IsEmpty;

    /// <summary>
    /// The port that a NAT rule works at: its own, else the gateway port whose network holds the
    /// external address, else the first; null on a gateway router, where it works everywhere.
    /// </summary>
    public RouterPortView? NatPort(NatRule rule)
    {
        if (IsGatewayRouter) return null;
        if (rule.GatewayPort is { } uuid)
            return GatewayPorts.FirstOrDefault(port => port.Row.Uuid == uuid);
        return GatewayPorts.FirstOrDefault(port =>
                port.Row.Networks.Any(network => network.Contains(rule.External.Host)))
            ?? GatewayPorts.FirstOrDefault();
    }

    private static ImmutableArray<IpPrefix> AddressesOf(string? option) =>
    [
        .. (option ?? "").Split((char[])[' ', ','], StringSplitOptions.RemoveEmptyEntries)
            .Select(word => IpPrefix.TryParse(word, out var ip) ? ip : (IpPrefix?)null)
            .OfType<IpPrefix>(),
    ];

    public LogicalRouter Row { get; }
    public uint Key { get; }
    public ImmutableArray<RouterPortView> Ports { get; }
    public ImmutableArray<RouteView> Routes { get; }

    /// <summary>Numbers of named route tables; the main table is 0.</summary>
    public ImmutableSortedDictionary<string, uint> RouteTables { get; }

    /// <summary>The port whose network holds the address.</summary>
    public (RouterPortView Port, IpPrefix Own)? PortTowards(IpPrefix address)
    {
        foreach (var port in Ports)
        {
            foreach (var network in port.Row.Networks)
            {
                if (network.Contains(address.Host)) return (port, network);
            }
        }

        return null;
    }

    private ImmutableSortedDictionary<string, uint> TablesOf(LogicalTopology topology)
    {
        var names = Row.StaticRoutes
            .Select(uuid => topology.Rows.Routes.GetValueOrDefault(uuid)?.RouteTable ?? "")
            .Where(name => name.Length > 0)
            .Distinct()
            .Order(StringComparer.Ordinal);
        return names.Select((name, index) => KeyValuePair.Create(name, (uint)index + 1))
            .ToImmutableSortedDictionary(StringComparer.Ordinal);
    }

    private ImmutableArray<RouteView> RoutesOf(LogicalTopology topology)
    {
        var routes = ImmutableArray.CreateBuilder<RouteView>();
        foreach (var port in Ports)
        {
            if (!port.Row.IsEnabled) continue;
            foreach (var network in port.Row.Networks)
            {
                routes.Add(new RouteView(
                    port.Row.Uuid, "", network.Network, false, null, port, network.Host,
                    RouteView.Connected, IsDiscard: false));
            }
        }

        foreach (var uuid in Row.StaticRoutes)
        {
            if (!topology.Rows.Routes.TryGetValue(uuid, out var route)) continue;
            var isLost = route.Session is { } session
                && topology.Rows.RouteSessions.TryGetValue(session, out var row) && !row.IsUp;
            if (!isLost) routes.AddRange(ViewOf(route));
        }

        return routes.ToImmutable();
    }

    private IEnumerable<RouteView> ViewOf(StaticRoute route)
    {
        var offset = route.IsSource ? RouteView.SourceBased : RouteView.Static;
        if (route.NextHop is not { } hop)
        {
            yield return new RouteView(
                route.Uuid, route.RouteTable, route.Prefix, route.IsSource, null, null, null,
                offset, IsDiscard: true);
            yield break;
        }

        var (port, source) = OutputOf(route, hop);
        if (port is null || source is null) yield break;
        yield return new RouteView(
            route.Uuid, route.RouteTable, route.Prefix, route.IsSource, hop, port, source, offset,
            IsDiscard: false);
    }

    private (RouterPortView? Port, IpPrefix? Source) OutputOf(StaticRoute route, IpPrefix hop)
    {
        if (route.OutputPort is { } name)
        {
            var named = Ports.FirstOrDefault(port => port.Row.Name == name);
            var own = named?.Row.Networks.Where(n => n.IsIpv6 == hop.IsIpv6)
                .OrderByDescending(n => n.Contains(hop)).Cast<IpPrefix?>().FirstOrDefault();
            return (named, own?.Host);
        }

        return PortTowards(hop) is { } towards ? (towards.Port, towards.Own.Host) : (null, null);
    }
}
