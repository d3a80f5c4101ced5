#nullable disable
using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;

namespace Fabric.Benchmarks;

/// <summary>Figures of the actor runtime: Tell, ping-pong, Ask, bytes per actor.</summary>
/// <remarks>
/// Each figure is the median of several runs after warm-up. The source uses the Akka.NET API
/// only, so that both runtimes can be measured with it.
/// </remarks>
public static class ActorMessaging
{
    public static void Run(BenchmarkReport report)
    {
        var config = ConfigurationFactory.ParseString("akka.loglevel = WARNING");
        using var system = ActorSystem.Create("bench", config);
        var runs = report.Runs;
        void Rate(string name, Func<double> measure, double goal) => report.Add(new Figure(
            name, "msg/s", Median(measure, runs), Kind: GoalKind.AtLeast, Goal: goal));

        Rate("one-way Tell", () => OneWay(system, 5_000_000), 20e6);
        Rate("ping-pong, 1 pair, 1,000 in flight",
            () => PingPong(system, 1, 1_000, 10_000_000), 30e6);
        Rate("ping-pong, 1 pair, 1 in flight", () => PingPong(system, 1, 1, 500_000), 1e6);
        Rate("ping-pong, 8 pairs, 100 in flight each",
            () => PingPong(system, 8, 100, 1_000_000), 30e6);
        Rate("Ask, 100 under way", () => Asking(system, 200_000), 1.2e6);
        report.Add(new Figure(
            "memory of an idle actor", "bytes", BytesPerActor(system, 50_000),
            Kind: GoalKind.AtMost, Goal: 1024));
        system.Terminate().Wait(TimeSpan.FromSeconds(30));
    }

    /// <summary>Of several runs, after three that are not counted.</summary>
    internal static double Median(Func<double> measure, int runs)
    {
        for (var i = 0; i < 3; i++) measure();
        var values = new double[runs];
        for (var i = 0; i < runs; i++)
        {
            GC.Collect();
            values[i] = measure();
        }
        return BenchmarkReport.Median(values);
    }

    private sealed class Sink : ReceiveActor
    {
        private long _left;

        public Sink(long count, TaskCompletionSource done)
        {
            _left = count;
            Receive<string>(_ =>
            {
                if (--_left == 0) done.SetResult();
            });
        }
    }

    private static double OneWay(ActorSystem system, int count)
    {
        var done = new TaskCompletionSource();
        var sink = system.ActorOf(Props.Create(() => new Sink(count, done)));
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < count; i++) sink.Tell("x", ActorRefs.NoSender);
        done.Task.Wait();
        var rate = count / watch.Elapsed.TotalSeconds;
        system.Stop(sink);
        return rate;
    }

    private sealed record Start(IActorRef Partner, int InFlight);

    private sealed class Player : ReceiveActor
    {
        private long _left;

        public Player(long count, TaskCompletionSource done)
        {
            _left = count;
            Receive<string>(text =>
            {
                if (--_left > 0) Sender.Tell(text, Self);
                else if (_left == 0) done.TrySetResult();
            });
            Receive<Start>(start =>
            {
                for (var i = 0; i < start.InFlight; i++) start.Partner.Tell("x", Self);
            });
        }
    }

    /// <remarks>Each pair exchanges so many messages, counted at both ends.</remarks>
    private static double PingPong(ActorSystem system, int pairs, int inFlight, long count)
    {
        var all = new List<Task>();
        var players = new List<(IActorRef One, IActorRef Two)>();
        for (var i = 0; i < pairs; i++)
        {
            var done = new TaskCompletionSource();
            all.Add(done.Task);
            var one = system.ActorOf(Props.Create(() => new Player(count / 2, done)));
            var two = system.ActorOf(Props.Create(() => new Player(count, done)));
            players.Add((one, two));
        }
        var watch = Stopwatch.StartNew();
        foreach (var (one, two) in players) one.Tell(new Start(two, inFlight));
        Task.WaitAll([.. all]);
        var rate = pairs * count / watch.Elapsed.TotalSeconds;
        foreach (var (one, two) in players)
        {
            system.Stop(one);
            system.Stop(two);
        }
        return rate;
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => Receive<string>(text => Sender.Tell(text));
    }

    /// <remarks>100 asks are under way at any time.</remarks>
    private static double Asking(ActorSystem system, int count)
    {
        var echo = system.ActorOf<Echo>();
        var watch = Stopwatch.StartNew();
        var askers = Enumerable.Range(0, 100).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < count / 100; i++) await echo.Ask<string>("x");
        })).ToArray();
        Task.WaitAll(askers);
        var rate = count / watch.Elapsed.TotalSeconds;
        system.Stop(echo);
        return rate;
    }

    private sealed class Idle : ReceiveActor
    {
        public Idle() => Receive<string>(_ => Sender.Tell("ready"));
    }

    private static double BytesPerActor(ActorSystem system, int count)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var actors = new IActorRef[count];
        for (var i = 0; i < count; i++) actors[i] = system.ActorOf<Idle>();
        foreach (var actor in actors) actor.Ask<string>("x").Wait();
        var after = GC.GetTotalMemory(forceFullCollection: true);
        Task.WaitAll([.. actors.Select(actor => actor.GracefulStop(TimeSpan.FromMinutes(1)))]);
        return (double)(after - before) / count;
    }
}
