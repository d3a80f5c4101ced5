using System.Collections.Immutable;

namespace Fabric.Datapath;

/// <summary>
/// How many connections there may be, in all and by zone; and how many there are.
/// </summary>
/// <remarks>
/// Reached: a new connection is not committed and the packet is counted as ConntrackFull,
/// ConntrackZoneLimit or ConntrackHalfOpen; established ones are not touched. As in Open vSwitch
/// what a zone held before its limit was set does not count against it: every limit, and every
/// end of one, begins an epoch of the zone.
/// </remarks>
internal sealed class ConntrackLimits
{
    public const uint CountMaxDefault = 3_000_000;

    /// <summary>Of a pair of counts in one word: one more unanswered connection.</summary>
    private const long OneHalfOpen = 1L << 32;

    private struct Zone
    {
        /// <summary>Connections, and unanswered ones above.</summary>
        public long Held;

        /// <summary>Of the connections, those of earlier epochs.</summary>
        public int Older;

        /// <summary>0: the default limit; else limit + 1.</summary>
        public int Limit;
        public byte Epoch;
    }

    private readonly Zone[] _zones = new Zone[65536];
    private long _all;
    private long _limitDefault = long.MaxValue;

    public uint CountMax { get; set; } = CountMaxDefault;

    /// <summary>Unanswered connections that one zone may hold; 0: as many as connections.</summary>
    public uint HalfOpenMax { get; set; }
    public uint Count => (uint)Volatile.Read(ref _all);

    /// <summary>Connections whose other end has not answered yet.</summary>
    public uint HalfOpenCount => (uint)(Volatile.Read(ref _all) >> 32);

    public uint HalfOpenCountOf(ushort zone) => (uint)(Volatile.Read(ref _zones[zone].Held) >> 32);

    public uint CountOf(ushort zone) => (uint)Volatile.Read(ref _zones[zone].Held);

    /// <summary>Connections that count against a limit of 'zone'.</summary>
    public uint CountSinceLimit(ushort zone) =>
        SinceLimit(ref _zones[zone], Volatile.Read(ref _zones[zone].Held));

    /// <summary>Takes a place in 'zone', or says which limit forbids it.</summary>
    /// <param name="epoch">To be told to <see cref="Return"/>.</param>
    public bool TryTake(ushort zone, out byte epoch, out Wire.DropReason reason)
    {
        ref var entry = ref _zones[zone];
        epoch = Volatile.Read(ref entry.Epoch);
        var held = Interlocked.Add(ref entry.Held, OneHalfOpen + 1);
        var all = Interlocked.Add(ref _all, OneHalfOpen + 1);
        reason = (uint)all > CountMax ? Wire.DropReason.ConntrackFull
            : SinceLimit(ref entry, held) > LimitOf(entry) ? Wire.DropReason.ConntrackZoneLimit
            : HalfOpenMax != 0 && held >> 32 > HalfOpenMax ? Wire.DropReason.ConntrackHalfOpen
            : Wire.DropReason.None;
        if (reason == Wire.DropReason.None) return true;
        Return(zone, epoch, isHalfOpen: true);
        return false;
    }

    public void Return(ushort zone, byte epoch, bool isHalfOpen)
    {
        ref var entry = ref _zones[zone];
        var change = isHalfOpen ? OneHalfOpen + 1 : 1;
        if (epoch != Volatile.Read(ref entry.Epoch)) Interlocked.Decrement(ref entry.Older);
        Interlocked.Add(ref entry.Held, -change);
        Interlocked.Add(ref _all, -change);
    }

    /// <summary>One connection of 'zone' was answered.</summary>
    public void ReturnHalfOpen(ushort zone)
    {
        Interlocked.Add(ref _zones[zone].Held, -OneHalfOpen);
        Interlocked.Add(ref _all, -OneHalfOpen);
    }

    /// <param name="zone">Null: the limit of all zones that have none of their own.</param>
    /// <param name="limit">
    /// Null: no limit of its own; 0 is ovs-dpctl's word for unlimited.
    /// </param>
    public void Set(ushort? zone, uint? limit)
    {
        if (zone is null)
        {
            var isFirst = _limitDefault == long.MaxValue;
            _limitDefault = limit is null or 0 ? long.MaxValue : limit.Value;
            if (!isFirst) return;
            foreach (ref var each in _zones.AsSpan())
            {
                if (each.Limit == 0) BeginEpoch(ref each);
            }

            return;
        }

        ref var entry = ref _zones[zone.Value];
        var had = entry.Limit != 0;
        entry.Limit = limit is null ? 0 : limit == 0 ? int.MaxValue
            : (int)Math.Min(limit.Value, int.MaxValue - 2) + 1;
        if (had != (entry.Limit != 0)) BeginEpoch(ref entry);
    }

    public ImmutableArray<(ushort? Zone, uint Limit, uint Count)> List()
    {
        var list = ImmutableArray.CreateBuilder<(ushort?, uint, uint)>();
        list.Add((null, _limitDefault == long.MaxValue ? 0 : (uint)_limitDefault, 0));
        for (var zone = 0; zone < _zones.Length; zone++)
        {
            var set = _zones[zone].Limit;
            if (set == 0) continue;
            var limit = set == int.MaxValue ? 0 : (uint)set - 1;
            list.Add(((ushort)zone, limit, CountSinceLimit((ushort)zone)));
        }

        return list.ToImmutable();
    }

    /// <summary>A connection that comes or goes meanwhile may count on either side.</summary>
    private static void BeginEpoch(ref Zone entry)
    {
        if (entry.Held == 0 && entry.Older == 0) return;
        entry.Epoch++;
        Volatile.Write(ref entry.Older, (int)(uint)Volatile.Read(ref entry.Held));
    }

    private static uint SinceLimit(ref Zone entry, long held) =>
        (uint)Math.Max(0, (int)(uint)held - Volatile.Read(ref entry.Older));

    private long LimitOf(in Zone entry) => entry.Limit switch
    {
        0 => _limitDefault,
        int.MaxValue => long.MaxValue,
        var limit => limit - 1,
    };
}
