using System.Collections.Immutable;
using System.Text.Json;
using static Fabric.Configuration.RaftMessage;

namespace Fabric.Configuration;

/// <content>The log: from the leader to the others.</content>
internal sealed partial class RaftMember
{
    public const string NotLeader = "not leader";

    private readonly SortedDictionary<Guid, Follower> _followers = [];

    // Transactions of followers that are not committed yet.
    private readonly SortedDictionary<Guid, Guid> _executing = [];
    private long _heartbeatAt;
    private long _quorumAt;

    /// <summary>What the leader knows of another server.</summary>
    private sealed class Follower
    {
        /// <summary>Index of the entry to send next.</summary>
        public long Next { get; set; }

        /// <summary>Up to here its log is the leader's.</summary>
        public long Match { get; set; }

        public bool HasAnswered { get; set; }

        /// <summary>A snapshot is on its way.</summary>
        public bool IsInstalling { get; set; }
    }

    /// <summary>The entry with which this server became leader.</summary>
    public long ElectedIndex { get; private set; }

    /// <summary>Another election timer is on its way.</summary>
    public bool IsTimerPending
    {
        get
        {
            for (var index = Commit + 1; index <= Log.Last; index++)
            {
                if (Log[index].ElectionTimer is not null) return true;
            }

            return false;
        }
    }

    /// <summary>Next and match of a follower, for the leader's status.</summary>
    public (long Next, long Match)? ProgressOf(Guid server) =>
        IsLeader && _followers.TryGetValue(server, out var follower)
            ? (follower.Next, follower.Match) : null;

    /// <summary>Appends an entry, if this server leads.</summary>
    public bool TryPropose(ClusterRecord entry, long now)
    {
        if (!IsLeader) return false;
        entry = entry with { Term = Term, Index = Log.Last + 1 };
        Log.Append(entry);
        _outside.Keep([entry], isDurable: true);
        if (entry.Servers is not null) FollowServers(now);
        foreach (var (server, follower) in _followers.ToArray())
        {
            if (!follower.IsInstalling) SendEntries(server, follower, "execute command");
        }

        CommitWhatMajorityHas();
        return true;
    }

    /// <summary>Puts the database as of <see cref="Applied"/> in its entries' place.</summary>
    public void Compact(JsonElement data)
    {
        Log.Replace(new RaftSnapshot(
            Applied, Log.TermOf(Applied)!.Value, Log.EntryIdAt(Applied), Log.ServersAt(Applied),
            ElectionTimer, data));
        KeepSnapshot();
    }

    private void KeepSnapshot() => _outside.KeepSnapshot(
        Log, [new ClusterRecord { Term = Term, Vote = Vote }]);

    private void BeginLeadership(long now)
    {
        _followers.Clear();
        FollowServers(now);
        _quorumAt = now + ElectionTimer;
        _heartbeatAt = now + ElectionTimer / 3;
    }

    /// <summary>Those of the newest configuration, and those who are about to join.</summary>
    private void FollowServers(long now)
    {
        foreach (var server in Log.Servers.Keys.Concat(_joiners.Keys))
        {
            if (server == Id || _followers.ContainsKey(server)) continue;
            _followers.Add(server, new Follower { Next = Log.Last + 1, HasAnswered = true });
        }

        foreach (var server in _followers.Keys.ToArray())
        {
            if (!Log.Servers.ContainsKey(server) && !_joiners.ContainsKey(server))
            {
                _followers.Remove(server);
            }
        }

        _outside.ServersChanged();
    }

    private void EndLeadership()
    {
        foreach (var (id, server) in _executing)
        {
            _outside.Send(server, new Executed(id, "lost leadership", 0));
        }

        _executing.Clear();
        _followers.Clear();
        _joiners.Clear();
        _caughtUp.Clear();
        _removals.Clear();
    }

    private void Heartbeat(long now)
    {
        _heartbeatAt = now + ElectionTimer / 3;
        if (now >= _quorumAt)
        {
            _quorumAt = now + ElectionTimer;
            var answered = _followers.Count(follower =>
                follower.Value.HasAnswered && Log.Servers.ContainsKey(follower.Key));
            foreach (var follower in _followers.Values) follower.HasAnswered = false;
            if (answered + 1 < Majority)
            {
                _outside.Say("not a majority of servers answers: no leader any more");
                IsCutOff = true;
                BecomeFollower(null, now);
                return;
            }
        }

        foreach (var (server, follower) in _followers.ToArray())
        {
            if (!follower.IsInstalling) SendEntries(server, follower, "heartbeat");
        }
    }

    private void SendEntries(Guid server, Follower follower, string comment)
    {
        if (Log.TermOf(follower.Next - 1) is not { } previousTerm)
        {
            _outside.Say($"sending snapshot to server {RaftSettings.ShortOf(server)}, "
                + $"{Log.Snapshot.Term}:{Log.Snapshot.Index}.");
            follower.IsInstalling = true;
            _outside.Send(server, new InstallSnapshot(Term, Log.Snapshot));
            return;
        }

        var entries = Log.From(follower.Next);
        var previous = follower.Next - 1;
        follower.Next += entries.Length;
        _outside.Send(server, new Append(Term, previous, previousTerm, Commit, entries)
        {
            Comment = comment,
        });
    }

