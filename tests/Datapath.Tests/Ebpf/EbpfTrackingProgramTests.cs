using Fabric.Datapath.Tests.Conntrack;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>The programs that others call: a frame in, a verdict and a frame out.</summary>
/// <remarks>
/// Goal: what conntrack, create, related, measure, lookup and upcall do with one frame. Method:
/// BPF_PROG_TEST_RUN; a flow of the port leads to the program that the test names.
/// </remarks>
public sealed class EbpfTrackingProgramTests
{
    private const int Drop = 2, Redirect = 7;
    private const string Client = "10.0.0.1", Server = "192.0.2.7", Outside = "198.51.100.1";
    private const string Commit = "ct(commit,zone=5,nat(src=198.51.100.1)),2";

    [EbpfTheory]
    [InlineData(Commit)]
    public void Create_program_makes_a_connection_and_translates_its_first_packet(string actions)
    {
        using var lab = new ProgramLab();
        lab.Put("recirc_id(0),in_port(1)", actions);
        var (verdict, frame) = lab.Enter(1, Segment(Client, Server, "S", 100));
        Assert.Equal(Redirect, verdict);
        Assert.Equal(Segment(Outside, Server, "S", 100), frame);
        Assert.Equal(1u, lab.Datapath.Conntrack.Totals().Count);
    }

    [EbpfTheory]
    [InlineData("S", 100u, 0u, 1u)]  // A first packet is new ...
    [InlineData("SA", 100u, 5u, 0u)] // ... but no answer to nothing is.
    public void Create_program_says_what_may_begin(
        string flags, uint sequence, uint acknowledgement, uint passes)
    {
        using var lab = new ProgramLab();
        lab.Put("recirc_id(0),in_port(1)", "ct(zone=5),recirc(0x1)");
        lab.Put("recirc_id(0x1),in_port(1),ct_state(+new+trk)", "2");
        lab.Put("recirc_id(0x1),in_port(1),ct_state(+inv+trk)", "");
        var (verdict, _) = lab.Enter(1, Segment(Client, Server, flags, sequence, acknowledgement));
        Assert.Equal(passes == 1 ? Redirect : Drop, verdict);
        Assert.Equal(1 - passes, lab.Dropped(DropReason.ConntrackInvalid));
        Assert.Equal(0u, lab.Datapath.Conntrack.Totals().Count);
    }

    [EbpfTheory]
    [InlineData(Commit)]
    public void Conntrack_program_translates_both_ways_and_refuses_what_does_not_fit(
        string actions)
    {
        using var lab = new ProgramLab();
        Establish(lab, actions);
        // An answer that was seen before, which the cache knows: the same again.
        for (var round = 0; round < 2; round++)
        {
            var (verdict, frame) = lab.Enter(2, Segment(Server, Outside, "A", 501, 101));
            Assert.Equal((Redirect, 0ul), (verdict, lab.Dropped(DropReason.ConntrackInvalid)));
            Assert.Equal(Segment(Server, Client, "A", 501, 101), frame);
        }

        var far = Segment(Server, Outside, "A", 501, 0x4000_0000); // Of what was never sent.
        var (last, bytes) = lab.Enter(2, far);
        Assert.Equal((Redirect, 1ul), (last, lab.Dropped(DropReason.ConntrackInvalid)));
        Assert.Equal(far, bytes);
    }

    /// <summary>What the cache knows of answers ends with their connection.</summary>
    [EbpfTheory]
    [InlineData(Commit)]
    public void Conntrack_program_forgets_a_connection_that_was_flushed(string actions)
    {
        using var lab = new ProgramLab();
        Establish(lab, actions);
        lab.Enter(2, Segment(Server, Outside, "A", 501, 101));
        Assert.Equal(1, lab.Datapath.Conntrack.Flush(new ConntrackFilter()));
        var answer = Segment(Server, Outside, "SA", 500, 101);
        var (_, frame) = lab.Enter(2, answer);
        Assert.Equal(1ul, lab.Dropped(DropReason.ConntrackInvalid));
        Assert.Equal(answer, frame);
    }

