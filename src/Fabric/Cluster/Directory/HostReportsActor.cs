using System.Collections.Immutable;
using Akka.Actor;
using Akka.DistributedData;

namespace Fabric.Cluster;

/// <summary>
/// Gossips this host's gateway votes, load and progress, and knows those of all hosts.
/// </summary>
/// <remarks>
/// Hears:  <see cref="VoteForGateways"/>, <see cref="HostLoad"/>,
///         <see cref="NorthboundApplied"/> and <see cref="MembershipView"/> from its parent;
///         <see cref="Changed"/> from the replicator.
/// Says:   <see cref="GatewaysElected"/>, <see cref="HostLoadsChanged"/> and
///         <see cref="HostsAppliedChanged"/> to its parent.
/// Holds:  what gossip can say again, and this host's own report.
/// Fails:  with the replicator; started anew, it subscribes again.
/// </remarks>
public sealed class HostReportsActor : ReceiveActor, IWithTimers
{
    /// <summary>A load is gossiped no more often; votes are at once.</summary>
    private static readonly TimeSpan LoadInterval = TimeSpan.FromSeconds(15);

    private readonly string _host;
    private readonly GossipedRecords<HostReport> _reports;
    private readonly IScheduler _clock = Context.System.Scheduler;

    private readonly LiveReports _live = new();
    private MembershipView _members;
    private GatewaysElected? _elected;
    private HostLoadsChanged? _loads;
    private HostsAppliedChanged? _applied;
    private TimeSpan? _loadToldAt;

    /// <param name="version">Versions of this host's report begin above it.</param>
    public HostReportsActor(string host, long version)
    {
        _host = host;
        _reports = new(Context.System, "fabric.reports", host, version);
        _members = MembershipView.Nothing(host);
        Receive<VoteForGateways>(vote =>
        {
            var own = Own;
            if (own.Votes.SequenceEqual(vote.ByRouterPort)) return;
            _reports.Write(own with { Votes = vote.ByRouterPort }, isUrgent: true);
            Tell();
        });
        Receive<HostLoad>(Report);
        Receive<NorthboundApplied>(applied =>
        {
            if (Own.Applied == applied.NbCfg) return;
            _reports.Write(Own with { Applied = applied.NbCfg });
            Tell();
        });
        Receive<MembershipView>(members =>
        {
            _members = members;
            Tell();
        });
        Receive<Changed>(changed =>
        {
            _reports.Adopt(changed);
            Tell();
        });
        Receive<PruneRecords>(_ => _reports.Prune(
            _members, _clock.MonotonicClock, GossipTimes.PruneAfter));
        Receive<IUpdateResponse>(_ => { }); // Local writes; gossip carries them on.
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(string host, long version) =>
        Akka.Actor.Props.Create(() => new HostReportsActor(host, version));

    private HostReport Own => _reports.Own ?? HostReport.EmptyOf(_host);

    protected override void PreStart()
    {
        _reports.Subscribe(Self);
        Context.Parent.Tell(SeamChildStarted.Instance);
        Timers.StartPeriodicTimer(
            nameof(PruneRecords), PruneRecords.Instance, GossipTimes.PruneInterval);
    }

    private void Report(HostLoad load)
    {
        var now = _clock.MonotonicClock;
        if (now - _loadToldAt < LoadInterval
            || !HostReportRules.IsWorthTelling(Own.Load, load)) return;
        _loadToldAt = now;
        _reports.Write(Own with { Load = load });
        Tell();
    }

    private void Tell()
    {
        foreach (var host in _reports.TakeChanged())
            _live.Say(host, _reports.All.GetValueOrDefault(host));
        _live.SetAlive(_members.AliveHosts);
        if (!ReferenceEquals(_elected?.ByRouterPort, _live.Elected))
            Context.Parent.Tell(_elected = new GatewaysElected(_live.Elected));
        if (!ReferenceEquals(_loads?.Loads, _live.Loads))
            Context.Parent.Tell(_loads = new HostLoadsChanged(_live.Loads));
        if (!ReferenceEquals(_applied?.ByHost, _live.Applied))
            Context.Parent.Tell(_applied = new HostsAppliedChanged(_live.Applied));
    }
}
