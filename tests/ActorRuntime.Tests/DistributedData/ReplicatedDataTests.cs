using Akka.Actor;
using Akka.Cluster;
using Akka.DistributedData;

namespace Fabric.ActorRuntime.Tests.DistributedData;

/// <summary>The laws of replicated data, on random histories.</summary>
public sealed class ReplicatedDataTests
{
    private const int RoundCount = 150;

    private static readonly UniqueAddress[] Nodes =
        [.. Enumerable.Range(1, 4).Select(i => new UniqueAddress(
            new Address("akka.tcp", "fabric", "10.0.0." + i, 2552), i))];

    /// <summary>
    /// A type under test: an empty value, a random change, and equality of content.
    /// </summary>
    private sealed record Kind(
        IReplicatedData Empty,
        Func<IReplicatedData, UniqueAddress, Random, IReplicatedData> Change,
        Func<IReplicatedData, object> Content);

    private static readonly SortedDictionary<string, Kind> Kinds = new()
    {
        ["Flag"] = new(
            Flag.False,
            (data, _, random) => random.Next(3) == 0 ? ((Flag)data).SwitchOn() : data,
            data => ((Flag)data).Enabled),
        ["GCounter"] = new(
            GCounter.Empty,
            (data, node, random) => ((GCounter)data).Increment(node, (ulong)random.Next(1, 9)),
            data => ((GCounter)data).Value),
        ["PNCounter"] = new(
            PNCounter.Empty,
            (data, node, random) => ((PNCounter)data).Increment(node, random.Next(-9, 9)),
            data => ((PNCounter)data).Value),
        ["GSet"] = new(
            GSet<string>.Empty,
            (data, _, random) => ((GSet<string>)data).Add("e" + random.Next(9)),
            data => Sorted((GSet<string>)data)),
        ["ORSet"] = new(
            ORSet<string>.Empty,
            (data, node, random) => random.Next(10) switch
            {
                0 => ((ORSet<string>)data).Clear(node),
                < 4 => ((ORSet<string>)data).Remove(node, "e" + random.Next(6)),
                _ => ((ORSet<string>)data).Add(node, "e" + random.Next(6)),
            },
            data => Sorted((ORSet<string>)data)),
        ["LWWRegister"] = new(
            new LWWRegister<string>(Nodes[0], "", 0),
            (data, node, random) => ((LWWRegister<string>)data).WithValue(
                node, "v" + random.Next(99), (current, _) => Tick(current, random)),
            data => ((LWWRegister<string>)data).Value),
        ["LWWDictionary"] = new(
            LWWDictionary<string, string>.Empty,
            (data, node, random) => random.Next(4) == 0
                ? ((LWWDictionary<string, string>)data).Remove(node, "k" + random.Next(5))
                : ((LWWDictionary<string, string>)data).SetItem(
                    node, "k" + random.Next(5), "v" + random.Next(99),
                    (current, _) => Tick(current, random)),
            data => Sorted(
                ((LWWDictionary<string, string>)data).Select(e => $"{e.Key}={e.Value}"))),
        ["ORMultiValueDictionary"] = new(
            ORMultiValueDictionary<string, string>.Empty,
            (data, node, random) =>
            {
                var map = (ORMultiValueDictionary<string, string>)data;
                var (key, value) = ("k" + random.Next(3), "v" + random.Next(5));
                return random.Next(6) switch
                {
                    0 => map.Remove(node, key),
                    1 => map.RemoveItem(node, key, value),
                    2 => map.ReplaceItem(node, key, value, "v" + random.Next(5)),
                    _ => map.AddItem(node, key, value),
                };
            },
            data => Sorted(((ORMultiValueDictionary<string, string>)data)
                .Select(e => $"{e.Key}={string.Join('+', e.Value.Order())}"))),
        ["PNCounterDictionary"] = new(
            PNCounterDictionary<string>.Empty,
            (data, node, random) => ((PNCounterDictionary<string>)data).Increment(
                node, "k" + random.Next(4), random.Next(-5, 9)),
            data => Sorted(((PNCounterDictionary<string>)data).Select(e => $"{e.Key}={e.Value}"))),
    };

    public static TheoryData<string> KindNames => [.. Kinds.Keys];

    [Theory, MemberData(nameof(KindNames))]
    public void Merging_is_commutative_associative_and_idempotent(string name)
    {
        var kind = Kinds[name];
        for (var seed = 0; seed < RoundCount; seed++)
        {
            var (a, b, c) = ThreeReplicas(kind, new Random(seed));
            Same(kind, a.Merge(b), b.Merge(a), seed);
            var (left, right) = (a.Merge(b).Merge(c), a.Merge(b.Merge(c)));
            // Values of a key that was removed meanwhile may have met more on one way than on the
            // other; they still become the same as soon as the two ways meet.
            if (name.EndsWith("Dictionary", StringComparison.Ordinal))
            {
                Same(kind, left.Merge(right), right.Merge(left), seed);
            }
            else
            {
                Same(kind, left, right, seed);
            }

            Same(kind, a.Merge(a), a, seed);
            Same(kind, a.Merge(b).Merge(b), a.Merge(b), seed);
        }
    }

