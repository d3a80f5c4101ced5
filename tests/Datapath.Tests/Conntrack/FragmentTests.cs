using System.Buffers.Binary;
using Fabric.Wire;
using static Fabric.Datapath.Tests.Conntrack.TestPacket;
using static Fabric.Wire.ConntrackState;

namespace Fabric.Datapath.Tests.Conntrack;

public sealed class FragmentTests
{
    private readonly ConntrackTable _table = new(seed: 3);
    private readonly PacketPool _pool = new();
    private long _now = 1_000;

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2", 3_000)]
    [InlineData("fd00::1", "fd00::2", 3_000)]
    [InlineData("10.0.0.1", "10.0.0.2", 65_000)]
    [InlineData("fd00::1", "fd00::2", 65_000)]
    public void A_datagram_is_tracked_when_it_is_whole_and_leaves_in_the_same_pieces(
        string source, string destination, int size)
    {
        var pieces = Cut(Udp(source, 1000, destination, 53, size), 1480);
        var last = Shuffle(pieces);
        for (var i = 0; i < last.Length - 1; i++) Assert.Empty(Track(last[i], commit: true));
        Assert.Equal(pieces.Length - 1, _table.Fragments!.Count);
        var ready = Track(last[^1], commit: true);
        Assert.Equal(pieces, ready.Select(fragment => fragment.Packet.Bytes.ToArray()));
        Assert.All(ready, fragment =>
            Assert.Equal(Tracked | New, Key(fragment).ConntrackState));
        Assert.Equal(1u, _table.Totals().Count);
        Assert.Equal(0, _table.Fragments.Count);
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2", "198.51.100.1")]
    [InlineData("fd00::1", "fd00::2", "2001:db8::1")]
    public void Fragments_are_translated(string source, string destination, string changed)
    {
        var ready = new List<TrackedFragment>();
        foreach (var piece in Cut(Udp(source, 1000, destination, 53, 5_000), 1480))
        {
            ready = Track(piece, commit: true, TrackerBench.SourceNat(changed));
        }

        Assert.Equal(
            Cut(Udp(changed, 1000, destination, 53, 5_000), 1480),
            ready.Select(fragment => fragment.Packet.Bytes.ToArray()));
    }

    [Fact]
    public void An_overlap_is_invalid_and_does_not_spoil_the_rest()
    {
        var pieces = Cut(Udp("10.0.0.1", 1000, "10.0.0.2", 53, 4_000), 1480);
        Track(pieces[0], commit: true);
        var overlapping = (byte[])pieces[1].Clone();
        BinaryPrimitives.WriteUInt16BigEndian(overlapping.AsSpan(20), 0x2000 | (1472 / 8));
        Seal(overlapping);
        var refused = Assert.Single(Track(overlapping, commit: true));
        Assert.Equal(Tracked | Invalid, Key(refused).ConntrackState);
        Assert.Equal(1ul, _table.DropCount(DropReason.FragmentOverlap));
        Assert.Empty(Track(pieces[1], commit: true));
        Assert.Equal(3, Track(pieces[2], commit: true).Count);
    }

    [Fact]
    public void Small_fragments_and_too_many_are_invalid()
    {
        var small = Cut(Udp("10.0.0.1", 1000, "10.0.0.2", 53, 2_000), 800);
        Assert.Equal(Tracked | Invalid,
            Key(Assert.Single(Track(small[0], commit: true))).ConntrackState);
        _table.Fragments!.Ipv4.SizeMin = 500;
        Assert.Empty(Track(small[0], commit: true));

        _table.Fragments.CountMax = 10;
        for (ushort id = 0; id < 100; id++)
        {
            var piece = Cut(Udp("10.0.0.3", 1000, "10.0.0.2", 53, 4_000), 1480, id)[0];
            Track(piece, commit: true);
        }

        Assert.Equal(10, _table.Fragments.Count);
        Assert.Equal(91ul, _table.DropCount(DropReason.FragmentLimit));
        _table.Sweep(_now + 15_001, 64);
        Assert.Equal(0, _table.Fragments.Count);
        Assert.Equal(10ul, _table.DropCount(DropReason.FragmentTimeout));
    }

    [Fact]
    public void Impossible_fragments_are_invalid_and_none_throws()
    {
        var piece = Cut(Udp("10.0.0.1", 1000, "10.0.0.2", 53, 4_000), 1480)[1];
        var tooFar = (byte[])piece.Clone();
        BinaryPrimitives.WriteUInt16BigEndian(tooFar.AsSpan(20), 0x1FFF);
        Seal(tooFar);
        Assert.Equal(Tracked | Invalid,
            Key(Assert.Single(Track(tooFar, commit: true))).ConntrackState);
        for (var size = 34; size < 200; size++)
        {
            Assert.Single(Track(piece[..size], commit: true));
        }
    }

    private List<TrackedFragment> Track(byte[] frame, bool commit, NatSpec? nat = null)
    {
        var packet = new PacketBuffer();
        packet.Load(frame);
        FlowKey key = default;
        var ready = new List<TrackedFragment>();
        FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out var layout, out _);
        _table.Reassembly.Track(packet, key, layout,
            TrackerBench.Action(commit: commit, nat: nat), _now, _pool, ready);
        _now++;
        return ready;
    }

    private static FlowKey Key(TrackedFragment fragment) => fragment.Key;

    private static byte[][] Shuffle(byte[][] pieces)
    {
        var shuffled = (byte[][])pieces.Clone();
        new Random(5).Shuffle(shuffled);
        return shuffled;
    }

    /// <summary>Cuts a whole frame into fragments with 'size' bytes of data each.</summary>
    private static byte[][] Cut(byte[] frame, int size, ushort id = 7)
    {
        var isIpv6 = frame[12] == 0x86;
        var header = isIpv6 ? 54 : 34;
        var pieces = new List<byte[]>();
        for (var start = 0; header + start < frame.Length; start += size)
        {
            var count = Math.Min(size, frame.Length - header - start);
            var more = header + start + count < frame.Length;
            var data = frame.AsSpan(header + start, count);
            byte[] piece;
            if (isIpv6)
            {
                byte[] fragment = [frame[20], 0, 0, 0, 0, 0, 0, (byte)id];
                piece = [.. frame.AsSpan(0, header), .. fragment, .. data];
                piece[20] = 44;
                BinaryPrimitives.WriteUInt16BigEndian(piece.AsSpan(18), (ushort)(count + 8));
                BinaryPrimitives.WriteUInt16BigEndian(
                    piece.AsSpan(56), (ushort)(start | (more ? 1 : 0)));
            }
            else
            {
                piece = [.. frame.AsSpan(0, header), .. data];
                BinaryPrimitives.WriteUInt16BigEndian(piece.AsSpan(16), (ushort)(20 + count));
                BinaryPrimitives.WriteUInt16BigEndian(piece.AsSpan(18), id);
                BinaryPrimitives.WriteUInt16BigEndian(
                    piece.AsSpan(20), (ushort)((start / 8) | (more ? 0x2000 : 0)));
                Seal(piece);
            }

            pieces.Add(piece);
        }

        return [.. pieces];
    }

    /// <summary>The IPv4 header's checksum anew.</summary>
    private static void Seal(byte[] frame)
    {
        frame[24] = frame[25] = 0;
        var sum = InternetChecksum.ComputeWire(frame.AsSpan(14, 20));
        System.Runtime.InteropServices.MemoryMarshal.Write(frame.AsSpan(24), in sum);
    }
}
