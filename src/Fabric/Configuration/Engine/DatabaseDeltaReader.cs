using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Reads what <see cref="DatabaseDelta.ToJson"/> writes.</summary>
public static class DatabaseDeltaReader
{
    /// <returns>False, and why, if the bytes are no delta of that schema.</returns>
    public static bool TryRead(
        ReadOnlyMemory<byte> json, DatabaseSchema schema,
        [NotNullWhen(true)] out DatabaseDelta? delta, [NotNullWhen(false)] out string? problem)
    {
        delta = null;
        if (!JsonText.TryParse(json, out var document, out problem)) return false;
        using (document)
        {
            return TryRead(document.RootElement, schema, out delta, out problem);
        }
    }

    public static bool TryRead(
        JsonElement json, DatabaseSchema schema,
        [NotNullWhen(true)] out DatabaseDelta? delta, [NotNullWhen(false)] out string? problem)
    {
        delta = null;
        problem = "not a database delta";
        if (json.ValueKind != JsonValueKind.Object
            || !json.TryGetProperty("v", out var version)
            || !DatumReader.TryReadInteger(version, out var number)
            || !json.TryGetProperty("db", out var database)
            || database.ValueKind != JsonValueKind.String
            || !json.TryGetProperty("txn", out var txn)
            || txn.ValueKind != JsonValueKind.String
            || !Guid.TryParseExact(txn.GetString(), "D", out var transactionId)
            || !json.TryGetProperty("rows", out var tables)
            || tables.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        if (number != DatabaseDelta.Version)
        {
            problem = $"database delta of version {number}; {DatabaseDelta.Version} is known";
            return false;
        }

        var rows = ImmutableArray.CreateBuilder<RowDelta>();
        foreach (var table in tables.EnumerateObject())
        {
            if (!TryReadTable(table, schema, rows, out problem)) return false;
        }

        var comment = json.TryGetProperty("comment", out var note)
            && note.ValueKind == JsonValueKind.String ? note.GetString() : null;
        delta = new DatabaseDelta(
            database.GetString()!, transactionId, rows.ToImmutable(), comment);
        problem = null;
        return true;
    }

    private static bool TryReadTable(
        JsonProperty json, DatabaseSchema schema, ImmutableArray<RowDelta>.Builder rows,
        [NotNullWhen(false)] out string? problem)
    {
        problem = $"table {json.Name} is not in schema {schema.Name}";
        if (!schema.TryTable(json.Name, out var table)) return false;
        problem = $"table {json.Name}: object expected";
        if (json.Value.ValueKind != JsonValueKind.Object) return false;
        foreach (var row in json.Value.EnumerateObject())
        {
            problem = $"table {json.Name} row {row.Name}: malformed";
            if (!Guid.TryParseExact(row.Name, "D", out var uuid)
                || row.Value.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            if (row.Value.TryGetProperty("delete", out _))
            {
                rows.Add(new RowDelta(table.Name, uuid, RowDeltaKind.Delete, []));
                continue;
            }

            var isInsert = row.Value.TryGetProperty("insert", out var values);
            if (!isInsert && !row.Value.TryGetProperty("modify", out values)) return false;
            if (!TryReadValues(values, table, isInsert, out var columns, ref problem)) return false;
            var kind = isInsert ? RowDeltaKind.Insert : RowDeltaKind.Modify;
            rows.Add(new RowDelta(table.Name, uuid, kind, columns));
        }

        problem = null;
        return true;
    }

    private static bool TryReadValues(
        JsonElement json, TableSchema table, bool isInsert,
        out ImmutableArray<ColumnValue> columns, ref string problem)
    {
        columns = [];
        if (json.ValueKind != JsonValueKind.Object) return false;
        var builder = ImmutableArray.CreateBuilder<ColumnValue>();
        foreach (var member in json.EnumerateObject())
        {
            if (!table.TryColumn(member.Name, out var column) || column.IsInternal)
            {
                problem = $"table {table.Name} has no column {member.Name}";
                return false;
            }

            // A difference may hold more elements than the column may.
            var type = isInsert || column.Type.CountMax == 1
                ? column.Type
                : column.Type with { CountMin = 0, CountMax = ColumnType.Unlimited };
            if (!DatumReader.TryRead(member.Value, type, null, out var value, out var error))
            {
                problem = $"table {table.Name} column {member.Name}: {error.Details}";
                return false;
            }

            builder.Add(new ColumnValue(column.Name, value));
        }

        columns = builder.ToImmutable();
        return true;
    }
}
