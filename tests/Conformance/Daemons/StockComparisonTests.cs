using System.Text.RegularExpressions;

namespace Fabric.Conformance;

/// <summary>The same commands at ovs-vswitchd and at ours: the same answers.</summary>
/// <remarks>
/// Scenarios are shell scripts, a command in each line. Answers are compared line by line, sorted
/// within a command, since ovs-vswitchd gives rows and ports in the order of its hash tables.
/// </remarks>
public sealed partial class StockComparisonTests
{
    [Theory]
    [InlineData("datapaths")]
    [InlineData("drops")]
    [InlineData("learning")]
    [InlineData("logging")]
    [InlineData("native-tunnels")]
    [InlineData("rapid-trees")]
    [InlineData("sampling")]
    [InlineData("tracing")]
    [InlineData("tracking")]
    [InlineData("trees")]
    public async Task Scenarios_read_the_same(string name)
    {
        var commands = await File.ReadAllLinesAsync(Path.Combine(
            Checkout.Root, "tests", "Conformance", "Daemons", "Scenarios", $"{name}.sh"));
        var stock = await AnswersAsync(commands);
        var ours = await AnswersAsync(commands, "ovs-vswitchd");
        Assert.Equal(commands.Length, stock.Count);
        Assert.Equal(commands.Length, ours.Count);
        for (var i = 0; i < commands.Length; i++)
        {
            Assert.True(stock[i] == ours[i],
                $"{commands[i]}\n-- ovs-vswitchd\n{stock[i]}\n-- ours\n{ours[i]}");
        }
    }

    private static async Task<List<string>> AnswersAsync(
        string[] commands, params string[] replaced)
    {
        const string Mark = "=== next";
        using var world = new DropInWorld(replaced);
        await world.StartAsync();
        var script = string.Join('\n', commands.Select(
            command => $"{command}\necho '{Mark}'"));
        var path = Path.Combine(world.Folder, "scenario");
        await File.WriteAllTextAsync(path, script);
        var result = await world.RunAsync("bash scenario 2>&1");
        return
        [
            .. result.Output.Split(Mark + "\n")[..^1].Select(answer => string.Join('\n', answer
                .Replace(world.Folder, "FOLDER", StringComparison.Ordinal)
                .Split('\n').Select(line => Times().Replace(line, "$1=?"))
                .Order(StringComparer.Ordinal))),
        ];
    }

    /// <summary>What differs from run to run.</summary>
    [GeneratedRegex("(duration|idle_age|used|recirc|recirc_id)[=:(](?:0x)?[0-9a-f.]+s?")]
    private static partial Regex Times();
}
