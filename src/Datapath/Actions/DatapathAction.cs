using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>One step of what a datapath does with a packet. Immutable, compared by value.</summary>
/// <remarks>
/// The vocabulary of OVS's datapath actions (linux/openvswitch.h, ovs-actions(7)). Masked sets name
/// only the bits to change: value and mask in network order where the name ends in Wire.
/// </remarks>
public abstract record DatapathAction;

public sealed record OutputAction(uint Port) : DatapathAction;

/// <summary>Hand the packet to userspace: 'Userdata' tells the upcall handler why.</summary>
public sealed record UserspaceAction(UpcallUserdata Userdata) : DatapathAction
{
    /// <summary>The socket that text names. Kept to be printed: there are none here.</summary>
    public uint SocketId { get; init; }

    /// <summary>Tell the tunnel's egress, as text asks for; kept to be printed too.</summary>
    public uint? TunnelPort { get; init; }
    public bool HasActions { get; init; }
}

public sealed record PushVlanAction(ushort Tpid, ushort Tci) : DatapathAction;

public sealed record PopVlanAction : DatapathAction;

public sealed record PushMplsAction(ushort EthernetType, uint LabelEntryWire) : DatapathAction;

public sealed record PopMplsAction(ushort EthernetType) : DatapathAction;

/// <summary>Push an MPLS entry before (l3) or after (l2) the Ethernet header.</summary>
public sealed record AddMplsAction(ushort EthernetType, uint LabelEntryWire, bool IsLayer3)
    : DatapathAction;

public sealed record PushEthernetAction(MacBytes Source, MacBytes Destination) : DatapathAction;

public sealed record PopEthernetAction : DatapathAction;

public sealed record SetEthernetAction(
    MacBytes Source, MacBytes SourceMask, MacBytes Destination, MacBytes DestinationMask)
    : DatapathAction;

public sealed record SetIpv4Action(
    uint SourceWire, uint SourceMaskWire, uint DestinationWire, uint DestinationMaskWire,
    byte Tos, byte TosMask, byte Ttl, byte TtlMask) : DatapathAction;

public sealed record SetIpv6Action(
    Ipv6Bytes Source, Ipv6Bytes SourceMask, Ipv6Bytes Destination, Ipv6Bytes DestinationMask,
    uint LabelWire, uint LabelMaskWire, byte Tos, byte TosMask, byte HopLimit, byte HopLimitMask)
    : DatapathAction;

/// <summary>TCP, UDP or SCTP ports; 'Protocol' is the IP protocol number.</summary>
public sealed record SetPortsAction(
    byte Protocol, ushort SourceWire, ushort SourceMaskWire,
    ushort DestinationWire, ushort DestinationMaskWire) : DatapathAction;

/// <summary>ICMP (protocol 1) or ICMPv6 (58) type and code.</summary>
public sealed record SetIcmpAction(
    byte Protocol, byte Type, byte TypeMask, byte Code, byte CodeMask) : DatapathAction;

public sealed record SetArpAction(
    ushort Opcode, ushort OpcodeMask, uint SenderIpWire, uint SenderIpMaskWire,
    uint TargetIpWire, uint TargetIpMaskWire, MacBytes SenderMac, MacBytes SenderMacMask,
    MacBytes TargetMac, MacBytes TargetMacMask) : DatapathAction;

public sealed record SetNdAction(
    Ipv6Bytes Target, Ipv6Bytes TargetMask, MacBytes SourceLink, MacBytes SourceLinkMask,
    MacBytes TargetLink, MacBytes TargetLinkMask) : DatapathAction;

/// <summary>ND reserved bits and options type (OVS: nd_ext).</summary>
public sealed record SetNdExtensionAction(
    uint ReservedWire, uint ReservedMaskWire, byte OptionsType, byte OptionsTypeMask)
    : DatapathAction;

/// <summary>Outermost label stack entry.</summary>
public sealed record SetMplsAction(uint LabelEntryWire, uint MaskWire) : DatapathAction;

public sealed record SetNshAction(
    byte Flags, byte FlagsMask, byte Ttl, byte TtlMask, uint PathWire, uint PathMaskWire,
    ImmutableArray<uint> ContextWire, ImmutableArray<uint> ContextMaskWire) : DatapathAction;

public sealed record PushNshAction(
    byte Flags, byte Ttl, byte MdType, byte NextProtocol, uint PathWire,
    ImmutableArray<byte> Metadata) : DatapathAction;

public sealed record PopNshAction : DatapathAction;

public sealed record SetPacketMarkAction(uint Value, uint Mask) : DatapathAction;

public sealed record SetPriorityAction(uint Value) : DatapathAction;

/// <summary>Outer header for the tunnel port that the packet is output to next.</summary>
public sealed record SetTunnelAction(TunnelMetadata Tunnel) : DatapathAction;

