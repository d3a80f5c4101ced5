#nullable disable
namespace Akka.Dispatch;

/// <summary>
/// A clock that stands still until it is advanced; its timers fire in the caller.
/// </summary>
/// <remarks>
/// For one thread. Timers that are due at the same instant fire in the order in which they were
/// set. <see cref="WallClockOffset"/> moves what <see cref="GetUtcNow"/> says, without moving
/// timestamps or timers: a wall clock that jumps.
/// </remarks>
internal sealed class VirtualTimeProvider : TimeProvider
{
    private static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<VirtualTimer, (long Due, long Order)> _timers = new();
    private long _now; // In ticks of 100 ns since Epoch.
    private long _order;

    public TimeSpan WallClockOffset { get; set; }

    /// <summary>Time since the clock was made.</summary>
    public TimeSpan Elapsed => new(_now);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;
    public override long GetTimestamp() => _now;
    public override DateTimeOffset GetUtcNow() => Epoch + new TimeSpan(_now) + WallClockOffset;
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override ITimer CreateTimer(
        TimerCallback callback, object state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>When the next timer is due, if any is set.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            DropStale();
            return _timers.TryPeek(out _, out var at) ? new TimeSpan(at.Due) : null;
        }
    }

    /// <summary>Moves to the next timer, if it is due by then, and fires it.</summary>
    /// <returns>False if no timer was due; the clock then stands at the limit.</returns>
    public bool FireNext(TimeSpan limit)
    {
        DropStale();
        if (!_timers.TryPeek(out var timer, out var at) || at.Due > limit.Ticks)
        {
            _now = Math.Max(_now, limit.Ticks);
            return false;
        }
        _timers.Dequeue();
        _now = Math.Max(_now, at.Due);
        timer.Fire();
        return true;
    }

    /// <summary>Lets time pass and fires what becomes due.</summary>
    public void Advance(TimeSpan by)
    {
        var limit = new TimeSpan(_now) + by;
        while (FireNext(limit)) { }
    }

    private void DropStale()
    {
        while (_timers.TryPeek(out var timer, out var at) && timer.Order != at.Order)
        {
            _timers.Dequeue();
        }
    }

    private sealed class VirtualTimer(
        VirtualTimeProvider clock, TimerCallback callback, object state) : ITimer
    {
        private TimeSpan _period;

        /// <summary>The order of its valid entry; others in the queue are stale.</summary>
        public long Order { get; private set; } = -1;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            if (dueTime < TimeSpan.Zero)
            {
                Order = -1;
                return true;
            }
            Order = clock._order++;
            clock._timers.Enqueue(this, (clock._now + dueTime.Ticks, Order));
            return true;
        }

        public void Fire()
        {
            Order = -1;
            if (_period > TimeSpan.Zero) Change(_period, _period);
            callback(state);
        }

        public void Dispose() => Order = -1;

        public ValueTask DisposeAsync()
        {
            Order = -1;
            return default;
        }
    }
}
