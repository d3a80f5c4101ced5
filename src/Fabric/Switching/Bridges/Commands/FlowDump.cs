using System.Text;
using Fabric.Host;
using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>bridge/dump-flows: every flow of a bridge, those of the switch itself too.</summary>
internal static class FlowDump
{
    public static string Of(SwitchStore store, string name, bool tellsOffload)
    {
        var bridge = store.FindBridge(name) ?? throw new UnixctlException("Unknown bridge");
        var now = store.Time.Milliseconds();
        var text = new StringBuilder();
        var all = new OfFlowStatsRequest(
            Match.Any, FlowMod.AllTables, OfPort.Any, OfGroupNumber.Any, 0, 0, false, false);
        foreach (var rule in bridge.Pipeline.Current.HiddenRules
            .Concat(FlowReports.Select(bridge.Pipeline, all)))
        {
            var isUsual = rule.Priority == FlowMod.DefaultPriority;
            var match = FlowText.Match(rule.Match);
            var what = isUsual ? match
                : $"priority={rule.Priority}{(match.Length > 0 ? "," : "")}{match}";
            Add(rule.TableId, rule.CreatedMilliseconds, rule.Statistics,
                $"{what},actions={FlowText.Actions(rule.Actions)}");
        }

        // The table that Open vSwitch keeps for itself, as it prints it.
        var none = new RuleStatistics();
        var (sent, dropped) = (bridge.Pipeline.SentMisses, bridge.Pipeline.DroppedMisses);
        Add(254, bridge.CreatedMilliseconds, none, "priority=2,recirc_id=0,actions=drop");
        Add(254, bridge.CreatedMilliseconds, sent,
            "priority=0,reg0=0x1,actions=controller(reason=)");
        Add(254, bridge.CreatedMilliseconds, dropped, "priority=0,reg0=0x2,actions=drop");
        Add(254, bridge.CreatedMilliseconds, none, "priority=0,reg0=0x3,actions=drop");
        return text.ToString();

        void Add(byte table, long created, RuleStatistics statistics, string rest)
        {
            if (table != 0) text.Append($"table_id={table}, ");
            text.Append($"duration={(now - created) / 1000}s, ");
            text.Append($"n_packets={statistics.Packets}, n_bytes={statistics.Bytes}, ");
            if (tellsOffload) text.Append("n_offload_packets=0, n_offload_bytes=0, ");
            text.Append(rest).Append('\n');
        }
    }
}
