#nullable disable
namespace Akka.Actor;

/// <summary>Makes actors and finds them.</summary>
public interface IActorRefFactory
{
    /// <summary>Makes a child; without a name it gets a generated one.</summary>
    /// <exception cref="InvalidActorNameException">The name is malformed or taken.</exception>
    IActorRef ActorOf(Props props, string name = null);

    ActorSelection ActorSelection(ActorPath actorPath);
    ActorSelection ActorSelection(string actorPath);
}

/// <summary>Hears of the end of other actors.</summary>
public interface ICanWatch
{
    /// <summary>Asks for <see cref="Terminated"/> when the subject ends.</summary>
    IActorRef Watch(IActorRef subject);

    /// <summary>Asks for the given message when the subject ends.</summary>
    IActorRef WatchWith(IActorRef subject, object message);

    /// <summary>Undoes a watch; news that are queued already are dropped.</summary>
    IActorRef Unwatch(IActorRef subject);
}

/// <summary>What an actor can say and know about itself while it handles a message.</summary>
public interface IActorContext : IActorRefFactory, ICanWatch
{
    IActorRef Self { get; }
    Props Props { get; }
    IActorRef Sender { get; }
    ActorSystem System { get; }
    IActorRef Parent { get; }
    TimeSpan? ReceiveTimeout { get; }

    void Become(Receive receive);
    void BecomeStacked(Receive receive);
    void UnbecomeStacked();

    /// <summary>The child of that name, or <see cref="ActorRefs.Nobody"/>.</summary>
    IActorRef Child(string name);

    IEnumerable<IActorRef> GetChildren();

    /// <summary>Null: no timeout.</summary>
    void SetReceiveTimeout(TimeSpan? timeout);

    /// <summary>Ends a child after the message in its hand.</summary>
    void Stop(IActorRef child);
}

/// <summary>The context of an <see cref="UntypedActor"/>.</summary>
public interface IUntypedActorContext : IActorContext
{
    void Become(UntypedReceive receive);
    void BecomeStacked(UntypedReceive receive);
}

/// <summary>Shorter forms of ActorOf and ActorSelection.</summary>
public static class ActorRefFactoryExtensions
{
    /// <summary>Makes an actor whose type has a constructor without arguments.</summary>
    public static IActorRef ActorOf<TActor>(this IActorRefFactory factory, string name = null)
        where TActor : ActorBase, new() => factory.ActorOf(Props.Create<TActor>(), name);

    /// <summary>
    /// Finds actors relative to the anchor, or absolute if it starts with a slash.
    /// </summary>
    public static ActorSelection ActorSelection(
        this IActorRefFactory factory, IActorRef anchorRef, string actorPath)
    {
        if (ActorPath.TryParse(actorPath, out var absolute))
        {
            return factory.ActorSelection(absolute);
        }
        if (anchorRef is not InternalActorRef anchor)
        {
            return new ActorSelection(anchorRef, actorPath);
        }
        var from = actorPath.StartsWith('/') ? anchor.Provider.RootGuardian : anchor;
        return new ActorSelection(from, actorPath);
    }
}
