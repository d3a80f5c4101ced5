using System.Collections.Immutable;
using System.Text.Json;

namespace Fabric.Configuration;

/// <summary>What servers of a cluster say to each other (Raft; Ongaro's thesis, 3 and 4).</summary>
internal abstract record RaftMessage
{
    /// <summary>For people who read logs; nothing depends on it.</summary>
    public string? Comment { get; init; }

    /// <summary>Opens a connection: who listens where.</summary>
    public sealed record Hello(string Address) : RaftMessage;

    public sealed record AddServer(string Address) : RaftMessage;

    /// <param name="Remotes">Whom to ask instead.</param>
    public sealed record ServerAdded(bool IsDone, ImmutableArray<string> Remotes) : RaftMessage;

    public sealed record RemoveServer(Guid Server) : RaftMessage;

    public sealed record ServerRemoved(bool IsDone) : RaftMessage
    {
        /// <summary>Who was removed, for another who asked; null: the one who hears.</summary>
        public Guid? Target { get; init; }
    }

    /// <param name="Previous">Index of the entry before the first of 'Entries'.</param>
    /// <param name="Commit">How far the leader has committed.</param>
    public sealed record Append(
        long Term, long Previous, long PreviousTerm, long Commit,
        ImmutableArray<ClusterRecord> Entries) : RaftMessage;

    /// <param name="Previous">As in the request, like the two after it.</param>
    /// <param name="LogEnd">Index behind the last entry of the log.</param>
    public sealed record Appended(
        long Term, long Previous, long PreviousTerm, long Count, long LogEnd, AppendResult Result)
        : RaftMessage;

    /// <param name="Last">Index of the candidate's last entry.</param>
    public sealed record Vote(long Term, long Last, long LastTerm) : RaftMessage
    {
        /// <summary>The leader wants it: voters do not protect it.</summary>
        public bool IsTransfer { get; init; }

        /// <summary>Asks how a vote would go, as versions after 3.1 do.</summary>
        public bool IsPrevote { get; init; }
    }

    public sealed record Voted(long Term, Guid For) : RaftMessage
    {
        public bool IsPrevote { get; init; }
    }

    public sealed record InstallSnapshot(long Term, RaftSnapshot Snapshot) : RaftMessage;

    public sealed record SnapshotInstalled(long Term, long Last, long LastTerm) : RaftMessage;

    public sealed record BecomeLeader(long Term) : RaftMessage;

    /// <summary>A follower's transaction, for the leader to append.</summary>
    /// <param name="Prerequisite">The transaction that it must come right behind.</param>
    public sealed record Execute(JsonElement Data, Guid Prerequisite, Guid EntryId) : RaftMessage;

    public sealed record Executed(Guid EntryId, string Status, long Commit) : RaftMessage;

    /// <summary>The sender's term, of the messages that have one.</summary>
    public long? SendersTerm => this switch
    {
        Append it => it.Term,
        Appended it => it.Term,
        Vote it => it.Term,
        Voted it => it.Term,
        InstallSnapshot it => it.Term,
        SnapshotInstalled it => it.Term,
        BecomeLeader it => it.Term,
        _ => null,
    };
}

internal enum AppendResult : byte
{
    Ok,

    /// <summary>The log has no such previous entry.</summary>
    Inconsistency,
    IoError,
}

/// <summary>The database as of an entry, in the place of all entries up to it.</summary>
/// <param name="ElectionTimer">Milliseconds.</param>
/// <param name="Data">[schema, transaction].</param>
internal sealed record RaftSnapshot(
    long Index, long Term, Guid EntryId, ImmutableSortedDictionary<Guid, string> Servers,
    long ElectionTimer, JsonElement Data);

/// <summary>A message with who sent it to whom.</summary>
/// <param name="To">Null: not known yet, as is the cluster.</param>
internal sealed record RaftEnvelope(Guid From, Guid? To, Guid? Cluster, RaftMessage Message);
