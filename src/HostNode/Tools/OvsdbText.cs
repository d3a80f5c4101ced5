using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>Values of columns between OVSDB's JSON and the text of ovs-vsctl.</summary>
internal static partial class OvsdbText
{
    /// <summary>5, name, "with blanks", [a, b], {k=v}.</summary>
    public static string Format(JsonNode? datum)
    {
        if (datum is not JsonArray { Count: 2 } pair) return Atom(datum);
        switch ((string?)pair[0])
        {
            case "uuid" or "named-uuid": return (string)pair[1]!;
            case "set":
                return "[" + string.Join(", ", ((JsonArray)pair[1]!).Select(Format)) + "]";
            case "map":
                return "{" + string.Join(", ", ((JsonArray)pair[1]!)
                    .Select(entry => $"{Format(entry![0])}={Format(entry[1])}")
                    .Order(StringComparer.Ordinal)) + "}";
            default: return datum.ToJsonString();
        }
    }

    /// <summary>A set or map of the schema: it may hold more than one.</summary>
    public static bool HoldsMany(JsonNode type) =>
        (type as JsonObject)?["max"]?.ToJsonString() is not (null or "1");

    /// <summary>OVSDB writes a set of one as the one; this writes it as a set.</summary>
    public static JsonNode? Widen(JsonNode? datum, JsonNode type) =>
        datum is null || !HoldsMany(type)
            || (datum is JsonArray { Count: 2 } pair
                && (string?)(pair[0] as JsonValue) is "set" or "map")
            ? datum
            : new JsonArray("set", new JsonArray(datum.DeepClone()));

    /// <summary>Without quotes, brackets and commas: a b, k=v.</summary>
    public static string FormatBare(JsonNode? datum)
    {
        if (datum is not JsonArray { Count: 2 } pair)
        {
            return datum is JsonValue value && value.TryGetValue(out string? text)
                ? text
                : datum?.ToJsonString() ?? "";
        }

        return (string?)pair[0] switch
        {
            "set" => string.Join(" ", ((JsonArray)pair[1]!).Select(FormatBare)),
            "map" => string.Join(" ", ((JsonArray)pair[1]!)
                .Select(entry => $"{FormatBare(entry![0])}={FormatBare(entry[1])}")
                .Order(StringComparer.Ordinal)),
            _ => (string)pair[1]!,
        };
    }

    /// <summary>The atoms of a set, the pairs of a map, or the one atom.</summary>
    public static List<JsonNode> Items(JsonNode? datum) => datum switch
    {
        JsonArray { Count: 2 } pair when (string?)(pair[0] as JsonValue) is "set" or "map" =>
            [.. ((JsonArray)pair[1]!).Select(item => item!)],
        null => [],
        var only => [only],
    };

    /// <summary>The order of two atoms of one type.</summary>
    public static int Compare(JsonNode a, JsonNode b)
    {
        if (a is JsonValue left && b is JsonValue right)
        {
            if (left.TryGetValue(out double x) && right.TryGetValue(out double y))
            {
                return x.CompareTo(y);
            }

            if (left.TryGetValue(out string? s) && right.TryGetValue(out string? t))
            {
                return string.CompareOrdinal(s, t);
            }
        }

        return string.CompareOrdinal(a.ToJsonString(), b.ToJsonString());
    }

    /// <summary>The value under a key of a map, or null.</summary>
    public static JsonNode? Find(JsonNode? map, string key) =>
        map is JsonArray { Count: 2 } pair && (string?)pair[0] == "map"
            ? ((JsonArray)pair[1]!).FirstOrDefault(entry => (string?)entry![0] == key)?[1]
            : null;

    /// <summary>UUIDs of a column of references, one or many.</summary>
    public static IEnumerable<string> References(JsonNode? datum)
    {
        if (datum is not JsonArray { Count: 2 } pair) return [];
        return (string?)pair[0] is "uuid" or "named-uuid"
            ? [(string)pair[1]!]
            : ((JsonArray)pair[1]!).Select(item => (string)item![1]!);
    }

    /// <param name="type">As the schema has it: a word, or an object with key and value.</param>
    public static JsonNode? Parse(string text, JsonNode type)
    {
        var parts = type as JsonObject;
        if (parts?["value"] is { } value)
        {
            var entries = Split(Trim(text, '{', '}')).Select(item =>
            {
                var at = item.IndexOf('=');
                if (at < 0) throw new ToolException($"{item}: a key=value is needed");
                return (JsonNode)new JsonArray(
                    ParseAtom(item[..at], parts["key"]!), ParseAtom(item[(at + 1)..], value));
            });
            return new JsonArray("map", new JsonArray([.. entries]));
        }

        var key = parts?["key"] ?? type;
        var isSet = parts is not null && (parts["max"]?.ToJsonString() is not (null or "1")
            || text.StartsWith('['));
        if (!isSet)
        {
            var count = Split(text).Count();
            return count <= 1
                ? ParseAtom(text, key)
                : throw new ToolException(
                    $"{text}: {count} value(s) specified but the maximum number is 1");
        }

        var items = Split(Trim(text, '[', ']')).Select(item => ParseAtom(item, key)).ToArray();
        if (parts!["max"]?.ToJsonString() is null or "1" && items.Length > 1)
        {
            throw new ToolException($"{text}: {items.Length} value(s) specified but the maximum "
                + "number is 1");
        }

        return new JsonArray("set", new JsonArray(items));
    }

    public static JsonNode ParseAtom(string text, JsonNode type)
    {
        var name = (string?)(type is JsonObject ? type["type"] : type);
        if (text.Length >= 2 && text[0] == '"' && text[^1] == '"') text = text[1..^1];
        return name switch
        {
            "integer" when long.TryParse(text, CultureInfo.InvariantCulture, out var number)
                => number,
            "real" when double.TryParse(text, CultureInfo.InvariantCulture, out var real) => real,
            "boolean" when text is "true" or "false" => text == "true",
            "uuid" => new JsonArray("uuid", text),
            "string" => text,
            "integer" => throw new ToolException($"\"{text}\" is not a valid integer or range"),
            "boolean" => throw new ToolException(
                $"\"{text}\" is not a valid boolean (use \"true\" or \"false\")"),
            _ => throw new ToolException($"\"{text}\" is not a valid {name}"),
        };
    }

    private static string Atom(JsonNode? atom)
    {
        if (atom is not JsonValue value || !value.TryGetValue(out string? text))
        {
            return atom?.ToJsonString() ?? "";
        }

        return Bare().IsMatch(text) && text is not ("true" or "false")
            ? text
            : JsonValue.Create(text).ToJsonString();
    }

    private static string Trim(string text, char open, char close) =>
        text.Length >= 2 && text[0] == open && text[^1] == close ? text[1..^1] : text;

    private static IEnumerable<string> Split(string text) => Items().Matches(text)
        .Select(match => match.Value.Trim()).Where(item => item.Length > 0);

    [GeneratedRegex("^[a-zA-Z_][a-zA-Z0-9_.-]*$")]
    private static partial Regex Bare();

    [GeneratedRegex("(?:\"(?:[^\"\\\\]|\\\\.)*\"|[^,])+")]
    private static partial Regex Items();
}
