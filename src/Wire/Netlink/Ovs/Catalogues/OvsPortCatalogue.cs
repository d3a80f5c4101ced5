namespace Fabric.Wire.Netlink;

/// <summary>OVS_DP_ATTR_*, linux/openvswitch.h.</summary>
internal static class OvsDatapathAttribute
{
    public const ushort Name = 1;
    public const ushort UpcallPid = 2;
    public const ushort Statistics = 3; // 4 x u64: hit, missed, lost, flows
    public const ushort MegaflowStatistics = 4; // u64 mask hits, u32 masks, pad, u64 cache hits
    public const ushort UserFeatures = 5;
    public const ushort MasksCacheSize = 7;
    public const ushort PerCpuPids = 8; // array of u32
    public const ushort InterfaceIndex = 9;
}

/// <summary>OVS_DP_F_*: what userspace tells the kernel that it understands.</summary>
[Flags]
public enum OvsUserFeatures : uint
{
    None = 0,
    Unaligned = 1,
    VportPids = 2,
    TcRecirculationSharing = 4,
    DispatchUpcallPerCpu = 8,
}

/// <summary>OVS_VPORT_ATTR_*, linux/openvswitch.h.</summary>
internal static class OvsVportAttribute
{
    public const ushort PortNumber = 1;
    public const ushort Type = 2;
    public const ushort Name = 3;
    public const ushort Options = 4;
    public const ushort UpcallPid = 5; // u32; Linux: array of them
    public const ushort Statistics = 6; // 8 x u64
    public const ushort InterfaceIndex = 8;
    public const ushort NetworkNamespace = 9;
}

/// <summary>OVS_VPORT_TYPE_*. Lisp and Stt only in OVSEXT up to 3.4.</summary>
public enum OvsVportType : uint
{
    Unspecified = 0,
    Netdev = 1,
    Internal = 2,
    Gre = 3,
    Vxlan = 4,
    Geneve = 5,
    Lisp = 105,
    Stt = 106,
    Erspan = 107,
    Ip6Erspan = 108,
    Ip6Gre = 109,
    Gtpu = 110,
    Bareudp = 111,
    Srv6 = 112,
}

/// <summary>OVS_TUNNEL_ATTR_* inside the options of a vport.</summary>
internal static class OvsTunnelOptionAttribute
{
    public const ushort DestinationPort = 1; // u16, host order
    public const ushort Extension = 2;
    public const ushort ExtensionGbp = 1;
    public const ushort ExtensionGpe = 8;
}

/// <summary>OVSEXT's netdev family (OvsDpInterfaceExt.h).</summary>
internal static class OvsNetdevAttribute
{
    public const ushort PortNumber = 1;
    public const ushort Type = 2;
    public const ushort Name = 3;
    public const ushort Mac = 4;
    public const ushort Mtu = 5;
    public const ushort Flags = 6;
}

[Flags]
public enum OvsNetdevFlags : uint { None = 0, Up = 1, Promiscuous = 2 }

/// <summary>OVSEXT's control family, numbered from 0.</summary>
internal static class OvsControlAttribute
{
    public const ushort Group = 0; // u32
    public const ushort Join = 1; // u8
    public const ushort SubscribePackets = 2; // u8
    public const ushort PacketPid = 3; // u32
    public const ushort SocketProtocol = 0; // u32: 16 generic, 12 netfilter
    public const ushort SocketPid = 1; // u32
}

/// <summary>Protocols of a handle (socket(2), AF_NETLINK).</summary>
public static class NetlinkProtocol
{
    public const uint Netfilter = 12;
    public const uint Generic = 16;
}
