using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Cluster;

/// <summary>
/// The host's side of the seam to the clustered actor system, which it starts anew.
/// </summary>
/// <remarks>
/// Hears:  subscriptions, <see cref="PublishVteps"/> and <see cref="ClaimPorts"/> of this host's
///         actors; <see cref="SendToHost"/> and <see cref="LogStatus"/> of host/northbound;
///         membership, VTEPs, port locations and <see cref="HostDelivered"/> of the clustered
///         system; <see cref="QueryCluster"/> of the command line.
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
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(500);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly FabricSettings _settings;
    private readonly FabricSystemSlot _slot;
    private readonly MemberFile _file;
    private readonly long _startedAt;
    private readonly SortedDictionary<string, IActorRef> _vtepSubscribers =
        new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, IActorRef> _portSubscribers =
        new(StringComparer.Ordinal);

    private MemberList _list = MemberList.Nobody;
    private IActorRef _northbound;
    private IActorRef _seam = ActorRefs.Nobody;
    private bool _isRunning;
    private MembershipView _members;
    private LogStatus? _logStatus;
    private VtepsChanged? _vteps;
    private PortLocationsChanged? _ports;
    private PublishVteps? _ownVteps;
    private ClaimPorts? _ownPorts;
    private RequestedChassisChanged? _requested;
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

        Receive<SendToHost>(Send);
        Receive<HostDelivered>(delivered => _northbound.Tell(delivered));
        Receive<SubscribeVteps>(Subscribe);
        Receive<SubscribePortLocations>(Subscribe);
        Receive<PublishVteps>(publish => _seam.Tell(_ownVteps = publish));
        Receive<ClaimPorts>(claim => _seam.Tell(_ownPorts = claim));
        Receive<RequestedChassisChanged>(changed =>
        {
            _requested = changed;
            TellRequested();
        });
        Receive<VtepsChanged>(changed =>
        {
            Publish(_vtepSubscribers, _vteps = changed);
            TellRequested();
        });
        Receive<PortLocationsChanged>(changed => Publish(_portSubscribers, _ports = changed));
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
            _vtepSubscribers.Remove(KeyOf(ended.ActorRef));
            _portSubscribers.Remove(KeyOf(ended.ActorRef));
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
        if (start.Forms && !_list.WasMember)
            _northbound.Tell(new FoundLog(Guid.NewGuid()));
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
            incarnation, forms, [.. known.Values.Concat(seeds).Distinct()]);
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
        if (_ownVteps is not null) _seam.Tell(_ownVteps);
        if (_ownPorts is not null) _seam.Tell(_ownPorts);
        TellRequested();
        if (_logStatus is not null) _seam.Tell(_logStatus);
    }

    /// <summary>options:requested-chassis may be a host's name in place of its id.</summary>
    private void TellRequested()
    {
        if (_requested is null) return;
        var ids = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var vtep in _vteps?.Vteps ?? []) ids[vtep.HostName] = vtep.HostId;
        _seam.Tell(new RequestedChassisChanged(_requested.Requested.ToImmutableSortedDictionary(
            pair => pair.Key, pair => ids.GetValueOrDefault(pair.Value, pair.Value),
            StringComparer.Ordinal)));
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
        _members = members;
        _northbound.Tell(members);
        if (!members.IsMember) return;
        _pause = PauseMin;
        var addresses = members.Members
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

    private void Subscribe(SubscribeVteps subscribe)
    {
        Context.Watch(subscribe.Subscriber);
        _vtepSubscribers[KeyOf(subscribe.Subscriber)] = subscribe.Subscriber;
        if (_vteps is not null) subscribe.Subscriber.Tell(_vteps);
    }

    private void Subscribe(SubscribePortLocations subscribe)
    {
        Context.Watch(subscribe.Subscriber);
        _portSubscribers[KeyOf(subscribe.Subscriber)] = subscribe.Subscriber;
        if (_ports is not null) subscribe.Subscriber.Tell(_ports);
    }

    private static void Publish(SortedDictionary<string, IActorRef> subscribers, object message)
    {
        foreach (var subscriber in subscribers.Values) subscriber.Tell(message);
    }

    private static string KeyOf(IActorRef actor) => actor.Path.ToStringWithoutAddress();
}
