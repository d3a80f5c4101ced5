using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>Asks the logical room for <see cref="FlowsDescribed"/>, now.</summary>
public sealed record DescribeFlows;

/// <summary>What the logical room wants installed.</summary>
public sealed record FlowsDescribed(ImmutableArray<LogicalFlow> Flows);

/// <summary>Whom the southbound view is made from.</summary>
/// <param name="Logical">The logical room, whichever actor it is now.</param>
public sealed record SouthboundSources(
    string HostId, IActorRef Configuration, IActorRef Northbound, IActorRef Cluster,
    ICanTell Logical);

/// <summary>OVN_Southbound for those who only read: made from replicated state.</summary>
/// <remarks>
/// Hears:  <see cref="SubscribeDatabase"/>, <see cref="UnsubscribeDatabase"/>,
///         <see cref="Configuration.Transact"/>, <see cref="CancelTransact"/> and
///         <see cref="ConvertDatabase"/> of sessions, which its database answers; what the
///         northbound, the configuration and the cluster publish; <see cref="FlowsDescribed"/>.
/// Says:   subscriptions; <see cref="DescribeFlows"/>; transactions to its database, which is
///         read-only for everybody else.
/// Holds:  nothing that others do not say again. Rows are made when somebody reads: first when a
///         session asks, then after changes while sessions are there; with pauses of ten times
///         what the last round took, so that a large view does not keep a core busy.
/// Fails:  it ends with those it subscribes to and is made anew; sessions subscribe again.
/// </remarks>
public sealed class SouthboundActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan FlowsPatience = TimeSpan.FromSeconds(2);
    private const int WaitingCountMax = 1_000;
    private const int PauseFactor = 10;

    private readonly SouthboundSources _sources;
    private readonly TimeProvider _time;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IActorRef _database;
    private readonly HashSet<IActorRef> _readers = [];
    private readonly Queue<(object Request, IActorRef Sender)> _waiting = new();
    private readonly Dictionary<(string Table, Guid Uuid), SouthboundRow> _shown = [];
    private SouthboundPicture? _picture;
    private ImmutableSortedDictionary<string, string> _settings =
        ImmutableSortedDictionary<string, string>.Empty;
    private bool _isStale = true;
    private bool _isAsking;
    private TimeSpan _pause = PauseMin;
    private long _requests;

    public SouthboundActor(SouthboundSources sources, TimeProvider time)
    {
        _sources = sources;
        _time = time;
        _database = Context.ActorOf(
            MemoryDatabaseActor.Props(
                SouthboundSchema.Schema, time, Guid.NewGuid, isReadOnly: true),
            "database");
        Receive<SubscribeDatabase>(subscribe =>
        {
            Context.Watch(subscribe.Subscriber);
            _readers.Add(subscribe.Subscriber);
            Pass(subscribe);
        });
        Receive<UnsubscribeDatabase>(unsubscribe =>
        {
            Forget(unsubscribe.Subscriber);
            _database.Forward(unsubscribe);
        });
        Receive<Transact>(Pass);
        Receive<ConvertDatabase>(Pass);
        Receive<CancelTransact>(cancel => _database.Forward(cancel));
        ReceiveSources();
        Receive<FlowsDescribed>(described => Refresh(described.Flows));
        Receive<FlowsLate>(_ => Refresh(_picture?.Flows ?? []));
        Receive<Due>(_ => Ask());
        Receive<TransactCompleted>(completed =>
        {
            if (completed.Error is { } error)
                _log.Error("the southbound view cannot show what is: {0}", error);
        });
        Receive<Terminated>(ended =>
        {
            if (!Forget(ended.ActorRef)) Context.Stop(Self);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(SouthboundSources sources, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new SouthboundActor(sources, time));

    private sealed record Due
    {
        public static Due Instance { get; } = new();
    }

    private sealed record FlowsLate
    {
        public static FlowsLate Instance { get; } = new();
    }

    private void ReceiveSources()
    {
        Receive<NorthboundChanged>(changed =>
        {
            var picture = _picture ?? new SouthboundPicture(
                _sources.HostId, changed.Database, changed.Keys, _settings);
            Change(picture with { Northbound = changed.Database, Keys = changed.Keys });
        });
        Receive<DatabaseChanged>(OnConfiguration);
        Receive<VtepsChanged>(changed => Change(_picture! with { Vteps = changed.Vteps }));
        Receive<PortLocationsChanged>(changed =>
            Change(_picture! with { Locations = changed.Locations }));
        Receive<LearnedAddressesChanged>(learned =>
            Change(_picture! with { Learned = learned }));
        Receive<GatewaysElected>(elected =>
            Change(_picture! with { Gateways = elected.ByRouterPort }));
    }

    protected override void PreStart()
    {
        _picture = new SouthboundPicture(
            _sources.HostId, DatabaseSnapshot.EmptyOf(NorthboundSchema.Schema), TunnelKeys.Empty,
            _settings);
        foreach (var source in (IActorRef[])
            [_sources.Configuration, _sources.Northbound, _sources.Cluster])
        {
            if (source.IsNobody())
            {
                Context.Stop(Self); // Not there yet: the parent makes this room anew.
                return;
            }

            Context.Watch(source);
        }

        _sources.Configuration.Tell(new SubscribeDatabase(Self, WithInitialRows: false));
        _sources.Northbound.Tell(new SubscribeNorthbound(Self));
        _sources.Cluster.Tell(new SubscribeVteps(Self));
        _sources.Cluster.Tell(new SubscribePortLocations(Self));
        _sources.Cluster.Tell(new SubscribeLearnedAddresses(Self));
        _sources.Cluster.Tell(new SubscribeGateways(Self));
    }

    private bool Forget(IActorRef reader)
    {
        if (!_readers.Remove(reader)) return false;
        Context.Unwatch(reader);
        return true;
    }

    private void OnConfiguration(DatabaseChanged changed)
    {
        if (changed.After.Table("Open_vSwitch").First is not { } root) return;
        var types = string.Join(',', root.GetStringSet("iface_types"));
        var settings = root.GetMap("external_ids");
        if (types.Length > 0) settings = settings.SetItem("iface-types", types);
        if (settings.SequenceEqual(_settings)) return;
        _settings = settings;
        Change(_picture! with { Settings = settings });
    }

    private void Change(SouthboundPicture picture)
    {
        _picture = picture;
        if (_isStale) return;
        _isStale = true;
        if (_readers.Count > 0) Timers.StartSingleTimer(nameof(Due), Due.Instance, _pause);
    }

    /// <summary>To the database, behind the rows as they are now.</summary>
    private void Pass(object request)
    {
        if (!_isStale && !_isAsking)
        {
            _database.Forward(request);
            return;
        }

        if (_waiting.Count >= WaitingCountMax)
        {
            _database.Forward(request); // With rows of a moment ago.
            return;
        }

        _waiting.Enqueue((request, Sender));
        Ask();
    }

    private void Ask()
    {
        if (_isAsking) return;
        if (!_isStale)
        {
            Serve();
            return;
        }

        _isAsking = true;
        _sources.Logical.Tell(new DescribeFlows(), Self);
        Timers.StartSingleTimer(nameof(FlowsLate), FlowsLate.Instance, FlowsPatience);
    }

    private void Refresh(ImmutableArray<LogicalFlow> flows)
    {
        if (!_isAsking) return;
        Timers.Cancel(nameof(FlowsLate));
        (_isAsking, _isStale) = (false, false);
        var started = _time.GetTimestamp();
        _picture = _picture! with { Flows = flows };
        var operations = Difference(SouthboundRows.Of(_picture));
        if (operations.Count > 0)
            _database.Tell(new Transact(++_requests, [.. operations]), Self);
        var cost = _time.GetElapsedTime(started) * PauseFactor;
        _pause = cost > PauseMin ? cost : PauseMin;
        Serve();
    }

    private void Serve()
    {
        while (_waiting.TryDequeue(out var next)) _database.Tell(next.Request, next.Sender);
    }

    private List<Operation> Difference(List<SouthboundRow> wanted)
    {
        var operations = new List<Operation>();
        var gone = new HashSet<(string, Guid)>(_shown.Keys);
        foreach (var row in wanted)
        {
            var key = (row.Table, row.Uuid);
            gone.Remove(key);
            if (!_shown.TryGetValue(key, out var before))
                operations.Add(new Operation.Insert(row.Table, row.Values, row.Uuid));
            else if (!before.Values.SequenceEqual(row.Values))
                operations.Add(Operation.UpdateRow(row.Table, row.Uuid, row.Values.AsSpan()));
            _shown[key] = row;
        }

        foreach (var (table, uuid) in gone)
        {
            operations.Add(Operation.DeleteRow(table, uuid));
            _shown.Remove((table, uuid));
        }

        return operations;
    }
}
