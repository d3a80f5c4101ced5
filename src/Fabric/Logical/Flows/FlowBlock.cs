using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>Table, priority and match: what OpenFlow calls the same flow.</summary>
public readonly record struct FlowIdentity(byte Table, ushort Priority, Match Match);

/// <summary>One flow that a logical object needs on this host.</summary>
/// <param name="Cookie">The first 32 bits of the UUID of the row that it stands for.</param>
public sealed record LogicalFlow(FlowIdentity Identity, ActionList Actions, ulong Cookie);

/// <summary>
/// A select group that a block needs: endpoints, one of which each connection gets.
/// </summary>
public sealed record LogicalGroup(
    uint Id, EquatableArray<OfBucket> Buckets, OfSelectionMethod Selection);

/// <summary>A meter that a block needs: what is above the rate is dropped.</summary>
/// <param name="Rate">Kilobits or packets a second.</param>
/// <param name="Burst">Kilobits or packets; 0: none beyond the rate.</param>
public sealed record LogicalMeter(uint Id, bool IsPackets, uint Rate, uint Burst);

/// <summary>What a block needs in the bridge.</summary>
public sealed record FlowBlock(
    ImmutableArray<LogicalFlow> Flows, ImmutableArray<LogicalGroup> Groups,
    ImmutableArray<LogicalMeter> Meters)
{
    public static FlowBlock Empty { get; } = new([], [], []);
}

/// <summary>Which logical object, on which datapath, a block of flows is made from.</summary>
public readonly record struct FlowBlockKey(string Kind, Guid Row, Guid Datapath)
    : IComparable<FlowBlockKey>
{
    public int CompareTo(FlowBlockKey other)
    {
        var order = string.CompareOrdinal(Kind, other.Kind);
        if (order == 0) order = Row.CompareTo(other.Row);
        return order != 0 ? order : Datapath.CompareTo(other.Datapath);
    }
}

/// <summary>Collects the flows of one block.</summary>
internal sealed class FlowBlockBuilder
{
    private readonly FlowBlockKey _key;
    private readonly BlockNumbers _conjunctions;
    private readonly BlockNumbers _groupNumbers;
    private readonly List<LogicalFlow> _flows = [];
    private readonly BlockNumbers _meterNumbers;
    private readonly List<LogicalGroup> _groups = [];
    private readonly List<LogicalMeter> _meters = [];
    private ulong _cookie;
    private int _conjunctionCount;

    public FlowBlockBuilder(
        FlowBlockKey key, BlockNumbers conjunctions, BlockNumbers groups, BlockNumbers meters)
    {
        _meterNumbers = meters;
        _key = key;
        _conjunctions = conjunctions;
        _groupNumbers = groups;
        _cookie = CookieOf(key.Row);
    }

    /// <summary>
    /// The meter of packets that are handed to the control plane for something, by family; null:
    /// none.
    /// </summary>
    public Func<ControllerOpcode, bool, uint?>? Guard { get; set; }

    public FlowBlock Build() => new([.. _flows], [.. _groups], [.. _meters]);

