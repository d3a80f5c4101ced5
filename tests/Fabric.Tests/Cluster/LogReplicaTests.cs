using System.Collections.Immutable;
using Fabric.Cluster;

namespace Fabric.Tests;

/// <summary>What a replica answers and journals, message by message.</summary>
public sealed class LogReplicaTests
{
    private static readonly Guid Log = new(1, 2, 3, new byte[8]);
    private static readonly WriterId Ada = new("a", 1);
    private static readonly WriterId Bob = new("b", 2);

    private static LogEntry Entry(long term, long sequence) => new(
        new EntryId(term, sequence), EntryKind.Transaction, new byte[] { (byte)sequence });

    private static AppendEntries Append(
        long term, EntryId previous, long committed, params LogEntry[] entries) =>
        new(Log, term, Ada, previous, [.. entries], committed);

    private static ILogMessage? Tell(LogReplica replica, ILogMessage message)
    {
        var decision = replica.Decide(message);
        foreach (var change in decision.Events) replica.Apply(change);
        return decision.Reply;
    }

    private static LogReplica Holding(params LogEntry[] entries)
    {
        var replica = new LogReplica();
        Tell(replica, Append(1, EntryId.None, 0, entries));
        return replica;
    }

    [Fact]
    public void A_promise_is_kept_against_lower_terms_and_other_writers()
    {
        var replica = new LogReplica();
        Assert.IsType<TermPromised>(Tell(replica, new PrepareTerm(Log, 5, Ada)));
        Assert.IsType<TermPromised>(Tell(replica, new PrepareTerm(Log, 5, Ada)));
        Assert.Equal(new TermRefused(5, 5), Tell(replica, new PrepareTerm(Log, 5, Bob)));
        Assert.Equal(new TermRefused(4, 5), Tell(replica, new PrepareTerm(Log, 4, Bob)));
        Assert.Equal(new TermRefused(4, 5), Tell(replica, Append(4, EntryId.None, 0)));
        Assert.IsType<TermPromised>(Tell(replica, new PrepareTerm(Log, 6, Bob)));
    }

    [Fact]
    public void Deciding_changes_nothing()
    {
        var replica = Holding(Entry(1, 1));
        replica.Decide(Append(2, new EntryId(1, 1), 0, Entry(2, 2)));
        Assert.Equal(new EntryId(1, 1), replica.Last);
        Assert.Equal(1, replica.PromisedTerm);
    }

    [Fact]
    public void A_gap_is_named_with_the_place_to_go_on()
    {
        var replica = Holding(Entry(1, 1), Entry(1, 2));
        Assert.Equal(new AppendGap(1, 2), Tell(replica, Append(1, new EntryId(1, 7), 0)));
        Assert.Equal(
            new AppendGap(3, 0),
            Tell(replica, Append(3, new EntryId(2, 2), 0, Entry(3, 3))));
    }

    [Fact]
    public void Entries_that_no_majority_had_give_way_to_a_higher_term()
    {
        var replica = Holding(Entry(1, 1), Entry(1, 2), Entry(1, 3));
        var reply = Tell(replica, Append(2, new EntryId(1, 1), 2, Entry(2, 2)));
        Assert.Equal(new EntriesAppended(2, 2), reply);
        Assert.Equal(new EntryId(2, 2), replica.Last);
        Assert.Equal(2, replica.Committed);
    }

    [Fact]
    public void Entries_told_twice_are_held_once()
    {
        var replica = Holding(Entry(1, 1), Entry(1, 2));
        var append = Append(1, EntryId.None, 2, Entry(1, 1), Entry(1, 2));
        Assert.Empty(replica.Decide(append with { Committed = 0 }).Events);
        Assert.Equal(new EntriesAppended(1, 2), Tell(replica, append));
        Assert.Equal(2, replica.Entries.Count);
    }

    [Fact]
    public void A_late_append_takes_nothing_back()
    {
        var replica = Holding(Entry(1, 1), Entry(1, 2), Entry(1, 3));
        Tell(replica, Append(1, EntryId.None, 1, Entry(1, 1)));
        Assert.Equal(new EntryId(1, 3), replica.Last);
    }

    [Fact]
    public void Another_clusters_log_is_not_answered()
    {
        var replica = Holding(Entry(1, 1));
        Assert.Null(Tell(replica, new PrepareTerm(Guid.NewGuid(), 9, Bob)));
        var foreign = Append(9, EntryId.None, 0, Entry(9, 1)) with { LogId = Guid.NewGuid() };
        Assert.Null(Tell(replica, foreign));
        Assert.Equal(new EntryId(1, 1), replica.Last);
    }

    [Fact]
    public void Committed_entries_become_an_image_that_serves_who_is_far_behind()
    {
        var replica = Holding(Entry(1, 1), Entry(1, 2), Entry(1, 3));
        Tell(replica, Append(1, new EntryId(1, 3), 3));
        replica.Compact(2, new LogImageBytes(new byte[] { 42 }));
        Assert.Equal(new EntryId(1, 2), replica.Base);
        Assert.Single(replica.Entries);
        var image = Assert.IsType<ImageFetched>(Tell(replica, new FetchEntries(1, 0)));
        Assert.Equal(42, image.Image.Span[0]);
        Assert.IsType<EntriesFetched>(Tell(replica, new FetchEntries(1, 2)));
    }

    [Fact]
    public void Voters_are_those_of_the_newest_entry_committed_or_not()
    {
        var replica = new LogReplica();
        replica.Apply(new LogFounded(Log, VoterSet.Of("a")));
        var voters = new LogEntry(
            new EntryId(1, 1), EntryKind.Voters, LogCodec.Voters(VoterSet.Of("a", "b")));
        Tell(replica, Append(1, EntryId.None, 0, voters));
        Assert.Equal(VoterSet.Of("a", "b"), replica.Voters);
        Tell(replica, Append(2, EntryId.None, 0, Entry(2, 1)));
        Assert.Equal(VoterSet.Of("a"), replica.Voters);
    }

    [Fact]
    public void A_snapshot_makes_the_same_replica()
    {
        var replica = Holding(Entry(1, 1), Entry(1, 2), Entry(1, 3));
        Tell(replica, Append(1, new EntryId(1, 3), 2));
        replica.Compact(1, new LogImageBytes(new byte[] { 7 }));
        var again = new LogReplica();
        foreach (var change in ReplicaSnapshot.Of(replica).ToEvents()) again.Apply(change);
        Assert.Equal(replica.Last, again.Last);
        Assert.Equal(replica.Base, again.Base);
        Assert.Equal(replica.Committed, again.Committed);
        Assert.Equal(replica.PromisedTerm, again.PromisedTerm);
        Assert.Equal(replica.LogId, again.LogId);
    }
}
