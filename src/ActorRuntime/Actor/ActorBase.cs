#nullable disable
namespace Akka.Actor;

/// <summary>Handles a message; false if it does not know it.</summary>
public delegate bool Receive(object message);

/// <summary>Handles every message.</summary>
public delegate void UntypedReceive(object message);

/// <summary>What the runtime needs of an actor.</summary>
public interface IInternalActor
{
    IActorContext ActorContext { get; }
}

/// <summary>
/// Every actor: one message at a time, its own state, children that it supervises.
/// </summary>
public abstract class ActorBase : IInternalActor
{
    private ActorCell _cell;
    private SupervisorStrategy _strategy;
    private IActorRef _clearedSelf;

    /// <exception cref="ActorInitializationException">Not made through ActorOf.</exception>
    protected ActorBase()
    {
        var cell = ActorCell.Current;
        if (cell is not { CreationDepth: > 0 })
        {
            throw new ActorInitializationException(
                $"You cannot create an instance of [{GetType().FullName}] explicitly using the " +
                "constructor (new). You have to use one of the factory methods to create a new " +
                "actor (ActorOf).");
        }
        _cell = cell;
        cell.BaseBehaviour = Receive;
    }

    /// <summary>The context of the actor that is running.</summary>
    /// <exception cref="NotSupportedException">No actor is running here.</exception>
    protected static IActorContext Context => ActorCell.Current ?? throw NoContext();

    IActorContext IInternalActor.ActorContext => Cell;

    internal ActorCell Cell => _cell ?? throw NoContext();

    internal static NotSupportedException NoContext() => new(
        "There is no active ActorContext, this is most likely due to use of async operations " +
        "from within this actor.");

    /// <summary>The reference of this actor; only inside its own turn.</summary>
    protected IActorRef Self => _clearedSelf ?? Context.Self;

    /// <summary>Who sent the message in hand, or dead letters.</summary>
    protected IActorRef Sender => Context.Sender;

    /// <summary>Handles a message; false makes it unhandled.</summary>
    protected abstract bool Receive(object message);

    /// <summary>Runs before the first message of the first incarnation.</summary>
    protected virtual void PreStart() { }

    /// <summary>Runs after the last message, and before a restart by default.</summary>
    protected virtual void PostStop() { }

    /// <summary>
    /// Runs in the failed instance before its successor is made. By default it unwatches and
    /// stops all children and calls <see cref="PostStop"/>.
    /// </summary>
    /// <param name="reason">Why it failed.</param>
    /// <param name="message">What it was handling, or null.</param>
    protected virtual void PreRestart(Exception reason, object message)
    {
        foreach (var child in Context.GetChildren())
        {
            Context.Unwatch(child);
            Context.Stop(child);
        }
        PostStop();
    }

    /// <summary>Runs in the new instance; by default it calls <see cref="PreStart"/>.</summary>
    protected virtual void PostRestart(Exception reason) => PreStart();

    /// <summary>How failures of children are answered.</summary>
    protected virtual SupervisorStrategy SupervisorStrategy() =>
        Akka.Actor.SupervisorStrategy.DefaultStrategy;

    /// <summary>
    /// Takes what no handler took. By default an unhandled <see cref="Terminated"/> fails the
    /// actor; anything else is published as <see cref="Akka.Event.UnhandledMessage"/>.
    /// </summary>
    /// <exception cref="DeathPactException">A watched actor ended and nobody cared.</exception>
    protected virtual void Unhandled(object message) => Cell.PublishUnhandled(message);

    /// <summary>Replaces the behaviour on top of the stack.</summary>
    protected void Become(Receive receive) => Cell.Become(receive);

    /// <summary>Puts a behaviour on the stack.</summary>
    protected void BecomeStacked(Receive receive) => Cell.BecomeStacked(receive);

    /// <summary>Takes the top behaviour from the stack.</summary>
    protected void UnbecomeStacked() => Cell.UnbecomeStacked();

    /// <summary>Null: no timeout.</summary>
    protected void SetReceiveTimeout(TimeSpan? timeout) => Cell.SetReceiveTimeout(timeout);

    internal SupervisorStrategy OwnStrategy => _strategy ??= SupervisorStrategy();

    /// <summary>
    /// Whoever wraps all messages of an actor, as persistence does, overrides it.
    /// </summary>
    protected internal virtual bool AroundReceive(Receive receive, object message)
    {
        if (receive(message)) return true;
        Unhandled(message);
        return false;
    }

    /// <summary>Whoever must act before <see cref="PreStart"/> overrides it.</summary>
    protected internal virtual void AroundPreStart() => PreStart();

    /// <summary>Whoever must act around <see cref="PostStop"/> overrides it.</summary>
    protected internal virtual void AroundPostStop() => PostStop();

    /// <summary>Whoever must act around <see cref="PreRestart"/> overrides it.</summary>
    protected internal virtual void AroundPreRestart(Exception cause, object message) =>
        PreRestart(cause, message);

    /// <summary>Whoever must act around <see cref="PostRestart"/> overrides it.</summary>
    protected internal virtual void AroundPostRestart(Exception cause) => PostRestart(cause);

    internal void Clear(IActorRef self)
    {
        _clearedSelf = self;
        _cell = null;
    }
}
