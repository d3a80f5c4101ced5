using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Set actions as the flow fields that they change: for their text.</summary>
internal static class SetKeys
{
    /// <param name="attribute">Null for MPLS and NSH, which are no plain lists of fields.</param>
    public static bool TryFrom(
        DatapathAction action, out OdpAttribute? attribute, out FlowKey key, out FlowKey mask)
    {
        key = default;
        mask = default;
        attribute = null;
        switch (action)
        {
            case SetEthernetAction a:
                attribute = OdpAttributes.Ethernet;
                (key.EthernetSource, mask.EthernetSource) = (a.Source, a.SourceMask);
                key.EthernetDestination = a.Destination;
                mask.EthernetDestination = a.DestinationMask;
                return true;
            case SetIpv4Action a:
                attribute = OdpAttributes.Ipv4;
                (key.Ipv4SourceWire, mask.Ipv4SourceWire) = (a.SourceWire, a.SourceMaskWire);
                key.Ipv4DestinationWire = a.DestinationWire;
                mask.Ipv4DestinationWire = a.DestinationMaskWire;
                (key.NetworkTos, mask.NetworkTos) = (a.Tos, a.TosMask);
                (key.NetworkTtl, mask.NetworkTtl) = (a.Ttl, a.TtlMask);
                return true;
            case SetIpv6Action a:
                attribute = OdpAttributes.Ipv6;
                (key.Ipv6Source, mask.Ipv6Source) = (a.Source, a.SourceMask);
                (key.Ipv6Destination, mask.Ipv6Destination) = (a.Destination, a.DestinationMask);
                (key.Ipv6LabelWire, mask.Ipv6LabelWire) = (a.LabelWire, a.LabelMaskWire);
                (key.NetworkTos, mask.NetworkTos) = (a.Tos, a.TosMask);
                (key.NetworkTtl, mask.NetworkTtl) = (a.HopLimit, a.HopLimitMask);
                return true;
            case SetPortsAction a:
                attribute = a.Protocol switch
                {
                    IpProtocol.Tcp => OdpAttributes.Tcp,
                    IpProtocol.Sctp => OdpAttributes.Sctp,
                    _ => OdpAttributes.Udp,
                };
                (key.PortSourceWire, mask.PortSourceWire) = (a.SourceWire, a.SourceMaskWire);
                key.PortDestinationWire = a.DestinationWire;
                mask.PortDestinationWire = a.DestinationMaskWire;
                return true;
            case SetIcmpAction a:
                attribute = a.Protocol == IpProtocol.Icmpv6
                    ? OdpAttributes.Icmpv6
                    : OdpAttributes.Icmp;
                (key.PortSource, mask.PortSource) = (a.Type, a.TypeMask);
                (key.PortDestination, mask.PortDestination) = (a.Code, a.CodeMask);
                return true;
            default:
                return TryRare(action, out attribute, ref key, ref mask);
        }
    }

    private static bool TryRare(
        DatapathAction action, out OdpAttribute? attribute, ref FlowKey key, ref FlowKey mask)
    {
        attribute = null;
        switch (action)
        {
            case SetArpAction a:
                attribute = OdpAttributes.Arp;
                (key.NetworkProtocol, mask.NetworkProtocol) = ((byte)a.Opcode, (byte)a.OpcodeMask);
                (key.Ipv4SourceWire, mask.Ipv4SourceWire) = (a.SenderIpWire, a.SenderIpMaskWire);
                key.Ipv4DestinationWire = a.TargetIpWire;
                mask.Ipv4DestinationWire = a.TargetIpMaskWire;
                (key.ArpSource, mask.ArpSource) = (a.SenderMac, a.SenderMacMask);
                (key.ArpTarget, mask.ArpTarget) = (a.TargetMac, a.TargetMacMask);
                return true;
            case SetNdAction a:
                attribute = OdpAttributes.Nd;
                (key.NdTarget, mask.NdTarget) = (a.Target, a.TargetMask);
                (key.ArpSource, mask.ArpSource) = (a.SourceLink, a.SourceLinkMask);
                (key.ArpTarget, mask.ArpTarget) = (a.TargetLink, a.TargetLinkMask);
                return true;
            case SetNdExtensionAction a:
                attribute = OdpAttributes.NdExtension;
                (key.NdReservedWire, mask.NdReservedWire) = (a.ReservedWire, a.ReservedMaskWire);
                (key.NdOptionsType, mask.NdOptionsType) = (a.OptionsType, a.OptionsTypeMask);
                return true;
            case SetPacketMarkAction a:
                attribute = OdpAttributes.Mark;
                key.PacketMarkWire = BinaryPrimitives.ReverseEndianness(a.Value);
                mask.PacketMarkWire = BinaryPrimitives.ReverseEndianness(a.Mask);
                return true;
            case SetPriorityAction a:
                attribute = OdpAttributes.Priority;
                key.PriorityWire = BinaryPrimitives.ReverseEndianness(a.Value);
                mask.PriorityWire = uint.MaxValue;
                return true;
            case SetMplsAction a:
                key.EthernetType = EtherType.Mpls;
                (key.Mpls0Wire, mask.Mpls0Wire) = (a.LabelEntryWire, a.MaskWire);
                return true;
            case SetNshAction a:
                key.EthernetType = EtherType.Nsh;
                (key.NshFlags, mask.NshFlags) = (a.Flags, a.FlagsMask);
                (key.NshTtl, mask.NshTtl) = (a.Ttl, a.TtlMask);
                (key.NshPathWire, mask.NshPathWire) = (a.PathWire, a.PathMaskWire);
                Context(a.ContextWire, ref key);
                Context(a.ContextMaskWire, ref mask);
                return true;
            default:
                return false;
        }
    }

