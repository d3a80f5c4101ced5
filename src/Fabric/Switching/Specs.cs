using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>All bridges that shall exist, as the configuration database has them now.</summary>
/// <param name="Revision">Open_vSwitch.next_cfg that this state belongs to.</param>
/// <param name="Bridges">By bridge name.</param>
public sealed record BridgesWanted(
    long Revision, ImmutableSortedDictionary<string, BridgeSpec> Bridges);

/// <summary>
/// What came of <see cref="BridgesWanted"/>: becomes rows, then cur_cfg = Revision.
/// </summary>
public sealed record BridgesReconciled(
    long Revision, ImmutableSortedDictionary<string, BridgeStatus> Bridges)
{
    /// <summary>What datapaths with bridges can do, by datapath_type: names and values.</summary>
    public ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>>
        Capabilities { get; init; } =
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>>.Empty;
}

/// <summary>One Bridge row with its ports.</summary>
/// <param name="DatapathType">"" and "system", "netdev" or "dummy".</param>
/// <param name="FailMode">"standalone", "secure" or null.</param>
/// <param name="Ports">By port name.</param>
public sealed record BridgeSpec(
    string Name, string DatapathType, string? FailMode, ImmutableSortedSet<string> Protocols,
    ImmutableSortedDictionary<string, ControllerSpec> Controllers,
    ImmutableSortedDictionary<string, PortSpec> Ports,
    ImmutableSortedDictionary<string, MirrorSpec> Mirrors,
    ImmutableSortedDictionary<string, string> OtherConfig,
    ImmutableSortedDictionary<string, string> ExternalIds)
{
    /// <summary>Rows of Flow_Table by the number of their table; others are as usual.</summary>
    public ImmutableSortedDictionary<int, FlowTableSpec> FlowTables { get; init; } =
        ImmutableSortedDictionary<int, FlowTableSpec>.Empty;

    /// <summary>mcast_snooping_enable.</summary>
    public bool SnoopsMulticast { get; init; }

    /// <summary>flood_vlans: in these nothing is learned and everything is flooded.</summary>
    public ImmutableSortedSet<int> FloodVlans { get; init; } = [];

    /// <summary>The row of sFlow, if there is one.</summary>
    public SflowSpec? Sflow { get; init; }

    /// <summary>The row of NetFlow, if there is one.</summary>
    public NetflowSpec? Netflow { get; init; }

    /// <summary>The bridge's own row of IPFIX, if there is one.</summary>
    public IpfixSpec? Ipfix { get; init; }

    /// <summary>Rows of Flow_Sample_Collector_Set with an IPFIX row, by their id.</summary>
    public ImmutableSortedDictionary<uint, IpfixSpec> CollectorSets { get; init; } =
        ImmutableSortedDictionary<uint, IpfixSpec>.Empty;
}

/// <summary>One row of IPFIX; equal rows are equal.</summary>
/// <param name="Targets">Collectors, as ADDRESS[:PORT].</param>
/// <param name="Sampling">One of so many packets.</param>
/// <param name="ActiveTimeout">Seconds that a flow is kept; 0: none is.</param>
/// <param name="FlowsMax">Flows that are kept; 0: as many as there are.</param>
public sealed record IpfixSpec(
    EquatableArray<string> Targets, long Sampling, long Domain, long Point, int ActiveTimeout,
    long FlowsMax, bool SamplesInput, bool SamplesOutput);

/// <summary>One row of NetFlow; equal rows are equal.</summary>
/// <param name="Targets">Collectors, as ADDRESS[:PORT].</param>
/// <param name="ActiveTimeout">Seconds after which a flow that goes on is told; -1: never.</param>
/// <param name="AddsEngine">Interface numbers have the engine's in their upper bits.</param>
public sealed record NetflowSpec(
    EquatableArray<string> Targets, int ActiveTimeout, byte EngineType, byte EngineId,
    bool AddsEngine);

