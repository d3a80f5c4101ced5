using System.Text.RegularExpressions;

namespace Fabric.Tidy;

/// <summary>What the documents name exists.</summary>
public sealed partial class DocumentationTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("ARCHITECTURE.md")]
    [InlineData("CONTRIBUTING.md")]
    [InlineData("GLOSSARY.md")]
    [InlineData("docs/guide.md")]
    public void Files_and_folders_that_a_document_names_exist(string document)
    {
        var missing = PathPattern().Matches(Repository.Read(document))
            .Select(match => match.Groups[1].Value.TrimEnd('/'))
            .Distinct()
            .Where(path => !File.Exists(Repository.PathOf(path))
                && !Directory.Exists(Repository.PathOf(path)));
        Assert.Empty(missing);
    }

    [Fact]
    public void Every_direct_dependency_is_justified()
    {
        var reasons = Repository.Read("docs/dependencies.md");
        var missing = PackagePattern().Matches(Repository.Read("Directory.Packages.props"))
            .Select(match => match.Groups[1].Value)
            .Where(package => !reasons.Contains($"`{package}`", StringComparison.Ordinal));
        Assert.Empty(missing);
    }

    [Fact]
    public void No_room_is_empty()
    {
        var empty = new[] { "src", "driver", "packaging", "k8s", "config", "docs" }
            .SelectMany(room => Directory.EnumerateDirectories(
                Repository.PathOf(room), "*", SearchOption.AllDirectories))
            .Where(path => !path.Contains("/obj") && !path.Contains("/bin"))
            .Where(path => !Directory.EnumerateFileSystemEntries(path).Any());
        Assert.Empty(empty);
    }

    [GeneratedRegex(@"`((?:src|tests|driver|config|docs|k8s|packaging)/[A-Za-z0-9_./-]+)`")]
    private static partial Regex PathPattern();

    [GeneratedRegex(@"<PackageVersion Include=""([^""]+)""")]
    private static partial Regex PackagePattern();
}
