using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fabric.Wire;

/// <summary>What a datapath knows of a packet: every field that a megaflow can match.</summary>
/// <remarks>
/// One block of bytes, multi-byte fields in network byte order (names end in Wire), so that a match
/// field is an offset and a width (OpenFlow catalogue), a mask is another key, and comparing under
/// a mask is a loop over 64-bit words. Unused bytes are zero. Properties without "Wire" are in
/// host order. Layout, by stage of lookup:
/// <code>
///   0  metadata     recirculation id, hash, port, priority, mark, conntrack state, packet type
///  64  original     the connection's original tuple (ct_nw_src ...)
/// 112  link         Ethernet, two VLAN tags, three MPLS labels
/// 152  network      IPv4, IPv6, protocol, TOS, TTL, fragment, NSH
/// 224  transport    ND/ARP addresses, TCP flags, ports, ICMP type and code, IGMP group
/// 272  tunnel       outer addresses, key, flags: all zero when the packet came in on no tunnel
/// 352  options      the tunnel's TLV options, raw, up to 252 bytes
/// </code>
/// Everything from <see cref="TunnelOffset"/> on is zero unless <see cref="HasTunnel"/>; hot code
/// may therefore hash, compare and copy only <see cref="CoreSize"/> bytes for such keys.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct FlowKey : IEquatable<FlowKey>
{
    public const int Size = 608;
    public const int OriginalTupleOffset = 64;
    public const int LinkOffset = 112;
    public const int NetworkOffset = 152;
    public const int TransportOffset = 224;
    public const int CoreSize = 272;
    public const int TunnelOffset = 272;
    public const int TunnelOptionsOffset = 352;
    public const int TunnelOptionsSizeMax = 252;
    public const int WordCount = Size / 8;
    public const int CoreWordCount = CoreSize / 8;

    // Metadata.
    [FieldOffset(0)] public uint RecirculationIdWire;
    [FieldOffset(4)] public uint DatapathHashWire;
    /// <summary>Datapath port number (OVS: odp port), not the OpenFlow port.</summary>
    [FieldOffset(8)] public uint InPortWire;
    [FieldOffset(12)] public uint PriorityWire;
    [FieldOffset(16)] public uint PacketMarkWire;
    /// <summary>OpenFlow's ct_state bits: see <see cref="ConntrackState"/>.</summary>
    [FieldOffset(20)] public uint ConntrackStateWire;
    [FieldOffset(24)] public ushort ConntrackZoneWire;
    [FieldOffset(26)] public byte ConntrackProtocol;
    [FieldOffset(28)] public uint ConntrackMarkWire;
    [FieldOffset(32)] public ulong ConntrackLabelHighWire;
    [FieldOffset(40)] public ulong ConntrackLabelLowWire;
    /// <summary>
    /// (namespace &lt;&lt; 16) | type; 0 is Ethernet (OpenFlow 1.5 section 7.2.3.11).
    /// </summary>
    [FieldOffset(48)] public uint PacketTypeWire;

    // The original-direction tuple of the tracked connection.
    [FieldOffset(64)] public uint ConntrackIpv4SourceWire;
    [FieldOffset(68)] public uint ConntrackIpv4DestinationWire;
    [FieldOffset(72)] public Ipv6Bytes ConntrackIpv6Source;
    [FieldOffset(88)] public Ipv6Bytes ConntrackIpv6Destination;
    [FieldOffset(104)] public ushort ConntrackPortSourceWire;
    [FieldOffset(106)] public ushort ConntrackPortDestinationWire;

    // Link.
    [FieldOffset(112)] public MacBytes EthernetDestination;
    [FieldOffset(118)] public MacBytes EthernetSource;
    /// <summary>
    /// The type after all VLAN tags; below 0x0600 frames it is 0x05ff, as in OVS.
    /// </summary>
    [FieldOffset(124)] public ushort EthernetTypeWire;
    /// <summary>Outer tag's TCI with the CFI bit (0x1000) set; 0 when there is no tag.</summary>
    [FieldOffset(126)] public ushort VlanTci0Wire;
    [FieldOffset(128)] public ushort VlanTpid0Wire;
    [FieldOffset(130)] public ushort VlanTpid1Wire;
    [FieldOffset(132)] public ushort VlanTci1Wire;
    /// <summary>MPLS label stack entries, outermost first.</summary>
    [FieldOffset(136)] public uint Mpls0Wire;
    [FieldOffset(140)] public uint Mpls1Wire;
    [FieldOffset(144)] public uint Mpls2Wire;

    // Network. ARP keeps spa and tpa in the IPv4 addresses and its opcode in NetworkProtocol.
    [FieldOffset(152)] public uint Ipv4SourceWire;
    [FieldOffset(156)] public uint Ipv4DestinationWire;
    [FieldOffset(160)] public Ipv6Bytes Ipv6Source;
    [FieldOffset(176)] public Ipv6Bytes Ipv6Destination;
    [FieldOffset(192)] public uint Ipv6LabelWire;
    [FieldOffset(196)] public byte NetworkProtocol;
    /// <summary>DSCP in the upper six bits, ECN in the lower two.</summary>
    [FieldOffset(197)] public byte NetworkTos;
    [FieldOffset(198)] public byte NetworkTtl;
    /// <summary>1 = fragment, 2 = later fragment (so 0, 1 or 3), as OpenFlow's ip_frag.</summary>
    [FieldOffset(199)] public byte NetworkFragment;
    [FieldOffset(200)] public byte NshFlags;
    [FieldOffset(201)] public byte NshMdType;
    [FieldOffset(202)] public byte NshNextProtocol;
    [FieldOffset(203)] public byte NshTtl;
    /// <summary>Service path identifier (24 bits) and service index (8 bits).</summary>
    [FieldOffset(204)] public uint NshPathWire;
    [FieldOffset(208)] public uint NshContext1Wire;
    [FieldOffset(212)] public uint NshContext2Wire;
    [FieldOffset(216)] public uint NshContext3Wire;
    [FieldOffset(220)] public uint NshContext4Wire;

    // Transport.
    [FieldOffset(224)] public Ipv6Bytes NdTarget;
    /// <summary>ARP source hardware address, or ND source link-layer option.</summary>
    [FieldOffset(240)] public MacBytes ArpSource;
    /// <summary>ARP target hardware address, or ND target link-layer option.</summary>
    [FieldOffset(246)] public MacBytes ArpTarget;
    [FieldOffset(252)] public ushort TcpFlagsWire;
    /// <summary>TCP, UDP or SCTP source port; ICMP and ICMPv6: the type.</summary>
    [FieldOffset(256)] public ushort PortSourceWire;
    /// <summary>TCP, UDP or SCTP destination port; ICMP and ICMPv6: the code.</summary>
    [FieldOffset(258)] public ushort PortDestinationWire;
    [FieldOffset(260)] public uint IgmpGroupWire;
    [FieldOffset(264)] public uint NdReservedWire;
    [FieldOffset(268)] public byte NdOptionsType;

    // Tunnel.
    [FieldOffset(272)] public ulong TunnelIdWire;
    [FieldOffset(280)] public uint TunnelIpv4SourceWire;
    [FieldOffset(284)] public uint TunnelIpv4DestinationWire;
    [FieldOffset(288)] public Ipv6Bytes TunnelIpv6Source;
    [FieldOffset(304)] public Ipv6Bytes TunnelIpv6Destination;
    [FieldOffset(320)] public ushort TunnelFlagsWire;
    [FieldOffset(322)] public byte TunnelTos;
    [FieldOffset(323)] public byte TunnelTtl;
    [FieldOffset(324)] public ushort TunnelPortSourceWire;
    [FieldOffset(326)] public ushort TunnelPortDestinationWire;
    [FieldOffset(328)] public ushort TunnelGbpIdWire;
    [FieldOffset(330)] public byte TunnelGbpFlags;
    [FieldOffset(331)] public byte ErspanVersion;
    [FieldOffset(332)] public uint ErspanIndexWire;
    [FieldOffset(336)] public byte ErspanDirection;
    [FieldOffset(337)] public byte ErspanHardwareId;
    [FieldOffset(338)] public byte GtpuFlags;
    [FieldOffset(339)] public byte GtpuMessageType;
    /// <summary>Bytes used in the options area, a multiple of 4.</summary>
    [FieldOffset(344)] public byte TunnelOptionsSize;

    // Host-order views of the fields that people and actors use most.
    public uint RecirculationId
    {
        readonly get => BinaryPrimitives.ReverseEndianness(RecirculationIdWire);
        set => RecirculationIdWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public uint InPort
    {
        readonly get => BinaryPrimitives.ReverseEndianness(InPortWire);
        set => InPortWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public ConntrackState ConntrackState
    {
        readonly get => (ConntrackState)BinaryPrimitives.ReverseEndianness(ConntrackStateWire);
        set => ConntrackStateWire = BinaryPrimitives.ReverseEndianness((uint)value);
    }

    public ushort ConntrackZone
    {
        readonly get => BinaryPrimitives.ReverseEndianness(ConntrackZoneWire);
        set => ConntrackZoneWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public uint ConntrackMark
    {
        readonly get => BinaryPrimitives.ReverseEndianness(ConntrackMarkWire);
        set => ConntrackMarkWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public ushort EthernetType
    {
        readonly get => BinaryPrimitives.ReverseEndianness(EthernetTypeWire);
        set => EthernetTypeWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public ushort VlanTci0
    {
        readonly get => BinaryPrimitives.ReverseEndianness(VlanTci0Wire);
        set => VlanTci0Wire = BinaryPrimitives.ReverseEndianness(value);
    }

    public uint Ipv4Source
    {
        readonly get => BinaryPrimitives.ReverseEndianness(Ipv4SourceWire);
        set => Ipv4SourceWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public uint Ipv4Destination
    {
        readonly get => BinaryPrimitives.ReverseEndianness(Ipv4DestinationWire);
        set => Ipv4DestinationWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public ushort PortSource
    {
        readonly get => BinaryPrimitives.ReverseEndianness(PortSourceWire);
        set => PortSourceWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public ushort PortDestination
    {
        readonly get => BinaryPrimitives.ReverseEndianness(PortDestinationWire);
        set => PortDestinationWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public ushort TcpFlags
    {
        readonly get => BinaryPrimitives.ReverseEndianness(TcpFlagsWire);
        set => TcpFlagsWire = BinaryPrimitives.ReverseEndianness(value);
    }

    public ulong TunnelId
    {
        readonly get => BinaryPrimitives.ReverseEndianness(TunnelIdWire);
        set => TunnelIdWire = BinaryPrimitives.ReverseEndianness(value);
    }

    /// <summary>The packet came in through a tunnel: an outer destination is known.</summary>
    public readonly bool HasTunnel =>
        TunnelIpv4DestinationWire != 0 || TunnelIpv6Destination != default;

    public readonly bool IsIpv4 => EthernetTypeWire == 0x0008;
    public readonly bool IsIpv6 => EthernetTypeWire == 0xDD86;
    public readonly bool IsArp => EthernetTypeWire is 0x0608 or 0x3580;

    /// <summary>
    /// The tunnel's options as on the wire, <see cref="TunnelOptionsSize"/> bytes.
    /// </summary>
    [UnscopedRef]
    public Span<byte> TunnelOptions =>
        Bytes.Slice(TunnelOptionsOffset, TunnelOptionsSize);

    /// <summary>All bytes of the key, <see cref="Size"/> of them.</summary>
    [UnscopedRef]
    public Span<byte> Bytes => MemoryMarshal.AsBytes(new Span<FlowKey>(ref this));

    /// <summary>The key as 64-bit words (of wire-order bytes): for masking and comparing.</summary>
    [UnscopedRef]
    public Span<ulong> Words => MemoryMarshal.Cast<byte, ulong>(Bytes);

    public readonly bool Equals(FlowKey other)
    {
        var left = MemoryMarshal.AsBytes(new ReadOnlySpan<FlowKey>(in this));
        return left.SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<FlowKey>(in other)));
    }

    public override readonly bool Equals(object? obj) => obj is FlowKey other && Equals(other);

    public override readonly int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(MemoryMarshal.AsBytes(new ReadOnlySpan<FlowKey>(in this)));
        return hash.ToHashCode();
    }

    public static bool operator ==(FlowKey left, FlowKey right) => left.Equals(right);

    public static bool operator !=(FlowKey left, FlowKey right) => !left.Equals(right);
}
