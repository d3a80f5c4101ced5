using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>What a client session needs of the server around it.</summary>
internal interface ISessionPeers
{
    /// <summary>Names of the databases that are served now, sorted.</summary>
    IEnumerable<string> Databases { get; }

    /// <summary>This server among those of its cluster.</summary>
    Guid ServerId { get; }

    /// <summary>False: monitor_cond and monitor_cond_since are not known here.</summary>
    bool HasMonitorCond => true;

    /// <returns>False if no database of that name is served now.</returns>
    bool TrySchema(string database, out DatabaseSchema schema);

    /// <summary>It will be served, when this server has joined its cluster.</summary>
    bool IsAwaited(string database) => false;

    /// <summary>Its state, and every change from then on, shall be told to the session.</summary>
    void Subscribe(string database);

    void Transact(string database, Transact transact);
    void CancelTransact(string database, long requestId);
    void Convert(string database, long requestId, DatabaseSchema schema);

    /// <summary>The answer is <see cref="ClientSession.LockAnswered"/>.</summary>
    void RequestLock(long requestId, string name, bool isSteal);

    void ReleaseLock(string name);

    /// <summary>The connection shall be closed, after what was written so far.</summary>
    void Close(string reason);
}
