using Akka.Actor;

namespace Fabric.Configuration;

/// <summary>A database whose rows an engine of this process holds.</summary>
/// <remarks>
/// Hears:  <see cref="SubscribeDatabase"/>, <see cref="UnsubscribeDatabase"/>,
///         <see cref="CancelTransact"/>, <see cref="DescribeDatabase"/>; each kind adds its own.
/// Says:   <see cref="DatabaseChanged"/>, <see cref="TransactCompleted"/>.
/// Holds:  the engine: rows, subscribers, transactions that wait.
/// Fails:  as its kind says.
/// </remarks>
public abstract class EngineActor : ReceiveActor, IWithTimers
{
    public ITimerScheduler Timers { get; set; } = null!;

    internal DatabaseEngine Engine { get; private protected set; } = null!;

    /// <summary>To be called once in the constructor of each kind.</summary>
    private protected void ReceiveClients()
    {
        Receive<CancelTransact>(cancel => Engine.Cancel(cancel.RequestId, Sender));
        Receive<SubscribeDatabase>(subscribe =>
        {
            Context.Watch(subscribe.Subscriber);
            Engine.Subscribe(subscribe);
        });
        Receive<UnsubscribeDatabase>(unsubscribe =>
        {
            Context.Unwatch(unsubscribe.Subscriber);
            Engine.Unsubscribe(unsubscribe.Subscriber);
        });
        Receive<Terminated>(terminated => Engine.Forget(terminated.ActorRef));
        Receive<WaitTimer>(_ =>
        {
            Engine.RetryWaiting();
            WaitTimer.Set(Timers, Engine);
        });
        Receive<DescribeDatabase>(_ => Sender.Tell(
            new DatabaseDescribed(Engine.Published, Engine.SubscriberCount)));
    }

    private protected void Run(Transact transact)
    {
        Engine.Transact(transact, Sender);
        WaitTimer.Set(Timers, Engine);
    }
}
