#nullable disable
using Akka.Actor;

namespace Akka.TestKit;

/// <summary>A message that a test actor received.</summary>
public abstract class MessageEnvelope
{
    public abstract object Message { get; }
    public abstract IActorRef Sender { get; }
    public static readonly MessageEnvelope Null = new ReceivedMessage(null, ActorRefs.NoSender);
}

/// <summary>A message with its sender.</summary>
public sealed class ReceivedMessage(object message, IActorRef sender) : MessageEnvelope
{
    public override object Message => message;
    public override IActorRef Sender => sender;
    public override string ToString() => $"<{Message}> from {Sender}";
}

/// <summary>What a test actor received and the test has not yet taken.</summary>
internal sealed class ReceivedMessages
{
    private readonly LinkedList<MessageEnvelope> _messages = new();

    public int Count
    {
        get { lock (_messages) return _messages.Count; }
    }

    public void Add(MessageEnvelope message)
    {
        lock (_messages)
        {
            _messages.AddLast(message);
            Monitor.PulseAll(_messages);
        }
    }

    /// <summary>Waits for a message; a negative time waits for ever.</summary>
    public bool TryTake(
        out MessageEnvelope message, TimeSpan wait, CancellationToken token, bool remove = true)
    {
        var deadline = wait < TimeSpan.Zero ? TimeSpan.MaxValue : TestKitBase.Now + wait;
        lock (_messages)
        {
            while (_messages.First is null)
            {
                token.ThrowIfCancellationRequested();
                var left = deadline - TestKitBase.Now;
                if (left <= TimeSpan.Zero)
                {
                    message = null;
                    return false;
                }
                var slice = left < TimeSpan.FromMilliseconds(50)
                    ? left : TimeSpan.FromMilliseconds(50);
                Monitor.Wait(_messages, slice);
            }
            message = _messages.First.Value;
            if (remove) _messages.RemoveFirst();
            return true;
        }
    }
}
