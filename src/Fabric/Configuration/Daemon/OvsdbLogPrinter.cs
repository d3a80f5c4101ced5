using System.Globalization;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Prints the records of a database file as `ovsdb-tool show-log` does.</summary>
internal static class OvsdbLogPrinter
{
    /// <param name="more">0: dates and comments; 1: rows; 2: columns too.</param>
    public static void Print(string path, int more, TextWriter output)
    {
        var names = new SortedDictionary<(string, string), string>();
        DatabaseSchema? schema = null;
        var number = 0;
        foreach (var record in OvsdbLogFile.Records(path))
        {
            output.Write($"record {number++}:");
            if (schema is null)
            {
                if (!SchemaReader.TryRead(record, out schema, out var error))
                {
                    output.WriteLine($" {error}");
                    return;
                }

                output.WriteLine(
                    $" \"{schema.Name}\" schema, version=\"{schema.Version}\", "
                    + $"cksum=\"{schema.Checksum}\"\n");
                continue;
            }

            PrintTransaction(record, schema, more, names, output);
        }
    }

    private static void PrintTransaction(
        JsonElement record, DatabaseSchema schema, int more,
        SortedDictionary<(string, string), string> names, TextWriter output)
    {
        if (record.TryGetProperty("_date", out var date) && date.TryGetInt64(out var milliseconds))
        {
            // Older files have seconds.
            if (milliseconds < 1_000_000_000_000 / 2) milliseconds *= 1000;
            var time = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
            output.Write(time.ToString(" yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture));
        }

        if (record.TryGetProperty("_comment", out var comment)
            && comment.ValueKind == JsonValueKind.String)
        {
            output.Write($" \"{comment.GetString()}\"");
        }

        output.WriteLine();
        foreach (var table in record.EnumerateObject())
        {
            if (table.Name.StartsWith('_') || more == 0) continue;
            if (!schema.TryTable(table.Name, out var tableSchema)) continue;
            foreach (var row in table.Value.EnumerateObject())
            {
                PrintRow(table.Name, row, tableSchema, more, names, output);
            }
        }

        if (more > 0) output.WriteLine();
    }

    private static void PrintRow(
        string table, JsonProperty row, TableSchema schema, int more,
        SortedDictionary<(string, string), string> names, TextWriter output)
    {
        var isKnown = names.TryGetValue((table, row.Name), out var name);
        var isDelete = row.Value.ValueKind == JsonValueKind.Null;
        if (!isDelete && row.Value.TryGetProperty("name", out var value)
            && value.ValueKind == JsonValueKind.String)
        {
            names[(table, row.Name)] = value.GetString()!;
            name ??= value.GetString();
        }
        else if (!isKnown)
        {
            names[(table, row.Name)] = "";
        }

        var label = string.IsNullOrEmpty(name)
            ? row.Name[..Math.Min(8, row.Name.Length)]
            : $"\"{name}\" ({row.Name[..Math.Min(8, row.Name.Length)]})";
        output.WriteLine(isKnown || isDelete
            ? $"  table {table} row {label} diff:"
            : $"  table {table} insert row {label}:");
        if (isDelete)
        {
            output.WriteLine("    delete row");
            names.Remove((table, row.Name));
            return;
        }

        if (more < 2) return;
        foreach (var member in row.Value.EnumerateObject())
        {
            output.Write($"    {member.Name}=");
            var isRead = schema.TryColumn(member.Name, out var column);
            var type = column.Type with { CountMin = 0, CountMax = ColumnType.Unlimited };
            output.WriteLine(
                isRead && DatumReader.TryRead(member.Value, type, null, out var datum, out _)
                    ? datum.ToString()
                    : member.Value.GetRawText());
        }
    }
}
