#nullable disable
using Akka.Event;

namespace Akka.Actor;

/// <summary>
/// Where messages end that nobody will process: it publishes them as dead letters.
/// </summary>
internal class EmptyActorRef(
    LocalActorRefProvider provider, ActorPath path, EventStream events) : InternalActorRef
{
    public override ActorPath Path => path;
    public override LocalActorRefProvider Provider => provider;
    public override bool IsTerminated => true;

    public override void Tell(object message, IActorRef sender)
    {
        if (message is null) throw new InvalidMessageException("Message is null");
        if (!Special(message, sender)) Publish(message, sender);
    }

    protected virtual void Publish(object message, IActorRef sender)
    {
        events.Publish(message is IDeadLetterSuppression quiet
            ? new SuppressedDeadLetter(quiet, sender ?? provider.DeadLetters, this)
            : new DeadLetter(message, sender ?? provider.DeadLetters, this));
    }

    /// <summary>Answers what even the dead answer.</summary>
    protected bool Special(object message, IActorRef sender)
    {
        if (message is Identify identify)
        {
            sender?.Tell(new ActorIdentity(identify.MessageId, null), this);
            return true;
        }
        if (message is not ActorSelectionMessage selection) return false;
        if (selection.Message is Identify wanted && !selection.IsWildcard)
        {
            sender?.Tell(new ActorIdentity(wanted.MessageId, null), this);
            return true;
        }
        Publish(selection.Message, sender);
        return true;
    }

    public override void SendSystemMessage(SystemMessage message)
    {
        if (message is not Watch watch) return;
        if (ReferenceEquals(watch.Watchee, this) && ReferenceEquals(watch.Watcher, this)) return;
        watch.Watcher.SendSystemMessage(new DeathWatchNotification(
            watch.Watchee, existenceConfirmed: false, addressTerminated: false));
    }
}

/// <summary>The system's own dead letters: also takes letters that are wrapped already.</summary>
internal sealed class DeadLetterRef(
    LocalActorRefProvider provider, ActorPath path, EventStream events)
    : EmptyActorRef(provider, path, events)
{
    private readonly EventStream _events = events;

    protected override void Publish(object message, IActorRef sender)
    {
        if (message is not DeadLetter letter)
        {
            base.Publish(message, sender);
            return;
        }
        if (Special(letter.Message, letter.Sender)) return;
        _events.Publish(letter.Message is IDeadLetterSuppression quiet
            ? new SuppressedDeadLetter(quiet, letter.Sender, letter.Recipient)
            : letter);
    }
}
