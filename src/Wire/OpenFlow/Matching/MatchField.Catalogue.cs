using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using static Fabric.Wire.OpenFlow.FieldFormat;
using static Fabric.Wire.OpenFlow.FieldPrerequisite;

namespace Fabric.Wire.OpenFlow;

/// <content>
/// The catalogue. A row: names, place in the key, bits, bytes on the wire, rules ("m" maskable,
/// "w" writable), prerequisite, text format, NXM number and OXM number. Places: K is the flow key.
/// </content>
public sealed partial class MatchField
{
    private const int TlvBits = 128;

    private static readonly List<MatchField> Defined = [];

    public static MatchField DpHash { get; } = Row("dp_hash",
        K(nameof(FlowKey.DatapathHashWire), 4), 32, 4, "m", None, Hexadecimal, Nx(35, "DP_HASH"),
        Et(0, "DP_HASH"));
    public static MatchField RecircId { get; } = Row("recirc_id",
        K(nameof(FlowKey.RecirculationIdWire), 4), 32, 4, "", None, Hexadecimal,
        Nx(36, "RECIRC_ID"));
    public static MatchField PacketType { get; } = Row("packet_type",
        K(nameof(FlowKey.PacketTypeWire), 4), 32, 4, "", None, FieldFormat.PacketType, null,
        Of(44, "PACKET_TYPE"));
    public static MatchField ConjunctionId { get; } = Row("conj_id",
        (PipelineKey.ConjunctionIdOffset, 4, 0), 32, 4, "", None, FieldFormat.Decimal,
        Nx(37, "CONJ_ID"));

    // Tunnel.
    public static MatchField TunnelId { get; } = Row("tun_id/tunnel_id",
        K(nameof(FlowKey.TunnelIdWire), 8), 64, 8, "mw", None, Hexadecimal, Nx(16, "TUN_ID"),
        Of(38, "TUNNEL_ID"));
    public static MatchField TunnelSource { get; } = Row("tun_src",
        K(nameof(FlowKey.TunnelIpv4SourceWire), 4), 32, 4, "mw", None, FieldFormat.Ipv4,
        Nx(31, "TUN_IPV4_SRC"));
    public static MatchField TunnelDestination { get; } = Row("tun_dst",
        K(nameof(FlowKey.TunnelIpv4DestinationWire), 4), 32, 4, "mw", None, FieldFormat.Ipv4,
        Nx(32, "TUN_IPV4_DST"));
    public static MatchField TunnelIpv6Source { get; } = Row("tun_ipv6_src",
        K(nameof(FlowKey.TunnelIpv6Source), 16), 128, 16, "mw", None, FieldFormat.Ipv6,
        Nx(109, "TUN_IPV6_SRC"));
    public static MatchField TunnelIpv6Destination { get; } = Row("tun_ipv6_dst",
        K(nameof(FlowKey.TunnelIpv6Destination), 16), 128, 16, "mw", None, FieldFormat.Ipv6,
        Nx(110, "TUN_IPV6_DST"));
    public static MatchField TunnelFlagsField { get; } = Row("tun_flags",
        K(nameof(FlowKey.TunnelFlagsWire), 2), 1, 2, "mw", None, FieldFormat.TunnelFlags,
        Nx(104, "TUN_FLAGS"));
    public static MatchField TunnelTtl { get; } = Row("tun_ttl",
        K(nameof(FlowKey.TunnelTtl), 1), 8, 1, "", None, FieldFormat.Decimal);
    public static MatchField TunnelTos { get; } = Row("tun_tos",
        K(nameof(FlowKey.TunnelTos), 1), 8, 1, "", None, Hexadecimal);
    public static MatchField TunnelGbpId { get; } = Row("tun_gbp_id",
        K(nameof(FlowKey.TunnelGbpIdWire), 2), 16, 2, "mw", None, FieldFormat.Decimal,
        Nx(38, "TUN_GBP_ID"));
    public static MatchField TunnelGbpFlags { get; } = Row("tun_gbp_flags",
        K(nameof(FlowKey.TunnelGbpFlags), 1), 8, 1, "mw", None, Hexadecimal,
        Nx(39, "TUN_GBP_FLAGS"));
    public static MatchField ErspanIndex { get; } = Row("tun_erspan_idx",
        K(nameof(FlowKey.ErspanIndexWire), 4), 20, 4, "mw", None, Hexadecimal, null,
        Et(11, "ERSPAN_IDX"));
    public static MatchField ErspanVersion { get; } = Row("tun_erspan_ver",
        K(nameof(FlowKey.ErspanVersion), 1), 4, 1, "mw", None, FieldFormat.Decimal, null,
        Et(12, "ERSPAN_VER"));
    public static MatchField ErspanDirection { get; } = Row("tun_erspan_dir",
        K(nameof(FlowKey.ErspanDirection), 1), 1, 1, "mw", None, FieldFormat.Decimal, null,
        Et(13, "ERSPAN_DIR"));
    public static MatchField ErspanHardwareId { get; } = Row("tun_erspan_hwid",
        K(nameof(FlowKey.ErspanHardwareId), 1), 6, 1, "mw", None, Hexadecimal, null,
        Et(14, "ERSPAN_HWID"));
    public static MatchField GtpuFlags { get; } = Row("tun_gtpu_flags",
        K(nameof(FlowKey.GtpuFlags), 1), 8, 1, "m", None, Hexadecimal, null, Et(15, "GTPU_FLAGS"));
    public static MatchField GtpuMessageType { get; } = Row("tun_gtpu_msgtype",
        K(nameof(FlowKey.GtpuMessageType), 1), 8, 1, "m", None, FieldFormat.Decimal, null,
        Et(16, "GTPU_MSGTYPE"));

