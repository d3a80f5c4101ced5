using System.Net;
using Fabric.Wire;
using static Fabric.Datapath.Tests.Conntrack.TestPacket;
using static Fabric.Wire.ConntrackState;

namespace Fabric.Datapath.Tests.Conntrack;

public sealed class ConntrackStateTests
{
    private const string A = "10.0.0.1";
    private const string B = "10.0.0.2";
    private readonly TrackerBench _bench = new();

    [Fact]
    public void A_handshake_goes_from_new_to_established()
    {
        Assert.Equal(Tracked | New, _bench.Look(Tcp(A, 1000, B, 80, "S", 100)));
        Assert.Equal(Tracked | New, _bench.Commit(Tcp(A, 1000, B, 80, "S", 100)));
        Assert.Equal(Tracked | New, _bench.Look(Tcp(A, 1000, B, 80, "S", 100)));
        Assert.Equal(Tracked | Established | Reply,
            _bench.Look(Tcp(B, 80, A, 1000, "SA", 500, 101)));
        Assert.Equal(Tracked | Established, _bench.Look(Tcp(A, 1000, B, 80, "A", 101, 501)));
        Assert.Equal("ESTABLISHED", StateOfOnly());
    }

    [Fact]
    public void A_broken_packet_has_no_mark_of_the_connection_that_was_tracked_before_it()
    {
        var frame = Udp(A, 1000, B, 53);
        _bench.Send(frame, TrackerBench.Action(commit: true, mark: 5, markMask: uint.MaxValue));
        Assert.Equal(5u, _bench.Key.ConntrackMark);
        frame[^1] ^= 0xFF;
        var packet = new PacketBuffer();
        packet.Load(frame);
        var key = default(FlowKey);
        _bench.Table.Execute(packet, ref key, TrackerBench.Action(), _bench.Now);
        _bench.Table.Execute(packet, ref key, TrackerBench.Action(commit: true), _bench.Now);
        Assert.Equal(Tracked | Invalid, key.ConntrackState);
        Assert.Equal(0u, key.ConntrackMark);
    }

    [Fact]
    public void Two_ends_that_open_a_connection_at_once_become_one()
    {
        Assert.Equal(Tracked | New, _bench.Commit(Tcp(A, 1000, B, 80, "S", 100, scale: 7)));
        Assert.Equal(Tracked | New, _bench.Commit(Tcp(B, 80, A, 1000, "S", 5_000, scale: 2)));
        Assert.Equal(Tracked | Established | Reply,
            _bench.Look(Tcp(B, 80, A, 1000, "SA", 5_000, 101, scale: 2)));
        Assert.Equal(Tracked | Established,
            _bench.Look(Tcp(A, 1000, B, 80, "SA", 100, 5_001, scale: 7)));
        Assert.Equal(Tracked | Established,
            _bench.Look(Tcp(A, 1000, B, 80, "A", 101, 5_001, payload: 100)));
        Assert.Equal(Tracked | Established | Reply,
            _bench.Look(Tcp(B, 80, A, 1000, "A", 5_001, 201)));
        Assert.Equal(Tracked | Invalid,
            _bench.Look(Tcp(B, 80, A, 1000, "A", 5_001 + 100_000_000, 201, payload: 1)));
        Assert.Equal("ESTABLISHED", StateOfOnly());
    }

    [Fact]
    public void A_zone_full_of_unanswered_connections_gives_up_one_of_its_own_for_the_next()
    {
        Establish();
        _bench.Commit(Tcp(A, 1000, B, 80, "S", 100), zone: 2);
        _bench.Table.HalfOpenMax = 50;
        for (var port = 2000; port < 2500; port++)
        {
            Assert.Equal(Tracked | New, _bench.Commit(Tcp(A, port, B, 80, "S", 1)));
        }

        Assert.InRange(_bench.Table.HalfOpenCount(1), 40u, 50u);
        Assert.Equal(1u, _bench.Table.HalfOpenCount(2));
        Assert.Equal(Tracked | Established, _bench.Look(Tcp(A, 1000, B, 80, "A", 101, 501)));
    }

