#nullable disable
using Akka.Dispatch;
using Akka.Util;

namespace Akka.Actor;

/// <summary>A reference as the runtime sees it: it also carries system messages.</summary>
/// <remarks>
/// Everything that crosses a supervision or death-watch relation goes through
/// <see cref="SendSystemMessage"/>; a remote reference hands it to its transport.
/// </remarks>
internal abstract class InternalActorRef : IActorRef
{
    /// <summary>
    /// The reference that carries system messages: probes of tests stand for one. Null for Nobody.
    /// </summary>
    public static InternalActorRef Of(IActorRef actorRef) => actorRef switch
    {
        InternalActorRef own => own,
        IActorRefWrapper wrapper => Of(wrapper.Wrapped),
        _ => null,
    };

    public abstract ActorPath Path { get; }
    public abstract LocalActorRefProvider Provider { get; }

    /// <summary>The supervisor, or <see cref="Nobody"/>'s stand-in for roots.</summary>
    public virtual InternalActorRef Parent => null;

    /// <summary>True if the actor runs in this system.</summary>
    public virtual bool IsLocal => true;

    /// <summary>True once it is known that no message will be processed again.</summary>
    public virtual bool IsTerminated => false;

    public abstract void Tell(object message, IActorRef sender);
    public abstract void SendSystemMessage(SystemMessage message);

    /// <summary>A descendant by names, or null if there is none.</summary>
    public virtual InternalActorRef GetChild(ReadOnlySpan<string> names) =>
        names.IsEmpty ? this : null;

    public void Suspend() => SendSystemMessage(new Suspend());
    public void Resume(Exception causedByFailure) =>
        SendSystemMessage(new Resume(causedByFailure));
    public void Restart(Exception cause) => SendSystemMessage(new Recreate(cause));
    public virtual void Stop() => SendSystemMessage(new Terminate());

    public bool Equals(IActorRef other) =>
        ReferenceEquals(this, other) ||
        (other is not null && Path.Uid == other.Path.Uid && Path.Equals(other.Path));

    public override bool Equals(object obj) => obj is IActorRef other && Equals(other);
    public override int GetHashCode() => Path.GetHashCode() ^ Path.Uid.GetHashCode();

    public int CompareTo(IActorRef other)
    {
        if (other is null) return 1;
        var order = Path.CompareTo(other.Path);
        return order != 0 ? order : Path.Uid.CompareTo(other.Path.Uid);
    }

    public override string ToString() =>
        Path.Uid == 0 ? $"[{Path}]" : $"[{Path}#{Path.Uid}]";

    public virtual ISurrogate ToSurrogate(ActorSystem system) =>
        new ActorRefSurrogate(Akka.Serialization.Serialization.SerializedActorPath(this));
}

/// <summary>The reference of an actor of this system; all it does is in its cell.</summary>
internal sealed class LocalActorRef(ActorCell cell, ActorPath path) : InternalActorRef
{
    private readonly MessageQueue _queue = cell.Queue;
    private readonly ActorDispatcher _dispatcher = cell.Dispatcher;

    public ActorCell Cell => cell;
    public override ActorPath Path => path;
    public override LocalActorRefProvider Provider => cell.SystemInternal.LocalProvider;
    public override InternalActorRef Parent => cell.ParentInternal;
    public override bool IsTerminated => cell.IsTerminated;

    public override void Tell(object message, IActorRef sender)
    {
        if (message is null) throw new InvalidMessageException("Message is null");
        if (_queue.Enqueue(message, sender)) _dispatcher.Schedule(cell);
    }

    public override void SendSystemMessage(SystemMessage message) => cell.EnqueueSystem(message);

    public override InternalActorRef GetChild(ReadOnlySpan<string> names)
    {
        if (names.IsEmpty) return this;
        var name = names[0];
        if (name.Length == 0 || name == ".") return GetChild(names[1..]);
        if (name == "..") return Parent?.GetChild(names[1..]);
        return cell.FindChild(name)?.GetChild(names[1..]);
    }
}
