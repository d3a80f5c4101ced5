using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace Fabric.HostNode.DropIn;

/// <summary>The actor system's scheduler by <see cref="WarpClock.Shared"/>.</summary>
/// <remarks>
/// Named in the configuration (akka.scheduler.implementation). What is due runs on the thread that
/// warps the clock, so that all messages of a step are in their mailboxes when the step is over;
/// something periodic runs once a step, as once a turn of ovs-vswitchd's main loop.
/// </remarks>
public sealed class WarpScheduler : IScheduler, IAdvancedScheduler, IDisposable
{
    private readonly WarpClock _clock = WarpClock.Shared;
    private readonly ILoggingAdapter _log;
    private readonly PriorityQueue<Entry, (TimeSpan Due, long Order)> _entries = new();
    private readonly long _started;
    private readonly Timer _timer;
    private long _order;
    private bool _isDisposed;

    private sealed record Entry(Action Action, TimeSpan? Interval, ICancelable? Cancelable);

    public WarpScheduler(Config config, ILoggingAdapter log)
    {
        _ = config;
        _log = log;
        _started = _clock.GetTimestamp();
        _timer = new Timer(_ => RunDue(), null, Timeout.Infinite, Timeout.Infinite);
        _clock.Bent += RunDue;
    }

    public DateTimeOffset Now => _clock.GetUtcNow();
    public TimeSpan MonotonicClock => _clock.GetElapsedTime(_started);
    public TimeSpan HighResMonotonicClock => MonotonicClock;
    public IAdvancedScheduler Advanced => this;

    public void Dispose()
    {
        lock (_entries)
        {
            _isDisposed = true;
            _entries.Clear();
        }

        _clock.Bent -= RunDue;
        _timer.Dispose();
    }

    private void Add(
        Action action, TimeSpan delay, TimeSpan? interval = null, ICancelable? cancelable = null)
    {
        lock (_entries)
        {
            if (_isDisposed) return;
            var due = MonotonicClock + (delay > TimeSpan.Zero ? delay : TimeSpan.Zero);
            _entries.Enqueue(new Entry(action, interval, cancelable), (due, _order++));
            Arm();
        }
    }

    private void Arm()
    {
        if (_clock.IsStopped || !_entries.TryPeek(out _, out var next)) return;
        var wait = next.Due - MonotonicClock;
        // Rounded up: a timer that fires early would only have to be armed again.
        var milliseconds = Math.Clamp(Math.Ceiling(wait.TotalMilliseconds), 0, int.MaxValue);
        _timer.Change((long)milliseconds, Timeout.Infinite);
    }

    private void RunDue()
    {
        // What is added while these run is not of this turn.
        var due = new List<Entry>();
        lock (_entries)
        {
            if (_isDisposed) return;
            var now = MonotonicClock;
            while (_entries.TryPeek(out var entry, out var at) && at.Due <= now)
            {
                _entries.Dequeue();
                if (entry.Cancelable is { IsCancellationRequested: true }) continue;
                due.Add(entry);
                if (entry.Interval is not { } interval) continue;
                var next = at.Due + interval > now ? at.Due + interval : now + interval;
                _entries.Enqueue(entry, (next, _order++));
            }

            Arm();
        }

        foreach (var entry in due)
        {
            try
            {
                entry.Action();
            }
            catch (Exception cause) when (cause is not OutOfMemoryException)
            {
                _log.Error(cause, "a scheduled action failed");
            }
        }
    }

    public void ScheduleTellOnce(
        TimeSpan delay, ICanTell receiver, object message, IActorRef sender) =>
        Add(() => receiver.Tell(message, sender), delay);

    public void ScheduleTellOnce(
        TimeSpan delay, ICanTell receiver, object message, IActorRef sender,
        ICancelable cancelable) =>
        Add(() => receiver.Tell(message, sender), delay, null, cancelable);

    public void ScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message,
        IActorRef sender) =>
        Add(() => receiver.Tell(message, sender), initialDelay, interval);

    public void ScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message,
        IActorRef sender, ICancelable cancelable) =>
        Add(() => receiver.Tell(message, sender), initialDelay, interval, cancelable);

    public void ScheduleOnce(TimeSpan delay, Action action) => Add(action, delay);

    public void ScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) =>
        Add(action, delay, null, cancelable);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action) =>
        Add(action, initialDelay, interval);

    public void ScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
        Add(action, initialDelay, interval, cancelable);

    public void ScheduleOnce(TimeSpan delay, IRunnable action) => Add(action.Run, delay);

    public void ScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) =>
        Add(action.Run, delay, null, cancelable);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action) =>
        Add(action.Run, initialDelay, interval);

    public void ScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable cancelable) =>
        Add(action.Run, initialDelay, interval, cancelable);
}
