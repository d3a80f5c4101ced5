using System.CommandLine;
using System.Text.Json;

namespace Fabric.HostNode.Cli;

/// <summary>--format table|json, --json for short: the same rows for people and programs.</summary>
internal static class OutputFormat
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Option<string> Option()
    {
        var option = new Option<string>("--format")
        {
            Description = "table or json",
            DefaultValueFactory = _ => "table",
        };
        option.AcceptOnlyFromAmong("table", "json");
        return option;
    }

    public static Option<bool> JsonOption() =>
        new("--json") { Description = "The same as --format json." };

    public static bool IsJson(
        ParseResult result, Option<string> format, Option<bool> json) =>
        result.GetValue(json) || result.GetValue(format) == "json";

    public static void Print(
        bool isJson, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        var all = rows.ToArray();
        if (isJson)
        {
            var objects = all.Select(row => columns
                .Select((column, index) => (column, value: row[index]))
                .ToDictionary(pair => pair.column, pair => pair.value));
            Console.WriteLine(JsonSerializer.Serialize(objects, Indented));
            return;
        }

        var widths = columns.Select((column, index) =>
            all.Select(row => row[index].Length).Append(column.Length).Max()).ToArray();
        Console.WriteLine(Line(columns, widths));
        foreach (var row in all) Console.WriteLine(Line(row, widths));
    }

    private static string Line(IReadOnlyList<string> cells, int[] widths) =>
        string.Join("  ", cells.Select((cell, index) => cell.PadRight(widths[index]))).TrimEnd();
}