    private static readonly ImmutableArray<MatchField> TlvFields =
        [.. Enumerable.Range(0, TlvTable.IndexCount).Select(DefineTlv)];

    // Pipeline.
    public static MatchField Metadata { get; } = Row("metadata",
        (PipelineKey.MetadataOffset, 8, 0), 64, 8, "mw", None, Hexadecimal, null,
        Of(2, "METADATA"));
    /// <summary>The 16-bit port of OpenFlow 1.0 and NXM; matches store it as the next.</summary>
    public static MatchField InPort { get; } = Row("in_port",
        (PipelineKey.InPortOffset + 2, 2, 0), 16, 2, "w", None, Port16, Nxof(0, "IN_PORT"));
    public static MatchField InPortOxm { get; } = Row("in_port_oxm",
        (PipelineKey.InPortOffset, 4, 0), 32, 4, "w", None, Port32, null, Of(0, "IN_PORT"));
    public static MatchField ActionSetOutput { get; } = Row("actset_output",
        (PipelineKey.ActionSetOutputOffset, 4, 0), 32, 4, "", None, Port32, null,
        new FieldNumber(0xFFFF, 43, OfError.OnfVendor, "ONFOXM_ET_ACTSET_OUTPUT"));
    public static MatchField SkbPriority { get; } = Row("skb_priority",
        K(nameof(FlowKey.PriorityWire), 4), 32, 4, "", None, Hexadecimal);
    public static MatchField PacketMark { get; } = Row("pkt_mark",
        K(nameof(FlowKey.PacketMarkWire), 4), 32, 4, "mw", None, Hexadecimal, Nx(33, "PKT_MARK"));

