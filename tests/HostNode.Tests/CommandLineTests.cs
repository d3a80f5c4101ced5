using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tests;

/// <summary>Exit codes and help of the command line: what scripts and newcomers rely on.</summary>
public sealed class CommandLineTests
{
    [Fact]
    public async Task Every_verb_has_help_with_an_example_of_itself()
    {
        var waiting = new Queue<string[]>([[]]);
        var seen = 0;
        while (waiting.TryDequeue(out var verb))
        {
            var help = await CommandLine.RunAsync([.. verb, "--help"]);
            var name = string.Join(' ', ["fabric", .. verb]);
            Assert.True(help.ExitCode == ExitCode.Ok, $"{name} --help: {help.ExitCode}");
            Assert.Contains("Usage:", help.Output);
            if (verb.Length > 0) Assert.Contains($"Example: {name}", OneLine(help.Output));
            foreach (var child in CommandsOf(help.Output))
            {
                if (StockVerb.Listed().Any(stock => stock.Name == child))
                {
                    Assert.Contains($"Example: fabric {child}", OneLine(help.Output));
                }
                else
                {
                    waiting.Enqueue([.. verb, child]);
                }
            }

            seen++;
        }

        Assert.True(seen > 30, $"only {seen} verbs were found");
    }

    /// <summary>Wraps and indents gone, so that an example can be looked for.</summary>
    private static string OneLine(string text) => string.Join(
        ' ', text.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries));

    /// <summary>First words below "Commands:"; continued lines are indented further.</summary>
    private static IEnumerable<string> CommandsOf(string help) => help.Split('\n')
        .SkipWhile(line => !line.StartsWith("Commands:", StringComparison.Ordinal)).Skip(1)
        .Where(line => line.Length > 2 && line.StartsWith("  ", StringComparison.Ordinal)
            && line[2] != ' ')
        .Select(line => line.Trim().Split(' ')[0]);

    [Theory]
    [InlineData("")]
    [InlineData("bogus")]
    [InlineData("cluster")]
    [InlineData("cluster down")]
    [InlineData("host --bogus")]
    [InlineData("net apply")]
    [InlineData("cluster members --format xml")]
    [InlineData("demo --hosts 9")]
    [InlineData("demo --hosts many")]
    [InlineData("trace br0")]
    public async Task What_cannot_be_understood_exits_with_2_and_a_hint(string line)
    {
        var answer = await CommandLine.RunAsync(
            line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(ExitCode.Usage, answer.ExitCode);
        Assert.StartsWith("fabric: ", answer.Error);
        Assert.EndsWith("Try `fabric --help`.\n", answer.Error.ReplaceLineEndings("\n"));
        Assert.Equal("", answer.Output);
    }

    [Theory]
    [InlineData("cluster show")]
    [InlineData("cluster leave host1")]
    [InlineData("datapath flows")]
    [InlineData("conntrack dump 5")]
    [InlineData("net export")]
    [InlineData("net status")]
    [InlineData("trace br0 ip")]
    public async Task A_host_node_that_is_not_there_exits_with_3_and_names_the_socket(string line)
    {
        var answer = await CommandLine.RunAsync(line.Split(' '), "/nonexistent/fabric");
        Assert.Equal(ExitCode.Unreachable, answer.ExitCode);
        Assert.Contains("/nonexistent/fabric/fabric.sock does not exist", answer.Error);
        Assert.Contains("is `fabric host` running?", answer.Error);
        Assert.Equal("", answer.Output);
    }

    [Fact]
    public async Task A_socket_that_nobody_serves_exits_with_3()
    {
        var folder = Directory.CreateTempSubdirectory("fabric-cli-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "fabric.sock"), "");
            var answer = await CommandLine.RunAsync(["cluster", "show"], folder.FullName);
            Assert.Equal(ExitCode.Unreachable, answer.ExitCode);
            Assert.Contains("cannot reach the host node", answer.Error);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task What_fails_exits_with_1_and_names_its_cause()
    {
        var network = await CommandLine.RunAsync(["net", "validate", "/nonexistent.yaml"]);
        Assert.Equal(ExitCode.Failed, network.ExitCode);
        Assert.Contains("/nonexistent.yaml", network.Error);

        var authority = await CommandLine.RunAsync(
            ["pki", "revoke", "/nonexistent/pki", "host1"]);
        Assert.Equal(ExitCode.Failed, authority.ExitCode);
        Assert.StartsWith("fabric pki: ", authority.Error);
    }

    [Fact]
    public async Task Doctor_prints_the_same_rows_for_people_and_programs()
    {
        var table = await CommandLine.RunAsync(["doctor"]);
        var json = await CommandLine.RunAsync(["doctor", "--json"]);
        using var rows = System.Text.Json.JsonDocument.Parse(json.Output);
        Assert.All(rows.RootElement.EnumerateArray(), row =>
            Assert.Contains(row.GetProperty("what").GetString()!, table.Output));
    }
}
