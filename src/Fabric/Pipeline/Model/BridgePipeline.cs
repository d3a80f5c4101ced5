using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>One change of a bridge's tables, and the request that asked for it.</summary>
public readonly record struct PipelineChange(OfMessage Message, uint Xid = 0);

/// <summary>A change that was refused.</summary>
public readonly record struct RefusedChange(int Index, OfErrorCode Error);

/// <summary>What a transaction did to a flow, for flow-removed messages and monitors.</summary>
/// <param name="Rule">The flow as it is now; for removals, as it was.</param>
public readonly record struct FlowChange(
    FlowUpdateEvent Event, Rule Rule, FlowRemovedReason Reason, uint Xid);

/// <param name="Refused">Empty: all done. Of an atomic bundle: the one at fault.</param>
/// <param name="Flows">What came of it, in order.</param>
public sealed record PipelineOutcome(
    ImmutableArray<RefusedChange> Refused, ImmutableArray<FlowChange> Flows)
{
    public static PipelineOutcome Nothing { get; } = new([], []);

    /// <summary>Tables whose free space has passed a mark.</summary>
    public ImmutableArray<OfTableStatus> Tables { get; init; } = [];
}

/// <summary>A NORMAL flow of the switch's own in table 0.</summary>
public readonly record struct HiddenFlow(int Priority, Match Match);

/// <summary>What tables do with fragments of IP packets (ovs-ofctl set-frags).</summary>
public enum FragmentHandling
{
    /// <summary>Looked up as if they had no ports.</summary>
    Normal,

    /// <summary>Dropped.</summary>
    Drop,

    /// <summary>Looked up with the ports that a first fragment has.</summary>
    Match,
}

/// <summary>
/// A bridge's tables, groups, meters and addresses: state that outlives its actor.
/// </summary>
/// <remarks>
/// Packet threads read <see cref="Current"/>. Writers take turns under a lock that readers never
/// take: the bridge actor, and learn actions on a miss. A transaction prepares everything for the
/// next version, which is published by one write, so that packets see all of it or nothing.
/// Removed rules stay linked for <see cref="RetireMilliseconds"/> so that walks under way still
/// find them; a walk that took longer notices (<see cref="RetiredVersion"/>) and starts again.
/// </remarks>
public sealed class BridgePipeline
{
    private const int RetireMilliseconds = 200;

    /// <summary>Rules unlinked per transaction at most: bounds how long one takes.</summary>
    private const int RetireCountMax = 5_000;

    /// <summary>Above every priority that a controller can name.</summary>
    private const int FailOpenPriority = 0xF0F0F0;

    private readonly Lock _writing = new();
    private readonly TableSet _tables = new();
    private readonly Queue<Retired> _retired = new();
    private readonly HashSet<Rule> _timed = [];
    private readonly Dictionary<int, OfTableReason> _awaited = [];
    private PipelineVersion _current;
    private volatile FragmentHandling _fragments;
    private readonly Dictionary<HiddenFlow, Rule> _inBand = [];
    private Rule? _failOpen;
    private long _retiredVersion;
    private int _isAnnounced;
    private bool _isMonitored = true;

    /// <summary>
    /// What the versions from 'Version' on do not see: a rule, or without one the table that was
    /// before 'Table'.
    /// </summary>
    private readonly record struct Retired(
        long Milliseconds, long Version, FlowTable Table, Rule? Rule);

    public BridgePipeline(string name)
    {
        Name = name;
        _current = new PipelineVersion(
            1, _tables, ImmutableDictionary<uint, GroupSnapshot>.Empty,
            ImmutableDictionary<uint, MeterSnapshot>.Empty, TlvTable.Empty,
            ImmutableDictionary<int, TableSettings>.Empty);
    }

    public string Name { get; }

    public MacTable Macs { get; } = new();

    /// <summary>Groups that ports listen to, where the bridge snoops.</summary>
    public MulticastTable Multicast { get; } = new();

    internal TableSet Tables => _tables;

    /// <summary>What packets see now.</summary>
    public PipelineVersion Current => Volatile.Read(ref _current);

    /// <summary>Walks of older versions can no longer be trusted.</summary>
    public long RetiredVersion => Volatile.Read(ref _retiredVersion);

