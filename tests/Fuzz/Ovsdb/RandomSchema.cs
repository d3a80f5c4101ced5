using System.Text.Json.Nodes;

namespace Fabric.Fuzz.Ovsdb;

/// <summary>A column of a random schema, as far as values for it need to know.</summary>
/// <param name="Key">"integer", "real", "boolean", "string" or "uuid".</param>
/// <param name="KeyTable">The table that a uuid refers to.</param>
/// <param name="Choices">JSON texts that the key may be; empty: any.</param>
internal sealed record RandomColumn(
    string Name, string Key, string? KeyTable, string? Value, int Min, int Max, JsonNode Type,
    string[] Choices)
{
    public bool IsMutable { get; init; } = true;

    public bool IsMap => Value is not null;
}

internal sealed record RandomTable(string Name, RandomColumn[] Columns, bool HasIndex);

/// <summary>Schemas with every kind of type, reference, limit and index.</summary>
internal sealed class RandomSchema
{
    private static readonly string[] Atoms = ["integer", "real", "boolean", "string", "uuid"];
    private readonly Random _random;
    private readonly string[] _names;

    public RandomSchema(string name, Random random)
    {
        _random = random;
        Name = name;
        _names = [.. Enumerable.Range(0, random.Next(2, 5)).Select(i => $"T{i}")];
        var tables = new JsonObject();
        Tables = [.. _names.Select(table => MakeTable(table, tables))];
        Text = new JsonObject
        {
            ["name"] = name, ["version"] = "1.2.3", ["tables"] = tables,
        }.ToJsonString();
    }

    public string Name { get; }
    public string Text { get; }
    public RandomTable[] Tables { get; }

    private RandomTable MakeTable(string name, JsonObject tables)
    {
        var json = new JsonObject();
        var members = new JsonObject();
        var columns = new RandomColumn[_random.Next(3, 7)];
        var lasting = new List<string>();
        for (var i = 0; i < columns.Length; i++)
        {
            columns[i] = MakeColumn($"c{i}");
            var column = new JsonObject { ["type"] = columns[i].Type };
            if (_random.Next(7) == 0)
            {
                column["mutable"] = false;
                columns[i] = columns[i] with { IsMutable = false };
            }

            if (_random.Next(8) == 0) column["ephemeral"] = true;
            else lasting.Add(columns[i].Name);
            members[columns[i].Name] = column;
        }

        json["columns"] = members;
        if (_random.Next(3) > 0) json["isRoot"] = _random.Next(5) > 0;
        if (_random.Next(5) == 0) json["maxRows"] = 3;
        var hasIndex = _random.Next(3) == 0 && lasting.Count > 0;
        if (hasIndex)
        {
            var indexes = new JsonArray(new JsonArray(lasting[0]));
            if (lasting.Count > 2) indexes.Add(new JsonArray(lasting[1], lasting[2]));
            json["indexes"] = indexes;
        }

        tables[name] = json;
        return new RandomTable(name, columns, hasIndex);
    }

    private RandomColumn MakeColumn(string name)
    {
        var key = MakeBase(out var keyWord, out var table, out var choices);
        var (min, max) = _random.Next(6) switch
        {
            0 or 1 => (1, 1), 2 => (0, 1), 3 => (0, -1), 4 => (0, 3), _ => (1, 3),
        };
        if (min == 1 && max == 1 && _random.Next(2) == 0)
        {
            return new RandomColumn(name, keyWord, table, null, 1, 1,
                key is JsonValue ? key : new JsonObject { ["key"] = key }, choices);
        }

        var type = new JsonObject { ["key"] = key };
        string? value = null;
        if (_random.Next(3) == 0)
        {
            value = Atoms[_random.Next(4)];
            type["value"] = value;
        }

        type["min"] = min;
        if (max < 0) type["max"] = "unlimited";
        else type["max"] = max;
        return new RandomColumn(name, keyWord, table, value, min, max, type, choices);
    }

    private JsonNode MakeBase(out string word, out string? table, out string[] choices)
    {
        word = Atoms[_random.Next(Atoms.Length)];
        (table, choices) = (null, []);
        var json = new JsonObject { ["type"] = word };
        var kind = _random.Next(4);
        switch (word)
        {
            case "integer" when kind == 0:
                choices = Limit(["-2", "0", "1", "4"], ("minInteger", -2), ("maxInteger", 4));
                break;
            case "integer" when kind == 1:
                choices = Limit(["0", "1", "2", "5"], ("minInteger", 0));
                break;
            case "integer" when kind == 2:
                choices = Limit(["0", "1", "2", "7"], ("enum", null));
                break;
            case "real" when kind == 0:
                choices = Limit(["-1.5", "0", "1", "2.25"], ("minReal", -1.5), ("maxReal", 2.25));
                break;
            case "real" when kind == 1:
                choices = Limit(["-1e10", "-3", "0.5", "2"], ("maxReal", 2));
                break;
            case "string" when kind == 0:
                choices = Limit(
                    ["\"\"", "\"a\"", "\"b\"", "\"\\u00fc/\""], ("maxLength", 2));
                break;
            case "string" when kind == 1:
                choices = Limit(["\"\"", "\"a\"", "\"b c\""], ("enum", null));
                break;
            case "uuid" when kind > 0:
                table = _names[_random.Next(_names.Length)];
                json["refTable"] = table;
                if (kind == 1) json["refType"] = "weak";
                break;
            default: return JsonValue.Create(word);
        }

        return json;

        // An enumeration allows just the values that are chosen from.
        string[] Limit(string[] values, params (string Member, double? Number)[] limits)
        {
            foreach (var (member, number) in limits)
            {
                json[member] = number is { } bound
                    ? JsonValue.Create(bound)
                    : JsonNode.Parse($"""["set",[{string.Join(',', values)}]]""");
            }

            return values;
        }
    }
}
