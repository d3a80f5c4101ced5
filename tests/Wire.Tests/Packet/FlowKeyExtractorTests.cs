namespace Fabric.Wire.Tests;

public sealed class FlowKeyExtractorTests
{
    public static TheoryData<string> Names => SamplePackets.Names;

    [Theory, MemberData(nameof(Names))]
    public void A_composed_packet_is_read_back_as_its_key(string name)
    {
        var expected = SamplePackets.Key(name);
        var packet = PacketBuilder.Compose(expected);
        FlowKey key = default;

        Assert.True(FlowKeyExtractor.TryExtract(packet, ref key, out var reason), $"{reason}");
        Assert.Equal(Convert.ToHexString(expected.Bytes), Convert.ToHexString(key.Bytes));
    }

    [Fact]
    public void Metadata_and_tunnel_are_the_callers_and_stay()
    {
        var packet = PacketBuilder.Compose(SamplePackets.Key("tcp"));
        FlowKey key = default;
        key.Bytes.Fill(0xA5);
        key.PacketTypeWire = 0;

        Assert.True(FlowKeyExtractor.TryExtract(packet, ref key, out _));
        Assert.True(key.Bytes[..48].IndexOfAnyExcept((byte)0xA5) < 0);
        Assert.True(key.Bytes[64..FlowKey.LinkOffset].IndexOfAnyExcept((byte)0xA5) < 0);
        Assert.True(key.Bytes[FlowKey.TunnelOffset..].IndexOfAnyExcept((byte)0xA5) < 0);
        Assert.Equal(80, key.PortDestination);
        Assert.Equal(0u, key.Mpls0Wire);
    }

    [Theory, MemberData(nameof(Names))]
    public void Every_truncation_is_refused_or_read_within_its_bytes(string name)
    {
        var packet = PacketBuilder.Compose(SamplePackets.Key(name));
        for (var size = 0; size < packet.Length; size++)
        {
            FlowKey key = default;
            var cut = packet.AsSpan(0, size).ToArray();
            var isRead = FlowKeyExtractor.TryExtract(cut, ref key, out var layout, out var reason);
            Assert.Equal(isRead, reason == DropReason.None);
            Assert.True(layout.EndOffset <= size);
            Assert.True(layout.TransportOffset <= size);
            if (size < 14) Assert.Equal(DropReason.EthernetTruncated, reason);
        }
    }

    [Theory]
    [InlineData("00", DropReason.Ipv4HeaderLength)] // Version 0.
    [InlineData("44", DropReason.Ipv4HeaderLength)] // Four words.
    [InlineData("4f", DropReason.TcpTruncated)]     // Options where TCP should be.
    public void Ipv4_header_lengths_that_lie_are_refused(string first, DropReason expected)
    {
        var packet = PacketBuilder.Compose(SamplePackets.Key("tcp"), size: 80);
        packet[14] = Convert.ToByte(first, 16);
        packet[17] = 66;
        FlowKey key = default;

        Assert.False(FlowKeyExtractor.TryExtract(packet, ref key, out var reason));
        Assert.Equal(expected, reason);
        Assert.Equal(EtherType.Ipv4, key.EthernetType);
    }

    [Theory]
    [InlineData(0, DropReason.Ipv4TotalLength)]
    [InlineData(19, DropReason.Ipv4TotalLength)]
    [InlineData(20, DropReason.TcpTruncated)]
    [InlineData(40, DropReason.None)]
    [InlineData(41, DropReason.Ipv4TotalLength)]
    [InlineData(65535, DropReason.Ipv4TotalLength)]
    public void Ipv4_total_lengths_are_held_against_the_packet(int length, DropReason expected)
    {
        var packet = PacketBuilder.Compose(SamplePackets.Key("tcp"));
        (packet[16], packet[17]) = ((byte)(length >> 8), (byte)length);
        FlowKey key = default;
        FlowKeyExtractor.TryExtract(packet, ref key, out var reason);
        Assert.Equal(expected, reason);
    }

    /// <remarks>CVE-2020-35498: padding beyond 255 bytes is padding, not data.</remarks>
    [Theory]
    [InlineData(1), InlineData(255), InlineData(256), InlineData(1400)]
    public void Link_layer_padding_of_any_size_is_not_part_of_the_packet(int padding)
    {
        var expected = SamplePackets.Key("udp");
        var bare = PacketBuilder.Compose(expected);
        var padded = new byte[bare.Length + padding];
        bare.CopyTo(padded, 0);
        FlowKey key = default;

        Assert.True(FlowKeyExtractor.TryExtract(padded, ref key, out var layout, out _));
        Assert.Equal(expected, key);
        Assert.Equal(bare.Length, layout.EndOffset);
    }