    /// <summary>Moves with everything that a remembered decision could depend on.</summary>
    public long Generation =>
        Current.Version + ((Macs.Generation + Multicast.Generation) << 32);

    /// <summary>
    /// Outcomes tell every changed flow; else only removed ones that ask for it (flow-removed).
    /// </summary>
    public bool IsMonitored
    {
        get => Volatile.Read(ref _isMonitored);
        set => Volatile.Write(ref _isMonitored, value);
    }

    /// <summary>The datapath's meters, once there is a datapath.</summary>
    public MeterDirectory? Meters { get; set; }

    /// <summary>
    /// Flows that learn actions added or changed; told outside the lock, any thread.
    /// </summary>
    public event Action<PipelineOutcome>? Learned;

    /// <summary>
    /// True for the first to ask since <see cref="AcceptChanges"/>: somebody must be told that
    /// remembered decisions may be wrong, and one message is enough.
    /// </summary>
    public bool TryAnnounceChange() => Interlocked.Exchange(ref _isAnnounced, 1) == 0;

    /// <summary>All changes up to now are about to be looked at.</summary>
    public void AcceptChanges() => Volatile.Write(ref _isAnnounced, 0);

    /// <summary>Does the changes as one transaction.</summary>
    /// <param name="isAtomic">One refusal undoes all; else only the refused one is left
    /// out.</param>
    public PipelineOutcome Apply(
        ReadOnlySpan<PipelineChange> changes, bool isAtomic, long now)
    {
        lock (_writing)
        {
            var transaction = Begin(now);
            List<RefusedChange>? refused = null;
            transaction.Expect(changes.Length);
            for (var i = 0; i < changes.Length; i++)
            {
                var error = transaction.Apply(changes[i]);
                if (error == OfErrorCode.None) continue;
                (refused ??= []).Add(new RefusedChange(i, error));
                if (!isAtomic) continue;
                transaction.RollBack();
                return new PipelineOutcome([.. refused], []);
            }

            Publish(transaction, now);
            return new PipelineOutcome(
                refused is null ? [] : [.. refused], transaction.Changes)
            {
                Tables = PassedMarks(),
            };
        }
    }

    /// <summary>Adds or refreshes a learned flow; false when its limit is reached.</summary>
    public bool Learn(LearnedRule learned, long now)
    {
        PipelineOutcome? outcome = null;
        lock (_writing)
        {
            var transaction = Begin(now);
            var known = transaction.FindStrict(learned.FlowMod);
            if (known is not null && known.Actions.Equals(learned.FlowMod.Actions)
                && known.Cookie == learned.FlowMod.Cookie)
            {
                known.ModifiedMilliseconds = Math.Max(known.ModifiedMilliseconds, now);
                known.Statistics.Touch(now);
                return true;
            }

            if (known is null && learned.Limit > 0 && CountOf(learned) >= learned.Limit)
            {
                return false;
            }

            if (transaction.Apply(new PipelineChange(learned.FlowMod)) != OfErrorCode.None)
            {
                transaction.RollBack();
                return false;
            }

            Publish(transaction, now);
            outcome = new PipelineOutcome([], transaction.Changes) { Tables = PassedMarks() };
        }

        Learned?.Invoke(outcome);
        return true;
    }

    /// <summary>Removes flows whose idle or hard timeout has passed.</summary>
    public PipelineOutcome Expire(long now)
    {
        lock (_writing)
        {
            Retire(now);
            RefreshEviction();
            List<(Rule, FlowRemovedReason)>? due = null;
            foreach (var rule in _timed)
            {
                if (rule.HardTimeout > 0
                    && now - rule.ModifiedMilliseconds >= rule.HardTimeout * 1000L)
                {
                    (due ??= []).Add((rule, FlowRemovedReason.HardTimeout));
                }
                else if (rule.IdleTimeout > 0
                    && now - rule.Statistics.UsedMilliseconds >= rule.IdleTimeout * 1000L)
                {
                    (due ??= []).Add((rule, FlowRemovedReason.IdleTimeout));
                }
            }

            if (due is null) return PipelineOutcome.Nothing;
            var transaction = Begin(now);
            foreach (var (rule, reason) in due) transaction.Remove(rule, reason, 0);
            Publish(transaction, now);
            return new PipelineOutcome([], transaction.Changes) { Tables = PassedMarks() };
        }
    }

