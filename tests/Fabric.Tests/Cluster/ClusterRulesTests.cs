using System.Collections.Immutable;
using Fabric.Cluster;

namespace Fabric.Tests;

/// <summary>Tables of the cluster's decisions that need no I/O.</summary>
public sealed class ClusterRulesTests
{
    private static readonly ImmutableSortedDictionary<string, long> NoClaims =
        ImmutableSortedDictionary<string, long>.Empty;

    private static VoterCandidate Fit(string host) => new(host, true, false, true);

    [Fact]
    public void Up_to_five_of_the_oldest_hosts_vote()
    {
        ImmutableArray<VoterCandidate> hosts =
            [.. Enumerable.Range(1, 7).Select(i => Fit($"h{i}"))];
        var voters = VoterSet.Of("h1");
        while (VoterPolicy.Next(voters, hosts) is { } next) voters = next;
        Assert.Equal(VoterSet.Of("h1", "h2", "h3", "h4", "h5"), voters);
    }

    [Fact]
    public void Who_is_behind_or_out_of_reach_does_not_become_a_voter()
    {
        var voters = VoterSet.Of("a");
        Assert.Null(VoterPolicy.Next(voters, [Fit("a"), Fit("b") with { IsCaughtUp = false }]));
        Assert.Null(VoterPolicy.Next(voters, [Fit("a"), Fit("b") with { IsReachable = false }]));
    }

    [Theory]
    [InlineData("a,b", "a", null)]       // Two hosts: the dead one may come back.
    [InlineData("a,b,c", "a,b", null)]   // Two of three are a majority still.
    [InlineData("a,b,c,d", "a,b,c", "a,b,c")]
    [InlineData("a,b,c", "a,b,e", "a,b,c,e")]
    [InlineData("a,b,c,d,e", "a,b,c,d", "a,b,c,d")]
    public void A_dead_voter_stays_until_it_can_be_spared(
        string voters, string alive, string? next)
    {
        var set = VoterSet.Of(voters.Split(','));
        var chosen = VoterPolicy.Next(set, [.. alive.Split(',').Select(Fit)]);
        Assert.Equal(next, chosen?.ToString());
    }

    [Fact]
    public void Who_leaves_stops_voting_first()
    {
        var leaving = Fit("b") with { IsLeaving = true };
        Assert.Equal(
            VoterSet.Of("a"), VoterPolicy.Next(VoterSet.Of("a", "b"), [Fit("a"), leaving]));
        Assert.Null(VoterPolicy.Next(VoterSet.Of("b"), [leaving]));
    }

    [Fact]
    public void A_port_that_moves_is_claimed_above_its_last_claim()
    {
        HostClaims[] others = [new("b", 1, NoClaims.Add("web1", 4))];
        var claims = PortClaims.Claim(NoClaims, ["web1", "web2"], others, isFirst: false);
        Assert.Equal(5, claims["web1"]);
        Assert.Equal(1, claims["web2"]);
        Assert.Equal(5, PortClaims.Claim(claims, ["web1"], others, false)["web1"]);
        // What a host had bound before it restarted is not news.
        Assert.Equal(1, PortClaims.Claim(NoClaims, ["web1"], others, isFirst: true)["web1"]);
    }

    [Fact]
    public void When_all_hosts_were_down_one_of_a_majority_forms_the_cluster_again()
    {
        var voters = VoterSet.Of("a", "b", "c");
        var a = new FormationRule("a") { Voters = voters };
        var b = new FormationRule("b") { Voters = voters };
        var formed = new List<string>();
        for (var second = 0; second < 6; second++)
        {
            var now = TimeSpan.FromSeconds(second);
            a.Hear(new FormationNote("b", false, b.Candidate(now)), now);
            b.Hear(new FormationNote("a", false, a.Candidate(now)), now);
            if (a.ShallForm(now)) formed.Add("a");
            if (b.ShallForm(now)) formed.Add("b");
        }

        Assert.Contains("a", formed);
        Assert.DoesNotContain("b", formed);
    }

