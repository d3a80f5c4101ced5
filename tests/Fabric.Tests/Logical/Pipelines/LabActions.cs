using System.Buffers.Binary;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Tests.Logical;

/// <summary>What datapath actions do to a flow key: enough for IPv4, ARP and tunnels.</summary>
internal static class LabActions
{
    public static void SetEthernet(SetEthernetAction action, ref FlowKey key)
    {
        key.EthernetSource = Merge(key.EthernetSource, action.Source, action.SourceMask);
        key.EthernetDestination =
            Merge(key.EthernetDestination, action.Destination, action.DestinationMask);
    }

    public static void SetIpv4(SetIpv4Action action, ref FlowKey key)
    {
        key.Ipv4SourceWire = (key.Ipv4SourceWire & ~action.SourceMaskWire)
            | (action.SourceWire & action.SourceMaskWire);
        key.Ipv4DestinationWire = (key.Ipv4DestinationWire & ~action.DestinationMaskWire)
            | (action.DestinationWire & action.DestinationMaskWire);
        key.NetworkTtl = (byte)((key.NetworkTtl & ~action.TtlMask) | (action.Ttl & action.TtlMask));
        key.NetworkTos = (byte)((key.NetworkTos & ~action.TosMask) | (action.Tos & action.TosMask));
    }

    public static void SetIpv6(SetIpv6Action action, ref FlowKey key)
    {
        key.NetworkTtl = (byte)((key.NetworkTtl & ~action.HopLimitMask)
            | (action.HopLimit & action.HopLimitMask));
        key.NetworkTos = (byte)((key.NetworkTos & ~action.TosMask) | (action.Tos & action.TosMask));
        if (action.SourceMask != default) key.Ipv6Source = action.Source;
        if (action.DestinationMask != default) key.Ipv6Destination = action.Destination;
    }

    public static void SetPorts(SetPortsAction action, ref FlowKey key)
    {
        key.PortSourceWire = (ushort)((key.PortSourceWire & ~action.SourceMaskWire)
            | (action.SourceWire & action.SourceMaskWire));
        key.PortDestinationWire = (ushort)((key.PortDestinationWire & ~action.DestinationMaskWire)
            | (action.DestinationWire & action.DestinationMaskWire));
    }

    public static void SetIcmp(SetIcmpAction action, ref FlowKey key)
    {
        key.PortSource =
            (ushort)((key.PortSource & ~action.TypeMask) | (action.Type & action.TypeMask));
        key.PortDestination =
            (ushort)((key.PortDestination & ~action.CodeMask) | (action.Code & action.CodeMask));
    }

    public static void SetArp(SetArpAction action, ref FlowKey key)
    {
        key.NetworkProtocol = (byte)((key.NetworkProtocol & ~action.OpcodeMask)
            | (action.Opcode & action.OpcodeMask));
        key.Ipv4SourceWire = (key.Ipv4SourceWire & ~action.SenderIpMaskWire)
            | (action.SenderIpWire & action.SenderIpMaskWire);
        key.Ipv4DestinationWire = (key.Ipv4DestinationWire & ~action.TargetIpMaskWire)
            | (action.TargetIpWire & action.TargetIpMaskWire);
        key.ArpSource = Merge(key.ArpSource, action.SenderMac, action.SenderMacMask);
        key.ArpTarget = Merge(key.ArpTarget, action.TargetMac, action.TargetMacMask);
    }

    /// <summary>The packet as the host at the other end of the tunnel receives it.</summary>
    public static FlowKey Decapsulate(FlowKey key, TunnelMetadata outer, uint inPort)
    {
        key.Bytes[..FlowKey.LinkOffset].Clear();
        key.Bytes[FlowKey.TunnelOffset..].Clear();
        key.InPort = inPort;
        key.TunnelId = outer.Id;
        key.TunnelIpv4SourceWire = BinaryPrimitives.ReadUInt32LittleEndian(
            outer.Source.GetAddressBytes());
        key.TunnelIpv4DestinationWire = BinaryPrimitives.ReadUInt32LittleEndian(
            outer.Destination.GetAddressBytes());
        key.TunnelFlagsWire = BinaryPrimitives.ReverseEndianness((ushort)outer.Flags);
        key.TunnelOptionsSize = (byte)outer.Options.Length;
        outer.Options.AsSpan().CopyTo(key.TunnelOptions);
        return key;
    }

    private static MacBytes Merge(MacBytes old, MacBytes value, MacBytes mask) =>
        MacBytes.FromUInt64(
            (old.ToUInt64() & ~mask.ToUInt64()) | (value.ToUInt64() & mask.ToUInt64()));
}
