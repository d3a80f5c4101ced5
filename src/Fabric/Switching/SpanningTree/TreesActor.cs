using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Configuration;
using Fabric.Pipeline;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>To /trees; answered by <see cref="TreesListed"/>.</summary>
/// <param name="AreRapid">Those that speak RSTP, or STP; null: both.</param>
public sealed record ListTrees(bool? AreRapid = null);

/// <summary>Trees by bridge.</summary>
public sealed record TreesListed(ImmutableSortedDictionary<string, IActorRef> Trees);

/// <summary>Keeps one actor for each bridge whose row has stp_enable or rstp_enable.</summary>
/// <remarks>
/// Hears:  <see cref="DatabaseChanged"/> from the Open_vSwitch database;
///         <see cref="SessionPacket"/> from packet threads; TreeReported from its children;
///         <see cref="ListTrees"/> from operators; <see cref="TransactCompleted"/>.
/// Says:   <see cref="TreeWanted"/> and TreeHeard to its children;
///         <see cref="Transact"/> with status columns.
/// Holds:  the rows as they are now, and columns that are still to be written.
/// Fails:  never by what it hears. A tree that fails is started anew; when this actor is, all are.
/// </remarks>
public sealed class TreesActor : ReceiveActor, IWithTimers
{
    /// <summary>Packets that wait; more are as good as lost.</summary>
    private const int WaitingCountMax = 1024;

    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    private readonly TreeNumbers _numbers = new();
    private readonly SwitchStore _store;
    private readonly IActorRef _database;
    private readonly IActorRef _bridges;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<(string Table, Guid Row, string Column), Datum> _columns = [];
    private ImmutableSortedDictionary<string, TreeWanted> _wanted =
        ImmutableSortedDictionary<string, TreeWanted>.Empty;
    private HashSet<string> _inDoubt = [];
    private DatabaseSnapshot? _snapshot;
    private int _waiting;
    private bool _isWriting;

    public TreesActor(SwitchStore store, IActorRef database, IActorRef bridges)
    {
        _store = store;
        _database = database;
        _bridges = bridges;
        Receive<DatabaseChanged>(Adopt);
        Receive<SessionPacket>(Hear);
        Receive<TreeReported>(reported =>
        {
            foreach (var (table, row, column) in reported.Columns)
            {
                _columns[(table, row, column.Column)] = column.Value;
            }

            Write();
        });
        Receive<ListTrees>(asked => Sender.Tell(new TreesListed(
            _wanted.Values.Where(each => (asked.AreRapid ?? each.IsRapid) == each.IsRapid)
                .ToImmutableSortedDictionary(
                    each => each.Bridge, each => Context.Child(ActorNames.Of(each.Bridge)),
                    StringComparer.Ordinal))));
        Receive<TransactCompleted>(completed =>
        {
            _isWriting = false;
            if (completed.Error is { } error) _log.Warning("status rows: {0}", error);
            if (_columns.Count == 0) return;
            Timers.StartSingleTimer(nameof(WriteAgain), WriteAgain.Instance, RetryPause);
        });
        Receive<WriteAgain>(_ => Write());
        Receive<Terminated>(gone =>
        {
            if (gone.ActorRef.Equals(_database) || gone.ActorRef.Equals(_bridges))
                Context.Stop(Self); // Its parent starts it anew with their successors.
        });
    }

    private sealed record WriteAgain
    {
        public static readonly WriteAgain Instance = new();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(SwitchStore store, IActorRef database, IActorRef bridges) =>
        Akka.Actor.Props.Create(() => new TreesActor(store, database, bridges));

    protected override void PreStart()
    {
        var self = Self;
        _store.TreePacketRaised = packet =>
        {
            if (Interlocked.Increment(ref _waiting) <= WaitingCountMax)
            {
                self.Tell(packet, ActorRefs.NoSender);
            }
            else
            {
                Interlocked.Decrement(ref _waiting);
            }
        };
        Context.Watch(_database);
        Context.Watch(_bridges);
        _database.Tell(new SubscribeDatabase(Self));
    }

