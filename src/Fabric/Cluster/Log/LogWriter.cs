using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>The one that appends to the replicated log. No I/O and no clock of its own.</summary>
/// <remarks>
/// A writer takes a term that no majority has promised to anyone else, reads the newest entries
/// that a majority of voters holds, completes them, and serves. An entry is committed when a
/// majority of the voters in force has journaled it and it, or a later one, is of this term.
/// The voters in force are the newest in the log, committed or not; one change at a time keeps
/// the majorities of neighbouring sets overlapping. Preparing therefore goes on until a majority
/// of those voters has promised that the newest of the promised logs names.
/// Time is any clock that does not run backwards.
/// </remarks>
public sealed partial class LogWriter
{
    private readonly WriterId _id;
    private readonly LogTimes _times;
    private readonly VoterSet? _forced;
    private readonly List<LogSend> _outbox = [];
    private readonly SortedDictionary<string, LogFollower> _followers =
        new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, TermPromised> _promises =
        new(StringComparer.Ordinal);
    private readonly List<LogEntry> _entries;
    private ImmutableSortedSet<string> _peers = Ordinal.Empty<string>();
    private Guid _logId;
    private EntryId _base;
    private VoterSet _baseVoters;
    private VoterSet _described = VoterSet.None;
    private EntryId _describedLast;
    private string _source = "";
    private TimeSpan? _askedAt;
    private TimeSpan? _readAt;

    /// <param name="own">The log of the writer's own host.</param>
    /// <param name="above">The term will be higher than this one.</param>
    public LogWriter(WriterId id, LogView own, long above, LogTimes times)
    {
        _id = id;
        _times = times;
        _forced = own.Forced;
        _entries = [.. own.Entries];
        _base = own.Base;
        _baseVoters = own.BaseVoters;
        _logId = own.LogId;
        Image = own.Image;
        Voters = own.Voters;
        Term = Math.Max(own.PromisedTerm, above) + 1;
    }

    public WriterId Id => _id;

    public Guid LogId => _logId;

    public LogWriterPhase Phase { get; private set; }

    public long Term { get; private set; }

    /// <summary>The highest term that a refusal spoke of; the next writer goes above it.</summary>
    public long RefusedBy { get; private set; }

    public long Committed { get; private set; }

    public VoterSet Voters { get; private set; }

    /// <summary>The state at <see cref="Base"/>, as last given or read.</summary>
    public ILogImage Image { get; private set; }

    public EntryId Base => _base;

    public EntryId Last => _entries.Count == 0 ? _base : _entries[^1].Id;

    public LogEntry this[long sequence] => _entries[(int)(sequence - _base.Sequence - 1)];

    /// <summary>All messages since the last call, in order.</summary>
    public ImmutableArray<LogSend> TakeOutbox()
    {
        ImmutableArray<LogSend> sends = [.. _outbox];
        _outbox.Clear();
        return sends;
    }

    /// <summary>
    /// All hosts with a replica, voters or not; those that are gone are left out.
    /// </summary>
    public void SetPeers(ImmutableSortedSet<string> peers, TimeSpan now)
    {
        _peers = peers;
        foreach (var gone in _followers.Keys.Where(host => !IsFollowed(host)).ToList())
            _followers.Remove(gone);
        if (IsWriting) Pump(now);
    }

    /// <summary>Voters heard of lately; less than a majority cannot commit.</summary>
    public int ReachableVoterCount(TimeSpan now) => Voters.Hosts.Count(host =>
        _followers.TryGetValue(host, out var follower)
        && follower.HeardAt is { } heard && now - heard <= _times.Silence);

    public bool HasQuorum(TimeSpan now) => ReachableVoterCount(now) >= Voters.Majority;

    /// <summary>Sends what is due. To be called every 100 ms or more often.</summary>
    public void Tick(TimeSpan now)
    {
        switch (Phase)
        {
            case LogWriterPhase.Preparing when IsDue(now):
                Prepare(now);
                break;
            case LogWriterPhase.Reading when now - _readAt > _times.Silence:
                Repeat(now); // The source is gone.
                break;
            case LogWriterPhase.Reading when IsDue(now):
                Read(now);
                break;
            case LogWriterPhase.Completing or LogWriterPhase.Serving:
                Pump(now);
                break;
        }
    }

    /// <summary>An answer of a replica. Late and foreign ones are without effect.</summary>
    public void Receive(string host, ILogMessage message, TimeSpan now)
    {
        if (Phase == LogWriterPhase.Deposed) return;
        Follower(host).HeardAt = now;
        switch (message)
        {
            case LogDescribed described when Phase == LogWriterPhase.Preparing:
                Learn(described, now);
                break;
            case TermPromised promised
                when promised.Term == Term && Phase == LogWriterPhase.Preparing:
                _promises[host] = promised;
                Weigh(now);
                break;
            case TermRefused refused when refused.Term == Term:
                RefusedBy = refused.PromisedTerm;
                Phase = LogWriterPhase.Deposed;
                break;
            case EntriesFetched fetched
                when fetched.Term == Term && Phase == LogWriterPhase.Reading:
                Take(host, fetched, now);
                break;
            case ImageFetched image
                when image.Term == Term && Phase == LogWriterPhase.Reading:
                Take(host, image, now);
                break;
            case EntriesAppended appended when appended.Term == Term && IsWriting:
                Count(host, appended, now);
                break;
            case AppendGap gap when gap.Term == Term && IsWriting:
                StepBack(host, gap, now);
                break;
        }
    }

