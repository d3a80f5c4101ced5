using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Cluster;

/// <summary>
/// The host's side of the seam to the clustered actor system, which it starts anew.
/// </summary>
/// <remarks>
/// Hears:  subscriptions, <see cref="PublishVteps"/>, <see cref="ClaimPorts"/>,
///         <see cref="LearnAddresses"/>, <see cref="ForgetAddresses"/>,
///         <see cref="VoteForGateways"/> and <see cref="HostLoad"/> of this host's actors;
///         <see cref="SendToHost"/>, <see cref="LogStatus"/> and
///         <see cref="NorthboundApplied"/> of host/northbound; membership, what is gossiped and
///         <see cref="HostDelivered"/> of the clustered system;
///         <see cref="QueryCluster"/> of the command line.
/// Says:   the same on to whom it concerns; <see cref="ClusterAttached"/>;
///         <see cref="ClusterAnswer"/>.
/// Holds:  what was last known of the cluster, so that tunnels and flows stay as they are while
///         this host is cut off; the member file.
/// Fails:  when the member file is damaged. The clustered system may end at any time: another
///         incarnation is started, after growing pauses.
/// </remarks>
public sealed partial class ClusterActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);
    /// <summary>A cluster of so many members changes all the time.</summary>
    private const int CrowdMin = 64;

    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(500);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly FabricSettings _settings;
    private readonly FabricSystemSlot _slot;
    private readonly MemberFile _file;
    private readonly long _startedAt;

    private MemberList _list = MemberList.Nobody;
    private IActorRef _northbound;
    private IActorRef _seam = ActorRefs.Nobody;
    private bool _isRunning;
    private MembershipView _members;
    private LogStatus? _logStatus;
    private bool _isListStale;
    private TimeSpan _rememberedAt;
    private TimeSpan _pause = PauseMin;
    private TimeSpan? _cutOffSince;
    private string? _lastEnd;

    public ClusterActor(FabricSettings settings, IActorRef northbound, FabricSystemSlot slot)
    {
        _settings = settings;
        _northbound = northbound;
        _slot = slot;
        _file = new MemberFile(settings.StateDirectory);
        _startedAt = settings.Clock.GetTimestamp();
        _members = MembershipView.Nothing(settings.HostId);
        _vtepsOver = new(
            _vteps, Untold, (kept, told) => new VtepsChanged(kept.Vteps.Union(told.Vteps)));
        _portsOver = new(
            _ports, Untold,
            (kept, told) => new PortLocationsChanged(kept.Locations.AddRange(told.Locations)));

        Receive<SendToHost>(Send);
        Receive<HostDelivered>(delivered => _northbound.Tell(delivered));
        ReceiveGossip();
        Receive<LogStatus>(status => _seam.Tell(_logStatus = status));
        Receive<MembershipView>(Adopt);
        Receive<ReplicaStarted>(started =>
        {
            _northbound = started.Replica;
            Attach();
        });
        Receive<FabricStarted>(Begin);
        Receive<FabricTerminated>(End);
        Receive<StartFabric>(_ => Start());
        Receive<QueryCluster>(query => Sender.Tell(Answer(query)));
        Receive<Tick>(_ => OnTick());
        Receive<Terminated>(ended =>
        {
            if (ended.ActorRef.Equals(_seam)) _ = _slot.StopAsync(); // Nothing is left without it.
            Unsubscribe(ended.ActorRef);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <param name="slot">FabricSystem.SlotOf(settings); kept while this actor restarts.</param>
    public static Props Props(
        FabricSettings settings, IActorRef northbound, FabricSystemSlot slot) =>
        Akka.Actor.Props.Create(() => new ClusterActor(settings, northbound, slot));

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }

    private sealed record StartFabric
    {
        public static readonly StartFabric Instance = new();
    }

    private TimeSpan Now => _settings.Clock.GetElapsedTime(_startedAt);

    protected override void PreStart()
    {
        _list = _file.Read();
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TimeSpan.Zero, TickInterval);
        if (_settings.ReadLoad is not null)
        {
            Timers.StartPeriodicTimer(
                nameof(MeasureLoad), MeasureLoad.Instance, TickInterval, LoadInterval);
        }

        if (_list.HasLeft) _log.Info("This host has left its cluster; 'cluster join' joins again");
        else Start();
    }

    protected override void PostStop() => _ = _slot.StopAsync();

    /// <summary>Starts another incarnation of the clustered system.</summary>
    private void Start()
    {
        if (_list.HasLeft || _isRunning) return;
        _isRunning = true;
        var incarnation = _list.Incarnation + 1;
        Keep(_list with { Incarnation = incarnation });
        var start = Plan(incarnation);
        // In PostgreSQL the log is founded by whoever comes first, there.
        if (start.Forms && !_list.WasMember && _settings.NorthboundConnection is null)
            _northbound.Tell(new FoundLog(_settings.NewUuid()));
        _slot.RunAsync(start, Self).PipeTo(
            Self, success: () => new FabricTerminated(incarnation, null),
            failure: cause => new FabricTerminated(incarnation, cause));
    }

    private FabricStart Plan(long incarnation)
    {
        var known = _list.Addresses.Remove(_settings.HostId);
        var seeds = ImmutableArray.CreateBuilder<string>();
        foreach (var seed in _settings.Seeds)
        {
            if (!FabricSystem.TryParseSeed(seed, Prefix, out var address))
                _log.Error("Seed '{0}' is not of the form host:port; it is left out", seed);
            else if (!IsSelf(address)) seeds.Add(address);
        }

        // Only the founder was ever a member: it is its own majority.
        var wasAlone = _list.WasMember && known.IsEmpty
            && (_logStatus?.Voters.Count ?? 1) <= 1;
        var forms = _list.WasMember ? wasAlone : _settings.Forms;
        return new FabricStart(
            incarnation, forms, [.. known.Values.Concat(seeds).Distinct()])
        {
            KnownHosts = _list.Addresses,
        };
    }

    private string Prefix => FabricSystem.PrefixOf(_settings);

    private bool IsSelf(string address)
    {
        var own = $"{_settings.BindAddress}:{_settings.Port}";
        return FabricSystem.TryParseSeed(own, Prefix, out var self) && self == address;
    }

    private void Begin(FabricStarted started)
    {
        Context.Watch(_seam = started.Seam);
        _log.Info("Clustered system, incarnation {0}, is there", started.Incarnation);
        TellOwn();
    }

    private void End(FabricTerminated ended)
    {
        if (ended.Incarnation != _list.Incarnation) return; // One that this actor did not start.
        _isRunning = false;
        _seam = ActorRefs.Nobody;
        _lastEnd = ended.Cause?.Message;
        Adopt(MembershipView.Nothing(_settings.HostId));
        if (_list.HasLeft) return;
        _log.Warning(
            "Clustered system, incarnation {0}, has ended ({1}); another one in {2}",
            ended.Incarnation, _lastEnd ?? "left or downed", _pause);
        Timers.StartSingleTimer(nameof(StartFabric), StartFabric.Instance, _pause);
        _pause = TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, _settings.RestartPauseMax.Ticks));
    }

    private void Adopt(MembershipView members)
    {
        if (_isListStale && !members.IsMember) RememberMembers();
        _members = members;
        var isCutOff = _memberSince is not null && !members.IsMember;
        if (isCutOff) CarryOver();
        _memberSince = members.IsMember ? _memberSince ?? Now : null;
        _northbound.Tell(members);
        if (!members.IsMember) return;
        _pause = PauseMin;
        if (!_list.WasMember || members.Members.Length <= CrowdMin) RememberMembers();
        else _isListStale = true;
    }

    /// <summary>For a list of a thousand, of which most were there before.</summary>
    private TimeSpan RememberInterval =>
        TickInterval * Math.Min(10, _members.Members.Length / CrowdMin);

    private void RememberMembers()
    {
        _isListStale = false;
        _rememberedAt = Now;
        var addresses = _members.Members
            .Where(member => member.IsAlive && !member.IsLeaving)
            .ToImmutableSortedDictionary(
                member => member.HostId, member => member.Address, StringComparer.Ordinal);
        Keep(_list with { WasMember = true, Addresses = Remembered(addresses) });
    }

    /// <summary>Voters stay in the list while they are down: they may be the way back.</summary>
    private ImmutableSortedDictionary<string, string> Remembered(
        ImmutableSortedDictionary<string, string> alive)
    {
        var voters = _logStatus?.Voters ?? VoterSet.None;
        var kept = _list.Addresses.Where(pair =>
            voters.Contains(pair.Key) && !alive.ContainsKey(pair.Key));
        return alive.AddRange(kept);
    }

    private void Keep(MemberList list)
    {
        var isSame = _list.Incarnation == list.Incarnation && _list.WasMember == list.WasMember
            && _list.HasLeft == list.HasLeft && _list.Addresses.SequenceEqual(list.Addresses);
        _list = list;
        if (!isSame) _file.Write(list);
    }

    private void OnTick()
    {
        Attach();
        if (_isListStale && Now - _rememberedAt >= RememberInterval) RememberMembers();
        if (HasSettled) SettleDown();
        _cutOffSince = _members.IsMember ? null : _cutOffSince ?? Now;
    }

    /// <summary>Again and again: whoever was started anew hears what it lost.</summary>
    private void Attach()
    {
        _northbound.Tell(new ClusterAttached(Self));
        _northbound.Tell(_members);
    }

    private void Send(SendToHost send)
    {
        if (send.Host == _settings.HostId && send.To == Addressee.Northbound)
            _northbound.Tell(new HostDelivered(send.Host, send.To, send.Payload));
        else
            _seam.Tell(send); // Lost while there is no seam, as on any other way.
    }
}
