using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Fabric.Wire;

/// <content>IPv4, IPv6 and the transport layers.</content>
public static partial class FlowKeyExtractor
{
    private const int Ipv4SizeMin = 20;
    private const int Ipv6Size = 40;
    private const int TcpSizeMin = 20;
    private const int UdpSize = 8;
    private const int SctpSize = 12;
    private const int IcmpSize = 8;
    private const int Icmpv6Size = 4;
    private const int NdSize = 24;

    private static bool TryIpv4(
        ref byte bytes, int size, int offset, ref FlowKey key, ref PacketLayout layout,
        out DropReason reason)
    {
        if (size - offset < Ipv4SizeMin)
        {
            reason = DropReason.Ipv4Truncated;
            return false;
        }

        int first = Unsafe.Add(ref bytes, offset);
        var headerSize = (first & 0x0F) * 4;
        if (first >> 4 != 4 || headerSize < Ipv4SizeMin)
        {
            reason = DropReason.Ipv4HeaderLength;
            return false;
        }

        int totalSize = BinaryPrimitives.ReverseEndianness(Read16(ref bytes, offset + 2));
        if (totalSize > size - offset || totalSize < headerSize)
        {
            reason = size - offset < headerSize
                ? DropReason.Ipv4Truncated
                : DropReason.Ipv4TotalLength;
            return false;
        }

        layout.EndOffset = offset + totalSize;
        key.Ipv4SourceWire = Read32(ref bytes, offset + 12);
        key.Ipv4DestinationWire = Read32(ref bytes, offset + 16);
        key.NetworkTos = Unsafe.Add(ref bytes, offset + 1);
        key.NetworkTtl = Unsafe.Add(ref bytes, offset + 8);
        key.NetworkProtocol = Unsafe.Add(ref bytes, offset + 9);

        var fragmentWire = Read16(ref bytes, offset + 6);
        if ((fragmentWire & 0xFF3F) != 0) // More fragments, or an offset.
        {
            key.NetworkFragment = FragmentBits.Any;
            if ((fragmentWire & 0xFF1F) != 0)
            {
                key.NetworkFragment |= FragmentBits.Later;
                reason = DropReason.None;
                return true;
            }
        }

        offset += headerSize;
        layout.TransportOffset = offset;
        return TryTransport(ref bytes, layout.EndOffset, offset, ref key, out reason);
    }

    private static bool TryIpv6(
        ref byte bytes, int size, int offset, ref FlowKey key, ref PacketLayout layout,
        out DropReason reason)
    {
        if (size - offset < Ipv6Size || Unsafe.Add(ref bytes, offset) >> 4 != 6)
        {
            reason = DropReason.Ipv6Truncated;
            return false;
        }

        int payloadSize = BinaryPrimitives.ReverseEndianness(Read16(ref bytes, offset + 4));
        if (payloadSize > size - offset - Ipv6Size)
        {
            reason = DropReason.Ipv6PayloadLength;
            return false;
        }

        layout.EndOffset = offset + Ipv6Size + payloadSize;
        var first = BinaryPrimitives.ReverseEndianness(Read32(ref bytes, offset));
        key.Ipv6LabelWire = BinaryPrimitives.ReverseEndianness(first & 0x000F_FFFF);
        key.NetworkTos = (byte)(first >> 20);
        key.NetworkTtl = Unsafe.Add(ref bytes, offset + 7);
        key.Ipv6Source = ReadIpv6(ref bytes, offset + 8);
        key.Ipv6Destination = ReadIpv6(ref bytes, offset + 24);

        var next = Unsafe.Add(ref bytes, offset + 6);
        offset += Ipv6Size;
        if (!TryExtensions(
            ref bytes, layout.EndOffset, ref offset, ref next, out key.NetworkFragment))
        {
            reason = DropReason.Ipv6ExtensionHeader;
            return false;
        }

        key.NetworkProtocol = next;
        if ((key.NetworkFragment & FragmentBits.Later) != 0)
        {
            reason = DropReason.None;
            return true;
        }

        layout.TransportOffset = offset;
        return TryTransport(ref bytes, layout.EndOffset, offset, ref key, out reason);
    }

