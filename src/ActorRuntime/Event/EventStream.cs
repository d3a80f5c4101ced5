#nullable disable
using Akka.Actor;

namespace Akka.Event;

/// <summary>Where log events go.</summary>
public abstract class LoggingBus
{
    private readonly List<ILogSink> _sinks = [];
    private ILogSink[] _published = [];

    /// <summary>Events below it are not made.</summary>
    public LogLevel LogLevel { get; private set; } = LogLevel.InfoLevel;

    public virtual void SetLogLevel(LogLevel logLevel) => LogLevel = logLevel;

    internal void AddSink(ILogSink sink)
    {
        lock (_sinks)
        {
            _sinks.Add(sink);
            Volatile.Write(ref _published, [.. _sinks]);
        }
    }

    internal void RemoveSink(ILogSink sink)
    {
        lock (_sinks)
        {
            _sinks.Remove(sink);
            Volatile.Write(ref _published, [.. _sinks]);
        }
    }

    private protected void Write(LogEvent entry)
    {
        foreach (var sink in Volatile.Read(ref _published)) sink.Write(entry);
    }
}

/// <summary>Takes log events in the thread that makes them.</summary>
internal interface ILogSink
{
    void Write(LogEvent entry);
}

/// <summary>Publishes events to subscribers by their class, base classes and interfaces.</summary>
/// <remarks>Subscribers are told in the order in which they subscribed.</remarks>
public class EventStream : LoggingBus
{
    private readonly record struct Subscription(IActorRef Subscriber, Type Channel);

    private readonly Lock _lock = new();
    private readonly bool _debug;
    private Subscription[] _subscriptions = [];
    private Dictionary<Type, IActorRef[]> _byClass = [];

    public EventStream(bool debug) => _debug = debug;

    /// <summary>True if the subscription is new.</summary>
    public bool Subscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        lock (_lock)
        {
            var added = new Subscription(subscriber, channel);
            if (_subscriptions.Contains(added)) return false;
            Replace([.. _subscriptions, added]);
        }
        if (_debug) Note($"subscribing {subscriber} to channel {channel}");
        return true;
    }

    /// <summary>True if there was such a subscription.</summary>
    public bool Unsubscribe(IActorRef subscriber, Type channel) =>
        Remove(entry => entry.Subscriber.Equals(subscriber) && entry.Channel == channel);

    /// <summary>Ends all subscriptions of the subscriber.</summary>
    public bool Unsubscribe(IActorRef subscriber) =>
        Remove(entry => entry.Subscriber.Equals(subscriber));

    /// <summary>Ends the subscriptions of an actor that has ended; most have none.</summary>
    internal void Forget(IActorRef ended)
    {
        foreach (var entry in Volatile.Read(ref _subscriptions))
        {
            if (!entry.Subscriber.Equals(ended)) continue;
            Unsubscribe(ended);
            return;
        }
    }

    private bool Remove(Predicate<Subscription> ended)
    {
        lock (_lock)
        {
            var kept = Array.FindAll(_subscriptions, entry => !ended(entry));
            if (kept.Length == _subscriptions.Length) return false;
            Replace(kept);
            return true;
        }
    }

    private void Replace(Subscription[] subscriptions)
    {
        Volatile.Write(ref _subscriptions, subscriptions);
        Volatile.Write(ref _byClass, []);
    }

    /// <summary>Tells everyone who subscribed to the event's class or a base of it.</summary>
    public void Publish(object @event)
    {
        ArgumentNullException.ThrowIfNull(@event);
        if (@event is LogEvent entry) Write(entry);
        foreach (var subscriber in SubscribersOf(@event.GetType()))
        {
            subscriber.Tell(@event, ActorRefs.NoSender);
        }
    }

    private IActorRef[] SubscribersOf(Type type)
    {
        if (Volatile.Read(ref _byClass).TryGetValue(type, out var known)) return known;
        lock (_lock)
        {
            var found = _subscriptions.Where(entry => entry.Channel.IsAssignableFrom(type))
                .Select(entry => entry.Subscriber).Distinct().ToArray();
            Volatile.Write(ref _byClass,
                new Dictionary<Type, IActorRef[]>(_byClass) { [type] = found });
            return found;
        }
    }

    private void Note(string text) => Write(new Debug("EventStream", GetType(), text));
}

/// <summary>Subscribing with the channel as a type argument.</summary>
public static class EventStreamExtensions
{
    public static bool Subscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) =>
        eventStream.Subscribe(subscriber, typeof(TChannel));

    public static bool Unsubscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) =>
        eventStream.Unsubscribe(subscriber, typeof(TChannel));
}
