using System.Collections.Concurrent;
using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>The connection tracker of the managed datapath.</summary>
/// <remarks>
/// Looked up by packet threads without locks; a connection found is taken for the moment of its
/// update. Nothing here sleeps or ticks by itself: <see cref="Sweep"/> is called now and then by
/// whoever owns the datapath, and every look-up checks the expiry of what it found. Times are
/// milliseconds of a monotonic clock that the caller passes in.
/// </remarks>
public sealed partial class ConntrackTable : IDatapathConntrack
{
    private readonly ConnectionMap _map;
    private readonly ConntrackLimits _limits = new();
    private readonly ConcurrentDictionary<string, ConntrackTimeouts> _policies = new();
    private readonly ConntrackTimeouts?[] _zoneTimeouts = new ConntrackTimeouts?[65536];
    private readonly long[] _drops = new long[DropReasons.Count];
    private readonly ulong _seed;
    private ulong _random;
    private int _sweepShard;
    private long _now;

    /// <param name="seed">Secret of the hash, and start of the random port choice.</param>
    public ConntrackTable(ulong seed)
    {
        _seed = seed;
        _random = seed | 1;
        _map = new ConnectionMap(seed);
    }

    /// <summary>TCP window checking; off lets segments out of window pass as established.</summary>
    public bool IsTcpSequenceChecked { get; set; } = true;

    public event Action<ConntrackEvent>? Changed;

    /// <summary>Packets that the tracker refused, by reason.</summary>
    public ulong DropCount(DropReason reason) => (ulong)Volatile.Read(ref _drops[(int)reason]);

    /// <summary>
    /// Tracks one packet: sets the key's conntrack fields, translates if asked to.
    /// </summary>
    /// <returns>True when bytes of the packet changed: the key must be extracted anew.</returns>
    public bool Execute(
        PacketBuffer packet, ref FlowKey key, ConntrackAction action, long nowMilliseconds)
    {
        Volatile.Write(ref _now, nowMilliseconds);
        if (!TrackedPacket.TryParseFrame(packet.Bytes, out var tracked, out _))
        {
            SetInvalid(ref key, action.Zone);
            return false;
        }

        var isPartial = packet.ChecksumStart >= 0;
        return tracked.IsIcmpError
            ? ExecuteError(tracked, ref key, action, packet.Size, nowMilliseconds)
            : ExecutePacket(tracked, ref key, action, packet.Size, isPartial, nowMilliseconds);
    }

    /// <summary>Forgets what tracking said of the packet (ct_clear).</summary>
    public static void Clear(ref FlowKey key)
    {
        key.ConntrackStateWire = 0;
        key.ConntrackZoneWire = 0;
        key.ConntrackMarkWire = 0;
        key.ConntrackLabelHighWire = 0;
        key.ConntrackLabelLowWire = 0;
        key.Words[(FlowKey.OriginalTupleOffset / 8)..(FlowKey.LinkOffset / 8)].Clear();
        key.ConntrackProtocol = 0;
    }

    private bool ExecutePacket(
        TrackedPacket tracked, ref FlowKey key, ConntrackAction action, int size,
        bool isPartial, long now)
    {
        var tuple = tracked.ToKey(action.Zone);
        TcpSegment segment = default;
        if (tuple.Protocol == ConntrackKey.ProtocolTcp) segment = tracked.ReadTcp();

        var isFound = TryFindLive(tuple, now, out var connection, out var isReply);
        if (isFound && action.Force && action.Commit && isReply)
        {
            Destroy(connection);
            isFound = false;
        }

        var state = ConntrackState.Tracked;
        if (isFound)
        {
            var verdict = Update(connection, segment, isReply, size, now);
            if (verdict == TrackVerdict.Invalid)
            {
                SetInvalid(ref key, action.Zone);
                return false;
            }

            if (verdict == TrackVerdict.Reopened)
            {
                Destroy(connection);
                isFound = false;
            }
            else
            {
                state |= verdict == TrackVerdict.StillNew
                    ? ConntrackState.New
                    : ConntrackState.Established;
                if (isReply) state |= ConntrackState.Reply;
                if (connection.Parent is not null) state |= ConntrackState.Related;
            }
        }

        if (!isFound)
        {
            if (!CanStart(tuple, segment))
            {
                SetInvalid(ref key, action.Zone);
                return false;
            }

            state |= ConntrackState.New;
            isReply = false;
            if (!action.Commit)
            {
                SetUncommitted(ref key, action.Zone, state, tuple);
                return false;
            }

            if (!TryCreate(tuple, segment, action, size, now, out connection))
            {
                SetInvalid(ref key, action.Zone);
                return false;
            }
        }

        return Finish(tracked, ref key, action, connection, state, isReply, isPartial, isFound);
    }

