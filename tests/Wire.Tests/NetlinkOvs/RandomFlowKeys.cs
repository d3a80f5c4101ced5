namespace Fabric.Wire.Tests.NetlinkOvs;

/// <summary>Keys that packets can have: fields of other protocols are zero.</summary>
internal static class RandomFlowKeys
{
    public static FlowKey Next(Random random)
    {
        FlowKey noise = default;
        random.NextBytes(noise.Bytes);
        FlowKey key = default;
        key.RecirculationIdWire = noise.RecirculationIdWire;
        key.DatapathHashWire = noise.DatapathHashWire;
        key.InPort = noise.InPort & 0xFFFF;
        key.PriorityWire = noise.PriorityWire;
        key.PacketMarkWire = noise.PacketMarkWire;
        key.ConntrackStateWire = noise.ConntrackStateWire;
        key.ConntrackZoneWire = noise.ConntrackZoneWire;
        key.ConntrackMarkWire = noise.ConntrackMarkWire;
        key.ConntrackLabelHighWire = noise.ConntrackLabelHighWire;
        key.ConntrackLabelLowWire = noise.ConntrackLabelLowWire;
        key.EthernetSource = noise.EthernetSource;
        key.EthernetDestination = noise.EthernetDestination;
        if (random.Next(2) == 0) Tags(random, in noise, ref key);
        if (random.Next(2) == 0) Tunnel(random, in noise, ref key);
        Network(random, in noise, ref key);
        return key;
    }

    private static void Tags(Random random, in FlowKey noise, ref FlowKey key)
    {
        key.VlanTpid0Wire = 0x0081;
        key.VlanTci0Wire = (ushort)(noise.VlanTci0Wire | 0x0010);
        if (random.Next(2) == 0) return;
        key.VlanTpid1Wire = 0xA888;
        key.VlanTci1Wire = (ushort)(noise.VlanTci1Wire | 0x0010);
    }

    private static void Tunnel(Random random, in FlowKey noise, ref FlowKey key)
    {
        if (random.Next(2) == 0)
        {
            key.TunnelIpv4SourceWire = noise.TunnelIpv4SourceWire;
            key.TunnelIpv4DestinationWire = noise.TunnelIpv4DestinationWire | 1;
        }
        else
        {
            key.TunnelIpv6Source = noise.TunnelIpv6Source;
            key.TunnelIpv6Destination = noise.TunnelIpv6Destination;
        }

        key.TunnelIdWire = noise.TunnelIdWire;
        key.TunnelFlagsWire = (ushort)((noise.TunnelFlagsWire & 0x0700) | 0x0800);
        key.TunnelTos = noise.TunnelTos;
        key.TunnelTtl = noise.TunnelTtl;
        key.TunnelPortSourceWire = noise.TunnelPortSourceWire;
        key.TunnelPortDestinationWire = noise.TunnelPortDestinationWire;
        var kind = random.Next(4);
        if (kind == 0)
        {
            key.TunnelOptionsSize = (byte)(random.Next(64) * 4);
            random.NextBytes(key.TunnelOptions);
        }
        else if (kind == 1)
        {
            key.TunnelGbpIdWire = noise.TunnelGbpIdWire;
            key.TunnelGbpFlags = noise.TunnelGbpFlags;
        }
        else if (kind == 2)
        {
            key.ErspanVersion = 2;
            key.ErspanDirection = (byte)(noise.ErspanDirection & 1);
            key.ErspanHardwareId = (byte)(noise.ErspanHardwareId & 0x3F);
        }
    }

    private static void Network(Random random, in FlowKey noise, ref FlowKey key)
    {
        switch (random.Next(6))
        {
            case 0:
                key.EthernetType = EtherType.Ipv4;
                key.Ipv4SourceWire = noise.Ipv4SourceWire;
                key.Ipv4DestinationWire = noise.Ipv4DestinationWire;
                Transport(random, in noise, ref key);
                key.ConntrackIpv4SourceWire = noise.ConntrackIpv4SourceWire;
                key.ConntrackIpv4DestinationWire = noise.ConntrackIpv4DestinationWire;
                key.ConntrackPortSourceWire = noise.ConntrackPortSourceWire;
                key.ConntrackProtocol = 6;
                break;
            case 1:
                key.EthernetType = EtherType.Ipv6;
                key.Ipv6Source = noise.Ipv6Source;
                key.Ipv6Destination = noise.Ipv6Destination;
                key.Ipv6LabelWire = noise.Ipv6LabelWire;
                Transport(random, in noise, ref key);
                break;
            case 2:
                key.EthernetType = EtherType.Arp;
                key.NetworkProtocol = noise.NetworkProtocol;
                key.Ipv4SourceWire = noise.Ipv4SourceWire;
                key.ArpSource = noise.ArpSource;
                key.ArpTarget = noise.ArpTarget;
                break;
            case 3:
                key.EthernetType = EtherType.Mpls;
                key.Mpls0Wire = noise.Mpls0Wire & ~0x0001_0000u;
                key.Mpls1Wire = noise.Mpls1Wire | 0x0001_0000u;
                break;
            case 4:
                key.EthernetType = EtherType.Nsh;
                key.NshMdType = 1;
                key.NshTtl = noise.NshTtl;
                key.NshPathWire = noise.NshPathWire;
                key.NshContext3Wire = noise.NshContext3Wire;
                break;
            default:
                key.EthernetType = EtherType.None;
                break;
        }
    }

    private static void Transport(Random random, in FlowKey noise, ref FlowKey key)
    {
        key.NetworkTos = noise.NetworkTos;
        key.NetworkTtl = noise.NetworkTtl;
        ReadOnlySpan<byte> protocols = [6, 17, 132, 47, key.IsIpv4 ? (byte)1 : (byte)58];
        key.NetworkProtocol = protocols[random.Next(protocols.Length)];
        if (random.Next(8) == 0)
        {
            key.NetworkFragment = 3;
            return;
        }

        switch (key.NetworkProtocol)
        {
            case 6 or 17 or 132:
                key.PortSourceWire = noise.PortSourceWire;
                key.PortDestinationWire = noise.PortDestinationWire;
                if (key.NetworkProtocol == 6) key.TcpFlagsWire = noise.TcpFlagsWire;
                break;
            case 1:
                key.PortSource = (ushort)random.Next(256);
                break;
            case 58:
                key.PortSource = 135;
                key.NdTarget = noise.NdTarget;
                key.ArpSource = noise.ArpSource;
                break;
        }
    }
}
