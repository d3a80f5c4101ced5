using System.Runtime.CompilerServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>Super-packets into the tunnel, and segments out of it.</content>
internal sealed unsafe partial class TunnelPort
{
    /// <summary>Segments in one message: the kernel's UDP_MAX_SEGMENTS.</summary>
    private const int SegmentsMax = 64;

    /// <summary>Outer and inner headers of one segment.</summary>
    private const int HeadersSizeMax = TunnelCodec.HeaderSizeMax + 160;

    /// <summary>Bytes of one message: below the largest UDP datagram.</summary>
    private const int MessageSizeMax = 65_000;

    /// <summary>Cuts a super-packet and sends its segments in as few messages as may be.</summary>
    [SkipLocalsInit]
    private int TransmitSuper(
        in TransmitEntry entry, TunnelMetadata tunnel, int socket, DropCounters drops)
    {
        var packet = entry.Packet;
        var headers = stackalloc byte[SegmentsMax * HeadersSizeMax];
        var vectors = stackalloc Libc.IoVector[SegmentsMax * 2];
        var first = new Span<byte>(headers, TunnelCodec.HeaderSizeMax);
        var type = entry.Egress.PacketType;
        var outerSize = TunnelCodec.Write(
            _tunnel, tunnel, packet.Bytes, ref _sequence, first, type);
        if (outerSize < 0 || !Segmenter.TryCreate(packet, type, out var segmenter)
            || segmenter.HeaderSize > HeadersSizeMax - TunnelCodec.HeaderSizeMax)
        {
            drops.Add(DropReason.SegmentationFailed);
            return 0;
        }

        var segmentSize = outerSize + segmenter.SizeMax;
        var perMessage = Math.Clamp(MessageSizeMax / segmentSize, 1, SegmentsMax);
        var headerSize = outerSize + segmenter.HeaderSize;
        Span<byte> outer = stackalloc byte[outerSize];
        first[..outerSize].CopyTo(outer);

        var isSent = true;
        while (true)
        {
            var count = 0;
            while (count < perMessage)
            {
                var header = headers + (count * HeadersSizeMax);
                outer.CopyTo(new Span<byte>(header, outerSize));
                var inner = new Span<byte>(header + outerSize, segmenter.HeaderSize);
                if (!segmenter.MoveNext(inner, out var payload)) break;
                vectors[count * 2] = new Libc.IoVector { Base = header, Size = (nuint)headerSize };
                vectors[(count * 2) + 1] = new Libc.IoVector
                {
                    Base = Unsafe.AsPointer(ref Unsafe.AsRef(in payload.GetPinnableReference())),
                    Size = (nuint)payload.Length,
                };
                count++;
            }

            if (count == 0) break;
            isSent &= TransmitSegments(vectors, count, segmentSize, entry, socket, drops);
        }

        return isSent ? 1 : 0;
    }

    /// <summary>One message that the kernel cuts; one for each segment where it will not.</summary>
    [SkipLocalsInit]
    private bool TransmitSegments(
        Libc.IoVector* vectors, int count, int segmentSize, in TransmitEntry entry, int socket,
        DropCounters drops)
    {
        TunnelSockets.OuterAddress outer;
        Libc.MessageHeader message = default;
        message.Vectors = vectors;
        message.VectorCount = (nuint)(count * 2);
        TunnelSockets.Address(
            entry.Tunnel!, _tunnel.DestinationPort, entry.Egress.Mark, &outer, ref message);
        var plain = message;

        if (count > 1)
        {
            TunnelSockets.AddSegmentSize(&outer, ref message, (ushort)segmentSize);
            const int Flags = LinuxNumbers.MessageDontWait | LinuxNumbers.MessageNoSignal;
            if (Libc.SendMessages(socket, &message, 1, Flags) == 1) return true;
        }

        var messages = stackalloc Libc.MessageHeader[SegmentsMax];
        for (var i = 0; i < count; i++)
        {
            messages[i] = plain;
            messages[i].Vectors = vectors + (i * 2);
            messages[i].VectorCount = 2;
        }

        return SocketSender.Send(socket, messages, count, drops, this) == count;
    }

    private readonly PacketBuffer[] _datagrams = new PacketBuffer[DatapathLimits.BatchSize];
    private TunnelReceiver? _receiver;
    private int _datagramCount;
    private int _datagramNext;
    private int _datagramOffset;

    internal override bool HasMore => _datagramNext < _datagramCount;

    internal override int Receive(PacketBatch batch)
    {
        if (!HasMore && !TryReceive(batch.Pool, _receiver4)
            && (_receiver6 is null || !TryReceive(batch.Pool, _receiver6)))
        {
            return 0;
        }

        var kept = 0;
        while (_datagramNext < _datagramCount && kept < DatapathLimits.BatchSize)
        {
            TakeDatagram(batch, ref kept);
        }

        EndRun(batch, kept);
        return kept;
    }

    private bool TryReceive(PacketPool pool, TunnelReceiver receiver)
    {
        _receiver = receiver;
        _datagramNext = 0;
        _datagramOffset = 0;
        _datagramCount = receiver.Receive(pool, _datagrams);
        return _datagramCount > 0;
    }

