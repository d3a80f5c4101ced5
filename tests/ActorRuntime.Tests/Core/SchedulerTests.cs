#nullable disable
using Akka.Actor;
using Akka.Dispatch;
using Akka.TestKit;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class SchedulerTests() : TestKit(
    "akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
{
    private TestScheduler Time => (TestScheduler)Sys.Scheduler;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Once_is_once()
    {
        Sys.Scheduler.ScheduleTellOnce(Second, TestActor, "tick", ActorRefs.NoSender);
        Time.Advance(Second / 2);
        ExpectNoMsg(0);
        Time.Advance(Second / 2);
        ExpectMsg("tick");
        Time.Advance(Second * 10);
        ExpectNoMsg(0);
    }

    [Fact]
    public void Repeatedly_keeps_its_pace()
    {
        var cancelable = Sys.Scheduler.ScheduleTellRepeatedlyCancelable(
            Second, Second * 2, TestActor, "tick", ActorRefs.NoSender);
        Time.Advance(Second);
        ExpectMsg("tick");
        Time.Advance(Second * 6);
        for (var i = 0; i < 3; i++) ExpectMsg("tick");
        ExpectNoMsg(0);
        cancelable.Cancel();
        Assert.True(cancelable.IsCancellationRequested);
        Time.Advance(Second * 6);
        ExpectNoMsg(0);
    }

    [Fact]
    public void What_is_due_at_the_same_time_runs_in_the_order_of_scheduling()
    {
        for (var i = 0; i < 100; i++)
        {
            Sys.Scheduler.ScheduleTellOnce(1000, TestActor, i, ActorRefs.NoSender);
        }
        Time.Advance(Second);
        for (var i = 0; i < 100; i++) ExpectMsg(i);
    }

    [Fact]
    public void A_cancelable_cancels_itself_later()
    {
        var cancelable = new Cancelable(Sys.Scheduler, Second);
        Sys.Scheduler.Advanced.ScheduleRepeatedly(
            Second / 4, Second / 2, () => TestActor.Tell("run"), cancelable);
        Time.Advance(Second * 5);
        Assert.Equal(2, ReceiveWhile(TimeSpan.Zero, message => message).Count);
        Assert.True(cancelable.Token.IsCancellationRequested);
        Assert.True(Cancelable.CreateCanceled().IsCancellationRequested);
    }

    [Fact]
    public void An_action_that_throws_is_logged_and_the_rest_runs()
    {
        Sys.Scheduler.Advanced.ScheduleOnce(Second, () => throw new ArithmeticException("broken"));
        Sys.Scheduler.ScheduleTellOnce(Second, TestActor, "next", ActorRefs.NoSender);
        EventFilter.Exception<ArithmeticException>("broken").ExpectOne(() => Time.Advance(Second));
        ExpectMsg("next");
    }

    [Fact]
    public void An_interval_must_be_positive()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Sys.Scheduler.ScheduleTellRepeatedly(
            Second, TimeSpan.Zero, TestActor, "x", ActorRefs.NoSender));
    }

    [Fact]
    public async Task The_default_scheduler_is_never_early()
    {
        using var scheduler = new TimeScheduler(TimeProvider.System, _ => { });
        var started = scheduler.MonotonicClock;
        var fired = new TaskCompletionSource<TimeSpan>();
        scheduler.Advanced.ScheduleOnce(
            TimeSpan.FromMilliseconds(25), () => fired.TrySetResult(scheduler.MonotonicClock));
        var elapsed = await fired.Task.WaitAsync(TimeSpan.FromSeconds(5)) - started;
        Assert.True(elapsed >= TimeSpan.FromMilliseconds(25));
    }

    [Fact]
    public void Many_cancelled_entries_are_swept_out()
    {
        var time = new VirtualTimeProvider();
        using var scheduler = new TimeScheduler(time, _ => { });
        var count = 0;
        for (var i = 0; i < 20_000; i++)
        {
            scheduler.ScheduleOnceCancelable(TimeSpan.FromHours(1), () => count++).Cancel();
        }
        scheduler.Advanced.ScheduleOnce(TimeSpan.FromHours(1), () => count++);
        time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(1, count);
    }
}
