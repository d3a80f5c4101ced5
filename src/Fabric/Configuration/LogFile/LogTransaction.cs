using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A transaction as a record of OVS's database file.</summary>
/// <remarks>
/// {table: {uuid: {column: value} or null}, "_date": milliseconds, "_comment": text,
/// "_is_diff": true}. With _is_diff, columns of rows that exist already hold differences.
/// </remarks>
internal static class LogTransaction
{
    public static byte[] ToJson(DatabaseDelta delta, DateTimeOffset date) =>
        OvsdbText.ToUtf8(writer => Write(writer, delta, date));

    public static void Write(Utf8JsonWriter writer, DatabaseDelta delta, DateTimeOffset date)
    {
        writer.WriteStartObject();
        foreach (var table in delta.Rows.GroupBy(row => row.Table, StringComparer.Ordinal))
        {
            writer.WriteStartObject(table.Key);
            foreach (var row in table) Write(writer, row);
            writer.WriteEndObject();
        }

        if (delta.Comment is not null) writer.WriteString("_comment", delta.Comment);
        writer.WriteNumber("_date", date.ToUnixTimeMilliseconds());
        writer.WriteBoolean("_is_diff", true);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, RowDelta row)
    {
        var name = row.Uuid.ToString("D", CultureInfo.InvariantCulture);
        if (row.Kind == RowDeltaKind.Delete)
        {
            writer.WriteNull(name);
            return;
        }

        writer.WriteStartObject(name);
        foreach (var (column, value) in row.Columns)
        {
            writer.WritePropertyName(column);
            DatumWriter.Write(writer, value);
        }

        writer.WriteEndObject();
    }

    /// <summary>What the record does to 'database'.</summary>
    public static bool TryRead(
        JsonElement json, DatabaseSnapshot database, Guid transactionId,
        [NotNullWhen(true)] out DatabaseDelta? delta, [NotNullWhen(false)] out string? problem)
    {
        delta = null;
        problem = "transaction is not a JSON object";
        if (json.ValueKind != JsonValueKind.Object) return false;
        var isDifference = json.TryGetProperty("_is_diff", out var flag)
            && flag.ValueKind == JsonValueKind.True;
        var rows = ImmutableArray.CreateBuilder<RowDelta>();
        foreach (var member in json.EnumerateObject())
        {
            if (member.Name.StartsWith('_')) continue;
            problem = $"syntax \"{OvsdbText.Compact(json)}\": unknown table: "
                + $"No table named {member.Name}.";
            if (!database.Schema.TryTable(member.Name, out var schema)) return false;
            problem = $"table {member.Name}: object expected";
            if (member.Value.ValueKind != JsonValueKind.Object) return false;
            foreach (var row in member.Value.EnumerateObject())
            {
                if (!TryReadRow(row, database, schema, isDifference, out var read, out problem))
                {
                    return false;
                }

                if (read is not null) rows.Add(read);
            }
        }

        var comment = json.TryGetProperty("_comment", out var text)
            && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
        delta = new DatabaseDelta(
            database.Schema.Name, transactionId, rows.ToImmutable(), comment);
        problem = null;
        return true;
    }

    private static bool TryReadRow(
        JsonProperty json, DatabaseSnapshot database, TableSchema schema, bool isDifference,
        out RowDelta? delta, [NotNullWhen(false)] out string? problem)
    {
        delta = null;
        problem = $"Table names row UUID {json.Name} which is not valid";
        if (!Guid.TryParseExact(json.Name, "D", out var uuid)) return false;
        var before = database.Table(schema)[uuid];
        if (json.Value.ValueKind == JsonValueKind.Null)
        {
            problem = $"syntax error: transaction deletes row {json.Name} that does not exist";
            if (before is null) return false;
            delta = new RowDelta(schema.Name, uuid, RowDeltaKind.Delete, []);
            problem = null;
            return true;
        }

        problem = $"row {json.Name}: object expected";
        if (json.Value.ValueKind != JsonValueKind.Object) return false;
        var columns = ImmutableArray.CreateBuilder<ColumnValue>();
        foreach (var member in json.Value.EnumerateObject())
        {
            // Columns of a later schema are passed over, as ovsdb-server does.
            if (!schema.TryColumn(member.Name, out var column) || column.IsInternal) continue;
            var isLoose = isDifference && before is not null && column.Type.CountMax > 1;
            var type = isLoose
                ? column.Type with { CountMin = 0, CountMax = ColumnType.Unlimited }
                : column.Type;
            if (!DatumReader.TryRead(member.Value, type, null, out var value, out var error))
            {
                problem = $"table {schema.Name} column {member.Name}: {error.Details}";
                return false;
            }

            if (before is not null && !isLoose && column.Type.CountMax > 1)
            {
                value = before[column].DifferenceTo(value);
            }

            columns.Add(new ColumnValue(column.Name, value));
        }

        var kind = before is null ? RowDeltaKind.Insert : RowDeltaKind.Modify;
        delta = new RowDelta(schema.Name, uuid, kind, columns.ToImmutable());
        problem = null;
        return true;
    }
}
