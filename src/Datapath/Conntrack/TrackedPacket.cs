using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Where the headers that the tracker reads and rewrites lie in a packet.</summary>
/// <remarks>
/// Made by <see cref="TryParse"/> only, which proves every length, so the accessors cannot fail.
/// Works on a whole frame (after Ethernet and up to two tags) and on the packet quoted inside an
/// ICMP error, which may end after eight bytes of transport header.
/// </remarks>
internal ref struct TrackedPacket
{
    private readonly Span<byte> _network; // From the IP header to the end of the IP packet.
    private readonly int _transport;      // Offset of the transport header in '_network'.

    private TrackedPacket(Span<byte> network, int transport, bool isIpv6, byte protocol)
    {
        _network = network;
        _transport = transport;
        IsIpv6 = isIpv6;
        Protocol = protocol;
    }

    public bool IsIpv6 { get; }
    public byte Protocol { get; }

    public readonly Span<byte> Network => _network;
    public readonly Span<byte> Transport => _network[_transport..];
    public readonly Span<byte> SourceAddress =>
        IsIpv6 ? _network.Slice(8, 16) : _network.Slice(12, 4);
    public readonly Span<byte> DestinationAddress =>
        IsIpv6 ? _network.Slice(24, 16) : _network.Slice(16, 4);

    /// <summary>Finds the IP packet behind a frame's Ethernet header and tags.</summary>
    public static bool TryParseFrame(Span<byte> frame, out TrackedPacket packet, out int offset)
    {
        packet = default;
        offset = 14;
        if (frame.Length < 14) return false;
        var type = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        for (var tags = 0; tags < 2 && type is 0x8100 or 0x88A8; tags++)
        {
            if (frame.Length < offset + 4) return false;
            type = BinaryPrimitives.ReadUInt16BigEndian(frame[(offset + 2)..]);
            offset += 4;
        }

        return type is 0x0800 or 0x86DD
            && TryParse(frame[offset..], isQuoted: false, out packet);
    }

    /// <param name="isQuoted">The packet may be cut after eight bytes of transport header.</param>
    public static bool TryParse(Span<byte> bytes, bool isQuoted, out TrackedPacket packet)
    {
        packet = default;
        if (bytes.Length < 20) return false;
        return (bytes[0] >> 4) switch
        {
            4 => TryParseIpv4(bytes, isQuoted, out packet),
            6 => TryParseIpv6(bytes, isQuoted, out packet),
            _ => false,
        };
    }

    private static bool TryParseIpv4(Span<byte> bytes, bool isQuoted, out TrackedPacket packet)
    {
        packet = default;
        var header = (bytes[0] & 0x0F) * 4;
        var total = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (header < 20 || total < header || bytes.Length < header) return false;
        if (total > bytes.Length && !isQuoted) return false;
        if ((BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) & 0x3FFF) != 0) return false;

        var network = bytes[..Math.Min(total, bytes.Length)];
        packet = new TrackedPacket(network, header, isIpv6: false, bytes[9]);
        return packet.HasWholeTransport(isQuoted);
    }

    private static bool TryParseIpv6(Span<byte> bytes, bool isQuoted, out TrackedPacket packet)
    {
        packet = default;
        if (bytes.Length < 40) return false;
        var total = 40 + BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (total > bytes.Length && !isQuoted) return false;
        var network = bytes[..Math.Min(total, bytes.Length)];
        var next = bytes[6];
        var offset = 40;

        // Hop-by-hop, routing, destination options, authentication: at most eight of them.
        for (var count = 0; count < 8 && next is 0 or 43 or 60 or 51; count++)
        {
            if (network.Length < offset + 8) return false;
            var size = next == 51
                ? (network[offset + 1] + 2) * 4
                : (network[offset + 1] + 1) * 8;
            next = network[offset];
            offset += size;
            if (network.Length < offset) return false;
        }

        if (next is 0 or 43 or 44 or 60 or 51) return false; // A fragment, or a chain too long.
        packet = new TrackedPacket(network, offset, isIpv6: true, next);
        return packet.HasWholeTransport(isQuoted);
    }

    private readonly bool HasWholeTransport(bool isQuoted)
    {
        var size = _network.Length - _transport;
        if (isQuoted)
        {
            // ICMPv6 quotes as much as fits (RFC 4443 section 2.4 c), ICMP perhaps only eight
            // bytes.
            return size >= (IsIpv6 && Protocol == ConntrackKey.ProtocolTcp ? 20 : 8);
        }

        return Protocol switch
        {
            ConntrackKey.ProtocolTcp => size >= 20
                && (_network[_transport + 12] >> 4) * 4 is >= 20 and var header && header <= size,
            ConntrackKey.ProtocolUdp => size >= 8 && IsUdpLengthRight(size),
            ConntrackKey.ProtocolIcmp or ConntrackKey.ProtocolIcmpv6 => size >= 8,
            ConntrackKey.ProtocolSctp => size >= 12,
            _ => true,
        };
    }

    private readonly bool IsUdpLengthRight(int size)
    {
        var length = BinaryPrimitives.ReadUInt16BigEndian(Transport[4..]);
        return length >= 8 && length <= size;
    }

    public readonly ushort PortSourceWire
    {
        get => MemoryMarshal.Read<ushort>(Transport);
        set => MemoryMarshal.Write(Transport, in value);
    }

    public readonly ushort PortDestinationWire
    {
        get => MemoryMarshal.Read<ushort>(Transport[2..]);
        set => MemoryMarshal.Write(Transport[2..], in value);
    }

    public readonly byte IcmpType => Transport[0];
    public readonly byte IcmpCode => Transport[1];
    public readonly ushort IcmpIdWire => MemoryMarshal.Read<ushort>(Transport[4..]);

    /// <summary>An ICMP message that quotes the packet which caused it.</summary>
    public readonly bool IsIcmpError => Protocol switch
    {
        ConntrackKey.ProtocolIcmp => IcmpType is 3 or 4 or 5 or 11 or 12,
        ConntrackKey.ProtocolIcmpv6 => IcmpType is >= 1 and <= 4,
        _ => false,
    };

    /// <summary>The facts of a TCP segment; only for unquoted TCP packets.</summary>
    public readonly TcpSegment ReadTcp()
    {
        var tcp = Transport;
        var header = (tcp[12] >> 4) * 4;
        var flags = tcp[13];
        return new TcpSegment(
            flags,
            BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(tcp[8..]),
            BinaryPrimitives.ReadUInt16BigEndian(tcp[14..]),
            tcp.Length - header,
            (flags & TcpSegment.Syn) != 0 ? ScaleOf(tcp[20..header]) : -1);
    }

    /// <summary>
    /// The window scale option's shift (at most 14), or -1 (RFC 7323 section 2.2).
    /// </summary>
    private static int ScaleOf(ReadOnlySpan<byte> options)
    {
        while (options.Length >= 3)
        {
            switch (options[0])
            {
                case 0:
                    return -1;
                case 1:
                    options = options[1..];
                    continue;
                case 3 when options[1] == 3:
                    return Math.Min((int)options[2], 14);
            }

            var size = (int)options[1];
            if (size < 2 || size > options.Length) return -1;
            options = options[size..];
        }

        return -1;
    }

    /// <summary>
    /// What the tracker looks up for this packet: its tuple, or for an ICMP error the tuple of a
    /// packet that answers the quoted one.
    /// </summary>
    /// <returns>
    /// False for what cannot be tracked: port 0, other ICMP messages, an error that quotes too
    /// little or something that its receiver never sent.
    /// </returns>
    public readonly bool TryToKey(ushort zone, out ConntrackKey key, out bool isRelated)
    {
        isRelated = IsIcmpError;
        if (!isRelated) return TryToOwnKey(zone, out key);
        if (TryParse(Transport[8..], isQuoted: true, out var quoted)
            && quoted.IsIpv6 == IsIpv6
            && !quoted.IsIcmpError
            && quoted.TryToOwnKey(zone, out key)
            && quoted.SourceAddress.SequenceEqual(DestinationAddress))
        {
            key = key.Reversed();
            return true;
        }

        key = default;
        return false;
    }

    /// <summary>The key of this packet as it is now.</summary>
    private readonly bool TryToOwnKey(ushort zone, out ConntrackKey key)
    {
        key = default;
        key.Zone = zone;
        key.Protocol = Protocol;
        if (IsIpv6)
        {
            key.Kind = 6;
            key.Source = Ipv6Bytes.From(SourceAddress);
            key.Destination = Ipv6Bytes.From(DestinationAddress);
        }
        else
        {
            key.Kind = 4;
            key.Source = ConntrackKey.FromIpv4(MemoryMarshal.Read<uint>(SourceAddress));
            key.Destination = ConntrackKey.FromIpv4(MemoryMarshal.Read<uint>(DestinationAddress));
        }

        if (key.HasPorts)
        {
            key.PortSourceWire = PortSourceWire;
            key.PortDestinationWire = PortDestinationWire;
            return key.PortSourceWire != 0 && key.PortDestinationWire != 0;
        }

        if (!key.IsIcmp) return true;
        key.Kind = IcmpType;
        key.PortSourceWire = key.PortDestinationWire = IcmpIdWire;
        var isEcho = Protocol == ConntrackKey.ProtocolIcmp
            ? IcmpType is 0 or 8 or (>= 13 and <= 16)
            : IcmpType is 128 or 129;
        return isEcho && IcmpCode == 0 && IsIpv6 == (Protocol == ConntrackKey.ProtocolIcmpv6);
    }

    /// <summary>
    /// The checksums of the IPv4 header and of the transport header hold, as far as nobody has
    /// vouched for them or has left them to the hardware; what was summed once is not again.
    /// </summary>
    public readonly bool HasSoundChecksums(PacketBuffer packet)
    {
        if (!IsIpv6 && InternetChecksum.ComputeWire(_network[.._transport]) != 0) return false;

        if (packet.IsChecksumValid || packet.ChecksumStart >= 0 || packet.SegmentSize != 0)
        {
            return true;
        }

        var transport = Transport;
        ulong sum = 0;
        switch (Protocol)
        {
            case ConntrackKey.ProtocolUdp when !IsIpv6 && transport[6] == 0 && transport[7] == 0:
                return true;
            case ConntrackKey.ProtocolTcp or ConntrackKey.ProtocolUdp
                or ConntrackKey.ProtocolIcmpv6:
                var addresses = IsIpv6 ? _network.Slice(8, 32) : _network.Slice(12, 8);
                sum = InternetChecksum.PseudoHeader(addresses, Protocol, transport.Length);
                break;
            case ConntrackKey.ProtocolIcmp:
                break;
            default:
                return true;
        }

        if (InternetChecksum.Fold(InternetChecksum.Add(transport, sum)) != 0xFFFF) return false;
        packet.IsChecksumValid = true;
        return true;
    }
}
