using System.Collections.Immutable;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Api;

/// <summary>Members of paths, props, strategies and systems that no other test needs.</summary>
public sealed class ActorMemberTests : TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private sealed class Idle : UntypedActor
    {
        protected override void OnReceive(object message) => Unhandled(message);
    }

    [Fact]
    public void Paths_and_addresses()
    {
        var root = new RootActorPath(Address.AllSystems);
        var path = root.Child("user").Child("a");
        Assert.Equal(["user", "a"], path.Elements);
        Assert.Equal("b", new ChildActorPath(path, "b", 5).Name);
        Assert.True(ActorPath.IsValidPathElement("a-b.c"));
        Assert.False(ActorPath.IsValidPathElement("a/b") || ActorPath.IsValidPathElement(""));
        var address = new Address("akka.tcp", "s", "h", 1);
        Assert.StartsWith("akka.tcp://s@h:1/user/a",
            path.ToSerializationFormatWithAddress(address), StringComparison.Ordinal);
        Assert.EndsWith("user/a", Sys.ActorSelection("/user/a").PathString.TrimStart('/'),
            StringComparison.Ordinal);
    }

    [Fact]
    public void References()
    {
        Assert.True(ActorRefs.Nobody.IsNobody());
        Assert.True(((IActorRef?)null).IsNobody());
        Assert.False(TestActor.IsNobody());
        var (one, two) = (CreateTestProbe(), CreateTestProbe());
        one.SetAutoPilot(new Akka.TestKit.DelegateAutoPilot((_, message) =>
        {
            two.Ref.Forward(message);
            return Akka.TestKit.AutoPilot.NoAutoPilot;
        }));
        one.Ref.Tell("on", TestActor);
        two.ExpectMsg("on");
    }

    [Fact]
    public async Task Of_a_system()
    {
        Assert.True(Sys.Uptime > TimeSpan.Zero);
        Assert.NotEmpty(Sys.Name);
        var id = new LateProvider();
        Assert.Same(Sys.RegisterExtension(id), id.Get(Sys));
        var extended = (ExtendedActorSystem)Sys;
        var system = extended.SystemActorOf(Props.Create(() => new Idle()), "of-the-system");
        Assert.Equal(extended.SystemGuardian.Path, system.Path.Parent);
        Assert.Equal(extended.SystemGuardian.Path.Name,
            extended.SystemActorOf<Idle>("of-the-system-too").Path.Parent.Name);
        Assert.Equal("user", extended.Guardian.Path.Name);
        var provider = extended.Provider;
        Assert.Equal(Sys.DeadLetters, provider.DeadLetters);
        Assert.Equal(Sys.Name, provider.DefaultAddress.System);
        Assert.Equal(provider.DefaultAddress, provider.RootPath.Address);
        Assert.Equal(provider.DefaultAddress,
            provider.GetExternalAddressFor(provider.DefaultAddress));
        var shutdown = CoordinatedShutdown.Get(Sys);
        Assert.True(shutdown.TotalTimeout
            >= shutdown.Timeout(CoordinatedShutdown.PhaseServiceUnbind));
        var setup = ActorSystemSetup.Empty.WithSetup(
            BootstrapSetup.Create().WithConfigFallback(Config.Empty)
                .WithActorRefProvider(ProviderSelection.Local.Instance));
        var bootstrap = setup.Get<BootstrapSetup>().Value;
        Assert.Equal("local", bootstrap.ActorRefProvider.Value.Identifier);
        Assert.True(bootstrap.ConfigFallback.IsEmpty);
        Assert.Same(ProviderSelection.Cluster.Instance, ProviderSelection.GetProvider("cluster"));
        var both = bootstrap.And(bootstrap.WithConfig(DefaultConfig));
        await ActorSystem.Create("both", both).Terminate();
    }

    private sealed class Late : IExtension;

    private sealed class LateProvider : ExtensionIdProvider<Late>
    {
        public override Late CreateExtension(ExtendedActorSystem system) => new();
    }

    [Fact]
    public void Props_and_where_they_are_deployed()
    {
        var props = Props.Create<Idle>();
        Assert.Equal(typeof(Idle).AssemblyQualifiedName, props.TypeName);
        Assert.Empty(props.Arguments);
        props.Deploy = Deploy.Local.WithMailbox("m").WithDispatcher("d");
        Assert.Equal(("m", "d"), (props.Deploy.Mailbox, props.Deploy.Dispatcher));
        Assert.Null(Deploy.None);
        Assert.Equal(Deploy.NoMailboxGiven, Deploy.Local.Mailbox);
        Assert.Equal(Deploy.NoDispatcherGiven, Deploy.Local.Dispatcher);
        Assert.IsType<LocalScope>(Deploy.Local.WithScope(Scope.Local).Scope);
        Assert.Same(Scope.Local, Scope.Local.WithFallback(LocalScope.Instance));
        props.SupervisorStrategy = SupervisorStrategy.StoppingStrategy;
        Assert.Same(SupervisorStrategy.StoppingStrategy, props.SupervisorStrategy);
        Assert.NotEqual(Props.None, Props.Create<Idle>());
        Watch(Sys.ActorOf(Props.CreateBy<Idle>(() => new Idle()))).Tell(PoisonPill.Instance);
        ExpectMsg<Terminated>();
        Assert.NotNull(Props.Empty);
        Assert.Equal("w", props.WithDeploy(Deploy.Local.WithMailbox("w")).Deploy.Mailbox);
        Assert.Equal(props.Type, props.WithRouter(null!).Type); // None: as it was.
    }

    [Fact]
    public void Strategies_and_deciders()
    {
        var some = new OneForOneStrategy(3, TimeSpan.FromSeconds(2), _ => Directive.Stop);
        Assert.Equal((3, 2000), (some.MaxNumberOfRetries, some.WithinTimeRangeMilliseconds));
        Assert.Equal(7, some.WithMaxNrOfRetries(7).MaxNumberOfRetries);
        var all = new AllForOneStrategy(4, 500, _ => Directive.Resume);
        Assert.Equal((4, 500), (all.MaxNumberOfRetries, all.WithinTimeRangeMilliseconds));
        Assert.Equal(Directive.Resume, all.Decider.Decide(new InvalidOperationException()));
        Assert.Equal(Directive.Restart, SupervisorStrategy.DefaultStrategy.Decider.Decide(
            new InvalidOperationException()));
        var pairs = Decider.From(Directive.Escalate,
            KeyValuePair.Create(typeof(InvalidOperationException), Directive.Resume));
        Assert.Equal(Directive.Escalate, pairs.DefaultDirective);
        Assert.Single(pairs.Pairs);
        Assert.Equal(Directive.Resume, pairs.Decide(new InvalidOperationException()));
        Assert.Equal(Directive.Stop, new DeployableDecider(Directive.Stop)
            .Decide(new FormatException()));
        Assert.Equal(Directive.Stop, new LocalOnlyDecider(_ => Directive.Stop)
            .Decide(new FormatException()));
        Assert.Equal(Directive.Stop, new Open().Of(TestActor, new FormatException()));
        Assert.Contains("twice", new PreRestartException(
            TestActor, new FormatException("twice"), new FormatException("once"), "m")
            .ToString(), StringComparison.Ordinal);
        var twice = new PreRestartException(
            TestActor, new FormatException("twice"), new FormatException("once"), "m");
        Assert.Equal("once", twice.OriginalCause.Message);
        Assert.Equal("inner", new Told().Why.Message);
    }

    private sealed class Told() : AkkaException("outer", new FormatException("inner"))
    {
        public Exception Why => Cause;
    }

    /// <summary>Shows what is protected.</summary>
    private sealed class Open() : AllForOneStrategy(Akka.Actor.Decider.From(_ => Directive.Stop))
    {
        public Directive Of(IActorRef child, Exception cause)
        {
            Assert.True(LoggingEnabled);
            return Handle(child, cause);
        }
    }

    [Fact]
    public async Task Schedulers_and_their_cancelables()
    {
        var scheduler = Sys.Scheduler;
        Assert.True(scheduler.HighResMonotonicClock >= TimeSpan.Zero);
        Assert.True(scheduler.MonotonicClock >= TimeSpan.Zero);
        Assert.True(scheduler.Now > DateTimeOffset.UnixEpoch);
        var once = scheduler.ScheduleTellOnceCancelable(1, TestActor, "once", ActorRefs.NoSender);
        ExpectMsg("once");
        once.Cancel();
        var many = new Cancelable(scheduler);
        scheduler.ScheduleTellRepeatedly(1, 1, TestActor, "many", ActorRefs.NoSender, many);
        ExpectMsg("many");
        ExpectMsg("many");
        ((ICancelable)many).CancelAfter(TimeSpan.FromMilliseconds(1));
        await AwaitConditionAsync(() => many.IsCancellationRequested, Patience);
        var action = scheduler.Advanced.ScheduleRepeatedlyCancelable(1, 1, () => { });
        action.CancelIfNotNull();
        Assert.True(action.IsCancellationRequested);
        CancelableExtensions.CancelIfNotNull(null);
        using var source = new CancellationTokenSource();
        var linked = Cancelable.CreateLinkedCancelable(scheduler, source.Token);
        await source.CancelAsync();
        Assert.True(linked.IsCancellationRequested);
        IRunnableScheduler runs = scheduler.Advanced;
        var ran = new Runnable(TestActor);
        runs.ScheduleOnce(TimeSpan.FromMilliseconds(1), ran);
        FishForMessage<string>(text => text == "ran");
        var stop = new Cancelable(scheduler.Advanced);
        runs.ScheduleRepeatedly(TimeSpan.Zero, TimeSpan.FromMilliseconds(1), ran, stop);
        FishForMessage<string>(text => text == "ran");
        stop.Cancel(false);
        ran.Run();
    }

    private sealed class Runnable(IActorRef target) : Akka.Dispatch.IRunnable
    {
        public void Run() => target.Tell("ran");
    }

    [Fact]
    public void Lists_and_small_numbers_in_configurations()
    {
        var config = ConfigurationFactory.ParseString(
            "a = [true, no], b = [1.5, 2], c = [1, 9000000000], d = 1.25, e = 0.5");
        Assert.Equal([true, false], config.GetBooleanList("a"));
        Assert.Equal([1.5, 2.0], config.GetDoubleList("b"));
        Assert.Equal([1, 9_000_000_000], config.GetLongList("c"));
        Assert.Equal(1.25m, config.GetDecimal("d"));
        Assert.Equal(0.5f, config.GetFloat("e"));
        Assert.ThrowsAny<Exception>(() =>
            ConfigurationFactory.FromResource<ActorMemberTests>("no.such.resource"));
    }
}
