using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>What follows from a message: events to journal first, then the answer.</summary>
public readonly record struct LogDecision(ImmutableArray<ILogEvent> Events, ILogMessage? Reply)
{
    public static LogDecision Say(ILogMessage reply) => new([], reply);
}

/// <summary>One host's replica of the log: voter or learner. No I/O and no clock.</summary>
/// <remarks>
/// <see cref="Decide"/> changes nothing; its events are journaled, then given to
/// <see cref="Apply"/>, and only then is the answer sent. The same events in the same order make
/// the same replica, so that recovery is <see cref="Apply"/> alone. What a voter has promised or
/// journaled it never takes back; entries that were not committed may be replaced by those of a
/// higher term.
/// </remarks>
public sealed class LogReplica
{
    private readonly List<LogEntry> _entries = [];
    private VoterSet _baseVoters = VoterSet.None;
    private VoterSet? _forced;

    public Guid LogId { get; private set; }

    /// <summary>Of the endpoint beside this replica.</summary>
    public long Incarnation { get; private set; }

    /// <summary>Terms below this one are refused.</summary>
    public long PromisedTerm { get; private set; }

    public WriterId PromisedWriter { get; private set; }

    /// <summary>The last entry that <see cref="Image"/> stands for.</summary>
    public EntryId Base { get; private set; }

    public ILogImage Image { get; private set; } = LogImageBytes.Empty;

    /// <summary>Voters in force at <see cref="Base"/>.</summary>
    public VoterSet BaseVoters => _baseVoters;

    /// <summary>Last sequence known to be journaled by a majority of voters.</summary>
    public long Committed { get; private set; }

    /// <summary>Voters in force at <see cref="Last"/>.</summary>
    public VoterSet Voters { get; private set; } = VoterSet.None;

    /// <summary>Set by an operator until the log says so itself; usually null.</summary>
    public VoterSet? Forced => _forced;

    public EntryId Last => _entries.Count == 0 ? Base : _entries[^1].Id;

    public IReadOnlyList<LogEntry> Entries => _entries;

    /// <summary>The entry, which must be after <see cref="Base"/> and not after Last.</summary>
    public LogEntry this[long sequence] => _entries[(int)(sequence - Base.Sequence - 1)];

    /// <summary>What to journal and to answer. Messages that are answers give nothing.</summary>
    public LogDecision Decide(ILogMessage message) => message switch
    {
        DescribeLog => LogDecision.Say(
            new LogDescribed(LogId, PromisedTerm, Last, Committed, Voters)),
        PrepareTerm prepare => Decide(prepare),
        FetchEntries fetch => Decide(fetch),
        AppendEntries append => Decide(append),
        InstallImage install => Decide(install),
        _ => new LogDecision([], null),
    };

    private LogDecision Decide(PrepareTerm prepare)
    {
        if (IsForeign(prepare.LogId)) return new LogDecision([], null);
        var promise = new TermPromised(prepare.Term, Last, Committed, Voters);
        if (prepare.Term > PromisedTerm)
            return new LogDecision([new PromiseMade(prepare.Term, prepare.Writer)], promise);
        return prepare.Term == PromisedTerm && prepare.Writer == PromisedWriter
            ? LogDecision.Say(promise)
            : LogDecision.Say(new TermRefused(prepare.Term, PromisedTerm));
    }

    private LogDecision Decide(FetchEntries fetch)
    {
        if (fetch.Term != PromisedTerm)
            return LogDecision.Say(new TermRefused(fetch.Term, PromisedTerm));
        if (fetch.After < Base.Sequence)
        {
            return LogDecision.Say(
                new ImageFetched(fetch.Term, Base, _baseVoters, Image.ToBytes()));
        }

        var batch = LogBatch.After(_entries, Base.Sequence, fetch.After);
        return LogDecision.Say(new EntriesFetched(fetch.Term, fetch.After, batch, Last));
    }

    private LogDecision Decide(AppendEntries append)
    {
        if (IsForeign(append.LogId)) return new LogDecision([], null);
        if (append.Term < PromisedTerm)
            return LogDecision.Say(new TermRefused(append.Term, PromisedTerm));

        var events = ImmutableArray.CreateBuilder<ILogEvent>();
        Follow(append.LogId, append.Term, append.Writer, events);

        if (Holds(append.Previous) is { } hint)
        {
            return new LogDecision(
                events.DrainToImmutable(), new AppendGap(append.Term, hint));
        }

        for (var i = 0; i < append.Entries.Length; i++)
        {
            var id = append.Entries[i].Id;
            if (id.Sequence <= Base.Sequence) continue;
            if (id.Sequence <= Last.Sequence && this[id.Sequence].Id.Term == id.Term) continue;
            if (id.Sequence <= Committed) throw Broken($"{id} would replace a committed entry");
            events.Add(new EntriesJournaled(id.Sequence - 1, append.Entries[i..]));
            break;
        }

        var matched = append.Previous.Sequence + append.Entries.Length;
        var committed = Math.Min(append.Committed, matched);
        if (committed > Committed) events.Add(new CommitAdvanced(committed));
        return new LogDecision(
            events.DrainToImmutable(),
            new EntriesAppended(append.Term, Math.Max(matched, Base.Sequence)));
    }

