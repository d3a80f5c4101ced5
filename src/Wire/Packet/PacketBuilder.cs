using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Fabric.Wire;

/// <summary>
/// Makes a packet that a flow key describes: the inverse of <see cref="FlowKeyExtractor"/>.
/// </summary>
/// <remarks>
/// Sizes are those of OVS's flow_compose: 64 bytes of data behind UDP, SCTP, ICMP and TCP without
/// SYN, FIN or RST, so that a default ICMP packet has 106 bytes and a TCP SYN 54.
/// </remarks>
public static class PacketBuilder
{
    private const int DataSize = 64;
    private const int SizeMax = 512;

    /// <param name="size">
    /// At least so many bytes, up to 65,535; the data grows. 0: no minimum.
    /// </param>
    public static byte[] Compose(in FlowKey key, int size = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, ushort.MaxValue);
        Span<byte> bytes = stackalloc byte[SizeMax];
        bytes.Clear();
        var linkSize = key.PacketTypeWire == 0 ? WriteLink(bytes, key) : 0;
        var end = linkSize;
        var transport = 0;

        switch (key.EthernetType)
        {
            case EtherType.Ipv4:
                transport = linkSize + 20;
                end = WriteTransport(bytes, transport, key);
                break;
            case EtherType.Ipv6:
                transport = linkSize + 40 + (key.NetworkFragment != 0 ? 8 : 0);
                end = WriteTransport(bytes, transport, key);
                break;
            case EtherType.Arp or EtherType.Rarp:
                end = WriteArp(bytes, linkSize, key);
                break;
            case EtherType.Mpls or EtherType.MplsMulticast:
                end = WriteMpls(bytes, linkSize, key);
                break;
            case EtherType.Nsh:
                end = WriteNsh(bytes, linkSize, key);
                break;
        }

