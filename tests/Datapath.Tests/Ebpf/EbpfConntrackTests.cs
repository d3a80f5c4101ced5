using System.Buffers.Binary;
using System.Text;
using Fabric.Datapath.Tests.Conntrack;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Connections in the kernel: translation, related errors, dump, flush, limits.</summary>
public sealed class EbpfConntrackTests : IDisposable
{
    private readonly NamespaceScope? _scope;
    private readonly EbpfDatapath _datapath = null!;
    private readonly DevicePeer _inside = null!;
    private readonly DevicePeer _outside = null!;

    public EbpfConntrackTests()
    {
        if (EbpfSupport.Missing is not null) return;
        _scope = new NamespaceScope();
        Assert.True(
            EbpfDatapath.TryOpen(EbpfSupport.SmallOptions, out var datapath, out var error), error);
        _datapath = datapath!;
        _inside = DevicePeer.Make("p1");
        _outside = DevicePeer.Make("p2");
        foreach (var device in (string[])["p1", "p2"])
        {
            Assert.True(_datapath.Ports.TryAdd(
                new DatapathPortSpec(device, DatapathPortKind.System), out _, out error), error);
        }
    }

    public void Dispose()
    {
        _inside?.Dispose();
        _outside?.Dispose();
        _datapath?.Dispose();
        _scope?.Dispose();
    }

    [EbpfTheory]
    [InlineData("10.0.0.1", "10.0.0.2", "10.1.1.1")]
    [InlineData("fd00::1", "fd00::2", "fd01::9")]
    public void Sources_are_translated_there_and_back(string client, string server, string nat)
    {
        Translate(nat);

        _inside.Send(TestPacket.Udp(client, 1000, server, 80));
        var sent = Next(_outside);
        Assert.Contains($"src={nat}", Describe(sent));
        PacketChecks.ChecksumsAreRight(sent);

        _outside.Send(TestPacket.Udp(server, 80, nat, 1000));
        var answer = Next(_inside);
        Assert.Contains($"dst={client}", Describe(answer));
        PacketChecks.ChecksumsAreRight(answer);

        var entries = new List<ConntrackEntry>();
        _datapath.Conntrack.Dump(1, entries.Add);
        var entry = Assert.Single(entries);
        Assert.Equal(client, $"{entry.Original.Source}");
        Assert.Equal(nat, $"{entry.Reply.Destination}");
        Assert.Equal(1UL, entry.PacketsReply);
        Assert.Equal(1u, _datapath.Conntrack.Totals().Count);
        Assert.Equal(1, _datapath.Conntrack.Flush(new ConntrackFilter(Zone: 1)));
        Assert.Equal(0u, _datapath.Conntrack.Totals().Count);
    }

    [EbpfTheory]
    [InlineData("10.0.0.1", "10.0.0.2", "10.1.1.1", (byte)3)]
    [InlineData("fd00::1", "fd00::2", "fd01::9", (byte)1)]
    public void Errors_are_translated_with_the_packet_that_they_quote(
        string client, string server, string nat, byte type)
    {
        Translate(nat);
        _inside.Send(TestPacket.Udp(client, 1000, server, 80));
        var sent = Next(_outside);

        _outside.Send(TestPacket.Icmp(server, nat, type, 3, 0, sent[14..]));
        var error = Next(_inside);

        Assert.Contains($"dst={client}", Describe(error));
        PacketChecks.ChecksumsAreRight(error);
        var quoted = error.AsSpan(14 + (client.Contains(':') ? 40 : 20) + 8);
        var address = client.Contains(':') ? quoted.Slice(8, 16) : quoted.Slice(12, 4);
        Assert.Equal(client, $"{new System.Net.IPAddress(address)}");
    }

    [EbpfTheory]
    [InlineData(2)]
    public void A_zone_takes_no_more_connections_than_its_limit(int limit)
    {
        Put("recirc_id(0),in_port(1)", "ct(commit,zone=1),recirc(0x1)");
        Put("ct_state(+new+trk),recirc_id(0x1),in_port(1)", "2");
        _inside.Send(TestPacket.Udp("10.0.0.1", 99, "10.0.0.2", 80));
        Next(_outside);
        _datapath.Conntrack.SetLimit(1, (uint)limit); // Counts what comes after it.

        for (var port = 1; port <= limit + 1; port++)
        {
            _inside.Send(TestPacket.Udp("10.0.0.1", port, "10.0.0.2", 80));
        }

        for (var i = 0; i < limit; i++) Next(_outside);
        Assert.Equal((uint)limit + 1, _datapath.Conntrack.Totals().Count);
        Assert.Equal(1UL, _datapath.DropCounts()[(int)DropReason.ConntrackZoneLimit]);
        Assert.Equal((uint)limit, _datapath.Conntrack.CountSinceLimit(1));
        _datapath.Conntrack.Flush(new ConntrackFilter());
        Assert.Equal(0u, _datapath.Conntrack.CountSinceLimit(1));
    }

