namespace Fabric.Benchmarks;

/// <summary>The program that an operator runs.</summary>
internal static class InstalledHost
{
    /// <summary>
    /// `dotnet` and the published assembly beside this one, whose code is compiled ahead of time;
    /// where there is none, the one that the benchmarks were built with.
    /// </summary>
    public static string[] Words
    {
        get
        {
            var own = AppContext.BaseDirectory;
            var ahead = Path.GetFullPath(Path.Combine(own, "..", "fabric", "Fabric.HostNode.dll"));
            return
            [
                "dotnet",
                File.Exists(ahead) ? ahead : Path.Combine(own, "Fabric.HostNode.dll"),
            ];
        }
    }
}