    [Fact]
    public void Nothing_is_remembered_without_commit()
    {
        _bench.Look(Tcp(A, 1000, B, 80, "S", 100));
        Assert.Equal(0u, _bench.Table.Totals().Count);
        Assert.Equal(Tracked | New, _bench.Look(Tcp(A, 1000, B, 80, "S", 100)));
    }

    [Theory]
    [InlineData("SA")]
    [InlineData("SF")]
    [InlineData("")]
    [InlineData("F")]
    public void A_segment_that_starts_nothing_is_invalid(string flags) =>
        Assert.Equal(Tracked | Invalid, _bench.Commit(Tcp(A, 1000, B, 80, flags, 100)));

    [Fact]
    public void A_segment_out_of_window_is_invalid_and_changes_nothing()
    {
        Establish();
        Assert.Equal(Tracked | Invalid,
            _bench.Look(Tcp(A, 1000, B, 80, "A", 101 + 10_000_000, 501, payload: 1)));
        Assert.Equal(Tracked | Invalid,
            _bench.Look(Tcp(A, 1000, B, 80, "A", 101, 501 + 10_000_000)));
        Assert.Equal(Tracked | Established, _bench.Look(Tcp(A, 1000, B, 80, "A", 101, 501)));

        _bench.Table.IsTcpSequenceChecked = false;
        Assert.Equal(Tracked | Established,
            _bench.Look(Tcp(A, 1000, B, 80, "A", 101 + 10_000_000, 501, payload: 1)));
    }

    [Fact]
    public void A_blind_reset_does_not_end_a_connection()
    {
        Establish();
        Assert.Equal(Tracked | Invalid, _bench.Look(Tcp(A, 1000, B, 80, "R", 5_000)));
        Assert.Equal("ESTABLISHED", StateOfOnly());
        Assert.Equal(Tracked | Established, _bench.Look(Tcp(A, 1000, B, 80, "R", 101)));
        Assert.Equal("TIME_WAIT", StateOfOnly());
    }

    [Fact]
    public void A_closed_tuple_can_be_used_again()
    {
        Establish();
        _bench.Look(Tcp(A, 1000, B, 80, "FA", 101, 501));
        _bench.Look(Tcp(B, 80, A, 1000, "FA", 501, 102));
        _bench.Look(Tcp(A, 1000, B, 80, "A", 102, 502));
        Assert.Equal("TIME_WAIT", StateOfOnly());
        Assert.Equal(Tracked | New, _bench.Commit(Tcp(A, 1000, B, 80, "S", 9_000_000)));
        Assert.Equal("SYN_SENT", StateOfOnly());
    }

    [Fact]
    public void A_connection_picked_up_in_mid_stream_becomes_established()
    {
        Assert.Equal(Tracked | New, _bench.Commit(Tcp(A, 1000, B, 80, "A", 100, 500, payload: 10)));
        Assert.Equal(Tracked | Established | Reply,
            _bench.Look(Tcp(B, 80, A, 1000, "A", 500, 110, payload: 900)));
        Assert.Equal(Tracked | Established, _bench.Look(Tcp(A, 1000, B, 80, "A", 110, 1400)));
        Assert.Equal("ESTABLISHED", StateOfOnly());
    }

    [Fact]
    public void Udp_is_established_by_its_first_answer()
    {
        Assert.Equal(Tracked | New, _bench.Commit(Udp(A, 1000, B, 53)));
        Assert.Equal(Tracked | New, _bench.Look(Udp(A, 1000, B, 53)));
        Assert.Equal(Tracked | Established | Reply, _bench.Look(Udp(B, 53, A, 1000)));
        Assert.Equal(Tracked | Established, _bench.Look(Udp(A, 1000, B, 53)));
    }

