using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// The contract between the fabric and whatever moves packets (design, section 4).
/// </summary>
/// <remarks>
/// All members may be called from any thread. Calls answer when the change is in force; none waits
/// for traffic. Failures that the environment can cause come back as results, not exceptions.
/// </remarks>
public interface IDatapathProvider : IDisposable
{
    /// <summary>"userspace", "ebpf", "ovsext", "genetlink", "emulator" or "dummy".</summary>
    string ProviderName { get; }

    /// <summary>
    /// What tools print: "system@ovs-system", "netdev@ovs-netdev", "dummy@ovs-dummy".
    /// </summary>
    string Name { get; }

    DatapathCapabilities Capabilities { get; }

    IDatapathPorts Ports { get; }
    IDatapathFlows Flows { get; }
    IDatapathConntrack Conntrack { get; }
    IDatapathMeters Meters { get; }

    /// <summary>
    /// Who hears misses and action upcalls. Set once by the datapath actor before ports receive.
    /// Called on packet or upcall threads: lock-free reading of published snapshots only.
    /// </summary>
    IUpcallHandler? UpcallHandler { set; }

    /// <summary>Runs 'actions' on one packet as if a flow had said so.</summary>
    void Execute(PacketBuffer packet, in FlowKey key, ImmutableArray<DatapathAction> actions);

    /// <summary>
    /// Packets dropped since start, by reason; index is (int)<see cref="DropReason"/>.
    /// </summary>
    ImmutableArray<ulong> DropCounts();

    DatapathStatistics Statistics();
}

/// <param name="Hit">Packets that matched a flow.</param>
/// <param name="Missed">Packets sent up as misses.</param>
/// <param name="Lost">Misses that no handler could take.</param>
/// <param name="MaskHit">Subtables looked at in all look-ups.</param>
/// <param name="CacheHit">Packets found in the exact-match cache.</param>
public sealed record DatapathStatistics(
    ulong Hit, ulong Missed, ulong Lost, ulong Flows, ulong MaskHit, uint Masks, ulong CacheHit);

/// <summary>What this provider can match, do and offload; probed, never assumed.</summary>
public sealed record DatapathCapabilities
{
    public int VlanHeadersMax { get; init; } = 2;
    public int MplsDepthMax { get; init; } = 3;
    public bool HasRecirculation { get; init; } = true;
    public bool HasConntrack { get; init; } = true;
    public bool HasConntrackNat { get; init; } = true;
    public bool HasMaskedSet { get; init; } = true;
    public bool HasTruncate { get; init; } = true;
    public bool HasClone { get; init; } = true;
    public bool HasCheckPacketLength { get; init; } = true;
    public bool HasMeters { get; init; } = true;
    public bool HasConntrackClear { get; init; } = true;
    public bool HasConntrackTimeout { get; init; } = true;
    public bool HasExplicitDrop { get; init; } = true;
    public bool HasAllZeroSourceNat { get; init; } = true;
    public bool HasConntrackFlush { get; init; } = true;
    public bool HasAddMpls { get; init; } = true;
    public bool HasMegaflows { get; init; } = true;

    /// <summary>Can put outer headers on and take them off by actions.</summary>
    public bool HasTunnelPush { get; init; }
    public int SampleNestingMax { get; init; } = 10;
    public int HashAlgorithmMax { get; init; } = 1;
}

public interface IDatapathPorts
{
    /// <summary>
    /// Adds a port; on failure 'error' is what ovs-vsctl shows as Interface.error.
    /// </summary>
    bool TryAdd(DatapathPortSpec spec, out DatapathPort port, out string error);

    /// <summary>False when there was no such port.</summary>
    bool Remove(uint number);

    ImmutableArray<DatapathPort> Dump();

    PortStatistics? Statistics(uint number);

    /// <summary>
    /// Ports that appeared, vanished or changed under us (link state, MTU, address).
    /// </summary>
    event Action<DatapathPortEvent>? Changed;
}

/// <summary>What a port shall be.</summary>
/// <param name="Name">Interface name, at most 15 bytes for devices.</param>
/// <param name="Number">Wanted number, or null for the lowest free one (dummy: OVS's rule).</param>
/// <param name="Mac">Wanted address of internal ports, or null.</param>
/// <param name="Tunnel">For tunnel ports only.</param>
/// <param name="Options">
/// The Interface row's options, for kinds that read them (pcap, stream).
/// </param>
public sealed record DatapathPortSpec(
    string Name, DatapathPortKind Kind, uint? Number = null, MacBytes? Mac = null,
    int? Mtu = null, TunnelPortSpec? Tunnel = null,
    ImmutableSortedDictionary<string, string>? Options = null);

