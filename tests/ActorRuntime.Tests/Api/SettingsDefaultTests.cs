using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;
using Akka.DistributedData;
using Akka.TestKit;

namespace Fabric.ActorRuntime.Tests.Api;

using Cluster = Akka.Cluster.Cluster;

/// <summary>Defaults under Akka's keys are the ones that Akka.NET documents.</summary>
[Trait("Runtime", "Embedded")]
public sealed class SettingsDefaultTests
{
    private const string Alone =
        """
        akka.actor.provider = cluster
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
        """;

    private static TimeSpan Seconds(double count) => TimeSpan.FromSeconds(count);

    [Fact]
    public async Task The_clusters()
    {
        var system = ActorSystem.Create("defaults", ConfigurationFactory.ParseString(Alone));
        var settings = Cluster.Get(system).Settings;
        Assert.Equal("defaults", settings.SystemName);
        Assert.Empty(settings.SeedNodes);
        Assert.Empty(settings.Roles);
        Assert.Equal((1, 9), (settings.MinNrOfMembers, settings.MonitoredByNrOfMembers));
        Assert.Empty(settings.MinNrOfMembersOfRole);
        Assert.Equal(Seconds(1), settings.GossipInterval);
        Assert.Equal(Seconds(1), settings.HeartbeatInterval);
        Assert.Equal(Seconds(1), settings.LeaderActionsInterval);
        Assert.Equal(Seconds(1), settings.UnreachableNodesReaperInterval);
        Assert.Equal(Seconds(5), settings.SeedNodeTimeout);
        Assert.Equal(Seconds(10), settings.RetryUnsuccessfulJoinAfter);
        Assert.Null(settings.ShutdownAfterUnsuccessfulJoinSeedNodes);
        Assert.True(settings.AllowWeaklyUpMembers);
        Assert.Equal(Seconds(7), settings.WeaklyUpAfter);
        Assert.True(settings.LogInfo);
        Assert.True(settings.RunCoordinatedShutdownWhenDown);
        Assert.StartsWith("Akka.Cluster.SBR.SplitBrainResolverProvider",
            settings.DowningProviderType, StringComparison.Ordinal);
        Assert.Equal("0.0.0", settings.AppVersion.Version);
        Assert.Equal("x", new ClusterSettings(system.Settings.Config, "x").SystemName);
        var provider = Cluster.Get(system).DowningProvider;
        Assert.True(provider.DownRemovalMargin > TimeSpan.Zero);
        Assert.NotNull(provider.DowningActorProps);
        Assert.Null(new NoDowning().DowningActorProps);

        var replicator = ReplicatorSettings.Create(system);
        Assert.Equal(Seconds(2), replicator.GossipInterval);
        Assert.Equal(Seconds(0.5), replicator.NotifySubscribersInterval);
        Assert.Equal(500, replicator.MaxDeltaElements);
        Assert.Equal(Seconds(120), replicator.PruningInterval);
        Assert.Equal(Seconds(300), replicator.MaxPruningDissemination);
        Assert.False(replicator.PreferOldest);
        Assert.True(string.IsNullOrEmpty(replicator.Role));
        Assert.True(replicator.MaxDeltaSize > 0);
        Assert.True(replicator.PruningMarkerTimeToLive > replicator.MaxPruningDissemination);
        var pruned = replicator.WithPruning(Seconds(1), Seconds(2));
        Assert.Equal((Seconds(1), Seconds(2)),
            (pruned.PruningInterval, pruned.MaxPruningDissemination));
        Assert.NotNull(Replicator.Props(replicator));

        var manager = ClusterSingletonManagerSettings.Create(system);
        Assert.Equal("singleton", manager.SingletonName);
        Assert.Equal(Seconds(1), manager.HandOverRetryInterval);
        Assert.True(string.IsNullOrEmpty(manager.Role));
        Assert.True(manager.RemovalMargin >= TimeSpan.Zero);
        Assert.Null(manager.LeaseSettings);
        var proxy = ClusterSingletonProxySettings.Create(system);
        Assert.Equal(("singleton", 1000), (proxy.SingletonName, proxy.BufferSize));
        Assert.Equal(Seconds(1), proxy.SingletonIdentificationInterval);
        Assert.False(proxy.ConsiderAppVersion);
        Assert.True(string.IsNullOrEmpty(proxy.Role));
        Assert.Equal(1000, ClusterSingletonSettings.Create(system).BufferSize);
        await system.Terminate();
    }

    [Fact]
    public void Default_configurations_are_there()
    {
        Assert.Equal("singleton", ClusterSingletonManager.DefaultConfig()
            .GetString("akka.cluster.singleton.singleton-name"));
        Assert.Equal(1000, ClusterSingletonProxy.DefaultConfig()
            .GetInt("akka.cluster.singleton-proxy.buffer-size"));
        Assert.True(Akka.DistributedData.DistributedData.DefaultConfig()
            .HasPath("akka.cluster.distributed-data"));
        Assert.Equal("akka.persistence.journal.inmem", Akka.Persistence.Persistence.DefaultConfig()
            .GetString("akka.persistence.journal.plugin"));
        Assert.True(ConfigurationFactory.Default().HasPath("akka.actor"));
        Assert.NotNull(ConfigurationFactory.Load());
        Assert.True(ConfigurationFactory.Empty.IsEmpty);
        Assert.True(Config.Empty.IsEmpty);
    }

    [Fact]
    public async Task The_systems_own()
    {
        var system = ActorSystem.Create("own", ConfigurationFactory.ParseString(
            "akka.stdout-loglevel = OFF"));
        var settings = system.Settings;
        Assert.Same(system, settings.System);
        Assert.Equal("INFO", settings.LogLevel, ignoreCase: true);
        Assert.Equal("OFF", settings.StdoutLogLevel, ignoreCase: true);
        Assert.NotEmpty(settings.Loggers);
        Assert.Equal(Timeout.InfiniteTimeSpan, settings.AskTimeout);
        Assert.False(settings.DebugEventStream || settings.DebugLifecycle
            || settings.DebugUnhandledMessage);
        Assert.NotNull(settings.Setup);
        settings.InjectTopLevelFallback(ConfigurationFactory.ParseString("own.key = 5"));
        Assert.Equal(5, settings.Config.GetInt("own.key"));
        await system.Terminate();
    }

    [Fact]
    public void The_test_kits()
    {
        var settings = new TestKitSettings(TestKitBase.DefaultConfig);
        Assert.Equal(Seconds(5), settings.DefaultTimeout);
        Assert.Equal(Seconds(3), settings.SingleExpectDefault);
        Assert.Equal(Seconds(3), settings.TestEventFilterLeeway);
        Assert.Equal(1.0, settings.TestTimeFactor);
        Assert.False(settings.LogTestKitCalls);
        Assert.Equal("DEBUG", TestKitBase.FullDebugConfig.GetString("akka.loglevel"));
        Assert.Equal("akka.test.calling-thread-dispatcher", CallingThreadDispatcher.Id);
    }
}
