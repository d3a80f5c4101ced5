using Akka.Actor;

namespace Fabric.Cluster;

/// <summary>The newest of a kind of message, and who wants to hear each newer one.</summary>
/// <remarks>Belongs to one actor, which watches subscribers and removes those that end.</remarks>
internal sealed class Publication<TMessage> where TMessage : class
{
    private readonly SortedDictionary<string, IActorRef> _subscribers =
        new(StringComparer.Ordinal);

    /// <summary>Null before the first one.</summary>
    public TMessage? Last { get; private set; }

    public void Publish(TMessage message)
    {
        Last = message;
        foreach (var subscriber in _subscribers.Values) subscriber.Tell(message);
    }

    /// <summary>Tells the newest at once; subscribing twice tells it again.</summary>
    public void Subscribe(IActorRef subscriber, ICanWatch watcher)
    {
        watcher.Watch(subscriber);
        _subscribers[KeyOf(subscriber)] = subscriber;
        if (Last is not null) subscriber.Tell(Last);
    }

    public void Remove(IActorRef subscriber) => _subscribers.Remove(KeyOf(subscriber));

    private static string KeyOf(IActorRef actor) => actor.Path.ToStringWithoutAddress();
}
