#nullable disable
using Akka.Event;

namespace Akka.Actor;

/// <summary>The actor has timers; the property is set before PreStart.</summary>
public interface IWithTimers
{
    ITimerScheduler Timers { get; set; }
}

/// <summary>Timers of one incarnation, each under a key; they end with it.</summary>
public interface ITimerScheduler
{
    /// <summary>Starts or replaces; queued messages of the replaced timer are discarded.</summary>
    void StartPeriodicTimer(object key, object msg, TimeSpan interval);
    void StartPeriodicTimer(object key, object msg, TimeSpan interval, IActorRef sender);
    void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval);
    void StartPeriodicTimer(
        object key, object msg, TimeSpan initialDelay, TimeSpan interval, IActorRef sender);

    /// <summary>Starts or replaces; queued messages of the replaced timer are discarded.</summary>
    void StartSingleTimer(object key, object msg, TimeSpan timeout);
    void StartSingleTimer(object key, object msg, TimeSpan timeout, IActorRef sender);

    bool IsTimerActive(object key);
    void Cancel(object key);
    void CancelAll();
    IReadOnlyCollection<object> ActiveTimers { get; }
}

/// <summary>A timer's message on its way.</summary>
internal sealed class TimerMessage(object key, object message, long generation, bool repeats,
    TimerScheduler owner) : IAutoReceivedMessage, INoSerializationVerificationNeeded,
    IDeadLetterSuppression
{
    public object Key => key;
    public object Message => message;
    public long Generation => generation;
    public bool Repeats => repeats;
    public TimerScheduler Owner => owner;
    public ICancelable Cancelable { get; set; }
}

internal sealed class TimerScheduler(ActorCell cell) : ITimerScheduler
{
    private readonly Dictionary<object, TimerMessage> _timers = [];
    private long _generation;

    public IReadOnlyCollection<object> ActiveTimers => _timers.Keys;

    public void StartPeriodicTimer(object key, object msg, TimeSpan interval) =>
        Start(key, msg, interval, interval, cell.Self);

    public void StartPeriodicTimer(object key, object msg, TimeSpan interval, IActorRef sender) =>
        Start(key, msg, interval, interval, sender);

    public void StartPeriodicTimer(
        object key, object msg, TimeSpan initialDelay, TimeSpan interval) =>
        Start(key, msg, initialDelay, interval, cell.Self);

    public void StartPeriodicTimer(
        object key, object msg, TimeSpan initialDelay, TimeSpan interval, IActorRef sender) =>
        Start(key, msg, initialDelay, interval, sender);

    public void StartSingleTimer(object key, object msg, TimeSpan timeout) =>
        Start(key, msg, timeout, null, cell.Self);

    public void StartSingleTimer(object key, object msg, TimeSpan timeout, IActorRef sender) =>
        Start(key, msg, timeout, null, sender);

    private void Start(
        object key, object message, TimeSpan delay, TimeSpan? interval, IActorRef sender)
    {
        Cancel(key);
        var scheduler = cell.SystemInternal.Scheduler;
        var timer = new TimerMessage(key, message, ++_generation, interval.HasValue, this)
        {
            Cancelable = new Cancelable(scheduler),
        };
        _timers[key] = timer;
        if (interval is { } period)
        {
            scheduler.ScheduleTellRepeatedly(
                delay, period, cell.Self, timer, sender, timer.Cancelable);
        }
        else
        {
            scheduler.ScheduleTellOnce(delay, cell.Self, timer, sender, timer.Cancelable);
        }
    }

    public bool IsTimerActive(object key) => _timers.ContainsKey(key);

    public void Cancel(object key)
    {
        if (_timers.Remove(key, out var timer)) timer.Cancelable.Cancel();
    }

    public void CancelAll()
    {
        foreach (var timer in _timers.Values) timer.Cancelable.Cancel();
        _timers.Clear();
    }

    /// <summary>The message of a timer that is still wanted, or null.</summary>
    public object Accept(TimerMessage timer)
    {
        if (!ReferenceEquals(timer.Owner, this) ||
            !_timers.TryGetValue(timer.Key, out var active) ||
            active.Generation != timer.Generation) return null;
        if (!timer.Repeats) _timers.Remove(timer.Key);
        return timer.Message;
    }
}
