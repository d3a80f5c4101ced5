using Fabric.Cluster;

namespace Fabric.Simulation;

/// <summary>Hosts with `fabric.cluster.voter = off`.</summary>
public sealed class VoterTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <remarks>
    /// Goal: two voters among five hosts carry the log alone, whoever else is there; while one of
    /// them is away nobody takes its place.
    /// </remarks>
    [Fact]
    public void A_host_that_may_not_vote_is_never_needed_and_never_writes()
    {
        using var fleet = new SimulatedFleet(5, 11, FailureTimes.Default, voters: 2);
        foreach (var node in fleet.Nodes) fleet.Start(node);
        Assert.Null(fleet.RunUntilWhole(Patience));
        var learners = fleet.Nodes.Skip(2).ToList();

        // All learners die: the voters go on writing.
        foreach (var learner in learners) fleet.Crash(learner);
        fleet.RunFor(TimeSpan.FromSeconds(1));
        var written = fleet.Write(fleet.Node(2));
        fleet.RunFor(TimeSpan.FromSeconds(5));
        Assert.Contains(written!, fleet.Acknowledged);

        // A voter dies: three learners are no majority of two voters.
        foreach (var learner in learners) fleet.Start(learner);
        Assert.Null(fleet.RunUntilWhole(Patience));
        fleet.Crash(fleet.Node(1));
        var refused = fleet.Write(fleet.Node(3));
        for (var second = 0; second < 30; second++)
        {
            fleet.RunFor(TimeSpan.FromSeconds(1));
            Assert.DoesNotContain(learners, node => node.Writer is not null);
        }

        Assert.DoesNotContain(refused!, fleet.Acknowledged);
        fleet.Start(fleet.Node(1));
        Assert.Null(fleet.RunUntilWhole(Patience));
    }
}
