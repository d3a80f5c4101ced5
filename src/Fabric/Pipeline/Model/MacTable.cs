using System.Collections.Concurrent;
using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>Where a station was last seen.</summary>
/// <param name="Port">Name of the port (bond or single interface) that it is behind.</param>
/// <param name="OpenFlowPort">The interface's number at that time, as fdb/show prints it.</param>
/// <param name="LockedUntilMilliseconds">
/// A gratuitous ARP moved it: another packet may not move it back before then.
/// </param>
public sealed record MacEntry(
    MacBytes Mac, ushort Vlan, string Port, uint OpenFlowPort, long LearnedMilliseconds,
    long LockedUntilMilliseconds, bool IsStatic)
{
    private long _usedMilliseconds = LearnedMilliseconds;

    /// <summary>Last packet from it; refreshed by revalidation and by misses.</summary>
    public long UsedMilliseconds
    {
        get => Volatile.Read(ref _usedMilliseconds);
        internal set => Volatile.Write(ref _usedMilliseconds, value);
    }
}

/// <summary>A bridge's learned addresses: looked up by packet threads, aged by its actor.</summary>
/// <remarks>
/// Looking up takes no lock. Learning happens on a miss only, never per packet. When the table is
/// full the entry that was unused longest goes (counted as evicted). <see cref="Generation"/>
/// moves when a decision that a megaflow remembers could differ.
/// </remarks>
public sealed class MacTable
{
    public const int CountMaxDefault = 8192;
    public const int AgingSecondsDefault = 300;
    private const int GratuitousArpLockMilliseconds = 5000;

    private readonly ConcurrentDictionary<ulong, MacEntry> _entries = new();
    private readonly Lock _eviction = new();
    private int _count;
    private long _generation;
    private long _learned;
    private long _expired;
    private long _evicted;
    private long _moved;

    public int CountMax { get; set; } = CountMaxDefault;
    public int AgingSeconds { get; set; } = AgingSecondsDefault;
    public long Generation => Interlocked.Read(ref _generation);

    /// <summary>Kept beside the dictionary, whose own count takes every one of its locks.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Learned, expired, evicted and moved since the start or the last clearing.</summary>
    public (long Learned, long Expired, long Evicted, long Moved) Totals =>
        (Interlocked.Read(ref _learned), Interlocked.Read(ref _expired),
            Interlocked.Read(ref _evicted), Interlocked.Read(ref _moved));

    public MacEntry? Find(MacBytes mac, ushort vlan) =>
        _entries.TryGetValue(KeyOf(mac, vlan), out var entry) ? entry : null;

    /// <summary>Notes that 'mac' is behind 'port'; true when that is news.</summary>
    public bool Learn(
        MacBytes mac, ushort vlan, string port, uint openFlowPort, bool isGratuitousArp, long now)
    {
        var key = KeyOf(mac, vlan);
        if (_entries.TryGetValue(key, out var known))
        {
            if (known.IsStatic) return false;
            if (known.Port == port && known.OpenFlowPort == openFlowPort)
            {
                known.UsedMilliseconds = now;
                return false;
            }

            if (!isGratuitousArp && now < known.LockedUntilMilliseconds) return false;
            Interlocked.Increment(ref _moved);
        }
        else
        {
            Interlocked.Increment(ref _learned);
            if (Count >= CountMax) Evict();
        }

        var locked = isGratuitousArp ? now + GratuitousArpLockMilliseconds : 0;
        Put(key, new MacEntry(mac, vlan, port, openFlowPort, now, locked, false));
        return true;
    }

    public void AddStatic(MacBytes mac, ushort vlan, string port, uint openFlowPort, long now)
    {
        Put(KeyOf(mac, vlan), new MacEntry(mac, vlan, port, openFlowPort, now, 0, true));
    }

    public bool Remove(MacBytes mac, ushort vlan) =>
        _entries.TryGetValue(KeyOf(mac, vlan), out var entry) && Drop(entry);

    /// <summary>Forgets what is older than the aging time; static entries stay.</summary>
    public void Age(long now)
    {
        foreach (var entry in _entries.Values)
        {
            if (entry.IsStatic || now - entry.UsedMilliseconds < AgingSeconds * 1000L) continue;
            if (Drop(entry)) Interlocked.Increment(ref _expired);
        }
    }

    /// <summary>Forgets learned entries of 'port', or all when it is null.</summary>
    public int Flush(string? port = null)
    {
        var count = 0;
        foreach (var entry in _entries.Values)
        {
            if (entry.IsStatic || (port is not null && entry.Port != port)) continue;
            if (Drop(entry)) count++;
        }

        return count;
    }

    public void ClearTotals()
    {
        Interlocked.Exchange(ref _learned, 0);
        Interlocked.Exchange(ref _expired, 0);
        Interlocked.Exchange(ref _evicted, 0);
        Interlocked.Exchange(ref _moved, 0);
    }

    /// <summary>All entries, the most recently used last.</summary>
    public ImmutableArray<MacEntry> Dump() =>
        [.. _entries.Values.OrderBy(entry => entry.UsedMilliseconds)
            .ThenBy(entry => entry.Mac).ThenBy(entry => entry.Vlan)];

    private void Evict()
    {
        lock (_eviction)
        {
            while (Count >= CountMax)
            {
                MacEntry? oldest = null;
                foreach (var entry in _entries.Values)
                {
                    if (entry.IsStatic) continue;
                    if (oldest is null || entry.UsedMilliseconds < oldest.UsedMilliseconds)
                    {
                        oldest = entry;
                    }
                }

                if (oldest is null) return;
                if (Drop(oldest)) Interlocked.Increment(ref _evicted);
            }
        }
    }

    private void Put(ulong key, MacEntry entry)
    {
        while (!_entries.TryAdd(key, entry))
        {
            if (!_entries.TryGetValue(key, out var known)) continue;
            if (!_entries.TryUpdate(key, entry, known)) continue;
            Interlocked.Increment(ref _generation);
            return;
        }

        Interlocked.Increment(ref _count);
        Interlocked.Increment(ref _generation);
    }

    private bool Drop(MacEntry entry)
    {
        var pair = new KeyValuePair<ulong, MacEntry>(KeyOf(entry.Mac, entry.Vlan), entry);
        if (!_entries.TryRemove(pair)) return false;
        Interlocked.Decrement(ref _count);
        Interlocked.Increment(ref _generation);
        return true;
    }

    private static ulong KeyOf(MacBytes mac, ushort vlan) =>
        mac.ToUInt64() | ((ulong)vlan << 48);
}
