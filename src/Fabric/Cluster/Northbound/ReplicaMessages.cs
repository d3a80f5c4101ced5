using System.Collections.Immutable;
using Akka.Actor;

namespace Fabric.Cluster;

/// <summary>From the writer to the replica of its own host, in one process.</summary>
public sealed record DescribeReplica
{
    public static readonly DescribeReplica Instance = new();
}

/// <param name="View">Its image is a <see cref="NorthboundState"/>.</param>
public sealed record ReplicaDescribed(LogView View);

/// <summary>From the writer to the replica of its own host: an operator gave up voters.</summary>
public sealed record ForceVoters(VoterSet Voters);

/// <summary>To the replica of the host that forms the cluster; without effect otherwise.</summary>
public sealed record FoundLog(Guid LogId);

/// <summary>From the replica to host/cluster, when it changed.</summary>
/// <param name="WriterHost">Of the last entry or heartbeat; null before the first.</param>
/// <param name="LogId">Zeros while this host has never been in a cluster.</param>
public sealed record LogStatus(
    Guid LogId, long Term, EntryId Last, long Committed, VoterSet Voters, string? WriterHost,
    int PendingCount);

/// <summary>A replica as one value, in place of the journal up to it.</summary>
public sealed record ReplicaSnapshot(
    Guid LogId, long PromisedTerm, WriterId PromisedWriter, EntryId Base, VoterSet BaseVoters,
    ILogImage Image, ImmutableArray<LogEntry> Entries, long Committed, VoterSet? Forced,
    long Incarnation)
{
    public static ReplicaSnapshot Of(LogReplica replica) => new(
        replica.LogId, replica.PromisedTerm, replica.PromisedWriter, replica.Base,
        replica.BaseVoters, replica.Image, [.. replica.Entries], replica.Committed,
        replica.Forced, replica.Incarnation);

    /// <summary>The events that make the same replica.</summary>
    public IEnumerable<ILogEvent> ToEvents()
    {
        yield return new LogFounded(LogId, BaseVoters);
        yield return new EndpointStarted(Incarnation);
        yield return new PromiseMade(PromisedTerm, PromisedWriter);
        if (Base.Sequence > 0) yield return new ImageInstalled(Base, BaseVoters, Image);
        if (Entries.Length > 0) yield return new EntriesJournaled(Base.Sequence, Entries);
        yield return new CommitAdvanced(Committed);
        if (Forced is not null) yield return new VotersForced(Forced);
    }
}

/// <summary>To the cluster's seam beside it: this host's replica (re)started.</summary>
public sealed record ReplicaStarted(IActorRef Replica);
