using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>UDP source ports from which one is chosen for each inner flow.</summary>
public sealed record SourcePorts(ushort Min, ushort Max)
{
    public static SourcePorts Default { get; } = new(32_768, 61_000);

    public ushort For(uint hash) =>
        (ushort)(Min + (uint)(((ulong)hash * (uint)(Max - Min + 1)) >> 32));
}

/// <summary>Ethernet, IP, UDP and tunnel header in one piece, as tunnels push it.</summary>
/// <remarks>
/// <see cref="TryCompose"/> makes it once for a flow; <see cref="TryFinish"/> fills in for each
/// packet what depends on it: lengths, checksums, source port, sequence number.
/// </remarks>
public static class OuterHeader
{
    public const int LinkSize = 14;
    private const int Ipv4Size = 20;
    private const int Ipv6Size = 40;
    private const int UdpSize = 8;

    /// <summary>The IP header's offsets that are written here.</summary>
    private const int Ipv4LengthOffset = 2;
    private const int Ipv4ChecksumOffset = 10;
    private const int Ipv6LengthOffset = 4;

    /// <summary>False for what cannot be pushed: STT, too many options.</summary>
    /// <param name="packetType">Of what follows: 0 is Ethernet (host order).</param>
    public static bool TryCompose(
        TunnelPortSpec port, TunnelMetadata tunnel, MacBytes source, MacBytes destination,
        uint packetType, out ImmutableArray<byte> header)
    {
        Span<byte> bytes = stackalloc byte[LinkSize + Ipv6Size + UdpSize
            + TunnelCodec.HeaderSizeMax];
        bytes.Clear();
        header = [];
        destination.CopyTo(bytes);
        source.CopyTo(bytes[6..]);
        var isIpv6 = tunnel.Destination.AddressFamily == AddressFamily.InterNetworkV6;
        var isUdp = IsUdp(port.Kind);
        var protocol = isUdp ? IpProtocol.Udp : IpProtocol.Gre;
        WriteIp(bytes, tunnel, isIpv6, protocol);
        var size = LinkSize + (isIpv6 ? Ipv6Size : Ipv4Size);
        if (isUdp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes[(size + 2)..], port.DestinationPort);
            var hasChecksum = isIpv6 || (tunnel.Flags & TunnelFlags.Checksum) != 0;
            if (hasChecksum) bytes.Slice(size + 6, 2).Fill(0xFF);
            size += UdpSize;
        }

