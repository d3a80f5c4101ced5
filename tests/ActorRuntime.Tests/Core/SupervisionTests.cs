#nullable disable
using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class SupervisionTests : TestKit
{
    private sealed class Counter : ReceiveActor
    {
        private int _count;

        public Counter()
        {
            Receive<int>(_ => Sender.Tell(++_count));
            Receive<Exception>(cause => throw cause);
        }
    }

    private sealed class Supervisor : ReceiveActor
    {
        private readonly SupervisorStrategy _strategy;

        public Supervisor(SupervisorStrategy strategy)
        {
            _strategy = strategy;
            Receive<string>(name => Sender.Tell(Context.ActorOf(Props.Create<Counter>(), name)));
        }

        protected override SupervisorStrategy SupervisorStrategy() => _strategy;
        protected override void PreRestart(Exception reason, object message) { }
    }

    private IActorRef Supervise(SupervisorStrategy strategy) =>
        Sys.ActorOf(Props.Create(() => new Supervisor(strategy)));

    private IActorRef Child(IActorRef supervisor, string name)
    {
        supervisor.Tell(name);
        return ExpectMsg<IActorRef>();
    }

    private int Count(IActorRef counter)
    {
        counter.Tell(1);
        return ExpectMsg<int>();
    }

    [Fact]
    public void Resume_keeps_the_state_and_restart_does_not()
    {
        var supervisor = Supervise(new OneForOneStrategy(cause =>
            cause is InvalidOperationException ? Directive.Resume : Directive.Restart));
        var child = Child(supervisor, "c");
        Assert.Equal(1, Count(child));
        child.Tell(new InvalidOperationException());
        Assert.Equal(2, Count(child));
        child.Tell(new ArgumentException());
        Assert.Equal(1, Count(child));
    }

    [Fact]
    public void Stop_ends_only_the_child()
    {
        var supervisor = Supervise(new OneForOneStrategy(_ => Directive.Stop));
        var (one, two) = (Child(supervisor, "one"), Child(supervisor, "two"));
        Watch(one);
        one.Tell(new ArgumentException());
        ExpectTerminated(one);
        Assert.Equal(1, Count(two));
    }

    [Fact]
    public void All_for_one_restarts_the_siblings_too()
    {
        var supervisor = Supervise(new AllForOneStrategy(_ => Directive.Restart));
        var (one, two) = (Child(supervisor, "one"), Child(supervisor, "two"));
        Assert.Equal(1, Count(one));
        Assert.Equal(1, Count(two));
        Assert.Equal(2, Count(two));
        one.Tell(new ArgumentException());
        Assert.Equal(1, Count(one));
        // Siblings are told one after the other: the first answer may still be the old one's.
        AwaitAssert(() => Assert.Equal(1, Count(two)));
    }

    [Fact]
    public void Escalate_fails_the_supervisor_whose_surviving_children_are_restarted()
    {
        var supervisor = Supervise(new OneForOneStrategy(_ => Directive.Escalate));
        var child = Child(supervisor, "c");
        Assert.Equal(1, Count(child));
        child.Tell(new ArgumentException("up"));
        Assert.Equal(1, Count(child));
        Assert.Equal(2, Count(child));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    public void Retries_are_limited(int retries, int survived)
    {
        var supervisor = Supervise(new OneForOneStrategy(
            retries, TimeSpan.FromMinutes(1), _ => Directive.Restart));
        var child = Child(supervisor, "c");
        Watch(child);
        for (var i = 0; i < survived; i++)
        {
            child.Tell(new ArgumentException());
            Assert.Equal(1, Count(child));
        }
        child.Tell(new ArgumentException());
        ExpectTerminated(child);
    }

    [Fact]
    public void Minus_one_retries_are_without_limit()
    {
        var supervisor = Supervise(new OneForOneStrategy(-1, -1, _ => Directive.Restart, false));
        var child = Child(supervisor, "c");
        for (var i = 0; i < 50; i++) child.Tell(new ArgumentException());
        Assert.Equal(1, Count(child));
    }

    [Fact]
    public void The_default_decider_stops_what_cannot_start_and_restarts_the_rest()
    {
        var decider = SupervisorStrategy.DefaultDecider;
        Assert.Equal(Directive.Stop, decider.Decide(new ActorInitializationException()));
        Assert.Equal(Directive.Stop, decider.Decide(new ActorKilledException("")));
        Assert.Equal(Directive.Stop, decider.Decide(new DeathPactException(TestActor)));
        Assert.Equal(Directive.Restart, decider.Decide(new InvalidOperationException()));
    }

    private sealed class Picky : ReceiveActor
    {
        private static int _made;

        public Picky(IActorRef to)
        {
            if (Interlocked.Increment(ref _made) < 3) throw new ArgumentException("not yet");
            to.Tell("made");
        }
    }

    private sealed class Patient : ReceiveActor
    {
        public Patient(IActorRef to) => Context.ActorOf(Props.Create(() => new Picky(to)));

        protected override SupervisorStrategy SupervisorStrategy() =>
            new OneForOneStrategy(_ => Directive.Restart, loggingEnabled: false);
    }

    [Fact]
    public void A_child_that_cannot_start_is_made_again_if_the_supervisor_says_so()
    {
        Sys.ActorOf(Props.Create(() => new Patient(TestActor)));
        ExpectMsg("made");
    }

    private sealed class Slow : ReceiveActor
    {
        public Slow(IActorRef to)
        {
            ReceiveAsync<string>(async text =>
            {
                await Task.Yield();
                if (text == "fail") throw new InvalidOperationException("late");
                to.Tell(text);
            });
            Receive<int>(number => to.Tell(number));
        }
    }

    [Fact]
    public void A_failing_asynchronous_handler_restarts_its_actor()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Slow(TestActor)));
        EventFilter.Exception<InvalidOperationException>("late").ExpectOne(() =>
        {
            actor.Tell("fail");
            actor.Tell(1);
            actor.Tell("a");
            actor.Tell(2);
        });
        ExpectMsg(1);
        ExpectMsg("a");
        ExpectMsg(2);
    }
}
