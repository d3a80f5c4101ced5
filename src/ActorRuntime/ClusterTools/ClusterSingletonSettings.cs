using Akka.Actor;
using Akka.Configuration;
using Akka.Coordination;

namespace Akka.Cluster.Tools.Singleton;

/// <summary>What <c>akka.cluster.singleton</c> says.</summary>
public sealed record ClusterSingletonManagerSettings(
    string SingletonName,
    string? Role,
    TimeSpan RemovalMargin,
    TimeSpan HandOverRetryInterval,
    LeaseUsageSettings? LeaseSettings = null)
{
    public static ClusterSingletonManagerSettings Create(ActorSystem system)
    {
        system.Settings.InjectTopLevelFallback(ClusterSingletonManager.DefaultConfig());
        return Create(system.Settings.Config.GetConfig("akka.cluster.singleton"));
    }

    public static ClusterSingletonManagerSettings Create(Config config) => new(
        config.GetString("singleton-name"),
        config.GetString("role") is { Length: > 0 } role ? role : null,
        TimeSpan.Zero,
        config.GetTimeSpan("hand-over-retry-interval"));

    public ClusterSingletonManagerSettings WithSingletonName(string singletonName) =>
        this with { SingletonName = singletonName };

    public ClusterSingletonManagerSettings WithRole(string? role) => this with { Role = role };

    /// <summary>
    /// How long to wait after an older host was downed before its singleton is started here.
    /// Zero: as the downing provider says.
    /// </summary>
    public ClusterSingletonManagerSettings WithRemovalMargin(TimeSpan removalMargin) =>
        this with { RemovalMargin = removalMargin };

    public ClusterSingletonManagerSettings WithHandOverRetryInterval(
        TimeSpan handOverRetryInterval) =>
        this with { HandOverRetryInterval = handOverRetryInterval };

    public ClusterSingletonManagerSettings WithLeaseSettings(LeaseUsageSettings leaseSettings) =>
        this with { LeaseSettings = leaseSettings };
}

/// <summary>What <c>akka.cluster.singleton-proxy</c> says.</summary>
public sealed record ClusterSingletonProxySettings(
    string SingletonName,
    string? Role,
    TimeSpan SingletonIdentificationInterval,
    int BufferSize,
    bool ConsiderAppVersion)
{
    public static ClusterSingletonProxySettings Create(ActorSystem system)
    {
        system.Settings.InjectTopLevelFallback(ClusterSingletonManager.DefaultConfig());
        return Create(system.Settings.Config.GetConfig("akka.cluster.singleton-proxy"), false);
    }

    public static ClusterSingletonProxySettings Create(Config config, bool considerAppVersion) =>
        new(
            config.GetString("singleton-name"),
            config.GetString("role") is { Length: > 0 } role ? role : null,
            config.GetTimeSpan("singleton-identification-interval"),
            config.GetInt("buffer-size", 1000),
            considerAppVersion);

    public ClusterSingletonProxySettings WithSingletonName(string singletonName) =>
        this with { SingletonName = singletonName };

    public ClusterSingletonProxySettings WithRole(string? role) => this with { Role = role };

    public ClusterSingletonProxySettings WithSingletonIdentificationInterval(
        TimeSpan singletonIdentificationInterval) =>
        this with { SingletonIdentificationInterval = singletonIdentificationInterval };

    /// <summary>
    /// Messages that wait while the singleton is not known; older ones are dropped.
    /// </summary>
    public ClusterSingletonProxySettings WithBufferSize(int bufferSize) =>
        this with { BufferSize = bufferSize };
}

/// <summary>Settings of a singleton that <see cref="ClusterSingleton"/> makes.</summary>
public sealed record ClusterSingletonSettings(
    string? Role,
    TimeSpan SingletonIdentificationInterval,
    TimeSpan RemovalMargin,
    TimeSpan HandOverRetryInterval,
    int BufferSize,
    LeaseUsageSettings? LeaseSettings = null)
{
    public static ClusterSingletonSettings Create(ActorSystem system)
    {
        var manager = ClusterSingletonManagerSettings.Create(system);
        var proxy = ClusterSingletonProxySettings.Create(system);
        return new ClusterSingletonSettings(
            manager.Role, proxy.SingletonIdentificationInterval, manager.RemovalMargin,
            manager.HandOverRetryInterval, proxy.BufferSize);
    }

    /// <param name="config">A whole configuration, with the key <c>akka.cluster</c>.</param>
    public static ClusterSingletonSettings Create(Config config)
    {
        var full = config.WithFallback(ClusterSingletonManager.DefaultConfig());
        var manager = ClusterSingletonManagerSettings.Create(
            full.GetConfig("akka.cluster.singleton"));
        var proxy = ClusterSingletonProxySettings.Create(
            full.GetConfig("akka.cluster.singleton-proxy"), false);
        return new ClusterSingletonSettings(
            manager.Role, proxy.SingletonIdentificationInterval, manager.RemovalMargin,
            manager.HandOverRetryInterval, proxy.BufferSize);
    }

    public ClusterSingletonSettings WithRole(string? role) => this with { Role = role };

    public ClusterSingletonSettings WithRemovalMargin(TimeSpan removalMargin) =>
        this with { RemovalMargin = removalMargin };

    public ClusterSingletonSettings WithHandOverRetryInterval(TimeSpan handOverRetryInterval) =>
        this with { HandOverRetryInterval = handOverRetryInterval };

    public ClusterSingletonSettings WithLeaseSettings(LeaseUsageSettings leaseSettings) =>
        this with { LeaseSettings = leaseSettings };
}
