using System.Runtime.CompilerServices;
using Fabric.ActorRuntime.Tests.Core;

namespace Fabric.ActorRuntime.Tests.Cluster;

/// <summary>The public API of the clustered half is a list in a file, too.</summary>
public sealed class ClusteredApiTests
{
    private static readonly string[] Roots =
    [
        "Akka.Remote", "Akka.Cluster", "Akka.Coordination", "Akka.DistributedData",
        "Akka.Persistence",
    ];

    /// <remarks>UPDATE_GOLDEN=1 writes the file anew.</remarks>
    [Fact]
    public void The_public_api_is_the_golden_list()
    {
        var types = typeof(Akka.Actor.ActorSystem).Assembly.GetExportedTypes()
            .Where(type => Roots.Any(root => type.Namespace == root
                || type.Namespace!.StartsWith(root + ".", StringComparison.Ordinal)));
        var actual = ApiDescription.Of(types);
        var file = Path.Combine(Folder(), "PublicApi.golden.txt");
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(file, actual);
        }

        Assert.Equal(File.ReadAllText(file), actual);
    }

    private static string Folder([CallerFilePath] string path = "") =>
        Path.GetDirectoryName(path)!;
}
