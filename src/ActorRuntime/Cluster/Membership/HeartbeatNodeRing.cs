using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>All nodes on a ring; each sends heartbeats to the few that follow it.</summary>
/// <remarks>
/// The order is by a hash, so that neighbours in the address range are not neighbours here. The
/// unreachable among the followers do not count, so that as many reachable ones as wanted remain.
/// </remarks>
internal sealed class HeartbeatNodeRing
{
    private readonly ImmutableArray<UniqueAddress> _ring;
    private readonly int _monitorCount;

    public HeartbeatNodeRing(
        UniqueAddress self,
        ImmutableHashSet<UniqueAddress> nodes,
        ImmutableHashSet<UniqueAddress> unreachable,
        int monitorCount)
    {
        Self = self;
        Nodes = nodes.Add(self);
        Unreachable = unreachable;
        _monitorCount = monitorCount;
        _ring = [.. Nodes.OrderBy(Hash).ThenBy(node => node)];
        MyReceivers = ReceiversOf(self);
    }

    public UniqueAddress Self { get; }
    public ImmutableHashSet<UniqueAddress> Nodes { get; }
    public ImmutableHashSet<UniqueAddress> Unreachable { get; }

    /// <summary>To whom this node sends heartbeats.</summary>
    public ImmutableHashSet<UniqueAddress> MyReceivers { get; }

    public HeartbeatNodeRing Add(UniqueAddress node) =>
        Nodes.Contains(node) ? this : new(Self, Nodes.Add(node), Unreachable, _monitorCount);

    public HeartbeatNodeRing Remove(UniqueAddress node) =>
        Nodes.Contains(node) || Unreachable.Contains(node)
            ? new(Self, Nodes.Remove(node), Unreachable.Remove(node), _monitorCount)
            : this;

    public HeartbeatNodeRing WithUnreachable(UniqueAddress node) =>
        new(Self, Nodes, Unreachable.Add(node), _monitorCount);

    public HeartbeatNodeRing WithReachable(UniqueAddress node) =>
        new(Self, Nodes, Unreachable.Remove(node), _monitorCount);

    public ImmutableHashSet<UniqueAddress> ReceiversOf(UniqueAddress sender)
    {
        if (_monitorCount >= _ring.Length - 1) return Nodes.Remove(sender);
        var receivers = ImmutableHashSet.CreateBuilder<UniqueAddress>();
        var start = _ring.IndexOf(sender);
        var counted = 0;
        for (var step = 1; step < _ring.Length && counted < _monitorCount; step++)
        {
            var node = _ring[(start + step) % _ring.Length];
            receivers.Add(node);
            if (!Unreachable.Contains(node)) counted++;
        }

        return receivers.ToImmutable();
    }

    /// <summary>FNV-1a of the text: the same on every host, unlike string hash codes.</summary>
    private static uint Hash(UniqueAddress node)
    {
        var hash = 2166136261u;
        foreach (var c in node.Address.ToString()) hash = (hash ^ c) * 16777619u;
        return (hash ^ (uint)node.Uid) * 16777619u;
    }
}
