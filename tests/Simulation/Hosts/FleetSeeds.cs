using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;

namespace Fabric.Simulation;

/// <summary>Runs many seeds, one thread for each run, and says what came out.</summary>
internal static class FleetSeeds
{
    /// <param name="log">Given, seeds run one after another and tell what they do.</param>
    public static ImmutableArray<FleetResult> Run(
        int from, int count, Action<string>? log, Action<FleetResult>? done = null,
        Func<int, Action<string>?, FleetResult>? run = null)
    {
        run ??= FleetRun.Run;
        var results = new ConcurrentBag<FleetResult>();
        var next = from - 1;
        var threads = log is null ? Math.Max(1, Environment.ProcessorCount) : 1;
        var workers = Enumerable.Range(0, threads).Select(_ => new Thread(Work)).ToList();
        foreach (var worker in workers) worker.Start();
        foreach (var worker in workers) worker.Join();
        return [.. results.OrderBy(result => result.Seed)];

        void Work()
        {
            for (var seed = Interlocked.Increment(ref next); seed < from + count;
                seed = Interlocked.Increment(ref next))
            {
                var result = run(seed, log);
                results.Add(result);
                done?.Invoke(result);
            }
        }
    }

    public static string Describe(FleetResult result) => string.Create(
        CultureInfo.InvariantCulture,
        $"seed {result.Seed}: trace {result.Hash:x16}, {result.Acknowledged} acknowledged, "
        + $"{result.Refused} refused, {result.Crashes} crashes, {result.Terms} terms, whole "
        + $"after {result.WholeAfter.TotalSeconds:F1} s")
        + (result.Problem is null ? "" : $"\n  FAILED: {result.Problem}\n  {result.ReplayCommand}");

    public static string Summarise(ImmutableArray<FleetResult> results, TimeSpan took)
    {
        var failed = results.Count(result => result.Problem is not null);
        var healing = results.Select(result => result.WholeAfter.TotalSeconds)
            .DefaultIfEmpty().Order().ToList();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{results.Length} seeds, {failed} failed, {took.TotalSeconds:F1} s; "
            + $"{results.Sum(one => one.Acknowledged)} transactions acknowledged, "
            + $"{results.Sum(one => one.Refused)} refused, "
            + $"{results.Sum(one => one.Crashes)} crashes, {results.Sum(one => one.Torn)} torn "
            + $"and {results.Sum(one => one.Failed)} failed writes, "
            + $"{results.Sum(one => one.Terms)} terms; whole again after "
            + $"{healing[healing.Count / 2]:F1} s (median), {healing[^1]:F1} s (longest)");
    }
}
