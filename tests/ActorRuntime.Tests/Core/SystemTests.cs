#nullable disable
using Akka;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class SystemTests : TestKit
{
    private sealed class Counting(ExtendedActorSystem system) : IExtension
    {
        public ExtendedActorSystem System => system;
    }

    private sealed class CountingProvider : ExtensionIdProvider<Counting>
    {
        public override Counting CreateExtension(ExtendedActorSystem system) => new(system);
    }

    [Fact]
    public void An_extension_exists_once_per_system()
    {
        var first = new CountingProvider().Apply(Sys);
        Assert.Same(first, new CountingProvider().Get(Sys));
        Assert.Same(first, Sys.GetExtension<Counting>());
        Assert.Same(first, Sys.WithExtension<Counting, CountingProvider>());
        Assert.Same(Sys, first.System);
        Assert.True(Sys.HasExtension<Counting>());
    }

    [Theory]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("a b")]
    [InlineData("a/b")]
    public void Malformed_system_names_are_refused(string name)
    {
        Assert.Throws<ArgumentException>(() => ActorSystem.Create(name));
    }

    [Fact]
    public async Task A_system_ends_with_its_actors_and_callbacks()
    {
        var order = new List<string>();
        var system = ActorSystem.Create("ending", DefaultConfig);
        system.RegisterOnTermination(() => order.Add("first"));
        system.RegisterOnTermination(() => order.Add("second"));
        var probe = CreateTestProbe();
        probe.Watch(system.ActorOf(Props.Create(() => new Stopping(order))));
        await system.Terminate();
        Assert.Equal(["stopped", "second", "first"], order);
        Assert.True(system.WhenTerminated.IsCompletedSuccessfully);
        probe.ExpectMsg<Terminated>();
        Assert.Throws<InvalidOperationException>(() => system.ActorOf<EmptyActor>());
    }

    private sealed class Stopping(List<string> order) : UntypedActor
    {
        protected override void OnReceive(object message) { }
        protected override void PostStop() => order.Add("stopped");
    }

    private sealed class EmptyActor : UntypedActor
    {
        protected override void OnReceive(object message) => Unhandled(message);
    }

    /// <summary>For the guardian: it fails when a child does.</summary>
    public sealed class Escalating : SupervisorStrategyConfigurator
    {
        public override SupervisorStrategy Create() =>
            new OneForOneStrategy(_ => Directive.Escalate);
    }

    [Fact]
    public async Task A_failure_that_reaches_the_root_ends_the_system()
    {
        var system = ActorSystem.Create("escalating", ConfigurationFactory.ParseString(
            $"akka.actor.guardian-supervisor-strategy = \"{typeof(Escalating).FullName}, " +
            $"{typeof(Escalating).Assembly.GetName().Name}\"").WithFallback(DefaultConfig));
        CreateEventFilter(system).Exception<ActorKilledException>().Mute();
        system.ActorOf<EmptyActor>().Tell(Kill.Instance);
        await system.WhenTerminated.WaitAsync(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Coordinated_shutdown_runs_phases_in_order_and_once()
    {
        var order = new List<string>();
        var system = ActorSystem.Create("phased", DefaultConfig);
        var shutdown = CoordinatedShutdown.Get(system);
        string[] phases = [CoordinatedShutdown.PhaseClusterExiting,
            CoordinatedShutdown.PhaseBeforeServiceUnbind, CoordinatedShutdown.PhaseServiceStop,
            CoordinatedShutdown.PhaseBeforeActorSystemTerminate];
        foreach (var phase in phases)
        {
            shutdown.AddTask(phase, "note", async () =>
            {
                await Task.Yield();
                lock (order) order.Add(phase);
                return Done.Instance;
            });
        }
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "failing",
            () => throw new InvalidOperationException("recovered from"));
        CreateEventFilter(system).Warning(contains: "recovered from").Mute();
        Assert.Null(shutdown.ShutdownReason);
        var running = shutdown.Run(CoordinatedShutdown.ClusterLeavingReason.Instance);
        Assert.Same(running, shutdown.Run(CoordinatedShutdown.UnknownReason.Instance));
        await running.WaitAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(CoordinatedShutdown.ClusterLeavingReason.Instance, shutdown.ShutdownReason);
        Assert.Equal([CoordinatedShutdown.PhaseBeforeServiceUnbind,
            CoordinatedShutdown.PhaseServiceStop, CoordinatedShutdown.PhaseClusterExiting,
            CoordinatedShutdown.PhaseBeforeActorSystemTerminate], order);
        Assert.True(system.WhenTerminated.IsCompleted);
    }

    [Fact]
    public async Task A_phase_that_takes_too_long_is_passed_over()
    {
        var system = ActorSystem.Create("overdue", ConfigurationFactory.ParseString(
            "akka.coordinated-shutdown.phases.service-stop.timeout = 30ms")
            .WithFallback(DefaultConfig));
        CreateEventFilter(system).Warning(contains: "timed out").Mute();
        var shutdown = CoordinatedShutdown.Get(system);
        Assert.Equal(TimeSpan.FromMilliseconds(30), shutdown.Timeout("service-stop"));
        shutdown.AddTask("service-stop", "never", () => new TaskCompletionSource<Done>().Task);
        await shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance)
            .WaitAsync(TimeSpan.FromSeconds(5));
        Assert.True(system.WhenTerminated.IsCompleted);
        Assert.Throws<ArgumentException>(() => shutdown.AddTask("none", "x", null));
    }

    [Fact]
    public void Phases_run_in_the_order_of_their_constants()
    {
        Assert.Equal([CoordinatedShutdown.PhaseBeforeServiceUnbind,
            CoordinatedShutdown.PhaseServiceUnbind, CoordinatedShutdown.PhaseServiceRequestsDone,
            CoordinatedShutdown.PhaseServiceStop, CoordinatedShutdown.PhaseBeforeClusterShutdown,
            CoordinatedShutdown.PhaseClusterShardingShutdownRegion,
            CoordinatedShutdown.PhaseClusterLeave, CoordinatedShutdown.PhaseClusterExiting,
            CoordinatedShutdown.PhaseClusterExitingDone, CoordinatedShutdown.PhaseClusterShutdown,
            CoordinatedShutdown.PhaseBeforeActorSystemTerminate,
            CoordinatedShutdown.PhaseActorSystemTerminate], CoordinatedShutdown.Get(Sys).Phases);
    }

    [Fact]
    public void Events_reach_subscribers_of_their_class_bases_and_interfaces()
    {
        var (bases, exact, all) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        Assert.True(Sys.EventStream.Subscribe(bases, typeof(ArgumentException)));
        Assert.False(Sys.EventStream.Subscribe(bases, typeof(ArgumentException)));
        Sys.EventStream.Subscribe<ArgumentNullException>(exact);
        Sys.EventStream.Subscribe(all, typeof(System.Runtime.Serialization.ISerializable));
        Sys.EventStream.Publish(new ArgumentNullException());
        Sys.EventStream.Publish(new ArgumentException());
        bases.ReceiveN(2);
        all.ReceiveN(2);
        exact.ExpectMsg<ArgumentNullException>();
        exact.ExpectNoMsg(20);
        Assert.True(Sys.EventStream.Unsubscribe(bases));
        Assert.False(Sys.EventStream.Unsubscribe(bases));
        Sys.EventStream.Publish(new ArgumentException());
        bases.ExpectNoMsg(20);
    }

    [Fact]
    public void Log_entries_carry_level_source_and_positional_arguments()
    {
        Sys.EventStream.Subscribe<Warning>(TestActor);
        var log = Logging.GetLogger(Sys, "here");
        log.Warning("{0} of {1}", 1, "two");
        var entry = ExpectMsg<Warning>();
        Assert.Equal("1 of two", entry.Message.ToString());
        Assert.Equal("here", entry.LogSource);
        Assert.Equal(LogLevel.WarningLevel, entry.LogLevel());
        Assert.Matches(@"^\[WARNING\]\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d\.\d{3}Z\]\[Thread \d{4}\]" +
            @"\[here\] 1 of two$", entry.ToString());
        log.Warning(new ArithmeticException("why"), "failed {0}", 3);
        Assert.Contains("Cause: System.ArithmeticException: why", ExpectMsg<Warning>().ToString(),
            StringComparison.Ordinal);
        log.Debug("not enabled");
        log.Warning("{5}", 1);
        Assert.Contains("malformed", ExpectMsg<Warning>().ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Event_filters_count_what_they_match_and_fail_otherwise()
    {
        EventFilter.Warning("one").And.Error(contains: "tw").Expect(2, () =>
        {
            Sys.Log.Warning("one");
            Sys.Log.Error("two");
        });
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() =>
            EventFilter.Warning("none").ExpectOne(TimeSpan.FromMilliseconds(20), () => { }));
        EventFilter.Info(start: "mu").Mute(() => Sys.Log.Info("muted"));
    }

    [Fact]
    public void Setups_are_found_by_type()
    {
        var bootstrap = BootstrapSetup.Create().WithConfig("a = 1")
            .WithConfigFallback("b = 2").WithActorRefProvider(ProviderSelection.Local.Instance);
        var setup = ActorSystemSetup.Empty.And(bootstrap);
        Assert.True(setup.Get<BootstrapSetup>().HasValue);
        Assert.Equal(1, setup.Get<BootstrapSetup>().Value.Config.Value.GetInt("a"));
        Assert.False(ActorSystemSetup.Empty.Get<BootstrapSetup>().HasValue);
    }

    [Fact]
    public void A_provider_that_does_not_exist_is_named()
    {
        var error = Assert.ThrowsAny<Exception>(() => ActorSystem.Create("wrong",
            ConfigurationFactory.ParseString("akka.actor.provider = \"No.Such, Type\"")));
        Assert.Contains("No.Such", error.Message, StringComparison.Ordinal);
    }
}
