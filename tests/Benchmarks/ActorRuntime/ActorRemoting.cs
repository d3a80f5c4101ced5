using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.DistributedData;

namespace Fabric.Benchmarks;

/// <summary>Between systems of one process, over loopback, without TLS.</summary>
public static class ActorRemoting
{
    private const string Settings =
        """
        akka {
          loglevel = WARNING
          actor.provider = cluster
          remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
          cluster {
            gossip-interval = 250ms
            leader-actions-interval = 250ms
            distributed-data.notify-subscribers-interval = 50ms
          }
        }
        """;

    private sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(message => Sender.Tell(message));
    }

    /// <summary>Sends again for what comes back, so many at a time.</summary>
    private sealed class Caller : ReceiveActor
    {
        private int _left;

        public Caller(IActorRef partner, int inFlight, int count, TaskCompletionSource done)
        {
            _left = count;
            Receive<string>(text =>
            {
                if (--_left == 0) done.TrySetResult();
                else if (_left >= inFlight) partner.Tell(text);
            });
            for (var i = 0; i < inFlight; i++) partner.Tell("x", Self);
        }
    }

    private sealed class Hearer : ReceiveActor
    {
        public Hearer(GCounterKey key, Action<ulong> heard) =>
            Receive<Changed>(changed => heard(changed.Get(key).Value));
    }

    public static void Run(BenchmarkReport report)
    {
        var config = ConfigurationFactory.ParseString(Settings);
        var watch = Stopwatch.StartNew();
        var systems = Enumerable.Range(0, 3)
            .Select(_ => ActorSystem.Create("bench", config)).ToList();
        try
        {
            var nodes = systems.Select(Akka.Cluster.Cluster.Get).ToList();
            foreach (var node in nodes) node.Join(nodes[0].SelfAddress);
            SpinWait.SpinUntil(
                () => nodes.All(node => node.State.Members.Count(
                    member => member.Status == MemberStatus.Up) == 3), TimeSpan.FromSeconds(30));
            report.Add(new Figure(
                "three hosts, from nothing to Up everywhere", "ms",
                watch.Elapsed.TotalMilliseconds, Kind: GoalKind.AtMost, Goal: 1_500));
            RoundTrips(report, systems);
            Updates(report, systems, nodes[0]);
        }
        finally
        {
            Task.WaitAll([.. systems.Select(system => system.Terminate())]);
        }
    }

    private static void RoundTrips(BenchmarkReport report, List<ActorSystem> systems)
    {
        systems[1].ActorOf(Props.Create(() => new Echo()), "echo");
        var address = Akka.Cluster.Cluster.Get(systems[1]).SelfAddress;
        var echo = systems[0].ActorSelection($"{address}/user/echo")
            .ResolveOne(TimeSpan.FromSeconds(5)).Result;
        var rate = ActorMessaging.Median(() => Call(systems[0], echo, 1, 1, 5_000), report.Runs);
        report.Add(new Figure(
            "remote round trips, one after another", "1/s", rate, Kind: GoalKind.AtLeast,
            Goal: 10_000));
        rate = ActorMessaging.Median(
            () => Call(systems[0], echo, 10, 1_000, 20_000), report.Runs);
        report.Add(new Figure(
            "remote round trips, 10 callers with 1,000 each", "1/s", rate,
            Kind: GoalKind.AtLeast, Goal: 200_000));
    }

    private static double Call(
        ActorSystem system, IActorRef echo, int callers, int inFlight, int count)
    {
        var done = Enumerable.Range(0, callers).Select(_ => new TaskCompletionSource()).ToList();
        var watch = Stopwatch.StartNew();
        var actors = done.Select(one => system.ActorOf(
            Props.Create(() => new Caller(echo, inFlight, count, one)))).ToList();
        Task.WaitAll([.. done.Select(one => one.Task)]);
        var rate = callers * count / watch.Elapsed.TotalSeconds;
        foreach (var actor in actors) system.Stop(actor);
        return rate;
    }

    private static void Updates(
        BenchmarkReport report, List<ActorSystem> systems, Akka.Cluster.Cluster node)
    {
        var key = new GCounterKey("bench");
        var seen = new ulong[systems.Count];
        for (var i = 1; i < systems.Count; i++)
        {
            var index = i;
            Action<ulong> heard = value => Volatile.Write(ref seen[index], value);
            var hearer = systems[i].ActorOf(Props.Create(() => new Hearer(key, heard)));
            DistributedData.Get(systems[i]).Replicator.Tell(Dsl.Subscribe(key, hearer));
        }

        var replicator = DistributedData.Get(systems[0]).Replicator;
        var times = new List<double>();
        for (ulong value = 1; value <= 20; value++)
        {
            var wanted = value;
            var watch = Stopwatch.StartNew();
            replicator.Tell(Dsl.Update(
                key, GCounter.Empty, WriteLocal.Instance, counter => counter.Increment(node, 1)));
            SpinWait.SpinUntil(
                () => seen.Skip(1).All(one => one >= wanted), TimeSpan.FromSeconds(10));
            times.Add(watch.Elapsed.TotalMilliseconds);
        }

        report.Add(new Figure(
            "a replicated update is seen on both others", "ms", BenchmarkReport.Median(times),
            Kind: GoalKind.AtMost, Goal: 100));
    }
}
