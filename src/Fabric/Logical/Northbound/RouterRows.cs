using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>A row of Logical_Router.</summary>
public sealed record LogicalRouter(
    Guid Uuid, string Name, ImmutableArray<Guid> Ports, ImmutableArray<Guid> StaticRoutes,
    ImmutableArray<Guid> Policies, ImmutableArray<Guid> Nat, ImmutableArray<Guid> LoadBalancers,
    ImmutableArray<Guid> LoadBalancerGroups, bool IsEnabled,
    ImmutableSortedDictionary<string, string> Options)
{
    /// <summary>Meters of what is handed to the control plane.</summary>
    public Guid? Copp { get; init; }

    /// <summary>The host of a gateway router; null for a distributed router.</summary>
    public string? Chassis => Options.GetValueOrDefault("chassis");

    public static LogicalRouter Read(Row row, Action<string> complain) => new(
        row.Uuid, row.GetString("name"), row.GetReferences("ports"),
        row.GetReferences("static_routes"), row.GetReferences("policies"),
        row.GetReferences("nat"), row.GetReferences("load_balancer"),
        row.GetReferences("load_balancer_group"), row.GetBooleanOrNull("enabled") ?? true,
        row.GetMap("options"))
    {
        Copp = row.GetReferenceOrNull("copp"),
    };
}

/// <summary>A row of Logical_Router_Port.</summary>
/// <param name="Networks">Own addresses with their prefix lengths, link-local included.</param>
public sealed record LogicalRouterPort(
    Guid Uuid, string Name, MacBytes Mac, ImmutableArray<IpPrefix> Networks, string? Peer,
    bool IsEnabled, ImmutableArray<Guid> GatewayChassis, Guid? HaChassisGroup,
    ImmutableSortedDictionary<string, string> Options,
    ImmutableSortedDictionary<string, string> RouterAdvertisement)
{
    /// <summary>ipv6_prefix: delegated from outside, to be advertised.</summary>
    public ImmutableArray<IpPrefix> DelegatedPrefixes { get; init; } = [];

    /// <summary>A distributed gateway port: what leaves here leaves on one host.</summary>
    public bool IsGateway => !GatewayChassis.IsEmpty || HaChassisGroup is not null;

    public IEnumerable<IpPrefix> Ipv4 => Networks.Where(network => !network.IsIpv6);
    public IEnumerable<IpPrefix> Ipv6 => Networks.Where(network => network.IsIpv6);

    public static LogicalRouterPort Read(Row row, Action<string> complain)
    {
        if (!MacBytes.TryParse(row.GetString("mac"), out var mac))
            complain($"mac: \"{row.GetString("mac")}\" is not a MAC address");
        var networks = ImmutableArray.CreateBuilder<IpPrefix>();
        foreach (var text in row.GetStringSet("networks"))
        {
            if (IpPrefix.TryParse(text, out var network)) networks.Add(network);
            else complain($"networks: \"{text}\" is not \"IP/length\"");
        }

        var linkLocal = IpPrefix.LinkLocalOf(mac) with { Length = 64 };
        if (networks.Any(n => n.IsIpv6) && !networks.Any(n => n.Address == linkLocal.Address))
            networks.Add(linkLocal);
        return new LogicalRouterPort(
            row.Uuid, row.GetString("name"), mac, networks.ToImmutable(),
            row.GetStringOrNull("peer"), row.GetBooleanOrNull("enabled") ?? true,
            row.GetReferences("gateway_chassis"), row.GetReferenceOrNull("ha_chassis_group"),
            row.GetMap("options"), row.GetMap("ipv6_ra_configs"))
        {
            DelegatedPrefixes =
            [
                .. row.GetStringSet("ipv6_prefix")
                    .Select(text => IpPrefix.TryParse(text, out var prefix) && prefix.IsIpv6
                        ? prefix : (IpPrefix?)null)
                    .OfType<IpPrefix>(),
            ],
        };
    }
}