    [Fact]
    public void Voters_whose_logs_disagree_on_who_votes_agree_on_one_to_form_the_cluster()
    {
        var late = VoterSet.Of("b", "c", "d", "e");
        var rules = new SortedDictionary<string, FormationRule>();
        foreach (var id in (string[])["a", "b", "c", "d", "e"])
        {
            rules[id] = new FormationRule(id)
            {
                Voters = id is "c" or "e" ? VoterSet.Of("a", "b", "c", "d", "e") : late,
            };
        }

        var formed = new HashSet<string>();
        for (var second = 0; second < 10; second++)
        {
            var now = TimeSpan.FromSeconds(second);
            foreach (var (from, sender) in rules)
            {
                var note = new FormationNote(from, false, sender.Candidate(now));
                foreach (var (to, rule) in rules)
                    if (to != from) rule.Hear(note, now);
            }

            formed.UnionWith(rules.Where(pair => pair.Value.ShallForm(now)).Select(p => p.Key));
        }

        Assert.Equal(["a"], formed);
    }

    /// <remarks>Its log ends before the entry that made it a voter.</remarks>
    [Theory]
    [InlineData("a", true)]
    [InlineData("b", false)]
    public void A_host_that_most_voters_name_forms_the_cluster_though_it_does_not_know_why(
        string named, bool forms)
    {
        var a = new FormationRule("a") { Voters = VoterSet.Of("b", "c", "d") };
        var formed = false;
        for (var second = 0; second < 6; second++)
        {
            var now = TimeSpan.FromSeconds(second);
            a.Hear(new FormationNote("c", false, named), now);
            a.Hear(new FormationNote("d", false, "a"), now);
            formed |= a.ShallForm(now);
        }

        Assert.Equal(forms, formed);
    }

    [Fact]
    public void A_minority_and_who_hears_of_a_cluster_form_nothing()
    {
        var alone = new FormationRule("a") { Voters = VoterSet.Of("a", "b", "c") };
        var late = new FormationRule("a") { Voters = VoterSet.Of("a", "b") };
        for (var second = 0; second < 20; second++)
        {
            var now = TimeSpan.FromSeconds(second);
            late.Hear(new FormationNote("b", true, ""), now);
            Assert.False(alone.ShallForm(now));
            Assert.False(late.ShallForm(now));
        }
    }

    [Fact]
    public void A_request_that_the_log_holds_is_not_done_again()
    {
        var origins = Origins.Empty.Add(new RequestId("a", 5, 3, 2));
        Assert.True(origins.Contains(new RequestId("a", 5, 3, 3)));
        Assert.True(origins.Contains(new RequestId("a", 5, 1, 1))); // Answered long ago.
        Assert.True(origins.Contains(new RequestId("a", 4, 9, 9))); // Of an earlier start.
        Assert.False(origins.Contains(new RequestId("a", 5, 4, 2)));
        Assert.False(origins.Contains(new RequestId("a", 6, 1, 1)));
        Assert.False(origins.Contains(new RequestId("b", 5, 3, 2)));
        Assert.Empty(origins.Add(new RequestId("a", 5, 9, 10)).Windows["a"].Done);
    }

    [Theory]
    [InlineData("10.0.0.1", "akka.tcp://fabric@10.0.0.1:2552")]
    [InlineData("10.0.0.1:99", "akka.tcp://fabric@10.0.0.1:99")]
    [InlineData("[fd00::1]:99", "akka.tcp://fabric@[fd00::1]:99")]
    [InlineData("fd00::1", "akka.tcp://fabric@[fd00::1]:2552")]
    [InlineData("host", "akka.tcp://fabric@host:2552")]
    [InlineData("host:0", null)]
    [InlineData("host:x", null)]
    [InlineData(":99", null)]
    public void Seeds_are_hosts_with_or_without_a_port(string seed, string? address)
    {
        const string Prefix = "akka.tcp://fabric@";
        Assert.Equal(address is not null, FabricSystem.TryParseSeed(seed, Prefix, out var parsed));
        if (address is not null) Assert.Equal(address, parsed);
    }
}
