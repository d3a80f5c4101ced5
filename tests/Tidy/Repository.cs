using System.Runtime.CompilerServices;

namespace Fabric.Tidy;

/// <summary>The checkout that the tests look at.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string PathOf(string relative) => Path.Combine(Root, relative);

    public static string Read(string relative) => File.ReadAllText(PathOf(relative));

    /// <summary>Relative paths of the files below 'folder', build output left out.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.Exists(PathOf(folder))
            ? Directory.EnumerateFiles(PathOf(folder), pattern, SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
                .Where(path => !path.Contains("/obj/") && !path.Contains("/bin/"))
                .Order(StringComparer.Ordinal)
            : [];

    private static string FindRoot([CallerFilePath] string here = "")
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
