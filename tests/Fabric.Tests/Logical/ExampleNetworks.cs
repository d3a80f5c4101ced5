using System.Runtime.CompilerServices;
using Fabric.Logical;

namespace Fabric.Tests.Logical;

/// <summary>The networks that ship in config/networks.</summary>
internal static class ExampleNetworks
{
    public static string Text(string name) =>
        File.ReadAllText(Path.Combine(Folder(), "..", "..", "..", "config", "networks", name));

    /// <summary>A page of docs/.</summary>
    public static string Document(string name) =>
        File.ReadAllText(Path.Combine(Folder(), "..", "..", "..", "docs", name));

    /// <summary>A file that a test compares with.</summary>
    public static string Golden(string name) => Path.Combine(Folder(), "Pipelines", name);

    private static string Folder([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;

    public static NetworkDocument Read(string name) => NetworkDocument.Parse(Text(name), name);
}