    /// <summary>
    /// Skips extension headers (RFC 8200 section 4). A later fragment ends the walk: what follows
    /// its fragment header is data, and its protocol is Fragment (44), as OVS has it.
    /// </summary>
    private static bool TryExtensions(
        ref byte bytes, int end, ref int offset, ref byte next, out byte fragment)
    {
        fragment = 0;
        while (next is IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.DestinationOptions
            or IpProtocol.Authentication or IpProtocol.Fragment)
        {
            if (end - offset < 8) return false;
            var kind = next;
            next = Unsafe.Add(ref bytes, offset);
            int length = Unsafe.Add(ref bytes, offset + 1);

            if (kind == IpProtocol.Fragment)
            {
                var offsetWire = Read16(ref bytes, offset + 2);
                offset += 8;
                if ((offsetWire & 0xF9FF) == 0) continue; // An atomic fragment is no fragment.
                fragment = FragmentBits.Any;
                if ((offsetWire & 0xF8FF) == 0) continue;
                fragment |= FragmentBits.Later;
                next = IpProtocol.Fragment;
                return true;
            }

            var size = kind == IpProtocol.Authentication ? (length + 2) * 4 : (length + 1) * 8;
            if (end - offset < size) return false;
            offset += size;
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryTransport(
        ref byte bytes, int end, int offset, ref FlowKey key, out DropReason reason)
    {
        if (key.NetworkProtocol == IpProtocol.Tcp)
        {
            if (end - offset < TcpSizeMin)
            {
                reason = DropReason.TcpTruncated;
                return false;
            }

            ReadPorts(ref bytes, offset, ref key);
            key.TcpFlagsWire = (ushort)(Read16(ref bytes, offset + 12) & 0xFF0F);
            reason = DropReason.None;
            return true;
        }

        if (key.NetworkProtocol == IpProtocol.Udp)
        {
            if (end - offset < UdpSize)
            {
                reason = DropReason.UdpTruncated;
                return false;
            }

            ReadPorts(ref bytes, offset, ref key);
            reason = DropReason.None;
            return true;
        }

        reason = OtherTransport(ref bytes, end, offset, ref key);
        return reason == DropReason.None;
    }

    private static DropReason OtherTransport(
        ref byte bytes, int end, int offset, ref FlowKey key)
    {
        switch (key.NetworkProtocol)
        {
            case IpProtocol.Sctp:
                if (end - offset < SctpSize) return DropReason.SctpTruncated;
                ReadPorts(ref bytes, offset, ref key);
                return DropReason.None;

            case IpProtocol.Icmp when key.IsIpv4:
                if (end - offset < IcmpSize) return DropReason.IcmpTruncated;
                ReadTypeAndCode(ref bytes, offset, ref key);
                return DropReason.None;

            case IpProtocol.Igmp when key.IsIpv4:
                if (end - offset < IcmpSize) return DropReason.IcmpTruncated;
                ReadTypeAndCode(ref bytes, offset, ref key);
                key.IgmpGroupWire = Read32(ref bytes, offset + 4);
                return DropReason.None;

            case IpProtocol.Icmpv6 when key.IsIpv6:
                if (end - offset < Icmpv6Size) return DropReason.IcmpTruncated;
                ReadTypeAndCode(ref bytes, offset, ref key);
                var isNd = Unsafe.Add(ref bytes, offset) is 135 or 136
                    && Unsafe.Add(ref bytes, offset + 1) == 0;
                return !isNd || TryNd(ref bytes, end, offset, ref key)
                    ? DropReason.None
                    : DropReason.NdMalformed;

            default:
                return DropReason.None;
        }
    }

    /// <summary>
    /// Neighbour solicitation and advertisement (RFC 4861 sections 4.3, 4.4, 4.6).
    /// </summary>
    private static bool TryNd(ref byte bytes, int end, int offset, ref FlowKey key)
    {
        if (end - offset < NdSize) return false;
        key.NdReservedWire = Read32(ref bytes, offset + 4);
        key.NdTarget = ReadIpv6(ref bytes, offset + 8);
        offset += NdSize;

        bool hasSource = false, hasTarget = false;
        while (end - offset >= 8)
        {
            int type = Unsafe.Add(ref bytes, offset);
            var size = Unsafe.Add(ref bytes, offset + 1) * 8;
            if (size == 0 || size > end - offset) return false;

            if (size == 8 && type == 1)
            {
                if (hasSource) return false;
                hasSource = true;
                key.ArpSource = ReadMac(ref bytes, offset + 2);
                key.NdOptionsType = 1;
            }
            else if (size == 8 && type == 2)
            {
                if (hasTarget) return false;
                hasTarget = true;
                key.ArpTarget = ReadMac(ref bytes, offset + 2);
                key.NdOptionsType = 2;
            }

            offset += size;
        }

        return end == offset;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ReadPorts(ref byte bytes, int offset, ref FlowKey key) =>
        Unsafe.WriteUnaligned(
            ref Unsafe.As<ushort, byte>(ref key.PortSourceWire), Read32(ref bytes, offset));

    private static void ReadTypeAndCode(ref byte bytes, int offset, ref FlowKey key)
    {
        key.PortSourceWire = (ushort)(Unsafe.Add(ref bytes, offset) << 8);
        key.PortDestinationWire = (ushort)(Unsafe.Add(ref bytes, offset + 1) << 8);
    }
}
