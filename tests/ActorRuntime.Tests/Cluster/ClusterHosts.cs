using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;

namespace Fabric.ActorRuntime.Tests.Cluster;

using Cluster = Akka.Cluster.Cluster;

/// <summary>Actor systems of one cluster in this process, over real loopback connections.</summary>
internal sealed class ClusterHosts : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private const string Fast =
        """
        akka {
          loglevel = WARNING
          stdout-loglevel = WARNING
          actor.provider = cluster
          remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
          remote.retry-gate-closed-for = 200ms
          cluster {
            gossip-interval = 100ms
            leader-actions-interval = 100ms
            unreachable-nodes-reaper-interval = 100ms
            seed-node-timeout = 1s
            retry-unsuccessful-join-after = 2s
            run-coordinated-shutdown-when-down = on
            failure-detector {
              heartbeat-interval = 200ms
              acceptable-heartbeat-pause = 2s
              expected-response-after = 500ms
            }
            split-brain-resolver.stable-after = 1s
          }
        }
        """;

    private readonly List<ActorSystem> _systems = [];

    public IReadOnlyList<ActorSystem> Systems => _systems;

    public static Config Settings(string more = "") =>
        ConfigurationFactory.ParseString(more).WithFallback(ConfigurationFactory.ParseString(Fast));

    public ActorSystem Start(string more = "", string name = "fabric")
    {
        var system = ActorSystem.Create(name, Settings(more));
        _systems.Add(system);
        return system;
    }

    /// <summary>Starts hosts that join the first one, and waits until all see all as Up.</summary>
    public async Task<IReadOnlyList<ActorSystem>> StartCluster(int count, string more = "")
    {
        for (var i = 0; i < count; i++) Start(more);
        var seed = Cluster.Get(_systems[0]).SelfAddress;
        foreach (var system in _systems) Cluster.Get(system).JoinSeedNodes([seed]);
        await Until(() => _systems.All(s => UpCount(s) == count), "all members up everywhere");
        return _systems;
    }

    public static int UpCount(ActorSystem system) =>
        Cluster.Get(system).State.Members.Count(m => m.Status == MemberStatus.Up);

    /// <summary>Polls until it holds.</summary>
    public static async Task Until(Func<bool> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Patience, $"not within {Patience}: {what}");
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_systems.Select(s => s.Terminate()));
    }
}