    private static void Context(ImmutableArray<uint> context, ref FlowKey key)
    {
        if (context.IsDefault || context.Length < 4) return;
        key.NshContext1Wire = context[0];
        key.NshContext2Wire = context[1];
        key.NshContext3Wire = context[2];
        key.NshContext4Wire = context[3];
    }

    /// <summary>The set action that changes the bits of 'mask' to those of 'key'.</summary>
    public static DatapathAction? ToAction(string attribute, in FlowKey key, in FlowKey mask) =>
        attribute switch
        {
            "eth" => new SetEthernetAction(
                key.EthernetSource, mask.EthernetSource,
                key.EthernetDestination, mask.EthernetDestination),
            "ipv4" => new SetIpv4Action(
                key.Ipv4SourceWire, mask.Ipv4SourceWire,
                key.Ipv4DestinationWire, mask.Ipv4DestinationWire,
                key.NetworkTos, mask.NetworkTos, key.NetworkTtl, mask.NetworkTtl),
            "ipv6" => new SetIpv6Action(
                key.Ipv6Source, mask.Ipv6Source, key.Ipv6Destination, mask.Ipv6Destination,
                key.Ipv6LabelWire, mask.Ipv6LabelWire, key.NetworkTos, mask.NetworkTos,
                key.NetworkTtl, mask.NetworkTtl),
            "tcp" => Ports(IpProtocol.Tcp, key, mask),
            "udp" => Ports(IpProtocol.Udp, key, mask),
            "sctp" => Ports(IpProtocol.Sctp, key, mask),
            "icmp" => Icmp(IpProtocol.Icmp, key, mask),
            "icmpv6" => Icmp(IpProtocol.Icmpv6, key, mask),
            "arp" => new SetArpAction(
                key.NetworkProtocol, mask.NetworkProtocol,
                key.Ipv4SourceWire, mask.Ipv4SourceWire,
                key.Ipv4DestinationWire, mask.Ipv4DestinationWire,
                key.ArpSource, mask.ArpSource, key.ArpTarget, mask.ArpTarget),
            "nd" => new SetNdAction(
                key.NdTarget, mask.NdTarget, key.ArpSource, mask.ArpSource,
                key.ArpTarget, mask.ArpTarget),
            "nd_ext" => new SetNdExtensionAction(
                key.NdReservedWire, mask.NdReservedWire, key.NdOptionsType, mask.NdOptionsType),
            "skb_mark" => new SetPacketMarkAction(
                BinaryPrimitives.ReverseEndianness(key.PacketMarkWire),
                BinaryPrimitives.ReverseEndianness(mask.PacketMarkWire)),
            "skb_priority" => new SetPriorityAction(
                BinaryPrimitives.ReverseEndianness(key.PriorityWire)),
            "mpls" => new SetMplsAction(key.Mpls0Wire, mask.Mpls0Wire),
            "nsh" => new SetNshAction(
                key.NshFlags, mask.NshFlags, key.NshTtl, mask.NshTtl,
                key.NshPathWire, mask.NshPathWire, Context(key), Context(mask)),
            _ => null,
        };

    private static ImmutableArray<uint> Context(in FlowKey key) =>
        [key.NshContext1Wire, key.NshContext2Wire, key.NshContext3Wire, key.NshContext4Wire];

    private static SetPortsAction Ports(byte protocol, in FlowKey key, in FlowKey mask) => new(
        protocol, key.PortSourceWire, mask.PortSourceWire,
        key.PortDestinationWire, mask.PortDestinationWire);

    private static SetIcmpAction Icmp(byte protocol, in FlowKey key, in FlowKey mask) => new(
        protocol, (byte)key.PortSource, (byte)mask.PortSource,
        (byte)key.PortDestination, (byte)mask.PortDestination);
}
