using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A database that an OVSDB server lets clients use.</summary>
/// <param name="Endpoint">
/// Hears <see cref="SubscribeDatabase"/>, <see cref="Transact"/> and <see cref="CancelTransact"/>.
/// </param>
public sealed record ServedDatabase(DatabaseSchema Schema, IActorRef Endpoint)
{
    /// <summary>"standalone", "clustered" or "relay", as _Server tells it.</summary>
    public string Model { get; init; } = "standalone";

    public bool IsLeader { get; init; } = true;

    /// <summary>Of a cluster: a majority of it is there.</summary>
    public bool IsConnected { get; init; } = true;

    /// <summary>Of a server that has yet to join its cluster: it has no rows.</summary>
    public bool IsJoining { get; init; }
    public Guid? ClusterId { get; init; }

    /// <summary>This server in its cluster.</summary>
    public Guid? ServerId { get; init; }

    /// <summary>Of the last entry of the cluster's log.</summary>
    public long? Index { get; init; }
}

/// <summary>A cluster's log has grown: _Server shows how far.</summary>
internal sealed record ShowIndex(string Database, long Index);

/// <summary>Asks the server to let clients use a database, or another endpoint of it.</summary>
public sealed record ServeDatabase(ServedDatabase Database);

public sealed record StopServingDatabase(string Name)
{
    /// <summary>Stays in _Server, as not connected; null: it is gone.</summary>
    public string? ShownModel { get; init; }
}

/// <summary>Asks the server to listen, or to connect to a client that listens.</summary>
public sealed record OpenRemote(OvsdbRemote Remote)
{
    /// <summary>Silence after which a client is probed; null: the default of the method.</summary>
    public TimeSpan? ProbeInterval { get; init; }

    /// <summary>Role of all its clients, for RBAC.</summary>
    public string Role { get; init; } = "";

    /// <summary>Key, certificate and trusted authorities of pssl and ssl remotes.</summary>
    public TlsSource? Tls { get; init; }
}

/// <summary>Of who has opened it last; of others it is not heard.</summary>
public sealed record CloseRemote(string Text);

/// <summary>Clients find a server that knows "monitor" only, as an old one.</summary>
public sealed record DisableMonitorCond;

/// <summary>All clients are disconnected; remotes stay, and clients may connect anew.</summary>
public sealed record CloseSessions;

/// <summary>The remote listens; answer to <see cref="OpenRemote"/>.</summary>
/// <param name="Port">The TCP port, or 0.</param>
public sealed record RemoteOpened(string Text, int Port);

/// <summary>The remote cannot listen; it is tried again.</summary>
public sealed record RemoteFailed(string Text, string Problem);

/// <summary>What clients and servers show each other.</summary>
/// <param name="Authorities">
/// Who may have signed the other's certificate; empty: not checked.
/// </param>
public sealed record TlsIdentity(
    X509Certificate2 Certificate, ImmutableArray<X509Certificate2> Authorities);

/// <summary>What the server tells listeners and sessions whenever it changes.</summary>
internal sealed record DatabasesServed(
    ImmutableSortedDictionary<string, ServedDatabase> Databases, Guid ServerId)
{
    public bool HasMonitorCond { get; init; } = true;
}

/// <summary>A session wants a lock; <see cref="LockAnswered"/> answers.</summary>
internal sealed record RequestLock(long RequestId, string Name, bool IsSteal);

internal sealed record ReleaseLock(string Name);

internal sealed record LockAnswered(long RequestId, bool IsLocked);

internal sealed record LockGranted(string Name);

internal sealed record LockStolen(string Name);
