using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>How one snapshot becomes the next.</summary>
public sealed partial class DatabaseSnapshot
{
    public DatabaseSnapshot Apply(DatabaseDelta delta) => Apply(delta, out _);

    /// <summary>The snapshot after 'delta', and what that changed.</summary>
    /// <remarks>Rows to modify or delete that are not here are passed over, so that a delta
    /// without ephemeral rows' data can be applied to a snapshot that lost it.</remarks>
    /// <exception cref="KeyNotFoundException">The delta is of another schema.</exception>
    public DatabaseSnapshot Apply(DatabaseDelta delta, out ImmutableArray<RowChange> changes)
    {
        var builder = ImmutableArray.CreateBuilder<RowChange>(delta.Rows.Length);
        foreach (var row in delta.Rows)
        {
            if (ChangeOf(row, delta.TransactionId) is { } change) builder.Add(change);
        }

        changes = builder.ToImmutable();
        return WithChanges(changes, delta.TransactionId);
    }

    /// <summary>All rows as inserts: what a new subscriber is told.</summary>
    public ImmutableArray<RowChange> ToChanges() =>
    [
        .. _tables.SelectMany(table => table.Rows)
            .Select(row => new RowChange(row.Schema.Name, row.Uuid, null, row)),
    ];

    /// <summary>All rows as one delta: what a snapshot store or a new replica is given.</summary>
    public DatabaseDelta ToDelta() =>
        TransactionExecutor.DeltaOf(Schema, ToChanges(), TransactionId, comment: null);

    internal DatabaseSnapshot WithChanges(ImmutableArray<RowChange> changes, Guid transactionId)
    {
        var builders = new TableSnapshot.Builder?[_tables.Length];
        foreach (var change in changes) BuilderOf(Schema.Table(change.Table)).Unindex(change);
        var found = new List<ReferenceChange>();
        foreach (var change in changes)
        {
            BuilderOf(Schema.Table(change.Table)).Set(change);
            CountReferences(change, found, builders);
        }

        var tables = _tables.ToBuilder();
        for (var i = 0; i < builders.Length; i++)
        {
            if (builders[i] is { } builder) tables[i] = builder.ToImmutable();
        }

        var entry = new TransactionHistory.Entry(TransactionId, transactionId, changes);
        return new DatabaseSnapshot(
            Schema, tables.ToImmutable(), transactionId, History.Append(entry));

        TableSnapshot.Builder BuilderOf(TableSchema table) =>
            builders[table.Index] ??= new TableSnapshot.Builder(_tables[table.Index]);
    }

    private void CountReferences(
        RowChange change, List<ReferenceChange> found, TableSnapshot.Builder?[] builders)
    {
        var schema = Schema.Table(change.Table);
        found.Clear();
        References.AddChanges(Schema, schema, change.Before, change.After, isWeak: false, found);
        foreach (var (_, target, difference) in found)
        {
            BuilderOf(target).AddStrong(target.Row, difference);
        }

        found.Clear();
        References.AddChanges(Schema, schema, change.Before, change.After, isWeak: true, found);
        var self = new RowKey(schema.Index, change.Uuid);
        foreach (var (_, target, difference) in found)
        {
            // Another column of the row may refer to the same target still.
            if (difference > 0) BuilderOf(target).AddWeak(target.Row, self);
            else if (change.After is null || !References.RefersWeakly(Schema, change.After, target))
            {
                BuilderOf(target).RemoveWeak(target.Row, self);
            }
        }

        TableSnapshot.Builder BuilderOf(RowKey target) =>
            builders[target.Table] ??= new TableSnapshot.Builder(_tables[target.Table]);
    }

    private RowChange? ChangeOf(RowDelta delta, Guid version)
    {
        var schema = Schema.Table(delta.Table);
        var before = _tables[schema.Index][delta.Uuid];
        switch (delta.Kind)
        {
            case RowDeltaKind.Delete:
                return before is null ? null : new RowChange(delta.Table, delta.Uuid, before, null);
            case RowDeltaKind.Modify when before is null:
                return null;
        }

        var values = delta.Kind == RowDeltaKind.Insert
            ? Row.DefaultsOf(schema)
            : before!.CopyValues();
        foreach (var (name, value) in delta.Columns)
        {
            var column = schema.Column(name);
            values[column.Index] =
                delta.Kind == RowDeltaKind.Modify && column.Type.CountMax > 1
                    ? values[column.Index].ApplyDifference(value)
                    : value;
        }

        var after = new Row(schema, delta.Uuid, version, values);
        return new RowChange(delta.Table, delta.Uuid, before, after);
    }
}
