using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>A logical network as people write it in YAML: the same rows as ovn-nbctl's.</summary>
/// <remarks>The format is described by the comments of config/networks/three-tier.yaml.</remarks>
/// <param name="Name">Marks the rows that belong to it (external_ids:fabric:network).</param>
public sealed partial record NetworkDocument(
    string Name, ImmutableArray<NetworkSwitch> Switches, ImmutableArray<NetworkRouter> Routers,
    ImmutableArray<NetworkGroup> Groups, ImmutableArray<NetworkAddressSet> AddressSets,
    ImmutableArray<NetworkAcl> Acls, ImmutableArray<NetworkLoadBalancer> LoadBalancers)
{
    /// <summary>All ports of all switches.</summary>
    public IEnumerable<NetworkPort> Ports => Switches.SelectMany(owner => owner.Ports);
}

/// <param name="Subnet">Addresses of the ports must lie inside.</param>
public sealed record NetworkSwitch(
    string Name, IpPrefix? Subnet, ImmutableArray<NetworkPort> Ports, NetworkPlace Place)
{
    /// <summary>By name, in the document's order.</summary>
    public ImmutableSortedDictionary<string, string> OtherConfig { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;
}

/// <param name="Type">Empty for a workload's interface, else OVN's port type.</param>
/// <param name="HasUnknown">Frames to unknown MACs go here too.</param>
/// <param name="IsSecured">Only these addresses may be used (port_security).</param>
/// <param name="Host">Placement hint: the number of a host, from 1; null: anywhere.</param>
public sealed record NetworkPort(
    string Name, string Type, MacBytes? Mac, ImmutableArray<IpPrefix> Ips, bool HasUnknown,
    bool IsSecured, int? Host, ImmutableSortedDictionary<string, string> Options,
    NetworkPlace Place)
{
    /// <summary>Something stands under mac, even if it is no address.</summary>
    internal bool HasMac { get; init; }
}

public sealed record NetworkRouter(
    string Name, ImmutableArray<NetworkRouterPort> Ports, ImmutableArray<NetworkRoute> Routes,
    ImmutableArray<NetworkNat> Nat, ImmutableSortedDictionary<string, string> Options,
    NetworkPlace Place);

/// <param name="Switch">The switch that the port is plugged into; null for none.</param>
public sealed record NetworkRouterPort(
    string Name, string? Switch, MacBytes Mac, ImmutableArray<IpPrefix> Networks,
    NetworkPlace Place);

/// <param name="NextHop">An address, or "discard".</param>
public sealed record NetworkRoute(IpPrefix Prefix, string NextHop, NetworkPlace Place);

public sealed record NetworkNat(
    string Type, IpPrefix External, IpPrefix Logical, NetworkPlace Place);

public sealed record NetworkGroup(
    string Name, ImmutableArray<string> Ports, NetworkPlace Place);

public sealed record NetworkAddressSet(
    string Name, ImmutableArray<string> Addresses, NetworkPlace Place);

/// <param name="Owner">A port group's name, or a switch's when 'IsOnSwitch'.</param>
public sealed record NetworkAcl(
    string Name, string Owner, bool IsOnSwitch, string Direction, int Priority, string Match,
    string Action, int Tier, bool IsLogged, NetworkPlace Place);

public sealed record NetworkLoadBalancer(
    string Name, string Protocol, ImmutableSortedDictionary<string, string> Vips,
    ImmutableArray<string> Switches, NetworkPlace Place);

/// <summary>Where something stands in a document: line and column from 1.</summary>
public readonly record struct NetworkPlace(int Line, int Column) : IComparable<NetworkPlace>
{
    public int CompareTo(NetworkPlace other) =>
        Line != other.Line ? Line.CompareTo(other.Line) : Column.CompareTo(other.Column);
}

/// <summary>One thing that is wrong with a network document.</summary>
/// <param name="Fix">What to write instead.</param>
public sealed record NetworkDocumentError(
    string FileName, NetworkPlace Place, string Message, string Fix)
{
    public override string ToString() =>
        $"{FileName}:{Place.Line}:{Place.Column}: {Message}; {Fix}";
}

/// <summary>A network document is refused: everything that is wrong with it, in order.</summary>
public sealed class NetworkDocumentException(ImmutableArray<NetworkDocumentError> errors)
    : Exception(string.Join(Environment.NewLine, errors))
{
    public ImmutableArray<NetworkDocumentError> Errors => errors;
}
