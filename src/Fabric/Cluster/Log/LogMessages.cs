using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>One start of the writer on one host; two starts never share one.</summary>
public readonly record struct WriterId(string HostId, long Nonce);

/// <summary>
/// A message between the writer and the replicas. Each may be lost, late or double.
/// </summary>
public interface ILogMessage;

/// <summary>Asks what a replica holds, without any claim.</summary>
public sealed record DescribeLog : ILogMessage
{
    public static readonly DescribeLog Instance = new();
}

/// <param name="LogId">Empty while the replica has never been in a cluster.</param>
/// <param name="Voters">In force at <paramref name="Last"/>.</param>
public sealed record LogDescribed(
    Guid LogId, long PromisedTerm, EntryId Last, long Committed, VoterSet Voters) : ILogMessage;

/// <summary>A writer claims a term. A voter that promises refuses every lower one.</summary>
public sealed record PrepareTerm(Guid LogId, long Term, WriterId Writer) : ILogMessage;

/// <summary>The promise, which is in the voter's journal, and what the voter holds.</summary>
public sealed record TermPromised(
    long Term, EntryId Last, long Committed, VoterSet Voters) : ILogMessage;

/// <summary>A message of a lower term, or a claim on a term that another writer has.</summary>
public sealed record TermRefused(long Term, long PromisedTerm) : ILogMessage;

/// <summary>The writer reads what it lacks from the voter that holds the newest entries.</summary>
/// <param name="After">The sequence after which to begin.</param>
public sealed record FetchEntries(long Term, long After) : ILogMessage;

/// <param name="After">As asked.</param>
/// <param name="Last">The last entry that the voter holds.</param>
public sealed record EntriesFetched(
    long Term, long After, ImmutableArray<LogEntry> Entries, EntryId Last) : ILogMessage;

/// <summary>The entries asked for are no longer held; this state stands for them.</summary>
public sealed record ImageFetched(
    long Term, EntryId Id, VoterSet Voters, ReadOnlyMemory<byte> Image) : ILogMessage;

/// <summary>Entries to journal after <paramref name="Previous"/>; none is a heartbeat.</summary>
/// <param name="Committed">Last sequence that a majority of voters has journaled.</param>
public sealed record AppendEntries(
    Guid LogId, long Term, WriterId Writer, EntryId Previous, ImmutableArray<LogEntry> Entries,
    long Committed) : ILogMessage;

/// <summary>The replica's journal equals the writer's log up to here.</summary>
public sealed record EntriesAppended(long Term, long Matched) : ILogMessage;

/// <summary>The replica does not hold 'Previous'; try from after this sequence.</summary>
public sealed record AppendGap(long Term, long Hint) : ILogMessage;

/// <summary>State for a follower that lacks more than the writer's tail holds.</summary>
public sealed record InstallImage(
    Guid LogId, long Term, WriterId Writer, EntryId Id, VoterSet Voters,
    ReadOnlyMemory<byte> Image) : ILogMessage;

/// <summary>What a replica writes to its journal; its state is the fold of these.</summary>
public interface ILogEvent;

/// <summary>The first event of the host that forms the cluster.</summary>
public sealed record LogFounded(Guid LogId, VoterSet Voters) : ILogEvent;

public sealed record LogJoined(Guid LogId) : ILogEvent;

/// <summary>The endpoint beside the replica started; it numbers its requests anew.</summary>
public sealed record EndpointStarted(long Incarnation) : ILogEvent;

public sealed record PromiseMade(long Term, WriterId Writer) : ILogEvent;

/// <summary>Everything after 'After' is dropped, then the entries follow.</summary>
public sealed record EntriesJournaled(long After, ImmutableArray<LogEntry> Entries) : ILogEvent;

/// <summary>Need not be in the journal: the writer says it again.</summary>
public sealed record CommitAdvanced(long Committed) : ILogEvent;

public sealed record ImageInstalled(EntryId Id, VoterSet Voters, ILogImage Image) : ILogEvent;

/// <summary>An operator took these voters as lost for good.</summary>
public sealed record VotersForced(VoterSet Voters) : ILogEvent;
