using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>fabric vsctl: bridges, ports and columns of the Open_vSwitch database.</summary>
/// <remarks>
/// The command line of ovs-vsctl for the commands below. Commands joined by "--" are one
/// transaction: all of them hold, or none, and each sees what those before it did.
/// </remarks>
internal static partial class VsctlTool
{
    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(20);

    private const string Usage =
        "usage: fabric vsctl [--db=unix:PATH] [--no-wait] [--timeout=SECONDS] COMMAND [-- ...]\n"
        + "  show | list-br | br-exists BR | list-ports BR | port-to-br PORT\n"
        + "  [--may-exist] add-br BR | [--if-exists] del-br BR\n"
        + "  [--may-exist] add-port BR PORT [COLUMN=VALUE]... | [--if-exists] del-port [BR] PORT\n"
        + "  list TABLE [RECORD]... | get TABLE RECORD COLUMN[:KEY]...\n"
        + "  set TABLE RECORD COLUMN[:KEY]=VALUE... | clear TABLE RECORD COLUMN...\n"
        + "  add TABLE RECORD COLUMN [KEY=]VALUE... | remove TABLE RECORD COLUMN KEY[=VALUE]...\n"
        + "  [--id=@NAME] create TABLE COLUMN[:KEY]=VALUE... | destroy TABLE RECORD...\n"
        + "  import CONF.DB                take over the configuration of an OVS database file";

    public static async Task<int> RunAsync(string[] arguments, TextWriter output, TextWriter error)
    {
        var remote = $"unix:{Path.Combine(ToolVerbs.RunFolder, "db.sock")}";
        var (seconds, waits) = (60.0, true);
        var words = new Queue<string>(arguments);
        while (words.TryPeek(out var word) && word.StartsWith("--", StringComparison.Ordinal)
            && word is not ("--" or "--may-exist" or "--if-exists")
            && !word.StartsWith("--id=", StringComparison.Ordinal))
        {
            words.Dequeue();
            if (word == "--help")
            {
                await output.WriteLineAsync(Usage);
                return ExitCode.Ok;
            }

            if (word == "--no-wait")
            {
                waits = false;
                continue;
            }

            var (name, value) = AppctlTool.Option(word, words);
            if (name == "--db") remote = value;
            else if (name == "--timeout") _ = double.TryParse(
                value, CultureInfo.InvariantCulture, out seconds);
            else
            {
                await error.WriteLineAsync($"fabric vsctl: {word}: no such option");
                return ExitCode.Failed;
            }
        }

        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
            await using var database = await OvsdbConnection.OpenAsync(remote, limit.Token);
            return await RunAsync(
                database, [.. Commands(words)], waits, output, error, limit.Token);
        }
        catch (ToolException refused)
        {
            await error.WriteLineAsync($"fabric vsctl: {refused.Message}");
        }
        catch (Exception failed) when (failed is SocketException or IOException
            or OperationCanceledException)
        {
            await error.WriteLineAsync($"fabric vsctl: {remote}: {failed.Message}");
        }

        return ExitCode.Failed;
    }

    /// <summary>All commands as one transaction, again when somebody else was faster.</summary>
    private static async Task<int> RunAsync(
        OvsdbConnection database, string[][] commands, bool waits, TextWriter output,
        TextWriter error, CancellationToken cancellation)
    {
        var schema = await database.SchemaAsync(cancellation);
        while (true)
        {
            var model = await VsctlModel.LoadAsync(database, schema, cancellation);
            var session = new VsctlSession(schema, model);
            var exitCode = commands.Select(session.Run).Append(ExitCode.Ok).Max();
            if (!model.IsChanged)
            {
                await output.WriteAsync(session.Output);
                return exitCode;
            }

            var root = model.Find("Open_vSwitch", ".")!.Key;
            var operations = model.ToOperations().ToList();
            if (waits)
            {
                operations.Add(VsctlSession.Mutate("Open_vSwitch", root, "next_cfg", "+=", 1));
                operations.Add(Select("Open_vSwitch", "next_cfg"));
            }

            var results = await database.TryTransactAsync(operations, cancellation);
            if (results is null) continue;
            var inserts = operations.Select((operation, at) => (Operation: operation, At: at))
                .Where(each => (string?)each.Operation["op"] == "insert")
                .ToDictionary(
                    each => (string)each.Operation["uuid-name"]!,
                    each => (string)results[each.At]!["uuid"]![1]!);
            await output.WriteAsync(Names().Replace(
                session.Output,
                match => inserts.GetValueOrDefault(match.Value, match.Value)));
            if (waits)
            {
                var wanted = (long)results[operations.Count - 1]!["rows"]![0]!["next_cfg"]!;
                await WaitAsync(database, wanted, cancellation);
                await TellFaultsAsync(database, inserts, error, cancellation);
            }

            return exitCode;
        }
    }

    /// <summary>Waits until the host node has done what the database says.</summary>
    private static async Task WaitAsync(
        OvsdbConnection database, long wanted, CancellationToken cancellation)
    {
        while (true)
        {
            var rows = await database.SelectAsync("Open_vSwitch", [], cancellation);
            if (rows.Count == 0 || (long)rows[0]!["cur_cfg"]! >= wanted) return;
            await Task.Delay(PollPeriod, cancellation);
        }
    }

    /// <summary>New interfaces that could not be opened; the rows stay, and so does this.</summary>
    private static async Task TellFaultsAsync(
        OvsdbConnection database, Dictionary<string, string> inserts, TextWriter error,
        CancellationToken cancellation)
    {
        var uuids = inserts.Values.ToHashSet();
        foreach (var row in await database.SelectAsync("Interface", [], cancellation))
        {
            if (!uuids.Contains(VsctlSession.UuidOf(row!))) continue;
            if ((row!["error"] as JsonValue)?.GetValue<string>() is not { Length: > 0 } problem)
            {
                continue;
            }

            await error.WriteLineAsync($"fabric vsctl: Error detected while setting up "
                + $"'{row["name"]}': {problem}.  See ovs-vswitchd log for details.");
        }
    }

    private static JsonObject Select(string table, string column) => new()
    {
        ["op"] = "select", ["table"] = table, ["where"] = new JsonArray(),
        ["columns"] = new JsonArray(column),
    };

    private static IEnumerable<string[]> Commands(Queue<string> words)
    {
        var command = new List<string>();
        foreach (var word in words.Append("--"))
        {
            if (word != "--")
            {
                command.Add(word);
                continue;
            }

            if (command.Count > 0) yield return [.. command];
            command.Clear();
        }
    }

    internal static ToolException UsageError(string command) =>
        new($"unknown command '{command}'; {Usage}");

    // A row that create made is printed by its name first; nobody knows its UUID before.
    [GeneratedRegex("(?m)^[A-Za-z_][A-Za-z0-9_]*$")]
    private static partial Regex Names();
}
