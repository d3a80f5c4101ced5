using System.Runtime.InteropServices;
using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>Rules as controllers are told of them.</summary>
public static class FlowReports
{
    /// <summary>Milliseconds of a host's uptime: 2^44 are 500 years.</summary>
    private const int CreatedBits = 44;

    public static OfFlowStats Stats(Rule rule, long now) => new(
        rule.TableId, rule.Match, (ushort)rule.Priority, rule.Cookie, rule.Actions,
        TimeSpan.FromMilliseconds(now - rule.CreatedMilliseconds), rule.IdleTimeout,
        rule.HardTimeout, (int)((now - rule.Statistics.UsedMilliseconds) / 1000),
        (int)((now - rule.ModifiedMilliseconds) / 1000), rule.Statistics.Packets,
        rule.Statistics.Bytes, rule.Flags, rule.Importance);

    public static OfFlowRemoved Removed(FlowChange change, long now)
    {
        var rule = change.Rule;
        return new OfFlowRemoved(
            rule.Match, (ushort)rule.Priority, rule.Cookie, change.Reason, rule.TableId,
            TimeSpan.FromMilliseconds(now - rule.CreatedMilliseconds), rule.IdleTimeout,
            rule.HardTimeout, rule.Statistics.Packets, rule.Statistics.Bytes);
    }

    public static OfFlowUpdate Update(FlowChange change) => Update(
        change.Rule, change.Event, change.Reason, change.Xid);

    public static OfFlowUpdate Update(
        Rule rule, FlowUpdateEvent kind, FlowRemovedReason reason, uint xid) => new(
        kind, rule.TableId, reason, rule.IdleTimeout, rule.HardTimeout, (ushort)rule.Priority,
        rule.Cookie, rule.Match, rule.Actions, xid);

    /// <summary>
    /// The rules that a flow statistics request means, tables and priorities in order; each table
    /// is looked at when it is its turn.
    /// </summary>
    public static IEnumerable<Rule> Select(BridgePipeline pipeline, OfFlowStatsRequest request)
    {
        var view = pipeline.Current;
        var isAll = request.TableId == FlowMod.AllTables;
        var first = isAll ? 0 : request.TableId;
        var last = isAll ? TableSet.Count - 1 : request.TableId;
        for (var table = first; table <= last; table++)
        {
            foreach (var rule in SelectIn(view, (byte)table, request)) yield return rule;
        }
    }

    private static List<Rule> SelectIn(
        PipelineVersion view, byte table, OfFlowStatsRequest request)
    {
        var rules = new List<Rule>();
        var keys = new List<long>();
        foreach (var rule in view.Rules(table))
        {
            if (((rule.Cookie ^ request.Cookie) & request.CookieMask) != 0) continue;
            if (!request.Match.IsAny && !rule.Match.IsWithin(request.Match)) continue;
            if (request.OutPort != OfPort.Any && !rule.OutputsTo(request.OutPort)) continue;
            if (request.OutGroup != OfGroupNumber.Any && !rule.UsesGroup(request.OutGroup))
            {
                continue;
            }

            rules.Add(rule);
            keys.Add(((long)-rule.Priority << CreatedBits) + rule.CreatedMilliseconds);
        }

        CollectionsMarshal.AsSpan(keys).Sort(CollectionsMarshal.AsSpan(rules));
        return rules;
    }
}
