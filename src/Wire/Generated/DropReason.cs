// Generated from driver/include/fabric_drop_reasons.h. Do not edit: see tests/Tidy.
namespace Fabric.Wire;

/// <summary>Every way a packet can end without a port.</summary>
public enum DropReason : byte
{
    /// <summary>not dropped</summary>
    None = 0,
    /// <summary>the flow has no actions</summary>
    NoActions = 1,
    /// <summary>a drop action said so</summary>
    ExplicitDrop = 2,
    /// <summary>shorter than an Ethernet header</summary>
    EthernetTruncated = 3,
    /// <summary>ends inside a VLAN tag</summary>
    VlanTruncated = 4,
    /// <summary>ends inside the MPLS label stack</summary>
    MplsTruncated = 5,
    /// <summary>shorter than an ARP packet</summary>
    ArpTruncated = 6,
    /// <summary>shorter than its IPv4 header</summary>
    Ipv4Truncated = 7,
    /// <summary>IPv4 header length below 5 words</summary>
    Ipv4HeaderLength = 8,
    /// <summary>IPv4 total length disagrees with the packet</summary>
    Ipv4TotalLength = 9,
    /// <summary>shorter than its IPv6 header</summary>
    Ipv6Truncated = 10,
    /// <summary>IPv6 payload length exceeds the packet</summary>
    Ipv6PayloadLength = 11,
    /// <summary>IPv6 extension header chain cut or too long</summary>
    Ipv6ExtensionHeader = 12,
    /// <summary>shorter than its TCP header</summary>
    TcpTruncated = 13,
    /// <summary>shorter than a UDP header</summary>
    UdpTruncated = 14,
    /// <summary>shorter than an ICMP header</summary>
    IcmpTruncated = 15,
    /// <summary>shorter than an SCTP header</summary>
    SctpTruncated = 16,
    /// <summary>shorter than its NSH header</summary>
    NshTruncated = 17,
    /// <summary>neighbour discovery options cut or of length zero</summary>
    NdMalformed = 18,
    /// <summary>shorter than its Geneve header and options</summary>
    GeneveTruncated = 19,
    /// <summary>Geneve version not 0</summary>
    GeneveVersion = 20,
    /// <summary>Geneve option runs past the options</summary>
    GeneveOption = 21,
    /// <summary>critical Geneve option that nobody knows</summary>
    GeneveCriticalOption = 22,
    /// <summary>shorter than a VXLAN header</summary>
    VxlanTruncated = 23,
    /// <summary>VXLAN flags without a valid VNI</summary>
    VxlanFlags = 24,
    /// <summary>shorter than its GRE header</summary>
    GreTruncated = 25,
    /// <summary>GRE version or routing flags not supported</summary>
    GreFlags = 26,
    /// <summary>shorter than its ERSPAN header</summary>
    ErspanTruncated = 27,
    /// <summary>ERSPAN version not 1 or 2</summary>
    ErspanVersion = 28,
    /// <summary>shorter than its STT header</summary>
    SttTruncated = 29,
    /// <summary>STT segments overlap, exceed limits or time out</summary>
    SttReassembly = 30,
    /// <summary>shorter than its GTP-U header</summary>
    GtpuTruncated = 31,
    /// <summary>GTP-U message that is not user data</summary>
    GtpuMessage = 32,
    /// <summary>tunnel packet from an address that is no VTEP</summary>
    TunnelUnknownPeer = 33,
    /// <summary>tunnel key that is not bound here</summary>
    TunnelUnknownKey = 34,
    /// <summary>no route to the tunnel's remote address</summary>
    TunnelNoRoute = 35,
    /// <summary>the next hop's link address is not resolved</summary>
    TunnelNoNeighbour = 36,
    /// <summary>checksum of the tunnel header is wrong</summary>
    TunnelChecksum = 37,
    /// <summary>recirculated too many times</summary>
    RecirculationLimit = 38,
    /// <summary>recirculation id that is not in use</summary>
    RecirculationUnknown = 39,
    /// <summary>more than 4096 resubmits</summary>
    TranslationResubmits = 40,
    /// <summary>resubmits nested deeper than 64</summary>
    TranslationDepth = 41,
    /// <summary>the translation stack is full or was popped empty</summary>
    TranslationStack = 42,
    /// <summary>the packet lacks what an action needs</summary>
    TranslationError = 43,
    /// <summary>the packet came in on a port of no bridge</summary>
    BridgeNotFound = 44,
    /// <summary>the port's upcall quota is used up</summary>
    UpcallQueueFull = 45,
    /// <summary>a packet larger than an upcall record</summary>
    UpcallTooLarge = 46,
    /// <summary>the datapath's flow table is full</summary>
    FlowLimit = 47,
    /// <summary>output to a port that does not exist</summary>
    PortNotFound = 48,
    /// <summary>output to a port that is down</summary>
    PortDown = 49,
    /// <summary>the egress queue of the port is full</summary>
    PortQueueFull = 50,
    /// <summary>the port is configured not to receive</summary>
    PortReceiveDisabled = 51,
    /// <summary>larger than the egress MTU and must not be fragmented</summary>
    MtuExceeded = 52,
    /// <summary>a super-packet that cannot be segmented</summary>
    SegmentationFailed = 53,
    /// <summary>no room in front of the packet for a header</summary>
    HeadroomExhausted = 54,
    /// <summary>above the rate of a meter band</summary>
    MeterExceeded = 55,
    /// <summary>the time to live reached zero</summary>
    TtlExceeded = 56,
    /// <summary>not trackable</summary>
    ConntrackInvalid = 57,
    /// <summary>the connection table is full</summary>
    ConntrackFull = 58,
    /// <summary>the zone's connection limit is reached</summary>
    ConntrackZoneLimit = 59,
    /// <summary>no free tuple for the translation</summary>
    ConntrackNatExhausted = 60,
    /// <summary>an application line that cannot be rewritten</summary>
    ConntrackAlg = 61,
    /// <summary>IP fragments overlap</summary>
    FragmentOverlap = 62,
    /// <summary>too many fragments held</summary>
    FragmentLimit = 63,
    /// <summary>fragments that never became whole</summary>
    FragmentTimeout = 64,
    /// <summary>an IP fragment of impossible offset or size</summary>
    FragmentMalformed = 65,
    /// <summary>a header checksum is wrong</summary>
    ChecksumInvalid = 66,
    /// <summary>an action that this datapath cannot do</summary>
    ActionUnsupported = 67,
    /// <summary>an action list that cannot be decoded</summary>
    ActionMalformed = 68,
    /// <summary>the packet would leave where it came in too often</summary>
    LoopDetected = 69,
    /// <summary>came in on a port reserved for mirroring</summary>
    MirrorSelectExcluded = 70,
    /// <summary>the VLAN is not allowed on the ingress port</summary>
    VlanNotAllowed = 71,
    /// <summary>came in on a bond member that is not active</summary>
    BondInactiveMember = 72,
    /// <summary>a reserved link-local group that is not forwarded</summary>
    ReservedMulticast = 73,
    /// <summary>a BFD control packet that RFC 5880 6.8.6 discards</summary>
    BfdMalformed = 74,
    /// <summary>a LACP data unit that is cut or of another version</summary>
    LacpMalformed = 75,
    /// <summary>a continuity check message that is cut or not one</summary>
    CfmMalformed = 76,
    /// <summary>a spanning tree BPDU that is cut or not one</summary>
    StpMalformed = 77,
    /// <summary>an LLDP data unit without its mandatory parts</summary>
    LldpMalformed = 78,
    /// <summary>a multicast membership message that is cut or not one</summary>
    IgmpMalformed = 79,
    /// <summary>lost by a fault-injection port, as told</summary>
    FaultInjected = 80,
    /// <summary>a zone holds as many unanswered connections as it may</summary>
    ConntrackHalfOpen = 81,
}

