using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Remote;
using Akka.Util;

namespace Fabric.ActorRuntime.Tests.Cluster;

/// <summary>The pure parts of the membership.</summary>
public sealed class MembershipTests
{
    private static readonly UniqueAddress[] N =
        [.. Enumerable.Range(0, 20).Select(i => Node(i))];

    [Fact]
    public void Vector_clocks_tell_before_after_and_concurrent()
    {
        var a = VectorClock.Empty.Increment(N[0]);
        var b = a.Increment(N[1]);
        var c = a.Increment(N[2]);
        Assert.Equal(ClockOrdering.Before, a.CompareTo(b));
        Assert.Equal(ClockOrdering.After, b.CompareTo(a));
        Assert.Equal(ClockOrdering.Concurrent, b.CompareTo(c));
        Assert.Equal(ClockOrdering.Same, b.Merge(c).CompareTo(c.Merge(b)));
        Assert.Equal(ClockOrdering.After, b.Merge(c).CompareTo(b));
        Assert.Equal(ClockOrdering.Same, b.Prune(N[1]).CompareTo(a));
    }

    [Theory]
    [InlineData(MemberStatus.Up, MemberStatus.Leaving, true)]
    [InlineData(MemberStatus.Joining, MemberStatus.WeaklyUp, true)]
    [InlineData(MemberStatus.WeaklyUp, MemberStatus.Up, true)]
    [InlineData(MemberStatus.Leaving, MemberStatus.Exiting, true)]
    [InlineData(MemberStatus.Exiting, MemberStatus.Removed, true)]
    [InlineData(MemberStatus.Up, MemberStatus.Exiting, false)]
    [InlineData(MemberStatus.Down, MemberStatus.Up, false)]
    [InlineData(MemberStatus.Exiting, MemberStatus.Up, false)]
    [InlineData(MemberStatus.Up, MemberStatus.Joining, false)]
    public void A_life_has_only_these_steps(MemberStatus from, MemberStatus to, bool isAllowed)
    {
        var member = Of(0, from);
        if (isAllowed) Assert.Equal(to, member.Copy(to).Status);
        else Assert.Throws<InvalidOperationException>(() => member.Copy(to));
    }

    [Fact]
    public void The_telling_that_is_further_on_its_way_wins()
    {
        MemberStatus[] order =
        [
            MemberStatus.Joining, MemberStatus.WeaklyUp, MemberStatus.Up, MemberStatus.Leaving,
            MemberStatus.Exiting, MemberStatus.Down, MemberStatus.Removed,
        ];
        for (var i = 0; i < order.Length; i++)
        {
            for (var j = 0; j < order.Length; j++)
            {
                var winner = Member.HighestPriorityOf(Of(0, order[i]), Of(0, order[j]));
                Assert.Equal(order[Math.Max(i, j)], winner.Status);
            }
        }
    }

    [Fact]
    public void The_leader_is_the_first_reachable_up_or_leaving_member()
    {
        var gossip = Gossip.Empty with
        {
            Members = [Of(0, MemberStatus.Joining), Of(1, MemberStatus.Up), Of(2, MemberStatus.Up)],
        };
        Assert.Equal(N[1], MembershipState.Of(gossip, N[2]).Leader);
        var cut = gossip with { Reachability = Reachability.Empty.Unreachable(N[2], N[1]) };
        Assert.Equal(N[2], MembershipState.Of(cut, N[2]).Leader);
        Assert.Equal(N[1], MembershipState.Of(cut, N[1]).Leader);
        var founding = Gossip.Empty with { Members = [Of(0, MemberStatus.Joining)] };
        Assert.Equal(N[0], MembershipState.Of(founding, N[0]).Leader);
    }

    [Fact]
    public void Convergence_needs_all_up_and_leaving_members()
    {
        var gossip = Gossip.Empty with
        {
            Members =
                [Of(0, MemberStatus.Up), Of(1, MemberStatus.Leaving), Of(2, MemberStatus.Joining)],
        };
        Assert.False(State(gossip.SeenBy(N[0])).HasConverged());
        var seen = gossip.SeenBy(N[0]).SeenBy(N[1]);
        Assert.True(State(seen).HasConverged());
        var unreachable = seen with { Reachability = Reachability.Empty.Unreachable(N[0], N[1]) };
        Assert.False(State(unreachable).HasConverged());
        var downed = unreachable.Update([Of(1, MemberStatus.Leaving).Copy(MemberStatus.Down)]);
        Assert.True(State(downed).HasConverged());
    }

    [Fact]
    public void A_member_that_one_side_removed_does_not_come_back()
    {
        var exiting = Gossip.Empty with
        {
            Members = [Of(0, MemberStatus.Up), Of(1, MemberStatus.Exiting)],
        };
        var removed = exiting.Remove([N[1]]);
        Assert.Single(exiting.Incremented(N[1]).Merge(removed.Incremented(N[0])).Members);
        Assert.Single(removed.Incremented(N[0]).Merge(exiting.Incremented(N[1])).Members);
    }

