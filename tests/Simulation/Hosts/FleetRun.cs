using System.Collections.Immutable;
using Fabric.Cluster;

namespace Fabric.Simulation;

/// <summary>What came out of one seed.</summary>
/// <param name="Problem">Null when all invariants held and the fleet became whole.</param>
/// <param name="WholeAfter">Simulated time from the end of all faults.</param>
internal sealed record FleetResult(
    int Seed, string? Problem, ulong Hash, int Acknowledged, long Refused, long Crashes,
    long Torn, long Failed, int Terms, long Frames, TimeSpan WholeAfter)
{
    /// <summary>The command that runs this seed alone, with all that hosts log.</summary>
    public string ReplayCommand =>
        $"./fabric sim {(IsRestarts ? "--restarts " : "")}--seeds 1 --from {Seed} --log";

    /// <summary>See <see cref="RestartRun"/>.</summary>
    public bool IsRestarts { get; init; }
}

/// <summary>One seed: a fleet forms, suffers, is left in peace, and must be whole again.</summary>
internal static class FleetRun
{
    private static readonly TimeSpan Forming = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Healing = TimeSpan.FromSeconds(90);
    private const int FaultStepCount = 80;

    public static FleetResult Run(int seed, Action<string>? log = null) =>
        Run(seed, log, (fleet, random) => Suffer(fleet, random, log));

    /// <param name="suffer">What happens to a fleet that has formed; a problem, or null.</param>
    public static FleetResult Run(
        int seed, Action<string>? log, Func<SimulatedFleet, Random, string?> suffer)
    {
        var random = new Random(seed * 7919);
        var times = seed % 2 == 0 ? FailureTimes.Default : FailureTimes.Fast;
        using var fleet = new SimulatedFleet(3 + (seed % 5 == 4 ? 2 : 0), seed, times, log);
        var wholeAfter = TimeSpan.Zero;
        string? problem;
        try
        {
            problem = Live(fleet, random, suffer, log, out wholeAfter);
        }
        catch (Exception failure)
        {
            problem = failure is SimulationException ? failure.Message : failure.ToString();
            problem = $"at {fleet.Clock.Elapsed.TotalSeconds:F3} s: {problem}";
        }

        return new FleetResult(
            seed, problem, fleet.Trace.Hash, fleet.Acknowledged.Count, fleet.RefusedCount,
            fleet.CrashCount, fleet.Nodes.Sum(node => node.Disk.TornCount),
            fleet.Nodes.Sum(node => node.Disk.FailedCount), fleet.TermCount,
            fleet.Trace.FrameCount, wholeAfter);
    }

    private static string? Live(
        SimulatedFleet fleet, Random random, Func<SimulatedFleet, Random, string?> suffer,
        Action<string>? log, out TimeSpan wholeAfter)
    {
        wholeAfter = TimeSpan.Zero;
        foreach (var node in fleet.Nodes)
        {
            fleet.Start(node);
            fleet.RunFor(TimeSpan.FromMilliseconds(random.Next(500)));
        }

        fleet.Write(fleet.Node(1));
        if (fleet.RunUntilWhole(Forming) is { } unformed) return $"does not form: {unformed}";
        if (suffer(fleet, random) is { } failure) return failure;
        Faults.End(fleet);
        log?.Invoke($"{fleet.Clock.Elapsed.TotalSeconds:F3} peace");
        var peace = fleet.Clock.Elapsed;
        // Connections that were held up break now; a fleet that looks whole may not be.
        fleet.RunFor(fleet.Network.BreakAfter);
        var problem = fleet.RunUntilWhole(Healing);
        wholeAfter = fleet.Clock.Elapsed - peace;
        if (problem is not null) return $"not whole {wholeAfter.TotalSeconds} s after: {problem}";
        return WritesEverywhere(fleet);
    }

