using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.SBR;
using Akka.Util;

namespace Fabric.ActorRuntime.Tests.Cluster;

/// <summary>
/// The split brain resolver's decisions, as Akka's documentation and tests give them.
/// </summary>
/// <remarks>
/// A line is: strategy | members | unreachable | records | seen by | who is downed.
/// A member is a letter (its place in address order) with its status: none for Up, j Joining,
/// w WeaklyUp, l Leaving, e Exiting, d Down; a digit is its age (default: its letter's place);
/// an apostrophe gives it the role "r". Records are observer&gt;subject, or observer&lt;subject
/// where it was found again; where there are none, all who are reachable find all who are not so.
/// The decision is made by the first reachable member.
/// </remarks>
public sealed class SplitBrainDecisionTests
{
    public static TheoryData<string> KeepMajorityCases =>
    [
        // The larger side stays, the smaller goes.
        "majority | a b c | c | | | c",
        "majority | a b c | b | | | b",
        "majority | a b c | a | | | a",
        "majority | a b c | b c | | | a",
        "majority | a b c | a b | | | c",
        "majority | a b c d e | d e | | | d e",
        "majority | a b c d e | c d e | | | a b",
        "majority | a b c d e | a b | | | a b",
        "majority | a b c d e | a b c | | | d e",
        "majority | a b c d e | e | | | e",
        "majority | a b c d e | b c d e | | | a",
        // Equal halves: the lowest address decides.
        "majority | a b | b | | | b",
        "majority | a b | a | | | b",
        "majority | a b c d | c d | | | c d",
        "majority | a b c d | a b | | | c d",
        "majority | a b c d | b c | | | b c",
        "majority | a b c d | a d | | | b c",
        // Alone, everybody reachable, or nobody left to count.
        "majority | a | | | | ",
        "majority | aj bj | bj | | | a b",
        "majority | aw bw | bw | | | a b",
        // Joining and WeaklyUp members do not count, but are downed with their side.
        "majority | a b cj | c | | | c",
        "majority | a b cw | c | | | c",
        "majority | a b c dj | c d | | | c d",
        "majority | a b c dw | c d | | | c d",
        "majority | a b c dj ej | a b d e | | | c",
        "majority | a b c d ej | d e | | | d e",
        "majority | a b c dj | d | | | d",
        "majority | a b c dj ej | d e | | | d e",
        "majority | a b c dj ej fj | c d e f | | | a b c d e f",
        // Leaving members count on this side only if they surely stay.
        "majority | al bl c d | c d | | | a b c d",
        "majority | a bl c | c | | | c",
        "majority | al b c | c | | | c",
        "majority | a b cl | c | | | c",
        "majority | a b c dl | d | | | d",
        "majority | a b c dl el | d e | | | d e",
        "majority | a bl cl d e | d e | | | a b c d e",
        // Exiting and Down members are left out altogether.
        "majority | a b ce | b c | | | b",
        "majority | a b c de ee | c d e | | | c",
        "majority | a b cd | b c | | | b",
        "majority | a b c de | b c | | | a",
        // Of a role, only its members count; all of the losing side go.
        "majority' | a' b' c d e | c d e | | | c d e",
        "majority' | a' b' c' d e | b c | | | a d e",
        "majority' | a' b' c d | a c | | | b d",
        "majority' | a b c | c | | | a b c",
        // A 3-way split: this part is a minority to the rest.
        "majority | a b c d e f | c d e f | | | a b",
        "majority | a b c d e f g | d e f g | | | a b c",
    ];

    public static TheoryData<string> StaticQuorumCases =>
    [
        "quorum3 | a b c d e | d e | | | d e",
        "quorum3 | a b c d e | c d e | | | a b",
        "quorum3 | a b c d e | a b | | | a b",
        "quorum3 | a b c d e | e | | | e",
        "quorum2 | a b c | c | | | c",
        "quorum2 | a b c | b c | | | a",
        "quorum2 | a b | b | | | a",
        "quorum3 | a b c | c | | | a b",
        "quorum1 | a | | | | ",
        // With too many members two sides could have the quorum: all go.
        "quorum2 | a b c d | d | | | a b c d",
        "quorum3 | a b c d e f | f | | | a b c d e f",
        "quorum3 | a b c d e fj | f | | | f",
        "quorum3 | a b c d e fe | e f | | | e",
        // Joining members give no quorum.
        "quorum3 | a b cj d e | d e | | | a b c",
        "quorum3 | a b c dj | d | | | d",
        "quorum3' | a' b' c' d e | b c | | | a d e",
        "quorum2' | a' b' c' d e | c d | | | c d",
    ];

