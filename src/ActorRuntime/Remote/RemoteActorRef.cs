#nullable disable
using Akka.Actor;

namespace Akka.Remote;

/// <summary>An actor of another system.</summary>
/// <remarks>
/// Watching goes by the remote watcher, which also notices that the system is gone.
/// </remarks>
internal sealed class RemoteActorRef(Remoting remoting, ActorPath path) : InternalActorRef
{
    private Association _association;
    private string _wirePath;

    public override ActorPath Path => path;
    public override LocalActorRefProvider Provider => remoting.Provider;
    public override bool IsLocal => false;

    internal Association Association => _association ??= remoting.AssociationWith(path.Address);

    /// <summary>The path as frames carry it: without address, with the uid.</summary>
    internal string WirePath => _wirePath ??= Remoting.WirePathOf(path);

    public override void Tell(object message, IActorRef sender)
    {
        if (message is null) throw new InvalidMessageException("Message is null");
        remoting.Send(message, sender, this);
    }

    public override void SendSystemMessage(SystemMessage message)
    {
        switch (message)
        {
            case Watch watch when ReferenceEquals(watch.Watchee, this) || Equals(watch.Watchee):
                remoting.Watcher.Tell(new WatchRemote(watch.Watchee, watch.Watcher), null);
                break;
            case Unwatch unwatch when Equals(unwatch.Watchee):
                remoting.Watcher.Tell(new UnwatchRemote(unwatch.Watchee, unwatch.Watcher), null);
                break;
            default:
                remoting.SendSystem(message, this);
                break;
        }
    }

    public override InternalActorRef GetChild(ReadOnlySpan<string> names)
    {
        var child = path;
        foreach (var name in names)
        {
            if (name == "..") child = child.Parent;
            else if (name.Length > 0 && name != ".") child = child / name;
        }

        return new RemoteActorRef(remoting, child);
    }
}
