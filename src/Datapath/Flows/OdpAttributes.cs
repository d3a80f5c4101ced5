using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>How a field of a datapath flow is written as text.</summary>
internal enum OdpFieldKind : byte
{
    Decimal8, Hex8, Decimal16, Hex16, EtherType, Hex32, Hex128, Port, Mac, Ipv4, Ipv6, Fragment,
    ConntrackState, TcpFlags, ArpOpcode,
}

/// <param name="Name">Empty for an attribute that is its only field, as in recirc_id(0).</param>
/// <param name="Offset">Bytes into <see cref="FlowKey"/>.</param>
internal sealed record OdpField(string Name, int Offset, OdpFieldKind Kind)
{
    /// <summary>How it is printed: as it is read, but for the ports of ct_tuple6.</summary>
    public string Printed { get; init; } = Name;

    /// <summary>Bytes.</summary>
    public int Size => Kind switch
    {
        OdpFieldKind.Decimal8 or OdpFieldKind.Hex8 or OdpFieldKind.Fragment
            or OdpFieldKind.ArpOpcode => 1,
        OdpFieldKind.Decimal16 or OdpFieldKind.Hex16 or OdpFieldKind.EtherType
            or OdpFieldKind.TcpFlags => 2,
        OdpFieldKind.Mac => MacBytes.Size,
        OdpFieldKind.Hex128 or OdpFieldKind.Ipv6 => Ipv6Bytes.Size,
        _ => 4,
    };
}

internal sealed record OdpAttribute(string Name, params OdpField[] Fields);

/// <summary>The attributes of OVS's datapath flow text that are plain lists of fields.</summary>
/// <remarks>VLAN, MPLS, NSH, packet type and tunnel have code of their own.</remarks>
internal static class OdpAttributes
{
    public static readonly OdpAttribute Priority =
        Single("skb_priority", nameof(FlowKey.PriorityWire), OdpFieldKind.Hex32);
    public static readonly OdpAttribute Mark =
        Single("skb_mark", nameof(FlowKey.PacketMarkWire), OdpFieldKind.Hex32);
    public static readonly OdpAttribute ConntrackState =
        Single("ct_state", nameof(FlowKey.ConntrackStateWire), OdpFieldKind.ConntrackState);
    public static readonly OdpAttribute ConntrackZone =
        Single("ct_zone", nameof(FlowKey.ConntrackZoneWire), OdpFieldKind.Hex16);
    public static readonly OdpAttribute ConntrackMark =
        Single("ct_mark", nameof(FlowKey.ConntrackMarkWire), OdpFieldKind.Hex32);
    public static readonly OdpAttribute ConntrackLabel =
        Single("ct_label", nameof(FlowKey.ConntrackLabelHighWire), OdpFieldKind.Hex128);
    public static readonly OdpAttribute RecirculationId =
        Single("recirc_id", nameof(FlowKey.RecirculationIdWire), OdpFieldKind.Hex32);
    public static readonly OdpAttribute DatapathHash =
        Single("dp_hash", nameof(FlowKey.DatapathHashWire), OdpFieldKind.Hex32);
    public static readonly OdpAttribute InPort =
        Single("in_port", nameof(FlowKey.InPortWire), OdpFieldKind.Port);
    public static readonly OdpAttribute EtherType =
        Single("eth_type", nameof(FlowKey.EthernetTypeWire), OdpFieldKind.EtherType);
    public static readonly OdpAttribute TcpFlags =
        Single("tcp_flags", nameof(FlowKey.TcpFlagsWire), OdpFieldKind.TcpFlags);

    public static readonly OdpAttribute ConntrackTuple4 = new("ct_tuple4",
        F("src", nameof(FlowKey.ConntrackIpv4SourceWire), OdpFieldKind.Ipv4),
        F("dst", nameof(FlowKey.ConntrackIpv4DestinationWire), OdpFieldKind.Ipv4),
        F("proto", nameof(FlowKey.ConntrackProtocol), OdpFieldKind.Decimal8),
        F("tp_src", nameof(FlowKey.ConntrackPortSourceWire), OdpFieldKind.Decimal16),
        F("tp_dst", nameof(FlowKey.ConntrackPortDestinationWire), OdpFieldKind.Decimal16));

    public static readonly OdpAttribute ConntrackTuple6 = new("ct_tuple6",
        F("src", nameof(FlowKey.ConntrackIpv6Source), OdpFieldKind.Ipv6),
        F("dst", nameof(FlowKey.ConntrackIpv6Destination), OdpFieldKind.Ipv6),
        F("proto", nameof(FlowKey.ConntrackProtocol), OdpFieldKind.Decimal8),
        F("tp_src", nameof(FlowKey.ConntrackPortSourceWire), OdpFieldKind.Decimal16)
            with { Printed = "src_port" },
        F("tp_dst", nameof(FlowKey.ConntrackPortDestinationWire), OdpFieldKind.Decimal16)
            with { Printed = "dst_port" });

