using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Changes to a bridge's tables on their way to becoming the next version.</summary>
/// <remarks>
/// Rules are linked in and marked removed for a version that nobody reads yet; rolling back
/// unlinks the ones and unmarks the others. Within the transaction later changes see earlier
/// ones. Semantics: OpenFlow 1.0 section 4.6, 1.3 section 6.4, and OVS where those are silent.
/// </remarks>
internal sealed partial class PipelineTransaction
{
    /// <summary>The switch's own: controllers may not change it.</summary>
    private const byte InternalTable = 254;

    private readonly TableSet _tables;
    private readonly MeterDirectory? _meterDirectory;
    private readonly long _now;
    private readonly List<Rule> _added = [];
    private readonly List<Rule> _removed = [];
    private readonly List<FlowChange> _changes = [];
    private readonly List<(int Table, FlowTable Empty)> _dropped = [];
    private readonly List<RuleStatistics> _resets = [];
    private readonly List<uint> _freedMeters = [];
    private ImmutableDictionary<uint, GroupSnapshot> _groups;
    private ImmutableDictionary<uint, MeterSnapshot> _meters;
    private bool _isTouched;

    public PipelineTransaction(
        PipelineVersion from, TableSet tables, MeterDirectory? meters, long now)
    {
        _tables = tables;
        _meterDirectory = meters;
        _now = now;
        Version = from.Version + 1;
        _groups = from.Groups;
        _meters = from.Meters;
        _settings = from.TableSettings;
        Tlv = from.Tlv;
    }

    public long Version { get; }

    public TlvTable Tlv
    {
        get;
        set
        {
            if (field is not null && !ReferenceEquals(field, value)) _isTouched = true;
            field = value;
        }
    }

    /// <summary>
    /// Every change is told; else only the removal of flows that ask for it (flow-removed).
    /// </summary>
    public bool TellsAll { get; init; } = true;

    public IReadOnlyList<Rule> Added => _added;
    public IReadOnlyList<Rule> Removed => _removed;

    /// <summary>The tables that took the place of others whose rules are all gone.</summary>
    public IReadOnlyList<(int Table, FlowTable Empty)> Dropped => _dropped;

    public ImmutableArray<FlowChange> Changes => [.. _changes];

    /// <summary>So many changes are about to come.</summary>
    public void Expect(int count)
    {
        _added.EnsureCapacity(count);
        if (TellsAll) _changes.EnsureCapacity(count);
    }

    public bool HasChanges =>
        _isTouched || _added.Count > 0 || _removed.Count > 0 || _dropped.Count > 0;

    public PipelineVersion ToVersion() =>
        new(Version, _tables, _groups, _meters, Tlv, _settings);

    public OfErrorCode Apply(in PipelineChange change) => change.Message switch
    {
        FlowMod mod => Apply(mod, change.Xid),
        GroupMod mod => Apply(mod, change.Xid),
        MeterMod mod => Apply(mod, change.Xid),
        TableMod mod => Apply(mod),
        _ => OfErrorCode.RequestBadType,
    };

    /// <summary>The version is about to be published: what cannot be undone happens now.</summary>
    public void Commit()
    {
        foreach (var statistics in _resets) statistics.Reset();
        foreach (var id in _freedMeters) _meterDirectory?.Remove(id);
    }

    public void RollBack()
    {
        foreach (var rule in _added)
        {
            var table = _tables.Find(rule.TableId);
            if (rule.RemovedVersion != Version) table?.Forget(rule);
            table?.Unlink(rule);
        }

        foreach (var rule in _removed)
        {
            if (rule.AddedVersion >= Version) continue;
            rule.RemovedVersion = long.MaxValue;
            rule.Subtable?.MarkRestored();
            _tables.Find(rule.TableId)?.Remember(rule);
        }

        foreach (var (table, empty) in _dropped) _tables.Restore(table, empty);
        _dropped.Clear();
        _added.Clear();
        _removed.Clear();
        _changes.Clear();
        _isTouched = false;
    }

