using System.Net;

namespace Fabric.Wire.Tests;

/// <summary>Keys of packets of every kind, to compose, extract, cut and bend.</summary>
public static class SamplePackets
{
    public static TheoryData<string> Names => [.. Keys().Select(sample => sample.Name)];

    public static FlowKey Key(string name) => Keys().Single(sample => sample.Name == name).Key;

    public static IEnumerable<(string Name, FlowKey Key)> Keys()
    {
        yield return ("tcp", Ipv4(IpProtocol.Tcp, (ref FlowKey key) => key.TcpFlags = 0x002));
        yield return ("tcp ack", Ipv4(IpProtocol.Tcp, (ref FlowKey key) => key.TcpFlags = 0x010));
        yield return ("udp", Ipv4(IpProtocol.Udp));
        yield return ("sctp", Ipv4(IpProtocol.Sctp));
        yield return ("icmp", Ipv4(IpProtocol.Icmp, (ref FlowKey key) =>
            (key.PortSource, key.PortDestination) = (8, 0)));
        yield return ("igmp", Ipv4(IpProtocol.Igmp, (ref FlowKey key) =>
        {
            (key.PortSource, key.PortDestination) = (0x16, 0);
            key.IgmpGroupWire = 0x0100_00E0;
        }));
        yield return ("protocol 0", Ipv4(0, NoPorts));
        yield return ("first fragment", Ipv4(
            IpProtocol.Udp, (ref FlowKey key) => key.NetworkFragment = 1));
        yield return ("later fragment", Ipv4(IpProtocol.Udp, (ref FlowKey key) =>
        {
            NoPorts(ref key);
            key.NetworkFragment = 3;
        }));
        yield return ("tcp6", Ipv6(IpProtocol.Tcp, (ref FlowKey key) => key.TcpFlags = 0x012));
        yield return ("udp6", Ipv6(IpProtocol.Udp));
        yield return ("icmp6", Ipv6(IpProtocol.Icmpv6, (ref FlowKey key) =>
            (key.PortSource, key.PortDestination) = (128, 0)));
        yield return ("first fragment 6", Ipv6(
            IpProtocol.Udp, (ref FlowKey key) => key.NetworkFragment = 1));
        yield return ("later fragment 6", Ipv6(IpProtocol.Fragment, (ref FlowKey key) =>
        {
            NoPorts(ref key);
            key.NetworkFragment = 3;
        }));
        yield return ("neighbour solicitation", Nd(135, source: true));
        yield return ("neighbour advertisement", Nd(136, source: false));
        yield return ("arp", Link(EtherType.Arp, Arp));
        yield return ("rarp", Link(EtherType.Rarp, Arp));
        yield return ("unknown type", Link(0x9999, null));
        yield return ("mpls", Link(EtherType.Mpls, (ref FlowKey key) =>
        {
            key.Mpls0Wire = 0x4000_1000;
            key.Mpls1Wire = 0x3F01_2000;
        }));
        yield return ("nsh", Link(EtherType.Nsh, (ref FlowKey key) =>
        {
            (key.NshFlags, key.NshTtl, key.NshMdType, key.NshNextProtocol) = (2, 63, 1, 3);
            (key.NshPathWire, key.NshContext1Wire, key.NshContext4Wire) = (0xFF00_0001, 1, 4);
        }));
        yield return ("vlan", Tagged(0, 0x3005));
        yield return ("qinq", Tagged(0x3007, 0x3005));
    }

    private delegate void Change(ref FlowKey key);

    private static FlowKey Link(ushort type, Change? change)
    {
        FlowKey key = default;
        key.EthernetSource = MacBytes.FromUInt64(0x5054_0000_0001);
        key.EthernetDestination = MacBytes.FromUInt64(0x5054_0000_0002);
        key.EthernetType = type;
        change?.Invoke(ref key);
        return key;
    }

    private static FlowKey Ipv4(byte protocol, Change? change = null) =>
        Link(EtherType.Ipv4, (ref FlowKey key) =>
        {
            key.Ipv4Source = 0x0A00_0001;
            key.Ipv4Destination = 0x0A00_0002;
            (key.NetworkProtocol, key.NetworkTos, key.NetworkTtl) = (protocol, 0x28, 64);
            (key.PortSource, key.PortDestination) = (1000, 80);
            change?.Invoke(ref key);
        });

    private static FlowKey Ipv6(byte protocol, Change? change = null) =>
        Link(EtherType.Ipv6, (ref FlowKey key) =>
        {
            key.Ipv6Source = Ipv6Bytes.From(IPAddress.Parse("fc00::1"));
            key.Ipv6Destination = Ipv6Bytes.From(IPAddress.Parse("fc00::2"));
            key.Ipv6LabelWire = 0x4523_0100;
            (key.NetworkProtocol, key.NetworkTos, key.NetworkTtl) = (protocol, 0x28, 64);
            (key.PortSource, key.PortDestination) = (1000, 80);
            change?.Invoke(ref key);
        });

    private static FlowKey Nd(byte type, bool source) =>
        Ipv6(IpProtocol.Icmpv6, (ref FlowKey key) =>
        {
            (key.PortSource, key.PortDestination) = (type, 0);
            key.NdTarget = Ipv6Bytes.From(IPAddress.Parse("fc00::9"));
            if (source) key.ArpSource = MacBytes.FromUInt64(0x0200_0000_0001);
            else key.ArpTarget = MacBytes.FromUInt64(0x0200_0000_0002);
            key.NdOptionsType = (byte)(source ? 1 : 2);
            key.NdReservedWire = 0x60;
        });

    private static FlowKey Tagged(ushort inner, ushort outer) =>
        Ipv4(IpProtocol.Udp, (ref FlowKey key) =>
        {
            key.VlanTci0 = outer;
            key.VlanTpid0Wire = inner == 0 ? (ushort)0x0081 : (ushort)0xA888;
            if (inner == 0) return;
            key.VlanTci1Wire = (ushort)((inner >> 8) | (inner << 8));
            key.VlanTpid1Wire = 0x0081;
        });

    private static void Arp(ref FlowKey key)
    {
        key.NetworkProtocol = 1;
        key.Ipv4Source = 0x0A00_0001;
        key.Ipv4Destination = 0x0A00_0002;
        key.ArpSource = key.EthernetSource;
        key.ArpTarget = MacBytes.FromUInt64(0x0200_0000_0007);
    }

    private static void NoPorts(ref FlowKey key) =>
        (key.PortSource, key.PortDestination) = (0, 0);
}
