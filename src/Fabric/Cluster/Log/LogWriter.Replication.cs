using System.Collections.Immutable;

namespace Fabric.Cluster;

public sealed partial class LogWriter
{
    /// <summary>Adds an entry and sends it. Only while serving.</summary>
    public LogEntry Append(EntryKind kind, ReadOnlyMemory<byte> body, TimeSpan now)
    {
        if (Phase != LogWriterPhase.Serving)
            throw new InvalidOperationException($"A writer that is {Phase} does not append.");
        var entry = Entry(kind, body);
        _entries.Add(entry);
        Pump(now);
        return entry;
    }

    /// <summary>
    /// Changes the voters by one host, unless the last change is still under way.
    /// </summary>
    /// <returns>False when nothing was appended.</returns>
    public bool TryChangeVoters(VoterSet voters, TimeSpan now)
    {
        var difference = voters.Hosts.SymmetricExcept(Voters.Hosts).Count;
        var open = _entries.Any(entry =>
            entry.Kind == EntryKind.Voters && entry.Id.Sequence > Committed);
        if (Phase != LogWriterPhase.Serving || open || difference != 1 || voters.IsEmpty)
            return false;
        var entry = Entry(EntryKind.Voters, LogCodec.Voters(voters));
        _entries.Add(entry);
        Voters = voters; // In force from here on, committed or not.
        Pump(now);
        return true;
    }

    /// <summary>How many entries the host is behind; null when it was never heard of.</summary>
    public long? LagOf(string host) =>
        _followers.TryGetValue(host, out var follower) && follower.HeardAt is not null
            ? Last.Sequence - follower.Matched
            : null;

    /// <summary>Voters set at the entry, for an image of it.</summary>
    public VoterSet VotersAt(long sequence)
    {
        for (var i = (int)(sequence - _base.Sequence) - 1; i >= 0; i--)
        {
            if (_entries[i].Kind == EntryKind.Voters
                && LogCodec.TryReadVoters(_entries[i].Body.Span, out var voters)) return voters;
        }

        return _baseVoters;
    }

    /// <summary>
    /// Lets go of entries up to a committed one; followers behind it get the image.
    /// </summary>
    public void Compact(long sequence, ILogImage image)
    {
        if (sequence <= _base.Sequence || sequence > Committed) return;
        _baseVoters = VotersAt(sequence);
        var count = (int)(sequence - _base.Sequence);
        _base = this[sequence].Id;
        Image = image;
        _entries.RemoveRange(0, count);
    }

    private void Count(string host, EntriesAppended appended, TimeSpan now)
    {
        var follower = Follower(host);
        follower.IsAwaited = follower.IsImageAwaited = false;
        if (appended.Matched > follower.Matched)
            follower.Matched = Math.Min(appended.Matched, Last.Sequence);
        follower.Next = Math.Max(follower.Next, follower.Matched + 1);
        var committed = Committed;
        Commit();
        if (Committed != committed) Pump(now);
        else Pump(follower, now); // The answers of a thousand learners concern nobody else.
    }

    private void StepBack(string host, AppendGap gap, TimeSpan now)
    {
        var follower = Follower(host);
        follower.IsAwaited = follower.IsImageAwaited = false;
        follower.Next = Math.Max(follower.Matched + 1, Math.Min(gap.Hint + 1, follower.Next));
        Pump(follower, now);
    }

    /// <summary>The greatest sequence that a majority of the voters in force has matched.</summary>
    private void Commit()
    {
        var matched = Voters.Hosts
            .Select(host => _followers.TryGetValue(host, out var f) ? f.Matched : 0)
            .OrderDescending().ElementAt(Voters.Majority - 1);
        if (matched <= Committed || matched <= _base.Sequence) return;
        if (this[matched].Id.Term != Term) return; // Older terms are committed by the barrier.
        Committed = matched;
        if (Phase == LogWriterPhase.Completing) Phase = LogWriterPhase.Serving;
    }

    /// <summary>Sends to every follower what it lacks, or a heartbeat when it is due.</summary>
    private void Pump(TimeSpan now)
    {
        foreach (var host in _peers.Union(Voters.Hosts)) Pump(Follower(host), now);
    }

    private void Pump(LogFollower follower, TimeSpan now)
    {
        var silence = follower.SentAt == TimeSpan.MinValue
            ? TimeSpan.MaxValue
            : now - follower.SentAt;
        var patience = follower.IsImageAwaited ? _times.NoQuorum : _times.Retry;
        if (follower.IsAwaited && silence < patience) return;
        var owes = follower.Next <= Last.Sequence || follower.Told < Committed;
        if (!owes && silence < _times.Heartbeat) return;

        // Who has not answered gets a bare heartbeat until it does.
        var isSilent = follower.IsAwaited
            && (follower.HeardAt is not { } heard || now - heard > _times.Silence);
        follower.IsAwaited = true;
        follower.SentAt = now;
        follower.Told = Committed;
        var previous = follower.Next - 1;
        follower.IsImageAwaited = previous < _base.Sequence && !isSilent;
        _outbox.Add(new LogSend(follower.Host, follower.IsImageAwaited
            ? new InstallImage(_logId, Term, _id, _base, _baseVoters, Image.ToBytes())
            : Appending(previous, isSilent)));
    }

    private AppendEntries Appending(long previous, bool isBare)
    {
        var from = Math.Max(previous, _base.Sequence);
        var id = from == _base.Sequence ? _base : this[from].Id;
        var batch = isBare ? [] : LogBatch.After(_entries, _base.Sequence, from);
        return new AppendEntries(_logId, Term, _id, id, batch, Committed);
    }
}
