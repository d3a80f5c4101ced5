#nullable disable
using System.Runtime.CompilerServices;

namespace Fabric.ActorRuntime.Tests.Core;

/// <summary>The public API of the runtime is a list in a file: changing it is a decision.</summary>
public sealed class PublicApiTests
{
    private static readonly string[] CoreNamespaces = ["Akka", "Akka.Actor", "Akka.Actor.Setup",
        "Akka.Configuration", "Akka.Dispatch", "Akka.Event", "Akka.Pattern", "Akka.Serialization",
        "Akka.Util"];

    /// <remarks>UPDATE_GOLDEN=1 writes the file anew.</remarks>
    [Fact]
    public void The_public_api_of_the_core_is_the_golden_list()
    {
        var core = typeof(Akka.Actor.ActorSystem).Assembly.GetExportedTypes()
            .Where(type => CoreNamespaces.Contains(type.Namespace));
        CheckGolden(ApiDescription.Of(core), "PublicApi.golden.txt");
    }

    /// <remarks>UPDATE_GOLDEN=1 writes the file anew.</remarks>
    [Fact]
    public void The_public_api_of_the_test_kit_is_the_golden_list()
    {
        var kit = typeof(Akka.TestKit.TestKitBase).Assembly.GetExportedTypes();
        CheckGolden(ApiDescription.Of(kit), "PublicApi.TestKit.golden.txt");
    }

    private static void CheckGolden(string actual, string file)
    {
        var path = Path.Combine(Folder(), file);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, actual);
        }
        Assert.True(File.Exists(path), $"{file} is missing: run with UPDATE_GOLDEN=1");
        Assert.Equal(File.ReadAllText(path), actual);
    }

    private static string Folder([CallerFilePath] string source = null) =>
        Path.GetDirectoryName(source);
}
