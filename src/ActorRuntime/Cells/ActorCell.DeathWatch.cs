#nullable disable
namespace Akka.Actor;

internal sealed partial class ActorCell
{
    /// <summary>Whom the actor watches and who watches it; only made when needed.</summary>
    private sealed class WatchState
    {
        /// <summary>Watched actors, with the message that replaces Terminated or null.</summary>
        public readonly Dictionary<IActorRef, object> Watching = [];

        /// <summary>Terminated messages that are in the mailbox and still wanted.</summary>
        public readonly Dictionary<IActorRef, object> Queued = [];

        /// <summary>In the order in which they came.</summary>
        public readonly List<InternalActorRef> WatchedBy = [];

        public bool Subscribed;
    }

    private WatchState _watch;

    public IActorRef Watch(IActorRef subject) => Watch(subject, null);

    public IActorRef WatchWith(IActorRef subject, object message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Watch(subject, message);
    }

    private IActorRef Watch(IActorRef subject, object message)
    {
        if (InternalActorRef.Of(subject) is not { } watchee || watchee.Equals(_self))
            return subject;
        var state = _watch ??= new WatchState();
        if (state.Watching.TryGetValue(watchee, out var known))
        {
            if (!Equals(known, message))
            {
                throw new InvalidOperationException(
                    $"Watch({watchee}) termination message was not overwritten: " +
                    "unwatch it first to watch it with another message");
            }
            return subject;
        }
        state.Watching.Add(watchee, message);
        watchee.SendSystemMessage(new Watch(watchee, _self));
        MaintainAddressSubscription();
        return subject;
    }

    public IActorRef Unwatch(IActorRef subject)
    {
        if (_watch is not { } state || InternalActorRef.Of(subject) is not { } watchee)
            return subject;
        if (!watchee.Equals(_self) && state.Watching.Remove(watchee))
        {
            watchee.SendSystemMessage(new Unwatch(watchee, _self));
            MaintainAddressSubscription();
        }
        state.Queued.Remove(watchee);
        return subject;
    }

    private void HandleGone(DeathWatchNotification gone)
    {
        if (_watch is { } state && TakeWatched(state, gone.Actor, out var watched, out var custom))
        {
            if (_children is not { IsTerminating: true })
            {
                state.Queued[watched] = custom;
                _self.Tell(new Terminated(
                    watched, gone.ExistenceConfirmed, gone.AddressTerminated), watched);
            }
            MaintainAddressSubscription();
        }
        if (_children is { } children && children.TryGet(gone.Actor, out _))
        {
            HandleChildGone(gone.Actor);
        }
    }

    private static bool TakeWatched(
        WatchState state, IActorRef actor, out IActorRef watched, out object custom)
    {
        watched = actor;
        if (state.Watching.Remove(actor, out custom)) return true;
        // A reference without uid means whichever incarnation lives at the path.
        foreach (var (candidate, message) in state.Watching)
        {
            var unknown = candidate.Path.Uid == 0 || actor.Path.Uid == 0;
            if (!unknown || !candidate.Path.Equals(actor.Path)) continue;
            watched = candidate;
            custom = message;
            return state.Watching.Remove(candidate);
        }
        return false;
    }

    private void ReceiveTerminated(Terminated terminated)
    {
        if (_watch is null || !_watch.Queued.Remove(terminated.ActorRef, out var custom)) return;
        if (custom is not null) _message = custom;
        ReceiveTimed(_message);
    }

    private void AddWatcher(Watch watch)
    {
        if (watch.Watcher.Equals(_self)) return;
        var state = _watch ??= new WatchState();
        if (!state.WatchedBy.Contains(watch.Watcher)) state.WatchedBy.Add(watch.Watcher);
        MaintainAddressSubscription();
    }

    private void RemoveWatcher(Unwatch unwatch)
    {
        if (_watch is null || !_watch.WatchedBy.Remove(unwatch.Watcher)) return;
        MaintainAddressSubscription();
    }

    private void TellWatchers()
    {
        if (_watch is not { } state) return;
        // Those far away first: then a local watcher that acts on the news comes after them.
        foreach (var watcher in state.WatchedBy.Where(watcher => !watcher.IsLocal)) Notify(watcher);
        foreach (var watcher in state.WatchedBy.Where(watcher => watcher.IsLocal)) Notify(watcher);
        state.WatchedBy.Clear();
    }

    private void Notify(InternalActorRef watcher)
    {
        if (watcher.Equals(_parent)) return; // Told already, as the parent.
        watcher.SendSystemMessage(new DeathWatchNotification(_self, true, false));
    }

    private void UnwatchAll()
    {
        if (_watch is not { } state) return;
        foreach (var watchee in state.Watching.Keys)
        {
            var actor = (InternalActorRef)watchee;
            actor.SendSystemMessage(new Unwatch(actor, _self));
        }
        state.Watching.Clear();
        state.Queued.Clear();
        MaintainAddressSubscription();
        _watch = null;
    }

    /// <summary>Hears of terminated addresses exactly while someone far away is involved.</summary>
    private void MaintainAddressSubscription()
    {
        var state = _watch;
        var needed = state.WatchedBy.Exists(watcher => !watcher.IsLocal) ||
            state.Watching.Keys.Any(watchee => !((InternalActorRef)watchee).IsLocal);
        if (needed == state.Subscribed) return;
        state.Subscribed = needed;
        var topic = _system.LocalProvider.AddressTerminatedTopic;
        if (needed) topic.Subscribe(_self);
        else topic.Unsubscribe(_self);
    }

    private void HandleAddressTerminated(Address address)
    {
        if (_watch is not { } state) return;
        state.WatchedBy.RemoveAll(watcher => !watcher.IsLocal &&
            watcher.Path.Address.Equals(address));
        var lost = state.Watching.Keys.Where(watchee => !((InternalActorRef)watchee).IsLocal &&
            watchee.Path.Address.Equals(address)).ToArray();
        foreach (var watchee in lost)
        {
            HandleGone(new DeathWatchNotification(
                watchee, existenceConfirmed: false, addressTerminated: true));
        }
        MaintainAddressSubscription();
    }
}
