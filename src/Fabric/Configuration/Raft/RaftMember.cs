using System.Collections.Immutable;
using static Fabric.Configuration.RaftMessage;

namespace Fabric.Configuration;

internal enum RaftRole : byte
{
    Follower,
    Candidate,
    Leader,
}

/// <summary>Who a server of a cluster is, and what it remembers when it starts.</summary>
/// <param name="Remotes">Whom to ask for joining; empty for a member.</param>
internal sealed record RaftMemory(
    Guid ServerId, string Address, RaftLog Log, long Term, long Commit, long ElectionTimer)
{
    public Guid? Vote { get; init; }
    public ImmutableArray<string> Remotes { get; init; } = [];
}

/// <summary>One server of a cluster: Raft without sockets, files and clocks.</summary>
/// <remarks>
/// The algorithm is that of Ongaro and Ousterhout ("In Search of an Understandable Consensus
/// Algorithm") with single-server changes of the cluster; messages and records are those of
/// ovsdb-server. Times are milliseconds of whatever clock the owner has; the owner calls
/// <see cref="Tick"/> at <see cref="NextTick"/>. A cluster of one elects itself at once.
/// </remarks>
internal sealed partial class RaftMember
{
    private readonly IRaftOutside _outside;
    private readonly Random _random;
    private readonly SortedDictionary<Guid, long> _heard = [];
    private bool _hadLeader;

    public RaftMember(RaftMemory memory, IRaftOutside outside, Random random)
    {
        _outside = outside;
        _random = random;
        Id = memory.ServerId;
        Address = memory.Address;
        Log = memory.Log;
        Term = memory.Term;
        Vote = memory.Vote;
        Commit = Math.Max(memory.Commit, Log.Snapshot.Index);
        Applied = Commit;
        ElectionTimer = memory.ElectionTimer;
        Remotes = memory.Remotes;
    }

    public Guid Id { get; }
    public string Address { get; }
    public RaftLog Log { get; }
    public RaftRole Role { get; private set; }
    public long Term { get; private set; }
    public Guid? Vote { get; private set; }
    public Guid? Leader { get; private set; }
    public long Commit { get; private set; }
    public long Applied { get; private set; }

    /// <summary>Milliseconds.</summary>
    public long ElectionTimer { get; private set; }

    public bool IsLeader => Role == RaftRole.Leader;
    public bool IsAlone => Log.Servers.Count == 1 && Log.Servers.ContainsKey(Id);

    /// <summary>The cluster works, as far as this server can tell.</summary>
    public bool IsConnected => _hadLeader && !IsJoining && !IsLeaving && !IsCutOff;

    /// <summary>An election has failed, or a majority does not answer the leader.</summary>
    public bool IsCutOff { get; private set; }

    /// <summary>When <see cref="Tick"/> has something to do again.</summary>
    public long NextTick => Math.Min(_askAt, IsLeader ? _heartbeatAt : _electionAt);

    /// <summary>When a server was heard last; null if never.</summary>
    public long? HeardAt(Guid server) =>
        _heard.TryGetValue(server, out var time) ? time : null;

    public void Start(long now)
    {
        PostponeElection(now);
        if (IsJoining) _askAt = now;
        else if (IsAlone) StartElection(now, "timeout");
    }

    public void Tick(long now)
    {
        if (HasLeft) return;
        if (now >= _askAt) AskForChange(now);
        if (IsLeader)
        {
            if (now >= _heartbeatAt) Heartbeat(now);
        }
        else if (now >= _electionAt)
        {
            if (IsJoining || !Log.Servers.ContainsKey(Id)) PostponeElection(now);
            else StartElection(now, "timeout");
        }
    }

    public void Hear(Guid from, RaftMessage message, long now)
    {
        if (HasLeft) return;
        _heard[from] = now;
        if (message.SendersTerm is { } term && !IsOfThisTerm(from, message, term, now)) return;
        switch (message)
        {
            case Append append: HearAppend(from, append, now); break;
            case Appended appended: HearAppended(from, appended, now); break;
            case RaftMessage.Vote vote: HearVote(from, vote, now); break;
            case Voted voted: HearVoted(from, voted, now); break;
            case InstallSnapshot install: HearSnapshot(from, install, now); break;
            case SnapshotInstalled installed: HearInstalled(from, installed, now); break;
            case BecomeLeader when !IsLeader && !IsJoining && Log.Servers.ContainsKey(Id):
                StartElection(now, "leadership_transfer");
                break;
            case Execute execute: HearExecute(from, execute, now); break;
            case AddServer add: HearAddServer(from, add, now); break;
            case ServerAdded added: HearServerAdded(added); break;
            case RemoveServer remove: HearRemoveServer(from, remove.Server, now); break;
            case ServerRemoved { IsDone: true } removed when (removed.Target ?? Id) == Id:
                Leave();
                break;
        }
    }

    /// <summary>There is a new connection to a server: what was sent before may be lost.</summary>
    public void HearConnected(Guid server, long now)
    {
        if (!IsLeader || !_followers.TryGetValue(server, out var follower)) return;
        follower.IsInstalling = false;
        follower.Next = Math.Min(follower.Next, Log.Last + 1);
        SendEntries(server, follower, "heartbeat");
    }

    /// <returns>False if the message is of another time and was dealt with.</returns>
    private bool IsOfThisTerm(Guid from, RaftMessage message, long term, long now)
    {
        if (message is RaftMessage.Vote vote)
        {
            if (!vote.IsTransfer && IsProtected(now)) return false;
            if (vote.IsPrevote)
            {
                if (IsUpToDate(vote))
                {
                    _outside.Send(from, new Voted(Term, from) { IsPrevote = true });
                }

                return false;
            }
        }

        if (term > Term)
        {
            SetTerm(term, null);
            BecomeFollower(null, now);
        }

        if (term == Term) return true;
        if (message is Append append) Refuse(from, append, "stale term");
        if (message is RaftMessage.Vote) _outside.Send(from, new Voted(Term, Vote ?? Guid.Empty));
        return false;
    }

    private void SetTerm(long term, Guid? vote)
    {
        Term = term;
        Vote = vote;
        _outside.Keep([new ClusterRecord { Term = term, Vote = vote }], isDurable: true);
    }

    private void BecomeFollower(Guid? leader, long now)
    {
        var wasLeader = IsLeader;
        var isOther = Leader != leader || Role != RaftRole.Follower;
        Role = RaftRole.Follower;
        Leader = leader;
        if (leader is { } known)
        {
            if (isOther)
            {
                _outside.Say($"server {RaftSettings.ShortOf(known)} is leader for term {Term}");
            }

            _hadLeader = true;
            IsCutOff = false;
        }

        if (wasLeader) EndLeadership();
        if (wasLeader || leader is not null) PostponeElection(now);
        if (isOther) _outside.StateChanged();
    }

    private void CommitUpTo(long index)
    {
        if (index <= Commit) return;
        Commit = index;
        _outside.Keep([new ClusterRecord { CommitIndex = index }], isDurable: false);
        while (Applied < Commit && !HasLeft)
        {
            var entry = Log[++Applied];
            if (entry.ElectionTimer is { } timer && timer != ElectionTimer)
            {
                _outside.Say($"Election timer changed from {ElectionTimer} to {timer}");
                ElectionTimer = timer;
            }

            _outside.Apply(entry);
            if (entry.EntryId is { } id) AnswerExecuted(id);
            if (entry.Servers is not null) ConfirmServers();
        }
    }
}