public enum DatapathPortKind : byte
{
    /// <summary>An existing network device.</summary>
    System,
    /// <summary>A device that the datapath makes for the host itself.</summary>
    Internal,
    Tap,
    Tunnel,
    Dummy,
    /// <summary>In-process, for tests and for the host node's own packets.</summary>
    Memory,
}

public enum TunnelKind : byte { Geneve, Vxlan, Gre, Erspan, Stt, Gtpu, Ip6Gre }

/// <summary>
/// One listening tunnel port of the datapath: kind and UDP/TCP port, key by flow.
/// </summary>
/// <param name="DestinationPort">0 for GRE and ERSPAN.</param>
public sealed record TunnelPortSpec(
    TunnelKind Kind, ushort DestinationPort, bool HasGbp = false, bool HasGpe = false);

/// <param name="Type">
/// As dpctl/show prints it: "system" (nothing), "internal", "tap", "geneve" ...
/// </param>
public sealed record DatapathPort(
    uint Number, string Name, DatapathPortKind Kind, string Type, int InterfaceIndex,
    MacBytes Mac, int Mtu, bool IsAdminUp, bool IsLinkUp, long LinkSpeed);

/// <summary>What a port counted; <see cref="Unknown"/> where it does not count.</summary>
public sealed record PortStatistics(
    ulong RxPackets, ulong TxPackets, ulong RxBytes, ulong TxBytes, ulong RxErrors, ulong TxErrors,
    ulong RxDropped, ulong TxDropped)
{
    /// <summary>As OpenFlow has it: all bits.</summary>
    public const ulong Unknown = ulong.MaxValue;
}

public enum DatapathPortChange : byte { Added, Removed, Changed }

public sealed record DatapathPortEvent(DatapathPortChange Change, DatapathPort Port);

public interface IDatapathFlows
{
    /// <summary>Adds or replaces the flow with this key and mask.</summary>
    FlowPutResult Put(in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions);

    /// <summary>
    /// False when there was no such flow; 'last' holds its final statistics else.
    /// </summary>
    bool Delete(in FlowKey key, in FlowKey mask, out FlowStatistics last);

    /// <summary>
    /// Calls 'visit' for each flow; flows put or deleted meanwhile may or may not show.
    /// </summary>
    void Dump(FlowVisitor visit);

    /// <summary>
    /// As Dump, with keys whose bits outside the mask are those of the packet that made the flow,
    /// where the provider knows them: for people to read.
    /// </summary>
    void DumpWhole(FlowVisitor visit) => Dump(visit);

    int Flush();
    int Count { get; }
}

public delegate void FlowVisitor(
    in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions,
    in FlowStatistics statistics);

public enum FlowPutResult : byte { Added, Replaced, Full, Unsupported, Failed }

/// <param name="UsedMilliseconds">Monotonic time of the last packet; 0 = never.</param>
public readonly record struct FlowStatistics(
    ulong Packets, ulong Bytes, long UsedMilliseconds, ushort TcpFlags);

/// <summary>What the fabric does with packets that the datapath does not know.</summary>
public interface IUpcallHandler
{
    /// <summary>
    /// Decides a miss: the datapath runs the actions on the packet itself and, unless 'install'
    /// is false, keeps them as a megaflow under 'mask' (every bit the decision looked at).
    /// </summary>
    UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask);

    /// <summary>A <see cref="UserspaceAction"/> was executed.</summary>
    void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata);
}

public readonly record struct UpcallVerdict(
    ImmutableArray<DatapathAction> Actions, bool Install);

public interface IDatapathMeters
{
    bool TrySet(uint meterId, MeterSpec spec, out string error);
    bool Remove(uint meterId);
    MeterStatistics? Statistics(uint meterId);
}

/// <param name="IsPackets">Rates count packets per second instead of kilobits.</param>
public sealed record MeterSpec(bool IsPackets, bool HasBurst, ImmutableArray<MeterBand> Bands);

public sealed record MeterBand(MeterBandKind Kind, uint Rate, uint Burst, byte DscpPrecedence);

public enum MeterBandKind : byte { Drop, DscpRemark }

public sealed record MeterStatistics(
    ulong Packets, ulong Bytes, ImmutableArray<(ulong Packets, ulong Bytes)> Bands);

