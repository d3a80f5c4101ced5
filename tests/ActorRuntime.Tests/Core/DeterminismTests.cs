#nullable disable
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Dispatch;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class DeterminismTests
{
    private sealed class Chatter : ReceiveActor, IWithTimers
    {
        private readonly int _index;
        private readonly IActorRef[] _all;

        public ITimerScheduler Timers { get; set; }

        public Chatter(int index, IActorRef[] all, List<string> trace, Random random)
        {
            _index = index;
            _all = all;
            ReceiveAsync<IActorRef>(async other =>
            {
                Timers.StartSingleTimer(
                    "next", other, TimeSpan.FromMilliseconds(random.Next(1, 50)));
                var answer = await other.Ask<int>("question", TimeSpan.FromMilliseconds(20));
                trace.Add($"{index} heard {answer}");
                if (answer % 7 == 0) throw new InvalidOperationException("seven");
            });
            Receive<string>(_ =>
            {
                var answer = random.Next(100);
                trace.Add($"{index} says {answer}");
                Task.FromResult(answer).PipeTo(Sender);
            });
        }

        protected override void PostRestart(Exception reason) => Timers.StartSingleTimer(
            "next", _all[(_index + 1) % _all.Length], TimeSpan.FromMilliseconds(5));
    }

    private static (List<string> Trace, long Steps) Run(int seed)
    {
        var random = new Random(seed);
        var time = new VirtualTimeProvider();
        var dispatcher = new DeterministicDispatcher(random) { Throughput = 1 };
        var trace = new List<string>();
        var thread = Environment.CurrentManagedThreadId;
        var systems = Enumerable.Range(0, 3).Select(i => ActorSystem.Create($"s{i}",
            ActorSystemSetup.Create(
                BootstrapSetup.Create().WithConfig(
                    ConfigurationFactory.ParseString("akka.loggers = []")),
                new RuntimeSetup
                {
                    Time = time,
                    Random = new Random(random.Next()),
                    Dispatcher = dispatcher,
                }))).ToArray();
        var actors = new IActorRef[3];
        for (var i = 0; i < 3; i++)
        {
            var index = i;
            actors[i] = systems[i].ActorOf(
                Props.Create(() => new Chatter(index, actors, trace, random)), "c");
        }
        for (var i = 0; i < 3; i++) actors[i].Tell(actors[(i + 1) % 3]);
        var limit = TimeSpan.FromSeconds(2);
        do
        {
            dispatcher.RunUntilIdle();
            Assert.Equal(thread, Environment.CurrentManagedThreadId);
        }
        while (time.FireNext(limit));
        Assert.Equal(limit, time.Elapsed);
        foreach (var system in systems) system.Terminate();
        do dispatcher.RunUntilIdle();
        while (time.FireNext(limit * 20));
        Assert.All(systems, system => Assert.True(system.WhenTerminated.IsCompleted));
        return (trace, dispatcher.StepCount);
    }

    [Fact]
    public void A_seed_is_a_run_of_several_systems_in_one_thread()
    {
        var first = Run(11);
        var second = Run(11);
        Assert.True(first.Trace.Count > 100, $"only {first.Trace.Count} entries");
        Assert.Equal(first.Trace, second.Trace);
        Assert.Equal(first.Steps, second.Steps);
        Assert.NotEqual(first.Trace, Run(12).Trace);
    }

    [Fact]
    public void Asks_time_out_on_the_virtual_clock()
    {
        var time = new VirtualTimeProvider();
        var dispatcher = new DeterministicDispatcher();
        var system = ActorSystem.Create("timing", ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig("akka.loggers = []"),
            new RuntimeSetup { Time = time, Dispatcher = dispatcher, Random = new Random(1) }));
        dispatcher.RunUntilIdle();
        var asked = system.DeadLetters.Ask<string>("x", TimeSpan.FromSeconds(10));
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(asked.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.IsType<AskTimeoutException>(asked.Exception?.InnerException);
    }
}
