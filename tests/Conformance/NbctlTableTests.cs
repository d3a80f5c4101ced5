using System.Text.RegularExpressions;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>
/// Every command of ovn-nbctl(8), its refusals among them, at our northbound and at Debian's
/// ovsdb-server: the tool must not see a difference.
/// </summary>
public sealed partial class NbctlTableTests(OneHost host) : IClassFixture<OneHost>
{
    [Fact]
    public async Task Each_command_prints_and_exits_as_with_the_stock_database()
    {
        var folder = host.Topology.Folder;
        await Shell.RunOrThrowAsync(
            "ovsdb-tool", "create", $"{folder}/real.db", "/usr/share/ovn/ovn-nb.ovsschema");
        var server = await Shell.RunAsync("/usr/sbin/ovsdb-server",
        [
            $"{folder}/real.db", $"--remote=punix:{folder}/real.sock", "--detach", "--no-chdir",
            $"--pidfile={folder}/real.pid", $"--unixctl={folder}/real.ctl", "-vconsole:off",
            $"--log-file={folder}/real.log",
        ]);
        Assert.True(server.Succeeded, server.Error);
        try
        {
            var differences = await CompareAsync(
                $"unix:{folder}/real.sock", $"unix:{host.Node.RunFolder}/ovnnb_db.sock");
            Assert.True(differences.Count == 0, string.Join("\n\n", differences));
        }
        finally
        {
            await Shell.RunAsync(
                "kill", ["-KILL", (await File.ReadAllTextAsync($"{folder}/real.pid")).Trim()]);
        }
    }

    private static async Task<List<string>> CompareAsync(string real, string ours)
    {
        var differences = new List<string>();
        var kept = new Dictionary<string, (string Real, string Ours)>();
        var lines = await File.ReadAllLinesAsync(
            Path.Combine(Checkout.Root, "tests", "Conformance", "NbctlCommands.txt"));
        foreach (var line in lines.Where(line => line.Length > 0 && line[0] != '#'))
        {
            var keeps = line.StartsWith("keep ", StringComparison.Ordinal);
            var name = keeps ? line.Split(' ')[1] : "";
            var command = keeps ? line[$"keep {name} ".Length..] : line;
            var one = await RunAsync(real, Filled(command, kept, pair => pair.Real));
            var other = await RunAsync(ours, Filled(command, kept, pair => pair.Ours));
            if (keeps) kept[name] = (one.Output.Trim(), other.Output.Trim());
            var (wanted, found) = (Plain(one), Plain(other));
            if (wanted != found)
                differences.Add($"ovn-nbctl {line}\nstock: {wanted}\nours:  {found}");
        }

        return differences;
    }

    private static string Filled(
        string command, Dictionary<string, (string Real, string Ours)> kept,
        Func<(string Real, string Ours), string> side)
    {
        foreach (var (name, pair) in kept) command = command.Replace($"{{{name}}}", side(pair));
        return command;
    }

    private static Task<ShellResult> RunAsync(string database, string command) => Shell.RunAsync(
        "ovn-nbctl", [$"--db={database}", "--timeout=20", .. CommandWords.Split(command)]);

    /// <remarks>Rows are listed in the order of their UUIDs, which differ.</remarks>
    private static string Plain(ShellResult result)
    {
        var text = Uuid().Replace($"{result.Output}{result.Error}", "UUID");
        text = LogTime().Replace(text, "TIME|");
        text = ShortUuid().Replace(text, "row UUID");
        text = TwoRows().Replace(text, "Two rows."); // Which is first is chance.
        return $"{result.ExitCode}\n"
            + string.Join('\n', text.Split('\n').Order(StringComparer.Ordinal));
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uuid();

    [GeneratedRegex(@"First row, with UUID UUID, .* Second row, with UUID UUID, [^.]*\.")]
    private static partial Regex TwoRows();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\|")]
    private static partial Regex LogTime();

    [GeneratedRegex("row [0-9a-f]{8}(?![0-9a-f])")]
    private static partial Regex ShortUuid();
}