/// <summary>Counter names and explanations of <see cref="DropReason"/>.</summary>
public static class DropReasons
{
    public const int Count = 82;

    private static readonly string[] Counters =
    [
        "none",
        "no_actions",
        "explicit_drop",
        "ethernet_truncated",
        "vlan_truncated",
        "mpls_truncated",
        "arp_truncated",
        "ipv4_truncated",
        "ipv4_header_length",
        "ipv4_total_length",
        "ipv6_truncated",
        "ipv6_payload_length",
        "ipv6_extension_header",
        "tcp_truncated",
        "udp_truncated",
        "icmp_truncated",
        "sctp_truncated",
        "nsh_truncated",
        "nd_malformed",
        "geneve_truncated",
        "geneve_version",
        "geneve_option",
        "geneve_critical_option",
        "vxlan_truncated",
        "vxlan_flags",
        "gre_truncated",
        "gre_flags",
        "erspan_truncated",
        "erspan_version",
        "stt_truncated",
        "stt_reassembly",
        "gtpu_truncated",
        "gtpu_message",
        "tunnel_unknown_peer",
        "tunnel_unknown_key",
        "tunnel_no_route",
        "tunnel_no_neighbour",
        "tunnel_checksum",
        "recirculation_limit",
        "recirculation_unknown",
        "translation_resubmits",
        "translation_depth",
        "translation_stack",
        "translation_error",
        "bridge_not_found",
        "upcall_queue_full",
        "upcall_too_large",
        "flow_limit",
        "port_not_found",
        "port_down",
        "port_queue_full",
        "port_receive_disabled",
        "mtu_exceeded",
        "segmentation_failed",
        "headroom_exhausted",
        "meter_exceeded",
        "ttl_exceeded",
        "conntrack_invalid",
        "conntrack_full",
        "conntrack_zone_limit",
        "conntrack_nat_exhausted",
        "conntrack_alg",
        "fragment_overlap",
        "fragment_limit",
        "fragment_timeout",
        "fragment_malformed",
        "checksum_invalid",
        "action_unsupported",
        "action_malformed",
        "loop_detected",
        "mirror_select_excluded",
        "vlan_not_allowed",
        "bond_inactive_member",
        "reserved_multicast",
        "bfd_malformed",
        "lacp_malformed",
        "cfm_malformed",
        "stp_malformed",
        "lldp_malformed",
        "igmp_malformed",
        "fault_injected",
        "conntrack_half_open",
    ];