/// <summary>One row of sFlow; equal rows are equal.</summary>
/// <param name="Targets">Collectors, as ADDRESS[:PORT].</param>
/// <param name="Header">Bytes of a packet that are told.</param>
/// <param name="Sampling">One of so many packets.</param>
/// <param name="Polling">Seconds between counters; 0: none.</param>
/// <param name="Agent">A device whose address is the agent's, or null.</param>
public sealed record SflowSpec(
    EquatableArray<string> Targets, int Header, int Sampling, int Polling, string? Agent);

/// <param name="Evicts">overflow_policy is "evict".</param>
/// <param name="Groups">Subfields by which an evicting table is fair, as text.</param>
public sealed record FlowTableSpec(
    string Name, int? FlowLimit, bool Evicts, ImmutableSortedSet<string> Groups);

public sealed record ControllerSpec(
    string Target, string? ConnectionMode, int? MaxBackoffMilliseconds,
    int? InactivityProbeMilliseconds, int? RateLimit, int? BurstLimit, string Type,
    ImmutableSortedDictionary<string, string> OtherConfig);

/// <param name="VlanMode">
/// "access", "trunk", "native-tagged", "native-untagged", "dot1q-tunnel", null.
/// </param>
/// <param name="Interfaces">By interface name; more than one makes a bond.</param>
public sealed record PortSpec(
    string Name, string? VlanMode, int? Tag, ImmutableSortedSet<int> Trunks,
    ImmutableSortedSet<int> Cvlans, string? BondMode, string? Lacp, int BondUpDelayMilliseconds,
    int BondDownDelayMilliseconds, ImmutableSortedDictionary<string, string> OtherConfig,
    ImmutableSortedDictionary<string, InterfaceSpec> Interfaces)
{
    /// <summary>Protected ports do not send to one another.</summary>
    public bool IsProtected { get; init; }
}

/// <param name="Type">
/// "", "system", "internal", "tap", "patch", "geneve", "vxlan", "dummy" ...
/// </param>
/// <param name="OpenFlowPortLast">The row's ofport: kept over a restart where it is free.</param>
public sealed record InterfaceSpec(
    Guid Row, string Name, string Type, ImmutableSortedDictionary<string, string> Options,
    int? OpenFlowPortRequest, int? MtuRequest, MacBytes? Mac,
    ImmutableSortedDictionary<string, string> OtherConfig,
    ImmutableSortedDictionary<string, string> ExternalIds, int? OpenFlowPortLast = null);

/// <param name="SelectAll">Mirror every packet.</param>
public sealed record MirrorSpec(
    string Name, bool SelectAll, ImmutableSortedSet<string> SelectSourcePorts,
    ImmutableSortedSet<string> SelectDestinationPorts, ImmutableSortedSet<int> SelectVlans,
    string? OutputPort, int? OutputVlan, int? SnapLength);

public sealed record BridgeStatus(
    string Name, ulong DatapathId, ImmutableSortedDictionary<string, string> Status,
    ImmutableArray<InterfaceStatus> Interfaces)
{
    /// <summary>By Port row; a zero address: no member can send.</summary>
    public ImmutableSortedDictionary<string, MacBytes> ActiveMembers { get; init; } =
        ImmutableSortedDictionary<string, MacBytes>.Empty;
}

/// <param name="OpenFlowPort">-1 when the interface could not be opened.</param>
/// <param name="Error">Why not; or why it carries nothing although it is open.</param>
public sealed record InterfaceStatus(
    Guid Row, string Name, int OpenFlowPort, string? Error, MacBytes? MacInUse,
    int? InterfaceIndex, int? Mtu, bool? IsAdminUp, bool? IsLinkUp, long? LinkSpeed,
    ImmutableSortedDictionary<string, string> Status,
    ImmutableSortedDictionary<string, long> Statistics);

/// <summary>Fresh statistics and link states; rows change, cur_cfg does not.</summary>
public sealed record InterfacesObserved(ImmutableArray<InterfaceStatus> Interfaces)
{
    /// <inheritdoc cref="BridgeStatus.ActiveMembers"/>
    public ImmutableSortedDictionary<string, MacBytes> ActiveMembers { get; init; } =
        ImmutableSortedDictionary<string, MacBytes>.Empty;
}
