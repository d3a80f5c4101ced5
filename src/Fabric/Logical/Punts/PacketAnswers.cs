using System.Buffers.Binary;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>Packets that the control plane makes: each from the one that it answers.</summary>
internal static class PacketAnswers
{
    private const int EthernetSize = 14;
    private const int TcpHeaderSize = 20;

    /// <summary>Who has 'wanted'? Asked by a router from its own address.</summary>
    public static byte[] ArpRequest(MacBytes from, uint own, uint wanted)
    {
        var key = new FlowKey
        {
            EthernetSource = from,
            EthernetDestination = MacBytes.Broadcast,
            EthernetType = EtherType.Arp,
            NetworkProtocol = 1,
            Ipv4Source = own,
            Ipv4Destination = wanted,
            ArpSource = from,
        };
        return PacketBuilder.Compose(in key);
    }

    /// <summary>Neighbor solicitation to the solicited-node address (RFC 4861 4.3).</summary>
    public static byte[] NeighborSolicit(MacBytes from, IpPrefix own, IpPrefix wanted)
    {
        var group = wanted with { Address = wanted.SolicitedNode };
        var key = new FlowKey
        {
            EthernetSource = from,
            EthernetDestination = MacBytes.FromUInt64(
                0x3333_0000_0000 | (ulong)(group.Address & 0xffff_ffff)),
            EthernetType = EtherType.Ipv6,
            NetworkProtocol = IpProtocol.Icmpv6,
            NetworkTtl = 255,
            Ipv6Source = Ipv6Bytes.From(own.ToAddress()),
            Ipv6Destination = Ipv6Bytes.From(group.ToAddress()),
            PortSource = 135,
            NdTarget = Ipv6Bytes.From(wanted.ToAddress()),
            ArpSource = from,
        };
        return PacketBuilder.Compose(in key);
    }

    /// <summary>The answer to a neighbor solicitation (RFC 4861 4.4).</summary>
    public static byte[] NeighborAdvert(in FlowKey solicit, MacBytes mac, bool isRouter)
    {
        const uint solicitedOverride = 0x6000_0000;
        const uint router = 0x8000_0000;
        var flags = solicitedOverride | (isRouter ? router : 0);
        var key = new FlowKey
        {
            EthernetSource = mac,
            EthernetDestination = solicit.EthernetSource,
            EthernetType = EtherType.Ipv6,
            NetworkProtocol = IpProtocol.Icmpv6,
            NetworkTtl = 255,
            Ipv6Source = solicit.NdTarget,
            Ipv6Destination = solicit.Ipv6Source,
            PortSource = 136,
            NdTarget = solicit.NdTarget,
            NdReservedWire = BinaryPrimitives.ReverseEndianness(flags),
            ArpTarget = mac,
        };
        return PacketBuilder.Compose(in key);
    }

    /// <summary>RST to a TCP segment (RFC 9293 3.10.7.1); null for a segment that is one.</summary>
    public static byte[]? TcpReset(PuntedPacket packet)
    {
        const ushort finish = 1, synchronize = 2, reset = 4, acknowledge = 16;
        const int headerSize = TcpHeaderSize;
        var at = packet.Layout.TransportOffset;
        if (at < 0 || at + headerSize > packet.Layout.EndOffset) return null;
        var flags = packet.Key.TcpFlags;
        if ((flags & reset) != 0) return null;

        var segment = packet.Bytes.AsSpan(at..packet.Layout.EndOffset);
        var dataOffset = (segment[12] >> 4) * 4;
        var dataSize = Math.Max(0, segment.Length - dataOffset);
        var sequence = BinaryPrimitives.ReadUInt32BigEndian(segment[4..]);
        var acknowledged = BinaryPrimitives.ReadUInt32BigEndian(segment[8..]);
        var key = Turned(in packet.KeyRef);
        (key.PortSourceWire, key.PortDestinationWire) =
            (key.PortDestinationWire, key.PortSourceWire);
        var hasAck = (flags & acknowledge) != 0;
        key.TcpFlags = hasAck ? reset : (ushort)(reset | acknowledge);
        var length = (uint)dataSize + ((flags & synchronize) != 0 ? 1u : 0)
            + ((flags & finish) != 0 ? 1u : 0);
        return TcpSegment(in key, hasAck ? acknowledged : 0, hasAck ? 0 : sequence + length);
    }

