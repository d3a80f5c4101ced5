using Fabric.Configuration;

namespace Fabric.Tests.Configuration;

/// <summary>Clusters of OVSDB servers in simulation; FABRIC_TEST_FULL=1 tries many seeds.</summary>
public sealed class RaftTests
{
    private const int ServerCount = 5;

    private static readonly int SeedCount =
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1" ? 1000 : 20;

    [Fact]
    public void Servers_join_one_after_the_other()
    {
        var world = Joined(1);
        Assert.All(world.Servers, server =>
        {
            Assert.Equal(ServerCount, server.Member!.Log.Servers.Count);
            Assert.True(server.Member.IsConnected);
        });
    }

    [Fact]
    public void Another_server_leads_when_the_leader_is_gone()
    {
        var world = Joined(2);
        world.First.Crash();
        world.Run(6_000);
        Assert.Single(world.Servers, server => server.Member is { IsLeader: true });
        var before = world.LastApplied;
        world.Propose();
        world.Run(200);
        Assert.True(world.LastApplied > before);
    }

    [Fact]
    public void Who_was_away_while_the_others_compacted_gets_the_snapshot()
    {
        var world = Joined(3);
        world.Servers[4].Crash();
        for (var i = 0; i < 10; i++)
        {
            world.Propose();
            world.Run(100);
        }

        foreach (var server in world.Servers) server.Compact();
        world.Servers[4].Restart();
        for (var i = 0; i < ServerCount; i++)
        {
            world.First.HearConnected(RaftSimulation.IdOf(i));
        }

        world.Run(3_000);
        Assert.Equal(world.LastApplied, world.Servers[4].Member!.Applied);
        Assert.True(world.Servers[4].Member!.Log.Snapshot.Index > 1);
    }

    [Fact]
    public void A_leader_without_a_majority_gives_up_and_commits_nothing()
    {
        var world = Joined(4);
        world.Isolate(0);
        world.Run(50);
        var before = world.First.Member!.Commit;
        world.First.Propose(new ClusterRecord { EntryId = RaftSimulation.EntryId(1_000_000) });
        world.Run(3_000);
        Assert.False(world.First.Member.IsLeader);
        Assert.False(world.First.Member.IsConnected);
        Assert.Equal(before, world.First.Member.Commit);
    }

    [Fact]
    public void A_leader_that_leaves_hands_over_and_is_gone_for_good()
    {
        var world = Joined(5);
        world.First.Leave();
        world.Run(8_000);
        Assert.True(world.First.HasLeft);
        Assert.Equal(
            ServerCount - 1,
            Assert.Single(world.Servers, server => server.Member is { IsLeader: true })
                .Member!.Log.Servers.Count);
    }

    [Fact]
    public void Nothing_that_was_committed_is_lost_whatever_breaks()
    {
        for (var seed = 0; seed < SeedCount; seed++) Torture(seed);
    }

    private static void Torture(int seed)
    {
        var world = Joined(seed);
        for (var step = 0; step < 60; step++)
        {
            var one = world.Random.Next(ServerCount);
            switch (world.Random.Next(8))
            {
                case 0: world.Servers[one].Crash(); break;
                case 1: world.Servers[one].Restart(); break;
                case 2: world.Isolate(one); break;
                case 3: world.Cut(one, world.Random.Next(ServerCount)); break;
                case 4: world.Heal(); break;
                case 5: world.Servers[one].Compact(); break;
                default: world.Propose(); break;
            }

            world.Run(world.Random.Next(1, 400));
        }

        world.Heal();
        world.Run(12_000);
        Assert.Single(world.Servers, server => server.Member is { IsLeader: true });
        var before = world.LastApplied;
        world.Propose();
        world.Run(2_000);
        Assert.True(world.LastApplied > before, $"seed {seed}: nothing is committed any more");
        Assert.All(world.Servers, server =>
            Assert.Equal(world.LastApplied, server.Member!.Applied));
    }

    private static RaftSimulation Joined(int seed)
    {
        var world = new RaftSimulation(seed, ServerCount);
        world.Run(15_000);
        Assert.All(world.Servers, server =>
            Assert.Equal(ServerCount, server.Member!.Log.Servers.Count));
        return world;
    }
}