    public static readonly OdpAttribute Ethernet = new("eth",
        F("src", nameof(FlowKey.EthernetSource), OdpFieldKind.Mac),
        F("dst", nameof(FlowKey.EthernetDestination), OdpFieldKind.Mac));

    public static readonly OdpAttribute Ipv4 = new("ipv4",
        F("src", nameof(FlowKey.Ipv4SourceWire), OdpFieldKind.Ipv4),
        F("dst", nameof(FlowKey.Ipv4DestinationWire), OdpFieldKind.Ipv4),
        F("proto", nameof(FlowKey.NetworkProtocol), OdpFieldKind.Decimal8),
        F("tos", nameof(FlowKey.NetworkTos), OdpFieldKind.Hex8),
        F("ttl", nameof(FlowKey.NetworkTtl), OdpFieldKind.Decimal8),
        F("frag", nameof(FlowKey.NetworkFragment), OdpFieldKind.Fragment));

    public static readonly OdpAttribute Ipv6 = new("ipv6",
        F("src", nameof(FlowKey.Ipv6Source), OdpFieldKind.Ipv6),
        F("dst", nameof(FlowKey.Ipv6Destination), OdpFieldKind.Ipv6),
        F("label", nameof(FlowKey.Ipv6LabelWire), OdpFieldKind.Hex32),
        F("proto", nameof(FlowKey.NetworkProtocol), OdpFieldKind.Decimal8),
        F("tclass", nameof(FlowKey.NetworkTos), OdpFieldKind.Hex8),
        F("hlimit", nameof(FlowKey.NetworkTtl), OdpFieldKind.Decimal8),
        F("frag", nameof(FlowKey.NetworkFragment), OdpFieldKind.Fragment));

    public static readonly OdpAttribute Arp = new("arp",
        F("sip", nameof(FlowKey.Ipv4SourceWire), OdpFieldKind.Ipv4),
        F("tip", nameof(FlowKey.Ipv4DestinationWire), OdpFieldKind.Ipv4),
        F("op", nameof(FlowKey.NetworkProtocol), OdpFieldKind.ArpOpcode),
        F("sha", nameof(FlowKey.ArpSource), OdpFieldKind.Mac),
        F("tha", nameof(FlowKey.ArpTarget), OdpFieldKind.Mac));

    public static readonly OdpAttribute Tcp = Ports("tcp");
    public static readonly OdpAttribute Udp = Ports("udp");
    public static readonly OdpAttribute Sctp = Ports("sctp");
    public static readonly OdpAttribute Icmp = TypeAndCode("icmp");
    public static readonly OdpAttribute Icmpv6 = TypeAndCode("icmpv6");

    public static readonly OdpAttribute Nd = new("nd",
        F("target", nameof(FlowKey.NdTarget), OdpFieldKind.Ipv6),
        F("sll", nameof(FlowKey.ArpSource), OdpFieldKind.Mac),
        F("tll", nameof(FlowKey.ArpTarget), OdpFieldKind.Mac));

    public static readonly OdpAttribute NdExtension = new("nd_ext",
        F("nd_reserved", nameof(FlowKey.NdReservedWire), OdpFieldKind.Hex32),
        F("nd_options_type", nameof(FlowKey.NdOptionsType), OdpFieldKind.Decimal8));

    public static readonly IReadOnlyList<OdpAttribute> All =
    [
        Priority, Mark, ConntrackState, ConntrackZone, ConntrackMark, ConntrackLabel,
        ConntrackTuple4, ConntrackTuple6, RecirculationId, DatapathHash, InPort, Ethernet,
        EtherType, Ipv4, Ipv6, Arp, Tcp, Udp, Sctp, Icmp, Icmpv6, TcpFlags, Nd, NdExtension,
    ];

    private static OdpAttribute Single(string name, string member, OdpFieldKind kind) =>
        new(name, F("", member, kind));

    private static OdpAttribute Ports(string name) => new(name,
        F("src", nameof(FlowKey.PortSourceWire), OdpFieldKind.Decimal16),
        F("dst", nameof(FlowKey.PortDestinationWire), OdpFieldKind.Decimal16));

    /// <remarks>Type and code are the low-order bytes of the port fields.</remarks>
    private static OdpAttribute TypeAndCode(string name) => new(name,
        new OdpField("type", OffsetOf(nameof(FlowKey.PortSourceWire)) + 1, OdpFieldKind.Decimal8),
        new OdpField("code", OffsetOf(nameof(FlowKey.PortDestinationWire)) + 1,
            OdpFieldKind.Decimal8));

    private static OdpField F(string name, string member, OdpFieldKind kind) =>
        new(name, OffsetOf(member), kind);

    private static int OffsetOf(string member) => (int)Marshal.OffsetOf<FlowKey>(member);
}
