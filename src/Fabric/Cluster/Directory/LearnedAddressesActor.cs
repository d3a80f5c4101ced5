using System.Collections.Immutable;
using Akka.Actor;
using Akka.DistributedData;
using Akka.Event;

namespace Fabric.Cluster;

/// <summary>Gossips neighbours and stations that hosts have heard.</summary>
/// <remarks>
/// Hears:  <see cref="LearnAddresses"/>, <see cref="ForgetAddresses"/> and
///         <see cref="MembershipView"/> from its parent; <see cref="Changed"/> from the
///         replicator.
/// Says:   <see cref="LearnedAddressesChanged"/> to its parent, several changes as one.
/// Holds:  what gossip can say again, 65,536 records of each kind; further ones are refused,
///         counted and logged.
/// Fails:  with the replicator; started anew, it subscribes again.
/// </remarks>
public sealed class LearnedAddressesActor : ReceiveActor, IWithTimers
{
    private const int CountMax = 65_536;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly string _host;
    private readonly LearnedMap<MacBindingKey, LearnedMacBinding> _bindings;
    private readonly LearnedMap<FdbKey, LearnedFdbEntry> _stations;
    private readonly IScheduler _clock = Context.System.Scheduler;

    private LearnedAddressesChanged? _told;
    private MembershipView _members;
    private bool _hasRefused;

    public LearnedAddressesActor(string host)
    {
        _host = host;
        _bindings = new(Context.System, "fabric.macs", host, CountMax);
        _stations = new(Context.System, "fabric.fdb", host, CountMax);
        _members = MembershipView.Nothing(host);
        Receive<LearnAddresses>(Learn);
        Receive<ForgetAddresses>(Forget);
        Receive<MembershipView>(members => _members = members);
        Receive<Changed>(changed =>
        {
            if (_bindings.Adopt(changed) || _stations.Adopt(changed)) TellSoon();
        });
        Receive<PruneRecords>(_ =>
        {
            var now = _clock.MonotonicClock;
            var isLess = _bindings.Prune(_members, now, GossipTimes.PruneAfter);
            if (_stations.Prune(_members, now, GossipTimes.PruneAfter) || isLess) TellSoon();
        });
        Receive<TellChanges>(_ => Tell());
        Receive<IUpdateResponse>(_ => { }); // Local writes; gossip carries them on.
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(string host) =>
        Akka.Actor.Props.Create(() => new LearnedAddressesActor(host));

    protected override void PreStart()
    {
        _bindings.Subscribe(Self);
        _stations.Subscribe(Self);
        Context.Parent.Tell(SeamChildStarted.Instance);
        Timers.StartPeriodicTimer(
            nameof(PruneRecords), PruneRecords.Instance, GossipTimes.PruneInterval);
        TellSoon();
    }

    private void Learn(LearnAddresses learn)
    {
        var isNews = false;
        foreach (var one in learn.MacBindings)
        {
            isNews |= _bindings.Learn(
                one.Key,
                version => new LearnedMacBinding(one with { HostId = _host }, version),
                known => known.Binding.Mac.Equals(one.Mac), _members);
        }

        foreach (var one in learn.Fdb)
        {
            isNews |= _stations.Learn(
                one.Key, version => new LearnedFdbEntry(one with { HostId = _host }, version),
                known => known.Entry.LogicalPort == one.LogicalPort, _members);
        }

        if (isNews) TellSoon();
        var refused = _bindings.RefusedCount + _stations.RefusedCount;
        if (refused == 0 || _hasRefused) return;
        _hasRefused = true;
        _log.Warning("{0} addresses are known: further ones are not learned", CountMax);
    }

    private void Forget(ForgetAddresses forget)
    {
        var count = forget.MacBindings.Count(_bindings.Forget)
            + forget.Fdb.Count(_stations.Forget);
        if (count > 0) TellSoon();
    }

    private void TellSoon()
    {
        if (!Timers.IsTimerActive(nameof(TellChanges)))
            Timers.StartSingleTimer(nameof(TellChanges), TellChanges.Instance, Pause);
    }

    private void Tell()
    {
        var now = new LearnedAddressesChanged(
            _bindings.All.ToImmutableSortedDictionary(
                pair => pair.Key, pair => pair.Value.Binding),
            _stations.All.ToImmutableSortedDictionary(
                pair => pair.Key, pair => pair.Value.Entry));
        if (_told is not null && now.MacBindings.SequenceEqual(_told.MacBindings)
            && now.Fdb.SequenceEqual(_told.Fdb)) return;
        _told = now;
        Context.Parent.Tell(now);
    }
}
