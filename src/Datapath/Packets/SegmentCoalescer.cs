using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// Joins TCP segments that follow each other into one super-packet (receive offload).
/// </summary>
/// <remarks>
/// Only plain segments of one connection with proved checksums, equal headers but for sequence
/// number, checksums and IPv4 id, and of equal size but for the last. The result says how to cut
/// it again and leaves its checksum unfinished, so that nothing is lost by joining.
/// </remarks>
internal static class SegmentCoalescer
{
    private const byte TcpFin = 0x01;
    private const byte TcpPush = 0x08;
    private const byte TcpAck = 0x10;
    /// <summary>With all headers it still fits an IP packet and a pooled buffer.</summary>
    private const int SizeMax = 65_000;

    /// <summary>What is known of the super-packet that grows.</summary>
    public struct State
    {
        public int NetworkOffset;
        public int TransportOffset;
        public int HeaderSize;
        public int SegmentSize;
        public uint NextSequence;
        public int Count;
        public bool IsIpv4;
        public bool IsClosed;
    }

    /// <summary>True when 'packet' is a TCP segment that others may be joined to.</summary>
    public static bool TryStart(PacketBuffer packet, out State state)
    {
        state = default;
        if (!TryRead(packet.Bytes, out state, out var flags)) return false;
        state.Count = 1;
        state.IsClosed = (flags & (TcpFin | TcpPush)) != 0;
        return true;
    }

    /// <summary>Joins 'segment' to 'packet'; false leaves both as they are.</summary>
    public static bool TryAppend(PacketBuffer packet, ref State state, ReadOnlySpan<byte> segment)
    {
        if (state.IsClosed || packet.Size + segment.Length > SizeMax) return false;
        var header = state.HeaderSize;
        if (segment.Length <= header || segment.Length > header + state.SegmentSize) return false;

        // Equal but for the fields that count: lengths are implied by the sizes compared above.
        var first = packet.Bytes;
        var network = state.NetworkOffset;
        var transport = state.TransportOffset;
        var lengthField = network + (state.IsIpv4 ? 2 : 4);
        var afterChanging = state.IsIpv4 ? network + 6 : lengthField + 2;
        if (!first[..lengthField].SequenceEqual(segment[..lengthField])) return false;
        if (state.IsIpv4)
        {
            if (!first[afterChanging..(network + 10)].SequenceEqual(
                segment[afterChanging..(network + 10)]))
            {
                return false;
            }

            afterChanging = network + 12;
        }

        if (!first[afterChanging..(transport + 4)].SequenceEqual(
            segment[afterChanging..(transport + 4)]))
        {
            return false;
        }

        // Acknowledgement and header size; then window; then options.
        if (!first.Slice(transport + 8, 5).SequenceEqual(segment.Slice(transport + 8, 5))
            || !first.Slice(transport + 14, 2).SequenceEqual(segment.Slice(transport + 14, 2))
            || !first[(transport + 20)..header].SequenceEqual(segment[(transport + 20)..header])
            || !TryRead(segment, out var read, out var flags)
            || read.HeaderSize != header
            || BinaryPrimitives.ReadUInt32BigEndian(segment[(transport + 4)..])
                != state.NextSequence)
        {
            return false;
        }

        var data = segment[header..];
        var end = packet.Size;
        packet.SetSize(end + data.Length);
        data.CopyTo(packet.Bytes[end..]);
        packet.Bytes[transport + 13] |= (byte)(flags & (TcpFin | TcpPush));
        state.NextSequence += (uint)data.Length;
        state.Count++;
        state.IsClosed = (flags & (TcpFin | TcpPush)) != 0 || data.Length < state.SegmentSize;
        return true;
    }

    /// <summary>Makes lengths and checksums of a joined packet right.</summary>
    public static void Finish(PacketBuffer packet, in State state)
    {
        if (state.Count < 2) return;
        var bytes = packet.Bytes;
        var network = bytes[state.NetworkOffset..];
        if (state.IsIpv4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(network[2..], (ushort)network.Length);
            var header = network[..(state.TransportOffset - state.NetworkOffset)];
            Unsafe.WriteUnaligned(ref header[10], (ushort)0);
            Unsafe.WriteUnaligned(ref header[10], InternetChecksum.ComputeWire(header));
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(network[4..], (ushort)(network.Length - 40));
        }

        var addresses = state.IsIpv4 ? network.Slice(12, 8) : network.Slice(8, 32);
        var sum = InternetChecksum.PseudoHeader(
            addresses, IpProtocol.Tcp, bytes.Length - state.TransportOffset);
        Unsafe.WriteUnaligned(
            ref bytes[state.TransportOffset + 16], InternetChecksum.Fold(sum));
        packet.ChecksumStart = state.TransportOffset;
        packet.ChecksumOffset = 16;
        packet.Gso = state.IsIpv4 ? GsoKind.TcpIpv4 : GsoKind.TcpIpv6;
        packet.SegmentSize = (ushort)state.SegmentSize;
    }

    /// <summary>
    /// A TCP segment with data, no unusual flags, no padding, and right checksums.
    /// </summary>
    private static bool TryRead(ReadOnlySpan<byte> bytes, out State state, out byte flags)
    {
        state = default;
        flags = 0;
        if (bytes.Length < 54) return false;
        var type = BinaryPrimitives.ReadUInt16BigEndian(bytes[12..]);
        var network = bytes[14..];
        int transport;
        if (type == EtherType.Ipv4)
        {
            if (network[0] != 0x45 || network[9] != IpProtocol.Tcp) return false;
            if ((network[6] & 0x3F) != 0 || network[7] != 0) return false;
            if (BinaryPrimitives.ReadUInt16BigEndian(network[2..]) != network.Length) return false;
            if (InternetChecksum.ComputeWire(network[..20]) != 0) return false;
            state.IsIpv4 = true;
            transport = 34;
        }
        else
        {
            if (type != EtherType.Ipv6 || network.Length < 60) return false;
            if (network[6] != IpProtocol.Tcp) return false;
            var payload = BinaryPrimitives.ReadUInt16BigEndian(network[4..]);
            if (payload != network.Length - 40) return false;
            transport = 54;
        }

        var tcp = bytes[transport..];
        var headerSize = (tcp[12] >> 4) * 4;
        flags = tcp[13];
        if (headerSize < 20 || headerSize >= tcp.Length) return false;
        if ((flags & ~(TcpPush | TcpFin)) != TcpAck || (tcp[12] & 0x0F) != 0) return false;

        var addresses = state.IsIpv4 ? network.Slice(12, 8) : network.Slice(8, 32);
        var sum = InternetChecksum.PseudoHeader(addresses, IpProtocol.Tcp, tcp.Length);
        if (InternetChecksum.Fold(InternetChecksum.Add(tcp, sum)) != 0xFFFF) return false;

        state.NetworkOffset = 14;
        state.TransportOffset = transport;
        state.HeaderSize = transport + headerSize;
        state.SegmentSize = tcp.Length - headerSize;
        state.NextSequence = BinaryPrimitives.ReadUInt32BigEndian(tcp[4..])
            + (uint)state.SegmentSize;
        return true;
    }
}
