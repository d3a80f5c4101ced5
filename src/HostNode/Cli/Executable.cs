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
            // Not Assembly.Location: a program of one file has none.
            var assembly = Path.Combine(AppContext.BaseDirectory, "Fabric.HostNode.dll");
            return Path.GetFileNameWithoutExtension(own) switch
            {
                "dotnet" => [own, assembly],
                "fabric" or "Fabric.HostNode" => [own],
                _ => ["dotnet", assembly], // Inside another program, such as a test's host.
            };
        }
    }
}
