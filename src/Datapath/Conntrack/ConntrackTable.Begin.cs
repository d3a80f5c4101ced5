using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>New connections: may there be one, and what do its answers look like.</summary>
public sealed partial class ConntrackTable
{
    /// <summary>Connections that a full table looks at for one to give up.</summary>
    private const int VictimCandidatesMax = 64;

    /// <summary>A half-open connection gives way to its own zone after so much silence.</summary>
    private const long HalfOpenSilenceMilliseconds = 5_000;

    /// <summary>
    /// A packet that belongs to no connection: begins one if it can, and if it is to be committed.
    /// </summary>
    /// <returns>True when bytes of the packet changed.</returns>
    private bool Begin(ref TrackingRun run, Expectation? expected)
    {
        TcpSegment segment = default;
        if (run.Tuple.Protocol == ConntrackKey.ProtocolTcp) segment = run.Tracked.ReadTcp();
        if (!CanStart(run.Tuple, segment))
        {
            run.State = ConntrackState.Invalid;
            return false;
        }

        run.State = ConntrackState.New;
        run.IsReply = false;
        if (expected is not null) run.State |= ConntrackState.Related;
        if (!run.Action.Commit || !TryCreate(ref run, segment, expected)) return false;
        return run.Action.Nat is not null && Translate(ref run);
    }

    private static bool CanStart(in ConntrackKey tuple, in TcpSegment segment) =>
        tuple.Protocol switch
        {
            ConntrackKey.ProtocolTcp => TcpTracker.CanStart(segment),
            ConntrackKey.ProtocolIcmp => tuple.Kind is 8 or 13 or 15,
            ConntrackKey.ProtocolIcmpv6 => tuple.Kind == 128,
            _ => true,
        };

    private bool TryCreate(ref TrackingRun run, in TcpSegment segment, Expectation? expected)
    {
        var action = run.Action;
        if (!TryTakePlace(run.Tuple.Zone, run.Hash, run.Now, out var epoch)) return false;

        var record = new ConnectionRecord
        {
            OriginalHash = run.Hash,
            Original = run.Tuple,
            Reply = run.Tuple.Reversed(),
            StartedAtSeconds = (uint)(run.Now / 1000),
            Timeouts = PolicyOf(action),
            IsHalfOpen = true,
            LimitEpoch = epoch,
        };
        var connection = Connection.At(ref record); // Until it has its place in the map.
        if (run.Tuple.Protocol == ConntrackKey.ProtocolTcp) TcpTracker.Start(connection, segment);
        connection.Count(isReply: false, run.Packet.Size);
        connection.ExpiresAt = run.Now + (connection.Timeouts.SecondsOf(connection) * 1000L);
        if (expected is not null) expected.Bequeath(connection);
        if (action.Helper is not null && expected is null && Assists(action.Helper, run.Tuple))
        {
            connection.EnsureExtra().Helper = action.Helper;
        }

        // Another thread may take the chosen tuple between the test and the insertion.
        for (var tries = 0; tries < 4; tries++)
        {
            if (action.Nat is { } spec && !TryChoose(connection, spec, expected)) break;
            if (_map.TryAdd(ref record, out connection))
            {
                SetMarks(connection, action);
                run.Connection = connection;
                if (expected is not null) _expectations.Remove(expected);
                Raise(ConntrackChange.New, connection);
                return true;
            }

            if (action.Nat is null) break; // The other thread's packet was first.
            connection = Connection.At(ref record);
        }

        _limits.Return(run.Tuple.Zone, epoch, isHalfOpen: true);
        CountRefusal(DropReason.ConntrackNatExhausted);
        return false;
    }

    private bool TryChoose(Connection connection, NatSpec spec, Expectation? expected)
    {
        if (expected is not null)
        {
            expected.Translate(connection);
            if (IsFree(connection.Reply)) return true;
            return connection.Nat == NatType.Source
                && NatAllocator.TryPorts(
                    connection.Original, default, _seed, NatType.Source, IsFree,
                    ref connection.Reply);
        }

        if (spec.Type == NatType.None) return true; // Nothing to apply yet.
        var entropy = spec.RandomPorts ? NextRandom() : _seed;
        connection.Nat = spec.Type;
        return NatAllocator.TryChoose(
            connection.Original, spec, entropy, IsFree, out connection.Reply);
    }

    /// <summary>Takes a place in the zone; a full table gives up something worth less.</summary>
    /// <remarks>
    /// Given up are, among a few neighbours, what has expired, then what is half-open in a zone
    /// that holds more than this one, then what is half-open and silent for seconds in this zone.
    /// So a flood in one zone pays with its own entries, and nobody pays with an answered
    /// connection. Where a zone holds as many half-open ones as it may, one of them gives way.
    /// </remarks>
    private bool TryTakePlace(ushort zone, uint hash, long now, out byte epoch)
    {
        if (_limits.TryTake(zone, out epoch, out var reason)) return true;
        if (TryEvict(zone, hash, now, reason) && _limits.TryTake(zone, out epoch, out reason))
        {
            return true;
        }

        CountRefusal(reason);
        return false;
    }

    private bool TryEvict(ushort zone, uint hash, long now, DropReason reason)
    {
        var isFull = reason == DropReason.ConntrackFull;
        var isHalfOpenFull = reason == DropReason.ConntrackHalfOpen;
        var share = _limits.CountOf(zone);
        var victim = _map.FindVictim(hash, VictimCandidatesMax, candidate =>
        {
            if (candidate.ExpiresAt <= now) return isFull || candidate.Zone == zone;
            if (isHalfOpenFull) return candidate.IsHalfOpen && candidate.Zone == zone;
            if (!isFull || !candidate.IsHalfOpen) return false;
            if (candidate.Zone != zone) return _limits.CountOf(candidate.Zone) > share;
            var life = candidate.Timeouts.SecondsOf(candidate) * 1000L;
            return candidate.ExpiresAt - now < life - HalfOpenSilenceMilliseconds;
        });
        return !victim.IsNone && Destroy(victim);
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

    private ConntrackTimeouts PolicyOf(ConntrackAction action) =>
        action.TimeoutPolicy is { } name && _policies.TryGetValue(name, out var policy)
            ? policy
            : _zoneTimeouts[action.Zone] ?? ConntrackTimeouts.Default;
}
