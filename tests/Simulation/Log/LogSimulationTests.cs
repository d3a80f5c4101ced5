using Fabric.Cluster;

namespace Fabric.Simulation;

/// <summary>The replicated log under everything that a network and a disk can do to it.</summary>
public sealed class LogSimulationTests
{
    private const int SeedCount = 500;

    /// <remarks>
    /// Goal: no acknowledged transaction is lost, replicas agree, one writer for each term.
    /// Method: three to five hosts; 30 s of faults, then 20 s of peace. A failing seed is named.
    /// </remarks>
    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void Nothing_acknowledged_is_lost(int block)
    {
        for (var seed = block * SeedCount / 5; seed < (block + 1) * SeedCount / 5; seed++)
        {
            try
            {
                var log = Run(seed);
                foreach (var host in log.Hosts)
                {
                    Assert.Equal(log.Hosts.Max(other => other.Applied), host.Applied);
                    Assert.Equal(log.Hosts.First().State, host.State);
                }

                Assert.True(log.Acknowledged.Count > 0);
                Assert.True(log.Acknowledged.Keys.Last() <= log.Hosts.First().Applied);
            }
            catch (Exception failure)
            {
                Assert.Fail($"seed {seed}: {failure}");
            }
        }
    }

    [Fact]
    public void A_seed_is_a_run() => Assert.Equal(Run(7).TraceHash, Run(7).TraceHash);

    /// <remarks>Guards the guard: a simulation without faults proves nothing.</remarks>
    [Fact]
    public void Faults_really_happen()
    {
        var runs = Enumerable.Range(0, 20).Select(Run).ToList();
        Assert.True(runs.Sum(run => run.CrashCount) > 100);
        Assert.True(runs.Sum(run => run.Network.LostCount) > 1_000);
        Assert.True(runs.Sum(run => run.WriterCount) > 200);
        Assert.True(runs.Sum(run => run.Acknowledged.Count) > 800);
        Assert.Contains(runs, run => run.Hosts.Any(host => host.Replica.Voters.Count != 3));
    }

    private static SimulatedLog Run(int seed)
    {
        var random = new Random(seed * 31);
        var log = new SimulatedLog(hosts: 3 + (seed % 3), seed);
        var ids = log.Hosts.Select(host => host.Id).ToArray();
        log.StartWriter("h1");
        log.RunFor(TimeSpan.FromSeconds(2));
        foreach (var id in ids.Skip(1).Take(2))
        {
            log.ChangeVoters(id);
            log.RunFor(TimeSpan.FromSeconds(1));
        }

        log.Network.LossRatio = 0.2 * random.NextDouble();
        log.Network.DuplicationRatio = 0.1 * random.NextDouble();
        for (var i = 0; i < 300; i++)
        {
            Disturb(log, random, ids);
            log.RunFor(TimeSpan.FromMilliseconds(100));
        }

        Calm(log, ids);
        log.RunFor(TimeSpan.FromSeconds(20));
        return log;
    }

    private static void Disturb(SimulatedLog log, Random random, string[] ids)
    {
        var one = ids[random.Next(ids.Length)];
        switch (random.Next(24))
        {
            case 0: log.Crash(one); break;
            case 1 or 2: log.Restart(one); break;
            case 3: log.StartWriter(one); break;
            case 4: log.StopWriter(one); break;
            case 5: log.Network.Cut(one, ids[random.Next(ids.Length)]); break;
            case 6: Isolate(log, one, ids); break;
            case 7 or 8: log.Network.Heal(); break;
            case 9: log.ChangeVoters(one); break;
            case 10: log.StartWriter(ids[0]); break;
            default: log.Write(); break;
        }
    }

    private static void Isolate(SimulatedLog log, string one, string[] ids)
    {
        foreach (var other in ids)
        {
            log.Network.Cut(one, other);
            log.Network.Cut(other, one);
        }
    }

    private static void Calm(SimulatedLog log, string[] ids)
    {
        log.Network.Heal();
        log.Network.LossRatio = log.Network.DuplicationRatio = 0;
        foreach (var id in ids)
        {
            log.Restart(id);
            log.StopWriter(id);
        }

        log.StartWriter(ids[^1]);
    }
}
