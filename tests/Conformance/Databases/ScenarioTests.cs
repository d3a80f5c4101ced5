using System.Text.RegularExpressions;

namespace Fabric.Conformance;

/// <summary>
/// The same commands with ovsdb-tool, ovsdb-server and with ours: the same answers.
/// </summary>
/// <remarks>
/// Scenarios are shell scripts, a command in each line. Of each one output, errors and the exit
/// code are compared, with UUIDs and dates made equal; lines are sorted within a command, since
/// stock programs give rows and columns in the order of their hash tables. Stock programs read what
/// ours wrote, and the other way round.
/// </remarks>
public sealed partial class ScenarioTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Elections take their time: a cluster is of the large counts.</summary>
    public static TheoryData<string> Names =>
    [
        "files", "transactions", "schemas", "cluster-files", "cluster-of-one", "server-commands",
        "client", "relay", "roles",
        .. Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1"
            ? (string[])["cluster", "cluster-tls"] : [],
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Scenarios_read_the_same(string name)
    {
        var commands = await File.ReadAllLinesAsync(Path.Combine(
            Checkout.Root, "tests", "Conformance", "Databases", "Scenarios", $"{name}.sh"));
        var stock = await AnswersAsync(commands);
        var ours = await AnswersAsync(commands, "ovsdb-tool", "ovsdb-server");
        Assert.Equal(commands.Length, stock.Count);
        Assert.Equal(commands.Length, ours.Count);
        for (var i = 0; i < commands.Length; i++)
        {
            Assert.True(stock[i] == ours[i],
                $"{commands[i]}\n-- stock\n{stock[i]}\n-- ours\n{ours[i]}");
        }
    }

    private static async Task<List<string>> AnswersAsync(
        string[] commands, params string[] replaced)
    {
        const string Mark = "=== next";
        using var world = new DropInWorld(replaced);
        var path = Path.Combine(world.Folder, "scenario");
        await File.WriteAllTextAsync(path, string.Join('\n', commands.Select(
            command => $"{command}\necho \"-> $?\"; echo '{Mark}'")));
        var result = await world.RunAsync("bash scenario 2>&1", Patience);
        return
        [
            .. result.Output.Split(Mark + "\n")[..^1].Select(answer =>
            {
                var text = answer.Replace(world.Folder, "FOLDER", StringComparison.Ordinal);
                return string.Join('\n', Chance().Replace(text, "?").Split('\n')
                    .Where(line => !LogLine().IsMatch(line)).Order(StringComparer.Ordinal));
            }),
        ];
    }

    /// <summary>Lines of the log on the console, which tell of what they do and when.</summary>
    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT[\d:.]+Z\|")]
    private static partial Regex LogLine();

    /// <summary>What differs from run to run: UUIDs, whole and cut, dates, versions.</summary>
    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
        + @"|(?<= row )[0-9a-f]{8}\b|(?<=\()[0-9a-f]{8}(?=\))|[0-9a-f]{40}"
        + @"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"
        + @"|(?<=ovsdb-tool )\d+\.\d+\.\d+|\d+(?= ms ago)"
        + @"|(?<=(id|eid|[Vv]ote|[Ll]eader|ID|servers):? )[0-9a-f]{4}\b"
        + @"|^[0-9a-f]{4}$|(?<=^    )[0-9a-f]{4} \([0-9a-f]{4}"
        + @"|(?<=offset )\d+|\d+(?= bytes)",
        RegexOptions.Multiline)]
    private static partial Regex Chance();
}
