using System.Collections.Immutable;
using System.Globalization;
using Fabric.Configuration;
using Fabric.Switching;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>A tunnel of this host with its BFD session.</summary>
/// <param name="Bfd">The column as it is.</param>
/// <param name="IsForwarding">bfd_status:forwarding; null: no session yet.</param>
public sealed record TunnelSession(
    Guid Row, string HostId, ImmutableSortedDictionary<string, string> Bfd, bool? IsForwarding);

/// <summary>Gateways and tunnels as the databases have them.</summary>
internal static class GatewayRows
{
    private const string IntervalDefault = "200";
    private const string MultiplierDefault = "3";

    /// <summary>All that can act on one host of several.</summary>
    public static ImmutableArray<Gateway> Read(
        LogicalTopology topology, DatabaseSnapshot database, Row? bridge)
    {
        var links = LinksOf(database, bridge);
        var gateways = ImmutableArray.CreateBuilder<Gateway>();
        foreach (var port in topology.Rows.RouterPorts.Values.OrderBy(port => port.Uuid))
        {
            if (!port.IsGateway) continue;
            var candidates = Preferred(GatewayHost.CandidatesOf(topology, port));
            if (candidates.IsEmpty) continue;
            gateways.Add(new Gateway(port.Name, candidates)
            {
                NextHops = NextHopsOf(topology, port, links),
            });
        }

        foreach (var group in topology.Rows.HaGroups.Values.OrderBy(group => group.Uuid))
        {
            var candidates = Preferred(group.Members
                .Select(member => topology.Rows.HaChassis.GetValueOrDefault(member))
                .OfType<GatewayCandidate>());
            if (candidates.IsEmpty) continue;
            gateways.Add(new Gateway(Gateway.NameOfGroup(group.Uuid), candidates));
        }

        return gateways.ToImmutable();
    }

    /// <summary>The bfd column of tunnels: NB_Global.options bfd-min-rx and so on.</summary>
    public static ImmutableSortedDictionary<string, string> BfdColumn(DatabaseSnapshot northbound)
    {
        var options = northbound.Table("NB_Global").First?.GetMap("options")
            ?? ImmutableSortedDictionary<string, string>.Empty;
        return ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal,
        [
            KeyValuePair.Create("enable", "true"),
            KeyValuePair.Create("check_tnl_key", "true"),
            KeyValuePair.Create("min_rx", options.GetValueOrDefault("bfd-min-rx", IntervalDefault)),
            KeyValuePair.Create("min_tx", options.GetValueOrDefault("bfd-min-tx", IntervalDefault)),
            KeyValuePair.Create("mult", options.GetValueOrDefault("bfd-mult", MultiplierDefault)),
        ]);
    }

    public static ImmutableArray<TunnelSession> Tunnels(DatabaseSnapshot database, Row? bridge)
    {
        if (bridge is null) return [];
        var tunnels = ImmutableArray.CreateBuilder<TunnelSession>();
        foreach (var tunnel in TunnelRows.Read(database, bridge))
        {
            if (database.Find("Interface", tunnel.Interface) is not { } row) continue;
            var status = row.GetMapValue("bfd_status", "forwarding");
            tunnels.Add(new TunnelSession(
                row.Uuid, tunnel.HostId, row.GetMap("bfd"),
                status is null ? null : status == "true"));
        }

        return tunnels.ToImmutable();
    }

    /// <summary>Operations that make sessions run on exactly these hosts' tunnels.</summary>
    /// <remarks>Only columns that this wrote are taken back: an operator's session stays.</remarks>
    public static ImmutableArray<Operation> Reconcile(
        ImmutableArray<TunnelSession> tunnels, ImmutableSortedSet<string> hosts,
        ImmutableSortedDictionary<string, string> column)
    {
        var operations = ImmutableArray.CreateBuilder<Operation>();
        foreach (var tunnel in tunnels)
        {
            var isOurs = tunnel.Bfd.GetValueOrDefault("check_tnl_key") == "true";
            var isWanted = hosts.Contains(tunnel.HostId);
            if (isWanted && !tunnel.Bfd.SequenceEqual(column)
                && (isOurs || tunnel.Bfd.IsEmpty))
            {
                operations.Add(Operation.UpdateRow(
                    "Interface", tunnel.Row, new ColumnValue("bfd", Datum.Map(column))));
            }
            else if (!isWanted && isOurs)
            {
                operations.Add(Operation.UpdateRow(
                    "Interface", tunnel.Row, new ColumnValue("bfd", Datum.EmptyMap)));
            }
        }

        return operations.ToImmutable();
    }

    /// <summary>
    /// Hosts to have a session with: a candidate has one with everybody, everybody with candidates.
    /// </summary>
    public static ImmutableSortedSet<string> SessionHosts(
        string self, ImmutableArray<Gateway> gateways, IEnumerable<string> peers)
    {
        var several = gateways.Where(gateway => gateway.Candidates.Length > 1).ToList();
        var candidates = several.SelectMany(gateway => gateway.Candidates)
            .ToImmutableSortedSet(StringComparer.Ordinal);
        return candidates.Contains(self)
            ? peers.ToImmutableSortedSet(StringComparer.Ordinal)
            : candidates;
    }

    private static ImmutableArray<string> Preferred(IEnumerable<GatewayCandidate> candidates) =>
    [
        .. candidates.OrderByDescending(candidate => candidate.Priority)
            .ThenBy(candidate => candidate.Chassis, StringComparer.Ordinal)
            .Select(candidate => candidate.Chassis).Distinct(),
    ];

    /// <summary>Interface towards the physical network by localnet port.</summary>
    private static Dictionary<string, string> LinksOf(DatabaseSnapshot database, Row? bridge)
    {
        var links = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var uuid in bridge?.GetReferences("ports") ?? [])
        {
            if (database.Find("Port", uuid) is { } port
                && port.GetMapValue("external_ids", PhysicalLinks.LocalnetKey) is { } localnet)
            {
                links[localnet] = port.GetString("name");
            }
        }

        return links;
    }

    /// <summary>IPv4 next hops of the router's routes in the port's own networks.</summary>
    private static ImmutableArray<NextHop> NextHopsOf(
        LogicalTopology topology, LogicalRouterPort port, Dictionary<string, string> links)
    {
        if (topology.RouterOf(port) is not { } router
            || topology.PeerOf(port) is not { } plug || topology.SwitchOf(plug) is not { } owner)
        {
            return [];
        }

        var localnets = topology.PortsOf(owner)
            .Where(each => each.IsLocalnet && links.ContainsKey(each.Name)).ToList();
        var hops = router.StaticRoutes
            .Select(uuid => topology.Rows.Routes.GetValueOrDefault(uuid)?.NextHop)
            .OfType<IpPrefix>()
            .Where(hop => !hop.IsIpv6 && port.Ipv4.Any(network => network.Contains(hop.Host)))
            .Select(hop => (uint)hop.Address).Distinct().Order();
        return
        [
            .. from hop in hops
               from localnet in localnets
               select new NextHop(links[localnet.Name], (ushort)(localnet.Tag ?? 0), hop),
        ];
    }

    /// <summary>For messages: "10.0.0.1".</summary>
    public static string TextOf(NextHop hop) => string.Create(
        CultureInfo.InvariantCulture, $"{IpPrefix.V4(hop.Address)} at {hop.Interface}");
}
