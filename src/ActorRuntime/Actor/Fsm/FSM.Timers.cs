#nullable disable
namespace Akka.Actor;

public abstract partial class FSM<TState, TData>
{
    /// <summary>Starts or replaces a timer; its message arrives as an event.</summary>
    public void SetTimer(string name, object msg, TimeSpan timeout, bool repeat = false)
    {
        CancelTimer(name);
        var scheduler = Context.System.Scheduler;
        var cancelable = new Cancelable(scheduler);
        var timer = new NamedTimer(name, msg, repeat, ++_timerGeneration, this)
        {
            Cancelable = cancelable,
        };
        _timers[name] = timer;
        if (repeat)
        {
            scheduler.ScheduleTellRepeatedly(timeout, timeout, Self, timer, Self, cancelable);
        }
        else
        {
            scheduler.ScheduleTellOnce(timeout, Self, timer, Self, cancelable);
        }
    }

    private long _timerGeneration;

    public void CancelTimer(string name)
    {
        if (_timers.Remove(name, out var timer)) timer.Cancelable.Cancel();
    }

    public bool IsTimerActive(string name) => _timers.ContainsKey(name);

    private void CancelTimers()
    {
        foreach (var timer in _timers.Values) timer.Cancelable.Cancel();
        _timers.Clear();
    }

    private void HandleTimer(NamedTimer timer)
    {
        var wanted = ReferenceEquals(timer.Owner, this) &&
            _timers.TryGetValue(timer.Name, out var active) &&
            active.Generation == timer.Generation;
        if (!wanted) return;
        if (!timer.Repeats) _timers.Remove(timer.Name);
        CancelTimeout();
        _generation++;
        Process(timer.Message);
    }
}
