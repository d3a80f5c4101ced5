using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Reads the table-updates of update2 and update3 (ovsdb-server(7)).</summary>
internal static class RemoteUpdates
{
    /// <returns>False, and why, if the JSON is no such object; columns that are not known
    /// here are passed over.</returns>
    public static bool TryRead(
        JsonElement json, DatabaseSchema schema, Guid transactionId,
        [NotNullWhen(true)] out DatabaseDelta? delta, [NotNullWhen(false)] out string? problem)
    {
        delta = null;
        problem = "table-updates is not an object";
        if (json.ValueKind != JsonValueKind.Object) return false;
        var rows = ImmutableArray.CreateBuilder<RowDelta>();
        foreach (var member in json.EnumerateObject())
        {
            if (!schema.TryTable(member.Name, out var table)) continue;
            problem = $"table {member.Name}: object expected";
            if (member.Value.ValueKind != JsonValueKind.Object) return false;
            foreach (var row in member.Value.EnumerateObject())
            {
                if (!TryReadRow(row, table, rows, out problem)) return false;
            }
        }

        delta = new DatabaseDelta(schema.Name, transactionId, rows.ToImmutable());
        problem = null;
        return true;
    }

    private static bool TryReadRow(
        JsonProperty json, TableSchema table, ImmutableArray<RowDelta>.Builder rows,
        [NotNullWhen(false)] out string? problem)
    {
        problem = $"table {table.Name} row {json.Name}: malformed";
        if (!Guid.TryParseExact(json.Name, "D", out var uuid)
            || json.Value.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        if (json.Value.TryGetProperty("delete", out _))
        {
            rows.Add(new RowDelta(table.Name, uuid, RowDeltaKind.Delete, []));
            problem = null;
            return true;
        }

        var isInsert = json.Value.TryGetProperty("insert", out var values)
            || json.Value.TryGetProperty("initial", out values);
        if (!isInsert && !json.Value.TryGetProperty("modify", out values)) return false;
        if (values.ValueKind != JsonValueKind.Object) return false;
        var columns = ImmutableArray.CreateBuilder<ColumnValue>();
        foreach (var member in values.EnumerateObject())
        {
            if (!table.TryColumn(member.Name, out var column) || column.IsInternal) continue;
            if (!DatumReader.TryRead(
                member.Value, Loose(column.Type), null, out var value, out var error))
            {
                problem = $"table {table.Name} column {member.Name}: {error.Details}";
                return false;
            }

            columns.Add(new ColumnValue(column.Name, value));
        }

        rows.Add(new RowDelta(
            table.Name, uuid, isInsert ? RowDeltaKind.Insert : RowDeltaKind.Modify,
            columns.ToImmutable()));
        problem = null;
        return true;
    }

    /// <summary>
    /// A server's word is taken: it may allow values, and have differences, that we do not.
    /// </summary>
    private static ColumnType Loose(ColumnType type) => new(
        new BaseType(type.Key.Type), type.Value is { } value ? new BaseType(value.Type) : null, 0,
        ColumnType.Unlimited);
}