    /// <summary>A TCP segment without data.</summary>
    public static byte[] TcpSegment(in FlowKey key, uint sequence, uint acknowledged)
    {
        var bytes = PacketBuilder.Compose(in key);
        var segment = bytes.AsSpan(bytes.Length - TcpHeaderSize);
        BinaryPrimitives.WriteUInt32BigEndian(segment[4..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(segment[8..], acknowledged);
        Finish(bytes, segment, IpProtocol.Tcp, checksumOffset: 16, key.IsIpv6);
        return bytes;
    }

    /// <summary>ICMP error with the beginning of the packet (RFC 792, RFC 4443).</summary>
    /// <param name="from">Whose address the error comes from.</param>
    /// <param name="mtu">Of the next link, for "too big" (RFC 1191, RFC 4443 3.2); else 0.</param>
    public static byte[]? IcmpError(
        PuntedPacket packet, byte type, byte code, IpPrefix from, uint mtu = 0)
    {
        const int quotedMax4 = 28 + 548, quotedMax6 = 1232;
        var network = packet.Network;
        if (network.Length < 20 || from.IsIpv6 != packet.Key.IsIpv6) return null;
        if (IsIcmpError(in packet.KeyRef)) return null;

        var quoted = network[..Math.Min(network.Length, from.IsIpv6 ? quotedMax6 : quotedMax4)];
        var key = Turned(in packet.KeyRef);
        key.NetworkProtocol = from.IsIpv6 ? IpProtocol.Icmpv6 : IpProtocol.Icmp;
        key.PortSource = type;
        key.PortDestination = code;
        if (from.IsIpv6) key.Ipv6Source = Ipv6Bytes.From(from.ToAddress());
        else key.Ipv4Source = (uint)from.Address;
        var headerSize = EthernetSize + (from.IsIpv6 ? 40 : 20);
        return WithPayload(in key, headerSize, 8, quoted, mtu);
    }

    /// <summary>A UDP datagram that answers another, with new data.</summary>
    /// <param name="key">Headers of the answer.</param>
    public static byte[] Udp(in FlowKey key, ReadOnlySpan<byte> data) =>
        WithPayload(in key, EthernetSize + (key.IsIpv6 ? 40 : 20), 8, data);

    /// <summary>The packet's headers turned round, without conntrack and tunnel state.</summary>
    public static FlowKey Turned(in FlowKey packet)
    {
        var key = packet;
        key.Bytes[..FlowKey.LinkOffset].Clear();
        key.Bytes[FlowKey.TunnelOffset..].Clear();
        (key.EthernetSource, key.EthernetDestination) =
            (key.EthernetDestination, key.EthernetSource);
        (key.Ipv4SourceWire, key.Ipv4DestinationWire) =
            (key.Ipv4DestinationWire, key.Ipv4SourceWire);
        (key.Ipv6Source, key.Ipv6Destination) = (key.Ipv6Destination, key.Ipv6Source);
        key.VlanTci0Wire = key.VlanTci1Wire = 0;
        key.NetworkFragment = 0;
        key.NetworkTos = 0;
        key.NetworkTtl = 255;
        return key;
    }

    private static bool IsIcmpError(in FlowKey key) => key.NetworkProtocol switch
    {
        IpProtocol.Icmp when key.IsIpv4 => key.PortSource is not (0 or 8),
        IpProtocol.Icmpv6 when key.IsIpv6 => key.PortSource < 128,
        _ => false,
    };

    /// <summary>Composes the headers, then puts the payload behind the transport header.</summary>
    /// <param name="rest">The second word of an ICMP header.</param>
    internal static byte[] WithPayload(
        in FlowKey key, int headerSize, int transportSize, ReadOnlySpan<byte> payload,
        uint rest = 0)
    {
        var size = headerSize + transportSize + payload.Length;
        var composed = PacketBuilder.Compose(in key, size);
        var bytes = composed.AsSpan(0, size).ToArray();
        payload.CopyTo(bytes.AsSpan(headerSize + transportSize));
        var transport = bytes.AsSpan(headerSize);
        var isUdp = key.NetworkProtocol == IpProtocol.Udp;
        if (isUdp) BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
        else BinaryPrimitives.WriteUInt32BigEndian(transport[4..], rest);
        if (key.IsIpv6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(18), (ushort)transport.Length);
        }
        else
        {
            var header = bytes.AsSpan(EthernetSize, 20);
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(20 + transport.Length));
            header.Slice(10, 2).Clear();
            WriteChecksum(header[10..], InternetChecksum.Add(header));
        }

        Finish(bytes, transport, key.NetworkProtocol, isUdp ? 6 : 2, key.IsIpv6);
        return bytes;
    }

    private static void Finish(
        byte[] bytes, Span<byte> transport, byte protocol, int checksumOffset, bool isIpv6)
    {
        transport.Slice(checksumOffset, 2).Clear();
        ulong sum = 0;
        if (protocol != IpProtocol.Icmp)
        {
            var addresses = isIpv6
                ? bytes.AsSpan(EthernetSize + 8, 32)
                : bytes.AsSpan(EthernetSize + 12, 8);
            sum = InternetChecksum.PseudoHeader(addresses, protocol, transport.Length);
        }

        WriteChecksum(transport[checksumOffset..], InternetChecksum.Add(transport, sum));
    }

    private static void WriteChecksum(Span<byte> field, ulong sum)
    {
        var checksum = (ushort)~InternetChecksum.Fold(sum);
        BinaryPrimitives.WriteUInt16LittleEndian(field, checksum);
    }
}
