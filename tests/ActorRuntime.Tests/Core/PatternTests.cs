#nullable disable
using Akka.Actor;
using Akka.Pattern;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class PatternTests : TestKit
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Long = TimeSpan.FromMilliseconds(200);

    private sealed class Child : ReceiveActor
    {
        public Child(IActorRef to)
        {
            to.Tell("started");
            Receive<string>(text => text == "fail", _ => throw new ArithmeticException("failed"));
            Receive<string>(text => text == "stop", _ => Context.Stop(Self));
            Receive<string>(text => text == "up", _ =>
                Context.Parent.Tell("to the parent's parent"));
            ReceiveAny(message => Sender.Tell(message));
        }
    }

    private Props ChildProps() => Props.Create(() => new Child(TestActor));

    private IActorRef Supervise(BackoffOptions options) =>
        Sys.ActorOf(BackoffSupervisor.Props(options));

    [Fact]
    public void On_stop_starts_the_child_again_however_it_ended()
    {
        var supervisor = Supervise(Backoff.OnStop(ChildProps(), "c", Short, Long, 0.2, -1)
            .WithDefaultStoppingStrategy());
        ExpectMsg("started");
        supervisor.Tell("stop");
        ExpectMsg("started");
        EventFilter.Exception<ArithmeticException>().ExpectOne(() => supervisor.Tell("fail"));
        ExpectMsg("started");
        supervisor.Tell("x");
        ExpectMsg("x");
    }

    [Fact]
    public void On_failure_starts_a_failed_child_again_and_ends_with_one_that_stops()
    {
        var supervisor = Watch(Supervise(
            Backoff.OnFailure(ChildProps(), "c", Short, Long, 0, -1)
                .WithReplyWhileStopped("not now")));
        ExpectMsg("started");
        EventFilter.Exception<ArithmeticException>().ExpectOne(() => supervisor.Tell("fail"));
        AwaitAssert(() =>
        {
            supervisor.Tell(BackoffSupervisor.GetRestartCount.Instance);
            Assert.Equal(1, FishForMessage<BackoffSupervisor.RestartCount>(_ => true).Count);
        });
        supervisor.Tell(BackoffSupervisor.GetCurrentChild.Instance);
        FishForMessage<BackoffSupervisor.CurrentChild>(_ => true);
        AwaitCondition(() =>
        {
            supervisor.Tell(BackoffSupervisor.GetCurrentChild.Instance);
            return FishForMessage<BackoffSupervisor.CurrentChild>(_ => true).Ref is not null;
        });
        supervisor.Tell("stop");
        FishForMessage<Terminated>(ended => ended.ActorRef.Equals(supervisor));
    }

    [Fact]
    public void While_the_child_pauses_messages_are_answered_or_dead_letters()
    {
        var pause = TimeSpan.FromMinutes(1);
        var options = Backoff.OnStop(ChildProps(), "c", pause, pause, 0, -1);
        var answering = Supervise(options.WithReplyWhileStopped("not now"));
        ExpectMsg("started");
        StopChild(answering);
        answering.Tell("x");
        ExpectMsg("not now");
        var silent = Supervise(options);
        ExpectMsg("started");
        StopChild(silent);
        EventFilter.DeadLetter<string>().ExpectOne(() => silent.Tell("x"));
    }

    private void StopChild(IActorRef supervisor)
    {
        supervisor.Tell("stop");
        AwaitCondition(() =>
        {
            supervisor.Tell(BackoffSupervisor.GetCurrentChild.Instance);
            return ExpectMsg<BackoffSupervisor.CurrentChild>().Ref is null;
        });
    }

    [Fact]
    public void Retries_are_limited()
    {
        var supervisor = Watch(Supervise(
            Backoff.OnStop(ChildProps(), "c", Short, Short, 0, 2).WithManualReset()));
        ExpectMsg("started");
        for (var i = 0; i < 2; i++)
        {
            supervisor.Tell("stop");
            ExpectMsg("started");
        }
        supervisor.Tell("stop");
        ExpectTerminated(supervisor);
    }

    [Theory]
    [InlineData(0, 100)]
    [InlineData(1, 200)]
    [InlineData(3, 800)]
    [InlineData(4, 1000)]
    [InlineData(40, 1000)]
    public void Pauses_double_up_to_the_longest(int restarts, int milliseconds)
    {
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), BackoffSupervisor.CalculateDelay(
            restarts, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), 0, new Random(1)));
    }

    [Fact]
    public void Impossible_pauses_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Supervise(
            Backoff.OnStop(ChildProps(), "c", Long, Short, 0, -1)));
        Assert.Throws<ArgumentException>(() => Supervise(
            Backoff.OnStop(ChildProps(), "c", TimeSpan.Zero, Short, 0, -1)));
        Assert.Throws<ArgumentException>(() => Supervise(
            Backoff.OnStop(ChildProps(), "c", Short, Short, 1.5, -1)));
    }

    [Fact]
    public async Task A_breaker_opens_after_failures_and_closes_after_a_success()
    {
        var states = new List<string>();
        var breaker = new CircuitBreaker(Sys.Scheduler, 2, TimeSpan.FromSeconds(3), Short)
            .OnOpen(() => states.Add("open")).OnHalfOpen(() => states.Add("half-open"))
            .OnClose(() => states.Add("closed"));
        Task<int> Fail() => Task.FromException<int>(new ArithmeticException());
        Assert.True(breaker.IsClosed);
        await Assert.ThrowsAsync<ArithmeticException>(() => breaker.WithCircuitBreaker(Fail));
        await Assert.ThrowsAsync<ArithmeticException>(() => breaker.WithCircuitBreaker(Fail));
        Assert.True(breaker.IsOpen || breaker.IsHalfOpen);
        AwaitCondition(() => breaker.IsHalfOpen);
        await Assert.ThrowsAsync<ArithmeticException>(() => breaker.WithCircuitBreaker(Fail));
        AwaitCondition(() => breaker.IsHalfOpen);
        Assert.Equal(5, await breaker.WithCircuitBreaker(() => Task.FromResult(5)));
        Assert.True(breaker.IsClosed);
        Assert.Equal(["open", "half-open", "open", "half-open", "closed"], states);
    }

    [Fact]
    public async Task A_call_that_takes_too_long_counts_as_failed()
    {
        var breaker = new CircuitBreaker(Sys.Scheduler, 1, Short, TimeSpan.FromMinutes(1));
        await Assert.ThrowsAsync<TimeoutException>(() => breaker.WithCircuitBreaker(
            () => new TaskCompletionSource<int>().Task));
        Assert.True(breaker.IsOpen);
        await Assert.ThrowsAsync<OpenCircuitException>(
            () => breaker.WithCircuitBreaker(() => Task.FromResult(1)));
    }
}
