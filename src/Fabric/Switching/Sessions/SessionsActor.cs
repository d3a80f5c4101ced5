using System.Collections.Frozen;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Configuration;
using Fabric.Pipeline;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>Keeps one actor for each session of BFD, CFM and LACP that rows ask for.</summary>
/// <remarks>
/// Hears:  <see cref="DatabaseChanged"/> from the Open_vSwitch database;
///         <see cref="SessionPacket"/> from packet threads; <see cref="SessionReported"/> from its
///         children; <see cref="ListSessions"/> from operators; <see cref="AskNextHop"/>;
///         <see cref="TransactCompleted"/>.
/// Says:   <see cref="ConfigureSession"/> and <see cref="SessionHeard"/> to its children;
///         <see cref="Transact"/> with status columns; <see cref="LivenessChanged"/>
///         to bridges.
/// Holds:  the rows as they are now, and what sessions reported last.
/// Fails:  never by what it hears. A session that fails is started anew with its settings; when
///         this actor is, sessions begin anew and peers see them flap once.
/// </remarks>
public sealed partial class SessionsActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    private readonly SwitchStore _store;
    private readonly IActorRef _database;
    private readonly IActorRef _bridges;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly SortedDictionary<(string Interface, SessionKinds Kind), SessionReported>
        _reports = [];
    private readonly SortedDictionary<string, uint> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<uint, string> _names = [];
    private DatabaseSnapshot? _snapshot;
    private ImmutableSortedDictionary<string, SessionWanted> _wanted =
        ImmutableSortedDictionary<string, SessionWanted>.Empty;
    private uint _lastId;
    private ImmutableSortedDictionary<string, LacpWanted> _aggregations =
        ImmutableSortedDictionary<string, LacpWanted>.Empty;
    private bool _isWriting;
    private bool _isWritePending;

    /// <param name="seed">Where discriminators begin: other at each start.</param>
    public SessionsActor(SwitchStore store, IActorRef database, IActorRef bridges, uint seed)
    {
        _store = store;
        _database = database;
        _bridges = bridges;
        _lastId = seed & 0x3FFF_FFFF;
        Receive<DatabaseChanged>(Adopt);
        Receive<SessionPacket>(Hear);
        Receive<SessionReported>(Keep);
        Receive<ListSessions>(list => Sender.Tell(new SessionsListed(
            list.Kind == SessionKinds.Lacp
                ? _aggregations.Keys.ToImmutableSortedDictionary(
                    name => name, name => Context.Child(NameOf(SessionKinds.Lacp, name)),
                    StringComparer.Ordinal)
                : _wanted.Values.Where(each => Has(each, list.Kind)).ToImmutableSortedDictionary(
                each => each.Place.Interface,
                each => Context.Child(NameOf(list.Kind, each.Place.Interface)),
                StringComparer.Ordinal))));
        Receive<AskNextHop>(Ask);
        Receive<WriteReports>(_ => Write());
        Receive<TransactCompleted>(completed =>
        {
            _isWriting = false;
            if (completed.Error is { } error) _log.Warning("status rows: {0}", error);
            if (_isWritePending) WriteSoon(RetryPause);
        });
        Receive<Terminated>(gone =>
        {
            if (gone.ActorRef.Equals(_database) || gone.ActorRef.Equals(_bridges))
                Context.Stop(Self); // Its parent starts it anew with their successors.
            else if (_snapshot is not null) Reconcile(); // A session that was stopped is back.
        });
    }

    private sealed record WriteReports
    {
        public static readonly WriteReports Instance = new();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(
        SwitchStore store, IActorRef database, IActorRef bridges, uint seed) =>
        Akka.Actor.Props.Create(() => new SessionsActor(store, database, bridges, seed));

    protected override void PreStart()
    {
        var self = Self;
        _store.Sessions.ListenWith(packet => self.Tell(packet, ActorRefs.NoSender));
        Context.Watch(_database);
        Context.Watch(_bridges);
        _database.Tell(new SubscribeDatabase(Self));
    }

    protected override void PostStop() => _store.Sessions.ListenWith(null);

    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(_ => Directive.Restart);

    private void Adopt(DatabaseChanged changed)
    {
        _snapshot = changed.After;
        var isFirst = changed.Before.TransactionId == Guid.Empty;
        if (isFirst || changed.Changes.Any(SessionRows.Concern)) Reconcile();
        if (isFirst) WriteSoon(TimeSpan.Zero); // What another process left in status columns.
    }

    private void Reconcile()
    {
        var before = _wanted;
        _wanted = SessionRows.Wanted(_snapshot!);
        foreach (var (name, old) in before)
        {
            var now = _wanted.GetValueOrDefault(name);
            if (old.Bfd is not null && now?.Bfd is null) End(SessionKinds.Bfd, name);
            if (old.Cfm is not null && now?.Cfm is null) End(SessionKinds.Cfm, name);
        }

        ReconcileAggregations();
        PublishPorts();
        foreach (var wanted in _wanted.Values)
        {
            if (wanted.Bfd is not null) Tell(SessionKinds.Bfd, wanted);
            if (wanted.Cfm is not null) Tell(SessionKinds.Cfm, wanted);
        }

        JudgePorts();
    }

    private void ReconcileAggregations()
    {
        var before = _aggregations;
        _aggregations = SessionRows.Aggregations(_snapshot!);
        foreach (var (name, old) in before)
        {
            if (!_aggregations.ContainsKey(name)) End(SessionKinds.Lacp, name);
            var members = _aggregations.GetValueOrDefault(name)?.Settings.Members;
            foreach (var face in old.Settings.Members.Keys)
            {
                if (members?.ContainsKey(face) == true) continue;
                _reports.Remove((face, SessionKinds.Lacp));
                WriteSoon(TimeSpan.Zero);
            }
        }

        foreach (var (name, wanted) in _aggregations)
        {
            var child = Context.Child(NameOf(SessionKinds.Lacp, name));
            if (!child.IsNobody()) child.Tell(wanted);
            else
            {
                Context.Watch(Context.ActorOf(
                    LacpActor.Props(_store, wanted), NameOf(SessionKinds.Lacp, name)));
            }
        }
    }

    private LacpWanted? AggregationOf(string face) => _aggregations.Values
        .FirstOrDefault(each => each.Settings.Members.ContainsKey(face));

    private void Tell(SessionKinds kind, SessionWanted wanted)
    {
        var name = NameOf(kind, wanted.Place.Interface);
        var child = Context.Child(name);
        if (!child.IsNobody())
        {
            child.Tell(new ConfigureSession(wanted));
            return;
        }

        var props = kind == SessionKinds.Bfd
            ? BfdActor.Props(_store, wanted, ++_lastId) : CfmActor.Props(_store, wanted);
        Context.Watch(Context.ActorOf(props, name));
    }

    private void End(SessionKinds kind, string face)
    {
        var child = Context.Child(NameOf(kind, face));
        if (!child.IsNobody())
        {
            Context.Unwatch(child);
            Context.Stop(child);
        }

        _reports.Remove((face, kind));
        WriteSoon(TimeSpan.Zero);
    }

    private void PublishPorts()
    {
        var ports = new Dictionary<string, SessionPort>(StringComparer.Ordinal);
        foreach (var (name, wanted) in _wanted)
        {
            if (!_ids.TryGetValue(name, out var id)) _ids[name] = id = ++_lastId;
            _names[id] = name;
            ports[name] = new SessionPort(
                id, name, (wanted.Bfd is null ? SessionKinds.None : SessionKinds.Bfd)
                    | (wanted.Cfm is null ? SessionKinds.None : SessionKinds.Cfm))
            {
                ChecksBfdKey = wanted.Bfd is { ChecksKey: true },
                ChecksCfmKey = wanted.Cfm is { ChecksKey: true },
                BfdDestination = wanted.Bfd?.RemoteDestination,
            };
        }

        foreach (var face in _aggregations.Values.SelectMany(each => each.Settings.Members.Keys))
        {
            if (!_ids.TryGetValue(face, out var id)) _ids[face] = id = ++_lastId;
            _names[id] = face;
            var port = ports.GetValueOrDefault(face)
                ?? new SessionPort(id, face, SessionKinds.None);
            ports[face] = port with { Kinds = port.Kinds | SessionKinds.Lacp };
        }

        AddAskers(ports);
        foreach (var gone in _ids.Keys.Where(name => !ports.ContainsKey(name)).ToList())
        {
            _names.Remove(_ids[gone]);
            _ids.Remove(gone);
        }

        var known = _store.Sessions.Ports;
        var isSame = known.Count == ports.Count && ports.All(
            pair => known.TryGetValue(pair.Key, out var port) && port == pair.Value);
        if (!isSame) _store.Sessions.Publish(ports.ToFrozenDictionary(), _store.Datapaths);
    }

    private void Hear(SessionPacket packet)
    {
        _store.Sessions.Taken();
        if (!_names.TryGetValue(packet.Port, out var name)) return;
        if (packet.Kind == SessionKinds.NextHop)
        {
            HearNextHop(name, packet.Frame.Span);
            return;
        }

        if (packet.Kind == SessionKinds.Lacp)
        {
            if (AggregationOf(name) is not { } aggregation) return;
            Context.Child(NameOf(SessionKinds.Lacp, aggregation.Port))
                .Tell(new MemberHeard(name, packet.Frame));
            return;
        }

        Context.Child(NameOf(packet.Kind, name)).Tell(new SessionHeard(packet.Frame));
    }

    private void Keep(SessionReported reported)
    {
        if (!Has(reported.Interface, reported.Kind)) return;
        _reports[(reported.Interface, reported.Kind)] = reported;
        JudgePorts();
        WriteSoon(TimeSpan.Zero);
    }

    /// <summary>Bridges leave out of bonds and groups what carries nothing.</summary>
    private void JudgePorts()
    {
        ImmutableHashSet<string> faulty =
            [.. _reports.Values.Where(each => each.IsFaulty).Select(each => each.Interface)];
        if (!_store.Sessions.SetFaulty(faulty)) return;
        foreach (var bridge in _store.Bridges)
        {
            Context.System.ActorSelection(_bridges.Path / ActorNames.Of(bridge.Name))
                .Tell(new LivenessChanged());
        }
    }

    private void WriteSoon(TimeSpan pause)
    {
        if (_isWritePending && pause == TimeSpan.Zero) return;
        _isWritePending = true;
        if (pause == TimeSpan.Zero) Self.Tell(WriteReports.Instance);
        else Timers.StartSingleTimer(nameof(WriteReports), WriteReports.Instance, pause);
    }

    private void Write()
    {
        if (_isWriting || _snapshot is null) return; // The answer makes it go on.
        _isWritePending = false;
        var operations = ImmutableArray.CreateBuilder<Operation>();
        foreach (var (_, _, row) in SessionRows.Interfaces(_snapshot)) AddRow(row, operations);
        if (operations.Count == 0) return;
        _isWriting = true;
        _database.Tell(new Transact(1, operations.ToImmutable()));
    }

    private void AddRow(Row row, ImmutableArray<Operation>.Builder operations)
    {
        var name = row.GetString("name");
        var values = ImmutableArray.CreateBuilder<ColumnValue>();
        if (_reports.TryGetValue((name, SessionKinds.Bfd), out var bfd)) Add(bfd.Columns);
        else if (!Has(name, SessionKinds.Bfd)) Add([new("bfd_status", Datum.EmptyMap)]);
        if (_reports.TryGetValue((name, SessionKinds.Cfm), out var cfm)) Add(cfm.Columns);
        else if (!Has(name, SessionKinds.Cfm)) Add(SessionText.NoCfm);
        if (_reports.TryGetValue((name, SessionKinds.Lacp), out var lacp)) Add(lacp.Columns);
        else if (!Has(name, SessionKinds.Lacp)) Add([new("lacp_current", Datum.EmptySet)]);
        if (values.Count == 0) return;
        operations.Add(new Operation.Update(
            "Interface", [Condition.RowIs(row.Uuid)], values.ToImmutable()));

        void Add(ImmutableArray<ColumnValue> columns)
        {
            foreach (var column in columns)
            {
                if (!row[column.Column].Equals(column.Value)) values.Add(column);
            }
        }
    }

    private bool Has(string face, SessionKinds kind) => kind == SessionKinds.Lacp
        ? AggregationOf(face) is not null
        : _wanted.TryGetValue(face, out var wanted) && Has(wanted, kind);

    private static bool Has(SessionWanted wanted, SessionKinds kind) =>
        kind == SessionKinds.Bfd ? wanted.Bfd is not null : wanted.Cfm is not null;

    private static string NameOf(SessionKinds kind, string face) =>
        $"{kind.ToString().ToLowerInvariant()}-{ActorNames.Of(face)}";
}
