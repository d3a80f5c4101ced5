using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>What is checked, and done, when all operations have succeeded.</summary>
internal sealed partial class Transaction
{
    private readonly List<ReferenceChange> _found = [];

    /// <returns>Null, or why nothing of the transaction may stay.</returns>
    public OvsdbError? TryCommit(out ImmutableArray<RowChange> changes)
    {
        changes = [];
        DropUnchanged();
        if (_order.Count == 0) return null;
        var error = CountReferences() ?? CheckReferencedRows();
        if (error is not null) return error;
        CollectGarbage();
        error = CheckRowCounts() ?? PruneWeakReferences() ?? CheckIndexes();
        if (error is not null) return error;
        DropUnchanged();
        changes = [.. _order
            .OrderBy(row => row.Table.Index).ThenBy(row => row.Uuid)
            .Select(row => row.ToChange())];
        return null;
    }

    /// <summary>Forgets rows that look as before, and rows that came and went.</summary>
    private void DropUnchanged() => _order.RemoveAll(row =>
    {
        var isUnchanged = row.Before is null ? row.After is null
            : row.After is not null && HaveEqualValues(row.Before, row.After);
        if (isUnchanged) _pending[row.Table.Index]!.Remove(row.Uuid);
        return isUnchanged;
    });

    private static bool HaveEqualValues(Row before, Row after)
    {
        if (ReferenceEquals(before, after)) return true;
        foreach (var column in before.Schema.Columns)
        {
            if (!before[column].Equals(after[column])) return false;
        }

        return true;
    }

    private OvsdbError? CountReferences()
    {
        // The list grows while it is walked: rows that are referred to join it, unchanged.
        for (var i = 0; i < _order.Count; i++)
        {
            var row = _order[i];
            _found.Clear();
            References.AddChanges(
                snapshot.Schema, row.Table, row.Before, row.After, isWeak: false, _found);
            foreach (var (column, target, difference) in _found)
            {
                var table = snapshot.Schema.Tables[target.Table];
                if (PendingOf(table, target.Row) is { } referred)
                {
                    referred.StrongDifference += difference;
                }
                else if (difference > 0)
                {
                    return OvsdbError.ReferentialIntegrity(
                        $"Table {row.Table.Name} column {column.Name} row {row.Uuid:D} "
                        + $"references nonexistent row {target.Row:D} in table {table.Name}.");
                }
            }
        }

        return null;
    }

    private int StrongCount(PendingRow row) =>
        snapshot.Table(row.Table).StrongCount(row.Uuid) + row.StrongDifference;

    private OvsdbError? CheckReferencedRows()
    {
        foreach (var row in _order)
        {
            if (row.After is not null) continue;
            var count = StrongCount(row);
            if (count <= 0) continue;
            return OvsdbError.ReferentialIntegrity(
                $"cannot delete {row.Table.Name} row {row.Uuid:D} because of {count} remaining "
                + "reference(s)");
        }

        return null;
    }

    /// <summary>Rows below no root go, and with them what only they referred to.</summary>
    private void CollectGarbage()
    {
        for (var i = 0; i < _order.Count; i++)
        {
            var row = _order[i];
            if (row.After is null || snapshot.Schema.IsRoot(row.Table)) continue;
            if (StrongCount(row) == 0) Collect(row);
        }
    }

    private void Collect(PendingRow first)
    {
        var garbage = new Stack<PendingRow>([first]);
        while (garbage.TryPop(out var row))
        {
            if (row.After is not { } last) continue;
            row.After = null;
            _found.Clear();
            References.AddStrong(snapshot.Schema, last, _found);
            foreach (var (_, key, _) in _found)
            {
                var table = snapshot.Schema.Tables[key.Table];
                if (PendingOf(table, key.Row) is not { } target) continue;
                target.StrongDifference--;
                if (snapshot.Schema.IsRoot(table) || StrongCount(target) != 0) continue;
                garbage.Push(target);
            }
        }
    }

    private OvsdbError? CheckRowCounts()
    {
        for (var i = 0; i < _pending.Length; i++)
        {
            var schema = snapshot.Schema.Tables[i];
            if (_pending[i] is not { } rows || schema.RowCountMax == uint.MaxValue) continue;
            var count = snapshot.Tables[i].Count;
            foreach (var row in rows.Values)
            {
                count += (row.After is null ? 0 : 1) - (row.Before is null ? 0 : 1);
            }

            if (count <= schema.RowCountMax) continue;
            return OvsdbError.ConstraintViolation(
                $"transaction causes \"{schema.Name}\" table to contain {count} rows, greater "
                + $"than the schema-defined limit of {schema.RowCountMax} row(s)");
        }

        return null;
    }