    /// <remarks>Goal: merging gossips is commutative and idempotent, on random histories.</remarks>
    [Fact]
    public void Gossips_merge_in_any_order()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            // An observer's word has one origin: each side has observers of its own.
            var (a, b) = (RandomGossip(random, 0), RandomGossip(random, 1));
            var (left, right) = (a.Merge(b), b.Merge(a));
            Assert.Equal(
                left.Members.Select(m => (m, m.Status)), right.Members.Select(m => (m, m.Status)));
            Assert.Equal(left.Reachability, right.Reachability);
            Assert.Equal(left.Version, right.Version);
            Assert.Equal(left.Version, left.Merge(left).Version);
        }
    }

    [Fact]
    public void A_gossip_is_read_as_it_was_written()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var gossip = RandomGossip(new Random(seed), 0).SeenBy(N[3]).SeenBy(N[4]);
            var read = GossipCodec.Decode(GossipCodec.Encode(gossip).Written);
            Assert.NotNull(read);
            Assert.Equal(
                gossip.Members.Select(m => m.ToString()), read.Members.Select(m => m.ToString()));
            Assert.Equal<UniqueAddress>(gossip.Seen, read.Seen);
            Assert.Equal(gossip.Reachability, read.Reachability);
            Assert.Equal(gossip.Version, read.Version);
        }
    }

    /// <remarks>Goal: a change leads from any gossip to any other, and over the wire too.</remarks>
    [Fact]
    public void What_has_changed_leads_from_one_gossip_to_another()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var (old, now) = (RandomGossip(random, 0), RandomGossip(random, 1));
            if (seed % 2 == 0) now = old.Merge(now);
            now = now.SeenBy(N[3], N[5]);
            var sent = new GossipDelta(N[0], N[1], GossipChange.Between(old, now));
            var read = GossipChangeCodec.DecodeDelta(GossipChangeCodec.Encode(sent));
            var result = read?.Change.ApplyTo(old);
            Assert.NotNull(result);
            Assert.Equal(
                now.Members.Select(m => m.ToString()), result.Members.Select(m => m.ToString()));
            Assert.Equal(now.Reachability, result.Reachability);
            Assert.Equal(now.Version, result.Version);
            Assert.Equal<UniqueAddress>(now.Seen, result.Seen);
            var other = old.Incremented(N[19]);
            Assert.Null(sent.Change.ApplyTo(other));
        }
    }

    [Fact]
    public void A_change_of_one_among_a_thousand_is_small()
    {
        var gossip = Gossip.Empty with { Members = Thousand() };
        foreach (var member in gossip.Members) gossip = gossip.Incremented(member.UniqueAddress);
        var one = gossip.Members[500];
        var now = gossip.Update([one.Copy(MemberStatus.Leaving)]).Incremented(one.UniqueAddress);
        var delta = new GossipDelta(N[0], N[1], GossipChange.Between(gossip, now.SeenBy(N[0])));
        Assert.InRange(GossipChangeCodec.Encode(delta).Length, 100, 500);
    }

    [Fact]
    public void Digests_tell_clocks_apart()
    {
        var digests = new HashSet<ulong>();
        var clock = VectorClock.Empty;
        var random = new Random(3);
        for (var i = 0; i < 10_000; i++)
        {
            clock = clock.Increment(N[random.Next(N.Length)]);
            Assert.True(digests.Add(clock.Digest));
        }

        Assert.Equal(clock.Digest, new VectorClock(clock.Entries).Digest);
        Assert.Equal(
            clock.Prune(N[1]).Digest, clock.Keeping(node => node != N[1]).Digest);
    }

    [Fact]
    public void A_thousand_members_fit_one_frame()
    {
        var gossip = Gossip.Empty with { Members = Thousand() };
        gossip = gossip.SeenBy([.. gossip.Members.Select(m => m.UniqueAddress)]);
        Assert.InRange(GossipCodec.Encode(gossip).Size, 1000, 100_000);
    }

    [Fact]
    public void Observers_own_what_they_say()
    {
        var table = Reachability.Empty.Unreachable(N[0], N[2]).Unreachable(N[1], N[2]);
        Assert.False(table.IsReachable(N[2]));
        table = table.Reachable(N[0], N[2]);
        Assert.False(table.IsReachable(N[2]));
        table = table.Reachable(N[1], N[2]);
        Assert.True(table.IsReachable(N[2]));
        Assert.True(table.IsAllReachable);

        var terminated = table.Terminated(N[0], N[2]).Reachable(N[0], N[2]);
        Assert.Equal(ReachabilityStatus.Terminated, terminated.Status(N[2]));
        Assert.Empty(terminated.AllUnreachable);
        Assert.Single(terminated.AllUnreachableOrTerminated);
    }

    [Fact]
    public void The_newer_word_of_an_observer_wins_a_merge()
    {
        var old = Reachability.Empty.Unreachable(N[0], N[2]);
        var newer = old.Reachable(N[0], N[2]);
        Assert.True(old.Merge(_ => true, newer).IsReachable(N[2]));
        Assert.True(newer.Merge(_ => true, old).IsReachable(N[2]));
        Assert.Empty(old.Merge(node => node != N[2], old).Records);
    }

    [Fact]
    public void Each_node_is_monitored_by_as_many_as_wanted()
    {
        var nodes = N.ToImmutableHashSet();
        var monitors = N.ToDictionary(node => node, _ => 0);
        foreach (var node in N)
        {
            var ring = new HeartbeatNodeRing(node, nodes, [], monitorCount: 9);
            Assert.Equal(9, ring.MyReceivers.Count);
            Assert.DoesNotContain(node, ring.MyReceivers);
            foreach (var receiver in ring.MyReceivers) monitors[receiver]++;
        }

        Assert.All(monitors.Values, count => Assert.Equal(9, count));
        var first = new HeartbeatNodeRing(N[0], nodes, [], 5);
        var silent = first.MyReceivers.First();
        var wider = first.WithUnreachable(silent);
        Assert.Equal(6, wider.MyReceivers.Count);
        Assert.Contains(silent, wider.MyReceivers);
        Assert.Equal(19, new HeartbeatNodeRing(N[0], nodes, [], 40).MyReceivers.Count);
    }

    [Fact]
    public void Suspicion_grows_with_silence()
    {
        var now = 0L;
        var detector = new PhiAccrualFailureDetector(
            8, 1000, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(3),
            TimeSpan.FromSeconds(1), () => now);
        Assert.True(detector.IsAvailable);
        Assert.False(detector.IsMonitoring);
        for (var i = 0; i < 100; i++)
        {
            detector.HeartBeat();
            now += 1000;
        }

        Assert.True(detector.IsAvailable);
        var earlier = 0.0;
        for (var i = 0; i < 10 && detector.IsAvailable; i++)
        {
            Assert.True(detector.Phi >= earlier);
            earlier = detector.Phi;
            now += 500;
        }

        Assert.False(detector.IsAvailable);
        detector.HeartBeat();
        Assert.True(detector.IsAvailable);
    }

    /// <remarks>R7: no false alarm in an hour of pauses of 2 s and 5 % loss.</remarks>
    [Fact]
    public void Pauses_and_loss_raise_no_false_alarm()
    {
        var now = 0L;
        var random = new Random(5);
        var detector = new PhiAccrualFailureDetector(
            8, 1000, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(3),
            TimeSpan.FromSeconds(1), () => now);
        for (var second = 0; second < 3600; second++)
        {
            if (random.NextDouble() >= 0.05) detector.HeartBeat();
            now += 1000 + random.Next(-50, 50);
            if (second % 60 == 30) now += 1000;
            Assert.True(detector.IsAvailable, $"phi {detector.Phi} after {second} s");
        }
    }

    [Theory]
    [InlineData("1.2.3", "1.2.10", -1)]
    [InlineData("2.0", "1.9.9", 1)]
    [InlineData("1.2", "1.2.0", 0)]
    [InlineData("1.2-RC1", "1.2", -1)]
    public void Versions_are_ordered(string a, string b, int order) =>
        Assert.Equal(order, Math.Sign(AppVersion.Create(a).CompareTo(AppVersion.Create(b))));

    private static ImmutableSortedSet<Member> Thousand() => Enumerable.Range(0, 1000)
        .Select(i => Member.Create(
            new UniqueAddress(
                new Address("akka.ssl.tcp", "fabric", $"10.20.{i / 250}.{i % 250}", 2552), i),
            i, MemberStatus.Up, ["voter"], AppVersion.Zero)).ToImmutableSortedSet();

    private static MembershipState State(Gossip gossip) => MembershipState.Of(gossip, N[0]);

    private static UniqueAddress Node(int i) =>
        new(new Address("akka.tcp", "fabric", $"10.0.0.{i + 1}", 2552), i + 1);

    private static Member Of(int i, MemberStatus status) =>
        Member.Create(Node(i), i + 1, status, [], AppVersion.Zero);

    private static Gossip RandomGossip(Random random, int side)
    {
        var gossip = Gossip.Empty with
        {
            Members = [.. Enumerable.Range(0, 8).Where(_ => random.Next(4) > 0).Select(
                i => Of(i, (MemberStatus)new[] { 0, 1, 1, 2, 3, 4, 6 }[random.Next(7)]))],
        };
        var nodes = gossip.Members.Select(m => m.UniqueAddress).ToArray();
        for (var i = 0; i < 6 && nodes.Length > 1; i++)
        {
            var author = nodes[random.Next(nodes.Length)];
            if (author.Uid % 2 == side) gossip = gossip.Incremented(author);
            var (observer, subject) = (
                nodes[random.Next(nodes.Length)], nodes[random.Next(nodes.Length)]);
            if (observer == subject || observer.Uid % 2 != side) continue;
            gossip = gossip with
            {
                Reachability = random.Next(3) == 0
                    ? gossip.Reachability.Reachable(observer, subject)
                    : gossip.Reachability.Unreachable(observer, subject),
            };
        }

        return gossip;
    }
}
