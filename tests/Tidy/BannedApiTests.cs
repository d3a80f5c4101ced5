using System.Text.RegularExpressions;

namespace Fabric.Tidy;

/// <summary>What the product must not call, and why.</summary>
public sealed partial class BannedApiTests
{
    [Theory]
    [InlineData(@"DateTime(Offset)?\.(Utc)?Now\b", "time comes from a TimeProvider")]
    [InlineData(@"Random\.Shared\b", "randomness comes from outside, or no run can be repeated")]
    [InlineData(@"Thread\.Sleep\b", "nothing sleeps to wait")]
    [InlineData(@"NotImplementedException", "what is not there yet is not offered")]
    [InlineData(@"\b(TODO|FIXME|HACK|TBD|XXX)\b", "finish it or file it")]
    public void The_product_does_not_use(string pattern, string reason)
    {
        var expression = new Regex(pattern);
        var found = Repository.Files("src", "*.cs").Concat(Repository.Files("driver", "*.[ch]"))
            .Where(path => !IsRuntimeClock(path) && expression.IsMatch(Code(path)))
            .Select(path => $"{path}: {reason}");
        Assert.Empty(found);
    }

    [Fact]
    public void Actors_start_no_tasks_and_swallow_nothing()
    {
        var found = Repository.Files("src/Fabric", "*Actor.cs")
            .Where(path => ActorSins().IsMatch(Code(path)));
        Assert.Empty(found);
    }

    [Fact]
    public void Every_actor_has_its_mailbox_page()
    {
        var bare = Repository.Files("src/Fabric", "*Actor.cs")
            .Where(path => Repository.Read(path) is var text
                && ActorPattern().IsMatch(text)
                && !(text.Contains("Hears:") && text.Contains("Says:")
                    && text.Contains("Holds:") && text.Contains("Fails:")));
        Assert.Empty(bare);
    }

    [Fact]
    public void The_project_speaks_of_itself_alone()
    {
        var found = Repository.Files("src", "*").Concat(Repository.Files("tests", "*"))
            .Concat(Repository.Files("docs", "*")).Concat(Repository.Files("driver", "*"))
            .Concat(Repository.Files("config", "*"))
            .Where(path => !path.EndsWith("BannedApiTests.cs", StringComparison.Ordinal))
            .Where(path => MachinePattern().IsMatch(Repository.Read(path)));
        Assert.Empty(found);
    }

    /// <summary>The embedded runtime is where the wall clock comes in, as in Akka.NET.</summary>
    private static bool IsRuntimeClock(string path) =>
        path.StartsWith("src/ActorRuntime", StringComparison.Ordinal);

    /// <summary>The file without its comments.</summary>
    private static string Code(string path) =>
        CommentPattern().Replace(Repository.Read(path), "");

    [GeneratedRegex(@"Task\.Run\b|catch\s*\(Exception(\s+\w+)?\)\s*(\{|$)|catch\s*\{")]
    private static partial Regex ActorSins();

    [GeneratedRegex(@"class \w+Actor\b[^{]*:\s*\w*(Actor|PersistentActor)\b")]
    private static partial Regex ActorPattern();

    [GeneratedRegex("(^|[^.a-zA-Z0-9])/(work|farm)/")]
    private static partial Regex MachinePattern();

    [GeneratedRegex(@"//(?! TODO).*$", RegexOptions.Multiline)]
    private static partial Regex CommentPattern();
}