    private OvsdbError? PruneWeakReferences()
    {
        // Rows that referred to what is deleted now join the transaction at the list's end.
        for (var i = 0; i < _order.Count; i++)
        {
            var row = _order[i];
            if (row.After is not null || row.Before is null) continue;
            foreach (var referrer in snapshot.Table(row.Table).WeakReferrers(row.Uuid))
            {
                PendingOf(snapshot.Schema.Tables[referrer.Table], referrer.Row);
            }
        }

        var hasDeleted = _order.Exists(row => row.After is null);
        foreach (var row in _order)
        {
            if (row.After is not { } after) continue;
            foreach (var column in row.Table.WeakColumns)
            {
                var isAsBefore = row.Before is { } before
                    && ReferenceEquals(before[column], after[column]);
                if (isAsBefore && !hasDeleted) continue;
                if (Prune(row, column) is { } error) return error;
            }
        }

        return null;
    }

    private OvsdbError? Prune(PendingRow row, ColumnSchema column)
    {
        var after = row.After!;
        var value = after[column];
        var kept = value.Where((key, item) =>
            Exists(column.Type.Key, key)
            && (column.Type.Value is null || Exists(column.Type.Value, item)));
        if (kept.Count == value.Count) return null;
        if (kept.Count < column.Type.CountMin)
        {
            var inserted = row.Before is null ? "(inserted within this transaction) " : "";
            return OvsdbError.ConstraintViolation(
                value.Keys[0].Type == AtomType.Uuid && value.Keys[0].Uuid == Guid.Empty
                    && row.Before is null
                    ? $"Weak reference column \"{column.Name}\" in \"{row.Table.Name}\" row "
                        + $"{row.Uuid:D} {inserted}contained all-zeros UUID (probably as the "
                        + "default value for this column) but deleting this value caused a "
                        + "constraint volation because this column is not allowed to be empty."
                    : $"Deletion of {value.Count - kept.Count} weak reference(s) to deleted (or "
                        + $"never-existing) rows from column \"{column.Name}\" in "
                        + $"\"{row.Table.Name}\" row {row.Uuid:D} {inserted}caused this column "
                        + "to become empty, but constraints on this column disallow an empty "
                        + "column.");
        }

        var values = after.CopyValues();
        values[column.Index] = kept;
        row.After = new Row(row.Table, row.Uuid, context.TransactionId, values);
        return null;

        bool Exists(BaseType type, Atom atom) =>
            !type.IsWeakReference || type.ReferenceTable is null
            || RowOf(snapshot.Schema.Table(type.ReferenceTable), atom.Uuid) is not null;
    }

    private OvsdbError? CheckIndexes()
    {
        Dictionary<IndexKey, PendingRow>? seen = null;
        for (var table = 0; table < _pending.Length; table++)
        {
            var schema = snapshot.Schema.Tables[table];
            if (_pending[table] is null) continue;
            for (var index = 0; index < schema.Indexes.Length; index++)
            {
                seen ??= [];
                seen.Clear();
                foreach (var row in _order)
                {
                    if (row.Table != schema || row.After is not { } after) continue;
                    if (CheckIndex(row, after, index, seen) is { } error) return error;
                }
            }
        }

        return null;
    }

    private OvsdbError? CheckIndex(
        PendingRow row, Row after, int index, Dictionary<IndexKey, PendingRow> seen)
    {
        var columns = row.Table.Indexes[index];
        var key = IndexKey.Of(after, columns.AsSpan());
        if (!seen.TryAdd(key, row))
        {
            return IndexTexts.Duplicate(
                columns, key, seen[key].ToChange(), row.ToChange());
        }

        if (!snapshot.Table(row.Table).TryIndex(index, key, out var uuid) || uuid == row.Uuid)
        {
            return null;
        }

        // Whoever had the key before may have given it up, or be gone, in this transaction.
        if (_pending[row.Table.Index]!.ContainsKey(uuid)) return null;
        var other = snapshot.Table(row.Table)[uuid]!;
        var unchanged = new RowChange(row.Table.Name, uuid, other, other);
        return IndexTexts.Duplicate(columns, key, unchanged, row.ToChange());
    }
}
