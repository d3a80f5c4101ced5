using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Controllers;

namespace Fabric.Logical;

/// <summary>Whom the logical actor works with.</summary>
/// <param name="Configuration">The Open_vSwitch database.</param>
/// <param name="Northbound">The northbound endpoint: replica and writer.</param>
/// <param name="Cluster">VTEPs and port locations; hears claims.</param>
/// <param name="BridgesPath">Path below which bridges are actors by name.</param>
public sealed record LogicalSurroundings(
    IActorRef Configuration, IActorRef Northbound, IActorRef Cluster, string BridgesPath);

/// <summary>Asks for <see cref="NetworkStatus"/>, now.</summary>
public sealed record GetNetworkStatus;

/// <summary>How the logical network stands on this host.</summary>
/// <param name="Sequence">Of the northbound that is installed.</param>
/// <param name="Conditions">Rows that could not be compiled, dangling references ...</param>
public sealed record NetworkStatus(
    string HostId, string Bridge, long Sequence, long NbCfg, int FlowCount,
    int LocalDatapathCount, ImmutableSortedSet<string> LocalPorts,
    ImmutableArray<NetworkCondition> Conditions);

/// <summary>Compiles the northbound into flows of the integration bridge.</summary>
/// <remarks>
/// Hears:  <see cref="DatabaseChanged"/> from the configuration; <see cref="NorthboundChanged"/>
///         from the northbound; <see cref="PortLocationsChanged"/> and
///         <see cref="LearnedAddressesChanged"/> from the cluster;
///         <see cref="ChangesApplied"/>, <see cref="SwitchAnswered"/> and PacketInRaised from the
///         bridge; <see cref="TransactCompleted"/>; <see cref="GetNetworkStatus"/>;
///         <see cref="TraceLogical"/>; <see cref="DescribeFlows"/>.
/// Says:   subscriptions; <see cref="ClaimPorts"/>, <see cref="LearnAddresses"/>;
///         <see cref="ApplyChanges"/> and
///         <see cref="AskSwitch"/> to the bridge; <see cref="Transact"/> (bridge, zones, up);
///         <see cref="NorthboundApplied"/>; <see cref="NetworkStatus"/>;
///         <see cref="FlowsDescribed"/>.
/// Holds:  nothing that the databases, the cluster and the bridge cannot say again. After a start
///         it reads the bridge's flows and changes only what differs: traffic does not notice.
/// Fails:  it ends with the databases and the cluster that it was given, and its parent starts it
///         anew with their successors; a bridge that ends is looked for by pauses; a refused bundle
///         is logged and followed by a comparison with what the bridge really holds.
/// </remarks>
public sealed partial class LogicalActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ComplaintPause = TimeSpan.FromMilliseconds(100);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly LogicalSurroundings _around;
    private readonly LogicalCompiler _compiler = new();
    private readonly Dictionary<string, string> _complained = new(StringComparer.Ordinal);

    private DatabaseSnapshot? _database;
    private HostConfiguration? _host;
    private NorthboundChanged? _northbound;
    private ImmutableSortedDictionary<string, PortLocation> _locations =
        ImmutableSortedDictionary<string, PortLocation>.Empty;
    private ImmutableSortedDictionary<string, string> _hosts =
        ImmutableSortedDictionary<string, string>.Empty;
    private CompileResult? _result;
    private bool _isCompilePending;
    private bool _isComplaintPending;
    private long _lastRequest;

    public LogicalActor(LogicalSurroundings around)
    {
        _around = around;
        Receive<DatabaseChanged>(OnConfiguration);
        Receive<NorthboundChanged>(OnNorthbound);
        Receive<PortLocationsChanged>(changed =>
        {
            _hosts = Follow(_hosts, _locations, changed.Locations);
            _locations = changed.Locations;
            NoteOwned();
            CompileSoon();
        });
        Receive<LearnedAddressesChanged>(OnLearned);
        Receive<NeighborHeard>(OnHeard);
        Receive<GatewaysDecided>(OnGateways);
        ReceiveSightings();
        Receive<NeighborsAged>(_ => AgeNeighbors());
        Receive<CompileNow>(_ => OnCompile());
        Receive<ComplainNow>(_ => Complain());
        Receive<ActorIdentity>(OnBridgeIdentity);
        Receive<FindBridge>(_ => LookForBridge());
        Receive<SwitchAnswered>(OnSwitchAnswered);
        Receive<ChangesApplied>(OnChangesApplied);
        Receive<TransactCompleted>(OnTransactCompleted);
        Receive<RefusedBundle>(_ => OnRefused());
        Receive<Terminated>(OnTerminated);
        Receive<GetNetworkStatus>(_ => Sender.Tell(Status()));
        Receive<DescribeFlows>(_ => Sender.Tell(new FlowsDescribed([.. _compiler.Flows.All])));
        Receive<TraceLogical>(request => Sender.Tell(
            _compiler.Topology is { } topology && _host is not null
                ? LogicalTrace.Read(
                    topology, View(_zones ?? _host.Zones), _host.BridgeName, request)
                : new LogicalMicroflow(
                    "the northbound is not here yet", "", "", LogicalNames.Empty)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(LogicalSurroundings around) =>
        Akka.Actor.Props.Create(() => new LogicalActor(around));

    private sealed record ComplainNow
    {
        public static ComplainNow Instance { get; } = new();
    }

    private sealed record CompileNow
    {
        public static CompileNow Instance { get; } = new();
    }

    protected override void PreStart()
    {
        Subscribe(_around.Configuration);
        Subscribe(_around.Northbound);
        Subscribe(_around.Cluster);
    }

    private void Subscribe(IActorRef publisher)
    {
        if (publisher.IsNobody())
        {
            Context.Stop(Self); // Not there yet: it is started again when it is.
            return;
        }

        Context.Watch(publisher);
        if (publisher.Equals(_around.Configuration)) publisher.Tell(new SubscribeDatabase(Self));
        if (publisher.Equals(_around.Northbound)) publisher.Tell(new SubscribeNorthbound(Self));
        if (!publisher.Equals(_around.Cluster)) return;
        publisher.Tell(new SubscribePortLocations(Self));
        publisher.Tell(new SubscribeLearnedAddresses(Self));
        _claimed = null; // The cluster may have forgotten: claim again.
        CompileSoon();
    }

    private void OnTerminated(Terminated terminated)
    {
        if (terminated.ActorRef.Equals(_bridge))
        {
            LoseBridge();
            return;
        }

        Context.Stop(Self); // The parent starts it anew, with the publisher's successor.
    }

    private void OnConfiguration(DatabaseChanged changed)
    {
        _database = changed.After;
        var before = _host;
        _host = HostConfiguration.Read(changed.After);
        if (_host.HostId.Length == 0) return;
        NoteOwned();
        EnsureBridge();
        if (before?.BridgeName != _host.BridgeName) LoseBridge();
        CompileSoon();
    }

    private void OnNorthbound(NorthboundChanged changed)
    {
        _northbound = changed;
        CompileSoon();
    }

    /// <summary>
    /// All messages that are waiting already are taken into the same compilation.
    /// </summary>
    private void CompileSoon()
    {
        if (_isCompilePending) return;
        _isCompilePending = true;
        Self.Tell(CompileNow.Instance);
    }

    private void OnCompile()
    {
        _isCompilePending = false;
        if (_host is not { HostId.Length: > 0 } || _northbound is null) return;
        if (_bridgeState is BridgeState.Applying)
        {
            _isDirty = true; // When the bundle is through.
            return;
        }

        CompileUntilStable(_northbound);
        TellServices();
        TellGateways();
        TellWorkloads();
        Announce();
        LinkPhysical();
        StoreZones();
        ManageAddresses();
        ComplainSoon();
        Claim();
        Install();
    }

    /// <remarks>
    /// What is compiled decides which zones are needed and which interfaces may be bound, and these
    /// decide what is compiled: the second round finds both settled.
    /// </remarks>
    private void CompileUntilStable(NorthboundChanged northbound)
    {
        const int roundsMax = 3;
        var zones = _zones ?? _host!.Zones;
        for (var round = 0; round < roundsMax; round++)
        {
            var view = View(zones);
            _result = _compiler.Compile(northbound.Database, northbound.Keys, view);
            Collect(_result.Changes);
            var allocated = ConntrackZones.Allocate(zones, _result.Zones);
            FlushNewZones(zones, allocated);
            var isStable = allocated.SequenceEqual(zones)
                && LocalInterfaces().SequenceEqual(view.Interfaces);
            if (isStable) break; // The same object: nothing that depends on zones is made anew.
            zones = allocated;
        }

        _zones = zones;
    }

    private HostView View(ImmutableSortedDictionary<string, ushort> zones) => new(
        _host!.HostId, LocalInterfaces(), _host.Tunnels,
        _hosts, zones, _host.PhysicalNetworks)
    {
        Gateways = _gateways,
        Sightings = _sightings,
    };

    /// <summary>Hosts by port, with only what differs made anew.</summary>
    private static ImmutableSortedDictionary<string, string> Follow(
        ImmutableSortedDictionary<string, string> hosts,
        ImmutableSortedDictionary<string, PortLocation> before,
        ImmutableSortedDictionary<string, PortLocation> now)
    {
        var builder = hosts.ToBuilder();
        foreach (var (name, location) in now)
        {
            if (!before.TryGetValue(name, out var old) || old.HostId != location.HostId)
                builder[name] = location.HostId;
        }

        if (builder.Count == now.Count) return builder.ToImmutable();
        builder.RemoveRange(before.Keys.Where(name => !now.ContainsKey(name)));
        return builder.ToImmutable();
    }

    /// <summary>
    /// Looking for conditions takes a pass over all rows: once for a burst of changes, and not
    /// before the flows.
    /// </summary>
    private void ComplainSoon()
    {
        if (_isComplaintPending) return;
        _isComplaintPending = true;
        Timers.StartSingleTimer(nameof(ComplainNow), ComplainNow.Instance, ComplaintPause);
    }

    /// <summary>Each condition is logged once, and again when its text changed.</summary>
    private void Complain()
    {
        _isComplaintPending = false;
        if (_result is null) return;
        var conditions = _result.Conditions;
        foreach (var condition in conditions)
        {
            var row = $"{condition.Table} {condition.Row}";
            if (_complained.GetValueOrDefault(row) == condition.Text) continue;
            _complained[row] = condition.Text;
            _log.Warning("{0}: {1}", row, condition.Text);
        }

        var rows = conditions.Select(condition => $"{condition.Table} {condition.Row}").ToHashSet();
        foreach (var row in _complained.Keys.Where(row => !rows.Contains(row)).ToList())
            _complained.Remove(row);
    }

    private NetworkStatus Status() => new(
        _host?.HostId ?? "", _host?.BridgeName ?? "", _installedSequence, _installedNbCfg,
        _compiler.Flows.Count, _result?.LocalDatapathCount ?? 0,
        _claimed ?? ImmutableSortedSet<string>.Empty, _result?.Conditions ?? []);
}