    // Connection tracking.
    public static MatchField ConntrackStateField { get; } = Row("ct_state",
        K(nameof(FlowKey.ConntrackStateWire), 4), 32, 4, "m", None, FieldFormat.ConntrackState,
        Nx(105, "CT_STATE"));
    public static MatchField ConntrackZone { get; } = Row("ct_zone",
        K(nameof(FlowKey.ConntrackZoneWire), 2), 16, 2, "", None, FieldFormat.Decimal,
        Nx(106, "CT_ZONE"));
    public static MatchField ConntrackMark { get; } = Row("ct_mark",
        K(nameof(FlowKey.ConntrackMarkWire), 4), 32, 4, "mw", None, Hexadecimal,
        Nx(107, "CT_MARK"));
    public static MatchField ConntrackLabel { get; } = Row("ct_label",
        K(nameof(FlowKey.ConntrackLabelHighWire), 16), 128, 16, "mw", None, Hexadecimal,
        Nx(108, "CT_LABEL"));
    public static MatchField ConntrackProtocol { get; } = Row("ct_nw_proto",
        K(nameof(FlowKey.ConntrackProtocol), 1), 8, 1, "", Conntrack, FieldFormat.Decimal,
        Nx(119, "CT_NW_PROTO"));
    public static MatchField ConntrackIpv4Source { get; } = Row("ct_nw_src",
        K(nameof(FlowKey.ConntrackIpv4SourceWire), 4), 32, 4, "m", Conntrack, FieldFormat.Ipv4,
        Nx(120, "CT_NW_SRC"));
    public static MatchField ConntrackIpv4Destination { get; } = Row("ct_nw_dst",
        K(nameof(FlowKey.ConntrackIpv4DestinationWire), 4), 32, 4, "m", Conntrack,
        FieldFormat.Ipv4, Nx(121, "CT_NW_DST"));
    public static MatchField ConntrackIpv6Source { get; } = Row("ct_ipv6_src",
        K(nameof(FlowKey.ConntrackIpv6Source), 16), 128, 16, "m", Conntrack, FieldFormat.Ipv6,
        Nx(122, "CT_IPV6_SRC"));
    public static MatchField ConntrackIpv6Destination { get; } = Row("ct_ipv6_dst",
        K(nameof(FlowKey.ConntrackIpv6Destination), 16), 128, 16, "m", Conntrack,
        FieldFormat.Ipv6, Nx(123, "CT_IPV6_DST"));
    public static MatchField ConntrackPortSource { get; } = Row("ct_tp_src",
        K(nameof(FlowKey.ConntrackPortSourceWire), 2), 16, 2, "m", Conntrack,
        FieldFormat.Decimal, Nx(124, "CT_TP_SRC"));
    public static MatchField ConntrackPortDestination { get; } = Row("ct_tp_dst",
        K(nameof(FlowKey.ConntrackPortDestinationWire), 2), 16, 2, "m", Conntrack,
        FieldFormat.Decimal, Nx(125, "CT_TP_DST"));

    // Registers: reg0-31, then xreg0-15 and xxreg0-7 as views of them.
    private static readonly ImmutableArray<MatchField> RegisterFields =
        [.. Enumerable.Range(0, PipelineKey.RegisterCount).Select(DefineRegister)];

    private static readonly ImmutableArray<MatchField> XregFields =
        [.. Enumerable.Range(0, 16).Select(DefineXreg)];

    private static readonly ImmutableArray<MatchField> XxregFields =
        [.. Enumerable.Range(0, 8).Select(DefineXxreg)];