    /// <summary>Puts a NORMAL flow above all others, or takes it away again.</summary>
    public PipelineOutcome SetFailOpen(bool isOpen, long now)
    {
        lock (_writing)
        {
            if (_failOpen is not null == isOpen) return PipelineOutcome.Nothing;
            var transaction = Begin(now);
            if (_failOpen is { } rule)
            {
                transaction.Remove(rule, FlowRemovedReason.Delete, 0);
                _failOpen = null;
            }
            else
            {
                _failOpen = transaction.AddHidden(
                    FailOpenPriority, Match.Any, [new OfOutput(OfPort.Normal)]);
            }

            Publish(transaction, now);
            return PipelineOutcome.Nothing;
        }
    }

    /// <summary>NORMAL flows above what controllers say, in place of those of last time.</summary>
    public PipelineOutcome SetInBand(ImmutableArray<HiddenFlow> flows, long now)
    {
        lock (_writing)
        {
            if (_inBand.Keys.ToHashSet().SetEquals(flows)) return PipelineOutcome.Nothing;
            var transaction = Begin(now);
            foreach (var gone in _inBand.Keys.Except(flows).ToArray())
            {
                _inBand.Remove(gone, out var rule);
                transaction.Remove(rule!, FlowRemovedReason.Delete, 0);
            }

            foreach (var flow in flows.Except(_inBand.Keys).ToArray())
            {
                _inBand[flow] = transaction.AddHidden(
                    flow.Priority, flow.Match, [new OfOutput(OfPort.Normal)]);
            }

            Publish(transaction, now);
            return PipelineOutcome.Nothing;
        }
    }

    /// <summary>Packets that no flow was for, dropped and sent to controllers.</summary>
    public RuleStatistics DroppedMisses { get; } = new();
    public RuleStatistics SentMisses { get; } = new();

    /// <summary>Rows of Flow_Table, by table: names, limits, eviction.</summary>
    public PipelineOutcome ConfigureTables(
        IReadOnlyDictionary<int, TableSettings> rows, long now)
    {
        lock (_writing)
        {
            var transaction = Begin(now);
            transaction.Configure(rows);
            Publish(transaction, now);
            return new PipelineOutcome([], transaction.Changes) { Tables = PassedMarks() };
        }
    }

    /// <summary>How a table is now, as controllers are told.</summary>
    public OfTableDescription DescriptionOf(int table)
    {
        var settings = Current.SettingsOf(table);
        var count = _tables.Find(table)?.LiveCount ?? 0;
        return new OfTableDescription(
            (byte)table, settings.EvictsByOpenFlow,
            EvictionFlags.Other | EvictionFlags.Importance | EvictionFlags.Lifetime,
            settings.HasVacancyEvents, settings.VacancyDown, settings.VacancyUp,
            settings.VacancyOf(count));
    }

    /// <summary>Flows in a table that controllers see.</summary>
    public int CountOf(int table) => _tables.Find(table)?.LiveCount ?? 0;

    /// <summary>Adds, deletes or clears TLV mappings; not those that a flow uses.</summary>
    public OfErrorCode ChangeTlvTable(OfTlvTableMod mod, long now)
    {
        lock (_writing)
        {
            var before = _current.Tlv;
            var after = before;
            if (mod.Command == TlvTableCommand.Add)
            {
                if (!before.TryAdd(mod.Mappings, out after, out var error)) return error;
            }
            else
            {
                after = mod.Command == TlvTableCommand.Clear
                    ? TlvTable.Empty : before.Remove(mod.Mappings);
                if (IsInUse(before, after)) return OfErrorCode.TlvInUse;
            }

            var transaction = Begin(now);
            if (mod.Command != TlvTableCommand.Add) transaction.Reindex(after);
            transaction.Tlv = after;
            Publish(transaction, now);
            return OfErrorCode.None;
        }
    }

