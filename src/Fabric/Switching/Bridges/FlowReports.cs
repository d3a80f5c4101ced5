using System.Runtime.InteropServices;
using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>Rules as controllers are told of them.</summary>
public static class FlowReports
{
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
    /// The rules that a flow statistics request means, tables and priorities in order.
    /// </summary>
    public static List<Rule> Select(BridgePipeline pipeline, OfFlowStatsRequest request)
    {
        var rules = new List<Rule>();
        foreach (var rule in pipeline.Current.Rules(request.TableId))
        {
            if (((rule.Cookie ^ request.Cookie) & request.CookieMask) != 0) continue;
            if (!request.Match.IsAny && !rule.Match.IsWithin(request.Match)) continue;
            if (request.OutPort != OfPort.Any && !rule.OutputsTo(request.OutPort)) continue;
            if (request.OutGroup != OfGroupNumber.Any && !rule.UsesGroup(request.OutGroup))
            {
                continue;
            }

            rules.Add(rule);
        }

        var keys = new (long, long)[rules.Count];
        for (var i = 0; i < keys.Length; i++)
        {
            var rule = rules[i];
            keys[i] = (((long)rule.TableId << 32) - rule.Priority, rule.CreatedMilliseconds);
        }

        keys.AsSpan().Sort(CollectionsMarshal.AsSpan(rules));
        return rules;
    }
}
