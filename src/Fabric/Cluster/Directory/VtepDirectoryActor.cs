using System.Collections.Immutable;
using Akka.Actor;
using Akka.DistributedData;

namespace Fabric.Cluster;

/// <summary>Gossips this host's VTEPs and knows those of all hosts that are alive.</summary>
/// <remarks>
/// Hears:  <see cref="PublishVteps"/> and <see cref="MembershipView"/> from its parent;
///         <see cref="Changed"/> from the replicator.
/// Says:   <see cref="VtepsChanged"/> to its parent.
/// Holds:  what gossip can say again, and this host's own record.
/// Fails:  with the replicator; started anew, it subscribes again.
/// </remarks>
public sealed class VtepDirectoryActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly string _host;
    private readonly GossipedRecords<HostRecord> _records;
    private readonly IScheduler _clock = Context.System.Scheduler;

    private readonly LiveVteps _live = new();
    private MembershipView _members;
    private ImmutableSortedSet<Vtep>? _told;
    private bool _isPatient = true;

    /// <param name="version">Versions of this host's record begin above it.</param>
    public VtepDirectoryActor(string host, long version)
    {
        _host = host;
        _records = new(Context.System, "fabric.hosts", host, version);
        _members = MembershipView.Nothing(host);
        Receive<PublishVteps>(Publish);
        Receive<MembershipView>(members =>
        {
            _members = members;
            BePatient();
            Tell();
        });
        Receive<Changed>(changed =>
        {
            _records.Adopt(changed);
            TellSoon();
        });
        Receive<PatienceEnded>(_ =>
        {
            _isPatient = false;
            Tell();
        });
        Receive<PruneRecords>(_ => _records.Prune(
            _members, _clock.MonotonicClock, GossipTimes.PruneAfter));
        Receive<TellChanges>(_ => Tell());
        Receive<IUpdateResponse>(_ => { }); // Local writes; gossip carries them on.
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(string host, long version) =>
        Akka.Actor.Props.Create(() => new VtepDirectoryActor(host, version));

    private sealed record PatienceEnded;

    protected override void PreStart()
    {
        _records.Subscribe(Self);
        Context.Parent.Tell(SeamChildStarted.Instance);
        Timers.StartPeriodicTimer(
            nameof(PruneRecords), PruneRecords.Instance, GossipTimes.PruneInterval);
    }

    /// <summary>From when it is a member: a host may look for its cluster for long.</summary>
    private void BePatient()
    {
        if (_isPatient && _members.AliveHosts.Contains(_host)
            && !Timers.IsTimerActive(nameof(PatienceEnded)))
            Timers.StartSingleTimer(nameof(PatienceEnded), new PatienceEnded(), Patience);
    }

    private void Publish(PublishVteps publish)
    {
        if (_records.Own is { } own && own.HostName == publish.HostName
            && own.Vteps.SetEquals(publish.Vteps)) return;
        _records.Write(new HostRecord(_host, publish.HostName, 0, publish.Vteps));
        Tell();
    }

    /// <summary>Changes of many hosts come in many maps at once.</summary>
    private void TellSoon()
    {
        if (!Timers.IsTimerActive(nameof(TellChanges)))
            Timers.StartSingleTimer(nameof(TellChanges), TellChanges.Instance, GossipTimes.Pause);
    }

    private void Tell()
    {
        foreach (var host in _records.TakeChanged())
            _live.Say(host, _records.All.GetValueOrDefault(host));
        _live.SetAlive(_members.AliveHosts);
        // A host that has just joined must not take what it has not heard yet for gone.
        if (!_members.AliveHosts.Contains(_host) || (_isPatient && !_live.IsComplete)) return;
        if (_told is not null && (ReferenceEquals(_told, _live.All)
            || (_told.Count == _live.All.Count && _told.SequenceEqual(_live.All)))) return;
        _told = _live.All;
        Context.Parent.Tell(new VtepsChanged(_told));
    }
}
