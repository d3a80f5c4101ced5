using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Lowers the segment size that a SYN announces to what fits a tunnel.</summary>
/// <remarks>
/// OVSEXT leaves a guest's MTU to the guest. But each connection's first packets come up, for they
/// meet no microflow yet; so the two ends of TCP agree on segments that get through (RFC 879,
/// RFC 6691), in guests that nobody configured. Our own extension does this by itself.
/// </remarks>
internal static class SegmentClamp
{
    private const byte Syn = 2, OptionEnd = 0, OptionNop = 1, OptionSegment = 2;
    private const int TcpSize = 20, ChecksumOffset = 16, OptionSize = 4;

    /// <param name="key">Of the packet, as it was parsed.</param>
    /// <param name="mtu">Of the network that tunnels cross, in bytes.</param>
    public static void Apply(
        PacketBuffer packet, in FlowKey key, TunnelMetadata tunnel, int mtu)
    {
        if (key.NetworkProtocol != IpProtocol.Tcp || (key.TcpFlags & Syn) == 0) return;
        FlowKey parsed = default;
        if (!FlowKeyExtractor.TryExtract(packet.Bytes, ref parsed, out var layout, out _)
            || layout.TransportOffset < 0)
        {
            return;
        }

        var segment = packet.Bytes[layout.TransportOffset..];
        if (segment.Length < TcpSize || Find(segment) is not (> 0 and var at)) return;
        var most = (ushort)Math.Max(0, mtu - Overhead(tunnel)
            - (layout.TransportOffset - layout.NetworkOffset) - TcpSize
            - (key.VlanTci0Wire != 0 ? 4 : 0));
        if (BinaryPrimitives.ReadUInt16BigEndian(segment[at..]) <= most) return;
        Replace(segment, at, most, hasSum: packet.ChecksumStart < 0);
    }

    /// <summary>Outer IP, UDP, eight bytes of tunnel, its options, the inner Ethernet.</summary>
    private static int Overhead(TunnelMetadata tunnel)
    {
        var isIpv6 = tunnel.Destination.AddressFamily == AddressFamily.InterNetworkV6;
        return (isIpv6 ? 40 : 20) + 8 + 8 + tunnel.Options.Length + 14;
    }

    /// <summary>Where the option's value is; 0: there is none.</summary>
    private static int Find(ReadOnlySpan<byte> segment)
    {
        var end = Math.Min(segment.Length, (segment[12] >> 4) * 4);
        for (var at = TcpSize; at + OptionSize <= end && segment[at] != OptionEnd;)
        {
            int length = segment[at] == OptionNop ? 1 : segment[at + 1];
            if (segment[at] == OptionSegment && length == OptionSize) return at + 2;
            if (segment[at] != OptionNop && length < 2) return 0;
            at += length;
        }

        return 0;
    }

    private static void Replace(Span<byte> segment, int at, ushort value, bool hasSum)
    {
        // The sum is of words that begin at even places; the value may lie across two.
        var words = segment.Slice(at & ~1, Math.Min(4, segment.Length - (at & ~1)) & ~1);
        Span<byte> old = stackalloc byte[4];
        words.CopyTo(old);
        BinaryPrimitives.WriteUInt16BigEndian(segment[at..], value);
        if (!hasSum) return;
        ref var sum = ref MemoryMarshal.AsRef<ushort>(segment[ChecksumOffset..]);
        sum = InternetChecksum.Update(sum, old[..words.Length], words);
    }
}
