using static Fabric.Configuration.RaftMessage;

namespace Fabric.Configuration;

/// <content>Elections: who leads.</content>
internal sealed partial class RaftMember
{
    private readonly SortedSet<Guid> _votes = [];
    private readonly SortedDictionary<Guid, Guid> _votesSeen = [];
    private long _electionAt;
    private long _postponedAt;
    private long _leaderHeardAt = long.MinValue / 2;

    public long? ElectionStartedAt { get; private set; }
    public long? ElectionWonAt { get; private set; }
    public string ElectionReason { get; private set; } = "";

    /// <summary>For whom a server voted in the election that goes on; null if unknown.</summary>
    public Guid? VoteOf(Guid server) =>
        Role == RaftRole.Candidate && _votesSeen.TryGetValue(server, out var vote) ? vote : null;

    private int Majority => Log.Servers.Count / 2 + 1;

    private void PostponeElection(long now)
    {
        _postponedAt = now;
        _electionAt = now + ElectionTimer + _random.Next(RaftSettings.ElectionSpread);
    }

    private void StartElection(long now, string reason)
    {
        var isTransfer = reason != "timeout";
        IsCutOff = Role == RaftRole.Candidate;
        _outside.Say(isTransfer
            ? $"term {Term + 1}: starting election for leadership transfer"
            : $"term {Term + 1}: {now - _postponedAt} ms timeout expired, "
                + "starting election");
        SetTerm(Term + 1, Id);
        Role = RaftRole.Candidate;
        Leader = null;
        ElectionStartedAt = now;
        ElectionReason = reason;
        ElectionWonAt = null;
        _votes.Clear();
        _votesSeen.Clear();
        PostponeElection(now);
        var vote = new Vote(Term, Log.Last, Log.LastTerm) { IsTransfer = isTransfer };
        foreach (var server in Log.Servers.Keys)
        {
            if (server != Id) _outside.Send(server, vote);
        }

        HearVoted(Id, new Voted(Term, Id), now);
        if (Role == RaftRole.Candidate) _outside.StateChanged();
    }

    /// <summary>
    /// Who hears a leader does not help to overthrow it (Ongaro's thesis, 4.2.3).
    /// </summary>
    private bool IsProtected(long now) => IsLeader
        || Leader is not null && now < _leaderHeardAt + ElectionTimer;

    private bool IsUpToDate(Vote vote) => vote.LastTerm > Log.LastTerm
        || vote.LastTerm == Log.LastTerm && vote.Last >= Log.Last;

    private void HearVote(Guid from, Vote vote, long now)
    {
        if (Vote is null && Leader is null && IsUpToDate(vote))
        {
            SetTerm(Term, from);
            PostponeElection(now);
        }

        _outside.Send(from, new Voted(Term, Vote ?? Leader ?? Guid.Empty));
    }

    private void HearVoted(Guid from, Voted voted, long now)
    {
        if (Role != RaftRole.Candidate || voted.IsPrevote) return;
        _votesSeen[from] = voted.For;
        if (voted.For != Id || !Log.Servers.ContainsKey(from)) return;
        _votes.Add(from);
        if (_votes.Count >= Majority) BecomeLeaderOfTerm(now);
    }

    private void BecomeLeaderOfTerm(long now)
    {
        _outside.Say($"term {Term}: elected leader by {_votes.Count}+ of {Log.Servers.Count} "
            + "servers");
        Role = RaftRole.Leader;
        Leader = Id;
        ElectionWonAt = now;
        _hadLeader = true;
        IsCutOff = false;
        ElectedIndex = Log.Last + 1;
        BeginLeadership(now);
        _outside.Keep([new ClusterRecord { Term = Term, Leader = Id }], isDurable: false);

        // Entries of former terms count as committed once one of this term does.
        TryPropose(new ClusterRecord(), now);
        _outside.StateChanged();
    }

    /// <summary>Has the server with the longest log take over, if there is one.</summary>
    public void TransferLeadership(string reason)
    {
        var others = _followers.Where(follower => Log.Servers.ContainsKey(follower.Key)).ToArray();
        if (!IsLeader || others.Length == 0) return;
        var best = others.MaxBy(follower => follower.Value.Match).Key;
        var text = $"transferring leadership to {RaftSettings.ShortOf(best)} because {reason}";
        _outside.Say(text);
        _outside.Keep(
            [new ClusterRecord { Comment = text, Note = "transfer leadership" }],
            isDurable: false);
        _outside.Send(best, new BecomeLeader(Term) { Comment = reason });
    }
}
