using System.Collections.Immutable;

namespace Fabric.Datapath;

/// <summary>
/// How many connections there may be, in all and by zone; and how many there are.
/// </summary>
/// <remarks>
/// Reached: a new connection is not committed and the packet is counted as ConntrackFull,
/// ConntrackZoneLimit or ConntrackHalfOpen; established ones are not touched.
/// </remarks>
internal sealed class ConntrackLimits
{
    public const uint CountMaxDefault = 3_000_000;

    private readonly int[] _counts = new int[65536];
    private readonly int[] _limits = new int[65536]; // 0: the default limit; else limit + 1.
    private readonly int[] _halfOpen = new int[65536];
    private int _count;
    private int _halfOpenCount;
    private long _limitDefault = long.MaxValue;

    public uint CountMax { get; set; } = CountMaxDefault;

    /// <summary>Unanswered connections that one zone may hold; 0: as many as connections.</summary>
    public uint HalfOpenMax { get; set; }
    public uint Count => (uint)Math.Max(0, Volatile.Read(ref _count));

    /// <summary>Connections whose other end has not answered yet.</summary>
    public uint HalfOpenCount => (uint)Math.Max(0, Volatile.Read(ref _halfOpenCount));

    public uint HalfOpenCountOf(ushort zone) =>
        (uint)Math.Max(0, Volatile.Read(ref _halfOpen[zone]));

    public uint CountOf(ushort zone) => (uint)Math.Max(0, Volatile.Read(ref _counts[zone]));

    /// <summary>Takes a place in 'zone', or says which limit forbids it.</summary>
    public bool TryTake(ushort zone, out Wire.DropReason reason)
    {
        if (Interlocked.Increment(ref _count) > CountMax)
        {
            Interlocked.Decrement(ref _count);
            reason = Wire.DropReason.ConntrackFull;
            return false;
        }

        if (Interlocked.Increment(ref _counts[zone]) > LimitOf(zone))
        {
            Interlocked.Decrement(ref _counts[zone]);
            Interlocked.Decrement(ref _count);
            reason = Wire.DropReason.ConntrackZoneLimit;
            return false;
        }

        if (Interlocked.Increment(ref _halfOpen[zone]) > HalfOpenMax && HalfOpenMax != 0)
        {
            Interlocked.Decrement(ref _halfOpen[zone]);
            Interlocked.Decrement(ref _counts[zone]);
            Interlocked.Decrement(ref _count);
            reason = Wire.DropReason.ConntrackHalfOpen;
            return false;
        }

        Interlocked.Increment(ref _halfOpenCount);
        reason = Wire.DropReason.None;
        return true;
    }

    public void Return(ushort zone, bool isHalfOpen)
    {
        Interlocked.Decrement(ref _counts[zone]);
        Interlocked.Decrement(ref _count);
        if (isHalfOpen) ReturnHalfOpen(zone);
    }

    /// <summary>One connection of 'zone' was answered, or is gone without an answer.</summary>
    public void ReturnHalfOpen(ushort zone)
    {
        Interlocked.Decrement(ref _halfOpen[zone]);
        Interlocked.Decrement(ref _halfOpenCount);
    }

    /// <param name="zone">Null: the limit of all zones that have none of their own.</param>
    /// <param name="limit">Null: no limit of its own; 0 is OVS's word for unlimited.</param>
    public void Set(ushort? zone, uint? limit)
    {
        if (zone is null)
        {
            _limitDefault = limit is null or 0 ? long.MaxValue : limit.Value;
            return;
        }

        _limits[zone.Value] = limit is null ? 0 : limit == 0 ? int.MaxValue
            : (int)Math.Min(limit.Value, int.MaxValue - 2) + 1;
    }

    public ImmutableArray<(ushort? Zone, uint Limit, uint Count)> List()
    {
        var list = ImmutableArray.CreateBuilder<(ushort?, uint, uint)>();
        list.Add((null, _limitDefault == long.MaxValue ? 0 : (uint)_limitDefault, 0));
        for (var zone = 0; zone < _limits.Length; zone++)
        {
            if (_limits[zone] == 0) continue;
            var limit = _limits[zone] == int.MaxValue ? 0 : (uint)_limits[zone] - 1;
            list.Add(((ushort)zone, limit, CountOf((ushort)zone)));
        }

        return list.ToImmutable();
    }

    private long LimitOf(ushort zone) => _limits[zone] switch
    {
        0 => _limitDefault,
        int.MaxValue => long.MaxValue,
        var limit => limit - 1,
    };
}
