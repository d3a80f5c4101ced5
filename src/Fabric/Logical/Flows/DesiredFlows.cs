using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>What must be done to a bridge's flow table: removals first, then additions.</summary>
/// <param name="Removed">Flows that nothing wants any more.</param>
/// <param name="Added">New flows, and flows whose actions or cookie changed.</param>
/// <param name="GroupsPut">New and changed groups: before the flows that use them.</param>
/// <param name="GroupsRemoved">After the flows that used them.</param>
/// <param name="MetersPut">As groups.</param>
public sealed record FlowChanges(
    ImmutableArray<FlowIdentity> Removed, ImmutableArray<LogicalFlow> Added,
    ImmutableArray<LogicalGroup> GroupsPut, ImmutableArray<uint> GroupsRemoved,
    ImmutableArray<LogicalMeter> MetersPut, ImmutableArray<uint> MetersRemoved)
{
    public static FlowChanges None { get; } = new([], [], [], [], [], []);

    public bool IsEmpty =>
        Removed.IsEmpty && Added.IsEmpty && GroupsPut.IsEmpty && GroupsRemoved.IsEmpty
        && MetersPut.IsEmpty && MetersRemoved.IsEmpty;
}

/// <summary>All flows that blocks want, and the difference that a change of some makes.</summary>
/// <remarks>
/// Two blocks may want the same flow (table, priority, match). Conjunction actions of both are
/// then joined in one flow; a flow with other actions goes before a part of a conjunctive match,
/// since it says "yes" alone; of several such the block that sorts first wins, which is what OVN
/// leaves undefined (two ACLs of equal priority).
/// </remarks>
public sealed class DesiredFlows
{
    private readonly Dictionary<FlowIdentity, SortedList<FlowBlockKey, LogicalFlow>> _wanted = [];
    private readonly Dictionary<FlowIdentity, LogicalFlow> _effective = [];
    private readonly HashSet<FlowIdentity> _touched = [];
    private readonly NumberedThings<LogicalGroup> _groups = new(group => group.Id);
    private readonly NumberedThings<LogicalMeter> _meters = new(meter => meter.Id);

    public int Count => _effective.Count;

    /// <summary>Every flow as it should be installed now.</summary>
    public IEnumerable<LogicalFlow> All => _effective.Values;

    public IEnumerable<LogicalGroup> Groups => _groups.All;

    public IEnumerable<LogicalMeter> Meters => _meters.All;

    /// <summary>Replaces the flows and groups of one block.</summary>
    public void Replace(FlowBlockKey block, FlowBlock before, FlowBlock after)
    {
        _groups.Replace(before.Groups, after.Groups);
        _meters.Replace(before.Meters, after.Meters);
        foreach (var flow in before.Flows)
        {
            _touched.Add(flow.Identity);
            if (_wanted.TryGetValue(flow.Identity, out var owners)) owners.Remove(block);
        }

        foreach (var flow in after.Flows)
        {
            _touched.Add(flow.Identity);
            if (!_wanted.TryGetValue(flow.Identity, out var owners))
                _wanted[flow.Identity] = owners = [];
            owners[block] = owners.TryGetValue(block, out var twin) ? Later(twin, flow) : flow;
        }
    }

    /// <summary>What changed since the last call.</summary>
    public FlowChanges TakeChanges()
    {
        var removed = ImmutableArray.CreateBuilder<FlowIdentity>();
        var added = ImmutableArray.CreateBuilder<LogicalFlow>();
        foreach (var identity in _touched)
        {
            var now = Effective(identity);
            _effective.TryGetValue(identity, out var before);
            if (now is null)
            {
                if (before is null) continue;
                _effective.Remove(identity);
                removed.Add(identity);
            }
            else if (before is null || before.Cookie != now.Cookie
                || !before.Actions.Equals(now.Actions))
            {
                _effective[identity] = now;
                added.Add(now);
            }
        }

        _touched.Clear();
        var (groups, groupsGone) = _groups.Take();
        var (meters, metersGone) = _meters.Take();
        return new FlowChanges(
            removed.ToImmutable(), added.ToImmutable(), groups, groupsGone, meters, metersGone);
    }

    private LogicalFlow? Effective(FlowIdentity identity)
    {
        if (!_wanted.TryGetValue(identity, out var owners)) return null;
        if (owners.Count == 0)
        {
            _wanted.Remove(identity);
            return null;
        }

        var flow = owners.Values[0];
        for (var i = 1; i < owners.Count; i++) flow = Join(flow, owners.Values[i]);
        return flow;
    }

    /// <summary>
    /// Within a block what is said later holds: a stage's own default, for example.
    /// </summary>
    private static LogicalFlow Later(LogicalFlow first, LogicalFlow second) =>
        IsConjunctive(second) ? Join(first, second) : second;

    private static LogicalFlow Join(LogicalFlow first, LogicalFlow second)
    {
        if (!IsConjunctive(first)) return first;
        if (!IsConjunctive(second)) return second;
        var actions = first.Actions.Concat(second.Actions).Distinct();
        return first with { Actions = ActionList.From(actions) };
    }

    private static bool IsConjunctive(LogicalFlow flow) =>
        flow.Actions.Count > 0 && flow.Actions[0] is OfConjunction;
}
