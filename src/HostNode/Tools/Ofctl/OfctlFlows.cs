using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>Flows: dumped, summed and changed.</summary>
internal static class OfctlFlows
{
    public static readonly OfctlCommand[] Commands =
    [
        new("dump-flows", 1, 2, "BRIDGE [FLOW]", "flows with their statistics", DumpAsync),
        new("dump-aggregate", 1, 2, "BRIDGE [FLOW]", "their sums", AggregateAsync),
        new("add-flow", 2, 2, "BRIDGE FLOW", "add or replace one flow (-: read them)",
            call => ChangeAsync(call, FlowModCommand.Add)),
        new("add-flows", 2, 2, "BRIDGE FILE", "flows, one a line", AddFileAsync),
        new("mod-flows", 2, 2, "BRIDGE FLOW", "change the actions of flows that match",
            call => ChangeAsync(
                call,
                call.Options.IsStrict ? FlowModCommand.ModifyStrict : FlowModCommand.Modify)),
        new("del-flows", 1, 2, "BRIDGE [FLOW]", "delete flows that match, or all",
            call => ChangeAsync(
                call,
                call.Options.IsStrict ? FlowModCommand.DeleteStrict : FlowModCommand.Delete)),
    ];

    public static FlowMod Parse(string text, FlowModCommand command) =>
        OfFlowText.TryParse(text, command, out var mod, out var error)
            ? mod
            : throw new ToolException(
                error.IndexOf("unknown action", StringComparison.Ordinal) is > 0 and var at
                    ? error[at..] : error);

    public static OfFlowStatsRequest Request(
        OpenFlowBridge bridge, string? filter, bool isAggregate)
    {
        var mod = Parse(filter ?? "", FlowModCommand.Delete);
        return new OfFlowStatsRequest(
            mod.Match, mod.TableId, mod.OutPort, mod.OutGroup, mod.CookieMatch, mod.CookieMask,
            isAggregate, IsNicira: bridge.Version == OfVersion.OpenFlow10);
    }

    private static async Task DumpAsync(OfctlCall call)
    {
        var bridge = await call.BridgeAsync();
        var (xid, parts) = await bridge.AskAllAsync<OfFlowStatsReply>(
            Request(bridge, call.Word(1), isAggregate: false));
        var options = call.Options;
        IEnumerable<OfFlowStats> flows = parts.SelectMany(part => part.Flows.AsEnumerable());
        if (options.SortField is { } field)
        {
            flows = Sort(flows, field, options.IsDescending)
                .Select(flow => flow with { IdleAge = null, HardAge = null });
        }
        else if (options.HasStats)
        {
            await call.PrintHeadAsync(OfctlText.Extended(bridge, "FLOW") + " reply", bridge, xid);
        }

        foreach (var flow in flows)
        {
            await call.PrintAsync(" " + OfFlowText.Format(flow, options.HasStats));
        }
    }

    /// <summary>By priority, or by a field: flows that do not look at it come last.</summary>
    private static IEnumerable<OfFlowStats> Sort(
        IEnumerable<OfFlowStats> flows, string field, bool isDescending)
    {
        if (field is "" or "priority")
        {
            return isDescending
                ? flows.OrderByDescending(flow => flow.Priority)
                : flows.OrderBy(flow => flow.Priority);
        }

        if (MatchField.Find(field) is not { } wanted)
            throw new ToolException($"{field}: unknown field name");
        var known = flows.OrderBy(flow => flow.Match.ExactOf(wanted) is null);
        return isDescending
            ? known.ThenByDescending(flow => flow.Match.ExactOf(wanted) ?? 0)
            : known.ThenBy(flow => flow.Match.ExactOf(wanted) ?? 0);
    }

    private static async Task AggregateAsync(OfctlCall call)
    {
        var bridge = await call.BridgeAsync();
        var (xid, sum) = await bridge.AskAsync<OfAggregateReply>(
            Request(bridge, call.Word(1), isAggregate: true));
        await call.PrintHeadAsync(
            OfctlText.Extended(bridge, "AGGREGATE") + " reply", bridge, xid,
            $" packet_count={sum.PacketCount} byte_count={sum.ByteCount} "
            + $"flow_count={sum.FlowCount}");
    }

    private static async Task ChangeAsync(OfctlCall call, FlowModCommand command)
    {
        if (call.Word(1) == "-")
        {
            var lines = await call.LinesAsync("-");
            await call.ChangeAsync([.. lines.Select(line => ParseLine(line, command))]);
            return;
        }

        await call.ChangeAsync([Parse(call.Word(1) ?? "", command)]);
    }

    private static async Task AddFileAsync(OfctlCall call)
    {
        var lines = await call.LinesAsync(call.Words[1]);
        await call.ChangeAsync([.. lines.Select(line => ParseLine(line, FlowModCommand.Add))]);
    }

    /// <summary>A line may begin with what is to be done: "delete table=1".</summary>
    public static FlowMod ParseLine(string line, FlowModCommand command)
    {
        var at = line.IndexOfAny([' ', '\t']);
        FlowModCommand? named = at < 0 ? null : line[..at] switch
        {
            "add" => FlowModCommand.Add,
            "modify" => FlowModCommand.Modify,
            "modify_strict" => FlowModCommand.ModifyStrict,
            "delete" => FlowModCommand.Delete,
            "delete_strict" => FlowModCommand.DeleteStrict,
            _ => null,
        };
        return named is { } known ? Parse(line[at..], known) : Parse(line, command);
    }
}
