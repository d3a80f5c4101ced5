using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>A bridge's tables as connections change them, from any thread.</summary>
/// <remarks>
/// Writers take turns under the pipeline's lock. What follows from a change (removed flows told,
/// megaflows checked) is told to the actors that do it, before the call returns.
/// </remarks>
internal sealed class BridgeTables(BridgeState state, TimeProvider time, IActorRef datapath)
    : ISwitchTables
{
    public bool Takes(OfMessage change) => change is FlowMod or GroupMod or MeterMod or TableMod;

    public ImmutableArray<ChangeFailure> Apply(
        ReadOnlySpan<SwitchChange> wanted, bool isAtomic, IActorRef? origin)
    {
        if (wanted.IsEmpty) return [];
        var changes = new PipelineChange[wanted.Length];
        for (var i = 0; i < changes.Length; i++)
        {
            changes[i] = new PipelineChange(wanted[i].Message, wanted[i].Xid);
        }

        var outcome = state.Pipeline.Apply(changes, isAtomic, time.Milliseconds());
        if (state.Pipeline.TryAnnounceChange()) datapath.Tell(new DecisionsChanged());
        state.Report(outcome, wanted[0].Xid, origin, state.IsMonitored);
        Forward(wanted, outcome, isAtomic, origin);
        if (outcome.Refused.IsEmpty) return [];
        return [.. outcome.Refused.Select(each => new ChangeFailure(each.Index, each.Error))];
    }

    public IEnumerable<OfFlowStats> Flows(OfFlowStatsRequest request)
    {
        var now = time.Milliseconds();
        return FlowReports.Select(state.Pipeline, request)
            .Select(rule => FlowReports.Stats(rule, now));
    }

    /// <summary>Changed groups and meters are told to the other controllers that want it.</summary>
    private void Forward(
        ReadOnlySpan<SwitchChange> wanted, PipelineOutcome outcome, bool isAtomic,
        IActorRef? origin)
    {
        if (origin is null || (isAtomic && !outcome.Refused.IsEmpty)) return;
        for (var i = 0; i < wanted.Length; i++)
        {
            var (message, xid) = wanted[i];
            if (message is not (GroupMod or MeterMod)) continue;
            var index = i;
            if (outcome.Refused.Any(each => each.Index == index)) continue;
            state.Tell(new RequestForwarded(origin, xid, InForce(message)));
        }
    }

    /// <summary>A band without a burst has its rate for it.</summary>
    private static OfMessage InForce(OfMessage change) => change is not MeterMod meter ? change
        : meter with
        {
            Bands = meter.Bands.Select(band => band.BurstSize > 0 ? band
                : band with { BurstSize = band.Rate }).ToEquatableArray(),
        };
}