    // Link.
    public static MatchField EthernetSource { get; } = Row("eth_src/dl_src",
        K(nameof(FlowKey.EthernetSource), 6), 48, 6, "mw", FieldPrerequisite.Ethernet,
            FieldFormat.Ethernet,
        Nxof(2, "ETH_SRC"), Of(4, "ETH_SRC"));
    public static MatchField EthernetDestination { get; } = Row("eth_dst/dl_dst",
        K(nameof(FlowKey.EthernetDestination), 6), 48, 6, "mw", FieldPrerequisite.Ethernet,
            FieldFormat.Ethernet,
        Nxof(1, "ETH_DST"), Of(3, "ETH_DST"));
    public static MatchField EthernetType { get; } = Row("eth_type/dl_type",
        K(nameof(FlowKey.EthernetTypeWire), 2), 16, 2, "", FieldPrerequisite.Ethernet, Hexadecimal,
        Nxof(3, "ETH_TYPE"), Of(5, "ETH_TYPE"));
    /// <summary>
    /// The outer tag's TCI with 0x1000 as "there is a tag". Matches store VLANs so.
    /// </summary>
    public static MatchField VlanTci { get; } = Row("vlan_tci",
        K(nameof(FlowKey.VlanTci0Wire), 2), 16, 2, "mw", FieldPrerequisite.Ethernet, Hexadecimal,
        Nxof(4, "VLAN_TCI"));
    public static MatchField DlVlan { get; } = Row("dl_vlan",
        K(nameof(FlowKey.VlanTci0Wire), 2), 12, 2, "w", FieldPrerequisite.Ethernet,
            FieldFormat.Decimal);
    public static MatchField VlanVid { get; } = Row("vlan_vid",
        K(nameof(FlowKey.VlanTci0Wire), 2), 12, 2, "mw", FieldPrerequisite.Ethernet,
            FieldFormat.Decimal, null,
        Of(6, "VLAN_VID"));
    public static MatchField DlVlanPcp { get; } = Row("dl_vlan_pcp",
        K(nameof(FlowKey.VlanTci0Wire), 2, 13), 3, 1, "w", FieldPrerequisite.Ethernet,
            FieldFormat.Decimal);
    public static MatchField VlanPcp { get; } = Row("vlan_pcp",
        K(nameof(FlowKey.VlanTci0Wire), 2, 13), 3, 1, "w", Vlan, FieldFormat.Decimal, null,
        Of(7, "VLAN_PCP"));
    public static MatchField MplsLabel { get; } = Row("mpls_label",
        K(nameof(FlowKey.Mpls0Wire), 4, 12), 20, 4, "w", Mpls, FieldFormat.Decimal, null,
        Of(34, "MPLS_LABEL"));
    public static MatchField MplsTc { get; } = Row("mpls_tc",
        K(nameof(FlowKey.Mpls0Wire), 4, 9), 3, 1, "w", Mpls, FieldFormat.Decimal, null,
        Of(35, "MPLS_TC"));
    public static MatchField MplsBos { get; } = Row("mpls_bos",
        K(nameof(FlowKey.Mpls0Wire), 4, 8), 1, 1, "", Mpls, FieldFormat.Decimal, null,
        Of(36, "MPLS_BOS"));
    public static MatchField MplsTtl { get; } = Row("mpls_ttl",
        K(nameof(FlowKey.Mpls0Wire), 4), 8, 1, "w", Mpls, FieldFormat.Decimal,
        Nx(30, "MPLS_TTL"));

