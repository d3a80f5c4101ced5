using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>What must be true of any packet that a datapath sends.</summary>
internal static class PacketChecks
{
    /// <summary>Recomputes IP and transport checksums from scratch.</summary>
    public static void ChecksumsAreRight(ReadOnlySpan<byte> packet)
    {
        FlowKey key = default;
        Assert.True(FlowKeyExtractor.TryExtract(packet, ref key, out var layout, out _));
        if (layout.NetworkOffset < 0 || !(key.IsIpv4 || key.IsIpv6)) return;

        var network = packet[layout.NetworkOffset..layout.EndOffset];
        if (key.IsIpv4)
        {
            var header = network[..((network[0] & 0xF) * 4)];
            Assert.Equal(0, InternetChecksum.ComputeWire(header));
        }

        if (layout.TransportOffset < 0 || key.NetworkFragment != 0) return;
        var transport = packet[layout.TransportOffset..layout.EndOffset];
        if (key.NetworkProtocol == IpProtocol.Udp && (transport[6] | transport[7]) == 0) return;
        ulong sum = 0;
        switch (key.NetworkProtocol)
        {
            case IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.Icmpv6:
                var addresses = key.IsIpv4 ? network.Slice(12, 8) : network.Slice(8, 32);
                sum = InternetChecksum.PseudoHeader(
                    addresses, key.NetworkProtocol, transport.Length);
                break;
            case IpProtocol.Icmp:
                break;
            default:
                return;
        }

        Assert.Equal(0xFFFF, InternetChecksum.Fold(InternetChecksum.Add(transport, sum)));
    }
}
