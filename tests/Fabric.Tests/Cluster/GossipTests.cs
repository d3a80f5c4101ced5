using System.Collections.Immutable;
using System.Net;
using Fabric.Cluster;
using Fabric.Wire;

namespace Fabric.Tests;

/// <summary>What hosts gossip beside VTEPs and ports: bytes that stay, and what follows.</summary>
public sealed class GossipTests
{
    private static readonly ImmutableSortedSet<string> Alive =
        ImmutableSortedSet.Create(StringComparer.Ordinal, "h1", "h2", "h3", "h4");

    private static readonly ImmutableSortedDictionary<string, string> NoVotes =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    private static HostReport Voting(string host, string? candidate) => new(
        host, 1, null, candidate is null ? NoVotes : NoVotes.Add("cr-lrp1", candidate));

    [Fact]
    public void Learned_addresses_keep_their_bytes()
    {
        var mac = MacBytes.FromUInt64(0x0000_5E00_0101);
        var binding = new LearnedMacBinding(
            new MacBinding("lrp1", IPAddress.Parse("10.0.0.9"), mac, "h1"), 7);
        const string BindingHex = "0A046C727031" + "12040A000009" + "18818280F005"
            + "22026831" + "2807";
        Assert.Equal(BindingHex, Convert.ToHexString(LearnedRecordCodec.Write(binding)));
        Assert.True(LearnedRecordCodec.TryRead(
            Convert.FromHexString(BindingHex), out LearnedMacBinding? read));
        Assert.Equal(binding, read);

        var entry = new LearnedFdbEntry(
            new FdbEntry(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), mac, "web1", "h2"), 8);
        const string EntryHex = "0A1000112233445566778899AABBCCDDEEFF" + "10818280F005"
            + "1A0477656231" + "22026832" + "2808";
        Assert.Equal(EntryHex, Convert.ToHexString(LearnedRecordCodec.Write(entry)));
        Assert.True(LearnedRecordCodec.TryRead(
            Convert.FromHexString(EntryHex), out LearnedFdbEntry? readEntry));
        Assert.Equal(entry, readEntry);
    }

    [Fact]
    public void Reports_keep_their_bytes()
    {
        var report = new HostReport(
            "h1", 6, new HostLoad(3, 300, 25, 4096), NoVotes.Add("cr-lrp1", "h2"));
        const string Hex = "0A026831" + "1006" + "1A0D0A0763722D6C727031" + "12026832"
            + "220A" + "0803" + "10AC02" + "1819" + "208020";
        Assert.Equal(Hex, Convert.ToHexString(HostReportCodec.Write(report)));
        Assert.True(HostReportCodec.TryRead(Convert.FromHexString(Hex), out var read));
        Assert.Equal(report.Load, read.Load);
        Assert.Equal(report.Votes, read.Votes);
        Assert.Equal(0, read.Applied);
        var applied = HostReportCodec.Write(report with { Applied = 300 });
        Assert.Equal(Hex + "28AC02", Convert.ToHexString(applied));
        Assert.True(HostReportCodec.TryRead(applied, out read));
        Assert.Equal(300, read.Applied);
    }

    /// <remarks>Every truncation and every single-byte change.</remarks>
    [Fact]
    public void No_bytes_make_a_reader_throw()
    {
        var bytes = HostReportCodec.Write(
            new HostReport("h1", 6, new HostLoad(3, 300, 25, 4096), NoVotes.Add("p", "h2")));
        for (var i = 0; i < bytes.Length * 256; i++)
        {
            var changed = bytes.AsSpan(0, 1 + (i % bytes.Length)).ToArray();
            changed[i % changed.Length] = (byte)(i / bytes.Length);
            HostReportCodec.TryRead(changed, out _);
            LearnedRecordCodec.TryRead(changed, out LearnedMacBinding? _);
            LearnedRecordCodec.TryRead(changed, out LearnedFdbEntry? _);
        }
    }

    [Theory]
    [InlineData("h2 h2 h1 -", "h2")] // The most votes.
    [InlineData("h2 h1 - -", "h1")] // As many: the lower id.
    [InlineData("h9 h9 h9 h4", "h4")] // A host that is gone cannot be active.
    [InlineData("- - - -", null)]
    public void The_gateway_is_whom_most_hosts_vote_for(string votes, string? active)
    {
        var reports = votes.Split(' ').Select((vote, index) =>
            Voting($"h{index + 1}", vote == "-" ? null : vote)).Append(Voting("h9", "h3"));
        var elected = HostReportRules.Elect(reports, Alive);
        Assert.Equal(active, elected.GetValueOrDefault("cr-lrp1"));
    }

    [Fact]
    public void A_load_that_flickers_is_not_told()
    {
        var told = new HostLoad(10, 10_000, 50, 1L << 30);
        Assert.True(HostReportRules.IsWorthTelling(null, told));
        Assert.False(HostReportRules.IsWorthTelling(told, told with { FlowCount = 10_900 }));
        Assert.True(HostReportRules.IsWorthTelling(told, told with { FlowCount = 11_100 }));
        Assert.True(HostReportRules.IsWorthTelling(told, told with { PortCount = 12 }));
        Assert.False(HostReportRules.IsWorthTelling(told, told with { CpuPercent = 58 }));
    }

    /// <remarks>
    /// Goal: what is left of a cluster joins the one that most voters are in, never the reverse.
    /// Method: a alone, b and c together, each hearing the other's notes; then for as many.
    /// </remarks>
    [Theory]
    [InlineData("a", "b c", true, false)]
    [InlineData("a b", "c", false, true)]
    [InlineData("a", "b", false, true)]
    public void Of_two_clusters_of_one_log_the_weaker_one_yields(
        string one, string other, bool oneYields, bool otherYields)
    {
        var log = Guid.NewGuid();
        var voters = VoterSet.Of("a", "b", "c");
        var (left, right) = (Of(one), Of(other));
        var (yielded, otherYielded) = (false, false);
        for (var second = 0; second < 15; second++)
        {
            var now = TimeSpan.FromSeconds(second);
            left.Rule.Hear(Note(right), now);
            right.Rule.Hear(Note(left), now);
            yielded |= left.Rule.ShallYield(left.Members, now);
            otherYielded |= right.Rule.ShallYield(right.Members, now);
            Assert.True(second >= 10 || !(yielded || otherYielded), "too soon");
        }

        Assert.Equal((oneYields, otherYields), (yielded, otherYielded));

        (FormationRule Rule, MembershipView Members) Of(string hosts)
        {
            var ids = hosts.Split(' ');
            var members = ids.Select(id => new HostMember(id, id, "up", true, true, []));
            return (new FormationRule(ids[0]) { Voters = voters, LogId = log },
                new MembershipView(ids[0], ids[0], [.. members], ids[0], true));
        }

        static FormationNote Note((FormationRule Rule, MembershipView Members) from) =>
            new(from.Members.SelfHost, true, "")
            {
                LogId = from.Rule.LogId,
                With = from.Rule.With(from.Members),
            };
    }

    /// <remarks>Who welcomed both died before it told a of c; c knows both.</remarks>
    [Fact]
    public void A_voter_that_its_own_members_do_not_know_joins_anew()
    {
        var voters = VoterSet.Of("a", "b", "c");
        var members = new MembershipView(
            "c", "c", [.. voters.Hosts.Select(id => UpMember(id))], "a", true);
        var rule = new FormationRule("c") { Voters = voters };
        Assert.False(rule.IsStranger("a", members, TimeSpan.Zero));
        for (var second = 0; second <= 10; second++)
        {
            var now = TimeSpan.FromSeconds(second);
            rule.Hear(new FormationNote("a", true, "") { With = VoterSet.Of("a", "b") }, now);
            Assert.True(rule.IsStranger("a", members, now));
            Assert.Equal(voters, rule.With(members)); // What it tells others is what it sees.
            Assert.Equal(second == 10, rule.ShallYield(members, now));
        }

        Assert.False(rule.IsStranger("a", members, TimeSpan.FromSeconds(14))); // Forgotten.
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("a b", false)]
    public void Of_clusters_that_quarantined_each_other_the_minority_joins_anew(
        string hosts, bool yields)
    {
        var members = new MembershipView(
            "a", "a", [.. hosts.Split(' ').Select(id => UpMember(id))], "a", true);
        var rule = new FormationRule("a") { Voters = VoterSet.Of("a", "b", "c") };
        var yielded = false;
        for (var second = 0; second <= 10; second++)
        {
            var now = TimeSpan.FromSeconds(second);
            Assert.False(rule.ShallYield(members, now) && second < 10);
            rule.HearRefusal(now);
            yielded = rule.ShallYield(members, now);
        }

        Assert.Equal(yields, yielded);
        Assert.False(rule.ShallYield(members, TimeSpan.FromSeconds(19))); // Refused no more.
    }

    private static HostMember UpMember(string id) => new(id, id, "up", true, true, []);

    [Fact]
    public void A_cluster_of_another_log_is_nobodys_better_half()
    {
        var rule = new FormationRule("a")
        {
            Voters = VoterSet.Of("a", "b"),
            LogId = Guid.NewGuid(),
        };
        var members = new MembershipView(
            "a", "a", [new HostMember("a", "a", "up", true, true, [])], "a", true);
        for (var second = 0; second < 30; second++)
        {
            var now = TimeSpan.FromSeconds(second);
            rule.Hear(
                new FormationNote("z", true, "")
                {
                    LogId = Guid.NewGuid(),
                    With = VoterSet.Of("a", "b"),
                },
                now);
            Assert.False(rule.ShallYield(members, now));
        }
    }
}
