using System.Text.Json.Nodes;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>COLUMN[:KEY]OPERATOR VALUE of find and wait-until, as ovs-vsctl(8) has them.</summary>
/// <remarks>
/// Of a column that holds one value, "&lt;" and the like compare values; of one that holds many
/// they compare sets, as they always do in braces: {=} the same items, {&lt;=} a subset. {in} and
/// {not-in} ask whether all, or none, of the column's items are among the value's. A map that lacks
/// the key is an empty set in braces, and nothing holds for it without them.
/// </remarks>
internal sealed class VsctlCondition
{
    private static readonly string[] s_operators =
    [
        "{not-in}", "{in}", "{<=}", "{>=}", "{!=}", "{=}", "{<}", "{>}",
        "<=", ">=", "!=", "=", "<", ">",
    ];

    private readonly string _column;
    private readonly string? _key;
    private readonly string _operator;
    private readonly JsonNode _value;

    /// <exception cref="ToolException">It is none, or does not fit the column.</exception>
    public VsctlCondition(string text, Func<string, JsonNode> typeOf)
    {
        var at = text.AsSpan().IndexOfAny("=<>!{");
        if (at < 0) _ = typeOf(text);
        var found = at <= 0
            ? null
            : s_operators.FirstOrDefault(
                each => text.AsSpan(at).StartsWith(each, StringComparison.Ordinal));
        if (found is null)
        {
            throw new ToolException($"{text}: argument does not end in \"=\", \"!=\", \"<\", "
                + "\">\", \"<=\", \">=\", \"{=}\", \"{!=}\", \"{<}\", \"{>}\", \"{<=}\", "
                + "\"{>=}\", \"{in}\", or \"{not-in}\" followed by a value.");
        }

        var left = text[..at].Split(':', 2);
        (_column, _key, _operator) = (left[0], left.ElementAtOrDefault(1), found);
        var type = typeOf(_column);
        var isMap = (type as JsonObject)?["value"] is not null;
        if (_key is not null && !isMap)
        {
            throw new ToolException(
                $"cannot specify key to check for non-map column {_column}");
        }

        var right = text[(at + found.Length)..];
        if (_key is null && found[0] != '{' && OvsdbText.HoldsMany(type))
        {
            _operator = $"{{{found}}}";
        }

        _value = OvsdbText.Parse(FirstWord(right), _key is null ? type : Only(type))!;
    }

    public bool Holds(VsctlRow row)
    {
        var held = _column == "_uuid" ? row.Id : row.Columns[_column];
        var items = OvsdbText.Items(held);
        if (_key is not null)
        {
            held = OvsdbText.Find(held, _key);
            items = held is null ? [] : [held];
            if (held is null && _operator[0] != '{') return false;
        }

        var wanted = OvsdbText.Items(_value);
        var common = items.Count(item => wanted.Any(each => JsonNode.DeepEquals(each, item)));
        var isSame = items.Count == wanted.Count && common == items.Count;
        return _operator switch
        {
            "=" or "{=}" => isSame,
            "!=" or "{!=}" => !isSame,
            "{in}" or "{<=}" => common == items.Count,
            "{<}" => common == items.Count && items.Count < wanted.Count,
            "{>=}" => common == wanted.Count,
            "{>}" => common == wanted.Count && wanted.Count < items.Count,
            "{not-in}" => common == 0,
            _ => Compare(items, wanted),
        };
    }

    /// <summary>The order of numbers and texts; nothing is less than anything.</summary>
    private bool Compare(List<JsonNode> items, List<JsonNode> wanted)
    {
        if (items.Count != wanted.Count) return Ordered(items.Count.CompareTo(wanted.Count));
        for (var i = 0; i < items.Count; i++)
        {
            var order = OvsdbText.Compare(items[i], wanted[i]);
            if (order != 0) return Ordered(order);
        }

        return _operator is "<=" or ">=";
    }

    private bool Ordered(int order) => _operator is "<" or "<=" ? order < 0 : order > 0;

    /// <summary>The type of a map's values, each by itself.</summary>
    private static JsonNode Only(JsonNode type) => ((JsonObject)type)["value"]!;

    /// <summary>A blank ends a text that is not quoted.</summary>
    private static string FirstWord(string text) =>
        text.Length == 0 || text[0] is '"' or '[' or '{' ? text : text.Split(' ')[0];
}
