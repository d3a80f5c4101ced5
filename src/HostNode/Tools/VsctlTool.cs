using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>fabric vsctl: bridges, ports and columns of the Open_vSwitch database.</summary>
/// <remarks>
/// The command line of ovs-vsctl for the commands below. Commands joined by "--" are carried out
/// one after the other; each is a transaction of its own.
/// </remarks>
internal static class VsctlTool
{
    private const string Usage =
        "usage: fabric vsctl [--db=unix:PATH] [--no-wait] [--timeout=SECONDS] COMMAND [-- ...]\n"
        + "  show | list-br | br-exists BR | list-ports BR | port-to-br PORT\n"
        + "  [--may-exist] add-br BR | [--if-exists] del-br BR\n"
        + "  [--may-exist] add-port BR PORT [COLUMN=VALUE]... | [--if-exists] del-port [BR] PORT\n"
        + "  list TABLE [RECORD] | get TABLE RECORD COLUMN[:KEY]\n"
        + "  set TABLE RECORD COLUMN[:KEY]=VALUE... | clear TABLE RECORD COLUMN\n"
        + "  import CONF.DB                take over the configuration of an OVS database file";

    public static async Task<int> RunAsync(string[] arguments, TextWriter output, TextWriter error)
    {
        var remote = $"unix:{Path.Combine(ToolVerbs.RunFolder, "db.sock")}";
        var (seconds, waits) = (60.0, true);
        var words = new Queue<string>(arguments);
        while (words.TryPeek(out var word) && word.StartsWith("--", StringComparison.Ordinal)
            && word is not ("--" or "--may-exist" or "--if-exists"))
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
            var session = new VsctlSession(database, output, limit.Token);
            await session.LoadAsync();
            var exitCode = ExitCode.Ok;
            foreach (var command in Commands(words))
            {
                exitCode = Math.Max(exitCode, await session.RunAsync(command));
            }

            if (waits) await session.WaitAsync();
            return exitCode;
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
}
