using System.Globalization;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Prints transactions one after the other; knows the rows of those before.</summary>
/// <param name="more">0: dates and comments; 1: rows; 2: columns too.</param>
internal sealed class TransactionPrinter(int more, TextWriter output)
{
    // Dates below are seconds, as old versions wrote them; above, milliseconds.
    private const long SecondsMax = 1L << 32;

    private readonly Dictionary<(string Table, string Uuid), string> _names = [];

    /// <summary>Null until a record told it.</summary>
    public DatabaseSchema? Schema { get; set; }

    public void Print(JsonElement transaction)
    {
        if (transaction.TryGetProperty("_date", out var date) && date.TryGetInt64(out var time))
        {
            var milliseconds = time < SecondsMax ? time * 1000 : time;
            output.Write(DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
                .ToString(" yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture));
        }

        if (transaction.TryGetProperty("_comment", out var comment)
            && comment.ValueKind == JsonValueKind.String)
        {
            output.Write($" \"{comment.GetString()}\"");
        }

        output.WriteLine();
        if (more == 0) return;
        foreach (var table in transaction.EnumerateObject())
        {
            if (table.Value.ValueKind != JsonValueKind.Object) continue;
            foreach (var row in table.Value.EnumerateObject()) PrintRow(table.Name, row);
        }
    }

    /// <summary>Rows are followed by an empty line.</summary>
    public void End()
    {
        if (more > 0) output.WriteLine();
    }

    private void PrintRow(string table, JsonProperty row)
    {
        var shortUuid = row.Name[..Math.Min(8, row.Name.Length)];
        var isKnown = _names.TryGetValue((table, row.Name), out var name);
        if (!isKnown)
        {
            name = row.Value.ValueKind == JsonValueKind.Object
                && row.Value.TryGetProperty("name", out var value)
                && value.ValueKind == JsonValueKind.String
                    ? OvsdbText.Quote(value.GetString()!) : shortUuid;
            _names[(table, row.Name)] = name;
        }

        var label = name == shortUuid && !isKnown ? shortUuid : $"{name} ({shortUuid})";
        output.WriteLine(isKnown
            ? $"  table {table} row {label} diff:"
            : $"  table {table} insert row {label}:");
        if (row.Value.ValueKind == JsonValueKind.Null)
        {
            output.WriteLine("    delete row");
            _names.Remove((table, row.Name));
        }
        else if (more > 1)
        {
            PrintColumns(table, row.Value);
        }
    }

    private void PrintColumns(string table, JsonElement row)
    {
        foreach (var member in row.EnumerateObject())
        {
            var text = Schema is { } schema && schema.TryTable(table, out var tableSchema)
                && tableSchema.TryColumn(member.Name, out var column)
                && DatumReader.TryRead(member.Value, Loose(column.Type), null, out var datum, out _)
                    ? TextOf(datum, column.Type)
                    : member.Value.GetRawText();
            output.WriteLine($"    {member.Name}={text}");
        }
    }

    /// <remarks>A column of sets has brackets around a single element too.</remarks>
    private static string TextOf(Datum datum, ColumnType type) =>
        type is { CountMax: > 1, IsMap: false } && datum.Count == 1
            ? $"[{datum}]" : datum.ToString();

    /// <remarks>A difference has other elements than a value may have.</remarks>
    private static ColumnType Loose(ColumnType type) => type.CountMax > 1
        ? type with { CountMin = 0, CountMax = ColumnType.Unlimited }
        : type;
}
