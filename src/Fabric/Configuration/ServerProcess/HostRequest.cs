using System.Collections.Immutable;
using Akka.Actor;

namespace Fabric.Configuration;

/// <summary>Asks the host to do something; <see cref="HostAnswer"/> answers.</summary>
internal abstract record HostRequest
{
    public sealed record AddDatabase(string Path) : HostRequest;

    public sealed record RemoveDatabase(string Name) : HostRequest;

    public sealed record ListDatabases : HostRequest;

    public sealed record Compact(string? Name) : HostRequest;

    public sealed record AddRemote(string Text) : HostRequest;

    public sealed record RemoveRemote(string Text) : HostRequest;

    public sealed record ListRemotes : HostRequest;

    public sealed record Status(string Name) : HostRequest;

    /// <summary>All clients are cut off, to connect anew.</summary>
    public sealed record Reconnect : HostRequest;

    /// <summary>From now on monitor_cond is an unknown method.</summary>
    public sealed record DisableMonitorCond : HostRequest;

    public sealed record Describe : HostRequest;

    /// <summary>Whom to follow; kept for <see cref="Follow"/> while the server is active.</summary>
    public sealed record SetSource(string Text) : HostRequest;

    public sealed record GetSource : HostRequest;

    /// <summary>Becomes a backup, or active again.</summary>
    public sealed record Follow(bool IsBackup) : HostRequest;

    /// <summary>"DATABASE:TABLE,..." that a backup keeps as they are.</summary>
    public sealed record SetExcluded(string Text) : HostRequest;

    public sealed record GetExcluded : HostRequest;

    public sealed record SetProbe(string Milliseconds) : HostRequest;

    public sealed record SyncStatus : HostRequest;

    public sealed record OfCluster(string Database, ClusterRequest Request) : HostRequest;

    public sealed record LogTable(string Place, string OnOrOff) : HostRequest;

    public sealed record ListTableLogs : HostRequest;
}

internal sealed record HostAnswer(string Text, string? Error)
{
    public ImmutableArray<(string Name, IActorRef Actor)> Databases { get; init; } = [];
    public bool HasClusters { get; init; }
    public int SessionCount { get; init; }
}