/// <summary>A row of Logical_Router_Static_Route.</summary>
/// <param name="NextHop">Null: discard.</param>
public sealed record StaticRoute(
    Guid Uuid, string RouteTable, IpPrefix Prefix, bool IsSource, IpPrefix? NextHop,
    string? OutputPort, ImmutableSortedSet<string> SelectionFields,
    ImmutableSortedDictionary<string, string> Options)
{
    public static StaticRoute? Read(Row row, Action<string> complain)
    {
        if (!IpPrefix.TryParse(row.GetString("ip_prefix"), out var prefix))
        {
            complain($"ip_prefix: \"{row.GetString("ip_prefix")}\" is no prefix");
            return null;
        }

        IpPrefix? nextHop = null;
        var text = row.GetString("nexthop");
        if (text != "discard" && text.Length > 0)
        {
            if (!IpPrefix.TryParse(text, out var hop) || !hop.IsHost)
            {
                complain($"nexthop: \"{text}\" is neither an address nor \"discard\"");
                return null;
            }

            nextHop = hop;
        }

        return new StaticRoute(
            row.Uuid, row.GetString("route_table"), prefix.Network,
            row.GetStringOrNull("policy") == "src-ip", nextHop, row.GetStringOrNull("output_port"),
            row.Schema.TryColumn("selection_fields", out _)
                ? row.GetStringSet("selection_fields")
                : [],
            row.GetMap("options"))
        {
            Session = row.GetReferenceOrNull("bfd"),
        };
    }

    /// <summary>The BFD session that must be up for the route to hold.</summary>
    public Guid? Session { get; init; }

    /// <summary>"discard": packets of this prefix are dropped.</summary>
    public bool IsDiscard => NextHop is null;
}

/// <summary>A row of Logical_Router_Policy.</summary>
public sealed record RouterPolicy(
    Guid Uuid, int Priority, string Text, string Action, ImmutableArray<IpPrefix> NextHops,
    uint? PacketMark)
{
    /// <summary>The chain that the rule is in; "" for the one that packets begin with.</summary>
    public string Chain { get; init; } = "";

    /// <summary>With action jump: the chain to go on with.</summary>
    public string JumpChain { get; init; } = "";

    /// <summary>BFD sessions: a next hop whose session is not up is not taken.</summary>
    public ImmutableArray<Guid> Sessions { get; init; } = [];

    public static RouterPolicy Read(Row row, Action<string> complain)
    {
        var hops = ImmutableArray.CreateBuilder<IpPrefix>();
        foreach (var text in row.GetStringSet("nexthops"))
        {
            if (IpPrefix.TryParse(text, out var hop)) hops.Add(hop);
            else complain($"nexthops: \"{text}\" is no address");
        }

        uint? mark = uint.TryParse(row.GetMapValue("options", "pkt_mark"), out var value)
            ? value
            : null;
        return new RouterPolicy(
            row.Uuid, (int)row.GetInteger("priority"), row.GetString("match"),
            row.GetString("action"), hops.ToImmutable(), mark)
        {
            Chain = Optional(row, "chain"),
            JumpChain = Optional(row, "jump_chain"),
            Sessions = row.Schema.TryColumn("bfd_sessions", out _)
                ? row.GetReferences("bfd_sessions")
                : [],
        };
    }

    private static string Optional(Row row, string column) =>
        row.Schema.TryColumn(column, out _) ? row.GetStringOrNull(column) ?? "" : "";
}

/// <summary>A row of NAT.</summary>
public sealed record NatRule(
    Guid Uuid, string Type, IpPrefix External, IpPrefix Logical, MacBytes? ExternalMac,
    string? LogicalPort, string PortRange, Guid? GatewayPort, string Text, bool IsStateless,
    Guid? AllowedExternal, Guid? ExemptedExternal, int Priority)
{
    /// <summary>external_port_range "LOW-HIGH" or "PORT"; zeros when there is none.</summary>
    public (ushort Low, ushort High) Ports
    {
        get
        {
            var ends = PortRange.Split('-');
            if (!ushort.TryParse(ends[0], out var low)) return default;
            return ends.Length == 2 && ushort.TryParse(ends[1], out var high)
                ? (low, high)
                : (low, low);
        }
    }

    /// <summary>A floating IP that the host of its logical port translates by itself.</summary>
    public bool IsDistributed =>
        Type == "dnat_and_snat" && ExternalMac is not null && LogicalPort is not null;

    public static NatRule? Read(Row row, Action<string> complain)
    {
        if (!IpPrefix.TryParse(row.GetString("external_ip"), out var external)
            || !IpPrefix.TryParse(row.GetString("logical_ip"), out var inner))
        {
            complain("external_ip or logical_ip is no address");
            return null;
        }

        MacBytes? mac = MacBytes.TryParse(row.GetString("external_mac"), out var parsed)
            ? parsed
            : null;
        return new NatRule(
            row.Uuid, row.GetString("type"), external, inner, mac,
            row.GetStringOrNull("logical_port"), row.GetString("external_port_range"),
            row.Schema.TryColumn("gateway_port", out _)
                ? row.GetReferenceOrNull("gateway_port")
                : null,
            row.Schema.TryColumn("match", out _) ? row.GetString("match") : "",
            row.GetMapValue("options", "stateless") == "true",
            row.GetReferenceOrNull("allowed_ext_ips"),
            row.GetReferenceOrNull("exempted_ext_ips"),
            row.Schema.TryColumn("priority", out _) ? (int)row.GetInteger("priority") : 0);
    }
}
