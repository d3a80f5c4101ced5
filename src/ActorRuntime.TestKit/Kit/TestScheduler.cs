#nullable disable
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace Akka.TestKit;

/// <summary>A scheduler whose time stands still until the test advances it.</summary>
/// <remarks>
/// <c>akka.scheduler.implementation = "Akka.TestKit.TestScheduler, Akka.TestKit"</c>.
/// </remarks>
public class TestScheduler : IScheduler, IAdvancedScheduler
{
    private readonly Lock _lock = new();
    private readonly VirtualTimeProvider _time = new();
    private readonly TimeScheduler _scheduler;

    public TestScheduler(Config schedulerConfig, ILoggingAdapter log) =>
        _scheduler = new TimeScheduler(_time, cause =>
            log.Error(cause, "A scheduled action failed"));

    /// <summary>Lets time pass and runs what becomes due, in the calling thread.</summary>
    public void Advance(TimeSpan offset)
    {
        lock (_lock) _time.Advance(offset);
    }

    public void AdvanceTo(DateTimeOffset when) => Advance(when - Now);

    public IAdvancedScheduler Advanced => this;
    public DateTimeOffset Now => Locked(() => _scheduler.Now);
    public TimeSpan MonotonicClock => Locked(() => _scheduler.MonotonicClock);
    public TimeSpan HighResMonotonicClock => MonotonicClock;

    private T Locked<T>(Func<T> read)
    {
        lock (_lock) return read();
    }

    private void Locked(Action act)
    {
        lock (_lock) act();
    }

    public void ScheduleTellOnce(
        TimeSpan delay, ICanTell receiver, object message, IActorRef sender) =>
        Locked(() => _scheduler.ScheduleTellOnce(delay, receiver, message, sender));

    public void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message,
        IActorRef sender, ICancelable cancelable) =>
        Locked(() => _scheduler.ScheduleTellOnce(delay, receiver, message, sender, cancelable));

    public void ScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval,
        ICanTell receiver, object message, IActorRef sender) => Locked(() =>
        _scheduler.ScheduleTellRepeatedly(initialDelay, interval, receiver, message, sender));

    public void ScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval,
        ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Locked(() => _scheduler.ScheduleTellRepeatedly(
            initialDelay, interval, receiver, message, sender, cancelable));

    public void ScheduleOnce(TimeSpan delay, Action action) =>
        Locked(() => _scheduler.ScheduleOnce(delay, action));

    public void ScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) =>
        Locked(() => _scheduler.ScheduleOnce(delay, action, cancelable));

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action) =>
        Locked(() => _scheduler.ScheduleRepeatedly(initialDelay, interval, action));

    public void ScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
        Locked(() => _scheduler.ScheduleRepeatedly(initialDelay, interval, action, cancelable));

    public void ScheduleOnce(TimeSpan delay, IRunnable action) => ScheduleOnce(delay, action.Run);

    public void ScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) =>
        ScheduleOnce(delay, action.Run, cancelable);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action) =>
        ScheduleRepeatedly(initialDelay, interval, action.Run);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action,
        ICancelable cancelable) =>
        ScheduleRepeatedly(initialDelay, interval, action.Run, cancelable);
}
