using System.Text;
using Fabric.Wire;
using static Fabric.Datapath.Tests.Conntrack.TestPacket;
using static Fabric.Wire.ConntrackState;

namespace Fabric.Datapath.Tests.Conntrack;

public sealed class FtpTests
{
    private const string Client = "10.0.0.1";
    private const string Server = "192.0.2.9";
    private const string Public = "198.51.100.1";
    private readonly TrackerBench _bench = new();
    private uint _clientNext = 1000;
    private uint _serverNext = 5000;

    [Theory]
    [InlineData("PORT 10,0,0,1,4,1\r\n", 1025)]
    [InlineData("port 10,0,0,1,4,1\r\n", 1025)]
    [InlineData("EPRT |1|10.0.0.1|1025|\r\n", 1025)]
    [InlineData("EPRT !1!10.0.0.1!65535!\r\n", 65535)]
    public void The_server_may_open_the_announced_connection(string line, int port)
    {
        Open();
        Say(line);
        Assert.Equal(Tracked | New | Related, _bench.Look(Tcp(Server, 20, Client, port, "S")));
        Assert.Equal(Tracked | New, _bench.Look(Tcp(Server, 20, Client, port - 1, "S")));
        Assert.Equal(Tracked | New | Related, _bench.Commit(Tcp(Server, 20, Client, port, "S")));
        Assert.Equal(Tracked | Established | Reply | Related,
            _bench.Look(Tcp(Client, port, Server, 20, "SA", 9, 1)));
        Assert.Empty(Expected());
    }

    [Theory]
    [InlineData("227 Entering Passive Mode (192,0,2,9,4,1).\r\n")]
    [InlineData("227 =192,0,2,9,4,1\r\n")]
    [InlineData("229 Entering Extended Passive Mode (|||1025|)\r\n")]
    public void The_client_may_open_what_the_server_announced(string line)
    {
        Open();
        Answer(line);
        Assert.Equal(Tracked | New | Related,
            _bench.Commit(Tcp(Client, 3000, Server, 1025, "S")));
        Assert.Equal(Tracked | New, _bench.Look(Tcp("10.0.0.2", 3000, Server, 1025, "S")));
    }

    [Fact]
    public void Extended_commands_speak_of_ipv6()
    {
        _bench.Send(Tcp("fd00::1", 2000, "fd00::9", 21, "S", 999), Ftp(commit: true));
        _bench.Look(Tcp("fd00::9", 21, "fd00::1", 2000, "SA", 4999, 1000));
        _bench.Look(Text("fd00::1", 2000, "fd00::9", 21, 1000, 5000, "EPRT |2|fd00::1|4000|\r\n"));
        Assert.Equal(Tracked | New | Related,
            _bench.Look(Tcp("fd00::9", 20, "fd00::1", 4000, "S")));
    }

    [Theory]
    [InlineData("PORT 10,0,0,2,4,1\r\n")] // A third party's address.
    [InlineData("PORT 10,0,0,1,4\r\n")]
    [InlineData("PORT 10,0,0,1,4,256\r\n")]
    [InlineData("PORT 10,0,0,1,0,0\r\n")]
    [InlineData("EPRT |1|fd00::1|4000|\r\n")]
    [InlineData("EPRT |1|10.0.0.1|70000|\r\n")]
    [InlineData("EPRT |1|10.0.0.1|\r\n")]
    public void A_line_that_lies_is_invalid_and_opens_nothing(string line)
    {
        Open();
        Assert.Equal(Tracked | Invalid, Say(line));
        Assert.Empty(Expected());
        Assert.True(_bench.Table.DropCount(DropReason.ConntrackAlg) > 0);
    }

