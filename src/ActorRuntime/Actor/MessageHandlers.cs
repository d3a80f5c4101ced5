#nullable disable
namespace Akka.Actor;

/// <summary>Handlers by message type, tried in the order in which they were added.</summary>
internal sealed class MessageHandlers
{
    private abstract class Entry
    {
        public abstract bool TryHandle(object message);
    }

    private sealed class Typed<T>(Action<T> handler, Predicate<T> shouldHandle) : Entry
    {
        public override bool TryHandle(object message)
        {
            if (message is not T typed) return false;
            if (shouldHandle is not null && !shouldHandle(typed)) return false;
            handler(typed);
            return true;
        }
    }

    private sealed class Deciding<T>(Func<T, bool> handler) : Entry
    {
        public override bool TryHandle(object message) => message is T typed && handler(typed);
    }

    private sealed class ByType(Type type, Func<object, bool> handler) : Entry
    {
        public override bool TryHandle(object message) =>
            type.IsInstanceOfType(message) && handler(message);
    }

    private sealed class Any(Action<object> handler) : Entry
    {
        public override bool TryHandle(object message)
        {
            handler(message);
            return true;
        }
    }

    private Entry[] _entries = [];
    private bool _complete;

    public bool Handle(object message)
    {
        foreach (var entry in _entries)
        {
            if (entry.TryHandle(message)) return true;
        }
        return false;
    }

    public void Add<T>(Action<T> handler, Predicate<T> shouldHandle)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (typeof(T) == typeof(object) && shouldHandle is null)
        {
            AddAny((Action<object>)(object)handler);
            return;
        }
        Add(new Typed<T>(handler, shouldHandle));
    }

    public void AddDeciding<T>(Func<T, bool> handler) => Add(new Deciding<T>(handler));

    public void Add(Type type, Action<object> handler, Predicate<object> shouldHandle) =>
        AddDeciding(type, message =>
        {
            if (shouldHandle is not null && !shouldHandle(message)) return false;
            handler(message);
            return true;
        });

    public void AddDeciding(Type type, Func<object, bool> handler) =>
        Add(new ByType(type, handler));

    public void AddAny(Action<object> handler)
    {
        Add(new Any(handler));
        _complete = true;
    }

    private void Add(Entry entry)
    {
        if (_complete)
        {
            throw new InvalidOperationException(
                "A handler that catches all messages has been added. " +
                "No handler can be added after that.");
        }
        _entries = [.. _entries, entry];
    }
}