        var packet = new byte[Math.Max(size, end)];
        bytes[..end].CopyTo(packet);
        if (transport > 0) FinishIp(packet, linkSize, transport, key);
        return packet;
    }

    private static int WriteLink(Span<byte> bytes, in FlowKey key)
    {
        key.EthernetDestination.CopyTo(bytes);
        key.EthernetSource.CopyTo(bytes[6..]);
        var offset = 12;
        if (key.VlanTci0Wire != 0) WriteTag(bytes, ref offset, key.VlanTpid0Wire, key.VlanTci0Wire);
        if (key.VlanTci1Wire != 0) WriteTag(bytes, ref offset, key.VlanTpid1Wire, key.VlanTci1Wire);
        Unsafe.WriteUnaligned(ref bytes[offset], key.EthernetTypeWire);
        return offset + 2;
    }

    private static void WriteTag(
        Span<byte> bytes, ref int offset, ushort tpidWire, ushort tciWire)
    {
        const ushort PresentWire = 0x0010;
        var tpid = tpidWire == 0 ? BinaryPrimitives.ReverseEndianness(EtherType.Vlan) : tpidWire;
        Unsafe.WriteUnaligned(ref bytes[offset], tpid);
        Unsafe.WriteUnaligned(ref bytes[offset + 2], (ushort)(tciWire & ~PresentWire));
        offset += 4;
    }

    private static int WriteArp(Span<byte> bytes, int offset, in FlowKey key)
    {
        ReadOnlySpan<byte> fixedPart = [0, 1, 8, 0, 6, 4, 0, key.NetworkProtocol];
        fixedPart.CopyTo(bytes[offset..]);
        key.ArpSource.CopyTo(bytes[(offset + 8)..]);
        Unsafe.WriteUnaligned(ref bytes[offset + 14], key.Ipv4SourceWire);
        key.ArpTarget.CopyTo(bytes[(offset + 18)..]);
        Unsafe.WriteUnaligned(ref bytes[offset + 24], key.Ipv4DestinationWire);
        return offset + 28;
    }

    private static int WriteMpls(Span<byte> bytes, int offset, in FlowKey key)
    {
        const uint BottomWire = 0x0001_0000;
        ReadOnlySpan<uint> entries = [key.Mpls0Wire, key.Mpls1Wire, key.Mpls2Wire];
        for (var i = 0; i < entries.Length; i++)
        {
            var isLast = i == 2 || entries[i + 1] == 0 || (entries[i] & BottomWire) != 0;
            var entry = isLast ? entries[i] | BottomWire : entries[i];
            Unsafe.WriteUnaligned(ref bytes[offset], entry);
            offset += 4;
            if (isLast) break;
        }

        return offset;
    }

    private static int WriteNsh(Span<byte> bytes, int offset, in FlowKey key)
    {
        var size = key.NshMdType == 1 ? 24 : 8;
        var first = (key.NshFlags << 12) | (key.NshTtl << 6) | (size / 4);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[offset..], (ushort)first);
        bytes[offset + 2] = key.NshMdType;
        bytes[offset + 3] = key.NshNextProtocol;
        Unsafe.WriteUnaligned(ref bytes[offset + 4], key.NshPathWire);
        if (key.NshMdType != 1) return offset + size;
        Unsafe.WriteUnaligned(ref bytes[offset + 8], key.NshContext1Wire);
        Unsafe.WriteUnaligned(ref bytes[offset + 12], key.NshContext2Wire);
        Unsafe.WriteUnaligned(ref bytes[offset + 16], key.NshContext3Wire);
        Unsafe.WriteUnaligned(ref bytes[offset + 20], key.NshContext4Wire);
        return offset + size;
    }

    /// <summary>Transport header and data, without checksum; returns where they end.</summary>
    private static int WriteTransport(Span<byte> bytes, int offset, in FlowKey key)
    {
        if ((key.NetworkFragment & FragmentBits.Later) != 0) return WriteData(bytes, offset);
        var header = bytes[offset..];
        switch (key.NetworkProtocol)
        {
            case IpProtocol.Tcp:
                const ushort EndsConnectionWire = 0x0700; // FIN, SYN or RST.
                WritePorts(header, key);
                Unsafe.WriteUnaligned(ref header[12], (ushort)(key.TcpFlagsWire | 0x0050));
                return (key.TcpFlagsWire & EndsConnectionWire) != 0
                    ? offset + 20
                    : WriteData(bytes, offset + 20);
            case IpProtocol.Udp:
                WritePorts(header, key);
                return WriteData(bytes, offset + 8);
            case IpProtocol.Sctp:
                WritePorts(header, key);
                return WriteData(bytes, offset + 12);
            case IpProtocol.Icmp when key.IsIpv4:
                WriteTypeAndCode(header, key);
                return WriteData(bytes, offset + 8);
            case IpProtocol.Igmp when key.IsIpv4:
                WriteTypeAndCode(header, key);
                Unsafe.WriteUnaligned(ref header[4], key.IgmpGroupWire);
                return offset + 8;
            case IpProtocol.Icmpv6 when key.IsIpv6:
                WriteTypeAndCode(header, key);
                return key.PortSource is 135 or 136 && key.PortDestination == 0
                    ? WriteNd(bytes, offset, key)
                    : WriteData(bytes, offset + 8);
            default:
                return WriteData(bytes, offset);
        }
    }

    private static int WriteNd(Span<byte> bytes, int offset, in FlowKey key)
    {
        Unsafe.WriteUnaligned(ref bytes[offset + 4], key.NdReservedWire);
        key.NdTarget.CopyTo(bytes[(offset + 8)..]);
        offset += 24;
        if (!key.ArpSource.IsZero) WriteLinkOption(bytes, ref offset, 1, key.ArpSource);
        if (!key.ArpTarget.IsZero) WriteLinkOption(bytes, ref offset, 2, key.ArpTarget);
        return offset;
    }

    private static void WriteLinkOption(
        Span<byte> bytes, ref int offset, byte type, MacBytes address)
    {
        bytes[offset] = type;
        bytes[offset + 1] = 1;
        address.CopyTo(bytes[(offset + 2)..]);
        offset += 8;
    }

    private static int WriteData(Span<byte> bytes, int offset)
    {
        for (var i = 0; i < DataSize; i++) bytes[offset + i] = (byte)i;
        return offset + DataSize;
    }

    private static void WritePorts(Span<byte> header, in FlowKey key)
    {
        Unsafe.WriteUnaligned(ref header[0], key.PortSourceWire);
        Unsafe.WriteUnaligned(ref header[2], key.PortDestinationWire);
    }

    private static void WriteTypeAndCode(Span<byte> header, in FlowKey key)
    {
        header[0] = (byte)key.PortSource;
        header[1] = (byte)key.PortDestination;
    }

    /// <summary>IP header, its lengths and all checksums, when the size is known.</summary>
    private static void FinishIp(Span<byte> packet, int offset, int transport, in FlowKey key)
    {
        var network = packet[offset..];
        if (key.IsIpv4) WriteIpv4(network, key);
        else WriteIpv6(network, key);

        if (key.NetworkFragment != 0) return;
        var bytes = packet[transport..];
        var field = key.NetworkProtocol switch
        {
            IpProtocol.Tcp => 16,
            IpProtocol.Udp => 6,
            IpProtocol.Icmp or IpProtocol.Igmp or IpProtocol.Icmpv6 => 2,
            _ => -1,
        };
        if (key.NetworkProtocol == IpProtocol.Udp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes[4..], (ushort)bytes.Length);
        }
        else if (key.NetworkProtocol == IpProtocol.Sctp)
        {
            Unsafe.WriteUnaligned(ref bytes[8], Crc32C.Compute(bytes));
        }

        if (field < 0) return;
        ulong sum = 0;
        if (key.NetworkProtocol is not (IpProtocol.Icmp or IpProtocol.Igmp))
        {
            var addresses = key.IsIpv4 ? network.Slice(12, 8) : network.Slice(8, 32);
            sum = InternetChecksum.PseudoHeader(addresses, key.NetworkProtocol, bytes.Length);
        }

        var checksum = (ushort)~InternetChecksum.Fold(InternetChecksum.Add(bytes, sum));
        if (checksum == 0 && key.NetworkProtocol == IpProtocol.Udp) checksum = 0xFFFF;
        Unsafe.WriteUnaligned(ref bytes[field], checksum);
    }

    private static void WriteIpv4(Span<byte> network, in FlowKey key)
    {
        network[0] = 0x45;
        network[1] = key.NetworkTos;
        BinaryPrimitives.WriteUInt16BigEndian(network[2..], (ushort)network.Length);
        BinaryPrimitives.WriteUInt16BigEndian(network[6..], Fragment(key, moreBit: 0x2000, 100));
        network[8] = key.NetworkTtl;
        network[9] = key.NetworkProtocol;
        Unsafe.WriteUnaligned(ref network[12], key.Ipv4SourceWire);
        Unsafe.WriteUnaligned(ref network[16], key.Ipv4DestinationWire);
        Unsafe.WriteUnaligned(ref network[10], InternetChecksum.ComputeWire(network[..20]));
    }

    private static void WriteIpv6(Span<byte> network, in FlowKey key)
    {
        var first = (6u << 28) | ((uint)key.NetworkTos << 20)
            | (BinaryPrimitives.ReverseEndianness(key.Ipv6LabelWire) & 0x000F_FFFF);
        BinaryPrimitives.WriteUInt32BigEndian(network, first);
        BinaryPrimitives.WriteUInt16BigEndian(network[4..], (ushort)(network.Length - 40));
        network[6] = key.NetworkProtocol;
        network[7] = key.NetworkTtl;
        key.Ipv6Source.CopyTo(network[8..]);
        key.Ipv6Destination.CopyTo(network[24..]);
        if (key.NetworkFragment == 0) return;
        network[6] = IpProtocol.Fragment;
        network[40] = key.NetworkProtocol == IpProtocol.Fragment
            ? IpProtocol.Udp
            : key.NetworkProtocol;
        BinaryPrimitives.WriteUInt16BigEndian(network[42..], Fragment(key, moreBit: 1, 100 << 3));
    }

    private static ushort Fragment(in FlowKey key, ushort moreBit, ushort offset)
    {
        if (key.NetworkFragment == 0) return 0;
        return (key.NetworkFragment & FragmentBits.Later) != 0
            ? (ushort)(moreBit | offset)
            : moreBit;
    }
}
