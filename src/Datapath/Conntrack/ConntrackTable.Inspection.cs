using System.Collections.Immutable;
using System.Net;

namespace Fabric.Datapath;

/// <summary>
/// What tools and zone actors ask of the tracker: dump, flush, limits, policies, sweep.
/// </summary>
public sealed partial class ConntrackTable
{
    private long _sweptAt = long.MinValue;
    private double _sweepDebt;
    private int _sweepShard;

    public uint CountMax
    {
        get => _limits.CountMax;
        set => _limits.CountMax = value;
    }

    public uint HalfOpenMax
    {
        get => _limits.HalfOpenMax;
        set => _limits.HalfOpenMax = value;
    }

    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromSeconds(20);

    public uint HalfOpenCount(ushort? zone) =>
        zone is { } number ? _limits.HalfOpenCountOf(number) : _limits.HalfOpenCount;

    public uint Count(ushort? zone) => zone is { } number ? _limits.CountOf(number) : _limits.Count;

    public void Dump(ushort? zone, Action<ConntrackEntry> visit)
    {
        var now = Volatile.Read(ref _now);
        for (var shard = 0; shard < ConnectionMap.Shards; shard++)
        {
            _map.Visit(shard, connection =>
            {
                if (zone is not null && connection.Zone != zone) return;
                if (connection.ExpiresAt > now) visit(EntryOf(connection, now));
            });
        }
    }

    public void DumpExpectations(ushort? zone, Action<ConntrackExpectation> visit)
    {
        var now = Volatile.Read(ref _now);
        using var reading = _map.Read();
        foreach (var expected in _expectations.ToArray())
        {
            if (zone is not null && expected.Key.Zone != zone) continue;
            if (expected.ExpiresAt <= now) continue;
            visit(new ConntrackExpectation(
                expected.Key.ToTuple(), expected.Parent.ToTuple(), expected.Key.Zone,
                expected.Mark, expected.Label, expected.Helper,
                (uint)((expected.ExpiresAt - now) / 1000)));
        }
    }

    public int Flush(ConntrackFilter filter)
    {
        var count = 0;
        for (var shard = 0; shard < ConnectionMap.Shards; shard++)
        {
            _map.Visit(shard, connection =>
            {
                if (IsMatch(connection, filter) && Destroy(connection)) count++;
            });
        }

        return count;
    }

    /// <summary>
    /// Removes what has expired, so much of the table at each call that all of it was looked at
    /// once in <see cref="SweepInterval"/>.
    /// </summary>
    /// <param name="nowMilliseconds">The monotonic clock of <see cref="Execute"/>.</param>
    /// <returns>How many connections were removed.</returns>
    public int Sweep(long nowMilliseconds)
    {
        var period = Math.Max(1, SweepInterval.TotalMilliseconds);
        var elapsed = _sweptAt == long.MinValue ? 0 : Math.Max(0, nowMilliseconds - _sweptAt);
        _sweptAt = nowMilliseconds;
        _sweepDebt = Math.Min(
            ConnectionMap.Shards, _sweepDebt + (elapsed / period * ConnectionMap.Shards));
        var shards = (int)_sweepDebt;
        _sweepDebt -= shards;
        return Sweep(nowMilliseconds, shards);
    }

    /// <param name="shards">How many of the 64 parts to look at.</param>
    public int Sweep(long nowMilliseconds, int shards)
    {
        Volatile.Write(ref _now, nowMilliseconds);
        _expectations.Sweep(nowMilliseconds);
        Reassembly.Sweep(nowMilliseconds);
        var count = 0;
        for (var i = 0; i < Math.Min(shards, ConnectionMap.Shards); i++)
        {
            _sweepShard = (_sweepShard + 1) % ConnectionMap.Shards;
            _map.Visit(_sweepShard, connection =>
            {
                if (connection.ExpiresAt <= nowMilliseconds && Destroy(connection)) count++;
            });
        }

        if (shards > 0) _map.Trim();

        return count;
    }

    public ConntrackTotals Totals()
    {
        var states = new SortedDictionary<string, uint>(StringComparer.Ordinal);
        for (var shard = 0; shard < ConnectionMap.Shards; shard++)
        {
            _map.Visit(shard, connection =>
            {
                var state = StateOf(connection) ?? NameOfProtocol(connection.Original.Protocol);
                states[state] = states.GetValueOrDefault(state) + 1;
            });
        }

        return new ConntrackTotals(_limits.Count, CountMax, states.ToImmutableSortedDictionary());
    }

    public ImmutableArray<int> BucketSizes()
    {
        var sizes = ImmutableArray.CreateBuilder<int>(ConnectionMap.Shards);
        for (var shard = 0; shard < ConnectionMap.Shards; shard++)
        {
            var count = 0;
            _map.Visit(shard, _ => count++);
            sizes.Add(count);
        }

        return sizes.MoveToImmutable();
    }