    public Rule? FindStrict(FlowMod mod)
    {
        PipelineKey value = default;
        PipelineKey mask = default;
        if (!mod.Match.TryExpand(ref value, ref mask, Tlv)) return null;
        var table = _tables.Find(mod.TableId == FlowMod.AllTables ? 0 : mod.TableId);
        return table?.FindStrict(value.Words, mask.Words, mod.Priority, Version) as Rule;
    }

    public void Remove(Rule rule, FlowRemovedReason reason, uint xid)
    {
        Unsee(rule);
        if (!TellsAll && (rule.Flags & FlowModFlags.SendFlowRemoved) == 0) return;
        _changes.Add(new FlowChange(FlowUpdateEvent.Removed, rule, reason, xid));
    }

    /// <summary>A flow of the switch's own in table 0, which controllers do not see.</summary>
    public Rule AddHidden(int priority, Match match, ActionList actions)
    {
        var rule = new Rule(FlowMod.Add(0, 0, match, actions), 0, _now)
        {
            Priority = priority,
            IsHidden = true,
        };
        PipelineKey value = default;
        PipelineKey mask = default;
        match.TryExpand(ref value, ref mask, Tlv);
        var table = _tables.GetOrAdd(0);
        Link(rule, table, table.PlaceOf(value.Words, mask.Words), ref value);
        return rule;
    }

    /// <summary>Puts rules that match tunnel options where another TLV table wants them.</summary>
    public void Reindex(TlvTable after)
    {
        var affected = new List<Rule>();
        foreach (var rule in _tables.Rules(Version))
        {
            foreach (var entry in rule.Match.Entries)
            {
                if (entry.Field.TlvIndex < 0) continue;
                affected.Add(rule);
                break;
            }
        }

        Tlv = after;
        foreach (var rule in affected)
        {
            Replace(rule, rule.With(rule.Actions, rule.Cookie, rule.Flags, _now));
        }
    }

    private OfErrorCode Apply(FlowMod mod, uint xid)
    {
        if (mod.TableId == InternalTable) return OfErrorCode.RequestEperm;
        PipelineKey value = default;
        PipelineKey mask = default;
        if (!mod.Match.TryExpand(ref value, ref mask, Tlv)) return OfErrorCode.TlvFieldUnmapped;
        if (mod.Command is FlowModCommand.Delete or FlowModCommand.DeleteStrict)
        {
            if (MeansAll(mod)) DropTables(mod.TableId);
            var doomed = Select(mod, ref value, ref mask);
            _removed.EnsureCapacity(_removed.Count + doomed.Count);
            if (TellsAll) _changes.EnsureCapacity(_changes.Count + doomed.Count);
            foreach (var rule in doomed) Remove(rule, FlowRemovedReason.Delete, xid);

            return OfErrorCode.None;
        }

        if (ErrorOf(mod.Actions) is var error && error != OfErrorCode.None) return error;
        if (mod.Command == FlowModCommand.Add) return Add(mod, ref value, ref mask, xid);
        var rules = Select(mod, ref value, ref mask);
        if (rules.Count == 0)
        {
            // OpenFlow 1.0: a modify of nothing adds; later versions say that it does nothing.
            return mod.CookieMask == 0 && mod.ModifyCookie
                ? Add(mod, ref value, ref mask, xid) : OfErrorCode.None;
        }

        foreach (var rule in rules) Modify(rule, mod, xid);
        return OfErrorCode.None;
    }

