using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>The IP and UDP headers before a tunnel's own, of a packet that came in whole.</summary>
internal static class OuterPacket
{
    private const int UdpSize = 8;

    /// <summary>Proves the checksums; the outer addresses go to the key's tunnel area.</summary>
    /// <param name="outer">Its layout and key are those of its bytes.</param>
    /// <param name="size">Bytes before the tunnel's own header.</param>
    public static DropReason Read(
        in PacketRun outer, TunnelKind kind, ref FlowKey key, out int size)
    {
        size = 0;
        var packet = outer.Packet;
        var (network, transport) = (outer.Layout.NetworkOffset, outer.Layout.TransportOffset);
        if (network < 0 || outer.Key.NetworkFragment != 0) return DropReason.ActionMalformed;
        var bytes = packet.Bytes;
        if (outer.Key.IsIpv4)
        {
            var headerSize = (bytes[network] & 0x0F) * 4;
            if (InternetChecksum.ComputeWire(bytes.Slice(network, headerSize)) != 0)
            {
                return DropReason.ChecksumInvalid;
            }

            if (transport < 0) transport = network + headerSize;
        }
        else if (transport < 0)
        {
            transport = network + 40;
        }

        key.TunnelIpv4SourceWire = outer.Key.Ipv4SourceWire;
        key.TunnelIpv4DestinationWire = outer.Key.Ipv4DestinationWire;
        key.TunnelIpv6Source = outer.Key.Ipv6Source;
        key.TunnelIpv6Destination = outer.Key.Ipv6Destination;
        key.TunnelTos = outer.Key.NetworkTos;
        key.TunnelTtl = outer.Key.NetworkTtl;
        size = transport;
        if (!OuterHeader.IsUdp(kind)) return DropReason.None;
        if (bytes.Length < transport + UdpSize) return DropReason.ActionMalformed;
        size += UdpSize;
        key.TunnelPortSourceWire = outer.Key.PortSourceWire;
        key.TunnelPortDestinationWire = outer.Key.PortDestinationWire;
        return ProveUdp(outer, bytes[transport..], ref key);
    }

    private static DropReason ProveUdp(in PacketRun outer, Span<byte> udp, ref FlowKey key)
    {
        if (Unsafe.ReadUnaligned<ushort>(ref udp[6]) == 0) return DropReason.None;
        key.TunnelFlagsWire = BinaryPrimitives.ReverseEndianness((ushort)TunnelFlags.Checksum);
        var packet = outer.Packet;
        if (packet.IsChecksumValid || packet.ChecksumStart >= 0) return DropReason.None;
        var network = packet.Bytes[outer.Layout.NetworkOffset..];
        var addresses = outer.Key.IsIpv4 ? network.Slice(12, 8) : network.Slice(8, 32);
        var sum = InternetChecksum.PseudoHeader(addresses, IpProtocol.Udp, udp.Length);
        return InternetChecksum.Fold(InternetChecksum.Add(udp, sum)) == ushort.MaxValue
            ? DropReason.None
            : DropReason.TunnelChecksum;
    }
}
