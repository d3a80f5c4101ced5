#nullable disable
using Akka.Event;

namespace Akka.Actor;

/// <summary>Asks a guardian to stop a child, so that it knows.</summary>
internal sealed record StopChild(IActorRef Child);

/// <summary>/user and /system.</summary>
/// <remarks>
/// Hears:  <see cref="StopChild"/>.
/// Says:   nothing.
/// Holds:  the actors of the application, or of the runtime.
/// Fails:  when a child escalates: then the system ends.
/// </remarks>
internal sealed class GuardianActor(SupervisorStrategy strategy) : ActorBase
{
    protected override SupervisorStrategy SupervisorStrategy() => strategy;

    protected override bool Receive(object message)
    {
        if (message is StopChild stop) Context.Stop(stop.Child);
        else
        {
            Context.System.DeadLetters.Tell(
                new DeadLetter(message, Sender, Self), Sender);
        }
        return true;
    }

    protected override void PreRestart(Exception reason, object message) { } // Children live on.
}

/// <summary>The root of the tree: it ends /system when /user has ended, and then itself.</summary>
/// <remarks>
/// Hears:  the end of its two children.
/// Says:   nothing.
/// Holds:  /user and /system.
/// Fails:  never by itself.
/// </remarks>
internal sealed class RootGuardianActor : ActorBase
{
    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(static _ => Directive.Stop);

    protected override void PreStart()
    {
        foreach (var child in Context.GetChildren()) Context.Watch(child);
    }

    protected override bool Receive(object message)
    {
        if (message is not Terminated terminated) return false;
        if (terminated.ActorRef.Path.Name == "user") Context.Stop(Context.Child("system"));
        else Context.Stop(Self);
        return true;
    }
}

/// <summary>Above the root: hears of its end.</summary>
internal sealed class RootParentRef(
    LocalActorRefProvider provider, ActorPath path, Action ended) : InternalActorRef
{
    public override ActorPath Path => path;
    public override LocalActorRefProvider Provider => provider;
    public override void Tell(object message, IActorRef sender) { }

    public override void SendSystemMessage(SystemMessage message)
    {
        switch (message)
        {
            case Failed failed:
                provider.System.Log.Error(failed.Cause, "The root guardian failed");
                ((InternalActorRef)failed.Child).Stop();
                break;
            case DeathWatchNotification:
                ended();
                break;
        }
    }
}
