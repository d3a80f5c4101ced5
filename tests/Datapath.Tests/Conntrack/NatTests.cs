using System.Net;
using Fabric.Wire;
using static Fabric.Datapath.Tests.Conntrack.TestPacket;
using static Fabric.Wire.ConntrackState;

namespace Fabric.Datapath.Tests.Conntrack;

public sealed class NatTests
{
    private const string Inside = "10.0.0.1";
    private const string Outside = "192.0.2.9";
    private const string Public = "198.51.100.1";
    private readonly TrackerBench _bench = new();

    [Fact]
    public void A_source_is_translated_and_its_answers_are_translated_back()
    {
        var state = _bench.Commit(
            Udp(Inside, 5000, Outside, 53), TrackerBench.SourceNat(Public));
        Assert.Equal(Tracked | New | SourceNat, state);
        Assert.Equal(Udp(Public, 5000, Outside, 53), _bench.Last);

        state = _bench.Look(Udp(Outside, 53, Public, 5000), TrackerBench.Translate);
        Assert.Equal(Tracked | Established | Reply | DestinationNat, state);
        Assert.Equal(Udp(Outside, 53, Inside, 5000), _bench.Last);
    }

    [Fact]
    public void A_destination_and_its_port_are_translated()
    {
        _bench.Commit(Tcp(Outside, 5000, Public, 80, "S", 1),
            TrackerBench.DestinationNat(Inside, 8080));
        Assert.Equal(Tcp(Outside, 5000, Inside, 8080, "S", 1), _bench.Last);
        _bench.Look(Tcp(Inside, 8080, Outside, 5000, "SA", 9, 2), TrackerBench.Translate);
        Assert.Equal(Tcp(Public, 80, Outside, 5000, "SA", 9, 2), _bench.Last);
    }

    [Fact]
    public void Two_connections_never_share_a_tuple()
    {
        var replies = new HashSet<ConntrackTuple>();
        for (var client = 1; client <= 50; client++)
        {
            _bench.Commit(Udp($"10.0.0.{client}", 5000, Outside, 53),
                TrackerBench.SourceNat(Public, from: 6000, to: 6049));
            Assert.True(IsSound(_bench.Last));
        }

        _bench.Table.Dump(null, entry => Assert.True(replies.Add(entry.Reply)));
        Assert.Equal(50, replies.Count);
        Assert.Equal(Tracked | New, _bench.Commit(
            Udp("10.0.0.51", 5000, Outside, 53),
            TrackerBench.SourceNat(Public, from: 6000, to: 6049)));
        Assert.Equal(1ul, _bench.Table.DropCount(DropReason.ConntrackNatExhausted));
    }

    [Fact]
    public void Echo_identifiers_that_collide_are_told_apart()
    {
        _bench.Commit(Icmp("10.0.0.1", Outside, 8, 0, 7), TrackerBench.SourceNat(Public));
        _bench.Commit(Icmp("10.0.0.2", Outside, 8, 0, 7), TrackerBench.SourceNat(Public));
        var second = _bench.Last;
        Assert.True(IsSound(second));
        var id = (ushort)((second[38] << 8) | second[39]);
        Assert.NotEqual(7, id);
        _bench.Look(Icmp(Outside, Public, 0, 0, id), TrackerBench.Translate);
        Assert.Equal(Icmp(Outside, "10.0.0.2", 0, 0, 7), _bench.Last);
    }

    [Fact]
    public void An_icmp_error_is_translated_inside_and_outside()
    {
        _bench.Commit(Udp(Inside, 5000, Outside, 53), TrackerBench.SourceNat(Public));
        var translated = _bench.Last;
        var error = Icmp(Outside, Public, 3, 3, 0, translated[14..42]);
        var state = _bench.Look(error, TrackerBench.Translate);
        Assert.Equal(Tracked | Related | Reply | DestinationNat, state);
        Assert.True(IsSound(_bench.Last));
        Assert.Equal(IPAddress.Parse(Inside).GetAddressBytes(), _bench.Last[30..34]);
        Assert.Equal(IPAddress.Parse(Inside).GetAddressBytes(), _bench.Last[54..58]);
    }

    [Fact]
    public void Ipv6_is_translated_with_a_right_checksum()
    {
        _bench.Commit(Udp("fd00::1", 5000, "2001:db8::9", 53),
            TrackerBench.SourceNat("2001:db8::1"));
        Assert.Equal(Udp("2001:db8::1", 5000, "2001:db8::9", 53), _bench.Last);
    }

    [Fact]
    public void All_zero_source_translation_only_resolves_collisions()
    {
        var zero = TrackerBench.SourceNat("0.0.0.0");
        _bench.Commit(Udp(Inside, 5000, Outside, 53), zero);
        Assert.Equal(Udp(Inside, 5000, Outside, 53), _bench.Last);

        // A connection whose translation ended on the tuple that the next one would need.
        _bench.Commit(Udp("10.0.0.7", 5001, Public, 53), TrackerBench.DestinationNat(Outside));
        _bench.Commit(Udp("10.0.0.7", 5001, Outside, 53), zero);
        Assert.NotEqual(Udp("10.0.0.7", 5001, Outside, 53), _bench.Last);
        Assert.True(IsSound(_bench.Last));
    }

    [Fact]
    public void A_range_of_addresses_gives_one_client_one_address()
    {
        var spec = TrackerBench.SourceNat("198.51.100.1", "198.51.100.16");
        _bench.Commit(Udp(Inside, 5000, Outside, 53), spec);
        var first = _bench.Last[26..30];
        _bench.Commit(Udp(Inside, 5001, Outside, 53), spec);
        Assert.Equal(first, _bench.Last[26..30]);
    }
}
