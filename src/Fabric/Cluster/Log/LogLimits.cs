namespace Fabric.Cluster;

/// <summary>The limits of the replicated log, and what happens at each.</summary>
public static class LogLimits
{
    /// <summary>Voters; further hosts are learners.</summary>
    public const int VoterCountMax = 5;

    /// <summary>Entries in one append or fetch; the rest follows in the next one.</summary>
    public const int BatchEntryCountMax = 256;

    /// <summary>
    /// Bytes of bodies in one append or fetch. One entry that is larger travels alone.
    /// </summary>
    public const int BatchSizeMax = 256 * 1024;

    /// <summary>Bytes of one body; a larger transaction is refused at the writer.</summary>
    public const int BodySizeMax = 64 * 1024 * 1024;

    /// <summary>Entries that a replica keeps behind its image; older ones become image.</summary>
    public const int TailEntryCountMax = 2048;

    /// <summary>
    /// Entries that stay when the tail becomes image, for followers close behind.
    /// </summary>
    public const int TailEntryCountKept = 512;

    /// <summary>How far behind a learner may be to become a voter.</summary>
    public const int VoterLagMax = 64;

    /// <summary>
    /// Transactions of one host that wait for an answer; further ones are refused.
    /// </summary>
    public const int PendingTransactionCountMax = 1024;

    /// <summary>Bytes in one chunk of a message; longer messages travel in several.</summary>
    public const int ChunkSize = 64 * 1024;

    /// <summary>Bytes of one message in chunks; a longer one is dropped and counted.</summary>
    public const int MessageSizeMax = 256 * 1024 * 1024;

    /// <summary>Messages in assembly at one receiver; the oldest is given up.</summary>
    public const int AssemblyCountMax = 32;
}

/// <summary>The times of the replicated log; all of them are waiting times.</summary>
/// <param name="Heartbeat">Longest silence of the writer towards a follower.</param>
/// <param name="Retry">An unanswered request is sent again after this.</param>
/// <param name="Silence">A voter not heard of for so long does not count as reachable.</param>
/// <param name="NoQuorum">A transaction without a majority fails after this.</param>
/// <param name="NoWriter">A transaction fails after this although a majority is there.</param>
public sealed record LogTimes(
    TimeSpan Heartbeat, TimeSpan Retry, TimeSpan Silence, TimeSpan NoQuorum, TimeSpan NoWriter)
{
    public static readonly LogTimes Default = new(
        Heartbeat: TimeSpan.FromMilliseconds(500),
        Retry: TimeSpan.FromMilliseconds(500),
        Silence: TimeSpan.FromSeconds(2),
        NoQuorum: TimeSpan.FromSeconds(5),
        NoWriter: TimeSpan.FromSeconds(15));
}
