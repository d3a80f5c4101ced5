namespace Fabric.Simulation;

/// <summary>
/// One seed: hosts are killed and come back at the same address, again and again, while frames
/// are lost and processes stand still.
/// </summary>
/// <remarks>
/// Goal: whoever comes back is a member again within a minute of quiet, however the others stood
/// with what it was before: just suspected, downed, removed, quarantined, or not missed yet.
/// </remarks>
internal static class RestartRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private const int RestartCount = 8;

    public static FleetResult Run(int seed, Action<string>? log = null) =>
        FleetRun.Run(seed, log, (fleet, random) => Live(fleet, random, log)) with
        {
            IsRestarts = true,
        };

    private static string? Live(SimulatedFleet fleet, Random random, Action<string>? log)
    {
        for (var round = 0; round < RestartCount; round++)
        {
            fleet.Network.LossRatio = random.Next(3) * 0.1 * random.NextDouble();
            fleet.Network.DelayMax = TimeSpan.FromMilliseconds(random.Next(1, 300));
            var victim = fleet.Node(random.Next(fleet.Nodes.Count) + 1);
            var away = TimeSpan.FromMilliseconds(random.Next(4) switch
            {
                0 => random.Next(50),
                1 => random.Next(1_000),
                2 => random.Next(5_000),
                _ => random.Next(15_000),
            });
            log?.Invoke($"{fleet.Clock.Elapsed.TotalSeconds:F3} {victim.Id} dies for {away}");
            fleet.Crash(victim);
            fleet.RunFor(away);
            fleet.Start(victim);
            var still = fleet.Node(random.Next(fleet.Nodes.Count) + 1);
            if (random.Next(2) == 0) still.Pause();
            fleet.Write(fleet.Node(random.Next(fleet.Nodes.Count) + 1));
            fleet.RunFor(TimeSpan.FromMilliseconds(random.Next(8_000)));
            Faults.End(fleet);
            if (fleet.RunUntilWhole(Patience) is { } problem)
                return $"{victim.Id} is not back {Patience.TotalSeconds} s after: {problem}";
        }

        return null;
    }
}