    /// <summary>
    /// Takes what one message holds, joined or one by one, until the batch is full.
    /// </summary>
    private void TakeDatagram(PacketBatch batch, ref int kept)
    {
        var datagram = _datagrams[_datagramNext];
        ref var key = ref batch.Keys[kept];
        key = default;
        _receiver!.ReadOuter(_datagramNext, ref key, out var segmentSize);
        if (segmentSize <= 0 || segmentSize >= datagram.Size)
        {
            _datagramNext++;
            TakeSingle(datagram, batch, ref kept);
            return;
        }

        EndRun(batch, kept);
        PacketBuffer? last = null;
        SegmentCoalescer.State state = default;
        var isJoinable = false;
        while (_datagramOffset < datagram.Size)
        {
            if (kept == DatapathLimits.BatchSize) break;
            var size = Math.Min(segmentSize, datagram.Size - _datagramOffset);
            var segment = datagram.Bytes.Slice(_datagramOffset, size);
            if (isJoinable && TryJoin(last!, ref state, datagram, segment))
            {
                _datagramOffset += size;
                continue;
            }

            if (isJoinable) SegmentCoalescer.Finish(last!, state);
            var packet = batch.Pool.Rent();
            packet.Load(segment);
            batch.Keys[kept] = default;
            _receiver.ReadOuter(_datagramNext, ref batch.Keys[kept], out _);
            _datagramOffset += size;
            isJoinable = false;
            if (!TryOpen(packet, batch, kept))
            {
                batch.Pool.Release(packet);
                continue;
            }

            _outerSize = size - packet.Size;
            last = batch.Packets[kept++] = packet;
            isJoinable = TryStart(packet, batch.Keys[kept - 1], out state);
        }

        if (isJoinable) SegmentCoalescer.Finish(last!, state);
        if (_datagramOffset < datagram.Size) return;
        _datagramOffset = 0;
        _datagramNext++;
        batch.Pool.Release(datagram);
    }

    private SegmentCoalescer.State _run;
    private bool _isRunning;

    /// <summary>
    /// Takes a message of one packet; joins it to the one before when it continues that, as the
    /// kernel does with segments of one flow that come together.
    /// </summary>
    private void TakeSingle(PacketBuffer datagram, PacketBatch batch, ref int kept)
    {
        if (!TryOpen(datagram, batch, kept))
        {
            batch.Pool.Release(datagram);
            return;
        }

        if (_isRunning
            && batch.Keys[kept - 1].Bytes.SequenceEqual(batch.Keys[kept].Bytes)
            && SegmentCoalescer.TryAppend(batch.Packets[kept - 1], ref _run, datagram.Bytes))
        {
            batch.Pool.Release(datagram);
            return;
        }

        EndRun(batch, kept);
        batch.Packets[kept++] = datagram;
        _isRunning = _datagramCount > 1 && TryStart(datagram, batch.Keys[kept - 1], out _run);
    }

    /// <summary>Frames are joined; packets that come without an Ethernet header are not.</summary>
    private static bool TryStart(
        PacketBuffer packet, in FlowKey key, out SegmentCoalescer.State state)
    {
        state = default;
        return key.PacketTypeWire == 0 && SegmentCoalescer.TryStart(packet, out state);
    }

    /// <summary>The last kept packet takes no more segments.</summary>
    private void EndRun(PacketBatch batch, int kept)
    {
        if (_isRunning) SegmentCoalescer.Finish(batch.Packets[kept - 1], _run);
        _isRunning = false;
    }

    private int _outerSize;

    /// <summary>Joins a segment whose outer header is byte for byte that of the first.</summary>
    private bool TryJoin(
        PacketBuffer packet, ref SegmentCoalescer.State state, PacketBuffer datagram,
        ReadOnlySpan<byte> segment)
    {
        var outer = datagram.Bytes[.._outerSize];
        return segment.Length > _outerSize && segment[.._outerSize].SequenceEqual(outer)
            && SegmentCoalescer.TryAppend(packet, ref state, segment[_outerSize..]);
    }

    /// <summary>Reads and removes the tunnel header; counts what is wrong with it.</summary>
    private bool TryOpen(PacketBuffer packet, PacketBatch batch, int index)
    {
        ref var key = ref batch.Keys[index];
        key.InPort = Number;
        key.TunnelPortDestinationWire = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(
            _tunnel.DestinationPort);
        if (_receiver!.HasIpHeader) packet.Pull(IpHeaderSize(packet.Bytes));
        var reason = TunnelCodec.Read(
            _tunnel, _options, packet.Bytes, ref key, out var headerSize);
        if (headerSize < 0) return false; // Another port's protocol over the same IP protocol.
        if (reason == DropReason.None)
        {
            packet.Pull(headerSize);
            return true;
        }

        batch.Drops.Add(reason);
        CountReceiveDrop();
        return false;
    }

    /// <summary>Raw IPv4 sockets deliver the IP header too.</summary>
    private static int IpHeaderSize(ReadOnlySpan<byte> bytes) =>
        bytes.IsEmpty ? 0 : Math.Min(bytes.Length, (bytes[0] & 0x0F) * 4);
}
