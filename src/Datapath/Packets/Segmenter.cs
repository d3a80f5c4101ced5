using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Cuts a super-packet (GSO) into packets that fit the wire, in software.</summary>
/// <remarks>
/// TCP: sequence numbers and IPv4 ids count up, FIN and PSH stay with the last segment and CWR with
/// the first (RFC 3168 section 6.1.2). UDP: datagrams, each with its own length. All checksums of
/// the segments are finished.
/// </remarks>
internal ref struct Segmenter
{
    private const byte TcpFin = 0x01;
    private const byte TcpPush = 0x08;
    private const byte TcpCwr = 0x80;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly int _networkOffset;
    private readonly int _transportOffset;
    private readonly int _headerSize;
    private readonly int _segmentSize;
    private readonly bool _isIpv4;
    private readonly bool _isTcp;
    private readonly uint _sequence;
    private readonly ushort _identification;
    private readonly byte _tcpFlags;
    private int _next;

    private Segmenter(
        PacketBuffer packet, PacketLayout layout, bool isIpv4, bool isTcp, int headerSize)
    {
        _bytes = packet.Bytes[..layout.EndOffset];
        _networkOffset = layout.NetworkOffset;
        _transportOffset = layout.TransportOffset;
        _headerSize = headerSize;
        _segmentSize = packet.SegmentSize;
        _isIpv4 = isIpv4;
        _isTcp = isTcp;
        if (isTcp)
        {
            _sequence = BinaryPrimitives.ReadUInt32BigEndian(_bytes[(_transportOffset + 4)..]);
            _tcpFlags = _bytes[_transportOffset + 13];
        }

        if (isIpv4)
        {
            _identification = BinaryPrimitives.ReadUInt16BigEndian(_bytes[(_networkOffset + 4)..]);
        }
    }

    /// <summary>Segments that <see cref="MoveNext"/> will make.</summary>
    public readonly int Count =>
        Math.Max(1, (_bytes.Length - _headerSize + _segmentSize - 1) / _segmentSize);

    /// <summary>Bytes of every segment but perhaps the last, headers included.</summary>
    public readonly int SizeMax => _headerSize + _segmentSize;

    /// <returns>False for packets that are no TCP or UDP super-packets.</returns>
    public static bool TryCreate(PacketBuffer packet, uint packetType, out Segmenter segmenter)
    {
        segmenter = default;
        FlowKey key = default;
        key.PacketTypeWire = BinaryPrimitives.ReverseEndianness(packetType);
        if (packet.SegmentSize == 0
            || !FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out var layout, out _)
            || layout.TransportOffset < 0 || key.NetworkFragment != 0)
        {
            return false;
        }

        var transport = packet.Bytes[layout.TransportOffset..layout.EndOffset];
        int headerSize;
        if (key.NetworkProtocol == IpProtocol.Tcp)
        {
            headerSize = (transport[12] >> 4) * 4;
            if (headerSize < 20 || headerSize > transport.Length) return false;
        }
        else if (key.NetworkProtocol == IpProtocol.Udp)
        {
            headerSize = 8;
        }
        else
        {
            return false;
        }

        segmenter = new Segmenter(
            packet, layout, key.IsIpv4, key.NetworkProtocol == IpProtocol.Tcp,
            layout.TransportOffset + headerSize);
        return true;
    }

    /// <summary>Writes the next segment into 'segment'; false when there are no more.</summary>
    public bool MoveNext(PacketBuffer segment)
    {
        segment.Reserve(SizeMax);
        if (!MoveNext(segment.Bytes, out var payload)) return false;
        segment.SetSize(_headerSize + payload.Length);
        payload.CopyTo(segment.Bytes[_headerSize..]);
        segment.IsChecksumValid = true;
        return true;
    }

    /// <summary>
    /// Bytes that <see cref="MoveNext(Span{byte}, out ReadOnlySpan{byte})"/> writes.
    /// </summary>
    public readonly int HeaderSize => _headerSize;

    /// <summary>Writes the next segment's headers; its data stay where they are.</summary>
    /// <param name="headers">At least <see cref="HeaderSize"/> bytes.</param>
    public bool MoveNext(Span<byte> headers, out ReadOnlySpan<byte> payload)
    {
        var data = _bytes[_headerSize..];
        var offset = _next * _segmentSize;
        payload = default;
        if (_next > 0 && offset >= data.Length) return false;

        payload = data.Slice(offset, Math.Min(_segmentSize, data.Length - offset));
        headers = headers[.._headerSize];
        _bytes[.._headerSize].CopyTo(headers);
        Fix(headers, payload, offset, isLast: offset + payload.Length >= data.Length);
        _next++;
        return true;
    }

    private readonly void Fix(
        Span<byte> headers, ReadOnlySpan<byte> payload, int offset, bool isLast)
    {
        var network = headers[_networkOffset..];
        var size = network.Length + payload.Length;
        if (_isIpv4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(network[2..], (ushort)size);
            var id = (ushort)(_identification + _next);
            BinaryPrimitives.WriteUInt16BigEndian(network[4..], id);
            var header = network[..(_transportOffset - _networkOffset)];
            Unsafe.WriteUnaligned(ref header[10], (ushort)0);
            Unsafe.WriteUnaligned(ref header[10], InternetChecksum.ComputeWire(header));
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(network[4..], (ushort)(size - 40));
        }

        var transport = headers[_transportOffset..];
        if (_isTcp)
        {
            BinaryPrimitives.WriteUInt32BigEndian(transport[4..], _sequence + (uint)offset);
            var flags = _tcpFlags;
            if (!isLast) flags &= unchecked((byte)~(TcpFin | TcpPush));
            if (_next > 0) flags &= unchecked((byte)~TcpCwr);
            transport[13] = flags;
            WriteChecksum(network, transport, payload, IpProtocol.Tcp, 16);
        }
        else
        {
            var length = (ushort)(transport.Length + payload.Length);
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], length);
            WriteChecksum(network, transport, payload, IpProtocol.Udp, 6);
        }
    }

    private readonly void WriteChecksum(
        Span<byte> network, Span<byte> transport, ReadOnlySpan<byte> payload, byte protocol,
        int field)
    {
        var addresses = _isIpv4 ? network.Slice(12, 8) : network.Slice(8, 32);
        Unsafe.WriteUnaligned(ref transport[field], (ushort)0);
        var sum = InternetChecksum.PseudoHeader(
            addresses, protocol, transport.Length + payload.Length);
        sum = InternetChecksum.Add(payload, InternetChecksum.Add(transport, sum));
        var checksum = (ushort)~InternetChecksum.Fold(sum);
        if (checksum == 0) checksum = 0xFFFF;
        Unsafe.WriteUnaligned(ref transport[field], checksum);
    }
}
