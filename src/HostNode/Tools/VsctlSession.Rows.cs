using System.Text.Json.Nodes;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <content>Commands that work on any table.</content>
internal sealed partial class VsctlSession
{
    private int? RunRows(
        string[] words, bool isLenient, HashSet<string> options, string? id)
    {
        var columnNames = options.FirstOrDefault(
            option => option.StartsWith("--columns=", StringComparison.Ordinal))?[10..];
        switch (words)
        {
            case ["list", var table]: return List(table, model.Rows(table), columnNames);
            case ["list", var table, .. { Length: > 0 } records]:
                return List(table, Found(table, records, isLenient), columnNames);
            case ["find", var table, .. var conditions]:
                return List(
                    table, model.Rows(table).Where(Matching(table, conditions)), columnNames);
            case ["wait-until", var table, var record, .. var conditions]:
                MustWait |= model.Find(table, record) is not { } present
                    || !Matching(table, conditions)(present);
                return ExitCode.Ok;
            case ["get", var table, var record, .. var columns]:
                if (id is not null) _named[id] = Need(table, record).Key;
                return Get(Found(table, [record], isLenient), columns, isLenient);
            case ["destroy", var table] when options.Contains("--all"):
                foreach (var row in model.Rows(table).ToArray()) Destroy(row);
                return ExitCode.Ok;
            case ["set", var table, var record, .. { Length: > 0 } settings]:
                foreach (var row in Found(table, [record], isLenient))
                {
                    foreach (var setting in settings) Set(row, setting);
                }

                return ExitCode.Ok;
            case ["add", var table, var record, var column, .. { Length: > 0 } values]:
                foreach (var row in Found(table, [record], isLenient)) Add(row, column, values);
                return ExitCode.Ok;
            case ["remove", var table, var record, var column, .. { Length: > 0 } values]:
                foreach (var row in Found(table, [record], isLenient)) Remove(row, column, values);
                return ExitCode.Ok;
            case ["clear", var table, var record, .. { Length: > 0 } columns]:
                foreach (var row in Found(table, [record], isLenient)) Clear(row, columns);
                return ExitCode.Ok;
            case ["create", var table, .. var settings]:
                return Create(table, settings, id);
            case ["destroy", var table, .. { Length: > 0 } records]:
                foreach (var row in Found(table, records, isLenient)) Destroy(row);
                return ExitCode.Ok;
            default: return null;
        }
    }

    /// <summary>Rows that "--id=@NAME get" gave a name for the commands behind it.</summary>
    private readonly Dictionary<string, string> _named = [];

    /// <summary>All of the conditions.</summary>
    private Func<VsctlRow, bool> Matching(string table, string[] conditions)
    {
        _ = model.Rows(table);
        var all = conditions.Select(text => new VsctlCondition(
            text,
            column => column == "_uuid" ? "uuid" : TypeOf(table, column))).ToArray();
        return row => all.All(condition => condition.Holds(row));
    }

    private VsctlRow[] Found(string table, string[] records, bool ifExists) =>
    [
        .. records.Select(record => ifExists ? model.Find(table, record) : Need(table, record))
            .OfType<VsctlRow>(),
    ];

    private int Create(string table, string[] settings, string? id)
    {
        var row = model.Insert(table, [], id);
        foreach (var setting in settings) Set(row, setting);
        _output.WriteLine(row.Key);
        return ExitCode.Ok;
    }

    private void Destroy(VsctlRow row)
    {
        if (!row.IsNew)
        {
            model.Add(new JsonObject
            {
                ["op"] = "delete", ["table"] = row.Table, ["where"] = row.Where(),
            });
        }

        row.IsGone = true;
    }