        uint sequence = 0;
        var written = TunnelCodec.Write(
            port, tunnel, [], ref sequence, bytes[size..], packetType);
        if (written < 0) return false;
        ClearChanging(port.Kind, bytes[size..]);
        header = [.. bytes[..(size + written)]];
        return true;
    }

    public static bool IsUdp(TunnelKind kind) =>
        kind is TunnelKind.Geneve or TunnelKind.Vxlan or TunnelKind.Gtpu;

    /// <summary>The packet's first bytes are the header; makes it fit the rest.</summary>
    /// <returns>False when the whole is larger than IP can say.</returns>
    internal static bool TryFinish(
        Span<byte> packet, TunnelKind kind, int headerSize, ushort sourcePort, uint sequence)
    {
        var network = packet[LinkSize..];
        var isIpv6 = packet[12] == 0x86;
        if (network.Length > ushort.MaxValue) return false;
        if (isIpv6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(
                network[Ipv6LengthOffset..], (ushort)(network.Length - Ipv6Size));
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(
                network[Ipv4LengthOffset..], (ushort)network.Length);
            Unsafe.WriteUnaligned(
                ref network[Ipv4ChecksumOffset],
                InternetChecksum.ComputeWire(network[..Ipv4Size]));
        }

        var transport = network[(isIpv6 ? Ipv6Size : Ipv4Size)..];
        if (!IsUdp(kind))
        {
            FinishGre(transport, headerSize - (packet.Length - transport.Length), sequence);
            return true;
        }

        if (kind == TunnelKind.Gtpu)
        {
            BinaryPrimitives.WriteUInt16BigEndian(
                transport[(UdpSize + 2)..], (ushort)(packet.Length - headerSize));
        }

        var addresses = isIpv6 ? network.Slice(8, 32) : network.Slice(12, 8);
        FinishUdp(transport, addresses, sourcePort);
        return true;
    }

    private static void FinishUdp(
        Span<byte> udp, ReadOnlySpan<byte> addresses, ushort sourcePort)
    {
        BinaryPrimitives.WriteUInt16BigEndian(udp, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        ref var checksum = ref udp[6];
        if (Unsafe.ReadUnaligned<ushort>(ref checksum) == 0) return;
        Unsafe.WriteUnaligned(ref checksum, (ushort)0);
        var sum = InternetChecksum.PseudoHeader(addresses, IpProtocol.Udp, udp.Length);
        var value = (ushort)~InternetChecksum.Fold(InternetChecksum.Add(udp, sum));
        Unsafe.WriteUnaligned(ref checksum, value == 0 ? ushort.MaxValue : value);
    }

    private static void FinishGre(Span<byte> gre, int headerSize, uint sequence)
    {
        var flags = gre[0];
        if ((flags & GreHeader.SequenceBit) != 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(gre[GreHeader.SequenceOffset(flags)..], sequence);
        }

        var type = BinaryPrimitives.ReadUInt16BigEndian(gre[2..]);
        if (type == EtherType.ErspanType3)
        {
            var at = headerSize - ErspanHeader.Version2Size + ErspanHeader.TimestampOffset;
            BinaryPrimitives.WriteUInt32BigEndian(gre[at..], TunnelCodec.ErspanTicks());
        }

        if ((flags & GreHeader.ChecksumBit) == 0) return;
        Unsafe.WriteUnaligned(ref gre[4], (ushort)0);
        Unsafe.WriteUnaligned(ref gre[4], InternetChecksum.ComputeWire(gre));
    }

    /// <summary>Two headers for one flow are equal bytes: times and sums come later.</summary>
    private static void ClearChanging(TunnelKind kind, Span<byte> header)
    {
        switch (kind)
        {
            case TunnelKind.Gre or TunnelKind.Ip6Gre when (header[0] & GreHeader.ChecksumBit) != 0:
                header.Slice(4, 2).Clear();
                break;
            case TunnelKind.Erspan
                when BinaryPrimitives.ReadUInt16BigEndian(header[2..]) == EtherType.ErspanType3:
                header.Slice(8 + ErspanHeader.TimestampOffset, 4).Clear();
                break;
        }
    }

    private static void WriteIp(
        Span<byte> bytes, TunnelMetadata tunnel, bool isIpv6, byte protocol)
    {
        var network = bytes[LinkSize..];
        BinaryPrimitives.WriteUInt16BigEndian(
            bytes[12..], isIpv6 ? EtherType.Ipv6 : EtherType.Ipv4);
        if (isIpv6)
        {
            BinaryPrimitives.WriteUInt32BigEndian(
                network, 0x6000_0000u | ((uint)tunnel.Tos << 20));
            network[6] = protocol;
            network[7] = tunnel.Ttl;
            tunnel.Source.TryWriteBytes(network[8..], out _);
            tunnel.Destination.TryWriteBytes(network[24..], out _);
            return;
        }

        network[0] = 0x45;
        network[1] = tunnel.Tos;
        if ((tunnel.Flags & TunnelFlags.DontFragment) != 0) network[6] = 0x40;
        network[8] = tunnel.Ttl;
        network[9] = protocol;
        tunnel.Source.TryWriteBytes(network[12..], out _);
        tunnel.Destination.TryWriteBytes(network[16..], out _);
    }

    /// <summary>The key of a packet with this header: what bridges decide by.</summary>
    public static FlowKey KeyOf(ReadOnlySpan<byte> header, uint inPort)
    {
        var key = default(FlowKey);
        key.InPort = inPort;
        key.EthernetDestination = MacBytes.From(header);
        key.EthernetSource = MacBytes.From(header[6..]);
        key.EthernetTypeWire = Unsafe.ReadUnaligned<ushort>(in header[12]);
        var network = header[LinkSize..];
        if (key.IsIpv6)
        {
            var first = BinaryPrimitives.ReadUInt32BigEndian(network);
            key.NetworkTos = (byte)(first >> 20);
            key.NetworkProtocol = network[6];
            key.NetworkTtl = network[7];
            key.Ipv6Source = Ipv6Bytes.From(network[8..]);
            key.Ipv6Destination = Ipv6Bytes.From(network[24..]);
        }
        else
        {
            key.NetworkTos = network[1];
            key.NetworkTtl = network[8];
            key.NetworkProtocol = network[9];
            key.Ipv4SourceWire = Unsafe.ReadUnaligned<uint>(in network[12]);
            key.Ipv4DestinationWire = Unsafe.ReadUnaligned<uint>(in network[16]);
        }

        if (key.NetworkProtocol == IpProtocol.Udp)
        {
            var udp = network[(key.IsIpv6 ? Ipv6Size : Ipv4Size)..];
            key.PortDestinationWire = Unsafe.ReadUnaligned<ushort>(in udp[2]);
        }

        return key;
    }
}
