#nullable disable
namespace Akka.Actor;

/// <summary>A message with its sender.</summary>
public readonly struct Envelope(object message, IActorRef sender)
{
    /// <summary>As the other, with its sender resolved in the system.</summary>
    public Envelope(object message, IActorRef sender, ActorSystem system)
        : this(message, sender ?? system.DeadLetters) { }

    public IActorRef Sender => sender;
    public object Message => message;

    public override string ToString() => $"<{Message}> from {Sender}";
}
