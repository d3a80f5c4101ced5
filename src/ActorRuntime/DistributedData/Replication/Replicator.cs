using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;

namespace Akka.DistributedData;

using Cluster = Akka.Cluster.Cluster;

/// <summary>
/// Keeps this host's replicas of all values, and brings them together with the others'.
/// </summary>
/// <remarks>
/// Hears:  Get, Update, Delete, Subscribe of actors here; deltas, digests and whole values of the
///         replicators elsewhere; membership.
/// Says:   answers; <see cref="Changed"/> to subscribers; deltas soon after a change to all
///         others, and digests to one of them at each gossip interval, so that what was lost is
///         found.
/// Holds:  every value, in memory only; deltas until all others were sent them.
/// Fails:  never for what comes from outside; restarted, it learns all values from the others.
/// Concerns by file: Values, Gossip, Deltas, Pruning.
/// </remarks>
public sealed partial class Replicator : UntypedActor, IWithTimers
{
    private enum Tick
    {
        Gossip,
        Deltas,
        Notify,
        Pruning,
        Meet,
    }

    /// <summary>How long changes gather before they are sent or told.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(10);

    private readonly ReplicatorSettings _settings;
    private readonly Cluster _cluster;
    private readonly ILoggingAdapter _log;
    private readonly Random _random;
    private readonly SortedDictionary<string, DataEnvelope> _values = new(StringComparer.Ordinal);
    /// <summary>In a cluster no larger than this everyone greets a new replica.</summary>
    private const int GreeterCount = 4;

    private ImmutableSortedSet<UniqueAddress> _nodes = [];
    private readonly List<UniqueAddress> _unmet = [];
    private bool _hasAsked;
    private ImmutableSortedDictionary<UniqueAddress, int> _upNumbers =
        ImmutableSortedDictionary<UniqueAddress, int>.Empty;

    public Replicator(ReplicatorSettings settings)
    {
        _settings = settings;
        _cluster = Cluster.Get(Context.System);
        _log = Context.GetLogger();
        _random = new Random(Self0.Uid);
        _groups = new ValueGroups(Context.System);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private UniqueAddress Self0 => _cluster.SelfUniqueAddress;

    public static Props Props(ReplicatorSettings settings) =>
        Akka.Actor.Props.Create(() => new Replicator(settings));

    protected override void PreStart()
    {
        _cluster.Subscribe(
            Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            typeof(ClusterEvent.IMemberEvent));
        Every(Tick.Gossip, _settings.GossipInterval);
        Every(Tick.Pruning, _settings.PruningInterval);
    }

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Tick tick: TickDue(tick); break;
            case Get get: HandleGet(get); break;
            case Update update: HandleUpdate(update); break;
            case Delete delete: HandleDelete(delete); break;
            case Subscribe subscribe: AddSubscriber(subscribe); break;
            case Unsubscribe unsubscribe: RemoveSubscriber(unsubscribe); break;
            case GetKeyIds: AnswerKeys(); break;
            case GetReplicaCount: Sender.Tell(new ReplicaCount(_nodes.Count + 1)); break;
            case FlushChanges: NotifySubscribers(); break;
            case DeltaPropagation deltas: TakeDeltas(deltas); break;
            case ReplicaSummary summary: TakeSummary(summary); break;
            case ReplicaStatus status: TakeStatus(status); break;
            case ReplicaGossip gossip: TakeGossip(gossip); break;
            case ReplicaWrite write: TakeWrite(write); break;
            case ReplicaRead read: AnswerRead(read); break;
            case ReadRepair repair: Merge(repair.Key, repair.Envelope); break;
            case ClusterEvent.IMemberEvent news: MemberChanged(news); break;
            case Terminated terminated: ForgetSubscriber(terminated.ActorRef); break;
            default: Unhandled(message); break;
        }
    }

    private void Every(Tick tick, TimeSpan interval) =>
        Timers.StartPeriodicTimer(tick, tick, interval);

    private void TickDue(Tick tick)
    {
        switch (tick)
        {
            case Tick.Gossip: GossipRound(); break;
            case Tick.Deltas: PropagateDeltas(); break;
            case Tick.Notify: NotifySubscribers(); break;
            case Tick.Pruning: PruneRemovedNodes(); break;
            case Tick.Meet: MeetNodes(); break;
        }
    }

    private void MemberChanged(ClusterEvent.IMemberEvent news)
    {
        var member = news.Member;
        if (_settings.Role is { } role && !member.HasRole(role)) return;
        var node = member.UniqueAddress;
        if (news is ClusterEvent.MemberRemoved)
        {
            if (node == Self0)
            {
                Context.Stop(Self);
                return;
            }

            _nodes = _nodes.Remove(node);
            _upNumbers = _upNumbers.Remove(node);
            ForgetDeltasFor(node);
            _removedNodes[node] = Context.System.Scheduler.MonotonicClock;
            return;
        }

        if (node == Self0 || member.Status is MemberStatus.Joining) return;
        if (!_nodes.Contains(node))
        {
            _nodes = _nodes.Add(node);
            SendSoon();
            _unmet.Add(node);
            if (!Timers.IsTimerActive(Tick.Meet))
                Timers.StartSingleTimer(Tick.Meet, Tick.Meet, Soon);
        }

        _upNumbers = _upNumbers.SetItem(node, member.UpNumber);
    }

    /// <summary>
    /// A replica that is new asks one of the others at once what there is. It asks no more than
    /// one, for each would tell it everything; in a small cluster all tell it.
    /// </summary>
    private void MeetNodes()
    {
        if (_nodes.Count <= GreeterCount)
        {
            foreach (var node in _unmet.Where(_nodes.Contains)) GossipTo(node);
        }
        else if (!_hasAsked)
        {
            GossipRound();
        }

        _hasAsked = true;
        _unmet.Clear();
    }

    /// <summary>The replicator of another host: the same path there.</summary>
    private ICanTell ReplicaAt(UniqueAddress node)
    {
        if (_replicas.TryGetValue(node, out var known)) return known;
        if (_replicas.Count > 20_000) _replicas.Clear();
        var path = new RootActorPath(node.Address) / Self.Path.Elements;
        return _replicas[node] =
            ((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(path);
    }

    private readonly Dictionary<UniqueAddress, IActorRef> _replicas = [];
}
