using System.Collections.Immutable;
using Fabric.Pipeline;
using Fabric.Wire.Control;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>STP, as a tree's actor drives it.</summary>
internal sealed class StpTree(StpBridge tree) : TreeProtocol
{
    public override IReadOnlyList<(string Name, TreePortState State)> Ports =>
        [.. tree.Ports.Select(port => (port.Name, port.State))];

    public override long Deadline => tree.Deadline;

    public override void Configure(
        ulong id, TreeSettings settings, ImmutableSortedDictionary<string, TreePortSettings> ports,
        long now) => tree.Configure(id, settings, ports, now);

    public override void SetLink(
        string name, bool isUp, long bitsPerSecond, uint pathCost, long now) =>
        tree.SetLink(
            tree.Find(name)!, isUp, pathCost != 0 ? pathCost : CostOf(bitsPerSecond), now);

    public override void Hear(string name, SpanningTreeBpdu? bpdu, long now)
    {
        if (tree.Find(name) is not { } port) return;
        if (bpdu is { } unit) tree.Hear(port, in unit, now);
        else port.ErrorCount++;
    }

    public override IReadOnlyList<(string Name, SpanningTreeBpdu Bpdu)> Advance(long now) =>
        [.. tree.Advance(now).Select(each => (each.Port.Name, each.Bpdu))];

    public override IReadOnlyList<string?> TakeFlushed() => tree.TakeFlush() ? [null] : [];

    public override void ForceChange(long now) => tree.ForceChange(now);

    public override string Show(string bridge) => TreeText.Of(bridge, tree);

    public override ColumnValue BridgeStatus => new("status", TreeText.StatusOf(tree));

    public override ColumnValue StatusOf(string name, long? now)
    {
        var port = tree.Find(name)!;
        return new ColumnValue("status", TreeText.StatusOf(
            tree, port, now is { } time ? (time - port.StateSince) / 1000 : 0));
    }

    public override ColumnValue CountsOf(string name) =>
        new("statistics", TreeText.CountsOf(tree.Find(name)!));

    /// <summary>IEEE 802.1D-1998 table 8-5; what is not known is taken for fast.</summary>
    private static uint CostOf(long bitsPerSecond) => (bitsPerSecond / 1_000_000) switch
    {
        <= 0 or >= 10_000 => 2,
        >= 1000 => 4,
        >= 100 => 19,
        >= 16 => 62,
        >= 10 => 100,
        _ => 250,
    };
}
