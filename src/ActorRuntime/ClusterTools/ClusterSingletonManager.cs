using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Serialization;

namespace Akka.Cluster.Tools.Singleton;

/// <summary>What singleton managers of different hosts say to each other.</summary>
internal interface IClusterSingletonMessage : IDeadLetterSuppression;

/// <summary>The sender is the oldest now and wants the singleton.</summary>
internal sealed record HandOverToMe : IClusterSingletonMessage;

/// <summary>It is being stopped.</summary>
internal sealed record HandOverInProgress : IClusterSingletonMessage;

/// <summary>It has ended at the sender.</summary>
internal sealed record HandOverDone : IClusterSingletonMessage;

/// <summary>
/// Runs an actor on the oldest host of the cluster, or of a role, and only there.
/// </summary>
/// <remarks>
/// Hears:  membership; hand-over messages of the managers on other hosts; the singleton's end.
/// Says:   <see cref="HandOverToMe"/> to older hosts that are on their way out;
///         <see cref="HandOverDone"/> when the singleton has ended here.
/// Holds:  the members that could have the singleton, by age; the singleton's reference.
/// Fails:  with its host. Whoever is next waits for the hand-over, or for the older host's removal
///         and the margin after it.
/// </remarks>
public sealed class ClusterSingletonManager : UntypedActor, IWithTimers
{
    private enum Phase
    {
        /// <summary>Somebody older has it.</summary>
        Younger,

        /// <summary>Waits for older hosts to hand over or to be gone.</summary>
        BecomingOldest,

        /// <summary>It runs here.</summary>
        Oldest,

        /// <summary>It is being stopped here.</summary>
        HandingOver,

        /// <summary>This host takes no part any more.</summary>
        Ended,
    }

    private sealed class Retry
    {
        public static readonly Retry Instance = new();
    }

    private sealed class MarginPassed
    {
        public static readonly MarginPassed Instance = new();
    }

    private sealed record ShutdownRequested(TaskCompletionSource Completed)
        : INoSerializationVerificationNeeded;

    private readonly Props _singletonProps;
    private readonly object _terminationMessage;
    private readonly ClusterSingletonManagerSettings _settings;
    private readonly Cluster _cluster;
    private readonly ILoggingAdapter _log;
    private readonly SortedDictionary<UniqueAddress, Member> _members = [];
    private readonly HashSet<UniqueAddress> _handedOver = [];
    private readonly HashSet<IActorRef> _waitingForHandOver = [];
    private readonly List<TaskCompletionSource> _completions = [];
    private Phase _phase = Phase.Younger;
    private IActorRef? _singleton;
    private bool _isMarginPending;