public interface IDatapathConntrack
{
    /// <summary>All connections, or those of one zone.</summary>
    void Dump(ushort? zone, Action<ConntrackEntry> visit);

    /// <summary>
    /// Removes connections; null members of 'filter' match all. Returns how many.
    /// </summary>
    int Flush(ConntrackFilter filter);

    ConntrackTotals Totals();
    void SetLimit(ushort? zone, uint? limit);
    ImmutableArray<(ushort? Zone, uint Limit, uint Count)> Limits();

    /// <summary>Connections of 'zone' that count against a limit of it.</summary>
    uint CountSinceLimit(ushort zone)
    {
        var count = 0u;
        Dump(zone, _ => count++);
        return count;
    }

    uint CountMax { get; set; }
    void SetTimeoutPolicy(string name, ImmutableSortedDictionary<string, uint> secondsByState);

    /// <summary>Timeouts of one zone for actions that name no policy; null: the defaults.</summary>
    void SetZoneTimeouts(ushort zone, ImmutableSortedDictionary<string, uint>? secondsByState);

    event Action<ConntrackEvent>? Changed;

    /// <summary>TCP window checking; what cannot switch it off leaves it on.</summary>
    bool IsTcpSequenceChecked
    {
        get => true;
        set { }
    }

    /// <summary>
    /// Unanswered connections that one zone may hold, after which one of them gives way to each
    /// new one; 0: no limit but that of all connections. What has no such limit ignores it.
    /// </summary>
    uint HalfOpenMax
    {
        get => 0;
        set { }
    }

    /// <summary>How often every connection is looked at for its expiry.</summary>
    TimeSpan SweepInterval
    {
        get => TimeSpan.FromSeconds(20);
        set { }
    }

    /// <summary>Connections that control channels announced, of all zones or of one.</summary>
    void DumpExpectations(ushort? zone, Action<ConntrackExpectation> visit)
    {
    }

    /// <summary>Connections in each part of the table: for ct-bkts.</summary>
    ImmutableArray<int> BucketSizes() => [(int)Totals().Count];

    /// <summary>Reassembly for tracking; null where the provider has none of its own.</summary>
    ConntrackFragments? Fragments => null;
}

/// <param name="TimeoutSeconds">Until it is forgotten.</param>
public sealed record ConntrackExpectation(
    ConntrackTuple Expected, ConntrackTuple Parent, ushort Zone, uint Mark, UInt128 Label,
    string? Helper, uint TimeoutSeconds);

/// <summary>Both ends of a TCP connection, as `dump-conntrack -m` shows them.</summary>
/// <param name="Flags">"WINDOW_SCALE", "BE_LIBERAL" (handshake not seen) or "0".</param>
public sealed record ConntrackTcp(
    string State, string StateReply, byte Scale, byte ScaleReply, string Flags, string FlagsReply);

public sealed record ConntrackFilter(
    ushort? Zone = null, ConntrackTuple? Original = null, ConntrackTuple? Reply = null,
    uint? Mark = null, uint? MarkMask = null, UInt128? Label = null, UInt128? LabelMask = null);

/// <summary>
/// One direction of a connection. ICMP: ports are type and code, 'IcmpId' the id.
/// </summary>
public sealed record ConntrackTuple(
    System.Net.IPAddress? Source, System.Net.IPAddress? Destination, byte? Protocol,
    ushort? PortSource, ushort? PortDestination, ushort? IcmpId = null);

/// <param name="State">Printed protocol state: "ESTABLISHED", "SYN_SENT" ... or null.</param>
public sealed record ConntrackEntry(
    ConntrackTuple Original, ConntrackTuple Reply, ushort Zone, uint Mark, UInt128 Label,
    string? State, uint TimeoutSeconds, string? Helper, ulong PacketsOriginal, ulong BytesOriginal,
    ulong PacketsReply, ulong BytesReply, long StartMilliseconds)
{
    public ConntrackTcp? Tcp { get; init; }

    /// <summary>The control channel that announced it, by its original tuple.</summary>
    public ConntrackTuple? Parent { get; init; }

    /// <summary>A number that tells entries apart, most of the time.</summary>
    public uint Id { get; init; }
}

public enum ConntrackChange : byte { New, Updated, Destroyed }

public sealed record ConntrackEvent(ConntrackChange Change, ConntrackEntry Entry);

public sealed record ConntrackTotals(
    uint Count, uint CountMax, ImmutableSortedDictionary<string, uint> ByState);
