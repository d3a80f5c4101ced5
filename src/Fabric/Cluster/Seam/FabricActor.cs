using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using Akka.Event;
using Akka.Pattern;
using Akka.Remote;

namespace Fabric.Cluster;

/// <summary>
/// The root of the clustered system, and its side of the seam to the host's system.
/// </summary>
/// <remarks>
/// Hears:  <see cref="SendToHost"/>, <see cref="HostDelivered"/>, <see cref="PublishVteps"/>,
///         <see cref="ClaimPorts"/>, <see cref="LearnAddresses"/>, <see cref="ForgetAddresses"/>,
///         <see cref="VoteForGateways"/>, <see cref="HostLoad"/>,
///         <see cref="NorthboundApplied"/>, commands from host/cluster;
///         <see cref="HostFrame"/> from the same actor of other hosts; membership events.
/// Says:   <see cref="HostDelivered"/>, <see cref="MembershipView"/>, <see cref="VtepsChanged"/>,
///         <see cref="PortLocationsChanged"/>, <see cref="LearnedAddressesChanged"/>,
///         <see cref="GatewaysElected"/>, <see cref="HostLoadsChanged"/>,
///         <see cref="HostsAppliedChanged"/> to host/cluster;
///         <see cref="HostFrame"/>.
/// Holds:  where each host is. Nothing that a new incarnation would miss.
/// Fails:  its children are started anew one by one; with the system it ends, and host/cluster
///         starts another incarnation.
/// </remarks>
public sealed partial class FabricActor : ReceiveActor, IWithTimers
{
    /// <summary>
    /// The terms of the log fence the last writer off; nothing need be waited for.
    /// </summary>
    private static readonly TimeSpan NoMargin = TimeSpan.FromMilliseconds(1);

    private const string VtepsName = "vteps";
    private const string PortsName = "ports";
    private const string LearnedName = "addresses";
    private const string ReportsName = "reports";
    private const string WriterName = "writer";

    /// <summary>Before a child that was stopped is made again.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(1);

    /// <summary>In a large cluster members change in crowds: a crowd is looked at once.</summary>
    private TimeSpan RefreshPause => TimeSpan.FromMilliseconds(20 + _members.Members.Length / 2);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly FabricSettings _settings;
    private readonly FabricStart _start;
    private readonly IActorRef _hostSide;
    private readonly Akka.Cluster.Cluster _node = Akka.Cluster.Cluster.Get(Context.System);
    private readonly FrameAssembler _frames = new();
    private readonly FrameCutter _cutter;

    private readonly MembershipReader _reader;
    private IActorRef _writer = ActorRefs.Nobody;
    private MembershipView _members;
    private PortLocationsChanged? _located;

    public FabricActor(FabricSettings settings, FabricStart start, IActorRef hostSide)
    {
        _settings = settings;
        _start = start;
        _hostSide = hostSide;
        _members = MembershipView.Nothing(settings.HostId);
        _cutter = new FrameCutter(settings.HostId, start.Incarnation);
        _reader = new MembershipReader(_node, settings.HostId);
        _formation = new FormationRule(settings.HostId);
        _contacts = new ContactList(settings.HostId, start);
        _startedAt = settings.Clock.GetTimestamp();

        Receive<SendToHost>(Send);
        Receive<HostDelivered>(delivered => Deliver(delivered));
        Receive<HostFrame>(Hear);
        ReceiveGossip();
        Receive<FormationNote>(Hear);
        Receive<LogStatus>(status =>
            (_formation.Voters, _formation.LogId) = (ElectorsOf(status), status.LogId));
        Receive<WriterStarted>(started =>
        {
            Context.Watch(started.Writer);
            _writer = started.Writer;
            _writer.Tell(_members);
            if (_located is not null) _writer.Tell(_located);
        });
        Receive<Terminated>(ended =>
        {
            if (ended.ActorRef.Equals(_writer)) _writer = ActorRefs.Nobody;
            else Timers.StartSingleTimer(
                ended.ActorRef.Path.Name, new MakeChild(ended.ActorRef.Path.Name), Rest);
        });
        Receive<MakeChild>(make => Make(make.Name));
        Receive<ClusterEvent.CurrentClusterState>(_ => RefreshSoon());
        Receive<ClusterEvent.IClusterDomainEvent>(_ => RefreshSoon());
        Receive<RefreshMembers>(_ => Refresh());
        Receive<ThisActorSystemQuarantinedEvent>(Refused);
        Receive<LeaveCluster>(leave => _node.Leave(Address.Parse(leave.Address)));
        Receive<DownMember>(down => _node.Down(Address.Parse(down.Address)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(FabricSettings settings, FabricStart start, IActorRef hostSide) =>
        Akka.Actor.Props.Create(() => new FabricActor(settings, start, hostSide));

    private sealed record MakeChild(string Name);

    private sealed record RefreshMembers
    {
        public static readonly RefreshMembers Instance = new();
    }

    protected override void PreStart()
    {
        foreach (var name in ChildNames) Make(name);
        _node.Subscribe(
            Self, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.IReachabilityEvent),
            typeof(ClusterEvent.LeaderChanged));
        Context.System.EventStream.Subscribe(Self, typeof(ThisActorSystemQuarantinedEvent));
        Timers.StartPeriodicTimer(
            nameof(RefreshMembers), RefreshMembers.Instance, RefreshInterval);
        _hostSide.Tell(new FabricStarted(_start.Incarnation, Self));
        Join();
    }

    /// <summary>Makes a child, and makes it again whenever it was stopped.</summary>
    private void Make(string name)
    {
        if (!Context.Child(name).IsNobody()) return;
        var version = _start.Incarnation << 32;
        var child = Context.ActorOf(
            name switch
            {
                VtepsName => VtepDirectoryActor.Props(_settings.HostId, version),
                PortsName => PortLocationsActor.Props(_settings.HostId, version),
                LearnedName => LearnedAddressesActor.Props(_settings.HostId),
                ReportsName => HostReportsActor.Props(_settings.HostId, version),
                _ => WriterManager(),
            },
            name);
        Context.Watch(child);
    }

    private Props WriterManager()
    {
        var writer = NorthboundWriterActor.Props(
            _settings.HostId, Self, _settings.Surroundings, _settings.Clock);
        var patient = Backoff.OnStop(
            writer, "writer", TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5), 0.2, -1);
        return ClusterSingletonManager.Props(
            BackoffSupervisor.Props(patient), PoisonPill.Instance,
            ClusterSingletonManagerSettings.Create(Context.System)
                .WithRole(MembershipView.VoterRole).WithSingletonName("northbound")
                .WithRemovalMargin(NoMargin));
    }

    protected override void PostStop() => _node.Unsubscribe(Self);

    private void RefreshSoon()
    {
        if (!Timers.IsTimerActive(nameof(RefreshSoon)))
            Timers.StartSingleTimer(nameof(RefreshSoon), RefreshMembers.Instance, RefreshPause);
    }

    private void Refresh()
    {
        LookForOthers();
        var members = _reader.Read();
        GiveUpLostJoin(members);
        if (ReferenceEquals(members, _members) || members.IsSameAs(_members)) return;
        _members = members;
        _hostSide.Tell(members);
        foreach (var name in GossipNames) Context.Child(name).Tell(members);
        _writer.Tell(members);
    }
}
