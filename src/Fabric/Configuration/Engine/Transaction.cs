using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A transaction under way: what it has done to rows so far, above a snapshot.</summary>
internal sealed partial class Transaction(DatabaseSnapshot snapshot, TransactionContext context)
{
    private readonly Dictionary<Guid, PendingRow>?[] _pending =
        new Dictionary<Guid, PendingRow>?[snapshot.Tables.Length];

    private readonly List<PendingRow> _order = [];

    /// <summary>Set when a "wait" does not hold and time is left.</summary>
    public long? WaitMilliseconds { get; private set; }

    private sealed class PendingRow(TableSchema table, Guid uuid, Row? before)
    {
        public TableSchema Table { get; } = table;
        public Guid Uuid { get; } = uuid;
        public Row? Before { get; } = before;
        public Row? After { get; set; } = before;

        /// <summary>Strong references gained and lost in this transaction.</summary>
        public int StrongDifference { get; set; }

        public RowChange ToChange() => new(Table.Name, Uuid, Before, After);
    }

    public OperationResult Execute(Operation operation)
    {
        if (context.IsReadOnly && WordOf(operation) is { } word)
        {
            return Fail(OvsdbError.NotAllowed(
                snapshot.Schema.Name == ServerSchema.Name
                    ? $"{word} operation not allowed on table in reserved database "
                        + ServerSchema.Name
                    : $"{word} operation not allowed when database server is in read only mode"));
        }

        return operation switch
        {
            Operation.Insert insert => Insert(insert),
            Operation.Select select => Select(select),
            Operation.Update update => Update(update),
            Operation.Mutate mutate => Mutate(mutate),
            Operation.Delete delete => Delete(delete),
            Operation.Wait wait => Wait(wait),
            Operation.Abort => Fail(OvsdbError.Aborted),
            Operation.Assert assert => context.Origin.Locks.Contains(assert.Lock)
                ? OperationResult.Done.Instance
                : Fail(OvsdbError.NotOwner(assert.Lock)),
            Operation.Malformed malformed => Fail(malformed.Error),
            _ => OperationResult.Done.Instance,
        };
    }

    private static string? WordOf(Operation operation) => operation switch
    {
        Operation.Insert => "insert",
        Operation.Update => "update",
        Operation.Mutate => "mutate",
        Operation.Delete => "delete",
        _ => null,
    };

    private static OperationResult.Failed Fail(OvsdbError error) => new(error);

    private Row? RowOf(TableSchema table, Guid uuid) =>
        _pending[table.Index] is { } rows && rows.TryGetValue(uuid, out var pending)
            ? pending.After
            : snapshot.Table(table)[uuid];

    /// <summary>
    /// The row's record in this transaction; null if there is no such row at all.
    /// </summary>
    private PendingRow? PendingOf(TableSchema table, Guid uuid)
    {
        if (_pending[table.Index] is { } rows && rows.TryGetValue(uuid, out var pending))
        {
            return pending;
        }

        return snapshot.Table(table)[uuid] is { } before ? Add(table, uuid, before) : null;
    }

    private PendingRow Add(TableSchema table, Guid uuid, Row? before)
    {
        var pending = new PendingRow(table, uuid, before);
        (_pending[table.Index] ??= []).Add(uuid, pending);
        _order.Add(pending);
        return pending;
    }

    private void Set(Row row) => PendingOf(row.Schema, row.Uuid)!.After = row;

    private OperationResult Insert(Operation.Insert insert)
    {
        if (!TryTable(insert.Table, out var table, out var error)) return Fail(error);
        var uuid = insert.Uuid ?? context.NewUuid();
        if (PendingOf(table, uuid) is not null)
        {
            return Fail(new OvsdbError(
                "duplicate uuid",
                "This UUID would duplicate a UUID already present within the table or deleted "
                    + "within the same transaction.",
                OvsdbText.Quote(uuid.ToString("D"))));
        }

        if (insert.Malformation is { } malformation) return Fail(malformation);
        var values = Row.DefaultsOf(table);
        if (Assign(table, insert.Row, values, mutableOnly: false) is { } wrong) return Fail(wrong);
        foreach (var column in table.Columns)
        {
            // Values that were given are checked already; a default may break a constraint too.
            if (!ReferenceEquals(values[column.Index], column.Type.Default)) continue;
            wrong = ValueCheck.CheckAtoms(values[column.Index], column.Type);
            if (wrong is not null) return Fail(wrong);
        }

        var row = new Row(table, uuid, context.TransactionId, values);
        if (Prohibits(insert, row) is { } prohibited) return Fail(prohibited);
        Add(table, uuid, before: null).After = row;
        return new OperationResult.Inserted(uuid);
    }

