using System.Runtime.CompilerServices;

namespace Fabric;

/// <summary>The checkout that the tests were built from; a part of each test project.</summary>
internal static class Checkout
{
    public static string Root { get; } = Find();

    private static string Find([CallerFilePath] string here = "")
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(here)!);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Fabric.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName
            ?? throw new InvalidOperationException("Fabric.sln was not found above the tests.");
    }
}
