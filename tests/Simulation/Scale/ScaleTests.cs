namespace Fabric.Simulation;

/// <summary>A fleet that is larger than one would like to start by hand.</summary>
public sealed class ScaleTests
{
    private static readonly bool IsFull =
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1";

    /// <remarks>
    /// Goal: everyone agrees after a join, a leave, crashes and a rolling restart, and a host says
    /// no more than a few kilobytes a second while nothing happens. `fabric sim --hosts N` runs as
    /// many as one has the time for; the large counts run 1,000 so, optimised.
    /// </remarks>
    [Fact]
    public void A_fleet_agrees_after_every_change_and_is_quiet_between_them()
    {
        var steps = new List<ScaleStep>();
        using var run = new ScaleRun(IsFull ? 100 : 12, seed: 1, step =>
        {
            steps.Add(step);
            Console.Out.WriteLine(step);
        });
        var isWhole = run.Run();
        Assert.True(isWhole, string.Join('\n', steps));
        var quiet = steps.Where(step => step.Name.Contains("quiet", StringComparison.Ordinal));
        Assert.All(quiet, step => Assert.InRange(step.BytesPerHost, 100, 20_000));
    }
}
