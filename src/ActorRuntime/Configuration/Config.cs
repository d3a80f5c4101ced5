#nullable disable
using System.Globalization;
using System.Text;

namespace Akka.Configuration;

/// <summary>
/// An immutable configuration; paths are dotted, with quotes around odd elements.
/// </summary>
/// <remarks>
/// A getter returns its default, or the type's, if nothing is there, and throws
/// <see cref="ConfigurationException"/> with the path if what is there has another form.
/// </remarks>
public partial class Config
{
    public static readonly Config Empty = new(ConfigObject.Empty);

    internal Config(ConfigObject root) => Root = root;

    internal ConfigObject Root { get; }

    public virtual bool IsEmpty => Root.Count == 0;

    /// <summary>Looks here first and there second; objects merge.</summary>
    public virtual Config WithFallback(Config fallback)
    {
        if (fallback is null || fallback.IsEmpty || ReferenceEquals(fallback, this)) return this;
        return IsEmpty ? fallback : new Config(ConfigObject.Merge(Root, fallback.Root));
    }

    public static implicit operator Config(string str) => ConfigurationFactory.ParseString(str);

    public static Config operator +(Config config, string fallback) =>
        config.WithFallback(ConfigurationFactory.ParseString(fallback));

    public static Config operator +(string configHocon, Config fallbackConfig) =>
        ConfigurationFactory.ParseString(configHocon).WithFallback(fallbackConfig);

    private ConfigValue Find(string path) => Root.Get(ConfigPath.Parse(path));

    private static ConfigurationException Wrong(string path, string wanted, object found) =>
        new($"Configuration [{path}] must be {wanted}, but is [{found}]");

    public virtual bool HasPath(string path) =>
        Find(path) is not (null or ConfigText { Text: null });

    /// <summary>The object at the path, or null.</summary>
    public virtual Config GetConfig(string path) => Find(path) switch
    {
        null or ConfigText { Text: null } => null,
        ConfigObject inner => new Config(inner),
        var other => throw Wrong(path, "an object", Describe(other)),
    };

    public virtual string GetString(string path, string @default = null) => Find(path) switch
    {
        null or ConfigText { Text: null } => @default,
        ConfigText text => text.Text,
        var other => throw Wrong(path, "text", Describe(other)),
    };

    private static string Describe(ConfigValue value) => value switch
    {
        ConfigText text => text.Text,
        ConfigList => "a list",
        _ => "an object",
    };

    /// <summary>true, on, yes or false, off, no.</summary>
    public virtual bool GetBoolean(string path, bool @default = false) =>
        GetString(path) is { } text ? ToBoolean(path, text) : @default;

    private static bool ToBoolean(string path, string text) => text.ToLowerInvariant() switch
    {
        "true" or "on" or "yes" => true,
        "false" or "off" or "no" => false,
        _ => throw Wrong(path, "on or off", text),
    };

    public virtual int GetInt(string path, int @default = 0) =>
        GetString(path) is { } text ? ToInt(path, text) : @default;

    private static int ToInt(string path, string text) =>
        ToLong(path, text) is var number && number == (int)number
            ? (int)number : throw Wrong(path, "a 32-bit number", text);

    public virtual long GetLong(string path, long @default = 0) =>
        GetString(path) is { } text ? ToLong(path, text) : @default;

    private static long ToLong(string path, string text)
    {
        if (long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var plain))
        {
            return plain;
        }
        var hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return hex && long.TryParse(text.AsSpan(2), NumberStyles.HexNumber,
            CultureInfo.InvariantCulture, out var number)
            ? number : throw Wrong(path, "a whole number", text);
    }

    public virtual double GetDouble(string path, double @default = 0) =>
        GetString(path) is { } text ? ToDouble(path, text) : @default;

    public virtual float GetFloat(string path, float @default = 0) =>
        (float)GetDouble(path, @default);

    public virtual decimal GetDecimal(string path, decimal @default = 0) =>
        GetString(path) is not { } text ? @default
            : decimal.TryParse(
                text, NumberStyles.Number, CultureInfo.InvariantCulture, out var number)
                ? number : throw Wrong(path, "a number", text);

    private static double ToDouble(string path, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number : throw Wrong(path, "a number", text);

    private List<T> List<T>(string path, Func<string, string, T> convert) => Find(path) switch
    {
        null or ConfigText { Text: null } => [],
        ConfigList list => [.. list.Items.Select(item => item is ConfigText { Text: { } text }
            ? convert(path, text)
            : throw Wrong(path, "a list of plain values", Describe(item)))],
        ConfigObject numbered when numbered.Keys.All(key => int.TryParse(key, out _)) =>
            [.. numbered.Fields.OrderBy(field => int.Parse(field.Key, CultureInfo.InvariantCulture))
                .Select(field => convert(path, Describe(field.Value)))],
        var other => throw Wrong(path, "a list", Describe(other)),
    };

    public virtual IList<bool> GetBooleanList(string path) => List(path, ToBoolean);
    public virtual IList<int> GetIntList(string path) => List(path, ToInt);
    public virtual IList<long> GetLongList(string path) => List(path, ToLong);
    public virtual IList<double> GetDoubleList(string path) => List(path, ToDouble);
    public virtual IList<string> GetStringList(string path) => List(path, (_, text) => text);

    public virtual IList<string> GetStringList(string path, string[] defaultPaths) =>
        HasPath(path) ? GetStringList(path) : defaultPaths;

    /// <summary>The names of an object's fields; none if there is no object.</summary>
    internal IReadOnlyList<string> GetKeys(string path) =>
        Find(path) is ConfigObject inner ? [.. inner.Keys] : [];

    /// <summary>The names of the fields at the top.</summary>
    internal IReadOnlyList<string> Keys => [.. Root.Keys];

    /// <summary>The objects of a list.</summary>
    internal IReadOnlyList<Config> GetConfigList(string path) => Find(path) switch
    {
        ConfigList list => [.. list.Items.OfType<ConfigObject>().Select(item => new Config(item))],
        _ => [],
    };

    /// <summary>As HOCON.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Root.RenderFields(text, 0);
        return text.ToString();
    }
}