    /// <remarks>
    /// Goal: sending deltas in order is as good as sending whole values. Method: one node makes
    /// random changes, which reach a second replica as deltas, some of them joined before.
    /// </remarks>
    [Theory, MemberData(nameof(KindNames))]
    public void Deltas_lead_to_the_same_value(string name)
    {
        var kind = Kinds[name];
        if (kind.Empty is not IDeltaReplicatedData) return;
        for (var seed = 0; seed < RoundCount; seed++)
        {
            var random = new Random(seed);
            var here = (IDeltaReplicatedData)kind.Empty;
            var there = (IDeltaReplicatedData)kind.Empty;
            IReplicatedDelta? pending = null;
            for (var i = 0; i < 30; i++)
            {
                here = (IDeltaReplicatedData)kind.Change(
                    (IReplicatedData)here.ResetDelta(), Nodes[0], random);
                if (here.Delta is { } delta)
                {
                    pending = pending is null ? delta : (IReplicatedDelta)pending.Merge(delta);
                }

                if (pending is null || random.Next(3) == 0) continue;
                there = (IDeltaReplicatedData)there.MergeDelta(pending);
                pending = null;
            }

            if (pending is not null) there = (IDeltaReplicatedData)there.MergeDelta(pending);
            Assert.True(
                kind.Content(here).Equals(kind.Content(there)),
                $"{name}, seed {seed}: {kind.Content(here)} became {kind.Content(there)}");
        }
    }

    /// <remarks>
    /// Goal: pruning moves what a removed node did to another, and loses nothing.
    /// </remarks>
    [Theory, MemberData(nameof(KindNames))]
    public void Pruning_keeps_the_content_and_forgets_the_node(string name)
    {
        var kind = Kinds[name];
        if (kind.Empty is not IRemovedNodePruning) return;
        for (var seed = 0; seed < RoundCount; seed++)
        {
            var (a, b, _) = ThreeReplicas(kind, new Random(seed));
            var merged = (IRemovedNodePruning)a.Merge(b);
            if (!merged.NeedPruningFrom(Nodes[1])) continue;
            var pruned = merged.Prune(Nodes[1], Nodes[0]);
            Assert.Equal(kind.Content(merged), kind.Content(pruned));
            Assert.False(((IRemovedNodePruning)pruned).NeedPruningFrom(Nodes[1]));
            var cleaned = ((IRemovedNodePruning)merged).PruningCleanup(Nodes[1]);
            Assert.Equal(kind.Content(merged), kind.Content(pruned.Merge(cleaned)));
        }
    }

    [Fact]
    public void An_addition_wins_over_a_concurrent_removal()
    {
        var both = ORSet<string>.Empty.Add(Nodes[0], "x");
        var removed = both.Remove(Nodes[0], "x");
        var added = both.Add(Nodes[1], "x");
        Assert.Contains("x", removed.Merge(added));
        Assert.DoesNotContain("x", removed.Merge(both));
    }

    [Fact]
    public void A_dictionary_whose_key_was_removed_and_set_again_keeps_the_new_value()
    {
        var first = ORMultiValueDictionary<string, string>.Empty.AddItem(Nodes[0], "k", "old");
        var again = first.Remove(Nodes[0], "k").AddItem(Nodes[0], "k", "new");
        Assert.Equal(["new"], first.Merge(again)["k"]);
        Assert.Equal(["new"], again.Merge(first)["k"]);
    }

    [Fact]
    public void The_register_with_the_lower_address_wins_a_tie()
    {
        var a = new LWWRegister<string>(Nodes[0], "a", 5L);
        var b = new LWWRegister<string>(Nodes[1], "b", 5L);
        Assert.Equal("a", a.Merge(b).Value);
        Assert.Equal("a", b.Merge(a).Value);
        var later = b.WithValue(Nodes[1], "c", LWWRegister<string>.DefaultClock);
        Assert.Equal("c", a.Merge(later).Value);
        var firstWins = new LWWRegister<string>(Nodes[0], "x", LWWRegister<string>.ReverseClock);
        var second = firstWins.WithValue(Nodes[1], "y", LWWRegister<string>.ReverseClock);
        Assert.Equal("x", firstWins.Merge(second).Value);
    }

    [Fact]
    public void Keys_are_equal_by_id()
    {
        Assert.Equal<IKey>(new ORSetKey<string>("a"), new FlagKey("a"));
        Assert.NotEqual<IKey>(new FlagKey("a"), new FlagKey("b"));
    }

    /// <summary>
    /// Times of different nodes may be equal; one node never gives out the same time twice, also
    /// not for a key that it removed and set again.
    /// </summary>
    private static long Tick(long current, Random random) =>
        _clock = Math.Max(_clock, current) + random.Next(1, 3);

    [ThreadStatic] private static long _clock;

    /// <summary>Replicas of three nodes that changed and met at random.</summary>
    private static (IReplicatedData A, IReplicatedData B, IReplicatedData C) ThreeReplicas(
        Kind kind, Random random)
    {
        var replicas = new[] { kind.Empty, kind.Empty, kind.Empty };
        for (var i = 0; i < 25; i++)
        {
            var index = random.Next(3);
            replicas[index] = random.Next(4) == 0
                ? replicas[index].Merge(replicas[random.Next(3)])
                : kind.Change(replicas[index], Nodes[index], random);
        }

        return (replicas[0], replicas[1], replicas[2]);
    }

    private static void Same(Kind kind, IReplicatedData x, IReplicatedData y, int seed)
    {
        Assert.True(
            kind.Content(x).Equals(kind.Content(y)),
            $"seed {seed}: {kind.Content(x)} is not {kind.Content(y)}");
        Assert.True(x.Equals(y), $"seed {seed}: contents are equal, states are not");
    }

    private static string Sorted(IEnumerable<string> texts) =>
        string.Join(", ", texts.Order(StringComparer.Ordinal));
}
