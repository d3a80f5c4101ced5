using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster;
using Akka.Dispatch;
using Akka.Remote.Transport;

namespace Fabric.ActorRuntime.Tests.Cluster;

using Cluster = Akka.Cluster.Cluster;

/// <summary>Whole clusters in one thread, on a virtual clock, from one seed.</summary>
public sealed class SimulatedClusterTests
{
    private sealed class Simulation
    {
        public readonly VirtualTimeProvider Time = new();
        public readonly DeterministicDispatcher Dispatcher;
        public readonly InMemoryNetwork Network;
        public readonly List<ActorSystem> Systems = [];
        public ulong Trace = 14695981039346656037;
        private readonly Random _random;

        public Simulation(int seed)
        {
            _random = new Random(seed);
            Dispatcher = new DeterministicDispatcher(new Random(seed + 1));
            Network = new InMemoryNetwork(Time, new Random(seed + 2))
            {
                Delivered = (from, to, frame) =>
                {
                    Mix((ulong)from.Port!.Value * 65536 + (ulong)to.Port!.Value);
                    foreach (var b in frame.Span) Mix(b);
                    Mix((ulong)Time.Elapsed.Ticks);
                },
            };
        }

        public ActorSystem Start(string host)
        {
            var config = ClusterHosts.Settings($"akka.remote.dot-netty.tcp.hostname = \"{host}\"");
            var setup = ActorSystemSetup.Create(
                BootstrapSetup.Create().WithConfig(config),
                new RuntimeSetup
                {
                    Time = Time,
                    Random = new Random(_random.Next()),
                    Dispatcher = Dispatcher,
                    Transport = Network.TransportAt(host, 2552, "fabric"),
                });
            var system = ActorSystem.Create("fabric", setup);
            Systems.Add(system);
            return system;
        }

        public void RunFor(TimeSpan duration)
        {
            var end = Time.Elapsed + duration;
            do
            {
                Dispatcher.RunUntilIdle();
            }
            while (Time.FireNext(end));
        }

        private void Mix(ulong value) => Trace = (Trace ^ value) * 1099511628211;
    }

    [Fact]
    public void A_seed_is_a_run()
    {
        var first = Run(seed: 7);
        Assert.Equal(first, Run(seed: 7));
        Assert.NotEqual(first, Run(seed: 8));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_minority_is_downed_and_the_majority_goes_on(int seed)
    {
        var simulation = Clustered(seed, count: 5);
        foreach (var cut in new[] { "h4", "h5" })
        {
            foreach (var other in new[] { "h1", "h2", "h3" })
            {
                simulation.Network.Block(cut, other);
                simulation.Network.Block(other, cut);
            }
        }

        simulation.RunFor(TimeSpan.FromSeconds(30));
        Assert.All(simulation.Systems.Take(3), s => Assert.Equal(3, ClusterHosts.UpCount(s)));
        Assert.All(simulation.Systems.Skip(3), s => Assert.True(Cluster.Get(s).IsTerminated));
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void A_lossy_network_does_not_split_the_cluster(int seed)
    {
        var simulation = Clustered(seed, count: 4);
        simulation.Network.LossRatio = 0.05;
        simulation.RunFor(TimeSpan.FromMinutes(2));
        Assert.All(simulation.Systems, s => Assert.Equal(4, ClusterHosts.UpCount(s)));
    }

    [Fact]
    public void A_killed_host_is_removed_within_detection_and_stable_after()
    {
        var simulation = Clustered(seed: 3, count: 3);
        simulation.Network.Kill("h3");
        simulation.RunFor(TimeSpan.FromSeconds(6));
        Assert.All(simulation.Systems.Take(2), s => Assert.Equal(2, Members(s)));
    }

    private static int Members(ActorSystem system) => Cluster.Get(system).State.Members.Count;

    private static Simulation Clustered(int seed, int count)
    {
        var simulation = new Simulation(seed);
        for (var i = 1; i <= count; i++) simulation.Start("h" + i);
        var seedNode = Cluster.Get(simulation.Systems[0]).SelfAddress;
        foreach (var system in simulation.Systems) Cluster.Get(system).JoinSeedNodes([seedNode]);
        simulation.RunFor(TimeSpan.FromSeconds(10));
        Assert.All(simulation.Systems, s => Assert.Equal(count, ClusterHosts.UpCount(s)));
        return simulation;
    }

    private static (ulong Trace, long Frames) Run(int seed)
    {
        var simulation = Clustered(seed, count: 3);
        simulation.Network.LossRatio = 0.02;
        simulation.RunFor(TimeSpan.FromSeconds(20));
        return (simulation.Trace, simulation.Network.FrameCount);
    }
}
