#nullable disable
using System.Globalization;
using System.Reflection;

namespace Akka.Configuration;

/// <summary>Makes configurations from HOCON text, resources and objects.</summary>
public static class ConfigurationFactory
{
    public static Config Empty => Config.Empty;

    /// <summary>Reads HOCON; included files are looked for in the working directory.</summary>
    /// <exception cref="ConfigurationException">Malformed; says line and column.</exception>
    public static Config ParseString(string hocon) => Parse(hocon, ReadFile);

    /// <summary>
    /// Reads HOCON; included files come from the given function, null if missing.
    /// </summary>
    internal static Config Parse(string hocon, Func<string, string> read)
    {
        ArgumentNullException.ThrowIfNull(hocon);
        return new Config(new HoconResolver(new HoconParser(hocon, read).Parse()).Resolve());
    }

    private static string ReadFile(string name)
    {
        try
        {
            return File.Exists(name) ? File.ReadAllText(name) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>What an application configures outside of the code: nothing here.</summary>
    public static Config Load() => Config.Empty;

    /// <summary>The runtime's own defaults.</summary>
    public static Config Default() => ReferenceConfig.Core;

    /// <summary>A HOCON resource of the assembly of the type.</summary>
    public static Config FromResource<TAssembly>(string resourceName) =>
        FromResource(resourceName, typeof(TAssembly).Assembly);

    public static Config FromResource(string resourceName, Assembly assembly)
    {
        using var stream = assembly.GetManifestResourceStream(resourceName)
            ?? throw new ConfigurationException(
                $"Assembly [{assembly.GetName().Name}] has no resource [{resourceName}]");
        using var reader = new StreamReader(stream);
        return ParseString(reader.ReadToEnd());
    }

    /// <summary>The public properties of an object, nested ones included.</summary>
    public static Config FromObject(object source) => source is null
        ? Config.Empty
        : new Config((ConfigObject)ToObject(source));

    private static ConfigValue ToValue(object value) => value switch
    {
        null => new ConfigText(null),
        string text => new ConfigText(text),
        bool flag => new ConfigText(flag ? "true" : "false"),
        TimeSpan time => new ConfigText(
            time.TotalMilliseconds.ToString(CultureInfo.InvariantCulture) + "ms"),
        IFormattable number when value.GetType().IsPrimitive || value is decimal =>
            new ConfigText(number.ToString(null, CultureInfo.InvariantCulture)),
        System.Collections.IEnumerable list =>
            new ConfigList([.. list.Cast<object>().Select(ToValue)]),
        _ => ToObject(value),
    };

    private static ConfigValue ToObject(object source) => new ConfigObject(source.GetType()
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Select(property => KeyValuePair.Create(
            property.Name.Replace('_', '-'), ToValue(property.GetValue(source)))));
}
