using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Akka.DistributedData;
using Fabric.ActorRuntime.Tests.Cluster;

namespace Fabric.ActorRuntime.Tests.DistributedData;

using Cluster = Akka.Cluster.Cluster;
using DistributedData = Akka.DistributedData.DistributedData;

/// <summary>Replicators of three hosts over real connections.</summary>
public sealed class ReplicatorTests : IAsyncDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private static readonly ORSetKey<string> Hosts = new("hosts");
    private static readonly LWWDictionaryKey<string, string> Ports = new("ports");

    private readonly ClusterHosts _hosts = new();

    [Fact]
    public async Task An_update_is_visible_on_the_others()
    {
        var systems =
            await _hosts.StartCluster(3, "akka.cluster.distributed-data.gossip-interval = 500ms");
        foreach (var system in systems) DistributedData.Get(system);
        await Until(systems, ReplicaCountIs3, "three replicas");
        var inbox = new ConcurrentQueue<Changed>();
        var listener = systems[2].ActorOf(Props.Create(() => new Listener(inbox)));
        DistributedData.Get(systems[2]).Replicator.Tell(Dsl.Subscribe(Hosts, listener));

        var watch = Stopwatch.StartNew();
        await Add(systems[0], "a", WriteLocal.Instance);
        await ClusterHosts.Until(
            () => inbox.LastOrDefault()?.Get(Hosts).Contains("a") == true, "a on the third host");
        Console.WriteLine($"visible after {watch.Elapsed.TotalMilliseconds:F0} ms");

        await Add(systems[1], "b", WriteLocal.Instance);
        await Add(systems[2], "c", WriteLocal.Instance);
        await Until(systems, async s =>
            (await Read(s)).SetEquals(["a", "b", "c"]), "all everywhere");

        await Remove(systems[2], "a");
        await Until(systems, async s => (await Read(s)).SetEquals(["b", "c"]), "a gone everywhere");
    }

    [Fact]
    public async Task Majority_writes_are_seen_by_majority_reads()
    {
        var systems = await _hosts.StartCluster(3);
        foreach (var system in systems) DistributedData.Get(system);
        await Until(systems, ReplicaCountIs3, "three replicas");
        var key = new PNCounterKey("count");
        for (var i = 0; i < 9; i++)
        {
            var node = Cluster.Get(systems[i % 3]);
            var answer = await DistributedData.Get(systems[i % 3]).Replicator.Ask<IUpdateResponse>(
                Dsl.Update(
                    key, PNCounter.Empty, new WriteMajority(Timeout), c => c.Increment(node, 5)));
            Assert.True(answer.IsSuccessful);
            var read = await DistributedData.Get(systems[(i + 1) % 3]).GetAsync(
                key, new ReadMajority(Timeout));
            Assert.Equal(5 * (i + 1), (int)read.Value);
        }

        await DistributedData.Get(systems[0]).DeleteAsync(key, new WriteAll(Timeout));
        await Assert.ThrowsAsync<DataDeleted>(
            () => DistributedData.Get(systems[1]).GetAsync(key));
    }

    [Fact]
    public async Task A_host_that_joins_late_learns_everything()
    {
        var systems =
            await _hosts.StartCluster(1, "akka.cluster.distributed-data.gossip-interval = 300ms");
        var replicator = DistributedData.Get(systems[0]).Replicator;
        var node = Cluster.Get(systems[0]);
        for (var i = 0; i < 50; i++)
        {
            var port = "port" + i;
            await replicator.Ask<IUpdateResponse>(Dsl.Update(
                Ports, LWWDictionary<string, string>.Empty, WriteLocal.Instance,
                map => map.SetItem(node, port, "host")));
        }

        await Add(systems[0], "a", WriteLocal.Instance);
        var late = _hosts.Start("akka.cluster.distributed-data.gossip-interval = 300ms");
        Cluster.Get(late).Join(node.SelfAddress);
        var replica = DistributedData.Get(late);
        await Until(
            [late],
            async _ =>
                await replica.Replicator.Ask<IGetResponse>(Dsl.Get(Ports)) is GetSuccess found
                && found.Get(Ports).Count == 50,
            "50 ports at the late one");
        await Until([late], async s => (await Read(s)).SetEquals(["a"]), "the set, too");
    }

    [Fact]
    public async Task A_function_that_throws_changes_nothing()
    {
        var systems = await _hosts.StartCluster(1);
        var replicator = DistributedData.Get(systems[0]).Replicator;
        var answer = await replicator.Ask<IUpdateResponse>(Dsl.Update(
            Hosts, ORSet<string>.Empty, WriteLocal.Instance,
            _ => throw new InvalidOperationException("no")));
        var failure = Assert.IsType<ModifyFailure>(answer);
        Assert.Contains("no", failure.ErrorMessage, StringComparison.Ordinal);
        Assert.IsType<NotFound>(await replicator.Ask<IGetResponse>(Dsl.Get(Hosts)));
    }

    public ValueTask DisposeAsync() => _hosts.DisposeAsync();

    private static async Task Add(ActorSystem system, string element, IWriteConsistency consistency)
    {
        var node = Cluster.Get(system);
        var answer = await DistributedData.Get(system).Replicator.Ask<IUpdateResponse>(
            Dsl.Update(Hosts, ORSet<string>.Empty, consistency, set => set.Add(node, element)));
        Assert.True(answer.IsSuccessful);
    }

    private static async Task Remove(ActorSystem system, string element)
    {
        var node = Cluster.Get(system);
        await DistributedData.Get(system).Replicator.Ask<IUpdateResponse>(Dsl.Update(
            Hosts, ORSet<string>.Empty, WriteLocal.Instance, set => set.Remove(node, element)));
    }

    private static async Task<ImmutableHashSet<string>> Read(ActorSystem system)
    {
        var answer = await DistributedData.Get(system).Replicator.Ask<IGetResponse>(Dsl.Get(Hosts));
        return answer.IsFound ? [.. answer.Get(Hosts)] : [];
    }

    private static async Task<bool> ReplicaCountIs3(ActorSystem system)
    {
        var count = await DistributedData.Get(system).Replicator.Ask<ReplicaCount>(
            GetReplicaCount.Instance);
        return count.N == 3;
    }

    private static async Task Until(
        IEnumerable<ActorSystem> systems, Func<ActorSystem, Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        foreach (var system in systems)
        {
            while (!await condition(system))
            {
                Assert.True(watch.Elapsed < ClusterHosts.Patience, $"not in time: {what}");
                await Task.Delay(20);
            }
        }
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(ConcurrentQueue<Changed> inbox) => Receive<Changed>(inbox.Enqueue);
    }
}
