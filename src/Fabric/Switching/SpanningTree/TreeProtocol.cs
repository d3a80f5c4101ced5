using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Pipeline;
using Fabric.Wire.Control;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>What a tree's actor needs of STP and of RSTP. Ports by interface.</summary>
internal abstract class TreeProtocol
{
    public static TreeProtocol Create(ulong id, TreeWanted wanted, long now) => wanted.IsRapid
        ? new RapidTree(new RapidBridge(id, wanted.Settings, now))
        : new StpTree(new StpBridge(id, wanted.Settings, now));

    /// <summary>Ports and their states, in the order of their numbers.</summary>
    public abstract IReadOnlyList<(string Name, TreePortState State)> Ports { get; }

    /// <summary>When <see cref="Advance"/> has something to do: monotonic milliseconds.</summary>
    public abstract long Deadline { get; }

    public abstract void Configure(
        ulong id, TreeSettings settings, ImmutableSortedDictionary<string, TreePortSettings> ports,
        long now);

    /// <param name="pathCost">0: by the link's speed.</param>
    public abstract void SetLink(
        string name, bool isUp, long bitsPerSecond, uint pathCost, long now);

    /// <summary>A BPDU, or null for a frame that was none.</summary>
    public abstract void Hear(string name, SpanningTreeBpdu? bpdu, long now);

    public abstract IReadOnlyList<(string Name, SpanningTreeBpdu Bpdu)> Advance(long now);

    /// <summary>Ports whose learned addresses are to be forgotten; null: of all ports.</summary>
    public abstract IReadOnlyList<string?> TakeFlushed();

    public abstract void ForceChange(long now);

    /// <summary>As stp/show or rstp/show print it.</summary>
    public abstract string Show(string bridge);

    public abstract ColumnValue BridgeStatus { get; }

    /// <summary>A port's status.</summary>
    /// <param name="now">Null: without what changes by time alone.</param>
    public abstract ColumnValue StatusOf(string name, long? now);

    public abstract ColumnValue CountsOf(string name);
}
