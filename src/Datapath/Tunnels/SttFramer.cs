using System.Runtime.CompilerServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Cuts an STT frame into the TCP-like segments that carry it.</summary>
/// <remarks>
/// The frame is an <see cref="SttHeader"/> and the inner packet, super-packet or not, up to 64 KiB;
/// a segment is a <see cref="SttSegment"/> header, the STT header in the first, and a slice.
/// </remarks>
internal ref struct SttFramer
{
    public const int HeaderSizeMax = SttSegment.Size + SttHeader.Size;

    private readonly ReadOnlySpan<byte> _packet;
    private readonly uint _frameId;
    private readonly int _dataSizeMax;
    private readonly ushort _portSource;
    private readonly ushort _portDestination;
    private readonly byte _flags;
    private readonly byte _transportOffset;
    private readonly ushort _segmentSize;
    private readonly ulong _contextId;
    private int _next;

    private SttFramer(
        PacketBuffer packet, ulong contextId, uint frameId,
        (ushort Source, ushort Destination) ports, int dataSizeMax)
    {
        _packet = packet.Bytes;
        _contextId = contextId;
        _frameId = frameId;
        (_portSource, _portDestination) = ports;
        _dataSizeMax = dataSizeMax;
        _flags = FlagsOf(packet, out _transportOffset);
        _segmentSize = packet.SegmentSize;
    }

    /// <param name="dataSizeMax">Bytes behind a segment's TCP-like header.</param>
    /// <returns>False for packets that no frame can carry.</returns>
    public static bool TryCreate(
        PacketBuffer packet, ulong contextId, uint frameId,
        (ushort Source, ushort Destination) ports, int dataSizeMax, out SttFramer framer)
    {
        framer = default;
        if (packet.Size + SttHeader.Size > ushort.MaxValue) return false;
        if (dataSizeMax <= SttHeader.Size || packet.ChecksumStart > byte.MaxValue) return false;
        framer = new SttFramer(packet, contextId, frameId, ports, dataSizeMax);
        return true;
    }

    /// <summary>Writes the next segment's headers; false when there are no more.</summary>
    /// <param name="headers">At least <see cref="HeaderSizeMax"/> bytes.</param>
    public bool MoveNext(Span<byte> headers, out int headerSize, out ReadOnlySpan<byte> payload)
    {
        headerSize = 0;
        payload = default;
        var isFirst = _next == 0;
        if (!isFirst && _next >= _packet.Length) return false;

        var room = isFirst ? _dataSizeMax - SttHeader.Size : _dataSizeMax;
        payload = _packet.Slice(_next, Math.Min(room, _packet.Length - _next));
        var offset = isFirst ? 0 : SttHeader.Size + _next;
        SttSegment.Write(
            headers[..SttSegment.Size], _portSource, _portDestination,
            (ushort)(SttHeader.Size + _packet.Length), (ushort)offset, _frameId);
        headerSize = SttSegment.Size;
        if (isFirst)
        {
            SttHeader.Write(
                headers.Slice(SttSegment.Size, SttHeader.Size), _contextId, _flags,
                _transportOffset, _segmentSize, vlanTci: 0);
            headerSize = HeaderSizeMax;
        }

        _next += Math.Max(1, payload.Length);
        return true;
    }

    /// <summary>Finishes the TCP-like checksum of one segment, IPv4.</summary>
    /// <param name="addresses">Outer source and destination, eight bytes.</param>
    public static void WriteChecksum(
        Span<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> addresses)
    {
        var sum = InternetChecksum.PseudoHeader(
            addresses, IpProtocol.Tcp, headers.Length + payload.Length);
        sum = InternetChecksum.Add(payload, InternetChecksum.Add(headers, sum));
        Unsafe.WriteUnaligned(ref headers[16], (ushort)~InternetChecksum.Fold(sum));
    }

    private static byte FlagsOf(PacketBuffer packet, out byte transportOffset)
    {
        transportOffset = 0;
        byte flags = 0;
        if (packet.IsChecksumValid) flags |= SttHeader.FlagChecksumVerified;
        if (packet.ChecksumStart < 0) return flags;
        transportOffset = (byte)packet.ChecksumStart;
        flags = SttHeader.FlagChecksumPartial;
        if (packet.ChecksumOffset == 16) flags |= SttHeader.FlagTcp;
        FlowKey key = default;
        FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out _, out _);
        if (key.IsIpv4) flags |= SttHeader.FlagIpv4;
        return flags;
    }
}
