using Fabric.Datapath;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>learn(...): flows made from the packet.</content>
internal sealed partial class Translation
{
    private void Learn(OfLearn learn)
    {
        var match = new MatchBuilder();
        var actions = new List<OfAction>();
        if (learn.FinIdleTimeout != 0 || learn.FinHardTimeout != 0)
        {
            actions.Add(new OfFinTimeout(learn.FinIdleTimeout, learn.FinHardTimeout));
        }

        foreach (var spec in learn.Specs)
        {
            var value = spec.Source is { } source ? Read(source) : spec.Immediate;
            switch (spec.Kind)
            {
                case OfLearnDestination.Match when spec.Destination is { } field:
                    match.SetMasked(field.Field, value << field.Offset,
                        MatchField.LowBits(spec.Width) << field.Offset);
                    break;
                case OfLearnDestination.Load when spec.Destination is { } field:
                    actions.Add(spec.Width <= 64
                        ? new OfLoad(field, (ulong)value)
                        : new OfSetField(field.Field, value << field.Offset,
                            MatchField.LowBits(spec.Width) << field.Offset));
                    break;
                case OfLearnDestination.Output:
                    actions.Add(new OfOutput(spec.Width <= 16
                        ? OfPort.FromWire16((ushort)value) : (uint)value));
                    break;
            }
        }

        match.Normalise();
        if (!match.TryBuild(out var built, out _))
        {
            Report(TraceKind.Warn, "the learned match is not consistent");
            return;
        }

        var mod = FlowMod.Add(learn.TableId, learn.Priority, built, ActionList.From(actions)) with
        {
            Cookie = learn.Cookie,
            IdleTimeout = learn.IdleTimeout,
            HardTimeout = learn.HardTimeout,
            Flags = (learn.Flags & OfLearnFlags.SendFlowRemoved) != 0
                ? FlowModFlags.SendFlowRemoved : FlowModFlags.None,
        };
        Learn(learn, new LearnedRule(
            mod, learn.Limit, (learn.Flags & OfLearnFlags.DeleteLearned) != 0));
    }

    private void ReportLearned(FlowMod mod)
    {
        if (_trace is null) return;
        var words = new List<string> { $"table={mod.TableId}" };
        var match = FlowText.Match(mod.Match);
        if (match.Length > 0) words.Add(match);
        if (mod.Priority != FlowMod.DefaultPriority) words.Add($"priority={mod.Priority}");
        if (mod.Cookie != 0) words.Add($"cookie=0x{mod.Cookie:x}");
        if (mod.IdleTimeout != 0) words.Add($"idle={mod.IdleTimeout}");
        if (mod.HardTimeout != 0) words.Add($"hard={mod.HardTimeout}");
        if ((mod.Flags & FlowModFlags.SendFlowRemoved) != 0) words.Add("send_flow_rem");
        words.Add("actions=" + FlowText.Actions(mod.Actions));
        _trace.Add(TraceKind.Detail, string.Join(' ', words));
    }

    private void Learn(OfLearn learn, LearnedRule rule)
    {
        var pipeline = _bridge.Pipeline;
        var isLearned = true;
        if (_hasEffects)
        {
            ReportLearned(rule.FlowMod);
            isLearned = pipeline.Learn(rule, _now);
        }
        else
        {
            Report(TraceKind.Warn, "suppressing side effects, so learn action ignored");
        }

        if (isLearned) _result.Learn(new LearnedFlow(pipeline, rule));
        if ((learn.Flags & OfLearnFlags.WriteResult) == 0) return;
        if (learn.ResultDestination is not { } destination) return;
        SetField(destination.Field, (isLearned ? UInt128.One : 0) << destination.Offset,
            UInt128.One << destination.Offset);
    }
}
