namespace Fabric.Cluster;

/// <summary>What the writer knows of one host's replica.</summary>
internal sealed class LogFollower(string host)
{
    public string Host { get; } = host;

    /// <summary>Last sequence known to equal the writer's log; counts for the majority.</summary>
    public long Matched { get; set; }

    /// <summary>The sequence to send next.</summary>
    public long Next { get; set; } = 1;

    /// <summary>The 'Committed' that it was last told.</summary>
    public long Told { get; set; } = -1;

    /// <summary>An append is on its way; the next one waits for its answer or for Retry.</summary>
    public bool IsAwaited { get; set; }

    /// <summary>What is on its way is an image, which takes longer than entries.</summary>
    public bool IsImageAwaited { get; set; }

    public TimeSpan SentAt { get; set; } = TimeSpan.MinValue;

    public TimeSpan? HeardAt { get; set; }
}

/// <summary>Where a writer stands.</summary>
public enum LogWriterPhase
{
    /// <summary>Collects promises for its term from a majority of voters.</summary>
    Preparing,

    /// <summary>Reads the newest entries from the voter that holds them.</summary>
    Reading,

    /// <summary>Brings all it has read, and a barrier of its own term, to a majority.</summary>
    Completing,

    /// <summary>Accepts entries.</summary>
    Serving,

    /// <summary>A higher term is known; this writer never writes again.</summary>
    Deposed,
}

/// <summary>A message and the host whose replica it is for.</summary>
public readonly record struct LogSend(string Host, ILogMessage Message);

/// <summary>The log of one host, from which a writer starts.</summary>
/// <param name="Base">A committed entry; <paramref name="Image"/> is the state there.</param>
/// <param name="Entries">After <paramref name="Base"/>; the last ones may be uncommitted.</param>
/// <param name="BaseVoters">In force at <paramref name="Base"/>.</param>
/// <param name="Voters">In force at the end.</param>
/// <param name="Forced">Set by an operator in place of what the log says; usually null.</param>
public sealed record LogView(
    Guid LogId, long PromisedTerm, EntryId Base, VoterSet BaseVoters, ILogImage Image,
    IReadOnlyList<LogEntry> Entries, VoterSet Voters, VoterSet? Forced)
{
    public EntryId Last => Entries.Count == 0 ? Base : Entries[^1].Id;
}
