using System.Collections.Immutable;
using System.Net;

namespace Fabric.Datapath;

/// <summary>
/// What tools and zone actors ask of the tracker: dump, flush, limits, policies, sweep.
/// </summary>
public sealed partial class ConntrackTable
{
    public uint CountMax
    {
        get => _limits.CountMax;
        set => _limits.CountMax = value;
    }

    public void Dump(ushort? zone, Action<ConntrackEntry> visit)
    {
        var now = Volatile.Read(ref _now);
        for (var shard = 0; shard < _map.Shards; shard++)
        {
            _map.Visit(shard, connection =>
            {
                if (zone is not null && connection.Original.Zone != zone) return;
                if (connection.ExpiresAt > now) visit(EntryOf(connection, now));
            });
        }
    }

    public int Flush(ConntrackFilter filter)
    {
        var count = 0;
        for (var shard = 0; shard < _map.Shards; shard++)
        {
            _map.Visit(shard, connection =>
            {
                if (IsMatch(connection, filter) && Destroy(connection)) count++;
            });
        }

        return count;
    }

    /// <summary>Removes what has expired, a part of the table at each call.</summary>
    /// <param name="nowMilliseconds">The monotonic clock of <see cref="Execute"/>.</param>
    /// <param name="shards">How many of the 64 parts to look at.</param>
    /// <returns>How many connections were removed.</returns>
    public int Sweep(long nowMilliseconds, int shards = 8)
    {
        Volatile.Write(ref _now, nowMilliseconds);
        var count = 0;
        for (var i = 0; i < Math.Min(shards, _map.Shards); i++)
        {
            _sweepShard = (_sweepShard + 1) % _map.Shards;
            _map.Visit(_sweepShard, connection =>
            {
                if (connection.ExpiresAt <= nowMilliseconds && Destroy(connection)) count++;
            });
        }

        return count;
    }

    public ConntrackTotals Totals()
    {
        var states = new SortedDictionary<string, uint>(StringComparer.Ordinal);
        for (var shard = 0; shard < _map.Shards; shard++)
        {
            _map.Visit(shard, connection =>
            {
                var state = StateOf(connection) ?? NameOfProtocol(connection.Original.Protocol);
                states[state] = states.GetValueOrDefault(state) + 1;
            });
        }

        return new ConntrackTotals(_limits.Count, CountMax, states.ToImmutableSortedDictionary());
    }

    public void SetLimit(ushort? zone, uint? limit) => _limits.Set(zone, limit);

    public ImmutableArray<(ushort? Zone, uint Limit, uint Count)> Limits() => _limits.List();

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
        _limits.Return(connection.Original.Zone);
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
        if (filter.Zone is { } zone && connection.Original.Zone != zone) return false;
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
        connection.Original.ToTuple(), connection.Reply.ToTuple(), connection.Original.Zone,
        connection.Mark, connection.Label, StateOf(connection),
        (uint)Math.Max(0, (connection.ExpiresAt - now) / 1000), connection.Helper,
        connection.PacketsOriginal, connection.BytesOriginal,
        connection.PacketsReply, connection.BytesReply, connection.StartedAt);

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
