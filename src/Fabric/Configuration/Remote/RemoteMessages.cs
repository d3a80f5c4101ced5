using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Which database of which server is replicated here.</summary>
/// <param name="Schema">What this program knows; the server's may be older or newer.</param>
/// <param name="Remotes">Active remotes, tried in turn.</param>
public sealed record RemoteDatabaseSettings(
    DatabaseSchema Schema, ImmutableArray<OvsdbRemote> Remotes)
{
    /// <summary>
    /// Held while this program works on the database: without it the rows are hidden.
    /// </summary>
    public string? Lock { get; init; }

    /// <summary>
    /// The schema is whatever the server has, and who subscribed hears when it is away.
    /// </summary>
    internal bool IsRelay { get; init; }

    /// <summary>For ssl remotes.</summary>
    public TlsIdentity? Tls { get; init; }

    /// <summary>Silence of a TCP or TLS server after which it is probed; zero: never.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>To the parent of a relay's connection: the server has another schema.</summary>
internal sealed record RemoteSchemaFound(DatabaseSchema Schema);

/// <summary>To the parent of a relay's connection: the rows are not kept up any more.</summary>
internal sealed record RemoteAway
{
    public static RemoteAway Instance { get; } = new();
}

/// <summary>Another process works on the database now: leave what it says alone.</summary>
public sealed record DatabaseHidden
{
    public static DatabaseHidden Instance { get; } = new();
}