    public void SetLimit(ushort? zone, uint? limit) => _limits.Set(zone, limit);

    public ImmutableArray<(ushort? Zone, uint Limit, uint Count)> Limits() => _limits.List();

    public uint CountSinceLimit(ushort zone) => _limits.CountSinceLimit(zone);

    public void SetTimeoutPolicy(
        string name, ImmutableSortedDictionary<string, uint> secondsByState) =>
        _policies[name] = ConntrackTimeouts.Default.With(secondsByState);

    public void SetZoneTimeouts(
        ushort zone, ImmutableSortedDictionary<string, uint>? secondsByState) =>
        _zoneTimeouts[zone] = secondsByState is null
            ? null
            : ConntrackTimeouts.Default.With(secondsByState);

    private bool Destroy(Connection connection)
    {
        if (!_map.Remove(connection)) return false;
        connection.Enter(); // A packet that answers it may be on its way.
        var isHalfOpen = connection.IsHalfOpen;
        connection.IsHalfOpen = false;
        connection.Leave();
        _limits.Return(connection.Zone, connection.Record.LimitEpoch, isHalfOpen);
        if (connection.Extra?.Helper is not null) _expectations.RemoveAll(connection);
        Raise(ConntrackChange.Destroyed, connection);
        return true;
    }

    private void Raise(ConntrackChange change, Connection connection)
    {
        if (Changed is not { } changed) return;
        changed(new ConntrackEvent(change, EntryOf(connection, Volatile.Read(ref _now))));
    }

    private static bool IsMatch(Connection connection, ConntrackFilter filter)
    {
        if (filter.Zone is { } zone && connection.Zone != zone) return false;
        var markMask = filter.MarkMask ?? uint.MaxValue;
        if (filter.Mark is { } mark && (connection.Mark & markMask) != (mark & markMask))
        {
            return false;
        }

        var labelMask = filter.LabelMask ?? UInt128.MaxValue;
        if (filter.Label is { } label && (connection.Label & labelMask) != (label & labelMask))
        {
            return false;
        }

        return IsMatch(connection.Original, filter.Original)
            && IsMatch(connection.Reply, filter.Reply);
    }

    private static bool IsMatch(in ConntrackKey key, ConntrackTuple? wanted)
    {
        if (wanted is null) return true;
        var tuple = key.ToTuple();
        return (wanted.Protocol is null || wanted.Protocol == tuple.Protocol)
            && IsMatch(wanted.Source, tuple.Source)
            && IsMatch(wanted.Destination, tuple.Destination)
            && (wanted.PortSource is null || wanted.PortSource == tuple.PortSource)
            && (wanted.PortDestination is null || wanted.PortDestination == tuple.PortDestination)
            && (wanted.IcmpId is null || wanted.IcmpId == tuple.IcmpId);
    }

    private static bool IsMatch(IPAddress? wanted, IPAddress? address) =>
        wanted is null || wanted.Equals(address);

    private static ConntrackEntry EntryOf(Connection connection, long now) => new(
        connection.Original.ToTuple(), connection.Reply.ToTuple(), connection.Zone,
        connection.Mark, connection.Label, StateOf(connection),
        (uint)Math.Max(0, (connection.ExpiresAt - now) / 1000), connection.Extra?.Helper,
        connection.Record.PacketsOriginal, connection.Record.BytesOriginal,
        connection.Record.PacketsReply, connection.Record.BytesReply,
        connection.Record.StartedAtSeconds * 1000L)
    {
        Tcp = connection.Original.Protocol == ConntrackKey.ProtocolTcp
            ? new ConntrackTcp(
                TcpTracker.NameOf(connection.OriginalPeer.State),
                TcpTracker.NameOf(connection.ReplyPeer.State),
                (byte)connection.OriginalPeer.Scale, (byte)connection.ReplyPeer.Scale,
                FlagsOf(connection.OriginalPeer), FlagsOf(connection.ReplyPeer))
            : null,
        Parent = connection.Extra?.Parent?.ToTuple(),
        Id = connection.Hash,
    };

    private static string FlagsOf(in TcpPeer peer) =>
        peer.HasScale ? "WINDOW_SCALE" : peer.IsScaleUnknown ? "BE_LIBERAL" : "0";

    private static string? StateOf(Connection connection) =>
        connection.Original.Protocol == ConntrackKey.ProtocolTcp
            ? TcpTracker.NameOf(connection)
            : null;

    private static string NameOfProtocol(byte protocol) => protocol switch
    {
        ConntrackKey.ProtocolIcmp => "ICMP",
        ConntrackKey.ProtocolUdp => "UDP",
        ConntrackKey.ProtocolIcmpv6 => "ICMPv6",
        ConntrackKey.ProtocolSctp => "SCTP",
        _ => "other",
    };
}
