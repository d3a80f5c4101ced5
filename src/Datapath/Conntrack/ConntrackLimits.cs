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

    /// <summary>Of a pair of counts in one word: one more unanswered connection.</summary>
    private const long OneHalfOpen = 1L << 32;

    private readonly long[] _zones = new long[65536]; // Connections, and unanswered ones above.
    private readonly int[] _limits = new int[65536]; // 0: the default limit; else limit + 1.
    private long _all;
    private long _limitDefault = long.MaxValue;

    public uint CountMax { get; set; } = CountMaxDefault;

    /// <summary>Unanswered connections that one zone may hold; 0: as many as connections.</summary>
    public uint HalfOpenMax { get; set; }
    public uint Count => (uint)Volatile.Read(ref _all);

    /// <summary>Connections whose other end has not answered yet.</summary>
    public uint HalfOpenCount => (uint)(Volatile.Read(ref _all) >> 32);

    public uint HalfOpenCountOf(ushort zone) => (uint)(Volatile.Read(ref _zones[zone]) >> 32);

    public uint CountOf(ushort zone) => (uint)Volatile.Read(ref _zones[zone]);

    /// <summary>Takes a place in 'zone', or says which limit forbids it.</summary>
    public bool TryTake(ushort zone, out Wire.DropReason reason)
    {
        var held = Interlocked.Add(ref _zones[zone], OneHalfOpen + 1);
        var all = Interlocked.Add(ref _all, OneHalfOpen + 1);
        reason = (uint)all > CountMax ? Wire.DropReason.ConntrackFull
            : (uint)held > LimitOf(zone) ? Wire.DropReason.ConntrackZoneLimit
            : HalfOpenMax != 0 && held >> 32 > HalfOpenMax ? Wire.DropReason.ConntrackHalfOpen
            : Wire.DropReason.None;
        if (reason == Wire.DropReason.None) return true;
        Return(zone, isHalfOpen: true);
        return false;
    }

    public void Return(ushort zone, bool isHalfOpen)
    {
        var change = isHalfOpen ? OneHalfOpen + 1 : 1;
        Interlocked.Add(ref _zones[zone], -change);
        Interlocked.Add(ref _all, -change);
    }

    /// <summary>One connection of 'zone' was answered.</summary>
    public void ReturnHalfOpen(ushort zone)
    {
        Interlocked.Add(ref _zones[zone], -OneHalfOpen);
        Interlocked.Add(ref _all, -OneHalfOpen);
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
