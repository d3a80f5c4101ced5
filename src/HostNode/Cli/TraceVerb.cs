using System.CommandLine;

namespace Fabric.HostNode.Cli;

/// <summary>`fabric trace`: a packet's way, through a bridge or through logical networks.</summary>
internal static class TraceVerb
{
    /// <summary>ovn-trace's options without a value, by what they do.</summary>
    private static readonly (string Name, string Help)[] Forms =
    [
        ("--detailed", "With --logical: every table (the default)."),
        ("--summary", "With --logical: the pipelines and what they do."),
        ("--minimal", "With --logical: what becomes of the packet, and no more."),
        ("--all", "With --logical: all three forms."),
        ("--ovs", "With --logical: nothing, flows are shown as OpenFlow's always."),
    ];

    public static Command Create()
    {
        var bridge = new Argument<string>("BRIDGE");
        var flow = new Argument<string>("FLOW");
        var logical = new Option<bool>("--logical")
        {
            Description = "BRIDGE is a logical switch, FLOW a microflow of ovn-trace.",
        };
        var states = new Option<string[]>("--ct", "--ct-next")
        {
            Description = "What the connection tracker says, in order: new, est, rel, rpl, inv.",
        };
        var forms = Forms.Select(form => new Option<bool>(form.Name) { Description = form.Help })
            .ToArray();
        var (format, json) = (OutputFormat.Option(), OutputFormat.JsonOption());
        var command = new Command("trace",
            "A packet's way through a bridge, or with --logical through logical networks: the\n"
            + "words are those of ofproto/trace and of ovn-trace.\n"
            + "Example: fabric trace br-int in_port=1,icmp,nw_dst=10.0.0.2\n"
            + "Example: fabric trace --logical sw0 'inport == \"p1\" && eth.dst == "
            + "02:00:00:00:00:02 && ip4.src == 10.0.0.1 && ip4.dst == 10.0.0.2 && icmp4'")
        {
            format, json, logical, states, bridge, flow,
        };
        foreach (var form in forms) command.Options.Add(form);
        command.SetAction((result, cancellation) =>
        {
            var isLogical = result.GetValue(logical);
            var parameters = new List<string>(
                (result.GetValue(states) ?? []).Select(state =>
                    $"{(isLogical ? "--ct" : "--ct-next")}={state}"));
            parameters.AddRange(forms.Where(form => result.GetValue(form))
                .Select(form => form.Name));
            parameters.Add(result.GetValue(bridge)!);
            parameters.Add(result.GetValue(flow)!);
            if (OutputFormat.IsJson(result, format, json)) parameters.Add("--json");
            return HostClient.AskAndPrintAsync(
                "trace", isLogical ? "trace/logical" : "trace", parameters, cancellation);
        });
        return command;
    }
}
