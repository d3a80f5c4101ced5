using Akka.Configuration;
using Fabric.Host;

namespace Fabric.HostNode.Composition;

/// <summary>
/// From the configuration file to settings: the file over the reference configuration.
/// </summary>
internal static class ConfigurationFile
{
    /// <param name="datapath">Overrides fabric.datapath.system; null: as the file has it.</param>
    /// <exception cref="ConfigurationException">
    /// No HOCON: the message has file, line, column.
    /// </exception>
    /// <exception cref="HostSettingsException">A value cannot be used.</exception>
    public static HostSettings Load(string path, string? datapath)
    {
        var text = File.ReadAllText(path);
        var file = Parse(text, path);
        if (ConfigurationKeys.FindUnknown(text, ReferenceText(), "fabric") is { } complaint)
        {
            throw new HostSettingsException($"{path}: {complaint}");
        }

        var overrides = datapath is null
            ? ""
            : $"fabric.datapath.system = \"{datapath}\"";
        var config = Parse(overrides, "--datapath").WithFallback(file).WithFallback(Reference());
        try
        {
            return HostSettings.Read(config, Environment.GetEnvironmentVariable);
        }
        catch (HostSettingsException error)
        {
            throw new HostSettingsException($"{path}: {error.Message}");
        }
        catch (ConfigurationException error)
        {
            throw new HostSettingsException($"{path}: in fabric {{ }}: {error.Message}");
        }
    }

    /// <summary>What config/reference.conf says.</summary>
    public static Config Reference() => Parse(ReferenceText(), "reference.conf");

    private static string ReferenceText()
    {
        using var stream = typeof(ConfigurationFile).Assembly
            .GetManifestResourceStream("reference.conf")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static Config Parse(string text, string source)
    {
        try
        {
            return ConfigurationFactory.ParseString(text);
        }
        catch (Exception error) when (error is ConfigurationException or FormatException)
        {
            throw new ConfigurationException($"{source}: {error.Message}", error);
        }
    }
}
