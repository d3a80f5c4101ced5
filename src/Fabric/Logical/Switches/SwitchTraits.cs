using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>What all flows of a switch depend on: changes rarely, and then much changes.</summary>
/// <param name="Key">Tunnel key of the datapath.</param>
/// <param name="IsStateful">Some ACL is allow-related, or there is a load balancer.</param>
/// <param name="DropsByDefault">NB_Global.options:default_acl_drop.</param>
/// <param name="MatchesInvalid">ct.inv may be matched (options:use_ct_inv_match).</param>
internal sealed record SwitchTraits(
    uint Key, bool IsStateful, bool HasIngressAcls, bool HasLateAcls, bool HasEgressAcls,
    bool HasBalancers, bool HasUnknown, bool HasSecurity, bool IsVlanTransparent,
    bool DropsByDefault, bool MatchesInvalid, int TierMax)
{
    /// <summary>
    /// other_config:broadcast-arps-to-all-routers = false: requests for addresses that no router
    /// is known to have do not reach routers.
    /// </summary>
    public bool HidesArpFromRouters { get; init; }

    /// <summary>Some ACL is allow-related.</summary>
    public bool HasStatefulAcls { get; init; }

    public bool HasAcls => HasIngressAcls || HasLateAcls || HasEgressAcls;
}

/// <summary>One port of a switch with everything that its flows are made from.</summary>
/// <param name="Addresses">With the peer's, for a router port.</param>
/// <param name="Peer">The router port behind a port of type router.</param>
/// <param name="IsPeerServed">
/// The peer's addresses are reached through this port here. Not so for a gateway port that acts
/// on another host, when there is a physical network to reach it by.
/// </param>
/// <param name="PeerServices">Addresses that the router answers for here besides its own.</param>
internal sealed record SwitchPortView(
    LogicalSwitchPort Row, uint Key, ImmutableArray<LinkAddresses> Addresses,
    LogicalRouterPort? Peer, bool IsPeerServed, ImmutableArray<LinkAddresses> PeerServices)
{
    /// <summary>Host of a gateway port that acts elsewhere; null: it acts here.</summary>
    public string? Gateway { get; init; }

    /// <summary>An interface of this host carries it, or its parent.</summary>
    public bool IsHere { get; init; }

    /// <summary>The peer's router is whole on one host.</summary>
    public bool IsOfGatewayRouter { get; init; }

    /// <summary>Conntrack and ACLs pass such ports by: they lead to other datapaths.</summary>
    public bool IsTransit => Row.IsRouter || Row.IsLocalnet;

    /// <summary>MACs behind the port are not all in the northbound.</summary>
    public bool LearnsAddresses =>
        (Row.HasUnknown && Row.PortSecurity.IsEmpty)
        || (Row.IsLocalnet && Row.Options.GetValueOrDefault("localnet_learn_fdb") == "true");

    /// <remarks>
    /// The address lists are the row's and the peer's own: they change with them.
    /// </remarks>
    public object?[] Inputs =>
        [
            Row, Key, Peer, IsPeerServed, Gateway, IsOfGatewayRouter, IsHere,
            string.Join(' ', PeerServices.Select(TextOf)),
        ];

    private static string TextOf(LinkAddresses addresses) =>
        $"{addresses.Mac} {string.Join(',', addresses.Ips)}";
}

/// <summary>A switch as this host compiles it.</summary>
internal sealed class SwitchView
{
    public SwitchView(LogicalTopology topology, HostView host, LogicalSwitch row, uint key)
    {
        Row = row;
        var ports = ImmutableArray.CreateBuilder<SwitchPortView>();
        var hasLocalnet = topology.PortsOf(row).Any(port => port.IsLocalnet);
        foreach (var port in topology.PortsOf(row))
        {
            if (topology.PortKey(port.Uuid) is not { } portKey) continue;
            var peer = topology.PeerOf(port);
            var wholeAt = peer is null ? null : topology.RouterOf(peer)?.Chassis;
            var gateway = wholeAt ?? (peer is { IsGateway: true }
                ? GatewayHost.Of(topology, host, peer)
                : host.HostId);
            var isResident = gateway == host.HostId;
            var isServed = isResident || !hasLocalnet || wholeAt is not null;
            var services = peer is null ? [] : RouterServices.Of(topology, host, peer, isServed);
            ports.Add(new SwitchPortView(
                port, portKey, AddressesOf(port, peer), peer, isServed, services)
            {
                Gateway = isResident ? null : gateway ?? "",
                IsOfGatewayRouter = wholeAt is not null,
                IsHere = host.Interfaces.ContainsKey(port.Parent is { Length: > 0 } parent
                    ? parent
                    : port.Name),
            });
        }

        ports.Sort((a, b) => a.Key.CompareTo(b.Key));
        Ports = ports.ToImmutable();
        Acls = [.. topology.AclsOf(row)];
        Balancers =
        [
            .. topology.BalancersOf(row.LoadBalancers, row.LoadBalancerGroups)
                .Select(balancer => topology.Rows.Expanded(balancer, host.HostId)),
        ];
        Traits = TraitsOf(topology.Rows.GlobalOptions, key);
    }

    public LogicalSwitch Row { get; }

    /// <summary>By key.</summary>
    public ImmutableArray<SwitchPortView> Ports { get; }

    public ImmutableArray<Acl> Acls { get; }
    public ImmutableArray<LoadBalancer> Balancers { get; }
    public SwitchTraits Traits { get; }

    public Dictionary<string, uint> PortKeys() =>
        Ports.ToDictionary(port => port.Row.Name, port => port.Key, StringComparer.Ordinal);

    private SwitchTraits TraitsOf(ImmutableSortedDictionary<string, string> global, uint key)
    {
        var hasBalancers = Balancers.Any(balancer => !balancer.Services.IsEmpty);
        return new SwitchTraits(
            key,
            hasBalancers || Acls.Any(acl => acl.IsStateful),
            Acls.Any(acl => !acl.IsEgress && !acl.IsAfterLoadBalancing),
            Acls.Any(acl => acl.IsAfterLoadBalancing),
            Acls.Any(acl => acl.IsEgress),
            hasBalancers,
            Ports.Any(port => port.Row.HasUnknown || port.Row.IsLocalnet),
            Ports.Any(port => !port.Row.PortSecurity.IsEmpty),
            Row.IsVlanTransparent,
            global.GetValueOrDefault("default_acl_drop") == "true",
            global.GetValueOrDefault("use_ct_inv_match") != "false",
            Acls.Select(acl => acl.Tier).DefaultIfEmpty(0).Max())
        {
            HasStatefulAcls = Acls.Any(acl => acl.IsStateful),
            HidesArpFromRouters =
                Row.OtherConfig.GetValueOrDefault("broadcast-arps-to-all-routers") == "false",
        };
    }

    private static ImmutableArray<LinkAddresses> AddressesOf(
        LogicalSwitchPort port, LogicalRouterPort? peer)
    {
        if (!port.HasRouterAddresses || peer is null) return port.Addresses;
        var own = new LinkAddresses(peer.Mac, [.. peer.Networks.Select(network => network.Host)]);
        return port.Addresses.Add(own);
    }
}
