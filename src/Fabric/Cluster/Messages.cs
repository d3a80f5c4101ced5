using System.Collections.Immutable;
using System.Net;
using Fabric.Configuration;

namespace Fabric.Cluster;

/// <summary>One tunnel endpoint of one host.</summary>
/// <param name="Type">"geneve" or "vxlan".</param>
/// <param name="Options">As OVN's Encap options, such as csum.</param>
/// <remarks>Ordered by host id, type, address; the options do not order.</remarks>
public sealed record Vtep(
    string HostId, string HostName, string Type, IPAddress Address,
    ImmutableSortedDictionary<string, string> Options) : IComparable<Vtep>
{
    public int CompareTo(Vtep? other)
    {
        if (other is null) return 1;
        if (ReferenceEquals(this, other)) return 0;
        var order = string.CompareOrdinal(HostId, other.HostId);
        if (order == 0) order = string.CompareOrdinal(Type, other.Type);
        if (order == 0) order = Address.GetAddressBytes().AsSpan()
            .SequenceCompareTo(other.Address.GetAddressBytes());
        if (order == 0) order = string.CompareOrdinal(HostName, other.HostName);
        return order != 0 ? order : string.CompareOrdinal(OptionText, other.OptionText);
    }

    public bool Equals(Vtep? other) => CompareTo(other) == 0;

    public override int GetHashCode() => HashCode.Combine(HostId, Type, Address);

    private string OptionText =>
        string.Join('\0', Options.Select(option => $"{option.Key}={option.Value}"));
}

/// <summary>The VTEPs of all hosts that are alive, this one included.</summary>
public sealed record VtepsChanged(ImmutableSortedSet<Vtep> Vteps);

/// <summary>All logical ports that are bound at this host, as a whole.</summary>
public sealed record ClaimPorts(ImmutableSortedSet<string> LogicalPorts);

/// <summary>Where each bound logical port is.</summary>
public sealed record PortLocationsChanged(
    ImmutableSortedDictionary<string, PortLocation> Locations);

/// <param name="Claim">Counts the claims of a port over its life; the highest one wins.</param>
public sealed record PortLocation(string LogicalPort, string HostId, long Claim);

/// <summary>The northbound as of one place of the log.</summary>
/// <param name="Sequence">Of the last entry applied; never goes back.</param>
public sealed record NorthboundChanged(
    long Sequence, DatabaseSnapshot Database, TunnelKeys Keys);

/// <summary>Keys that travel in tunnels, by row of the northbound.</summary>
/// <param name="Datapaths">By Logical_Switch and Logical_Router; 1 to 2^24-1-65535.</param>
/// <param name="Ports">
/// By Logical_Switch_Port and Logical_Router_Port; 1 to 32767 in each datapath.
/// </param>
public sealed record TunnelKeys(
    ImmutableDictionary<Guid, uint> Datapaths, ImmutableDictionary<Guid, uint> Ports)
{
    public static readonly TunnelKeys Empty = new(
        ImmutableDictionary<Guid, uint>.Empty, ImmutableDictionary<Guid, uint>.Empty);

    /// <summary>Keys of "cr-" ports by Logical_Router_Port, in the router's key space.</summary>
    public ImmutableDictionary<Guid, uint> ChassisRedirects { get; init; } =
        ImmutableDictionary<Guid, uint>.Empty;
}

/// <summary>The flows of this host are what the northbound says at this sequence.</summary>
/// <param name="NbCfg">NB_Global.nb_cfg there.</param>
public sealed record NorthboundApplied(long Sequence, long NbCfg);
