using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Api;

/// <summary>What actors do with their context, stash, timers and state machines.</summary>
public sealed class ContextMemberTests : TestKit
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(5);

    [Fact]
    public void Behaviours_by_the_context()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Switching()));
        foreach (var (say, hear) in (ReadOnlySpan<(string, string)>)
            [("?", "first"), ("push", "pushed"), ("?", "second"), ("pop", "popped"),
                ("?", "first"), ("untyped", "became"), ("?", "third")])
        {
            actor.Tell(say, TestActor);
            ExpectMsg(hear);
        }
    }

    private sealed class Switching : UntypedActor
    {
        protected override void PreStart() => ((IActorContext)Context).Become(First);

        protected override void OnReceive(object message) => Unhandled(message);

        private bool First(object message)
        {
            switch (message)
            {
                case "push":
                    ((IActorContext)Context).BecomeStacked(Second);
                    Sender.Tell("pushed");
                    return true;
                case "untyped":
                    Context.BecomeStacked(Third);
                    Context.UnbecomeStacked();
                    Context.Become(Third);
                    Sender.Tell("became");
                    return true;
                default:
                    Sender.Tell("first");
                    return true;
            }
        }

        private bool Second(object message)
        {
            if (message is "pop") Context.UnbecomeStacked();
            Sender.Tell(message is "pop" ? "popped" : "second");
            return true;
        }

        private void Third(object message) => Sender.Tell("third");
    }

    [Fact]
    public void What_stands_around_an_actors_life()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Wrapped(TestActor)));
        ExpectMsg("around start");
        Akka.TestKit.IEventFilterApplier filter = EventFilter.Exception<FormatException>();
        filter.Mute(() =>
        {
            actor.Tell("fail");
            ExpectMsg("around receive");
            ExpectMsg("around before");
            ExpectMsg("around after");
        });
        actor.Tell(PoisonPill.Instance);
        ExpectMsg("around stop");
    }

    private sealed class Wrapped(IActorRef probe) : UntypedActor
    {
        protected override void OnReceive(object message) => throw new FormatException();

        protected internal override void AroundPreStart() => probe.Tell("around start");

        protected internal override bool AroundReceive(Receive receive, object message)
        {
            probe.Tell("around receive");
            return base.AroundReceive(receive, message);
        }

        protected internal override void AroundPreRestart(Exception cause, object message) =>
            probe.Tell("around before");

        protected internal override void AroundPostRestart(Exception cause) =>
            probe.Tell("around after");

        protected internal override void AroundPostStop() => probe.Tell("around stop");
    }

    [Fact]
    public void Children_props_and_silence()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Looking(TestActor)).WithDispatcher(""));
        ExpectMsg<(bool, bool, string)>(said => said is (true, true, nameof(Looking)));
        ExpectMsg("silence");
        Watch(actor);
        actor.Tell("async");
        ExpectMsg("async");
        actor.Tell("task");
        ExpectMsg("task");
    }

    private sealed class Looking : ReceiveActor
    {
        public Looking(IActorRef probe)
        {
            Receive<ReceiveTimeout>(_ =>
            {
                Context.SetReceiveTimeout(null);
                Assert.Null(Context.ReceiveTimeout);
                probe.Tell("silence");
            });
            Receive<string>(text => text == "task", text => RunTask(async () =>
            {
                await Task.Yield();
                probe.Tell(text);
            }));
            ReceiveAnyAsync(async message =>
            {
                await Task.Yield();
                probe.Tell(message);
            });
            Context.SetReceiveTimeout(Short);
            var child = Context.ActorOf(Props.Create(() => new Switching()), "child");
            probe.Tell((
                Context.Child("child").Equals(child) && Context.Child("none").IsNobody(),
                Context.ReceiveTimeout == Short, Context.Props.Type.Name));
        }
    }

    [Fact]
    public void A_stash_tells_what_is_in_it()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Hoarding(TestActor)));
        foreach (var text in (string[])["1", "2", "count", "one", "all"]) actor.Tell(text);
        ExpectMsg((2, false, true, false));
        ExpectMsg("1");
        ExpectMsg("0");
        ExpectMsg("2");
    }

    private sealed class Hoarding(IActorRef probe) : UntypedActor, IWithBoundedStash
    {
        private bool _isOpen;

        public IStash Stash { get; set; } = null!;

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case "count":
                    Assert.True(Stash.Capacity is -1 or > 2);
                    probe.Tell((Stash.Count, Stash.IsEmpty, Stash.NonEmpty, Stash.IsFull));
                    break;
                case "one":
                    _isOpen = true;
                    Stash.Unstash();
                    break;
                case "all":
                    Stash.Prepend([new Envelope("0", Self)]);
                    Stash.UnstashAll();
                    break;
                case string text when _isOpen:
                    probe.Tell(text);
                    break;
                default:
                    Stash.Stash();
                    break;
            }
        }
    }

    [Fact]
    public void Timers_end_together()
    {
        Sys.ActorOf(Props.Create(() => new Ticking(TestActor)));
        ExpectMsg((2, 0));
        ExpectNoMsg(30);
    }

    private sealed class Ticking(IActorRef probe) : UntypedActor, IWithTimers
    {
        public ITimerScheduler Timers { get; set; } = null!;

        protected override void PreStart()
        {
            Timers.StartSingleTimer("a", "a", Short);
            Timers.StartPeriodicTimer("b", "b", Short);
            var active = Timers.ActiveTimers.Count;
            Timers.CancelAll();
            probe.Tell((active, Timers.ActiveTimers.Count));
        }

        protected override void OnReceive(object message) => probe.Tell(message);
    }

    [Fact]
    public void A_machine_knows_its_state_and_tells_its_transitions()
    {
        var machine = Sys.ActorOf(Props.Create(() => new Door(TestActor)));
        machine.Tell(new FSMBase.SubscribeTransitionCallBack(TestActor));
        ExpectMsg<FSMBase.CurrentState<string>>(now =>
            now.State == "shut" && now.FsmRef.Equals(machine));
        machine.Tell("open");
        ExpectMsg(("shut", 0));
        ExpectMsg<FSMBase.Transition<string>>(step =>
            (step.From, step.To) == ("shut", "open") && step.FsmRef.Equals(machine));
        ExpectMsg<FSMBase.Transition<string>>(step => step.To == "shut"); // By its timeout.
        machine.Tell(new FSMBase.UnsubscribeTransitionCallBack(TestActor));
        machine.Tell("stop");
        ExpectMsg(("stopped", 1));
    }

    private sealed class Door : FSM<string, int>
    {
        public Door(IActorRef probe)
        {
            StartWith("shut", 0);
            When("shut", news =>
            {
                if (news.FsmEvent is "stop") return Stop(FSMBase.Normal.Instance);
                if (news.FsmEvent is not "open") return null!;
                probe.Tell((StateName, StateData));
                SetTimer("never", "never", TimeSpan.FromMinutes(1));
                CancelTimer("never");
                var next = GoTo("open", StateData + 1);
                Assert.Equal(("open", 1), (next.StateName, next.StateData));
                Assert.True(next.Timeout is null && next.StopReason is null);
                Assert.Empty(next.Replies ?? []);
                return next;
            });
            When("open", news => news.FsmEvent is FSMBase.StateTimeout ? GoTo("shut") : null!);
            SetStateTimeout("open", Short);
            OnTermination(end => probe.Tell(("stopped", end.StateData)));
            Initialize();
        }
    }

    [Fact]
    public void Parts_of_machines_carry_what_they_are_given()
    {
        Assert.Equal(("e", 1), (string.Concat(new FSMBase.Event<int>("e", 1).FsmEvent),
            new FSMBase.Event<int>("e", 1).StateData));
        var state = new FSMBase.State<string, int>("s", 2, Short, FSMBase.Shutdown.Instance, ["r"]);
        Assert.Equal(("s", 2, Short), (state.StateName, state.StateData, state.Timeout!.Value));
        Assert.Same(FSMBase.Shutdown.Instance, state.StopReason);
        Assert.Equal(["r"], state.Replies);
        var end = new FSMBase.StopEvent<string, int>(FSMBase.Normal.Instance, "s", 3);
        Assert.Equal(3, end.StateData);
    }
}
