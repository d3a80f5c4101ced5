namespace Fabric.HostNode.Windows;

/// <summary>Gives the rooms of the host node the folders of Windows.</summary>
internal static class WindowsEnvironment
{
    private static string? s_public;

    /// <summary>The run folder as the tools know it.</summary>
    public static string PublicFolder => s_public ?? Cli.ServiceVerb.Paths().Public;

    /// <summary>
    /// To be called first: what the environment does not say, it says afterwards. Nothing
    /// happens on other systems.
    /// </summary>
    public static void Prepare()
    {
        if (!OperatingSystem.IsWindows()) return;
        var paths = Cli.ServiceVerb.Paths();
        s_public = paths.Public;
        foreach (var (name, value) in paths.Environment())
        {
            Environment.SetEnvironmentVariable(name, value);
        }
    }
}
