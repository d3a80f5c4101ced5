namespace Fabric.Wire.Netlink;

/// <summary>OVS_FLOW_ATTR_*, linux/openvswitch.h.</summary>
internal static class OvsFlowAttribute
{
    public const ushort Key = 1;
    public const ushort Actions = 2;
    public const ushort Statistics = 3; // 2 x u64: packets, bytes
    public const ushort TcpFlags = 4; // u8
    public const ushort Used = 5; // u64, milliseconds of the kernel's monotonic clock
    public const ushort Clear = 6;
    public const ushort Mask = 7;
    public const ushort Probe = 8;
    public const ushort Ufid = 9;
    public const ushort UfidFlags = 10;
}

/// <summary>OVS_KEY_ATTR_*, linux/openvswitch.h; 29 and 30 exist in userspace only.</summary>
public enum OvsKey : byte
{
    Encapsulation = 1,
    Priority = 2,
    InPort = 3,
    Ethernet = 4,
    Vlan = 5,
    EthernetType = 6,
    Ipv4 = 7,
    Ipv6 = 8,
    Tcp = 9,
    Udp = 10,
    Icmp = 11,
    Icmpv6 = 12,
    Arp = 13,
    Nd = 14,
    PacketMark = 15,
    Tunnel = 16,
    Sctp = 17,
    TcpFlags = 18,
    DatapathHash = 19,
    RecirculationId = 20,
    Mpls = 21,
    ConntrackState = 22,
    ConntrackZone = 23,
    ConntrackMark = 24,
    ConntrackLabels = 25,
    ConntrackTupleIpv4 = 26,
    ConntrackTupleIpv6 = 27,
    Nsh = 28,
    PacketType = 29,
    NdExtensions = 30,
    TunnelInfo = 31,
}

/// <summary>What the tables say of each key attribute.</summary>
public static class OvsKeyCatalogue
{
    public const int Count = 32;

    /// <summary>The biggest fixed value: IPv6 addresses, CT_ORIG_TUPLE_IPV6.</summary>
    public const int ValueSizeMax = 40;

    /// <summary>Bytes of the value; -1: nested or an array.</summary>
    public static ReadOnlySpan<sbyte> ValueSizes =>
    [
        -1, // 0: none
        -1, // Encapsulation: nested key
        4, // Priority: u32
        4, // InPort: u32
        12, // Ethernet: source, destination
        2, // Vlan: be16 TCI with the CFI bit
        2, // EthernetType: be16
        12, // Ipv4: be32 source, destination; protocol, TOS, TTL, fragment
        40, // Ipv6: source, destination, be32 label; protocol, class, hop limit, fragment
        4, // Tcp: be16 source, destination
        4, // Udp
        2, // Icmp: type, code
        2, // Icmpv6
        24, // Arp: be32 sender, target, be16 opcode, sender and target address, 2 of padding
        28, // Nd: target, source and target link-layer address
        4, // PacketMark: u32
        -1, // Tunnel: nested
        4, // Sctp
        2, // TcpFlags: be16
        4, // DatapathHash: u32
        4, // RecirculationId: u32
        -1, // Mpls: array of be32
        4, // ConntrackState: u32
        2, // ConntrackZone: u16
        4, // ConntrackMark: u32
        16, // ConntrackLabels: 128 bits, low word first
        16, // ConntrackTupleIpv4: be32 source, destination, be16 ports, protocol, 3 of padding
        40, // ConntrackTupleIpv6: 16 source, 16 destination, be16 ports, protocol, padding
        -1, // Nsh: nested
        4, // PacketType: be16 namespace, be16 type
        8, // NdExtensions: be32 reserved, options type, 3 of padding
        -1, // TunnelInfo: in the kernel only
    ];
}

/// <summary>OVS_TUNNEL_KEY_ATTR_*. OVSEXT takes 0 to 8 and 12 to 13.</summary>
internal static class OvsTunnelKeyAttribute
{
    public const ushort Id = 0; // be64
    public const ushort Ipv4Source = 1;
    public const ushort Ipv4Destination = 2;
    public const ushort Tos = 3;
    public const ushort Ttl = 4;
    public const ushort DontFragment = 5; // flag
    public const ushort Checksum = 6; // flag
    public const ushort Oam = 7; // flag
    public const ushort GeneveOptions = 8;
    public const ushort PortSource = 9; // be16
    public const ushort PortDestination = 10; // be16
    public const ushort VxlanOptions = 11; // nested: Gbp
    public const ushort Ipv6Source = 12;
    public const ushort Ipv6Destination = 13;
    public const ushort Pad = 14;
    public const ushort ErspanOptions = 15;
    public const ushort GtpuOptions = 16; // userspace: flags, message type
    public const ushort VxlanGbp = 1; // u32: flags << 16 | policy id
    public const int ErspanSize = 12; // i32 version; version 1: be32 index; 2: 8 bytes
    public const int GtpuSize = 2;
}

/// <summary>OVS_NSH_KEY_ATTR_*.</summary>
internal static class OvsNshAttribute
{
    public const ushort Base = 1;
    public const ushort Md1 = 2; // 4 x be32
    public const ushort Md2 = 3;
    public const int BaseSize = 8; // flags, ttl, mdtype, np, be32 path
    public const int Md1Size = 16;
}

/// <summary>enum ovs_frag_type.</summary>
internal static class OvsFragment
{
    public const byte None = 0;
    public const byte First = 1;
    public const byte Later = 2;
}

/// <summary>OVS_PACKET_ATTR_*, linux/openvswitch.h.</summary>
internal static class OvsPacketAttribute
{
    public const ushort Packet = 1;
    public const ushort Key = 2;
    public const ushort Actions = 3;
    public const ushort Userdata = 4;
    public const ushort EgressTunnelKey = 5;
    public const ushort Probe = 8;
    public const ushort ReceiveUnitMax = 9; // u16
    public const ushort Length = 10; // u32, before truncation
    public const ushort Hash = 11; // u64
    public const ushort UpcallPid = 12; // u32
}
