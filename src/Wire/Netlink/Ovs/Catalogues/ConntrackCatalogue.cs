namespace Fabric.Wire.Netlink;

/// <summary>Messages of subsystem 1 (linux/netfilter/nfnetlink_conntrack.h).</summary>
public static class NfConntrackCommand
{
    public const byte New = 0;
    public const byte Get = 1;
    public const byte Delete = 2;
    public const byte GetAndZero = 3;
    public const byte GetCpuStatistics = 4;
    public const byte GetStatistics = 5;
    public const byte GetDying = 6;
    public const byte GetUnconfirmed = 7;
}

/// <summary>Multicast groups: NFNLGRP_CONNTRACK_*.</summary>
public static class NfConntrackGroup
{
    public const uint New = 1;
    public const uint Update = 2;
    public const uint Destroy = 3;
}

/// <summary>CTA_*.</summary>
internal static class ConntrackAttribute
{
    public const ushort TupleOriginal = 1;
    public const ushort TupleReply = 2;
    public const ushort Status = 3; // be32
    public const ushort ProtocolInfo = 4;
    public const ushort Help = 5;
    public const ushort Timeout = 7; // be32, seconds
    public const ushort Mark = 8; // be32
    public const ushort CountersOriginal = 9;
    public const ushort CountersReply = 10;
    public const ushort Id = 12; // be32
    public const ushort TupleMaster = 14;
    public const ushort Zone = 18; // be16
    public const ushort Timestamp = 20;
    public const ushort MarkMask = 21; // be32
    public const ushort Labels = 22;
    public const ushort LabelsMask = 23;
}

/// <summary>CTA_TUPLE_*, CTA_IP_*, CTA_PROTO_*.</summary>
internal static class ConntrackTupleAttribute
{
    public const ushort Ip = 1;
    public const ushort Protocol = 2;

    public const ushort Ipv4Source = 1;
    public const ushort Ipv4Destination = 2;
    public const ushort Ipv6Source = 3;
    public const ushort Ipv6Destination = 4;

    public const ushort Number = 1; // u8
    public const ushort PortSource = 2; // be16
    public const ushort PortDestination = 3; // be16
    public const ushort IcmpId = 4; // be16
    public const ushort IcmpType = 5;
    public const ushort IcmpCode = 6;
    public const ushort Icmpv6Id = 7; // be16
    public const ushort Icmpv6Type = 8;
    public const ushort Icmpv6Code = 9;
}

/// <summary>CTA_PROTOINFO_*, CTA_COUNTERS_*, CTA_TIMESTAMP_*, CTA_HELP_*.</summary>
internal static class ConntrackDetailAttribute
{
    public const ushort ProtocolTcp = 1;
    public const ushort TcpState = 1; // u8
    public const ushort Packets = 1; // be64
    public const ushort Bytes = 2; // be64
    public const ushort Start = 1; // be64, nanoseconds
    public const ushort Stop = 2;
    public const ushort HelperName = 1;
}

/// <summary>Names of TCP states, which the two dialects number differently.</summary>
public static class ConntrackCatalogue
{
    private static readonly string[] s_ovsext =
    [
        "CLOSED", "LISTEN", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT_1",
        "CLOSING", "LAST_ACK", "FIN_WAIT_2", "TIME_WAIT",
    ];

    private static readonly string[] s_linux =
    [
        "CLOSED", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT_1", "CLOSE_WAIT", "LAST_ACK",
        "TIME_WAIT", "CLOSED", "SYN_SENT2",
    ];

    /// <summary>As dpctl/dump-conntrack prints it; null when the number is none.</summary>
    public static string? TcpStateName(byte state, NetlinkDialect dialect)
    {
        var names = dialect == NetlinkDialect.Ovsext ? s_ovsext : s_linux;
        return state < names.Length ? names[state] : null;
    }

    /// <summary>The number of a state's name; null when the dialect has none.</summary>
    public static byte? TcpStateNumber(string name, NetlinkDialect dialect)
    {
        var names = dialect == NetlinkDialect.Ovsext ? s_ovsext : s_linux;
        var index = Array.IndexOf(names, name);
        return index < 0 ? null : (byte)index;
    }
}