    private OperationResult Update(Operation.Update update)
    {
        if (!TryTable(update.Table, out var table, out var error)) return Fail(error);
        if (!TryFind(table, update.Where, out var rows, out error)) return Fail(error);
        foreach (var row in rows)
        {
            if (Prohibits(update, row) is { } prohibited) return Fail(prohibited);
            var values = row.CopyValues();
            error = Assign(table, update.Row, values, mutableOnly: true);
            if (error is not null) return Fail(error);
            Set(new Row(table, row.Uuid, context.TransactionId, values));
        }

        return new OperationResult.Counted(rows.Count);
    }

    private OperationResult Mutate(Operation.Mutate mutate)
    {
        if (!TryTable(mutate.Table, out var table, out var error)) return Fail(error);
        if (!TryFind(table, mutate.Where, out var rows, out error)) return Fail(error);
        foreach (var row in rows)
        {
            if (Prohibits(mutate, row) is { } prohibited) return Fail(prohibited);
            var values = row.CopyValues();
            foreach (var mutation in mutate.Mutations)
            {
                error = Apply(mutation, table, values);
                if (error is not null) return Fail(error);
            }

            Set(new Row(table, row.Uuid, context.TransactionId, values));
        }

        return new OperationResult.Counted(rows.Count);
    }

    private static OvsdbError? Apply(Mutation mutation, TableSchema table, Datum[] values)
    {
        if (!table.TryColumn(mutation.Column, out var column) || column.IsInternal)
        {
            return UnknownColumn(mutation.Column, table);
        }

        if (!column.IsMutable)
        {
            return OvsdbError.ConstraintViolation(
                $"Cannot mutate immutable column {column.Name} in table {table.Name}.");
        }

        if (!MutationRules.Fits(mutation.Mutator, column.Type))
        {
            var word = MutationRules.WordOf(mutation.Mutator);
            return OvsdbError.SyntaxError(
                $"Type mismatch: \"{word}\" operator may not be applied to column {column.Name} "
                + $"of type {column.Type}.");
        }

        if (mutation.Mutator == Mutator.Insert
            && ValueCheck.CheckAtoms(mutation.Argument, column.Type) is { } wrong)
        {
            return wrong;
        }

        ref var value = ref values[column.Index];
        return MutationRules.TryApply(
            value, mutation.Mutator, mutation.Argument, column.Type, out value, out var error)
            ? null
            : error;
    }

    private OperationResult Delete(Operation.Delete delete)
    {
        if (!TryTable(delete.Table, out var table, out var error)) return Fail(error);
        if (!TryFind(table, delete.Where, out var rows, out error)) return Fail(error);
        foreach (var row in rows)
        {
            if (Prohibits(delete, row) is { } prohibited) return Fail(prohibited);
            PendingOf(table, row.Uuid)!.After = null;
        }

        return new OperationResult.Counted(rows.Count);
    }

    private static OvsdbError? Assign(
        TableSchema table, ImmutableArray<ColumnValue> row, Datum[] values, bool mutableOnly)
    {
        foreach (var (name, value) in row)
        {
            if (!table.TryColumn(name, out var column)) return UnknownColumn(name, table);
            if (mutableOnly && !column.IsMutable)
            {
                return OvsdbError.ConstraintViolation(
                    $"Cannot update immutable column {name} in table {table.Name}.");
            }

            if (column.IsInternal) continue;
            if (ValueCheck.Check(value, column.Type) is { } wrong) return wrong;
            values[column.Index] = value.IsEmpty ? column.Type.Default : value;
        }

        return null;
    }
}
