using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

/// <summary>What the writer takes from outside besides messages.</summary>
/// <param name="NewUuid">Ids of transactions, and of rows that bring none.</param>
/// <param name="UnixMilliseconds">Wall clock, for the timestamp columns of NB_Global alone.</param>
public sealed record WriterSurroundings(
    DatabaseSchema Schema, LogTimes Times, Func<Guid> NewUuid, Func<long> UnixMilliseconds)
{
    /// <summary>Where the log votes in PostgreSQL; null where hosts vote.</summary>
    public SqlLog? Sql { get; init; }
}

/// <summary>A log in PostgreSQL.</summary>
/// <param name="Connection">A connection string of Npgsql.</param>
/// <param name="Name">Clusters that share a database have logs of different names.</param>
public sealed record SqlLog(string Connection, string Name);

/// <summary>
/// Decides every transaction of the northbound: the log's writer with its database.
/// </summary>
/// <remarks>
/// Transactions are executed one after another on the state at the end of the log, committed or
/// not; what they see and what follows from it is answered only when an endpoint has applied the
/// entry, and so never before it is committed. No I/O, no clock, no randomness of its own.
/// </remarks>
public sealed partial class NorthboundWriter
{
    private readonly WriterSurroundings _around;
    private readonly LogWriter _log;
    private readonly string _host;
    private readonly List<SendToHost> _outbox = [];
    private readonly SortedDictionary<string, Waiting> _waiting = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, long> _applied = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _dismissed = new(StringComparer.Ordinal);
    private MembershipView _members;
    private NorthboundState? _head;
    private TimeSpan _policyAt;
    private ImmutableSortedDictionary<string, PortLocation>? _locations;
    private DatabaseSnapshot? _followed;

    private sealed record Waiting(
        SubmitTransaction Submission, ImmutableArray<Operation> Operations, TimeSpan Since,
        TimeSpan Due);

    /// <param name="own">The log of this host; its image is a NorthboundState.</param>
    public NorthboundWriter(
        WriterId id, LogView own, long above, MembershipView members, WriterSurroundings around)
    {
        _around = around;
        _host = id.HostId;
        _members = members;
        _log = new LogWriter(id, own, above, around.Times);
    }

    public LogWriter Log => _log;

    /// <summary>The state at the end of the log; null before the writer serves.</summary>
    public NorthboundState? Head => _head;

    /// <summary>Set when an operator gave up voters: the replica here has to know first.</summary>
    public VoterSet? ForcedVoters { get; private set; }

    /// <summary>Hosts that have not yet applied the newest nb_cfg.</summary>
    public ImmutableArray<string> AwaitedHosts =>
    [
        .. _members.AliveHosts.Where(
            host => _applied.GetValueOrDefault(host) < NbGlobal()?.GetInteger("nb_cfg")),
    ];

    public ImmutableArray<SendToHost> TakeOutbox()
    {
        foreach (var send in _log.TakeOutbox())
            _outbox.Add(new SendToHost(send.Host, Addressee.Northbound, send.Message));
        ImmutableArray<SendToHost> sends = [.. _outbox];
        _outbox.Clear();
        return sends;
    }

    public void SetMembers(MembershipView members, TimeSpan now)
    {
        _members = members;
        var hosts = members.Members.Select(member => member.HostId).Append(_host);
        if (_around.Sql is not null) hosts = hosts.Append(SqlVoter.HostId);
        _log.SetPeers(hosts.ToImmutableSortedSet(StringComparer.Ordinal), now);
        // Who was sent away and went may come back, and vote again.
        _dismissed.RemoveWhere(
            host => members.Find(host) is null && !_log.Voters.Contains(host));
        CountApplied(now);
    }

    /// <summary>Where ports are bound: column 'up' of Logical_Switch_Port follows.</summary>
    public void SetLocations(ImmutableSortedDictionary<string, PortLocation> locations)
    {
        _locations = locations;
        _followed = null;
    }

    public void Receive(string host, object payload, TimeSpan now)
    {
        switch (payload)
        {
            case ILogMessage message:
                _log.Receive(host, message, now);
                Begin(now);
                break;
            case SubmitTransaction submission:
                Submit(host, submission, now);
                break;
            case CancelSubmission cancel:
                _waiting.Remove(NameOf(cancel.Request));
                break;
            case HostApplied applied:
                _applied[host] = Math.Max(_applied.GetValueOrDefault(host), applied.NbCfg);
                CountApplied(now);
                break;
            case RemoveVoter remove:
                Dismiss(remove);
                break;
        }
    }

    /// <summary>To be called every 100 ms or more often.</summary>
    public void Tick(TimeSpan now)
    {
        _log.Tick(now);
        Begin(now);
        if (_log.Phase != LogWriterPhase.Serving) return;
        Retry(now, isOnlyDue: true);
        if (now < _policyAt) return;
        _policyAt = now + _around.Times.Heartbeat;
        ChooseVoters(now);
        FollowLocations(now);
        Compact();
    }

    /// <summary>The state that all entries make, once they are all here.</summary>
    private void Begin(TimeSpan now)
    {
        if (_log.Phase != LogWriterPhase.Serving || _head is not null) return;
        _head = StateAt(_log.Last.Sequence);
        if (NbGlobal() is null)
            Decide([new Operation.Insert("NB_Global", [], _around.NewUuid())], now);
        CountApplied(now);
    }

    private NorthboundState StateAt(long sequence)
    {
        var state = _log.Image as NorthboundState;
        if (state is null && !NorthboundState.TryRead(
            _log.Image.ToBytes().Span, _around.Schema, out state))
            throw new InvalidOperationException($"The image at {_log.Base} is unreadable.");
        for (var i = _log.Base.Sequence + 1; i <= sequence; i++) state = state.Apply(_log[i]);
        return state;
    }

    private void Compact()
    {
        if (_log.Last.Sequence - _log.Base.Sequence <= LogLimits.TailEntryCountMax) return;
        var sequence = _log.Committed - LogLimits.TailEntryCountKept;
        if (sequence <= _log.Base.Sequence) return;
        var state = StateAt(sequence);
        _log.Compact(sequence, state);
        if (!SqlVoter.Votes(_log.Voters)) return;
        _outbox.Add(new SendToHost(SqlVoter.HostId, Addressee.Northbound, new InstallImage(
            _log.LogId, _log.Term, _log.Id, _log.Base, SqlVoter.Alone, state.ToBytes())));
    }

    private void ChooseVoters(TimeSpan now)
    {
        if (SqlVoter.Votes(_log.Voters)) return; // It votes alone.
        var hosts = _members.Members.Where(member => member.IsVoter && member.IsAlive)
            .Select(member => new VoterCandidate(
                member.HostId, member.IsReachable,
                member.IsLeaving || _dismissed.Contains(member.HostId),
                _log.LagOf(member.HostId) is <= LogLimits.VoterLagMax));
        var gone = _dismissed.Where(host => _members.Find(host) is null)
            .Select(host => new VoterCandidate(host, false, true, false));
        if (VoterPolicy.Next(_log.Voters, [.. hosts, .. gone]) is { } next)
            _log.TryChangeVoters(next, now);
    }

    private void Dismiss(RemoveVoter remove)
    {
        _dismissed.Add(remove.Host);
        if (!remove.IsForced || !_log.Voters.Contains(remove.Host) || _log.Voters.Count < 2)
            return;
        ForcedVoters = new VoterSet(_log.Voters.Hosts.Remove(remove.Host));
    }

    private static string NameOf(RequestId id) => $"{id.HostId} {id.Incarnation} {id.Number}";
}
