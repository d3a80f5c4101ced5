#nullable disable
using Akka.Actor;

namespace Akka.Persistence;

/// <summary>A persistent actor with two receive functions.</summary>
public abstract class PersistentActor : Eventsourced;

/// <summary>A persistent actor with untyped receive methods.</summary>
public abstract class UntypedPersistentActor : Eventsourced
{
    protected abstract void OnCommand(object message);

    protected abstract void OnRecover(object message);

    protected override bool ReceiveCommand(object message)
    {
        OnCommand(message);
        return true;
    }

    protected override bool ReceiveRecover(object message)
    {
        OnRecover(message);
        return true;
    }

    protected void Become(UntypedReceive receive) => Become(message =>
    {
        receive(message);
        return true;
    });

    protected void BecomeStacked(UntypedReceive receive) => BecomeStacked(message =>
    {
        receive(message);
        return true;
    });

    protected static new IUntypedActorContext Context => (IUntypedActorContext)ActorBase.Context;
}

/// <summary>
/// A persistent actor with typed handlers, tried in the order of their registration.
/// </summary>
public abstract class ReceivePersistentActor : UntypedPersistentActor
{
    private readonly List<Func<object, bool>> _recoveries = [];
    private readonly List<Func<object, bool>> _firstCommands = [];
    private List<Func<object, bool>> _configured;

    protected ReceivePersistentActor() => _configured = _firstCommands;

    protected sealed override bool ReceiveRecover(object message) => Handle(_recoveries, message);

    protected sealed override bool ReceiveCommand(object message) =>
        Handle(_firstCommands, message);

    protected sealed override void OnCommand(object message)
    {
    }

    protected sealed override void OnRecover(object message)
    {
    }

    protected void Recover<T>(Action<T> handler, Predicate<T> shouldHandle = null) =>
        _recoveries.Add(Typed(handler, shouldHandle));

    protected void Recover<T>(Predicate<T> shouldHandle, Action<T> handler) =>
        _recoveries.Add(Typed(handler, shouldHandle));

    protected void Recover<T>(Func<T, bool> handler) => _recoveries.Add(Typed(handler));

    protected void Recover(
        Type messageType, Action<object> handler, Predicate<object> shouldHandle = null) =>
        _recoveries.Add(Typed(messageType, handler, shouldHandle));

    protected void RecoverAny(Action<object> handler) => _recoveries.Add(Typed(handler, null));

    protected void Command<T>(Action<T> handler, Predicate<T> shouldHandle = null) =>
        _configured.Add(Typed(handler, shouldHandle));

    protected void Command<T>(Predicate<T> shouldHandle, Action<T> handler) =>
        _configured.Add(Typed(handler, shouldHandle));

    protected void Command<T>(Func<T, bool> handler) => _configured.Add(Typed(handler));

    protected void Command(
        Type messageType, Action<object> handler, Predicate<object> shouldHandle = null) =>
        _configured.Add(Typed(messageType, handler, shouldHandle));

    protected void Command(Action<object> handler) => CommandAny(handler);

    protected void CommandAny(Action<object> handler) => _configured.Add(Typed(handler, null));

    protected void CommandAsync<T>(Func<T, Task> handler, Predicate<T> shouldHandle = null) =>
        _configured.Add(Typed(message => RunTask(() => handler(message)), shouldHandle));

    protected void CommandAsync<T>(Predicate<T> shouldHandle, Func<T, Task> handler) =>
        CommandAsync(handler, shouldHandle);

    protected void CommandAsync(
        Type messageType, Func<object, Task> handler, Predicate<object> shouldHandle = null) =>
        Command(messageType, message => RunTask(() => handler(message)), shouldHandle);

    protected void CommandAnyAsync(Func<object, Task> handler) => CommandAsync(handler);

    /// <summary>Replaces the command handlers by those that 'configure' registers.</summary>
    protected void Become(Action configure) => Become(Configured(configure));

    protected void BecomeStacked(Action configure) => BecomeStacked(Configured(configure));

    private Receive Configured(Action configure)
    {
        var outer = _configured;
        var handlers = _configured = [];
        try
        {
            configure();
        }
        finally
        {
            _configured = outer;
        }

        return message => Handle(handlers, message);
    }

    private static bool Handle(List<Func<object, bool>> handlers, object message)
    {
        foreach (var handler in handlers)
        {
            if (handler(message)) return true;
        }

        return false;
    }

    private static Func<object, bool> Typed<T>(Action<T> handler, Predicate<T> shouldHandle) =>
        message =>
        {
            if (message is not T typed || shouldHandle?.Invoke(typed) == false) return false;
            handler(typed);
            return true;
        };

    private static Func<object, bool> Typed<T>(Func<T, bool> handler) =>
        message => message is T typed && handler(typed);

    private static Func<object, bool> Typed(
        Type type, Action<object> handler, Predicate<object> shouldHandle) =>
        message =>
        {
            if (!type.IsInstanceOfType(message)) return false;
            if (shouldHandle?.Invoke(message) == false) return false;
            handler(message);
            return true;
        };
}
