using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fabric.HostNode.Tools;

/// <summary>How tables are printed: --format, --data, --no-headings, --columns.</summary>
/// <param name="Shape">table, list, csv, json or html; null: the command's own.</param>
/// <param name="Data">string, bare or json: the cells.</param>
internal sealed record VsctlFormat(
    string? Shape = null, string Data = "string", bool HasHeadings = true,
    IReadOnlyList<string>? Columns = null)
{
    private const int NameWidth = 20;

    public static readonly string[] Shapes = ["table", "list", "csv", "json", "html"];
    public static readonly string[] DataForms = ["string", "bare", "json"];

    private static readonly JsonSerializerOptions s_plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <param name="rows">Each with a value for every heading.</param>
    public string Print(IReadOnlyList<string> headings, IReadOnlyList<JsonNode?[]> rows) =>
        (Shape ?? "list") switch
        {
            "table" => Table(headings, rows),
            "csv" => Csv(headings, rows),
            "html" => Html(headings, rows),
            "json" => Json(headings, rows),
            _ => List(headings, rows),
        };

    private string Cell(JsonNode? value) => Data switch
    {
        "json" => value?.ToJsonString(s_plain) ?? "",
        "bare" => OvsdbText.FormatBare(value),
        _ => OvsdbText.Format(value),
    };

    private string List(IReadOnlyList<string> headings, IReadOnlyList<JsonNode?[]> rows)
    {
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            if (text.Length > 0) text.Append('\n');
            for (var i = 0; i < headings.Count; i++)
            {
                if (HasHeadings) text.Append(headings[i].PadRight(NameWidth)).Append(": ");
                text.Append(Cell(row[i])).Append('\n');
            }
        }

        return text.ToString();
    }

    private string Table(IReadOnlyList<string> headings, IReadOnlyList<JsonNode?[]> rows)
    {
        var lines = rows.Select(row => row.Select(Cell).ToArray()).ToList();
        if (HasHeadings) lines.Insert(0, [.. headings]);
        var widths = headings
            .Select((_, i) => lines.Count == 0 ? 0 : lines.Max(line => line[i].Length)).ToArray();
        if (HasHeadings) lines.Insert(1, [.. widths.Select(width => new string('-', width))]);
        var text = new StringBuilder();
        foreach (var line in lines)
        {
            var cells = line.Select(
                (cell, i) => i + 1 < line.Length ? cell.PadRight(widths[i]) : cell);
            text.Append(string.Join(" ", cells)).Append('\n');
        }

        return text.ToString();
    }

    private string Csv(IReadOnlyList<string> headings, IReadOnlyList<JsonNode?[]> rows)
    {
        var lines = rows.Select(row => row.Select(Cell));
        if (HasHeadings) lines = lines.Prepend(headings);
        return string.Concat(
            lines.Select(line => string.Join(",", line.Select(Quote)) + "\n"));

        static string Quote(string cell) => cell.AsSpan().IndexOfAny("\n,\"") < 0
            ? cell
            : $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    private string Html(IReadOnlyList<string> headings, IReadOnlyList<JsonNode?[]> rows)
    {
        var text = new StringBuilder("<table border=1>\n");
        if (HasHeadings) Row(headings, "th");
        foreach (var row in rows) Row(row.Select(Cell), "td");
        return text.Append("</table>\n").ToString();

        void Row(IEnumerable<string> cells, string element)
        {
            text.Append("  <tr>\n");
            foreach (var cell in cells)
            {
                text.Append($"    <{element}>{Escape(cell)}</{element}>\n");
            }

            text.Append("  </tr>\n");
        }

        static string Escape(string cell) => cell.Replace("&", "&amp;", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal)
            .Replace("\"", "&quot;", StringComparison.Ordinal);
    }

    private static string Json(
        IReadOnlyList<string> headings, IReadOnlyList<JsonNode?[]> rows) => new JsonObject
    {
        ["data"] = new JsonArray(
        [
            .. rows.Select(row => new JsonArray([.. row.Select(cell => cell?.DeepClone())])),
        ]),
        ["headings"] = new JsonArray([.. headings.Select(name => (JsonNode)name)]),
    }.ToJsonString(s_plain) + "\n";
}