/// <summary>
/// Puts an outer header before the packet, which goes on as one that comes from 'OutPort'.
/// </summary>
/// <param name="TunnelPort">The tunnel port that the packet is counted by.</param>
/// <param name="Header">Made by <see cref="OuterHeader"/>: lengths, sums, source port open.</param>
public sealed record TunnelPushAction(
    uint TunnelPort, TunnelKind Kind, ImmutableArray<byte> Header, uint OutPort) : DatapathAction
{
    public bool Equals(TunnelPushAction? other) => other is not null
        && (TunnelPort, Kind, OutPort) == (other.TunnelPort, other.Kind, other.OutPort)
        && Header.AsSpan().SequenceEqual(other.Header.AsSpan());

    public override int GetHashCode() => HashCode.Combine(TunnelPort, Kind, OutPort);
}

/// <summary>Takes the outer header off; the packet comes in anew by the tunnel port.</summary>
public sealed record TunnelPopAction(uint TunnelPort) : DatapathAction;

public sealed record RecirculateAction(uint RecirculationId) : DatapathAction;

public sealed record HashAction(HashAlgorithm Algorithm, uint Basis) : DatapathAction;

/// <summary>'Probability' of uint.MaxValue is always; runs 'Actions' on a copy.</summary>
public sealed record SampleAction(uint Probability, ImmutableArray<DatapathAction> Actions)
    : DatapathAction;

/// <summary>Runs 'Actions' on a copy: what they change is forgotten afterwards.</summary>
public sealed record CloneAction(ImmutableArray<DatapathAction> Actions) : DatapathAction;

/// <summary>
/// Cuts the next output by what the packet has beyond 'SizeMax' bytes (at least 14) here.
/// </summary>
public sealed record TruncateAction(uint SizeMax) : DatapathAction;

public sealed record CheckPacketLengthAction(
    ushort Length, ImmutableArray<DatapathAction> IfGreater,
    ImmutableArray<DatapathAction> IfLessOrEqual) : DatapathAction;

public sealed record MeterAction(uint MeterId) : DatapathAction;

public sealed record ConntrackClearAction : DatapathAction;

public sealed record DropAction(DropReason Reason) : DatapathAction;

/// <summary>Drop with TtlExceeded when the TTL is 1 or 0, else decrement it.</summary>
public sealed record DecrementTtlAction : DatapathAction;

/// <summary>Output to a member of the bond chosen by the packet's hash.</summary>
public sealed record LoadBalancedOutputAction(uint BondId) : DatapathAction;

/// <summary>
/// Sends the packet through the connection tracker; recirculation is a separate action.
/// </summary>
/// <param name="Commit">Make the connection (or refresh mark, label) permanent.</param>
/// <param name="Force">Commit in the current direction even if that inverts the connection.</param>
/// <param name="Nat">Null: no translation asked for; see <see cref="NatSpec"/>.</param>
/// <param name="Helper">"ftp", "tftp" or null.</param>
/// <param name="TimeoutPolicy">Name of a timeout policy or null for the zone's.</param>
public sealed record ConntrackAction(
    bool Commit, bool Force, ushort Zone, uint Mark, uint MarkMask,
    UInt128 Label, UInt128 LabelMask, string? Helper, NatSpec? Nat, string? TimeoutPolicy)
    : DatapathAction;

/// <summary>What ct(nat(...)) asks for.</summary>
/// <param name="Type">
/// <see cref="NatType.None"/>: apply the translation that the connection already has (a bare
/// "nat").
/// </param>
/// <param name="AddressMin">Null when addresses are kept (only ports change).</param>
/// <param name="PortMin">0: ports are kept where possible.</param>
public sealed record NatSpec(
    NatType Type, System.Net.IPAddress? AddressMin, System.Net.IPAddress? AddressMax,
    ushort PortMin, ushort PortMax, bool Persistent, bool HashPorts, bool RandomPorts);

public enum NatType : byte { None, Source, Destination }

public enum HashAlgorithm : byte { L4 = 0, SymmetricL4 = 1 }

/// <summary>The outer header of a tunnelled packet, to be written or as it was read.</summary>
/// <remarks>Addresses: IPv4 or IPv6. Options are raw TLVs as on the wire.</remarks>
public sealed record TunnelMetadata(
    ulong Id, System.Net.IPAddress Source, System.Net.IPAddress Destination, byte Tos, byte Ttl,
    TunnelFlags Flags, ushort PortSource, ushort PortDestination, ImmutableArray<byte> Options,
    ushort GbpId = 0, byte GbpFlags = 0, ErspanMetadata? Erspan = null);

public sealed record ErspanMetadata(byte Version, uint Index, byte Direction, byte HardwareId);

/// <summary>
/// Why a packet was sent up: for the upcall handler, carried by the datapath unread.
/// </summary>
/// <param name="Cookie">The handler's own number: which continuation, which sampler.</param>
public sealed record UpcallUserdata(UpcallKind Kind, ulong Cookie, ImmutableArray<byte> Data);

/// <remarks>Opaque: a client's own bytes, which no handler here reads.</remarks>
public enum UpcallKind : byte { Miss, SlowPath, Controller, Sflow, FlowSample, Ipfix, Opaque }