    private OfErrorCode Add(FlowMod mod, ref PipelineKey value, ref PipelineKey mask, uint xid)
    {
        var tableId = mod.TableId == FlowMod.AllTables ? (byte)0 : mod.TableId;
        var table = _tables.GetOrAdd(tableId);
        if ((mod.Flags & FlowModFlags.CheckOverlap) != 0
            && table.FindOverlap(value.Words, mask.Words, mod.Priority, Version) is not null)
        {
            return OfErrorCode.FlowModOverlap;
        }

        var place = table.PlaceOf(value.Words, mask.Words);
        var known = place.FindStrict(mod.Priority, Version) as Rule;
        if (known is null && !HasRoom(table, tableId, xid)) return OfErrorCode.FlowModTableFull;
        var keeps = known is not null && (mod.Flags & FlowModFlags.ResetCounts) == 0;
        var rule = new Rule(mod, tableId, _now, keeps ? known!.Statistics : null)
        {
            Priority = mod.Priority,
        };
        if (known is not null) Unsee(known);
        Link(rule, table, in place, ref value);
        if (TellsAll)
        {
            _changes.Add(new FlowChange(
                FlowUpdateEvent.Added, rule, FlowRemovedReason.Delete, xid));
        }

        return OfErrorCode.None;
    }

    private void Modify(Rule rule, FlowMod mod, uint xid)
    {
        var cookie = mod.ModifyCookie ? mod.Cookie : rule.Cookie;
        if ((mod.Flags & FlowModFlags.ResetCounts) != 0) _resets.Add(rule.Statistics);
        var changed = rule.With(mod.Actions, cookie, rule.Flags, _now);
        Replace(rule, changed);
        var isSame = cookie == rule.Cookie && mod.Actions.Equals(rule.Actions);
        if (!TellsAll || isSame) return;
        _changes.Add(new FlowChange(
            FlowUpdateEvent.Modified, changed, FlowRemovedReason.Delete, xid));
    }

    private void Replace(Rule before, Rule after)
    {
        PipelineKey value = default;
        PipelineKey mask = default;
        Unsee(before);
        if (!after.Match.TryExpand(ref value, ref mask, Tlv)) return;
        var table = _tables.GetOrAdd(after.TableId);
        Link(after, table, table.PlaceOf(value.Words, mask.Words), ref value);
    }

    private void Link(Rule rule, FlowTable table, in RulePlace place, ref PipelineKey value)
    {
        rule.AddedVersion = Version;
        table.ChangedVersion = Version;
        table.Insert(rule, in place, value.Words);
        table.Remember(rule);
        _added.Add(rule);
    }

    private void Unsee(Rule rule)
    {
        rule.RemovedVersion = Version;
        rule.Subtable?.MarkRemoved(Version);
        if (_tables.Find(rule.TableId) is { } table)
        {
            table.ChangedVersion = Version;
            table.Forget(rule);
        }

        _removed.Add(rule);
    }

    /// <summary>The flows that a modify or delete means.</summary>
    private List<Rule> Select(FlowMod mod, ref PipelineKey value, ref PipelineKey mask)
    {
        var found = new List<ClassifierRule>();
        var isStrict = mod.Command is FlowModCommand.ModifyStrict or FlowModCommand.DeleteStrict;
        var first = mod.TableId == FlowMod.AllTables ? 0 : mod.TableId;
        var last = mod.TableId == FlowMod.AllTables ? TableSet.Count - 1 : mod.TableId;
        for (var i = first; i <= last; i++)
        {
            if (_tables.Find(i) is not { } table) continue;
            if (!isStrict) table.CollectLoose(value.Words, mask.Words, Version, found);
            else if (table.FindStrict(value.Words, mask.Words, mod.Priority, Version) is { } rule)
            {
                found.Add(rule);
            }
        }

        var isDelete = mod.Command is FlowModCommand.Delete or FlowModCommand.DeleteStrict;
        var rules = new List<Rule>(found.Count);
        foreach (var each in found)
        {
            var rule = (Rule)each;
            if (rule.IsHidden) continue;
            if ((rule.Cookie & mod.CookieMask) != (mod.CookieMatch & mod.CookieMask)) continue;
            if (isDelete && mod.OutPort != OfPort.Any && !rule.OutputsTo(mod.OutPort)) continue;
            if (isDelete && mod.OutGroup != OfGroupNumber.Any && !rule.UsesGroup(mod.OutGroup))
            {
                continue;
            }

            rules.Add(rule);
        }

        return rules;
    }
}