    /// <summary>The first eight hexadecimal digits of the UUID as people read it.</summary>
    public static ulong CookieOf(Guid row)
    {
        Span<byte> bytes = stackalloc byte[16];
        row.TryWriteBytes(bytes, bigEndian: true, out _);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    /// <summary>The following flows stand for another row.</summary>
    public void For(Guid row) => _cookie = CookieOf(row);

    public void Add(byte table, int priority, FlowMatch match, FlowActions actions) =>
        Add(table, priority, match, actions.Build());

    /// <summary>One flow, or several with a conjunctive match, for each product.</summary>
    public void Add(
        byte table, int priority, FlowMatch match, ImmutableArray<MatchProduct> products,
        FlowActions actions)
    {
        var built = actions.Build();
        foreach (var product in products) AddProduct(table, priority, match, product, built);
    }

    private void Add(byte table, int priority, FlowMatch match, ActionList actions)
    {
        var built = match.Build();
        if (Guard is not null) actions = Guarded(built, actions);
        var identity = new FlowIdentity(table, (ushort)priority, built);
        _flows.Add(new LogicalFlow(identity, actions, _cookie));
    }

    /// <summary>What exceeds the meter is not punted; the packet's other actions run.</summary>
    private ActionList Guarded(Match match, ActionList actions)
    {
        if (!actions.Any(action => action is OfController)) return actions;
        const ushort ipv6 = 0x86dd;
        var isIpv6 = match.TryGet(MatchField.EthernetType, out var type) && type.Value == ipv6;
        return ActionList.From(actions.Select(action =>
            action is OfController punt
            && ControllerAction.TryDecode(punt.Userdata.AsSpan(), out var opcode, out _)
            && Guard!(opcode, isIpv6) is { } meter
                ? new OfClone([new OfMeter(meter), punt])
                : action));
    }

    /// <summary>A select group of the block; gives its number for a group action.</summary>
    public uint AddGroup(IEnumerable<FlowActions> choices, OfSelectionMethod selection)
    {
        const ushort weight = 100;
        var id = _groupNumbers.NumberOf(_key, _groups.Count);
        var buckets = choices.Select((choice, index) => new OfBucket(
            (uint)index, weight, OfPort.Any, OfGroupNumber.Any, choice.Build()));
        _groups.Add(new LogicalGroup(id, buckets.ToEquatableArray(), selection));
        return id;
    }

    /// <summary>A meter of the block; gives its number for a meter action.</summary>
    public uint AddMeter(bool isPackets, uint rate, uint burst)
    {
        var id = _meterNumbers.NumberOf(_key, _meters.Count);
        _meters.Add(new LogicalMeter(id, isPackets, rate, burst));
        return id;
    }

    private void AddProduct(
        byte table, int priority, FlowMatch match, MatchProduct product, ActionList actions)
    {
        var sets = new List<(MatchField Field, ImmutableArray<MaskedValue> Values)>();
        long total = 1;
        foreach (var (name, values) in product.Sets)
        {
            var field = MatchField.Find(name)
                ?? throw new InvalidOperationException($"no match field {name}");
            if (values.Length > 1)
            {
                sets.Add((field, values));
                total = Math.Min(total * values.Length, int.MaxValue);
            }
            else if (!match.TryAnd(field, values[0], out match))
            {
                return;
            }
        }

        if (sets.Count >= 2 && total > LogicalLimits.CrossProductMax
            && sets.Count <= LogicalLimits.ConjunctionDimensionsMax)
        {
            AddConjunction(table, priority, match, sets, actions);
        }
        else
        {
            AddEach(table, priority, match, sets, 0, actions);
        }
    }

    private void AddEach(
        byte table, int priority, FlowMatch match,
        List<(MatchField Field, ImmutableArray<MaskedValue> Values)> sets, int index,
        ActionList actions)
    {
        if (index == sets.Count)
        {
            Add(table, priority, match, actions);
            return;
        }

        foreach (var value in sets[index].Values)
        {
            if (match.TryAnd(sets[index].Field, value, out var narrower))
                AddEach(table, priority, narrower, sets, index + 1, actions);
        }
    }

    private void AddConjunction(
        byte table, int priority, FlowMatch match,
        List<(MatchField Field, ImmutableArray<MaskedValue> Values)> sets, ActionList actions)
    {
        var id = _conjunctions.NumberOf(_key, _conjunctionCount++);
        for (var clause = 0; clause < sets.Count; clause++)
        {
            ActionList part = [new OfConjunction(id, (byte)clause, (byte)sets.Count)];
            foreach (var value in sets[clause].Values)
            {
                if (match.TryAnd(sets[clause].Field, value, out var narrower))
                    Add(table, priority, narrower, part);
            }
        }

        Add(table, priority, match.Is(MatchField.ConjunctionId, id), actions);
    }
}

/// <summary>
/// Numbers of conjunctive matches or groups. A block keeps its numbers while it lives, so that one
/// more member in a set costs one flow and not all of them.
/// </summary>
internal sealed class BlockNumbers
{
    private readonly Dictionary<(FlowBlockKey Block, int Index), uint> _numbers = [];
    private uint _last;

    public uint NumberOf(FlowBlockKey block, int index)
    {
        if (!_numbers.TryGetValue((block, index), out var number))
            _numbers[(block, index)] = number = ++_last;
        return number;
    }

    public void Release(FlowBlockKey block)
    {
        for (var index = 0; _numbers.Remove((block, index)); index++)
        {
        }
    }
}
