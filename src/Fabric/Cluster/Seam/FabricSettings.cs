using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

/// <summary>Certificate of this host for mutual TLS, as PEM files.</summary>
/// <remarks>
/// Certificates that ca.crl beside the authority's file lists are refused, as soon as it is there.
/// </remarks>
public sealed record ClusterTls(string CertificateFile, string KeyFile, string AuthorityFile)
{
    public string RevocationFile => Path.Combine(
        Path.GetDirectoryName(Path.GetFullPath(AuthorityFile)) ?? "/", "ca.crl");
}

/// <summary>How soon silence counts as failure.</summary>
/// <param name="AcceptablePause">A member that is silent for longer is unreachable.</param>
/// <param name="StableAfter">Then a partition is decided when nothing changed for so long.</param>
public sealed record FailureTimes(
    TimeSpan HeartbeatInterval, TimeSpan AcceptablePause, TimeSpan StableAfter)
{
    public static readonly FailureTimes Default = new(
        TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5));

    /// <summary>For hosts on one quiet network.</summary>
    public static readonly FailureTimes Fast = new(
        TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));

    /// <summary>Beats are thought to be at least so irregular.</summary>
    /// <remarks>Suspicion comes about six of these after the acceptable pause.</remarks>
    public TimeSpan MinDeviation =>
        TimeSpan.FromTicks(Math.Min(HeartbeatInterval.Ticks / 2, TimeSpan.TicksPerSecond / 10));

    /// <summary>How often silence is looked for.</summary>
    public TimeSpan ReaperInterval =>
        TimeSpan.FromTicks(Math.Min(HeartbeatInterval.Ticks, TimeSpan.TicksPerSecond / 4));
}

/// <summary>How this host takes part in the cluster; fabric.cluster and fabric.remoting.</summary>
/// <param name="HostId">Also the name in its certificate.</param>
/// <param name="BindAddress">Where remoting listens; also what others connect to.</param>
/// <param name="Seeds">"host:port" of hosts to join through, this one or not.</param>
/// <param name="Forms">May form a cluster, if it has never been in one.</param>
/// <param name="IsVoter">May vote on the northbound.</param>
/// <param name="StateDirectory">Holds the member file.</param>
/// <param name="Tls">Null only where no other machine can connect.</param>
public sealed record FabricSettings(
    string HostId, string BindAddress, int Port, ImmutableArray<string> Seeds, bool Forms,
    bool IsVoter, string StateDirectory, ClusterTls? Tls, FailureTimes Times,
    DatabaseSchema NorthboundSchema, TimeProvider Clock)
{
    /// <summary>Clusters of different names never merge; letters, digits, '-' and '_'.</summary>
    public string ClusterName { get; init; } = "fabric";

    public LogTimes LogTimes { get; init; } = LogTimes.Default;

    /// <summary>HOCON laid over what these settings make, for what has no setting.</summary>
    public string Overrides { get; init; } = "";

    /// <summary>Longest pause before another incarnation of the clustered system.</summary>
    public TimeSpan RestartPauseMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Ids of logs, transactions and rows; seeded where a run is to be repeated.</summary>
    public Func<Guid> NewUuid { get; init; } = Guid.NewGuid;

    /// <summary>
    /// Connection string of the PostgreSQL that holds the northbound log; null where hosts do.
    /// </summary>
    public string? NorthboundConnection { get; init; }

    /// <summary>Measures this host's load; null: it is not told.</summary>
    public Func<HostLoad>? ReadLoad { get; init; }

    public WriterSurroundings Surroundings => new(
        NorthboundSchema, LogTimes, NewUuid,
        () => Clock.GetUtcNow().ToUnixTimeMilliseconds())
    {
        Sql = NorthboundConnection is { } connection ? new SqlLog(connection, ClusterName) : null,
    };
}