    /// <summary>
    /// Marks, labels, translation and the key of a packet whose connection is known.
    /// </summary>
    private bool Finish(
        TrackedPacket tracked, ref FlowKey key, ConntrackAction action, Connection connection,
        ConntrackState state, bool isReply, bool isPartial, bool isOld)
    {
        if (action.Commit && SetMarks(connection, action) && isOld)
        {
            Raise(ConntrackChange.Updated, connection);
        }

        var changed = false;
        if (action.Nat is not null && connection.Nat != NatType.None)
        {
            state |= connection.Nat == NatType.Source
                ? ConntrackState.SourceNat
                : ConntrackState.DestinationNat;
            var wanted = isReply ? connection.Original.Reversed() : connection.Reply.Reversed();
            changed = NatRewriter.Rewrite(tracked, wanted, isPartial);
        }

        SetTracked(ref key, action.Zone, state, connection);
        return changed;
    }

    private bool ExecuteError(
        TrackedPacket error, ref FlowKey key, ConntrackAction action, int size, long now)
    {
        var quotedBytes = error.Transport[8..];
        if (!TrackedPacket.TryParse(quotedBytes, isQuoted: true, out var quoted)
            || quoted.IsIpv6 != error.IsIpv6)
        {
            SetInvalid(ref key, action.Zone);
            return false;
        }

        // The error travels against the packet that it quotes.
        var tuple = quoted.ToKey(action.Zone).Reversed();
        if (!TryFindLive(tuple, now, out var connection, out var isReply))
        {
            SetInvalid(ref key, action.Zone);
            return false;
        }

        connection.Count(isReply, size);
        var state = ConntrackState.Tracked | ConntrackState.Related;
        if (isReply) state |= ConntrackState.Reply;

        var changed = false;
        if (action.Nat is not null && connection.Nat != NatType.None)
        {
            state |= connection.Nat == NatType.Source
                ? ConntrackState.SourceNat
                : ConntrackState.DestinationNat;
            changed = TranslateError(error, quoted, connection, isReply);
        }

        SetTracked(ref key, action.Zone, state, connection);
        return changed;
    }

    private static bool TranslateError(
        TrackedPacket error, TrackedPacket quoted, Connection connection, bool isReply)
    {
        // Beyond the translation the quoted packet looks as its sender sent it.
        var restored = isReply ? connection.Original : connection.Reply;
        var seen = quoted.ToKey(restored.Zone);
        var outer = error.ToKey(restored.Zone);
        if (outer.Source.Equals(seen.Destination)) outer.Source = restored.Destination;
        outer.Destination = restored.Source;
        return NatRewriter.RewriteError(error, outer, restored);
    }

    private TrackVerdict Update(
        Connection connection, in TcpSegment segment, bool isReply, int size, long now)
    {
        connection.Enter();
        try
        {
            var verdict = connection.Original.Protocol == ConntrackKey.ProtocolTcp
                ? TcpTracker.Update(connection, segment, isReply, IsTcpSequenceChecked)
                : UpdateGeneric(connection, isReply);
            if (verdict is TrackVerdict.Established or TrackVerdict.StillNew)
            {
                connection.Count(isReply, size);
                connection.ExpiresAt = now + (connection.Timeouts.SecondsOf(connection) * 1000L);
            }

            return verdict;
        }
        finally
        {
            connection.Leave();
        }
    }

    private static TrackVerdict UpdateGeneric(Connection connection, bool isReply)
    {
        if (isReply)
        {
            connection.Generic = GenericState.Both;
            return TrackVerdict.Established;
        }

        if (connection.Generic == GenericState.Both) return TrackVerdict.Established;
        connection.Generic = GenericState.Multiple;
        return TrackVerdict.StillNew;
    }

