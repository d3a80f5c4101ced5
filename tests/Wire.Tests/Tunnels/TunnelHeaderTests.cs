namespace Fabric.Wire.Tests;

/// <summary>
/// GRE, ERSPAN, GTP-U and STT: bytes of the standards left, what they mean right.
/// </summary>
public sealed class TunnelHeaderTests
{
    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", ""));

    [Theory]
    [InlineData("0000 6558", "proto=0x6558 key=- seq=-")]
    [InlineData("2000 6558 0000007b", "proto=0x6558 key=123 seq=-")]
    [InlineData("3000 6558 0000007b 00000009", "proto=0x6558 key=123 seq=9")]
    [InlineData("1000 88be 00000009", "proto=0x88be key=- seq=9")]
    public void Gre_bytes_and_text_agree(string hex, string text)
    {
        var bytes = Bytes(hex);
        Assert.True(GreHeader.TryParse(bytes, out var header, out var payload, out _));
        var key = header.HasKey ? $"{header.Key}" : "-";
        var sequence = header.HasSequence ? $"{header.Sequence}" : "-";
        Assert.Equal(text, $"proto=0x{header.ProtocolType:x4} key={key} seq={sequence}");
        Assert.True(payload.IsEmpty);

        Span<byte> written = stackalloc byte[GreHeader.SizeMax];
        var size = GreHeader.Write(
            written, header.ProtocolType, header.HasKey ? header.Key : null,
            header.HasSequence ? header.Sequence : null, hasChecksum: false);
        Assert.Equal(bytes, written[..size].ToArray());
        for (var cut = 0; cut < bytes.Length; cut++)
        {
            Assert.False(GreHeader.TryParse(bytes.AsSpan(0, cut), out _, out _, out var reason));
            Assert.Equal(DropReason.GreTruncated, reason);
        }
    }

    [Fact]
    public void Gre_checksums_cover_the_payload()
    {
        byte[] packet = new byte[GreHeader.SizeMax + 33];
        new Random(1).NextBytes(packet);
        var size = GreHeader.Write(packet, 0x6558, key: 5, sequence: 6, hasChecksum: true);
        Assert.Equal(16, size);
        GreHeader.WriteChecksum(packet.AsSpan(0, size), packet.AsSpan(size));
        Assert.True(GreHeader.TryParse(packet, out var header, out _, out _));
        Assert.Equal(5u, header.Key);
        Assert.Equal(6u, header.Sequence);

        packet[^1] ^= 1;
        Assert.False(GreHeader.TryParse(packet, out _, out _, out var reason));
        Assert.Equal(DropReason.TunnelChecksum, reason);
    }

    [Theory]
    [InlineData("4000 6558")] // Routing.
    [InlineData("0001 6558")] // Version 1 (PPTP).
    public void Gre_with_flags_that_nobody_speaks_is_refused(string hex)
    {
        Assert.False(GreHeader.TryParse(Bytes(hex), out _, out _, out var reason));
        Assert.Equal(DropReason.GreFlags, reason);
    }

    [Fact]
    public void Erspan_of_both_versions_reads_what_it_writes()
    {
        Span<byte> first = stackalloc byte[ErspanHeader.Version1Size];
        ErspanHeader.Write(first, sessionId: 0x2A5, index: 0xABCDE);
        Assert.True(ErspanHeader.TryParse(first, out var one, out _, out _));
        Assert.Equal((1, 0x2A5, 0xABCDEu), (one.Version, one.SessionId, one.Index));
        Assert.Equal("10001AA5000ABCDE", Convert.ToHexString(first));

        Span<byte> second = stackalloc byte[ErspanHeader.Version2Size];
        ErspanHeader.Write(second, sessionId: 7, timestamp: 9, direction: 1, hardwareId: 0x21);
        Assert.True(ErspanHeader.TryParse(second, out var two, out _, out _));
        Assert.Equal((2, 7, 1, 0x21), (two.Version, two.SessionId, two.Direction, two.HardwareId));

        second[11] |= 1; // A platform header that is not there.
        Assert.False(ErspanHeader.TryParse(second, out _, out _, out var reason));
        Assert.Equal(DropReason.ErspanTruncated, reason);
        second[0] = 0x30;
        Assert.False(ErspanHeader.TryParse(second, out _, out _, out reason));
        Assert.Equal(DropReason.ErspanVersion, reason);
    }

    [Theory]
    [InlineData("30 ff 0004 00000005 45000000", DropReason.None, 8)]
    [InlineData("32 ff 0008 00000005 00010000 45000000", DropReason.None, 12)]
    [InlineData("34 ff 000c 00000005 00000085 01aabb00 45000000", DropReason.None, 16)]
    [InlineData("34 ff 000c 00000005 00000085 00aabb00 45000000", DropReason.GtpuTruncated, 0)]
    [InlineData("34 ff 000c 00000005 00000085 ffaabb00 45000000", DropReason.GtpuTruncated, 0)]
    [InlineData("30 ff 0005 00000005 45000000", DropReason.GtpuTruncated, 0)]
    [InlineData("30 01 0000 00000005", DropReason.GtpuMessage, 0)]
    [InlineData("50 ff 0000 00000005", DropReason.GtpuMessage, 0)]
    public void Gtpu_headers_with_their_extensions_are_skipped(
        string hex, DropReason expected, int size)
    {
        var bytes = Bytes(hex);
        var isRead = GtpuHeader.TryParse(bytes, out var header, out var payload, out var reason);
        Assert.Equal(expected, reason);
        if (!isRead) return;
        Assert.Equal(5u, header.Teid);
        Assert.Equal(bytes[size..], payload.ToArray());
    }

    [Fact]
    public void Stt_reads_what_it_writes_and_segments_stay_within_their_frame()
    {
        Span<byte> frame = stackalloc byte[SttHeader.Size];
        SttHeader.Write(frame, 0x0102_0304_0506_0708, flags: 0x0E, 34, 1400, vlanTci: 0x1005);
        Assert.True(SttHeader.TryParse(frame, out var header, out _, out _));
        Assert.Equal(0x0102_0304_0506_0708u, header.ContextId);
        Assert.True(header.IsChecksumPartial && header.IsIpv4 && header.IsTcp);
        Assert.Equal((34, 1400, 0x1005),
            (header.TransportOffset, header.SegmentSize, header.VlanTci));
        Assert.False(SttHeader.TryParse(frame[..17], out _, out _, out _));

        var segment = Bytes("1234 1d2f 0010 0008 0000002a 50100000 00000000 0102030405060708");
        Assert.True(SttSegment.TryParse(segment, out var view, out var data, out _));
        Assert.Equal((16, 8, 42u), (view.FrameSize, view.Offset, view.FrameId));
        Assert.Equal(8, data.Length);
        segment[7] = 9;
        Assert.False(SttSegment.TryParse(segment, out _, out _, out var reason));
        Assert.Equal(DropReason.SttReassembly, reason);
    }
}
