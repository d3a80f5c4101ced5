#nullable disable
namespace Akka.Actor;

/// <summary>An actor with one handler for all messages.</summary>
public abstract class UntypedActor : ActorBase
{
    /// <summary>The context of the actor that is running.</summary>
    protected static new IUntypedActorContext Context =>
        ActorCell.Current ?? throw NoContext();

    /// <summary>Handles a message; what it does not know it gives to Unhandled.</summary>
    protected abstract void OnReceive(object message);

    protected override bool Receive(object message)
    {
        OnReceive(message);
        return true;
    }

    protected void Become(UntypedReceive receive) => Cell.Become(receive);
    protected void BecomeStacked(UntypedReceive receive) => Cell.BecomeStacked(receive);

    /// <summary>Runs an asynchronous handler; no user message is handled before it ends.</summary>
    protected static void RunTask(Action action) => RunTask(() =>
    {
        action();
        return Task.CompletedTask;
    });

    /// <summary>Runs an asynchronous handler; no user message is handled before it ends.</summary>
    protected static void RunTask(Func<Task> action) =>
        (ActorCell.Current ?? throw NoContext()).RunTask(action);
}
