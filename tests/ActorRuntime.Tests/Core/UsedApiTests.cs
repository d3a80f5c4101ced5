using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.CompilerServices;

namespace Fabric.ActorRuntime.Tests.Core;

/// <summary>What the product uses of the actor runtime, as its assemblies say.</summary>
/// <remarks>
/// The same sources must compile against Akka.NET 1.5, which is not at hand where tests run. Every
/// member in the golden list was looked up in its API; a new line there has to be, too.
/// </remarks>
public sealed class UsedApiTests
{
    private static readonly string[] Products = ["Fabric", "HostNode"];

    /// <remarks>UPDATE_GOLDEN=1 writes the file anew.</remarks>
    [Fact]
    public void The_product_uses_the_members_of_the_golden_list_and_no_others()
    {
        var used = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var product in Products) used.UnionWith(UsedBy(PathOf(product)));
        Assert.True(used.Count > 200, "the product's assemblies name hardly a member");
        var text = string.Join('\n', used) + "\n";
        var golden = Path.Combine(Folder(), "UsedApi.golden.txt");
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
            File.WriteAllText(golden, text);
        Assert.Equal(File.ReadAllText(golden), text);
    }

    /// <summary>"Type.Member" for each member, "Type" for each type of the runtime.</summary>
    private static List<string> UsedBy(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        return
        [
            .. AssemblyMembers.TypesReferencedBy(metadata),
            .. AssemblyMembers.ReferencedBy(metadata),
        ];
    }

    /// <summary>Beside this test's own configuration and framework.</summary>
    private static string PathOf(string product)
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        var root = Path.Combine(Folder(), "..", "..", "..");
        var name = product == "Fabric" ? "Fabric.dll" : $"Fabric.{product}.dll";
        return Path.GetFullPath(Path.Combine(
            root, "src", product, "bin", own.Parent!.Name, own.Name, name));
    }

    private static string Folder([CallerFilePath] string source = "") =>
        Path.GetDirectoryName(source)!;
}