    // Network.
    public static MatchField Ipv4Source { get; } = Row("ip_src/nw_src",
        K(nameof(FlowKey.Ipv4SourceWire), 4), 32, 4, "mw", FieldPrerequisite.Ipv4,
        FieldFormat.Ipv4, Nxof(7, "IP_SRC"), Of(11, "IPV4_SRC"));
    public static MatchField Ipv4Destination { get; } = Row("ip_dst/nw_dst",
        K(nameof(FlowKey.Ipv4DestinationWire), 4), 32, 4, "mw", FieldPrerequisite.Ipv4,
        FieldFormat.Ipv4, Nxof(8, "IP_DST"), Of(12, "IPV4_DST"));
    public static MatchField Ipv6Source { get; } = Row("ipv6_src",
        K(nameof(FlowKey.Ipv6Source), 16), 128, 16, "mw", FieldPrerequisite.Ipv6,
        FieldFormat.Ipv6, Nx(19, "IPV6_SRC"), Of(26, "IPV6_SRC"));
    public static MatchField Ipv6Destination { get; } = Row("ipv6_dst",
        K(nameof(FlowKey.Ipv6Destination), 16), 128, 16, "mw", FieldPrerequisite.Ipv6,
        FieldFormat.Ipv6, Nx(20, "IPV6_DST"), Of(27, "IPV6_DST"));
    public static MatchField Ipv6Label { get; } = Row("ipv6_label",
        K(nameof(FlowKey.Ipv6LabelWire), 4), 20, 4, "mw", FieldPrerequisite.Ipv6, Hexadecimal,
        Nx(27, "IPV6_LABEL"), Of(28, "IPV6_FLABEL"));
    public static MatchField IpProtocol { get; } = Row("nw_proto/ip_proto",
        K(nameof(FlowKey.NetworkProtocol), 1), 8, 1, "", Ip, FieldFormat.Decimal,
        Nxof(6, "IP_PROTO"), Of(10, "IP_PROTO"));
    /// <summary>The whole TOS byte with its lowest two bits zero.</summary>
    public static MatchField IpTos { get; } = Row("nw_tos",
        K(nameof(FlowKey.NetworkTos), 1), 8, 1, "w", Ip, FieldFormat.Decimal,
        Nxof(5, "IP_TOS"), null, 0xFC);
    /// <summary>The TOS byte's upper six bits as a number.</summary>
    public static MatchField IpDscp { get; } = Row("ip_dscp",
        K(nameof(FlowKey.NetworkTos), 1, 2), 6, 1, "w", Ip, FieldFormat.Decimal, null,
        Of(8, "IP_DSCP"));
    public static MatchField IpEcn { get; } = Row("nw_ecn/ip_ecn",
        K(nameof(FlowKey.NetworkTos), 1), 2, 1, "w", Ip, FieldFormat.Decimal,
        Nx(28, "IP_ECN"), Of(9, "IP_ECN"));
    public static MatchField IpTtl { get; } = Row("nw_ttl",
        K(nameof(FlowKey.NetworkTtl), 1), 8, 1, "w", Ip, FieldFormat.Decimal, Nx(29, "IP_TTL"));
    public static MatchField IpFragment { get; } = Row("ip_frag/nw_frag",
        K(nameof(FlowKey.NetworkFragment), 1), 2, 1, "m", Ip, Fragment, Nx(26, "IP_FRAG"));
    /// <summary>Sixteen bits on the wire; only opcodes below 256 can be matched.</summary>
    public static MatchField ArpOpcode { get; } = Row("arp_op",
        K(nameof(FlowKey.NetworkProtocol), 1), 16, 2, "w", Arp, FieldFormat.Decimal,
        Nxof(15, "ARP_OP"), Of(21, "ARP_OP"));
    public static MatchField ArpSpa { get; } = Row("arp_spa",
        K(nameof(FlowKey.Ipv4SourceWire), 4), 32, 4, "mw", Arp, FieldFormat.Ipv4,
        Nxof(16, "ARP_SPA"), Of(22, "ARP_SPA"));
    public static MatchField ArpTpa { get; } = Row("arp_tpa",
        K(nameof(FlowKey.Ipv4DestinationWire), 4), 32, 4, "mw", Arp, FieldFormat.Ipv4,
        Nxof(17, "ARP_TPA"), Of(23, "ARP_TPA"));
    public static MatchField ArpSha { get; } = Row("arp_sha",
        K(nameof(FlowKey.ArpSource), 6), 48, 6, "mw", Arp, FieldFormat.Ethernet,
        Nx(17, "ARP_SHA"), Of(24, "ARP_SHA"));
    public static MatchField ArpTha { get; } = Row("arp_tha",
        K(nameof(FlowKey.ArpTarget), 6), 48, 6, "mw", Arp, FieldFormat.Ethernet,
        Nx(18, "ARP_THA"), Of(25, "ARP_THA"));

