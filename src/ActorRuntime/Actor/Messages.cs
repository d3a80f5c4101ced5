#nullable disable
using Akka.Event;

namespace Akka.Actor;

/// <summary>Ends the receiver when its turn in the mailbox comes.</summary>
public sealed class PoisonPill : IAutoReceivedMessage, IPossiblyHarmful, IDeadLetterSuppression
{
    public static PoisonPill Instance { get; } = new();
    private PoisonPill() { }
    public override string ToString() => "<PoisonPill>";
}

/// <summary>Fails the receiver with <see cref="ActorKilledException"/>.</summary>
public sealed class Kill : IAutoReceivedMessage, IPossiblyHarmful
{
    public static Kill Instance { get; } = new();
    private Kill() { }
    public override string ToString() => "<Kill>";
}

/// <summary>Asks for <see cref="ActorIdentity"/>; every actor answers.</summary>
public sealed class Identify(object messageId) : IAutoReceivedMessage, INotInfluenceReceiveTimeout
{
    public object MessageId => messageId;
    public override string ToString() => $"<Identify>: {MessageId}";
}

/// <summary>The answer to <see cref="Identify"/>: Subject is null if nobody is there.</summary>
public sealed class ActorIdentity(object messageId, IActorRef subject)
{
    public object MessageId => messageId;
    public IActorRef Subject => subject;
    public override string ToString() => $"<ActorIdentity>: {Subject} - MessageId={MessageId}";
}

/// <summary>A watched actor has ended.</summary>
public sealed class Terminated(
    IActorRef actorRef, bool existenceConfirmed, bool addressTerminated)
    : IAutoReceivedMessage, IPossiblyHarmful, IDeadLetterSuppression,
      INoSerializationVerificationNeeded
{
    public IActorRef ActorRef => actorRef;

    /// <summary>True if the host is gone, and whether the actor had ended is not known.</summary>
    public bool AddressTerminated => addressTerminated;

    /// <summary>True if the actor is known to have existed.</summary>
    public bool ExistenceConfirmed => existenceConfirmed;

    public override string ToString() =>
        $"<Terminated>: {ActorRef} - ExistenceConfirmed={ExistenceConfirmed}";
}

/// <summary>Nothing came for as long as the receive timeout says.</summary>
public sealed class ReceiveTimeout : IPossiblyHarmful
{
    public static ReceiveTimeout Instance { get; } = new();
    private ReceiveTimeout() { }
    public override string ToString() => "<ReceiveTimeout>";
}

/// <summary>Answers that say whether something went well.</summary>
public abstract class Status
{
    /// <summary>It went well.</summary>
    public sealed class Success(object status) : Status
    {
        public static readonly Success Instance = new(null);
        public readonly object Status = status;
        public override string ToString() => $"Success: {Status ?? "<null>"}";
    }

    /// <summary>It failed; an Ask fails with the cause.</summary>
    public sealed class Failure(Exception cause, object state) : Status
    {
        public Failure(Exception cause) : this(cause, null) { }
        public readonly Exception Cause = cause;
        public readonly object State = state;
        public override string ToString() => $"Failure: {Cause}";
    }
}