    [Fact]
    public void A_translated_client_announces_its_public_address_and_numbers_follow()
    {
        var nat = TrackerBench.SourceNat(Public);
        Open(nat);
        var line = "PORT 10,0,0,1,4,1\r\n";
        Say(line, nat: true);
        var translated = "PORT 198,51,100,1,4,1\r\n";
        Assert.Equal(translated, TextOf(_bench.Last));
        Assert.True(IsSound(_bench.Last));
        var grown = translated.Length - line.Length;

        // The server acknowledges what it saw; the client sees what it sent.
        _bench.Look(Tcp(Server, 21, Public, 2000, "A", _serverNext, _clientNext + (uint)grown),
            TrackerBench.Translate);
        Assert.Equal(_clientNext, AcknowledgementOf(_bench.Last));
        Say("NOOP\r\n", nat: true);
        Assert.Equal(_clientNext - 6 + (uint)grown, SequenceOf(_bench.Last));

        // The data connection goes to the real client.
        var state = _bench.Commit(Tcp(Server, 20, Public, 1025, "S", 1), TrackerBench.Translate);
        Assert.Equal(Tracked | New | Related | DestinationNat, state);
        Assert.Equal(Tcp(Server, 20, Client, 1025, "S", 1), _bench.Last);
        _bench.Look(Tcp(Client, 1025, Server, 20, "SA", 9, 2), TrackerBench.Translate);
        Assert.Equal(Tcp(Public, 1025, Server, 20, "SA", 9, 2), _bench.Last);
    }

    [Fact]
    public void A_line_sent_again_is_rewritten_alike_and_shifts_nothing_more()
    {
        var nat = TrackerBench.SourceNat(Public);
        Open(nat);
        var sequence = _clientNext;
        Say("PORT 10,0,0,1,4,1\r\n", nat: true);
        var first = _bench.Last;
        _bench.Look(Text(Client, 2000, Server, 21, sequence, _serverNext, "PORT 10,0,0,1,4,1\r\n"),
            TrackerBench.Translate);
        Assert.Equal(first, _bench.Last);
    }

    [Fact]
    public void A_translated_server_announces_its_public_address()
    {
        var nat = TrackerBench.DestinationNat("10.0.0.9");
        Open(nat, server: Public);
        _bench.Look(Text("10.0.0.9", 21, Client, 2000, _serverNext, _clientNext,
            "227 Entering Passive Mode (10,0,0,9,4,1).\r\n"), TrackerBench.Translate);
        Assert.Equal("227 Entering Passive Mode (198,51,100,1,4,1).\r\n", TextOf(_bench.Last));
        var state = _bench.Commit(Tcp(Client, 3000, Public, 1025, "S", 1), TrackerBench.Translate);
        Assert.Equal(Tracked | New | Related | DestinationNat, state);
        Assert.Equal(Tcp(Client, 3000, "10.0.0.9", 1025, "S", 1), _bench.Last);
    }

    [Fact]
    public void Two_clients_behind_one_address_get_different_ports()
    {
        var nat = TrackerBench.SourceNat(Public);
        Open(nat);
        Say("PORT 10,0,0,1,4,1\r\n", nat: true);
        _bench.Send(Tcp("10.0.0.2", 2001, Server, 21, "S", 999), Ftp(commit: true, nat));
        _bench.Look(Tcp(Server, 21, Public, 2001, "SA", 4999, 1000), TrackerBench.Translate);
        _bench.Look(Text("10.0.0.2", 2001, Server, 21, 1000, 5000, "PORT 10,0,0,2,4,1\r\n"),
            TrackerBench.Translate);
        Assert.Equal("PORT 198,51,100,1,4,2\r\n", TextOf(_bench.Last));
        _bench.Commit(Tcp(Server, 20, Public, 1026, "S", 1), TrackerBench.Translate);
        Assert.Equal(Tcp(Server, 20, "10.0.0.2", 1025, "S", 1), _bench.Last);
    }

