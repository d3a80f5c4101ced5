#nullable disable
using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class AskTests : TestKit
{
    private sealed class Echo : ReceiveActor
    {
        public Echo()
        {
            Receive<string>(text => text == "fail", _ =>
                Sender.Tell(new Status.Failure(new ArithmeticException("no"))));
            Receive<string>(text => text == "silence", _ => { });
            ReceiveAny(message => Sender.Tell(message));
        }
    }

    private IActorRef NewEcho() => Sys.ActorOf<Echo>();

    [Fact]
    public async Task An_answer_completes_the_task()
    {
        var echo = NewEcho();
        Assert.Equal(7, await echo.Ask<int>(7));
        Assert.Equal("x", await echo.Ask("x", TimeSpan.FromSeconds(3)));
    }

    [Fact]
    public async Task No_answer_in_time_fails_it()
    {
        await Assert.ThrowsAsync<AskTimeoutException>(
            () => NewEcho().Ask<string>("silence", TimeSpan.FromMilliseconds(20)));
    }

    [Fact]
    public async Task A_status_failure_fails_it_with_its_cause()
    {
        await Assert.ThrowsAsync<ArithmeticException>(() => NewEcho().Ask<string>("fail"));
    }

    [Fact]
    public async Task An_answer_of_another_type_fails_it()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => NewEcho().Ask<int>("text"));
    }

    [Fact]
    public async Task Cancelling_cancels_it()
    {
        using var source = new CancellationTokenSource();
        var asked = NewEcho().Ask<string>("silence", source.Token);
        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    [Fact]
    public async Task A_late_answer_is_a_dead_letter()
    {
        var probe = CreateTestProbe();
        var asked = probe.Ref.Ask<string>("question", TimeSpan.FromMilliseconds(20));
        probe.ExpectMsg("question");
        await Assert.ThrowsAsync<AskTimeoutException>(() => asked);
        EventFilter.DeadLetter<string>(text => text == "late").ExpectOne(() => probe.Reply("late"));
    }

    [Fact]
    public async Task The_asking_reference_can_be_found_by_its_path_until_it_is_answered()
    {
        var probe = CreateTestProbe();
        var asked = probe.Ref.Ask<string>("question");
        probe.ExpectMsg("question");
        var path = Akka.Serialization.Serialization.SerializedActorPath(probe.Sender);
        Sys.Serialization.DeserializeActorRef(path).Tell("answer");
        Assert.Equal("answer", await asked);
        EventFilter.DeadLetter<string>().ExpectOne(
            () => Sys.Serialization.DeserializeActorRef(path).Tell("again"));
    }

    [Fact]
    public async Task A_selection_is_asked_and_resolved()
    {
        var echo = Sys.ActorOf<Echo>("echo");
        Assert.Equal(3, await Sys.ActorSelection("/user/echo").Ask<int>(3));
        Assert.Equal(
            echo, await Sys.ActorSelection("/user/ec*").ResolveOne(TimeSpan.FromSeconds(3)));
        await Assert.ThrowsAsync<ActorNotFoundException>(
            () => Sys.ActorSelection("/user/none").ResolveOne(TimeSpan.FromSeconds(3)));
    }

    [Fact]
    public void Pipe_to_sends_the_result_or_the_failure()
    {
        Task.FromResult(5).PipeTo(TestActor);
        ExpectMsg(5);
        Task.FromException<int>(new ArithmeticException("no")).PipeTo(TestActor);
        Assert.IsType<ArithmeticException>(ExpectMsg<Status.Failure>().Cause);
        Task.FromResult(5).PipeTo(TestActor, success: number => $"got {number}");
        ExpectMsg("got 5");
        Task.CompletedTask.PipeTo(TestActor, success: () => "done");
        ExpectMsg("done");
    }

    private sealed class Asking : ReceiveActor
    {
        public Asking(IActorRef other)
        {
            ReceiveAsync<string>(async text =>
            {
                var sender = Sender;
                var answer = await other.Ask<string>(text, TimeSpan.FromSeconds(3));
                Assert.Equal(sender, Sender);
                Sender.Tell(answer + " for " + Self.Path.Name);
            });
            ReceiveAny(message => Sender.Tell(message));
        }
    }

    [Fact]
    public void An_awaiting_actor_takes_no_other_message_and_keeps_its_context()
    {
        var probe = CreateTestProbe();
        var asking = Sys.ActorOf(Props.Create(() => new Asking(probe.Ref)), "me");
        asking.Tell("q");
        asking.Tell(1);
        probe.ExpectMsg("q");
        ExpectNoMsg(30);
        probe.Reply("a");
        ExpectMsg("a for me");
        ExpectMsg(1);
    }

    [Fact]
    public void Dead_letters_are_published_with_sender_and_recipient()
    {
        Sys.EventStream.Subscribe<DeadLetter>(TestActor);
        var dead = Watch(NewEcho());
        Sys.Stop(dead);
        ExpectTerminated(dead);
        dead.Tell("x");
        var letter = ExpectMsg<DeadLetter>();
        Assert.Equal("x", letter.Message);
        Assert.Equal(dead, letter.Recipient);
        Assert.Equal(TestActor, letter.Sender);
        dead.Tell(PoisonPill.Instance); // Suppressed.
        ExpectNoMsg(30);
    }
}