    [Theory]
    [InlineData(A, B, 8, 0)]
    [InlineData("fd00::1", "fd00::2", 128, 129)]
    public void Echo_requests_match_their_replies_by_identifier(
        string a, string b, byte request, byte reply)
    {
        Assert.Equal(Tracked | New, _bench.Commit(Icmp(a, b, request, 0, 7)));
        Assert.Equal(Tracked | Established | Reply, _bench.Look(Icmp(b, a, reply, 0, 7)));
        Assert.Equal(Tracked | Invalid, _bench.Look(Icmp(b, a, reply, 0, 8)));
    }

    [Fact]
    public void An_icmp_error_is_related_to_the_connection_that_it_quotes()
    {
        var udp = Udp(A, 1000, B, 53);
        _bench.Commit(udp);
        var error = Icmp("10.0.0.9", A, 3, 3, 0, udp[14..42]);
        Assert.Equal(Tracked | Related | Reply, _bench.Look(error));
        var stranger = Icmp("10.0.0.9", A, 3, 3, 0, Udp(A, 1001, B, 53)[14..42]);
        Assert.Equal(Tracked | Invalid, _bench.Look(stranger));
    }

    [Fact]
    public void Zones_keep_equal_tuples_apart()
    {
        _bench.Commit(Udp(A, 1000, B, 53), zone: 1);
        Assert.Equal(Tracked | New, _bench.Look(Udp(A, 1000, B, 53), zone: 2));
        Assert.Equal(Tracked | Invalid, _bench.Look(Icmp(B, A, 0, 0, 7), zone: 2));
        _bench.Commit(Udp(A, 1000, B, 53), zone: 2);
        Assert.Equal(2u, _bench.Table.Totals().Count);
        Assert.Equal(1, _bench.Table.Flush(new ConntrackFilter(Zone: 2)));
        Assert.Equal(1u, _bench.Table.Totals().Count);
    }

    [Fact]
    public void Silence_ends_a_connection()
    {
        _bench.Commit(Udp(A, 1000, B, 53));
        _bench.Now += 59_000;
        Assert.Equal(Tracked | New, _bench.Look(Udp(A, 1000, B, 53)));
        _bench.Now += 61_000;
        Assert.Equal(Tracked | New, _bench.Look(Udp(B, 53, A, 1000)));
        Assert.Equal(0u, _bench.Table.Totals().Count);

        _bench.Commit(Udp(A, 1000, B, 53));
        Assert.Equal(1, _bench.Table.Sweep(_bench.Now + 61_000, shards: 64));
    }

    [Fact]
    public void Marks_change_only_under_their_mask_and_reach_the_key()
    {
        _bench.Send(Udp(A, 1000, B, 53),
            TrackerBench.Action(commit: true, mark: 0xABCD, markMask: 0xFF00));
        _bench.Look(Udp(B, 53, A, 1000));
        Assert.Equal(0xAB00u, _bench.Key.ConntrackMark);
        Assert.Equal((byte)17, _bench.Key.ConntrackProtocol);
    }

    [Fact]
    public void Force_turns_a_connection_around()
    {
        _bench.Commit(Udp(A, 1000, B, 53));
        _bench.Look(Udp(B, 53, A, 1000));
        Assert.Equal(Tracked | New,
            _bench.Send(Udp(B, 53, A, 1000), TrackerBench.Action(commit: true, force: true)));
        Assert.Equal(Tracked | Established | Reply, _bench.Look(Udp(A, 1000, B, 53)));
    }

    [Fact]
    public void Limits_refuse_new_connections_and_spare_old_ones()
    {
        _bench.Table.SetLimit(1, 1);
        _bench.Commit(Udp(A, 1000, B, 53));
        Assert.Equal(Tracked | New, _bench.Commit(Udp(A, 1001, B, 53)));
        Assert.Equal(1u, _bench.Table.Totals().Count);
        Assert.Equal(Tracked | Established | Reply, _bench.Look(Udp(B, 53, A, 1000)));
        Assert.Equal(Tracked | New, _bench.Commit(Udp(A, 1001, B, 53), zone: 2));
        Assert.Equal(1ul, _bench.Table.DropCount(DropReason.ConntrackZoneLimit));
        Assert.Equal(1, _bench.Table.Flush(
            new ConntrackFilter(Zone: 1, Original: new ConntrackTuple(
                IPAddress.Parse(A), null, 17, 1000, null))));
        Assert.Equal(Tracked | New, _bench.Commit(Udp(A, 1001, B, 53)));
    }