    protected override void PostStop() => _store.TreePacketRaised = null;

    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(_ => Directive.Restart);

    private void Adopt(DatabaseChanged changed)
    {
        _snapshot = changed.After;
        var isFirst = changed.Before.TransactionId == Guid.Empty;
        if (!isFirst && !changed.Changes.Any(TreeRows.Concern)) return;
        var inDoubt = _snapshot.Table("Bridge").Rows.Where(TreeRows.AsksForBoth)
            .Select(bridge => bridge.GetString("name")).ToHashSet();
        foreach (var name in inDoubt.Except(_inDoubt))
        {
            Logging.GetLogger(Context.System, "bridge").Warning(
                "{0}: RSTP and STP are mutually exclusive but both are configured; "
                + "enabling RSTP", name);
        }

        _inDoubt = inDoubt;
        var before = _wanted;
        _wanted = TreeRows.Wanted(_snapshot);
        foreach (var (name, old) in before)
        {
            if (!_wanted.ContainsKey(name)) Context.Stop(Context.Child(ActorNames.Of(name)));
        }

        foreach (var wanted in _wanted.Values) Tell(wanted);
        ClearOthers();
        Write();
    }

    private void Tell(TreeWanted wanted)
    {
        var child = Context.Child(ActorNames.Of(wanted.Bridge));
        if (!child.IsNobody())
        {
            child.Tell(wanted);
            return;
        }

        Context.ActorOf(
            TreeActor.Props(
                _store,
                Context.System.ActorSelection(_bridges.Path / ActorNames.Of(wanted.Bridge)),
                wanted, _numbers),
            ActorNames.Of(wanted.Bridge));
    }

    private void Hear(SessionPacket packet)
    {
        Interlocked.Decrement(ref _waiting);
        if (_numbers.Find(packet.Port) is not var (bridge, face)) return;
        Context.Child(ActorNames.Of(bridge)).Tell(new TreeHeard(face, packet.Frame));
    }

    /// <summary>What rows still say of a tree that is no more.</summary>
    private void ClearOthers()
    {
        foreach (var isRapid in (ReadOnlySpan<bool>)[false, true])
        {
            var trees = _wanted.Values.Where(each => each.IsRapid == isRapid).ToList();
            var rows = trees.SelectMany(each => each.Ports.Values).Select(each => each.Row)
                .Concat(trees.Select(each => each.Row)).ToHashSet();
            var prefix = isRapid ? "rstp_" : "";
            ClearColumn("Port", prefix + "status", rows);
            ClearColumn("Port", prefix + "statistics", rows);
            ClearColumn("Bridge", prefix + "status", rows);
        }
    }

    private void ClearColumn(string table, string column, HashSet<Guid> inTrees)
    {
        foreach (var row in _snapshot!.Table(table).Rows)
        {
            if (inTrees.Contains(row.Uuid)) continue;
            _columns.Remove((table, row.Uuid, column));
            if (TreeText.HasTree(row[column]))
            {
                _columns[(table, row.Uuid, column)] = Datum.EmptyMap;
            }
        }
    }

    private void Write()
    {
        if (_isWriting || _snapshot is null) return; // The answer makes it go on.
        var operations = ImmutableArray.CreateBuilder<Operation>();
        foreach (var ((table, id, column), value) in _columns)
        {
            if (_snapshot.Find(table, id) is not { } row) continue;
            var wanted = (table, column) == ("Bridge", "status")
                ? TreeText.Beside(row[column], value) : value;
            if (row[column].Equals(wanted)) continue;
            operations.Add(new Operation.Update(
                table, [Condition.RowIs(id)], [new ColumnValue(column, wanted)]));
        }

        _columns.Clear();
        if (operations.Count == 0) return;
        _isWriting = true;
        _database.Tell(new Transact(1, operations.ToImmutable()));
    }
}