    /// <summary>The cache knows where packets went behind conntrack, until that changes.</summary>
    [EbpfTheory]
    [InlineData("ct_state(+est+trk),recirc_id(0x1),in_port(1),ct_mark(0)")]
    public void Conntrack_program_leads_to_the_flow_that_holds_now(string known)
    {
        using var lab = new ProgramLab();
        lab.Put("recirc_id(0),in_port(1)", "ct(zone=5),recirc(0x1)");
        lab.Put("ct_state(+new+trk),recirc_id(0x1),in_port(1)", "ct(commit,zone=5),2");
        lab.Put(known, "2");
        lab.Put("ct_state(+est+trk),recirc_id(0x1),in_port(1),ct_mark(0x7)", "");
        lab.Put("recirc_id(0),in_port(2)", "ct(zone=5),1");
        var first = Segment(Client, Server, "S", 100);
        var data = Segment(Client, Server, "A", 101, 501);
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal(Redirect, lab.Enter(1, first).Verdict);
        }

        Assert.Equal(Redirect, lab.Enter(2, Segment(Server, Client, "SA", 500, 101)).Verdict);
        Assert.Equal(Redirect, lab.Enter(1, data).Verdict);
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal(Redirect, lab.Enter(1, data).Verdict);
            lab.Put(known, "", FlowPutResult.Replaced);
            Assert.Equal(Drop, lab.Enter(1, data).Verdict);
            Assert.Equal(Drop, lab.Enter(1, data).Verdict);
            lab.Put(known, "2", FlowPutResult.Replaced);
        }

        Assert.Equal(Redirect, lab.Enter(1, data).Verdict);
        var hits = lab.Datapath.Statistics().Hit;
        Assert.Equal(Redirect, lab.Enter(1, data).Verdict);
        Assert.Equal(hits + 2, lab.Datapath.Statistics().Hit);
        Assert.Equal(0ul, lab.Missed);

        lab.Put("recirc_id(0),in_port(2)", "ct(commit,zone=5,mark=0x7/0xffffffff),1",
            FlowPutResult.Replaced);
        Assert.Equal(Redirect, lab.Enter(2, Segment(Server, Client, "A", 501, 101)).Verdict);
        Assert.Equal(Drop, lab.Enter(1, data).Verdict);
        Assert.Equal(Drop, lab.Enter(1, data).Verdict);
        Assert.Equal(0ul, lab.Missed);

        Assert.Equal(1, lab.Datapath.Conntrack.Flush(new ConntrackFilter()));
        Assert.Equal(Redirect, lab.Enter(1, data).Verdict); // New again, in mid-stream.
    }

    /// <summary>As OVN has it: a zone where packets come in, another where they leave.</summary>
    [EbpfTheory]
    [InlineData(4)]
    public void Conntrack_program_takes_packets_through_two_zones(int rounds)
    {
        using var lab = new ProgramLab();
        lab.Put("recirc_id(0),in_port(1)", "ct(commit,zone=5),recirc(0x1)");
        lab.Put("recirc_id(0x1),in_port(1)", "ct(commit,zone=6),recirc(0x2)");
        lab.Put("recirc_id(0x2),in_port(1)", "2");
        lab.Put("recirc_id(0),in_port(2)", "ct(zone=6),recirc(0x3)");
        lab.Put("ct_state(+est+trk),ct_zone(6),recirc_id(0x3),in_port(2)",
            "ct(zone=5),recirc(0x4)");
        lab.Put("ct_state(+est+trk),ct_zone(5),recirc_id(0x4),in_port(2)", "1");
        Assert.Equal(Redirect, lab.Enter(1, Segment(Client, Server, "S", 100)).Verdict);
        for (var round = 0; round < rounds; round++)
        {
            var flags = round == 0 ? "SA" : "A";
            var answer = Segment(Server, Client, flags, round == 0 ? 500u : 501, 101);
            Assert.Equal(Redirect, lab.Enter(2, answer).Verdict);
            Assert.Equal(Redirect, lab.Enter(1, Segment(Client, Server, "A", 101, 501)).Verdict);
        }

        Assert.Equal((ulong)(3 + (6 * rounds)), lab.Datapath.Statistics().Hit);
        Assert.Equal((0ul, 2u), (lab.Missed, lab.Datapath.Conntrack.Totals().Count));
        var packets = new List<(ushort, ulong, ulong)>();
        lab.Datapath.Conntrack.Dump(null, entry => packets.Add(
            (entry.Zone, entry.PacketsOriginal, entry.PacketsReply)));
        packets.Sort();
        var (sent, answered) = ((ulong)rounds + 1, (ulong)rounds);
        Assert.Equal([(5, sent, answered), (6, sent, answered)], packets);
    }

    [EbpfTheory]
    [InlineData(Commit)]
    public void Related_program_translates_an_error_and_what_it_quotes(string actions)
    {
        using var lab = new ProgramLab();
        Establish(lab, actions);
        var sent = Segment(Client, Server, "S", 100);
        var seen = Segment(Outside, Server, "S", 100);
        var error = TestPacket.Icmp("192.0.2.1", Outside, 3, 1, 0, seen[14..42]);
        var (verdict, frame) = lab.Enter(2, error);
        Assert.Equal(Redirect, verdict);
        Assert.Equal(TestPacket.Icmp("192.0.2.1", Client, 3, 1, 0, sent[14..42]), frame);

        var foreign = TestPacket.Icmp(
            "192.0.2.1", Outside, 3, 1, 0, Segment(Outside, "192.0.2.8", "S", 1)[14..42]);
        Assert.Equal((Redirect, 1ul),
            (lab.Enter(2, foreign).Verdict, lab.Dropped(DropReason.ConntrackInvalid)));
    }

    [EbpfTheory]
    [InlineData(1u)]
    public void Measure_program_drops_what_a_meter_has_no_tokens_for(uint packets)
    {
        using var lab = new ProgramLab();
        var spec = new MeterSpec(
            IsPackets: true, HasBurst: true, [new MeterBand(MeterBandKind.Drop, 1, packets, 0)]);
        Assert.True(lab.Datapath.Meters.TrySet(3, spec, out var error), error);
        lab.Put("recirc_id(0),in_port(1)", "meter(3),2");
        var frame = Segment(Client, Server, "S", 1);
        Assert.Equal(Redirect, lab.Enter(1, frame).Verdict);
        var (verdict, bytes) = lab.Enter(1, frame);
        Assert.Equal((Drop, 1ul), (verdict, lab.Dropped(DropReason.MeterExceeded)));
        Assert.Equal(frame, bytes);
    }

    [EbpfTheory]
    [InlineData("hash(l4(7))", HashAlgorithm.L4)]
    [InlineData("hash(sym_l4(7))", HashAlgorithm.SymmetricL4)]
    public void Measure_program_hashes_for_the_lookup_program(
        string action, HashAlgorithm algorithm)
    {
        using var lab = new ProgramLab();
        var frame = Segment(Client, Server, "S", 1);
        FlowKey key = default;
        Assert.True(FlowKeyExtractor.TryExtract(frame, ref key, out _));
        var hash = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(
            PacketHash.Of(ref key, new HashAction(algorithm, 7)));
        lab.Put("recirc_id(0),in_port(1)", $"{action},recirc(0x1)");
        lab.Put($"recirc_id(0x1),dp_hash(0x{hash:x}),in_port(1)", "2");
        var (verdict, bytes) = lab.Enter(1, frame);
        Assert.Equal((Redirect, 0ul), (verdict, lab.Missed));
        Assert.Equal(frame, bytes);
    }

    /// <summary>All sizes of records, and one that the ring has no room for.</summary>
    [EbpfTheory]
    [InlineData(20)]
    [InlineData(1000)]
    [InlineData(3000)]
    public void Upcall_program_hands_the_frame_up_as_it_is(int payload)
    {
        using var lab = new ProgramLab();
        var seen = new Seen();
        lab.Datapath.UpcallHandler = seen;
        var frame = TestPacket.Udp(Client, 1000, Server, 53, payload);
        Assert.Equal(Drop, lab.Enter(1, frame).Verdict);
        EbpfSupport.WaitUntilIdle(lab.Datapath);
        Assert.Equal(frame, seen.Frame);
    }

    private static byte[] Segment(
        string from, string to, string flags, uint sequence, uint acknowledgement = 0) =>
        from == Server
            ? TestPacket.Tcp(from, 80, to, 1000, flags, sequence, acknowledgement)
            : TestPacket.Tcp(from, 1000, to, 80, flags, sequence, acknowledgement);

    private static void Establish(ProgramLab lab, string actions)
    {
        lab.Put("recirc_id(0),in_port(1)", actions);
        lab.Put("recirc_id(0),in_port(2)", "ct(zone=5,nat),1");
        lab.Enter(1, Segment(Client, Server, "S", 100));
        lab.Enter(2, Segment(Server, Outside, "SA", 500, 101));
        lab.Enter(1, Segment(Client, Server, "A", 101, 501));
        Assert.Equal(0ul, lab.Dropped(DropReason.ConntrackInvalid));
    }

    private sealed class Seen : IUpcallHandler
    {
        public byte[]? Frame { get; private set; }

        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            Frame = packet.Bytes.ToArray();
            return new UpcallVerdict([], Install: false);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}
