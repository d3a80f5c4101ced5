using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>The mask of a flow for one packet only: every field that such a packet has.</summary>
/// <remarks>What upcall/disable-megaflows makes of each miss (ovs-vswitchd(8)).</remarks>
internal static class PacketMask
{
    /// <summary>The eight states that there are, in host order.</summary>
    private const uint ConntrackStateBits = 0xFF;

    public static FlowKey Of(in FlowKey key)
    {
        FlowKey mask = default;
        mask.RecirculationIdWire = uint.MaxValue;
        mask.DatapathHashWire = uint.MaxValue;
        mask.InPortWire = uint.MaxValue;
        mask.PriorityWire = uint.MaxValue;
        mask.PacketMarkWire = uint.MaxValue;
        mask.ConntrackStateWire = KeyCommit.Host(ConntrackStateBits);
        mask.ConntrackZoneWire = ushort.MaxValue;
        mask.ConntrackMarkWire = uint.MaxValue;
        mask.ConntrackLabelHighWire = ulong.MaxValue;
        mask.ConntrackLabelLowWire = ulong.MaxValue;
        mask.PacketTypeWire = uint.MaxValue;
        if (key.HasTunnel) AddTunnel(in key, ref mask);
        if (key.PacketTypeWire == 0)
        {
            Fill(ref mask.EthernetSource);
            Fill(ref mask.EthernetDestination);
            mask.EthernetTypeWire = ushort.MaxValue;
        }

        mask.VlanTci0Wire = ushort.MaxValue;
        mask.VlanTpid0Wire = ushort.MaxValue;
        if (key.VlanTci0Wire != 0) (mask.VlanTci1Wire, mask.VlanTpid1Wire) = (0xFFFF, 0xFFFF);
        AddNetwork(in key, ref mask);
        return mask;
    }

    private static void AddNetwork(in FlowKey key, ref FlowKey mask)
    {
        if (KeyCommit.IsMpls(key.EthernetType))
        {
            (mask.Mpls0Wire, mask.Mpls1Wire, mask.Mpls2Wire) =
                (uint.MaxValue, uint.MaxValue, uint.MaxValue);
        }
        else if (key.EthernetType is EtherType.Arp or EtherType.Rarp)
        {
            mask.Ipv4SourceWire = uint.MaxValue;
            mask.Ipv4DestinationWire = uint.MaxValue;
            mask.NetworkProtocol = byte.MaxValue;
            Fill(ref mask.ArpSource);
            Fill(ref mask.ArpTarget);
        }
        else if (key.IsIpv4 || key.IsIpv6)
        {
            AddAddresses(in key, ref mask);
        }
    }

    private static void AddAddresses(in FlowKey key, ref FlowKey mask)
    {
        if (key.IsIpv4)
        {
            mask.Ipv4SourceWire = uint.MaxValue;
            mask.Ipv4DestinationWire = uint.MaxValue;
        }
        else
        {
            Fill(ref mask.Ipv6Source);
            Fill(ref mask.Ipv6Destination);
            mask.Ipv6LabelWire = uint.MaxValue;
        }

        mask.NetworkProtocol = byte.MaxValue;
        mask.NetworkTos = byte.MaxValue;
        mask.NetworkTtl = byte.MaxValue;
        mask.NetworkFragment = byte.MaxValue;
        if ((key.NetworkFragment & FragmentBits.Later) != 0) return;
        mask.PortSourceWire = ushort.MaxValue;
        mask.PortDestinationWire = ushort.MaxValue;
        if (key.NetworkProtocol == IpProtocol.Tcp) mask.TcpFlagsWire = ushort.MaxValue;
        if (!key.IsIpv6 || key.NetworkProtocol != IpProtocol.Icmpv6) return;
        if (key.PortSource is not (135 or 136)) return;
        Fill(ref mask.NdTarget);
        Fill(ref mask.ArpSource);
        Fill(ref mask.ArpTarget);
    }

    private static void AddTunnel(in FlowKey key, ref FlowKey mask)
    {
        mask.TunnelIdWire = ulong.MaxValue;
        mask.TunnelFlagsWire = ushort.MaxValue;
        mask.TunnelTos = byte.MaxValue;
        mask.TunnelTtl = byte.MaxValue;
        mask.TunnelPortSourceWire = ushort.MaxValue;
        mask.TunnelPortDestinationWire = ushort.MaxValue;
        if (key.TunnelIpv4DestinationWire != 0)
        {
            mask.TunnelIpv4SourceWire = uint.MaxValue;
            mask.TunnelIpv4DestinationWire = uint.MaxValue;
        }
        else
        {
            Fill(ref mask.TunnelIpv6Source);
            Fill(ref mask.TunnelIpv6Destination);
        }
    }

    private static void Fill<T>(ref T field)
        where T : unmanaged =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(
            new Span<T>(ref field)).Fill(byte.MaxValue);
}
