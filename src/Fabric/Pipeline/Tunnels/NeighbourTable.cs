using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>A neighbour on a bridge's link: whom tunnels send their packets to.</summary>
public sealed class Neighbour(
    NeighbourTable table, string bridge, IPAddress address, MacBytes mac, long ordinal)
{
    private long _expires;

    public string Bridge { get; } = bridge;
    public IPAddress Address { get; } = address;
    public MacBytes Mac { get; } = mac;
    internal long Ordinal { get; } = ordinal;

    internal bool IsExpired(long now) => now >= Interlocked.Read(ref _expires);

    /// <summary>Packets went to it: it lives on.</summary>
    public void Refresh(long now) =>
        Interlocked.Exchange(ref _expires, now + (table.AgingSeconds * 1000L));
}

/// <summary>What an answer told: packets of the same megaflow tell it again.</summary>
public sealed record NeighbourHeard(
    NeighbourTable Table, string Bridge, IPAddress Address, MacBytes Mac)
{
    public void Refresh(long now) => Table.Set(Bridge, Address, Mac, now);
}

/// <summary>Link addresses that ARP and neighbour discovery told of (tnl/neigh/*).</summary>
/// <remarks>Looking up takes no lock. Bounded: beyond the limit nothing more is learned.</remarks>
public sealed class NeighbourTable
{
    public const int CountMax = 65_536;

    private readonly ConcurrentDictionary<(string Bridge, IPAddress Address), Neighbour> _all =
        new();
    private long _version;
    private long _ordinal;

    /// <summary>Life of an entry that is not used; at least 1.</summary>
    public int AgingSeconds { get; set; } = 900;

    /// <summary>Grows with each change.</summary>
    public long Version => Interlocked.Read(ref _version);

    /// <summary>In the order in which they became known.</summary>
    public ImmutableArray<Neighbour> All => [.. _all.Values.OrderBy(each => each.Ordinal)];

    public Neighbour? Find(string bridge, IPAddress address, long now) =>
        _all.TryGetValue((bridge, address), out var found) && !found.IsExpired(now)
            ? found : null;

    public void Set(string bridge, IPAddress address, MacBytes mac, long now)
    {
        var key = (bridge, address);
        if (_all.TryGetValue(key, out var before) && before.Mac == mac && !before.IsExpired(now))
        {
            before.Refresh(now);
            return;
        }

        if (before is null && _all.Count >= CountMax) return;
        var fresh = new Neighbour(this, bridge, address, mac, Interlocked.Increment(ref _ordinal));
        fresh.Refresh(now);
        _all[key] = fresh;
        Interlocked.Increment(ref _version);
    }

    public void Flush()
    {
        _all.Clear();
        Interlocked.Increment(ref _version);
    }

    /// <summary>Forgets those that nobody used.</summary>
    public void Sweep(long now)
    {
        foreach (var (key, each) in _all)
        {
            if (!each.IsExpired(now)) continue;
            if (_all.TryRemove(new KeyValuePair<(string, IPAddress), Neighbour>(key, each)))
            {
                Interlocked.Increment(ref _version);
            }
        }
    }
}
