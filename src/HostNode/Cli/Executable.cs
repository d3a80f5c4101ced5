namespace Fabric.HostNode.Cli;

/// <summary>The command that is this program.</summary>
internal static class Executable
{
    /// <summary>One word, or `dotnet` and the assembly's path.</summary>
    public static string[] Words
    {
        get
        {
            var own = Environment.ProcessPath ?? "dotnet";
            var assembly = typeof(Executable).Assembly.Location;
            return Path.GetFileNameWithoutExtension(own) switch
            {
                "dotnet" => [own, assembly],
                "fabric" or "Fabric.HostNode" => [own],
                _ => ["dotnet", assembly], // Inside another program, such as a test's host.
            };
        }
    }
}
