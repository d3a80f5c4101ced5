using System.Collections.Concurrent;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>The connection tracker of the managed datapath.</summary>
/// <remarks>
/// Looked up by packet threads without locks; a connection found is taken for the moment of its
/// update. Nothing here sleeps or ticks by itself: <see cref="Sweep"/> is called now and then by
/// whoever owns the datapath, and every look-up checks the expiry of what it found. Times are
/// milliseconds of a monotonic clock that the caller passes in.
/// <para>
/// What a packet's ct_state becomes is what Open vSwitch's userspace tracker says, bit for bit, for
/// TCP, UDP, ICMP and ICMPv6; other protocols are tracked by their addresses, SCTP by its ports.
/// </para>
/// </remarks>
public sealed partial class ConntrackTable : IDatapathConntrack
{
    private const ConntrackState Translated =
        ConntrackState.SourceNat | ConntrackState.DestinationNat;

    private readonly ConnectionMap _map;
    private readonly ConntrackLimits _limits = new();
    private readonly ExpectationTable _expectations = new();
    private readonly ConcurrentDictionary<string, ConntrackTimeouts> _policies = new();
    private readonly ConntrackTimeouts?[] _zoneTimeouts = new ConntrackTimeouts?[65536];
    private readonly long[] _drops = new long[DropReasons.Count];
    private readonly ulong _seed;
    private ulong _random;
    private long _now;

    /// <param name="seed">Secret of the hash, and start of the random port choice.</param>
    public ConntrackTable(ulong seed)
    {
        _seed = seed;
        _random = seed | 1;
        _map = new ConnectionMap(seed);
        Reassembly = new FragmentTable(this);
    }

    /// <summary>Fragments on their way to be tracked.</summary>
    internal FragmentTable Reassembly { get; }