    /// <summary>A flow matches or names in its actions what 'after' does not map.</summary>
    private bool IsInUse(TlvTable before, TlvTable after)
    {
        var gone = Enumerable.Range(0, TlvTable.IndexCount).Where(index =>
            before.TryLocate(index, out _, out _) && !after.TryLocate(index, out _, out _))
            .ToHashSet();
        return gone.Count > 0 && _current.Rules().Any(rule =>
            rule.Match.Entries.Any(entry => gone.Contains(entry.Field.TlvIndex))
            || ActionFields.Any(
                rule.Actions, gone, static (field, gone) => gone.Contains(field.TlvIndex)));
    }

    /// <summary>What happens to fragments of IP packets: OFPC_FRAG_*.</summary>
    public FragmentHandling Fragments
    {
        get => _fragments;
        set
        {
            lock (_writing)
            {
                if (_fragments == value) return;
                _fragments = value;
                var transaction = Begin(0);
                Volatile.Write(ref _current, transaction.ToVersion());
            }
        }
    }

    /// <summary>Lookups and matches of a table since the start.</summary>
    public (ulong Lookups, ulong Matches) CountsOf(byte table) => _tables.CountsOf(table);

    private uint CountOf(LearnedRule learned)
    {
        uint count = 0;
        foreach (var rule in _current.Rules(learned.FlowMod.TableId))
        {
            if (rule.Cookie == learned.FlowMod.Cookie) count++;
        }

        return count;
    }

    /// <summary>
    /// Below the lower mark is told once, then above the upper one once, and so on.
    /// </summary>
    private ImmutableArray<OfTableStatus> PassedMarks()
    {
        List<OfTableStatus>? passed = null;
        foreach (var (table, settings) in _current.TableSettings)
        {
            if (!settings.HasVacancyEvents)
            {
                _awaited.Remove(table);
                continue;
            }

            var vacancy = settings.VacancyOf(CountOf(table));
            if (!_awaited.TryGetValue(table, out var awaited))
            {
                _awaited[table] = vacancy < settings.VacancyUp
                    ? OfTableReason.VacancyUp : OfTableReason.VacancyDown;
                continue;
            }

            var isPassed = awaited == OfTableReason.VacancyDown
                ? vacancy < settings.VacancyDown : vacancy > settings.VacancyUp;
            if (!isPassed) continue;
            (passed ??= []).Add(new OfTableStatus(awaited, DescriptionOf(table)));
            _awaited[table] = awaited == OfTableReason.VacancyDown
                ? OfTableReason.VacancyUp : OfTableReason.VacancyDown;
        }

        return passed is null ? [] : [.. passed];
    }

    private void RefreshEviction()
    {
        foreach (var (table, settings) in _current.TableSettings)
        {
            if (settings.Evicts) _tables.Find(table)?.Eviction?.Refresh();
        }
    }

    private PipelineTransaction Begin(long now) =>
        new(_current, _tables, Meters, now) { TellsAll = IsMonitored };

    private void Publish(PipelineTransaction transaction, long now)
    {
        if (!transaction.HasChanges) return;
        foreach (var rule in transaction.Removed)
        {
            if (rule.MayTimeOut) _timed.Remove(rule);
            if (_tables.Find(rule.TableId) is not { } table) continue;
            _retired.Enqueue(new Retired(now, transaction.Version, table, rule));
        }

        foreach (var (_, empty) in transaction.Dropped)
        {
            _retired.Enqueue(new Retired(now, transaction.Version, empty, null));
        }

        foreach (var rule in transaction.Added)
        {
            if (rule.MayTimeOut) _timed.Add(rule);
        }

        transaction.Commit();
        Volatile.Write(ref _current, transaction.ToVersion());
        Retire(now);
    }

    private void Retire(long now)
    {
        for (var count = 0; count < RetireCountMax && _retired.TryPeek(out var oldest)
            && now - oldest.Milliseconds >= RetireMilliseconds; count++)
        {
            _retired.Dequeue();
            if (oldest.Version > _retiredVersion)
            {
                Volatile.Write(ref _retiredVersion, oldest.Version);
                Interlocked.MemoryBarrier();
            }

            if (oldest.Rule is { } rule) oldest.Table.Unlink(rule);
            else oldest.Table.Before = null;
        }
    }
}