    private void HearAppended(Guid from, Appended appended, long now)
    {
        if (!IsLeader || !_followers.TryGetValue(from, out var follower)) return;
        follower.HasAnswered = true;
        if (appended.Result == AppendResult.Ok)
        {
            var match = Math.Min(appended.Previous + appended.Count, Log.Last);
            follower.Match = Math.Max(follower.Match, match);
            follower.Next = Math.Max(follower.Next, follower.Match + 1);
            if (follower.Next <= Log.Last) SendEntries(from, follower, "batch");
            CommitWhatMajorityHas();
            if (!IsLeader) return;
            if (_joiners.ContainsKey(from) && follower.Match >= Commit) _caughtUp.Add(from);
            ChangeServers(now);
        }
        else if (!follower.IsInstalling && appended.Previous >= follower.Match)
        {
            // What it has may be another leader's: back, one by one, to where both are the same.
            follower.Next = Math.Max(Math.Min(appended.Previous, appended.LogEnd), 1);
            SendEntries(from, follower, "inconsistency");
        }
    }

    private void CommitWhatMajorityHas()
    {
        if (!IsLeader) return;
        for (var index = Log.Last; index > Commit && Log[index].Term == Term; index--)
        {
            var count = Log.Servers.Keys.Count(server => server == Id
                || _followers.TryGetValue(server, out var one) && one.Match >= index);
            if (count < Majority) continue;
            CommitUpTo(index);
            if (!IsLeader) return;
            foreach (var (server, follower) in _followers.ToArray())
            {
                // Who is behind hears of it with what it lacks.
                if (follower.Next > Log.Last && !follower.IsInstalling)
                {
                    SendEntries(server, follower, "heartbeat");
                }
            }

            return;
        }
    }

    private void Refuse(Guid leader, Append append, string comment) => _outside.Send(
        leader,
        new Appended(
            Term, append.Previous, append.PreviousTerm, append.Entries.Length, Log.Last + 1,
            AppendResult.Inconsistency)
        {
            Comment = comment,
        });

    private void HearAppend(Guid from, Append append, long now)
    {
        if (IsLeader) return; // Two leaders of one term: somebody breaks the rules.
        _leaderHeardAt = now;
        BecomeFollower(from, now);
        var previous = append.Previous;
        var entries = append.Entries;
        if (previous < Log.Snapshot.Index)
        {
            // What a snapshot covers was committed, so it is the leader's.
            var covered = Math.Min(Log.Snapshot.Index - previous, entries.Length);
            entries = entries.RemoveRange(0, (int)covered);
            previous += covered;
        }

        if (previous >= Log.Snapshot.Index)
        {
            var term = Log.TermOf(previous);
            var isKnown = previous == append.Previous
                ? term == append.PreviousTerm : term is not null;
            if (!isKnown)
            {
                Refuse(from, append, term is null ? "mismatch past end of log" : "term mismatch");
                return;
            }

            if (!TryTake(previous, entries))
            {
                Refuse(from, append, "committed entries differ");
                return;
            }
        }

        CommitUpTo(Math.Min(append.Commit, Math.Min(previous + entries.Length, Log.Last)));
        _outside.Send(from, new Appended(
            Term, append.Previous, append.PreviousTerm, append.Entries.Length, Log.Last + 1,
            AppendResult.Ok)
        {
            Comment = append.Entries.IsEmpty ? "heartbeat" : "log updated",
        });
    }

    /// <returns>False if entries that are committed would have to go.</returns>
    private bool TryTake(long previous, ImmutableArray<ClusterRecord> entries)
    {
        var known = 0;
        while (known < entries.Length
            && Log.TermOf(previous + known + 1) == entries[known].Term)
        {
            known++;
        }

        if (known == entries.Length) return true;
        if (previous + known < Commit) return false;
        var servers = Log.Servers;
        if (previous + known < Log.Last) Log.CutFrom(previous + known + 1);
        var fresh = entries.RemoveRange(0, known);
        foreach (var entry in fresh) Log.Append(entry);
        _outside.Keep(fresh.AsSpan(), isDurable: true);
        if (!ReferenceEquals(servers, Log.Servers)) _outside.ServersChanged();
        return true;
    }

    private void HearSnapshot(Guid from, InstallSnapshot install, long now)
    {
        if (IsLeader) return;
        _leaderHeardAt = now;
        BecomeFollower(from, now);
        var snapshot = install.Snapshot;
        if (snapshot.Index > Commit)
        {
            Log.Replace(snapshot);
            Commit = Applied = snapshot.Index;
            ElectionTimer = snapshot.ElectionTimer;
            KeepSnapshot();
            _outside.Restore(snapshot);
            _outside.ServersChanged();
        }

        _outside.Send(from, new SnapshotInstalled(Term, snapshot.Index, snapshot.Term));
    }

    private void HearInstalled(Guid from, SnapshotInstalled installed, long now)
    {
        if (!IsLeader || !_followers.TryGetValue(from, out var follower)) return;
        follower.HasAnswered = true;
        if (!follower.IsInstalling) return;
        follower.IsInstalling = false;
        follower.Match = Math.Max(follower.Match, Math.Min(installed.Last, Log.Last));
        follower.Next = follower.Match + 1;
        _outside.Say($"installed snapshot on server {RaftSettings.ShortOf(from)}  up to "
            + $"{installed.LastTerm}:{installed.Last}");
        SendEntries(from, follower, "snapshot installed");
    }

    /// <summary>A follower's transaction; answered when it is committed.</summary>
    private void HearExecute(Guid from, Execute execute, long now)
    {
        if (!IsLeader)
        {
            _outside.Send(from, new Executed(execute.EntryId, NotLeader, 0));
        }
        else if (execute.Prerequisite != Log.EntryId)
        {
            _outside.Send(from, new Executed(execute.EntryId, "prerequisite failed", 0));
        }
        else
        {
            _executing[execute.EntryId] = from;
            TryPropose(
                new ClusterRecord { Data = execute.Data, EntryId = execute.EntryId }, now);
        }
    }

    private void AnswerExecuted(Guid entryId)
    {
        if (!_executing.Remove(entryId, out var server)) return;
        _outside.Send(server, new Executed(entryId, "success", Commit));
    }
}
