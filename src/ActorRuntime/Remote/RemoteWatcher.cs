using Akka.Actor;
using Akka.Event;

namespace Akka.Remote;

internal sealed record WatchRemote(InternalActorRef Watchee, InternalActorRef Watcher)
    : INoSerializationVerificationNeeded;

internal sealed record UnwatchRemote(InternalActorRef Watchee, InternalActorRef Watcher)
    : INoSerializationVerificationNeeded;

/// <summary>A remote watchee has told its end itself.</summary>
internal sealed record WatcheeGone(IActorRef Watchee) : INoSerializationVerificationNeeded;

/// <summary>Whether the cluster, not this actor, decides if a system is gone.</summary>
internal sealed record ClusterDecides(Address Address, bool IsClusterMember)
    : INoSerializationVerificationNeeded;

/// <summary>The heartbeat between watching systems.</summary>
internal sealed class RemoteHeartbeat : IDeadLetterSuppression
{
    public static readonly RemoteHeartbeat Instance = new();
}

/// <summary>Its answer, with the incarnation that lives there.</summary>
internal sealed record RemoteHeartbeatRsp(int Uid) : IDeadLetterSuppression;

/// <summary>Watches actors of other systems on behalf of actors here.</summary>
/// <remarks>
/// Hears:  <see cref="WatchRemote"/>, <see cref="UnwatchRemote"/>, heartbeats and their answers.
/// Says:   the watch itself to the remote actor; heartbeats to its system;
///         <see cref="AddressTerminated"/> to all here who watch there, when it is silent.
/// Holds:  who watches whom; a failure detector per watched system.
/// Fails:  never for what comes from outside. When restarted, watches must be made anew.
/// </remarks>
internal sealed class RemoteWatcher : UntypedActor, IWithTimers
{
    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }

    private readonly Remoting _remoting;
    private readonly FailureDetectorRegistry<Address> _detectors;
    private readonly SortedDictionary<Address, Dictionary<InternalActorRef,
        HashSet<InternalActorRef>>>
        _watching = new(Cluster.AddressOrdering.Instance);
    private readonly Dictionary<Address, int> _uids = [];
    private readonly HashSet<Address> _unreachable = [];
    private readonly HashSet<Address> _clusterMembers = [];

    public RemoteWatcher(Remoting remoting)
    {
        _remoting = remoting;
        var scheduler = remoting.System.Scheduler;
        _detectors = new(() => remoting.Settings.WatchDetector.Create(
            () => (long)scheduler.MonotonicClock.TotalMilliseconds));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(
        "tick", Tick.Instance, _remoting.Settings.WatchHeartbeatInterval);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case WatchRemote watch:
                AddWatch(watch);
                break;
            case UnwatchRemote unwatch:
                RemoveWatch(unwatch);
                break;
            case WatcheeGone gone:
                Forget(gone.Watchee);
                break;
            case RemoteHeartbeat:
                Sender.Tell(new RemoteHeartbeatRsp(_remoting.Self.Uid));
                break;
            case RemoteHeartbeatRsp answer:
                TakeAnswer(Sender.Path.Address, answer.Uid);
                break;
            case ClusterDecides decides:
                if (decides.IsClusterMember) _clusterMembers.Add(decides.Address);
                else _clusterMembers.Remove(decides.Address);
                break;
            case Tick:
                Beat();
                Reap();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void AddWatch(WatchRemote watch)
    {
        var address = watch.Watchee.Path.Address;
        if (!_watching.TryGetValue(address, out var watchees))
        {
            _watching[address] = watchees = [];
            _unreachable.Remove(address);
        }

        if (!watchees.TryGetValue(watch.Watchee, out var watchers))
        {
            watchees[watch.Watchee] = watchers = [];
        }

        watchers.Add(watch.Watcher);
        _remoting.SendSystem(new Watch(watch.Watchee, watch.Watcher),
            (RemoteActorRef)watch.Watchee);
    }

    private void RemoveWatch(UnwatchRemote unwatch)
    {
        var address = unwatch.Watchee.Path.Address;
        if (!_watching.TryGetValue(address, out var watchees)
            || !watchees.TryGetValue(unwatch.Watchee, out var watchers)
            || !watchers.Remove(unwatch.Watcher))
        {
            return;
        }

        _remoting.SendSystem(
            new Unwatch(unwatch.Watchee, unwatch.Watcher), (RemoteActorRef)unwatch.Watchee);
        if (watchers.Count == 0) Forget(unwatch.Watchee);
    }

    private void Forget(IActorRef watchee)
    {
        var address = watchee.Path.Address;
        if (!_watching.TryGetValue(address, out var watchees)) return;
        var match = watchees.Keys.Where(known => known.Equals(watchee)
            || (known.Path.Uid == 0 && known.Path.Equals(watchee.Path))).ToList();
        foreach (var known in match) watchees.Remove(known);
        if (watchees.Count > 0) return;
        _watching.Remove(address);
        _detectors.Remove(address);
        _uids.Remove(address);
    }

    private void Beat()
    {
        foreach (var address in _watching.Keys)
        {
            if (_clusterMembers.Contains(address) || _unreachable.Contains(address)) continue;
            // The first beat starts the detector, so that a system that never answers is noticed.
            if (!_detectors.IsMonitoring(address)) _detectors.Heartbeat(address);
            Context.ActorSelection(new RootActorPath(address) / "system" / "remote-watcher")
                .Tell(RemoteHeartbeat.Instance, Self);
        }
    }

    private void Reap()
    {
        foreach (var address in _watching.Keys.ToList())
        {
            if (_clusterMembers.Contains(address) || _unreachable.Contains(address)) continue;
            if (_detectors.IsAvailable(address)) continue;
            _remoting.Log.Warning("Detected unreachable: [{0}]", address);
            _unreachable.Add(address);
            if (_uids.TryGetValue(address, out var uid))
            {
                _remoting.Quarantine(address, uid, "deathwatch heartbeats stopped");
            }

            Publish(address);
        }
    }

    private void TakeAnswer(Address address, int uid)
    {
        if (!_watching.TryGetValue(address, out var watchees)) return;
        if (_unreachable.Contains(address)) return;
        _detectors.Heartbeat(address);
        var isKnown = _uids.TryGetValue(address, out var known);
        _uids[address] = uid;
        if (!isKnown || known == uid) return;

        // Another incarnation: those who were watched are gone, which it will confirm.
        foreach (var (watchee, watchers) in watchees)
        {
            foreach (var watcher in watchers)
            {
                _remoting.SendSystem(new Watch(watchee, watcher), (RemoteActorRef)watchee);
            }
        }
    }

    private void Publish(Address address)
    {
        _remoting.Provider.AddressTerminatedTopic.Publish(address);
        _watching.Remove(address);
        _detectors.Remove(address);
        _uids.Remove(address);
        _unreachable.Remove(address);
    }
}
