using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>STT frames into segments and back (draft-davie-stt-08).</summary>
public sealed class SttTests
{
    private static readonly SttReassembler.FrameName Name = new(default, 50_000, 7);

    [Theory]
    [InlineData(1, 1400)]
    [InlineData(60, 1400)]
    [InlineData(1382, 1400)]
    [InlineData(1383, 1400)]
    [InlineData(9000, 1460)]
    [InlineData(65_517, 1460)]
    public void A_packet_of_any_size_is_the_same_after_segments_and_reassembly(int size, int room)
    {
        var packet = Packet(size);
        var segments = Segments(packet, room);
        Assert.All(segments, segment => Assert.True(segment.Length <= SttSegment.Size + room));
        Shuffle(segments);
        var frame = Reassemble(segments, new SttReassembler(), new PacketPool());
        Assert.NotNull(frame);
        Assert.True(SttHeader.TryParse(frame.Bytes, out var header, out var inner, out _));
        Assert.Equal(0xABCDEF0123456789, header.ContextId);
        Assert.True(packet.Bytes.SequenceEqual(inner));
    }

    [Fact]
    public void A_super_packet_keeps_its_segment_size_and_where_its_checksum_goes()
    {
        FlowKey key = default;
        Assert.True(OdpFlowText.TryParse(
            "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),"
            + "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,ttl=64,frag=no),tcp(src=1,dst=2)",
            null, out key, out _, out var error), error);
        var packet = new PacketBuffer(8000);
        packet.Load(PacketBuilder.Compose(key, 4000));
        (packet.Gso, packet.SegmentSize) = (GsoKind.TcpIpv4, 1448);
        (packet.ChecksumStart, packet.ChecksumOffset) = (34, 16);
        var frame = Reassemble(Segments(packet, 1460), new SttReassembler(), new PacketPool());
        Assert.True(SttHeader.TryParse(frame!.Bytes, out var header, out _, out _));
        Assert.True(header.IsChecksumPartial && header.IsIpv4 && header.IsTcp);
        Assert.Equal(34, header.TransportOffset);
        Assert.Equal(1448, header.SegmentSize);
    }

    [Fact]
    public void Segments_that_overlap_cost_the_frame()
    {
        var segments = Segments(Packet(4000), 1400);
        var reassembler = new SttReassembler();
        var pool = new PacketPool();
        Assert.Equal(DropReason.None, Add(reassembler, segments[0], pool, out _));
        Assert.Equal(DropReason.SttReassembly, Add(reassembler, segments[0], pool, out _));
        Assert.Equal(0, reassembler.Count);
        Assert.Null(Reassemble(segments[1..], reassembler, pool));
    }

    [Fact]
    public void Frames_that_stay_incomplete_are_few_and_leave_in_time()
    {
        var reassembler = new SttReassembler();
        var pool = new PacketPool();
        var segment = Segments(Packet(4000), 1400)[0];
        for (uint id = 0; id < 1000; id++)
        {
            Assert.True(SttSegment.TryParse(segment, out var view, out var data, out _));
            reassembler.Add(
                Name with { FrameId = id }, view.FrameSize, view.Offset, data, 1, pool, out _);
        }

        Assert.Equal(SttReassembler.FramesMax, reassembler.Count);
        Assert.Equal(0, reassembler.Expire(SttReassembler.TimeoutMilliseconds, pool));
        Assert.Equal(
            SttReassembler.FramesMax,
            reassembler.Expire(1 + SttReassembler.TimeoutMilliseconds, pool));
        Assert.Equal(0, reassembler.Count);
    }

    [Fact]
    public void Any_segments_in_any_order_do_no_harm()
    {
        var random = new Random(11);
        var reassembler = new SttReassembler();
        var pool = new PacketPool();
        var data = new byte[2000];
        for (var i = 0; i < 20_000; i++)
        {
            var size = random.Next(1, 3000);
            var offset = random.Next(0, size);
            var count = Math.Min(random.Next(0, 1000), size - offset);
            reassembler.Add(
                Name with { FrameId = (uint)random.Next(4) }, size, offset, data.AsSpan(0, count),
                i, pool, out var whole);
            Assert.True(whole is null || whole.Size == size);
            if (whole is not null) pool.Release(whole);
        }
    }

    internal static PacketBuffer Packet(int size)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        var packet = new PacketBuffer(size);
        packet.Load(bytes);
        return packet;
    }

    internal static List<byte[]> Segments(PacketBuffer packet, int room)
    {
        Assert.True(SttFramer.TryCreate(
            packet, 0xABCDEF0123456789, 7, (50_000, 7471), room, out var framer));
        var segments = new List<byte[]>();
        var headers = new byte[SttFramer.HeaderSizeMax];
        while (framer.MoveNext(headers, out var size, out var payload))
        {
            SttFramer.WriteChecksum(headers.AsSpan(0, size), payload, [10, 0, 0, 1, 10, 0, 0, 2]);
            segments.Add([.. headers.AsSpan(0, size), .. payload]);
        }

        return segments;
    }

    private static PacketBuffer? Reassemble(
        List<byte[]> segments, SttReassembler reassembler, PacketPool pool)
    {
        PacketBuffer? whole = null;
        foreach (var segment in segments)
        {
            Assert.Null(whole);
            Assert.Equal(DropReason.None, Add(reassembler, segment, pool, out whole));
        }

        return whole;
    }

    private static DropReason Add(
        SttReassembler reassembler, byte[] segment, PacketPool pool, out PacketBuffer? whole)
    {
        Assert.True(SttSegment.TryParse(segment, out var view, out var data, out var reason));
        Assert.Equal(DropReason.None, reason);
        return reassembler.Add(
            Name, view.FrameSize, view.Offset, data, nowMilliseconds: 1, pool, out whole);
    }

    private static void Shuffle(List<byte[]> segments) =>
        new Random(3).Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(segments));
}
