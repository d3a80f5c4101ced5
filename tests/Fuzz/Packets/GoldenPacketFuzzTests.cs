using System.Buffers.Binary;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Fuzz;

/// <summary>
/// Every golden packet cut at every byte, and every field of it that could be a length at 0, 1,
/// max-1 and max; and parsers of bytes that the other fuzzers do not reach.
/// </summary>
public sealed class GoldenPacketFuzzTests
{
    private static readonly TunnelKind[] Tunnels = Enum.GetValues<TunnelKind>();

    [Fact]
    public void Every_truncation_of_every_packet_is_read_or_refused_with_a_reason()
    {
        foreach (var packet in Packets())
        {
            for (var size = 0; size <= packet.Length; size++) Read(packet.AsSpan(0, size));
        }
    }

    [Fact]
    public void Every_field_at_its_extremes_is_read_or_refused_with_a_reason()
    {
        foreach (var packet in Packets())
        {
            var bent = new byte[packet.Length];
            for (var at = 0; at < packet.Length; at++)
            {
                foreach (byte value in new byte[] { 0, 1, 0xFE, 0xFF })
                {
                    packet.CopyTo(bent, 0);
                    bent[at] = value;
                    Read(bent);
                }

                for (var width = 2; width <= 4; width += 2)
                {
                    if (at + width > packet.Length) continue;
                    foreach (var value in new uint[] { 0, 1, uint.MaxValue - 1, uint.MaxValue })
                    {
                        packet.CopyTo(bent, 0);
                        if (width == 2)
                        {
                            BinaryPrimitives.WriteUInt16BigEndian(bent.AsSpan(at), (ushort)value);
                        }
                        else
                        {
                            BinaryPrimitives.WriteUInt32BigEndian(bent.AsSpan(at), value);
                        }

                        Read(bent);
                    }
                }
            }
        }
    }

    [Fact]
    public void Stt_segments_take_anything()
    {
        var random = new Random(21);
        var reassembler = new SttReassembler();
        var pool = new PacketPool();
        byte[][] samples = [Convert.FromHexString(
            "C350 1D2F 0064 0000 00000007 5018 FFFF 0000 0000".Replace(" ", "")
            + "000E22000000000000000000000000050000" + new string('0', 160))];
        for (var i = 0; i < PacketFuzzTests.Count; i++)
        {
            var bytes = PacketFuzzTests.Bent(random, samples);
            if (!SttSegment.TryParse(bytes, out var segment, out var data, out var reason))
            {
                Assert.NotEqual(DropReason.None, reason);
                continue;
            }

            Assert.True(segment.Offset + data.Length <= segment.FrameSize, $"input {i}");
            var name = new SttReassembler.FrameName(default, 0, segment.FrameId & 3);
            reassembler.Add(
                name, segment.FrameSize, segment.Offset, data, i, pool, out var whole);
            if (whole is null) continue;
            SttHeader.TryParse(whole.Bytes, out _, out _, out _);
            pool.Release(whole);
        }
    }

    [Fact]
    public void Pcap_files_take_anything()
    {
        var random = new Random(22);
        byte[][] samples =
        [
            Convert.FromHexString(
                "D4C3B2A1020004000000000000000000000004000100000000000000000000000400000004000000"
                + "01020304"),
        ];
        for (var i = 0; i < PacketFuzzTests.Count; i++)
        {
            var bytes = PacketFuzzTests.Bent(random, samples);
            using var reader = PcapReader.TryOpen(new MemoryStream(bytes), out var error);
            Assert.Equal(reader is null, error.Length > 0);
            var size = 0;
            while (reader is not null && reader.TryRead(out var packet)) size += packet.Length;
            Assert.True(size <= bytes.Length, $"input {i}");
        }
    }

    /// <remarks>What the kernel says of a packet is checked as if it were from outside.</remarks>
    [Fact]
    public unsafe void Vnet_headers_take_anything()
    {
        var random = new Random(23);
        var packet = new PacketBuffer(256);
        Span<byte> header = stackalloc byte[VnetHeader.Size];
        for (var i = 0; i < PacketFuzzTests.Count; i++)
        {
            random.NextBytes(header);
            if (random.Next(2) == 0) header[0] &= 3;
            packet.Load(new byte[random.Next(0, 200)]);
            fixed (byte* first = header)
            {
                if (!((VnetHeader*)first)->TryApply(packet)) continue;
            }

            Assert.True(packet.ChecksumStart + packet.ChecksumOffset + 2 <= packet.Size
                || packet.ChecksumStart < 0, $"input {i}");
            VnetHeader.From(packet);
            ChecksumCompletion.TryComplete(packet);
        }
    }

    private static IEnumerable<byte[]> Packets()
    {
        foreach (var packet in PacketFuzzTests.Samples()) yield return packet;
        yield return Convert.FromHexString("0240655800000500" + "0102800100020001"
            + "FFFF000100000000");
        yield return Convert.FromHexString("0800000000000100" + "505400000001");
        yield return Convert.FromHexString("B0006558000000000000000500000001" + "0000");
        yield return Convert.FromHexString("100088BE00000001" + "1000004D00012345" + "0200");
        yield return Convert.FromHexString("100022EB00000001" + "2000004D00000001"
            + "00000008" + "0200");
        yield return Convert.FromHexString("34FF000400000007" + "00000000" + "45000014");
    }

    private static void Read(ReadOnlySpan<byte> bytes)
    {
        FlowKey key = default;
        var isRead = FlowKeyExtractor.TryExtract(bytes, ref key, out var layout, out var reason);
        Assert.Equal(isRead, reason == DropReason.None);
        Assert.True(layout.EndOffset <= bytes.Length);
        Assert.True(layout.TransportOffset <= bytes.Length);
        key = default;
        key.PacketTypeWire = 0x0008_0100; // An IPv4 packet without a link header.
        FlowKeyExtractor.TryExtract(bytes, ref key, out _, out _);
        foreach (var kind in Tunnels)
        {
            key = default;
            reason = TunnelCodec.Read(
                new TunnelPortSpec(kind, 0, HasGbp: true, HasGpe: true), Known, bytes, ref key,
                out var size);
            if (reason == DropReason.None) Assert.True(size <= bytes.Length);
        }
    }

    private static readonly GeneveOptions Known = new();
}