    private int Get(VsctlRow[] rows, string[] columns, bool ifExists)
    {
        foreach (var row in rows)
        {
            foreach (var wanted in columns)
            {
                var parts = wanted.Split(':', 2);
                var datum = Shown(row, parts[0]);
                if (parts.Length == 2
                    && (TypeOf(row.Table, parts[0]) as JsonObject)?["value"] is null)
                {
                    throw new ToolException(
                        $"cannot specify key to get for non-map column {parts[0]}");
                }

                var value = parts.Length == 1 ? datum : OvsdbText.Find(datum, parts[1]);
                if (value is null && parts.Length == 2 && !ifExists)
                {
                    throw new ToolException($"no key \"{parts[1]}\" in {row.Table} record "
                        + $"\"{row.Name ?? row.Key}\" column {parts[0]}");
                }

                _output.WriteLine(OvsdbText.Format(value));
            }
        }

        return ExitCode.Ok;
    }

    private void Set(VsctlRow row, string setting)
    {
        var (column, key, value) = Take(setting);
        var type = TypeOf(row.Table, column);
        if (key is null)
        {
            row.Set(column, WithNames(OvsdbText.Parse(value, type)));
            return;
        }

        var (name, content) = EntryOf(type, column, key, value);
        var entries = Entries(row, column).Where(entry => !IsSame(entry[0], name)).ToList();
        entries.Add(new JsonArray(name, content));
        SetEntries(row, column, entries);
    }

    private void Add(VsctlRow row, string column, string[] values)
    {
        var type = TypeOf(row.Table, column);
        foreach (var value in values)
        {
            if ((type as JsonObject)?["value"] is not null)
            {
                var (key, content) = Cut(value);
                var (name, atom) = EntryOf(type, column, key, content ?? "");
                if (Entries(row, column).Any(entry => IsSame(entry[0], name))) continue;
                SetEntries(row, column, [.. Entries(row, column), new JsonArray(name, atom)]);
                continue;
            }

            var item = WithNames(OvsdbText.ParseAtom(value, KeyType(type)))!;
            if (Items(row, column).Any(each => IsSame(each, item))) continue;
            SetItems(row, column, [.. Items(row, column), item]);
        }
    }

    private void Remove(VsctlRow row, string column, string[] values)
    {
        var type = TypeOf(row.Table, column);
        foreach (var value in values)
        {
            if ((type as JsonObject)?["value"] is null)
            {
                var item = WithNames(OvsdbText.ParseAtom(value, KeyType(type)))!;
                SetItems(row, column, Items(row, column).Where(each => !IsSame(each, item)));
                continue;
            }

            var (key, content) = Cut(value);
            var name = OvsdbText.ParseAtom(key, KeyType(type));
            SetEntries(row, column, Entries(row, column).Where(entry => !IsSame(entry[0], name)
                || (content is not null && (string?)entry[1]?.AsValue().ToString() != content)));
        }
    }

    private void Clear(VsctlRow row, string[] columns)
    {
        foreach (var column in columns)
        {
            var isMap = (TypeOf(row.Table, column) as JsonObject)?["value"] is not null;
            row.Set(column, new JsonArray(isMap ? "map" : "set", new JsonArray()));
        }
    }

    private int List(string table, IEnumerable<VsctlRow> rows, string? columnNames)
    {
        var headings = columnNames?.Split(',').Select(name => name.Trim()).ToArray()
            ?? format.Columns?.ToArray()
            ?? [
                "_uuid",
                .. ((JsonObject)schema["tables"]![table]!["columns"]!)
                    .Select(column => column.Key).Where(name => name[0] != '_')
                    .Order(StringComparer.Ordinal),
            ];
        foreach (var name in headings.Where(name => name != "_uuid")) _ = TypeOf(table, name);
        var isRaw = format.Data == "json" || format.Shape == "json";
        _output.Write(format.Print(
            headings,
            [
                .. ByName(rows).Select(row => headings
                    .Select(name => isRaw && name != "_uuid"
                        ? row.Columns[name] : Shown(row, name)).ToArray()),
            ]));
        return ExitCode.Ok;
    }