    [EbpfTheory]
    [InlineData("10.100.1.1", "PORT 10,100,1,1,4,1\r\n", 2)]
    public void What_a_control_channel_announces_is_related_and_stays_in_the_kernel(
        string nat, string translated, uint growth)
    {
        const string Client = "10.0.0.1", Server = "10.0.0.2";
        const uint Acknowledged = 1000 + 19;
        Put("recirc_id(0),in_port(1)", $"ct(commit,zone=1,helper=ftp,nat(src={nat})),recirc(0x1)");
        Put("recirc_id(0x1),in_port(1)", "2");
        Put("recirc_id(0),in_port(2)", "ct(commit,zone=1,nat),recirc(0x2)");
        Put("ct_state(+trk+rel),recirc_id(0x2),in_port(2)", "1");
        Put("ct_state(+trk-rel+est),recirc_id(0x2),in_port(2)", "1");
        _inside.Send(TestPacket.Tcp(Client, 2000, Server, 21, "S", 999));
        Next(_outside);
        _outside.Send(TestPacket.Tcp(Server, 21, nat, 2000, "SA", 4999, 1000));
        Next(_inside);

        _inside.Send(TestPacket.Tcp(Client, 2000, Server, 21, "PA", 1000, 5000,
            data: Encoding.ASCII.GetBytes("PORT 10,0,0,1,4,1\r\n")));
        var line = Next(_outside);
        Assert.Equal(translated, Encoding.ASCII.GetString(line.AsSpan(54)));
        PacketChecks.ChecksumsAreRight(line);
        _outside.Send(
            TestPacket.Tcp(Server, 21, nat, 2000, "A", 5000, Acknowledged + growth));
        var answer = Next(_inside);
        Assert.Equal(Acknowledged, BinaryPrimitives.ReadUInt32BigEndian(answer.AsSpan(42)));
        PacketChecks.ChecksumsAreRight(answer);

        _outside.Send(TestPacket.Tcp(Server, 20, nat, 1026, "S", 1)); // Nobody announced that.
        _outside.Send(TestPacket.Tcp(Server, 20, nat, 1025, "S", 1));
        Assert.Contains($"dst={Client}", Describe(Next(_inside)));
        EbpfSupport.WaitUntilIdle(_datapath);
        var handled = _datapath.UpcallsHandled;
        _inside.Send(TestPacket.Tcp(Client, 1025, Server, 20, "SA", 9, 2));
        Assert.Contains($"src={nat}", Describe(Next(_outside)));
        _outside.Send(TestPacket.Tcp(Server, 20, nat, 1025, "PA", 2, 10, payload: 100));
        Next(_inside);
        Assert.Equal(handled, _datapath.UpcallsHandled);
        Assert.Empty(_seen);

        var entries = new List<ConntrackEntry>();
        _datapath.Conntrack.Dump(1, entries.Add);
        var parent = Assert.Single(entries, entry => entry.Helper == "ftp").Original;
        Assert.Equal(parent, Assert.Single(entries, entry => entry.Parent is not null).Parent);
    }

    [EbpfTheory]
    [InlineData("10.0.0.1", "10.0.0.2", "10.1.1.1")]
    public void A_packet_that_comes_through_its_zone_twice_counts_once(
        string client, string server, string nat)
    {
        Put("recirc_id(0),in_port(1)", $"ct(commit,zone=1,nat(src={nat})),recirc(0x1)");
        Put("recirc_id(0x1),in_port(1)", "ct(commit,zone=1,mark=0x5),2");

        _inside.Send(TestPacket.Udp(client, 1000, server, 80));
        Assert.Contains($"src={nat}", Describe(Next(_outside)));

        var entries = new List<ConntrackEntry>();
        _datapath.Conntrack.Dump(1, entries.Add);
        var entry = Assert.Single(entries);
        Assert.Equal(client, $"{entry.Original.Source}");
        Assert.Equal(5u, entry.Mark);
        Assert.Equal(1UL, entry.PacketsOriginal);
        Assert.Equal(0UL, _datapath.DropCounts()[(int)DropReason.ConntrackInvalid]);
    }

    private readonly Queue<byte[]> _seen = new();

    private void Translate(string nat)
    {
        Put("recirc_id(0),in_port(1)", $"ct(commit,zone=1,nat(src={nat})),recirc(0x1)");
        Put("recirc_id(0x1),in_port(1)", "2");
        Put("recirc_id(0),in_port(2)", "ct(zone=1,nat),recirc(0x2)");
        Put("recirc_id(0x2),in_port(2)", "1");
    }

    private byte[] Next(DevicePeer peer)
    {
        var deadline = Environment.TickCount64 + 2000;
        while (_seen.Count == 0)
        {
            Assert.True(Environment.TickCount64 < deadline, "nothing came out");
            foreach (var packet in peer.Take()) _seen.Enqueue(packet);
        }

        return _seen.Dequeue();
    }

    private void Put(string flow, string actions)
    {
        Assert.True(
            OdpFlowText.TryParse(flow, null, out var key, out var mask, out var error), error);
        Assert.True(OdpActionText.TryParse(actions, null, out var list, out error), error);
        mask.RecirculationIdWire = uint.MaxValue;
        Assert.Equal(FlowPutResult.Added, _datapath.Flows.Put(key, mask, list));
    }

    private static string Describe(byte[] packet)
    {
        FlowKey key = default, mask = default;
        Assert.True(FlowKeyExtractor.TryExtract(packet, ref key, out var reason), $"{reason}");
        mask.Bytes[FlowKey.LinkOffset..FlowKey.TunnelOffset].Fill(0xFF);
        return OdpFlowText.Format(key, mask);
    }
}
