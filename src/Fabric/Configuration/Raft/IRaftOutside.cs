using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>What a server of a cluster does to the world; see <see cref="RaftMember"/>.</summary>
internal interface IRaftOutside
{
    /// <summary>Sends by whatever connection there is; without one the message is lost.</summary>
    void Send(Guid server, RaftMessage message);

    /// <summary>Asks every server that is known by its address, as one who joins does.</summary>
    void Ask(RaftMessage message);

    /// <summary>Writes records; with 'isDurable' they are on disk when this returns.</summary>
    void Keep(ReadOnlySpan<ClusterRecord> records, bool isDurable);

    /// <summary>Writes the file anew: the log's snapshot, these records, the entries.</summary>
    void KeepSnapshot(RaftLog log, ReadOnlySpan<ClusterRecord> records);

    /// <summary>An entry is committed, in the order of the log.</summary>
    void Apply(ClusterRecord entry);

    /// <summary>The database is this from now on.</summary>
    void Restore(RaftSnapshot snapshot);

    /// <summary>The cluster has other servers, or whom to ask for joining has changed.</summary>
    void ServersChanged();

    /// <summary>Leader, role or connection are others.</summary>
    void StateChanged();

    /// <summary>The server is no member any more, for good.</summary>
    void Left();

    void Say(string text);
}
