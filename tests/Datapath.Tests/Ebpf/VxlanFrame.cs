using System.Buffers.Binary;
using Fabric.Datapath.Tests.Conntrack;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>A frame in VXLAN, as another host sends it.</summary>
internal static class VxlanFrame
{
    public const int Key = 5;
    private const int Ethernet = 14, UdpSize = 8, HeaderSize = 8;

    /// <param name="hasChecksum">Of UDP; it is right.</param>
    public static byte[] Around(
        byte[] inner, string from = "172.31.0.2", string to = "172.31.0.1", ushort port = 4789,
        bool hasChecksum = false)
    {
        var frame = TestPacket.Udp(from, 5555, to, port, HeaderSize + inner.Length);
        var udp = frame.AsSpan(frame.Length - inner.Length - HeaderSize - UdpSize);
        udp[UdpSize] = 8;
        udp[UdpSize + 6] = Key;
        inner.CopyTo(udp[(UdpSize + HeaderSize)..]);
        udp[6] = udp[7] = 0;
        if (!hasChecksum) return frame;
        var isIpv6 = frame[12] == 0x86;
        var addresses = isIpv6 ? frame.AsSpan(Ethernet + 8, 32) : frame.AsSpan(Ethernet + 12, 8);
        var sum = InternetChecksum.PseudoHeader(addresses, IpProtocol.Udp, udp.Length);
        BitConverter.TryWriteBytes(
            udp[6..], (ushort)~InternetChecksum.Fold(InternetChecksum.Add(udp, sum)));
        return frame;
    }

    /// <summary>Where the UDP checksum of a tunnel packet lies.</summary>
    public static int ChecksumAt(byte[] outer) => (outer[12] == 0x86 ? 54 : 34) + 6;

    public static ushort ChecksumOf(byte[] outer) =>
        BinaryPrimitives.ReadUInt16BigEndian(outer.AsSpan(ChecksumAt(outer)));
}
