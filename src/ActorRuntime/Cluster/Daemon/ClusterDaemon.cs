using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Akka.Remote;

namespace Akka.Cluster;

/// <summary>This node's part in the membership.</summary>
/// <remarks>
/// Hears:  <see cref="IClusterMessage"/>s of other nodes; <see cref="IDaemonCommand"/>s of the
///         extension; its own timers.
/// Says:   gossip, heartbeats, welcomes to other nodes; domain events to subscribers.
/// Holds:  the latest gossip, failure detectors of the nodes that it monitors, subscribers.
/// Fails:  if it does, the membership is lost: the node is shut down as if it had been downed.
/// Concerns by file: Joining, Gossiping, Leader, Heartbeats, Subscribers.
/// </remarks>
internal sealed partial class ClusterDaemon : UntypedActor, IWithTimers
{
    private enum Tick
    {
        Gossip,
        GossipSpeedup,
        LeaderActions,
        Reap,
        Heartbeat,
        Join,
    }

    private readonly Cluster _cluster;
    private readonly ClusterSettings _settings;
    private readonly ILoggingAdapter _log;
    private readonly Random _random;
    private MembershipState _state;
    private bool _isStopping;

    public ClusterDaemon(Cluster cluster)
    {
        _cluster = cluster;
        _settings = cluster.Settings;
        _log = Context.GetLogger();
        _random = new Random(cluster.SelfUniqueAddress.Uid);
        _state = MembershipState.Of(Gossip.Empty, Self0);
        var scheduler = Context.System.Scheduler;
        _detectors = new FailureDetectorRegistry<UniqueAddress>(() => _settings.Detector.Create(
            () => (long)scheduler.MonotonicClock.TotalMilliseconds));
        _ring = new HeartbeatNodeRing(Self0, [Self0], [], _settings.MonitoredByNrOfMembers);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private UniqueAddress Self0 => _cluster.SelfUniqueAddress;
    private Gossip Latest => _state.Latest;
    private bool IsMember => Latest.HasMember(Self0);
    private MemberStatus SelfStatus => _state.SelfMember?.Status ?? MemberStatus.Removed;

    protected override void PreStart()
    {
        Every(Tick.Gossip, _settings.GossipInterval);
        Every(Tick.LeaderActions, _settings.LeaderActionsInterval);
        Every(Tick.Reap, _settings.UnreachableNodesReaperInterval);
        Every(Tick.Heartbeat, _settings.HeartbeatInterval);
        if (_cluster.CreateDowningProps() is { } downing)
        {
            Context.ActorOf(downing, "downing-provider");
        }

        if (!_settings.SeedNodes.IsEmpty) Self.Tell(new JoinSeedNodes(_settings.SeedNodes));
    }

    protected override void PostStop()
    {
        Tell(ClusterEvent.ClusterShuttingDown.Instance);
        foreach (var change in ClusterEventDiff.Between(
            _state, MembershipState.Of(Gossip.Empty, Self0)))
        {
            if (change is ClusterEvent.IMemberEvent) Tell(change);
        }

        _cluster.DaemonStopped();
    }

    /// <summary>A restarted instance knows nothing: a second, empty membership.</summary>
    protected override void PostRestart(Exception reason)
    {
        Context.Stop(Self);
        CoordinatedShutdown.Get(Context.System)
            .Run(CoordinatedShutdown.ClusterDowningReason.Instance);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Tick tick: TickDue(tick); break;
            case GossipEnvelope envelope: ReceiveGossip(envelope); break;
            case GossipVersions versions: ReceiveVersions(versions); break;
            case GossipDelta delta: ReceiveDelta(delta); break;
            case GossipStatus status: ReceiveStatus(status); break;
            case Heartbeat heartbeat: AnswerHeartbeat(heartbeat); break;
            case HeartbeatRsp answer: TakeHeartbeatAnswer(answer); break;
            case InitJoin: AnswerInitJoin(); break;
            case InitJoinAck ack: SeedAnswered(ack.Address); break;
            case InitJoinNack nack: SeedRefused(nack.Address); break;
            case Join join: Admit(join); break;
            case Welcome welcome: TakeWelcome(welcome); break;
            case Leave leave: BeginLeaving(leave.Address); break;
            case Down down: BeginDowning(down.Address); break;
            case ExitingConfirmed confirmed: ConfirmExiting(confirmed.Node); break;
            case JoinTo join: JoinTo(join.Address); break;
            case JoinSeedNodes seeds: JoinSeeds(seeds.SeedNodes); break;
            case Subscribe subscribe: AddSubscriber(subscribe); break;
            case Unsubscribe unsubscribe: RemoveSubscriber(unsubscribe); break;
            case SendCurrentState send:
                send.Receiver.Tell(ClusterEventDiff.Snapshot(_state));
                break;
            case ExitingCompleted: CompleteExiting(); break;
            case Terminated terminated: _subscribers.Remove(terminated.ActorRef); break;
            case ExpectFirstAnswer expected: ExpectAnswer(expected.Node); break;
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
            case Tick.GossipSpeedup: GossipToSomeone(); break;
            case Tick.LeaderActions: LeaderActions(); break;
            case Tick.Reap: Reap(); break;
            case Tick.Heartbeat: SendHeartbeats(); break;
            case Tick.Join: JoinTick(); break;
        }
    }

    /// <summary>
    /// Takes a new gossip as the truth, and tells who wants to know what changed.
    /// </summary>
    private void Adopt(Gossip gossip, ImmutableHashSet<UniqueAddress>? exitingConfirmed = null)
    {
        var old = _state;
        if (gossip.Version.Digest != old.Latest.Version.Digest) _history.Add(old.Latest);
        _state = _state with
        {
            Latest = gossip,
            ExitingConfirmed = exitingConfirmed ?? _state.ExitingConfirmed,
        };
        UpdateRing(old);
        Publish(old);
    }

    /// <summary>A change that this node made: a new version, which only it has seen.</summary>
    private void Change(Gossip gossip, ImmutableHashSet<UniqueAddress>? exitingConfirmed = null) =>
        Adopt(gossip.Incremented(Self0).OnlySeenBy(Self0), exitingConfirmed);

    private void Send(Address to, IClusterMessage message) =>
        _cluster.DaemonAt(to).Tell(message, Self);

    private void Info(string format, params object[] arguments)
    {
        if (_settings.LogInfo)
        {
            _log.Info(
                "Cluster Node [{0}] - {1}", Self0.Address, string.Format(
                    System.Globalization.CultureInfo.InvariantCulture, format, arguments));
        }
    }

    /// <summary>Ends the membership of this node for good.</summary>
    private void Shutdown()
    {
        if (_isStopping) return;
        _isStopping = true;
        Context.Stop(Self);
    }
}
