#nullable disable
using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class LifecycleTests : TestKit
{
    private sealed class Noted : ReceiveActor
    {
        private readonly IActorRef _to;

        public Noted(IActorRef to)
        {
            _to = to;
            _to.Tell("constructor");
            Receive<string>(text => text == "fail", _ =>
                throw new InvalidOperationException("told to"));
            Receive<int>(number => number < 0, _ => Context.Stop(Self));
            ReceiveAny(message => _to.Tell(message));
        }

        protected override void PreStart() => _to.Tell("PreStart");
        protected override void PostStop() => _to.Tell("PostStop");

        protected override void PreRestart(Exception reason, object message)
        {
            _to.Tell($"PreRestart {message}");
            base.PreRestart(reason, message);
        }

        protected override void PostRestart(Exception reason)
        {
            _to.Tell($"PostRestart {reason.Message}");
            base.PostRestart(reason);
        }
    }

    private IActorRef NewNoted(string name = null) =>
        Sys.ActorOf(Props.Create(() => new Noted(TestActor)), name);

    [Fact]
    public void Messages_of_one_sender_arrive_in_order()
    {
        var actor = NewNoted();
        ExpectMsg("constructor");
        ExpectMsg("PreStart");
        for (var i = 0; i < 10_000; i++) actor.Tell(i);
        for (var i = 0; i < 10_000; i++) ExpectMsg(i);
    }

    [Fact]
    public void A_restart_loses_the_message_and_keeps_the_mailbox()
    {
        var actor = NewNoted();
        actor.Tell("fail");
        actor.Tell(1);
        actor.Tell(2);
        string[] hooks = ["constructor", "PreStart", "PreRestart fail", "PostStop", "constructor",
            "PostRestart told to", "PreStart"];
        foreach (var hook in hooks) ExpectMsg(hook);
        ExpectMsg(1);
        ExpectMsg(2);
        ExpectNoMsg(50);
    }

    [Fact]
    public void A_stopped_actor_ends_after_the_message_in_hand()
    {
        var actor = Watch(NewNoted());
        actor.Tell(1);
        actor.Tell(-1);
        EventFilter.DeadLetter<int>().ExpectOne(() => actor.Tell(2));
        ExpectMsg("constructor");
        ExpectMsg("PreStart");
        ExpectMsg(1);
        ExpectMsg("PostStop");
        ExpectTerminated(actor);
    }

    [Fact]
    public void A_poison_pill_waits_for_its_turn()
    {
        var actor = Watch(NewNoted());
        actor.Tell(1);
        actor.Tell(PoisonPill.Instance);
        actor.Tell(2);
        ExpectMsg("constructor");
        ExpectMsg("PreStart");
        ExpectMsg(1);
        ExpectMsg("PostStop");
        ExpectTerminated(actor);
    }

    [Fact]
    public void Kill_fails_the_actor_and_the_default_decider_stops_it()
    {
        var actor = Watch(NewNoted());
        EventFilter.Exception<ActorKilledException>().ExpectOne(
            () => actor.Tell(Kill.Instance));
        ExpectMsg("constructor");
        ExpectMsg("PreStart");
        ExpectMsg("PostStop");
        ExpectTerminated(actor);
    }

    [Fact]
    public void A_name_is_free_again_when_its_actor_has_ended()
    {
        var actor = Watch(NewNoted("n"));
        Assert.Throws<InvalidActorNameException>(() => NewNoted("n"));
        Sys.Stop(actor);
        FishForMessage<Terminated>(_ => true);
        // The parent frees the name a moment after watchers have heard.
        IActorRef next = null;
        AwaitAssert(() => next = NewNoted("n"));
        Assert.Equal(actor.Path, next.Path);
        Assert.NotEqual(actor, next);
        Assert.NotEqual(actor.Path.Uid, next.Path.Uid);
    }

    [Theory]
    [InlineData("")]
    [InlineData("$a")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("%zz")]
    [InlineData("ä")]
    public void Malformed_names_are_refused(string name)
    {
        Assert.Throws<InvalidActorNameException>(() => NewNoted(name));
    }

    [Fact]
    public void A_constructor_that_throws_stops_the_actor()
    {
        EventFilter.Error(contains: "refused").ExpectOne(() =>
        {
            Watch(Sys.ActorOf(Props.Create(() => new Failing())));
            ExpectMsg<Terminated>();
        });
    }

    private sealed class Failing : ReceiveActor
    {
        public Failing() => throw new ArgumentException("refused");
    }

    [Fact]
    public void Actors_are_not_made_by_new()
    {
        Assert.Throws<ActorInitializationException>(() => new Noted(TestActor));
    }

    private sealed class Parent : ReceiveActor
    {
        public Parent(IActorRef to)
        {
            var child = Context.ActorOf(Props.Create(() => new Noted(to)), "child");
            Receive<string>(text => text == "child", _ => Sender.Tell(child));
            Receive<string>(_ => throw new InvalidOperationException("parent"));
        }
    }

    [Fact]
    public void PreRestart_stops_the_children_before_the_new_instance_is_made()
    {
        var parent = Sys.ActorOf(Props.Create(() => new Parent(TestActor)), "p");
        ExpectMsg("constructor");
        ExpectMsg("PreStart");
        parent.Tell("child");
        var first = ExpectMsg<IActorRef>();
        Watch(first);
        parent.Tell("fail");
        ExpectMsg("PostStop");
        var rest = ReceiveN(3);
        Assert.Contains(rest, message => message is Terminated);
        parent.Tell("child");
        var second = ExpectMsg<IActorRef>();
        Assert.Equal(first.Path, second.Path);
        Assert.NotEqual(first, second);
    }

    private sealed class Unhandling : ReceiveActor
    {
        public Unhandling() => Receive<int>(_ => { });
    }

    [Fact]
    public void What_no_handler_takes_is_published_as_unhandled()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(UnhandledMessage));
        var actor = Sys.ActorOf<Unhandling>("u");
        actor.Tell("text");
        var unhandled = ExpectMsg<UnhandledMessage>();
        Assert.Equal("text", unhandled.Message);
        Assert.Equal(actor, unhandled.Recipient);
        Assert.Equal(TestActor, unhandled.Sender);
    }

    private sealed class Phases : ReceiveActor
    {
        public Phases()
        {
            Receive<string>(_ => Sender.Tell("base"));
            Receive<int>(_ => BecomeStacked(() =>
            {
                Receive<string>(_ => Sender.Tell("stacked"));
                Receive<long>(_ => UnbecomeStacked());
            }));
            Receive<bool>(_ => Become(() => ReceiveAny(_ => Sender.Tell("replaced"))));
        }
    }

    [Fact]
    public void Behaviours_are_a_stack()
    {
        var actor = Sys.ActorOf<Phases>();
        actor.Tell("x");
        ExpectMsg("base");
        actor.Tell(1);
        actor.Tell("x");
        ExpectMsg("stacked");
        actor.Tell(1L);
        actor.Tell("x");
        ExpectMsg("base");
        actor.Tell(true);
        actor.Tell("x");
        ExpectMsg("replaced");
    }

    private sealed class Declining : ReceiveActor
    {
        public Declining()
        {
            Receive<int>(number => number > 10);
            Receive<int>(_ => Sender.Tell("second"), number => number > 5);
            Receive(typeof(int), _ => Sender.Tell("third"));
            ReceiveAny(_ => Sender.Tell("any"));
            Assert.Throws<InvalidOperationException>(() => Receive<string>(_ => { }));
        }
    }

    [Fact]
    public void A_handler_may_decline()
    {
        var actor = Sys.ActorOf<Declining>();
        actor.Tell(11);
        actor.Tell(7);
        ExpectMsg("second");
        actor.Tell(3);
        ExpectMsg("third");
        actor.Tell("x");
        ExpectMsg("any");
    }

    private sealed class Leaking : ReceiveActor
    {
        public static Func<IActorRef> Later;
        public Leaking() => Later = () => Self;
    }

    [Fact]
    public void The_context_exists_only_inside_the_actor()
    {
        Sys.ActorOf<Leaking>();
        AwaitCondition(() => Leaking.Later is not null);
        var thrown = false;
        var thread = new Thread(() =>
        {
            try
            {
                Leaking.Later();
            }
            catch (NotSupportedException)
            {
                thrown = true;
            }
        });
        thread.Start();
        thread.Join();
        Assert.True(thrown);
    }

    private sealed class Idle : ReceiveActor
    {
        public Idle(IActorRef to)
        {
            SetReceiveTimeout(TimeSpan.FromMilliseconds(60));
            Receive<ReceiveTimeout>(_ => to.Tell("idle"));
            Receive<string>(_ => SetReceiveTimeout(null));
        }
    }

    [Fact]
    public void A_receive_timeout_repeats_until_it_is_taken_back()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Idle(TestActor)));
        ExpectMsg("idle");
        ExpectMsg("idle");
        actor.Tell("stop");
        ReceiveWhile(TimeSpan.FromMilliseconds(100), message => message);
        ExpectNoMsg(100);
    }

    [Fact]
    public void Identify_is_answered_by_the_living_and_the_dead()
    {
        var actor = NewNoted("someone");
        ExpectMsg("constructor");
        ExpectMsg("PreStart");
        Sys.ActorSelection("/user/someone").Tell(new Identify(1));
        var identity = ExpectMsg<ActorIdentity>();
        Assert.Equal(1, identity.MessageId);
        Assert.Equal(actor, identity.Subject);
        Sys.ActorSelection("/user/nobody").Tell(new Identify(2));
        Assert.Null(ExpectMsg<ActorIdentity>().Subject);
    }
}
