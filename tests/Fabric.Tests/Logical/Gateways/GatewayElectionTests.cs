using System.Collections.Immutable;
using Fabric.Logical;

namespace Fabric.Tests.Logical.Gateways;

/// <summary>Who acts as a gateway, by what each host sees.</summary>
public sealed class GatewayElectionTests
{
    private static readonly NextHop Hop = new("patch", 0, 0x0a000001);

    private static readonly Gateway OfTwo = new("lrp", ["a", "b"]) { NextHops = [Hop] };

    private static GatewaySituation At(
        string self, string peers, string elected = "", bool answers = false) => new(
        self,
        peers.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .ToImmutableSortedDictionary(word => word[1..], word => word[0] switch
            {
                '+' => PeerState.Up,
                '-' => PeerState.Lost,
                _ => PeerState.Unknown,
            }, StringComparer.Ordinal),
        elected.Length == 0 ? ImmutableSortedDictionary<string, string>.Empty
            : ImmutableSortedDictionary<string, string>.Empty.Add("lrp", elected),
        answers ? ["lrp"] : []);

    [Theory]
    // Two hosts: the preferred one acts whatever it sees.
    [InlineData("a", "+b", "", false, "a")]
    [InlineData("a", "-b", "", false, "a")]
    // The other one waits for both: the session lost, the next hop there.
    [InlineData("b", "+a", "", true, "a")]
    [InlineData("b", "?a", "", true, "a")]
    [InlineData("b", "-a", "", false, "")]
    [InlineData("b", "-a", "", true, "b")]
    // What gossip has of votes decides nothing between two.
    [InlineData("b", "-a", "a", true, "b")]
    // A third host: most must see that the preferred one is gone.
    [InlineData("b", "-a +w", "a", true, "a")]
    [InlineData("b", "-a +w", "b", false, "b")]
    [InlineData("a", "-b +w", "a", false, "a")]
    // Who sees nobody acts no more.
    [InlineData("a", "-b -w", "a", false, "")]
    [InlineData("b", "-a -w", "b", true, "")]
    // Senders follow their own sessions.
    [InlineData("w", "+a +b", "", false, "a")]
    [InlineData("w", "-a +b", "a", false, "b")]
    [InlineData("w", "-a -b", "", false, "")]
    // Hosts that nobody has heard of do not count.
    [InlineData("w", "+b", "", false, "b")]
    public void The_owner_follows_from_what_a_host_sees(
        string self, string peers, string elected, bool answers, string owner) =>
        Assert.Equal(owner, GatewayElection.OwnerOf(OfTwo, At(self, peers, elected, answers)));

    [Fact]
    public void Where_there_is_nothing_to_ask_only_a_candidate_that_left_is_replaced()
    {
        var blind = OfTwo with { NextHops = [] };
        Assert.Equal("", GatewayElection.OwnerOf(blind, At("b", "-a")));
        Assert.Equal("b", GatewayElection.OwnerOf(blind, At("b", "")));
    }

    [Fact]
    public void Next_hops_are_asked_only_where_the_answer_decides()
    {
        Assert.True(GatewayElection.NeedsNextHop(OfTwo, At("b", "-a")));
        Assert.False(GatewayElection.NeedsNextHop(OfTwo, At("b", "+a")));
        Assert.False(GatewayElection.NeedsNextHop(OfTwo, At("a", "-b")));
        Assert.False(GatewayElection.NeedsNextHop(OfTwo, At("b", "-a +w")));
    }

    /// <summary>
    /// All ways in which the links among three hosts can be cut, once votes have arrived: never
    /// two owners among hosts that hear each other, and an owner where a majority is whole.
    /// </summary>
    [Fact]
    public void No_cut_of_links_makes_two_owners_of_three_hosts()
    {
        string[] hosts = ["a", "b", "w"];
        (string, string)[] links = [("a", "b"), ("a", "w"), ("b", "w")];
        for (var cut = 0; cut < 8; cut++)
        {
            var down = links.Where((_, i) => (cut & (1 << i)) != 0).ToHashSet();
            bool Sees(string one, string other) =>
                !down.Contains((one, other)) && !down.Contains((other, one));
            GatewaySituation Of(string self, string elected) => At(self, string.Join(
                ' ', hosts.Where(host => host != self)
                    .Select(host => (Sees(self, host) ? "+" : "-") + host)), elected, true);
            // Gossip goes round by way of whoever is connected.
            HashSet<string> Heard(string self)
            {
                var seen = new HashSet<string> { self };
                for (var again = true; again;)
                {
                    again = hosts.Any(host =>
                        seen.Any(other => Sees(other, host)) && seen.Add(host));
                }

                return seen;
            }

            var owners = hosts.Where(self =>
            {
                var votes = Heard(self)
                    .Select(host => GatewayElection.VoteOf(OfTwo, Of(host, "")))
                    .OfType<string>().GroupBy(vote => vote)
                    .OrderByDescending(vote => vote.Count())
                    .ThenBy(vote => vote.Key, StringComparer.Ordinal);
                var elected = votes.FirstOrDefault()?.Key ?? "";
                return GatewayElection.OwnerOf(OfTwo, Of(self, elected)) == self;
            }).ToList();
            Assert.True(owners.Count <= 1, $"cut {cut:b3}: {string.Join(' ', owners)}");
            var isConnected = Heard("w").Count >= 2;
            Assert.True(!isConnected || owners.Count == 1, $"cut {cut:b3}: nobody");
        }
    }
}