    private LogDecision Decide(InstallImage install)
    {
        if (IsForeign(install.LogId)) return new LogDecision([], null);
        if (install.Term < PromisedTerm)
            return LogDecision.Say(new TermRefused(install.Term, PromisedTerm));

        var events = ImmutableArray.CreateBuilder<ILogEvent>();
        Follow(install.LogId, install.Term, install.Writer, events);
        var sequence = install.Id.Sequence;
        if (sequence > Committed)
        {
            var image = new LogImageBytes(install.Image);
            events.Add(new ImageInstalled(install.Id, install.Voters, image));
        }

        return new LogDecision(
            events.DrainToImmutable(), new EntriesAppended(install.Term, sequence));
    }

    private void Follow(
        Guid log, long term, WriterId writer, ImmutableArray<ILogEvent>.Builder events)
    {
        if (LogId == Guid.Empty) events.Add(new LogJoined(log));
        if (term > PromisedTerm) events.Add(new PromiseMade(term, writer));
    }

    /// <returns>Null when held; otherwise the sequence after which the writer shall try.</returns>
    private long? Holds(EntryId previous)
    {
        if (previous.Sequence <= Base.Sequence) return null; // Committed, and so the same.
        if (previous.Sequence > Last.Sequence) return Last.Sequence;
        var term = this[previous.Sequence].Id.Term;
        if (term == previous.Term) return null;

        var sequence = previous.Sequence - 1; // The whole foreign term goes in one step.
        while (sequence > Math.Max(Base.Sequence, Committed) && this[sequence].Id.Term == term)
            sequence--;
        return Math.Max(sequence, Committed);
    }

    /// <summary>Another cluster's log never mixes with this one.</summary>
    private bool IsForeign(Guid log) => LogId != Guid.Empty && log != LogId;

    /// <summary>The only way in which a replica changes.</summary>
    public void Apply(ILogEvent change)
    {
        switch (change)
        {
            case LogFounded founded:
                LogId = founded.LogId;
                Voters = _baseVoters = founded.Voters;
                break;
            case LogJoined joined:
                LogId = joined.LogId;
                break;
            case EndpointStarted started:
                Incarnation = started.Incarnation;
                break;
            case PromiseMade promise:
                PromisedTerm = promise.Term;
                PromisedWriter = promise.Writer;
                break;
            case EntriesJournaled journaled:
                Journal(journaled);
                break;
            case CommitAdvanced advanced:
                Committed = Math.Max(Committed, Math.Min(advanced.Committed, Last.Sequence));
                break;
            case ImageInstalled installed:
                Install(installed);
                break;
            case VotersForced forced:
                Voters = (_forced = forced.Voters);
                break;
        }
    }

    private void Journal(EntriesJournaled journaled)
    {
        var kept = (int)(journaled.After - Base.Sequence);
        if (kept < 0 || kept > _entries.Count) throw Broken($"a gap after {Last}");
        _entries.RemoveRange(kept, _entries.Count - kept);
        _entries.AddRange(journaled.Entries);
        if (journaled.Entries.Any(entry => entry.Kind == EntryKind.Voters)) _forced = null;
        Voters = VotersAt(Last.Sequence);
    }

    private void Install(ImageInstalled installed)
    {
        var same = installed.Id.Sequence <= Last.Sequence
            && installed.Id.Sequence > Base.Sequence
            && this[installed.Id.Sequence].Id == installed.Id;
        if (same) _entries.RemoveRange(0, (int)(installed.Id.Sequence - Base.Sequence));
        else _entries.Clear();
        Base = installed.Id;
        Image = installed.Image;
        _baseVoters = installed.Voters;
        Committed = Math.Max(Committed, installed.Id.Sequence);
        Voters = VotersAt(Last.Sequence);
    }

    /// <summary>Committed entries become image; a few stay for followers close behind.</summary>
    /// <param name="image">The state at <paramref name="sequence"/>.</param>
    public void Compact(long sequence, ILogImage image)
    {
        if (sequence <= Base.Sequence || sequence > Committed) return;
        Install(new ImageInstalled(this[sequence].Id, VotersAt(sequence), image));
    }

    /// <summary>The log as a writer on this host starts from it.</summary>
    /// <param name="committed">The state at <see cref="Committed"/>.</param>
    public LogView View(ILogImage committed) => new(
        LogId, PromisedTerm, Committed > Base.Sequence ? this[Committed].Id : Base,
        VotersAt(Committed), committed,
        [.. _entries.Skip((int)(Committed - Base.Sequence))], Voters, _forced);

    private VoterSet VotersAt(long sequence)
    {
        if (_forced is not null) return _forced;
        for (var i = (int)(sequence - Base.Sequence) - 1; i >= 0; i--)
        {
            if (_entries[i].Kind != EntryKind.Voters) continue;
            return LogCodec.TryReadVoters(_entries[i].Body.Span, out var voters)
                ? voters
                : throw Broken($"entry {_entries[i].Id} holds no voters");
        }

        return _baseVoters;
    }

    private static InvalidOperationException Broken(string what) =>
        new($"The replicated log is broken: {what}.");
}

/// <summary>Cuts a run of entries to what one message carries.</summary>
internal static class LogBatch
{
    public static ImmutableArray<LogEntry> After(
        List<LogEntry> entries, long baseSequence, long after)
    {
        var first = (int)(after - baseSequence);
        var count = 0;
        var size = 0;
        while (first >= 0 && first + count < entries.Count)
        {
            size += entries[first + count].Body.Length;
            if (count > 0 && size > LogLimits.BatchSizeMax) break;
            if (++count == LogLimits.BatchEntryCountMax) break;
        }

        if (count == 0) return [];
        return [.. entries.GetRange(first, count)];
    }
}