    // Transport.
    public static MatchField TcpSource { get; } = Row("tcp_src/tp_src",
        K(nameof(FlowKey.PortSourceWire), 2), 16, 2, "mw", Tcp, FieldFormat.Decimal,
        Nxof(9, "TCP_SRC"), Of(13, "TCP_SRC"));
    public static MatchField TcpDestination { get; } = Row("tcp_dst/tp_dst",
        K(nameof(FlowKey.PortDestinationWire), 2), 16, 2, "mw", Tcp, FieldFormat.Decimal,
        Nxof(10, "TCP_DST"), Of(14, "TCP_DST"));
    public static MatchField TcpFlags { get; } = Row("tcp_flags",
        K(nameof(FlowKey.TcpFlagsWire), 2), 12, 2, "m", Tcp, FieldFormat.TcpFlags,
        Nx(34, "TCP_FLAGS"),
        new FieldNumber(0xFFFF, 42, OfError.OnfVendor, "ONFOXM_ET_TCP_FLAGS"));
    public static MatchField UdpSource { get; } = Row("udp_src",
        K(nameof(FlowKey.PortSourceWire), 2), 16, 2, "mw", Udp, FieldFormat.Decimal,
        Nxof(11, "UDP_SRC"), Of(15, "UDP_SRC"));
    public static MatchField UdpDestination { get; } = Row("udp_dst",
        K(nameof(FlowKey.PortDestinationWire), 2), 16, 2, "mw", Udp, FieldFormat.Decimal,
        Nxof(12, "UDP_DST"), Of(16, "UDP_DST"));
    public static MatchField SctpSource { get; } = Row("sctp_src",
        K(nameof(FlowKey.PortSourceWire), 2), 16, 2, "mw", Sctp, FieldFormat.Decimal, null,
        Of(17, "SCTP_SRC"));
    public static MatchField SctpDestination { get; } = Row("sctp_dst",
        K(nameof(FlowKey.PortDestinationWire), 2), 16, 2, "mw", Sctp, FieldFormat.Decimal, null,
        Of(18, "SCTP_DST"));
    public static MatchField Icmpv4Type { get; } = Row("icmp_type",
        K(nameof(FlowKey.PortSourceWire), 2), 8, 1, "w", Icmpv4, FieldFormat.Decimal,
        Nxof(13, "ICMP_TYPE"), Of(19, "ICMPV4_TYPE"));
    public static MatchField Icmpv4Code { get; } = Row("icmp_code",
        K(nameof(FlowKey.PortDestinationWire), 2), 8, 1, "w", Icmpv4, FieldFormat.Decimal,
        Nxof(14, "ICMP_CODE"), Of(20, "ICMPV4_CODE"));
    public static MatchField Icmpv6Type { get; } = Row("icmpv6_type",
        K(nameof(FlowKey.PortSourceWire), 2), 8, 1, "w", Icmpv6, FieldFormat.Decimal,
        Nx(21, "ICMPV6_TYPE"), Of(29, "ICMPV6_TYPE"));
    public static MatchField Icmpv6Code { get; } = Row("icmpv6_code",
        K(nameof(FlowKey.PortDestinationWire), 2), 8, 1, "w", Icmpv6, FieldFormat.Decimal,
        Nx(22, "ICMPV6_CODE"), Of(30, "ICMPV6_CODE"));
    public static MatchField NdTarget { get; } = Row("nd_target",
        K(nameof(FlowKey.NdTarget), 16), 128, 16, "mw", Nd, FieldFormat.Ipv6,
        Nx(23, "ND_TARGET"), Of(31, "IPV6_ND_TARGET"));
    public static MatchField NdSll { get; } = Row("nd_sll",
        K(nameof(FlowKey.ArpSource), 6), 48, 6, "mw", NdSolicit, FieldFormat.Ethernet,
        Nx(24, "ND_SLL"), Of(32, "IPV6_ND_SLL"));
    public static MatchField NdTll { get; } = Row("nd_tll",
        K(nameof(FlowKey.ArpTarget), 6), 48, 6, "mw", NdAdvert, FieldFormat.Ethernet,
        Nx(25, "ND_TLL"), Of(33, "IPV6_ND_TLL"));
    public static MatchField NdReserved { get; } = Row("nd_reserved",
        K(nameof(FlowKey.NdReservedWire), 4), 32, 4, "w", Nd, FieldFormat.Decimal, null,
        new FieldNumber(0x1000, 1, 0, "ERICOXM_OF_ICMPV6_ND_RESERVED"));
    public static MatchField NdOptionsType { get; } = Row("nd_options_type",
        K(nameof(FlowKey.NdOptionsType), 1), 8, 1, "w", Nd, FieldFormat.Decimal, null,
        new FieldNumber(0x1000, 2, 0, "ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE"));

