namespace Fabric.Cluster;

/// <summary>The log's one voter where the northbound lives in PostgreSQL.</summary>
/// <remarks>
/// To the protocol it is a replica like any other: it promises terms, journals entries, and is a
/// majority of one. Hosts then are learners. It runs beside the writer, and its fence is the row
/// of the term, which every write locks and compares in its own transaction.
/// </remarks>
public static class SqlVoter
{
    /// <summary>No host can have this id: it is no DNS label.</summary>
    public const string HostId = "(postgresql)";

    public static VoterSet Alone => VoterSet.Of(HostId);

    public static bool Votes(VoterSet voters) => voters.Contains(HostId);
}

/// <summary>A row of the log in PostgreSQL is not what was written.</summary>
/// <param name="sequence">Of the entry; nothing from there on is read.</param>
public sealed class DamagedLogException(string log, long sequence) : Exception(
    $"Entry {sequence} of the northbound '{log}' in PostgreSQL does not match its digest; "
    + "restore the table northbound_entry from a backup.");