    public static TheoryData<string> KeepOldestCases =>
    [
        // The side with the oldest stays.
        "oldest | a b c | b c | | | a",
        "oldestalone | a b c | b c | | | b c",
        "oldest | a b c d | c d | | | c d",
        "oldest | a b c d | a b | | | c d",
        "oldest | a9 b c1 d | c d | | | a b",
        "oldest | a9 b c1 d | a b | | | a b",
        "oldest | a b c d e | c d e | | | c d e",
        "oldest | a b c d e | a b | | | c d e",
        // The oldest alone goes, so that its end does not end all.
        "oldest | a b c | a | | | a",
        "oldestalone | a b c | a | | | b c",
        "oldest | a b | b | | | b",
        "oldest | a b | a | | | b",
        "oldest | a b c d e | b c d e | | | a",
        "oldest | a b c d e | a | | | a",
        "oldest | a b c d e | a b c | | | d e",
        // Members that come and go.
        "oldest | a b cj | c | | | c",
        "oldest | al b c d | c d | | | a b c d",
        "oldest | a b c dj | a d | | | a b c d",
        "oldest | ae b c d | a d | | | d",
        "oldest' | a b' c' d' | c d | | | a b",
        "oldest' | a b' c' d' e | b a | | | b a",
        "oldest | aj bj | b | | | a b",
    ];

    public static TheoryData<string> OtherCases =>
    [
        "all | a b c | c | | | a b c",
        "all | a b c d e | b | | | a b c d e",
        "all | a bj cl | c | | | a b c",
        "lease | a b c | c | | | c",
        "lease | a b | b | | | b",
        "leaselost | a b c | c | | | a b",
        "leaselost | a b c | b c | | | a",
        "leaselost | a b c d | c d | | | a b",
    ];

    public static TheoryData<string> IndirectlyConnectedCases =>
    [
        // Two nodes that do not find each other, while others find both: both go.
        "majority | a b c | b c | b>c c>b | | b c",
        "quorum2 | a b c | b c | b>c c>b | | b c",
        "oldest | a b c | b c | b>c c>b | | b c",
        "lease | a b c | b c | b>c c>b | | b c",
        "majority | a b c d | b c | b>c c>b | | b c",
        // One finds another unreachable that has seen the gossip: both go.
        "majority | a b c | c | b>c | a b c | b c",
        "majority | a b c d e | c | b>c | a b c d e | b c",
        "quorum3 | a b c d e | c | b>c | a b c d e | b c",
        "oldest | a b c d e | c | b>c | a b c d e | b c",
        // Found again, while its observer misses another one: it is no trouble any more.
        "majority | a b c d e | e | a>e a<c | a b c d | e",
        "quorum3 | a b c d e | e | b>e b<a | a b c d | e",
        // Together with a clean split: its side goes, too.
        "majority | a b c d e f g | b c e f g | b>c c>b a>e a>f d>g d>e | a d | b c e f g",
        "majority | a b c d e f g | b c g | b>c c>b a>g d>g e>g f>g | a d e f | b c g",
        "quorum3 | a b c d e | b c e | b>c c>b a>e d>e | a d | b c e",
        "oldest | a b c d e | c d e | c>d d>c a>e b>e | a b | c d e",
        "all | a b c | b c | b>c c>b | | a b c",
        "leaselost | a b c d | c d | c>d d>c | | a b c d",
    ];

    [Theory, MemberData(nameof(KeepMajorityCases))]
    public void Keep_majority_decides(string line) => Check(line);

    [Theory, MemberData(nameof(StaticQuorumCases))]
    public void Static_quorum_decides(string line) => Check(line);

    [Theory, MemberData(nameof(KeepOldestCases))]
    public void Keep_oldest_decides(string line) => Check(line);

    [Theory, MemberData(nameof(OtherCases))]
    public void Down_all_and_lease_majority_decide(string line) => Check(line);

    [Theory, MemberData(nameof(IndirectlyConnectedCases))]
    public void Indirectly_connected_nodes_go(string line) => Check(line);

    /// <remarks>
    /// Goal: whatever the split, two sides never stay. Method: every two-way split of up to seven
    /// members of which up to two are Leaving or Joining, seen from both sides.
    /// </remarks>
    [Theory]
    [InlineData("majority")]
    [InlineData("oldest")]
    [InlineData("oldestalone")]
    [InlineData("quorum4")]
    public void Never_do_both_sides_stay(string strategy)
    {
        var checkedCount = 0;
        for (var count = 2; count <= 7; count++)
        {
            foreach (var statuses in new[] { "", "l", "j", "ll", "lj", "w" })
            {
                for (var side = 1; side < (1 << count) - 1; side++)
                {
                    var names = Names(count, statuses);
                    var left = names.Where((_, i) => (side >> i & 1) == 0).ToArray();
                    var right = names.Except(left).ToArray();
                    var leftStays = Stays(strategy, names, right, left);
                    var rightStays = Stays(strategy, names, left, right);
                    Assert.False(
                        leftStays && rightStays,
                        $"{strategy}: [{string.Join(' ', left)}] and [{string.Join(' ', right)}]");
                    checkedCount++;
                }
            }
        }

        Assert.True(checkedCount > 1000);
    }

