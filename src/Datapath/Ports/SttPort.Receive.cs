using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>Segments in, frames together, inner packets out.</content>
internal sealed unsafe partial class SttPort
{
    private readonly SttReassembler _reassembler = new();
    private readonly PacketBuffer[] _segments = new PacketBuffer[DatapathLimits.BatchSize];
    private TunnelReceiver? _receiver;
    private int _segmentCount;

    internal override int Receive(PacketBatch batch)
    {
        var now = Environment.TickCount64;
        var expired = _reassembler.Count == 0 ? 0 : _reassembler.Expire(now, batch.Pool);
        if (expired != 0) batch.Drops.Add(DropReason.SttReassembly, (ulong)expired);
        if (!TryReceive(batch.Pool, _receiver4)
            && (_receiver6 is null || !TryReceive(batch.Pool, _receiver6)))
        {
            return 0;
        }

        var kept = 0;
        for (var i = 0; i < _segmentCount; i++)
        {
            if (Take(i, batch, now, kept)) kept++;
        }

        return kept;
    }

    private bool TryReceive(PacketPool pool, TunnelReceiver receiver)
    {
        _receiver = receiver;
        _segmentCount = receiver.Receive(pool, _segments);
        return _segmentCount > 0;
    }

    /// <summary>True when the segment made a frame whole: its packet is in the batch.</summary>
    private bool Take(int index, PacketBatch batch, long now, int slot)
    {
        var packet = _segments[index];
        ref var key = ref batch.Keys[slot];
        key = default;
        _receiver!.ReadOuter(index, ref key, out _);
        if (_receiver.HasIpHeader && !TryPullIpHeader(packet))
        {
            return Drop(batch, packet, DropReason.SttTruncated);
        }

        if (!SttSegment.TryParse(packet.Bytes, out var segment, out var data, out var reason))
        {
            return Drop(batch, packet, reason);
        }

        if (_receiver.HasIpHeader && !IsChecksumRight(packet.Bytes, key))
        {
            return Drop(batch, packet, DropReason.TunnelChecksum);
        }

        key.TunnelPortSourceWire = BinaryPrimitives.ReverseEndianness(segment.PortSource);
        key.TunnelPortDestinationWire =
            BinaryPrimitives.ReverseEndianness(segment.PortDestination);
        if (data.IsEmpty) return Drop(batch, packet, DropReason.SttReassembly);
        if (segment.Offset == 0 && data.Length == segment.FrameSize)
        {
            packet.Pull(packet.Size - data.Length);
        }
        else
        {
            var name = new SttReassembler.FrameName(
                SourceOf(key), segment.PortSource, segment.FrameId);
            reason = _reassembler.Add(
                name, segment.FrameSize, segment.Offset, data, now, batch.Pool, out var whole);
            if (reason != DropReason.None) return Drop(batch, packet, reason);
            batch.Pool.Release(packet);
            if (whole is null) return false;
            packet = whole;
        }

        reason = Open(packet, ref key);
        if (reason != DropReason.None) return Drop(batch, packet, reason);
        batch.Packets[slot] = packet;
        return true;
    }

    private bool Drop(PacketBatch batch, PacketBuffer packet, DropReason reason)
    {
        batch.Drops.Add(reason);
        CountReceiveDrop();
        batch.Pool.Release(packet);
        return false;
    }

    /// <summary>Reads and removes the frame's header.</summary>
    private DropReason Open(PacketBuffer packet, ref FlowKey key)
    {
        if (!SttHeader.TryParse(packet.Bytes, out var header, out _, out var reason))
        {
            return reason;
        }

        key.InPort = Number;
        key.TunnelId = header.ContextId;
        key.TunnelFlagsWire = BinaryPrimitives.ReverseEndianness(
            (ushort)(TunnelFlags.Key | TunnelFlags.Checksum));
        var (isPartial, isVerified) = (header.IsChecksumPartial, header.IsChecksumVerified);
        var (isIpv4, isTcp) = (header.IsIpv4, header.IsTcp);
        int start = header.TransportOffset, segmentSize = header.SegmentSize;
        var tag = header.VlanTci;
        packet.Pull(SttHeader.Size);
        packet.IsChecksumValid = isVerified;
        if (isPartial)
        {
            var offset = isTcp ? 16 : 6;
            if (start + offset + 2 > packet.Size) return DropReason.SttTruncated;
            packet.ChecksumStart = start;
            packet.ChecksumOffset = offset;
            if (segmentSize != 0)
            {
                packet.SegmentSize = (ushort)segmentSize;
                packet.Gso = (isTcp, isIpv4) switch
                {
                    (true, true) => GsoKind.TcpIpv4,
                    (true, false) => GsoKind.TcpIpv6,
                    _ => GsoKind.Udp,
                };
            }
        }

        return (tag & SttHeader.VlanPresent) == 0 || TryPushTag(packet, tag)
            ? DropReason.None
            : DropReason.EthernetTruncated;
    }

    private static bool TryPushTag(PacketBuffer packet, ushort tag)
    {
        if (packet.Size < 12 || !packet.TryPush(4, out _)) return false;
        var bytes = packet.Bytes;
        bytes.Slice(4, 12).CopyTo(bytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[12..], EtherType.Vlan);
        var tci = (tag & 0xE000) | (tag & 0x0FFF);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[14..], (ushort)tci);
        return true;
    }

    private static bool TryPullIpHeader(PacketBuffer packet)
    {
        var size = packet.Size == 0 ? 0 : (packet.Bytes[0] & 0x0F) * 4;
        if (size < Ipv4HeaderSize || size > packet.Size) return false;
        packet.Pull(size);
        return true;
    }

    /// <summary>
    /// Right, or left by a sender on this machine for hardware to finish: then the field holds the
    /// pseudo-header's sum.
    /// </summary>
    private static bool IsChecksumRight(ReadOnlySpan<byte> segment, in FlowKey key)
    {
        Span<uint> addresses = [key.TunnelIpv4SourceWire, key.TunnelIpv4DestinationWire];
        var sum = InternetChecksum.PseudoHeader(
            System.Runtime.InteropServices.MemoryMarshal.AsBytes(addresses), IpProtocol.Tcp,
            segment.Length);
        var field = Unsafe.ReadUnaligned<ushort>(ref Unsafe.AsRef(in segment[16]));
        return field == InternetChecksum.Fold(sum)
            || InternetChecksum.Fold(InternetChecksum.Add(segment, sum)) == 0xFFFF;
    }

    private static Ipv6Bytes SourceOf(in FlowKey key)
    {
        if (key.TunnelIpv4SourceWire == 0) return key.TunnelIpv6Source;
        Span<byte> mapped = stackalloc byte[Ipv6Bytes.Size];
        mapped.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(mapped[12..], key.TunnelIpv4SourceWire);
        return Ipv6Bytes.From(mapped);
    }
}