    /// <remarks>CVE-2016-2074: a label stack without bottom must not be followed outside.</remarks>
    [Fact]
    public void A_label_stack_without_bottom_is_malformed()
    {
        var packet = new byte[14 + 400];
        (packet[12], packet[13]) = (0x88, 0x47);
        FlowKey key = default;
        Assert.False(FlowKeyExtractor.TryExtract(packet, ref key, out var reason));
        Assert.Equal(DropReason.MplsTruncated, reason);
    }

    [Fact]
    public void Extension_headers_are_skipped_and_chains_that_run_out_refused()
    {
        var packet = PacketBuilder.Compose(SamplePackets.Key("tcp6"));
        var longer = new byte[packet.Length + 16];
        packet.AsSpan(0, 54).CopyTo(longer);
        packet.AsSpan(54).CopyTo(longer.AsSpan(70));
        longer[20] = IpProtocol.HopByHop;
        longer[54] = IpProtocol.DestinationOptions;
        longer[62] = IpProtocol.Tcp;
        longer[19] += 16;
        FlowKey key = default;

        Assert.True(FlowKeyExtractor.TryExtract(longer, ref key, out var layout, out _));
        Assert.Equal(SamplePackets.Key("tcp6"), key);
        Assert.Equal(70, layout.TransportOffset);

        longer[63] = 255;
        Assert.False(FlowKeyExtractor.TryExtract(longer, ref key, out var reason));
        Assert.Equal(DropReason.Ipv6ExtensionHeader, reason);
    }

    [Theory]
    [InlineData(0, DropReason.NdMalformed)] // An option of length zero: the loop must end.
    [InlineData(1, DropReason.None)]
    [InlineData(2, DropReason.NdMalformed)]
    [InlineData(255, DropReason.NdMalformed)]
    public void Neighbour_discovery_options_keep_to_their_lengths(byte length, DropReason expected)
    {
        var packet = PacketBuilder.Compose(SamplePackets.Key("neighbour solicitation"));
        packet[14 + 40 + 24 + 1] = length;
        FlowKey key = default;
        FlowKeyExtractor.TryExtract(packet, ref key, out var reason);
        Assert.Equal(expected, reason);
    }

    [Fact]
    public void Frames_with_a_length_in_place_of_a_type_have_the_type_of_their_snap_header()
    {
        var ip = PacketBuilder.Compose(SamplePackets.Key("udp"));
        byte[] snap = [.. ip.AsSpan(0, 12), 0, 60, 0xAA, 0xAA, 3, 0, 0, 0, .. ip.AsSpan(12)];
        FlowKey key = default;
        Assert.True(FlowKeyExtractor.TryExtract(snap, ref key, out var layout, out _));
        Assert.Equal(SamplePackets.Key("udp"), key);
        Assert.Equal(20, layout.EthernetTypeOffset);

        snap[14] = 0x42; // Spanning tree's LLC.
        Assert.True(FlowKeyExtractor.TryExtract(snap, ref key, out _));
        Assert.Equal(EtherType.None, key.EthernetType);
    }

    [Fact]
    public void Packets_without_a_link_header_start_at_their_packet_type()
    {
        var ip = PacketBuilder.Compose(SamplePackets.Key("udp"));
        FlowKey key = default;
        key.PacketTypeWire = 0x0008_0100; // ns=1, id=0x0800
        Assert.True(FlowKeyExtractor.TryExtract(ip.AsSpan(14), ref key, out var layout, out _));
        Assert.Equal(80, key.PortDestination);
        Assert.Equal(0, layout.NetworkOffset);
        Assert.True(key.EthernetSource.IsZero);
    }

    [Fact]
    public void Extraction_allocates_nothing()
    {
        var packets = SamplePackets.Keys().Select(s => PacketBuilder.Compose(s.Key)).ToArray();
        FlowKey key = default;
        foreach (var packet in packets) FlowKeyExtractor.TryExtract(packet, ref key, out _);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
        {
            FlowKeyExtractor.TryExtract(packets[i % packets.Length], ref key, out _);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