    private static bool CanStart(in ConntrackKey tuple, in TcpSegment segment) =>
        tuple.Protocol switch
        {
            ConntrackKey.ProtocolTcp => TcpTracker.CanStart(segment),
            ConntrackKey.ProtocolIcmp => tuple.IcmpType is 8 or 13 or 15,
            ConntrackKey.ProtocolIcmpv6 => tuple.IcmpType == 128,
            _ => true,
        };

    private bool TryFindLive(
        in ConntrackKey tuple, long now, out Connection connection, out bool isReply)
    {
        if (!_map.TryFind(tuple, out connection, out isReply)) return false;
        if (connection.ExpiresAt > now) return true;
        Destroy(connection);
        return false;
    }

    private bool TryCreate(
        in ConntrackKey tuple, in TcpSegment segment, ConntrackAction action, int size, long now,
        out Connection connection)
    {
        connection = new Connection
        {
            Original = tuple,
            Reply = tuple.Reversed(),
            StartedAt = now,
            Helper = action.Helper,
            Timeouts = PolicyOf(action),
        };
        if (!_limits.TryTake(tuple.Zone, out var reason)) return Refuse(reason);

        if (tuple.Protocol == ConntrackKey.ProtocolTcp) TcpTracker.Start(connection, segment);
        connection.Count(isReply: false, size);
        connection.ExpiresAt = now + (connection.Timeouts.SecondsOf(connection) * 1000L);
        SetMarks(connection, action);

        // Another thread may take the chosen tuple between the test and the insertion.
        for (var tries = 0; tries < 4; tries++)
        {
            if (action.Nat is { } spec && !TryTranslate(connection, spec))
            {
                _limits.Return(tuple.Zone);
                return Refuse(DropReason.ConntrackNatExhausted);
            }

            if (_map.TryAdd(connection))
            {
                Raise(ConntrackChange.New, connection);
                return true;
            }
        }

        _limits.Return(tuple.Zone);
        return Refuse(DropReason.ConntrackNatExhausted);
    }

    private bool TryTranslate(Connection connection, NatSpec spec)
    {
        var entropy = spec.RandomPorts ? NextRandom() : _seed;
        if (spec.Type == NatType.None)
        {
            connection.Reply = connection.Original.Reversed();
            return true;
        }

        if (!NatAllocator.TryChoose(connection.Original, spec, entropy, IsFree, out var reply))
        {
            return false;
        }

        connection.Reply = reply;
        connection.Nat = reply.Equals(connection.Original.Reversed()) ? NatType.None : spec.Type;
        return true;
    }

    private bool IsFree(in ConntrackKey key) => !_map.TryFind(key, out _, out _);

    private ulong NextRandom()
    {
        // xorshift64*: only spreads ports, guards nothing.
        var x = _random;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        _random = x;
        return x * 0x2545_F491_4F6C_DD1D;
    }

    private static bool SetMarks(Connection connection, ConntrackAction action)
    {
        if (action.MarkMask == 0 && action.LabelMask == UInt128.Zero) return false;
        connection.Mark = (connection.Mark & ~action.MarkMask) | (action.Mark & action.MarkMask);
        connection.Label =
            (connection.Label & ~action.LabelMask) | (action.Label & action.LabelMask);
        return true;
    }

    private ConntrackTimeouts PolicyOf(ConntrackAction action) =>
        action.TimeoutPolicy is { } name && _policies.TryGetValue(name, out var policy)
            ? policy
            : _zoneTimeouts[action.Zone] ?? ConntrackTimeouts.Default;

    private bool Refuse(DropReason reason)
    {
        Interlocked.Increment(ref _drops[(int)reason]);
        return false;
    }

    private void SetInvalid(ref FlowKey key, ushort zone)
    {
        Interlocked.Increment(ref _drops[(int)DropReason.ConntrackInvalid]);
        Clear(ref key);
        key.ConntrackZone = zone;
        key.ConntrackState = ConntrackState.Tracked | ConntrackState.Invalid;
    }
}
