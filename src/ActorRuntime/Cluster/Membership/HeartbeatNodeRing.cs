using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>All nodes on a ring; each sends heartbeats to the few that follow it.</summary>
/// <remarks>
/// The order is by a hash, so that neighbours in the address range are not neighbours here. The
/// unreachable among the followers do not count, so that as many reachable ones as wanted remain.
/// </remarks>
internal sealed class HeartbeatNodeRing
{
    private readonly UniqueAddress[] _ring;
    private readonly int _monitorCount;

    public HeartbeatNodeRing(
        UniqueAddress self,
        IEnumerable<UniqueAddress> nodes,
        ImmutableHashSet<UniqueAddress> unreachable,
        int monitorCount)
    {
        Self = self;
        Unreachable = unreachable;
        _monitorCount = monitorCount;
        _ring = [.. nodes.Append(self).Distinct()];
        Array.Sort(_ring, ByHash);
        MyReceivers = ReceiversOf(self);
    }

    public UniqueAddress Self { get; }

    public IReadOnlyCollection<UniqueAddress> Nodes => _ring;

    public ImmutableHashSet<UniqueAddress> Unreachable { get; }

    /// <summary>The members that it was made of.</summary>
    public MemberTable? Table { get; init; }

    /// <summary>To whom this node sends heartbeats.</summary>
    public ImmutableHashSet<UniqueAddress> MyReceivers { get; }

    /// <summary>Made of these; what is told of a member besides does not matter.</summary>
    public bool IsOf(MemberTable table, ImmutableHashSet<UniqueAddress> unreachable) =>
        Table is not null && Table.HasSameNodes(table)
        && (ReferenceEquals(Unreachable, unreachable) || Unreachable.SetEquals(unreachable));

    public HeartbeatNodeRing WithUnreachable(UniqueAddress node) =>
        new(Self, _ring, Unreachable.Add(node), _monitorCount);

    public HeartbeatNodeRing WithReachable(UniqueAddress node) =>
        new(Self, _ring, Unreachable.Remove(node), _monitorCount);

    public ImmutableHashSet<UniqueAddress> ReceiversOf(UniqueAddress sender)
    {
        if (_monitorCount >= _ring.Length - 1) return [.. _ring.Where(node => node != sender)];
        var receivers = ImmutableHashSet.CreateBuilder<UniqueAddress>();
        var start = Array.BinarySearch(_ring, sender, ByHash);
        var counted = 0;
        for (var step = 1; step < _ring.Length && counted < _monitorCount; step++)
        {
            var node = _ring[(start + step) % _ring.Length];
            receivers.Add(node);
            if (!Unreachable.Contains(node)) counted++;
        }

        return receivers.ToImmutable();
    }

    private static readonly Comparer<UniqueAddress> ByHash = Comparer<UniqueAddress>.Create(
        (one, other) => one.StableHash != other.StableHash
            ? one.StableHash.CompareTo(other.StableHash)
            : one.CompareTo(other));
}
