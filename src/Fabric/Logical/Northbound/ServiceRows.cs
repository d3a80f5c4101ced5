using System.Collections.Immutable;
using System.Globalization;
using Fabric.Configuration;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>"IP" or "IP:port" or "[IPv6]:port" of a load balancer.</summary>
/// <param name="Port">0: all ports.</param>
public readonly record struct ServiceEndpoint(IpPrefix Address, ushort Port)
{
    public static bool TryParse(string text, out ServiceEndpoint endpoint)
    {
        endpoint = default;
        text = text.Trim();
        string address = text, port = "";
        if (text.StartsWith('['))
        {
            var close = text.IndexOf(']');
            if (close < 0) return false;
            address = text[1..close];
            if (close + 1 < text.Length && text[close + 1] == ':') port = text[(close + 2)..];
            else if (close + 1 != text.Length) return false;
        }
        else if (text.Count(c => c == ':') == 1)
        {
            var colon = text.IndexOf(':');
            (address, port) = (text[..colon], text[(colon + 1)..]);
        }

        ushort number = 0;
        if (port.Length > 0
            && !ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number))
        {
            return false;
        }

        if (!IpPrefix.TryParse(address, out var ip) || !ip.IsHost) return false;
        endpoint = new ServiceEndpoint(ip, number);
        return true;
    }
}

/// <summary>One virtual address with the endpoints behind it.</summary>
public sealed record VirtualService(ServiceEndpoint Vip, ImmutableArray<ServiceEndpoint> Backends);

