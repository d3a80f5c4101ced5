using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>Keeps the datapath's flows true to the tables: the work; an actor says when.</summary>
/// <remarks>
/// One round walks all flows: pushes their statistics to rules and addresses, removes idle ones,
/// translates those anew that were decided in another state of the world, and replaces or removes
/// those that came out differently. One round at a time; called by the datapath actor.
/// </remarks>
public sealed class Revalidator(SwitchedDatapath datapath)
{
    public const int FlowLimitMax = 200_000;
    public const int MaxIdleMilliseconds = 10_000;
    internal const int FlowLimitMin = 1_000;
    private const int CrowdedIdleMilliseconds = 100;
    private const int UninstalledGraceMilliseconds = 2_000;
    private const int SlowMilliseconds = 1_000;

    private sealed class Flow(
        in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions, UInt128 id)
    {
        public readonly FlowKey Key = key;
        public readonly FlowKey Mask = mask;
        public ImmutableArray<DatapathAction> Actions { get; } = actions;
        public UInt128 Id { get; } = id;
    }

    private readonly List<Flow> _deleted = [];
    private readonly List<Flow> _suspects = [];
    private long _round;
    private int _flowLimit = 10_000;
    private double _averageCount;

    /// <summary>Flows of the last round, on average, and the most ever.</summary>
    public int CurrentCount { get; private set; }
    public int AverageCount => (int)_averageCount;
    public int CountMax { get; private set; }

    /// <summary>Flows above this are not installed; it goes on to adapt from what is set.</summary>
    public int FlowLimit
    {
        get => _flowLimit;
        set
        {
            _flowLimit = Math.Clamp(value, 0, FlowLimitMax);
            datapath.Upcalls.FlowLimit = _flowLimit;
        }
    }

    /// <summary>Milliseconds that the last round took.</summary>
    public long DurationMilliseconds { get; private set; } = 1;

    /// <summary>State of the world that all flows are known to be right for.</summary>
    public long ValidatedGeneration { get; private set; }

    /// <summary>Flows deleted and changed because they had become wrong.</summary>
    public long DeletedCount { get; private set; }
    public long ChangedCount { get; private set; }

    public void Run()
    {
        var started = datapath.Time.Milliseconds();
        datapath.Native?.Routes.Refresh(started);
        datapath.Native?.Neighbours.Sweep(started);
        var generation = datapath.Generation();
        Visit(started, generation);
        Settle(started);
        ValidatedGeneration = generation;
        datapath.Megaflows.Prune(_round, started, UninstalledGraceMilliseconds);
        datapath.Recirculation.Sweep(datapath.Time.Milliseconds());
        Adapt(Math.Max(1, datapath.Time.Milliseconds() - started));
    }

    /// <summary>Removes every flow, statistics pushed.</summary>
    public int Purge()
    {
        datapath.Provider.Flows.Dump(
            (in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> _,
                in FlowStatistics statistics) =>
                datapath.Megaflows.Find(MegaflowId.Of(in key, in mask))?.Credit(in statistics));
        var count = datapath.Provider.Flows.Flush();
        datapath.Megaflows.Clear();
        return count;
    }

    private void Visit(long now, long generation)
    {
        _round++;
        _deleted.Clear();
        _suspects.Clear();
        var limit = Math.Min(_flowLimit, FlowLimitMax);
        var count = datapath.Provider.Flows.Count;
        var idle = count > limit ? CrowdedIdleMilliseconds : MaxIdleMilliseconds;
        var seen = 0;
        datapath.Provider.Flows.Dump(
            (in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions,
                in FlowStatistics statistics) =>
            {
                seen++;
                var id = MegaflowId.Of(in key, in mask);
                var flow = datapath.Megaflows.Find(id);
                if (flow is null)
                {
                    _suspects.Add(new Flow(in key, in mask, actions, id));
                    return;
                }

                flow.SeenRound = _round;
                flow.Credit(in statistics);
                var used = Math.Max(statistics.UsedMilliseconds, flow.CreatedMilliseconds);
                if (now - used > idle || seen > 2 * limit || flow.IsTransient)
                {
                    _deleted.Add(new Flow(in key, in mask, actions, id));
                    return;
                }

                MarkRecirculation(in key, actions, now);
                if (flow.Generation != generation)
                {
                    _suspects.Add(new Flow(in key, in mask, actions, id));
                }
            });
        CurrentCount = seen;
        CountMax = Math.Max(CountMax, seen);
        _averageCount = (_averageCount * 0.75) + (seen * 0.25);
    }

