using Akka.Actor;
using Akka.Actor.Dsl;
using Akka.Configuration;
using Akka.Event;
using Akka.TestKit;
using Akka.TestKit.TestActors;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Api;

/// <summary>Each way to expect, wait, ignore and describe that the test kit offers.</summary>
public sealed class TestKitMemberTests() : TestKit("akka.loglevel = DEBUG")
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void Messages_one_by_one()
    {
        TestActor.Tell("a", ActorRefs.NoSender);
        Assert.Equal("a", PeekOne());
        Assert.True(HasMessages);
        Assert.Equal("a", ReceiveOne());
        Assert.Equal("a", LastMessage);
        TestActor.Tell("b", TestActor);
        Assert.True(TryReceiveOne(out var envelope, Patience));
        Assert.Equal(("b", TestActor), ((string)envelope.Message, envelope.Sender));
        Assert.False(TryReceiveOne(out var none, TimeSpan.Zero));
        Assert.Same(MessageEnvelope.Null, none ?? MessageEnvelope.Null);
        TestActor.Tell("c", TestActor);
        Assert.Equal("c", ExpectMsgAnyOf("b", "c"));
        TestActor.Tell("d", TestActor);
        Assert.Equal("d", ExpectMsgFrom<string>(TestActor, "d"));
        Assert.Equal(TestActor, LastSender);
        IgnoreMessages<int>(number => number > 1);
        foreach (var number in (int[])[2, 3, 1]) TestActor.Tell(number);
        ExpectMsg(1);
        IgnoreNoMessages();
        TestActor.Tell(2);
        ExpectMsg(2);
    }

    [Fact]
    public async Task Messages_awaited()
    {
        TestActor.Tell("a");
        Assert.Equal("a", await ReceiveOneAsync(Patience));
        TestActor.Tell("b", TestActor);
        Assert.Equal("b", await ExpectMsgAsync("b"));
        TestActor.Tell("c", TestActor);
        Assert.Equal("c", await ExpectMsgFromAsync<string>(TestActor, "c"));
        TestActor.Tell("d");
        Assert.Equal("d", await ExpectMsgAnyOfAsync<string>(["d", "e"]));
        foreach (var text in (string[])["f", "g", "h", "i", "j", "k"]) TestActor.Tell(text);
        Assert.Equal(["f", "g"], (await ExpectMsgAllOfAsync<string>(Patience, ["f", "g"])).Order());
        Assert.Equal("h", await FishForMessageAsync<string>(text => text == "h"));
        await FishUntilMessageAsync<string>(Patience);
        var rest = new List<object>();
        await foreach (var one in ReceiveNAsync(2, Patience)) rest.Add(one);
        Assert.Equal(["j", "k"], rest);
        await ExpectNoMsgAsync(5);
        await WaitForRadioSilenceAsync(TimeSpan.FromMilliseconds(20));
        var doomed = Sys.ActorOf(BlackHoleActor.Props);
        Watch(doomed);
        doomed.Tell(PoisonPill.Instance);
        await ExpectTerminatedAsync(doomed);
        Watch(TestActor);
        Unwatch(TestActor);
    }

    [Fact]
    public async Task Conditions_and_times()
    {
        var count = 0;
        await AwaitAssertAsync(
            () => Assert.True(++count > 2), Patience, TimeSpan.FromMilliseconds(1));
        await AwaitConditionAsync(() => ++count > 4, Patience);
        Assert.False(AwaitConditionNoThrow(() => false, TimeSpan.FromMilliseconds(5)));
        Within(Patience, () => Assert.True(Remaining <= Patience));
        await WithinAsync(Patience, () => Task.CompletedTask);
        Assert.Equal(Patience, Dilated(Patience));
        Assert.Equal(Patience, GetTimeoutOrDefault(Patience));
        Assert.Equal(TestKitSettings.SingleExpectDefault, GetTimeoutOrDefault(null));
        Assert.Equal(TestKitSettings.SingleExpectDefault, RemainingOrDefault);
        Assert.Equal(Patience, RemainingOrDilated(Patience));
        Assert.True(Now > TimeSpan.Zero);
        Log.Info("The test kit has a log");
        Assert.Null(Output);

        var latch = CreateTestLatch(2);
        latch.CountDown();
        Assert.False(latch.IsOpen);
        latch.CountDown();
        latch.Ready(Patience);
        latch.Reset();
        latch.Open();
        Assert.True(latch.IsOpen);
        var barrier = CreateTestBarrier(2);
        var other = Task.Run(() => barrier.Await(Patience));
        barrier.Await(Patience);
        await other;
        barrier.Reset();
        Assert.Throws<TimeoutException>(() => new TestBarrier(this, 2).Await(
            TimeSpan.FromMilliseconds(5)));
    }

    [Fact]
    public void Probes_pilots_and_children()
    {
        var probe = CreateTestProbe();
        probe.Send(TestActor, "hello");
        ExpectMsg("hello");
        probe.Ref.Tell("x", TestActor);
        probe.ExpectMsg("x");
        probe.Forward(TestActor);
        ExpectMsg("x");
        SetAutoPilot(new DelegateAutoPilot((sender, message) =>
        {
            sender.Tell($"{message}!");
            return message is "end" ? AutoPilot.NoAutoPilot : AutoPilot.KeepRunning;
        }));
        TestActor.Tell("go", probe.Ref);
        probe.ExpectMsg("go!");
        TestActor.Tell("end", probe.Ref);
        probe.ExpectMsg("end!");
        Assert.Same(AutoPilot.NoAutoPilot, AutoPilot.NoAutoPilot.Run(probe.Ref, "x"));
        var child = ChildActorOf(EchoActor.Props(this), "child");
        child.Tell("echo", probe.Ref);
        probe.ExpectMsg("echo");
        Assert.Equal("extra", CreateTestActor("extra").Path.Name);
    }

    [Fact]
    public async Task An_actor_in_the_hand()
    {
        var actor = ActorOfAsTestActorRef<Counting>("counting");
        actor.Receive("one");
        await actor.ReceiveAsync("two");
        Assert.Equal(2, actor.UnderlyingActor.Count);
        Assert.Equal(actor.Path, actor.Ref.Path);
        Assert.Equal(0, new TestActorRef<Counting>(Sys, Props.Create<Counting>())
            .UnderlyingActor.Count);
    }

    public sealed class Counting : UntypedActor
    {
        public int Count { get; private set; }

        protected override void OnReceive(object message) => Count++;
    }

    [Fact]
    public void An_actor_of_functions()
    {
        var actor = ActorOf(act =>
        {
            act.OnPreStart = _ => TestActor.Tell("starts");
            act.OnPreRestart = (_, _, _) => TestActor.Tell("restarts");
            act.OnPostRestart = (cause, _) => TestActor.Tell(cause.Message);
            act.OnPostStop = _ => TestActor.Tell("stopped");
            act.Strategy = SupervisorStrategy.StoppingStrategy;
            Assert.NotNull(act.OnPreStart);
            Assert.NotNull(act.OnPreRestart);
            Assert.NotNull(act.OnPostRestart);
            Assert.NotNull(act.OnPostStop);
            Assert.Same(SupervisorStrategy.StoppingStrategy, act.Strategy);
            act.Receive<string>(text => text == "fail", (text, _) =>
                throw new InvalidOperationException(text));
            act.ReceiveAny((message, _) =>
            {
                if (message is not "other") return;
                act.Become((_, _) =>
                {
                    TestActor.Tell("became");
                    act.BecomeStacked((_, _) =>
                    {
                        TestActor.Tell("on top");
                        act.UnbecomeStacked();
                    });
                });
            });
        });
        ExpectMsg("starts");
        EventFilter.Exception<InvalidOperationException>().Mute(() =>
        {
            actor.Tell("fail");
            ExpectMsg("restarts");
            ExpectMsg("fail");
        });
        actor.Tell("other");
        foreach (var text in (string[])["became", "on top", "became"])
        {
            actor.Tell("x");
            ExpectMsg(text);
        }

        actor.Tell(PoisonPill.Instance);
        ExpectMsg("stopped");
    }

    [Fact]
    public async Task Filters_of_the_log()
    {
        EventFilter.Debug("quiet").ExpectOne(() => Log.Debug("quiet"));
        EventFilter.ForLogLevel(LogLevel.InfoLevel, "level").ExpectOne(() => Log.Info("level"));
        EventFilter.Custom<Warning>(warning => $"{warning.Message}" == "mine")
            .ExpectOne(() => Log.Warning("mine"));
        await EventFilter.Error("late").ExpectOneAsync(() => Log.Error("late"));
        await EventFilter.Error("twice").ExpectAsync(2, () =>
        {
            Log.Error("twice");
            Log.Error("twice");
        });
        var muted = EventFilter.Info("nothing").Mute();
        muted.Unmute();
        Assert.NotNull(TestEventListener.Of(Sys));
        Assert.NotNull(new TestEventListener((ExtendedActorSystem)Sys));
        Sys.ActorOf(Props.CreateBy<BlackHoleActor>(() => new BlackHoleActor()))
            .Tell("into the dark");
    }

    [Fact]
    public void Assertions_of_xunit()
    {
        ITestKitAssertions assertions = new XunitAssertions();
        assertions.AssertTrue(true);
        assertions.AssertFalse(false);
        assertions.AssertEqual(1, 1);
        Assert.ThrowsAny<Exception>(() => assertions.Fail("{0}", "why"));
        Assert.ThrowsAny<Exception>(() => assertions.AssertTrue(false, "{0}", "why"));
    }

    [Fact]
    public async Task Time_by_hand()
    {
        var system = ActorSystem.Create("by-hand", ConfigurationFactory.ParseString(
            "akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
            .WithFallback(DefaultConfig));
        var scheduler = (TestScheduler)system.Scheduler;
        scheduler.ScheduleTellOnce(TimeSpan.FromHours(1), TestActor, "later", ActorRefs.NoSender);
        scheduler.AdvanceTo(scheduler.Now + TimeSpan.FromHours(2));
        ExpectMsg("later");
        Assert.NotNull(new TestScheduler(system.Settings.Config, system.Log));
        InitializeLogger(system);
        Shutdown(system, Patience);
        await system.WhenTerminated;
        Assert.NotNull(new TestProbe(Sys, new XunitAssertions(), "own"));
        AfterAll();
    }
}