    private static string? Suffer(SimulatedFleet fleet, Random random, Action<string>? log)
    {
        for (var step = 0; step < FaultStepCount; step++)
        {
            Faults.Disturb(fleet, random, log);
            fleet.Write(fleet.Node(random.Next(fleet.Nodes.Count) + 1));
            fleet.RunFor(TimeSpan.FromMilliseconds(250));
        }

        return null;
    }

    /// <summary>A whole fleet takes a write at every host.</summary>
    private static string? WritesEverywhere(SimulatedFleet fleet)
    {
        var names = fleet.Nodes.Select(fleet.Write).ToList();
        fleet.RunFor(TimeSpan.FromSeconds(2));
        var missing = names.Where(name => name is null || !fleet.Acknowledged.Contains(name));
        return missing.Any() ? $"last writes not done: {string.Join(", ", missing)}" : null;
    }
}

/// <summary>All that may go wrong.</summary>
internal static class Faults
{
    public static void Disturb(SimulatedFleet fleet, Random random, Action<string>? log)
    {
        var one = fleet.Node(random.Next(fleet.Nodes.Count) + 1);
        var other = fleet.Node(random.Next(fleet.Nodes.Count) + 1);
        var kind = random.Next(60);
        log?.Invoke($"{fleet.Clock.Elapsed.TotalSeconds:F3} fault {kind} {one.Id} {other.Id}");
        switch (kind)
        {
            case 0 or 1:
                fleet.Crash(one);
                break;
            case 2 or 3 or 4:
                foreach (var node in fleet.Nodes.Where(node => !node.IsAlive)) fleet.Start(node);
                break;
            case 5:
                fleet.Network.Block(one.Id, other.Id);
                break;
            case 6:
                Isolate(fleet, one);
                break;
            case 7 or 8 or 9:
                fleet.Network.Heal();
                break;
            case 10 when one is { IsAlive: true, IsPaused: false }:
                one.Pause();
                break;
            case 11 or 12 or 13:
                foreach (var node in fleet.Nodes.Where(node => node.IsPaused)) node.Resume();
                break;
            case 14 when one.IsAlive:
                one.JumpClock(TimeSpan.FromMinutes(random.Next(-10, 11)));
                break;
            case 15:
                one.Disk.FailureRatio = 0.2;
                break;
            case 16 or 17:
                foreach (var node in fleet.Nodes) node.Disk.FailureRatio = 0;
                break;
            case 18:
                fleet.Network.LossRatio = 0.2 * random.NextDouble();
                break;
            case 19:
                fleet.Network.LossRatio = 0;
                break;
            case 20:
                fleet.Network.DelayMax = TimeSpan.FromMilliseconds(random.Next(1, 1500));
                break;
            case 21 or 22:
                fleet.Network.DelayMax = TimeSpan.FromMilliseconds(1);
                break;
            case 23:
                one.Disk.DelayMax = TimeSpan.FromMilliseconds(random.Next(1, 800));
                break;
            case 24 or 25 or 26:
                fleet.Bind(one, [.. Enumerable.Range(1, 3).Select(_ => $"s{random.Next(1, 20)}")]);
                break;
        }
    }

    /// <summary>Nothing fails any more, and every host runs.</summary>
    public static void End(SimulatedFleet fleet)
    {
        fleet.Network.Heal();
        fleet.Network.LossRatio = 0;
        fleet.Network.DelayMax = TimeSpan.FromMilliseconds(1);
        foreach (var node in fleet.Nodes)
        {
            node.Disk.FailureRatio = 0;
            node.Disk.DelayMax = TimeSpan.FromMilliseconds(4);
            if (node.IsPaused) node.Resume();
            if (!node.IsAlive) fleet.Start(node);
        }
    }

    private static void Isolate(SimulatedFleet fleet, SimulatedNode one)
    {
        foreach (var node in fleet.Nodes.Where(node => node != one))
        {
            fleet.Network.Block(one.Id, node.Id);
            fleet.Network.Block(node.Id, one.Id);
        }
    }
}
