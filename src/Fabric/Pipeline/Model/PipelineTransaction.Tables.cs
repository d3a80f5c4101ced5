using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>Tables: limits, eviction, table-mods.</content>
internal sealed partial class PipelineTransaction
{
    private const int ModifiableTableCount = 254;

    private ImmutableDictionary<int, TableSettings> _settings;

    private TableSettings SettingsOf(int table) =>
        _settings.GetValueOrDefault(table, TableSettings.Default);

    /// <summary>Rows of Flow_Table, by table; tables without one have the defaults.</summary>
    public void Configure(IReadOnlyDictionary<int, TableSettings> rows)
    {
        for (var table = 0; table < ModifiableTableCount; table++)
        {
            var row = rows.GetValueOrDefault(table, TableSettings.Default);
            Set(table, SettingsOf(table).WithRow(row));
        }
    }

    /// <summary>Deletes whatever is in its tables.</summary>
    private static bool MeansAll(FlowMod mod) =>
        mod.Command == FlowModCommand.Delete && mod.Match.IsAny && mod.CookieMask == 0
        && mod.OutPort == OfPort.Any && mod.OutGroup == OfGroupNumber.Any;

    /// <summary>
    /// Puts empty tables in the place of those whose rules nobody has to be told of: as quick for
    /// 100,000 rules as for one. The others are left for the rules to be removed one by one.
    /// </summary>
    private void DropTables(byte tableId)
    {
        if (TellsAll) return;
        var first = tableId == FlowMod.AllTables ? 0 : tableId;
        var last = tableId == FlowMod.AllTables ? TableSet.Count - 1 : tableId;
        for (var i = first; i <= last; i++)
        {
            if (_tables.Find(i) is not { LiveCount: > 0 } table) continue;
            if (!table.CanDropRules || table.ChangedVersion == Version) continue;
            _dropped.Add((i, _tables.Drop(i, Version)));
        }
    }

    private OfErrorCode Apply(TableMod mod)
    {
        if (mod.TableId is >= ModifiableTableCount and not FlowMod.AllTables)
        {
            return OfErrorCode.TableModBadTable;
        }

        var first = mod.TableId == FlowMod.AllTables ? 0 : mod.TableId;
        var last = mod.TableId == FlowMod.AllTables ? ModifiableTableCount - 1 : mod.TableId;
        for (var table = first; table <= last; table++) Set(table, SettingsOf(table).With(mod));
        return OfErrorCode.None;
    }

    private void Set(int id, TableSettings after)
    {
        var before = SettingsOf(id);
        if (before == after) return;
        _isTouched = true;
        _settings = _settings.SetItem(id, after);
        var table = _tables.GetOrAdd((byte)id);
        if (!after.Evicts) table.Eviction = null;
        else if (table.Eviction is null || table.Eviction.Fields != after.EvictionFields)
        {
            table.Eviction = new EvictionIndex(after.EvictionFields);
            foreach (var rule in table.Rules(Version)) table.Eviction.Add((Rule)rule);
        }

        while (after.FlowLimit is { } limit && table.LiveCount > limit && Evict(table, 0))
        {
        }
    }

    /// <summary>There is room for one more flow, or room was made.</summary>
    private bool HasRoom(FlowTable table, byte id, uint xid) =>
        SettingsOf(id).FlowLimit is not { } limit || table.LiveCount < limit || Evict(table, xid);

    private bool Evict(FlowTable table, uint xid)
    {
        if (table.Eviction?.Choose() is not { } rule) return false;
        Remove(rule, FlowRemovedReason.Eviction, xid);
        return true;
    }
}
