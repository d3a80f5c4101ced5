#nullable disable
using Akka.Event;

namespace Akka.Actor;

/// <summary>An actor that is a state machine: a function for every state.</summary>
/// <remarks>
/// Describe it in the constructor with StartWith, When, WhenUnhandled, OnTransition and
/// OnTermination, and end with Initialize.
/// </remarks>
public abstract partial class FSM<TState, TData> : FSMBase
{
    private readonly Dictionary<TState, StateFunction> _functions = [];
    private readonly Dictionary<TState, TimeSpan?> _timeouts = [];
    private readonly List<TransitionHandler> _transitions = [];
    private readonly List<IActorRef> _listeners = [];
    private readonly Dictionary<string, NamedTimer> _timers = [];
    private StateFunction _unhandled;
    private Action<StopEvent<TState, TData>> _terminated;
    private State<TState, TData> _current;
    private State<TState, TData> _next;
    private ICancelable _timeout;
    private long _generation;

    /// <summary>Handles a message in a state; null passes it on to WhenUnhandled.</summary>
    public delegate State<TState, TData> StateFunction(Event<TData> fsmEvent);

    /// <summary>Told of each transition.</summary>
    public delegate void TransitionHandler(TState initialState, TState nextState);

    protected FSM() => _unhandled = fsmEvent =>
    {
        Context.GetLogger().Warning(
            "unhandled event {0} in state {1}", fsmEvent.FsmEvent, StateName);
        return Stay();
    };

    public TState StateName => _current is null
        ? throw new IllegalActorStateException("You must call StartWith before using StateName")
        : _current.StateName;

    public TData StateData => _current is null
        ? throw new IllegalActorStateException("You must call StartWith before using StateData")
        : _current.StateData;

    /// <summary>The data of the state that is being entered; only in OnTransition.</summary>
    public TData NextStateData => _next is null
        ? throw new InvalidOperationException(
            "NextStateData is only available during OnTransition")
        : _next.StateData;

    public void StartWith(TState stateName, TData stateData, TimeSpan? timeout = null) =>
        _current = new State<TState, TData>(stateName, stateData, timeout);

    /// <summary>Adds a function to a state; the first one that does not return null decides.
    /// </summary>
    public void When(TState stateName, StateFunction func, TimeSpan? timeout = null)
    {
        if (_functions.TryGetValue(stateName, out var before))
        {
            _functions[stateName] = fsmEvent => before(fsmEvent) ?? func(fsmEvent);
            _timeouts[stateName] = timeout ?? _timeouts[stateName];
            return;
        }
        _functions[stateName] = func;
        _timeouts[stateName] = timeout;
    }

    public void WhenUnhandled(StateFunction stateFunction)
    {
        var before = _unhandled;
        _unhandled = fsmEvent => stateFunction(fsmEvent) ?? before(fsmEvent);
    }

    public void OnTransition(TransitionHandler transitionHandler) =>
        _transitions.Add(transitionHandler);

    public void OnTermination(Action<StopEvent<TState, TData>> terminationHandler) =>
        _terminated = terminationHandler;

    /// <summary>Enters the first state.</summary>
    public void Initialize()
    {
        if (_current is null) throw new IllegalActorStateException(
            "You must call StartWith before calling Initialize");
        MakeTransition(_current);
    }

    public State<TState, TData> GoTo(TState nextStateName) =>
        new(nextStateName, _current.StateData);

    public State<TState, TData> GoTo(TState nextStateName, TData stateData) =>
        new(nextStateName, stateData);

    public State<TState, TData> Stay() => _current.Staying();

    public State<TState, TData> Stop() => Stop(Normal.Instance);
    public State<TState, TData> Stop(Reason reason) => Stop(reason, _current.StateData);
    public State<TState, TData> Stop(Reason reason, TData stateData) =>
        Stay().Using(stateData).Stopping(reason);

    public void SetStateTimeout(TState state, TimeSpan? timeout) => _timeouts[state] = timeout;

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case TimeoutMarker marker:
                if (marker.Generation == _generation) Process(StateTimeout.Instance);
                return true;
            case NamedTimer timer:
                HandleTimer(timer);
                return true;
            case SubscribeTransitionCallBack subscribe:
                Context.Watch(subscribe.ActorRef);
                _listeners.Add(subscribe.ActorRef);
                subscribe.ActorRef.Tell(new CurrentState<TState>(Self, StateName));
                return true;
            case UnsubscribeTransitionCallBack unsubscribe:
                Context.Unwatch(unsubscribe.ActorRef);
                _listeners.Remove(unsubscribe.ActorRef);
                return true;
            case Terminated ended when _listeners.Remove(ended.ActorRef):
                return true;
            default:
                CancelTimeout();
                _generation++;
                Process(message);
                return true;
        }
    }

    private void Process(object message)
    {
        var fsmEvent = new Event<TData>(message, _current.StateData);
        Apply(_functions[_current.StateName](fsmEvent) ?? _unhandled(fsmEvent));
    }

    private void Apply(State<TState, TData> next)
    {
        if (next.StopReason is null)
        {
            MakeTransition(next);
            return;
        }
        foreach (var reply in next.Replies) Sender.Tell(reply);
        Terminate(next);
        Context.Stop(Self);
    }

    private void MakeTransition(State<TState, TData> next)
    {
        if (!_functions.ContainsKey(next.StateName))
        {
            Apply(Stop(new Failure($"Next state {next.StateName} does not exist")));
            return;
        }
        foreach (var reply in next.Replies) Sender.Tell(reply);
        if (!ReferenceEquals(_current, next) && next.Notifies) Report(next);
        _current = next;
        var timeout = next.Timeout ?? _timeouts[next.StateName];
        if (timeout is not { } after || after <= TimeSpan.Zero) return;
        CancelTimeout();
        _timeout = Context.System.Scheduler.ScheduleTellOnceCancelable(
            after, Self, new TimeoutMarker(_generation), Self);
    }

    private void Report(State<TState, TData> next)
    {
        _next = next;
        foreach (var handler in _transitions) handler(_current.StateName, next.StateName);
        foreach (var listener in _listeners)
        {
            listener.Tell(new Transition<TState>(Self, _current.StateName, next.StateName));
        }
        _next = null;
    }

    private void CancelTimeout()
    {
        _timeout?.Cancel();
        _timeout = null;
    }

    private void Terminate(State<TState, TData> last)
    {
        if (_current.StopReason is not null) return;
        CancelTimeout();
        CancelTimers();
        _current = last;
        if (last.StopReason is Failure failure)
        {
            if (failure.Cause is Exception cause)
            {
                Context.GetLogger().Error(cause, "terminating due to Failure");
            }
            else
            {
                Context.GetLogger().Error("terminating due to Failure: {0}", failure.Cause);
            }
        }
        _terminated?.Invoke(new StopEvent<TState, TData>(
            last.StopReason, last.StateName, last.StateData));
    }

    /// <summary>Stopping the actor stops the machine, with reason Shutdown.</summary>
    protected override void PostStop()
    {
        if (_current is not null) Terminate(Stay().Stopping(Shutdown.Instance));
        base.PostStop();
    }
}
