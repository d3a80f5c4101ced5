using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Datapath.Tests.Conntrack;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Actions that took the slow path once: fragments, meters, hashes.</summary>
/// <remarks>
/// Goal: the kernel's answers are those of the managed datapath. Method: frames through veth
/// devices in a namespace, compared with what the managed classes compute.
/// </remarks>
public sealed class EbpfActionTests
{
    private const string Source = "10.0.0.1", Destination = "10.0.0.2";

    [EbpfTheory]
    [InlineData("ct(commit,zone=5),recirc(0x1)", Source, false)]
    [InlineData("ct(commit,zone=5),recirc(0x1)", Source, true)]
    [InlineData("ct(commit,zone=5,nat(src=198.51.100.1)),recirc(0x1)", "198.51.100.1", false)]
    public void Fragments_are_tracked_as_a_whole_and_leave_in_their_sizes(
        string actions, string leavesFrom, bool isReversed)
    {
        using var lab = new Lab(3);
        lab.Put("recirc_id(0),in_port(1)", actions);
        lab.Put("recirc_id(0x1),in_port(1),ct_state(+trk+new-inv)", "2");
        lab.Put("recirc_id(0x1),in_port(1),ct_state(+inv)", "3");
        var pieces = Cut(TestPacket.Udp(Source, 1000, Destination, 53, 4_000));
        foreach (var piece in isReversed ? pieces.Reverse() : pieces) lab.Send(1, piece);

        var expected = Cut(TestPacket.Udp(leavesFrom, 1000, Destination, 53, 4_000));
        Assert.Equal(expected, lab.Take(2, pieces.Length));
        Assert.Empty(lab.Take(3, 0));
        Assert.Equal(1u, lab.Datapath.Conntrack.Totals().Count);
        Assert.Equal(1ul, lab.Datapath.Conntrack.Fragments!.Ipv4.Completed);
        Assert.Equal(0, lab.Datapath.Conntrack.Fragments.Count);
    }

    [EbpfTheory]
    [InlineData(1)]
    public void A_fragment_that_cannot_be_part_of_a_datagram_is_invalid(int first)
    {
        using var lab = new Lab(3);
        lab.Put("recirc_id(0),in_port(1)", "ct(zone=5),recirc(0x1)");
        lab.Put("recirc_id(0x1),in_port(1),ct_state(+trk-inv)", "2");
        lab.Put("recirc_id(0x1),in_port(1),ct_state(+inv)", "3");
        var pieces = Cut(TestPacket.Udp(Source, 1000, Destination, 53, 4_000));
        lab.Send(1, pieces[first]);
        lab.Send(1, pieces[first]); // Lies over the one before.
        Assert.Single(lab.Take(3, 1));
        Assert.Equal(1ul, lab.Datapath.Conntrack.Fragments!.Ipv4.Overlapping);
        Assert.Empty(lab.Take(2, 0));
    }

    [EbpfTheory]
    [InlineData(true, 5u, 5)]
    [InlineData(false, 8u, 7)] // 8 kilobits: 1,000 bytes, of 142 bytes each.
    public void A_meter_lets_pass_what_its_bucket_holds(bool isPackets, uint rate, int passes)
    {
        using var lab = new Lab(2);
        var spec = new MeterSpec(
            isPackets, HasBurst: true, [new MeterBand(MeterBandKind.Drop, rate, rate, 0)]);
        Assert.True(lab.Datapath.Meters.TrySet(3, spec, out var error), error);
        lab.Put("recirc_id(0),in_port(1)", "meter(3),2");
        var packet = TestPacket.Udp(Source, 1000, Destination, 53, 100);
        Assert.Equal(142, packet.Length);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; i < 20; i++) lab.Send(1, packet);

