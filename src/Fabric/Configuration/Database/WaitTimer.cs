using Akka.Actor;

namespace Fabric.Configuration;

/// <summary>Some "wait" may have timed out.</summary>
internal sealed class WaitTimer
{
    public static WaitTimer Instance { get; } = new();

    public static void Set(ITimerScheduler timers, DatabaseEngine engine)
    {
        if (engine.WaitingCount == 0 && !timers.IsTimerActive(nameof(WaitTimer))) return;
        if (engine.NextTimeout is { } left)
        {
            // A millisecond later, so that the elapsed time is never found a little short.
            timers.StartSingleTimer(
                nameof(WaitTimer), Instance, left + TimeSpan.FromMilliseconds(1));
        }
        else
        {
            timers.Cancel(nameof(WaitTimer));
        }
    }
}