    private bool IsWriting =>
        Phase is LogWriterPhase.Completing or LogWriterPhase.Serving;

    private bool IsDue(TimeSpan now) => _askedAt is not { } asked || now - asked >= _times.Retry;

    private bool IsFollowed(string host) => _peers.Contains(host) || Voters.Contains(host);

    private LogFollower Follower(string host)
    {
        if (_followers.TryGetValue(host, out var follower)) return follower;
        follower = new LogFollower(host) { Next = Last.Sequence + 1 };
        _followers.Add(host, follower);
        return follower;
    }

    private void Ask(IEnumerable<string> hosts, ILogMessage message)
    {
        foreach (var host in hosts) _outbox.Add(new LogSend(host, message));
    }

    /// <summary>A host that does not vote may still know who does.</summary>
    private void Learn(LogDescribed described, TimeSpan now)
    {
        if (_logId == Guid.Empty) _logId = described.LogId;
        if (described.LogId != _logId || described.Voters.IsEmpty) return;
        if (!_described.IsEmpty && described.Last <= _describedLast) return;
        _described = described.Voters;
        _describedLast = described.Last;
        Prepare(now);
    }

    /// <remarks>The own replica is always asked; whether it votes is another question.</remarks>
    private void Prepare(TimeSpan now)
    {
        _askedAt = now;
        Ask(_peers.Remove(_id.HostId), DescribeLog.Instance);
        if (_logId == Guid.Empty) return; // Nobody has said yet which log this is.
        var asked = Voters.Hosts.Union(_described.Hosts).Add(_id.HostId);
        Ask(asked.Except(_promises.Keys), new PrepareTerm(_logId, Term, _id));
    }

    /// <summary>Do the promises suffice?</summary>
    private void Weigh(TimeSpan now)
    {
        if (!_promises.TryGetValue(_id.HostId, out var own)) return;
        var newest = _promises.MaxBy(promise => promise.Value.Last).Value.Last;
        // Of equal ones the own, unless it is new and does not know yet who votes.
        _source = own.Last == newest && !own.Voters.IsEmpty
            ? _id.HostId
            : _promises.Where(promise => promise.Value.Last == newest)
                .OrderBy(promise => promise.Value.Voters.IsEmpty).First().Key;

        var voters = _forced ?? _promises[_source].Voters;
        if (!voters.Equals(Voters))
        {
            Voters = voters; // Another set came to light; its majority has to promise.
            Prepare(now);
        }

        if (Voters.IsEmpty || _promises.Keys.Count(Voters.Contains) < Voters.Majority) return;
        // What is uncommitted here and not there was never committed: no majority holds it.
        if (newest != Last) _entries.Clear();
        Phase = LogWriterPhase.Reading;
        Read(now);
    }

    private void Repeat(TimeSpan now)
    {
        Term++;
        _promises.Clear();
        Phase = LogWriterPhase.Preparing;
        Prepare(now);
    }

    private void Read(TimeSpan now)
    {
        _askedAt = now;
        _readAt ??= now;
        if (Last == _promises[_source].Last) Complete(now);
        else Ask([_source], new FetchEntries(Term, Last.Sequence));
    }

    private void Take(string host, EntriesFetched fetched, TimeSpan now)
    {
        if (host != _source || fetched.After != Last.Sequence) return;
        _entries.AddRange(fetched.Entries);
        if (fetched.Entries.Length == 0) return;
        _readAt = now;
        Read(now);
    }

    private void Take(string host, ImageFetched image, TimeSpan now)
    {
        if (host != _source || image.Id.Sequence <= Last.Sequence) return;
        _entries.Clear();
        _base = image.Id;
        _baseVoters = image.Voters;
        Image = new LogImageBytes(image.Image);
        _readAt = now;
        Read(now);
    }

    private void Complete(TimeSpan now)
    {
        Committed = _base.Sequence;
        Phase = LogWriterPhase.Completing;
        foreach (var follower in _followers.Values) follower.Next = Last.Sequence + 1;
        _entries.Add(Entry(EntryKind.Barrier, ReadOnlyMemory<byte>.Empty));
        // An operator set them, or the log never said: all who read it are to know.
        if (_forced is not null || !VotersAt(Last.Sequence).Equals(Voters))
            _entries.Add(Entry(EntryKind.Voters, LogCodec.Voters(Voters)));
        Pump(now);
    }

    private LogEntry Entry(EntryKind kind, ReadOnlyMemory<byte> body) =>
        new(new EntryId(Term, Last.Sequence + 1), kind, body);
}