/// <summary>A row of Load_Balancer.</summary>
/// <param name="Protocol">IP protocol: 6, 17 or 132.</param>
public sealed record LoadBalancer(
    Guid Uuid, string Name, byte Protocol, ImmutableArray<VirtualService> Services,
    ImmutableSortedSet<string> SelectionFields, ImmutableSortedDictionary<string, string> Options)
{
    /// <summary>vips of a balancer with options:template = true, as written.</summary>
    public ImmutableSortedDictionary<string, string> Template { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Rows that say how its backends are probed.</summary>
    public ImmutableArray<Guid> HealthChecks { get; init; } = [];

    /// <summary>ip_port_mappings by backend.</summary>
    public ImmutableDictionary<IpPrefix, BackendPlace> Places { get; init; } =
        ImmutableDictionary<IpPrefix, BackendPlace>.Empty;

    /// <summary>The probed service that a backend is; null: nobody knows where it is.</summary>
    public ServiceKey? ServiceOf(ServiceEndpoint backend) =>
        Places.TryGetValue(backend.Address, out var place)
            ? new ServiceKey(place.LogicalPort, backend.Address, Protocol, backend.Port)
            : null;

    /// <summary>
    /// Seconds that a client stays with its backend after its last connection; 0: not at all.
    /// </summary>
    public ushort AffinitySeconds =>
        ushort.TryParse(Options.GetValueOrDefault("affinity_timeout"), out var seconds)
            ? seconds
            : (ushort)0;

    /// <summary>What the row means on the host of these variables.</summary>
    public LoadBalancer Expand(TemplateVariables? variables) => this with
    {
        Services = ServicesOf(
            Template.Select(pair => KeyValuePair.Create(
                variables?.Expand(pair.Key) ?? pair.Key,
                variables?.Expand(pair.Value) ?? pair.Value)), _ => { }),
    };

    public bool Rejects => Options.GetValueOrDefault("reject") == "true";

    /// <summary>
    /// The client that a backend sees when it is balanced to itself: hairpin_snat_ip, else the
    /// virtual address.
    /// </summary>
    public IpPrefix HairpinSource(IpPrefix vip)
    {
        var words = Options.GetValueOrDefault("hairpin_snat_ip", "").Split(' ');
        foreach (var word in words)
        {
            if (IpPrefix.TryParse(word, out var ip) && ip.IsIpv6 == vip.IsIpv6) return ip.Host;
        }

        return vip;
    }

    public bool SkipsSnat => Options.GetValueOrDefault("skip_snat") == "true";

    public static LoadBalancer Read(Row row, Action<string> complain)
    {
        byte protocol =
            row.GetStringOrNull("protocol") switch { "udp" => 17, "sctp" => 132, _ => 6 };
        var isTemplate = row.GetMapValue("options", "template") == "true";
        return new LoadBalancer(
            row.Uuid, row.GetString("name"), protocol,
            isTemplate ? [] : ServicesOf(row.GetMap("vips"), complain),
            row.GetStringSet("selection_fields"), row.GetMap("options"))
        {
            Template = isTemplate
                ? row.GetMap("vips")
                : ImmutableSortedDictionary<string, string>.Empty,
            HealthChecks = row.GetReferences("health_check"),
            Places = BackendPlace.ReadAll(row.GetMap("ip_port_mappings"), complain),
        };
    }

    /// <remarks>Several virtual addresses may stand in one template variable.</remarks>
    private static ImmutableArray<VirtualService> ServicesOf(
        IEnumerable<KeyValuePair<string, string>> vips, Action<string> complain)
    {
        var services = ImmutableArray.CreateBuilder<VirtualService>();
        foreach (var (vip, backends) in vips)
        {
            if (!ServiceEndpoint.TryParse(vip, out var endpoint))
            {
                complain($"vips: \"{vip}\" is no IP[:port]");
                continue;
            }

            services.Add(new VirtualService(endpoint, ReadBackends(backends, complain)));
        }

        return services.ToImmutable();
    }

    private static ImmutableArray<ServiceEndpoint> ReadBackends(
        string texts, Action<string> complain)
    {
        var backends = ImmutableArray.CreateBuilder<ServiceEndpoint>();
        foreach (var text in texts.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (ServiceEndpoint.TryParse(text, out var backend)) backends.Add(backend);
            else complain($"vips: backend \"{text}\" is no IP[:port]");
        }

        return backends.ToImmutable();
    }
}

/// <summary>A row of Load_Balancer_Group.</summary>
public sealed record LoadBalancerGroup(Guid Uuid, string Name, ImmutableArray<Guid> Members)
{
    public static LoadBalancerGroup Read(Row row, Action<string> complain) =>
        new(row.Uuid, row.GetString("name"), row.GetReferences("load_balancer"));
}

/// <summary>A row of DHCP_Options.</summary>
public sealed record DhcpOptions(
    Guid Uuid, string Cidr, ImmutableSortedDictionary<string, string> Options)
{
    public static DhcpOptions Read(Row row, Action<string> complain) =>
        new(row.Uuid, row.GetString("cidr"), row.GetMap("options"));

    public MacBytes? ServerMac =>
        MacBytes.TryParse(Options.GetValueOrDefault("server_mac", ""), out var mac) ? mac : null;

    public IpPrefix? ServerId =>
        IpPrefix.TryParse(Options.GetValueOrDefault("server_id"), out var ip) ? ip : null;
}

/// <summary>A row of DNS.</summary>
public sealed record DnsRecords(Guid Uuid, ImmutableSortedDictionary<string, string> Records)
{
    public static DnsRecords Read(Row row, Action<string> complain) =>
        new(row.Uuid, row.GetMap("records"));
}

/// <summary>A row of Static_MAC_Binding.</summary>
public sealed record StaticMacBinding(
    Guid Uuid, string LogicalPort, IpPrefix Ip, MacBytes Mac, bool OverridesDynamic)
{
    public static StaticMacBinding? Read(Row row, Action<string> complain)
    {
        if (!IpPrefix.TryParse(row.GetString("ip"), out var ip)
            || !MacBytes.TryParse(row.GetString("mac"), out var mac))
        {
            complain("ip or mac is no address");
            return null;
        }

        return new StaticMacBinding(
            row.Uuid, row.GetString("logical_port"), ip, mac,
            row.GetBoolean("override_dynamic_mac"));
    }
}

/// <summary>A row of Gateway_Chassis or HA_Chassis: a candidate host for a gateway.</summary>
public sealed record GatewayCandidate(Guid Uuid, string Chassis, int Priority)
{
    public static GatewayCandidate Read(Row row, Action<string> complain) =>
        new(row.Uuid, row.GetString("chassis_name"), (int)row.GetInteger("priority"));
}

/// <summary>A row of HA_Chassis_Group.</summary>
public sealed record HaChassisGroup(Guid Uuid, string Name, ImmutableArray<Guid> Members)
{
    public static HaChassisGroup Read(Row row, Action<string> complain) =>
        new(row.Uuid, row.GetString("name"), row.GetReferences("ha_chassis"));
}
