using Akka.Actor;
using Fabric.Controllers;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>
/// Speaks into the logical network when it is time: probes, queries, announcements.
/// </summary>
/// <remarks>
/// Hears:  its timer, and the bridge's confirmations; each kind adds its own.
/// Says:   <see cref="AskSwitch"/>; each kind adds its own.
/// Holds:  the bridge.
/// Fails:  as its kind says.
/// </remarks>
internal abstract class SpeakerActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(1);

    private readonly IScheduler _clock = Context.System.Scheduler;
    private IActorRef _bridge = ActorRefs.Nobody;
    private long _lastRequest;

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed class SpeakTime
    {
        public static SpeakTime Instance { get; } = new();
    }

    /// <summary>Monotonic.</summary>
    protected TimeSpan Now => _clock.MonotonicClock;

    /// <summary>Monotonic, in milliseconds.</summary>
    protected long NowMilliseconds => (long)Now.TotalMilliseconds;

    /// <summary>To be called last in the constructor of each kind.</summary>
    protected void ReceiveTime()
    {
        Receive<SpeakTime>(_ => Speak());
        ReceiveAny(_ => { }); // Confirmations.
    }

    /// <summary>Says what is due, and when the next is.</summary>
    protected abstract void Speak();

    protected void SpeakThrough(IActorRef bridge) => _bridge = bridge;

    protected void Send(OfPacketOut packet) =>
        _bridge.Tell(new AskSwitch(++_lastRequest, packet));

    protected void SpeakAgainAt(long milliseconds) =>
        SpeakAgainAt(TimeSpan.FromMilliseconds(milliseconds));

    protected void SpeakAgainAt(TimeSpan due)
    {
        var pause = due - Now;
        Timers.StartSingleTimer(
            nameof(SpeakTime), SpeakTime.Instance, pause > PauseMin ? pause : PauseMin);
    }
}
