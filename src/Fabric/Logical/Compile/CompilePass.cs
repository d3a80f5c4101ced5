namespace Fabric.Logical;

/// <summary>One compilation: what there is, and where its flows go.</summary>
internal sealed class CompilePass(
    LogicalTopology topology, HostView host, BlockCache cache, DesiredFlows flows)
{
    public LogicalTopology Topology => topology;
    public HostView Host => host;

    private ControlPlaneProtection? _protection;

    /// <summary>What follows belongs to the datapath.</summary>
    public void Enter(Guid datapath)
    {
        cache.Enter(datapath);
        var copp = topology.Rows.Switches.GetValueOrDefault(datapath)?.Copp
            ?? topology.Rows.Routers.GetValueOrDefault(datapath)?.Copp;
        _protection = copp is { } row ? topology.Rows.Protections.GetValueOrDefault(row) : null;
    }

    /// <summary>With the meters of the datapath's Copp row for what the block punts.</summary>
    private void Protect(FlowBlockBuilder block)
    {
        if (_protection is not { } protection) return;
        block.Guard = (opcode, isIpv6) =>
            CoppMeters.NameOf(opcode, isIpv6) is { } kind
            && protection.Meters.TryGetValue(kind, out var meter)
                ? MeterFor(meter, block)
                : null;
    }

    private object?[] WithProtection(object?[] inputs) => _protection is null
        ? inputs
        :
        [
            .. inputs, _protection,
            .. _protection.Meters.Values.Distinct().Select(topology.MeterInputs),
        ];

    /// <summary>Takes away the datapath's blocks that were not come across.</summary>
    /// <param name="ports">Ports that were looked at; null: all.</param>
    public void Leave(IReadOnlySet<Guid>? ports) => cache.Leave(flows, ports);

    /// <summary>The datapath is not compiled here any more.</summary>
    public void Drop(Guid datapath) => cache.Drop(datapath, flows);

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
            new FlowBlockKey(kind, row, datapath), WithProtection(inputs), flows, (block, _) =>
            {
                Protect(block);
                compile(block);
            });

    /// <summary>
    /// A block with an expression that people wrote: what cannot be compiled becomes a condition
    /// of its row, and other rows are not affected.
    /// </summary>
    public void ExpressionBlock(
        string table, string kind, Guid row, Guid datapath, object?[] inputs,
        Action<FlowBlockBuilder> compile) =>
        cache.Visit(
            new FlowBlockKey(kind, row, datapath), WithProtection(inputs), flows, (block, report) =>
            {
                Protect(block);
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
