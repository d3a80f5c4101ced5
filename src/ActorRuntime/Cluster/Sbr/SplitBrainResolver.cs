using Akka.Actor;
using Akka.Coordination;
using Akka.Event;
using Akka.Remote;
using static Akka.Cluster.ClusterEvent;

namespace Akka.Cluster.SBR;

/// <summary>Downs one side of a split when the split has been stable for a while.</summary>
/// <remarks>
/// Hears:  domain events of the cluster; a tick; whether the lease was acquired.
/// Says:   <see cref="Cluster.Down"/> for each node of the decision, if this node leads its side.
/// Holds:  a <see cref="DowningStrategy"/> with the membership as this node sees it; deadlines.
/// Fails:  never by itself; restarted, it learns the membership anew.
/// </remarks>
internal sealed class SplitBrainResolver : UntypedActor, IWithTimers
{
    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }

    private sealed record LeaseAnswered(bool IsAcquired) : INoSerializationVerificationNeeded;

    private sealed class LeaseDue
    {
        public static readonly LeaseDue Instance = new();
    }

    private readonly Cluster _cluster;
    private readonly SplitBrainResolverSettings _settings;
    private readonly DowningStrategy _strategy;
    private readonly ILoggingAdapter _log;
    private readonly Lease? _lease;
    private TimeSpan _stableSince;
    private TimeSpan? _changingSince;
    private bool _isLeader;
    private bool _isSelfUp;
    private bool _isWaitingForLease;
    private bool _wasQuarantinedByRemote;

    public SplitBrainResolver(Cluster cluster, SplitBrainResolverSettings settings)
    {
        _cluster = cluster;
        _settings = settings;
        _strategy = settings.Create(cluster.SelfUniqueAddress);
        _log = Context.GetLogger();
        if (_strategy is LeaseMajority)
        {
            var name = settings.LeaseName.Length > 0
                ? settings.LeaseName
                : $"{cluster.System.Name}-akka-sbr";
            _lease = LeaseProvider.Get(cluster.System).GetLease(
                name, settings.LeaseImplementation, cluster.SelfAddress.HostPort());
        }
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    protected override void PreStart()
    {
        _cluster.Subscribe(
            Self, SubscriptionInitialStateMode.InitialStateAsEvents, typeof(IMemberEvent),
            typeof(IReachabilityEvent), typeof(LeaderChanged), typeof(ReachabilityChanged),
            typeof(SeenChanged));
        Context.System.EventStream.Subscribe(Self, typeof(ThisActorSystemQuarantinedEvent));
        var half = _settings.StableAfter / 4;
        Timers.StartPeriodicTimer(
            "tick", Tick.Instance, half < TimeSpan.FromSeconds(1) ? half : TimeSpan.FromSeconds(1));
        ResetDeadlines();
    }

    protected override void PostStop() => _lease?.Release();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case UnreachableMember news:
                Mutate(() => _strategy.AddUnreachable(news.Member));
                break;
            case ReachableMember news:
                Mutate(() => _strategy.AddReachable(news.Member));
                break;
            case MemberRemoved news:
                Mutate(() => _strategy.Remove(news.Member));
                if (_strategy.Unreachable.IsEmpty) _lease?.Release();
                break;
            case IMemberEvent news:
                if (news.Member.UniqueAddress == _cluster.SelfUniqueAddress)
                {
                    _isSelfUp = news.Member.Status is MemberStatus.Up or MemberStatus.Leaving;
                }

                Mutate(() => _strategy.Add(news.Member));
                break;
            case LeaderChanged news:
                _isLeader = news.Leader == _cluster.SelfAddress;
                break;
            case ReachabilityChanged news:
                var indirect = _strategy.IndirectlyConnected;
                _strategy.SetReachability(news.Reachability);
                if (!indirect.SetEquals(_strategy.IndirectlyConnected)) StartWaiting();
                break;
            case SeenChanged news:
                _strategy.SetSeenBy(news.Seen);
                break;
            case ThisActorSystemQuarantinedEvent news:
                _wasQuarantinedByRemote = _strategy.AllMembers.Any(
                    m => m.Address == news.RemoteAddress);
                break;
            case Tick:
                TickDue();
                break;
            case LeaseDue:
                AcquireLease();
                break;
            case LeaseAnswered answered:
                LeaseDecided(answered.IsAcquired);
                break;
        }
    }

    /// <summary>Whatever changes who is unreachable starts the waiting anew.</summary>
    private void Mutate(Action change)
    {
        var unreachable = _strategy.Unreachable;
        change();
        if (!unreachable.SetEquals(_strategy.Unreachable)) StartWaiting();
    }

    private void StartWaiting()
    {
        if (_strategy.Unreachable.IsEmpty)
        {
            ResetDeadlines();
            return;
        }

        _stableSince = Now;
        _changingSince ??= Now;
    }

    private void ResetDeadlines()
    {
        _stableSince = Now;
        _changingSince = null;
        _wasQuarantinedByRemote = false;
    }

    private void TickDue()
    {
        if (_strategy.Unreachable.IsEmpty || _isWaitingForLease) return;
        if (_settings.DownAllWhenUnstable is { } limit && _changingSince is { } since
            && Now - since > limit && Now - _stableSince < _settings.StableAfter)
        {
            _log.Warning("SBR: the cluster has been unstable for {0}: downing all", limit);
            Act(DowningDecision.DownAll);
            return;
        }

        if (Now - _stableSince < _settings.StableAfter) return;
        if (_wasQuarantinedByRemote)
        {
            Act(DowningDecision.DownSelfQuarantinedByRemote);
            return;
        }

        if (!_isLeader || !_isSelfUp) return;
        var decision = _strategy.Decide();
        if (decision is DowningDecision.AcquireLeaseAndDownUnreachable
            or DowningDecision.AcquireLeaseAndDownIndirectlyConnected)
        {
            _isWaitingForLease = true;
            var delay = ((LeaseMajority)_strategy).AcquireLeaseDelay;
            if (delay == TimeSpan.Zero) AcquireLease();
            else Timers.StartSingleTimer("lease", LeaseDue.Instance, delay);
            return;
        }

        Act(decision);
    }

    private void AcquireLease()
    {
        if (_lease is null)
        {
            LeaseDecided(false);
            return;
        }

        _lease.Acquire().PipeTo(
            Self,
            success: isAcquired => new LeaseAnswered(isAcquired),
            failure: _ => new LeaseAnswered(false));
    }

    private void LeaseDecided(bool isAcquired)
    {
        _isWaitingForLease = false;
        if (_strategy.Unreachable.IsEmpty)
        {
            _lease?.Release();
            return;
        }

        var decision = _strategy.Decide();
        Act(isAcquired ? decision : DowningStrategy.Reverse(decision));
    }

    private void Act(DowningDecision decision)
    {
        var nodes = _strategy.NodesToDown(decision);
        _log.Warning(
            "SBR took decision {0} and is downing [{1}]; unreachable [{2}], indirectly connected "
            + "[{3}], all members [{4}]",
            decision,
            string.Join(", ", nodes.Order().Select(n => n.Address)),
            string.Join(", ", _strategy.Unreachable.Order().Select(n => n.Address)),
            string.Join(", ", _strategy.IndirectlyConnected.Order().Select(n => n.Address)),
            string.Join(", ", _strategy.AllMembers.Select(m => m.Address)));
        foreach (var node in nodes.Remove(_cluster.SelfUniqueAddress).Order())
        {
            _cluster.Down(node.Address);
        }

        // Itself last: once down it cannot tell the others any more.
        if (nodes.Contains(_cluster.SelfUniqueAddress)) _cluster.Down(_cluster.SelfAddress);
        ResetDeadlines();
    }
}
