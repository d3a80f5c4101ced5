#nullable disable
namespace Akka.Actor;

/// <summary>The scheduler's clock.</summary>
public interface ITimeProvider
{
    /// <summary>Wall clock, UTC; it may jump.</summary>
    DateTimeOffset Now { get; }

    /// <summary>Time since the scheduler was made; it never goes back.</summary>
    TimeSpan MonotonicClock { get; }

    /// <summary>As <see cref="MonotonicClock"/>, with the finest resolution there is.</summary>
    TimeSpan HighResMonotonicClock { get; }
}

/// <summary>Sends messages later.</summary>
public interface ITellScheduler
{
    void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender);
    void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender,
        ICancelable cancelable);
    void ScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval, ICanTell receiver,
        object message, IActorRef sender);
    void ScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval, ICanTell receiver,
        object message, IActorRef sender, ICancelable cancelable);
}

/// <summary>Runs actions later, outside of actors.</summary>
public interface IActionScheduler
{
    void ScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable);
    void ScheduleOnce(TimeSpan delay, Action action);
    void ScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable);
    void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action);
}

/// <summary>Runs runnables later, outside of actors.</summary>
public interface IRunnableScheduler
{
    void ScheduleOnce(TimeSpan delay, Akka.Dispatch.IRunnable action, ICancelable cancelable);
    void ScheduleOnce(TimeSpan delay, Akka.Dispatch.IRunnable action);
    void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval,
        Akka.Dispatch.IRunnable action, ICancelable cancelable);
    void ScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, Akka.Dispatch.IRunnable action);
}

public interface IAdvancedScheduler : IActionScheduler, IRunnableScheduler;

/// <summary>The system's alarm clock.</summary>
public interface IScheduler : ITellScheduler, ITimeProvider
{
    IAdvancedScheduler Advanced { get; }
}

/// <summary>Something that can be called off, once.</summary>
public interface ICancelable
{
    void Cancel();
    bool IsCancellationRequested { get; }
    CancellationToken Token { get; }
    void CancelAfter(TimeSpan delay);
    void CancelAfter(int millisecondsDelay);
    void Cancel(bool throwOnFirstException);
}
