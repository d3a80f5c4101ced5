#nullable disable
using System.Text;

namespace Akka.Configuration;

/// <summary>A resolved value of a configuration: text, list or object.</summary>
internal abstract class ConfigValue
{
    /// <summary>Lays a value over another: objects merge, anything else replaces.</summary>
    public static ConfigValue Over(ConfigValue upper, ConfigValue lower) =>
        upper is ConfigObject above && lower is ConfigObject below
            ? ConfigObject.Merge(above, below)
            : upper ?? lower;

    public abstract void Render(StringBuilder text, int indent);
}

/// <summary>Text; numbers and booleans are text too. A null text is HOCON's null.</summary>
internal sealed class ConfigText(string text) : ConfigValue
{
    public string Text => text;

    public override void Render(StringBuilder output, int indent)
    {
        if (Text is null) output.Append("null");
        else output.Append(Quote(Text));
    }

    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            if (c is '"' or '\\') quoted.Append('\\').Append(c);
            else if (c == '\n') quoted.Append("\\n");
            else if (c == '\r') quoted.Append("\\r");
            else if (c == '\t') quoted.Append("\\t");
            else if (c < ' ') quoted.Append($"\\u{(int)c:x4}");
            else quoted.Append(c);
        }
        return quoted.Append('"').ToString();
    }
}

internal sealed class ConfigList(IReadOnlyList<ConfigValue> items) : ConfigValue
{
    public IReadOnlyList<ConfigValue> Items => items;

    public override void Render(StringBuilder text, int indent)
    {
        text.Append('[');
        for (var i = 0; i < Items.Count; i++)
        {
            if (i > 0) text.Append(", ");
            Items[i].Render(text, indent + 2);
        }
        text.Append(']');
    }
}

/// <summary>Fields by name, in the order of their first appearance.</summary>
internal sealed class ConfigObject : ConfigValue
{
    public static readonly ConfigObject Empty = new([]);

    private readonly Dictionary<string, ConfigValue> _fields;

    public ConfigObject(IEnumerable<KeyValuePair<string, ConfigValue>> fields) =>
        _fields = new Dictionary<string, ConfigValue>(fields, StringComparer.Ordinal);

    public int Count => _fields.Count;
    public IEnumerable<string> Keys => _fields.Keys;
    public IEnumerable<KeyValuePair<string, ConfigValue>> Fields => _fields;

    public ConfigValue Get(string key) => _fields.GetValueOrDefault(key);

    public ConfigValue Get(IReadOnlyList<string> path)
    {
        ConfigValue value = this;
        foreach (var key in path)
        {
            if (value is not ConfigObject inner) return null;
            value = inner.Get(key);
        }
        return value;
    }

    public static ConfigObject Merge(ConfigObject above, ConfigObject below)
    {
        if (above.Count == 0) return below;
        if (below.Count == 0) return above;
        var merged = new ConfigObject(below._fields);
        foreach (var (key, value) in above._fields)
        {
            merged._fields[key] = Over(value, below.Get(key));
        }
        return merged;
    }

    public override void Render(StringBuilder text, int indent)
    {
        text.Append("{\n");
        RenderFields(text, indent + 2);
        text.Append(' ', indent).Append('}');
    }

    public void RenderFields(StringBuilder text, int indent)
    {
        foreach (var (key, value) in _fields)
        {
            var plain = key.Length > 0 &&
                key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
            text.Append(' ', indent).Append(plain ? key : ConfigText.Quote(key));
            text.Append(value is ConfigObject ? " " : " = ");
            value.Render(text, indent);
            text.Append('\n');
        }
    }
}
