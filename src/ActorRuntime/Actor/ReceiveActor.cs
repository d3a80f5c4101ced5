#nullable disable
namespace Akka.Actor;

/// <summary>
/// An actor that lists its handlers by message type; the first that takes it wins.
/// </summary>
/// <remarks>
/// Handlers are registered in the constructor or in the action given to Become. A handler that
/// returns false lets the next one try. After ReceiveAny nothing may be registered.
/// </remarks>
public abstract class ReceiveActor : UntypedActor, IInitializableActor
{
    private MessageHandlers _handlers;
    private bool _configuring = true;
    private readonly MessageHandlers _constructed = new();

    protected ReceiveActor()
    {
        _handlers = _constructed;
        Cell.BaseBehaviour = _constructed.Handle;
    }

    void IInitializableActor.Init() => _configuring = false;

    protected sealed override void OnReceive(object message) { }

    protected void Become(Action configure) => base.Become(Configure(configure));
    protected void BecomeStacked(Action configure) => base.BecomeStacked(Configure(configure));

    private Receive Configure(Action configure)
    {
        var handlers = new MessageHandlers();
        var (outer, was) = (_handlers, _configuring);
        (_handlers, _configuring) = (handlers, true);
        try
        {
            configure();
        }
        finally
        {
            (_handlers, _configuring) = (outer, was);
        }
        return handlers.Handle;
    }

    private MessageHandlers Registering => _configuring
        ? _handlers
        : throw new InvalidOperationException(
            "You may only call Receive-methods when constructing the actor and inside Become().");

    protected void Receive<T>(Action<T> handler, Predicate<T> shouldHandle = null) =>
        Registering.Add(handler, shouldHandle);

    protected void Receive<T>(Predicate<T> shouldHandle, Action<T> handler) =>
        Registering.Add(handler, shouldHandle);

    /// <summary>A handler that may decline by returning false.</summary>
    protected void Receive<T>(Func<T, bool> handler) => Registering.AddDeciding(handler);

    protected void Receive(
        Type messageType, Action<object> handler, Predicate<object> shouldHandle = null) =>
        Registering.Add(messageType, handler, shouldHandle);

    protected void Receive(
        Type messageType, Predicate<object> shouldHandle, Action<object> handler) =>
        Registering.Add(messageType, handler, shouldHandle);

    protected void Receive(Type messageType, Func<object, bool> handler) =>
        Registering.AddDeciding(messageType, handler);

    /// <summary>Takes whatever came so far and was not taken.</summary>
    protected void ReceiveAny(Action<object> handler) => Registering.AddAny(handler);

    protected void ReceiveAsync<T>(Func<T, Task> handler, Predicate<T> shouldHandle = null) =>
        Registering.Add(message => RunTask(() => handler(message)), shouldHandle);

    protected void ReceiveAsync<T>(Predicate<T> shouldHandle, Func<T, Task> handler) =>
        ReceiveAsync(handler, shouldHandle);

    protected void ReceiveAsync(
        Type messageType, Func<object, Task> handler, Predicate<object> shouldHandle = null) =>
        Registering.Add(messageType, message => RunTask(() => handler(message)), shouldHandle);

    protected void ReceiveAsync(
        Type messageType, Predicate<object> shouldHandle, Func<object, Task> handler) =>
        ReceiveAsync(messageType, handler, shouldHandle);

    protected void ReceiveAnyAsync(Func<object, Task> handler) =>
        Registering.AddAny(message => RunTask(() => handler(message)));
}

/// <summary>Told when its constructor has ended.</summary>
internal interface IInitializableActor
{
    void Init();
}
