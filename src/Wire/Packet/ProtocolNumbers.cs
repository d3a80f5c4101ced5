namespace Fabric.Wire;

/// <summary>EtherTypes in host order (IEEE 802, IANA "IEEE 802 Numbers").</summary>
public static class EtherType
{
    /// <summary>Below this a frame's type field is its length (IEEE 802.3).</summary>
    public const ushort Min = 0x0600;

    /// <summary>What a key says for 802.2 frames without SNAP (OVS: FLOW_DL_TYPE_NONE).</summary>
    public const ushort None = 0x05FF;

    public const ushort Ipv4 = 0x0800;
    public const ushort Arp = 0x0806;
    public const ushort TransparentEthernet = 0x6558;
    public const ushort Rarp = 0x8035;
    public const ushort Vlan = 0x8100;
    public const ushort Ipv6 = 0x86DD;
    public const ushort Mpls = 0x8847;
    public const ushort MplsMulticast = 0x8848;
    public const ushort ServiceVlan = 0x88A8;
    public const ushort ErspanType2 = 0x88BE;
    public const ushort ErspanType3 = 0x22EB;
    public const ushort Nsh = 0x894F;
}

/// <summary>IP protocol numbers (IANA "Protocol Numbers").</summary>
public static class IpProtocol
{
    public const byte HopByHop = 0;
    public const byte Icmp = 1;
    public const byte Igmp = 2;
    public const byte IpInIp = 4;
    public const byte Tcp = 6;
    public const byte Udp = 17;
    public const byte Ipv6 = 41;
    public const byte Routing = 43;
    public const byte Fragment = 44;
    public const byte Gre = 47;
    public const byte Authentication = 51;
    public const byte Icmpv6 = 58;
    public const byte DestinationOptions = 60;
    public const byte Sctp = 132;
    public const byte UdpLite = 136;
}

/// <summary>Bits of <see cref="FlowKey.NetworkFragment"/>.</summary>
public static class FragmentBits
{
    public const byte Any = 1;
    public const byte Later = 2;
}
