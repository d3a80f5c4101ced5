using System.Collections.Immutable;
using System.Net;
using Akka.Actor;
using Akka.Event;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>This host as a chassis of a mesh whose southbound ovn-northd keeps.</summary>
/// <remarks>
/// It stands where the cluster stands in a mesh of the fabric's own: other hosts are rows of
/// Chassis, places of ports are Port_Binding, neighbours are MAC_Binding and FDB.
/// Hears:  <see cref="DatabaseChanged"/> of its connection; <see cref="PublishVteps"/>,
///         <see cref="ClaimPorts"/>, <see cref="LearnAddresses"/> and
///         <see cref="NorthboundApplied"/> of this host; subscriptions;
///         <see cref="QueryCluster"/> of the command line.
/// Says:   <see cref="VtepsChanged"/>, <see cref="PortLocationsChanged"/>,
///         <see cref="LearnedAddressesChanged"/>, <see cref="GatewaysElected"/>;
///         <see cref="SouthboundKeys"/> to the northbound; transactions: Chassis, Encap and
///         Chassis_Private rows, chassis and up of Port_Binding, neighbours.
/// Holds:  nothing that the server and the host do not say again. One transaction is under way at
///         a time; what is wanted then is compared with what is there again.
/// Fails:  never by the server: while it is away all stays as it was. Its rows stay when the
///         process ends, as ovn-controller's do when it is killed.
/// </remarks>
public sealed class ChassisActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly string _host;
    private readonly IActorRef _northbound;
    private readonly TimeProvider _time;
    private readonly IActorRef _database;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Publication<VtepsChanged> _vteps = new();
    private readonly Publication<PortLocationsChanged> _ports = new();
    private readonly Publication<LearnedAddressesChanged> _learned = new();
    private readonly Publication<GatewaysElected> _gateways = new();
    private readonly HashSet<string> _fresh = new(StringComparer.Ordinal);
    private readonly List<MacBinding> _heard = [];

    private DatabaseSnapshot? _southbound;
    private PublishVteps? _own;
    private ImmutableSortedSet<string> _claims = [];
    private NorthboundApplied? _applied;
    private long _request;
    private bool _isWriting;

    public ChassisActor(
        string host, IActorRef northbound, RemoteDatabaseSettings settings, TimeProvider time)
    {
        _host = host;
        _northbound = northbound;
        _time = time;
        _database = Context.ActorOf(RemoteDatabaseActor.Props(settings), "server");
        Receive<DatabaseChanged>(OnSouthbound);
        Receive<TransactCompleted>(OnWritten);
        Receive<Again>(_ => Write());
        Receive<PublishVteps>(publish =>
        {
            _own = publish;
            Write();
        });
        Receive<ClaimPorts>(claim =>
        {
            _fresh.UnionWith(claim.LogicalPorts.Except(_claims));
            _claims = claim.LogicalPorts;
            Write();
        });
        Receive<LearnAddresses>(learn =>
        {
            _heard.AddRange(learn.MacBindings);
            Write();
        });
        Receive<NorthboundApplied>(applied =>
        {
            _applied = applied;
            Write();
        });
        Receive<QueryCluster>(query => Sender.Tell(Answer(query)));
        ReceiveSubscriptions();
    }

    private ClusterAnswer Answer(QueryCluster query) => query.Verb == ClusterText.AppliedVerb
        ? new ClusterAnswer(0, ClusterText.AppliedJson(
            (_southbound?.Table("Chassis_Private").Rows ?? []).ToImmutableSortedDictionary(
                row => row.GetString("name"), row => row.GetInteger("nb_cfg"),
                StringComparer.Ordinal)))
        : new ClusterAnswer(
            1, "This host is a chassis of an OVN: `ovn-sbctl show` tells of the others.\n");

    private void ReceiveSubscriptions()
    {
        Receive<SubscribeVteps>(from => _vteps.Subscribe(from.Subscriber, Context));
        Receive<SubscribePortLocations>(from => _ports.Subscribe(from.Subscriber, Context));
        Receive<SubscribeLearnedAddresses>(from => _learned.Subscribe(from.Subscriber, Context));
        Receive<SubscribeGateways>(from => _gateways.Subscribe(from.Subscriber, Context));
        Receive<SubscribeHostLoads>(_ => { }); // Chassis tell no loads.
        Receive<HostLoad>(_ => { });
        Receive<VoteForGateways>(_ => { });    // Priorities and BFD decide, as in OVN.
        Receive<ForgetAddresses>(_ => { });    // ovn-northd ages neighbours.
        Receive<ReplicaStarted>(_ => { });
        Receive<RequestedChassisChanged>(_ => { });
        Receive<Terminated>(ended =>
        {
            _vteps.Remove(ended.ActorRef);
            _ports.Remove(ended.ActorRef);
            _learned.Remove(ended.ActorRef);
            _gateways.Remove(ended.ActorRef);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(
        string host, IActorRef northbound, RemoteDatabaseSettings settings, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new ChassisActor(host, northbound, settings, time));

    private sealed record Again
    {
        public static Again Instance { get; } = new();
    }

    protected override void PreStart() => _database.Tell(new SubscribeDatabase(Self));

    private void OnSouthbound(DatabaseChanged changed)
    {
        var isFirst = _southbound is null || changed.Before.Tables.All(table => table.Count == 0);
        _southbound = changed.After;
        bool Touches(params ReadOnlySpan<string> tables)
        {
            foreach (var change in changed.Changes)
            {
                if (tables.Contains(change.Table)) return true;
            }

            return isFirst;
        }

        if (Touches("Chassis", "Encap"))
            _vteps.Publish(new VtepsChanged(ChassisRows.Vteps(_southbound)));
        if (Touches("Datapath_Binding", "Port_Binding", "Chassis")) PublishPorts(_southbound);
        if (Touches("MAC_Binding", "FDB")) PublishLearned(_southbound);
        Write();
    }

    private void PublishPorts(DatabaseSnapshot southbound)
    {
        var datapaths = ImmutableDictionary.CreateBuilder<Guid, uint>();
        foreach (var row in southbound.Table("Datapath_Binding").Rows)
        {
            if (NorthboundRowOf(row) is { } uuid)
                datapaths[uuid] = (uint)row.GetInteger("tunnel_key");
        }

        var keys = Ordinal.EmptyMap<uint>().ToBuilder();
        var places = Ordinal.EmptyMap<PortLocation>().ToBuilder();
        var gateways = Ordinal.EmptyMap<string>().ToBuilder();
        foreach (var row in southbound.Table("Port_Binding").Rows)
        {
            var name = row.GetString("logical_port");
            keys[name] = (uint)row.GetInteger("tunnel_key");
            if (ChassisRows.ChassisName(southbound, row, "chassis") is not { } chassis) continue;
            if (row.GetString("type") is "" or "virtual")
                places[name] = new PortLocation(name, chassis, 0);
            if (row.GetMapValue("options", "distributed-port") is { } gateway)
                gateways[gateway] = chassis;
        }

        _northbound.Tell(new SouthboundKeys(datapaths.ToImmutable(), keys.ToImmutable()));
        _ports.Publish(new PortLocationsChanged(places.ToImmutable()));
        _gateways.Publish(new GatewaysElected(gateways.ToImmutable()));
    }

    private static Guid? NorthboundRowOf(Row datapath) =>
        Guid.TryParse(
            datapath.GetMapValue("external_ids", "logical-switch")
                ?? datapath.GetMapValue("external_ids", "logical-router"), out var uuid)
            ? uuid
            : null;

    private void PublishLearned(DatabaseSnapshot southbound)
    {
        var macs = LearnedAddressesChanged.Nothing.MacBindings.ToBuilder();
        foreach (var row in southbound.Table("MAC_Binding").Rows)
        {
            if (!IPAddress.TryParse(row.GetString("ip"), out var address)
                || !MacBytes.TryParse(row.GetString("mac"), out var mac))
            {
                continue;
            }

            var binding = new MacBinding(row.GetString("logical_port"), address, mac, "");
            macs[binding.Key] = binding;
        }

        _learned.Publish(LearnedAddressesChanged.Nothing with { MacBindings = macs.ToImmutable() });
    }

    private void Write()
    {
        if (_southbound is not { } southbound || _own is not { } own || _isWriting) return;
        var operations = ImmutableArray.CreateBuilder<Operation>();
        operations.AddRange(ChassisRows.Register(southbound, _host, own));
        if (ChassisRows.ChassisOf(southbound, _host) is { } chassis)
        {
            operations.AddRange(ChassisRows.Bind(
                southbound, chassis, _claims, _fresh, _applied is not null));
            _fresh.Clear();
            operations.AddRange(ChassisRows.Learn(southbound, [.. _heard], Milliseconds));
            _heard.Clear();
            Acknowledge(southbound, operations);
        }

        if (operations.Count == 0) return;
        _isWriting = true;
        _database.Tell(new Transact(++_request, operations.ToImmutable()), Self);
    }

    private long Milliseconds => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Chassis_Private.nb_cfg: what ovn-northd waits for before it tells hv_cfg.</summary>
    private void Acknowledge(
        DatabaseSnapshot southbound, ImmutableArray<Operation>.Builder operations)
    {
        if (_applied is null
            || southbound.Table("SB_Global").First is not { } global
            || southbound.Table("Chassis_Private").Find("name", _host) is not { } own)
        {
            return;
        }

        var count = Math.Min(global.GetInteger("nb_cfg"), _applied.NbCfg);
        if (own.GetInteger("nb_cfg") == count) return;
        operations.Add(Operation.UpdateRow(
            "Chassis_Private", own.Uuid, new ColumnValue("nb_cfg", count),
            new ColumnValue("nb_cfg_timestamp", Milliseconds)));
    }

    private void OnWritten(TransactCompleted completed)
    {
        if (completed.RequestId != _request) return;
        _isWriting = false;
        if (completed.Error is { } error)
        {
            _log.Warning("the southbound refused what this chassis wrote: {0}", error);
            Timers.StartSingleTimer(nameof(Again), Again.Instance, RetryPause);
            return;
        }

        Write();
    }
}
