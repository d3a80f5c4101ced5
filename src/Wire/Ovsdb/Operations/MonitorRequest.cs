using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>Which kinds of change a monitor reports.</summary>
[Flags]
public enum MonitorSelect : byte
{
    None = 0,
    Initial = 1,
    Insert = 2,
    Delete = 4,
    Modify = 8,
    All = Initial | Insert | Delete | Modify,
}

/// <summary>A column that is monitored, and for which kinds of change.</summary>
public readonly record struct MonitoredColumn(ColumnSchema Schema, MonitorSelect Select);

/// <summary>What a monitor wants of one table.</summary>
/// <param name="Columns">May be empty: then only the rows' coming and going matters.</param>
/// <param name="Select">Kinds of change that any of its requests selects.</param>
/// <param name="Where">Rows for which any of these holds; empty means all rows.</param>
public sealed record MonitoredTable(
    TableSchema Schema, ImmutableArray<MonitoredColumn> Columns, MonitorSelect Select,
    ImmutableArray<Condition> Where)
{
    /// <summary>Columns that a condition has named so far: as in ovsdb-server, a change of one of
    /// them is told, without the column.</summary>
    public ImmutableArray<ColumnSchema> Tested { get; private init; } = TestedBy(Schema, Where);

    /// <summary>The same table with other conditions.</summary>
    public MonitoredTable With(ImmutableArray<Condition> where) => this with
    {
        Where = where,
        Tested = [.. Tested.Union(TestedBy(Schema, where))],
    };

    private static ImmutableArray<ColumnSchema> TestedBy(
        TableSchema schema, ImmutableArray<Condition> where) =>
        [.. where.Select(condition => schema.Column(condition.Column)).Distinct()];
}

/// <summary>Reads the monitor-requests of monitor, monitor_cond and monitor_cond_since.</summary>
public static class MonitorRequest
{
    private static readonly JsonValueKind[] Truth = [JsonValueKind.True, JsonValueKind.False];

    /// <param name="json">{table: {columns, select, where} or an array of these}.</param>
    public static bool TryRead(
        JsonElement json, DatabaseSchema schema, bool isConditional,
        out ImmutableArray<MonitoredTable> tables, [NotNullWhen(false)] out OvsdbError? error)
    {
        tables = [];
        if (json.ValueKind != JsonValueKind.Object)
        {
            error = OvsdbError.SyntaxError("monitor-requests must be object", json);
            return false;
        }

        var builder = ImmutableArray.CreateBuilder<MonitoredTable>();
        foreach (var member in json.EnumerateObject())
        {
            if (!schema.TryTable(member.Name, out var table))
            {
                error = OvsdbError.SyntaxError($"no table named {member.Name}");
                return false;
            }

            if (!TryReadTable(member.Value, table, isConditional, out var monitored, out error))
            {
                return false;
            }

            builder.Add(monitored);
        }

        tables = builder.ToImmutable();
        error = null;
        return true;
    }

    private static bool TryReadTable(
        JsonElement json, TableSchema table, bool isConditional,
        [NotNullWhen(true)] out MonitoredTable? monitored,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        monitored = null;
        var columns = new SortedDictionary<int, MonitoredColumn>();
        var select = MonitorSelect.None;
        var where = ImmutableArray.CreateBuilder<Condition>();
        var isForAll = false;
        var requests = json.ValueKind == JsonValueKind.Array
            ? json.EnumerateArray().ToArray()
            : [json];
        foreach (var request in requests)
        {
            if (!TryReadOne(
                request, table, isConditional, columns, ref select, out var conditions, out error))
            {
                return false;
            }

            isForAll |= conditions.IsDefaultOrEmpty;
            if (!conditions.IsDefaultOrEmpty) where.AddRange(conditions);
        }

        monitored = new MonitoredTable(
            table, [.. columns.Values], select, isForAll ? [] : where.ToImmutable());
        error = null;
        return true;
    }

    private static bool TryReadOne(
        JsonElement json, TableSchema table, bool isConditional,
        SortedDictionary<int, MonitoredColumn> columns, ref MonitorSelect select,
        out ImmutableArray<Condition> where, [NotNullWhen(false)] out OvsdbError? error)
    {
        where = default;
        var members = new MemberReader(json, $"table {table.Name}");
        members.TryOptional("columns", out var names, JsonValueKind.Array);
        members.TryOptional("select", out var flags, JsonValueKind.Object);
        JsonElement conditions = default;
        if (isConditional)
        {
            members.TryOptional(
                "where", out conditions, JsonValueKind.Array, JsonValueKind.True,
                JsonValueKind.False);
        }

        error = members.Finish();
        if (error is not null) return false;
        if (!TryReadSelect(flags, table, out var wanted, out error)) return false;
        if (!TryReadColumns(names, table, wanted, columns, out error)) return false;
        select |= wanted;
        return conditions.ValueKind == JsonValueKind.Undefined
            || TryReadWhere(conditions, table, out where, out error);
    }

    private static bool TryReadColumns(
        JsonElement json, TableSchema table, MonitorSelect wanted,
        SortedDictionary<int, MonitoredColumn> columns,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        error = null;
        if (json.ValueKind == JsonValueKind.Undefined)
        {
            foreach (var column in table.Columns.Append(ColumnSchema.RowVersion))
            {
                columns.TryAdd(column.Index, new MonitoredColumn(column, wanted));
            }

            return true;
        }

        foreach (var item in json.EnumerateArray())
        {
            error = OvsdbError.SyntaxError("array of column names expected", json);
            if (item.ValueKind != JsonValueKind.String) return false;
            var name = item.GetString()!;
            error = OvsdbError.SyntaxError($"{name} is not a valid column name", json);
            if (!table.TryColumn(name, out var column)) return false;
            error = OvsdbError.SyntaxError($"column {name} mentioned more than once", json);
            if (!columns.TryAdd(column.Index, new MonitoredColumn(column, wanted))) return false;
        }

        error = null;
        return true;
    }

    /// <summary>An array of conditions, any of which must hold; or just true or false.</summary>
    public static bool TryReadWhere(
        JsonElement json, TableSchema table, out ImmutableArray<Condition> where,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        error = null;
        if (json.ValueKind == JsonValueKind.Array)
        {
            return OperationReader.TryReadWhere(
                json, table, null, out where, out error);
        }

        var function = json.ValueKind == JsonValueKind.True
            ? ConditionFunction.Always
            : ConditionFunction.Never;
        where = [new Condition("_uuid", function, Datum.EmptySet)];
        return true;
    }

    private static bool TryReadSelect(
        JsonElement json, TableSchema table, out MonitorSelect select,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        error = null;
        select = MonitorSelect.All;
        if (json.ValueKind == JsonValueKind.Undefined) return true;
        var flags = new MemberReader(json, $"table {table.Name} select");
        select = MonitorSelect.None;
        foreach (var flag in new[]
        {
            MonitorSelect.Initial, MonitorSelect.Insert, MonitorSelect.Delete,
            MonitorSelect.Modify,
        })
        {
            var name = flag.ToString().ToLowerInvariant();
            var isGiven = flags.TryOptional(name, out var value, Truth);
            if (!isGiven || value.ValueKind == JsonValueKind.True) select |= flag;
        }

        error = flags.Finish();
        return error is null;
    }
}