    public ClusterSingletonManager(
        Props singletonProps, object terminationMessage, ClusterSingletonManagerSettings settings)
    {
        _singletonProps = singletonProps;
        _terminationMessage = terminationMessage;
        _settings = settings;
        _cluster = Cluster.Get(Context.System);
        _log = Context.GetLogger();
        var self = Self;
        var shutdown = CoordinatedShutdown.Get(Context.System);
        shutdown.AddTask(
            CoordinatedShutdown.PhaseClusterExiting,
            "wait-singleton-exiting-" + Self.Path.ToStringWithoutAddress(),
            () =>
            {
                var completed = new TaskCompletionSource();
                if (_cluster.IsTerminated) completed.SetResult();
                else self.Tell(new ShutdownRequested(completed), ActorRefs.NoSender);
                return completed.Task.ContinueWith(
                    _ => Done.Instance, CancellationToken.None,
                    TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Props of the manager; the singleton ends by PoisonPill.</summary>
    public static Props Props(Props singletonProps, ClusterSingletonManagerSettings settings) =>
        Props(singletonProps, PoisonPill.Instance, settings);

    public static Props Props(
        Props singletonProps, object terminationMessage,
            ClusterSingletonManagerSettings settings) =>
        Akka.Actor.Props.Create(
            () => new ClusterSingletonManager(singletonProps, terminationMessage, settings));

    /// <summary>The defaults, under Akka's keys.</summary>
    public static Config DefaultConfig() => ConfigurationFactory.ParseString(Reference);

    internal const string Reference =
        """
        akka.cluster {
          singleton {
            singleton-name = "singleton"
            role = ""
            hand-over-retry-interval = 1s
            min-number-of-hand-over-retries = 15
            use-lease = ""
            lease-retry-interval = 5s
          }
          singleton-proxy {
            singleton-name = ${akka.cluster.singleton.singleton-name}
            role = ""
            singleton-identification-interval = 1s
            buffer-size = 1000
          }
        }
        akka.actor {
          serializers.akka-singleton =
              "Akka.Cluster.Tools.Singleton.ClusterSingletonMessageSerializer, Akka.Cluster.Tools"
          serialization-bindings {
            "Akka.Cluster.Tools.Singleton.IClusterSingletonMessage, Akka.Cluster.Tools" =
                akka-singleton
          }
        }
        """;

    private UniqueAddress Self0 => _cluster.SelfUniqueAddress;

    private TimeSpan RemovalMargin => _settings.RemovalMargin > TimeSpan.Zero
        ? _settings.RemovalMargin
        : _cluster.DowningProvider.DownRemovalMargin;

    protected override void PreStart()
    {
        _cluster.Subscribe(
            Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.ClusterShuttingDown));
        Timers.StartPeriodicTimer("retry", Retry.Instance, _settings.HandOverRetryInterval);
    }

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        foreach (var completion in _completions) completion.TrySetResult();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ClusterEvent.IMemberEvent news: MemberChanged(news); break;
            case ClusterEvent.ClusterShuttingDown: End(); break;
            case HandOverToMe: HandOverRequested(); break;
            case HandOverInProgress: break;
            case HandOverDone: HandOverCompleted(); break;
            case Terminated terminated when terminated.ActorRef.Equals(_singleton):
                SingletonEnded();
                break;
            case Terminated: break;
            case Retry: AskForHandOver(); break;
            case MarginPassed:
                _isMarginPending = false;
                Decide();
                break;
            case ShutdownRequested requested:
                _completions.Add(requested.Completed);
                End();
                break;
            default: Unhandled(message); break;
        }
    }

    private void MemberChanged(ClusterEvent.IMemberEvent news)
    {
        var member = news.Member;
        if (_settings.Role is { } role && !member.HasRole(role)) return;
        var node = member.UniqueAddress;
        if (news is ClusterEvent.MemberRemoved removed)
        {
            var wasKnown = _members.Remove(node, out var known);
            _handedOver.Remove(node);
            if (node == Self0)
            {
                End();
                return;
            }

            // It was downed: its host may run the singleton until it notices, within the margin.
            var mayStillRun = wasKnown && removed.PreviousStatus == MemberStatus.Down
                && IsOlderThanSelf(known!) && RemovalMargin > TimeSpan.Zero;
            if (mayStillRun && _phase is Phase.Younger or Phase.BecomingOldest)
            {
                _isMarginPending = true;
                Timers.StartSingleTimer("margin", MarginPassed.Instance, RemovalMargin);
            }
        }
        else if (member.Status is not (MemberStatus.Joining or MemberStatus.WeaklyUp)
            || _members.ContainsKey(node))
        {
            _members[node] = member;
            if (node == Self0 && member.Status is MemberStatus.Exiting or MemberStatus.Down)
            {
                End();
                return;
            }
        }

        Decide();
    }

    private bool IsOlderThanSelf(Member member) =>
        !_members.TryGetValue(Self0, out var self) || Member.AgeOrdering.Compare(member, self) < 0;

    private IEnumerable<Member> OlderMembers => _members.Values
        .Where(m => m.UniqueAddress != Self0 && IsOlderThanSelf(m));

    private void Decide()
    {
        if (_phase is not (Phase.Younger or Phase.BecomingOldest)) return;
        if (!_members.TryGetValue(Self0, out var self)) return;
        if (self.Status is not (MemberStatus.Up or MemberStatus.Leaving)) return;
        if (OlderMembers.Any(m => m.Status is MemberStatus.Up or MemberStatus.Leaving))
        {
            _phase = Phase.Younger;
            return;
        }

        var blocking = OlderMembers.Where(m => !_handedOver.Contains(m.UniqueAddress)).ToList();
        if (blocking.Count == 0 && !_isMarginPending)
        {
            Start();
            return;
        }

        if (_phase == Phase.Younger)
        {
            _phase = Phase.BecomingOldest;
            AskForHandOver();
        }
    }

    private void AskForHandOver()
    {
        if (_phase != Phase.BecomingOldest) return;
        foreach (var member in OlderMembers)
        {
            if (_handedOver.Contains(member.UniqueAddress)) continue;
            if (member.Status == MemberStatus.Exiting)
            {
                PeerAt(member.Address).Tell(new HandOverToMe(), Self);
            }
        }
    }

    private void Start()
    {
        _phase = Phase.Oldest;
        _log.Info("Singleton manager starting singleton actor [{0}]", _settings.SingletonName);
        _singleton = Context.Watch(Context.ActorOf(_singletonProps, _settings.SingletonName));
    }

    private void HandOverRequested()
    {
        var asker = Sender;
        switch (_phase)
        {
            case Phase.Oldest when _members.TryGetValue(Self0, out var self)
                && self.Status == MemberStatus.Up && _singleton is not null
                && !IsOlder(asker):
                // The asker's view of the membership is behind or wrong: it stays here.
                _log.Debug("Ignored a hand-over request of [{0}]", asker.Path);
                break;
            case Phase.Oldest or Phase.HandingOver when _singleton is not null:
                _waitingForHandOver.Add(asker);
                asker.Tell(new HandOverInProgress(), Self);
                StopSingleton();
                break;
            default:
                asker.Tell(new HandOverDone(), Self);
                break;
        }
    }

    private bool IsOlder(IActorRef peer) =>
        OlderMembers.Any(m => m.Address == peer.Path.Address);

    private void HandOverCompleted()
    {
        var address = Sender.Path.Address;
        foreach (var member in _members.Values)
        {
            if (member.Address == address) _handedOver.Add(member.UniqueAddress);
        }

        Decide();
    }

    /// <summary>
    /// This host goes: the singleton is stopped now, so that the next one can start.
    /// </summary>
    private void End()
    {
        if (_singleton is not null)
        {
            StopSingleton();
            return;
        }

        if (_phase != Phase.HandingOver) Ended();
    }

    private void StopSingleton()
    {
        if (_phase == Phase.HandingOver) return;
        _phase = Phase.HandingOver;
        _log.Info("Singleton manager stopping singleton actor [{0}]", _singleton!.Path);
        _singleton.Tell(_terminationMessage, Self);
    }

    private void SingletonEnded()
    {
        _singleton = null;
        if (_phase != Phase.HandingOver)
        {
            _log.Info("Singleton actor [{0}] was terminated", _settings.SingletonName);
            return;
        }

        foreach (var asker in _waitingForHandOver) asker.Tell(new HandOverDone(), Self);
        _waitingForHandOver.Clear();
        foreach (var member in _members.Values)
        {
            if (member.UniqueAddress == Self0) continue;
            if (member.Status is MemberStatus.Up or MemberStatus.Leaving)
            {
                PeerAt(member.Address).Tell(new HandOverDone(), Self);
            }
        }

        var isStaying = _members.TryGetValue(Self0, out var self)
            && self.Status is MemberStatus.Up or MemberStatus.Leaving
            && _completions.Count == 0 && !_cluster.IsTerminated;
        if (isStaying && self is not null)
        {
            _phase = Phase.Younger;
            return;
        }

        Ended();
    }

    private void Ended()
    {
        _phase = Phase.Ended;
        foreach (var completion in _completions) completion.TrySetResult();
        _completions.Clear();
        if (_cluster.IsTerminated) Context.Stop(Self);
    }

    private ActorSelection PeerAt(Address address) => Context.ActorSelection(
        new RootActorPath(address) / Self.Path.Elements);
}

/// <summary>The hand-over messages on the wire: a name each, no content.</summary>
internal sealed class ClusterSingletonMessageSerializer(ExtendedActorSystem system)
    : SerializerWithStringManifest(system)
{
    public override int Identifier => 14;

    public override string Manifest(object o) => o switch
    {
        HandOverToMe => "A",
        HandOverInProgress => "B",
        HandOverDone => "C",
        _ => throw new ArgumentException($"No manifest for [{o.GetType()}]", nameof(o)),
    };

    public override byte[] ToBinary(object obj) => [];

    public override object FromBinary(byte[] bytes, string manifest) => manifest switch
    {
        "A" => new HandOverToMe(),
        "B" => new HandOverInProgress(),
        "C" => new HandOverDone(),
        _ => throw new SerializationException($"Unknown manifest \"{manifest}\""),
    };
}
