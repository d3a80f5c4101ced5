#nullable disable
namespace Akka.Actor;

/// <summary>What the runtime says to a cell; handled before every user message.</summary>
internal abstract class SystemMessage
{
    /// <summary>The next older message while it waits in a cell's stack.</summary>
    internal SystemMessage Next;
}

/// <summary>Makes the actor's first incarnation.</summary>
internal sealed class Create : SystemMessage;

/// <summary>Makes the actor anew after a failure.</summary>
internal sealed class Recreate(Exception cause) : SystemMessage
{
    public Exception Cause => cause;
}

/// <summary>Stops user messages until <see cref="Resume"/> or <see cref="Recreate"/>.</summary>
internal sealed class Suspend : SystemMessage;

/// <summary>Undoes one <see cref="Suspend"/>.</summary>
internal sealed class Resume(Exception causedByFailure) : SystemMessage
{
    public Exception CausedByFailure => causedByFailure;
}

/// <summary>Ends the actor.</summary>
internal sealed class Terminate : SystemMessage;

/// <summary>A child says that it failed and waits for a directive.</summary>
internal sealed class Failed(IActorRef child, Exception cause, long uid) : SystemMessage
{
    public IActorRef Child => child;
    public Exception Cause => cause;
    public long Uid => uid;
}

/// <summary>The watcher wants to know when the watchee ends.</summary>
internal sealed class Watch(InternalActorRef watchee, InternalActorRef watcher) : SystemMessage
{
    public InternalActorRef Watchee => watchee;
    public InternalActorRef Watcher => watcher;
}

/// <summary>The watcher does not want to know any more.</summary>
internal sealed class Unwatch(InternalActorRef watchee, InternalActorRef watcher) : SystemMessage
{
    public InternalActorRef Watchee => watchee;
    public InternalActorRef Watcher => watcher;
}

/// <summary>An actor that the receiver watches or supervises has ended.</summary>
internal sealed class DeathWatchNotification(
    IActorRef actor, bool existenceConfirmed, bool addressTerminated) : SystemMessage
{
    public IActorRef Actor => actor;
    public bool ExistenceConfirmed => existenceConfirmed;
    public bool AddressTerminated => addressTerminated;
}

/// <summary>Every actor at the address has ended, whether it said so or not.</summary>
internal sealed class AddressTerminated(Address address) : SystemMessage
{
    public Address Address => address;
}

/// <summary>The rest of an asynchronous handler, to be run inside its actor.</summary>
internal sealed class Continuation(
    AsyncActivity activity, SendOrPostCallback callback, object state) : SystemMessage
{
    public AsyncActivity Activity => activity;
    public void Invoke() => callback(state);
}

/// <summary>An asynchronous handler has ended.</summary>
internal sealed class ActivityCompleted(AsyncActivity activity, Exception failure) : SystemMessage
{
    public AsyncActivity Activity => activity;
    public Exception Failure => failure;
}
