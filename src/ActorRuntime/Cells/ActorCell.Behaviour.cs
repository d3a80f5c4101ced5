#nullable disable
using Akka.Event;

namespace Akka.Actor;

internal sealed partial class ActorCell
{
    private Receive _behaviour;
    private Stack<Receive> _behaviours; // Below the current one.
    private Stash _stash;
    private TimerScheduler _timers;
    private ReceiveTimeoutState _receiveTimeout;

    /// <summary>The queued messages of a receive timeout; consumed by the cell.</summary>
    private sealed class ReceiveTimeoutDue : IAutoReceivedMessage, IDeadLetterSuppression,
        INotInfluenceReceiveTimeout, INoSerializationVerificationNeeded
    {
        public ReceiveTimeoutState Owner { get; init; }
    }

    private sealed class ReceiveTimeoutState
    {
        public TimeSpan After;
        public TimeSpan Since; // When the last message that counts came.
        public ICancelable Pending;
    }

    /// <summary>What the first behaviour of a fresh instance is.</summary>
    internal Receive BaseBehaviour
    {
        set
        {
            _behaviour = value;
            _behaviours = null;
        }
    }

    private void ResetBehaviour()
    {
        _behaviour = null;
        _behaviours = null;
    }

    public void Become(Receive receive)
    {
        _behaviours ??= new Stack<Receive>();
        if (_behaviours.Count == 0) _behaviours.Push(_behaviour);
        _behaviour = receive;
    }

    public void BecomeStacked(Receive receive)
    {
        (_behaviours ??= new Stack<Receive>()).Push(_behaviour);
        _behaviour = receive;
    }

    public void UnbecomeStacked()
    {
        if (_behaviours is { Count: > 0 }) _behaviour = _behaviours.Pop();
    }

    public void Become(UntypedReceive receive) => Become(Typed(receive));
    public void BecomeStacked(UntypedReceive receive) => BecomeStacked(Typed(receive));

    private static Receive Typed(UntypedReceive receive) => message =>
    {
        receive(message);
        return true;
    };

    private void Deliver(object message) => _actor.AroundReceive(_behaviour, message);

    private void ReceiveTimed(object message)
    {
        if (_receiveTimeout is { } timeout && message is not INotInfluenceReceiveTimeout)
        {
            timeout.Since = _system.Scheduler.MonotonicClock;
        }
        Deliver(message);
    }

    public TimeSpan? ReceiveTimeout => _receiveTimeout?.After;

    public void SetReceiveTimeout(TimeSpan? timeout)
    {
        _receiveTimeout?.Pending?.Cancel();
        _receiveTimeout = null;
        if (timeout is not { } after || after <= TimeSpan.Zero) return;
        _receiveTimeout = new ReceiveTimeoutState
        {
            After = after,
            Since = _system.Scheduler.MonotonicClock,
        };
        Await(_receiveTimeout, after);
    }

    private void Await(ReceiveTimeoutState state, TimeSpan delay)
    {
        state.Pending = _system.Scheduler.ScheduleTellOnceCancelable(
            delay, _self, new ReceiveTimeoutDue { Owner = state }, _self);
    }

    private void HandleReceiveTimeoutDue(ReceiveTimeoutDue due)
    {
        var state = _receiveTimeout;
        if (!ReferenceEquals(state, due.Owner)) return;
        var quiet = _system.Scheduler.MonotonicClock - state.Since;
        if (quiet < state.After)
        {
            Await(state, state.After - quiet);
            return;
        }
        state.Since = _system.Scheduler.MonotonicClock;
        Await(state, state.After);
        _message = Akka.Actor.ReceiveTimeout.Instance;
        Deliver(_message);
    }

    /// <summary>A message that no handler took.</summary>
    internal void PublishUnhandled(object message)
    {
        if (message is Terminated terminated) throw new DeathPactException(terminated.ActorRef);
        _system.EventStream.Publish(new UnhandledMessage(message, Sender, _self));
    }

    /// <summary>Puts stashed messages before all that wait.</summary>
    internal void ReturnToMailbox(IReadOnlyList<Envelope> messages) => EnqueueFront(messages);

    /// <summary>
    /// A further stash of the same mailbox, for who wraps actors as persistence does.
    /// </summary>
    internal IStash CreateStash() => new Stash(this, -1);

    private void ReleaseStash() => _stash?.UnstashAll();
}
