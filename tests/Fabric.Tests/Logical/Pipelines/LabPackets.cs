using Fabric.Logical;
using Fabric.Wire;

namespace Fabric.Tests.Logical;

/// <summary>Packets as flow keys.</summary>
internal static class LabPackets
{
    public static FlowKey Arp(NetworkPort from, IpPrefix wanted) => new()
    {
        EthernetSource = from.Mac!.Value,
        EthernetDestination = MacBytes.Broadcast,
        EthernetType = 0x0806,
        NetworkProtocol = 1,
        Ipv4Source = (uint)from.Ips[0].Address,
        Ipv4Destination = (uint)wanted.Address,
        ArpSource = from.Mac.Value,
    };

    public static FlowKey Ping(NetworkPort from, MacBytes nextHop, IpPrefix to) =>
        Ip(from, nextHop, to, protocol: 1, portSource: 8, portDestination: 0);

    public static FlowKey Tcp(
        NetworkPort from, MacBytes nextHop, IpPrefix to, ushort portSource,
        ushort portDestination) =>
        Ip(from, nextHop, to, protocol: 6, portSource, portDestination);

    public static FlowKey Ip(
        NetworkPort from, MacBytes nextHop, IpPrefix to, byte protocol, ushort portSource,
        ushort portDestination) => new()
        {
            EthernetSource = from.Mac!.Value,
            EthernetDestination = nextHop,
            EthernetType = 0x0800,
            NetworkProtocol = protocol,
            NetworkTtl = 64,
            Ipv4Source = (uint)from.Ips[0].Address,
            Ipv4Destination = (uint)to.Address,
            PortSource = portSource,
            PortDestination = portDestination,
            TcpFlags = protocol == 6 ? (ushort)2 : (ushort)0,
        };

    /// <summary>The answer of whoever received the packet.</summary>
    public static FlowKey ReplyTo(FlowKey packet)
    {
        var reply = packet;
        reply.Bytes[..FlowKey.LinkOffset].Clear();
        reply.Bytes[FlowKey.TunnelOffset..].Clear();
        reply.EthernetSource = packet.EthernetDestination;
        reply.EthernetDestination = packet.EthernetSource;
        reply.Ipv4SourceWire = packet.Ipv4DestinationWire;
        reply.Ipv4DestinationWire = packet.Ipv4SourceWire;
        reply.NetworkTtl = 64;
        if (packet.NetworkProtocol == 1)
        {
            reply.PortSource = 0;
            return reply;
        }

        reply.PortSourceWire = packet.PortDestinationWire;
        reply.PortDestinationWire = packet.PortSourceWire;
        return reply;
    }
}
