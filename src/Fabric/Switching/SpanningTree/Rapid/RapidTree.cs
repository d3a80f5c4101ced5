using System.Collections.Immutable;
using Fabric.Pipeline;
using Fabric.Wire.Control;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>RSTP, as a tree's actor drives it.</summary>
internal sealed class RapidTree(RapidBridge tree) : TreeProtocol
{
    private const uint CostMax = 200_000_000;

    public override IReadOnlyList<(string Name, TreePortState State)> Ports =>
        [.. tree.Ports.Select(port => (port.Name, port.State))];

    public override long Deadline => tree.Deadline;

    public override void Configure(
        ulong id, TreeSettings settings, ImmutableSortedDictionary<string, TreePortSettings> ports,
        long now) => tree.Configure(id, settings, ports);

    public override void SetLink(
        string name, bool isUp, long bitsPerSecond, uint pathCost, long now) =>
        tree.SetLink(tree.Find(name)!, isUp, pathCost != 0 ? pathCost : CostOf(bitsPerSecond));

    public override void Hear(string name, SpanningTreeBpdu? bpdu, long now)
    {
        if (tree.Find(name) is not { } port) return;
        if (bpdu is { } unit) tree.Hear(port, in unit);
        else port.ErrorCount++;
    }

    public override IReadOnlyList<(string Name, SpanningTreeBpdu Bpdu)> Advance(long now) =>
        [.. tree.Advance(now).Select(each => (each.Port.Name, each.Bpdu))];

    public override IReadOnlyList<string?> TakeFlushed() => tree.TakeFlushed();

    public override void ForceChange(long now) => tree.ForceChange();

    public override string Show(string bridge) => RapidText.Of(bridge, tree);

    public override ColumnValue BridgeStatus => new("rstp_status", RapidText.StatusOf(tree));

    public override ColumnValue StatusOf(string name, long? now) =>
        new("rstp_status", RapidText.StatusOf(tree.Find(name)!));

    public override ColumnValue CountsOf(string name) =>
        new("rstp_statistics", RapidText.CountsOf(tree.Find(name)!));

    /// <summary>IEEE 802.1D-2004 table 17-3; what is not known is taken for 10 Gb/s.</summary>
    private static uint CostOf(long bitsPerSecond)
    {
        const long usual = 10_000_000_000;
        var cost = CostMax;
        for (var speed = 100_000L; speed < bitsPerSecond && cost > 2; speed *= 10) cost /= 10;
        return bitsPerSecond > 0 ? cost : CostOf(usual);
    }
}
