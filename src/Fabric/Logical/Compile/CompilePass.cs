using System.Collections;
using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>
/// Blocks of flows with what they were made from; unchanged inputs mean unchanged flows.
/// </summary>
internal sealed class BlockCache
{
    private readonly Dictionary<FlowBlockKey, Entry> _blocks = [];
    private readonly SortedSet<FlowBlockKey> _complaining = [];
    private int _pass;

    public BlockNumbers Conjunctions { get; } = new();

    public BlockNumbers Groups { get; } = new();

    public BlockNumbers Meters { get; } = new();

    /// <summary>Blocks compiled in the current pass, for tests and figures.</summary>
    public int CompiledCount { get; private set; }

    public int Count => _blocks.Count;

    private sealed class Entry
    {
        public required object?[] Inputs { get; set; }
        public required FlowBlock Flows { get; set; }
        public ImmutableArray<NetworkCondition> Conditions { get; set; } = [];
        public int Pass { get; set; }
    }

    public void Begin()
    {
        _pass++;
        CompiledCount = 0;
    }

    /// <summary>Conditions of all blocks that live.</summary>
    public IEnumerable<NetworkCondition> Conditions() =>
        _complaining.SelectMany(key => _blocks[key].Conditions);

    public void Visit(
        FlowBlockKey key, object?[] inputs, DesiredFlows flows,
        Action<FlowBlockBuilder, Action<NetworkCondition>> compile)
    {
        if (_blocks.TryGetValue(key, out var entry) && SameInputs(entry.Inputs, inputs))
        {
            entry.Pass = _pass;
            return;
        }

        CompiledCount++;
        var builder = new FlowBlockBuilder(key, Conjunctions, Groups, Meters);
        var conditions = ImmutableArray.CreateBuilder<NetworkCondition>();
        compile(builder, conditions.Add);
        var made = builder.Build();
        flows.Replace(key, entry?.Flows ?? FlowBlock.Empty, made);
        if (conditions.Count > 0) _complaining.Add(key);
        else _complaining.Remove(key);
        _blocks[key] = new Entry
        {
            Inputs = inputs,
            Flows = made,
            Conditions = conditions.ToImmutable(),
            Pass = _pass,
        };
    }

    /// <summary>Takes away the blocks of objects that this pass did not come across.</summary>
    public void End(DesiredFlows flows)
    {
        var gone = _blocks.Where(block => block.Value.Pass != _pass).ToList();
        foreach (var (key, entry) in gone)
        {
            flows.Replace(key, entry.Flows, FlowBlock.Empty);
            _blocks.Remove(key);
            _complaining.Remove(key);
            Conjunctions.Release(key);
            Groups.Release(key);
            Meters.Release(key);
        }
    }

    private static bool SameInputs(object?[] before, object?[] now)
    {
        if (before.Length != now.Length) return false;
        for (var i = 0; i < now.Length; i++)
        {
            if (!Same(before[i], now[i])) return false;
        }

        return true;
    }

    private static bool Same(object? before, object? now)
    {
        if (ReferenceEquals(before, now)) return true;
        if (before is null || now is null) return false;
        if (before.Equals(now)) return true;
        return before is IList left && now is IList right && left.Count == right.Count
            && left.Cast<object?>().SequenceEqual(right.Cast<object?>());
    }
}

/// <summary>One compilation: what there is, and where its flows go.</summary>
internal sealed class CompilePass(
    LogicalTopology topology, HostView host, BlockCache cache, DesiredFlows flows)
{
    public LogicalTopology Topology => topology;
    public HostView Host => host;

    /// <summary>
    /// The number of the meter of that name which a user of it shares or, when the row says
    /// fair, which is its own; null: there is no such meter.
    /// </summary>
    /// <param name="block">The user's block, which then declares its own meter.</param>
    public uint? MeterFor(string? name, FlowBlockBuilder block)
    {
        if (name is null || topology.MeterNamed(name) is not { Band: { } bandRow } row) return null;
        if (!row.IsFair) return cache.Meters.NumberOf(SharedMeter(row), 0);
        return topology.Rows.MeterBands.TryGetValue(bandRow, out var band)
            ? block.AddMeter(row.IsPackets, band.Rate, band.Burst)
            : null;
    }

    /// <summary>The meters that all users share.</summary>
    public void DeclareMeters()
    {
        foreach (var row in topology.Rows.Meters.Values)
        {
            if (row.IsFair || row.Band is not { } uuid
                || !topology.Rows.MeterBands.TryGetValue(uuid, out var band))
            {
                continue;
            }

            cache.Visit(SharedMeter(row), [row, band], flows, (block, _) =>
                block.AddMeter(row.IsPackets, band.Rate, band.Burst));
        }
    }

    private static FlowBlockKey SharedMeter(MeterRow row) => new("meter", row.Uuid, Guid.Empty);

    /// <summary>A block that cannot go wrong.</summary>
    public void Block(
        string kind, Guid row, Guid datapath, object?[] inputs, Action<FlowBlockBuilder> compile) =>
        cache.Visit(
            new FlowBlockKey(kind, row, datapath), inputs, flows, (block, _) => compile(block));

    /// <summary>
    /// A block with an expression that people wrote: what cannot be compiled becomes a condition
    /// of its row, and other rows are not affected.
    /// </summary>
    public void ExpressionBlock(
        string table, string kind, Guid row, Guid datapath, object?[] inputs,
        Action<FlowBlockBuilder> compile) =>
        cache.Visit(
            new FlowBlockKey(kind, row, datapath), inputs, flows, (block, report) =>
            {
                try
                {
                    compile(block);
                }
                catch (ExpressionException e)
                {
                    report(new NetworkCondition(table, row, $"match: {e.Message}"));
                }
            });
}
