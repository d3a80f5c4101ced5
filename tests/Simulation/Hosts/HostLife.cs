using Akka.Actor;
using Akka.Dispatch;

namespace Fabric.Simulation;

/// <summary>One run of a host's process, from its start to its crash.</summary>
/// <remarks>
/// Everything that the process would do passes through here: nothing happens any more once it is
/// dead, and nothing yet while it is paused, as under SIGSTOP.
/// </remarks>
internal sealed class HostLife(DeterministicDispatcher world)
{
    private readonly Queue<Action> _held = new();
    private readonly List<ITimer> _timers = [];

    public bool IsDead { get; private set; }

    public bool IsPaused { get; private set; }

    public void Run(Action action)
    {
        if (IsDead) return;
        if (IsPaused) _held.Enqueue(action);
        else action();
    }

    public void Schedule(Action action) => world.Schedule(() => Run(action));

    public void Keep(ITimer timer) => _timers.Add(timer);

    public void Pause() => IsPaused = true;

    public void Resume()
    {
        IsPaused = false;
        while (_held.TryDequeue(out var action)) Schedule(action);
    }

    public void End()
    {
        IsDead = true;
        _held.Clear();
        foreach (var timer in _timers) timer.Dispose();
        _timers.Clear();
    }
}

/// <summary>Turns of one host's mailboxes, among those of all hosts.</summary>
internal sealed class HostDispatcher(HostLife life) : ActorDispatcher
{
    public override bool IsDeterministic => true;

    public override void Schedule(Mailbox mailbox) => life.Schedule(mailbox.Run);

    public override void Schedule(Action action) => life.Schedule(action);
}

/// <summary>The clock of one host: the world's time, its own wall clock, its own timers.</summary>
internal sealed class HostClock(VirtualTimeProvider world, HostLife life) : TimeProvider
{
    /// <summary>Of what the wall clock says from what time it is.</summary>
    public TimeSpan WallClockOffset { get; set; }

    public override long TimestampFrequency => world.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => world.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => world.GetUtcNow() + WallClockOffset;

    public override ITimer CreateTimer(
        TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = world.CreateTimer(
            _ => life.Run(() => callback(state)), null, dueTime, period);
        life.Keep(timer);
        return timer;
    }
}
