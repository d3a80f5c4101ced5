#nullable disable
using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class StashAndTimerTests : TestKit
{
    private sealed class Gate : ReceiveActor, IWithUnboundedStash
    {
        public IStash Stash { get; set; }

        public Gate(IActorRef to)
        {
            Receive<string>(text => text == "open", _ =>
            {
                Stash.UnstashAll();
                Become(() =>
                {
                    Receive<string>(text => text == "fail", _ =>
                        throw new InvalidOperationException());
                    ReceiveAny(message => to.Tell(message));
                });
            });
            Receive<string>(text => text == "twice", _ =>
            {
                Stash.Stash();
                Assert.Throws<IllegalActorStateException>(() => Stash.Stash());
                Stash.ClearStash();
                to.Tell("refused");
            });
            Receive<string>(text => text == "crash", _ => throw new InvalidOperationException());
            ReceiveAny(_ => Stash.Stash());
        }
    }

    [Fact]
    public void Stashed_messages_come_back_in_order_and_before_the_mailbox()
    {
        var gate = Sys.ActorOf(Props.Create(() => new Gate(TestActor)));
        for (var i = 0; i < 10; i++) gate.Tell(i);
        gate.Tell("open");
        gate.Tell(10);
        for (var i = 0; i <= 10; i++) ExpectMsg(i);
    }

    [Fact]
    public void A_restart_gives_the_stash_back_to_the_mailbox()
    {
        var gate = Sys.ActorOf(Props.Create(() => new Gate(TestActor)));
        gate.Tell(1);
        gate.Tell(2);
        gate.Tell("crash");
        gate.Tell("open");
        ExpectMsg(1);
        ExpectMsg(2);
    }

    [Fact]
    public void Stashing_twice_fails()
    {
        Sys.ActorOf(Props.Create(() => new Gate(TestActor))).Tell("twice");
        ExpectMsg("refused");
    }

    [Fact]
    public void The_stash_of_the_dead_goes_to_dead_letters()
    {
        var gate = Sys.ActorOf(Props.Create(() => new Gate(TestActor)));
        EventFilter.DeadLetter<int>().Expect(2, () =>
        {
            gate.Tell(1);
            gate.Tell(2);
            gate.Tell(PoisonPill.Instance);
        });
    }

    private sealed class Bounded : ReceiveActor, IWithBoundedStash
    {
        public IStash Stash { get; set; }
        public Bounded() => ReceiveAny(_ => Stash.Stash());
    }

    [Fact]
    public void A_bounded_stash_overflows()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Bounded()).WithStashCapacity(2));
        EventFilter.Exception<StashOverflowException>().ExpectOne(() =>
        {
            for (var i = 0; i < 3; i++) actor.Tell(i);
        });
    }

    private sealed class Ticking : ReceiveActor, IWithTimers
    {
        public ITimerScheduler Timers { get; set; }

        public Ticking(IActorRef to)
        {
            Receive<Action<ITimerScheduler>>(act => act(Timers));
            Receive<Exception>(cause => throw cause);
            ReceiveAny(message => to.Tell(message));
        }
    }

    private static Action<ITimerScheduler> Do(Action<ITimerScheduler> act) => act;

    [Fact]
    public void A_single_timer_fires_once()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Ticking(TestActor)));
        actor.Tell(
            Do(timers => timers.StartSingleTimer("k", "tick", TimeSpan.FromMilliseconds(10))));
        ExpectMsg("tick");
        actor.Tell(Do(timers => TestActor.Tell(timers.IsTimerActive("k"))));
        ExpectMsg(false);
        ExpectNoMsg(40);
    }

    [Fact]
    public void A_periodic_timer_fires_until_it_is_cancelled()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Ticking(TestActor)));
        actor.Tell(
            Do(timers => timers.StartPeriodicTimer("k", "tick", TimeSpan.FromMilliseconds(10))));
        for (var i = 0; i < 5; i++) ExpectMsg("tick");
        actor.Tell(Do(timers =>
        {
            timers.Cancel("k");
            TestActor.Tell("cancelled");
        }));
        FishForMessage<string>(text => text == "cancelled");
        ExpectNoMsg(50);
    }

    [Fact]
    public void A_replaced_timers_queued_message_is_discarded()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Ticking(TestActor)));
        actor.Tell(Do(timers =>
        {
            timers.StartSingleTimer("k", "old", TimeSpan.FromMilliseconds(1));
            SpinWait.SpinUntil(() => false, 40); // It is in the mailbox by now.
            timers.StartSingleTimer("k", "new", TimeSpan.FromMilliseconds(1));
        }));
        ExpectMsg("new");
        ExpectNoMsg(30);
    }

    [Fact]
    public void Timers_end_with_a_restart()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Ticking(TestActor)));
        actor.Tell(
            Do(timers => timers.StartPeriodicTimer("k", "tick", TimeSpan.FromMilliseconds(10))));
        ExpectMsg("tick");
        EventFilter.Exception<InvalidOperationException>().ExpectOne(
            () => actor.Tell(new InvalidOperationException()));
        actor.Tell("restarted");
        FishForMessage<string>(text => text == "restarted");
        ExpectNoMsg(50);
    }
}
