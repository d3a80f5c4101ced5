#nullable disable
namespace Akka.Configuration;

/// <summary>Where something stands in the text; both count from 1.</summary>
internal readonly record struct HoconPosition(int Line, int Column)
{
    public ConfigurationException Error(string what) =>
        new($"HOCON: {what} at line {Line}, column {Column}");
}

/// <summary>A value as written, substitutions not yet replaced.</summary>
internal abstract class HoconNode(HoconPosition position)
{
    public HoconPosition Position => position;
}

/// <summary>Text. Unquoted text keeps the spaces between words but not around them.</summary>
internal sealed class HoconText(HoconPosition position, string text, bool quoted)
    : HoconNode(position)
{
    public string Text => text;
    public bool IsQuoted => quoted;
}

internal sealed class HoconList(HoconPosition position, List<HoconNode> items)
    : HoconNode(position)
{
    public List<HoconNode> Items => items;
}

/// <summary>Every field keeps all values that were assigned to it, oldest first.</summary>
internal sealed class HoconFields(HoconPosition position) : HoconNode(position)
{
    private readonly Dictionary<string, List<HoconNode>> _fields = new(StringComparer.Ordinal);

    public IEnumerable<KeyValuePair<string, List<HoconNode>>> All => _fields;

    public List<HoconNode> Find(string key) => _fields.GetValueOrDefault(key);

    public void Assign(IReadOnlyList<string> path, HoconNode value)
    {
        var fields = this;
        for (var i = 0; i < path.Count - 1; i++)
        {
            var inner = new HoconFields(value.Position);
            fields.Assign(path[i], inner);
            fields = inner;
        }
        fields.Assign(path[^1], value);
    }

    private void Assign(string key, HoconNode value)
    {
        if (!_fields.TryGetValue(key, out var values)) _fields[key] = values = [];
        values.Add(value);
    }

    public void Include(HoconFields other)
    {
        foreach (var (key, values) in other._fields)
        {
            foreach (var value in values) Assign(key, value);
        }
    }
}

/// <summary><c>${path}</c>, or <c>${?path}</c> which may be missing.</summary>
internal sealed class HoconSubstitution(
    HoconPosition position, IReadOnlyList<string> path, bool optional) : HoconNode(position)
{
    public IReadOnlyList<string> Path => path;
    public bool IsOptional => optional;
}

/// <summary>Values next to each other: texts join, lists append, objects merge.</summary>
internal sealed class HoconJoined(HoconPosition position, List<HoconNode> parts)
    : HoconNode(position)
{
    public List<HoconNode> Parts => parts;
}