    [Fact]
    public void A_limit_counts_what_comes_after_it()
    {
        _bench.Commit(Udp(A, 1000, B, 53));
        _bench.Commit(Udp(A, 1001, B, 53));
        _bench.Table.SetLimit(1, 2);
        Assert.Equal(0u, _bench.Table.CountSinceLimit(1));
        for (var port = 1002; port < 1006; port++) _bench.Commit(Udp(A, port, B, 53));
        Assert.Equal(4u, _bench.Table.Totals().Count);
        Assert.Equal(2ul, _bench.Table.DropCount(DropReason.ConntrackZoneLimit));

        // Another number is the same limit; one that went counts no more.
        _bench.Table.SetLimit(1, 3);
        Assert.Equal(((ushort?)1, 3u, 2u), _bench.Table.Limits()[1]);
        Assert.Equal(3, Flush(1000, 1001, 1002));
        Assert.Equal(1u, _bench.Table.CountSinceLimit(1));

        _bench.Table.SetLimit(1, null);
        Assert.Equal(0u, _bench.Table.CountSinceLimit(1));
        _bench.Table.SetLimit(null, 1);
        _bench.Commit(Udp(A, 1007, B, 53));
        Assert.Equal(1u, _bench.Table.CountSinceLimit(1));
        _bench.Commit(Udp(A, 1008, B, 53));
        Assert.Equal(2u, _bench.Table.Totals().Count);
        _bench.Table.Flush(new ConntrackFilter());
        Assert.Equal(0u, _bench.Table.CountSinceLimit(1));

        int Flush(params int[] ports) => ports.Sum(port => _bench.Table.Flush(new ConntrackFilter(
            Original: new ConntrackTuple(IPAddress.Parse(A), null, 17, (ushort)port, null))));
    }

    [Fact]
    public void Every_truncation_is_invalid_and_none_throws()
    {
        foreach (var frame in (byte[][])[
            Tcp(A, 1, B, 2, "S"), Udp(A, 1, B, 2), Icmp(A, B, 8, 0, 1),
            Icmp("fd00::1", "fd00::2", 128, 0, 1),
            Icmp("10.0.0.9", A, 3, 3, 0, Udp(A, 1, B, 2)[14..42])])
        {
            for (var size = 0; size < frame.Length; size++)
            {
                Assert.Equal(Tracked | Invalid, _bench.Commit(frame[..size]));
            }
        }
    }

    [Fact]
    public void Looking_up_an_established_connection_allocates_nothing()
    {
        Establish();
        var packet = new PacketBuffer();
        packet.Load(Tcp(A, 1000, B, 80, "A", 101, 501));
        var action = TrackerBench.Action();
        FlowKey key = default;
        _bench.Table.Execute(packet, ref key, action, _bench.Now);

        // Once in a while the runtime itself allocates, when it compiles a method better.
        var allocated = Enumerable.Range(0, 3).Select(_ =>
        {
            FlowKey looked = default;
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10_000; i++)
            {
                looked = default;
                _bench.Table.Execute(packet, ref looked, action, _bench.Now);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }).ToArray();
        Assert.Equal(0, allocated.Min());
    }

    private void Establish()
    {
        _bench.Commit(Tcp(A, 1000, B, 80, "S", 100));
        _bench.Look(Tcp(B, 80, A, 1000, "SA", 500, 101));
        _bench.Look(Tcp(A, 1000, B, 80, "A", 101, 501));
        Assert.Equal("ESTABLISHED", StateOfOnly());
    }

    private string? StateOfOnly()
    {
        string? state = null;
        _bench.Table.Dump(null, entry => state = entry.State);
        return state;
    }
}
