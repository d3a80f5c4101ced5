#nullable disable
using Akka.Actor;

namespace Akka.Event;

/// <summary>A message that nobody processed.</summary>
public abstract class AllDeadLetters(object message, IActorRef sender, IActorRef recipient)
    : IWrappedMessage
{
    public object Message { get; } = message;
    public IActorRef Sender { get; } = sender;
    public IActorRef Recipient { get; } = recipient;
    public override string ToString() =>
        $"{GetType().Name} from {Sender} to {Recipient}: <{Message}>";
}

/// <summary>A message that carries another.</summary>
public interface IWrappedMessage
{
    object Message { get; }
}

/// <summary>The recipient has ended or never was.</summary>
public sealed class DeadLetter(object message, IActorRef sender, IActorRef recipient)
    : AllDeadLetters(message, sender, recipient);

/// <summary>As a dead letter, but one that is normal.</summary>
public sealed class SuppressedDeadLetter(
    IDeadLetterSuppression message, IActorRef sender, IActorRef recipient)
    : AllDeadLetters(message, sender, recipient);

/// <summary>The recipient had no handler for it.</summary>
public sealed class UnhandledMessage(object message, IActorRef sender, IActorRef recipient)
    : AllDeadLetters(message, sender, recipient);

/// <summary>Dropped on purpose, as by a full queue.</summary>
public sealed class Dropped(
    object message, string reason, IActorRef sender, IActorRef recipient)
    : AllDeadLetters(message, sender, recipient)
{
    public Dropped(object message, string reason, IActorRef recipient)
        : this(message, reason, ActorRefs.NoSender, recipient) { }
    public string Reason => reason;
}
