#nullable disable
using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class MessageQueueTests : TestKit
{
    [Fact]
    public void An_idle_consumer_is_woken_exactly_once()
    {
        var (queue, next) = (new MessageQueue(), 0);
        Assert.True(queue.Enqueue("a", null));
        Assert.False(queue.Enqueue("b", null));
        queue.Wake();
        Assert.False(queue.TryGoIdle(next));
        for (var i = 0; i < 3_000; i++)
        {
            Assert.False(queue.Enqueue(i, null));
        }
        Assert.Equal(3_002, queue.CountFrom(next));
        for (var i = 0; i < 3_002; i++) Assert.True(queue.TryDequeue(ref next, out _, out _));
        Assert.False(queue.TryDequeue(ref next, out _, out _));
        Assert.True(queue.TryGoIdle(next));
        Assert.True(queue.Enqueue("c", null));
        Assert.False(queue.Enqueue("d", null));
    }

    [Fact]
    public void The_consumer_may_go_idle_at_every_fill_of_every_segment()
    {
        var (queue, next) = (new MessageQueue(), 0);
        for (var round = 0; round < 5_000; round++)
        {
            Assert.True(queue.Enqueue(round, null));
            queue.Wake();
            Assert.True(queue.TryDequeue(ref next, out var message, out _));
            Assert.Equal(round, message);
            Assert.True(queue.TryGoIdle(next));
            Assert.Equal(0, queue.CountFrom(next));
        }
    }

    private sealed record Numbered(int Producer, int Number);

    private sealed class Checking : ReceiveActor
    {
        private readonly int[] _next;
        private int _left;

        public Checking(int producers, int total, IActorRef to)
        {
            _next = new int[producers];
            _left = total;
            Receive<Numbered>(numbered =>
            {
                if (_next[numbered.Producer]++ != numbered.Number) to.Tell($"disorder: {numbered}");
                if (--_left == 0) to.Tell("complete");
            });
        }
    }

    /// <remarks>
    /// Goal: no message is lost, doubled or overtaken, and no wake-up is lost, however producers
    /// and the consumer interleave. Pauses let the consumer go idle many times.
    /// </remarks>
    [Theory]
    [InlineData(1, 300_000, 0)]
    [InlineData(4, 100_000, 0)]
    [InlineData(4, 20_000, 7)]
    [InlineData(8, 5_000, 1)]
    public void Nothing_is_lost_or_overtaken(int producers, int count, int pauseEvery)
    {
        var actor = Sys.ActorOf(Props.Create(
            () => new Checking(producers, producers * count, TestActor)));
        var threads = Enumerable.Range(0, producers).Select(producer => new Thread(() =>
        {
            for (var i = 0; i < count; i++)
            {
                actor.Tell(new Numbered(producer, i), ActorRefs.NoSender);
                if (pauseEvery > 0 && i % pauseEvery == 0) Thread.SpinWait(200);
            }
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        ExpectMsg("complete", TimeSpan.FromSeconds(20));
        ExpectNoMsg(10);
    }

    [Fact]
    public void System_messages_overtake_user_messages_and_wake_the_actor()
    {
        for (var i = 0; i < 500; i++)
        {
            var actor = Watch(Sys.ActorOf(Akka.TestKit.TestActors.BlackHoleActor.Props));
            if (i % 2 == 0) actor.Tell("x");
            Sys.Stop(actor);
            ExpectTerminated(actor);
        }
    }

    private sealed class Spawning : ReceiveActor
    {
        public Spawning(IActorRef to) => ReceiveAsync<string>(async _ =>
        {
            await Task.Yield();
            var child = Context.ActorOf(Akka.TestKit.TestActors.BlackHoleActor.Props, "child");
            child.Tell(new Identify(1), to);
        });
    }

    [Fact]
    public void A_child_made_in_an_asynchronous_handler_runs()
    {
        Sys.ActorOf(Props.Create(() => new Spawning(TestActor))).Tell("go");
        Assert.Equal("child", ExpectMsg<ActorIdentity>().Subject.Path.Name);
    }

    [Fact]
    public void A_mailbox_remembers_its_high_water_mark()
    {
        using var gate = new ManualResetEventSlim();
        var actor = (LocalActorRef)ActorOf(dsl => dsl.ReceiveAny((_, _) => gate.Wait()));
        for (var i = 0; i < 1_000; i++) actor.Tell(i);
        gate.Set();
        AwaitCondition(() => actor.Cell.HighWater > 500);
    }

    [Fact]
    public async Task Pinned_actors_run_in_a_thread_of_their_own()
    {
        var config = ConfigurationFactory.ParseString("own.type = PinnedDispatcher")
            .WithFallback(DefaultConfig);
        var system = ActorSystem.Create("pinned", config);
        var probe = CreateTestProbe();
        var actor = system.ActorOf(Props.Create(() => new Naming()).WithDispatcher("own"), "me");
        actor.Tell("name", probe);
        probe.ExpectMsg("pinned-me");
        actor.Tell(PoisonPill.Instance);
        actor.Tell("late");
        await system.Terminate();
    }

    private sealed class Naming : ReceiveActor
    {
        public Naming() => Receive<string>(_ => Sender.Tell(Thread.CurrentThread.Name));
    }
}
