using System.Text.RegularExpressions;
using Fabric.HostNode.Cli;
using Fabric.Logical;

namespace Fabric.HostNode.Tests.Windows;

/// <summary>What the pages under docs/hyper-v tell an operator to type is there.</summary>
public sealed partial class GuideTests
{
    private static readonly string s_folder = Path.Combine(Checkout.Root, "docs", "hyper-v");

    private static readonly string s_text = string.Join(
        '\n', Directory.GetFiles(s_folder, "*.md").Order().Select(File.ReadAllText));

    /// <summary>By the reader and checks of `fabric net validate`.</summary>
    [Fact]
    public void The_guides_network_is_valid()
    {
        var networks = Blocks().Where(
            block => block.StartsWith("network:", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(networks);
        foreach (var network in networks)
        {
            var document = NetworkDocument.Parse(network, "guide.md");
            Assert.NotEmpty(document.Switches);
            Assert.NotEmpty(document.Ports);
        }
    }

    /// <summary>Verbs, options and, of the stock tools, commands.</summary>
    [Fact]
    public async Task Every_command_and_option_of_the_guide_is_one_of_ours()
    {
        var commands = Commands().Matches(s_text).Select(match => match.Groups[1].Value.Trim())
            .Distinct().ToList();
        Assert.True(commands.Count > 12, string.Join('\n', commands));
        foreach (var command in commands)
        {
            var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            foreach (var tool in words[0].Split('|'))
            {
                var verb = words[1..].Prepend(tool).TakeWhile(word => Word().IsMatch(word))
                    .ToArray();
                // The launcher's own: see the script `fabric`.
                if (tool is "bench" or "test") continue;
                if (tool is "vsctl" or "ofctl" or "appctl" or "dpctl")
                    await CheckToolAsync(tool, words[1..]);
                else await CheckVerbAsync(verb, words);
            }
        }
    }

    private static async Task CheckVerbAsync(string[] verb, string[] words)
    {
        var answer = await CommandLine.RunAsync([.. verb, "--help"]);
        Assert.True(answer.ExitCode == ExitCode.Ok, $"{string.Join(' ', words)}: {answer.Error}");
        Assert.Contains($"fabric {string.Join(' ', verb)}", answer.Output);
        foreach (var option in words.Where(
            word => word.StartsWith("--", StringComparison.Ordinal)))
        {
            Assert.Contains($" {option} ", answer.Output);
        }
    }

    /// <summary>A command of appctl is whatever a socket of ours registers.</summary>
    private static async Task CheckToolAsync(string tool, string[] words)
    {
        var answer = await CommandLine.RunAsync([tool, "--help"]);
        Assert.Equal(ExitCode.Ok, answer.ExitCode);
        if (Array.Find(words, word => word[0] != '-') is not { } command) return;
        if (tool == "appctl") Assert.Contains($"\"{command}\"", s_sources.Value);
        else Assert.Contains(command, answer.Output);
    }

    private static readonly Lazy<string> s_sources =
        new(() => string.Join('\n', Files("src", "*.cs").Select(File.ReadAllText)));

    [Fact]
    public void Every_function_and_parameter_of_the_guide_is_the_modules()
    {
        var module = File.ReadAllText(Path.Combine(
            Checkout.Root, "packaging", "powershell", "Fabric", "Fabric.psm1"));
        var lines = s_text.Split('\n').Where(line => Functions().IsMatch(line)).ToList();
        Assert.True(lines.Count >= 5);
        foreach (var line in lines)
        {
            foreach (Match match in Functions().Matches(line))
            {
                var name = match.Groups[1].Value;
                var at = module.IndexOf($"function {name} ", StringComparison.Ordinal);
                Assert.True(at >= 0, name);
                var next = module.IndexOf("\nfunction ", at, StringComparison.Ordinal);
                var body = module[at..(next < 0 ? module.Length : next)];
                foreach (Match parameter in Parameters().Matches(match.Groups[2].Value))
                {
                    Assert.Contains($"${parameter.Groups[1].Value}", body);
                }
            }
        }
    }

    /// <summary>Each item of the list that the guide answers has a section.</summary>
    [Theory]
    [InlineData("The host lost its network when userspace stopped")]
    [InlineData("After a reboot the extension was off and stale bridges needed a script")]
    [InlineData("Driver and userspace versions had to match")]
    [InlineData("Port names were set by hand")]
    [InlineData("MTU in every guest")]
    [InlineData("Unsigned drivers")]
    [InlineData("Blue screens")]
    [InlineData("No published performance")]
    public void What_users_suffered_from_has_an_answer(string title) =>
        Assert.Contains($"### {title}\n", s_text);

    [Fact]
    public void A_test_that_the_guide_names_exists()
    {
        var sources = string.Join('\n', Files("tests", "*.cs").Concat(Files("driver", "*.c"))
            .Select(File.ReadAllText));
        var names = TestNames().Matches(s_text).Select(match => match.Groups[1].Value).ToList();
        Assert.True(names.Count > 40);
        foreach (var name in names) Assert.Contains($"{name}(", sources);
    }

    [Theory]
    [InlineData("Windows Server 2016")]
    [InlineData("Windows Server 2012 and 2012 R2")]
    [InlineData("of OVS up to 3.7")]
    [InlineData("OVSEXT 2.x to 3.7")]
    public void The_support_statement_says(string words) => Assert.Contains(words, s_text);

    private static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.EnumerateFiles(
            Path.Combine(Checkout.Root, folder), pattern, SearchOption.AllDirectories)
        .Where(path => !path.Contains("/obj/") && !path.Contains("/bin/"));

    /// <summary>Indented blocks, without their indent.</summary>
    private static IEnumerable<string> Blocks()
    {
        var block = new List<string>();
        foreach (var line in s_text.Split('\n').Append("end"))
        {
            if (line.Length == 0 || line.StartsWith("    ", StringComparison.Ordinal))
            {
                block.Add(line);
                continue;
            }

            foreach (var part in Split(block)) yield return part;
            block.Clear();
        }
    }

    /// <summary>At empty lines: each part is a file or a list of commands.</summary>
    private static IEnumerable<string> Split(List<string> block)
    {
        var part = new List<string>();
        foreach (var line in block.Append(""))
        {
            if (line.Length > 0)
            {
                part.Add(line);
            }
            else if (part.Count > 0)
            {
                var indent = part.Min(one => one.Length - one.TrimStart().Length);
                yield return string.Join('\n', part.Select(one => one[indent..]));
                part.Clear();
            }
        }
    }

    [GeneratedRegex("(?:`|^\\s{4,})fabric ([a-z][^`]*?)(?:`|$)", RegexOptions.Multiline)]
    private static partial Regex Commands();

    [GeneratedRegex("^[a-z][a-z-]*$")]
    private static partial Regex Word();

    [GeneratedRegex("\\b((?:Install|Get|Test|Enable|Set)-(?:Fabric|VMNetworkAdapterFabric)\\w+)"
        + "((?: -\\w+ [\\w.]+)*)")]
    private static partial Regex Functions();

    [GeneratedRegex("-([A-Z]\\w+)")]
    private static partial Regex Parameters();

    [GeneratedRegex("`([A-Za-z]+(?:_[a-z0-9]+){4,})`")]
    private static partial Regex TestNames();
}
