using System.Buffers.Binary;
using System.Net;
using Fabric.Wire;
using Fabric.Wire.Control;

namespace Fabric.Switching;

/// <summary>A BFD control packet in Ethernet, IPv4 and UDP (RFC 5881 section 4).</summary>
internal static class BfdFrame
{
    private const int EthernetSize = 14;
    private const int Ipv4Size = 20;
    private const int UdpSize = 8;
    private const int HeadersSize = EthernetSize + Ipv4Size + UdpSize;
    private const byte NetworkControl = 0xC0; // Class selector 6, as Open vSwitch sends it.
    private const byte TtlMax = 255;
    private const ushort SourcePortMin = 49152;

    /// <summary>Source ports are of the upper range and stay with the session.</summary>
    public static ushort SourcePortOf(uint discriminator) =>
        (ushort)(SourcePortMin + (discriminator % (ushort.MaxValue - SourcePortMin)));

    public static byte[] Compose(
        in BfdControlPacket packet, MacBytes source, MacBytes destination, IPAddress from,
        IPAddress to, ushort sourcePort)
    {
        var frame = new byte[HeadersSize + BfdControlPacket.Size];
        var bytes = frame.AsSpan();
        destination.CopyTo(bytes);
        source.CopyTo(bytes[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[12..], EtherType.Ipv4);
        var ip = bytes[EthernetSize..];
        ip[0] = 0x45;
        ip[1] = NetworkControl;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(frame.Length - EthernetSize));
        ip[6] = 0x40; // Not to be fragmented.
        ip[8] = TtlMax;
        ip[9] = IpProtocol.Udp;
        from.TryWriteBytes(ip[12..], out _);
        to.TryWriteBytes(ip[16..], out _);
        BinaryPrimitives.WriteUInt16LittleEndian(
            ip[10..], InternetChecksum.ComputeWire(ip[..Ipv4Size]));
        var udp = ip[Ipv4Size..];
        BinaryPrimitives.WriteUInt16BigEndian(udp, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], BfdControlPacket.UdpPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], UdpSize + BfdControlPacket.Size);
        packet.Write(udp.Slice(UdpSize, BfdControlPacket.Size));
        var sum = InternetChecksum.PseudoHeader(ip.Slice(12, 8), IpProtocol.Udp, udp.Length);
        var checksum = (ushort)~InternetChecksum.Fold(InternetChecksum.Add(udp, sum));
        BinaryPrimitives.WriteUInt16LittleEndian(
            udp[6..], checksum == 0 ? ushort.MaxValue : checksum);
        return frame;
    }

    /// <summary>
    /// Finds the control packet in a frame; a TTL below 255 says that it passed a router (RFC 5881
    /// section 5), which inside a tunnel and between hosts it never does.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> frame, out BfdControlPacket packet)
    {
        packet = default;
        var key = default(FlowKey);
        if (!FlowKeyExtractor.TryExtract(frame, ref key, out var layout, out _)) return false;
        if (key.NetworkProtocol != IpProtocol.Udp || key.NetworkTtl != TtlMax) return false;
        var at = layout.TransportOffset;
        if (at < 0 || at + UdpSize > layout.EndOffset) return false;
        return BfdControlPacket.TryParse(
            frame[(at + UdpSize)..layout.EndOffset], out packet, out _);
    }
}
