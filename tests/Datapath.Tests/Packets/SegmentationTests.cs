using Fabric.Wire;

namespace Fabric.Datapath.Tests;

public sealed class SegmentationTests
{
    private static PacketBuffer Super(bool isIpv6, bool isUdp, int data, ushort segment)
    {
        var text = (isIpv6
            ? "eth_type(0x86dd),ipv6(src=fc00::1,dst=fc00::2,proto=PROTO,hlimit=64,frag=no),"
            : "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=PROTO,ttl=64,frag=no),")
            .Replace("PROTO", isUdp ? "17" : "6")
            + (isUdp ? "udp(src=5,dst=6)" : "tcp(src=5,dst=6),tcp_flags(fin|psh|ack|cwr)");
        Assert.True(OdpFlowText.TryParse(text, null, out var key, out _, out var error), error);
        var header = 14 + (isIpv6 ? 40 : 20) + (isUdp ? 8 : 20);
        var bytes = PacketBuilder.Compose(key, header + data);
        new Random(data).NextBytes(bytes.AsSpan(header));
        var packet = new PacketBuffer(70_000);
        packet.Load(bytes);
        packet.SegmentSize = segment;
        packet.Gso = isUdp ? GsoKind.Udp : isIpv6 ? GsoKind.TcpIpv6 : GsoKind.TcpIpv4;
        return packet;
    }

    [Theory]
    [InlineData(false, false, 4000, 1000, 4)]
    [InlineData(false, false, 4001, 1000, 5)]
    [InlineData(false, false, 999, 1000, 1)]
    [InlineData(true, false, 64_000, 1448, 45)]
    [InlineData(false, true, 3001, 1472, 3)]
    [InlineData(true, true, 3001, 1001, 3)]
    [InlineData(false, false, 300, 1, 300)]
    public void Segments_carry_all_data_with_right_headers(
        bool isIpv6, bool isUdp, int data, ushort segmentSize, int count)
    {
        var packet = Super(isIpv6, isUdp, data, segmentSize);
        Assert.True(Segmenter.TryCreate(packet, 0, out var segmenter));
        Assert.Equal(count, segmenter.Count);

        var header = packet.Size - data;
        var joined = new List<byte>();
        var segment = new PacketBuffer();
        for (var i = 0; i < count; i++)
        {
            Assert.True(segmenter.MoveNext(segment));
            PacketChecks.ChecksumsAreRight(segment.Bytes);
            joined.AddRange(segment.Bytes[header..]);
            if (isUdp) continue;
            FlowKey key = default;
            FlowKeyExtractor.TryExtract(segment.Bytes, ref key, out _);
            Assert.Equal(i == count - 1, (key.TcpFlags & 0x09) != 0);
            Assert.Equal(i == 0, (key.TcpFlags & 0x80) != 0);
        }

        Assert.False(segmenter.MoveNext(segment));
        Assert.Equal(packet.Bytes[header..].ToArray(), joined);
    }

    /// <remarks>Cutting and joining again gives the same data under the same headers.</remarks>
    [Theory]
    [InlineData(false, 10_000, 1000)]
    [InlineData(true, 9_999, 1348)]
    public void Joined_segments_are_the_packet_that_was_cut(
        bool isIpv6, int data, ushort segmentSize)
    {
        var packet = Super(isIpv6, isUdp: false, data, segmentSize);
        packet.Bytes[14 + (isIpv6 ? 40 : 20) + 13] = 0x18; // PSH and ACK only.
        Segmenter.TryCreate(packet, 0, out var segmenter);
        var joined = new PacketBuffer(70_000);
        var segment = new PacketBuffer();
        segmenter.MoveNext(joined);
        Assert.True(SegmentCoalescer.TryStart(joined, out var state));
        while (segmenter.MoveNext(segment))
        {
            Assert.True(SegmentCoalescer.TryAppend(joined, ref state, segment.Bytes));
        }

        SegmentCoalescer.Finish(joined, state);
        Assert.Equal(segmentSize, joined.SegmentSize);
        Assert.Equal(isIpv6 ? GsoKind.TcpIpv6 : GsoKind.TcpIpv4, joined.Gso);
        Assert.Equal(packet.Size, joined.Size);
        Assert.True(ChecksumCompletion.TryComplete(joined));
        PacketChecks.ChecksumsAreRight(joined.Bytes);
        Assert.Equal(packet.Bytes[^data..].ToArray(), joined.Bytes[^data..].ToArray());
    }

    [Theory]
    [InlineData(38)] // Sequence number: a gap.
    [InlineData(42)] // Acknowledgement.
    [InlineData(47)] // Flags: RST.
    [InlineData(48)] // Window.
    [InlineData(26)] // Source address.
    [InlineData(60)] // Data: the checksum is wrong.
    [InlineData(15)] // TOS.
    [InlineData(22)] // TTL.
    public void A_segment_that_differs_is_not_joined(int offset)
    {
        var packet = Super(isIpv6: false, isUdp: false, 2000, 1000);
        packet.Bytes[47] = 0x10;
        Segmenter.TryCreate(packet, 0, out var segmenter);
        var first = new PacketBuffer(4000);
        var second = new PacketBuffer();
        segmenter.MoveNext(first);
        segmenter.MoveNext(second);
        second.Bytes[offset] ^= 0x04;
        var size = first.Size;

        Assert.True(SegmentCoalescer.TryStart(first, out var state));
        Assert.False(SegmentCoalescer.TryAppend(first, ref state, second.Bytes));
        Assert.Equal(size, first.Size);
    }
}
