using System.CommandLine;

namespace Fabric.HostNode.Cli;

/// <summary>Verbs that the host node answers: cluster, datapath, trace.</summary>
/// <remarks>
/// One row a verb: its name, what it says, the method asked for, and its arguments.
/// </remarks>
internal static class HostVerbs
{
    private sealed record Row(string Name, string Help, string Method, string[] Arguments);

    public static IEnumerable<Command> Create()
    {
        yield return Group("cluster",
            "The cluster, worded like `pbm cluster`. Example: fabric cluster show",
            new Row("show", "Members with status, roles and addresses, and what is wrong.\n"
                + "Example: fabric cluster show", "cluster/show", []),
            new Row("status", "This host's own status. Example: fabric cluster status",
                "cluster/status", []),
            new Row("members", "One line a member. Example: fabric cluster members --json",
                "cluster/members", []),
            new Row("leader", "The leader and the northbound writer. Example: fabric cluster leader",
                "cluster/leader", []),
            new Row("vteps", "Tunnel endpoints of all hosts. Example: fabric cluster vteps",
                "cluster/vteps", []),
            new Row("topology", "Logical ports and where they are. Example: fabric cluster topology",
                "cluster/topology", []),
            new Row("join", "Joins through a host. Example: fabric cluster join 192.0.2.11:2552",
                "cluster/join", ["ADDRESS?"]),
            new Row("leave", "Takes a member out in order. Example: fabric cluster leave host2",
                "cluster/leave", ["HOST?"]),
            new Row("down", "Takes a dead member out. Example: fabric cluster down host2 --force",
                "cluster/down", ["HOST"]),
            new Row("down-unreachable",
                "Takes all unreachable members out. Example: fabric cluster down-unreachable",
                "cluster/down-unreachable", []));
        var datapath = Group("datapath",
            "The datapath of this host. Example: fabric datapath show",
            new Row("show", "Provider, ports, counters and drops. Example: fabric datapath show",
                "datapath/show", []),
            new Row("flows", "Megaflows. Example: fabric datapath flows", "datapath/flows", []));
        datapath.Subcommands.Add(DatapathVerb.Uninstall());
        yield return datapath;
        yield return TraceVerb.Create();
    }

    private static Command Group(string name, string help, params Row[] rows)
    {
        var group = new Command(name, help);
        foreach (var row in rows) group.Subcommands.Add(Leaf(row));
        return group;
    }

    private static Command Leaf(Row row)
    {
        var format = OutputFormat.Option();
        var json = OutputFormat.JsonOption();
        var force = new Option<bool>("--force")
        {
            Description = "Do it even when the cluster advises against it.",
        };
        var arguments = row.Arguments.Select(name => new Argument<string>(name.TrimEnd('?'))
        {
            Arity = name.EndsWith('?') ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
        }).ToArray();
        var command = new Command(row.Name, row.Help) { format, json };
        if (row.Name == "down") command.Options.Add(force);
        foreach (var argument in arguments) command.Arguments.Add(argument);
        command.SetAction((result, cancellation) =>
        {
            var parameters = arguments.Select(argument => result.GetValue(argument))
                .Where(value => value is not null).Select(value => value!).ToList();
            if (row.Name == "down" && result.GetValue(force)) parameters.Add("--force");
            if (OutputFormat.IsJson(result, format, json)) parameters.Add("--json");
            return HostClient.AskAndPrintAsync(
                row.Method.Replace('/', ' '), row.Method, parameters, cancellation);
        });
        return command;
    }
}
