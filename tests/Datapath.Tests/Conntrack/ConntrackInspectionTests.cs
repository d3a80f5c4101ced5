using System.Net;
using Fabric.Wire;
using static Fabric.Datapath.Tests.Conntrack.TestPacket;
using static Fabric.Wire.ConntrackState;

namespace Fabric.Datapath.Tests.Conntrack;

/// <summary>What the table tells of its connections, and which of them a flush means.</summary>
public sealed class ConntrackInspectionTests
{
    private const string A = "10.0.0.1";
    private const string B = "10.0.0.2";
    private readonly TrackerBench _bench = new();

    [Fact]
    public void Packets_and_bytes_are_counted_by_direction_and_each_packet_prolongs_life()
    {
        var (question, answer) = (Udp(A, 1000, B, 53), Udp(B, 53, A, 1000, payload: 100));
        _bench.Now = 5_000;
        _bench.Commit(question);
        _bench.Look(answer);
        for (var i = 0; i < 3; i++)
        {
            _bench.Now += 29_000; // An answered UDP connection lives for 30 s.
            Assert.Equal(Tracked | Established, _bench.Look(question));
        }

        var entry = Assert.Single(All());
        Assert.Equal((4UL, 4UL * (ulong)question.Length),
            (entry.PacketsOriginal, entry.BytesOriginal));
        Assert.Equal((1UL, (ulong)answer.Length), (entry.PacketsReply, entry.BytesReply));
        Assert.Equal(30u, entry.TimeoutSeconds);
        Assert.Equal(5_000, entry.StartMilliseconds);
        _bench.Now += 30_000;
        Assert.Equal(Tracked | New, _bench.Look(question));
    }

    [Theory]
    [InlineData("mark", new[] { 2 })]
    [InlineData("mark bits", new[] { 1001, 1002 })]
    [InlineData("labels", new[] { 1001 })]
    [InlineData("reply", new[] { 1002 })]
    [InlineData("zone", new[] { 1000, 1001, 1002 })]
    [InlineData("all", new[] { 1000, 1001, 1002, 2 })]
    public void A_flush_takes_what_it_names(string filter, int[] gone)
    {
        Send(1000, zone: 1, mark: 0, label: 0);
        Send(1001, zone: 1, mark: 0x10, label: 0x55);
        Send(1002, zone: 1, mark: 0x11, label: 0x5);
        Send(2, zone: 2, mark: 0x21, label: 0);

        Assert.Equal(gone.Length, _bench.Table.Flush(filter switch
        {
            "mark" => new ConntrackFilter(Mark: 0x21),
            "mark bits" => new ConntrackFilter(Mark: 0x10, MarkMask: 0x30),
            "labels" => new ConntrackFilter(Label: (UInt128)0x50, LabelMask: (UInt128)0xF0),
            "reply" => new ConntrackFilter(Reply: new ConntrackTuple(
                IPAddress.Parse(B), null, 17, 53, 1002)),
            "zone" => new ConntrackFilter(Zone: 1),
            _ => new ConntrackFilter(),
        }));
        Assert.Equal(
            new[] { 1000, 1001, 1002, 2 }.Except(gone).Order(),
            All().Select(entry => (int)entry.Original.PortSource!.Value).Order());
    }

    [Fact]
    public void Sctp_is_tracked_by_its_ports_and_other_protocols_by_their_addresses()
    {
        Assert.Equal(Tracked | New, _bench.Commit(Sctp(A, 5000, B, 36412)));
        Assert.Equal(Tracked | New, _bench.Look(Sctp(A, 5001, B, 36412)));
        Assert.Equal(Tracked | Established | Reply, _bench.Look(Sctp(B, 36412, A, 5000)));
        Assert.Equal(Tracked | Established, _bench.Look(Sctp(A, 5000, B, 36412)));

        Assert.Equal(Tracked | New, _bench.Commit(Other(A, B, IpProtocol.Gre, [0, 0, 8, 0])));
        Assert.Equal(Tracked | Established | Reply,
            _bench.Look(Other(B, A, IpProtocol.Gre, [1, 2, 3, 4])));
        Assert.Equal(Tracked | New,
            _bench.Look(Other(A, "10.0.0.3", IpProtocol.Gre, [0, 0, 8, 0])));
    }

    private void Send(int port, ushort zone, uint mark, ulong label) =>
        _bench.Send(Udp(A, port, B, 53), new ConntrackAction(
            true, false, zone, mark, uint.MaxValue, label, UInt128.MaxValue, null, null, null));

    private List<ConntrackEntry> All()
    {
        var all = new List<ConntrackEntry>();
        _bench.Table.Dump(null, all.Add);
        return all;
    }
}
