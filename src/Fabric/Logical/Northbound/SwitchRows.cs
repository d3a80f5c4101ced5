using System.Collections.Immutable;
using Fabric.Configuration;

namespace Fabric.Logical;

/// <summary>A row of Logical_Switch, read once per version of the row.</summary>
public sealed record LogicalSwitch(
    Guid Uuid, string Name, ImmutableArray<Guid> Ports, ImmutableArray<Guid> Acls,
    ImmutableArray<Guid> QosRules, ImmutableArray<Guid> LoadBalancers,
    ImmutableArray<Guid> LoadBalancerGroups, ImmutableArray<Guid> DnsRecords,
    ImmutableSortedDictionary<string, string> OtherConfig)
{
    /// <summary>Meters of what is handed to the control plane.</summary>
    public Guid? Copp { get; init; }

    /// <summary>Guests may send tagged frames.</summary>
    public bool IsVlanTransparent => OtherConfig.GetValueOrDefault("vlan-passthru") == "true";

    public static LogicalSwitch Read(Row row, Action<string> complain) => new(
        row.Uuid, row.GetString("name"), row.GetReferences("ports"), row.GetReferences("acls"),
        row.GetReferences("qos_rules"), row.GetReferences("load_balancer"),
        row.GetReferences("load_balancer_group"), row.GetReferences("dns_records"),
        row.GetMap("other_config"))
    {
        Copp = row.GetReferenceOrNull("copp"),
    };
}

/// <summary>A row of Logical_Switch_Port.</summary>
/// <param name="Addresses">Those with a MAC, dynamic ones included.</param>
/// <param name="HasUnknown">Frames to unknown MACs go here too.</param>
/// <param name="HasRouterAddresses">Addresses are those of the peer router port.</param>
/// <param name="PortSecurity">Empty: the port may send anything.</param>
public sealed record LogicalSwitchPort(
    Guid Uuid, string Name, string Type, ImmutableSortedDictionary<string, string> Options,
    ImmutableArray<LinkAddresses> Addresses, bool HasUnknown, bool HasRouterAddresses,
    ImmutableArray<LinkAddresses> PortSecurity, bool IsEnabled, bool IsUp, string? Parent,
    int? Tag, string? Peer, Guid? DhcpV4Options, Guid? DhcpV6Options, Guid? HaChassisGroup)
{
    /// <summary>The address that asks for others: "dynamic", "MAC dynamic", "dynamic IP".</summary>
    public string? Dynamic { get; init; }

    /// <summary>dynamic_addresses: what it was given.</summary>
    public string? Given { get; init; }

    /// <summary>VLAN tag that a nested port wants; 0: any.</summary>
    public int? TagRequest { get; init; }

    public bool IsRouter => Type == "router";
    public bool IsLocalnet => Type == "localnet";

    /// <summary>A physical network behind one host (options:l2gateway-chassis).</summary>
    public bool IsL2Gateway => Type == "l2gateway";

    public string? L2GatewayChassis =>
        IsL2Gateway ? Options.GetValueOrDefault("l2gateway-chassis") : null;

    public bool IsLocalport => Type == "localport";

    /// <summary>An address that one of several workloads answers for.</summary>
    public bool IsVirtual => Type == "virtual";

    /// <summary>A workload in the physical network that one host serves.</summary>
    public bool IsExternal => Type == "external";

    /// <summary>Bound where an interface carries its name: VIFs, nested and local ports.</summary>
    public bool IsVif => Type is "" or "localport" or "vif";

    /// <summary>The router port that a port of type router is plugged into.</summary>
    public string? RouterPort => IsRouter ? Options.GetValueOrDefault("router-port") : null;

    public static LogicalSwitchPort Read(Row row, Action<string> complain)
    {
        var addresses = ImmutableArray.CreateBuilder<LinkAddresses>();
        bool hasUnknown = false, hasRouter = false;
        string? dynamic = null;
        foreach (var text in row.GetStringSet("addresses"))
        {
            if (text == "unknown") hasUnknown = true;
            else if (text == "router") hasRouter = true;
            else if (text.Contains("dynamic", StringComparison.Ordinal)) dynamic = text;
            else if (LinkAddresses.TryParse(text, out var parsed)) addresses.Add(parsed);
            else complain($"addresses: \"{text}\" is not \"MAC [IP...]\"");
        }

        var given = row.GetStringOrNull("dynamic_addresses");
        if (given is not null && LinkAddresses.TryParse(given, out var allocated))
            addresses.Add(allocated);

        return new LogicalSwitchPort(
            row.Uuid, row.GetString("name"), row.GetString("type"), row.GetMap("options"),
            addresses.ToImmutable(), hasUnknown, hasRouter, ReadSecurity(row, complain),
            row.GetBooleanOrNull("enabled") ?? true, row.GetBoolean("up"),
            row.GetStringOrNull("parent_name"), (int?)row.GetIntegerOrNull("tag"),
            ReadPeer(row), row.GetReferenceOrNull("dhcpv4_options"),
            row.GetReferenceOrNull("dhcpv6_options"), row.GetReferenceOrNull("ha_chassis_group"))
        {
            Dynamic = dynamic,
            Given = given,
            TagRequest = (int?)row.GetIntegerOrNull("tag_request"),
        };
    }

    private static string? ReadPeer(Row row) =>
        row.Schema.TryColumn("peer", out _) ? row.GetStringOrNull("peer") : null;

    private static ImmutableArray<LinkAddresses> ReadSecurity(Row row, Action<string> complain)
    {
        var security = ImmutableArray.CreateBuilder<LinkAddresses>();
        foreach (var text in row.GetStringSet("port_security"))
        {
            if (LinkAddresses.TryParse(text, out var parsed)) security.Add(parsed);
            else complain($"port_security: \"{text}\" is not \"MAC [IP...]\"");
        }

        return security.ToImmutable();
    }
}
