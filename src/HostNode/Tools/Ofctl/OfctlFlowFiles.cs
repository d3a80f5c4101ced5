using System.Text;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>Two sets of flows, each a bridge's or a file's, compared or made equal.</summary>
internal static class OfctlFlowFiles
{
    private const int DifferentExitCode = 2;

    public static readonly OfctlCommand[] Commands =
    [
        new("replace-flows", 2, 2, "BRIDGE FILE", "make the flows those of a file", ReplaceAsync),
        new("diff-flows", 2, 2, "SOURCE1 SOURCE2", "compare bridges or files", DiffAsync),
    ];

    private static async Task ReplaceAsync(OfctlCall call)
    {
        var wanted = await ReadFileAsync(call, call.Words[1]);
        var found = await ReadBridgeAsync(await call.BridgeAsync());
        var changes = new List<OfMessage>();
        foreach (var (key, flow) in found)
        {
            if (!wanted.ContainsKey(key))
            {
                changes.Add(flow with
                {
                    Command = FlowModCommand.DeleteStrict, Actions = ActionList.Empty,
                });
            }
        }

        changes.AddRange(wanted
            .Where(pair => !found.TryGetValue(pair.Key, out var there)
                || Describe(there) != Describe(pair.Value))
            .Select(pair => pair.Value));
        await call.ChangeAsync(changes);
    }

    private static async Task DiffAsync(OfctlCall call)
    {
        var left = await ReadAsync(call, call.Words[0]);
        var right = await ReadAsync(call, call.Words[1]);
        foreach (var key in left.Keys.Concat(right.Keys.Where(key => !left.ContainsKey(key))))
        {
            var before = left.TryGetValue(key, out var one) ? Describe(one) : null;
            var after = right.TryGetValue(key, out var other) ? Describe(other) : null;
            if (before == after) continue;
            if (before is not null) await call.PrintAsync("-" + before);
            if (after is not null) await call.PrintAsync("+" + after);
            call.ExitCode = DifferentExitCode;
        }
    }

    private static async Task<Dictionary<(byte, ushort, Match), FlowMod>> ReadAsync(
        OfctlCall call, string source)
    {
        var isTarget = source.StartsWith("unix:", StringComparison.Ordinal)
            || source.StartsWith("tcp:", StringComparison.Ordinal)
            || source.StartsWith("ssl:", StringComparison.Ordinal);
        if (!isTarget && (source.Contains('/') || File.Exists(source)))
            return await ReadFileAsync(call, source);
        await using var other = new OfctlCall(
            call.Options, [source], TextWriter.Null, CancellationToken.None);
        return await ReadBridgeAsync(await other.BridgeAsync());
    }

    private static async Task<Dictionary<(byte, ushort, Match), FlowMod>> ReadFileAsync(
        OfctlCall call, string file)
    {
        var flows = new Dictionary<(byte, ushort, Match), FlowMod>();
        foreach (var line in await call.LinesAsync(file))
        {
            var flow = OfctlFlows.Parse(line, FlowModCommand.Add);
            flows[(flow.TableId, flow.Priority, flow.Match)] = flow;
        }

        return flows;
    }

    private static async Task<Dictionary<(byte, ushort, Match), FlowMod>> ReadBridgeAsync(
        OpenFlowBridge bridge)
    {
        var (_, parts) = await bridge.AskAllAsync<OfFlowStatsReply>(
            OfctlFlows.Request(bridge, null, isAggregate: false));
        return parts.SelectMany(part => part.Flows.AsEnumerable()).ToDictionary(
            flow => (flow.TableId, flow.Priority, flow.Match),
            flow => new FlowMod(FlowModCommand.Add, flow.Match, flow.Priority, flow.Actions)
            {
                TableId = flow.TableId,
                Cookie = flow.Cookie,
                IdleTimeout = flow.IdleTimeout,
                HardTimeout = flow.HardTimeout,
                Importance = flow.Importance,
                Flags = flow.Flags & FlowModFlags.SendFlowRemoved,
            });
    }

    /// <summary>All that is compared of a flow, as diff-flows prints it.</summary>
    private static string Describe(FlowMod flow)
    {
        var text = new StringBuilder();
        if (flow.TableId != 0) text.Append($"table={flow.TableId} ");
        text.Append(OfFlowText.FormatRule(flow.Priority, flow.Match));
        text.Append(' ');
        if (flow.Cookie != 0) text.Append($"cookie=0x{flow.Cookie:x} ");
        if (flow.IdleTimeout != 0) text.Append($"idle_timeout={flow.IdleTimeout} ");
        if (flow.HardTimeout != 0) text.Append($"hard_timeout={flow.HardTimeout} ");
        return text.Append($"actions={OfActionText.Format(flow.Actions)}").ToString();
    }
}