    [Fact]
    public void A_line_split_over_segments_is_read()
    {
        Open();
        foreach (var part in (string[])["PO", "RT 10,0,0", ",1,4,1\r", "\n"]) Say(part);
        Assert.Equal(Tracked | New | Related, _bench.Look(Tcp(Server, 20, Client, 1025, "S")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(513)]
    [InlineData(9_000)]
    [InlineData(65_400)]
    public void Lines_of_any_length_survive_and_do_not_hide_the_next(int size)
    {
        Open();
        foreach (var start in (string[])["", "PORT ", "227 ", "229 (", "EPRT |1|"])
        {
            Say(start + new string('1', Math.Max(0, size - start.Length)) + "\r\n");
            Say(start + new string(',', Math.Max(0, size - start.Length)));
            Say("\r\n");
        }

        Say("PORT 10,0,0,1,4,1\r\n");
        Assert.Equal(Tracked | New | Related, _bench.Look(Tcp(Server, 20, Client, 1025, "S")));
    }

    [Fact]
    public void An_announcement_lapses_and_one_channel_has_few()
    {
        Open();
        for (var port = 0; port < 40; port++) Say($"PORT 10,0,0,1,8,{port}\r\n");
        Assert.Equal(16, Expected().Count);
        _bench.Now += 31_000;
        Assert.Equal(Tracked | New, _bench.Look(Tcp(Server, 20, Client, 2048 + 39, "S")));
        _bench.Table.Sweep(_bench.Now, 64);
        Assert.Empty(Expected());

        Say("PORT 10,0,0,1,4,1\r\n");
        Assert.Single(Expected());
        _bench.Table.Flush(new ConntrackFilter());
        Assert.Empty(Expected());
    }

    [Fact]
    public void A_tftp_answer_comes_from_another_port()
    {
        var request = Udp(Client, 2000, Server, 69, payload: 20);
        request[42 + 1] = 1; // A read request; the checksum is left out.
        request[40] = request[41] = 0;
        _bench.Send(request, TrackerBench.Action(commit: true) with { Helper = "tftp" });
        Assert.Equal(Tracked | New | Related, _bench.Commit(Udp(Server, 3456, Client, 2000)));
        Assert.Equal(Tracked | Established | Reply | Related,
            _bench.Look(Udp(Client, 2000, Server, 3456)));
    }

    private static ConntrackAction Ftp(bool commit = false, NatSpec? nat = null) =>
        TrackerBench.Action(commit: commit, nat: nat) with { Helper = "ftp" };

    private void Open(NatSpec? nat = null, string server = Server)
    {
        var isSource = nat?.Type == NatType.Source;
        var real = nat?.Type == NatType.Destination ? "10.0.0.9" : server;
        _bench.Send(Tcp(Client, 2000, server, 21, "S", _clientNext - 1), Ftp(commit: true, nat));
        _bench.Look(
            Tcp(real, 21, isSource ? Public : Client, 2000, "SA", _serverNext - 1, _clientNext),
            nat is null ? null : TrackerBench.Translate);
        _bench.Look(Tcp(Client, 2000, server, 21, "A", _clientNext, _serverNext),
            nat is null ? null : TrackerBench.Translate);
    }

    private ConntrackState Say(string text, bool nat = false)
    {
        var state = _bench.Look(
            Text(Client, 2000, Server, 21, _clientNext, _serverNext, text),
            nat ? TrackerBench.Translate : null);
        _clientNext += (uint)text.Length;
        if (nat) return state;
        _bench.Look(Tcp(Server, 21, Client, 2000, "A", _serverNext, _clientNext));
        return state;
    }

    private void Answer(string text)
    {
        _bench.Look(Text(Server, 21, Client, 2000, _serverNext, _clientNext, text));
        _serverNext += (uint)text.Length;
    }

    private List<ConntrackExpectation> Expected()
    {
        var all = new List<ConntrackExpectation>();
        _bench.Table.DumpExpectations(null, all.Add);
        return all;
    }

    private static byte[] Text(
        string source, int from, string destination, int to, uint sequence, uint acknowledgement,
        string text) =>
        Tcp(source, from, destination, to, "PA", sequence, acknowledgement,
            data: Encoding.ASCII.GetBytes(text));

    private static string TextOf(byte[] frame) => Encoding.ASCII.GetString(frame.AsSpan(54));

    private static uint SequenceOf(byte[] frame) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(38));

    private static uint AcknowledgementOf(byte[] frame) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(42));
}
