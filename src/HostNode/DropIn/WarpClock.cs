namespace Fabric.HostNode.DropIn;

/// <summary>A clock that can be stopped and moved: time/stop and time/warp.</summary>
/// <remarks>
/// As in Open vSwitch only the monotonic clock is bent; wall-clock time goes on. Whoever measures
/// or waits in a drop-in daemon does so by this clock.
/// </remarks>
internal sealed class WarpClock : TimeProvider
{
    private long _offset; // Timestamp units to add; the whole timestamp while stopped.
    private volatile bool _isStopped;

    /// <summary>
    /// The process's own: <see cref="WarpScheduler"/> is made by name and finds it here.
    /// </summary>
    public static WarpClock Shared { get; } = new();

    public bool IsStopped => _isStopped;

    /// <summary>The clock stood still or jumped: timers must be looked at again.</summary>
    public event Action? Bent;

    public override long TimestampFrequency => System.TimestampFrequency;

    public override long GetTimestamp() => _isStopped
        ? Interlocked.Read(ref _offset)
        : System.GetTimestamp() + Interlocked.Read(ref _offset);

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow();

    public void Stop()
    {
        if (_isStopped) return;
        Interlocked.Exchange(ref _offset, GetTimestamp());
        _isStopped = true;
        Bent?.Invoke();
    }

    /// <summary>Moves the clock on; timers that are due then run before this returns.</summary>
    public void Warp(TimeSpan step)
    {
        Interlocked.Add(ref _offset, (long)(step.TotalSeconds * TimestampFrequency));
        Bent?.Invoke();
    }

    public override ITimer CreateTimer(
        TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new BentTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>A timer by this clock; while the clock stands still, so does it.</summary>
    private sealed class BentTimer : ITimer
    {
        private readonly WarpClock _clock;
        private readonly TimerCallback _callback;
        private readonly object? _state;
        private readonly Lock _gate = new();
        private readonly Timer _timer;
        private readonly long _start;
        private TimeSpan? _due;
        private TimeSpan _period;

        public BentTimer(WarpClock clock, TimerCallback callback, object? state)
        {
            (_clock, _callback, _state) = (clock, callback, state);
            _start = clock.GetTimestamp();
            _timer = new Timer(_ => RunIfDue(), null, Timeout.Infinite, Timeout.Infinite);
            clock.Bent += RunIfDue;
        }

        private TimeSpan Now => _clock.GetElapsedTime(_start);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (_gate)
            {
                _due = dueTime == Timeout.InfiniteTimeSpan ? null : Now + dueTime;
                _period = period;
                Arm();
            }

            return true;
        }

        private void RunIfDue()
        {
            lock (_gate)
            {
                var isDue = _due is { } due && Now >= due;
                if (isDue) _due = _period > TimeSpan.Zero ? Now + _period : null;
                Arm();
                if (!isDue) return;
            }

            _callback(_state);
        }

        private void Arm()
        {
            if (_clock.IsStopped || _due is not { } due)
            {
                _timer.Change(Timeout.Infinite, Timeout.Infinite);
                return;
            }

            var wait = Math.Clamp(
                Math.Ceiling((due - Now).TotalMilliseconds), 0, int.MaxValue);
            _timer.Change((long)wait, Timeout.Infinite);
        }

        public void Dispose()
        {
            _clock.Bent -= RunIfDue;
            _timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
