#nullable disable
using Akka.Event;

namespace Akka.Actor;

/// <summary>What state machines of all types speak about.</summary>
public abstract class FSMBase : ActorBase
{
    /// <summary>A message, with the data that the machine holds.</summary>
    public sealed class Event<TD>(
        object fsmEvent, TD stateData) : INoSerializationVerificationNeeded
    {
        public object FsmEvent => fsmEvent;
        public TD StateData => stateData;
        public override string ToString() => $"Event: <{FsmEvent}>, StateData: <{StateData}>";
    }

    /// <summary>The machine has stopped.</summary>
    public sealed class StopEvent<TS, TD>(Reason reason, TS stateName, TD stateData)
        : INoSerializationVerificationNeeded
    {
        public Reason Reason => reason;
        public TS StateName => stateName;
        public TD StateData => stateData;
    }

    /// <summary>Why a machine stops.</summary>
    public abstract class Reason;

    /// <summary>As intended.</summary>
    public sealed class Normal : Reason
    {
        public static Normal Instance { get; } = new();
        private Normal() { }
    }

    /// <summary>Its actor was stopped.</summary>
    public sealed class Shutdown : Reason
    {
        public static Shutdown Instance { get; } = new();
        private Shutdown() { }
    }

    /// <summary>Something went wrong.</summary>
    public sealed class Failure(object cause) : Reason
    {
        public object Cause => cause;
        public override string ToString() => $"Failure({Cause})";
    }

    /// <summary>Nothing came for as long as the state's timeout says.</summary>
    public sealed class StateTimeout
    {
        public static StateTimeout Instance { get; } = new();
        private StateTimeout() { }
    }

    /// <summary>Asks for the current state and for all transitions.</summary>
    public sealed class SubscribeTransitionCallBack(IActorRef actorRef)
    {
        public IActorRef ActorRef => actorRef;
    }

    /// <summary>Ends a subscription.</summary>
    public sealed class UnsubscribeTransitionCallBack(IActorRef actorRef)
    {
        public IActorRef ActorRef => actorRef;
    }

    /// <summary>The state at the time of subscribing.</summary>
    public sealed class CurrentState<TS>(IActorRef fsmRef, TS state)
    {
        public IActorRef FsmRef => fsmRef;
        public TS State => state;
        public override bool Equals(object obj) => obj is CurrentState<TS> other &&
            FsmRef.Equals(other.FsmRef) && Equals(State, other.State);
        public override int GetHashCode() => HashCode.Combine(FsmRef, State);
    }

    /// <summary>The machine went from one state to another.</summary>
    public sealed class Transition<TS>(IActorRef fsmRef, TS from, TS to)
    {
        public IActorRef FsmRef => fsmRef;
        public TS From => from;
        public TS To => to;
        public override bool Equals(object obj) => obj is Transition<TS> other &&
            FsmRef.Equals(other.FsmRef) && Equals(From, other.From) && Equals(To, other.To);
        public override int GetHashCode() => HashCode.Combine(FsmRef, From, To);
        public override string ToString() => $"Transition({From}, {To})";
    }

    /// <summary>A state with its data, and what happens on the way into it. Immutable.</summary>
    public sealed class State<TS, TD>
    {
        public State(TS stateName, TD stateData, TimeSpan? timeout = null, Reason stopReason = null,
            IReadOnlyList<object> replies = null, bool notifies = true)
        {
            StateName = stateName;
            StateData = stateData;
            Timeout = timeout;
            StopReason = stopReason;
            Replies = replies ?? [];
            Notifies = notifies;
        }

        public TS StateName { get; }
        public TD StateData { get; }
        public TimeSpan? Timeout { get; }
        public Reason StopReason { get; }

        /// <summary>In the order in which they are sent.</summary>
        public IReadOnlyList<object> Replies { get; }

        /// <summary>False if the machine only stays: then no transition is reported.</summary>
        internal bool Notifies { get; }

        /// <summary>A timeout for this stay only; longer than the longest timer: none.</summary>
        public State<TS, TD> ForMax(TimeSpan timeout) =>
            new(StateName, StateData, timeout, StopReason, Replies, Notifies);

        /// <summary>Answers the sender of the message in hand.</summary>
        public State<TS, TD> Replying(object replyValue) =>
            new(StateName, StateData, Timeout, StopReason, [.. Replies, replyValue], Notifies);

        public State<TS, TD> Using(TD nextStateData) =>
            new(StateName, nextStateData, Timeout, StopReason, Replies, Notifies);

        internal State<TS, TD> Stopping(Reason reason) =>
            new(StateName, StateData, Timeout, reason, Replies, Notifies);

        internal State<TS, TD> Staying() =>
            new(StateName, StateData, null, null, null, notifies: false);
    }

    private protected sealed record TimeoutMarker(long Generation)
        : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private protected sealed record NamedTimer(
        string Name, object Message, bool Repeats, long Generation, object Owner)
        : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        public ICancelable Cancelable { get; init; }
    }
}