    // NSH.
    public static MatchField NshFlags { get; } = Row("nsh_flags",
        K(nameof(FlowKey.NshFlags), 1), 8, 1, "mw", Nsh, FieldFormat.Decimal, null,
        NshOxm(1, "FLAGS"));
    public static MatchField NshMdType { get; } = Row("nsh_mdtype",
        K(nameof(FlowKey.NshMdType), 1), 8, 1, "", Nsh, FieldFormat.Decimal, null,
        NshOxm(2, "MDTYPE"));
    public static MatchField NshNextProtocol { get; } = Row("nsh_np",
        K(nameof(FlowKey.NshNextProtocol), 1), 8, 1, "", Nsh, FieldFormat.Decimal, null,
        NshOxm(3, "NP"));
    public static MatchField NshSpi { get; } = Row("nsh_spi/nsp",
        K(nameof(FlowKey.NshPathWire), 4, 8), 24, 4, "w", Nsh, Hexadecimal, null,
        NshOxm(4, "SPI"));
    public static MatchField NshSi { get; } = Row("nsh_si/nsi",
        K(nameof(FlowKey.NshPathWire), 4), 8, 1, "w", Nsh, FieldFormat.Decimal, null,
        NshOxm(5, "SI"));
    public static MatchField NshContext1 { get; } = Row("nsh_c1/nshc1",
        K(nameof(FlowKey.NshContext1Wire), 4), 32, 4, "mw", Nsh, Hexadecimal, null,
        NshOxm(6, "C1"));
    public static MatchField NshContext2 { get; } = Row("nsh_c2/nshc2",
        K(nameof(FlowKey.NshContext2Wire), 4), 32, 4, "mw", Nsh, Hexadecimal, null,
        NshOxm(7, "C2"));
    public static MatchField NshContext3 { get; } = Row("nsh_c3/nshc3",
        K(nameof(FlowKey.NshContext3Wire), 4), 32, 4, "mw", Nsh, Hexadecimal, null,
        NshOxm(8, "C3"));
    public static MatchField NshContext4 { get; } = Row("nsh_c4/nshc4",
        K(nameof(FlowKey.NshContext4Wire), 4), 32, 4, "mw", Nsh, Hexadecimal, null,
        NshOxm(9, "C4"));
    public static MatchField NshTtl { get; } = Row("nsh_ttl",
        K(nameof(FlowKey.NshTtl), 1), 8, 1, "w", Nsh, FieldFormat.Decimal, null,
        NshOxm(10, "TTL"));

    // The registers by name, as flow-compiling code likes to write them.
    public static MatchField Reg0 => RegisterFields[0];
    public static MatchField Reg1 => RegisterFields[1];
    public static MatchField Reg2 => RegisterFields[2];
    public static MatchField Reg3 => RegisterFields[3];
    public static MatchField Reg4 => RegisterFields[4];
    public static MatchField Reg5 => RegisterFields[5];
    public static MatchField Reg6 => RegisterFields[6];
    public static MatchField Reg7 => RegisterFields[7];
    public static MatchField Reg8 => RegisterFields[8];
    public static MatchField Reg9 => RegisterFields[9];
    public static MatchField Reg10 => RegisterFields[10];
    public static MatchField Reg11 => RegisterFields[11];
    public static MatchField Reg12 => RegisterFields[12];
    public static MatchField Reg13 => RegisterFields[13];
    public static MatchField Reg14 => RegisterFields[14];
    public static MatchField Reg15 => RegisterFields[15];

    /// <summary>reg0 ... reg31.</summary>
    public static MatchField Reg(int index) => RegisterFields[index];

    /// <summary>xreg0 ... xreg15: register 2n above register 2n+1.</summary>
    public static MatchField Xreg(int index) => XregFields[index];

    /// <summary>xxreg0 ... xxreg7: registers 4n ... 4n+3.</summary>
    public static MatchField Xxreg(int index) => XxregFields[index];

    /// <summary>tun_metadata0 ... tun_metadata63.</summary>
    public static MatchField TunnelMetadata(int index) => TlvFields[index];

    /// <summary>Every field, in the order of OVS's catalogue.</summary>
    public static ImmutableArray<MatchField> All { get; } = [.. Defined];

    private static readonly FrozenDictionary<string, MatchField> ByName = NamesOf(All);

    private static readonly FrozenDictionary<(uint, uint), MatchField> ByNumber = NumbersOf(All);

