using System.Collections.Immutable;
using Fabric.Wire;

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

    /// <summary>The MAC that probes of services come from; null: none are probed.</summary>
    public MacBytes? ProbeMac { get; init; }

    /// <summary>Seconds that a learnt MAC is remembered while it is silent.</summary>
    public ushort StationAge { get; init; }

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
            PeerServices.IsEmpty ? "" : string.Join(' ', PeerServices.Select(TextOf)),
        ];

    private static string TextOf(LinkAddresses addresses) =>
        $"{addresses.Mac} {string.Join(',', addresses.Ips)}";
}