    public ConntrackFragments? Fragments => Reassembly.Settings;

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
        if (_now != nowMilliseconds) Volatile.Write(ref _now, nowMilliseconds);
        var run = new TrackingRun
        {
            Thread = TrackerThread.Current,
            Action = action,
            Packet = packet,
            Now = nowMilliseconds,
        };
        using var reading = run.Thread.Epoch.Read(_map);
        return Execute(ref run, ref key);
    }

    private bool Execute(ref TrackingRun run, ref FlowKey key)
    {
        var (packet, action) = (run.Packet, run.Action);
        if (!TrackedPacket.TryParseFrame(packet.Bytes, out run.Tracked, out run.Offset)
            || !run.Tracked.TryToKey(action.Zone, out run.Tuple, out run.IsRelated))
        {
            SetInvalid(ref key, action.Zone);
            return false;
        }

        run.State = key.ConntrackState;
        if (run.State != 0 && key.ConntrackZone != action.Zone) run.State = 0;
        if (run.State != 0 && !action.Force && TryRepeat(ref run, ref key, out var isChanged))
        {
            return isChanged;
        }

        if (!run.Tracked.HasSoundChecksums(packet))
        {
            SetInvalid(ref key, action.Zone);
            return false;
        }

        return ExecuteParsed(ref run, ref key);
    }

    private bool ExecuteParsed(ref TrackingRun run, ref FlowKey key)
    {
        var action = run.Action;
        var wasTranslated = (run.State & Translated) != 0;
        Find(ref run);
        if (action.Force && run.IsReply && !run.Connection.IsNone)
        {
            Destroy(run.Connection); // Only an entry in the wrong direction gives way.
            run.Connection = default;
        }

        var isNew = false;
        var isChanged = false;
        var isUnknown = run.Connection.IsNone && !wasTranslated;
        if (!run.Connection.IsNone)
        {
            isNew = UpdateState(ref run);
            if (!isNew && action.Nat is not null) isChanged = Translate(ref run);
        }
        else if (TryFindOriginal(ref run, ref key))
        {
            isNew = UpdateState(ref run);
        }
        else if (run.IsRelated)
        {
            run.State = ConntrackState.Invalid; // An error about nothing that we know.
        }
        else
        {
            isNew = true;
        }

        Expectation? expected = null;
        if (isNew)
        {
            expected = _expectations.Find(run.Tuple, run.Now);
            run.Connection = default;
            // What was looked for and not found a moment ago is looked for again when it is added.
            if (isUnknown || !TryFindLive(run.Tuple, run.Now, out _, out _))
            {
                isChanged |= Begin(ref run, expected);
            }
        }

        if (!run.Connection.IsNone && run.Connection.Extra?.Helper is not null
            && !run.IsRelated && !wasTranslated)
        {
            isChanged |= Assist(ref run);
        }

        Write(ref run, ref key, expected);
        if ((run.State & ConntrackState.Invalid) != 0) CountRefusal(DropReason.ConntrackInvalid);
        Remember(run);
        return isChanged;
    }

    private void Find(ref TrackingRun run)
    {
        if ((run.State & Translated) == 0)
        {
            run.Hash = _map.HashOf(run.Tuple);
            TryFindLive(run.Tuple, run.Hash, run.Now, out run.Connection, out run.IsReply);
            return;
        }

        // Translated before in this zone: it looks like the reverse of the other direction.
        run.Hash = _map.HashOf(run.Tuple);
        var reversed = run.Tuple.Reversed();
        if (!TryFindLive(reversed, run.Now, out run.Connection, out run.IsReply)) return;
        run.IsReply = !run.IsReply;
        var connection = run.Connection;
        run.Tuple = run.IsReply ? connection.Reply : connection.Original;
        run.Hash = _map.HashOf(run.Tuple);
    }

    /// <summary>
    /// A packet that was translated earlier and is not to be now: found by the original tuple that
    /// its metadata still has.
    /// </summary>
    private bool TryFindOriginal(ref TrackingRun run, ref FlowKey key)
    {
        if ((run.State & Translated) == 0 || run.Action.Nat is not null
            || key.ConntrackProtocol == 0)
        {
            return false;
        }

        var tuple = OriginalOf(ref key, run.Tuple);
        return TryFindLive(tuple, run.Now, out run.Connection, out run.IsReply);
    }

    /// <returns>True when a new connection is to take the place of the one found.</returns>
    private bool UpdateState(ref TrackingRun run)
    {
        var connection = run.Connection;
        if (run.IsRelated)
        {
            connection.Count(run.IsReply, run.Packet.Size);
            run.State |= ConntrackState.Related;
            if (run.IsReply) run.State |= ConntrackState.Reply;
            return false;
        }

        if (connection.Extra?.Parent is not null) run.State |= ConntrackState.Related;
        switch (Update(connection, ref run))
        {
            case TrackVerdict.Established:
                run.State = (run.State | ConntrackState.Established) & ~ConntrackState.New;
                if (run.IsReply) run.State |= ConntrackState.Reply;
                return false;
            case TrackVerdict.StillNew:
                run.State |= ConntrackState.New;
                return false;
            case TrackVerdict.Invalid:
                run.State = ConntrackState.Invalid;
                return false;
            default:
                Destroy(connection);
                return true;
        }
    }

    private TrackVerdict Update(Connection connection, ref TrackingRun run)
    {
        if (IsSettled(connection))
        {
            Count(connection, ref run, connection.Timeouts.SecondsOf(connection));
            return TrackVerdict.Established;
        }

        connection.Enter();
        try
        {
            TrackVerdict verdict;
            uint? seconds;
            if (connection.Original.Protocol == ConntrackKey.ProtocolTcp)
            {
                var segment = run.Tracked.ReadTcp();
                if (connection.Extra is { } extra) segment = extra.Unshifted(segment, run.IsReply);
                verdict = TcpTracker.TryCross(connection, segment, run.IsReply, out seconds)
                    ? TrackVerdict.StillNew
                    : TcpTracker.Update(
                        connection, segment, run.IsReply, IsTcpSequenceChecked, out seconds);
            }
            else
            {
                verdict = UpdateGeneric(connection, run.IsReply);
                seconds = connection.Timeouts.SecondsOf(connection);
            }

            if (verdict is not (TrackVerdict.Established or TrackVerdict.StillNew)) return verdict;
            Count(connection, ref run, seconds);
            if (run.IsReply && connection.IsHalfOpen)
            {
                connection.IsHalfOpen = false;
                _limits.ReturnHalfOpen(connection.Zone);
            }

            return verdict;
        }
        finally
        {
            connection.Leave();
        }
    }

    /// <summary>Both ends were heard, and there is no state that could still change.</summary>
    private static bool IsSettled(Connection connection) =>
        connection.Generic == GenericState.Both && !connection.IsHalfOpen;

    private static void Count(Connection connection, ref TrackingRun run, uint? seconds)
    {
        connection.Count(run.IsReply, run.Packet.Size);
        if (seconds is { } life) connection.ExpiresAt = run.Now + (life * 1000L);
    }

    private static TrackVerdict UpdateGeneric(Connection connection, bool isReply)
    {
        if (isReply) connection.Generic = GenericState.Both;
        if (connection.Generic == GenericState.Both) return TrackVerdict.Established;
        if (!connection.Original.IsIcmp) connection.Generic = GenericState.Multiple;
        return TrackVerdict.StillNew;
    }

    private bool TryFindLive(
        in ConntrackKey tuple, long now, out Connection connection, out bool isReply) =>
        TryFindLive(tuple, _map.HashOf(tuple), now, out connection, out isReply);

    private bool TryFindLive(
        in ConntrackKey tuple, uint hash, long now, out Connection connection, out bool isReply)
    {
        if (!_map.TryFind(tuple, hash, out connection, out isReply)) return false;
        if (connection.ExpiresAt > now) return true;
        Destroy(connection);
        connection = default;
        return false;
    }

    internal void CountRefusal(DropReason reason) => Interlocked.Increment(ref _drops[(int)reason]);
}

/// <summary>One packet on its way through the tracker.</summary>
internal ref struct TrackingRun
{
    public TrackerThread Thread;
    public ConntrackAction Action;
    public PacketBuffer Packet;
    public TrackedPacket Tracked;

    /// <summary>Where the IP header begins in the packet.</summary>
    public int Offset;

    /// <summary>
    /// What is looked up; for an ICMP error the reverse of the packet that it quotes.
    /// </summary>
    public ConntrackKey Tuple;
    public uint Hash;
    public long Now;
    /// <summary>Or none.</summary>
    public Connection Connection;
    public ConntrackState State;

    /// <summary>An ICMP error about the connection.</summary>
    public bool IsRelated;
    public bool IsReply;
}