    private static readonly string[] Texts =
    [
        "not dropped",
        "the flow has no actions",
        "a drop action said so",
        "shorter than an Ethernet header",
        "ends inside a VLAN tag",
        "ends inside the MPLS label stack",
        "shorter than an ARP packet",
        "shorter than its IPv4 header",
        "IPv4 header length below 5 words",
        "IPv4 total length disagrees with the packet",
        "shorter than its IPv6 header",
        "IPv6 payload length exceeds the packet",
        "IPv6 extension header chain cut or too long",
        "shorter than its TCP header",
        "shorter than a UDP header",
        "shorter than an ICMP header",
        "shorter than an SCTP header",
        "shorter than its NSH header",
        "neighbour discovery options cut or of length zero",
        "shorter than its Geneve header and options",
        "Geneve version not 0",
        "Geneve option runs past the options",
        "critical Geneve option that nobody knows",
        "shorter than a VXLAN header",
        "VXLAN flags without a valid VNI",
        "shorter than its GRE header",
        "GRE version or routing flags not supported",
        "shorter than its ERSPAN header",
        "ERSPAN version not 1 or 2",
        "shorter than its STT header",
        "STT segments overlap, exceed limits or time out",
        "shorter than its GTP-U header",
        "GTP-U message that is not user data",
        "tunnel packet from an address that is no VTEP",
        "tunnel key that is not bound here",
        "no route to the tunnel's remote address",
        "the next hop's link address is not resolved",
        "checksum of the tunnel header is wrong",
        "recirculated too many times",
        "recirculation id that is not in use",
        "more than 4096 resubmits",
        "resubmits nested deeper than 64",
        "the translation stack is full or was popped empty",
        "the packet lacks what an action needs",
        "the packet came in on a port of no bridge",
        "the port's upcall quota is used up",
        "a packet larger than an upcall record",
        "the datapath's flow table is full",
        "output to a port that does not exist",
        "output to a port that is down",
        "the egress queue of the port is full",
        "the port is configured not to receive",
        "larger than the egress MTU and must not be fragmented",
        "a super-packet that cannot be segmented",
        "no room in front of the packet for a header",
        "above the rate of a meter band",
        "the time to live reached zero",
        "not trackable",
        "the connection table is full",
        "the zone's connection limit is reached",
        "no free tuple for the translation",
        "an application line that cannot be rewritten",
        "IP fragments overlap",
        "too many fragments held",
        "fragments that never became whole",
        "an IP fragment of impossible offset or size",
        "a header checksum is wrong",
        "an action that this datapath cannot do",
        "an action list that cannot be decoded",
        "the packet would leave where it came in too often",
        "came in on a port reserved for mirroring",
        "the VLAN is not allowed on the ingress port",
        "came in on a bond member that is not active",
        "a reserved link-local group that is not forwarded",
        "a BFD control packet that RFC 5880 6.8.6 discards",
        "a LACP data unit that is cut or of another version",
        "a continuity check message that is cut or not one",
        "a spanning tree BPDU that is cut or not one",
        "an LLDP data unit without its mandatory parts",
        "a multicast membership message that is cut or not one",
        "lost by a fault-injection port, as told",
        "a zone holds as many unanswered connections as it may",
    ];

    /// <summary>
    /// The name under which the drop is counted, as in coverage/show.
    /// </summary>
    public static string CounterOf(DropReason reason) => Counters[(int)reason];

    /// <summary>What happened, in words for people.</summary>
    public static string TextOf(DropReason reason) => Texts[(int)reason];
}