        // The bucket fills while the test runs: in a second with what it holds.
        var most = Math.Min(20, passes + 1 + (int)Math.Ceiling(
            passes * watch.Elapsed.TotalSeconds));
        Assert.InRange(lab.Take(2, passes).Length, passes, most);
        var counts = lab.Datapath.Meters.Statistics(3)!;
        Assert.Equal(20ul, counts.Packets);
        Assert.Equal(20ul * 142, counts.Bytes);
        var dropped = lab.Datapath.DropCounts()[(int)DropReason.MeterExceeded];
        Assert.Equal(dropped, counts.Bands[0].Packets);
        Assert.InRange(dropped, 20ul - (ulong)most, 20ul - (ulong)passes);
        Assert.Equal(0, lab.Datapath.UpcallsHandled);
        Assert.True(lab.Datapath.Meters.Remove(3));
        Assert.Null(lab.Datapath.Meters.Statistics(3));
    }

    [EbpfTheory]
    [InlineData("hash(l4(0))", Source, HashAlgorithm.L4, 0u)]
    [InlineData("hash(l4(77))", "fd00::1", HashAlgorithm.L4, 77u)]
    [InlineData("hash(sym_l4(9))", Source, HashAlgorithm.SymmetricL4, 9u)]
    [InlineData("hash(sym_l4(9))", "fd00::1", HashAlgorithm.SymmetricL4, 9u)]
    public void The_kernel_hashes_as_the_managed_datapath_does(
        string action, string source, HashAlgorithm algorithm, uint basis)
    {
        using var lab = new Lab(2);
        lab.Put("recirc_id(0),in_port(1)", $"{action},recirc(0x1)");
        var destination = source == Source ? Destination : "fd00::2";
        for (ushort port = 1000; port < 1004; port++)
        {
            var packet = TestPacket.Udp(source, port, destination, 53, 20);
            lab.Send(1, packet);
            lab.Take(2, 1);
            FlowKey key = default;
            Assert.True(FlowKeyExtractor.TryExtract(packet, ref key, out _));
            Assert.Equal(
                PacketHash.Of(ref key, new HashAction(algorithm, basis)),
                lab.LastMiss.DatapathHashWire);
        }
    }

    /// <summary>An Ethernet frame with IPv4, in fragments of 1,480 bytes.</summary>
    private static byte[][] Cut(byte[] frame)
    {
        const int Header = 34, Size = 1480;

        var pieces = new List<byte[]>();
        for (var start = 0; Header + start < frame.Length; start += Size)
        {
            var count = Math.Min(Size, frame.Length - Header - start);
            var hasMore = Header + start + count < frame.Length;
            byte[] piece = [.. frame.AsSpan(0, Header), .. frame.AsSpan(Header + start, count)];
            BinaryPrimitives.WriteUInt16BigEndian(piece.AsSpan(16), (ushort)(20 + count));
            BinaryPrimitives.WriteUInt16BigEndian(
                piece.AsSpan(20), (ushort)((start / 8) | (hasMore ? 0x2000 : 0)));
            piece[24] = piece[25] = 0;
            var sum = InternetChecksum.ComputeWire(piece.AsSpan(14, 20));
            BitConverter.TryWriteBytes(piece.AsSpan(24), sum);
            pieces.Add(piece);
        }

        return [.. pieces];
    }

    /// <summary>A datapath with some ports, numbered from 1; misses go out of port 2.</summary>
    private sealed class Lab : IDisposable, IUpcallHandler
    {
        private readonly NamespaceScope _scope = new();
        private readonly List<DevicePeer> _peers = [];

        public Lab(int ports)
        {
            Assert.True(
                EbpfDatapath.TryOpen(EbpfSupport.SmallOptions, out var datapath, out var error),
                error);
            Datapath = datapath!;
            Datapath.UpcallHandler = this;
            for (var port = 1; port <= ports; port++)
            {
                _peers.Add(DevicePeer.Make($"p{port}"));
                Assert.True(Datapath.Ports.TryAdd(
                    new DatapathPortSpec($"p{port}", DatapathPortKind.System), out _, out error),
                    error);
            }
        }

        public EbpfDatapath Datapath { get; }
        public FlowKey LastMiss { get; private set; }

        public void Put(string flow, string actions)
        {
            Assert.True(
                OdpFlowText.TryParse(flow, null, out var key, out var mask, out var error), error);
            Assert.True(OdpActionText.TryParse(actions, null, out var list, out error), error);
            mask.RecirculationIdWire = uint.MaxValue;
            Assert.Equal(FlowPutResult.Added, Datapath.Flows.Put(key, mask, list));
        }

        public void Send(int port, byte[] packet)
        {
            _peers[port - 1].Send(packet);
            EbpfSupport.WaitUntilIdle(Datapath);
        }

        /// <summary>Waits for so many frames, and a little for one too many.</summary>
        public byte[][] Take(int port, int count)
        {
            var taken = new List<byte[]>();
            var deadline = Environment.TickCount64 + 3000;
            while (taken.Count < count && Environment.TickCount64 < deadline)
            {
                taken.AddRange(_peers[port - 1].Take());
                Thread.Yield();
            }

            EbpfSupport.WaitUntilIdle(Datapath);
            taken.AddRange(_peers[port - 1].Take());
            return [.. taken];
        }

        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            LastMiss = key;
            return new UpcallVerdict([new OutputAction(2)], Install: false);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }

        public void Dispose()
        {
            Datapath.Dispose();
            foreach (var peer in _peers) peer.Dispose();
            _scope.Dispose();
        }
    }
}
