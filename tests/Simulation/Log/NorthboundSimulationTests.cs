using Fabric.Cluster;
using Fabric.Configuration;

namespace Fabric.Simulation;

/// <summary>Transactions of clients under everything that a network and a disk can do.</summary>
public sealed class NorthboundSimulationTests
{
    private const int SeedCount = 60;

    /// <remarks>
    /// Goal: what a client was told is there is there, once, on every host, with unique keys.
    /// Method: three hosts; 15 s of faults with a write every 100 ms, then 20 s of peace.
    /// </remarks>
    [Fact]
    public void Acknowledged_transactions_are_there_once_on_every_host()
    {
        var acknowledged = 0;
        for (var seed = 0; seed < SeedCount; seed++)
        {
            try
            {
                var northbound = Run(seed);
                Check(northbound);
                acknowledged += northbound.Acknowledged.Count;
            }
            catch (Exception failure)
            {
                Assert.Fail($"seed {seed}: {failure}");
            }
        }

        Assert.True(acknowledged > SeedCount * 10, $"only {acknowledged} were acknowledged");
    }

    private static void Check(SimulatedNorthbound northbound)
    {
        var state = northbound.StateOf("h1");
        foreach (var host in northbound.Hosts)
        {
            Assert.Equal(northbound.AppliedOf("h1"), northbound.AppliedOf(host));
            Assert.Equal(
                state.ToBytes().ToArray(), northbound.StateOf(host).ToBytes().ToArray());
        }

        var switches = state.Database.Table("Logical_Switch").Rows
            .Select(row => row.GetString("name")).ToList();
        Assert.Equal(switches.Count, switches.Distinct().Count());
        Assert.Empty(northbound.Acknowledged.Except(switches));
        var done = state.Database.Table("NB_Global").First!.GetInteger("nb_cfg");
        Assert.Equal(switches.Count, done);
        Assert.Equal(switches.Count, state.Keys.Keys.Datapaths.Values.Distinct().Count());
        Assert.Equal(switches.Count, state.Keys.Keys.Ports.Count);
    }

    private static SimulatedNorthbound Run(int seed)
    {
        var random = new Random(seed * 17);
        var northbound = new SimulatedNorthbound(hosts: 3, seed);
        var ids = northbound.Hosts.ToArray();
        northbound.StartWriter("h1");
        northbound.RunFor(TimeSpan.FromSeconds(3));
        northbound.Network.LossRatio = 0.15 * random.NextDouble();
        northbound.Network.DuplicationRatio = 0.1;
        for (var i = 0; i < 150; i++)
        {
            Disturb(northbound, random, ids);
            northbound.Write(ids[random.Next(3)]);
            northbound.RunFor(TimeSpan.FromMilliseconds(100));
        }

        northbound.Network.Heal();
        northbound.Network.LossRatio = northbound.Network.DuplicationRatio = 0;
        foreach (var id in ids)
        {
            northbound.Restart(id);
            northbound.StopWriter(id);
        }

        northbound.StartWriter(ids[seed % 3]);
        northbound.RunFor(TimeSpan.FromSeconds(25));
        return northbound;
    }

    private static void Disturb(SimulatedNorthbound northbound, Random random, string[] ids)
    {
        var (one, other) = (ids[random.Next(3)], ids[random.Next(3)]);
        switch (random.Next(20))
        {
            case 0: northbound.Crash(one); break;
            case 1 or 2: northbound.Restart(one); break;
            case 3 or 4: northbound.StartWriter(one); break;
            case 5: northbound.StopWriter(one); break;
            case 6: northbound.Network.Cut(one, other); break;
            case 7 or 8: northbound.Network.Heal(); break;
        }
    }
}
