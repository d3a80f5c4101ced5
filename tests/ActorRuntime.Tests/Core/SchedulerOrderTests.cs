using System.Collections.Concurrent;
using Akka.Actor;

namespace Fabric.ActorRuntime.Tests.Core;

/// <summary>Timers that fire while another one is still at work.</summary>
public sealed class SchedulerOrderTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <remarks>
    /// Goal: what is due later never overtakes what is due earlier. Method: the timer fires a
    /// second time, in another thread, while the first entry runs.
    /// </remarks>
    [Fact]
    public void An_entry_waits_for_the_one_before_it()
    {
        var time = new HandTimer();
        using var scheduler = new TimeScheduler(time, _ => { });
        var log = new ConcurrentQueue<string>();
        scheduler.ScheduleOnce(Second, () =>
        {
            log.Enqueue("first begins");
            var other = new Thread(time.Fire);
            other.Start();
            other.Join();
            log.Enqueue("first ends");
        });
        scheduler.ScheduleOnce(Second, () => log.Enqueue("second"));
        time.Now = Second * 2;
        time.Fire();
        Assert.Equal(["first begins", "first ends", "second"], log);

        // It fires again afterwards.
        scheduler.ScheduleOnce(Second, () => log.Enqueue("third"));
        time.Now = Second * 4;
        time.Fire();
        Assert.Equal("third", log.Last());
    }

    /// <summary>A clock whose one timer fires when the test says so.</summary>
    private sealed class HandTimer : TimeProvider, ITimer
    {
        private Action _callback = () => { };

        public TimeSpan Now { get; set; }

        public void Fire() => _callback();

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;

        public override ITimer CreateTimer(
            TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _callback = () => callback(state);
            return this;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}