    private void Settle(long now)
    {
        foreach (var suspect in _suspects) Check(suspect, now);
        foreach (var flow in _deleted)
        {
            if (datapath.Provider.Flows.Delete(in flow.Key, in flow.Mask, out var last))
            {
                datapath.Megaflows.Find(flow.Id)?.Credit(in last);
            }

            datapath.Megaflows.Remove(flow.Id);
        }
    }

    private void Check(Flow suspect, long now)
    {
        var generation = datapath.Generation();
        var result = datapath.Upcalls.Translate(in suspect.Key, 0, hasEffects: false, now);
        var isUnknown = result.Error == DropReason.RecirculationUnknown;
        if (isUnknown || result.Awaited.Count > 0 || NeedsMore(in result.Mask, in suspect.Mask))
        {
            DeletedCount++;
            _deleted.Add(suspect);
            return;
        }

        if (!DatapathActions.AreEqual(result.Actions, suspect.Actions))
        {
            ChangedCount++;
            datapath.Provider.Flows.Put(in suspect.Key, in suspect.Mask, result.Actions);
        }

        var flow = datapath.Megaflows.Find(suspect.Id);
        if (flow is null)
        {
            flow = new Megaflow(result.Actions, MegaflowCredits.None, generation, now)
            {
                SeenRound = _round,
            };
            datapath.Megaflows.Set(suspect.Id, flow);
        }

        flow.Actions = result.Actions;
        flow.Credits = result.Credits();
        flow.Generation = generation;
        MarkRecirculation(in suspect.Key, result.Actions, now);
    }

    /// <summary>Does the decision now depend on a bit that the flow's mask leaves open?</summary>
    private static bool NeedsMore(in FlowKey needed, in FlowKey mask)
    {
        var left = needed;
        var right = mask;
        var wanted = left.Words;
        var given = right.Words;
        for (var i = 0; i < wanted.Length; i++)
        {
            if ((wanted[i] & ~given[i]) != 0) return true;
        }

        return false;
    }

    private void MarkRecirculation(
        in FlowKey key, ImmutableArray<DatapathAction> actions, long now)
    {
        if (key.RecirculationIdWire != 0) datapath.Recirculation.Mark(key.RecirculationId, now);
        DatapathActions.VisitRecirculations(
            actions, id => datapath.Recirculation.Mark(id, now));
    }

    private void Adapt(long duration)
    {
        DurationMilliseconds = duration;
        FlowLimit = LimitAfter(_flowLimit, CurrentCount, duration);
    }

    /// <summary>
    /// OVS's rule: a slow round lowers the limit, a quick one with many flows raises it.
    /// </summary>
    /// <param name="count">Flows that the round looked at.</param>
    /// <param name="duration">Milliseconds that it took, at least 1.</param>
    internal static int LimitAfter(int limit, int count, long duration)
    {
        if (duration > 2 * SlowMilliseconds) limit /= (int)(duration / SlowMilliseconds);
        else if (duration > SlowMilliseconds * 13 / 10) limit = limit * 3 / 4;
        else if (duration < SlowMilliseconds && count > 2000 && limit < count * 1000L / duration)
        {
            limit += 1000;
        }

        return Math.Clamp(limit, FlowLimitMin, FlowLimitMax);
    }
}