    private static FrozenDictionary<string, MatchField> NamesOf(ImmutableArray<MatchField> fields)
    {
        var names = new Dictionary<string, MatchField>(StringComparer.OrdinalIgnoreCase);
        foreach (var field in fields)
        {
            string?[] all = [field.Name, field.Alias, field.Nxm?.Name, field.Oxm?.Name];
            foreach (var name in all)
            {
                if (name is not null) names.TryAdd(name, field);
            }
        }

        return names.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    private static FrozenDictionary<(uint, uint), MatchField> NumbersOf(
        ImmutableArray<MatchField> fields)
    {
        var numbers = new Dictionary<(uint, uint), MatchField>();
        foreach (var field in fields)
        {
            FieldNumber?[] all = [field.Nxm, field.Oxm];
            foreach (var number in all)
            {
                if (number is { } each) numbers.Add((each.Prefix, each.Experimenter), field);
            }

            if (field.Oxm15 is { } newest) numbers.Add((newest.Prefix, 0), field);
        }

        return numbers.ToFrozenDictionary();
    }

    private static (int Offset, int Size, int Shift) K(string flowKeyField, int size, int shift = 0)
        => ((int)Marshal.OffsetOf<FlowKey>(flowKeyField), size, shift);

    private static FieldNumber Nxof(byte number, string name) =>
        new(0, number, 0, "NXM_OF_" + name);
    private static FieldNumber Nx(byte number, string name) => new(1, number, 0, "NXM_NX_" + name);
    private static FieldNumber Of(byte number, string name) =>
        new(0x8000, number, 0, "OXM_OF_" + name);
    private static FieldNumber Et(byte number, string name) =>
        new(0xFFFF, number, OfError.NiciraVendor, "NXOXM_ET_" + name);
    private static FieldNumber NshOxm(byte number, string name) =>
        new(0xFFFF, number, 0x005A_D650, "NXOXM_NSH_" + name);

    private static MatchField Row(
        string names, (int, int, int) place, int bitWidth, int wireSize, string rules,
        FieldPrerequisite prerequisite, FieldFormat format, FieldNumber? nxm = null,
        FieldNumber? oxm = null, int exact = 0)
    {
        var slash = names.IndexOf('/', StringComparison.Ordinal);
        var field = new MatchField(
            Defined.Count, slash < 0 ? names : names[..slash], slash < 0 ? null
                : names[(slash + 1)..],
            place, bitWidth, wireSize, rules.Contains('m', StringComparison.Ordinal), prerequisite,
            format, rules.Contains('w', StringComparison.Ordinal), nxm, oxm)
        {
            ExactMask = exact != 0 ? (UInt128)exact : LowBits(bitWidth),
        };
        Defined.Add(field);
        return field;
    }

    private static string Numbered(string name, int index) =>
        name + index.ToString(CultureInfo.InvariantCulture);

    private static MatchField DefineTlv(int index)
    {
        var field = new MatchField(
            Defined.Count, Numbered("tun_metadata", index), null, (PipelineKey.TlvOffset, 0, 0),
            TlvBits, TlvBits / 8, true, None, Hexadecimal, true,
            Nx((byte)(40 + index), Numbered("TUN_METADATA", index)), null)
        {
            TlvIndex = index,
            ExactMask = UInt128.MaxValue,
        };
        Defined.Add(field);
        return field;
    }

    private static MatchField DefineRegister(int index)
    {
        var number = index < 16
            ? Nx((byte)index, Numbered("REG", index))
            : Et((byte)(index + 1), Numbered("REG", index));
        var field = new MatchField(
            Defined.Count, Numbered("reg", index), null,
            (PipelineKey.RegisterOffset + (index * 4), 4, 0), 32, 4, true, None, Hexadecimal, true,
            index < 16 ? number : null, index < 16 ? null : number)
        {
            RegisterIndex = index,
            ExactMask = uint.MaxValue,
        };
        Defined.Add(field);
        return field;
    }

    private static MatchField DefineXreg(int index) => DefineWide(
        Numbered("xreg", index), index * 2, 2, null,
        new FieldNumber(0x8001, (byte)index, 0, Numbered("OXM_OF_PKT_REG", index)));

    private static MatchField DefineXxreg(int index) => index < 4
        ? DefineWide(Numbered("xxreg", index), index * 4, 4,
            Nx((byte)(111 + index), Numbered("XXREG", index)), null)
        : DefineWide(Numbered("xxreg", index), index * 4, 4, null,
            Et((byte)(29 + index), Numbered("XXREG", index)));

    private static MatchField DefineWide(
        string name, int firstRegister, int count, FieldNumber? nxm, FieldNumber? oxm)
    {
        var place = (PipelineKey.RegisterOffset + (firstRegister * 4), count * 4, 0);
        var field = new MatchField(
            Defined.Count, name, null, place, count * 32, count * 4, true, None, Hexadecimal, true,
            nxm, oxm)
        {
            Registers = RegisterFields.Slice(firstRegister, count),
            ExactMask = LowBits(count * 32),
        };
        Defined.Add(field);
        return field;
    }
}
