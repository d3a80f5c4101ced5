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
        "usage: fabric vsctl [OPTION]... COMMAND [-- [OPTION]... COMMAND]...\n"
        + "Open_vSwitch:  init | show | emer-reset\n"
        + "Bridges:       add-br BR [PARENT VLAN] | del-br BR | list-br | br-exists BR\n"
        + "               br-to-vlan BR | br-to-parent BR | br-set-external-id BR KEY [VALUE]\n"
        + "               br-get-external-id BR [KEY]\n"
        + "Ports:         list-ports BR | add-port BR PORT [SETTING]... | del-port [BR] PORT\n"
        + "               add-bond BR PORT IFACE... [SETTING]... | port-to-br PORT\n"
        + "Interfaces:    list-ifaces BR | iface-to-br IFACE\n"
        + "Controllers:   get-controller BR | set-controller BR TARGET... | del-controller BR\n"
        + "               get-fail-mode BR | set-fail-mode BR MODE | del-fail-mode BR\n"
        + "Managers, SSL: get-manager | set-manager TARGET... | del-manager\n"
        + "               get-ssl | set-ssl KEY CERTIFICATE CA | del-ssl\n"
        + "Tables:        list TABLE [RECORD]... | find TABLE [CONDITION]...\n"
        + "               get TABLE RECORD COLUMN[:KEY]...\n"
        + "               set TABLE RECORD COLUMN[:KEY]=VALUE...\n"
        + "               add TABLE RECORD COLUMN [KEY=]VALUE... | clear TABLE RECORD COLUMN...\n"
        + "               remove TABLE RECORD COLUMN KEY[=VALUE]... | destroy TABLE RECORD...\n"
        + "               create TABLE COLUMN[:KEY]=VALUE...\n"
        + "               wait-until TABLE RECORD [CONDITION]...\n"
        + "Upgrade:       import CONF.DB   take over the configuration of an OVS database file\n"
        + "Options: --db=unix:PATH, --no-wait, -t SECONDS, --dry-run, --oneline, --bare,\n"
        + "  -f|--format=table|list|csv|json|html, -d|--data=string|bare|json, --no-headings,\n"
        + "  --columns=COLUMN[,COLUMN]...; in front of a command: --may-exist, --if-exists,\n"
        + "  --id=@NAME, --with-iface, --fake-iface, --all, --bootstrap, --real, --fake";

    /// <summary>What the command line says before its first command.</summary>
    private sealed class Options
    {
        public string Remote { get; set; } = $"unix:{Path.Combine(ToolVerbs.RunFolder, "db.sock")}";
        public double Seconds { get; set; } = double.PositiveInfinity;
        public bool Waits { get; set; } = true;
        public bool IsDry { get; set; }
        public bool IsOneLine { get; set; }
        public VsctlFormat Format { get; set; } = new();

        /// <summary>False: it is the first command's.</summary>
        public bool TryTake(string name, Func<string> value)
        {
            switch (name)
            {
                case "--db": Remote = value(); return true;
                case "-t" or "--timeout":
                    Seconds = double.TryParse(value(), CultureInfo.InvariantCulture, out var wanted)
                        && wanted > 0 ? wanted : double.PositiveInfinity;
                    return true;
                case "--no-wait": Waits = false; return true;
                case "--dry-run": IsDry = true; return true;
                case "--oneline": IsOneLine = true; return true;
                case "-f" or "--format":
                    Format = Format with { Shape = Known(value(), VsctlFormat.Shapes) };
                    return true;
                case "-d" or "--data":
                    Format = Format with { Data = Known(value(), VsctlFormat.DataForms) };
                    return true;
                case "--no-headings": Format = Format with { HasHeadings = false }; return true;
                case "--bare":
                    Format = Format with { Shape = "list", Data = "bare", HasHeadings = false };
                    return true;
                case "--columns":
                    Format = Format with { Columns = value().Split(',') };
                    return true;
                case "--retry" or "--pretty" or "--no-syslog" or "--syslog" or "--leader-only"
                    or "--no-leader-only" or "-v" or "--verbose": return true;
                default: return false;
            }
        }

        private static string Known(string word, string[] all) => all.Contains(word)
            ? word
            : throw new ToolException($"{word}: one of {string.Join(", ", all)}");
    }

    public static async Task<int> RunAsync(string[] arguments, TextWriter output, TextWriter error)
    {
        var options = new Options();
        var words = new Queue<string>(arguments);
        try
        {
            while (words.TryPeek(out var word) && word.StartsWith('-') && word != "--")
            {
                if (word is "-h" or "--help")
                {
                    await output.WriteLineAsync(Usage);
                    return ExitCode.Ok;
                }

                var at = word.StartsWith("--", StringComparison.Ordinal) ? word.IndexOf('=') : -1;
                var name = at < 0 ? word : word[..at];
                var taken = at < 0 && word[1] != '-' && word.Length > 2 ? word[2..] : null;
                if (taken is not null) name = word[..2];
                if (!options.TryTake(name, () => at >= 0 ? word[(at + 1)..] : taken ?? Next(words)))
                {
                    break;
                }

                words.Dequeue();
            }

            return await RunAsync(options, [.. Commands(words)], output, error);
        }
        catch (ToolException refused)
        {
            await error.WriteLineAsync($"fabric vsctl: {refused.Message}");
        }
        catch (Exception failed) when (failed is SocketException or IOException)
        {
            await error.WriteLineAsync($"fabric vsctl: {options.Remote}: {failed.Message}");
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync($"fabric vsctl: not done within {options.Seconds} seconds");
        }

        return ExitCode.Failed;
    }

    /// <summary>The value of an option that stands in the next word.</summary>
    private static string Next(Queue<string> words)
    {
        var option = words.Dequeue();
        return words.TryPeek(out var value)
            ? value
            : throw new ToolException($"option '{option}' requires an argument");
    }

    private static async Task<int> RunAsync(
        Options options, string[][] commands, TextWriter output, TextWriter error)
    {
        if (commands.Length == 0)
        {
            throw new ToolException("missing command name (use --help for help)");
        }

        using var limit = new CancellationTokenSource();
        if (!double.IsInfinity(options.Seconds))
        {
            limit.CancelAfter(TimeSpan.FromSeconds(options.Seconds));
        }

        await using var database = await OvsdbConnection.OpenAsync(options.Remote, limit.Token);
        return await RunAsync(database, commands, options, output, error, limit.Token);
    }

    /// <summary>All commands as one transaction, again when somebody else was faster.</summary>
    private static async Task<int> RunAsync(
        OvsdbConnection database, string[][] commands, Options options, TextWriter output,
        TextWriter error, CancellationToken cancellation)
    {
        var waits = options.Waits;
        var schema = await database.SchemaAsync(cancellation);
        while (true)
        {
            var model = await VsctlModel.LoadAsync(database, schema, cancellation);
            var session = new VsctlSession(schema, model, options.Format);
            var (exitCode, printed) = (ExitCode.Ok, new List<string>());
            foreach (var command in commands)
            {
                exitCode = Math.Max(exitCode, session.Run(command));
                printed.Add(session.TakeOutput());
            }

            if (session.MustWait)
            {
                await Task.Delay(PollPeriod, cancellation);
                continue;
            }

            var text = options.IsOneLine ? OneLine(printed) : string.Concat(printed);
            if (!model.IsChanged || options.IsDry)
            {
                await output.WriteAsync(text);
                return exitCode;
            }

            var root = model.Find("Open_vSwitch", ".")!;
            var operations = model.ToOperations().ToList();
            if (waits)
            {
                operations.Add(VsctlSession.Mutate(
                    "Open_vSwitch", root.Where(), "next_cfg", "+=", 1));
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
                text,
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

    /// <summary>What each command prints in a line of its own.</summary>
    private static string OneLine(IEnumerable<string> printed) => string.Concat(printed.Select(
        text => text.TrimEnd('\n').Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal) + "\n"));

    // A row that create made is printed by its name first; nobody knows its UUID before.
    [GeneratedRegex("(?m)^[A-Za-z_][A-Za-z0-9_]*$")]
    private static partial Regex Names();
}
