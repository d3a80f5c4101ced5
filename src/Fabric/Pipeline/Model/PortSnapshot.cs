using System.Collections.Immutable;
using System.Net;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>One OpenFlow port of a bridge, as packet threads see it.</summary>
/// <param name="DatapathPort">Number in the datapath; null for patch ports.</param>
/// <param name="PeerPort">Patch ports: name of the interface at the other end.</param>
/// <param name="Bundle">Name of the Port row that it belongs to.</param>
public sealed record PortSnapshot(
    string Bridge, string Name, uint OpenFlowPort, uint? DatapathPort, MacBytes Mac, int Mtu,
    OfPortConfig Config, bool IsLinkUp, string Bundle, string? PeerPort, TunnelConfig? Tunnel)
{
    public bool IsPatch => PeerPort is not null;

    /// <summary>BFD, CFM or LACP say that it does not carry packets.</summary>
    public bool IsFaulty { get; init; }

    /// <summary>Of patches and tunnels; devices count for themselves.</summary>
    public PortCounters? Counters { get; init; }

    /// <summary>What the bridge's spanning tree says of it.</summary>
    public TreePort Tree { get; init; }

    /// <summary>The system's ifIndex; 0: it has none.</summary>
    public int InterfaceIndex { get; init; }

    /// <summary>Bits per second; 0: not known.</summary>
    public long LinkSpeed { get; init; }

    /// <summary>Monotonic milliseconds at which the port came to the bridge.</summary>
    public long SinceMilliseconds { get; init; }

    /// <summary>The link is up and nothing says that packets get lost behind it.</summary>
    public bool IsLive => IsLinkUp && !IsFaulty;

    public bool CanSend =>
        IsLive && (Config & (OfPortConfig.PortDown | OfPortConfig.NoForward)) == 0;
}

/// <summary>What went through a port that has no device of its own: a patch, a tunnel.</summary>
public sealed class PortCounters
{
    public GroupBucketCounter Received { get; } = new();

    public GroupBucketCounter Sent { get; } = new();

    public PortStatistics Total => new(
        Received.Packets, Sent.Packets, Received.Bytes, Sent.Bytes, 0, 0, 0, 0);
}

/// <summary>States of a port in a spanning tree, IEEE 802.1D-1998 section 8.4.</summary>
public enum TreePortState : byte
{
    /// <summary>No tree says anything of it: it forwards.</summary>
    None,
    Blocking,
    Listening,
    Learning,
    Forwarding,
}

/// <summary>A port's place in its bridge's spanning tree.</summary>
/// <param name="Id">Tells ports apart; carried by the datapath unread. 0: no tree.</param>
public readonly record struct TreePort(uint Id, TreePortState State)
{
    public bool IsForwarding => State is TreePortState.None or TreePortState.Forwarding;
}

/// <summary>A tunnel port's options: null = taken from the flow, or not checked.</summary>
/// <param name="DestinationPort">0 for kinds without UDP.</param>
/// <param name="KeyIn">Expected key; null = by flow; <see cref="HasKeyIn"/> false = none.</param>
/// <param name="Tos">Fixed outer TOS, or null to inherit.</param>
/// <param name="Ttl">Fixed outer TTL, or null to inherit.</param>
/// <param name="EgressPacketMark">Mark of the packets that leave; null: what they have.</param>
/// <param name="NumbersPackets">GRE: sequence numbers.</param>
public sealed record TunnelConfig(
    TunnelKind Kind, ushort DestinationPort, IPAddress? Remote, bool IsRemoteByFlow,
    IPAddress? Local, bool IsLocalByFlow, ulong? KeyIn, bool IsKeyInByFlow, ulong? KeyOut,
    bool IsKeyOutByFlow, byte Tos, bool InheritsTos, byte Ttl, bool InheritsTtl,
    bool DontFragment, bool HasChecksum, uint? EgressPacketMark = null,
    bool NumbersPackets = false)
{
    /// <summary>What its packets begin with: options:packet_type.</summary>
    public TunnelPayload Payload { get; init; } = TunnelPayload.Frame;

    /// <summary>VXLAN: extensions gbp and gpe.</summary>
    public bool HasGbp { get; init; }
    public bool HasGpe { get; init; }

    /// <summary>ERSPAN: what its options say; null: taken from the flow.</summary>
    public ErspanMetadata? Erspan { get; init; }
}

/// <summary>What a tunnel's packets begin with (options:packet_type).</summary>
public enum TunnelPayload : byte
{
    /// <summary>legacy_l2: an Ethernet header.</summary>
    Frame,

    /// <summary>legacy_l3: an IP header; bridges give it an Ethernet header and take it.</summary>
    Network,

    /// <summary>ptap: either, as the pipeline has it.</summary>
    Any,
}

public enum VlanMode : byte { Access, Trunk, NativeTagged, NativeUntagged, Dot1qTunnel }

/// <summary>A Port row: one interface or a bond, with its place in the VLANs.</summary>
/// <param name="Vlan">Tag of access and native ports, -1 for none (trunk).</param>
/// <param name="Trunks">VLANs carried; empty means all (of trunk kinds).</param>
/// <param name="Cvlans">dot1q-tunnel: customer VLANs let in; empty means all.</param>
/// <param name="Members">OpenFlow ports, ascending.</param>
/// <param name="IsMirrorOutput">Reserved: takes no packets in and no NORMAL output.</param>
/// <param name="PriorityTags">other_config:priority-tags.</param>
public sealed record BundleSnapshot(
    string Name, VlanMode VlanMode, int Vlan, ImmutableSortedSet<int> Trunks,
    ImmutableSortedSet<int> Cvlans, ImmutableArray<uint> Members, BondSnapshot? Bond,
    bool IsFloodable, bool IsProtected, bool IsMirrorOutput, ushort QinqEthertype,
    PriorityTagging PriorityTags)
{
    /// <summary>other_config:mcast-snooping-flood.</summary>
    public bool FloodsMulticast { get; init; }

    /// <summary>other_config:mcast-snooping-flood-reports.</summary>
    public bool FloodsReports { get; init; }

    /// <summary>Does it carry this VLAN (after classification)?</summary>
    public bool Includes(int vlan) => VlanMode switch
    {
        VlanMode.Access or VlanMode.Dot1qTunnel => vlan == Vlan,
        VlanMode.Trunk => Trunks.IsEmpty || Trunks.Contains(vlan),
        // A native VLAN takes the place of VLAN 0.
        _ => vlan == Vlan || ((vlan != 0 || Vlan == 0)
            && (Trunks.IsEmpty || Trunks.Contains(vlan))),
    };
}

public enum PriorityTagging : byte { Never, IfNonzero, Always }

public enum BondMode : byte { ActiveBackup, BalanceSlb, BalanceTcp }

/// <param name="Active">The member in use for what no balancing decides; 0 when none is up.</param>
/// <param name="Enabled">Members that may send, ascending.</param>
/// <param name="Owners">The member of each hash; empty: nobody can send.</param>
/// <param name="Loads">What each hash carried.</param>
public sealed record BondSnapshot(
    BondMode Mode, uint Active, ImmutableArray<uint> Enabled, uint HashBasis,
    ImmutableArray<uint> Owners, GroupBucketCounter[] Loads);

/// <summary>A mirror, resolved to ports.</summary>
public sealed record MirrorSnapshot(
    string Name, int Index, bool SelectAll, ImmutableSortedSet<string> SourcePorts,
    ImmutableSortedSet<string> DestinationPorts, ImmutableSortedSet<int> Vlans,
    string? OutputPort, int? OutputVlan, int SnapLength);
