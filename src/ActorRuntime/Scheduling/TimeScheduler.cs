#nullable disable
using Akka.Dispatch;

namespace Akka.Actor;

/// <summary>
/// The scheduler over a <see cref="TimeProvider"/>, and so over virtual time too.
/// </summary>
/// <remarks>
/// One timer of the provider serves all entries, which wait in a heap by due time and, at the same
/// time, in the order in which they were scheduled. Cancelled entries are skipped, and swept out
/// when they are the majority. Actions run in the timer's thread, one at a time, and must be
/// short.
/// </remarks>
internal sealed class TimeScheduler : IScheduler, IAdvancedScheduler, IDisposable
{
    private const int SweepMin = 1024;

    private sealed class Entry(ICancelable cancelable, TimeSpan interval)
    {
        public Action Action;
        public ICanTell Receiver;
        public object Message;
        public IActorRef Sender;
        public TimeSpan Interval => interval;
        public bool IsCancelled => cancelable is { IsCancellationRequested: true };

        public void Run()
        {
            if (Receiver is null) Action();
            else Receiver.Tell(Message, Sender);
        }
    }

    private readonly TimeProvider _time;
    private readonly Action<Exception> _failed;
    private readonly PriorityQueue<Entry, (long Due, long Order)> _entries = new();
    private readonly long _started;
    private readonly ITimer _timer;
    private long _order;
    private long _armed = long.MaxValue; // When the timer will fire.
    private int _sweepAt = SweepMin;
    private bool _isFiring;
    private bool _disposed;

    public TimeScheduler(TimeProvider time, Action<Exception> failed)
    {
        _time = time;
        _failed = failed;
        _started = time.GetTimestamp();
        var flow = ExecutionContext.IsFlowSuppressed();
        if (!flow) ExecutionContext.SuppressFlow();
        _timer = time.CreateTimer(static self => ((TimeScheduler)self).Fire(), this,
            Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (!flow) ExecutionContext.RestoreFlow();
    }

    public IAdvancedScheduler Advanced => this;
    public DateTimeOffset Now => _time.GetUtcNow();
    public TimeSpan MonotonicClock => _time.GetElapsedTime(_started);
    public TimeSpan HighResMonotonicClock => MonotonicClock;

    private long NowTicks => MonotonicClock.Ticks;

    private void Add(Entry entry, TimeSpan delay)
    {
        if (delay < TimeSpan.Zero) delay = TimeSpan.Zero;
        if (delay > TimeSpan.FromDays(365)) delay = TimeSpan.FromDays(365);
        lock (_entries)
        {
            if (_disposed) return;
            var now = NowTicks;
            Enqueue(entry, now + delay.Ticks);
            Arm(now);
        }
    }

    private void Enqueue(Entry entry, long due)
    {
        if (_entries.Count >= _sweepAt) Sweep();
        _entries.Enqueue(entry, (due, _order++));
    }

    private void Sweep()
    {
        var live = _entries.UnorderedItems.Where(item => !item.Element.IsCancelled).ToArray();
        _entries.Clear();
        _entries.EnqueueRange(live);
        _sweepAt = Math.Max(SweepMin, _entries.Count * 2);
    }

    private void Arm(long now)
    {
        if (!_entries.TryPeek(out _, out var next) || next.Due >= _armed) return;
        _armed = next.Due;
        // Whole milliseconds, rounded up: the system's timers know no less.
        var wait = Math.Max(0, next.Due - now);
        var rounded = (wait + TimeSpan.TicksPerMillisecond - 1) /
            TimeSpan.TicksPerMillisecond * TimeSpan.TicksPerMillisecond;
        var exact = _time is VirtualTimeProvider ? wait : rounded;
        _timer.Change(new TimeSpan(exact), Timeout.InfiniteTimeSpan);
    }

    /// <remarks>
    /// The provider's timer may fire again meanwhile, in another thread: the one that is at work
    /// takes what has become due, or the later entry would overtake the one in its hands.
    /// </remarks>
    private void Fire()
    {
        lock (_entries)
        {
            _armed = long.MaxValue;
            if (_isFiring) return;
            _isFiring = true;
        }

        while (TakeDue() is { } entry)
        {
            try
            {
                entry.Run();
            }
            catch (Exception cause)
            {
                _failed(cause);
            }
        }
    }

    private Entry TakeDue()
    {
        lock (_entries)
        {
            var now = NowTicks;
            while (!_disposed && _entries.TryPeek(out var entry, out var at) && at.Due <= now)
            {
                _entries.Dequeue();
                if (entry.IsCancelled) continue;
                if (entry.Interval > TimeSpan.Zero)
                {
                    var next = at.Due + entry.Interval.Ticks;
                    Enqueue(entry, Math.Max(next, now - entry.Interval.Ticks));
                }
                return entry;
            }
            _isFiring = false;
            if (!_disposed) Arm(now);
            return null;
        }
    }

    public void ScheduleTellOnce(
        TimeSpan delay, ICanTell receiver, object message, IActorRef sender) =>
        ScheduleTellOnce(delay, receiver, message, sender, null);

    public void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message,
        IActorRef sender, ICancelable cancelable) =>
        Add(new Entry(cancelable, TimeSpan.Zero)
        {
            Receiver = receiver,
            Message = message,
            Sender = sender,
        }, delay);

    public void ScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval,
        ICanTell receiver, object message, IActorRef sender) =>
        ScheduleTellRepeatedly(initialDelay, interval, receiver, message, sender, null);

    public void ScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval,
        ICanTell receiver, object message, IActorRef sender, ICancelable cancelable)
    {
        CheckInterval(interval);
        Add(new Entry(cancelable, interval)
        {
            Receiver = receiver,
            Message = message,
            Sender = sender,
        }, initialDelay);
    }

    public void ScheduleOnce(TimeSpan delay, Action action) => ScheduleOnce(delay, action, null);

    public void ScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) =>
        Add(new Entry(cancelable, TimeSpan.Zero) { Action = action }, delay);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action) =>
        ScheduleRepeatedly(initialDelay, interval, action, null);

    public void ScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable)
    {
        CheckInterval(interval);
        Add(new Entry(cancelable, interval) { Action = action }, initialDelay);
    }

    public void ScheduleOnce(TimeSpan delay, IRunnable action) =>
        ScheduleOnce(delay, action.Run, null);

    public void ScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) =>
        ScheduleOnce(delay, action.Run, cancelable);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action) =>
        ScheduleRepeatedly(initialDelay, interval, action.Run, null);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action,
        ICancelable cancelable) =>
        ScheduleRepeatedly(initialDelay, interval, action.Run, cancelable);

    private static void CheckInterval(TimeSpan interval)
    {
        if (interval > TimeSpan.Zero) return;
        throw new ArgumentOutOfRangeException(nameof(interval), interval,
            "The interval must be longer than zero");
    }

    public void Dispose()
    {
        lock (_entries)
        {
            _disposed = true;
            _entries.Clear();
        }
        _timer.Dispose();
    }
}
