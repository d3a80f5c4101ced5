using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Finding rows: "where", select and wait.</summary>
internal sealed partial class Transaction
{
    private OperationResult Select(Operation.Select select)
    {
        if (!TryTable(select.Table, out var table, out var error)) return Fail(error);
        if (!TryFind(table, select.Where, out var rows, out error)) return Fail(error);
        if (!TryColumns(table, select.Columns, out var columns, out error)) return Fail(error);
        var seen = new HashSet<IndexKey>();
        var found = ImmutableArray.CreateBuilder<ImmutableArray<Datum>>(rows.Count);
        foreach (var row in rows)
        {
            // RFC 7047: rows that are equal in the columns asked for are returned once.
            if (!seen.Add(IndexKey.Of(row, columns.AsSpan()))) continue;
            found.Add([.. columns.Select(column => row[column])]);
        }

        return new OperationResult.Selected(
            [.. columns.Select(column => column.Name)], found.ToImmutable());
    }

    private OperationResult Wait(Operation.Wait wait)
    {
        if (!TryTable(wait.Table, out var table, out var error)) return Fail(error);
        if (!TryFind(table, wait.Where, out var rows, out error)) return Fail(error);
        if (!TryColumns(table, wait.Columns, out var columns, out error)) return Fail(error);
        var wanted = new HashSet<IndexKey>();
        foreach (var row in wait.Rows)
        {
            if (!TryKey(table, row, columns, out var key, out error)) return Fail(error);
            wanted.Add(key);
        }

        var actual = rows.Select(row => IndexKey.Of(row, columns.AsSpan())).ToHashSet();
        if (actual.SetEquals(wanted) == wait.IsEqual) return OperationResult.Done.Instance;
        if (wait.TimeoutMilliseconds is not { } timeout)
        {
            WaitMilliseconds = long.MaxValue;
        }
        else if (context.WaitedMilliseconds < timeout)
        {
            WaitMilliseconds = timeout;
        }
        else
        {
            return Fail(OvsdbError.TimedOut(
                context.WaitedMilliseconds > 0
                    ? $"\"wait\" timed out after {context.WaitedMilliseconds} ms"
                    : "\"where\" clause test failed"));
        }

        return OperationResult.Skipped.Instance;
    }

    /// <summary>
    /// A row of "wait" as a key; columns that it does not name have their default.
    /// </summary>
    private static bool TryKey(
        TableSchema table, ImmutableArray<ColumnValue> row, ImmutableArray<ColumnSchema> columns,
        out IndexKey key, [NotNullWhen(false)] out OvsdbError? error)
    {
        var values = new Datum[columns.Length];
        for (var i = 0; i < values.Length; i++) values[i] = columns[i].Type.Default;
        key = new IndexKey(values);
        error = null;
        foreach (var (name, value) in row)
        {
            if (!table.TryColumn(name, out var column))
            {
                error = UnknownColumn(name, table);
                return false;
            }

            var place = columns.IndexOf(column);
            if (place >= 0) values[place] = value;
        }

        return true;
    }

    /// <summary>The rows for which all conditions hold, as the transaction sees them now.</summary>
    private bool TryFind(
        TableSchema table, ImmutableArray<Condition> where, out List<Row> rows,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        rows = [];
        error = null;
        Span<(ColumnSchema Column, ConditionFunction Function, Datum Argument)> tests =
            new (ColumnSchema, ConditionFunction, Datum)[where.Length];
        for (var i = 0; i < tests.Length; i++)
        {
            if (!table.TryColumn(where[i].Column, out var column))
            {
                error = UnknownColumn(where[i].Column, table);
                return false;
            }

            tests[i] = (column, where[i].Function, where[i].Argument);
        }

        foreach (var (column, function, argument) in tests)
        {
            if (column.Index != ColumnSchema.UuidIndex) continue;
            if (function is not (ConditionFunction.Equal or ConditionFunction.Includes)) continue;
            if (argument.Count != 1) continue;
            var only = RowOf(table, argument.Keys[0].Uuid);
            if (only is not null && Matches(only, tests)) rows.Add(only);
            return true;
        }

        if (TryFindByIndex(table, tests, rows)) return true;
        FindAll(table, tests, rows);
        return true;
    }

    private void FindAll(
        TableSchema table,
        Span<(ColumnSchema Column, ConditionFunction Function, Datum Argument)> tests,
        List<Row> rows)
    {
        var pending = _pending[table.Index];
        foreach (var row in snapshot.Table(table).Rows)
        {
            if (pending is not null && pending.ContainsKey(row.Uuid)) continue;
            if (Matches(row, tests)) rows.Add(row);
        }

        if (pending is null) return;
        foreach (var changed in _order)
        {
            if (changed.Table != table || changed.After is not { } after) continue;
            if (Matches(after, tests)) rows.Add(after);
        }
    }

    /// <summary>Uses a unique index whose columns are all compared with "==".</summary>
    private bool TryFindByIndex(
        TableSchema table,
        ReadOnlySpan<(ColumnSchema Column, ConditionFunction Function, Datum Argument)> tests,
        List<Row> rows)
    {
        for (var i = 0; i < table.Indexes.Length; i++)
        {
            var columns = table.Indexes[i];
            var values = new Datum[columns.Length];
            foreach (var (column, function, argument) in tests)
            {
                var place = columns.IndexOf(column);
                if (place >= 0 && function == ConditionFunction.Equal) values[place] = argument;
            }

            if (Array.IndexOf(values, null) >= 0) continue;
            var pending = _pending[table.Index];
            if (snapshot.Table(table).TryIndex(i, new IndexKey(values), out var uuid)
                && !(pending?.ContainsKey(uuid) ?? false)
                && snapshot.Table(table)[uuid] is { } row
                && Matches(row, tests))
            {
                rows.Add(row);
            }

            if (pending is null) return true;
            foreach (var changed in _order)
            {
                if (changed.Table == table && changed.After is { } after && Matches(after, tests))
                {
                    rows.Add(after);
                }
            }

            return true;
        }

        return false;
    }

    private static bool Matches(
        Row row,
        ReadOnlySpan<(ColumnSchema Column, ConditionFunction Function, Datum Argument)> tests)
    {
        foreach (var (column, function, argument) in tests)
        {
            if (!ConditionRules.Holds(function, row[column], argument)) return false;
        }

        return true;
    }

    private bool TryTable(
        string name, [NotNullWhen(true)] out TableSchema? table,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        error = null;
        if (snapshot.Schema.TryTable(name, out table)) return true;
        error = OvsdbError.SyntaxError($"No table named {name}.");
        return false;
    }

    private static bool TryColumns(
        TableSchema table, ImmutableArray<string> names, out ImmutableArray<ColumnSchema> columns,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        error = null;
        if (names.IsDefault)
        {
            columns = [ColumnSchema.RowUuid, ColumnSchema.RowVersion, .. table.Columns];
            return true;
        }

        var builder = ImmutableArray.CreateBuilder<ColumnSchema>(names.Length);
        foreach (var name in names)
        {
            if (!table.TryColumn(name, out var column))
            {
                columns = [];
                error = UnknownColumn(name, table);
                return false;
            }

            builder.Add(column);
        }

        columns = builder.ToImmutable();
        return true;
    }

    private static OvsdbError UnknownColumn(string name, TableSchema table) =>
        new("unknown column", $"No column {name} in table {table.Name}.");
}
