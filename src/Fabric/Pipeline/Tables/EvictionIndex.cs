using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Which flow of a full table has to go: kept for tables that evict only.</summary>
/// <remarks>
/// OVS's rule: of the group with the most flows, the one with the lowest importance, and of these
/// the one that would expire first. Flows without a timeout stay. Belongs to the table's writer.
/// </remarks>
internal sealed class EvictionIndex(EquatableArray<Subfield> fields)
{
    private readonly record struct Place(ulong Priority, long Order, Rule Rule)
        : IComparable<Place>
    {
        public int CompareTo(Place other) => Priority != other.Priority
            ? Priority.CompareTo(other.Priority) : Order.CompareTo(other.Order);
    }

    private readonly Dictionary<ulong, SortedSet<Place>> _groups = [];
    private readonly SortedSet<(int Count, ulong Group)> _sizes = [];
    private readonly Dictionary<Rule, (ulong Group, Place Place)> _places = [];
    private long _order;

    public EquatableArray<Subfield> Fields { get; } = fields;

    public void Add(Rule rule)
    {
        var isPermanent = rule is { IdleTimeout: 0, HardTimeout: 0 };
        if (rule.IsHidden || isPermanent || _places.ContainsKey(rule)) return;
        var group = GroupOf(rule);
        var place = new Place(PriorityOf(rule), ++_order, rule);
        if (!_groups.TryGetValue(group, out var members)) _groups[group] = members = [];
        _sizes.Remove((members.Count, group));
        members.Add(place);
        _sizes.Add((members.Count, group));
        _places[rule] = (group, place);
    }

    public void Remove(Rule rule)
    {
        if (!_places.Remove(rule, out var found)) return;
        var members = _groups[found.Group];
        _sizes.Remove((members.Count, found.Group));
        members.Remove(found.Place);
        if (members.Count > 0) _sizes.Add((members.Count, found.Group));
        else _groups.Remove(found.Group);
    }

    /// <summary>The flow that goes next, or null when all stay.</summary>
    public Rule? Choose() => _sizes.Count == 0 ? null : _groups[_sizes.Max.Group].Min.Rule;

    /// <summary>Flows that packets use expire later than was thought.</summary>
    public void Refresh()
    {
        foreach (var rule in _places.Keys.ToArray())
        {
            if (rule.IdleTimeout == 0 || _places[rule].Place.Priority == PriorityOf(rule)) continue;
            Remove(rule);
            Add(rule);
        }
    }

    private ulong GroupOf(Rule rule)
    {
        ulong hash = 0;
        foreach (var field in Fields)
        {
            var value = rule.Match.TryGet(field.Field, out var entry) ? entry.Value : 0;
            value = (value >> field.Offset) & MatchField.LowBits(field.Width);
            hash = KeyStages.Mix(KeyStages.Mix(hash, (ulong)value), (ulong)(value >> 64));
        }

        return hash;
    }

    /// <summary>Importance above the second in which it would expire.</summary>
    private static ulong PriorityOf(Rule rule)
    {
        var expiry = long.MaxValue;
        if (rule.HardTimeout > 0) expiry = rule.ModifiedMilliseconds + (rule.HardTimeout * 1000L);
        if (rule.IdleTimeout > 0)
        {
            expiry = Math.Min(
                expiry, rule.Statistics.UsedMilliseconds + (rule.IdleTimeout * 1000L));
        }

        return ((ulong)rule.Importance << 32) + (uint)Math.Clamp(expiry >> 10, 0, uint.MaxValue);
    }
}
