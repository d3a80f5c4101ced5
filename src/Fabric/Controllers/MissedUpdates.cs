using Fabric.Wire.OpenFlow;

namespace Fabric.Controllers;

/// <summary>Updates of flows, of which only the outcome is kept: bounded by the flows.</summary>
internal sealed class MissedUpdates
{
    private readonly record struct FlowName(byte Table, ushort Priority, Match Match);

    /// <summary>Flows that the peer knows and that are gone.</summary>
    private readonly Dictionary<FlowName, OfFlowUpdate> _removed = [];
    private readonly Dictionary<FlowName, OfFlowUpdate> _changed = [];

    public void Add(OfFlowUpdate update)
    {
        var name = new FlowName(update.TableId, update.Priority, update.Match);
        var isNew = _changed.TryGetValue(name, out var before)
            && before.Event == FlowUpdateEvent.Added;
        switch (update.Event)
        {
            case FlowUpdateEvent.Removed:
                _changed.Remove(name);
                if (!isNew) _removed[name] = update;
                break;
            case FlowUpdateEvent.Modified when isNew:
                _changed[name] = update with { Event = FlowUpdateEvent.Added };
                break;
            case FlowUpdateEvent.Added or FlowUpdateEvent.Modified:
                _changed[name] = update;
                break;
        }
    }

    /// <summary>What is gone, then what is there.</summary>
    public EquatableArray<OfFlowUpdate> ToEquatableArray() =>
        _removed.Values.Concat(_changed.Values).ToList().ToEquatableArray();
}