    private static bool Stays(string strategy, string[] all, string[] unreachable, string[] own)
    {
        var downed = Downed(
            $"{strategy} | {string.Join(' ', all)} | {string.Join(' ', unreachable)} | | ");
        return own.Any(name => !downed.Contains(name[0]) && !"jw".Contains(name[^1]));
    }

    private static string[] Names(int count, string statuses) =>
        [.. Enumerable.Range(0, count).Select(i =>
        {
            var letter = ((char)('a' + i)).ToString();
            var fromEnd = count - 1 - i;
            return fromEnd < statuses.Length ? letter + statuses[fromEnd] : letter;
        })];

    private static void Check(string line)
    {
        var expected = line.Split('|')[5].Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(name => name[0]);
        Assert.Equal(expected.Order(), Downed(line).Order());
    }

    private static HashSet<char> Downed(string line)
    {
        var fields = line.Split('|').Select(f => f.Trim()).ToArray();
        var members = fields[1].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Parse)
            .ToDictionary(m => m.Address.Host![0]);
        var unreachable = fields[2].Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(n => n[0]).ToHashSet();
        var self = members.Values.Where(m => !unreachable.Contains(m.Address.Host![0])).Min()
            ?? members.Values.Min()!;
        var strategy = Create(fields[0], self.UniqueAddress);
        foreach (var member in members.Values) strategy.Add(member);
        foreach (var name in unreachable) strategy.AddUnreachable(members[name]);

        var reachability = Reachability.Empty;
        var records = fields[3].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (var record in records)
        {
            var (observer, subject) =
                (members[record[0]].UniqueAddress, members[record[2]].UniqueAddress);
            reachability = reachability.Unreachable(observer, subject);
            if (record[1] == '<') reachability = reachability.Reachable(observer, subject);
        }

        if (records.Length == 0)
        {
            foreach (var observer in members.Values.Where(m =>
                !unreachable.Contains(m.Address.Host![0])))
            {
                foreach (var name in unreachable)
                {
                    reachability = reachability.Unreachable(
                        observer.UniqueAddress, members[name].UniqueAddress);
                }
            }
        }

        strategy.SetReachability(reachability);
        strategy.SetSeenBy(fields[4].Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(n => members[n[0]].Address).ToImmutableHashSet());
        var decision = strategy.Decide();
        if (fields[0] == "leaselost") decision = DowningStrategy.Reverse(decision);
        return unreachable.Count == 0 && decision == DowningDecision.DownUnreachable
            ? []
            : [.. strategy.NodesToDown(decision).Select(n => n.Address.Host![0])];
    }

    private static DowningStrategy Create(string name, UniqueAddress self)
    {
        var role = name.EndsWith('\'') ? "r" : null;
        var bare = name.TrimEnd('\'');
        if (bare.StartsWith("quorum", StringComparison.Ordinal))
        {
            return new StaticQuorum(role, bare[^1] - '0', self);
        }

        return bare switch
        {
            "majority" => new KeepMajority(role, self),
            "oldest" => new KeepOldest(role, downIfAlone: true, self),
            "oldestalone" => new KeepOldest(role, downIfAlone: false, self),
            "all" => new DownAllNodes(self),
            _ => new LeaseMajority(role, TimeSpan.FromSeconds(2), self),
        };
    }

    private static Member Parse(string text)
    {
        var name = text[0];
        var age = text.FirstOrDefault(char.IsDigit);
        var status = text[1..].FirstOrDefault(char.IsLetter) switch
        {
            'j' => MemberStatus.Joining,
            'w' => MemberStatus.WeaklyUp,
            'l' => MemberStatus.Leaving,
            'e' => MemberStatus.Exiting,
            'd' => MemberStatus.Down,
            _ => MemberStatus.Up,
        };
        var upNumber = age == 0 ? name - 'a' + 1 : age - '0';
        var address = new Address("akka.tcp", "fabric", name.ToString(), 2552);
        return Member.Create(
            new UniqueAddress(address, 1), upNumber, status,
            text.Contains('\'') ? ["r"] : [], AppVersion.Zero);
    }
}
