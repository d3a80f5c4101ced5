using System.CommandLine;
using System.Text.Json;

namespace Fabric.HostNode.Cli;

/// <summary>`fabric conntrack`: the stateful firewall of this host.</summary>
internal static class ConntrackVerb
{
    private static readonly TimeSpan WatchPeriod = TimeSpan.FromMilliseconds(200);

    public static Command Create()
    {
        var group = new Command("conntrack",
            "The stateful firewall's connections. Example: fabric conntrack dump 5");
        group.Subcommands.Add(Ask("dump",
            "Connections, of one zone if given. Example: fabric conntrack dump 5",
            "conntrack/dump", 0, "ZONE"));
        group.Subcommands.Add(Ask("flush",
            "Removes connections: of a zone, with a mark (mark=X[/M]), with a tuple.\n"
            + "Example: fabric conntrack flush 5 mark=0x1 ct_nw_proto=6,ct_tp_dst=22",
            "conntrack/flush", 0, "WHAT"));
        group.Subcommands.Add(Ask("limits",
            "Limits and counts by zone. Example: fabric conntrack limits",
            "conntrack/limits", 0, "ZONES"));
        group.Subcommands.Add(Ask("expected",
            "Connections that FTP or TFTP announced. Example: fabric conntrack expected",
            "conntrack/expected", 0, "ZONE"));
        group.Subcommands.Add(Ask("policies",
            "ICMP, TCP and UDP rules that hold for a port. Example: fabric conntrack policies vm1",
            "conntrack/policies", 1, "PORT"));
        group.Subcommands.Add(Watch());
        return group;
    }

    private static Command Ask(
        string name, string help, string method, int argumentsMin, string argument)
    {
        var format = OutputFormat.Option();
        var json = OutputFormat.JsonOption();
        var words = new Argument<string[]>(argument)
        {
            Arity = new ArgumentArity(argumentsMin, 4),
        };
        var command = new Command(name, help) { format, json };
        command.Arguments.Add(words);
        command.SetAction((result, cancellation) =>
        {
            List<string> parameters = [.. result.GetValue(words) ?? []];
            if (OutputFormat.IsJson(result, format, json)) parameters.Add("--json");
            return HostClient.AskAndPrintAsync(
                $"conntrack {name}", method, parameters, cancellation);
        });
        return command;
    }

    /// <summary>Prints events as they come, until it is interrupted.</summary>
    private static Command Watch()
    {
        var zone = new Option<ushort?>("--zone") { Description = "Only this zone." };
        var json = OutputFormat.JsonOption();
        var command = new Command("watch",
            "Connections as they come, change and go. Example: fabric conntrack watch --zone 5 "
            + "--json")
        { zone, json };
        command.SetAction(async (result, cancellation) =>
        {
            long since = 0;
            var isFirst = true;
            while (!cancellation.IsCancellationRequested)
            {
                List<string> parameters = [$"{since}"];
                if (result.GetValue(zone) is { } number) parameters.Add($"{number}");
                var (exitCode, text) = await HostClient.AskAsync(
                    "conntrack/events", parameters, cancellation);
                if (exitCode != ExitCode.Ok)
                {
                    await Console.Error.WriteLineAsync($"fabric conntrack watch: {text}");
                    return exitCode;
                }

                since = Print(text, result.GetValue(json), isFirst);
                isFirst = false;
                await Task.Delay(WatchPeriod, cancellation)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    /// <returns>The number of the last event.</returns>
    private static long Print(string text, bool isJson, bool isFirst)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            if (root.TryGetProperty("next", out var next))
            {
                var lost = root.GetProperty("lost").GetInt64();
                if (lost > 0) Console.Error.WriteLine($"{lost} events were lost");
                return next.GetInt64();
            }

            if (!isFirst) Console.WriteLine(isJson ? line : Describe(root));
        }

        return 0;
    }

    private static string Describe(JsonElement change)
    {
        var tuple = change.GetProperty("orig");
        var ports = tuple.TryGetProperty("sport", out var source)
            ? $" {source}->{tuple.GetProperty("dport")}"
            : $" id {tuple.GetProperty("id")}";
        var state = change.TryGetProperty("state", out var name) ? $" {name}" : "";
        return $"{change.GetProperty("event").GetString(),-7} zone "
            + $"{change.GetProperty("zone")} {change.GetProperty("protocol")} "
            + $"{tuple.GetProperty("src")}->{tuple.GetProperty("dst")}{ports}{state}";
    }
}