    /// <summary>A column's value as it is printed.</summary>
    private JsonNode? Shown(VsctlRow row, string column) => column == "_uuid"
        ? row.Id
        : OvsdbText.Widen(row.Columns[column], TypeOf(row.Table, column));

    /// <summary>@NAME is the row that --id=@NAME makes in the same command line.</summary>
    private JsonNode? WithNames(JsonNode? node)
    {
        if (node is JsonArray { Count: 2 } pair)
        {
            if ((string?)(pair[0] as JsonValue) == "uuid" && (string?)pair[1] is ['@', .. var name])
            {
                return _named.TryGetValue(name, out var uuid)
                    ? new JsonArray("uuid", uuid)
                    : new JsonArray("named-uuid", name);
            }

            if ((string?)(pair[0] as JsonValue) == "set")
            {
                return new JsonArray("set", new JsonArray(
                    [.. ((JsonArray)pair[1]!).Select(item => WithNames(item!.DeepClone()))]));
            }
        }

        return node;
    }

    private JsonNode TypeOf(string table, string column) =>
        schema["tables"]?[table]?["columns"]?[column]?["type"]
        ?? throw new ToolException(
            $"{table} does not contain a column whose name matches \"{column}\"");

    private static JsonNode KeyType(JsonNode type) => (type as JsonObject)?["key"] ?? type;

    private static (JsonNode Key, JsonNode Value) EntryOf(
        JsonNode type, string column, string key, string value) =>
        (type as JsonObject)?["value"] is { } valueType
            ? (OvsdbText.ParseAtom(key, KeyType(type)), OvsdbText.ParseAtom(value, valueType))
            : throw new ToolException($"cannot specify key to set for non-map column {column}");

    private static List<JsonArray> Entries(VsctlRow row, string column) =>
        row.Columns[column] is JsonArray { Count: 2 } pair && (string?)pair[0] == "map"
            ? [.. ((JsonArray)pair[1]!).Select(entry => (JsonArray)entry!)]
            : [];

    private static void SetEntries(
        VsctlRow row, string column, IEnumerable<JsonArray> entries) => row.Set(
        column, new JsonArray("map", new JsonArray([.. entries.Select(each => each.DeepClone())])));

    private static List<JsonNode> Items(VsctlRow row, string column) =>
        OvsdbText.Items(row.Columns[column]);

    private static void SetItems(
        VsctlRow row, string column, IEnumerable<JsonNode> items) => row.Set(
        column, new JsonArray("set", new JsonArray([.. items.Select(each => each.DeepClone())])));

    private static bool IsSame(JsonNode? a, JsonNode? b) => JsonNode.DeepEquals(a, b);

    private static (string Key, string? Value) Cut(string text)
    {
        var at = text.IndexOf('=');
        return at < 0 ? (text, null) : (text[..at], text[(at + 1)..]);
    }

    private static (string Column, string? Key, string Value) Take(string setting)
    {
        var (left, value) = Cut(setting);
        if (value is null || left.Length == 0)
        {
            throw new ToolException(
                $"{setting}: argument does not end in \"=\" followed by a value.");
        }

        var parts = left.Split(':', 2);
        return (parts[0], parts.ElementAtOrDefault(1), value);
    }

    internal static string UuidOf(JsonNode row) => (string)row["_uuid"]![1]!;

    internal static JsonObject Insert(string table, JsonObject row, string name) => new()
    {
        ["op"] = "insert", ["table"] = table, ["row"] = row, ["uuid-name"] = name,
    };

    internal static JsonObject Mutate(
        string table, string uuid, string column, string mutator, JsonNode value) => Mutate(
        table, new JsonArray(new JsonArray("_uuid", "==", new JsonArray("uuid", uuid))),
        column, mutator, value);

    internal static JsonObject Mutate(
        string table, JsonArray where, string column, string mutator, JsonNode value) => new()
    {
        ["op"] = "mutate", ["table"] = table, ["where"] = where,
        ["mutations"] = new JsonArray(new JsonArray(column, mutator, value)),
    };
}
