#nullable disable
using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class DeathWatchTests : TestKit
{
    private sealed record Gone(string Name);

    // A Terminated that is sent on is dropped by its receiver, who did not watch: so it is wrapped.
    private sealed record Heard(Terminated Terminated);

    private sealed class Watcher : ReceiveActor
    {
        public Watcher(IActorRef to, bool handles)
        {
            Receive<IActorRef>(subject =>
            {
                Context.Watch(subject);
                to.Tell("watching");
            });
            Receive<(IActorRef Subject, object Message)>(with =>
            {
                Context.WatchWith(with.Subject, with.Message);
                to.Tell("watching");
            });
            Receive<Gone>(gone => to.Tell(gone));
            Receive<string>(_ =>
            {
                foreach (var child in Context.GetChildren()) Context.Unwatch(child);
            });
            if (handles) Receive<Terminated>(terminated => to.Tell(new Heard(terminated)));
        }
    }

    private IActorRef Victim() => Sys.ActorOf(Akka.TestKit.TestActors.BlackHoleActor.Props);

    [Fact]
    public void An_unhandled_end_ends_the_watcher_too()
    {
        var watcher = Watch(Sys.ActorOf(Props.Create(() => new Watcher(TestActor, false))));
        var victim = Victim();
        watcher.Tell(victim);
        ExpectMsg("watching");
        EventFilter.Exception<DeathPactException>().ExpectOne(() => Sys.Stop(victim));
        ExpectTerminated(watcher);
    }

    [Fact]
    public void Watching_the_dead_is_answered_at_once()
    {
        var victim = Watch(Victim());
        Sys.Stop(victim);
        ExpectTerminated(victim);
        var watcher = Sys.ActorOf(Props.Create(() => new Watcher(TestActor, true)));
        watcher.Tell(victim);
        ExpectMsg("watching");
        var terminated = ExpectMsg<Heard>().Terminated;
        Assert.Equal(victim, terminated.ActorRef);
        Assert.False(terminated.AddressTerminated);
    }

    [Fact]
    public void A_message_of_ones_own_replaces_terminated()
    {
        var watcher = Sys.ActorOf(Props.Create(() => new Watcher(TestActor, true)));
        var victim = Victim();
        watcher.Tell((victim, (object)new Gone("v")));
        ExpectMsg("watching");
        Sys.Stop(victim);
        ExpectMsg(new Gone("v"));
        ExpectNoMsg(50);
    }

    [Fact]
    public void A_queued_terminated_is_dropped_by_unwatch()
    {
        var probe = CreateTestProbe();
        var victim = probe.Watch(Victim());
        var unwatched = ActorOf(dsl =>
        {
            dsl.OnPreStart = context => context.Watch(victim);
            dsl.Receive<string>((_, context) =>
            {
                Sys.Stop(victim);
                probe.ExpectTerminated(victim);
                context.Unwatch(victim);
            });
            dsl.ReceiveAny((message, context) => TestActor.Tell(message));
        });
        unwatched.Tell("go");
        unwatched.Tell(1);
        ExpectMsg(1);
        ExpectNoMsg(50);
    }

    [Fact]
    public void Everyone_who_watches_hears_of_the_end_once()
    {
        var probes = Enumerable.Range(0, 10).Select(_ => CreateTestProbe()).ToArray();
        var victim = Victim();
        foreach (var probe in probes)
        {
            probe.Watch(victim);
            probe.Watch(victim);
        }
        victim.Tell(PoisonPill.Instance);
        foreach (var probe in probes)
        {
            probe.ExpectTerminated(victim);
            probe.ExpectNoMsg(10);
        }
    }

    [Fact]
    public async Task Graceful_stop_completes_with_the_end()
    {
        var victim = Victim();
        Assert.True(await victim.GracefulStop(TimeSpan.FromSeconds(3)));
        Assert.True(await victim.GracefulStop(TimeSpan.FromSeconds(3)));
        var stubborn = CreateTestProbe();
        await Assert.ThrowsAsync<TaskCanceledException>(
            () => stubborn.Ref.GracefulStop(TimeSpan.FromMilliseconds(30), "please"));
    }

    /// <summary>Stands for an actor of another system.</summary>
    private sealed class FarRef(LocalActorRefProvider provider, ActorPath path) : InternalActorRef
    {
        public List<SystemMessage> Heard { get; } = [];
        public override ActorPath Path => path;
        public override LocalActorRefProvider Provider => provider;
        public override bool IsLocal => false;
        public override void Tell(object message, IActorRef sender) { }

        public override void SendSystemMessage(SystemMessage message)
        {
            lock (Heard) Heard.Add(message);
        }
    }

    [Fact]
    public void When_an_address_is_gone_its_actors_have_ended()
    {
        var provider = ((ActorSystemRuntime)Sys).LocalProvider;
        var path = ActorPath.Parse("akka.tcp://far@host:1/user/x");
        var far = new FarRef(provider, path.WithUid(5));
        var other = new FarRef(provider, ActorPath.Parse("akka.tcp://far@host:2/user/x"));
        var watcher = Sys.ActorOf(Props.Create(() => new Watcher(TestActor, true)));
        foreach (var subject in new[] { far, other })
        {
            watcher.Tell(subject);
            ExpectMsg("watching");
            Assert.IsType<Watch>(Assert.Single(subject.Heard));
        }
        provider.AddressTerminatedTopic.Publish(path.Address);
        var terminated = ExpectMsg<Heard>().Terminated;
        Assert.Equal(far, terminated.ActorRef);
        Assert.True(terminated.AddressTerminated);
        ExpectNoMsg(30);
    }

    [Fact]
    public void A_watch_without_uid_matches_whichever_incarnation_ended()
    {
        var provider = ((ActorSystemRuntime)Sys).LocalProvider;
        var path = ActorPath.Parse("akka.tcp://far@host:1/user/x");
        var unknown = new FarRef(provider, path);
        var watcher = Sys.ActorOf(Props.Create(() => new Watcher(TestActor, true)));
        watcher.Tell(unknown);
        ExpectMsg("watching");
        ((InternalActorRef)watcher).SendSystemMessage(new DeathWatchNotification(
            new FarRef(provider, path.WithUid(9)), true, false));
        Assert.Equal(unknown, ExpectMsg<Heard>().Terminated.ActorRef);
    }

    [Fact]
    public void A_watcher_far_away_hears_of_the_end_unless_its_address_is_gone()
    {
        var provider = ((ActorSystemRuntime)Sys).LocalProvider;
        var near = new FarRef(provider, ActorPath.Parse("akka.tcp://far@host:1/user/w"));
        var gone = new FarRef(provider, ActorPath.Parse("akka.tcp://far@host:2/user/w"));
        var victim = (InternalActorRef)Victim();
        victim.SendSystemMessage(new Watch(victim, near));
        victim.SendSystemMessage(new Watch(victim, gone));
        Watch(victim);
        victim.Tell(new Identify(1), TestActor);
        ExpectMsg<ActorIdentity>();
        provider.AddressTerminatedTopic.Publish(gone.Path.Address);
        victim.Stop();
        ExpectTerminated(victim);
        Assert.Equal(
            victim, Assert.IsType<DeathWatchNotification>(Assert.Single(near.Heard)).Actor);
        Assert.Empty(gone.Heard);
    }

    [Fact]
    public void The_subscriptions_of_the_dead_end()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(Akka.Event.DeadLetter));
        var victim = Watch(Victim());
        Sys.EventStream.Subscribe(victim, typeof(Akka.Event.DeadLetter));
        Sys.Stop(victim);
        ExpectTerminated(victim);
        Assert.False(Sys.EventStream.Unsubscribe(victim));
        victim.Tell("x");
        ExpectMsg<Akka.Event.DeadLetter>();
        ExpectNoMsg(20);
    }

    [Fact]
    public void A_stopped_parent_ends_after_its_children()
    {
        var parent = ActorOf(dsl =>
        {
            dsl.ActorOf(child => child.OnPostStop = _ => TestActor.Tell("child"), "c");
            dsl.OnPostStop = _ => TestActor.Tell("parent");
        });
        Watch(parent);
        Sys.Stop(parent);
        ExpectMsg("child");
        ExpectMsg("parent");
        ExpectTerminated(parent);
    }
}
