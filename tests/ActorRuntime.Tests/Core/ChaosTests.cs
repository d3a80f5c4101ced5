#nullable disable
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Dispatch;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class ChaosTests
{
    private sealed record Spawn(int Depth);
    private sealed record Fail(bool Initialization);
    private sealed record Observe(IActorRef Subject);
    private sealed record Wait(int Milliseconds);

    /// <summary>What happened in a run, told by the actors.</summary>
    private sealed class Ledger(Random random)
    {
        public Random Random => random;
        public HashSet<IActorRef> Made { get; } = [];
        public List<(IActorRef Watcher, IActorRef Subject)> Watches { get; } = [];
        public List<(IActorRef Watcher, IActorRef Subject)> Heard { get; } = [];
        public int RestartCount { get; set; }
        public int LivingCount { get; set; }
    }

    private sealed class Node : ReceiveActor, IWithTimers, IWithUnboundedStash
    {
        private readonly Ledger _ledger;

        public ITimerScheduler Timers { get; set; }
        public IStash Stash { get; set; }

        public Node(Ledger ledger)
        {
            _ledger = ledger;
            if (ledger.Random.Next(20) == 0) throw new ArgumentException("not now");
            Receive<Spawn>(spawn =>
            {
                var child = Context.ActorOf(Props.Create(() => new Node(ledger)));
                ledger.Made.Add(child);
                if (spawn.Depth > 0) child.Tell(new Spawn(spawn.Depth - 1));
            });
            Receive<Fail>(fail => throw (fail.Initialization
                ? new ActorInitializationException("told") : new ArithmeticException("told")));
            Receive<Observe>(observe =>
            {
                if (observe.Subject.Equals(Self)) return;
                Context.Watch(observe.Subject);
                ledger.Watches.Add((Self, observe.Subject));
            });
            Receive<Terminated>(ended => ledger.Heard.Add((Self, ended.ActorRef)));
            ReceiveAsync<Wait>(async wait =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(wait.Milliseconds),
                    ((ActorSystemRuntime)Context.System).Time);
                if (wait.Milliseconds % 3 == 0) throw new ArithmeticException("late");
            });
            Receive<string>(text => text == "stash" && ledger.Random.Next(2) == 0,
                _ => Stash.Stash());
            Receive<string>(text => text == "stop", _ => Context.Stop(Self));
            Receive<string>(_ => Stash.UnstashAll());
        }

        protected override SupervisorStrategy SupervisorStrategy()
        {
            Directive Decide(Exception cause) => (Directive)_ledger.Random.Next(4);
            return _ledger.Random.Next(2) == 0
                ? new OneForOneStrategy(3, TimeSpan.FromSeconds(1), Decide)
                : new AllForOneStrategy(-1, null, Decide);
        }

        protected override void PreRestart(Exception reason, object message)
        {
            _ledger.RestartCount++;
            if (_ledger.Random.Next(3) > 0) base.PreRestart(reason, message);
        }

        protected override void PostStop() { }
    }

    /// <remarks>
    /// Goal: whatever fails, restarts, stops and waits at the same time, supervision never hangs,
    /// the end of an actor is told once to whoever still watches it, and the system ends.
    /// Method: one seed, one thread, random commands to a random tree of actors.
    /// </remarks>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Supervision_survives_chaos(int seed) => Run(seed);

    /// <remarks>Guards the guard: chaos without faults proves nothing.</remarks>
    [Fact]
    public void Faults_really_happen()
    {
        var ledgers = Enumerable.Range(1, 20).Select(Run).ToArray();
        Assert.InRange(ledgers.Sum(ledger => ledger.RestartCount), 50, int.MaxValue);
        Assert.InRange(ledgers.Sum(ledger => ledger.Heard.Count), 50, int.MaxValue);
        Assert.InRange(ledgers.Sum(ledger => ledger.LivingCount), 50, int.MaxValue);
    }

    private static Ledger Run(int seed)
    {
        var random = new Random(seed);
        var (time, dispatcher) = (new VirtualTimeProvider(), new DeterministicDispatcher(random)
        {
            Throughput = random.Next(1, 8),
        });
        var system = (ActorSystemRuntime)ActorSystem.Create("chaos", ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig(ConfigurationFactory.ParseString(
                "akka { loggers = [], log-dead-letters = off }")),
            new RuntimeSetup { Time = time, Random = random, Dispatcher = dispatcher }));
        var ledger = new Ledger(random);
        for (var i = 0; i < 400; i++)
        {
            if (i % 20 == 0) ledger.Made.Add(system.ActorOf(Props.Create(() => new Node(ledger))));
            var all = ledger.Made.ToArray();
            Command(random, all[random.Next(all.Length)], all);
            for (var step = random.Next(12); step > 0; step--) dispatcher.Step();
            if (random.Next(10) == 0) time.Advance(TimeSpan.FromMilliseconds(random.Next(5)));
        }
        Settle(dispatcher, time);

        var living = ledger.Made.Where(actor => !((LocalActorRef)actor).IsTerminated).ToArray();
        ledger.LivingCount = living.Length;
        var answers = living.Select(actor => actor.Ask<ActorIdentity>(new Identify(0))).ToArray();
        Settle(dispatcher, time);
        Assert.All(answers, answer => Assert.True(answer.IsCompletedSuccessfully));
        var doubled = ledger.Heard.GroupBy(heard => heard).Where(same =>
            same.Count() > ledger.Watches.Count(watch => watch == same.Key));
        Assert.Empty(doubled);
        // A restart unwatches children: so what parents miss is not missed.
        var missed = ledger.Watches.Where(watch =>
            !((LocalActorRef)watch.Watcher).IsTerminated &&
            ((LocalActorRef)watch.Subject).IsTerminated && !ledger.Heard.Contains(watch) &&
            !watch.Watcher.Equals(((LocalActorRef)watch.Subject).Parent));
        Assert.Empty(missed);

        system.Terminate();
        Settle(dispatcher, time);
        Assert.True(system.WhenTerminated.IsCompleted);
        Assert.All(ledger.Made, actor => Assert.True(((LocalActorRef)actor).IsTerminated));
        return ledger;
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 200)];

    private static void Command(Random random, IActorRef target, IActorRef[] all)
    {
        object message = random.Next(10) switch
        {
            0 or 1 => new Spawn(random.Next(3)),
            2 => new Fail(random.Next(3) == 0),
            3 or 4 => new Observe(all[random.Next(all.Length)]),
            5 or 6 => new Wait(random.Next(1, 20)),
            7 => random.Next(8) == 0 ? (object)PoisonPill.Instance : "stash",
            8 => random.Next(8) == 0 ? "stop" : "unstash",
            _ => random.Next(8) == 0 ? Kill.Instance : "stash",
        };
        target.Tell(message, ActorRefs.NoSender);
    }

    private static void Settle(DeterministicDispatcher dispatcher, VirtualTimeProvider time)
    {
        var limit = time.Elapsed + TimeSpan.FromSeconds(60);
        do
        {
            dispatcher.RunUntilIdle(stepsMax: 2_000_000);
            Assert.Equal(0, dispatcher.ReadyCount);
        }
        while (time.FireNext(limit));
    }
}
